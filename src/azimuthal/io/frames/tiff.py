# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""TIFF and BigTIFF images, as area detectors write them.

Own reader: classic and BigTIFF, both byte orders, any number of pages, uncompressed strips or tiles of 8, 16,
32 and 64-bit integers and 16, 32 and 64-bit floats, one sample a pixel.  It reads a contiguous image straight
into the frame. This covers DECTRIS (PILATUS), EPICS areaDetector, PerkinElmer/Varex, Pixium and
MarCCD/Rayonix (a TIFF with an additional binary header).  Compressed pages are decoded by tifffile (extra
``formats``).

Rows are returned as stored, top row first, whatever the ``Orientation`` tag says (tifffile, fabio and pyFAI
do the same: calibrations are made for the stored order); a value other than 1 is noted in the metadata as
``orientation_tag``. Thumbnails and transparency masks, which are pages too, are left out and counted in
``skipped_pages``.

Reference: TIFF 6.0 specification (Adobe, 1992); BigTIFF design (AWare Systems).
"""

from __future__ import annotations

import io
import struct
import threading
import zlib
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError, MissingDependencyError
from azimuthal.io.frames._bytes import ByteFile, frame_name
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.frames._tiff_directories import Directories, Page, block_sizes, is_tiled
from azimuthal.typing import AnyArray, PathLike

_COMPRESSION_NAMES = {
    2: "CCITT",
    3: "CCITT",
    4: "CCITT",
    5: "LZW",
    6: "JPEG",
    7: "JPEG",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstd",
}


def open_source(path: PathLike) -> FrameSource:
    """Open a TIFF file as a frame source; see the module docstring."""
    return TiffFrames(path)


class TiffFrames(FrameSource):
    """The pages of a TIFF file; all must have one shape and type.

    Raises
    ------
    FileMissingError, FileFormatError
        The file is absent, truncated, malformed, holds colour images, or uses packed bits.
    MissingDependencyError
        A page is compressed and tifffile (or the codec that it needs) is not installed.
    """

    def __init__(self, path: PathLike) -> None:
        self._file = ByteFile(path)
        try:
            directories = Directories(self._file)
            self._pages, skipped = directories.pages()
            first = self._pages[0]
            if first.compression != 1:
                _import_tifffile(self._file, first.compression)
            metadata = {"path": str(self._file.path), "format": "tiff", **directories.facts()}
        except BaseException:
            self._file.close()
            raise
        if skipped:
            metadata["skipped_pages"] = skipped
        super().__init__(
            shape=first.shape,
            dtype=first.dtype,
            n_frames=len(self._pages),
            name=frame_name(path),
            metadata=metadata,
        )
        self._codec: Any = None
        self._codec_lock = threading.Lock()

    @property
    def compression(self) -> str | None:
        """Name of the compression, None when there is none."""
        number = self._pages[0].compression
        return None if number == 1 else _COMPRESSION_NAMES.get(number, f"TIFF compression {number}")

    def _check_readable(self, index: int) -> None:
        page = self._pages[index]
        if page.compression == 1:
            offset, size = max(zip(page.offsets, block_sizes(page), strict=True))
            self._file.require(offset, size, f"image {index}")

    def _fill(self, index: int, out: AnyArray) -> None:
        page = self._pages[index]
        if page.compression != 1:
            np.copyto(out, self._decoded(index, page), casting="equiv")
            return
        if page.contiguous:
            self._file.read_into(out.data.cast("B"), page.offsets[0], f"image {index}")
        else:
            self._fill_blocks(index, page, out)
        if not page.dtype.isnative:
            out.byteswap(inplace=True)

    def _fill_blocks(self, index: int, page: Page, out: AnyArray) -> None:
        """Copy strips or tiles one by one; at the border tiles are cropped and strips short."""
        height, width = page.block
        across = -(-page.shape[1] // width)
        for number, offset in enumerate(page.offsets):
            row, column = number // across * height, number % across * width
            target = out[row : row + height, column : column + width]
            rows = height if width != page.shape[1] or is_tiled(page) else target.shape[0]
            raw = self._file.read(offset, rows * width * page.dtype.itemsize, f"image {index}, block {number}")
            block = np.frombuffer(raw, page.dtype.newbyteorder("=")).reshape(rows, width)
            target[...] = block[: target.shape[0], : target.shape[1]]

    def _decoded(self, index: int, page: Page) -> AnyArray:
        """Decode a compressed page with tifffile."""
        where = f"{self._file.path}: image {index}"
        with self._codec_lock:
            if self._codec is None:
                self._codec = _open_codec(self._file, page.compression)
            try:
                image = np.asarray(self._codec.pages[page.directory].asarray())
            except _TIFFFILE_ERRORS as error:
                if "imagecodecs" in str(error):
                    raise MissingDependencyError(
                        f"{where} is compressed with {self.compression}, for which tifffile needs the "
                        "package imagecodecs. Run: pip install imagecodecs"
                    ) from error
                raise FileFormatError(f"{where} cannot be decoded ({self.compression}): {error}.") from error
        if image.shape != page.shape or image.dtype.newbyteorder("=") != self._dtype:
            raise FileFormatError(
                f"{where}: expected {page.shape} {page.dtype} after decoding, got {image.shape} {image.dtype}."
            )
        return image

    def close(self) -> None:
        """Close the file."""
        if self._codec is not None:
            self._codec.close()
            self._codec = None
        self._file.close()
        super().close()


#: What tifffile raises on damaged files (found by cutting and flipping bytes).
_TIFFFILE_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)


def _import_tifffile(file: ByteFile, compression: int) -> Any:
    try:
        import tifffile
    except ImportError as error:
        name = _COMPRESSION_NAMES.get(compression, str(compression))
        raise MissingDependencyError(
            f"{file.path}: its images are compressed ({name}), which needs the package tifffile. "
            "Run: pip install 'azimuthal[formats]'"
        ) from error
    return tifffile


def _open_codec(file: ByteFile, compression: int) -> Any:
    tifffile = _import_tifffile(file, compression)
    source: Any = file.path
    if file.is_compressed:
        source = io.BytesIO(file.read_up_to(0, 1 << 62))
    try:
        return tifffile.TiffFile(source)
    except (*_TIFFFILE_ERRORS, tifffile.TiffFileError) as error:
        raise FileFormatError(f"{file.path}: tifffile cannot open it: {error}.") from error
