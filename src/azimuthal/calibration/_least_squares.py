# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Damped least squares of a few parameters, with bounds and a robust loss.

Minimised is :math:`\frac12 \sum_i c^2 \rho(r_i^2 / c^2)` of residuals that are divided by their standard deviation, c
being the `cutoff` at which a residual begins to count less:

=========  ========================================  =========================
loss       rho(z)                                    weight rho'(z)
=========  ========================================  =========================
linear     z                                         1
soft_l1    2 (sqrt(1 + z) - 1)                       1 / sqrt(1 + z)
huber      z for z < 1, else 2 sqrt(z) - 1           1, or 1 / sqrt(z)
=========  ========================================  =========================

A step solves :math:`(J^T W J + \mu \,\mathrm{diag}(J^T W J))\, \delta = -J^T W r` (Marquardt 1963, doi:10.1137/0111030)
with the weights W of the loss, which is a majorisation: without damping the cost decreases.  Where many residuals are
large its steps are short; once a step has lowered the cost by less than a hundredth, the next one takes the curvature
of the loss instead of W (Newton), as long as that lowers the cost.  Parameters at a bound that the step would cross are
held for that step.  It ends when a step is shorter than 1e-6 standard errors, or changes the cost by less than its
rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from azimuthal.typing import BoolArray, FloatArray

__all__ = ["LOSSES", "Loss", "Minimum", "loss_stiffness", "loss_weights", "minimised"]

Loss: TypeAlias = Literal["soft_l1", "huber", "linear"]
LOSSES: tuple[Loss, ...] = ("soft_l1", "huber", "linear")

_SHORT = 1e-6  # standard errors
_ROUNDING = 1e-14  # of the cost
_SLOW = 0.01  # gain of a step, relative
_HIGHEST_DAMPING = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the cost is least: parameters, residuals and Jacobian there, cost, steps, and whether it converged."""

    values: FloatArray
    residuals: FloatArray
    jacobian: FloatArray
    cost: float
    n_steps: int
    converged: bool


Model: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


def loss_weights(residuals: FloatArray, loss: Loss, cutoff: float) -> FloatArray:
    """Return the weights of the table above."""
    z = (residuals / cutoff) ** 2
    if loss == "soft_l1":
        return np.asarray(1 / np.sqrt(1 + z))
    if loss == "huber":
        return np.asarray(1 / np.sqrt(np.maximum(z, 1.0)))
    return np.ones_like(residuals)


def loss_stiffness(residuals: FloatArray, loss: Loss, cutoff: float) -> FloatArray:
    """Return the derivative of ``r rho'`` with respect to the residual: what a residual adds to the curvature."""
    z = (residuals / cutoff) ** 2
    if loss == "soft_l1":
        return np.asarray((1 + z) ** -1.5)
    if loss == "huber":
        return np.asarray((z <= 1).astype(np.float64))
    return np.ones_like(residuals)


def minimised(
    model: Model, start: FloatArray, lower: FloatArray, upper: FloatArray, *, loss: Loss, cutoff: float,
    max_steps: int = 200,
) -> Minimum:  # fmt: skip
    """Return the minimum near `start`.

    Parameters
    ----------
    model:
        Values -> (residuals, Jacobian), scaled so that all parameters are of comparable size.
    start, lower, upper:
        Values and their bounds.
    loss, cutoff:
        Module docstring.
    max_steps:
        After which it gives up.
    """
    values = np.clip(start, lower, upper)
    residuals, jacobian = model(values)
    cost, damping, newton = _cost(residuals, loss, cutoff), 1e-4, False
    if not (np.isfinite(cost) and np.isfinite(jacobian).all()):
        return Minimum(values, residuals, jacobian, cost, 0, converged=False)
    for n_steps in range(1, max_steps + 1):
        weights = loss_weights(residuals, loss, cutoff)
        gradient = jacobian.T @ (weights * residuals)
        curvature = loss_stiffness(residuals, loss, cutoff) if newton else weights
        hessian = (jacobian * curvature[:, None]).T @ jacobian
        held = ((values <= lower) & (gradient > 0)) | ((values >= upper) & (gradient < 0))
        step = _step(hessian, gradient, damping, held)
        trial = np.clip(values + step, lower, upper)
        moved = trial - values
        if moved @ hessian @ moved < max(_SHORT**2, _ROUNDING * cost):
            return Minimum(values, residuals, jacobian, cost, n_steps, converged=True)
        found, derivatives = model(trial)
        new_cost = _cost(found, loss, cutoff)
        if np.isfinite(new_cost) and new_cost <= cost:
            newton = loss != "linear" and cost - new_cost < _SLOW * cost
            values, residuals, jacobian, cost = trial, found, derivatives, new_cost
            damping = max(damping / 10, 1e-15)
        elif newton:
            newton = False
        else:
            damping *= 10
            if damping > _HIGHEST_DAMPING:
                break
    return Minimum(values, residuals, jacobian, cost, n_steps, converged=False)


def _step(hessian: FloatArray, gradient: FloatArray, damping: float, held: BoolArray) -> FloatArray:
    step = np.zeros_like(gradient)
    free = np.flatnonzero(~held)
    if free.size:
        inner = hessian[np.ix_(free, free)]
        diagonal = np.diag(inner).copy()
        diagonal[diagonal <= 0] = 1.0
        step[free] = np.linalg.lstsq(inner + damping * np.diag(diagonal), -gradient[free], rcond=None)[0]
    return step


def _cost(residuals: FloatArray, loss: Loss, cutoff: float) -> float:
    z = (residuals / cutoff) ** 2
    if loss == "soft_l1":
        z = 2 * (np.sqrt(1 + z) - 1)
    elif loss == "huber":
        z = np.where(z < 1, z, 2 * np.sqrt(np.maximum(z, 1.0)) - 1)
    return 0.5 * cutoff**2 * float(z.sum())
