# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks, darks and flats from image files.

A mask file is an image of 0 and 1 (or of booleans), 1 = excluded, in any format that frames can be read
from: EDF, TIFF, ``.npy``, Fit2D ``.msk``, Dioptas ``.mask`` (which is a TIFF), ``file.h5::/dataset``; or the
pixel mask of an HDF5 file, or a description (``.toml``, ``.json``): see `azimuthal.io.mask_files`.  Other encodings are
not guessed at: the message says how to convert the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from azimuthal._validate import boolean_mask, image_array
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.instrument import Instrument
from azimuthal.io.frames import file_of, open_frames
from azimuthal.io.mask_files import load_mask
from azimuthal.masks import combine
from azimuthal.typing import AnyArray, BoolArray, FloatArray

_BY_LOAD_MASK = (".toml", ".json", ".npz")


def read_masks(paths: Sequence[str], shape: tuple[int, int], instrument: Instrument | None = None) -> BoolArray | None:
    """Return the union of the masks in some files, True = excluded; None for no file.

    Descriptions with rings or gaps need the `instrument`.

    Raises
    ------
    FileMissingError, FileFormatError
        A file does not exist or cannot be read.
    ShapeError
        A mask is of another shape than the frames.
    DataTypeError
        It holds something else than 0 and 1; the message says how to convert it.
    """
    if not paths:
        return None
    return combine(
        *(_mask(path, shape, instrument) for path in paths), shape=shape, names=[f"mask {path}" for path in paths]
    )


def read_image(role: str, path: str, shape: tuple[int, int]) -> FloatArray:
    """Return the one image of a file, e.g. a dark or a flat, as float64.

    Parameters
    ----------
    role:
        What messages call it.
    path:
        The file; it must hold exactly one frame.
    shape:
        Expected shape.
    """
    return image_array(f"{role} {path}", _single_frame(role, path), shape)


def _mask(path: str, shape: tuple[int, int], instrument: Instrument | None) -> BoolArray:
    if file_of(path).suffix.lower() in _BY_LOAD_MASK or path.endswith("pixel_mask"):
        return load_mask(path, instrument, shape=shape)
    values = _single_frame("mask", path)
    if values.shape != shape and values.shape == shape[::-1]:
        raise ShapeError(
            f"mask {path}: expected shape {shape} to match the frame, got {values.shape}: rows and columns are "
            "exchanged."
        )
    try:
        return boolean_mask(f"mask {path}", values, shape)
    except DataTypeError:
        raise DataTypeError(_encoding_message(path, values)) from None


def _encoding_message(path: str, values: AnyArray) -> str:
    """Say what a mask file holds, and the command that makes a mask of it."""
    found = np.unique(values)
    shown = ", ".join(f"{value:g}" for value in found[:4]) + (" ..." if found.size > 4 else "")
    target = f"{Path(path.rpartition('::')[0] or path).stem}_mask.npy"
    return (
        f"mask {path}: expected 0 (use the pixel) and 1 (exclude it), got {values.dtype} values {shown}. Which of them "
        "exclude is not guessed. If everything but 0 does, convert the file once with\n"
        f'  python -c "import azimuthal as az, numpy as np; '
        f"np.save('{target}', az.open_frames('{path}').read(0) != 0)\"\n"
        f"(write == 0 instead of != 0 if 0 excludes), and pass --mask {target}"
    )


def _single_frame(role: str, path: str) -> AnyArray:
    with open_frames(path) as source:
        if len(source) != 1:
            raise ParameterError(
                f"{role} {path}: expected one image, got {len(source)} frames. Write their mean (or the one that is "
                "meant) to a file of its own."
            )
        return np.array(source.read(0))
