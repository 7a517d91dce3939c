# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rings in an image that the calibrant does not have.

The pattern of the image (mean of the usable pixels in bins of half a pixel) minus its running median over eight
widths of a ring; a maximum higher than a tenth of the median height of the rings that were found, eight times the
median deviation of the pattern, and six standard errors of the bin, counts when it is farther than two widths from
every ring of the calibrant.  The standard error is that of the spread of the bin's pixels: a hot pixel raises the mean
of its bin by no more than one of it, two by 1.4.
"""

from __future__ import annotations

import numpy as np

from azimuthal.calibration.refinement import Refinement, RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.calibration.ring_points import RingPoints, pixel_angles, row_blocks
from azimuthal.instrument import Instrument
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = ["unexplained_rings"]

_DEVIATIONS = 8.0
_ERRORS = 6.0
_SHARE = 0.1


def unexplained_rings(
    image: AnyArray, refinement: Refinement, calibrant: RingSource, usable: BoolArray, ring_points: RingPoints
) -> int:
    """Return how many rings of the image are not of the calibrant (module docstring)."""
    instrument = refinement.instrument
    points, used = refinement.control_points, refinement.used
    if not used.any():
        return 0
    step = 0.5 * float(
        np.median(np.abs(refinement.residuals_rad / np.where(refinement.residuals, refinement.residuals, 1)))
    )
    x, y, error = _pattern(image, instrument, usable, step)
    if x.size < 16:
        return 0
    width = max(2 * float(np.median(ring_points.fwhm)), 3.0)  # in steps
    excess = y - _running_median(y, int(8 * width) | 1)
    noise = float(np.median(np.abs(excess))) / 0.6745
    least = max(_DEVIATIONS * noise, _SHARE * float(np.median(points.intensity[used])))
    half = max(int(width), 2)
    padded = np.pad(excess, half, mode="edge")
    highest = np.max(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    tops = np.flatnonzero((excess == highest) & (excess > np.maximum(least, _ERRORS * error)))
    tops = tops[(tops > 2 * half) & (tops < x.size - 2 * half)]
    angles = ring_angles(np.asarray(calibrant.d_spacings(), dtype=np.float64), instrument.wavelength or np.nan)[0]
    angles = angles[np.isfinite(angles)]
    away = np.min(np.abs(x[tops][:, None] - angles[None, :]), axis=1, initial=np.inf) > 2 * width * step
    return int(np.count_nonzero(away))


def _pattern(
    image: AnyArray, instrument: Instrument, usable: BoolArray, step: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return two theta, mean and its standard error in bins of `step`; bins with fewer than 20 pixels are left out."""
    n_bins = int(np.pi / step) + 2
    n, total, squares = np.zeros(n_bins), np.zeros(n_bins), np.zeros(n_bins)
    middle = float(np.median(image[::7, ::7][usable[::7, ::7]])) if usable[::7, ::7].any() else 0.0
    for rows in row_blocks(image.shape[0]):
        angle, _, _ = pixel_angles(instrument, rows)
        here = usable[rows]
        index = (angle[here] / step).astype(np.int64)
        value = image[rows][here].astype(np.float64) - middle  # near zero, so that squares can be subtracted
        n += np.bincount(index, minlength=n_bins)
        total += np.bincount(index, value, minlength=n_bins)
        squares += np.bincount(index, value * value, minlength=n_bins)
    enough = np.flatnonzero(n >= 20)
    n, mean = n[enough], total[enough] / n[enough]
    spread = np.maximum(squares[enough] / n - mean**2, 0.0)
    return np.asarray((enough + 0.5) * step, dtype=np.float64), mean + middle, np.sqrt(spread / (n - 1))


def _running_median(y: FloatArray, window: int) -> FloatArray:
    window = min(window, (y.size - 1) | 1)
    padded = np.pad(y, window // 2, mode="reflect")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1))[: y.size]
