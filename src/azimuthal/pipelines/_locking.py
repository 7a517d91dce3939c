# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A lock on a file that the system drops when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from azimuthal._pending_file import translated
from azimuthal.errors import AzimuthalError, AzimuthalWarning, OutputError

_WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)
_TRIES = 20


@contextlib.contextmanager
def locked(path: Path, refusal: Callable[[str], AzimuthalError]) -> Iterator[TextIO]:
    """Hold a lock for the time of a ``with`` block.

    Parameters
    ----------
    path:
        The file; it and its folder are created when they are not there.
    refusal:
        Returns the error for a lock that somebody holds, given the text in the file.

    Yields
    ------
    :
        The file, open for reading and writing.

    Warns
    -----
    AzimuthalWarning
        The file system has no locks.
    """
    stream = _opened(path, refusal)
    try:
        yield stream
    finally:
        stream.close()


def _opened(path: Path, refusal: Callable[[str], AzimuthalError]) -> TextIO:
    for _ in range(_TRIES):
        try:
            path.parent.mkdir(exist_ok=True)
            stream = path.open("a+", encoding="utf-8")
        except FileNotFoundError:  # whoever held the lock removes the folder
            continue
        except OSError as error:
            raise translated(path, error) from error
        if not _acquire(stream):
            stream.seek(0)
            owner = stream.read()
            stream.close()
            raise refusal(owner)
        if _is_at(stream, path):
            return stream
        stream.close()
    raise OutputError(f"{path}: cannot be created: its folder vanishes again and again.")


def _is_at(stream: TextIO, path: Path) -> bool:
    """Say whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except OSError:
        return False


def _acquire(stream: TextIO) -> bool:
    try:
        _lock(stream)
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            return False
        warnings.warn(
            f"{stream.name}: this file system has no locks. Make sure that no other run writes the same output.",
            AzimuthalWarning,
            stacklevel=5,
        )
    return True


if sys.platform == "win32":

    def _lock(stream: TextIO) -> None:
        import msvcrt

        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)

else:

    def _lock(stream: TextIO) -> None:
        import fcntl

        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
