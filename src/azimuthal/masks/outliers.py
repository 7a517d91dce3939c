# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pixels unlike their neighbours: hot and dead ones, found in a single image.

With the median m and the median absolute deviation D of the valid pixels of a box around a pixel (without the pixel
itself), a pixel of value v stands out when ::

    |v - m| > n_sigma s,      s = max(1.4826 D, sqrt(max(m, 1)))

The second term is the counting noise of one photon a count: without it a box of equal values would make every other
value an outlier.  A pixel with fewer than eight valid neighbours is not judged.  Hot pixels lie above, dead ones below;
a pixel that reads 0 can only be told from the others where m is above ``n_sigma^2``.

Bragg spots are hot pixels to this definition: use an image without them (a dark, a flat, the median of many frames).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from azimuthal._validate import boolean_mask, image_array, one_of, positive_number
from azimuthal.errors import ParameterError
from azimuthal.typing import AnyArray, BoolArray, FloatArray

_ROWS = 32
_FEWEST = 8
_SCALE = 1.4826


def hot_pixels(
    image: AnyArray,
    mask: AnyArray | None = None,
    *,
    n_sigma: float = 6.0,
    box: int = 5,
    side: Literal["hot", "dead", "both"] = "both",
) -> BoolArray:
    """Return the pixels of an image that stand out of their neighbourhood; see the module docstring.

    Parameters
    ----------
    image:
        2-D; NaN is never judged.
    mask:
        Pixels that are neither judged nor neighbours, True = excluded.
    n_sigma:
        Width, in scales s.
    box:
        Rows and columns of the neighbourhood, odd, 3 to 15.
    side:
        Which outliers.

    Returns
    -------
    :
        Boolean, shape of the image, True = stands out; masked pixels are False.
    """
    values = image_array("image", image, np.asarray(image).shape)
    if values.ndim != 2:
        raise ParameterError(f"image: expected one 2-D image, got shape {values.shape}.")
    width = positive_number("n_sigma", n_sigma)
    one_of("side", side, ("hot", "dead", "both"))
    if isinstance(box, bool) or box not in range(3, 16, 2):
        raise ParameterError(f"box: expected an odd number from 3 to 15, got {box!r}.")
    known = np.where(np.isfinite(values), values, np.nan)
    if mask is not None:
        known[boolean_mask("mask", mask, values.shape)] = np.nan
    half = box // 2
    padded = np.pad(known, half, constant_values=np.nan)
    found = np.zeros(values.shape, np.bool_)
    for start in range(0, values.shape[0], _ROWS):
        rows = slice(start, min(start + _ROWS, values.shape[0]))
        found[rows] = _outliers(known[rows], padded[rows.start : rows.stop + 2 * half], box, width, side)
    return found


def _outliers(values: FloatArray, padded: FloatArray, box: int, width: float, side: str) -> BoolArray:
    windows = np.lib.stride_tricks.sliding_window_view(padded, (box, box)).reshape(*values.shape, box * box)
    neighbours = np.delete(windows, box * box // 2, axis=-1)
    middle, count = _median(neighbours)
    spread, _ = _median(np.abs(neighbours - middle[..., np.newaxis]))
    scale = np.fmax(_SCALE * spread, np.sqrt(np.fmax(middle, 1.0)))
    away = values - middle
    with np.errstate(invalid="ignore"):
        high, low = away > width * scale, away < -width * scale
    found: BoolArray = {"hot": high, "dead": low, "both": high | low}[side]
    return found & (count >= _FEWEST)


def _median(values: FloatArray) -> tuple[FloatArray, AnyArray]:
    """Return the median over the last axis without NaN (NaN where there is nothing), and how many values there are."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.count_nonzero(~np.isnan(ordered), axis=-1)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    pair = [np.take_along_axis(ordered, place[..., np.newaxis], axis=-1)[..., 0] for place in (low, high)]
    return np.where(count > 0, 0.5 * (pair[0] + pair[1]), np.nan), count
