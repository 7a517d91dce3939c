# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Which ring is which: ring positions at a pose against the rings of a calibrant, at every distance.

Ring positions
    The two theta of all ridge points at a pose pile up where the rings are.  Their histogram, in bins that are half a
    pixel wide everywhere on the detector, smoothed by the scatter of pairs, has its maxima there; those above what
    points without rings would give are the *seen* rings.

Score
    The logarithm of how much better rings of the calibrant explain the J seen rings than positions at random do:

    .. math:: \sum_j m_j \log\Bigl(p_0 + (1 - p_0) \frac{W}{K} \frac{1}{\sqrt{2\pi}\, s}
              e^{-\Delta_j^2 / 2 s^2}\Bigr) - \sum_{k\ \mathrm{unseen}} a_k

    with :math:`\Delta_j` the distance to the nearest of the K rings predicted between the first and the last seen one,
    W the width of that range, s the error of a position, all in pixels; :math:`p_0` the share of rings that are not
    of the calibrant; :math:`m_j \le 1` smaller for faint rings.  A dense pattern matches by chance, and K says so;
    rings that should be there and are not cost :math:`a_k`: those before the first seen one (where a beam stop may be)
    less.

Scan
    Every pair of a seen and a known ring suggests a distance.  Near a pose, distance and :math:`\tan 2\theta` change
    inversely; where tilts are small they are scaled with the distance, which leaves the shape of the rings as it is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from azimuthal.calibration.cones import (
    TILT_SPREAD,
    Pairs,
    RidgeVectors,
    beams,
    minimised_poses,
    ring_angles_of,
    values_of,
)
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "Hypotheses",
    "SeenRings",
    "matched_poses",
    "polished_poses",
    "ring_score",
    "scaled_poses",
    "scanned",
    "seen_rings",
]

_STRANGE = 0.1  # p0
_ABSENT, _ABSENT_INSIDE = 0.8, 0.25
_MOST_SEEN = 60
_PAIRED = 20
_MOST_KNOWN = 400
_APART = 2.0  # pixels: rings closer than that are one
_WINDOWS = (12.0, 5.0, 2.5, 1.5)  # pixels, of the matching
_POLISHING = (8.0, 4.0, 2.0, 1.0)


class SeenRings(NamedTuple):
    """Maxima of the histogram of two theta: rad, rad per pixel, error (pixels), weight, points; decreasing points."""

    angle: FloatArray
    slope: FloatArray
    error: FloatArray
    weight: FloatArray
    n_points: FloatArray


class Hypotheses(NamedTuple):
    """Poses (n, 5) with their scores (n,)."""

    values: FloatArray
    score: FloatArray


