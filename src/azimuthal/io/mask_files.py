# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks in files: images of 0 and 1, pixel masks of detectors, descriptions in words.

===========================  ==========================================================================
file                         content
===========================  ==========================================================================
``.npy .npz .edf .tif``      0 (use the pixel) and 1 (exclude it), or booleans
``.msk``                     Fit2D: one bit a pixel, rows in the order of the image that fabio reads
``.mask``                    Dioptas: a TIFF of 0 and 1
``.h5 .nxs``                 a dataset of 0 and 1, or, when it is called ``pixel_mask``, bits of which any
                             (or those that are asked for) exclude; ``file.h5::/path`` names another one
``.toml .json``              a `MaskDescription`
===========================  ==========================================================================

Rows are kept as they are stored.  Some versions of Dioptas work on images that are upside down: when a ``.mask`` of it
does not fit, ask for ``flip_rows``.  That is never guessed.
"""

from __future__ import annotations

import json
import struct
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import pending
from azimuthal._validate import boolean_mask, unknown_name
from azimuthal.errors import (
    AzimuthalError,
    DataTypeError,
    FileFormatError,
    FileMissingError,
    ParameterError,
    ShapeError,
)
from azimuthal.instrument import Instrument
from azimuthal.io.frames import file_of, open_frames
from azimuthal.io.hdf5 import open_hdf5, require_filters, translated_errors
from azimuthal.io.image_files import save_image
from azimuthal.io.named_errors import errors_naming
from azimuthal.masks import bits_excluded
from azimuthal.masks.description import MaskDescription
from azimuthal.typing import AnyArray, BoolArray, PathLike

__all__ = ["MASK_SUFFIXES", "load_mask", "load_mask_description", "save_mask", "save_mask_description"]

#: What `save_mask` writes.
MASK_SUFFIXES = (".npy", ".npz", ".edf", ".tif", ".tiff", ".msk", ".mask", ".h5", ".hdf5", ".nxs")
_DESCRIPTIONS = (".toml", ".json")
_HDF5 = (".h5", ".hdf5", ".nxs", ".nx5", ".cxi")
_PIXEL_MASKS = (
    "entry/instrument/detector/pixel_mask",
    "entry/instrument/detector/detectorSpecific/pixel_mask",
)
_LARGEST_TEXT = 64 << 20


def load_mask(
    path: PathLike,
    instrument: Instrument | None = None,
    *,
    shape: tuple[int, int] | None = None,
    image: AnyArray | None = None,
    bits: Sequence[int | str] | None = None,
    flip_rows: bool = False,
) -> BoolArray:
    """Return the mask of a file, True = excluded.

    Parameters
    ----------
    path:
        See the table of the module docstring; ``file.h5::/dataset`` where needed.
    instrument, image:
        Needed by descriptions with rings or gaps, and with thresholds.
    shape:
        Expected shape; by default that of the instrument, or whatever the file has.
    bits:
        Bits of a pixel mask that exclude, by number or name; by default any.
    flip_rows:
        Turn the image of the file upside down.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, or cannot be read.
    ShapeError
        It has another shape.
    DataTypeError
        It holds other values than 0 and 1, and is no pixel mask: which of them exclude is not guessed.
    """
    text = str(path)
    if file_of(text).suffix.lower() in _DESCRIPTIONS:
        return _described(text, instrument, shape, image)
    values, is_pixel_mask = _stored(text)
    if flip_rows:
        values = values[::-1]
    expected = shape if instrument is None else instrument.detector.shape
    if expected is not None and values.shape != tuple(expected):
        turned = " Rows and columns are exchanged." if values.shape == tuple(expected)[::-1] else ""
        raise ShapeError(f"mask {text}: expected shape {tuple(expected)}, got {values.shape}.{turned}")
    if is_pixel_mask or bits is not None:
        return bits_excluded(values, bits)
    try:
        return np.array(boolean_mask(f"mask {text}", values, values.shape))
    except DataTypeError:
        raise DataTypeError(
            f"mask {text}: expected 0 (use the pixel) and 1 (exclude it), got {_values_in_words(values)}. Which of "
            "them exclude is not guessed: say bits=... for a pixel mask, or make a mask with 'azimuthal mask --above' "
            "or '--below'."
        ) from None


def load_mask_description(path: PathLike) -> MaskDescription:
    """Read a description of a mask (TOML or JSON by its extension).

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, is no TOML or JSON, or no description of a mask; the message says where.
    """
    where = Path(path)
    try:
        if where.stat().st_size > _LARGEST_TEXT:
            raise FileFormatError(f"{where}: is too large for a description of a mask.")
        text = where.read_text(encoding="utf-8")
        record = json.loads(text) if where.suffix.lower() == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise FileMissingError(f"{where}: this file does not exist.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{where}: cannot be read: {error}.") from error
    try:
        return MaskDescription.from_dict(record)
    except AzimuthalError as error:
        raise FileFormatError(f"{where}: {error}") from error


def save_mask_description(description: MaskDescription, path: PathLike, *, force: bool = False) -> Path:
    """Write a description of a mask; TOML or JSON by the extension of `path`."""
    target = Path(path)
    if target.suffix.lower() not in _DESCRIPTIONS:
        raise ParameterError(f"{target}: expected a name that ends with .toml or .json.")
    record = description.to_dict()
    text = json.dumps(record, indent=1) + "\n" if target.suffix.lower() == ".json" else _toml(record)
    with pending(target, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return target


def save_mask(mask: AnyArray, path: PathLike, *, force: bool = False) -> Path:
    """Write a mask as an image of 0 and 1 (1 = excluded); the extension says the format, one of `MASK_SUFFIXES`.

    ``.h5`` holds ``/entry/data/data`` and, for programs that look for it, ``/entry/instrument/detector/pixel_mask``.

    Raises
    ------
    ParameterError, ShapeError, DataTypeError
        The extension is not known, or `mask` is no mask.
    OutputExistsError, OutputError
        The file exists, or cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in MASK_SUFFIXES:
        raise unknown_name("extension of a mask", target.suffix, MASK_SUFFIXES)
    values = boolean_mask("mask", mask, np.shape(mask)).astype(np.uint8)
    if values.ndim != 2 or values.size == 0:
        raise ShapeError(f"mask: expected a 2-D image, got shape {values.shape}.")
    if suffix == ".msk":
        with pending(target, force=force) as temporary:
            temporary.write_bytes(_fit2d(values))
    elif suffix == ".mask":
        from azimuthal.io.image_files import tiff_bytes

        with pending(target, force=force) as temporary:
            temporary.write_bytes(tiff_bytes(values))
    elif suffix in _HDF5:
        with pending(target, force=force) as temporary:
            _write_hdf5(temporary, values)
    else:
        save_image(target, values, force=force)
    return target


