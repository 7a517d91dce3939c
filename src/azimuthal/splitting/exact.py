# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Exact splitting: the fraction of a pixel's sensitive area whose coordinates are in a bin.

**Definition.**  With the pixel's surface P on the detector and the coordinates (u, c) of its points,

.. math:: w_b = \frac{\text{area}\{p \in P : (u, c)(p) \in b\}}{\text{area}(P)}

The bin is curved on the detector (a part of an annulus, of a conic on a tilted one) and area is that of the detector,
not of the plane of the coordinates.  It is what ever finer sub-sampling of a pixel tends to.  "full" differs from it in
two ways, both of the order of (size of a pixel) / (8 x its distance from the beam): it joins corners by straight lines
in the plane of the coordinates, and takes area in that plane.

**How.**  A pixel is cut into k x k quadrilaterals by a lattice on the detector; each is shared by "full" and weighs as
much as its part of the pixel's area.  Neighbours share the vertices of the lattice, so nothing is lost or counted twice
and the weights sum to one as those of "full" do, the pixel under the beam and the cut of the azimuth included.

**Error.**  In the lattice coordinates (s, t) of a pixel, 0 to 1, straight lines move an edge u = e of a bin by at most
:math:`h^2 (|u_{ss}| + |u_{tt}| + 2 |u_{st}|) / (8 |\nabla u|)` with h = 1/k, along a length of at most :math:`\sqrt 2`.
k is the power of two that makes

.. math:: \frac{\sqrt 2}{8 k^2} \, \frac{|u_{ss}| + |u_{tt}| + 2 |u_{st}|}{|\nabla u|} \le 10^{-4}

of the area of the pixel, and the same for c where azimuths are told apart.  Derivatives are differences over the 2 x 2
lattice; the bound is of leading order, and tested.  k is at most 64, which is reached within about a pixel of the
beam; there the error is below 3e-4.  A pixel wholly in one bin needs no lattice.

Where u is infinite at a vertex of the lattice the pixel is left out and counted.  In a unit that is infinite on the
beam only the quadrilateral under the beam is: 1/4096 of its pixel, beyond any range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from azimuthal.binning import BinGrid, Circle, bin_of
from azimuthal.splitting._protocol import Entries, Extent, PixelBins, PixelShapes, Scheme
from azimuthal.splitting.areas import turns
from azimuthal.splitting.unroll import wrapped
from azimuthal.typing import BoolArray, FloatArray, IntArray

name = "exact"

