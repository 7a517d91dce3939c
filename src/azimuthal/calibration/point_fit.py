# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""What refinements of one image and of a goniometer share: points in use, scatter, and what they say of the fit.

The scatter beyond counting and the outliers are explained in :mod:`azimuthal.calibration.refinement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from azimuthal._validate import finite_number
from azimuthal.calibration._least_squares import Minimum
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "PointFit",
    "PointProblem",
    "described",
    "on_dragged_rings",
    "read_only",
    "robust_spread",
    "scatter_beyond_counting",
    "settled",
]

_ROUNDS = 8
_NORMAL_MEDIAN = 0.6744897501960817  # of the absolute value of a standard normal variable
_FEWEST_RINGS = 6
_DRAGGED = 0.5  # pixels


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PointFit:
    """What a refinement on control points says of itself.

    Attributes
    ----------
    free:
        Names of the parameters that were refined.
    used:
        Which points were used; the others are outliers.
    residuals:
        Of all points: found minus expected two theta, pixels.
    residuals_rad:
        The same in rad.
    scatter:
        Scatter beyond counting, pixels.
    ring_scatter:
        Scatter of whole rings beyond that of their points, pixels.
    reduced_chi_square:
        Of the used points with the uncertainties that they came with.
    cost:
        What was minimised.
    degenerate:
        In words, what the rings cannot tell.
    correlated:
        In words, pairs of parameters that the rings can hardly tell apart.
    at_bound:
        Parameters that ended at a bound.
    converged:
        Whether the minimum was reached.
    """

    free: tuple[str, ...]
    used: BoolArray
    residuals: FloatArray
    residuals_rad: FloatArray
    scatter: float
    ring_scatter: float
    reduced_chi_square: float
    cost: float
    degenerate: tuple[str, ...]
    correlated: tuple[str, ...]
    at_bound: tuple[str, ...]
    converged: bool


class PointProblem(Protocol):
    """What is asked of a problem: all its parameters, which of them are free, and the points."""

    names: tuple[str, ...]
    free: tuple[str, ...]
    columns: list[int]
    start: FloatArray
    limits: tuple[FloatArray, FloatArray]
    sigma: FloatArray

    def evaluated(self, values: FloatArray, /) -> Sequence[FloatArray]:
        """Return residuals in pixels first, and the change of two theta over a pixel, rad, last."""
        ...

    def solved(self, start: FloatArray, used: BoolArray, scatter: float) -> tuple[FloatArray, Minimum]:
        """Return all parameters at the minimum, and the minimum."""
        ...


def settled(
    problem: PointProblem, outliers: float | None, scatter: float | None, *, ring: IntArray | None = None
) -> tuple[FloatArray, BoolArray, float, Minimum]:
    """Return parameters, points in use, scatter and minimum, repeated until points and scatter stay the same.

    Parameters
    ----------
    problem:
        What is refined.
    outliers:
        Standard deviations beyond which points are left out; None keeps all.
    scatter:
        Beyond counting, pixels; None: found from the residuals.
    ring:
        Of each point, where rings that are off as a whole are left out too; None: they are not.
    """
    values, used = problem.start, np.ones(problem.sigma.size, dtype=np.bool_)
    extra = 0.3 if scatter is None else finite_number("scatter", scatter, unit="pixels")
    for _ in range(_ROUNDS):
        values, _minimum = problem.solved(values, used, extra)
        residuals = problem.evaluated(values)[0]
        before, extra_before = used, extra
        if scatter is None:
            extra = scatter_beyond_counting(residuals[used], problem.sigma[used], len(problem.free))
        if outliers is not None:
            spread = np.hypot(problem.sigma, extra)
            used = np.abs(residuals) <= outliers * spread * max(1.0, robust_spread(residuals[used] / spread[used]))
            if ring is not None:
                used &= ~on_dragged_rings(residuals, ring, outliers)
            if used.sum() <= len(problem.free):
                used = before
        if np.array_equal(used, before) and abs(extra - extra_before) <= 1e-3 * extra:
            break
    values, minimum = problem.solved(values, used, extra)
    return values, used, extra, minimum


def described(
    problem: PointProblem, values: FloatArray, used: BoolArray, scatter: float, minimum: Minimum
) -> dict[str, Any]:
    """Return what every :class:`PointFit` says that does not need the covariance, by name."""
    found = problem.evaluated(values)
    residuals, pixel = found[0], found[-1]
    lower, upper = problem.limits
    freedom = max(int(used.sum()) - len(problem.free), 1)
    return {
        "free": problem.free,
        "used": read_only(used),
        "residuals": read_only(residuals),
        "residuals_rad": read_only(residuals * pixel),
        "scatter": scatter,
        "reduced_chi_square": float(np.sum((residuals[used] / problem.sigma[used]) ** 2)) / freedom,
        "cost": minimum.cost,
        "at_bound": tuple(problem.names[k] for k in problem.columns if values[k] <= lower[k] or values[k] >= upper[k]),
        "converged": minimum.converged,
    }


def scatter_beyond_counting(residuals: FloatArray, sigma: FloatArray, n_free: int) -> float:
    """Return the scatter in pixels that makes the robust spread of the scaled residuals 1."""
    target = np.sqrt(max(residuals.size - n_free, 1) / residuals.size)
    if robust_spread(residuals / sigma) <= target * (1 + 1.2 / np.sqrt(residuals.size)):  # within chance
        return 0.0
    low, high = 0.0, 2 * float(np.abs(residuals).max()) + 1e-12
    for _ in range(50):
        middle = 0.5 * (low + high)
        if robust_spread(residuals / np.hypot(sigma, middle)) > target:
            low = middle
        else:
            high = middle
    return high


def robust_spread(z: FloatArray) -> float:
    """Return the standard deviation that the median of the absolute values stands for."""
    return float(np.median(np.abs(z))) / _NORMAL_MEDIAN if z.size else 0.0


def on_dragged_rings(residuals: FloatArray, ring: IntArray, outliers: float) -> BoolArray:
    """Return which points are on rings that are off as a whole, unlike the others (module docstring)."""
    numbers, index = np.unique(ring, return_inverse=True)
    medians = np.array([np.median(residuals[index == k]) for k in range(numbers.size)])
    if numbers.size < _FEWEST_RINGS:
        return np.zeros(residuals.shape, dtype=np.bool_)
    limit = max(_DRAGGED, outliers * robust_spread(medians))
    return np.asarray((np.abs(medians) > limit)[index])


def read_only(array: Any) -> Any:
    """Return the same array, not to be written to."""
    array.flags.writeable = False
    return array
