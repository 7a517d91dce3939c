# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Measured per-pixel arrays: dark, flat field and absorption image.

Definition
    The dark is subtracted from the raw frame, with the sign and scale of the frame; the flat field and the
    absorption image divide (they join the normalisation)::

        s = raw - dark          n = flat absorption ...

Validity of a pixel
    A pixel takes part only where the dark is finite and where flat and absorption are finite and greater than
    0. All others are excluded and counted by cause: nothing is replaced by 1, and no value is clipped. Flats
    often hold 0 in the gaps of a detector, so that these counts leave out what a mask has excluded already.

Uncertainty
    Both are exact unless their variance is given (``dark_variance``, ``flat_variance``: :mod:`azimuthal.uncertainty`).
    Their noise is common to all frames of a run: it does not average out with their number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from azimuthal._validate import image_array
from azimuthal.errors import DataTypeError
from azimuthal.typing import BoolArray, FloatArray

__all__ = ["checked_image", "factor_faults", "offset_faults"]


def checked_image(parameter: str, value: Any, shape: tuple[int, int]) -> FloatArray:
    """Return a dark, a flat field or an absorption image as float64.

    Parameters
    ----------
    parameter:
        The name that messages use.
    value:
        Array of numbers; booleans are refused (a mask is passed as ``mask``).
    shape:
        Of the frame, (slow, fast).

    Returns
    -------
    :
        Of `shape`, float64; `value` itself when it is such an array already.

    Raises
    ------
    DataTypeError
        Booleans, or no numbers.
    ShapeError
        Another shape.
    """
    if np.asarray(value).dtype == np.bool_:
        raise DataTypeError(
            f"{parameter}: expected an array of numbers, got booleans. A mask is passed as mask=... (True = excluded)."
        )
    return image_array(parameter, value, shape)


def offset_faults(values: FloatArray) -> dict[str, BoolArray]:
    """Return where an offset cannot be used, by cause."""
    return {"not finite": ~np.isfinite(values)}


def factor_faults(values: FloatArray) -> dict[str, BoolArray]:
    """Return where a factor cannot be used, by cause; a pixel has at most one cause."""
    finite = np.isfinite(values)
    return {"not finite": ~finite, "not positive": finite & ~(values > 0)}
