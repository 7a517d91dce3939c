# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many parameters at once, most of them with a prior: poses of several images and where pixels are.

Minimised is the robust cost of the points, as in :mod:`azimuthal.calibration.refinement`, plus half of
``(x P x)`` with the precision P of the prior, by weighted Gauss-Newton steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from azimuthal.calibration._least_squares import loss_stiffness, loss_weights
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.point_fit import on_dragged_rings, robust_spread, scatter_beyond_counting
from azimuthal.calibration.refinement import (
    CUTOFF,
    UNKNOWN_UNCERTAINTY,
    RingSource,
    refine,
)
from azimuthal.detectors import Detector
from azimuthal.errors import ParameterError
from azimuthal.instrument import Instrument
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "ROUGH",
    "Fit",
    "JointProblem",
    "PointView",
    "Sighting",
    "another_wavelength",
    "check_numbers",
    "common_detector",
    "fitted",
    "minimised",
    "normal_equations",
    "solved",
]

_ROUNDS = 8
_STEPS = 40
_SHORT = 1e-3  # standard errors
_CAP = 25.0  # squared residuals count no more than this
_AS_WELL = 1.5
_DEFINITE = 1e-5  # of the diagonal of the factor: condition below about 1e10
ROUGH = 0.05  # the same, where models are only compared


class Sighting(NamedTuple):
    """What one image says: its control points, the instrument that it was taken with, and the calibrant."""

    points: ControlPoints
    instrument: Instrument
    calibrant: RingSource


def check_numbers(images: Sequence[Any], instruments: Sequence[Any], calibrants: Sequence[Any]) -> None:
    """Raise unless there is an instrument and a calibrant for each image."""
    if not len(images) == len(instruments) == len(calibrants):
        raise ParameterError(
            f"images: expected as many as instruments and calibrants, got {len(images)}, {len(instruments)}, "
            f"{len(calibrants)}."
        )


def common_detector(sightings: Sequence[Sighting]) -> Detector:
    """Return the detector of all images; raise where they differ, or where one has no points."""
    if not sightings or not all(len(one.points) for one in sightings):
        raise ParameterError("sightings: expected control points of at least one image, got an image without any.")
    detector = sightings[0].instrument.detector
    if any(one.instrument.detector != detector for one in sightings):
        raise ParameterError("sightings: expected images of one detector, got different ones.")
    return detector


class PointView(Protocol):
    """What is asked of the points of one image: rad per pixel, error in pixels, ring."""

    @property
    def pixel(self) -> FloatArray:
        """Change of two theta over a pixel, rad."""
        ...

    @property
    def sigma(self) -> FloatArray:
        """Uncertainty, pixels."""
        ...

    @property
    def ring(self) -> IntArray:
        """Number of the ring."""
        ...


