# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Bounds-checked reading of bytes from a file that may be gzip or bzip2 compressed.

Every offset and size in an image file is a claim.  Readers ask for bytes through `ByteFile`, which either
returns all of them or raises a `FileFormatError` that says how many were expected and how many there are.
"""

from __future__ import annotations

import bz2
import gzip
import os
import threading
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.typing import PathLike

_GZIP_SIGNATURE = b"\x1f\x8b"
_BZIP2_SIGNATURE = b"BZh"
_PIECE = 1 << 20
_HAS_POSITIONED_READ = hasattr(os, "preadv")

COMPRESSED_SUFFIXES = (".gz", ".bz2")


class ByteFile:
    """A file as a sequence of bytes; compressed files appear as their decompressed content.

    A plain file is read at any position without seeking.  A compressed one is decompressed from its start as
    far as it was asked for, and kept in memory.

    Thread safety: all methods may be called from any thread.

    Raises
    ------
    FileMissingError
        The file does not exist.
    FileFormatError
        It is a folder, may not be read, or the compressed stream is damaged.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self._stream: IO[bytes] = _open_binary(self.path)
        self._lock = threading.Lock()
        self._content: bytearray | None = None
        self._finished = False
        signature = self._stream.read(3)
        self._stream.seek(0)
        if signature[:2] == _GZIP_SIGNATURE:
            self._decompressor: gzip.GzipFile | bz2.BZ2File = gzip.GzipFile(fileobj=self._stream)
            self._content = bytearray()
        elif signature == _BZIP2_SIGNATURE:
            self._decompressor = bz2.BZ2File(self._stream)
            self._content = bytearray()

    @property
    def is_compressed(self) -> bool:
        """Whether the file on disk is a gzip or bzip2 stream."""
        return self._content is not None

    @property
    def size(self) -> int | None:
        """Number of bytes; None for a compressed file that has not been read to its end."""
        if self._content is None:
            return os.fstat(self._stream.fileno()).st_size
        return len(self._content) if self._finished else None

    def read_up_to(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, or fewer where the file ends."""
        if self._content is not None:
            self._decompress_to(offset + size)
            return bytes(self._content[offset : offset + size])
        if _HAS_POSITIONED_READ:
            return _positioned_read(self._stream.fileno(), size, offset)
        with self._lock:
            self._stream.seek(offset)
            return self._stream.read(size)

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Return exactly `size` bytes from `offset`; `what` names them in the error."""
        self.require(offset, size, what)
        content = self.read_up_to(offset, size)
        if len(content) != size:
            raise self._short(offset, size, len(content), what)
        return content

    def read_into(self, buffer: memoryview, offset: int, what: str) -> None:
        """Fill a writable, contiguous buffer of bytes from `offset` on."""
        if self._content is None and _HAS_POSITIONED_READ:
            done = 0
            while done < len(buffer):
                count = os.preadv(self._stream.fileno(), [buffer[done:]], offset + done)
                if count == 0:
                    raise self._short(offset, len(buffer), done, what)
                done += count
            return
        buffer[:] = self.read(offset, len(buffer), what)

    def require(self, offset: int, size: int, what: str) -> None:
        """Raise when the bytes from `offset` to ``offset + size`` are not all there."""
        if offset < 0 or size < 0:
            raise FileFormatError(f"{self.path}: {what}: negative position or size ({offset}, {size}).")
        if self._content is not None:
            self._decompress_to(offset + size)
        end = self.size
        if end is not None and offset + size > end:
            raise self._short(offset, size, max(0, end - offset), what)

    def foresee(self, offset: int, size: int, what: str) -> None:
        """Like `require`, but leave a compressed file alone: its length is only known by decompressing it."""
        if self._content is None:
            self.require(offset, size, what)

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        with self._lock:
            if self._content is not None:
                self._decompressor.close()
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decompress_to(self, end: int) -> None:
        content = self._content
        if content is None or self._finished or len(content) >= end:
            return
        with self._lock:
            while not self._finished and len(content) < end:
                try:
                    piece = self._decompressor.read(_PIECE)
                except (EOFError, OSError, zlib.error, ValueError) as error:
                    raise FileFormatError(
                        f"{self.path}: the compressed stream is truncated or damaged after {len(content)} "
                        f"bytes of content ({error})."
                    ) from error
                if not piece:
                    self._finished = True
                content += piece

    def _short(self, offset: int, size: int, got: int, what: str) -> FileFormatError:
        return FileFormatError(
            f"{self.path}: {what}: expected {size} bytes at position {offset}, got {got}; the file is "
            "truncated or its header is wrong."
        )


def _positioned_read(descriptor: int, size: int, offset: int) -> bytes:
    """Return up to `size` bytes; the system may hand them out in several parts."""
    content = os.pread(descriptor, size, offset)
    if len(content) in {0, size}:
        return content
    parts = [content]
    have = len(content)
    while have < size:
        part = os.pread(descriptor, size - have, offset + have)
        if not part:
            break
        parts.append(part)
        have += len(part)
    return b"".join(parts)


def _open_binary(path: Path) -> IO[bytes]:
    try:
        return path.open("rb", buffering=0 if _HAS_POSITIONED_READ else -1)
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist.") from None
    except IsADirectoryError:
        raise FileFormatError(
            f"{path}: is a folder, expected an image file. Name the files by a pattern, e.g. '{path}/*.cbf'."
        ) from None
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path}: cannot be read: {error}.") from error


def frame_name(path: PathLike) -> str:
    """Return the name that results of a file carry: its file name without compression suffix and extension.

    A suffix of digits is the frame number of some formats (``sample.0026``) and stays.
    """
    name = Path(path)
    if name.suffix.lower() in COMPRESSED_SUFFIXES:
        name = name.with_suffix("")
    return name.name if name.suffix[1:].isdigit() else name.stem


def plain_suffix(path: PathLike) -> str:
    """Return the extension in lower case, without a compression suffix: ``".cbf"`` of ``run_1.CBF.gz``."""
    name = Path(path)
    if name.suffix.lower() in COMPRESSED_SUFFIXES:
        name = name.with_suffix("")
    return name.suffix.lower()
