# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Texts of variable length in HDF5 files: whether the library can read them without running in a circle.

Such a text lies in a *heap*, a block of the file, and the dataset holds a reference to it (HDF5 file format
specification, III.E "Global Heap")::

    heap         "GCOL", version 1 (1 byte), 0 (3), bytes of the heap (8), then objects:
    object       number (2), users (2), 0 (4), bytes (8), the bytes filled up to a multiple of 8;
                 number 0 is what is left of the heap, and its bytes include this header
    reference    bytes of the text (4), position of the heap (8), number of the object (4)

libhdf5 (2.0 and before) believes both.  An object of number 0 without bytes is visited again and again, for ever; a
reference of 4 GB without a heap is filled byte by byte.  Neither can be interrupted, so both are looked for first:
heaps in the first and last megabyte of a file, where the heaps of small and of growing files are, references where
they are stored as they are.
"""

from __future__ import annotations

import os
import struct
from typing import Any

from azimuthal.errors import FileFormatError
from azimuthal.typing import PathLike

__all__ = ["check_heaps", "check_references"]

_LOOKED_AT = 1 << 20
#: HDF5 needs longer to find a chunk the more there are.
_MOST_CHUNKS = 100
_SIGNATURE = b"GCOL\x01\0\0\0"
_HEAP = struct.Struct("<8sQ")
_OBJECT = struct.Struct("<HHIQ")
_REFERENCE = struct.Struct("<IQI")


def check_heaps(path: PathLike) -> None:
    """Raise when a heap of an HDF5 file would make the library run in a circle.

    Raises
    ------
    FileFormatError
        The file is damaged.
    """
    with open(path, "rb") as file:  # noqa: PTH123  # also takes names that pathlib would change
        size = os.fstat(file.fileno()).st_size
        for start in {0, max(0, size - _LOOKED_AT)}:
            file.seek(start)
            content = file.read(_LOOKED_AT)
            place = content.find(_SIGNATURE)
            while place >= 0:
                if _is_circle(content, place):
                    raise FileFormatError(
                        f"{path}: is HDF5 but damaged: the heap of texts at byte {start + place} has no end."
                    )
                place = content.find(_SIGNATURE, place + 1)


def _is_circle(content: bytes, start: int) -> bool:
    """Say whether the walk over the objects of a heap does not get to its end."""
    _, size = _HEAP.unpack_from(content, start) if start + _HEAP.size <= len(content) else (b"", 0)
    end = min(start + size, len(content))
    place = start + _HEAP.size
    while place + _OBJECT.size <= end:
        number, _, _, n_bytes = _OBJECT.unpack_from(content, place)
        step = _OBJECT.size + (-(-n_bytes // 8) * 8) if number else n_bytes
        if step % (1 << 64) == 0:
            return True
        place += step
    return False


def check_references(dataset: Any) -> None:
    """Raise when a dataset of texts of variable length refers to what cannot be in its file.

    Raises
    ------
    FileFormatError
        The file is damaged.
    """
    if dataset.dtype.kind != "O" or dataset.shape is None:
        return
    size = dataset.file.id.get_filesize()
    for stored in _stored(dataset):
        for n_bytes, heap, _ in _REFERENCE.iter_unpack(stored[: len(stored) // _REFERENCE.size * _REFERENCE.size]):
            if n_bytes > size or (n_bytes and heap >= size):
                raise FileFormatError(
                    f"{dataset.file.filename}::{dataset.name}: a text of {n_bytes} bytes at byte {heap}, in a file of "
                    f"{size}: the file is damaged."
                )


def _stored(dataset: Any) -> list[bytes]:
    """Return the references of a dataset as they are stored; nothing where they are compressed or scattered."""
    if dataset.chunks is not None:
        n_chunks = dataset.id.get_num_chunks()
        if dataset.id.get_create_plist().get_nfilters() or n_chunks > _MOST_CHUNKS:
            return []
        infos = (dataset.id.get_chunk_info(number) for number in range(n_chunks))
        return [dataset.id.read_direct_chunk(info.chunk_offset)[1] for info in infos]
    start = dataset.id.get_offset()
    if start is None:
        return []
    with open(dataset.file.filename, "rb") as file:  # noqa: PTH123  # the name as HDF5 has it
        file.seek(start)
        return [file.read(dataset.size * _REFERENCE.size)]
