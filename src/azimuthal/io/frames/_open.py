# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One opener for everything that holds frames."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from azimuthal.errors import DataTypeError, FileFormatError, FileMissingError, ParameterError
from azimuthal.io.frames._address import Address, parse_address
from azimuthal.io.frames._folders import files_of_folder
from azimuthal.io.frames._hdf5_choice import AmbiguousImagesError
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.frames._registry import FABIO, find_reader
from azimuthal.io.frames._series import SeriesFrames, natural_key
from azimuthal.io.frames.memory import ArrayFrames, SequenceFrames, StreamFrames, is_array_like
from azimuthal.io.frames.raw_frames import raw_from_layout
from azimuthal.io.frames.selection import SelectedFrames

_PATTERN_CHARACTERS = re.compile(r"[*?\[]")


def open_frames(source: Any, *, dataset: str | None = None) -> FrameSource:
    """Open anything that holds detector images.

    Parameters
    ----------
    source:
        One of

        * a path: TIFF, EDF, CBF, HDF5/NeXus, ``.npy``, and with the extra ``formats`` whatever fabio reads;
          ``.gz`` and ``.bz2`` of all but HDF5;
        * ``"file.h5::/entry/data/data"``: an HDF5 file and a dataset or group in it;
        * ``"file.h5::/data[10:20]"``, ``silx:`` and ``fabio:`` urls, headerless files ``raw:...``: see
          `azimuthal.io.frames._address`;
        * a folder: its images in natural order, when all are of one format;
        * a pattern, ``"run_*.tif"`` (``**`` for sub-folders), with or without ``::/path``: the files in
          natural order;
        * a list or tuple of paths (patterns are not expanded in it), or an iterator of paths: their frames in
          this order;
        * a NumPy array (2-D, 3-D, more dimensions flattened) or anything with ``shape``, ``dtype`` and
          indexing;
        * a list or tuple of 2-D arrays;
        * an iterator or generator of 2-D arrays, which is read once, in order;
        * an open `FrameSource`, which is returned.
    dataset:
        HDF5: the path of a dataset or group in the file; the same as after ``::``.

    Returns
    -------
    :
        The open source; use it in a ``with`` block or close it.

    Raises
    ------
    FileMissingError
        A file does not exist, a pattern matches nothing, or a member of a master file is absent; it is named.
    FileFormatError
        A file is truncated, malformed or unknown, or several datasets could be the images.
    ShapeError, DataTypeError
        Frames differ in shape or type, or are no images.
    MissingDependencyError
        The format needs a package that is not installed; the message has the command.
    ParameterError
        `dataset` is given twice, or for something that has no datasets; a list is empty; a pattern matches
        both an EIGER master and its data files.

    Notes
    -----
    Input files are never modified.  Sources can be read from several threads (see
    `azimuthal.io.frames.FrameSource`).

    Examples
    --------
    >>> import numpy as np
    >>> with open_frames(np.zeros((10, 4, 6), np.uint16)) as frames:
    ...     len(frames), frames.shape, str(frames.dtype), frames.label(3)
    (10, (4, 6), 'uint16', 'frame_00003')
    """
    if isinstance(source, str | os.PathLike):
        return _open_text(os.fspath(source), dataset)
    if not isinstance(source, FrameSource) and _is_list_of_paths(source):
        return _open_many([os.fspath(path) for path in source], dataset)
    if dataset is not None:
        raise ParameterError(
            f"dataset: only files have datasets, got dataset={dataset!r} with {type(source).__name__}."
        )
    return _open_objects(source)


def _open_objects(source: Any) -> FrameSource:
    if isinstance(source, FrameSource):
        return source
    if is_array_like(source):
        return ArrayFrames(source)
    if isinstance(source, list | tuple):
        return _open_arrays(source)
    if isinstance(source, Iterable) and not isinstance(source, dict | set | bytes):
        return _open_iterator(source)
    raise DataTypeError(
        f"source: expected a path, a pattern, an array, or a list or iterator of paths or 2-D arrays, got "
        f"{type(source).__name__}."
    )


def _is_list_of_paths(source: Any) -> bool:
    if not isinstance(source, list | tuple) or not source:
        return False
    kinds = {isinstance(item, str | os.PathLike) for item in source}
    if len(kinds) == 2:
        raise DataTypeError("source: a list of frames holds paths or arrays, not both.")
    return kinds == {True}


def _open_arrays(arrays: Sequence[Any]) -> FrameSource:
    for number, item in enumerate(arrays):
        if not is_array_like(item):
            raise DataTypeError(f"source[{number}]: expected a path or a 2-D array, got {type(item).__name__}.")
    return SequenceFrames(arrays)


