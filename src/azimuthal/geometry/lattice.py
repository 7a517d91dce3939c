# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Quadrilaterals cut into smaller ones, for whatever must look closer than at the corners of a pixel.

The point (s, t), both from 0 to 1, of the quadrilateral A B C D is

.. math:: (1 - s)(1 - t) A + s (1 - t) B + s t C + (1 - s) t D

which for a parallelogram makes parts of equal area.  s and t are multiples of 1/k: for powers of two the points of a
coarse lattice are, bit for bit, among those of a finer one.
"""

from __future__ import annotations

import numpy as np

from azimuthal.typing import FloatArray

__all__ = ["lattice_points", "quadrilateral_areas", "quadrilateral_shares"]

#: Part of a diagonal by which the diagonals of a parallelogram may miss each other's middle: rounding.
_ROUNDING = 1e-11


def lattice_points(*, corners: FloatArray, k: int) -> FloatArray:
    """Return the points of a k x k lattice on quadrilaterals.

    Parameters
    ----------
    corners:
        Shape ``(..., 4, 3)`` in ring order.
    k:
        Divisions of each edge, at least 1.

    Returns
    -------
    :
        Shape ``(..., k + 1, k + 1, 3)``, indices s and t; unit of the corners.
    """
    s = (np.arange(k + 1) / k)[:, np.newaxis, np.newaxis]
    a, b, c, d = (corners[..., n, np.newaxis, np.newaxis, :] for n in range(4))
    low, high = (1.0 - s) * a + s * b, (1.0 - s) * d + s * c
    t = (np.arange(k + 1) / k)[:, np.newaxis]
    points: FloatArray = (1.0 - t) * low + t * high
    return points


def quadrilateral_areas(*, points: FloatArray) -> FloatArray:
    """Return the areas between lattice points, shape ``(..., k, k)``: half the cross product of the diagonals."""
    rising = points[..., 1:, 1:, :] - points[..., :-1, :-1, :]
    falling = points[..., 1:, :-1, :] - points[..., :-1, 1:, :]
    areas: FloatArray = 0.5 * np.linalg.norm(np.cross(rising, falling), axis=-1)
    return areas


def quadrilateral_shares(*, corners: FloatArray, points: FloatArray) -> FloatArray:
    """Return the part of the whole area that each quadrilateral of a lattice has.

    Parameters
    ----------
    corners:
        Shape ``(n, n_quads, 4, 3)``: the quadrilaterals that make up each of n pixels.
    points:
        Their lattices, shape ``(n, n_quads, k + 1, k + 1, 3)``.

    Returns
    -------
    :
        Shape ``(n, n_quads, k, k)``; sums to one for each pixel.
    """
    shape = (*points.shape[:2], points.shape[2] - 1, points.shape[3] - 1)
    diagonal = corners[:, :, 2] - corners[:, :, 0]
    gap = corners[:, :, 0] + corners[:, :, 2] - corners[:, :, 1] - corners[:, :, 3]
    if shape[1] == 1 and np.abs(gap).max(initial=0.0) <= _ROUNDING * np.abs(diagonal).max(initial=0.0):
        return np.full(shape, 1.0 / (shape[2] * shape[3]))  # parallelograms
    areas = quadrilateral_areas(points=points)
    shares: FloatArray = areas / areas.sum(axis=(1, 2, 3), keepdims=True)
    return shares
