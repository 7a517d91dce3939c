# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Names of a million frames in tens of bytes each: a table of keys, a list of paths.

A tuple of paths takes 400 bytes of each, a dictionary of keys 300.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from azimuthal.typing import AnyArray

_DIGEST_BYTES = 16


class KeyTable:
    """A number for each of many texts, in 24 bytes each: of the texts only digests of 128 bits are held.

    A text that is added twice has the number that was added last.
    """

    def __init__(self) -> None:
        self._digests = bytearray()
        self._numbers = array("q")
        self._sorted: tuple[AnyArray, AnyArray, AnyArray] | None = None

    def __len__(self) -> int:
        """Return how many were added."""
        return len(self._numbers)

    def __contains__(self, text: str) -> bool:
        return self.find(text) is not None

    def add(self, text: str, number: int) -> None:
        """Add a text."""
        self._digests += _digest(text)
        self._numbers.append(number)
        self._sorted = None

    def find(self, text: str) -> int | None:
        """Return the number of a text, None where it was not added."""
        high, low, numbers = self._sorted or self._sort()
        wanted = np.frombuffer(_digest(text), np.uint64)
        first, last = (np.searchsorted(high, wanted[0], side) for side in ("left", "right"))
        same = np.flatnonzero(low[first:last] == wanted[1])
        return int(numbers[first + same[-1]]) if same.size else None

    def repeated(self) -> tuple[int, int] | None:
        """Return the two lowest numbers of the first text that came twice; None where none did."""
        high, low, numbers = self._sorted or self._sort()
        (places,) = np.nonzero((high[1:] == high[:-1]) & (low[1:] == low[:-1]))
        if not places.size:
            return None
        first = places[np.argmin(numbers[places])]
        return int(numbers[first]), int(numbers[first + 1])

    def _sort(self) -> tuple[AnyArray, AnyArray, AnyArray]:
        high, low = np.frombuffer(bytes(self._digests), np.uint64).reshape(-1, 2).T
        order = np.lexsort((low, high))  # stable
        self._sorted = high[order], low[order], np.array(self._numbers, np.int64)[order]
        return self._sorted


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=_DIGEST_BYTES).digest()


class PathList(Sequence[Path]):
    """Paths that are held as bytes, one after the other."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._bytes = bytearray()
        self._ends = array("q", (0,))
        for path in paths:
            self.append(path)

    def append(self, path: Path) -> None:
        """Add one at the end."""
        self._bytes += os.fsencode(path)
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Path, ...]: ...

    def __getitem__(self, index: int | slice) -> Path | tuple[Path, ...]:
        numbers = range(len(self))[index]
        return tuple(map(self._at, numbers)) if isinstance(numbers, range) else self._at(numbers)

    def __iter__(self) -> Iterator[Path]:
        return map(self._at, range(len(self)))

    def __repr__(self) -> str:
        shown = ", ".join(str(path) for path in self[:3])
        return f"<PathList of {len(self)}: {shown}{', ...' if len(self) > 3 else ''}>"

    def _at(self, number: int) -> Path:
        return Path(os.fsdecode(bytes(self._bytes[self._ends[number] : self._ends[number + 1]])))
