# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Where the sample is and where the beam goes, from ridges alone: without calibrant and wavelength.

Rings are cuts of cones of one apex (the sample S) and one axis (the beam b, a unit vector; both in the detector frame)
with the surface of the detector.  For a point x with the direction :math:`u = (x - S) / |x - S|`

.. math:: \cos 2\theta = u \cdot b

*Normals.*  Along a ring two theta does not change.  With the tangent :math:`\tau` of the ridge that reads

.. math:: b \cdot \tau_\perp = 0, \qquad \tau_\perp = \tau - (\tau \cdot u)\, u

For a given S that is linear and homogeneous in b: the beam is the direction to which the :math:`\tau_\perp` of all
points are perpendicular, the eigenvector of least value of :math:`\sum w\, \tau_\perp \tau_\perp^T`.  It may point
anywhere: onto the detector, beside it, or away from it.

*Pairs.*  Two points of one ring have one two theta.  Pairs are near each other, of one arc where arcs are known, and
see their chord under the same angle.

A coarse search over S with b from the normals (repeatedly re-weighted, so that wrong points lose their say) gives the
starts of damped least squares over (dist, poni1, poni2, rot1, rot2) with normals and pairs; its loss,
:math:`r^2 / (1 + r^2 / c^2)`, is bounded, and c shrinks from steps of "anything" to the errors of the points.

Without tilt the rings are circles at every distance, and with a small tilt only tilt / distance is told: therefore a
*profile* is returned, the best pose at each of many distances, with its misfit.  Which of them is right the calibrant
must say (:mod:`azimuthal.calibration.ring_indexing`).  The sign of b is never told: cones of :math:`2\theta` and
:math:`\pi - 2\theta` are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from azimuthal.calibration.positions import Cells
from azimuthal.calibration.ridges import Ridges
from azimuthal.detectors import Detector
from azimuthal.geometry import Pose
from azimuthal.instrument import Instrument
from azimuthal.typing import BoolArray, FloatArray

__all__ = [
    "TILT_SPREAD",
    "ConeFit",
    "Pairs",
    "RidgeVectors",
    "beams",
    "cone_profile",
    "fitted_cones",
    "minimised_poses",
    "paired",
    "pose_of",
    "ring_angles_of",
    "shifted_poses",
    "unsure_shift",
    "values_of",
    "vectors_of",
]

_GRID_POINTS = 160
_KEPT_PER_DISTANCE = 3
_SPREADS = (0.5, 0.2, 0.1, 0.06)  # rad, of the re-weighting
_STAGES = (8.0, 3.0, 1.0)  # times the errors
_STEPS = 6
TILT_SPREAD = 1.0  # rad: of poses that explain as much the least tilted one
_LEAST_TURN = 0.01  # rad: normals are not trusted beyond
_LEAST_APART = 0.5  # pixels: nor pairs
_POOL = 2000
_MEETINGS = 600
_TINY = 1e-300
_MOST_TILT = np.radians(60.0)
_BOUND = 9.0
_LARGEST_TURN = 1.4  # rad
_SMALL = 1e-6
_CLOSE = 1e-9


class RidgeVectors(NamedTuple):
    """Ridge points in the detector frame.

    Attributes
    ----------
    position:
        (n, 3), m.
    along:
        Unit tangents of the ridges, (n, 3).
    across:
        Change of position over one pixel across the ridge, (n, 3), m.
    turn:
        Error of the direction, rad.
    error:
        Error across, pixels.
    weight:
        Between 0 and 1.
    arc:
        Number of the connected piece, from 0 without holes; -1: none.
    """

    position: FloatArray
    along: FloatArray
    across: FloatArray
    turn: FloatArray
    error: FloatArray
    weight: FloatArray
    arc: FloatArray

    def select(self, which: object) -> RidgeVectors:
        """Return some of the points."""
        return RidgeVectors(*(array[which] for array in self))  # type: ignore[call-overload]

    def sample(self, n: int, *, seed: int = 2026) -> RidgeVectors:
        """Return at most n of the points: spread evenly over arcs and the order within them."""
        if len(self.turn) <= n:
            return self
        order = np.lexsort((np.arange(len(self.turn)), self.arc))
        start = np.random.default_rng(seed).random()
        return self.select(np.sort(order[((np.arange(n) + start) * (len(order) / n)).astype(np.int64)]))


class ConeFit(NamedTuple):
    """Poses with the misfit of each, arrays of one length; `values` are (n, 5): dist, poni1, poni2, rot1, rot2."""

    values: FloatArray
    cost: FloatArray


