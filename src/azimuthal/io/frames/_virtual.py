# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sources of an HDF5 virtual dataset, and whether they are there.

HDF5 returns the fill value for whatever a virtual dataset cannot find: an absent file, an absent dataset
inside it, rows beyond the end of a source that was cut short.  `VirtualSources` looks before reading.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.io.frames._chunk_check import BITSHUFFLE, check_bitshuffle
from azimuthal.io.frames._native import CODECS, codec_of
from azimuthal.io.hdf5 import (
    H5Object,
    filter_names,
    filter_options,
    is_dataset,
    locate,
    open_hdf5,
    require_filters,
)

_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class _Source:
    """One mapping: how many frames of a source it shows, and from which element to which (None: not known)."""

    file: str
    dataset: str
    exists: bool
    low: tuple[int, ...]
    high: tuple[int, ...]
    n_frames: int | None


class VirtualSources:
    """The sources of one virtual dataset.

    Parameters
    ----------
    handle:
        The open virtual dataset.
    depth:
        How many virtual datasets lead here.

    Raises
    ------
    FileMissingError
        The file of a source is absent; the message names it and says how many are.
    """

    def __init__(self, handle: H5Object, depth: int = 0) -> None:
        if depth > _DEEPEST:
            raise FileFormatError(
                f"{handle.file.filename}::{handle.name}: virtual datasets nested more than {_DEEPEST} deep."
            )
        self._depth = depth
        self._parent = handle.file.filename
        self._own_file = handle.file
        mappings = handle.virtual_sources()
        self._sources = [self._source(mapping) for mapping in mappings]
        absent = [source for source in self._sources if not source.exists]
        if absent:
            raise FileMissingError(
                f"{self._parent}::{handle.name}: the virtual dataset shows {absent[0].file}, which does not "
                f"exist; {len(absent)} of {len(self._sources)} sources are missing. Put the files back where "
                "the master expects them, or open those that are there by a pattern."
            )
        n_leading = self._n_leading = len(handle.shape) - 2
        everything = ((0,) * n_leading, (1 << 62,) * n_leading)
        bounds = [_bounds(mapping.vspace) or everything for mapping in mappings]
        self._first = np.array([low[:n_leading] for low, _ in bounds], np.int64).reshape(len(bounds), n_leading)
        self._last = np.array([high[:n_leading] for _, high in bounds], np.int64).reshape(len(bounds), n_leading)
        self._checked: dict[tuple[str, str], tuple[int, ...]] = {}
        self.filters: tuple[str, ...] = ()
        self._unready: list[tuple[str, str]] = []
        self._made_ready: set[tuple[str, str]] = set()
        if self._sources:
            self._extent(self._sources[0])

    def check(self, leading: tuple[int, ...], where: str) -> None:
        """Raise when a source of the frame at `leading` is absent or too short, or when it has no source."""
        index = np.array(leading, np.int64)
        shown = np.flatnonzero(((self._first <= index) & (index <= self._last)).all(axis=1))
        if shown.size == 0:
            raise FileFormatError(f"{where} has no source in the virtual dataset: it was never written.")
        for number in shown.tolist():
            source = self._sources[number]
            extent = self._extent(source)
            if self._is_beyond(number, index, extent):
                raise FileFormatError(
                    f"{where} should come from {source.file}::{source.dataset}, which has shape {extent} and "
                    "ends before it: the acquisition or the copy stopped early."
                )

    def require_filters(self) -> None:
        """Load the filters of all sources looked at so far: HDF5 needs even those that are decoded here otherwise.

        Raises
        ------
        MissingDependencyError
            One needs hdf5plugin, which is not installed.
        FileFormatError
            The index of one names more chunks than it has: HDF5 does not find them then, and fills in zeros.
        """
        for place in tuple(self._unready):
            if place not in self._made_ready:
                with open_hdf5(place[0]) as opened:
                    require_filters(opened[place[1]])
                    _check_index(opened[place[1]], f"{place[0]}::{place[1]}")
                self._made_ready.add(place)

    def _is_beyond(self, number: int, index: Any, extent: tuple[int, ...]) -> bool:
        """Say whether the frame `index` lies beyond the end of source `number`.

        Of a source that is shorter than its mapping, a frame that is early enough is still whole.  How many frames
        a mapping needs is counted in the virtual dataset: HDF5 shrinks a selection of everything with the source.
        """
        source = self._sources[number]
        if source.n_frames is None or len(extent) != self._n_leading + 2 or self._n_leading != 1:
            return any(size <= high for size, high in zip(extent, source.high, strict=False))
        if any(size <= high for size, high in zip(extent[1:], source.high[1:], strict=False)):
            return True
        start = source.low[0] if source.low else 0
        first, last = int(self._first[number, 0]), int(self._last[number, 0])
        if extent[0] >= start + source.n_frames:
            return False
        interleaved = last - first + 1 != source.n_frames
        return interleaved or start + int(index[0]) - first >= extent[0]

    def _source(self, mapping: Any) -> _Source:
        name = mapping.file_name.replace("%b", "0") if "%b" in mapping.file_name else mapping.file_name
        target = locate(self._parent, name, mapping.dset_name.replace("%b", "0"))
        low, high = _bounds(mapping.src_space) or ((), ())
        return _Source(str(target.file), target.path, target.exists, low, high, _count_frames(mapping.vspace))

    def _extent(self, source: _Source) -> tuple[int, ...]:
        """Return the shape of a source dataset; each is opened once, and its filters are made ready."""
        key = (source.file, source.dataset)
        if key not in self._checked:
            if source.file == str(self._parent):
                self._checked[key] = self._look(self._own_file, source)
            else:
                with open_hdf5(source.file) as file:
                    self._checked[key] = self._look(file, source)
        return self._checked[key]

    def _look(self, file: H5Object, source: _Source) -> tuple[int, ...]:
        item = file.get(source.dataset)
        if item is None or not is_dataset(item):
            raise FileMissingError(
                f"{self._parent}: the virtual dataset shows {source.file}::{source.dataset}, but that file "
                "has no such dataset."
            )
        if item.is_virtual:
            nested = VirtualSources(item, self._depth + 1)
            self.filters = self.filters or nested.filters
            self._unready += nested._unready
            return tuple(int(size) for size in item.shape)
        if codec_of(filter_options(item), item.dtype.itemsize) in CODECS:
            self._unready.append((source.file, source.dataset))
        else:
            require_filters(item)
            for number, options in filter_options(item):
                if number == BITSHUFFLE:
                    check_bitshuffle(options, item.dtype.itemsize, f"{source.file}::{source.dataset}")
        self.filters = self.filters or filter_names(item)
        return tuple(int(size) for size in item.shape)


def _check_index(item: H5Object, where: str) -> None:
    if item.chunks is None:
        return
    most = math.prod(-(-size // chunk) for size, chunk in zip(item.shape, item.chunks, strict=True))
    if item.id.get_num_chunks() > most:
        raise FileFormatError(f"{where}: its index names more than the {most} chunks that it has; it is damaged.")


def _bounds(space: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the lowest and highest index of a selection; None where they cannot be told (unlimited)."""
    try:
        low, high = space.get_select_bounds()
    except (RuntimeError, ValueError, OverflowError):
        return None
    return tuple(int(part) for part in low), tuple(int(part) for part in high)


def _count_frames(space: Any) -> int | None:
    """Return the number of frames that a selection in the virtual dataset covers; None when it is unlimited."""
    bounds = _bounds(space)
    if bounds is None:
        return None
    part_of_frame = math.prod(high - low + 1 for low, high in zip(bounds[0][-2:], bounds[1][-2:], strict=True))
    return int(space.get_select_npoints()) // max(1, part_of_frame)
