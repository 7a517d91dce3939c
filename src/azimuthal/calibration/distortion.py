# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""A smooth distortion of a detector, found from rings.

A taper, a scintillator's optics or an image plate's reader moves pixels smoothly.  The displacement (in pixels, along
slow and fast) is a tensor product of cubic B-splines on equal intervals over the detector, which is what a Fit2D
``.spline`` file holds too: the result is a :class:`~azimuthal.detectors.SplineGrid`.

.. math:: \sum_i \rho\Bigl(\frac{2\theta(R_n\, p_i(c)) - 2\theta_{k(i)}}{\sigma_i}\Bigr)
          + \frac{1}{\pi^2} \sum (\Delta^2 c)^2 + \frac{1}{\varrho^2} \sum c^2

with the coefficients c, their second differences along both axes (Eilers and Marx 1996, doi:10.1214/ss/1038425655), the
roughness :math:`\pi` and :math:`\varrho` = 3 pixels.

Roughness
    Chosen from a row of values by rings that are held out, a fifth of the rings at a time: the one whose
    prediction of them is best.  Where none predicts held-out rings better than no distortion, there is none in the
    result: the rings of an image that was not used are not made worse.

What rings do not tell
    A displacement along a ring.  It is what the smoothest field has that agrees with the rings.  Shifts, turns and a
    uniform scale are motions of the detector and stay with the pose: the last term gives them no part in the field.

Verdict
    "good" where the squared residuals of held-out arcs (an eighth of a ring each) fall by more than three standard
    errors of their mean, and where another wavelength without a distortion does not explain the points about as
    well (squared residuals within a factor 1.5), else "doubtful".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from azimuthal._validate import positive_integer
from azimuthal.calibration._joint_fit import (
    Fit,
    Sighting,
    another_wavelength,
    check_numbers,
    common_detector,
    fitted,
    solved,
)
from azimuthal.calibration._least_squares import loss_weights
from azimuthal.calibration.modules import settled_points
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.refinement import CUTOFF, UNKNOWN_UNCERTAINTY, RingSource, checked_fix
from azimuthal.calibration.residuals import PARAMETERS, ring_angles, two_theta_and_jacobian
from azimuthal.calibration.ring_points import RingSettings, usable_pixels
from azimuthal.detectors import Detector, RegularGrid, Spline, SplineGrid, SplineSurface
from azimuthal.detectors.distortion import bspline_basis
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.geometry import Pose
from azimuthal.geometry.coordinates import chi
from azimuthal.instrument import Instrument
from azimuthal.orientation import orientation_flips
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["ROUGHNESSES", "DistortionRefinement", "recalibrated_distortion", "refine_distortion"]

#: Values of the roughness that are tried, pixels: from nearly quadratic to nearly free.
ROUGHNESSES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