class JointProblem(Protocol):
    """What is asked of a problem."""

    size: int
    precision: FloatArray

    @property
    def views(self) -> Sequence[PointView]:
        """The points of each image."""
        ...

    def evaluated(self, number: int, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (rad) and Jacobian with respect to all parameters of the points of one image."""
        ...


class Fit(NamedTuple):
    """A minimum: parameters, points in use, residuals in pixels (per image), scatter beyond counting."""

    x: FloatArray
    used: tuple[BoolArray, ...]
    residuals: tuple[FloatArray, ...]
    scatter: float


def fitted(problem: JointProblem, start: FloatArray, free: BoolArray, outliers: float) -> Fit:
    """Return the minimum over some parameters, repeated until points and scatter stay the same."""
    x = start.copy()
    used = [np.ones(view.ring.size, dtype=np.bool_) for view in problem.views]
    sigma = np.concatenate([view.sigma for view in problem.views])
    scatter, residuals = 0.3, [np.empty(0)]
    for _ in range(_ROUNDS):
        x = minimised(problem, x, free, used, scatter)
        residuals = [problem.evaluated(n, x)[0] / view.pixel for n, view in enumerate(problem.views)]
        before, before_scatter = used, scatter
        everything, kept = np.concatenate(residuals), np.concatenate(used)
        scatter = scatter_beyond_counting(everything[kept], sigma[kept], int(free.sum()))
        limit = outliers * max(1.0, robust_spread(everything[kept] / np.hypot(sigma[kept], scatter)))
        used = [
            (np.abs(one) <= limit * np.hypot(view.sigma, scatter)) & ~on_dragged_rings(one, view.ring, outliers)
            for one, view in zip(residuals, problem.views, strict=True)
        ]
        same = all(np.array_equal(a, b) for a, b in zip(used, before, strict=True))
        if same and abs(scatter - before_scatter) <= 1e-3 * scatter:
            break
    return Fit(x, tuple(used), tuple(residuals), scatter)


def minimised(
    problem: JointProblem, x: FloatArray, free: BoolArray, used: Sequence[BoolArray], scatter: float,
    short: float = _SHORT,
) -> FloatArray:  # fmt: skip
    """Return the minimum near `x`; it ends when a step is shorter than `short` standard errors."""
    x = x.copy()
    for _ in range(_STEPS):
        curvature, gradient, _ = normal_equations(problem, x, used, scatter)
        curvature = (curvature + problem.precision)[np.ix_(free, free)]
        step = -solved(curvature, (gradient + problem.precision @ x)[free])
        x[free] += step
        if float(step @ curvature @ step) < short**2:
            break
    return x


def normal_equations(
    problem: JointProblem, x: FloatArray, used: Sequence[BoolArray], scatter: float, *, exact: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return curvature and gradient of the points' part of the cost, and the sum of squared gradients.

    The curvature is that of the majorisation (the weights), or `exact`: with the second derivative of the loss.
    """
    curvature, gradient = np.zeros((problem.size, problem.size)), np.zeros(problem.size)
    squares = np.zeros_like(curvature)
    for n, view in enumerate(problem.views):
        residuals, jacobian = problem.evaluated(n, x)
        on = used[n]
        sigma = (view.pixel * np.hypot(view.sigma, scatter))[on]
        z, rows = residuals[on] / sigma, jacobian[on] / sigma[:, None]
        weights = loss_weights(z, "soft_l1", CUTOFF)
        bend = loss_stiffness(z, "soft_l1", CUTOFF) if exact else weights
        curvature += (rows * bend[:, None]).T @ rows
        gradient += rows.T @ (weights * z)
        if exact:
            scores = rows * (weights * z)[:, None]
            squares += scores.T @ scores
    return curvature, gradient, squares


def solved(curvature: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solution of equations whose unknowns differ much in size."""
    scale = np.sqrt(np.diag(curvature))
    scale = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1.0), 0.0)
    inner, outer = curvature * np.outer(scale, scale), (right.T * scale).T
    found = np.linalg.solve(inner, outer) if _definite(inner) else np.linalg.lstsq(inner, outer, rcond=1e-13)[0]
    return np.asarray((found.T * scale).T)


def _definite(matrix: FloatArray) -> bool:
    """Whether a matrix with a unit diagonal is well enough positive definite to be solved directly, 20 times faster."""
    try:
        return float(np.diagonal(np.linalg.cholesky(matrix)).min()) > _DEFINITE
    except np.linalg.LinAlgError:
        return False


def another_wavelength(sightings: Sequence[Sighting], fit: Fit) -> str | None:
    """Return a doubt where poses with a free wavelength explain the points about as well as displaced pixels do."""
    sums = np.zeros(3)
    for one, used, residuals in zip(sightings, fit.used, fit.residuals, strict=True):
        points = one.points.select(used)
        known = np.where(np.isfinite(points.uncertainty), points.uncertainty, UNKNOWN_UNCERTAINTY)
        spread = np.hypot(known, max(fit.scatter, 1e-2))
        found = [residuals[used]]
        for fix in (("rot3", "wavelength"), ("rot3",)):
            if len(points) <= 6:
                return None
            refined = refine(points, one.instrument, one.calibrant, fix=fix, outliers=None, scatter=fit.scatter)
            found.append(refined.residuals)
        sums += [float(np.sum(np.minimum((each / spread) ** 2, _CAP))) for each in found]
    displaced, nominal, free = sums.tolist()
    if free > _AS_WELL * displaced or nominal <= free:
        return None
    return (
        "another wavelength (or cell) explains the rings as well: is it this wavelength, this calibrant? Pixels "
        "that are displaced along the radius and a wrong wavelength look alike"
    )
