# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every pixel of an instrument: where it lies along the axes of a result, and how its raw value is corrected.

Interpolation
    A pixel belongs to the bin that holds its centre, and gets the value of that bin, moved linearly towards the value
    of the neighbour on whose side of the bin's centre the pixel lies.  Where that neighbour does not exist (end of the
    range) or holds no data (NaN), the value of the pixel's own bin stands; where its own bin holds no data, or the
    pixel lies in none, the result is NaN.  Nothing is extrapolated.  Around a full circle the last bin is the
    neighbour of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.binning.grid import bin_of
from azimuthal.engines import thread_count
from azimuthal.errors import DataTypeError
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator, PixelArrays, PlanSpec
from azimuthal.integrate.plan import corrections_of
from azimuthal.integrate.shapes import ShapeSource
from azimuthal.typing import BoolArray, FloatArray, IntArray
from azimuthal.units import Axis, Unit

_FULL_TURN = 1e-9  # relative tolerance within which the span of an azimuthal axis is the full circle


def instrument_of(value: Instrument | Integrator) -> Instrument:
    """Return the instrument of what a user passes as one."""
    if isinstance(value, Integrator):
        return value.instrument
    if isinstance(value, Instrument):
        return value
    raise DataTypeError(f"instrument: expected an Integrator or an Instrument, got {type(value).__name__}.")


def checked_seed(value: Any) -> int:
    """Return the seed of a random number generator."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 0:
        raise DataTypeError(f"seed: expected an integer of at least 0, or None for no noise, got {value!r}.")
    return int(value)


@dataclass(frozen=True, slots=True, eq=False)
class PixelField:
    """Pixels in the order of the image; see the module docstring.

    Parameters
    ----------
    shape:
        Of the frame.
    radial, azimuthal:
        Coordinates of the pixel centres in the units of the description; float64, shape (n_pixels,).
    offset, normalization:
        Of the corrections; float64, shape (n_pixels,), or None for 0 and 1.
    excluded:
        bool, shape (n_pixels,): gaps, mask, and pixels that cannot be corrected.
    """

    shape: tuple[int, int]
    radial: FloatArray
    azimuthal: FloatArray
    offset: FloatArray | None
    normalization: FloatArray | None
    excluded: BoolArray

    @classmethod
    def of(cls, spec: PlanSpec, arrays: PixelArrays) -> PixelField:
        """Return the pixels as a description sees them."""
        excluded, folded = corrections_of(spec, arrays)
        radial, azimuthal = center_coordinates(spec)
        flat = [None if array is None else array.reshape(-1) for array in (folded.offset, folded.normalization)]
        return cls(excluded.shape, radial, azimuthal, flat[0], flat[1], excluded.reshape(-1))

    def raw(self, intensity: FloatArray, factor: float) -> FloatArray:
        """Return what the detector would have read: ``intensity n factor + dark``; shape of the frame, new memory."""
        values = intensity * factor
        if self.normalization is not None:
            values *= self.normalization
        if self.offset is not None:
            values += self.offset
        return values.reshape(self.shape)


def center_coordinates(spec: PlanSpec) -> tuple[FloatArray, FloatArray]:
    """Return radial and azimuthal coordinates of all pixel centres, in the units of the description."""
    native = spec.engine != "reference"
    source = ShapeSource(spec.instrument, spec.unit, spec.azimuth_unit, native=native, n_threads=thread_count())
    shape = spec.instrument.detector.shape
    radial, azimuthal = np.empty(shape[0] * shape[1]), np.empty(shape[0] * shape[1])
    begin = 0
    for slab in source.slabs(np.zeros(shape, bool), corners=False, centers=True):
        centers = slab.centers
        assert centers is not None  # asked for
        end = begin + len(centers)
        radial[begin:end], azimuthal[begin:end] = centers[:, 0], centers[:, 1]
        begin = end
    return spec.unit.from_canonical(radial), spec.azimuth_unit.from_canonical(azimuthal)


@dataclass(frozen=True, slots=True, eq=False)
class AxisPositions:
    """Where pixels lie along an axis.

    Parameters
    ----------
    bins:
        int64: the bin of each pixel; -1 for none.
    fractions:
        float64 in (-1, 1): part of the way from the centre of the bin to that of the next (positive) or the last
        (negative) one.
    n_bins:
        Of the axis.
    is_circle:
        Whether the last bin is the neighbour of the first.
    """

    bins: IntArray
    fractions: FloatArray
    n_bins: int
    is_circle: bool

    def at_pixels(self, values: FloatArray) -> FloatArray:
        """Return values per bin, interpolated at every pixel; NaN where there are none."""
        last, following = self.steps(values)
        inside = self.bins >= 0
        bins = np.where(inside, self.bins, 0)
        step = np.where(self.fractions < 0, -self.fractions * last[bins], self.fractions * following[bins])
        found: FloatArray = np.where(inside, values[bins] + step, np.nan)
        return found

    def steps(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how far it is from each bin to the last and to the next one; 0 where there is nothing to go to."""
        neighbours = (np.roll(values, 1), np.roll(values, -1))
        if not self.is_circle:
            neighbours[0][0] = neighbours[1][-1] = np.nan
        steps = (np.where(np.isnan(other), 0.0, other - values) for other in neighbours)
        return next(steps), next(steps)

    def neighbours(self) -> IntArray:
        """Return the bin towards which each pixel lies; -1 where there is none."""
        other = self.bins + np.sign(self.fractions).astype(np.int64)
        if self.is_circle:
            other %= self.n_bins
        other[(self.bins < 0) | (other < 0) | (other >= self.n_bins)] = -1
        return other


def axis_positions(axis: Axis, values: FloatArray) -> AxisPositions:
    """Return where coordinates, in the unit of the axis, lie along it."""
    period = axis.unit.period
    edges, centers = axis.edges, axis.centers
    is_circle = period is not None and bool(abs(edges[-1] - edges[0] - period) <= _FULL_TURN * period)
    placed = values if period is None else on_arc(values, axis.unit, float(edges[0]))
    with np.errstate(invalid="ignore"):
        bins = np.where(np.isfinite(placed), bin_of(edges, np.nan_to_num(placed, nan=np.inf)), -1)
    if is_circle:  # rounding at the seam
        bins[bins == axis.n_bins] = axis.n_bins - 1
    bins[(bins < 0) | (bins >= axis.n_bins)] = -1
    at = np.where(bins >= 0, bins, 0)
    distance = np.where(bins >= 0, placed - centers[at], 0.0)
    gaps_up, gaps_down = _gaps(centers, period if is_circle else None)
    fractions = np.where(distance < 0, distance / gaps_down[at], distance / gaps_up[at])
    return AxisPositions(bins, fractions, axis.n_bins, is_circle)


def on_arc(values: FloatArray, unit: Unit, start: float) -> FloatArray:
    """Return angles moved by whole turns into ``[start, start + period)``."""
    period = unit.period
    assert period is not None  # callers ask for angles on a circle only
    placed: FloatArray = start + np.mod(values - start, period)
    return placed


def _gaps(centers: FloatArray, period: float | None) -> tuple[FloatArray, FloatArray]:
    """Return the distances from each centre to the next and from the last; infinite at the ends of an open axis."""
    between = np.diff(centers)
    seam = np.inf if period is None else centers[0] + period - centers[-1]
    return np.append(between, seam), np.insert(between, 0, seam)