_POSE = PARAMETERS[:5]
_SIZE = 3.0  # pixels
_FOLDS = 5
_FEWEST_RINGS = 3
_BELIEVED = 3.0
_CAP = 25.0
_LEAST_SCATTER = 0.01  # pixels
_OCTANTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class DistortionRefinement:
    """A smooth distortion.

    Attributes
    ----------
    detector:
        With the distortion; the given one where there is none.
    instruments:
        One per image: that detector, and the pose refined with it.
    roughness:
        The one that was chosen, pixels; 0: no distortion.
    scores:
        Roughness -> mean squared residual of held-out rings in standard deviations; that of 0: without distortion.
    residuals_before, residuals:
        Per image: found minus expected two theta of its points without and with it, pixels.
    used:
        Per image: which points were used.
    held_out_gain:
        By how much the mean squared residual of held-out arcs fell, and its standard error.
    verdict, reasons:
        "good" or "doubtful", and why.
    """

    detector: Detector
    instruments: tuple[Instrument, ...]
    roughness: float
    scores: dict[float, float]
    residuals_before: tuple[FloatArray, ...]
    residuals: tuple[FloatArray, ...]
    used: tuple[BoolArray, ...]
    held_out_gain: tuple[float, float]
    verdict: Literal["good", "doubtful"]
    reasons: tuple[str, ...]

    def save(self, path: Any, *, force: bool = False) -> None:
        """Write the detector as a NeXus detector file (pyFAI reads it too)."""
        import azimuthal._upward as upward

        upward.find("save_detector")(self.detector, path, force=force)

    def displacement(self, slow: FloatArray, fast: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the displacement at all pairs of native corner indices, pixels: (n_slow, n_fast) each."""
        layout = self.detector.layout
        if not isinstance(layout, SplineGrid):
            zero = np.zeros((np.size(slow), np.size(fast)))
            return zero, zero
        return layout.spline.slow.evaluate(slow, fast), layout.spline.fast.evaluate(slow, fast)

    def summary(self) -> str:
        """Return the refinement in words."""
        used = np.concatenate(self.used)
        before, after = (
            float(np.median(np.abs(np.concatenate(one)[used]))) for one in (self.residuals_before, self.residuals)
        )
        grid = tuple(np.linspace(0, n, 65) for n in self.detector.layout.shape)
        largest = max(float(np.abs(one).max()) for one in self.displacement(*grid))
        gain, error = self.held_out_gain
        lines = [f"verdict: {self.verdict}", *(f"  - {reason}" for reason in self.reasons)]
        lines += [
            f"largest displacement {largest:.2f} pixel, roughness {self.roughness:g} pixel",
            f"residuals of {int(used.sum())} points: median {before:.4f} -> {after:.4f} pixel",
            f"held-out rings: squared residuals fall by {gain:.2f} ± {error:.2f}",
        ]
        lines += [f"  roughness {key:g}: {score:.3f}" for key, score in self.scores.items()]
        return "\n".join(lines)


def refine_distortion(
    sightings: Sequence[Sighting], *, intervals: int = 5, fix: Iterable[str] = (), outliers: float = 5.0,
) -> DistortionRefinement:  # fmt: skip
    """Return the smooth distortion that the points of one or several images agree with best.

    Parameters
    ----------
    sightings:
        One per image; all of one detector without distortion, with at least three rings in all.
    intervals:
        Intervals of the splines along each axis.
    fix:
        Parameters of the poses that stay as they are, of dist, poni1, poni2, rot1, rot2; rot3 and the wavelength do.
    outliers:
        Standard deviations beyond which points are left out.

    Raises
    ------
    ParameterError
        No points, different detectors, too few rings.
    UnsupportedOptionError
        The detector's pixels are not a regular grid.
    UnknownNameError
        A parameter is not known.
    """
    problem = _Problem(sightings, positive_integer("intervals", intervals), fix)
    pose = problem.free.copy()
    pose[problem.n_pose :] = False
    problem.precision = problem.prior(ROUGHNESSES[-1])
    loose = fitted(problem, problem.start, problem.free, outliers)
    loose = loose._replace(scatter=max(loose.scatter, _LEAST_SCATTER))
    trial = _Trial(problem, loose)
    predictions = {0.0: trial.held_out(pose, None)}
    predictions.update({roughness: trial.held_out(problem.free, roughness) for roughness in ROUGHNESSES})
    scores = {roughness: float(np.mean(squares)) for roughness, squares in predictions.items()}
    best = min(scores, key=lambda roughness: scores[roughness])
    gains = predictions[0.0] - predictions[best]
    gain = float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(gains.size)) if gains.size > 1 else np.inf
    nominal = fitted(problem, problem.start, pose, outliers)
    return _described(problem, nominal, best, scores, gain, outliers)


def recalibrated_distortion(
    images: Sequence[Any], instruments: Sequence[Instrument], calibrants: Sequence[RingSource], *, mask: Any = None,
    settings: RingSettings | None = None, **options: Any,
) -> DistortionRefinement:  # fmt: skip
    """Return the distortion from images of calibrants.

    Parameters
    ----------
    images:
        Raw values, shape of the detector.
    instruments:
        One per image, recalibrated already: rings within a few pixels of where they predict them.
    calibrants:
        One per image.
    mask:
        True = excluded, in addition to gaps and invalid values.
    settings:
        Of :func:`points_on_rings`; by default with a window of three widths of the rings.
    options:
        Of :func:`refine_distortion`.
    """
    check_numbers(images, instruments, calibrants)
    sightings = []
    for image, instrument, calibrant in zip(images, instruments, calibrants, strict=True):
        frame = np.asarray(image)
        usable = usable_pixels(frame, instrument, mask)
        points = settled_points(frame, instrument, calibrant, usable, None, settings)
        sightings.append(Sighting(points, instrument, calibrant))
    return refine_distortion(sightings, **options)


class _View(NamedTuple):
    """Points of one image: undistorted place, values of all splines, expected angle, rad per pixel, error, ring."""

    positions: FloatArray
    basis: FloatArray
    expected: FloatArray
    pixel: FloatArray
    sigma: FloatArray
    ring: IntArray
    octant: IntArray


class _Problem:
    """Everything that stays the same.  Parameters: poses, then coefficients along slow, then along fast, pixels."""

    def __init__(self, sightings: Sequence[Sighting], intervals: int, fix: Iterable[str]) -> None:
        self.sightings = tuple(sightings)
        self.detector = common_detector(self.sightings)
        layout = self.detector.layout
        if not isinstance(layout, RegularGrid) or self.detector.binning != (1, 1):
            raise UnsupportedOptionError(
                f"distortion: the pixels of {self.detector.name} are not a plain regular grid ({layout.builder}, "
                f"combined by {self.detector.binning}). Refine it for the unbinned detector without distortion; of "
                "modules, see refine_modules."
            )
        n_rings = sum(np.unique(one.points.ring).size for one in self.sightings)
        if n_rings < _FEWEST_RINGS:
            raise ParameterError(f"sightings: expected at least {_FEWEST_RINGS} rings to hold some out, got {n_rings}.")
        self.layout = layout
        self.knots = tuple(_knots(n, intervals) for n in layout.shape)
        self.n_coefficients = (intervals + 3) ** 2
        self.views = tuple(self._view(one) for one in self.sightings)
        self.n_pose = 5 * len(self.views)
        self.size = self.n_pose + 2 * self.n_coefficients
        fixed = checked_fix(fix)
        self.free: BoolArray = np.ones(self.size, dtype=np.bool_)
        self.free[: self.n_pose] = np.tile([name not in fixed for name in _POSE], len(self.views))
        self.start = np.zeros(self.size)
        for n, one in enumerate(self.sightings):
            self.start[5 * n : 5 * n + 5] = [getattr(one.instrument.pose, name) for name in _POSE]
        self.precision: FloatArray = self.prior(ROUGHNESSES[-1])

    def prior(self, roughness: float) -> FloatArray:
        """Return the precision of the parameters for a roughness."""
        k = int(np.sqrt(self.n_coefficients))
        second = np.diff(np.eye(k), 2, axis=0)
        across, unit = second.T @ second, np.eye(k)
        inner = (np.kron(across, unit) + np.kron(unit, across)) / roughness**2 + np.eye(k * k) / _SIZE**2
        full = np.zeros((self.size, self.size))
        for axis in (0, 1):
            part = slice(self.n_pose + axis * k * k, self.n_pose + (axis + 1) * k * k)
            full[part, part] = inner
        return full

    def pose(self, number: int, x: FloatArray) -> Pose:
        """Return the pose of one image in some parameters."""
        values = dict(zip(_POSE, x[5 * number : 5 * number + 5].tolist(), strict=True))
        return self.sightings[number].instrument.pose.replace(**values)

    def evaluated(self, number: int, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (rad) and Jacobian (all parameters) of the points of one image."""
        view, rows = self.views[number], slice(5 * number, 5 * number + 5)
        sizes = (self.layout.pixel1, self.layout.pixel2)
        positions = view.positions.copy()
        first = [self.n_pose + axis * self.n_coefficients for axis in (0, 1)]
        for axis in (0, 1):
            positions[:, axis] += sizes[axis] * (view.basis @ x[first[axis] : first[axis] + self.n_coefficients])
        angle, pose = two_theta_and_jacobian(positions, self.pose(number, x))
        jacobian = np.zeros((angle.size, self.size))
        jacobian[:, rows] = np.where(self.free[rows], pose[:, :5], 0.0)
        for axis in (0, 1):  # the place on the detector moves against the PONI
            slope = -pose[:, 1 + axis] * sizes[axis]
            jacobian[:, first[axis] : first[axis] + self.n_coefficients] = slope[:, None] * view.basis
        return angle - view.expected, jacobian

    def spline(self, x: FloatArray) -> Spline:
        """Return the distortion in some parameters."""
        surfaces = []
        for axis in (0, 1):
            start = self.n_pose + axis * self.n_coefficients
            values = tuple(x[start : start + self.n_coefficients].tolist())
            surfaces.append(SplineSurface(tuple(self.knots[1].tolist()), tuple(self.knots[0].tolist()), values))
        return Spline(self.layout.shape, self.layout.pixel1, self.layout.pixel2, surfaces[0], surfaces[1])

    def _view(self, sighting: Sighting) -> _View:
        points, instrument = sighting.points, sighting.instrument
        cells = Cells(instrument, points.slow, points.fast)
        slopes = cells.slopes(points.slow, points.fast)
        spacings = np.asarray(sighting.calibrant.d_spacings(), dtype=np.float64)
        if points.ring.max() >= spacings.size:
            raise ParameterError(f"points: ring {points.ring.max()} is not one of {sighting.calibrant.name}.")
        expected = ring_angles(spacings[points.ring], instrument.beam.required_wavelength("a distortion"))[0]
        native = self._native(points.slow, points.fast)
        slow, fast = (bspline_basis(knots, place) for knots, place in zip(self.knots, native, strict=True))
        positions = cells.positions(points.slow, points.fast)
        azimuth = chi(positions=instrument.pose.lab_from_detector(positions))
        octant = np.floor((azimuth + np.pi) / (2 * np.pi) * _OCTANTS).astype(np.int64) % _OCTANTS
        known = np.isfinite(points.uncertainty)
        return _View(
            positions, (fast[:, :, None] * slow[:, None, :]).reshape(slow.shape[0], -1), expected,
            np.hypot(slopes.angle1, slopes.angle2), np.where(known, points.uncertainty, UNKNOWN_UNCERTAINTY),
            points.ring, octant,
        )  # fmt: skip

    def _native(self, slow: FloatArray, fast: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return points as coordinates of native corners."""
        found = []
        for axis, coordinate in enumerate((slow, fast)):
            place = coordinate + 0.5
            if orientation_flips(self.detector.orientation)[axis]:
                place = self.detector.shape[axis] - place
            found.append(np.clip(place + self.detector.origin[axis], 0.0, self.layout.shape[axis]))
        return found[0], found[1]


class _Trial:
    """Predictions of held-out rings, from one linearisation about a fit with hardly any prior."""

    def __init__(self, problem: _Problem, fit: Fit) -> None:
        self.problem, self.x = problem, fit.x
        parts = []
        for n, view in enumerate(problem.views):
            residuals, jacobian = problem.evaluated(n, fit.x)
            sigma, on = view.pixel * np.hypot(view.sigma, fit.scatter), fit.used[n]
            ring = n * 100_000 + view.ring
            parts.append(
                (
                    (residuals / sigma)[on],
                    (jacobian / sigma[:, None])[on],
                    ring[on],
                    (ring * _OCTANTS + view.octant)[on],
                )
            )
        self.z, self.rows, self.ring, self.arc = (np.concatenate(part) for part in zip(*parts, strict=True))
        self.weights = loss_weights(self.z, "soft_l1", CUTOFF)
        self.folds: list[tuple[BoolArray, FloatArray, FloatArray]] = []
        order = np.unique(self.ring, return_inverse=True)[1].ravel()
        for fold in range(min(_FOLDS, int(order.max()) + 1)):
            test: BoolArray = order % _FOLDS == fold
            weighted = self.rows[~test] * self.weights[~test, None]
            self.folds.append((test, weighted.T @ self.rows[~test], weighted.T @ self.z[~test]))

    def held_out(self, free: BoolArray, roughness: float | None) -> FloatArray:
        """Return the mean squared residual of each held-out arc, standard deviations."""
        squares = np.zeros(self.z.size)
        # without a distortion the coefficients go back to zero
        start = self.x.copy()
        start[~free] = np.where(np.arange(start.size)[~free] >= self.problem.n_pose, 0.0, start[~free])
        away = start - self.x
        prior = np.zeros((start.size, start.size)) if roughness is None else self.problem.prior(roughness)
        for test, curvature, gradient in self.folds:
            right = (gradient + curvature @ away + prior @ start)[free]
            step = away.copy()
            step[free] -= solved((curvature + prior)[np.ix_(free, free)], right)
            squares[test] = np.minimum((self.z[test] + self.rows[test] @ step) ** 2, _CAP)
        _, index = np.unique(self.arc, return_inverse=True)
        return np.asarray(np.bincount(index.ravel(), squares) / np.bincount(index.ravel()))


def _described(
    problem: _Problem, nominal: Fit, roughness: float, scores: dict[float, float], gain: tuple[float, float],
    outliers: float,
) -> DistortionRefinement:  # fmt: skip
    fit, detector = nominal, problem.detector
    if roughness > 0:
        problem.precision = problem.prior(roughness)
        fit = fitted(problem, problem.start, problem.free, outliers)
        detector = detector.replace(layout=SplineGrid(problem.spline(fit.x)), file=None)
    instruments = tuple(
        one.instrument.replace(detector=detector, pose=problem.pose(n, fit.x))
        for n, one in enumerate(problem.sightings)
    )
    reasons: tuple[str, ...] = ()
    if roughness == 0 or gain[0] <= _BELIEVED * gain[1]:
        reasons = ("no better than by chance: held-out rings do not agree better with a distortion",)
    doubt = another_wavelength(problem.sightings, fit)
    reasons = (*reasons, doubt) if doubt else reasons
    verdict: Literal["good", "doubtful"] = "doubtful" if reasons else "good"
    return DistortionRefinement(
        detector, instruments, roughness, scores, nominal.residuals, fit.residuals, fit.used, gain, verdict, reasons
    )


def _knots(n_pixels: int, intervals: int) -> FloatArray:
    """Return equal knots over the detector, the outermost four times."""
    inner = np.linspace(0.0, n_pixels, intervals + 1)
    return np.concatenate(([0.0] * 3, inner, [float(n_pixels)] * 3))
