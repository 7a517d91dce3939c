# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where the chunks of an HDF5 dataset lie in its file: read once, kept as three arrays.

HDF5 walks its index of chunks once (`chunk_iter`, about 1 s for a million chunks); afterwards the bytes of a chunk
are a plain read at a known position, which needs neither HDF5 nor its process-wide lock.
"""

from __future__ import annotations

import contextlib
import math
import os
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from azimuthal.io.frames._native import codec_of
from azimuthal.io.hdf5 import H5Object, filter_options
from azimuthal.typing import AnyArray, IntArray


class ChunkTable:
    """The chunks of one dataset, numbered in C order of the grid that they form.

    A contiguous dataset appears as one chunk per frame.

    Parameters
    ----------
    file, identity:
        Absolute path of the file, and its device and inode where the system has them.
    dataset:
        Path of the dataset in it.
    shape, chunks:
        Shape of the dataset and of a chunk.
    dtype:
        As stored, with its byte order.
    codec:
        How chunks are compressed, as `_native.codec_of` names it.
    offsets, sizes:
        Position in the file and stored bytes of every chunk; the position of a chunk without storage is -1.
    skipped:
        Chunks that skipped the filter; None when there are none.
    """

    def __init__(
        self,
        *,
        file: str,
        identity: tuple[int, int] | None,
        dataset: str,
        shape: tuple[int, ...],
        chunks: tuple[int, ...],
        dtype: np.dtype[Any],
        codec: str,
        offsets: IntArray,
        sizes: IntArray,
        skipped: AnyArray | None,
    ) -> None:
        self.file = file
        self.identity = identity
        self.dataset = dataset
        self.shape = shape
        self.chunks = chunks
        self.dtype = dtype
        self.codec = codec
        self.n_frames = math.prod(shape[:-2])
        self.chunk_bytes = math.prod(chunks) * dtype.itemsize
        self.frames_per_chunk = math.prod(chunks[:-2])
        #: Whether each chunk is exactly one frame: the number of the chunk is then the number of the frame.
        self.is_whole = self.frames_per_chunk == 1 and chunks[-2:] == shape[-2:]
        self._offsets = offsets
        self._sizes = sizes
        self._skipped = skipped
        self._grid = _grid(shape, chunks)

    def place(self, number: int) -> tuple[int, int, str]:
        """Return position (-1: no storage), stored bytes and codec of a chunk."""
        codec = "none" if self._skipped is not None and self._skipped[number] else self.codec
        return int(self._offsets[number]), int(self._sizes[number]), codec

    def is_stored(self, frame: int) -> bool:
        """Say whether the dataset has this frame, and every chunk of it has storage."""
        if not 0 <= frame < self.n_frames:
            return False
        if self.is_whole:
            return bool(self._offsets[frame] >= 0)
        return all(self._offsets[number] >= 0 for number, _, _ in self.parts(frame))

    def parts(self, frame: int) -> Iterator[tuple[int, tuple[slice, slice], tuple[Any, ...]]]:
        """Yield, for every chunk with a part of a frame: its number, where the part goes, where it is in the chunk."""
        leading = np.unravel_index(frame, self.shape[:-2]) if self.shape[:-2] else ()
        corner = tuple(int(i) // c for i, c in zip(leading, self.chunks, strict=False))
        inside = tuple(int(i) % c for i, c in zip(leading, self.chunks, strict=False))
        height, width = self.chunks[-2:]
        n_slow, n_fast = self.shape[-2:]
        for row in range(self._grid[-2]):
            for column in range(self._grid[-1]):
                number = int(np.ravel_multi_index((*corner, row, column), self._grid))
                rows = slice(row * height, min(n_slow, (row + 1) * height))
                columns = slice(column * width, min(n_fast, (column + 1) * width))
                cut = slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start)
                yield number, (rows, columns), (*inside, *cut)


def read_chunk_table(dataset: H5Object) -> ChunkTable | None:
    """Return where the chunks of an open dataset lie.

    Returns
    -------
    :
        None when that cannot be told or would not help: other filters than the known codecs, compact or external
        storage, a file with a user block, nothing written yet.
    """
    dtype = dataset.dtype
    if dataset.is_virtual or dtype.kind not in "uif" or dataset.ndim < 2 or dataset.file.userblock_size:
        return None
    codec = codec_of(filter_options(dataset), dtype.itemsize)
    if codec is None:
        return None
    stored = _contiguous(dataset) if dataset.chunks is None else _chunked(dataset)
    if stored is None:
        return None
    chunks, offsets, sizes, skipped = stored
    return ChunkTable(
        file=os.path.abspath(dataset.file.filename),  # noqa: PTH100  # the working folder may change later
        identity=_identity(dataset.file),
        dataset=dataset.name,
        shape=tuple(int(size) for size in dataset.shape),
        chunks=chunks,
        dtype=dtype,
        codec=codec,
        offsets=offsets,
        sizes=sizes,
        skipped=skipped,
    )


_Stored = tuple[tuple[int, ...], IntArray, IntArray, AnyArray | None]


def _contiguous(dataset: H5Object) -> _Stored | None:
    start = dataset.id.get_offset()
    if start is None or dataset.id.get_create_plist().get_external_count():
        return None
    frame = (*(1 for _ in dataset.shape[:-2]), *dataset.shape[-2:])
    size = math.prod(frame) * dataset.dtype.itemsize
    n_frames = math.prod(dataset.shape[:-2])
    offsets = start + size * np.arange(n_frames, dtype=np.int64)
    return tuple(int(part) for part in frame), offsets, np.broadcast_to(np.int64(size), n_frames), None


def _chunked(dataset: H5Object) -> _Stored | None:
    chunks = tuple(int(size) for size in dataset.chunks)
    grid = _grid(dataset.shape, chunks)
    rows = _walk(dataset)
    offsets = np.full(math.prod(grid), -1, np.int64)
    sizes = np.zeros(offsets.size, np.int64)
    skipped = None
    if len(rows):
        if not _is_told_alike(dataset, rows[-1]):
            return None
        numbers = np.ravel_multi_index(tuple((rows[:, :-3] // np.array(chunks)).T), grid)
        offsets[numbers] = rows[:, -2]
        sizes[numbers] = rows[:, -1]
        if rows[:, -3].any() and filter_options(dataset):
            skipped = np.zeros(offsets.size, np.bool_)
            skipped[numbers] = rows[:, -3] != 0
    return chunks, offsets, sizes, skipped


def _walk(dataset: H5Object) -> IntArray:
    """Return a row for each stored chunk: its first element, filter mask, position, bytes."""
    values = array("q")

    def note(chunk: Any) -> None:
        values.extend(chunk[0])
        values.extend(chunk[1:])

    if hasattr(dataset.id, "chunk_iter"):
        dataset.id.chunk_iter(note)
    else:  # h5py built with an HDF5 before 1.12.3
        for number in range(dataset.id.get_num_chunks()):
            note(dataset.id.get_chunk_info(number))
    return np.frombuffer(values, np.int64).reshape(-1, dataset.ndim + 3)


def _is_told_alike(dataset: H5Object, row: IntArray) -> bool:
    """Say whether HDF5 finds a chunk where its walk says: a few releases gave the first element in other units."""
    told = dataset.id.get_chunk_info_by_coord(tuple(int(part) for part in row[:-3]))
    return bool(told.byte_offset == row[-2] and told.size == row[-1])


def _grid(shape: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-int(size) // int(chunk)) for size, chunk in zip(shape, chunks, strict=True))


def _identity(file: H5Object) -> tuple[int, int] | None:
    """Return device and inode of the file that HDF5 has open, so that another one of its name is not taken for it."""
    with contextlib.suppress(OSError, ValueError, RuntimeError, NotImplementedError):
        found = os.fstat(file.id.get_vfd_handle())
        if found.st_ino:
            return found.st_dev, found.st_ino
    return None
