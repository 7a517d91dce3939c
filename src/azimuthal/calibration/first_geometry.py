# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From ridges to a first geometry, without a seed: candidates, the most likely first.

1. :mod:`azimuthal.calibration.cones`: at each of many distances the pose that normals and arcs agree with best.
2. :mod:`azimuthal.calibration.ring_indexing`: rings seen at these poses against the calibrant, at all distances.
3. The best hypotheses are refined on the nearest rings, all at once, and scored again with what they predict then.

Of candidates that agree to three pixels everywhere on the detector only the best is returned.

Short arcs far from the beam tell its place along the radius to many pixels only.  Where nothing else is found (`wide`),
rings are compared at many such places at each distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from azimuthal.calibration.cones import (
    ConeFit,
    Pairs,
    RidgeVectors,
    cone_profile,
    fitted_cones,
    paired,
    pose_of,
    ring_angles_of,
    shifted_poses,
    unsure_shift,
    vectors_of,
)
from azimuthal.calibration.hints import Hint
from azimuthal.calibration.refinement import RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.calibration.ridges import Ridges
from azimuthal.calibration.ring_indexing import (
    Hypotheses,
    SeenRings,
    matched_poses,
    polished_poses,
    ring_score,
    scaled_poses,
    scanned,
    seen_rings,
)
from azimuthal.detectors import Detector
from azimuthal.geometry import Beam
from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray

__all__ = ["Candidate", "first_geometries", "preferred"]

