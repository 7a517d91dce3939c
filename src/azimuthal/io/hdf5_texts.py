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

import contextlib
import math
import os
import struct
from collections.abc import Iterator
from typing import Any

from azimuthal.errors import FileFormatError
from azimuthal.io.hdf5_sources import check_sources
from azimuthal.typing import PathLike

__all__ = ["check_attributes", "check_heaps", "check_references"]

_LOOKED_AT = 1 << 20
_ENDLESS = -1
#: HDF5 needs longer to find a chunk the more there are.
_MOST_CHUNKS = 100
#: References of one dataset that are followed to their heap.
_MOST_FOLLOWED = 64
_SIGNATURE = b"GCOL\x01\0\0\0"
_HEAP = struct.Struct("<8sQ")
_OBJECT = struct.Struct("<HHIQ")
_REFERENCE = struct.Struct("<IQI")
#: Object header of version 1: version, 0, messages, users, bytes of the first block (and 4 to fill up)
_HEADER = struct.Struct("<BBHII")
_HEADER_BYTES = 16
#: Message: kind, bytes, flags (and 3 to fill up)
_MESSAGE = struct.Struct("<HHB")
_MESSAGE_BYTES = 8
_CONTINUED = struct.Struct("<QQ")
#: Attribute: version, flags, bytes of name, type and dataspace
_ATTRIBUTE = struct.Struct("<BBHHH")
_IS_CONTINUED, _IS_ATTRIBUTE, _IS_TYPE = 0x10, 0x0C, 0x03
_VARIABLE_LENGTH = 9
_LARGEST_BLOCK = 1 << 16
_MOST_BLOCKS = 64


def check_heaps(path: PathLike) -> None:
    """Raise when a heap of an HDF5 file would make the library run in a circle, or mislead it (sources of datasets).

    Raises
    ------
    FileFormatError
        The file is damaged.
    """
    with open(path, "rb") as file:  # noqa: PTH123  # also takes names that pathlib would change
        size = os.fstat(file.fileno()).st_size
        parts = {}
        for start in {0, max(0, size - _LOOKED_AT)}:
            file.seek(start)
            parts[start] = file.read(_LOOKED_AT)
    for start, content in parts.items():
        place = content.find(_SIGNATURE)
        while place >= 0:
            objects = dict(_objects(content, place))
            if _ENDLESS in objects:
                raise FileFormatError(
                    f"{path}: is HDF5 but damaged: the heap of texts at byte {start + place} has no end."
                )
            check_sources(parts.values(), start + place, objects.items(), path)
            place = content.find(_SIGNATURE, place + 1)


