# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Refinement: the geometry that control points agree with best, and how well they know it.

Residuals and Jacobian are those of :mod:`azimuthal.calibration.residuals`, the minimiser that of
:mod:`azimuthal.calibration._least_squares` (record 0025).

Weights
    A residual, in pixels of the geometry being tried, is divided by :math:`\sqrt{\sigma_i^2 + \tau^2}`:
    :math:`\sigma_i` is the uncertainty of the point (0.1 pixel where not known) and :math:`\tau` the *scatter beyond
    counting* (grains, pixels that are not where they should be), one number in pixels that makes the median of the
    absolute scaled residuals what it is for normal errors.  Without it the few brightest rings would decide alone.

Outliers
    Points farther away than `outliers` standard deviations are left out and the rest refined again, until the set of
    points stays the same.  So are all points of a ring whose median is off by more than half a pixel and `outliers`
    times the robust spread of the medians of all rings (at least six): a line of something else beside it drags the
    whole ring.

Covariance
    With the gradients :math:`g_i = J_i w_i r_i` of the points (w the weights of loss and scatter) and their derivative
    :math:`A = J^T S J` (S from the second derivative of the loss),

    .. math:: C = A^{-1} \Bigl(\frac{n}{n - m} \sum_i g_i g_i^T
              + \upsilon^2 \sum_k G_k G_k^T\Bigr) A^{-1},
              \qquad G_k = \sum_{i \in k} J_i w_i s_i

    The first sum is the estimate that needs no model of the errors (White 1980, doi:10.2307/1912934).  The second
    stands for rings that are off as a whole by :math:`\upsilon` pixels beyond what the scatter of their points
    explains (:math:`s_i` is one over its standard deviation), since points of one ring then share an error and a
    thousand of them know no more than one.  :math:`\upsilon` is 0 unless the rings show it beyond chance.

Degenerate directions
    Columns of J are scaled to length 1; a singular value below 1e-6 of the largest means that rings cannot tell that
    combination of parameters: these get an infinite standard error and are named.  rot3 always is one.  Pairs whose
    correlation exceeds 0.99 are named too: such as poni1 and rot2 at small angles, where a shift and a tilt of the
    detector look alike; their standard errors say so as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from azimuthal._validate import one_of, unknown_name
from azimuthal.calibration._least_squares import LOSSES, Loss, Minimum, loss_stiffness, loss_weights, minimised
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.point_fit import PointFit, described, read_only, settled
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.residuals import PARAMETERS, PixelResiduals, pixel_residuals, ring_angles
from azimuthal.errors import ParameterError
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument
from azimuthal.typing import BoolArray, FloatArray

__all__ = [
    "CUTOFF",
    "UNKNOWN_UNCERTAINTY",
    "Refinement",
    "RingSource",
    "checked_fix",
    "refine",
]  # fmt: skip

DEFAULT_FIX = ("rot3", "wavelength")
UNKNOWN_UNCERTAINTY = 0.1  # pixels

CUTOFF = 2.0  # standard deviations at which a residual begins to count less
_DEGENERATE = 1e-6
_CORRELATED = 0.99
_PARALLAX_ROUNDS = 4
_FEWEST_POINTS = 8