def vectors_of(ridges: Ridges, detector: Detector) -> RidgeVectors:
    """Return ridge points in the detector frame; without a correction for parallax."""
    cells = Cells(Instrument(detector, Pose(1.0)), ridges.slow, ridges.fast)
    n1, n2 = ridges.normal.T

    def difference(d1: FloatArray, d2: FloatArray) -> FloatArray:
        ahead = cells.positions(ridges.slow + 0.5 * d1, ridges.fast + 0.5 * d2)
        return ahead - cells.positions(ridges.slow - 0.5 * d1, ridges.fast - 0.5 * d2)

    along = difference(-n2, n1)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    turn = np.where(np.isfinite(ridges.normal_error), ridges.normal_error, 0.1)
    error = np.where(np.isfinite(ridges.uncertainty), ridges.uncertainty, 0.5)
    weight = np.clip(np.nan_to_num(ridges.significance) / 10.0, 0.1, 1.0)
    arc = np.full(len(ridges.slow), -1.0)
    joined = ridges.arc >= 0
    arc[joined] = np.unique(ridges.arc[joined], return_inverse=True)[1]
    return RidgeVectors(cells.positions(ridges.slow, ridges.fast), along, difference(n1, n2), turn, error, weight, arc)


def pose_of(values: FloatArray) -> Pose:
    """Return the pose of five values."""
    dist, poni1, poni2, rot1, rot2 = (float(value) for value in values)
    return Pose(dist, poni1, poni2, rot1, rot2)


