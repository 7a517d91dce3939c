# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rings of few grains: spots in place of ridges, and which way the ring goes at each of them.

Spots
    Those that :mod:`azimuthal.calibration.ridges` finds beside the arcs, and those that *streaks* lead to: the spots of
    few large grains have tails along two theta where the beam is not monochromatic or the profile is Lorentzian, and
    next to a bright spot its tail is higher than the ring.  Such an image is full of ridges that point to the beam
    centre, and no geometry makes rings of them.  An arc of a ridge is a streak where it is straight and where, along
    its line, the image has a single peak that is several times as high as the ridge is in the middle.

Direction
    Spots of one ring lie on a curve.  Around every spot, within several distances, the line through it and another one
    that has the most spots beside it, and far more of them than chance would bring, is the ring's tangent; a parabola
    through these spots makes it better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from azimuthal.calibration._ridge_arcs import near_pairs
from azimuthal.calibration.ridges import Ridges
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["directed_spots"]

_FEWEST = 4  # points of a streak
_STRAIGHT = 1.5  # pixels, root mean square
_BEYOND = 40.0  # pixels past its ends: where its spot may be
_STEP = 0.5
_ACROSS = (-1.0, 0.0, 1.0)
_SMOOTH = 5  # steps
_PEAK = 4.0  # times the height in the middle of the streak
_SAME = 4.0  # pixels
_FEWEST_STREAKS = 8
_WIDE = 2.0  # times the typical width of the peaks: more is no spot
_MOST_SPOTS = 1500

_DISTANCES = (25.0, 40.0, 60.0, 90.0, 140.0)  # pixels
_BESIDE = 2.0  # pixels from the line, and what a ring bends
_BENT = 1 / 250.0  # 1 / pixels
_FEWEST_BESIDE = 4
_CHANCE = 8.0  # logarithm of how unlikely
_LEAST_TURN = 0.02  # rad
_STREAK_TURN = 0.1  # rad: streaks point to the beam centre, on oblique detectors not quite across the ring
_ANY_NORMAL = np.pi / np.sqrt(12)
_FEWEST_DIRECTED = 8


class _Spots(NamedTuple):
    """Places (n, 2), directions (n, 2; zero: none), heights and full widths of spots."""

    place: FloatArray
    way: FloatArray
    height: FloatArray
    fwhm: FloatArray

    def select(self, which: AnyArray) -> _Spots:
        return _Spots(*(array[which] for array in self))


def directed_spots(ridges: Ridges, image: AnyArray, usable: BoolArray) -> Ridges:
    """Return spots with the normal of the ring that each is on, as far as neighbours and streaks tell.

    Arcs that are no streaks go with them; nothing is returned where hardly any normal is known.

    Parameters
    ----------
    ridges:
        Of the image.
    image, usable:
        2-D: values, and which of them count.
    """
    spots = _all_spots(ridges, image, usable)
    normal, turn, known = _normals(spots.place)
    if np.count_nonzero(known | (spots.way != 0).any(axis=1)) < _FEWEST_DIRECTED:
        return Ridges.empty()
    streaked = ~known & (spots.way != 0).any(axis=1)
    normal[streaked], turn[streaked] = spots.way[streaked], _STREAK_TURN
    error, significance = np.maximum(0.25 * spots.fwhm, 0.3), np.full(len(turn), 10.0)
    columns = [*spots.place.T, normal, turn, error, spots.height, significance, spots.fwhm]
    if not spots.way.any():  # else the arcs are streaks
        arcs = ridges.select(ridges.arc >= 0)
        columns = [np.concatenate((getattr(arcs, n), mine)) for n, mine in zip(_COLUMNS, columns, strict=True)]
    slow, fast, normal, turn, error, height, significance, fwhm = columns
    return Ridges(slow, fast, normal, turn, error, height, significance, fwhm, np.full(slow.size, -1))


_COLUMNS = ("slow", "fast", "normal", "normal_error", "uncertainty", "height", "significance", "fwhm")


