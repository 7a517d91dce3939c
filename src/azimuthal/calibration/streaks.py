# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Streaks: ridges that run across the rings, out of bright spots.

The spots of few large grains have tails along two theta where the beam is not monochromatic or the profile is
Lorentzian, and next to a bright spot its tail is higher than the ring.  Such an image is full of ridges that point to
the beam centre, and no geometry makes rings of them.  A streak is as good as a piece of a ring all the same: its spot is
on the ring, and its direction is the ring's normal.

An arc of a ridge is a streak where it is straight and where, along its line, the image has a single peak that is several
times as high as the ridge is in the middle.  The peak becomes a point with the direction of the streak as its normal.

Limit: streaks point to the beam centre, the normals of rings do so on a detector without tilt only.  Beyond about ten
degrees of tilt the two are too different for the search that follows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from azimuthal.calibration._ridge_arcs import near_pairs
from azimuthal.calibration.ridges import Ridges
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = ["spots_of_streaks"]

_FEWEST = 4  # points of a streak
_STRAIGHT = 1.5  # pixels, root mean square
_BEYOND = 40.0  # pixels past its ends: where its spot may be
_STEP = 0.5
_ACROSS = (-1.0, 0.0, 1.0)
_SMOOTH = 5  # steps
_PEAK = 4.0  # times the height in the middle of the streak
_LEAST_TURN = 0.08  # rad: of an oblique ring the normal is not quite the direction of the beam centre
_SAME = 4.0  # pixels
_FEWEST_STREAKS = 8
_WIDE = 2.0  # times the typical width of the peaks: more is no spot


class _Spot(NamedTuple):
    """Place and normal of a spot (slow, fast), error of the direction, height, full width along the streak, points."""

    place: FloatArray
    normal: FloatArray
    turn: float
    height: float
    fwhm: float
    n: int


def spots_of_streaks(ridges: Ridges, image: AnyArray, usable: BoolArray) -> Ridges:
    """Return the spots that ridges lead to, with their normals; none where there are only few.

    Parameters
    ----------
    ridges:
        Of the image.
    image, usable:
        2-D: values, and which of them count.
    """
    arcs = [_spot(ridges.select(ridges.arc == arc), image, usable) for arc in range(ridges.arc.max(initial=-1) + 1)]
    spots = [spot for spot in arcs if spot is not None]
    return _joined(spots) if len(spots) >= _FEWEST_STREAKS else Ridges.empty()


def _spot(streak: Ridges, image: AnyArray, usable: BoolArray) -> _Spot | None:
    """Return the spot that an arc comes from; None: it is no streak."""
    n = len(streak)
    if n < _FEWEST:
        return None
    place = np.column_stack((streak.slow, streak.fast))
    middle = place.mean(axis=0)
    _, values, ways = np.linalg.svd(place - middle, full_matrices=False)
    off, length = float(values[1]) / np.sqrt(n), float(values[0]) / np.sqrt(n)
    if off > _STRAIGHT or off > 0.1 * length:
        return None
    along = (place - middle) @ ways[0]
    t = np.arange(along.min() - _BEYOND, along.max() + _BEYOND, _STEP)
    profile = _profile(middle + t[:, None] * ways[0], ways[1], image, usable)
    peak = _peak(t, profile, float(np.median(streak.height)))
    if peak is None:
        return None
    turn = max(off / (length * np.sqrt(n)), _LEAST_TURN)
    return _Spot(middle + peak[0] * ways[0], ways[0], turn, peak[1], peak[2], n)


def _profile(line: FloatArray, across: FloatArray, image: AnyArray, usable: BoolArray) -> FloatArray:
    """Return the mean of the usable pixels across a line, smoothed; NaN where there are none."""
    total, count = np.zeros(len(line)), np.zeros(len(line))
    for step in _ACROSS:
        i, j = np.rint(line + step * across).astype(np.int64).T
        inside = (i >= 0) & (j >= 0) & (i < image.shape[0]) & (j < image.shape[1])
        inside[inside] = usable[i[inside], j[inside]]
        total[inside] += image[i[inside], j[inside]]
        count += inside
    kernel = np.ones(_SMOOTH)
    total, count = (np.convolve(array, kernel, mode="same") for array in (total, count))
    return np.where(count >= _SMOOTH, total / np.maximum(count, 1), np.nan)


def _peak(t: FloatArray, profile: FloatArray, height: float) -> tuple[float, float, float] | None:
    """Return place, height and full width of the highest peak of a line, where it is far above the ridge."""
    if not np.isfinite(profile).any():
        return None
    above = profile - np.nanpercentile(profile, 5)
    top = int(np.nanargmax(above))
    highest = float(above[top])
    if highest < _PEAK * height:
        return None
    low, high = top, top
    while low > 0 and above[low - 1] > 0.5 * highest:
        low -= 1
    while high < t.size - 1 and above[high + 1] > 0.5 * highest:
        high += 1
    if low == 0 or high == t.size - 1 or not np.isfinite(above[[low - 1, high + 1]]).all():
        return None  # cut off by a gap or the edge
    weights = above[low : high + 1]
    return float(np.sum(weights * t[low : high + 1]) / weights.sum()), highest, _STEP * (high - low + 1)


def _joined(spots: list[_Spot]) -> Ridges:
    """Return one point for each spot: of the streaks that lead to it the longest."""
    spots = sorted(spots, key=lambda spot: -spot.n)
    place = np.array([spot.place for spot in spots])
    width = np.array([spot.fwhm for spot in spots])
    kept = width <= _WIDE * np.median(width)
    i, j = near_pairs(place, _SAME)
    kept[np.maximum(i, j)] = False
    chosen = [spot for spot, keep in zip(spots, kept.tolist(), strict=True) if keep]
    n = len(chosen)
    return Ridges(
        *np.array([spot.place for spot in chosen]).reshape(n, 2).T, np.array([s.normal for s in chosen]).reshape(n, 2),
        np.array([s.turn for s in chosen]), np.array([0.25 * s.fwhm for s in chosen]),
        np.array([s.height for s in chosen]), np.full(n, 10.0), np.array([s.fwhm for s in chosen]), np.full(n, -1),
    )  # fmt: skip
