# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Integration written down again, as plainly as it can be, with nothing taken from the package.

Oracles for tests: pixel positions by rotation matrices written out, one pixel and one bin at a time, polygons clipped
by half-planes (Sutherland and Hodgman 1974) and measured by the shoelace formula.  Slow on purpose.

A pixel is given by its corners on the detector: (slow, fast) positions in m, in ring order.  Orientation is handled by
the caller, who mirrors the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np

from azimuthal.typing import FloatArray

__all__ = [
    "Point",
    "clipped",
    "grid_centers",
    "grid_corners",
    "laboratory",
    "polar",
    "polygon_area",
    "polygon_shares",
]

Point: TypeAlias = tuple[float, float]


def laboratory(slow: FloatArray, fast: FloatArray, pose: Sequence[float]) -> FloatArray:
    """Return (t1, t2, t3) of points of a flat detector; last axis 3.

    Parameters
    ----------
    slow, fast:
        Positions on the detector, m.
    pose:
        dist, poni1, poni2, rot1, rot2, rot3.
    """
    dist, poni1, poni2, rot1, rot2, rot3 = pose
    cos, sin = math.cos, math.sin
    r1 = np.array([[1, 0, 0], [0, cos(rot1), sin(rot1)], [0, -sin(rot1), cos(rot1)]])
    r2 = np.array([[cos(rot2), 0, -sin(rot2)], [0, 1, 0], [sin(rot2), 0, cos(rot2)]])
    r3 = np.array([[cos(rot3), -sin(rot3), 0], [sin(rot3), cos(rot3), 0], [0, 0, 1]])
    points = np.stack([slow - poni1, fast - poni2, np.full(np.shape(slow), dist)], axis=-1)
    turned: FloatArray = points @ (r3 @ r2 @ r1).T
    return turned


def grid_centers(shape: tuple[int, int], pixel: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Return slow and fast positions of the centres of a plain grid, m; shape of the image."""
    i, j = np.indices(shape, dtype=np.float64)
    return (i + 0.5) * pixel[0], (j + 0.5) * pixel[1]


def grid_corners(shape: tuple[int, int], pixel: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Return slow and fast positions of the four corners of every pixel, ring order; shape (n_slow, n_fast, 4)."""
    i, j = np.indices(shape, dtype=np.float64)
    slow = np.stack([i, i + 1, i + 1, i], axis=-1) * pixel[0]
    fast = np.stack([j, j, j + 1, j + 1], axis=-1) * pixel[1]
    return slow, fast


def polar(lab: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return 2theta and chi, rad, of laboratory points."""
    return np.arctan2(np.hypot(lab[..., 0], lab[..., 1]), lab[..., 2]), np.arctan2(lab[..., 0], lab[..., 1])


def polygon_area(polygon: Sequence[Point]) -> float:
    """Return the signed area by the shoelace formula, relative to the first vertex."""
    if not polygon:
        return 0.0
    u0, c0 = polygon[0]
    local = [(u - u0, c - c0) for u, c in polygon]
    total = 0.0
    for (ua, ca), (ub, cb) in zip(local, [*local[1:], local[0]], strict=True):
        total += ua * cb - ub * ca
    return 0.5 * total


def clipped(polygon: Sequence[Point], low: Point, high: Point) -> list[Point]:
    """Return the part of a polygon inside the rectangle from `low` to `high`; right in area if it is not convex."""
    part = _half_plane(list(polygon), lambda p: p[0] - low[0])
    part = _half_plane(part, lambda p: high[0] - p[0])
    part = _half_plane(part, lambda p: p[1] - low[1])
    return _half_plane(part, lambda p: high[1] - p[1])


def polygon_shares(polygon: Iterable[Point], u_edges: FloatArray, c_edges: FloatArray | None = None) -> FloatArray:
    """Return the fraction of a simple polygon's area in every bin.

    Parameters
    ----------
    polygon:
        Vertices (u, c); azimuths already continuous.
    u_edges, c_edges:
        Bin edges; None for a single bin without limits along c.

    Returns
    -------
    :
        Shape (n_c, n_u).
    """
    vertices = [(float(u), float(c)) for u, c in polygon]
    c_limits = np.array([-np.inf, np.inf]) if c_edges is None else c_edges
    total = abs(polygon_area(vertices))
    shares = np.zeros((c_limits.size - 1, u_edges.size - 1))
    for n in range(shares.shape[0]):
        for k in range(shares.shape[1]):
            part = clipped(vertices, (u_edges[k], c_limits[n]), (u_edges[k + 1], c_limits[n + 1]))
            shares[n, k] = abs(polygon_area(part)) / total
    return shares


def _half_plane(polygon: list[Point], inside: Callable[[Point], float]) -> list[Point]:
    """Return the part of a polygon where `inside`, a linear function, is not negative."""
    kept: list[Point] = []
    for a, b in zip(polygon, [*polygon[1:], *polygon[:1]], strict=True):
        at_a, at_b = inside(a), inside(b)
        if at_a >= 0:
            kept.append(a)
        if (at_a >= 0) != (at_b >= 0):
            t = at_a / (at_a - at_b)
            kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
    return kept
