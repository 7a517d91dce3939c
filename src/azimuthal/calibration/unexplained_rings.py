# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Rings in an image that the calibrant does not have, and whether they are a reason to doubt.

Foreign rings
    The pattern of the image (mean of the usable pixels in bins of half a pixel) minus its running median over eight
    widths of a ring; a maximum higher than a tenth of the median height of the rings that were found, eight times
    the median deviation of the pattern, and six standard errors of the bin, counts when it is farther than two widths
    from every ring of the calibrant.  The standard error is that of the spread of the bin's pixels: a hot pixel raises
    the mean of its bin by no more than one of it, two by 1.4.

A mixture, or the wrong calibrant?
    A wrong calibrant is one whose rings are some of those of the true substance, scaled: CeO2 before an image of LaB6.
    Then the distance is wrong and every ring is in its place; foreign rings alone tell.  In a mixture they are none of
    the calibrant's business.  :func:`is_mixture` calls it one where

    - at least six rings, and three quarters of those predicted up to the last one seen, were found and follow the
      calibrant to 0.3 pixel, the outermost being at least twice as far out as the innermost;
    - so many rings would not be where other rings are by chance: with N rings in the pattern over R pixels and t
      three standard deviations of their distances (at least 0.1 pixel), :math:`10^3 (2 N t / R)^{n - 2} < 10^{-6}` for
      n rings (two are spent on distance and scale);
    - the calibrant is cubic, and the foreign rings do *not* lie on its own lattice, nor on one with a half, third or
      quarter of its :math:`h^2 + k^2 + l^2`: not more than three standard deviations more often than chance, which
      must be less than 60 %.  A substance that has the calibrant's rings and others has them there: all cubic
      lattices that contain a scaled copy of the calibrant's do.

    Without that, and for calibrants that are not cubic, foreign rings stay a doubt.
"""

from __future__ import annotations

import numpy as np

from azimuthal.calibration.refinement import Refinement, RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.calibration.ring_points import RingPoints, row_angles, row_blocks
from azimuthal.instrument import Instrument
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = ["foreign_rings", "is_mixture", "typical_pixel"]

_DEVIATIONS = 8.0
_ERRORS = 6.0
_SHARE = 0.1
_FEWEST = 6
_FOUND = 0.75
_FOLLOWS = 0.3  # pixels
_SHARPEST = 0.1
_SPAN = 2.0
_CHANCE, _TRIALS = 1e-6, 1e3
_LARGEST_SUM = 8  # h^2 + k^2 + l^2 of the first ring of a cubic calibrant
_FRACTIONS = (1, 2, 3, 4)
_TELLS_NOTHING = 0.6


def foreign_rings(
    image: AnyArray, refinement: Refinement, calibrant: RingSource, usable: BoolArray, ring_points: RingPoints
) -> FloatArray:
    """Return two theta, rad, of the rings of the image that are not of the calibrant (module docstring)."""
    instrument = refinement.instrument
    points, used = refinement.control_points, refinement.used
    if not used.any():
        return np.empty(0)
    step = 0.5 * typical_pixel(refinement)
    x, y, error = _pattern(image, instrument, usable, step)
    if x.size < 16:
        return np.empty(0)
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
    return np.asarray(x[tops[away]])


def is_mixture(foreign: FloatArray, refinement: Refinement, calibrant: RingSource, ring_points: RingPoints) -> bool:
    """Whether foreign rings are another substance beside the calibrant, not a sign of the wrong one (see above)."""
    d = np.asarray(calibrant.d_spacings(), dtype=np.float64)
    sums = _cubic_sums(d)
    means = _ring_means(refinement)
    follow = [ring for ring, mean in means.items() if abs(mean) <= _FOLLOWS]
    if sums is None or len(follow) < _FEWEST:
        return False
    predicted = [ring for ring in ring_points.predicted if ring <= max(means)]
    wavelength = refinement.instrument.beam.required_wavelength("rings")
    angle = ring_angles(d, wavelength)[0]
    inner, outer = (float(np.tan(angle[ring])) for ring in (min(follow), max(follow)))
    if len(follow) < _FOUND * len(predicted) or not (outer < 0 < inner or outer > _SPAN * inner):
        return False
    pixel = typical_pixel(refinement)
    tolerance = max(3 * float(np.std([means[ring] for ring in follow])), _SHARPEST)
    everything = np.concatenate((foreign, angle[list(follow)]))
    share = min(1.0, 2 * everything.size * tolerance * pixel / max(float(np.ptp(everything)), pixel))
    if _TRIALS * share ** (len(follow) - 2) > _CHANCE:
        return False
    lattice = float(np.median(d**2 * sums))  # a^2
    sine = np.sin(0.5 * foreign)
    found = 4 * lattice * sine**2 / wavelength**2
    blur = 4 * lattice * sine * np.cos(0.5 * foreign) / wavelength**2 * max(tolerance, 1.0) * pixel
    return not any(_on_lattice(found * k, blur * k) for k in _FRACTIONS)


def _on_lattice(sums: FloatArray, blur: FloatArray) -> bool:
    """Whether sums of squares are integers more often than chance, or too blurred to tell."""
    chance = np.minimum(2 * blur, 1.0)
    hits = int(np.count_nonzero(np.abs(sums - np.round(sums)) <= blur))
    if float(chance.mean()) > _TELLS_NOTHING:
        return True
    return hits > float(chance.sum()) + 3 * float(np.sqrt(np.sum(chance * (1 - chance))))


def _cubic_sums(d: FloatArray) -> FloatArray | None:
    """Return h^2 + k^2 + l^2 of the rings of a cubic lattice, None of another one."""
    ratios = (d.max(initial=0.0) / d) ** 2
    for first in range(1, _LARGEST_SUM + 1):
        sums = ratios * first
        if d.size >= _FEWEST and np.all(np.abs(sums - np.round(sums)) < 1e-4 * sums):
            return np.asarray(np.round(sums))
    return None


def _ring_means(refinement: Refinement) -> dict[int, float]:
    """Return the mean residual of every ring in use, pixels."""
    points, used = refinement.control_points, refinement.used
    sigma = np.where(np.isfinite(points.uncertainty), points.uncertainty, 0.1)
    weights = np.where(used, 1 / (sigma**2 + refinement.scatter**2 + 1e-12), 0.0)
    total = np.bincount(points.ring, weights)
    means = np.bincount(points.ring, weights * refinement.residuals) / np.where(total > 0, total, 1.0)
    return {ring: float(means[ring]) for ring in np.flatnonzero(total > 0).tolist()}


def typical_pixel(refinement: Refinement) -> float:
    """Return about how much two theta changes over a pixel at the points, rad."""
    residuals = refinement.residuals
    return float(np.median(np.abs(refinement.residuals_rad / np.where(residuals, residuals, 1))))


def _pattern(
    image: AnyArray, instrument: Instrument, usable: BoolArray, step: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return two theta, mean and its standard error in bins of `step`; bins with fewer than 20 pixels are left out."""
    n_bins = int(np.pi / step) + 2
    n, total, squares = np.zeros(n_bins), np.zeros(n_bins), np.zeros(n_bins)
    middle = float(np.median(image[::7, ::7][usable[::7, ::7]])) if usable[::7, ::7].any() else 0.0
    for rows in row_blocks(image.shape[0]):
        angle = row_angles(instrument, rows)
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
