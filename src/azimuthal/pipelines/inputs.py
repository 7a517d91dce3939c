# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The frames of a batch: which files, how many frames in each, and reading them one after the other.

A batch looks at every file once before it starts (the *survey*), so that it knows how many frames there are
and what every output will be called.  A file that exists and cannot be read does not stop the others: it
becomes a `FrameFailure`, with its name and the reason.  A file that does not exist is an error, because
nothing has been done yet and it is most likely a slip of the pen.

`SurveyFrames` makes one frame source of all files, so that ``plan.map`` reads ahead across them.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.errors import AzimuthalError, FileMissingError, ParameterError, ShapeError
from azimuthal.io.frames import FrameSource, StoredFrames, file_of, frame_paths, open_frames
from azimuthal.io.frames.pool import PooledStoredFrames, SourcePool
from azimuthal.typing import AnyArray, BoolArray


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a batch.

    Parameters
    ----------
    path:
        As it is opened: a path, with ``::/dataset`` where one was given.
    name:
        Stem of the labels of its frames.
    shape:
        ``(n_slow, n_fast)`` of its frames.
    dtype:
        Type of its frames, as text.
    n_frames:
        How many.
    has_pixel_mask:
        Whether the file holds the detector's own pixel mask.
    """

    path: str
    name: str
    shape: tuple[int, int]
    dtype: str
    n_frames: int
    has_pixel_mask: bool = False

    @property
    def file(self) -> Path:
        """The file itself, without the dataset inside it."""
        return plain_path(self.path)


@dataclass(frozen=True, slots=True)
class FrameFailure:
    """A frame, or a whole file, that could not be integrated.

    Parameters
    ----------
    name:
        Label of the frame, or the path of the file.
    reason:
        What went wrong.
    n_frames:
        How many frames were lost; None when that is not known.
    """

    name: str
    reason: str
    n_frames: int | None = 1


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to be integrated.

    Parameters
    ----------
    files:
        Files that can be opened, in order.
    failures:
        Files that cannot.
    """

    files: tuple[InputFile, ...]
    failures: tuple[FrameFailure, ...]

    @property
    def n_frames(self) -> int:
        """Number of frames in all files together."""
        return sum(file.n_frames for file in self.files)


