# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Gaussians on sloping backgrounds, fitted to many short profiles at once.

.. math:: y(x) = h \exp\Bigl(-\frac{(x - c)^2}{2 w^2}\Bigr) + b + s x

Each row of the arrays is one profile; bins without pixels have weight 0.  Damped least squares of all rows together,
15 steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["FWHM", "Gaussians", "fitted_gaussians", "gaussian_excess", "guessed_gaussians"]

#: full width at half maximum of a Gaussian, in standard deviations
FWHM = 2.3548200450309493
_STEPS = 15
_ROWS_AT_ONCE = 2048


class Gaussians(NamedTuple):
    """Parameters of profiles, each (n_profiles,): height, centre, width (sigma), background at x = 0, slope."""

    height: FloatArray
    centre: FloatArray
    width: FloatArray
    background: FloatArray
    slope: FloatArray

    def select(self, which: BoolArray) -> Gaussians:
        """Return some of the profiles."""
        return Gaussians(*(array[which] for array in self))


def gaussian_excess(x: FloatArray, g: Gaussians, index: IntArray | None = None) -> FloatArray:
    """Return the height above background at `x`; `index` says which profile each x belongs to (None: rows)."""
    parts = [v[:, None] if index is None else v[index] for v in (g.height, g.centre, g.width)]
    return np.asarray(parts[0] * np.exp(-0.5 * ((x - parts[1]) / parts[2]) ** 2))


def guessed_gaussians(x: FloatArray, y: FloatArray, n: FloatArray, *, smallest: float) -> Gaussians:
    """Return first guesses: the highest place of the smoothed profile above a line under most of it."""
    line = _line(x, y, n)
    spread = np.sqrt(_mean((y - line(x)) ** 2, n))
    for _ in range(3):  # the line moves under the peak
        below = n * (y - line(x) < 0.5 * spread[:, None])
        line = _line(x, y, below)
    excess = np.where(n > 0, y - line(x), 0.0)
    smooth = _smoothed(excess, n)
    top = np.argmax(np.where(n > 0, smooth, -np.inf), axis=1)
    rows = np.arange(x.shape[0])
    height = np.maximum(smooth[rows, top], 1e-12)
    near = (np.abs(x - x[rows, top][:, None]) < 0.35 * np.ptp(x, axis=1)[:, None]) & (n > 0)
    above = near & (smooth > 0.5 * height[:, None])
    step = np.median(np.diff(x, axis=1), axis=1)
    width = np.maximum(above.sum(axis=1) * np.abs(step) / 2.355, smallest)
    background = line(np.zeros((x.shape[0], 1)))[:, 0]
    slope = line(np.ones((x.shape[0], 1)))[:, 0] - background
    return Gaussians(height, x[rows, top].copy(), width, background, slope)


def fitted_gaussians(
    x: FloatArray, y: FloatArray, weights: FloatArray, start: Gaussians, *, smallest: float
) -> tuple[Gaussians, FloatArray, FloatArray]:
    """Return the fits, the variance of the centres for errors of variance 1 / weight, and the weighted squares."""
    parts = [
        _fitted(x[rows], y[rows], weights[rows], np.column_stack(start)[rows], smallest)
        for rows in (slice(k, k + _ROWS_AT_ONCE) for k in range(0, x.shape[0], _ROWS_AT_ONCE))
    ]
    p, variance, squares = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Gaussians(*p.T), variance, squares


def _fitted(
    x: FloatArray, y: FloatArray, weights: FloatArray, p: FloatArray, smallest: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    scale = np.sqrt(np.maximum(_mean(y**2, weights), 1e-30))  # heights of order 1
    y, weights = y / scale[:, None], weights * (scale**2)[:, None]
    p = p.copy()
    p[:, [0, 3, 4]] /= scale[:, None]
    damping = np.full(x.shape[0], 1e-2)
    model, jacobian = _model(x, p)
    squares = np.einsum("ij,ij->i", weights, (y - model) ** 2)
    for _ in range(_STEPS):
        normal = _normal(jacobian, weights)
        right = np.einsum("ijk,ij->ik", jacobian, weights * (y - model))
        diagonal = np.einsum("ikk->ik", normal)
        damped = normal.copy()
        np.einsum("ikk->ik", damped)[:] += damping[:, None] * diagonal + 1e-12 * diagonal.max(axis=1)[:, None] + 1e-300
        trial = p + np.linalg.solve(damped, right[..., None])[..., 0]
        trial[:, 2] = np.maximum(np.abs(trial[:, 2]), smallest)
        trial_model, trial_jacobian = _model(x, trial)
        trial_squares = np.einsum("ij,ij->i", weights, (y - trial_model) ** 2)
        better = trial_squares <= squares
        p[better], model[better], jacobian[better] = trial[better], trial_model[better], trial_jacobian[better]
        squares = np.where(better, trial_squares, squares)
        damping = np.clip(np.where(better, damping / 8, damping * 6), 1e-9, 1e9)
    variance = _centre_variance(_normal(jacobian, weights))
    p[:, [0, 3, 4]] *= scale[:, None]
    return p, variance, squares


def _normal(jacobian: FloatArray, weights: FloatArray) -> FloatArray:
    scaled = jacobian * weights[..., None]
    return np.asarray(np.swapaxes(jacobian, 1, 2) @ scaled)


def _centre_variance(normal: FloatArray) -> FloatArray:
    """Return the diagonal element of the centre of the inverse; infinite where there is none."""
    length = np.sqrt(np.einsum("ikk->ik", normal))
    length[length == 0] = 1.0
    scaled = normal / length[:, :, None] / length[:, None, :]
    values, vectors = np.linalg.eigh(scaled)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse = np.sum(vectors[:, 1, :] ** 2 / np.where(values > 1e-12, values, 0.0), axis=1) / length[:, 1] ** 2
    return np.where(np.isfinite(inverse), inverse, np.inf)


def _model(x: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    height, centre, width, background, slope = (p[:, k, None] for k in range(5))
    u = (x - centre) / width
    bell = np.exp(-0.5 * np.minimum(u * u, 1400.0))
    jacobian = np.empty((*x.shape, 5))
    jacobian[..., 0] = bell
    jacobian[..., 1] = height * bell * u / width
    jacobian[..., 2] = jacobian[..., 1] * u
    jacobian[..., 3] = 1.0
    jacobian[..., 4] = x
    return height * bell + background + slope * x, jacobian


class _line:  # noqa: N801  # a function with a memory
    """The weighted straight line through every row."""

    def __init__(self, x: FloatArray, y: FloatArray, n: FloatArray) -> None:
        self.middle, self.mean = _mean(x, n), _mean(y, n)
        dx = x - self.middle[:, None]
        self.slope = _mean(dx * (y - self.mean[:, None]), n) / np.maximum(_mean(dx**2, n), 1e-12)

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.asarray(self.mean[:, None] + self.slope[:, None] * (x - self.middle[:, None]))


def _mean(values: FloatArray, n: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", values, n) / np.maximum(n.sum(axis=1), 1e-300))


def _smoothed(values: FloatArray, n: FloatArray) -> FloatArray:
    """Return the weighted mean of each bin and its neighbours."""
    total, weight = values * n, n.astype(np.float64)
    for array in (total, weight):
        padded = np.pad(array, ((0, 0), (1, 1)))
        array[:] = 0.5 * padded[:, :-2] + padded[:, 1:-1] + 0.5 * padded[:, 2:]
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
