# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From ridges to a first geometry, without a seed: candidates, the most likely first.

1. :mod:`azimuthal.calibration.cones`: at each of many distances the pose that normals and arcs agree with best.
2. :mod:`azimuthal.calibration.ring_indexing`: rings seen at these poses against the calibrant, at all distances.
3. The best hypotheses are refined on the nearest rings, all at once, and scored again with what they predict then.

Two candidates that agree to a pixel everywhere on the detector are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from azimuthal.calibration.cones import (
    Pairs,
    RidgeVectors,
    cone_profile,
    fitted_cones,
    paired,
    pose_of,
    ring_angles_of,
    vectors_of,
)
from azimuthal.calibration.refinement import RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.calibration.ridges import Ridges
from azimuthal.calibration.ring_indexing import SeenRings, matched_poses, ring_score, scanned, seen_rings
from azimuthal.detectors import Detector
from azimuthal.geometry import Beam
from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray

__all__ = ["Candidate", "first_geometries"]

_NEAREST, _FARTHEST = 0.03, 8.0  # m
_PER_DISTANCE = 1.5
_FIT_POINTS, _MATCH_POINTS, _SEEN_POINTS = 400, 500, 6000
_HYPOTHESES = 24
_FEWEST_POINTS = 12
_SAME = 1.0  # pixels
_FREE = np.ones(5, dtype=np.bool_)


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
    ridges: Ridges, detector: Detector, calibrant: RingSource, *, wavelength: float, n_candidates: int = 5
) -> tuple[Candidate, ...]:
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
        m.
    n_candidates:
        At most so many.
    """
    if len(ridges.slow) < _FEWEST_POINTS:
        return ()
    known = _known(calibrant, wavelength)
    vectors = vectors_of(ridges, detector)
    extent = _extent(detector)
    some = vectors.sample(_FIT_POINTS)
    pairs = paired(vectors, some)
    poses = _poses(some, pairs, extent)
    everything = vectors.sample(_SEEN_POINTS)
    starts, scores = [], []
    for values, factor in poses:
        seen = seen_rings(everything, pairs, values)
        found = scanned(seen, values, known, _reach(extent, values), factor)
        starts.append(found.values)
        scores.append(found.score)
    hypotheses, score = np.concatenate(starts), np.concatenate(scores)
    best = np.argsort(-score, kind="stable")[:_HYPOTHESES]
    if not best.size:
        return ()
    refined = matched_poses(vectors.sample(_MATCH_POINTS), hypotheses[best], known, _FREE)
    return _ranked(
        everything, pairs, extent, refined, known, Instrument(detector, pose_of(refined[0]), Beam(wavelength))
    )[:n_candidates]


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


def _poses(some: RidgeVectors, pairs: Pairs, extent: _Extent) -> list[tuple[FloatArray, float]]:
    """Return poses that normals and arcs agree with, and by which factor the distance of each may be off."""
    n = int(np.ceil(np.log(_FARTHEST / _NEAREST) / np.log(_PER_DISTANCE))) + 1
    distances = np.geomspace(_NEAREST, _FARTHEST, n)
    profile = cone_profile(some, pairs, (extent.middle, extent.half), distances)
    order = np.argsort(profile.cost, kind="stable")
    nodes: list[int] = []
    for index in order.tolist():  # the best of each distance
        if all(abs(np.log(profile.values[index, 0] / profile.values[other, 0])) > 0.01 for other in nodes):
            nodes.append(index)
    free = fitted_cones(some, pairs, profile.values[nodes[:4]], _FREE)
    best = float(free.cost.min())
    found = [(free.values[k], 1.25) for k in np.argsort(free.cost, kind="stable")[:2].tolist()]
    limit = 2 * best + 100.0  # the ring positions decide; of the shapes only what is far off
    return found + [(profile.values[k], 1.25) for k in nodes if profile.cost[k] < limit]


def _ranked(
    vectors: RidgeVectors, pairs: Pairs, extent: _Extent, values: FloatArray, known: FloatArray, instrument: Instrument
) -> tuple[Candidate, ...]:
    """Return the candidates of refined poses, each once, best first."""
    scored: list[tuple[float, int, SeenRings, FloatArray]] = []
    for one in values:
        seen = seen_rings(vectors, pairs, one)
        if seen.angle.size:
            score, n = ring_score(seen, np.ones(1), known, _reach(extent, one))
            scored.append((float(score[0]), int(n[0]), seen, one))
    scored.sort(key=lambda item: -item[0])
    kept: list[FloatArray] = []
    found = []
    for score_, n_rings, seen, one in scored:
        angle = _sampled_angles(extent, one[None])[0]
        slope = extent.pixel / float(one[0])
        if any(np.abs(angle - other).max() < _SAME * slope for other in kept):
            continue
        kept.append(angle)
        why = f"{n_rings} of {seen.angle.size} rings seen are of the calibrant"
        found.append(Candidate(instrument.replace(pose=pose_of(one)), score_, n_rings, why))
    return tuple(found)
