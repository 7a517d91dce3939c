# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The directories of a TIFF file: where its images lie, of what type they are, and what the header says.

Only the tags that locate an image are interpreted; every count and position is checked against the file
before it is used.  Tags of text (description, camera, date, EPICS attributes from number 65000 on) are kept
from the first directory.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError
from azimuthal.io.frames._bytes import ByteFile
from azimuthal.io.frames._header_facts import dectris_facts, positive
from azimuthal.io.frames._protocol import checked_frame_shape

_NEW_SUBFILE_TYPE = 254
_SUBFILE_TYPE = 255
_WIDTH = 256
_LENGTH = 257
_BITS = 258
_COMPRESSION = 259
_DESCRIPTION = 270
_MAKE = 271
_MODEL = 272
_STRIP_OFFSETS = 273
_ORIENTATION = 274
_SAMPLES = 277
_ROWS_PER_STRIP = 278
_STRIP_COUNTS = 279
_SOFTWARE = 305
_DATE_TIME = 306
_TILE_WIDTH = 322
_TILE_LENGTH = 323
_TILE_OFFSETS = 324
_TILE_COUNTS = 325
_SAMPLE_FORMAT = 339
_MARCCD = 34710
_AREA_DETECTOR_FIRST = 65000

_LAYOUT_TAGS = frozenset(
    {
        *(
            _NEW_SUBFILE_TYPE,
            _SUBFILE_TYPE,
            _WIDTH,
            _LENGTH,
            _BITS,
            _COMPRESSION,
            _STRIP_OFFSETS,
            _ORIENTATION,
        ),
        *(_SAMPLES, _ROWS_PER_STRIP, _STRIP_COUNTS, _TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_COUNTS),
        _SAMPLE_FORMAT,
    }
)
_TEXT_TAGS = {
    _DESCRIPTION: "description",
    _MAKE: "make",
    _MODEL: "model",
    _SOFTWARE: "software",
    _DATE_TIME: "date_time",
}

#: TIFF field type -> struct code, of the integers: no tag that says where an image lies is anything else
_FIELD_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_ASCII = 2

#: No codec of TIFF packs more than this many bytes into one; a page that claims more is damaged.
_LARGEST_RATIO = 4096
_MAX_PAGES = 1_000_000
_LARGEST_DIRECTORIES = 1 << 28


@dataclass(frozen=True, slots=True)
class _Header:
    """Byte order and field widths of one file."""

    endian: str  # "<" or ">"
    big: bool
    first_directory: int


@dataclass(frozen=True, slots=True)
class Page:
    """One image: where its strips or tiles lie."""

    directory: int
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    compression: int
    block: tuple[int, int]
    offsets: tuple[int, ...]
    contiguous: bool


