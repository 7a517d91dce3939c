# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Lists of sources of virtual datasets: whether they are what was written, before libhdf5 decodes them.

Such a list lies in a heap of the file (HDF5 file format specification, III.E "Global Heap"; VII.  "Virtual Dataset
Mapping"), and the layout message of the dataset refers to it::

    layout message   version (1 byte; 4, 5), class (1; 3: virtual), position of the heap (8), number of the object (4)
    object           the list, and the checksum of all before (4): lookup3 of R. Jenkins

libhdf5 (2.0 and before) looks at the checksum after it decoded the list: a damaged one ends the process.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Iterator

from azimuthal.errors import FileFormatError

__all__ = ["check_sources", "lookup3"]

_VIRTUAL = (b"\x04\x03", b"\x05\x03")
_NUMBER = struct.Struct("<I")
_ADDRESS = struct.Struct("<Q")
#: Bytes of the lists that are looked at: the checksum takes 0.3 s per megabyte.
_LONGEST = 1 << 18
_ALL = 0xFFFFFFFF
_MIXED, _FINAL = (4, 6, 8, 16, 19, 4), (14, 11, 25, 16, 4, 14, 24)


def check_sources(parts: Iterable[bytes], address: int, objects: Iterable[tuple[int, bytes]], path: object) -> None:
    """Raise when a list of sources in a heap is not the one that was written.

    Parameters
    ----------
    parts:
        What is known of the file: where datasets may refer to the heap.
    address:
        Position of the heap.
    objects:
        Number and bytes of the objects in it.
    path:
        Named by the error.

    Raises
    ------
    FileFormatError
        The list is damaged.
    """
    numbers = set(_referred(parts, address))
    for number, content in objects if numbers else ():
        if number in numbers and 4 < len(content) <= _LONGEST:
            (stored,) = _NUMBER.unpack(content[-4:])
            if lookup3(content[:-4]) != stored:
                raise FileFormatError(f"{path}: is HDF5 but damaged: so are the sources of a virtual dataset.")


def _referred(parts: Iterable[bytes], address: int) -> Iterator[int]:
    """Yield the numbers of the objects that virtual datasets refer to."""
    for part, kind in itertools.product(parts, _VIRTUAL):
        wanted = kind + _ADDRESS.pack(address)
        place = part.find(wanted)
        while place >= 0 and place + len(wanted) + _NUMBER.size <= len(part):
            yield _NUMBER.unpack_from(part, place + len(wanted))[0]
            place = part.find(wanted, place + 1)


def lookup3(content: bytes) -> int:
    """Return the checksum of HDF5's metadata (R. Jenkins, lookup3, http://burtleburtle.net/bob/c/lookup3.c)."""
    state = [(0xDEADBEEF + len(content)) & _ALL] * 3
    if not content:
        return state[2]
    filled = content + bytes(-len(content) % 12)
    words = struct.unpack(f"<{len(filled) // 4}I", filled)
    for start in range(0, len(words) - 3, 3):
        _add(state, words[start : start + 3])
        for step, turn in enumerate(_MIXED):
            x, y, z = step % 3, (step + 1) % 3, (step + 2) % 3
            state[x] = (state[x] - state[z]) & _ALL ^ _rotated(state[z], turn)
            state[z] = (state[z] + state[y]) & _ALL
    _add(state, words[-3:])
    for step, turn in enumerate(_FINAL):
        z, y = (step + 2) % 3, (step + 1) % 3
        state[z] = ((state[z] ^ state[y]) - _rotated(state[y], turn)) & _ALL
    return state[2]


def _add(state: list[int], words: tuple[int, ...]) -> None:
    for k, word in enumerate(words):
        state[k] = (state[k] + word) & _ALL


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _ALL