class SurveyFrames(FrameSource):
    """The frames of all files of a survey, one file after the other; their types may differ.

    A file that cannot be opened any more, or changed since the survey, is one failure for all frames from there on.

    Parameters
    ----------
    survey:
        With one file at least.
    chosen:
        Numbers of the frames wanted, increasing; None: all of them.
    """

    def __init__(self, survey: Survey, chosen: Sequence[int] | None = None) -> None:
        self._files = survey.files
        self._chosen = range(survey.n_frames) if chosen is None else chosen
        self._starts = list(itertools.accumulate((file.n_frames for file in survey.files), initial=0))
        self._failed: dict[int, AzimuthalError | OSError] = {}
        self._told: set[int] = set()
        numbers = {file.path: number for number, file in enumerate(survey.files)}
        self._pool = SourcePool(list(numbers), lambda path: self._opened(numbers[path]))
        super().__init__(
            shape=survey.files[0].shape,
            dtype=max((np.dtype(file.dtype) for file in survey.files), key=lambda dtype: dtype.itemsize),
            n_frames=len(self._chosen),
            name=survey.files[0].name,
            metadata={"format": "files"},
        )

    def result_metadata(self, index: int) -> dict[str, Any]:
        """Return ``label``, ``index``, ``name`` (stem of the file), ``frame`` (number inside the file) and ``file``.

        ``measurement`` holds what the file says about the frame, where it says something.
        """
        number, local = self._find(index)
        with self._pool.borrowed(number) as source:
            facts = source.frame_facts(local, constants=False)
        return _fields(self._files[number], local, self._chosen[index]) | ({"measurement": facts} if facts else {})

    def decoder_of(self, index: int) -> str:
        """Return what decodes one frame in `read`."""
        number, local = self._find(index)
        with self._pool.borrowed(number) as source:
            return source.decoder_of(local)

    def stored_frames(self) -> StoredFrames:
        """Return access to the stored bytes of the frames, of those files that offer it."""
        return PooledStoredFrames(self._pool, self._find, self._dtype)

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return one frame, in `out` if its type is that of the frame."""
        number, local = self._find(index)
        with self._pool.borrowed(number) as source:
            if out is not None and source.dtype != out.dtype:
                return source.read(local)
            return source.read(local, out)

    def failure(self, index: int, error: Exception) -> FrameFailure | None:
        """Return the failure that an error of a frame is; None when it was told with an earlier frame of its file."""
        number, local = self._find(index)
        file = self._files[number]
        if error is not self._failed.get(number):
            return FrameFailure(_fields(file, local, self._chosen[index])["label"], reason_of(error))
        if number in self._told:
            return None
        self._told.add(number)
        n_lost = bisect.bisect_left(self._chosen, self._starts[number + 1]) - index
        return FrameFailure(file.path, reason_of(error), n_lost)

    def close(self) -> None:
        """Close all files."""
        self._pool.close()
        super().close()

    def _find(self, index: int) -> tuple[int, int]:
        chosen = self._chosen[index]
        number = bisect.bisect_right(self._starts, chosen) - 1
        return number, chosen - self._starts[number]

    def _opened(self, number: int) -> FrameSource:
        if number in self._failed:
            raise self._failed[number].with_traceback(None)  # which would grow with every frame
        file = self._files[number]
        try:
            with contextlib.ExitStack() as stack:
                source = stack.enter_context(open_frames(file.path))
                _check_unchanged(file, source)
                stack.pop_all()
        except (AzimuthalError, OSError) as error:
            self._failed[number] = error
            raise
        return source

    def _fill(self, index: int, out: AnyArray) -> None:
        self.read(index, out)


def survey_files(sources: Sequence[str], *, looked_at: Callable[[int, int], None] | None = None) -> Survey:
    """Look at every file of a batch without reading its frames.

    Parameters
    ----------
    sources:
        Paths, ``file.h5::/dataset`` and patterns.
    looked_at:
        Called with (files looked at, files in all) after each file.

    Raises
    ------
    FileMissingError
        A file does not exist, or a pattern matches nothing.
    ParameterError
        Nothing is given, or a file is given twice.
    AzimuthalError
        No file can be opened; the reason of the first one.
    """
    paths = _distinct(frame_paths(sources))
    files: list[InputFile] = []
    failures: list[FrameFailure] = []
    first_error: Exception | None = None
    for number, path in enumerate(paths, start=1):
        try:
            files.append(_looked_into(path))
        except (AzimuthalError, OSError) as error:
            first_error = first_error or error
            failures.append(FrameFailure(path, reason_of(error), None))
        if looked_at is not None:
            looked_at(number, len(paths))
    if not files and first_error is not None:
        if len(failures) > 1:
            first_error.add_note(f"None of the {len(failures)} files can be opened; this is the first.")
        raise first_error
    return Survey(tuple(files), tuple(failures))


def with_shape(survey: Survey, shape: tuple[int, int]) -> Survey:
    """Return the survey with files whose frames are of another shape moved to the failures.

    Raises
    ------
    ShapeError
        No file is left.
    """
    fitting = tuple(file for file in survey.files if file.shape == shape)
    others = [file for file in survey.files if file.shape != shape]
    failures = tuple(FrameFailure(file.path, _misfit(file, shape), file.n_frames) for file in others)
    if not fitting and failures:
        raise ShapeError(f"{failures[0].name}: {failures[0].reason}")
    return Survey(fitting, (*survey.failures, *failures))


def frame_fields(survey: Survey) -> Iterator[dict[str, Any]]:
    """Yield, for every frame in order, the metadata that name it; nothing is opened."""
    number = 0
    for file in survey.files:
        for index in range(file.n_frames):
            yield _fields(file, index, number)
            number += 1


def plain_path(text: str) -> Path:
    """Return the file of ``file::/dataset[selection]`` or of a url."""
    return file_of(text)


def reason_of(error: BaseException) -> str:
    """Return the message of an error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _distinct(paths: list[str]) -> list[str]:
    if not paths:
        raise ParameterError("images: expected at least one file, got none.")
    seen: set[str] = set()
    for path in paths:
        if not plain_path(path).exists():
            raise FileMissingError(f"{path}: this file does not exist (working folder: {Path.cwd()}).")
        place = f"{plain_path(path).resolve()}::{path.rpartition('::')[2] if '::' in path else ''}"
        if place in seen:
            raise ParameterError(f"images: {path} is given twice; its frames would count twice.")
        seen.add(place)
    return paths


def _looked_into(path: str) -> InputFile:
    with open_frames(path) as source:
        return InputFile(
            path,
            source.name,
            source.shape,
            str(source.dtype),
            len(source),
            "pixel_mask_dataset" in source.metadata,
        )


def _misfit(file: InputFile, shape: tuple[int, int]) -> str:
    transposed = " The rows and columns are exchanged." if file.shape == shape[::-1] else ""
    return f"expected frames of {shape} pixels (slow, fast) as the detector has, got {file.shape}.{transposed}"


def _fields(file: InputFile, index: int, number: int) -> dict[str, Any]:
    label = file.name if file.n_frames == 1 else f"{file.name}_{index:05d}"
    return {"label": label, "index": number, "name": file.name, "frame": index, "file": file.path}


def _check_unchanged(file: InputFile, source: FrameSource) -> None:
    if (len(source), source.shape) != (file.n_frames, file.shape):
        raise ShapeError(
            f"{file.path}: held {file.n_frames} frames of {file.shape} when it was looked at, now {len(source)} of "
            f"{source.shape}. Integrate it when it is complete."
        )


def pixel_mask_of(path: str) -> BoolArray | None:
    """Return the detector's own pixel mask that an image file holds, True = excluded; None without one."""
    with open_frames(path) as source:
        return source.read_mask()
