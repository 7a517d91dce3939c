# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rings and peaks by the compiled core; equal to the NumPy definitions (tested), whatever the number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azimuthal import _core
from azimuthal.masks import InvalidRanges
from azimuthal.typing import AnyArray, FloatArray, IndexArray, IntArray

if TYPE_CHECKING:
    from azimuthal.images._pixels import AxisPositions, PixelField
    from azimuthal.images.peaks import FoundPeaks, PeakSettings
    from azimuthal.images.rings import ClipSettings, RingBackground

_SPREADS = ("azimuthal", "poisson")


def located(
    values: FloatArray, edges: FloatArray, period: float | None, is_circle: bool, n_threads: int
) -> tuple[IndexArray, FloatArray]:
    """Return bins and fractions of :class:`azimuthal.images._pixels.AxisPositions`."""
    bins, fractions = np.empty(values.size, np.int32), np.empty(values.size)
    _core.locate(np.ascontiguousarray(values), edges, period or 0.0, is_circle, bins, fractions, n_threads)
    return bins, fractions


def interpolated(
    bins: IndexArray, fractions: FloatArray, values: FloatArray, last: FloatArray, following: FloatArray, n_threads: int
) -> FloatArray:
    """Return values per bin at pixels."""
    found = np.empty(bins.size)
    _core.interpolate(bins, fractions, np.ascontiguousarray(values), last, following, found, n_threads)
    return found


def interpolated_twice(
    values: FloatArray, radial: AxisPositions, azimuthal: AxisPositions, n_threads: int
) -> FloatArray:
    """Return values ``[azimuthal, radial]`` at pixels."""
    found = np.empty(radial.bins.size)
    _core.interpolate_twice(
        radial.bins, radial.fractions, azimuthal.bins, azimuthal.fractions, azimuthal.is_circle,
        np.ascontiguousarray(values), found, n_threads,
    )  # fmt: skip
    return found


def ring_lists(bins: IndexArray, field: PixelField, n_bins: int) -> _core.RingLists:
    """Return the pixels of every ring."""
    return _core.RingLists(bins, field.offset, field.normalization, n_bins)


def clipped_rings(
    lists: _core.RingLists,
    raw: AnyArray,
    invalid: InvalidRanges,
    settings: ClipSettings,
    n_threads: int,
) -> RingBackground:
    """Return the background of a frame by sigma clipping."""
    from azimuthal.images.rings import RingBackground

    found = lists.clipped(
        raw,
        invalid.ranges,
        invalid.nonfinite,
        _SPREADS.index(settings.spread),
        settings.cutoff,
        settings.noise,
        settings.max_iter,
        n_threads,
    )
    columns = [column.astype(np.float64, copy=False) for column in found[:-1]]
    columns.append(found[-1].astype(np.int64))
    return RingBackground(*columns)


def picked_pixels(
    raw: AnyArray,
    field: PixelField,
    invalid: InvalidRanges,
    bins: IndexArray,
    positions: AnyArray,
    background: tuple[FloatArray, FloatArray, FloatArray],
    settings: PeakSettings,
    n_threads: int,
) -> tuple[IntArray, IntArray]:
    """Return the pixels that stand out, and those of a ring whose values do not count."""
    mean, std, least_raw = background
    picked, invalid_ones = _core.pick_pixels(
        raw, field.offset, field.normalization, invalid.ranges, invalid.nonfinite, bins, positions, mean, std,
        least_raw, settings.cutoff_pick, settings.noise, n_threads,
    )  # fmt: skip
    return picked.astype(np.int64), invalid_ones.astype(np.int64)


def found_peaks(
    raw: AnyArray,
    field: PixelField,
    invalid: InvalidRanges,
    bins: IndexArray,
    positions: AnyArray,
    background: tuple[FloatArray, FloatArray, FloatArray],
    settings: PeakSettings,
    n_threads: int,
) -> FoundPeaks:
    """Return the peaks of a frame."""
    from azimuthal.images.peaks import FoundPeaks

    mean, std, least_raw = background
    pixel, n_picked, complete, *values = _core.find_peaks(
        raw, field.offset, field.normalization, invalid.ranges, invalid.nonfinite, bins, positions, mean, std,
        least_raw, settings.cutoff_pick, settings.noise,
        field.shape[1], settings.patch_size // 2, settings.connected, n_threads,
    )  # fmt: skip
    return FoundPeaks(pixel.astype(np.int64), n_picked.astype(np.int64), complete.astype(np.bool_), *values)