class Directories:
    """The chain of image file directories of one file."""

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        self._header = _read_header(file)
        self._tags: list[dict[int, tuple[Any, ...]]] = []
        self._texts: dict[int, str] = {}
        self._entry_bytes = 0
        offset = self._header.first_directory
        visited = set()
        while offset:
            if offset in visited or len(self._tags) >= _MAX_PAGES:
                raise FileFormatError(f"{file.path}: the chain of TIFF directories runs in a circle at {offset}.")
            visited.add(offset)
            offset = self._read_directory(offset)
        if not self._tags:
            raise FileFormatError(f"{file.path}: a TIFF file without any image directory.")

    def pages(self) -> tuple[list[Page], int]:
        """Return the images, and how many thumbnails and masks were left out."""
        pages: list[Page] = []
        skipped = 0
        for directory, tags in enumerate(self._tags):
            kind = tags.get(_NEW_SUBFILE_TYPE, (0,))[0]
            if (kind & 0b101 or tags.get(_SUBFILE_TYPE, (1,))[0] == 2) and len(self._tags) > 1:
                skipped += 1
                continue
            page = self._page(directory, tags)
            if pages and (page.shape != pages[0].shape or page.dtype != pages[0].dtype):
                raise FileFormatError(
                    f"{self._file.path}: image {len(pages)} is {page.shape} {page.dtype}, the first one "
                    f"{pages[0].shape} {pages[0].dtype}; frames of one file must agree."
                )
            pages.append(page)
        if not pages:
            raise FileFormatError(f"{self._file.path}: holds thumbnails only, no image.")
        return self._with_announced(pages), skipped

    def _with_announced(self, pages: list[Page]) -> list[Page]:
        """Return the pages and those that only the description announces.

        ImageJ writes stacks above 4 GB as one directory followed by all images, and tifffile can do the same.
        """
        announced = _announced_images(self._texts.get(_DESCRIPTION, ""))
        first = pages[0]
        if len(pages) > 1 or announced <= 1:
            return pages
        size = first.shape[0] * first.shape[1] * first.dtype.itemsize
        if not first.contiguous or first.compression != 1:
            raise FileFormatError(
                f"{self._file.path}: its description announces {announced} images, but there is one "
                "directory and its image is not stored contiguously."
            )
        self._file.foresee(first.offsets[0], announced * size, f"{announced} images announced by the description")
        return [
            Page(
                0,
                first.shape,
                first.dtype,
                1,
                first.block,
                (first.offsets[0] + number * size,),
                contiguous=True,
            )
            for number in range(announced)
        ]

    def facts(self) -> dict[str, Any]:
        """Return metadata from the first directory."""
        texts = {_TEXT_TAGS.get(tag, str(tag)): text for tag, text in self._texts.items()}
        facts: dict[str, Any] = {"header": texts} if texts else {}
        facts.update(dectris_facts(self._texts.get(_DESCRIPTION, "").splitlines()))
        if self._texts.get(_DATE_TIME):
            facts.setdefault("timestamp", self._texts[_DATE_TIME])
        if _MODEL in self._texts and "detector" not in facts and self._texts[_MODEL] != "Unknown":
            facts["detector"] = self._texts[_MODEL]
        tags = self._tags[0]
        orientation = tags.get(_ORIENTATION, (1,))[0]
        if orientation != 1:
            facts["orientation_tag"] = orientation
        if _MARCCD in tags:
            facts.update(_marccd_facts(self._file, self._header.endian))
        return facts

    def _read_directory(self, offset: int) -> int:
        """Read the directory at `offset`; return the offset of the next one."""
        big, endian = self._header.big, self._header.endian
        count_size, entry_size, link_size = (8, 20, 8) if big else (2, 12, 4)
        what = f"TIFF directory {len(self._tags)}"
        (count,) = struct.unpack(endian + ("Q" if big else "H"), self._file.read(offset, count_size, what))
        self._entry_bytes += count * entry_size
        if count > 0xFFFF or self._entry_bytes > (self._file.size or _LARGEST_DIRECTORIES):
            raise FileFormatError(f"{self._file.path}: {what}: claims {count} entries; the directories overlap.")
        raw = self._file.read(offset + count_size, count * entry_size + link_size, what)
        tags: dict[int, tuple[Any, ...]] = {}
        entry_format = endian + ("HHQ" if big else "HHI")
        for start in range(0, count * entry_size, entry_size):
            tag, kind, number = struct.unpack_from(entry_format, raw, start)
            inline = raw[start + entry_size - link_size : start + entry_size]
            if tag in _LAYOUT_TAGS:
                tags[tag] = self._values(tag, kind, number, inline)
            elif tag == _MARCCD:
                tags[tag] = ()
            elif not self._tags and kind == _ASCII and (tag in _TEXT_TAGS or tag >= _AREA_DETECTOR_FIRST):
                self._texts[tag] = self._text(number, inline, tag)
        self._tags.append(tags)
        (following,) = struct.unpack(endian + ("Q" if big else "I"), raw[-link_size:])
        return int(following)

    def _content(self, number: int, size: int, inline: bytes, tag: int) -> bytes:
        if number * size <= len(inline):
            return inline[: number * size]
        (offset,) = struct.unpack(self._header.endian + ("Q" if self._header.big else "I"), inline)
        return self._file.read(offset, number * size, f"TIFF tag {tag}")

    def _values(self, tag: int, kind: int, number: int, inline: bytes) -> tuple[Any, ...]:
        code = _FIELD_CODES.get(kind)
        if code is None or number < 1:
            raise FileFormatError(f"{self._file.path}: TIFF tag {tag} has field type {kind} and {number} values.")
        raw = self._content(number, struct.calcsize("=" + code), inline, tag)
        return struct.unpack(f"{self._header.endian}{number}{code}", raw)

    def _text(self, number: int, inline: bytes, tag: int) -> str:
        return self._content(number, 1, inline, tag).split(b"\0", 1)[0].decode("utf-8", "replace").strip()

    def _page(self, directory: int, tags: dict[int, tuple[Any, ...]]) -> Page:
        where = f"{self._file.path}: image directory {directory}"
        for tag, name in ((_WIDTH, "ImageWidth"), (_LENGTH, "ImageLength")):
            if tag not in tags:
                raise FileFormatError(f"{where}: the tag {name} is missing.")
        if tags.get(_SAMPLES, (1,))[0] != 1:
            raise FileFormatError(
                f"{where}: {tags[_SAMPLES][0]} samples a pixel (a colour picture), expected 1. Export it as greyscale."
            )
        dtype = _dtype(where, tags, self._header.endian)
        shape = checked_frame_shape(where, tags[_LENGTH][0], tags[_WIDTH][0], dtype)
        block, offsets, counts = _blocks(where, tags, shape)
        compression = int(tags.get(_COMPRESSION, (1,))[0])
        page = Page(directory, shape, dtype, compression, block, offsets, contiguous=False)
        if compression != 1:
            stored = sum(counts)
            if stored * _LARGEST_RATIO < shape[0] * shape[1] * dtype.itemsize:
                raise FileFormatError(f"{where}: claims {shape} pixels in {stored} compressed bytes; it is damaged.")
            for offset, count in zip(offsets, counts, strict=True):
                self._file.foresee(offset, count, f"image directory {directory}")
            return page
        return self._checked_extent(page, counts, where)

    def _checked_extent(self, page: Page, counts: tuple[int, ...], where: str) -> Page:
        """Check that the blocks of an uncompressed page are there, and see whether they are one piece."""
        sizes = block_sizes(page)
        for number, (offset, size) in enumerate(zip(page.offsets, sizes, strict=True)):
            if counts and counts[number] < size:
                raise FileFormatError(
                    f"{where}: block {number} needs {size} bytes, its byte count says {counts[number]}."
                )
            self._file.foresee(offset, size, f"image directory {page.directory}, block {number}")
        one_piece = not is_tiled(page) and all(
            page.offsets[number] + sizes[number] == page.offsets[number + 1] for number in range(len(sizes) - 1)
        )
        return Page(page.directory, page.shape, page.dtype, 1, page.block, page.offsets, contiguous=one_piece)