def seen_rings(vectors: RidgeVectors, pairs: Pairs, values: FloatArray, *, least_error: float = 0.6) -> SeenRings:
    """Return the rings that ridge points make at one pose, values (5,)."""
    angles, slopes = (array[0] for array in ring_angles_of(vectors, values[None]))
    order = np.argsort(angles)
    angle, slope, weight = angles[order], slopes[order], vectors.weight[order]
    window = min(51, angle.size)
    typical = np.convolve(np.pad(slope, window // 2, mode="edge"), np.full(window, 1 / window), mode="valid")
    typical = typical[: angle.size]
    place = np.concatenate(([0.0], np.cumsum(np.diff(angle) / (0.5 * (typical[1:] + typical[:-1])))))
    width = float(np.clip(1.2 * _scatter(pairs, values), least_error, 6.0))
    n_bins = int(2 * place[-1]) + 2
    if n_bins > 200_000:  # a pose that puts pixels at the sample
        return SeenRings(*(np.empty(0) for _ in range(5)))
    counts = np.bincount((2 * place).astype(np.int64), weight, minlength=n_bins).astype(np.float64)
    half = min(int(6 * width) + 1, (n_bins - 1) // 2)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / (2 * width)) ** 2)
    smooth = np.convolve(counts, kernel, mode="same")
    base = _plateau(counts, kernel, n_bins)
    level = base + 4 * np.sqrt(base + 1e-9) + 2.0
    reach = max(int(2 * width * 1.5), 2)
    padded = np.pad(smooth, reach)
    highest = np.max(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
    tops = np.flatnonzero((smooth >= highest) & (smooth > level))
    return _measured(place, angle, typical, weight, tops, width, base)


def _scatter(pairs: Pairs, values: FloatArray) -> float:
    """Return how far points of one ring are from each other at a pose, pixels."""
    if pairs.error.size < 5:
        return 1.0
    return float(np.median(np.abs(pairs.apart(values[None])))) / 0.9539


def _plateau(counts: FloatArray, kernel: FloatArray, n_bins: int) -> FloatArray:
    """Return what the histogram would be without rings: the middle half of its values around."""
    block = max(n_bins // 24, 40)
    edges = np.arange(0, n_bins + block, block)
    middles, values = [], []
    for low, high in pairwise(edges.tolist()):
        part = np.sort(counts[low:high])
        if part.size:
            middles.append(0.5 * (low + min(high, n_bins)))
            values.append(part[: max(int(0.8 * part.size), 1)].mean() / 0.8)
    return np.asarray(np.interp(np.arange(n_bins), middles, values) * kernel.sum())


def _measured(
    place: FloatArray, angle: FloatArray, typical: FloatArray, weight: FloatArray, tops: IntArray, width: float,
    base: FloatArray,
) -> SeenRings:  # fmt: skip
    """Return mean positions of the points near each maximum."""
    middle = 0.5 * (tops + 0.5)
    for _ in range(2):
        low, high = (np.searchsorted(place, middle + sign * 2 * width) for sign in (-1, 1))
        sums = [np.concatenate(([0.0], np.cumsum(values))) for values in (weight, weight * place)]
        total, moment = (part[high] - part[low] for part in sums)
        middle = np.where(total > 0, moment / np.maximum(total, 1e-12), middle)
    n = total - 4 * width * base[tops] / max(1.0, 5.0 * width)
    keep = (n >= 3) & (np.concatenate(([np.inf], np.diff(middle))) > 0.5 * width)
    middle, n = middle[keep], n[keep]
    order = np.argsort(-n, kind="stable")[:_MOST_SEEN]
    middle, n = middle[order], n[order]
    at, slope = np.interp(middle, place, angle), np.interp(middle, place, typical)
    reference = np.median(n) if n.size else 1.0
    mass = np.clip(n / (0.5 * reference), 0.15, 1.0)
    return SeenRings(at, slope, np.full(n.size, width), mass, n)


def ring_score(
    seen: SeenRings, scale: FloatArray, known: FloatArray, reach: tuple[float, float]
) -> tuple[FloatArray, IntArray]:
    """Return scores and numbers of matched rings when distances are multiplied by `scale` (module docstring).

    Parameters
    ----------
    seen:
        Rings at one pose.
    scale:
        (n,).
    known:
        Two theta of the calibrant, increasing, rad.
    reach:
        Smallest and largest two theta on the detector at that pose.
    """
    cosine, sine = np.cos(seen.angle), np.sin(seen.angle)
    factor = scale[:, None]
    angle = np.arctan2(sine, factor * cosine)
    slope = seen.slope * factor / (sine**2 + (factor * cosine) ** 2)
    below = np.clip(np.searchsorted(known, angle), 1, known.size - 1)
    first, second = known[below - 1] - angle, known[below] - angle
    off = np.where(np.abs(first) < np.abs(second), first, second) / slope
    nearest = np.where(np.abs(first) < np.abs(second), below - 1, below)
    order = np.argsort(seen.angle)
    step = float(np.median(seen.slope))
    width = np.sum(np.diff(seen.angle[order]) / (0.5 * (seen.slope[order][1:] + seen.slope[order][:-1]))) + 8.0
    low, high = angle.min(axis=1), angle.max(axis=1)
    n_between = _distinct(known, low - 2 * step, high + 2 * step, step)
    gain = width / np.maximum(n_between, 1.0)[:, None] / (np.sqrt(2 * np.pi) * seen.error)
    matched = np.abs(off) < 3 * seen.error
    terms = np.log(_STRANGE + (1 - _STRANGE) * gain * np.exp(-0.5 * (off / seen.error) ** 2))
    n_matched = _n_matched(nearest, matched, known.size)
    inner = np.arctan2(np.sin(reach[0]), scale * np.cos(reach[0]))
    before = np.maximum(_distinct(known, inner, low, step) - 1, 0)
    absent = _ABSENT * np.maximum(n_between - n_matched, 0) + _ABSENT_INSIDE * before
    return np.asarray(np.sum(seen.weight * terms, axis=1) - absent), n_matched


def _distinct(known: FloatArray, low: FloatArray, high: FloatArray, step: float) -> FloatArray:
    """Return how many rings that can be told apart lie in ranges."""
    apart = np.concatenate(([1.0], (np.diff(known) > _APART * step).astype(np.float64)))
    total = np.concatenate(([0.0], np.cumsum(apart)))
    n = total[np.searchsorted(known, high)] - total[np.searchsorted(known, low)]
    return np.asarray(np.maximum(n, 0.0))


def _n_matched(nearest: IntArray, matched: BoolArray, n_known: int) -> IntArray:
    """Return how many different rings are matched in each row."""
    row = np.broadcast_to(np.arange(nearest.shape[0])[:, None], nearest.shape)
    pairs = np.unique((row * n_known + nearest)[matched])
    return np.asarray(np.bincount(pairs // n_known, minlength=nearest.shape[0]), dtype=np.int64)


def scanned(
    seen: SeenRings, values: FloatArray, known: FloatArray, reach: tuple[float, float], factor: float, *, keep: int = 6
) -> Hypotheses:
    """Return the poses near one pose (5,) at the distances, within a factor, that pairs of rings suggest."""
    if seen.angle.size < 1 or known.size < 2:
        return Hypotheses(np.empty((0, 5)), np.empty(0))
    known = known[:_MOST_KNOWN]
    with np.errstate(divide="ignore"):
        scale = (np.tan(seen.angle[:_PAIRED])[:, None] / np.tan(known)[None]).ravel()
    scale = np.sort(scale[(scale > 1 / factor) & (scale < factor)])
    if not scale.size:
        return Hypotheses(np.empty((0, 5)), np.empty(0))
    scale = scale[np.concatenate(([True], np.diff(np.log(scale)) > 1e-4))]
    score, _ = ring_score(seen, scale, known, reach)
    chosen: list[int] = []
    for index in np.argsort(-score, kind="stable").tolist():
        if all(abs(np.log(scale[index] / scale[other])) > 0.004 for other in chosen):
            chosen.append(index)
        if len(chosen) == keep:
            break
    return Hypotheses(scaled_poses(values, scale[chosen]), score[chosen])


def scaled_poses(values: FloatArray, scale: FloatArray) -> FloatArray:
    """Return one pose (5,) at other distances: same beam centre, tangents of the tilt scaled too where it is small."""
    sample, beam = (array[0] for array in beams(values))
    if beam[2] < 0.5:  # no beam centre to keep
        moved = np.repeat(sample[None], scale.size, axis=0)
        moved[:, 2] *= scale
        return values_of(moved, np.repeat(beam[None], scale.size, axis=0))
    centre = sample + beam * (-sample[2] / beam[2])
    tangent = scale[:, None] * (beam[:2] / beam[2])
    ways = np.column_stack((tangent, np.ones(scale.size)))
    dist = values[0] * scale
    samples = centre - ways * dist[:, None]
    return values_of(samples, ways / np.linalg.norm(ways, axis=1, keepdims=True))


def matched_poses(vectors: RidgeVectors, starts: FloatArray, known: FloatArray, free: BoolArray) -> FloatArray:
    """Return poses (n, 5) refined so that points lie on the nearest ring, with narrower and narrower windows."""
    values = starts
    for tolerance in _WINDOWS:
        values = _matched(vectors, values, known, free, tolerance, n_steps=4)
    return values


def polished_poses(vectors: RidgeVectors, starts: FloatArray, known: FloatArray, free: BoolArray) -> FloatArray:
    """Return good poses refined further: a narrow window that is opened again where rings far out do not fit yet."""
    values = starts
    for tolerance in _POLISHING:
        values = _matched(vectors, values, known, free, tolerance, n_steps=8)
    return values


def _matched(
    vectors: RidgeVectors, values: FloatArray, known: FloatArray, free: BoolArray, tolerance: float, *, n_steps: int
) -> FloatArray:
    """Return poses refined on the points within a window, pixels; crowded rings count less."""
    middles = 0.5 * (known[1:] + known[:-1])
    gap = np.minimum(np.diff(known, prepend=known[0] - 1.0), np.diff(known, append=known[-1] + 1.0))
    angle, slope = ring_angles_of(vectors, values)
    apart = gap[np.searchsorted(middles, angle)] / slope
    weights = vectors.weight * np.clip(apart / (3 * tolerance), 0.02, 1.0)
    weights = np.concatenate((weights, np.ones((len(values), 2))), axis=1)
    limits = np.concatenate((np.ones(angle.shape[1]), np.full(2, np.inf)))

    def misfits(trial: FloatArray) -> FloatArray:
        angle, slope = ring_angles_of(vectors, trial)
        off = (angle - known[np.searchsorted(middles, angle)]) / slope / tolerance
        return np.concatenate((off, 0.1 * trial[:, 3:] / TILT_SPREAD), axis=1)

    return minimised_poses(misfits, weights, limits, values, free, n_steps)[0]
