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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from azimuthal.binning.grid import bin_of
from azimuthal.engines import thread_count
from azimuthal.errors import DataTypeError, UnsupportedOptionError
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator, PixelArrays, PlanSpec
from azimuthal.integrate.plan import corrections_of
from azimuthal.integrate.shapes import ShapeSource
from azimuthal.typing import BoolArray, FloatArray, IndexArray
from azimuthal.units import Axis, Unit

Made = TypeVar("Made")

_FULL_TURN = 1e-9  # relative tolerance within which the span of an azimuthal axis is the full circle


def instrument_of(value: Instrument | Integrator) -> Instrument:
    """Return the instrument of what a user passes as one."""
    if isinstance(value, Integrator):
        return value.instrument
    if isinstance(value, Instrument):
        return value
    raise DataTypeError(f"instrument: expected an Integrator or an Instrument, got {type(value).__name__}.")


def prepared(
    instrument: Instrument | Integrator,
    kind: str,
    spec: PlanSpec,
    arrays: PixelArrays,
    make: Callable[[PixelArrays], Made],
) -> Made:
    """Return what `make` makes for a description and checked arrays; an integrator keeps it for the next call."""
    if isinstance(instrument, Integrator):
        return instrument.prepared(kind, spec, arrays, make)
    return make(arrays.checked(spec.instrument.detector.shape))


def check_linear(spec: PlanSpec) -> None:
    """Raise where the signal is more than the raw value less an offset: it could not be undone."""
    if spec.dead_time is not None:
        raise UnsupportedOptionError(
            "dead_time: images are made and searched in raw units, and a dead time is not undone. Correct the image "
            "first (azimuthal.images.image_correction), and leave dead_time out here."
        )


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
    threads:
        Of the compiled core; None: NumPy, as the reference engine is asked for.
    """

    shape: tuple[int, int]
    radial: FloatArray
    azimuthal: FloatArray
    offset: FloatArray | None
    normalization: FloatArray | None
    excluded: BoolArray
    threads: int | None

    @classmethod
    def of(cls, spec: PlanSpec, arrays: PixelArrays, *, threads: int | None = None) -> PixelField:
        """Return the pixels as a description sees them."""
        n_threads = None if spec.engine == "reference" else thread_count(threads)
        excluded, folded = corrections_of(spec, arrays, threads=threads)
        radial, azimuthal = center_coordinates(spec, n_threads)
        flat = [None if array is None else array.reshape(-1) for array in (folded.offset, folded.normalization)]
        return cls(excluded.shape, radial, azimuthal, flat[0], flat[1], excluded.reshape(-1), n_threads)

    def raw(self, intensity: FloatArray, factor: float) -> FloatArray:
        """Return what the detector would have read: ``intensity n factor + dark``; shape of the frame, new memory."""
        values = intensity * factor
        if self.normalization is not None:
            values *= self.normalization
        if self.offset is not None:
            values += self.offset
        return values.reshape(self.shape)


def center_coordinates(spec: PlanSpec, threads: int | None) -> tuple[FloatArray, FloatArray]:
    """Return radial and azimuthal coordinates of all pixel centres, in the units of the description."""
    native, n_threads = threads is not None, threads or 1
    source = ShapeSource(spec.instrument, spec.unit, spec.azimuth_unit, native=native, n_threads=n_threads)
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
        int32: the bin of each pixel; -1 for none.
    fractions:
        float64 in (-1, 1): part of the way from the centre of the bin to that of the next (positive) or the last
        (negative) one.
    n_bins:
        Of the axis.
    is_circle:
        Whether the last bin is the neighbour of the first.
    threads:
        Of the compiled core, which gives the same bits; None: NumPy.
    """

    bins: IndexArray
    fractions: FloatArray
    n_bins: int
    is_circle: bool
    threads: int | None = None

    def at_pixels(self, values: FloatArray) -> FloatArray:
        """Return values per bin, interpolated at every pixel; NaN where there are none."""
        last, following = self.steps(values)
        if self.threads is not None:
            from azimuthal.images._native import interpolated

            return interpolated(self.bins, self.fractions, values, last, following, self.threads)
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

    def neighbours(self) -> IndexArray:
        """Return the bin towards which each pixel lies; -1 where there is none."""
        other = self.bins + np.sign(self.fractions).astype(np.int32)
        if self.is_circle:
            other %= self.n_bins
        other[(self.bins < 0) | (other < 0) | (other >= self.n_bins)] = -1
        return other


def axis_positions(axis: Axis, values: FloatArray, *, threads: int | None = None) -> AxisPositions:
    """Return where coordinates, in the unit of the axis, lie along it; `threads` as in :class:`AxisPositions`."""
    period = axis.unit.period
    edges, centers = axis.edges, axis.centers
    is_circle = period is not None and bool(abs(edges[-1] - edges[0] - period) <= _FULL_TURN * period)
    if threads is not None:
        from azimuthal.images._native import located

        bins, fractions = located(values, edges, period, is_circle, threads)
        return AxisPositions(bins, fractions, axis.n_bins, is_circle, threads)
    placed = values if period is None else on_arc(values, axis.unit, float(edges[0]))
    with np.errstate(invalid="ignore"):
        found = np.where(np.isfinite(placed), bin_of(edges, np.nan_to_num(placed, nan=np.inf)), -1)
    if is_circle:  # rounding at the seam
        found[found == axis.n_bins] = axis.n_bins - 1
    found[(found < 0) | (found >= axis.n_bins)] = -1
    at = np.where(found >= 0, found, 0)
    distance = np.where(found >= 0, placed - centers[at], 0.0)
    gaps_up, gaps_down = _gaps(centers, period if is_circle else None)
    fractions = np.where(distance < 0, distance / gaps_down[at], distance / gaps_up[at])
    return AxisPositions(found.astype(np.int32), fractions, axis.n_bins, is_circle)


def bilinear(values: FloatArray, radial: AxisPositions, azimuthal: AxisPositions) -> FloatArray:
    """Return values ``[azimuthal, radial]`` at pixels: bilinear over the bins that hold data, NaN without its own."""
    if radial.threads is not None:
        from azimuthal.images._native import interpolated_twice

        return interpolated_twice(values, radial, azimuthal, radial.threads)
    flat = np.append(values.reshape(-1), np.nan)  # index -1: nothing
    part_r, part_c = np.abs(radial.fractions), np.abs(azimuthal.fractions)
    other_r, other_c = radial.neighbours(), azimuthal.neighbours()
    total, weights = np.zeros(part_r.size), np.zeros(part_r.size)
    for bin_r, weight_r in ((radial.bins, 1.0 - part_r), (other_r, part_r)):
        for bin_c, weight_c in ((azimuthal.bins, 1.0 - part_c), (other_c, part_c)):
            place = bin_c.astype(np.int64) * radial.n_bins + bin_r
            corner = flat[np.where((bin_r < 0) | (bin_c < 0), -1, place)]
            weight = np.where(np.isnan(corner), 0.0, weight_r * weight_c)
            total += weight * np.nan_to_num(corner)
            weights += weight
    nowhere = (radial.bins < 0) | (azimuthal.bins < 0)
    own = flat[np.where(nowhere, -1, azimuthal.bins.astype(np.int64) * radial.n_bins + radial.bins)]
    found = np.full(total.size, np.nan)
    np.divide(total, weights, out=found, where=~np.isnan(own) & (weights > 0))
    return found


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
