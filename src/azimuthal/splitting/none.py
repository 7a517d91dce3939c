# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""No splitting: the whole pixel goes to the bin of its centre."""

from __future__ import annotations

import numpy as np

from azimuthal.binning import BinGrid, Circle, bin_of
from azimuthal.splitting._protocol import Extent, PixelBins, PixelShapes
from azimuthal.splitting.areas import turns
from azimuthal.typing import BoolArray, FloatArray

name = "none"
needs_corners = False
needs_centers = True


def _usable(pixels: PixelShapes) -> tuple[BoolArray, FloatArray]:
    """Return which pixels count, and all centres."""
    assert pixels.centers is not None
    return ~pixels.excluded & np.isfinite(pixels.centers).all(axis=1), pixels.centers


def split(pixels: PixelShapes, grid: BinGrid) -> PixelBins:
    """Return at most one entry per pixel, of weight exactly one."""
    usable, centers = _usable(pixels)
    centers = np.where(usable[:, None], centers, 0.0)
    u_bin = bin_of(grid.u_edges, centers[:, 0])
    c_bin = np.full(u_bin.shape, -1)
    for shift in turns(grid):
        found = bin_of(grid.c_edges, centers[:, 1] + shift)
        c_bin = np.where((c_bin < 0) & (found >= 0) & (found < grid.n_c), found, c_bin)
    inside = usable & (u_bin >= 0) & (u_bin < grid.n_u) & (c_bin >= 0)
    index = (c_bin * grid.n_u + u_bin)[inside]
    n_not_finite = int(np.count_nonzero(~usable & ~pixels.excluded))
    return PixelBins(inside.astype(np.int32), index.astype(np.int32), None, n_not_finite)


def extent(pixels: PixelShapes, circle: Circle, u_floor: float) -> Extent:
    """Return the box around the centres."""
    del circle, u_floor
    usable, centers = _usable(pixels)
    return Extent.around(centers[usable, 0], centers[usable, 1])