#: Largest error of the part of a pixel on one side of an edge of a bin.
TOLERANCE = 1e-4
MOST_DIVISIONS = 64
_CELLS_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Exact:
    """Exact splitting, by another scheme that shares quadrilaterals.

    Parameters
    ----------
    inner:
        "full", compiled or not.
    """

    inner: Scheme
    name: str = name
    needs_corners: bool = True
    needs_centers: bool = False

    def split(self, pixels: PixelShapes, grid: BinGrid) -> PixelBins:
        """Return the fraction of each pixel's area in each bin."""
        divisions, finite = _divisions(pixels, grid)
        parts = []
        for k in np.unique(divisions[finite]).tolist():
            rows_of_k = np.flatnonzero(finite & (divisions == k))
            parts += [self._entries(pixels, grid, rows, k) for rows in _pieces(rows_of_k, k)]
        n_not_finite = int(np.count_nonzero(~finite & ~pixels.excluded))
        return Entries.joined(parts).to_pixel_bins(len(pixels.excluded), n_not_finite)

    def extent(self, pixels: PixelShapes, circle: Circle, u_floor: float) -> Extent:
        """Return the box around all vertices of the finest lattice; those of coarser ones are among them."""
        everything = Extent(np.inf, -np.inf, np.inf, -np.inf)
        for rows in _pieces(_outermost(pixels, circle), MOST_DIVISIONS):
            cells, _, finite = _cells(pixels, rows, MOST_DIVISIONS)
            shapes = PixelShapes(cells, None, np.repeat(~finite, cells.shape[0] // rows.size))
            everything = everything.joined(self.inner.extent(shapes, circle, u_floor))
        return everything

    def _entries(self, pixels: PixelShapes, grid: BinGrid, rows: IntArray, k: int) -> Entries:
        cells, shares, _ = _cells(pixels, rows, k)
        shared = self.inner.split(PixelShapes(cells, None, np.zeros(len(cells), bool)), grid)
        cell = np.repeat(np.arange(len(cells)), shared.counts)
        weights = shares[cell] if shared.weights is None else shares[cell] * shared.weights
        return Entries(rows[cell // (len(cells) // rows.size)], shared.indices.astype(np.int64), weights)


def _cells(pixels: PixelShapes, rows: IntArray, k: int) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the quadrilaterals of pixels, one pixel after the other, their shares, and which pixels are finite."""
    assert pixels.lattice is not None
    points, shares = pixels.lattice(rows, k)
    ring = (points[..., :-1, :-1, :], points[..., 1:, :-1, :], points[..., 1:, 1:, :], points[..., :-1, 1:, :])
    cells = np.stack(ring, axis=-2).reshape(-1, 4, 2)
    finite: BoolArray = np.asarray(np.isfinite(points[..., 0]).all(axis=(1, 2, 3)))
    return cells, shares.reshape(-1), finite


def _pieces(rows: IntArray, k: int) -> Iterator[IntArray]:
    step = max(1, _CELLS_AT_ONCE // (k * k))
    for start in range(0, rows.size, step):
        yield rows[start : start + step]


def _divisions(pixels: PixelShapes, grid: BinGrid) -> tuple[IntArray, BoolArray]:
    """Return k of every pixel, and which pixels are neither excluded nor infinite."""
    assert pixels.lattice is not None
    rows = np.flatnonzero(~pixels.excluded)
    points, _ = pixels.lattice(rows, 2)
    with np.errstate(invalid="ignore"):
        u, c = points[..., 0], points[..., 1]
        if grid.circle.period is not None:
            c = wrapped(c - c[:, :, 1:2, 1:2], grid.circle.period)
        needed = _bend(u)
        if grid.has_azimuth:
            needed = np.fmax(needed, _bend(c))
        alone = _in_one_bin(u, points[:, 0, 1, 1, 1, None, None, None] + c, grid)
        needed = np.where(alone, 0.0, np.nan_to_num(needed, nan=np.inf, posinf=np.inf))
    wanted = np.clip(np.sqrt(needed * (np.sqrt(2.0) / 8.0 / TOLERANCE)), 1.0, MOST_DIVISIONS)
    divisions = np.ones(len(pixels.excluded), np.int64)
    divisions[rows] = 2 ** np.ceil(np.log2(wanted)).astype(np.int64)
    finite = ~pixels.excluded
    finite[rows] = np.isfinite(u).all(axis=(1, 2, 3))
    return divisions, finite


def _bend(values: FloatArray) -> FloatArray:
    """Return (|v_ss| + |v_tt| + 2 |v_st|) / |grad v| of lattices (n, n_quads, 3, 3), the largest of a pixel."""
    along = 4.0 * np.abs(values[..., 0, :] - 2.0 * values[..., 1, :] + values[..., 2, :]).max(axis=-1)
    across = 4.0 * np.abs(values[..., :, 0] - 2.0 * values[..., :, 1] + values[..., :, 2]).max(axis=-1)
    mixed = np.abs(values[..., 0, 0] - values[..., 0, 2] - values[..., 2, 0] + values[..., 2, 2])
    slope = np.hypot(values[..., 2, 1] - values[..., 0, 1], values[..., 1, 2] - values[..., 1, 0])
    total = along + across + 2.0 * mixed
    bend: FloatArray = np.where(total > 0, total / np.where(slope > 0, slope, np.nan), 0.0)
    worst: FloatArray = np.where(np.isnan(bend), np.inf, bend).max(axis=1)
    return worst


def _in_one_bin(u: FloatArray, c: FloatArray, grid: BinGrid) -> BoolArray:
    """Return which pixels are certainly wholly in one bin: their lattices (n, n_quads, 3, 3), made twice as large."""
    alone = _within(u, grid.u_edges)
    if grid.has_azimuth:
        near_beam = np.ptp(c, axis=(1, 2, 3)) > 0.1 * (grid.circle.period or np.inf)
        alone &= ~near_beam & np.any([_within(c + shift, grid.c_edges) for shift in turns(grid)], axis=0)
    return alone


def _within(values: FloatArray, edges: FloatArray) -> BoolArray:
    low, high = values.min(axis=(1, 2, 3)), values.max(axis=(1, 2, 3))
    spare = 0.5 * (high - low)
    usable = np.isfinite(spare)
    first = bin_of(edges, np.where(usable, low - spare, -np.inf))
    last = bin_of(edges, np.where(usable, high + spare, np.inf))
    alone: BoolArray = usable & (first == last) & (first >= 0) & (first < edges.size - 1)
    return alone


def _outermost(pixels: PixelShapes, circle: Circle) -> IntArray:
    """Return the pixels that may reach the ends of the ranges of all; their azimuth counts where it is no circle."""
    assert pixels.corners is not None
    chosen = np.zeros(len(pixels.excluded), bool)
    for axis in (0, 1) if circle.period is None else (0,):
        values = pixels.corners[..., axis]
        usable = ~pixels.excluded & np.isfinite(values).all(axis=1)
        low, high = values.min(axis=1), values.max(axis=1)
        if usable.any():
            with np.errstate(invalid="ignore"):
                size = high - low
                reaches = (low - size <= low[usable].min()) | (high + size >= high[usable].max())
            chosen |= usable & reaches
    return np.flatnonzero(chosen)
