# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""ESRF data format (EDF): one or many images, each after a text header.

A block is ``{ key = value ; ... }``, padded to a multiple of 512 bytes, followed by the binary data:

========================= ============================================================================
``Dim_1``, ``Dim_2``      fast and slow dimension; a ``Dim_3`` stacks images inside one block
``DataType``              see `DATA_TYPES`; ``...Long`` is 32 bit, as on the machines the format comes from
``ByteOrder``             ``LowByteFirst`` or ``HighByteFirst``
``Size``                  bytes of data (``EDF_BinarySize`` in newer files); may exceed the image (padding)
``EDF_HeaderSize``        bytes of the header, in newer files
``Compression``           ``None``, or gzip/zlib of the data
========================= ============================================================================

Blocks without data (general headers) and blocks of errors (``EDF_DataBlockID = 1.Image.Error``) are not
frames; they are counted in the metadata as ``skipped_blocks``.  Data kept in another file
(``EDF_BinaryFileName``) are refused by name. The header of every frame is returned by
``frame_metadata(i)["header"]``.

Reference: P. Boesecke, "Reduction of two-dimensional small- and wide-angle X-ray scattering data", J. Appl.
Cryst. 40 (2007) s423, doi:10.1107/S0021889807001100.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError
from azimuthal.io.frames._bytes import ByteFile, frame_name
from azimuthal.io.frames._protocol import FrameSource, checked_frame_shape
from azimuthal.typing import AnyArray, PathLike

