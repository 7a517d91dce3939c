# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Points of ridges linked into arcs.

Two points of one circle see each other under opposite angles: with the chord ``e`` from one to the other and the
normals ``n1``, ``n2`` turned to the same side, :math:`e \cdot (n_1 + n_2) = 0` whatever the radius, and each of the two
is small where the chord is short against the radius.  Points are linked when both hold within their errors; arcs are
what is linked, directly or through others.
"""

from __future__ import annotations

import numpy as np

from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["linked_arcs", "near_pairs"]

_LARGEST_TURN = 0.45  # of a normal against the chord, sine
_SIGMAS = 3.5
_TOLERANCE = 0.35  # pixels: what errors do not tell (shape of pixels, texture)


def linked_arcs(
    place: FloatArray, normal: FloatArray, normal_error: FloatArray, uncertainty: FloatArray, width: FloatArray,
    reach: FloatArray,
) -> IntArray:  # fmt: skip
    """Return the number of the arc of each point, from 0; points without neighbours have one of their own.

    `place`, `normal`: (n, 2); `reach`: how far neighbours may be, pixels, that reach as far themselves; `width`: sigma
    of the profile.
    """
    pairs = [_pairs_of(place, reach, distance) for distance in np.unique(reach)]
    first = np.concatenate([np.empty(0, np.int64), *(i for i, _ in pairs)])
    second = np.concatenate([np.empty(0, np.int64), *(j for _, j in pairs)])
    linked = _compatible(first, second, place, normal, normal_error, uncertainty, width)
    return _components(len(place), first[linked], second[linked])


def _compatible(
    i: IntArray, j: IntArray, place: FloatArray, normal: FloatArray, normal_error: FloatArray,
    uncertainty: FloatArray, width: FloatArray,
) -> BoolArray:  # fmt: skip
    chord = place[j] - place[i]
    distance = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-9)
    turned = np.sign(np.einsum("ij,ij->i", normal[i], normal[j]))
    a = np.einsum("ij,ij->i", chord, normal[i])
    b = np.einsum("ij,ij->i", chord, normal[j]) * turned
    variance = uncertainty[i] ** 2 + uncertainty[j] ** 2
    variance += (distance * np.minimum(normal_error[i], 0.3)) ** 2 + (distance * np.minimum(normal_error[j], 0.3)) ** 2
    tolerance = _SIGMAS * np.sqrt(variance) + _TOLERANCE
    tolerance = np.minimum(tolerance, 1.2 + np.minimum(width[i], width[j]))
    largest = np.maximum(np.abs(a), np.abs(b))
    alike = np.maximum(width[i], width[j]) < 2.5 * np.minimum(width[i], width[j]) + 0.5
    return np.asarray(alike & (np.abs(a + b) <= tolerance) & (largest <= _LARGEST_TURN * distance + 0.5))


def _pairs_of(place: FloatArray, reach: FloatArray, distance: float) -> tuple[IntArray, IntArray]:
    """Return the pairs of points that both reach so far and are not farther apart."""
    far = np.flatnonzero(reach >= distance)
    i, j = near_pairs(place[far], float(distance))
    return far[i], far[j]


def near_pairs(place: FloatArray, reach: float) -> tuple[IntArray, IntArray]:
    """Return all pairs of points, (n, 2), that are not farther apart than `reach`."""
    if not len(place):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    cell = np.floor(place / reach).astype(np.int64)
    cell -= cell.min(axis=0) - 1
    width = int(cell[:, 1].max()) + 2
    key = cell[:, 0] * width + cell[:, 1]
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    firsts, seconds = [], []
    for step in (0, 1, width - 1, width, width + 1):
        begin, end = np.searchsorted(ordered, key + step, "left"), np.searchsorted(ordered, key + step, "right")
        count = end - begin
        i = np.repeat(np.arange(key.size), count)
        offset = np.arange(i.size) - np.repeat(np.cumsum(count) - count, count)
        j = order[np.repeat(begin, count) + offset]
        kept = i < j if step == 0 else np.ones(i.size, dtype=np.bool_)
        near = np.hypot(*(place[i] - place[j]).T) <= reach
        firsts.append(i[kept & near])
        seconds.append(j[kept & near])
    return np.concatenate(firsts), np.concatenate(seconds)


def _components(n: int, first: IntArray, second: IntArray) -> IntArray:
    """Return numbers of connected points: labels pass on to neighbours until nothing changes."""
    label = np.arange(n)
    while True:
        lowest = np.minimum(label[first], label[second])
        before = label.copy()
        for ends in (first, second):
            np.minimum.at(label, label[ends], lowest)  # the root of each end follows
            np.minimum.at(label, ends, lowest)
        while True:  # jump to the root
            root = label[label]
            if np.array_equal(root, label):
                break
            label = root
        if np.array_equal(before, label):
            break
    return np.unique(label, return_inverse=True)[1].astype(np.int64).reshape(-1)