def _all_spots(ridges: Ridges, image: AnyArray, usable: BoolArray) -> _Spots:
    """Return single spots and those of streaks, with the direction of the streaks."""
    arcs = [_spot(ridges.select(ridges.arc == arc), image, usable) for arc in range(ridges.arc.max(initial=-1) + 1)]
    found = [spot for spot in arcs if spot is not None]
    alone = ridges.select(ridges.arc < 0)
    parts = [_Spots(_places(alone), np.zeros((len(alone), 2)), alone.height, alone.fwhm)]
    if len(found) >= _FEWEST_STREAKS:
        widths = np.array([spot.fwhm for spot in found])
        parts += [spot for spot in found if spot.fwhm[0] <= _WIDE * np.median(widths)]
    spots = _Spots(*(np.concatenate(arrays) for arrays in zip(*parts[::-1], strict=True)))
    kept = np.ones(len(spots.height), dtype=np.bool_)
    i, j = near_pairs(spots.place, _SAME)
    kept[np.maximum(i, j)] = False
    brightest = np.argsort(-spots.height, kind="stable")
    return spots.select(brightest[kept[brightest]][:_MOST_SPOTS])


def _places(ridges: Ridges) -> FloatArray:
    return np.column_stack((ridges.slow, ridges.fast))


def _spot(streak: Ridges, image: AnyArray, usable: BoolArray) -> _Spots | None:
    """Return the one spot that an arc comes from; None: it is no streak."""
    n = len(streak)
    if n < _FEWEST:
        return None
    place = _places(streak)
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
    return _Spots((middle + peak[0] * ways[0])[None], ways[:1], np.array([peak[1]]), np.array([peak[2]]))


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


def _normals(place: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return normals, their errors, and where they are known."""
    n = len(place)
    normal, turn, known = np.zeros((n, 2)), np.full(n, _ANY_NORMAL), np.zeros(n, dtype=np.bool_)
    normal[:, 0] = 1.0
    if n < _FEWEST_BESIDE:
        return normal, turn, known
    first, second = near_pairs(place, _DISTANCES[-1])
    start, end = np.concatenate((first, second)), np.concatenate((second, first))
    order = np.argsort(start, kind="stable")
    end, bounds = end[order], np.searchsorted(start[order], np.arange(n + 1))
    for k in range(n):
        around: IntArray = end[bounds[k] : bounds[k + 1]]
        found = _direction(place[around] - place[k])
        if found is not None:
            normal[k], turn[k], known[k] = (-found[0][1], found[0][0]), found[1], True
    return normal, turn, known


def _direction(ways: FloatArray) -> tuple[FloatArray, float] | None:
    """Return the tangent of the ring and its error, from the neighbours of a spot; None where chance explains them."""
    distance = np.hypot(*ways.T)
    best: tuple[float, FloatArray, BoolArray] | None = None
    for reach in _DISTANCES:
        near = distance < reach
        if np.count_nonzero(near) < _FEWEST_BESIDE:
            continue
        way, far = ways[near], distance[near]
        unit = way / far[:, None]
        off = np.abs(unit[:, :1] * way[None, :, 1] - unit[:, 1:] * way[None, :, 0])
        beside = off < _BESIDE + 0.5 * _BENT * far**2
        count = beside.sum(axis=1)
        share = (4 * reach * _BESIDE + 2 * _BENT * reach**3 / 3) / (np.pi * reach**2)
        expected = share * len(way)
        chance = count * np.log(np.maximum(count, 1) / expected) - (count - expected)  # Poisson
        top = int(np.argmax(chance))
        if count[top] >= _FEWEST_BESIDE and count[top] > expected and (best is None or chance[top] > best[0]):
            chosen = np.zeros(len(ways), dtype=np.bool_)
            chosen[np.flatnonzero(near)[beside[top]]] = True
            best = float(chance[top]), unit[top], chosen
    if best is None or best[0] < _CHANCE:
        return None
    return _tangent(ways[best[2]], best[1])


def _tangent(ways: FloatArray, along: FloatArray) -> tuple[FloatArray, float]:
    """Return the direction of a parabola through the spot and those beside it, and its error."""
    t, u = ways @ along, ways @ np.array([-along[1], along[0]])
    columns = np.column_stack((t, t**2))
    scale = np.linalg.norm(columns, axis=0) + 1e-12
    rows = columns / scale
    slope = np.linalg.lstsq(rows, u, rcond=1e-6)[0]
    off = u - rows @ slope
    spread = max(float(np.sqrt(np.sum(off**2) / max(len(u) - 2, 1))), 0.5)
    inverse = np.linalg.pinv(rows.T @ rows, rcond=1e-6)
    error = spread * float(np.sqrt(inverse[0, 0])) / scale[0]
    turned = float(slope[0]) / scale[0]
    way = along + turned * np.array([-along[1], along[0]])
    return way / np.linalg.norm(way), max(error, _LEAST_TURN)
