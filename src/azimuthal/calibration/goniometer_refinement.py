# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Joint refinement of a goniometer on the control points of many images.

The residual of a point, in pixels, is that of :mod:`azimuthal.calibration.residuals` at the position of its image; its
derivatives with respect to the parameters of the goniometer follow by the chain rule,

.. math:: \frac{\partial r}{\partial p} = \sum_{v} \frac{\partial r}{\partial v} \frac{\partial v}{\partial p},
          \qquad v = \mathrm{dist}, \ldots, \mathrm{rot3}, \lambda

with :math:`\partial v/\partial p` of the expressions.  Weights, loss, outliers and the scatter beyond counting are
those of :func:`azimuthal.calibration.refine`, over all images together.

Covariance
    As there, from the scatter that the points show, plus the errors that many points share
    (:mod:`azimuthal.calibration._variance_components`): of a ring that is off as a whole, pixels, and of each *motor*:
    when an arm is not where its encoder says, all points of that image move together, by
    :math:`\partial 2\theta / \partial m` times the error of the position.  How large they are is found from the
    residuals and is a result of its own (`ring_scatter`, `motor_scatter`).

Not told
    Directions in which the columns of the Jacobian (at length 1) have a singular value below 1e-6 of the largest: such
    as an offset and a scale with images at one position only.  Parameters that act on rot3 alone are held, for a ring
    looks the same at every rot3; this is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from azimuthal._validate import one_of, unknown_name
from azimuthal.calibration._least_squares import LOSSES, Loss, Minimum, loss_stiffness, loss_weights, minimised
from azimuthal.calibration._variance_components import Component, component_sizes, shared_products, without_shared
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.goniometer import Goniometer
from azimuthal.calibration.point_fit import PointFit, described, read_only, settled
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.refinement import (
    CUTOFF,
    UNKNOWN_UNCERTAINTY,
    RingSource,
    checked_fix,
)
from azimuthal.calibration.residuals import pixel_residuals
from azimuthal.errors import ParameterError
from azimuthal.geometry import Pose
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["FramePoints", "GoniometerRefinement", "refine_goniometer"]

_PARALLAX_ROUNDS = 4
_STILL = 1e-3  # pixels
_DEGENERATE = 1e-6
_CORRELATED = 0.99
_SECTORS = 8


@dataclass(frozen=True, slots=True, eq=False)
class FramePoints:
    """The control points of one image.

    Attributes
    ----------
    label:
        Name of the image.
    position:
        Motor -> value.
    points:
        Control points; there may be none.
    """

    label: str
    position: Mapping[str, float]
    points: ControlPoints


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GoniometerRefinement(PointFit):
    """What a joint refinement found; and the attributes of :class:`~azimuthal.calibration.point_fit.PointFit`.

    Attributes
    ----------
    goniometer:
        With the refined parameters, their covariance, what is not told, and the positions that it covers.
    start:
        The goniometer that it started from.
    frames:
        The images with their points.
    frame:
        Of all points, one image behind the other: number of the image.
    ring:
        Number of the ring.
    pixel:
        Size of a pixel, rad of two theta.
    spread:
        Standard deviation that each point was given, pixels.
    azimuth:
        chi of the points, rad.
    motor_scatter:
        Motor -> scatter of its positions beyond that of the points, in its own unit.
    shift_covariance:
        What shifts of one pixel of all points, of every ring and of every eighth of a ring in an image would do to the
        parameters (:mod:`azimuthal.calibration.systematic_error`): their covariance.
    """

    goniometer: Goniometer
    start: Goniometer
    frames: tuple[FramePoints, ...]
    frame: IntArray
    ring: IntArray
    pixel: FloatArray
    spread: FloatArray
    azimuth: FloatArray
    motor_scatter: Mapping[str, float]
    shift_covariance: FloatArray

    @property
    def values(self) -> dict[str, float]:
        """The parameters."""
        return dict(self.goniometer.parameters)

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors: 0 for fixed parameters, infinite for what the rings cannot tell."""
        return self.goniometer.standard_errors

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the parameters, in their order; of what the rings tell."""
        assert self.goniometer.covariance is not None  # a refinement sets it
        return self.goniometer.covariance

    @property
    def correlations(self) -> FloatArray:
        """Correlations of the parameters; NaN where one is fixed or not told."""
        return _correlations(self.goniometer)