def beams(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sample and beam of poses, detector frame, each (n, 3)."""
    dist, poni1, poni2, rot1, rot2 = np.atleast_2d(values).T
    sample = np.column_stack((poni1, poni2, -dist))
    c1, s1, c2, s2 = np.cos(rot1), np.sin(rot1), np.cos(rot2), np.sin(rot2)
    return sample, np.column_stack((s2, -c2 * s1, c1 * c2))


def values_of(sample: FloatArray, beam: FloatArray) -> FloatArray:
    """Return the five values of samples and beams."""
    rot2 = np.arcsin(np.clip(beam[:, 0], -1, 1))
    rot1 = np.arctan2(-beam[:, 1], beam[:, 2])
    return np.column_stack((-sample[:, 2], sample[:, 0], sample[:, 1], rot1, rot2))


class _Cones:
    """Products of ridge vectors with samples and beams, (n_poses, n_points) each."""

    def __init__(self, vectors: RidgeVectors, values: FloatArray) -> None:
        sample, beam = beams(values)
        x, tangent, across = vectors.position, vectors.along, vectors.across
        dot = np.sum(sample * beam, axis=1)[:, None]
        self.z = beam @ x.T - dot
        self.squared = np.sum(x * x, axis=1)[None] - 2 * (sample @ x.T) + np.sum(sample * sample, axis=1)[:, None]
        self.rho = np.sqrt(np.maximum(self.squared - self.z**2, _CLOSE * self.squared))
        self._tangent = beam @ tangent.T, np.sum(x * tangent, axis=1)[None] - sample @ tangent.T
        self._pixel = np.linalg.norm(across, axis=1)
        self._across = beam @ across.T, np.sum(x * across, axis=1)[None] - sample @ across.T

    @property
    def angle(self) -> FloatArray:
        """Two theta."""
        return np.asarray(np.arctan2(self.rho, self.z))

    def gradient(self) -> tuple[FloatArray, FloatArray]:
        """Return the change of two theta per pixel along and across the ridges, rad."""
        (beam1, ray1), (beam2, ray2) = self._tangent, self._across
        share = self.z / self.squared
        return (share * ray1 - beam1) * (self._pixel / self.rho), (share * ray2 - beam2) / self.rho


def ring_angles_of(vectors: RidgeVectors, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two theta of all points and its change per pixel, each (n_poses, n_points), rad."""
    cones = _Cones(vectors, values)
    return cones.angle, np.hypot(*cones.gradient())


def cone_profile(
    vectors: RidgeVectors, pairs: Pairs, extent: tuple[FloatArray, float], distances: FloatArray, *,
    centre: FloatArray | None = None,
) -> ConeFit:  # fmt: skip
    """Return the best poses at some distances.

    Parameters
    ----------
    vectors, pairs:
        Some hundred ridge points, and which of them seem to be on one ring.
    extent:
        Middle of the detector (3,) and half of its diagonal, m.
    distances:
        m.
    centre:
        Where the beam meets the detector, (3,), m, when it is known roughly.
    """
    few = vectors.sample(_GRID_POINTS)
    upright = np.zeros((distances.size, 5))
    upright[:, 0], upright[:, 1:3] = distances, _meeting_point(few)
    starts = np.concatenate([upright, *(_starts(few, extent, dist, centre) for dist in distances.tolist())])
    free = np.array([False, True, True, True, True])
    return fitted_cones(vectors, pairs, starts, free)


def _meeting_point(few: RidgeVectors, *, seed: int = 2026) -> FloatArray:
    """Return where most normals meet, (2,), m: the beam centre of a detector without tilt, on it or beside it."""
    rng = np.random.default_rng(seed)
    x, normal = few.position[:, :2], few.across[:, :2] / np.linalg.norm(few.across[:, :2], axis=1, keepdims=True)
    tangent = np.column_stack((-normal[:, 1], normal[:, 0]))
    i, j = rng.integers(0, len(x), (2, _MEETINGS))
    determinant = tangent[i, 0] * tangent[j, 1] - tangent[i, 1] * tangent[j, 0]
    some = np.abs(determinant) > 0.01
    one, other = i[some], j[some]
    if not one.size:
        return np.asarray(x.mean(axis=0))
    a, b = np.sum(tangent[one] * x[one], axis=1), np.sum(tangent[other] * x[other], axis=1)
    place = np.column_stack((a * tangent[other, 1] - b * tangent[one, 1], b * tangent[one, 0] - a * tangent[other, 0]))
    place /= determinant[some, None]
    way = x[None] - place[:, None]
    turn = np.einsum("mni,ni->mn", way, tangent) / (np.linalg.norm(way, axis=2) + _TINY)
    z = (turn / np.hypot(_SPREADS[-1], few.turn)) ** 2
    return np.asarray(place[np.argmin(np.sum(few.weight * z / (1 + z), axis=1))])


def _starts(few: RidgeVectors, extent: tuple[FloatArray, float], dist: float, centre: FloatArray | None) -> FloatArray:
    """Return the best places of the foot of the normal on a grid, each with its beam."""
    middle, half = extent
    step = max(0.3 * dist, 0.35 * half)
    n = int(np.ceil((half + np.tan(0.8) * dist) / step))
    offsets = np.arange(-n, n + 1) * step
    grid = np.stack(np.meshgrid(offsets, offsets, indexing="ij"), axis=-1).reshape(-1, 2)
    first = middle if centre is None else centre
    sample = np.column_stack((grid + first[:2], np.full(len(grid), -dist)))
    beam, cost = _beams_from_normals(few, sample)
    upright = beam[:, 2] > np.cos(_MOST_TILT)
    tilt = np.arccos(np.clip(beam[:, 2], -1, 1))
    cost = np.where(upright, cost + (tilt / TILT_SPREAD) ** 2, np.inf)
    best = np.argsort(cost, kind="stable")[:_KEPT_PER_DISTANCE]
    return values_of(sample[best], beam[best])[np.isfinite(cost[best])]


def _beams_from_normals(few: RidgeVectors, sample: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the beams of samples (module docstring) and the misfit of each."""
    v = few.position[None] - sample[:, None]
    u = v / np.linalg.norm(v, axis=2, keepdims=True)
    pixel = few.across / np.linalg.norm(few.across, axis=1, keepdims=True)
    tangent, across = (way[None] - np.sum(way[None] * u, axis=2, keepdims=True) * u for way in (few.along, pixel))
    scale = 1 / np.maximum(np.sum(tangent**2, axis=2), _CLOSE)
    weights = few.weight * scale
    beam, turn = _beam(u, tangent, across, weights)
    for spread in _SPREADS:
        sine2 = np.maximum(1 - np.einsum("bni,bi->bn", u, beam) ** 2, 1e-8)
        weights = few.weight * scale / (1 + (turn / np.hypot(spread, few.turn)) ** 2) ** 2 / sine2
        beam, turn = _beam(u, tangent, across, weights)
    z = (turn / np.hypot(_SPREADS[-1], few.turn)) ** 2
    return beam, np.asarray(np.sum(few.weight * z / (1 + z), axis=1))


def _beam(u: FloatArray, tangent: FloatArray, across: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the beams that weighted tangents are perpendicular to, and by how much ridges are turned from rings."""
    beam = np.linalg.eigh(np.swapaxes(tangent, 1, 2) @ (tangent * weights[..., None]))[1][:, :, 0]
    beam *= np.where(beam[:, 2:] < 0, -1.0, 1.0)
    on_tangent, on_across = (np.einsum("bni,bi->bn", way, beam) for way in (tangent, across))
    return beam, on_tangent / (np.hypot(on_tangent, on_across) + _TINY)


def fitted_cones(vectors: RidgeVectors, pairs: Pairs, starts: FloatArray, free: BoolArray) -> ConeFit:
    """Return where damped least squares end from some starts, all at once.

    Parameters
    ----------
    vectors, pairs:
        Ridge points, and which of them seem to be on one ring.
    starts:
        (n, 5).
    free:
        (5,), which values may change.
    """
    values = starts.copy()
    cost = np.full(len(starts), np.inf)
    weights = np.concatenate((vectors.weight, pairs.first.weight, np.ones(2)))
    limits = np.concatenate((np.full(len(weights) - 2, _BOUND), np.full(2, np.inf)))
    for stage in _STAGES:

        def misfits(trial: FloatArray, stage: float = stage) -> FloatArray:
            return _misfits(vectors, pairs, trial, stage)

        values, cost = minimised_poses(misfits, weights, limits, values, free)
    return ConeFit(values, cost)


class Pairs(NamedTuple):
    """Points that seem to lie on one ring: `first` and `second` are of one length; error of their distance, pixels."""

    first: RidgeVectors
    second: RidgeVectors
    error: FloatArray

    def apart(self, values: FloatArray) -> FloatArray:
        """Return by how much two theta of the two differs at poses, pixels, (n_poses, n)."""
        one, other = _Cones(self.first, values), _Cones(self.second, values)
        slopes = 0.5 * (np.hypot(*one.gradient()) + np.hypot(*other.gradient())) + _TINY
        return np.asarray((one.angle - other.angle) / slopes)


def paired(vectors: RidgeVectors, some: RidgeVectors, *, seed: int = 2026) -> Pairs:
    """Return a partner for each of some points, where one is found, among all of them.

    Two points of a circle see their chord under the same angle: that is asked within the errors of their normals, for
    chords over which a ring turns by less than 0.4 rad.
    """
    pool = vectors.sample(_POOL, seed=seed)
    chord = pool.position[None] - some.position[:, None]
    length = np.linalg.norm(chord, axis=2)
    sine1, sine2 = (np.einsum("mni,mni->mn", chord, way) for way in _normals(pool, some))
    with np.errstate(divide="ignore", invalid="ignore"):
        sine1, sine2 = sine1 / length, sine2 / length
    flip = np.sign(_normals_agree(pool, some))
    error = np.hypot(some.turn[:, None], pool.turn[None]) + 0.005
    pixel = np.linalg.norm(some.across, axis=1)[:, None]
    farthest = 0.2 * float(np.linalg.norm(np.ptp(vectors.position, axis=0)))
    fits = np.abs(sine1 + flip * sine2) < 2 * error
    fits &= (length > 8 * pixel) & (length < farthest) & (np.abs(sine1) < 0.2)
    if (some.arc >= 0).any():
        fits &= (some.arc[:, None] == pool.arc[None]) & (some.arc[:, None] >= 0)
    chance = np.where(fits, np.random.default_rng(seed).random(fits.shape), -1.0)
    partner = np.argmax(chance, axis=1)
    found = np.flatnonzero(chance[np.arange(partner.size), partner] >= 0)
    first, second = some.select(found), pool.select(partner[found])
    return Pairs(first, second, np.hypot(first.error, second.error))


def _normals(pool: RidgeVectors, some: RidgeVectors) -> tuple[FloatArray, FloatArray]:
    ways = [v.across / np.linalg.norm(v.across, axis=1, keepdims=True) for v in (some, pool)]
    shape = (len(some.turn), len(pool.turn), 3)
    return np.broadcast_to(ways[0][:, None], shape), np.broadcast_to(ways[1][None], shape)


def _normals_agree(pool: RidgeVectors, some: RidgeVectors) -> FloatArray:
    return np.asarray(some.across @ pool.across.T)


def _misfits(vectors: RidgeVectors, pairs: Pairs, values: FloatArray, stage: float) -> FloatArray:
    """Return scaled residuals of normals, pairs and tilt, (n_poses, n)."""
    along, across = _Cones(vectors, values).gradient()
    turns = along / (np.hypot(along, across) + _TINY) / np.maximum(stage * vectors.turn, _LEAST_TURN)
    apart = pairs.apart(values) / (stage * np.maximum(2 * pairs.error, _LEAST_APART))
    return np.concatenate((turns, apart, values[:, 3:] / TILT_SPREAD), axis=1)


def unsure_shift(vectors: RidgeVectors, pairs: Pairs, values: FloatArray) -> tuple[float, FloatArray]:
    """Return how well normals and pairs know the mean two theta of the points at a distance, and what changes with it.

    Parameters
    ----------
    vectors, pairs:
        Of :func:`fitted_cones`.
    values:
        A minimum at its distance, (5,).

    Returns
    -------
    :
        Standard error in pixels, and the change of (dist, beam centre along both axes, rot1, rot2) per pixel, (5,), as
        :func:`shifted_poses` takes it.
    """
    centred = _centred(values[None])
    weights = np.concatenate((vectors.weight, pairs.first.weight, np.ones(2)))
    r, (angle, slope) = _misfits(vectors, pairs, values[None], 1.0)[0], ring_angles_of(vectors, values[None])
    rows, gradient = np.empty((4, r.size)), np.empty(4)
    for k in range(1, 5):
        moved = _centred(_moved(centred, k), -1)
        rows[k - 1] = (_misfits(vectors, pairs, moved, 1.0)[0] - r) / _SMALL
        gradient[k - 1] = np.mean((ring_angles_of(vectors, moved)[0] - angle) / slope) / _SMALL
    effective = weights / (1 + r**2 / _BOUND) ** 2
    covariance = np.linalg.pinv((rows * effective) @ rows.T)
    variance = float(gradient @ covariance @ gradient)
    if not variance > 0:
        return 0.0, np.zeros(5)
    change = np.concatenate(([0.0], covariance @ gradient / variance))
    return float(np.sqrt(variance)), change * _scale(centred)[0]


def shifted_poses(values: FloatArray, change: FloatArray, pixels: FloatArray) -> FloatArray:
    """Return a pose (5,) changed by some pixels of mean two theta (:func:`unsure_shift`), (n, 5)."""
    return _centred(_centred(values[None]) + pixels[:, None] * change, -1)


def minimised_poses(
    misfits: Callable[[FloatArray], FloatArray], weights: FloatArray, limits: FloatArray, values: FloatArray,
    free: BoolArray, n_steps: int = _STEPS,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return poses after some steps of damped least squares, and what is left of the loss.

    Parameters
    ----------
    misfits:
        Values (n, 5) -> residuals (n, m).
    weights, limits:
        Of the residuals, (m,) or (n, m): weight and c^2 of the loss (module docstring).
    values, free, n_steps:
        Starts (n, 5), which of the five may change, how many steps.
    """
    columns = np.flatnonzero(free)

    def loss(r: FloatArray) -> FloatArray:
        return np.asarray(np.sum(weights * r**2 / (1 + r**2 / limits), axis=1))

    damping = np.full(len(values), 1e-3)
    r = misfits(values)
    cost, centred = loss(r), _centred(values)
    for _ in range(n_steps):
        effective = weights / (1 + r**2 / limits) ** 2
        moved = [_centred(_moved(centred, k), -1) for k in columns.tolist()]
        jacobian = np.stack([(misfits(one) - r) / _SMALL for one in moved], axis=2)
        hessian = np.swapaxes(jacobian, 1, 2) @ (jacobian * effective[..., None])
        gradient = np.einsum("bnk,bn->bk", jacobian, effective * r)
        diagonal = np.einsum("bkk->bk", hessian)
        np.einsum("bkk->bk", hessian)[:] = diagonal * (1 + damping[:, None]) + 1e-12
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        trial = centred.copy()
        trial[:, columns] -= step * _scale(centred)[:, columns]
        trial[:, 0] = np.clip(trial[:, 0], 0.5 * centred[:, 0], 2 * centred[:, 0])
        trial[:, 3:] = np.clip(trial[:, 3:], -_LARGEST_TURN, _LARGEST_TURN)
        found = misfits(_centred(trial, -1))
        new = loss(found)
        better = new < cost
        centred, r = (np.where(better[:, None], *pair) for pair in ((trial, centred), (found, r)))
        cost = np.where(better, new, cost)
        damping = np.where(better, damping / 10, damping * 20)
    return _centred(centred, -1), cost


def _centred(values: FloatArray, sign: int = 1) -> FloatArray:
    """Return values with the beam centre in place of the foot of the normal; sign = -1: back.

    Steps in these are less tied to each other: a turn about the beam centre leaves the rings nearly where they are.
    """
    moved = values.copy()
    along = sign * values[:, 0]
    moved[:, 1] += along * np.tan(values[:, 4]) / np.cos(values[:, 3])
    moved[:, 2] -= along * np.tan(values[:, 3])
    return moved


def _scale(values: FloatArray) -> FloatArray:
    """Return what counts as one of each value: distances for lengths, rad for turns."""
    dist = values[:, :1]
    return np.concatenate((dist, dist, dist, np.ones((len(values), 2))), axis=1)


def _moved(values: FloatArray, k: int) -> FloatArray:
    moved = values.copy()
    moved[:, k] += _SMALL * _scale(values)[:, k]
    return moved