def _described(
    text: str, instrument: Instrument | None, shape: tuple[int, int] | None, image: AnyArray | None
) -> BoolArray:
    description = load_mask_description(text)
    folder = Path(text).parent

    def read_file(path: str, bits: Sequence[str | int] | None) -> AnyArray:
        if file_of(path).suffix.lower() in _DESCRIPTIONS:
            raise FileFormatError(f"{text}: names {path}; descriptions do not contain descriptions.")
        beside = path if Path(path).is_absolute() else str(folder / path)
        return load_mask(beside, bits=bits)

    with errors_naming(text):
        return description.mask(instrument, shape=shape, image=image, read_file=read_file)


def _stored(text: str) -> tuple[AnyArray, bool]:
    """Return the image of a file, and whether it is a pixel mask with bits."""
    file = file_of(text)
    if file.suffix.lower() == ".npz":
        return _from_npz(file), False
    if file.suffix.lower() in _HDF5:
        found = _pixel_mask(text, file)
        if found is not None:
            return found, True
    with open_frames(text) as source:
        if len(source) != 1:
            raise ParameterError(f"mask {text}: expected one image, got {len(source)} frames. Name one, e.g. ...[0].")
        return np.array(source.read(0)), False


def _pixel_mask(text: str, file: Path) -> AnyArray | None:
    """Return the pixel mask that a text names, or that of a master file when it names none."""
    inner = text[len(str(file)) :].removeprefix("::")
    if inner and inner.rpartition("/")[2] != "pixel_mask":
        return None
    with open_hdf5(file) as content, translated_errors(file, "read its pixel mask"):
        paths = [inner] if inner else [path for path in _PIXEL_MASKS if path in content]
        if not paths or paths[0] not in content:
            return None
        item = content[paths[0]]
        require_filters(item)
        values: AnyArray = np.asarray(item[()])
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2:
        raise ShapeError(f"mask {text}: expected a 2-D pixel mask, got shape {values.shape}.")
    return values


def _from_npz(file: Path) -> AnyArray:
    try:
        with np.load(file, allow_pickle=False) as archive:
            names = [name for name in ("mask", "image") if name in archive.files]
            found = [np.asarray(archive[name]) for name in names[:1]]
            there = ", ".join(archive.files) or "none"
    except FileNotFoundError:
        raise FileMissingError(f"{file}: this file does not exist.") from None
    except Exception as error:  # zipfile and numpy raise many kinds on damaged archives
        raise FileFormatError(f"{file}: cannot be read as .npz: {error}.") from error
    if not found:
        raise FileFormatError(f"{file}: expected an array 'mask', got {there}.")
    return found[0]


def _values_in_words(values: AnyArray) -> str:
    found = np.unique(values)
    return f"{values.dtype} values " + ", ".join(f"{v:g}" for v in found[:4]) + (" ..." if found.size > 4 else "")


def _fit2d(values: AnyArray) -> bytes:
    """Return a Fit2D mask: 1024 bytes of header, then rows of bits, lowest first, filled up to 32 bits."""
    n_slow, n_fast = values.shape
    header = bytearray(1024)
    header[:16] = b"M\0\0\0A\0\0\0S\0\0\0K\0\0\0"
    struct.pack_into("<II", header, 16, n_fast, n_slow)
    padded = np.zeros((n_slow, -(-n_fast // 32) * 32), np.uint8)
    padded[:, :n_fast] = values
    return bytes(header) + np.packbits(padded, axis=1, bitorder="little").tobytes()


def _write_hdf5(path: Path, values: AnyArray) -> None:
    with open_hdf5(path, "x") as file:
        file.attrs.update({"NX_class": "NXroot", "default": "entry"})
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "data"})
        data.create_dataset("data", data=values, compression="gzip", shuffle=True)
        instrument = entry.create_group("instrument")
        instrument.attrs["NX_class"] = "NXinstrument"
        detector = instrument.create_group("detector")
        detector.attrs["NX_class"] = "NXdetector"
        # bit 8: excluded by the user
        detector.create_dataset("pixel_mask", data=values.astype(np.uint32) << 8, compression="gzip", shuffle=True)


def _toml(record: dict[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in record.items() if key != "step"]
    for step in record["step"]:
        lines += ["", "[[step]]", *(f"{key} = {_toml_value(value)}" for key, value in step.items())]
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    """Return a value as TOML: like JSON, but for the escape of the character DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
