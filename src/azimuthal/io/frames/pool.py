# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many files, few of them open: sources that are opened when they are needed, and lent to whoever reads."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.frames._stored import StoredFrame, StoredFrames

_OPEN_SOURCES = 8


class SourcePool:
    """Opens sources when they are needed and closes the ones used longest ago."""

    def __init__(self, paths: Sequence[str], opener: Callable[[str], FrameSource]) -> None:
        self.paths = list(paths)
        self._opener = opener
        self._lock = threading.Lock()
        self._open: OrderedDict[int, FrameSource] = OrderedDict()
        self._users: Counter[int] = Counter()

    @contextmanager
    def borrowed(self, number: int) -> Iterator[FrameSource]:
        """Lend the source of one file; it stays open at least until the block ends."""
        with self._lock:
            source = self._open.get(number)
            if source is None:
                source = self._open[number] = self._opener(self.paths[number])
            self._open.move_to_end(number)
            self._users[number] += 1
        try:
            yield source
        finally:
            with self._lock:
                self._users[number] -= 1
                self._evict()

    def _evict(self) -> None:
        idle = [number for number in self._open if not self._users[number]]
        for number in idle[: max(0, len(idle) - _OPEN_SOURCES)]:
            self._open.pop(number).close()
            del self._users[number]

    def close(self) -> None:
        """Close every open source."""
        with self._lock:
            for source in self._open.values():
                source.close()
            self._open.clear()


class PooledStoredFrames:
    """The stored bytes of the frames of several files; a `StoredFrames`."""

    def __init__(self, pool: SourcePool, find: Callable[[int], tuple[int, int]], dtype: np.dtype[Any]) -> None:
        self._pool = pool
        self._find = find
        self.dtype = dtype

    def locate(self, index: int) -> StoredFrame | None:
        """Return where the bytes of a frame lie (`StoredFrames.locate`)."""
        number, local = self._find(index)
        with self._pool.borrowed(number) as source:
            stored = source.stored_frames()
            return None if stored is None else stored.locate(local)

    def read(self, index: int, out: memoryview | None = None) -> memoryview:
        """Return the stored bytes of a frame (`StoredFrames.read`)."""
        with self._of(index) as (stored, local):
            return stored.read(local, out)

    @contextmanager
    def _of(self, index: int) -> Iterator[tuple[StoredFrames, int]]:
        number, local = self._find(index)
        with self._pool.borrowed(number) as source:
            stored = source.stored_frames()
            if stored is None:
                raise FileFormatError(f"{self._pool.paths[number]}: offers no stored frames.")
            yield stored, local