_NEAREST, _FARTHEST = 0.03, 8.0  # m
_PER_DISTANCE = 1.5
_FIT_POINTS, _MATCH_POINTS, _SEEN_POINTS = 400, 500, 6000
_HYPOTHESES = 24
_FREED = 6
_POLISHED = 6
_SPAN = 1.25
_WAVELENGTH_STEP = 0.03
_FOR_HINT = 12.0  # of the score
_SHIFTS, _FARTHEST_SHIFT = 3.0, 90.0  # standard errors; pixels
_SHIFT_STEP, _MOST_SHIFTS, _SHIFTED_POINTS = 1.5, 60, 1500
_FEWEST_POINTS = 12
_SAME = 3.0  # pixels
_FREE = np.ones(5, dtype=np.bool_)
_AT_DISTANCE = np.array([False, True, True, True, True])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A geometry that the ridges may come from.

    Attributes
    ----------
    instrument:
        Detector, pose and wavelength.
    score:
        How much better the rings of the calibrant explain the ridges than chance: a logarithm.
    n_rings:
        Rings of the calibrant that are seen.
    why:
        The same in words.
    """

    instrument: Instrument
    score: float
    n_rings: int
    why: str


class _Extent(NamedTuple):
    """The detector: middle (3,), half of the diagonal, some pixel centres (n, 3), size of a pixel; m."""

    middle: FloatArray
    half: float
    samples: FloatArray
    pixel: float


def first_geometries(
    ridges: Ridges, detector: Detector, calibrant: RingSource, *, wavelength: float | tuple[float, float],
    hint: Hint | None = None, n_candidates: int = 5, wide: bool = False,
) -> tuple[Candidate, ...]:  # fmt: skip
    """Return the geometries that ridges and calibrant suggest, best first; possibly none.

    Parameters
    ----------
    ridges:
        Points with normals.
    detector:
        Of the image.
    calibrant:
        d-spacings.
    wavelength:
        m; or the range it is in, (low, high).
    hint:
        What is known roughly: candidates that agree with it come first, where they explain the rings about as well.
    n_candidates:
        At most so many.
    wide:
        Look farther along the radius; takes longer.

    Returns
    -------
    :
        An instrument of each has the wavelength that was told, or that of the range that fits.
    """
    if len(ridges.slow) < _FEWEST_POINTS:
        return ()
    vectors = vectors_of(ridges, detector)
    some = vectors.sample(_FIT_POINTS)
    search = _Search(vectors, some, paired(vectors, some), _extent(detector))
    poses = _poses(search, hint)
    seen = [seen_rings(search.everything, search.pairs, values) for values, _ in poses]
    found: list[_Scored] = []
    for one in _wavelengths(wavelength):
        found += _at_wavelength(search, poses, seen, _known(calibrant, one), one, wide=wide)
    return preferred(_distinct(search.extent, found, detector), hint, calibrant)[:n_candidates]


def preferred(candidates: Sequence[Candidate], hint: Hint | None, calibrant: RingSource) -> tuple[Candidate, ...]:
    """Return candidates, best first: those that agree with the hint before others that are about as good."""
    ranked = sorted(candidates, key=lambda candidate: -candidate.score)
    if hint is None or not ranked:
        return tuple(ranked)
    agreeing = [c for c in ranked if not hint.contradictions(c.instrument, calibrant)]
    first = [c for c in agreeing if c.score > max(ranked[0].score - _FOR_HINT, 0.0)]
    return (*first, *(c for c in ranked if c not in first))


class _Search:
    """Ridge points and what is made of them once."""

    def __init__(self, vectors: RidgeVectors, some: RidgeVectors, pairs: Pairs, extent: _Extent) -> None:
        self.some, self.pairs, self.extent = some, pairs, extent
        self.matched, self.everything = vectors.sample(_MATCH_POINTS), vectors.sample(_SEEN_POINTS)


class _Scored(NamedTuple):
    """A pose (5,) with its score, rings matched and seen, and wavelength."""

    score: float
    n_rings: int
    n_seen: int
    values: FloatArray
    wavelength: float


def _at_wavelength(
    search: _Search,
    poses: list[tuple[FloatArray, float]],
    seen: list[SeenRings],
    known: FloatArray,
    wavelength: float,
    *,
    wide: bool = False,
) -> list[_Scored]:
    """Return the refined and scored hypotheses at one wavelength."""
    if known.size < 2:
        return []
    parts = [
        scanned(rings, values, known, _reach(search.extent, values), factor)
        for (values, factor), rings in zip(poses, seen, strict=True)
    ]
    if wide:
        parts += [
            part for pose, rings in zip(poses, seen, strict=True) for part in _along_radius(search, pose, rings, known)
        ]
    hypotheses, score = (np.concatenate(part) for part in zip(*parts, strict=True))
    best = np.argsort(-score, kind="stable")[: _HYPOTHESES * (1 + wide)]
    if not best.size:
        return []
    refined = matched_poses(search.matched, hypotheses[best], known, _FREE)
    found = _scored(search, refined, known, wavelength)
    again = np.array([item.values for item in found[:_POLISHED]])
    if not len(again):
        return found
    polished = polished_poses(search.matched, again, known, _FREE)
    return found + _scored(search, polished, known, wavelength)


def _along_radius(
    search: _Search, pose: tuple[FloatArray, float], rings: SeenRings, known: FloatArray
) -> list[Hypotheses]:
    """Return the hypotheses at other places of the beam along the radius, as far as normals and pairs allow."""
    values, factor = pose
    error, change = unsure_shift(search.some, search.pairs, values)
    if not error > 1.0 or not rings.angle.size:
        return []
    reach = min(_SHIFTS * error, _FARTHEST_SHIFT)
    step = max(_SHIFT_STEP, 2 * reach / _MOST_SHIFTS)
    moved = shifted_poses(values, change, np.arange(-reach, reach + step, step))
    some = search.everything.sample(_SHIFTED_POINTS)
    angle = ring_angles_of(some, values[None])[0][0]
    nearest = np.argmin(np.abs(angle[:, None] - rings.angle), axis=1)
    on = np.abs(angle - rings.angle[nearest]) < 2 * rings.error[nearest] * rings.slope[nearest]
    count = np.bincount(nearest[on], minlength=rings.angle.size)
    seen = count > 0
    found = []
    for pose_moved, angles in zip(moved, ring_angles_of(some, moved)[0], strict=True):
        off = np.bincount(nearest[on], (angles - angle)[on], minlength=count.size)[seen] / count[seen]
        shifted = SeenRings(*(array[seen] for array in rings))
        shifted = shifted._replace(angle=np.maximum(shifted.angle + off, 1e-4))
        found.append(scanned(shifted, pose_moved, known, _reach(search.extent, pose_moved), factor, keep=2))
    return found


def _wavelengths(wavelength: float | tuple[float, float]) -> list[float]:
    if not isinstance(wavelength, tuple):
        return [wavelength]
    low, high = wavelength
    n = int(np.ceil(np.log(high / low) / _WAVELENGTH_STEP)) + 1
    return [float(one) for one in np.geomspace(low, high, n)]


def _known(calibrant: RingSource, wavelength: float) -> FloatArray:
    """Return two theta of the calibrant, increasing, rad."""
    angles = ring_angles(np.asarray(calibrant.d_spacings(), dtype=np.float64), wavelength)[0]
    return np.asarray(angles[np.isfinite(angles)])


def _extent(detector: Detector) -> _Extent:
    n_slow, n_fast = detector.shape
    rows = np.unique(np.linspace(0, n_slow - 1, min(n_slow, 25)).astype(int))
    columns = np.unique(np.linspace(0, n_fast - 1, min(n_fast, 25)).astype(int))
    samples = np.concatenate([detector.centers(slice(row, row + 1))[0, columns] for row in rows.tolist()])
    middle = 0.5 * (samples.min(axis=0) + samples.max(axis=0))
    half = 0.5 * float(np.linalg.norm(np.ptp(samples, axis=0)))
    return _Extent(middle, half, samples, float(np.sqrt(detector.pixel1 * detector.pixel2)))


def _reach(extent: _Extent, values: FloatArray) -> tuple[float, float]:
    angle = _sampled_angles(extent, values[None])[0]
    return float(angle.min()), float(angle.max())


def _sampled_angles(extent: _Extent, values: FloatArray) -> FloatArray:
    """Return two theta of some pixels at poses, (n_poses, n), rad."""
    found = []
    for one in values:
        t = pose_of(one).lab_from_detector(extent.samples)
        found.append(np.arctan2(np.hypot(t[:, 0], t[:, 1]), t[:, 2]))
    return np.array(found)


def _poses(search: _Search, hint: Hint | None) -> list[tuple[FloatArray, float]]:
    """Return poses that normals and pairs agree with, and by which factor the distance of each may be off."""
    n = int(np.ceil(np.log(_FARTHEST / _NEAREST) / np.log(_PER_DISTANCE))) + 1
    distances = np.geomspace(_NEAREST, _FARTHEST, n)
    if hint is not None and hint.range is not None:
        distances = np.concatenate((distances, np.geomspace(*hint.range, 4)))
    some, pairs, extent = search.some, search.pairs, search.extent
    profile = cone_profile(some, pairs, (extent.middle, extent.half), distances)
    free = fitted_cones(some, pairs, profile.values[_one_per_distance(profile)[:_FREED]], _FREE)
    best = free.values[np.argmin(free.cost)]
    again = fitted_cones(some, pairs, scaled_poses(best, distances / best[0]), _AT_DISTANCE)  # where a start was bad
    profile = ConeFit(*(np.concatenate(part) for part in zip(profile, again, strict=True)))
    nodes = _one_per_distance(profile)
    found = [(free.values[k], _SPAN) for k in np.argsort(free.cost, kind="stable")[:2].tolist()]
    limit = 2 * float(free.cost.min()) + 100.0  # ring positions decide; of the shapes only what is far off
    found += [(profile.values[k], _SPAN) for k in nodes if profile.cost[k] < limit]
    if hint is not None and hint.instrument is not None:
        pose = hint.instrument.pose
        found.append((np.array([pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2]), 1 + hint.tolerance))
    return found


def _one_per_distance(profile: ConeFit) -> list[int]:
    """Return which pose is the best of each distance, the best first."""
    nodes: list[int] = []
    for index in np.argsort(profile.cost, kind="stable").tolist():
        if all(abs(np.log(profile.values[index, 0] / profile.values[other, 0])) > 0.01 for other in nodes):
            nodes.append(index)
    return nodes


def _scored(search: _Search, values: FloatArray, known: FloatArray, wavelength: float) -> list[_Scored]:
    """Return poses with the scores of what they predict, best first."""
    found = []
    for one in values:
        seen = seen_rings(search.everything, search.pairs, one)
        if seen.angle.size:
            score, n = ring_score(seen, np.ones(1), known, _reach(search.extent, one))
            found.append(_Scored(float(score[0]), int(n[0]), seen.angle.size, one, wavelength))
    return sorted(found, key=lambda item: -item.score)


def _distinct(extent: _Extent, found: list[_Scored], detector: Detector) -> list[Candidate]:
    """Return each geometry once, best first; of those a few pixels apart the best alone."""
    kept: list[FloatArray] = []
    candidates = []
    for item in sorted(found, key=lambda one: -one.score):
        # rings stay where they are when angles and wavelength change together: compare what is diffracted
        length = np.sin(0.5 * _sampled_angles(extent, item.values[None])[0]) / item.wavelength
        slope = 0.5 * extent.pixel / (float(item.values[0]) * item.wavelength)
        if any(np.abs(length - other).max() < _SAME * slope for other in kept):
            continue
        kept.append(length)
        why = f"{item.n_rings} of {item.n_seen} rings seen are of the calibrant"
        instrument = Instrument(detector, pose_of(item.values), Beam(item.wavelength))
        candidates.append(Candidate(instrument, item.score, item.n_rings, why))
    return candidates
