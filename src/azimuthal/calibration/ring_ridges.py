# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""How straight the rings are in a cake: where each of them is, row by row.

In a cake of the right geometry every ring is a straight line at its two theta.  Around each ring the rows of the cake
are fitted with a Gaussian on a straight line (:mod:`azimuthal.calibration._profiles`), each bin weighted with its
number of pixels; the place of the maximum minus the expected two theta, in pixels, is the *deviation* at that chi.
Its error is the larger of two: from the scatter of all bins about the fit, and from that of the bins on the flanks.
This goes through the integrator, and so is independent of the control points, which look at single pixels.

The window reaches 2.5 widths of the rings to both sides, but no farther than 0.48 of the way to the next ring.  Rows
are left out where the fit ends in the outer third of the window, the height is below five times its scatter, or fewer
than half of the bins have pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.calibration._profiles import Gaussians, fitted_gaussians, gaussian_excess, guessed_gaussians
from azimuthal.calibration.positions import radians_per_pixel
from azimuthal.calibration.ring_lines import RingLine
from azimuthal.instrument import Instrument
from azimuthal.results import Cake
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["RingRidge", "ring_ridges"]

_WIDTHS = 2.5
_TO_NEIGHBOUR = 0.48
_LEAST_HALF_WINDOW = 3.0  # pixels
_FEWEST_BINS = 6  # a Gaussian on a line has five parameters
_COVERED = 0.5
_SIGNIFICANCE = 5.0
_INSIDE = 0.67
_SMALLEST_WIDTH = 0.2  # pixels
_FEWEST_ROWS = 5
_NORMAL_MEDIAN = 0.6744897501960817  # of the absolute value of a standard normal variable


@dataclass(frozen=True, slots=True, eq=False)
class RingRidge:
    """Where a ring is in the rows of a cake.

    Attributes
    ----------
    ring:
        Its number.
    azimuth:
        chi of the rows where it was found, degrees.
    deviation, error:
        Found minus expected two theta there and its standard error, pixels.
    """

    ring: int
    azimuth: FloatArray
    deviation: FloatArray
    error: FloatArray

    @property
    def offset(self) -> float:
        """Median deviation, pixels; NaN without rows."""
        return float(np.median(self.deviation)) if self.error.size else float("nan")

    @property
    def waviness(self) -> float:
        """Spread of the deviation about its median, less what the errors explain, pixels; NaN with fewer than 5 rows.

        From the median of the absolute deviations: a few rows on a spot or on the edge of a gap do not count.
        """
        if self.error.size < _FEWEST_ROWS:
            return float("nan")
        spread = float(np.median(np.abs(self.deviation - self.offset))) / _NORMAL_MEDIAN
        return float(np.sqrt(max(spread**2 - float(np.median(self.error)) ** 2, 0.0)))


def ring_ridges(
    cake: Cake, instrument: Instrument, angles: FloatArray, lines: tuple[RingLine, ...], fwhm: float
) -> tuple[RingRidge, ...]:
    """Return the ridges of the rings that have lines on the image.

    Parameters
    ----------
    cake:
        Over 2th_rad and chi_rad.
    instrument:
        Its geometry.
    angles:
        Two theta of all rings, rad; NaN: none.
    lines:
        The same rings over the image.
    fwhm:
        Typical width of a ring, pixels.
    """
    order = np.diff(angles, prepend=-np.inf, append=np.inf)
    nearest = np.fmin(np.abs(order[:-1]), np.abs(order[1:]))
    found = []
    for ring in sorted({line.ring for line in lines}):
        azimuth, pixel = _pixel_sizes(instrument, [line for line in lines if line.ring == ring])
        scale = np.interp(cake.azimuthal, azimuth, pixel, period=2 * np.pi)
        typical = float(np.median(scale))
        half = min(max(_WIDTHS * fwhm, _LEAST_HALF_WINDOW) * typical, _TO_NEIGHBOUR * float(nearest[ring]))
        columns = np.flatnonzero(np.abs(cake.radial - angles[ring]) <= half)
        if columns.size >= _FEWEST_BINS:
            found.append(_one_ridge(ring, cake, columns, float(angles[ring]), scale))
    return tuple(found)


def _pixel_sizes(instrument: Instrument, lines: list[RingLine]) -> tuple[FloatArray, FloatArray]:
    """Return chi and radians per pixel along a ring."""
    slow, fast, azimuth = (np.concatenate([getattr(line, name) for line in lines]) for name in _PLACES)
    return azimuth, radians_per_pixel(instrument, slow, fast)


_PLACES = ("slow", "fast", "azimuth")


def _one_ridge(ring: int, cake: Cake, columns: IntArray, angle: float, scale: FloatArray) -> RingRidge:
    y, n = cake.intensity[:, columns], cake.sums.count[:, columns].astype(np.float64)
    n[~np.isfinite(y)] = 0.0
    rows = np.flatnonzero((n > 0).mean(axis=1) >= _COVERED)
    if not rows.size:
        return RingRidge(ring, np.empty(0), np.empty(0), np.empty(0))
    y, n = np.where(n > 0, y, 0.0)[rows], n[rows]
    x = (cake.radial[columns] - angle) / scale[rows, None]
    start = guessed_gaussians(x, y, n, smallest=_SMALLEST_WIDTH)
    fit, variance, squares = fitted_gaussians(x, y, n, start, smallest=_SMALLEST_WIDTH)
    n_bins = (n > 0).sum(axis=1)
    per_pixel = squares / np.maximum(n_bins - 5, 1)  # variance of one pixel
    error = np.maximum(np.sqrt(variance * per_pixel), _measured_error(x, y, n, fit))
    scatter = np.sqrt(per_pixel * n_bins / n.sum(axis=1))  # of one bin
    half = np.abs(x).max(axis=1)
    ok: BoolArray = (np.abs(fit.centre) < _INSIDE * half) & (fit.height > _SIGNIFICANCE * scatter) & (n_bins > 5)
    ok &= np.isfinite(error) & (error > 0) & (error < 0.5 * half) & (np.abs(fit.width) < half)
    return RingRidge(ring, np.degrees(cake.azimuthal[rows[ok]]), fit.centre[ok], error[ok])


def _measured_error(x: FloatArray, y: FloatArray, n: FloatArray, fit: Gaussians) -> FloatArray:
    """Return the standard error of the centres that needs no equal variances: rings scatter more than backgrounds."""
    bell = gaussian_excess(x, fit)
    slope = bell * (x - fit.centre[:, None]) / fit.width[:, None] ** 2
    residual = y - bell - fit.background[:, None] - fit.slope[:, None] * x
    n_bins = (n > 0).sum(axis=1)
    correction = np.sqrt(n_bins / np.maximum(n_bins - 5, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = correction * np.sqrt(np.sum((n * slope * residual) ** 2, axis=1)) / np.sum(n * slope**2, axis=1)
    return np.where(np.isfinite(found), found, np.inf)
