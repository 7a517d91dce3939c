# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Areas of polygons and boxes in bins.

**Boxes.**  The part of [low, high] in a bin is the length of the overlap over the length of the interval; an interval
of no length is a point, which is in a bin or not.

**Polygons.**  By Green's theorem the signed area of a polygon inside the cell [u0, u1] x [c0, c1] is

.. math:: A = \sum_\text{edges} \int_{\text{edge},\; u_0 \le u \le u_1} (\min(\max(c, c_0), c_1) - c_0)\, du

which needs no clipped polygon: each edge is a straight line, so the integral is the length of its part inside the
strip times the mean of a clamped line.  It holds for any simple polygon, convex or not, in either sense of rotation.
Coordinates are taken relative to the polygon's own lower corner, so that a pixel of 1e-5 rad at an azimuth of 3 rad
loses no digits.  Accuracy: 1e-15 of the pixel's area.

A polygon whose edges cross (its parts have both signs) is replaced by the fan of triangles around the mean of its
vertices, each counted with its unsigned area; a polygon of no area by its bounding box.
"""

from __future__ import annotations

import numpy as np

from azimuthal.binning import BinGrid, bin_of
from azimuthal.splitting._protocol import Entries
from azimuthal.typing import BoolArray, FloatArray, IntArray

#: Weights below this are rounding; leaving them out moves the sum of a pixel's weights by less than 1e-12.
NEGLIGIBLE = 1e-13
#: Areas below this part of the bounding box are no area: they are rounding.
DEGENERATE = 1e-9
_CROSSED = -1e-9


def turns(grid: BinGrid) -> tuple[float, ...]:
    """Return the shifts by whole turns that may bring an azimuth into the bins."""
    if grid.circle.period is None or not grid.has_azimuth:
        return (0.0,)
    return tuple(turn * grid.circle.period for turn in (-2, -1, 0, 1, 2))


def expanded(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """Return (row, value) for every value in first[row]..last[row]; rows with last < first vanish."""
    lengths = np.maximum(0, last - first + 1)
    rows = np.repeat(np.arange(lengths.size), lengths)
    offsets = np.arange(rows.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return rows, first[rows] + offsets


def overlap(low: FloatArray, high: FloatArray, edges: FloatArray, bins: IntArray) -> FloatArray:
    """Return the fraction of [low, high] inside the given bins."""
    length = high - low
    inside: FloatArray = np.maximum(0.0, np.minimum(high, edges[bins + 1]) - np.maximum(low, edges[bins]))
    point = bin_of(edges, low) == bins
    return np.where(length > 0, inside / np.where(length > 0, length, 1.0), point.astype(float))


def box_entries(boxes: FloatArray, pixel: IntArray, grid: BinGrid) -> Entries:
    """Return the weights of boxes (n, 4): u_min, u_max, c_min, c_max."""
    parts = []
    for shift in turns(grid):
        u_min, u_max, c_min, c_max = boxes[:, 0], boxes[:, 1], boxes[:, 2] + shift, boxes[:, 3] + shift
        meets = (u_max >= grid.u_edges[0]) & (u_min <= grid.u_edges[-1])
        meets &= (c_max >= grid.c_edges[0]) & (c_min <= grid.c_edges[-1])
        row, u_bin, c_bin = _cells(u_min, u_max, c_min, c_max, meets, grid)
        weight = overlap(c_min[row], c_max[row], grid.c_edges, c_bin)
        weight *= overlap(u_min[row], u_max[row], grid.u_edges, u_bin)
        keep = weight > NEGLIGIBLE
        parts.append(Entries(pixel[row[keep]], (c_bin * grid.n_u + u_bin)[keep], weight[keep]))
    return Entries.joined(parts)


def polygon_entries(polygons: FloatArray, pixel: IntArray, grid: BinGrid) -> Entries:
    """Return the weights of finite polygons (n, n_vertices, 2): area in each bin over total area."""
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    total = signed_area(polygons)
    flat = ~(np.abs(total) > DEGENERATE * np.prod(high - low, axis=1))
    boxes = np.column_stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]])
    parts = [box_entries(boxes[flat], pixel[flat], grid)]
    row, index, area = cell_areas(polygons[~flat], grid)
    weight = area / total[~flat][row]
    crossed = np.zeros(np.count_nonzero(~flat), bool)
    crossed[row[weight < _CROSSED]] = True
    keep = (weight > NEGLIGIBLE) & ~crossed[row]
    parts.append(Entries(pixel[~flat][row[keep]], index[keep], weight[keep]))
    parts += [_fan_entries(polygons[~flat][i], pixel[~flat][i], grid) for i in np.flatnonzero(crossed)]
    return Entries.joined(parts)


def signed_area(polygons: FloatArray) -> FloatArray:
    """Return the signed area of polygons (n, n_vertices, 2), relative to their own lower edge."""
    local = polygons[:, :, 1] - polygons[:, :, 1].min(axis=1, keepdims=True)
    length = np.roll(polygons[:, :, 0], -1, axis=1) - polygons[:, :, 0]
    area: FloatArray = 0.5 * np.sum(length * (local + np.roll(local, -1, axis=1)), axis=1)
    return area


def cell_areas(polygons: FloatArray, grid: BinGrid) -> tuple[IntArray, IntArray, FloatArray]:
    """Return (row, flat bin, signed area) of every cell that a polygon may reach."""
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    rows, indices, areas = [], [], []
    for shift in turns(grid):
        c_min, c_max = low[:, 1] + shift, high[:, 1] + shift
        meets = (high[:, 0] >= grid.u_edges[0]) & (low[:, 0] <= grid.u_edges[-1])
        meets &= (c_max >= grid.c_edges[0]) & (c_min <= grid.c_edges[-1])
        row, u_bin, c_bin = _cells(low[:, 0], high[:, 0], c_min, c_max, meets, grid)
        size = (high - low)[row]
        u0 = np.maximum(grid.u_edges[u_bin] - low[row, 0], 0.0)
        u1 = np.minimum(grid.u_edges[u_bin + 1] - low[row, 0], size[:, 0])
        c0 = np.maximum(grid.c_edges[c_bin] - c_min[row], 0.0)
        c1 = np.minimum(grid.c_edges[c_bin + 1] - c_min[row], size[:, 1])
        rows.append(row)
        indices.append(c_bin * grid.n_u + u_bin)
        areas.append(_area_in_cell((polygons - low[:, None, :])[row], u0, u1, c0, c1))
    return np.concatenate(rows), np.concatenate(indices), np.concatenate(areas)


def _cells(
    u_min: FloatArray,
    u_max: FloatArray,
    c_min: FloatArray,
    c_max: FloatArray,
    meets: BoolArray,
    grid: BinGrid,
) -> tuple[IntArray, IntArray, IntArray]:
    """Return (row, u bin, c bin) of every cell that the boxes reach."""
    u_first = np.maximum(0, bin_of(grid.u_edges, u_min))
    u_last = np.where(meets, np.minimum(grid.n_u - 1, bin_of(grid.u_edges, u_max)), -1)
    c_first = np.maximum(0, bin_of(grid.c_edges, c_min))
    c_last = np.minimum(grid.n_c - 1, bin_of(grid.c_edges, c_max))
    row, c_bin = expanded(c_first, np.where(meets, c_last, -1))
    inner, u_bin = expanded(u_first[row], u_last[row])
    return row[inner], u_bin, c_bin[inner]


def _area_in_cell(polygons: FloatArray, u0: FloatArray, u1: FloatArray, c0: FloatArray, c1: FloatArray) -> FloatArray:
    area = np.zeros(len(polygons))
    n_vertices = polygons.shape[1]
    for k in range(n_vertices):
        ua, ca = polygons[:, k, 0], polygons[:, k, 1]
        ub, cb = polygons[:, (k + 1) % n_vertices, 0], polygons[:, (k + 1) % n_vertices, 1]
        start, stop = np.clip(ua, u0, u1), np.clip(ub, u0, u1)
        length = np.where(start == stop, 1.0, ub - ua)  # outside the strip: contributes nothing
        c_start = ca + (start - ua) / length * (cb - ca)
        c_stop = ca + (stop - ua) / length * (cb - ca)
        area += (stop - start) * _clamped_mean(c_start, c_stop, c0, c1)
    return np.where((u1 > u0) & (c1 > c0), area, 0.0)


def _clamped_mean(ca: FloatArray, cb: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the mean over a straight line from ca to cb of clamp(c, low, high) - low."""
    bottom, top = np.minimum(ca, cb), np.maximum(ca, cb)
    inner_bottom, inner_top = np.clip(bottom, low, high), np.clip(top, low, high)
    length = np.where(top == bottom, 1.0, top - bottom)
    inside = (inner_top - inner_bottom) * (0.5 * ((inner_bottom - low) + (inner_top - low)))
    above = np.maximum(0.0, top - np.maximum(bottom, high)) * (high - low)
    return np.where(top == bottom, inner_bottom - low, (inside + above) / length)


def _fan_entries(polygon: FloatArray, pixel: int, grid: BinGrid) -> Entries:
    middle = np.broadcast_to(polygon.mean(axis=0), polygon.shape)
    triangles = np.stack([middle, polygon, np.roll(polygon, -1, axis=0)], axis=1)
    total = np.abs(signed_area(triangles)).sum()
    _, index, area = cell_areas(triangles, grid)
    weight = np.abs(area) / total
    keep = weight > NEGLIGIBLE
    return Entries(np.full(np.count_nonzero(keep), pixel), index[keep], weight[keep])
