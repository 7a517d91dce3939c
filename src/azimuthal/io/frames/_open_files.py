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

    def read(self, file: str, identity: tuple[int, int] | None, offset: int, out: memoryview, where: str) -> None:
        """Fill `out` with the bytes of a file from position `offset`.

        Parameters
        ----------
        file:
            Absolute path.
        identity:
            Device and inode that it must have; None: whatever.
        out:
            Writable bytes.
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
                done = _read(descriptor, offset, out)
            except OSError as error:
                raise FileFormatError(f"{where}: {file} cannot be read: {error}.") from error
        if done != len(out):
            raise FileFormatError(
                f"{where}: expected {len(out)} bytes at position {offset} of {file}, got {done}: the file was "
                "truncated, or is still being written."
            )

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


def _read(descriptor: int, offset: int, out: memoryview) -> int:
    """Fill `out` as far as the file goes, and return how far; the system may hand the bytes out in several parts."""
    done = 0
    while done < len(out):
        count = _part(descriptor, offset + done, out[done : done + _LARGEST_READ])
        if not count:
            break
        done += count
    return done


def _part(descriptor: int, offset: int, out: memoryview) -> int:
    if hasattr(os, "preadv") and _HAS_POSITIONED_READ:
        return os.preadv(descriptor, [out], offset)
    if _HAS_POSITIONED_READ:
        part = os.pread(descriptor, len(out), offset)
    else:
        os.lseek(descriptor, offset, os.SEEK_SET)  # a descriptor of this thread alone
        part = os.read(descriptor, len(out))
    out[: len(part)] = part
    return len(part)
