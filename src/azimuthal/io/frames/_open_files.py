# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Reading bytes at known positions of many files, from many threads, with few files open."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from azimuthal.errors import FileFormatError, FileMissingError

_LIMIT = 32
_HAS_POSITIONED_READ = hasattr(os, "pread")
#: Linux reads at most 2 GiB at once, whatever is asked for.
_LARGEST_READ = 1 << 30


class OpenFiles:
    """Files that are open for reading; the ones used longest ago are closed first, never while one reads.

    Thread safety: every method may be called from any thread.  Where the system cannot read at a position (Windows)
    every thread opens files of its own.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, int], _Entry] = OrderedDict()
        self._closed = False

    def __len__(self) -> int:
        """Return how many files are open."""
        return len(self._open)

    def read(self, file: str, identity: tuple[int, int] | None, offset: int, size: int, where: str) -> bytes:
        """Return `size` bytes from position `offset` of a file.

        Parameters
        ----------
        file:
            Absolute path.
        identity:
            Device and inode that it must have; None: whatever.
        where:
            Names what is read in the error.

        Raises
        ------
        FileFormatError
            The file ends before, cannot be read, or is not the one that it was.
        FileMissingError
            It is not there any more.
        """
        with self._borrowed(file, identity, where) as descriptor:
            try:
                content = _read(descriptor, offset, size)
            except OSError as error:
                raise FileFormatError(f"{where}: {file} cannot be read: {error}.") from error
        if len(content) != size:
            raise FileFormatError(
                f"{where}: expected {size} bytes at position {offset} of {file}, got {len(content)}: the file was "
                "truncated, or is still being written."
            )
        return content

    def close(self) -> None:
        """Close all files; those that are being read right after that."""
        with self._lock:
            self._closed = True
            for entry in self._open.values():
                if not entry.n_users:
                    os.close(entry.descriptor)
                entry.is_kept = False
            self._open.clear()

    @contextmanager
    def _borrowed(self, file: str, identity: tuple[int, int] | None, where: str) -> Iterator[int]:
        key = file, 0 if _HAS_POSITIONED_READ else threading.get_ident()
        with self._lock:
            entry = self._open.get(key)
            if entry is None:
                entry = self._open[key] = _Entry(_opened(file, identity, where))
                entry.is_kept = not self._closed
                if self._closed:
                    del self._open[key]
                self._close_idle()
            else:
                self._open.move_to_end(key)
            entry.n_users += 1
        try:
            yield entry.descriptor
        finally:
            with self._lock:
                entry.n_users -= 1
                if not entry.n_users and not entry.is_kept:
                    os.close(entry.descriptor)

    def _close_idle(self) -> None:
        while len(self._open) > self._limit:
            _, entry = self._open.popitem(last=False)
            if not entry.n_users:
                os.close(entry.descriptor)
            entry.is_kept = False


class _Entry:
    """An open file: whether the collection keeps it open, and how many threads read from it."""

    __slots__ = ("descriptor", "is_kept", "n_users")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.is_kept = True
        self.n_users = 0


def _opened(file: str, identity: tuple[int, int] | None, where: str) -> int:
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise FileMissingError(f"{where}: {file} does not exist any more.") from None
    except OSError as error:
        raise FileFormatError(f"{where}: {file} cannot be read: {error}.") from error
    if identity is not None:
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) != identity:
            os.close(descriptor)
            raise FileFormatError(f"{where}: {file} was replaced after it was opened. Open it again.")
    return descriptor


def _read(descriptor: int, offset: int, size: int) -> bytes:
    """Return up to `size` bytes; the system may hand them out in several parts."""
    content = _part(descriptor, offset, min(size, _LARGEST_READ))
    if len(content) in {0, size}:
        return content
    parts = [content]
    have = len(content)
    while have < size:
        part = _part(descriptor, offset + have, min(size - have, _LARGEST_READ))
        if not part:
            break
        parts.append(part)
        have += len(part)
    return b"".join(parts)


def _part(descriptor: int, offset: int, size: int) -> bytes:
    if _HAS_POSITIONED_READ:
        return os.pread(descriptor, size, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)  # a descriptor of this thread alone
    return os.read(descriptor, size)