#: EDF word (in lower case) -> NumPy type code without byte order
DATA_TYPES = {
    "signedbyte": "i1",
    "signed8": "i1",
    "unsignedbyte": "u1",
    "unsigned8": "u1",
    "signedshort": "i2",
    "signed16": "i2",
    "unsignedshort": "u2",
    "unsigned16": "u2",
    "unsignedshortinteger": "u2",
    "signedinteger": "i4",
    "signedlong": "i4",
    "signed32": "i4",
    "unsignedinteger": "u4",
    "unsignedlong": "u4",
    "unsigned32": "u4",
    "signed64": "i8",
    "unsigned64": "u8",
    "float": "f4",
    "float32": "f4",
    "floatvalue": "f4",
    "floatieee32": "f4",
    "double": "f8",
    "doublevalue": "f8",
    "doubleieee64": "f8",
    "floatieee64": "f8",
    "float64": "f8",
}
_BYTE_ORDERS = {"lowbytefirst": "<", "highbytefirst": ">"}
_BLOCK = 512
_LARGEST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where one image lies."""

    header: dict[str, str]
    offset: int
    stored: int
    plane: int
    compression: str


def open_source(path: PathLike) -> FrameSource:
    """Open an EDF file as a frame source; see the module docstring."""
    return EdfFrames(path)


class EdfFrames(FrameSource):
    """The images of an EDF file; all must have one shape and type.

    Opening reads every header (about 20 microseconds a frame), not the data.

    Raises
    ------
    FileMissingError, FileFormatError
        The file is absent, truncated, malformed, or of an unsupported kind.
    """

    def __init__(self, path: PathLike) -> None:
        self._file = ByteFile(path)
        try:
            blocks = _Blocks(self._file)
        except BaseException:
            self._file.close()
            raise
        self._frames = blocks.frames
        self._stored_dtype = blocks.dtype
        metadata: dict[str, Any] = {
            "path": str(self._file.path),
            "format": "edf",
            "header": self._frames[0].header,
        }
        if blocks.skipped:
            metadata["skipped_blocks"] = blocks.skipped
        super().__init__(
            shape=blocks.shape,
            dtype=blocks.dtype,
            n_frames=len(self._frames),
            name=frame_name(path),
            metadata=metadata,
        )

    @property
    def compression(self) -> str | None:
        """Name of the compression inside the file, None when there is none."""
        return self._frames[0].compression or None

    def frame_metadata(self, index: int) -> dict[str, Any]:
        """Return ``{"header": {...}}``, the EDF header of one frame."""
        return {"header": dict(self._frames[self._checked_index(index)].header)}

    def _check_readable(self, index: int) -> None:
        frame = self._frames[index]
        self._file.require(frame.offset, frame.stored, f"data of image {index}")

    def _fill(self, index: int, out: AnyArray) -> None:
        frame = self._frames[index]
        start = frame.plane * out.nbytes
        if frame.compression:
            raw = self._inflated(index, frame, start + out.nbytes)
            out[...] = np.frombuffer(raw[start:], out.dtype).reshape(out.shape)
        else:
            self._file.read_into(out.data.cast("B"), frame.offset + start, f"data of image {index}")
        if not self._stored_dtype.isnative:
            out.byteswap(inplace=True)

    def _inflated(self, index: int, frame: _Frame, size: int) -> bytes:
        """Return the first `size` bytes of a gzip or zlib block."""
        raw = self._file.read(frame.offset, frame.stored, f"data of image {index}")
        try:
            content = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(raw, size)
        except zlib.error as error:
            raise FileFormatError(f"{self._file.path}: data of image {index}: damaged compression: {error}.") from error
        if len(content) != size:
            raise FileFormatError(
                f"{self._file.path}: data of image {index}: expected {size} bytes after decompression, got "
                f"{len(content)}."
            )
        return content

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class _Blocks:
    """The chain of blocks of one file."""

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        self.frames: list[_Frame] = []
        self.skipped = 0
        self.shape = (0, 0)
        self.dtype = np.dtype("u1")
        offset = 0
        while (start := self._start(offset)) is not None:
            offset = self._read_block(start)
        if not self.frames:
            raise FileFormatError(f"{file.path}: an EDF file without any image.")

    def _start(self, offset: int) -> int | None:
        """Return where the next header begins, None at the end of the file."""
        piece = self._file.read_up_to(offset, _BLOCK)
        content = piece.lstrip(b"\r\n\t \0")
        if content[:1] == b"{":
            return offset + len(piece) - len(content)
        if not content and (len(piece) < _BLOCK or not self._file.read_up_to(offset + _BLOCK, 1)):
            return None
        raise FileFormatError(
            f"{self._file.path}: expected an EDF header, which starts with "
            f"'{{', at position {offset}, got {content[:8]!r}."
        )

    def _read_block(self, start: int) -> int:
        """Read the block that starts at `start`; return where the next one starts."""
        number = len(self.frames) + self.skipped
        header, data_start = self._header(start, number)
        folded = {key.lower(): value for key, value in header.items()}
        where = f"{self._file.path}: EDF header {number}"
        if "edf_binaryfilename" in folded:
            raise FileFormatError(
                f"{where}: the data are in another file ({folded['edf_binaryfilename']}): not supported."
            )
        stored = _integer(where, folded, "edf_binarysize", _integer(where, folded, "size", None))
        if "dim_1" not in folded or ".error" in folded.get("edf_datablockid", "").lower():
            self.skipped += 1
            return data_start + (stored or 0)
        return data_start + self._add_frames(where, header, folded, data_start, stored)

    def _add_frames(
        self, where: str, header: dict[str, str], folded: dict[str, str], data_start: int, stored: int | None
    ) -> int:
        """Add the images of one block; return the bytes that its data take."""
        dtype = _dtype(where, folded)
        shape, planes = _dimensions(where, folded, dtype)
        compression = _compression(where, folded)
        size = math.prod((planes, *shape, dtype.itemsize))
        if compression and stored is None:
            raise FileFormatError(f"{where}: compressed data without EDF_BinarySize or Size.")
        if stored is None:
            stored = size
        if not compression and stored < size:
            raise FileFormatError(f"{where}: {planes} x {shape} {dtype} needs {size} bytes, the header says {stored}.")
        self._file.foresee(data_start, stored if compression else size, f"data of image {len(self.frames)}")
        if self.frames and (shape != self.shape or dtype != self.dtype):
            raise FileFormatError(
                f"{where}: image {len(self.frames)} is {shape} {dtype}, the first one {self.shape} "
                f"{self.dtype}; frames of one file must agree."
            )
        self.shape, self.dtype = shape, dtype
        read = stored if compression else size
        self.frames.extend(_Frame(header, data_start, read, plane, compression) for plane in range(planes))
        return stored

    def _header(self, start: int, number: int) -> tuple[dict[str, str], int]:
        """Return the entries of the header at `start`, and where its data begin."""
        size = _BLOCK
        while True:
            raw = self._file.read_up_to(start, size)
            end = _end_of_header(raw)
            if end:
                return _entries(raw[:end]), start + end
            if len(raw) < size or size >= _LARGEST_HEADER:
                raise FileFormatError(
                    f"{self._file.path}: EDF header {number} at position {start} has no closing "
                    f"'}}' within {len(raw)} bytes."
                )
            size *= 2


def _end_of_header(raw: bytes) -> int:
    """Return the length of the header with the line end after its closing brace; 0 when not found."""
    position = raw.find(b"}")
    while position >= 0:
        if raw[position + 1 : position + 2] == b"\n":
            return position + 2
        if raw[position + 1 : position + 3] == b"\r\n":
            return position + 3
        position = raw.find(b"}", position + 1)
    return 0


def _entries(raw: bytes) -> dict[str, str]:
    """Return ``key = value ;`` entries in order; the first one of equal keys counts."""
    text = raw.decode("utf-8", "replace").strip().removeprefix("{").removesuffix("}")
    entries: dict[str, str] = {}
    for entry in text.split(";"):
        key, equals, value = entry.partition("=")
        if equals:
            entries.setdefault(key.strip(), value.strip())
    return entries


def _integer(where: str, folded: dict[str, str], key: str, default: int | None) -> int | None:
    if key not in folded:
        return default
    try:
        value = float(folded[key])  # some programs write 1024.0
    except ValueError:
        value = math.nan
    if not 0 <= value < 1 << 53 or value != int(value):
        raise FileFormatError(f"{where}: {key}: expected a non-negative integer, got {folded[key]!r}.")
    return int(value)


def _dimensions(where: str, folded: dict[str, str], dtype: np.dtype[Any]) -> tuple[tuple[int, int], int]:
    """Return the shape of one image and the number of images stacked in the block."""
    n_fast = _integer(where, folded, "dim_1", None) or 0
    n_slow = _integer(where, folded, "dim_2", 1) or 0
    planes = _integer(where, folded, "dim_3", 1) or 0
    if "dim_4" in folded:
        raise FileFormatError(f"{where}: more than three dimensions are not supported.")
    shape = checked_frame_shape(where, n_slow, n_fast, dtype)
    if not 1 <= planes <= 1_000_000:
        raise FileFormatError(f"{where}: Dim_3: expected 1 to 1000000 images, got {planes}.")
    return shape, planes


def _dtype(where: str, folded: dict[str, str]) -> np.dtype[Any]:
    word = folded.get("datatype", "")
    code = DATA_TYPES.get(word.lower())
    if code is None:
        raise FileFormatError(f"{where}: DataType {word!r} is not known.")
    if code[1] == "1":
        return np.dtype(code)
    order = _BYTE_ORDERS.get(folded.get("byteorder", "").lower())
    if order is None:
        raise FileFormatError(
            f"{where}: ByteOrder: expected LowByteFirst or HighByteFirst, got {folded.get('byteorder', 'nothing')!r}."
        )
    return np.dtype(order + code)


def _compression(where: str, folded: dict[str, str]) -> str:
    word = folded.get("compression", "none").lower()
    if word.startswith(("no", "un")) or not word:
        return ""
    if word.startswith(("gz", "z")):
        return "gzip"
    raise FileFormatError(f"{where}: Compression {word!r} is not supported (none, gzip and zlib are).")
