# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames as the bytes that a file holds, and decoding them here.

`FrameSource.stored_frames` hands out a `StoredFrames` where whole frames are stored as single chunks of a known codec;
an engine that takes such chunks never sees a decoded frame.  `ChunkStore` does it for the chunks of HDF5 datasets, and
decodes every other layout of chunks to frames: tiles, several frames in a chunk, the other byte order.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from azimuthal.errors import FileFormatError
from azimuthal.io.frames._chunk_table import ChunkTable
from azimuthal.io.frames._native import CODECS, decode
from azimuthal.io.frames._open_files import OpenFiles
from azimuthal.typing import AnyArray

#: Decoded chunks of several frames that are kept, in bytes; two at least.
_KEPT_BYTES = 256 << 20
#: Bytes that the headers of a chunk may take, beside twice its pixels.
_SLACK = 1 << 16


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """Where the bytes of a frame lie.

    Parameters
    ----------
    path, dataset:
        The file, and the dataset in it: behind external links and virtual datasets.
    offset, size:
        Position in the file, and number of bytes.
    codec:
        ``"bitshuffle-lz4"``, ``"bitshuffle-zstd"``, ``"lz4"`` or ``"none"``.
    dtype:
        Type of the pixels as stored, with its byte order.
    shape:
        Of the frame.
    name:
        Names the frame in errors: file, dataset, number.
    """

    path: str
    dataset: str
    offset: int
    size: int
    codec: str
    dtype: np.dtype[Any]
    shape: tuple[int, int]
    name: str

    @property
    def can_decode(self) -> bool:
        """Whether `decode` knows the codec."""
        return self.codec in CODECS

    def decode(self, chunk: Any, out: AnyArray | None = None) -> AnyArray:
        """Return the frame that the stored bytes are, in native byte order; decoded in this thread alone.

        Raises
        ------
        FileFormatError
            The chunk is damaged.
        """
        frame = np.empty(self.shape, self.dtype.newbyteorder("=")) if out is None else out
        _decode(self.codec, self.dtype, chunk, frame, self.name, 1)
        return frame

    def damage(self, chunk: Any) -> FileFormatError:
        """Return the error that says what is wrong with a chunk that an engine refused."""
        if self.can_decode:
            try:
                self.decode(chunk)
            except FileFormatError as error:
                return error
        return FileFormatError(f"{self.name}: the compressed chunk of {len(chunk)} bytes is damaged.")


class StoredFrames(Protocol):
    """Access to the stored bytes of the frames of an open source; safe to use from several threads."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the decoded frames."""

    def locate(self, index: int) -> StoredFrame | None:
        """Return where the bytes of a frame lie; None unless they are one chunk of a known codec.

        Raises
        ------
        FileFormatError, FileMissingError
            The frame is not stored.
        """

    def read(self, index: int, out: memoryview | None = None) -> memoryview:
        """Return the stored bytes of a frame that `locate` finds, in `out` when that is given and has their size.

        Raises
        ------
        FileFormatError
            The file ends before, or is another one now.
        """


class ChunkStore:
    """Frames from the chunks of HDF5 datasets, without HDF5; a `StoredFrames`.

    Parameters
    ----------
    shape, dtype:
        Of the decoded frames.
    place:
        Returns the chunks that hold a frame and the number of the frame among them, or None.
    where:
        Names a frame in errors.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        place: Callable[[int], tuple[ChunkTable, int] | None],
        where: Callable[[int], str],
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self._place = place
        self._where = where
        self._files = OpenFiles()
        self._kept = _DecodedChunks()

    def locate(self, index: int) -> StoredFrame | None:
        """Return where the bytes of a frame lie (`StoredFrames.locate`)."""
        found = self._place(index)
        if found is None or not found[0].is_whole:
            return None
        table, number = found
        place = table.place(number)
        return StoredFrame(table.file, table.dataset, *place, table.dtype, self.shape, self._where(index))

    def read(self, index: int, out: memoryview | None = None) -> memoryview:
        """Return the stored bytes of a frame (`StoredFrames.read`)."""
        return self._read(*self._whole(index), self._where(index), out)

    def fill(self, index: int, out: AnyArray, n_threads: int) -> bool:
        """Decode a frame into `out`, C-contiguous; False: it has to be left to HDF5.

        Raises
        ------
        FileFormatError, FileMissingError
            The frame is not stored, or damaged.
        """
        found = self._place(index)
        if found is None or found[0].codec not in CODECS:
            return False
        table, number = found
        where = self._where(index)
        if table.is_whole:
            _decode(table.place(number)[2], table.dtype, self._read(table, number, where), out, where, n_threads)
            return True
        for chunk, target, part in table.parts(number):
            out[target] = self._chunk(table, chunk, where, n_threads)[part]
        return True

    def close(self) -> None:
        """Close the files."""
        self._files.close()
        self._kept.clear()

    def _whole(self, index: int) -> tuple[ChunkTable, int]:
        """Return where a frame is that is one chunk."""
        found = self._place(index)
        if found is None or not found[0].is_whole:
            raise FileFormatError(f"{self._where(index)}: is not stored as one chunk of a known codec.")
        return found

    def _read(self, table: ChunkTable, number: int, where: str, out: memoryview | None = None) -> memoryview:
        offset, size, _ = table.place(number)
        if size > 2 * table.chunk_bytes + _SLACK:  # before memory is claimed
            raise FileFormatError(
                f"{where}: the file says that its chunk takes {size} bytes; decoded it has {table.chunk_bytes}."
            )
        content = memoryview(bytearray(size)) if out is None or len(out) != size else out
        self._files.read(table.file, table.identity, offset, content, where)
        return content

    def _chunk(self, table: ChunkTable, number: int, where: str, n_threads: int) -> AnyArray:
        def decoded() -> AnyArray:
            values = np.empty(table.chunks, self.dtype)
            _decode(table.place(number)[2], table.dtype, self._read(table, number, where), values, where, n_threads)
            return values

        if table.frames_per_chunk == 1:
            return decoded()
        return self._kept.get((table.file, table.dataset, number), decoded)


def _decode(codec: str, dtype: np.dtype[Any], chunk: Any, out: AnyArray, where: str, n_threads: int) -> None:
    """Decode a chunk of pixels of the stored type `dtype` to native byte order."""
    decode(codec, chunk, out, where, n_threads)
    if not dtype.isnative:
        out.byteswap(inplace=True)


class _DecodedChunks:
    """The chunks of several frames that were used last; each is decoded by one thread while the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: OrderedDict[tuple[str, str, int], _Slot] = OrderedDict()

    def get(self, key: tuple[str, str, int], make: Callable[[], AnyArray]) -> AnyArray:
        """Return the chunk, made if it is not there."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
        with slot.lock:
            if slot.values is None:
                slot.values = make()
                self._forget(slot.values.nbytes)
            return slot.values

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._slots.clear()

    def _forget(self, n_bytes: int) -> None:
        with self._lock:
            while len(self._slots) > max(2, _KEPT_BYTES // max(1, n_bytes)):
                self._slots.popitem(last=False)


class _Slot:
    """A place for one chunk, and the lock of whoever decodes it."""

    __slots__ = ("lock", "values")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: AnyArray | None = None
