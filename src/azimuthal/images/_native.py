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
    from azimuthal.images._pixels import PixelField
    from azimuthal.images.peaks import FoundPeaks, PeakSettings
    from azimuthal.images.rings import ClipSettings, RingBackground

_SPREADS = ("azimuthal", "poisson")


def ring_lists(bins: IndexArray, n_bins: int) -> _core.RingLists:
    """Return the pixels of every ring."""
    return _core.RingLists(bins, n_bins)


def clipped_rings(
    lists: _core.RingLists,
    raw: AnyArray,
    field: PixelField,
    invalid: InvalidRanges,
    settings: ClipSettings,
    n_threads: int,
) -> RingBackground:
    """Return the background of a frame by sigma clipping."""
    from azimuthal.images.rings import RingBackground

    found = lists.clipped(
        raw,
        field.offset,
        field.normalization,
        invalid.ranges,
        invalid.nonfinite,
        _SPREADS.index(settings.spread),
        settings.cutoff,
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
    background: tuple[FloatArray, FloatArray],
    settings: PeakSettings,
    n_threads: int,
) -> tuple[IntArray, IntArray]:
    """Return the pixels that stand out, and those of a ring whose values do not count."""
    mean, std = background
    picked, invalid_ones = _core.pick_pixels(
        raw, field.offset, field.normalization, invalid.ranges, invalid.nonfinite, bins, positions, mean, std,
        settings.cutoff_pick, settings.noise, n_threads,
    )  # fmt: skip
    return picked.astype(np.int64), invalid_ones.astype(np.int64)


def found_peaks(
    raw: AnyArray,
    field: PixelField,
    invalid: InvalidRanges,
    bins: IndexArray,
    positions: AnyArray,
    background: tuple[FloatArray, FloatArray],
    settings: PeakSettings,
    n_threads: int,
) -> FoundPeaks:
    """Return the peaks of a frame."""
    from azimuthal.images.peaks import FoundPeaks

    mean, std = background
    pixel, n_picked, complete, *values = _core.find_peaks(
        raw, field.offset, field.normalization, invalid.ranges, invalid.nonfinite, bins, positions, mean, std,
        settings.cutoff_pick, settings.noise,
        field.shape[1], settings.patch_size // 2, settings.connected, n_threads,
    )  # fmt: skip
    return FoundPeaks(pixel.astype(np.int64), n_picked.astype(np.int64), complete.astype(np.bool_), *values)
