# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Whether a compressed chunk is what its dataset says, before the filter plug-in is let loose on it.

The plug-ins for bitshuffle (32008) and LZ4 (32004) trust the sizes inside a chunk: a damaged one makes them read
outside of their buffers, which ends the whole process.  Both formats are

    total bytes (8, big-endian), bytes of a block (4), then for each block its compressed bytes (4) and the block,

in bitshuffle followed by the last ``total % (8 * item size)`` bytes as they are.  The walk over the blocks takes about
0.3 ms for a 4-megapixel frame of 32 bit, 4 % of the time of decoding it with the plug-in.

HDF5 itself trusts the length of a chunk whose filters do not change it, and of a checksum (fletcher32); the plug-in for
Blosc2 (32026) allocates what the header of a chunk says.
"""

from __future__ import annotations

import math
import struct

from azimuthal.errors import FileFormatError

BITSHUFFLE = 32008
LZ4 = 32004
BLOSC2 = 32026
SHUFFLE, _FLETCHER32, _CHECKSUM_BYTES = 2, 3, 4
_HEADER = struct.Struct(">QI")
_LENGTH = struct.Struct(">I")
#: bitshuffle decodes elements in groups of eight
_GROUP = 8
#: of a Blosc2 frame: magic, bytes of the header, of everything, of the values, of these compressed, of an element
_CFRAME = struct.Struct(">2x8sxIxQx4xxqxqxi")
_LAYERS, _COUNT, _MOST_LAYERS = 92, struct.Struct(">H"), 16
_INT32 = struct.Struct(">i")
_BIN32_BYTES, _FIXED_ARRAY, _MOST_DIMENSIONS = 5, 0x90, 8
_PADDED = 8  # times: values fill whole blocks in every dimension


def check_chunk(raw: bytes, number: int, options: tuple[int, ...], size: int, item_size: int, where: str) -> None:
    """Raise when a chunk compressed with bitshuffle or LZ4 contradicts its dataset or itself.

    Parameters
    ----------
    raw:
        The stored chunk.
    number:
        Filter number, `BITSHUFFLE` or `LZ4`.
    options:
        Values that the dataset keeps for the filter.
    size:
        Bytes of the chunk after decoding.
    item_size:
        Bytes of an element.
    where:
        Names the chunk in the error.

    Raises
    ------
    FileFormatError
        The chunk is truncated or damaged.
    """
    tail = 0
    if number == BITSHUFFLE:
        check_bitshuffle(options, item_size, where)
        if len(options) < 5 or options[4] == 0:  # shuffled, not compressed: no header
            if len(raw) != size:
                raise FileFormatError(f"{where}: expected {size} bytes, got {len(raw)}.")
            return
        tail = size % (_GROUP * item_size)
    if len(raw) < _HEADER.size:
        raise FileFormatError(f"{where}: expected a header of {_HEADER.size} bytes, got {len(raw)}.")
    total, block = _HEADER.unpack_from(raw)
    if total != size or block < 1 or (number == BITSHUFFLE and block % (_GROUP * item_size)):
        raise FileFormatError(
            f"{where}: expected a compressed chunk of {size} bytes, its header says {total} in blocks of {block}."
        )
    end = _end_of_blocks(raw, -(-(size - tail) // block))
    if end + tail > len(raw):
        raise FileFormatError(f"{where}: its blocks need {end + tail} bytes, the stored chunk has {len(raw)}.")


def check_bitshuffle(options: tuple[int, ...], item_size: int, where: str) -> None:
    """Raise when bitshuffle is set up for elements of another size, which the plug-in divides by.

    Raises
    ------
    FileFormatError
        It is.
    """
    if len(options) < 3 or options[2] != item_size:
        raise FileFormatError(f"{where}: bitshuffle is set up for elements of other than {item_size} bytes.")


def check_length(
    raw: bytes, mask: int, pipeline: tuple[tuple[int, tuple[int, ...]], ...], size: int, where: str
) -> None:
    """Raise when a chunk has not the length that its filters leave it, which HDF5 takes on trust.

    Parameters
    ----------
    raw:
        The stored chunk.
    mask:
        Bit k is set where filter k was left out of this chunk.
    pipeline:
        Number and options of the filters.
    size, where:
        As of :func:`check_chunk`.

    Raises
    ------
    FileFormatError
        It is shorter than its checksum, or of another length than its values where none of its filters changes that.
    """
    numbers = [number for k, (number, _) in enumerate(pipeline) if not mask >> k & 1]
    checksum = _CHECKSUM_BYTES if _FLETCHER32 in numbers else 0
    if set(numbers) <= {SHUFFLE, _FLETCHER32}:
        if len(raw) != size + checksum:
            raise FileFormatError(f"{where}: expected a chunk of {size + checksum} bytes, got {len(raw)}.")
    elif len(raw) <= checksum:
        raise FileFormatError(f"{where}: its chunk has {len(raw)} bytes only.")


def blosc2_payload(raw: bytes, size: int, where: str) -> int:
    """Return how many bytes of compressed values a chunk of the Blosc2 filter says it has.

    The filter believes sizes in the header of its frame (a "cframe": msgpack with fixed places) and allocates them.

    Raises
    ------
    FileFormatError
        The header is not one, or its sizes contradict the chunk.
    """
    if len(raw) < _CFRAME.size:
        raise FileFormatError(f"{where}: expected a Blosc2 frame, got {len(raw)} bytes.")
    magic, header, total, values, stored, item_size = _CFRAME.unpack_from(raw)
    if magic != b"b2frame\0" or not _CFRAME.size <= header <= len(raw) or total != len(raw):
        raise FileFormatError(f"{where}: expected a Blosc2 frame of {len(raw)} bytes, its header says {total}.")
    if not size <= values <= _PADDED * size + _CFRAME.size:
        raise FileFormatError(f"{where}: expected {size} bytes of values, its Blosc2 frame says {values}.")
    _check_blosc2_shape(raw[:header], size, item_size, where)
    return int(stored)


def _check_blosc2_shape(header: bytes, size: int, item_size: int, where: str) -> None:
    """Raise when the layers that the header may have are too many, or their shape ("b2nd") is not of so many bytes."""
    if len(header) >= _LAYERS + _COUNT.size and _COUNT.unpack_from(header, _LAYERS)[0] > _MOST_LAYERS:
        raise FileFormatError(f"{where}: its Blosc2 frame has too many layers.")
    name = header.find(b"\xa4b2nd\xd2")
    if name < 0:
        return
    place, found = name + 6, size
    try:
        (start,) = _INT32.unpack_from(header, place)
        _, n_dimensions, *sizes = _shape(header, start + _BIN32_BYTES)
        found = math.prod(sizes) * item_size if n_dimensions == len(sizes) else -1
    except (struct.error, ValueError) as error:
        raise FileFormatError(f"{where}: the shape in its Blosc2 frame is damaged.") from error
    if found != size:
        raise FileFormatError(f"{where}: its Blosc2 frame has a shape of {found} bytes, expected {size}.")


def _shape(header: bytes, start: int) -> tuple[int, ...]:
    """Return version, number of dimensions and shape of the "b2nd" layer."""
    array, version, n_dimensions, shape = struct.unpack_from(">4B", header, start)
    n_sizes = shape - _FIXED_ARRAY
    if array >> 4 != _FIXED_ARRAY >> 4 or not 0 <= n_sizes <= _MOST_DIMENSIONS:
        raise ValueError
    sizes = struct.unpack_from(">" + n_sizes * "xq", header, start + 4)
    return version, n_dimensions, *sizes


def _end_of_blocks(raw: bytes, n_blocks: int) -> int:
    """Return the position after the last block; beyond the end of `raw` when a length is wrong."""
    position = _HEADER.size
    last = len(raw) - _LENGTH.size
    unpack = _LENGTH.unpack_from
    for _ in range(n_blocks):
        if position > last:
            return len(raw) + 1
        position += _LENGTH.size + unpack(raw, position)[0]
    return position