def refine_goniometer(
    frames: Sequence[FramePoints], goniometer: Goniometer, calibrant: RingSource, *, fix: Iterable[str] = (),
    bounds: Mapping[str, tuple[float, float]] | None = None, loss: Loss = "soft_l1", outliers: float | None = 5.0,
    scatter: float | None = None,
) -> GoniometerRefinement:  # fmt: skip
    """Return the goniometer that the points of all images agree with best.

    Parameters
    ----------
    frames:
        Points and motor positions of every image; images without points take no part.
    goniometer:
        To start from; with a wavelength.
    calibrant:
        d-spacings, in m, decreasing.
    fix:
        Parameters that stay as they are; all others are free.
    bounds:
        Parameter -> (low, high).
    loss, outliers, scatter:
        Of :func:`azimuthal.calibration.refine`.

    Raises
    ------
    ParameterError
        Fewer points than free parameters, a ring that the calibrant or the wavelength does not reach, nothing free, a
        position at which the expressions give no geometry.
    UnknownNameError
        A parameter or a motor is not known.
    WavelengthMissingError
        There is no wavelength.
    """
    one_of("loss", loss, LOSSES)
    free = _free(goniometer, fix)
    given = [replace(one, position=goniometer.position(one.position)) for one in frames]
    n_points = sum(len(one.points) for one in given)
    if n_points <= len(free):
        raise ParameterError(
            f"frames: expected more than {len(free)} points for the free parameters {', '.join(free)}, got {n_points}."
            " Add images, or fix more parameters."
        )
    limits = _limits(bounds, goniometer)
    problem = _Problem(given, goniometer, calibrant, free, loss, limits)
    found = _refined(problem, outliers, scatter)
    for _ in range(_PARALLAX_ROUNDS if goniometer.parallax is not None else 0):  # points of entry: of the geometry
        before = found
        problem = _Problem(given, before.goniometer, calibrant, free, loss, limits)
        found = _refined(problem, outliers, scatter)
        if np.abs(found.residuals - before.residuals).max() < _STILL:
            break
    return replace(found, start=goniometer)


class _Evaluation(NamedTuple):
    """Of all points: residuals, pixels, infinite where there is no geometry; derivatives; change over a pixel, rad."""

    residuals: FloatArray
    slopes: FloatArray
    by_motor: FloatArray
    pixel: FloatArray


