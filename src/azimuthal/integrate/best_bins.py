# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""How many radial bins: a proposal with its reasons, never taken by itself.

Three numbers speak to it.

**Width of a pixel at its ring.**  Seen along the radius a pixel is a distribution of u; a box of the same standard
deviation s has the width :math:`w = \sqrt{12} s`.  For a square pixel of side p that is p in any direction, although
its corners reach up to :math:`\sqrt 2 p`: the standard deviation of a uniform square is the same along all axes.  Bins
much wider than w lose resolution, bins much narrower show nothing new.  w is taken from the corners (s of uniform area
is :math:`1/\sqrt 3` of that of the corners of a parallelogram, :math:`\sqrt{5/12}` for a regular hexagon).

**Population.**  The largest number of bins up to which no bin has fewer than `min_pixels` pixel centres.  Without
splitting a bin with none has no intensity.

**Aliasing.**  Without splitting, bins about as wide as a pixel catch now more, now fewer of the rows of pixels.  The
measure is the difference between a bin's number of pixels and the mean of its two neighbours', relative to that mean:
the median of all bins, which does not see where a ring begins to leave the detector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal._validate import interval, one_of, positive_integer
from azimuthal.binning import arc
from azimuthal.engines import thread_count
from azimuthal.errors import ParameterError
from azimuthal.instrument import Instrument
from azimuthal.integrate.shapes import ShapeSource
from azimuthal.typing import SPLITS, BoolArray, FloatArray
from azimuthal.units import Unit
from azimuthal.units import unit as find_unit

_MOST_BINS = 1 << 20
_DEGREES = 360.0


