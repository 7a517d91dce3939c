# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many files as one source: the frames of all files, one after the other."""

from __future__ import annotations

import bisect
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.io.frames._address import file_of
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.frames._stored import StoredFrames
from azimuthal.io.frames.pool import PooledStoredFrames, SourcePool
from azimuthal.typing import AnyArray


class SeriesFrames(FrameSource):
    """The frames of several files, in the order given; shapes and types must agree.

    Opening looks at every file once (its header, for the formats that are read here); later at most eight
    files that are not being read are kept open, so that thousands of files need few handles.

    Labels are those of the files: ``stem`` for a single frame, ``stem_00000`` ... for several.  Equal stems
    from different folders get the folder in front, and a number when that is not enough: every label is
    unique.

    Parameters
    ----------
    paths:
        The files, as the user wrote them.
    opener:
        Opens one of them.

    Raises
    ------
    ShapeError, DataTypeError
        A file differs from the first one; it is named.
    FileMissingError, FileFormatError
        A file is absent or cannot be read.
    """

    def __init__(self, paths: Sequence[str], opener: Callable[[str], FrameSource]) -> None:
        if not paths:
            raise ParameterError("source: expected at least one file, got an empty list.")
        self._pool = SourcePool(paths, opener)
        counts = []
        names = []
        try:
            for number, path in enumerate(paths):
                with self._pool.borrowed(number) as source:
                    if number == 0:
                        shape, dtype, metadata = source.shape, source.dtype, source.metadata
                    _check_agreement(path, source, paths[0], shape, dtype)
                    counts.append(len(source))
                    names.append(source.name)
        except BaseException:
            self._pool.close()
            raise
        self._counts = counts
        self._starts = list(itertools.accumulate(counts, initial=0))
        self._names = unique_names(names, paths)
        metadata.pop("name")
        super().__init__(
            shape=shape,
            dtype=dtype,
            n_frames=self._starts[-1],
            name=names[0],
            metadata={**metadata, "path": paths[0], "n_files": len(paths), "last_path": paths[-1]},
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """The files, in order."""
        return tuple(self._pool.paths)

    def label(self, index: int) -> str:
        """Return the label of a frame, made from the name of its file."""
        number, local = self._find(self._checked_index(index))
        return self._names[number] if self._counts[number] == 1 else f"{self._names[number]}_{local:05d}"

    def frame_metadata(self, index: int) -> dict[str, Any]:
        """Return the metadata of the file of a frame, and of the frame itself."""
        number, local = self._find(self._checked_index(index))
        with self._pool.borrowed(number) as source:
            return {**source.metadata, **source.frame_metadata(local)}

    def frame_facts(self, index: int, *, constants: bool = True) -> dict[str, Any]:
        """Return what was measured with a frame (`FrameSource.frame_facts`)."""
        number, local = self._find(self._checked_index(index))
        with self._pool.borrowed(number) as source:
            return source.frame_facts(local, constants=constants)

    @property
    def decoder(self) -> str:
        """What turns the stored bytes of the first frame into pixels."""
        with self._pool.borrowed(0) as source:
            return source.decoder

    def decoder_of(self, index: int) -> str:
        """Return what decodes one frame in `read`."""
        number, local = self._find(self._checked_index(index))
        with self._pool.borrowed(number) as source:
            return source.decoder_of(local)

    def stored_frames(self) -> StoredFrames:
        """Return access to the stored bytes of the frames, of those files that offer it."""
        self._check_open()
        return PooledStoredFrames(self._pool, self._find, self._dtype)

    def _find(self, index: int) -> tuple[int, int]:
        number = bisect.bisect_right(self._starts, index) - 1
        return number, index - self._starts[number]

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return one frame (`FrameSource.read`)."""
        number, local = self._find(self._checked_index(index))
        self._check_open()
        with self._pool.borrowed(number) as source:
            if len(source) != self._counts[number]:
                raise ShapeError(
                    f"{self._pool.paths[number]}: held {self._counts[number]} frames when it was opened, now "
                    f"{len(source)}."
                )
            _check_agreement(self._pool.paths[number], source, self._pool.paths[0], self._shape, self._dtype)
            return source.read(local, out)

    def _fill(self, index: int, out: AnyArray) -> None:
        self.read(index, out)

    def close(self) -> None:
        """Close all files."""
        self._pool.close()
        super().close()


def _check_agreement(path: str, source: FrameSource, first: str, shape: tuple[int, int], dtype: Any) -> None:
    if source.shape != shape:
        raise ShapeError(f"{path}: expected frames of {shape} as in {first}, got {source.shape}. Open them separately.")
    if source.dtype != dtype:
        raise DataTypeError(
            f"{path}: expected frames of {dtype} as in {first}, got {source.dtype}. Open them separately."
        )


def unique_names(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return `names` made unique: with the folder in front where they repeat, then with a running number."""
    counts = Counter(names)
    folders = [file_of(path).parent.name for path in paths]
    named = [
        f"{folder}_{name}" if counts[name] > 1 and folder else name for name, folder in zip(names, folders, strict=True)
    ]
    counts = Counter(named)
    seen: Counter[str] = Counter()
    unique = []
    for name in named:
        unique.append(f"{name}_{seen[name]:03d}" if counts[name] > 1 else name)
        seen[name] += 1
    return unique


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key that takes digits as numbers: ``f_2.tif`` before ``f_10.tif``."""
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]
