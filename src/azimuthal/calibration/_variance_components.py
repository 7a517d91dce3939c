# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Errors that many residuals share: how large they are, and what they do to the covariance of a fit.

Residuals divided by their standard deviation are :math:`z = e + \sum_b Z_b\, \delta_b`: e independent with variance v
(1 where that standard deviation is right; less where it was found from residuals that share errors), and for each
*component* b (rings, positions of a motor) the groups' own displacements :math:`\delta_b` with variance
:math:`\tau_b^2`; column k of :math:`Z_b` is how a displacement of group k of it shows in the residuals of the group,
and zero elsewhere.  A fit with the Jacobian J leaves :math:`M z`, :math:`M = 1 - J (J^T J)^{-1} J^T`.

With the columns of :math:`Z_b` at unit length, :math:`U_b`, the quadratic forms :math:`|M z|^2` and
:math:`Q_b = |U_b^T M z|^2` have the expectations

.. math:: E\,|M z|^2 = v\,\mathrm{tr}\,M + \sum_c \tau_c^2\, |M Z_c|_F^2, \qquad
          E\,Q_b = v\,\mathrm{tr}\, U_b^T M U_b + \sum_c \tau_c^2\, |U_b^T M Z_c|_F^2

which are solved for v and the :math:`\tau^2` of the components whose :math:`Q_b` exceeds what independent residuals of
the same size would give by more than three standard deviations; the others are 0, and so is what comes out negative.
This is unbiased for any number of groups and parameters: that a fit takes part of the displacements away is in M.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.typing import FloatArray, IntArray

__all__ = ["Component", "component_sizes", "shared_products", "without_shared"]

_BEYOND_CHANCE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """One kind of shared error.

    Attributes
    ----------
    group:
        Number of the group that each residual belongs to, from 0.
    shape:
        How a displacement of 1 of its group changes each residual (residuals in standard deviations).
    """

    group: IntArray
    shape: FloatArray

    @property
    def n_groups(self) -> int:
        """The number of groups."""
        return int(self.group.max(initial=-1)) + 1


def component_sizes(
    residuals: FloatArray, jacobian: FloatArray, components: list[Component]
) -> tuple[float, FloatArray]:
    """Return v and tau of each component; tau is 0 where chance explains what is seen.

    Parameters
    ----------
    residuals:
        In standard deviations, shape (n,), after the fit.
    jacobian:
        Shape (n, m), of the same; columns of comparable length.
    components:
        Shared errors to look for.
    """
    basis = _orthonormal(jacobian)
    freedom, total = max(residuals.size - basis.shape[1], 1), float(residuals @ residuals)
    parts = [_Part(residuals, basis, component) for component in components]
    chosen = [k for k, part in enumerate(parts) if part.is_beyond_chance(total / freedom)]
    sizes, own = np.zeros(len(components)), total / freedom
    while chosen:
        matrix = np.zeros((len(chosen) + 1, len(chosen) + 1))
        matrix[0] = [freedom, *(parts[b].total for b in chosen)]
        matrix[1:, 0] = [parts[a].trace for a in chosen]
        matrix[1:, 1:] = [[parts[a].coupling(parts[b]) for b in chosen] for a in chosen]
        squares = np.linalg.lstsq(matrix, np.array([total, *(parts[a].form for a in chosen)]), rcond=None)[0]
        if (squares[1:] > 0).all():
            own, sizes[chosen] = max(float(squares[0]), 0.0), np.sqrt(squares[1:])
            break
        chosen.remove(chosen[int(np.argmin(squares[1:]))])
    return own, sizes


def without_shared(
    residuals: FloatArray, own: float, sizes: FloatArray, components: list[Component]
) -> tuple[FloatArray, float]:
    r"""Return residuals without what groups share, and how many free numbers that took.

    A displacement is estimated as :math:`\tau^2 \sum s z / (v + \tau^2 \sum s^2)`, one component after the other.
    """
    left, taken = residuals, 0.0
    for size, one in zip(sizes.tolist(), components, strict=True):
        if size > 0:
            weight = size**2 * np.bincount(one.group, one.shape**2, one.n_groups)
            found = size**2 * np.bincount(one.group, one.shape * left, one.n_groups) / (own + weight)
            left = left - one.shape * found[one.group]
            taken += float(np.sum(weight / (own + weight)))
    return left, taken


def shared_products(rows: FloatArray, component: Component) -> FloatArray:
    r"""Return :math:`\sum_k G_k G_k^T`, :math:`G_k` the sum of ``rows * shape`` over a group; shape (m, m)."""
    weighted = rows * component.shape[:, None]
    total = np.column_stack([np.bincount(component.group, column, component.n_groups) for column in weighted.T])
    return np.asarray(total.T @ total)


class _Part:
    """One component seen through a fit."""

    def __init__(self, residuals: FloatArray, basis: FloatArray, component: Component) -> None:
        self.component, n = component, component.n_groups
        self.lengths = np.sqrt(np.bincount(component.group, component.shape**2, n))
        self.unit = component.shape / np.where(self.lengths > 0, self.lengths, 1.0)[component.group]
        self.seen = np.column_stack([np.bincount(component.group, self.unit * column, n) for column in basis.T])
        self.active = self.lengths > 0
        self.form = float(np.sum(np.bincount(component.group, self.unit * residuals, n) ** 2))
        self.trace = float(self.active.sum() - np.sum(self.seen**2))

    @property
    def total(self) -> float:
        """The squared norm of ``M Z``."""
        return float(np.sum(self.lengths**2) - np.sum((self.seen * self.lengths[:, None]) ** 2))

    def is_beyond_chance(self, variance: float) -> bool:
        """Whether the form is larger than that of independent residuals of some variance."""
        overlap = self.seen.T @ self.seen
        spread = float(self.active.sum() - 2 * np.trace(overlap) + np.sum(overlap**2))  # tr (U^T M U)^2
        limit = _BEYOND_CHANCE * np.sqrt(2 * max(spread, 1e-12))
        return self.trace > 0.5 and self.form / variance - self.trace > limit

    def coupling(self, other: _Part) -> float:
        """Return the squared norm of ``U_self^T M Z_other``."""
        mine, theirs = self.component, other.component
        shape = (mine.n_groups, theirs.n_groups)
        cell = mine.group * shape[1] + theirs.group
        direct = np.bincount(cell, self.unit * other.unit, shape[0] * shape[1]).reshape(shape)
        return float(np.sum(((direct - self.seen @ other.seen.T) * other.lengths) ** 2))


def _orthonormal(jacobian: FloatArray) -> FloatArray:
    """Return an orthonormal basis of the columns."""
    vectors, values, _ = np.linalg.svd(jacobian, full_matrices=False)
    return np.asarray(vectors[:, values > 1e-9 * values.max(initial=1e-300)])