def _read_header(file: ByteFile) -> _Header:
    start = file.read_up_to(0, 16)
    endian = {b"II": "<", b"MM": ">"}.get(start[:2])
    if endian is not None and len(start) >= 8:
        (magic,) = struct.unpack(endian + "H", start[2:4])
        if magic == 42:
            return _Header(endian, big=False, first_directory=struct.unpack(endian + "I", start[4:8])[0])
        if magic == 43 and len(start) == 16 and struct.unpack(endian + "HH", start[4:8]) == (8, 0):
            return _Header(endian, big=True, first_directory=struct.unpack(endian + "Q", start[8:16])[0])
    raise FileFormatError(
        f"{file.path}: expected a TIFF file, which starts with 'II*\\0' or 'MM\\0*' (BigTIFF: 'II+\\0', "
        f"'MM\\0+'), got {start[:8]!r}."
    )


def _dtype(where: str, tags: dict[int, tuple[Any, ...]], endian: str) -> np.dtype[Any]:
    bits = int(tags.get(_BITS, (1,))[0])
    sample_format = int(tags.get(_SAMPLE_FORMAT, (1,))[0])
    kind = {1: "u", 2: "i", 3: "f"}.get(sample_format)
    if kind is None or bits not in ((16, 32, 64) if kind == "f" else (8, 16, 32, 64)):
        raise FileFormatError(
            f"{where}: {bits} bits a pixel of sample format {sample_format} are not supported; expected "
            "8, 16, 32 or 64-bit integers (format 1, 2) or 16, 32, 64-bit floats (format 3)."
        )
    return np.dtype(f"{endian}{kind}{bits // 8}")