def _objects(content: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of the objects of a heap; `_ENDLESS` where the walk does not get to its end."""
    _, size = _HEAP.unpack_from(content, start) if start + _HEAP.size <= len(content) else (b"", 0)
    end = min(start + size, len(content))
    place = start + _HEAP.size
    while place + _OBJECT.size <= end:
        number, _, _, n_bytes = _OBJECT.unpack_from(content, place)
        step = _OBJECT.size + (-(-n_bytes // 8) * 8) if number else n_bytes
        if step % (1 << 64) == 0:
            yield _ENDLESS, b""
            return
        if number and place + _OBJECT.size + n_bytes <= end:
            yield number, content[place + _OBJECT.size : place + _OBJECT.size + n_bytes]
        place += step


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
    descriptor = None
    with contextlib.suppress(NotImplementedError, OSError, RuntimeError, ValueError):
        descriptor = dataset.file.id.get_vfd_handle()
    followed = 0
    for stored in _stored(dataset):
        for n_bytes, heap, number in _references(stored):
            wrong = n_bytes > size or (n_bytes and heap >= size)
            if n_bytes and not wrong and descriptor is not None and followed < _MOST_FOLLOWED:
                wrong = not _is_in_heap(descriptor, size, heap, number, n_bytes)
                followed += 1
            if wrong:
                raise FileFormatError(
                    f"{dataset.file.filename}::{dataset.name}: a text of {n_bytes} bytes at byte {heap}, in a file of "
                    f"{size}: the file is damaged."
                )


def _references(stored: bytes) -> Iterator[tuple[int, int, int]]:
    return _REFERENCE.iter_unpack(stored[: len(stored) // _REFERENCE.size * _REFERENCE.size])


def _stored(dataset: Any) -> list[bytes]:
    """Return the references of a dataset as they are stored; nothing where they are compressed or scattered."""
    if dataset.chunks is not None:
        n_chunks = dataset.id.get_num_chunks()
        if dataset.id.get_create_plist().get_nfilters() or n_chunks > _MOST_CHUNKS:
            return []
        n_looked_at = min(n_chunks, max(1, _LOOKED_AT // (dataset.chunks[0] * _REFERENCE.size)))
        infos = (dataset.id.get_chunk_info(number) for number in range(n_looked_at))
        return [dataset.id.read_direct_chunk(info.chunk_offset)[1] for info in infos]
    start = dataset.id.get_offset()
    if start is None:
        return []
    with open(dataset.file.filename, "rb") as file:  # noqa: PTH123  # the name as HDF5 has it
        file.seek(start)
        return [file.read(min(dataset.size * _REFERENCE.size, _LOOKED_AT))]


def check_attributes(descriptor: int, address: int, where: str) -> None:
    """Raise when an attribute of variable length refers to what is not there.

    Parameters
    ----------
    descriptor:
        Of the open file.
    address:
        Position of the object header in it.
    where:
        Names the object in the error.

    Raises
    ------
    FileFormatError
        The file is damaged.
    """
    size = os.fstat(descriptor).st_size
    for stored in _attribute_values(descriptor, address):
        if stored is None:
            raise FileFormatError(f"{where}: its type, or that of an attribute, makes no sense: the file is damaged.")
        for n_bytes, heap, number in _references(stored):
            if n_bytes and not _is_in_heap(descriptor, size, heap, number, n_bytes):
                raise FileFormatError(
                    f"{where}: an attribute should be {n_bytes} long in the heap at byte {heap}, which is not there: "
                    "the file is damaged."
                )


def _read_at(descriptor: int, n_bytes: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, n_bytes, offset)
    before = os.lseek(descriptor, 0, os.SEEK_CUR)  # Windows; HDF5 believes that its descriptor stays where it was
    os.lseek(descriptor, offset, os.SEEK_SET)
    content = os.read(descriptor, n_bytes)
    os.lseek(descriptor, before, os.SEEK_SET)
    return content


def _attribute_values(descriptor: int, address: int) -> Iterator[bytes | None]:
    """Yield the stored values of the attributes of variable length in an object header of version 1.

    None: there are fewer than there should be, or a type of variable length is none.
    """
    head = _read_at(descriptor, _HEADER_BYTES + 512, address)
    if len(head) < _HEADER_BYTES or head[:2] != b"\x01\0":
        return
    size = min(_HEADER.unpack_from(head)[4], _LARGEST_BLOCK)
    blocks = [(address + _HEADER_BYTES, size, head[_HEADER_BYTES:])]
    for start, length, known in blocks:  # grows while it is walked
        block = known[:length] if len(known) >= length else _read_at(descriptor, length, start)
        place = 0
        while place + _MESSAGE_BYTES <= len(block):
            kind, n_bytes, flags = _MESSAGE.unpack_from(block, place)
            body = block[place + _MESSAGE_BYTES : place + _MESSAGE_BYTES + n_bytes]
            if kind == _IS_CONTINUED and len(body) >= _CONTINUED.size and len(blocks) < _MOST_BLOCKS:
                following, n_following = _CONTINUED.unpack_from(body)
                if following < 1 << 62:
                    blocks.append((following, min(n_following, _LARGEST_BLOCK), b""))
            elif kind == _IS_ATTRIBUTE and not flags & 2:  # not shared
                yield _value(body)
            elif kind == _IS_TYPE and not flags & 2 and not _is_sensible(body):
                yield None
            place += _MESSAGE_BYTES + n_bytes


def _value(body: bytes) -> bytes | None:
    """Return the stored value of an attribute message of variable length; nothing of others, None if it is cut."""
    if len(body) < _ATTRIBUTE.size:
        return b""
    version, flags, *sizes = _ATTRIBUTE.unpack_from(body)
    if version == 1:
        sizes = [-(-size // 8) * 8 for size in sizes]
    elif flags & 1:  # the type is stored elsewhere
        return b""
    start = _ATTRIBUTE.size + (version == 3)
    kind = start + sizes[0]
    is_variable = kind < len(body) and body[kind] & 15 == _VARIABLE_LENGTH
    if not is_variable:
        return b""
    if not _is_sensible(body[kind:]):
        return None
    value = body[start + sum(sizes) :]
    return value if _n_values(body[start + sizes[0] + sizes[1] :]) * _REFERENCE.size <= len(value) else None


def _is_sensible(kind: bytes) -> bool:
    """Say whether a type is of fixed length, or a sequence or text with a known end and character set."""
    if len(kind) < 3 or kind[0] & 15 != _VARIABLE_LENGTH:
        return True
    return kind[1] & 15 <= 1 and kind[1] >> 4 <= 2 and kind[2] & 15 <= 1


def _n_values(space: bytes) -> int:
    """Return how many values a dataspace message stands for."""
    if len(space) < 4 or space[0] not in (1, 2):
        return 0
    start = 8 if space[0] == 1 else 4
    return math.prod(int.from_bytes(space[start + 8 * k : start + 8 * k + 8], "little") for k in range(space[1]))


def _is_in_heap(descriptor: int, size: int, heap: int, number: int, n_bytes: int) -> bool:
    """Say whether a heap has an object of this number that is large enough."""
    if heap >= size - _HEAP.size:
        return False
    content = _read_at(descriptor, 4096, heap)
    signature, heap_bytes = _HEAP.unpack_from(content)
    if signature != _SIGNATURE or heap + heap_bytes > size:
        return False
    if heap_bytes > len(content):
        content = _read_at(descriptor, min(heap_bytes, _LOOKED_AT), heap)
    place = _HEAP.size
    while place + _OBJECT.size <= len(content):
        found, _, _, object_bytes = _OBJECT.unpack_from(content, place)
        if found == number:
            return bool(found and object_bytes >= n_bytes and place + _OBJECT.size + object_bytes <= heap_bytes)
        step = _OBJECT.size + (-(-object_bytes // 8) * 8) if found else object_bytes
        if step == 0:
            return False
        place += step
    return bool(heap_bytes > len(content))  # beyond what was looked at