class RingSource(Protocol):
    """What is asked of a calibrant."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def d_spacings(self, d_min: float | None = None) -> FloatArray:
        """Return the d-spacings in m, decreasing, down to `d_min`."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Refinement(PointFit):
    """What a refinement found; and the attributes of :class:`~azimuthal.calibration.point_fit.PointFit`.

    Attributes
    ----------
    instrument:
        With the refined parameters.
    start:
        The instrument that it started from.
    covariance:
        Shape (7, 7) in the order of :data:`~azimuthal.calibration.residuals.PARAMETERS`; m and rad.  Zero for fixed
        parameters; infinite variance for what the rings cannot tell.
    control_points:
        All points, outliers included.
    """

    instrument: Instrument
    start: Instrument
    covariance: FloatArray
    control_points: ControlPoints

    @property
    def values(self) -> dict[str, float]:
        """The seven parameters, m and rad."""
        return dict(zip(PARAMETERS, _values(self.instrument).tolist(), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors, m and rad: 0 for fixed parameters, infinite for what the rings cannot tell."""
        return dict(zip(PARAMETERS, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    @property
    def correlations(self) -> FloatArray:
        """Correlations, shape (7, 7); NaN where a parameter is fixed or unknown."""
        errors = np.sqrt(np.diag(self.covariance))
        known = np.where((errors > 0) & np.isfinite(errors), errors, np.nan)
        return np.asarray(self.covariance / np.outer(known, known))


def refine(
    control_points: ControlPoints, instrument: Instrument, calibrant: RingSource, *,
    fix: Iterable[str] = DEFAULT_FIX, bounds: Mapping[str, tuple[float, float]] | None = None, loss: Loss = "soft_l1",
    outliers: float | None = 5.0, scatter: float | None = None, cells: Cells | None = None,
) -> Refinement:  # fmt: skip
    """Return the geometry that the points agree with best.

    Parameters
    ----------
    control_points:
        Where the rings are.
    instrument:
        To start from; with a wavelength.
    calibrant:
        d-spacings, in m, decreasing: `control_points.ring` counts them.
    fix:
        Parameters that stay as they are; all others are free.
    bounds:
        Parameter -> (low, high), m and rad.  dist and wavelength are positive anyway.
    loss:
        "soft_l1" (default), "huber" or "linear".
    outliers:
        Standard deviations beyond which points are left out; None keeps all.
    scatter:
        Scatter beyond counting, pixels; None: found from the residuals.
    cells:
        The pixels of the points, for those that refine the same points again and again; None: looked up.

    Raises
    ------
    ParameterError
        Fewer points than free parameters, a ring that the calibrant or the wavelength does not reach, nothing free.
    UnknownNameError
        A parameter is not known.
    WavelengthMissingError
        The instrument has no wavelength.
    """
    instrument.beam.required_wavelength("a refinement")
    one_of("loss", loss, LOSSES)
    free = _free(fix)
    if len(control_points) <= len(free):
        raise ParameterError(
            f"control_points: expected more than {len(free)} points for the free parameters {', '.join(free)}, got "
            f"{len(control_points)}. Add points, or fix more parameters."
        )
    limits = _limits(bounds, instrument)
    cells = cells or Cells(instrument, control_points.slow, control_points.fast)
    found = _refined(_Problem(control_points, instrument, calibrant, free, loss, limits, cells), outliers, scatter)
    for _ in range(_PARALLAX_ROUNDS if instrument.parallax is not None else 0):
        before = found
        problem = _Problem(control_points, before.instrument, calibrant, free, loss, limits, cells)
        found = _refined(problem, outliers, scatter)
        if np.abs(found.residuals - before.residuals).max() < 1e-4:
            break
    return replace(found, start=instrument)


class _Problem:
    """Residuals of points as a function of the free parameters, in units of their own scale."""

    names: tuple[str, ...] = PARAMETERS

    def __init__(
        self, points: ControlPoints, instrument: Instrument, calibrant: RingSource, free: tuple[str, ...], loss: Loss,
        limits: tuple[FloatArray, FloatArray], cells: Cells,
    ) -> None:  # fmt: skip
        self.points, self.instrument, self.loss, self.free = points, instrument, loss, free
        spacings = np.asarray(calibrant.d_spacings(), dtype=np.float64)
        if points.ring.max(initial=0) >= spacings.size:
            raise ParameterError(
                f"ring: {calibrant.name} has {spacings.size} rings, the points name ring {points.ring.max()}."
            )
        self.d_spacings = spacings[points.ring]
        cells = cells.under(instrument)
        self.positions = cells.positions(points.slow, points.fast)
        self.steps = cells.steps(points.slow, points.fast)
        self.columns = [PARAMETERS.index(name) for name in free]
        self.start = _values(instrument)
        self.limits = limits
        known = np.isfinite(points.uncertainty)
        self.sigma = np.where(known, points.uncertainty, UNKNOWN_UNCERTAINTY)
        if not np.isfinite(ring_angles(self.d_spacings, self.start[6])[0]).all():
            raise ParameterError("wavelength: too long for some of the rings that the points name.")

    def evaluated(self, values: FloatArray) -> PixelResiduals:
        """Return residuals in pixels and their derivatives with respect to all seven parameters."""
        return pixel_residuals(self.positions, self.steps, Pose(*values[:6]), self.d_spacings, float(values[6]))

    def solved(self, start: FloatArray, used: BoolArray, scatter: float) -> tuple[FloatArray, Minimum]:
        """Return all seven values and the minimum in scaled parameters."""
        sigma = np.hypot(self.sigma, scatter)[used]
        lengths = np.linalg.norm(self.evaluated(start).jacobian[used][:, self.columns] / sigma[:, None], axis=0)
        scale = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1.0), 1.0)

        def model(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            values = start.copy()
            values[self.columns] += x * scale
            found = self.evaluated(values)
            return found.values[used] / sigma, found.jacobian[used][:, self.columns] / sigma[:, None] * scale

        lower, upper = ((limit[self.columns] - start[self.columns]) / scale for limit in self.limits)
        minimum = minimised(model, np.zeros(len(self.columns)), lower, upper, loss=self.loss, cutoff=CUTOFF)
        values = start.copy()
        values[self.columns] = np.clip(
            values[self.columns] + minimum.values * scale, self.limits[0][self.columns], self.limits[1][self.columns]
        )
        return values, minimum


def _refined(problem: _Problem, outliers: float | None, scatter: float | None) -> Refinement:
    values, used, extra, minimum = settled(problem, outliers, scatter, ring=problem.points.ring)
    residuals, jacobian, _ = problem.evaluated(values)
    covariance, ring_scatter, degenerate = _covariance(problem, residuals, jacobian, used, extra)
    return Refinement(
        instrument=problem.instrument.replace(pose=Pose(*values[:6].tolist()), beam=Beam(float(values[6]))),
        start=problem.instrument,
        covariance=read_only(covariance),
        control_points=problem.points,
        ring_scatter=ring_scatter,
        degenerate=degenerate,
        correlated=_correlated(covariance),
        **described(problem, values, used, extra, minimum),
    )


def _covariance(
    problem: _Problem, residuals: FloatArray, jacobian: FloatArray, used: BoolArray, scatter: float
) -> tuple[FloatArray, float, tuple[str, ...]]:
    """Return the covariance, the scatter of rings and what cannot be told (module docstring)."""
    spread = np.hypot(problem.sigma, scatter)[used]
    z = residuals[used] / spread
    rows = jacobian[used][:, problem.columns] / spread[:, None]
    weights = loss_weights(z, problem.loss, CUTOFF)
    lengths = np.linalg.norm(rows, axis=0)
    effects = lengths * _natural_scales(problem.start)[problem.columns]
    telling = effects > 1e-10 * max(float(effects.max(initial=0.0)), 1e-300)
    scale = 1 / np.where(telling, lengths, 1.0)
    scaled = np.where(telling, rows * scale, 0.0)
    stiffness = loss_stiffness(z, problem.loss, CUTOFF)
    values, vectors = np.linalg.eigh((scaled * stiffness[:, None]).T @ scaled)
    known = values > _DEGENERATE**2 * values.max(initial=1e-300)
    inverse = (vectors[:, known] / values[known]) @ vectors[:, known].T
    n, m = z.size, len(problem.free)
    gradients = scaled * (weights * z)[:, None]
    middle = gradients.T @ gradients * (n / max(n - m, 1))
    ring = problem.points.ring[used]
    between = _ring_scatter(residuals[used], spread, ring, m)
    if between > 0:
        shared = scaled * (weights / spread)[:, None]
        for number in np.unique(ring):
            total = shared[ring == number].sum(axis=0)
            middle = middle + between**2 * np.outer(total, total)
    inner = (inverse @ middle @ inverse) * np.outer(scale, scale)
    lost = np.abs(vectors[:, ~known]).max(axis=1, initial=0.0) > 0.1
    full = np.zeros((len(PARAMETERS), len(PARAMETERS)))
    full[np.ix_(problem.columns, problem.columns)] = inner
    words = []
    for index in np.flatnonzero(lost):
        column = problem.columns[index]
        full[column, :] = full[:, column] = 0.0
        full[column, column] = np.inf
        words.append(_degenerate_words(PARAMETERS[column]))
    return full, between, tuple(words)


def _degenerate_words(name: str) -> str:
    if name == "rot3":
        return "rot3: rings look the same at every rot3; it keeps the value that it started with (fix it)"
    return f"{name}: these rings cannot tell it from the other free parameters (fix one of them)"


def _correlated(covariance: FloatArray) -> tuple[str, ...]:
    """Return the pairs that the rings can hardly tell apart, in words."""
    errors = np.sqrt(np.diag(covariance))
    errors[~np.isfinite(errors)] = 0.0
    words = []
    for i in range(len(PARAMETERS)):
        for j in range(i + 1, len(PARAMETERS)):
            product = errors[i] * errors[j]
            if product > 0 and abs(covariance[i, j]) > _CORRELATED * product:
                words.append(f"{PARAMETERS[i]} and {PARAMETERS[j]} (correlation {covariance[i, j] / product:+.4f})")
    return tuple(words)


def _ring_scatter(residuals: FloatArray, spread: FloatArray, ring: Any, n_free: int) -> float:
    """Return the scatter in pixels of whole rings beyond that of their points; 0 unless beyond chance.

    By moments, every ring with the weight of its mean (DerSimonian & Laird 1986, doi:10.1016/0197-2456(86)90046-2), so
    that a weak ring says little; the error of a mean is that of the spread of its points.
    """
    numbers, index = np.unique(ring, return_inverse=True)
    weights = spread**-2.0
    total, n = np.bincount(index, weights), np.bincount(index)
    means = np.bincount(index, residuals * weights) / total
    seen = np.bincount(index, (weights * (residuals - means[index])) ** 2) / total**2 * n / np.maximum(n - 1, 1)
    precision = 1 / np.where(n >= _FEWEST_POINTS, seen, np.maximum(seen, 1 / total))
    freedom = numbers.size - min(n_free, max(numbers.size - 1, 0), 2)  # of a ring's mean, dist and wavelength tell
    excess = float(np.sum(means**2 * precision)) - freedom
    if freedom < 1 or excess < 3 * np.sqrt(2 * freedom):
        return 0.0
    return float(np.sqrt(excess / max(precision.sum() - np.sum(precision**2) / precision.sum(), 1e-300)))


def checked_fix(fix: Iterable[str], known: Collection[str] = PARAMETERS) -> tuple[str, ...]:
    """Return the names of the parameters that are not refined; raise for one that is not known."""
    fixed = (fix,) if isinstance(fix, str) else tuple(fix)
    for name in fixed:
        if name not in known:
            raise unknown_name("fix", name, known)
    return fixed


def _free(fix: Iterable[str]) -> tuple[str, ...]:
    fixed = checked_fix(fix)
    free = tuple(name for name in PARAMETERS if name not in fixed)
    if not free:
        raise ParameterError("fix: expected at least one free parameter, got all of them fixed.")
    return free


def _limits(bounds: Mapping[str, tuple[float, float]] | None, instrument: Instrument) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits of all seven parameters; the start must lie within."""
    start = _values(instrument)
    lower, upper = np.full(7, -np.inf), np.full(7, np.inf)
    lower[0], upper[0] = 1e-3 * start[0], 1e3 * start[0]
    lower[6], upper[6] = 1e-1 * start[6], 1e1 * start[6]
    for name, (low, high) in (bounds or {}).items():
        if name not in PARAMETERS:
            raise unknown_name("bounds", name, PARAMETERS)
        k = PARAMETERS.index(name)
        if not low < high or not low <= start[k] <= high:
            raise ParameterError(f"bounds, {name}: expected low < high around the start {start[k]}, got {low}, {high}.")
        lower[k], upper[k] = max(low, lower[k]), min(high, upper[k])
    return lower, upper


def _natural_scales(values: FloatArray) -> FloatArray:
    """Return by how much every parameter would have to change to make another geometry of it."""
    return np.array([values[0], values[0], values[0], 1.0, 1.0, 1.0, values[6]])


def _values(instrument: Instrument) -> FloatArray:
    pose = instrument.pose
    wavelength = instrument.wavelength or np.nan
    return np.array([pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3, wavelength])