def _open_iterator(source: Iterable[Any]) -> FrameSource:
    """Open an iterator of paths (such as ``folder.glob(...)``) or of arrays."""
    iterator = iter(source)
    first = next(iterator, None)
    if first is None:
        raise ParameterError("source: expected at least one frame, got an iterable that is empty.")
    rest = itertools.chain([first], iterator)
    if isinstance(first, str | os.PathLike):
        return _open_objects_or_paths(list(rest))
    if not is_array_like(first):
        raise DataTypeError(f"source[0]: expected a path or a 2-D array, got {type(first).__name__}.")
    return StreamFrames(rest)


def _open_objects_or_paths(items: list[Any]) -> FrameSource:
    _is_list_of_paths(items)
    return _open_many([os.fspath(path) for path in items], None)


def _open_text(text: str, dataset: str | None) -> FrameSource:
    """Open a path or a pattern."""
    return _open_many(frame_paths([text]), dataset)


def frame_paths(sources: Sequence[str]) -> list[str]:
    """Return the files that some paths and patterns mean, in order; patterns in natural order.

    Parameters
    ----------
    sources:
        Paths and patterns, each with or without ``::/dataset``.  A name that exists is no pattern, whatever its
        characters.

    Raises
    ------
    FileMissingError
        A pattern matches nothing.  Whether plain paths exist is not looked at.
    ParameterError
        An EIGER master and its data files are both meant.
    """
    paths: list[str] = []
    for text in sources:
        address = parse_address(text)
        if Path(address.file).is_dir():
            paths += [address.text(found) for found in files_of_folder(address.file)]
        elif _PATTERN_CHARACTERS.search(address.file) and not Path(address.file).exists():
            paths += [address.text(found) for found in _matches(address.file)]
        else:
            paths.append(text)
    _refuse_doubles(paths)
    return paths


def _matches(pattern: str) -> list[str]:
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207  # takes absolute patterns, pathlib does not
    found = sorted((name for name in names if Path(name).is_file()), key=natural_key)
    if not found:
        raise FileMissingError(f"{pattern}: no file matches this pattern (working folder: {Path.cwd()}).")
    return found


def _open_many(paths: list[str], dataset: str | None) -> FrameSource:
    _refuse_doubles(paths)
    if len(paths) == 1:
        return _open_one(dataset, paths[0])
    return SeriesFrames(paths, partial(_open_one, dataset))


def _open_one(dataset: str | None, text: str) -> FrameSource:
    address = parse_address(text)
    inner = address.dataset
    if inner is not None and dataset is not None and inner.strip("/") != dataset.strip("/"):
        raise ParameterError(f"dataset: {dataset!r} contradicts {inner!r} in {text!r}. Give it once.")
    if Path(address.file).is_dir():
        raise FileFormatError(
            f"{address.file}: is a folder, expected a file. Name the files by a pattern, e.g. '{address.file}/*.cbf'."
        )
    source = _read_by(address, dataset if inner is None else inner)
    try:
        if address.selection is not None:
            source = SelectedFrames(source, address.selection)
        _refuse_mixed_channels(source, text)
    except BaseException:
        source.close()
        raise
    return source


def _read_by(address: Address, dataset: str | None) -> FrameSource:
    if address.scheme == "raw":
        return raw_from_layout(address.file, address.layout)
    reader = FABIO if address.scheme == "fabio" else find_reader(address.file)
    return reader.open(address.file, dataset)


def _refuse_mixed_channels(source: FrameSource, text: str) -> None:
    """Refuse several thresholds of a detector as one series: they are different measurements of one exposure."""
    facts = source.metadata
    channels = facts.get("channels", ())
    if len(channels) < 2 or "channel" in facts:
        return
    axis = ":, " * int(facts["channel_axis"])
    plain = parse_address(text)
    names = [f"{plain.file}::{facts['dataset']}[{axis}{name}]" for name in channels]
    raise AmbiguousImagesError(
        f"{plain.file}: {facts['dataset']} holds {len(channels)} channels for every frame ({', '.join(channels)}). "
        f"Name the one that is meant, e.g. '{names[0]}'.",
        names,
    )


_EIGER_FILE = re.compile(r"(?P<stem>.*)_(?:master|data_\d+)\.(?:h5|hdf5|nxs)$")


def _refuse_doubles(paths: Sequence[str]) -> None:
    """Refuse an EIGER master together with its data files: every frame would count twice."""
    masters = {
        match["stem"]
        for path in paths
        if (match := _EIGER_FILE.match(path)) and "_master." in path[len(match["stem"]) :]
    }
    for path in paths:
        match = _EIGER_FILE.match(path)
        if match and match["stem"] in masters and "_data_" in path[len(match["stem"]) :]:
            raise ParameterError(
                f"source: {path} holds frames that {match['stem']}_master shows too; they would count twice. "
                "Open '*_master.h5' or '*_data_*.h5'."
            )