def _blocks(
    where: str, tags: dict[int, tuple[Any, ...]], shape: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, ...], tuple[int, ...]]:
    """Return the shape, the offsets and the byte counts (empty when absent) of the strips or tiles."""
    if _TILE_OFFSETS in tags:
        height, width = (int(tags.get(tag, (0,))[0]) for tag in (_TILE_LENGTH, _TILE_WIDTH))
        offsets, counts = tags[_TILE_OFFSETS], tags.get(_TILE_COUNTS, ())
    else:
        width = shape[1]
        height = min(int(tags.get(_ROWS_PER_STRIP, (shape[0],))[0]), shape[0])
        offsets, counts = tags.get(_STRIP_OFFSETS, ()), tags.get(_STRIP_COUNTS, ())
    if height < 1 or width < 1:
        raise FileFormatError(f"{where}: strips or tiles of {height} x {width} pixels.")
    expected = -(-shape[0] // height) * -(-shape[1] // width)
    if len(offsets) != expected or (counts and len(counts) != expected):
        raise FileFormatError(
            f"{where}: expected {expected} strips or tiles of {height} x {width} pixels for an image of "
            f"{shape[0]} x {shape[1]}, got {len(offsets)} offsets and {len(counts)} byte counts."
        )
    return (height, width), tuple(offsets), tuple(counts)


def is_tiled(page: Page) -> bool:
    """Blocks that are not full rows, or reach below the image, are tiles."""
    return page.block[1] != page.shape[1] or page.block[0] > page.shape[0]


def block_bytes(page: Page) -> int:
    return page.block[0] * page.block[1] * page.dtype.itemsize


def block_sizes(page: Page) -> list[int]:
    """Return the bytes of every block: full tiles, or strips of which the last may be short."""
    sizes = [block_bytes(page)] * len(page.offsets)
    if not is_tiled(page):
        last_rows = page.shape[0] - page.block[0] * (len(sizes) - 1)
        sizes[-1] = last_rows * page.block[1] * page.dtype.itemsize
    return sizes


def _announced_images(description: str) -> int:
    """Return the number of images that a description by ImageJ or tifffile announces; 1 without one."""
    if description.startswith("ImageJ="):
        match = re.search(r"^images=(\d{1,9})\s*$", description, re.MULTILINE)
        return int(match[1]) if match else 1
    if description.startswith('{"shape"'):
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            shape = json.loads(description).get("shape", [])
            return math.prod(int(size) for size in shape[:-2])
    return 1


def _marccd_facts(file: ByteFile, endian: str) -> dict[str, Any]:
    """Return the facts of the MarCCD header: 3072 bytes at position 1024, 32-bit integers.

    Used here: at 640 the sample-detector distance (1/1000 mm), the beam (1/1000 pixel), the integration time (ms);
    at 768 the pixel size (nm); at 896 the wavelength (fm).
    """
    raw = file.read(1024, 1024, "MarCCD header")
    integers = struct.unpack(f"{endian}96i", raw[640:])
    scaled: dict[str, float | None] = {
        "distance": positive(integers[0] * 1e-6),
        "exposure_time": positive(integers[3] * 1e-3),
        "wavelength": positive(integers[64 + 3] * 1e-15),
    }
    facts: dict[str, Any] = {"detector": "MarCCD"}
    facts.update({name: value for name, value in scaled.items() if value is not None})
    fast, slow = integers[32 + 1], integers[32 + 2]
    if fast > 0 and slow > 0:
        facts["pixel_size"] = [slow * 1e-9, fast * 1e-9]
    if integers[1] > 0 and integers[2] > 0:
        facts["beam_center"] = [integers[2] * 1e-3, integers[1] * 1e-3]
    return facts
