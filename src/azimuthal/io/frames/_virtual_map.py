# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which stored frame each frame of a virtual dataset is.

Resolved are mappings that show whole frames, in any order, of datasets that may themselves be virtual.  Everything
else (modules side by side, unlimited and irregular selections, overlaps, another type or frame size) is left to HDF5.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from azimuthal.io.frames._chunk_table import ChunkTable, read_chunk_table
from azimuthal.io.hdf5 import H5Object, is_dataset, locate, open_hdf5
from azimuthal.typing import IntArray

_DEEPEST = 8
_ABSENT = -1
_UNRESOLVED = -2
#: ``H5S_SEL_ALL``, a constant of the C interface
_SELECTS_ALL = 3
_LARGEST = 1 << 40


class VirtualMap:
    """The frames of one virtual dataset; sources are opened when their first frame is asked for.

    Parameters
    ----------
    dataset:
        The open virtual dataset.
    depth:
        How many virtual datasets lead here.
    """

    def __init__(self, dataset: H5Object, depth: int = 0) -> None:
        self.shape = tuple(int(size) for size in dataset.shape)
        self.dtype = dataset.dtype.newbyteorder("=")
        self.n_frames = math.prod(self.shape[:-2])
        self._depth = depth
        self._parent = dataset.file.filename
        self._lock = threading.Lock()
        self._source = np.full(self.n_frames, _ABSENT, np.int32)
        self._frame = np.zeros(self.n_frames, np.int64)
        self._targets: dict[tuple[str, str], int] = {}
        self._opened: dict[int, ChunkTable | VirtualMap | None] = {}
        for mapping in dataset.virtual_sources():
            self._add(mapping)

    def find(self, frame: int) -> tuple[ChunkTable, int] | None:
        """Return the dataset that stores a frame, and the number of the frame in it; None: left to HDF5.

        The number may be beyond the end of a source that was cut short; -1 stands for a frame without source.
        """
        number = int(self._source[frame])
        if number == _UNRESOLVED:
            return None
        if number == _ABSENT:
            return self._nothing()
        source = self._opened[number] if number in self._opened else self._open(number)
        position = int(self._frame[frame])
        if isinstance(source, VirtualMap):
            return source.find(position) if position < source.n_frames else source.beyond()
        return None if source is None else (source, position)

    def beyond(self) -> tuple[ChunkTable, int] | None:
        """Return what `find` gives for a frame beyond the end."""
        return self._nothing()

    def _nothing(self) -> tuple[ChunkTable, int] | None:
        """Return a frame that is not stored, of any source, so that the caller finds it absent."""
        for number in self._targets.values():
            source = self._opened[number] if number in self._opened else self._open(number)
            if isinstance(source, ChunkTable):
                return source, -1
            if isinstance(source, VirtualMap):
                return source.beyond()
        return None

    def _add(self, mapping: Any) -> None:
        """Enter the frames that one mapping shows."""
        shown = _selected_frames(mapping.vspace, self.shape)
        if shown is None:  # which frames it touches is not known
            self._source[:] = _UNRESOLVED
            return
        frames, whole = shown
        taken = None if not whole or "%b" in mapping.file_name + mapping.dset_name else self._taken(mapping, frames)
        overlaps = self._source[frames] != _ABSENT
        if taken is None:
            self._source[frames] = _UNRESOLVED
            return
        self._source[frames] = self._number(mapping)
        self._frame[frames] = taken
        self._source[frames[overlaps]] = _UNRESOLVED

    def _taken(self, mapping: Any, frames: IntArray) -> IntArray | None:
        """Return the numbers, in the source, of the frames that a mapping takes; None: not whole frames."""
        space = mapping.src_space
        if space.get_select_type() == _SELECTS_ALL:
            return np.arange(frames.size)
        selected = _selected_frames(space, tuple(int(size) for size in space.shape), frame_shape=self.shape[-2:])
        if selected is None or not selected[1]:
            return None
        taken = selected[0]
        if taken.size == frames.size:
            return taken
        # HDF5 shrinks the selection with a source that was cut short
        in_a_row = taken.size < frames.size and taken.size > 0 and taken[-1] - taken[0] == taken.size - 1
        return taken[0] + np.arange(frames.size) if in_a_row and len(space.shape) == 3 else None

    def _number(self, mapping: Any) -> int:
        found = locate(self._parent, mapping.file_name, mapping.dset_name)
        return self._targets.setdefault((str(found.file), found.path), len(self._targets))

    def _open(self, number: int) -> ChunkTable | VirtualMap | None:
        with self._lock:
            if number not in self._opened:
                file, path = list(self._targets)[number]
                with open_hdf5(file) as opened:
                    self._opened[number] = self._resolved(opened.get(path))
            return self._opened[number]

    def _resolved(self, item: H5Object | None) -> ChunkTable | VirtualMap | None:
        if item is None or not is_dataset(item) or self._depth >= _DEEPEST:
            return None
        if item.shape[-2:] != self.shape[-2:] or item.dtype.newbyteorder("=") != self.dtype:
            return None
        if item.ndim > 3:  # a mapping does not say how its source counts frames over several dimensions
            return None
        return VirtualMap(item, self._depth + 1) if item.is_virtual else read_chunk_table(item)


def _selected_frames(
    space: Any, shape: tuple[int, ...], *, frame_shape: tuple[int, ...] | None = None
) -> tuple[IntArray, bool] | None:
    """Return the numbers of the frames that a selection touches, in its order, and whether it has them whole.

    None: the selection is irregular or unlimited.
    """
    ranges = _ranges(space, shape)
    if ranges is None or len(shape) < 2:
        return None
    size = shape[-2:] if frame_shape is None else frame_shape
    whole = all(
        part.size == length and part[0] == 0 and part[-1] == length - 1
        for part, length in zip(ranges[-2:], size, strict=True)
    )
    leading = ranges[:-2]
    if len(leading) < 2:
        return (leading[0] if leading else np.zeros(1, np.int64)), whole
    frames = np.ravel_multi_index(np.ix_(*leading), shape[:-2])
    return np.asarray(frames, np.int64).reshape(-1), whole


def _ranges(space: Any, shape: tuple[int, ...]) -> list[IntArray] | None:
    """Return the indices that a regular selection takes along every dimension."""
    try:
        if space.get_select_type() == _SELECTS_ALL:
            return [np.arange(size) for size in shape]
        if not space.is_regular_hyperslab():
            return None
        start, stride, count, block = space.get_regular_hyperslab()
    except (RuntimeError, ValueError, OverflowError):
        return None
    if max((*count, *block), default=0) > _LARGEST or len(start) != len(shape):  # unlimited
        return None
    return [
        (int(first) + int(step) * np.arange(int(number))[:, np.newaxis] + np.arange(int(width))).reshape(-1)
        for first, step, number, width in zip(start, stride, count, block, strict=True)
    ]