@dataclass(frozen=True, slots=True)
class BinProposal:
    """A number of radial bins and why.

    Parameters
    ----------
    npt:
        The proposal.
    unit:
        Of the axis.
    radial_range:
        Of the centres of the pixels, or as given; in `unit`.
    pixel_width:
        Median width of a pixel at its ring, in `unit`.
    pixel_width_range:
        The widths that 1 % and 99 % of the pixels stay below, in `unit`.
    by_pixel_width:
        Number of bins as wide as the median pixel.
    by_population:
        Largest number of bins up to which every bin has `min_pixels` pixel centres; 0 when one bin has not.
    min_pixels:
        As asked for.
    pixels_per_bin:
        Mean number of pixels in a bin of the proposal.
    aliasing:
        Relative change of the number of pixels from bin to bin at the proposal, without splitting.
    split:
        Splitting that the proposal is for.
    """

    npt: int
    unit: Unit
    radial_range: tuple[float, float]
    pixel_width: float
    pixel_width_range: tuple[float, float]
    by_pixel_width: int
    by_population: int
    min_pixels: int
    pixels_per_bin: float
    aliasing: float
    split: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons in words."""
        (start, stop), (low, high) = self.radial_range, self.pixel_width_range
        symbol = self.unit.symbol
        return (
            f"{self.npt} bins from {start:.6g} to {stop:.6g} {symbol}, split {self.split}",
            f"a pixel is {self.pixel_width:.4g} {symbol} ({low:.4g} to {high:.4g}), as are {self.by_pixel_width} bins",
            f"up to {self.by_population} bins each bin has {self.min_pixels} or more pixel centres",
            f"{self.pixels_per_bin:.4g} pixels per bin, from bin to bin {100 * self.aliasing:.2g} % apart if not split",
        )

    def __str__(self) -> str:
        return "\n".join(self.reasons)


def best_bins(
    instrument: Instrument,
    unit: Any,
    excluded: BoolArray,
    *,
    radial_range: Any = None,
    azimuth_range: Any = None,
    min_pixels: int = 1,
    split: str = "full",
) -> BinProposal:
    """Return a proposal; parameters are those of :meth:`azimuthal.integrate.Integrator.best_bins`.

    Parameters
    ----------
    excluded:
        Pixels that do not count; shape of the frame.
    """
    one_of("split", split, SPLITS)
    least = positive_integer("min_pixels", min_pixels)
    axis = find_unit(unit)
    centers, widths = _pixels(instrument, axis, excluded, azimuth_range)
    if radial_range is not None:
        low, high = interval("radial_range", radial_range, unit=axis.symbol)
        inside = (centers >= low) & (centers <= high)
        centers, widths = centers[inside], widths[inside]
    if centers.size == 0:
        raise ParameterError("best_bins: no pixel is left. Check the mask and the ranges.")
    if radial_range is None:
        low, high = float(centers[0]), float(centers[-1])
    width = float(np.median(widths))
    if not high > low or not width > 0:
        raise ParameterError(f"best_bins: all pixels have the same {axis.name!r}, which is no range to divide.")
    by_width = max(1, round((high - low) / width))
    by_population = _by_population(centers, low, high, least)
    npt = by_width if split != "none" else max(1, min(by_width, by_population))
    counts = _counts(centers, low, high, npt)
    spread = np.quantile(widths, [0.01, 0.99])
    return BinProposal(
        npt=npt,
        unit=axis,
        radial_range=(low, high),
        pixel_width=width,
        pixel_width_range=(float(spread[0]), float(spread[1])),
        by_pixel_width=by_width,
        by_population=by_population,
        min_pixels=least,
        pixels_per_bin=float(counts.mean()),
        aliasing=_aliasing(counts),
        split=split,
    )


def _pixels(
    instrument: Instrument, unit: Unit, excluded: BoolArray, azimuth_range: Any
) -> tuple[FloatArray, FloatArray]:
    """Return the radial positions of pixel centres, ascending, and the widths of the pixels, in the unit."""
    source = ShapeSource(instrument, unit, find_unit("chi_deg"), native=True, n_threads=thread_count())
    factor = 2.0 if instrument.detector.n_corners == 4 else math.sqrt(5.0)
    found: list[FloatArray] = []
    for pixels in source.slabs(excluded, corners=True, centers=True):
        assert pixels.corners is not None
        assert pixels.centers is not None
        corners = unit.from_canonical(pixels.corners[..., 0])
        centers = unit.from_canonical(pixels.centers[:, 0])
        with np.errstate(invalid="ignore"):
            widths = factor * corners.std(axis=1)
        usable = ~pixels.excluded & np.isfinite(centers) & np.isfinite(widths)
        if azimuth_range is not None:
            start, stop = arc("azimuth_range", azimuth_range, _DEGREES, unit="°")
            usable &= (np.degrees(pixels.centers[:, 1]) - start) % _DEGREES <= stop - start
        found.append(np.stack([centers[usable], widths[usable]]))
    centers, widths = np.concatenate(found, axis=1)
    order = np.argsort(centers)
    return centers[order], widths[order]


def _counts(centers: FloatArray, low: float, high: float, n_bins: int) -> FloatArray:
    """Return how many of the sorted centres are in each of equal bins, the last of which holds its upper edge."""
    places = np.searchsorted(centers, np.linspace(low, high, n_bins + 1))
    places[-1] = np.searchsorted(centers, high, side="right")
    return np.diff(places).astype(np.float64)


def _by_population(centers: FloatArray, low: float, high: float, least: int) -> int:
    """Return the largest n such that with 1, 2, ..., n bins every bin has at least `least` centres."""
    if centers.size < least:
        return 0
    # Every interval as wide as the widest run of `least` centres holds as many: no need to look before.
    ends = np.concatenate([np.full(least, low), centers, np.full(least, high)])
    widest = float((ends[least:] - ends[:-least]).max())
    n_bins = max(1, int((high - low) / widest) - 1) if widest > 0 else 1
    while n_bins > 1 and _counts(centers, low, high, n_bins).min() < least:
        n_bins -= 1
    while n_bins < _MOST_BINS and _counts(centers, low, high, n_bins + 1).min() >= least:
        n_bins += 1
    return n_bins


def _aliasing(counts: FloatArray) -> float:
    if counts.size < 3:
        return 0.0
    neighbours = 0.5 * (counts[:-2] + counts[2:])
    return float(np.median(np.abs(counts[1:-1] - neighbours) / np.maximum(neighbours, 1.0)))