class _Problem:
    """Residuals of the points of all images as a function of the free parameters, in units of their own scale."""

    def __init__(
        self, frames: Sequence[FramePoints], goniometer: Goniometer, calibrant: RingSource, free: tuple[str, ...],
        loss: Loss, limits: tuple[FloatArray, FloatArray],
    ) -> None:  # fmt: skip
        self.frames, self.goniometer, self.free, self.loss, self.limits = tuple(frames), goniometer, free, loss, limits
        self.names = tuple(goniometer.parameters)
        self.columns = [self.names.index(name) for name in free]
        self.start = np.array(list(goniometer.parameters.values()), dtype=np.float64)
        self.taking_part = [k for k, one in enumerate(self.frames) if len(one.points)]
        self.positions_of = [self.frames[k].position for k in self.taking_part]
        counts = [len(one.points) for one in self.frames]
        self.frame = np.repeat(np.arange(len(counts)), counts)
        self.ring, sigma = (
            np.concatenate([getattr(one.points, name) for one in self.frames]) for name in ("ring", "uncertainty")
        )
        self.sigma = np.where(np.isfinite(sigma), sigma, UNKNOWN_UNCERTAINTY)
        self.d_spacings = _spacings(calibrant, self.ring)
        self._locate()
        if not np.isfinite(self.evaluated(self.start).residuals).all():
            raise ParameterError("wavelength: too long for some of the rings that the points name.")

    def _locate(self) -> None:
        """Find where the points are on the detector, and the steps from pixel to pixel there."""
        self.detector_positions, self.steps, azimuths = [], [], []
        for k, instrument in zip(self.taking_part, self.goniometer.instruments(self.positions_of), strict=True):
            instrument.beam.required_wavelength("a refinement")
            points = self.frames[k].points
            cells = Cells(instrument, points.slow, points.fast)
            self.detector_positions.append(cells.positions(points.slow, points.fast))
            self.steps.append(cells.steps(points.slow, points.fast))
            azimuths.append(cells.angles(points.slow, points.fast)[1])
        self.azimuth = np.concatenate(azimuths)

    def evaluated(self, parameters: FloatArray) -> _Evaluation:
        """Return the residuals with some parameters."""
        changed = dict(zip(self.names, parameters.tolist(), strict=True))
        goniometer = self.goniometer.with_parameters(**changed)
        found = goniometer.evaluated(self.positions_of)
        n = self.frame.size
        result = _Evaluation(
            np.full(n, np.inf), np.zeros((n, len(self.names))), np.zeros((n, len(goniometer.motors))), np.ones(n)
        )
        values = found.values
        if not (np.isfinite(values).all() and (values[:, 0] > 0).all() and (values[:, 6] > 0).all()):
            return result
        stop = 0
        for row, (positions, steps) in enumerate(zip(self.detector_positions, self.steps, strict=True)):
            here = slice(stop, stop + positions.shape[0])
            stop = here.stop
            pose, wavelength = Pose(*values[row, :6].tolist()), float(values[row, 6])
            one = pixel_residuals(positions, steps, pose, self.d_spacings[here], wavelength)
            result.residuals[here], result.pixel[here] = one.values, one.pixel
            result.slopes[here] = one.jacobian @ found.by_parameter[row]
            result.by_motor[here] = one.jacobian @ found.by_motor[row]
        return result

    def solved(self, start: FloatArray, used: BoolArray, scatter: float) -> tuple[FloatArray, Minimum]:
        """Return all parameters and the minimum in scaled parameters."""
        sigma = np.hypot(self.sigma, scatter)[used]
        lengths = np.linalg.norm(self.evaluated(start).slopes[used][:, self.columns] / sigma[:, None], axis=0)
        scale = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1.0), 1.0)

        def at(x: FloatArray) -> FloatArray:
            values = start.copy()
            values[self.columns] += x * scale
            return values

        def model(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            found = self.evaluated(at(x))
            return found.residuals[used] / sigma, found.slopes[used][:, self.columns] / sigma[:, None] * scale

        lower, upper = ((limit[self.columns] - start[self.columns]) / scale for limit in self.limits)
        minimum = minimised(model, np.zeros(len(self.columns)), lower, upper, loss=self.loss, cutoff=CUTOFF)
        return np.clip(at(minimum.values), *self.limits), minimum


def _refined(problem: _Problem, outliers: float | None, scatter: float | None) -> GoniometerRefinement:
    values, used, extra, minimum = settled(problem, outliers, scatter)
    found, spread = problem.evaluated(values), np.hypot(problem.sigma, extra)
    known = _knowledge(problem, values, found.residuals / spread, used, spread)
    goniometer = problem.goniometer.with_parameters(**dict(zip(problem.names, values.tolist(), strict=True))).replace(
        covariance=known.covariance, unknown=known.unknown, covered=_covered(problem, used)
    )
    return GoniometerRefinement(
        goniometer=goniometer,
        start=problem.goniometer,
        frames=problem.frames,
        frame=read_only(problem.frame),
        ring=read_only(problem.ring),
        pixel=read_only(found.pixel),
        spread=read_only(spread),
        azimuth=read_only(problem.azimuth),
        ring_scatter=known.ring_scatter,
        motor_scatter=known.motor_scatter,
        shift_covariance=read_only(known.shift_covariance),
        degenerate=_degenerate_words(goniometer, problem.free),
        correlated=_correlated(goniometer),
        **described(problem, values, used, extra, minimum),
    )


@dataclass(frozen=True, slots=True)
class _Knowledge:
    covariance: FloatArray
    unknown: FloatArray
    ring_scatter: float
    motor_scatter: dict[str, float]
    shift_covariance: FloatArray


def _knowledge(problem: _Problem, values: FloatArray, z: FloatArray, used: BoolArray, spread: FloatArray) -> _Knowledge:
    """Return covariance, unknown directions and shared errors; `z` are the residuals in standard deviations."""
    sigma = spread[used]
    _, slopes, by_motor, _ = problem.evaluated(values)
    rows = slopes[used][:, problem.columns] / sigma[:, None]
    lengths = _telling_lengths(problem, values, rows)
    scale = 1 / np.where(lengths > 0, lengths, 1.0)
    scaled = np.where(lengths > 0, rows * scale, 0.0)
    z = z[used]
    stiffness, weights = loss_stiffness(z, problem.loss, CUTOFF), loss_weights(z, problem.loss, CUTOFF)
    found, vectors = np.linalg.eigh((scaled * stiffness[:, None]).T @ scaled)
    known = found > _DEGENERATE**2 * found.max(initial=1e-300)
    inverse = (vectors[:, known] / found[known]) @ vectors[:, known].T
    n, m = z.size, len(problem.free)
    components = _components(problem, used, spread[used], by_motor[used] / sigma[:, None])
    own, sizes = component_sizes(z, scaled[:, np.any(scaled, axis=0)], components)
    left, taken = without_shared(z, own, sizes, components)  # what is shared is added as such, and counts once
    gradients = scaled * (weights * left)[:, None]
    middle = gradients.T @ gradients * (n / max(n - m - taken, 1))
    for size, component in zip(sizes, components, strict=True):
        if size > 0:
            middle = middle + size**2 * shared_products(scaled * weights[:, None], component)
    shifts = sum(shared_products(scaled, one) for one in _shifts(problem, used, spread[used]))
    covariances = []
    for inner in (middle, shifts):
        full = np.zeros((len(problem.names), len(problem.names)))
        full[np.ix_(problem.columns, problem.columns)] = (inverse @ inner @ inverse) * np.outer(scale, scale)
        covariances.append(full)
    unknown = np.zeros((int((~known).sum()), len(problem.names)))
    unknown[:, problem.columns] = (vectors[:, ~known] * scale[:, None]).T
    motors = dict(zip(problem.goniometer.motors, sizes[1:].tolist(), strict=True))
    return _Knowledge(covariances[0], unknown, float(sizes[0]), motors, covariances[1])


def _telling_lengths(problem: _Problem, values: FloatArray, rows: FloatArray) -> FloatArray:
    """Return the lengths of the columns; 0 where a parameter moves the geometry and still no ring."""
    lengths = np.linalg.norm(rows, axis=0)
    goniometer = problem.goniometer.with_parameters(**dict(zip(problem.names, values.tolist(), strict=True)))
    found = goniometer.evaluated(problem.positions_of)
    size = np.column_stack([*[found.values[:, 0]] * 3, *[np.ones(len(found.values))] * 3, found.values[:, 6]])
    moved = np.sqrt(np.mean(np.sum((found.by_parameter / size[:, :, None]) ** 2, axis=1), axis=0))[problem.columns]
    effects = lengths / np.where(moved > 0, moved, np.inf)
    return np.where(effects > 1e-10 * max(float(effects.max(initial=0.0)), 1e-300), lengths, 0.0)


def _components(problem: _Problem, used: BoolArray, spread: FloatArray, by_motor: FloatArray) -> list[Component]:
    """Return the shared errors: of rings, and of each motor, one group per image."""
    ring = np.unique(problem.ring[used], return_inverse=True)[1]
    frame = np.unique(problem.frame[used], return_inverse=True)[1]
    return [Component(ring, 1 / spread), *(Component(frame, column) for column in by_motor.T)]


def _shifts(problem: _Problem, used: BoolArray, spread: FloatArray) -> list[Component]:
    """Return the groups of points that small shifts are assumed of: all, rings, eighths of the rings of an image."""
    sector = ((problem.azimuth + np.pi) / (2 * np.pi) * _SECTORS).astype(np.int64) % _SECTORS
    rings = int(problem.ring.max(initial=0)) + 1
    numbers = (np.zeros_like(problem.ring), problem.ring, (problem.frame * rings + problem.ring) * _SECTORS + sector)
    groups = (np.unique(one[used], return_inverse=True)[1] for one in numbers)
    return [Component(group, 1 / spread) for group in groups]


def _covered(problem: _Problem, used: BoolArray) -> dict[str, tuple[float, float]]:
    """Return the range of each motor over the images with points in use."""
    seen = [problem.frames[k].position for k in np.unique(problem.frame[used]).tolist()]
    return {
        name: (min(one[name] for one in seen), max(one[name] for one in seen)) for name in problem.goniometer.motors
    }


def _degenerate_words(goniometer: Goniometer, free: tuple[str, ...]) -> tuple[str, ...]:
    words = [
        f"{name}: rings look the same at every rot3, which is all that it moves; it was held"
        for name in _only_rot3(goniometer)
    ]
    errors = goniometer.standard_errors
    words += [
        f"{name}: these images cannot tell it from the other free parameters (fix one of them)"
        for name in free
        if np.isinf(errors[name])
    ]
    return tuple(words)


def _correlations(goniometer: Goniometer) -> FloatArray:
    errors = np.array(list(goniometer.standard_errors.values()))
    known = np.where((errors > 0) & np.isfinite(errors), errors, np.nan)
    return np.asarray(goniometer.covariance / np.outer(known, known))


def _correlated(goniometer: Goniometer) -> tuple[str, ...]:
    """Return the pairs that the rings can hardly tell apart, in words."""
    names, found = tuple(goniometer.parameters), _correlations(goniometer)
    return tuple(
        f"{names[i]} and {names[j]} (correlation {found[i, j]:+.4f})"
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(found[i, j]) > _CORRELATED
    )


def _free(goniometer: Goniometer, fix: Iterable[str]) -> tuple[str, ...]:
    held = (*checked_fix(fix, goniometer.parameters), *_only_rot3(goniometer))
    free = tuple(name for name in goniometer.parameters if name not in held)
    if not free:
        raise ParameterError("fix: expected at least one free parameter, got all of them fixed.")
    return free


def _only_rot3(goniometer: Goniometer) -> tuple[str, ...]:
    """Return the parameters that stand in the expression of rot3 and in no other one."""
    elsewhere = {name for value, one in goniometer.expressions.items() if value != "rot3" for name in one.names}
    of_rot3 = goniometer.expressions["rot3"].names if "rot3" in goniometer.expressions else ()
    return tuple(name for name in goniometer.parameters if name in of_rot3 and name not in elsewhere)


def _limits(bounds: Mapping[str, tuple[float, float]] | None, goniometer: Goniometer) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits of all parameters; the start must lie within."""
    names = tuple(goniometer.parameters)
    lower, upper = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    for name, (low, high) in (bounds or {}).items():
        if name not in names:
            raise unknown_name("bounds", name, names)
        start = goniometer.parameters[name]
        if not low < high or not low <= start <= high:
            raise ParameterError(f"bounds, {name}: expected low < high around the start {start}, got {low}, {high}.")
        lower[names.index(name)], upper[names.index(name)] = low, high
    return lower, upper


def _spacings(calibrant: RingSource, ring: IntArray) -> FloatArray:
    spacings = np.asarray(calibrant.d_spacings(), dtype=np.float64)
    if ring.max(initial=0) >= spacings.size:
        raise ParameterError(f"ring: {calibrant.name} has {spacings.size} rings, the points name ring {ring.max()}.")
    return spacings[ring]
