# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Full splitting: the area of the pixel's polygon in each bin, over the area of the polygon.

The corners are joined by straight lines in the plane of the two bin coordinates.
"""

from __future__ import annotations

import numpy as np

from azimuthal.binning import BinGrid, Circle
from azimuthal.splitting._protocol import Entries, Extent, PixelBins, PixelShapes
from azimuthal.splitting.areas import polygon_entries
from azimuthal.splitting.unroll import unrolled, unrolled_one
from azimuthal.typing import FloatArray, IntArray

name = "full"
needs_corners = True
needs_centers = False


def _polygons(pixels: PixelShapes, circle: Circle) -> tuple[list[tuple[FloatArray, IntArray]], int]:
    """Return groups (polygons, pixel numbers) of finite polygons, and how many were not finite."""
    assert pixels.corners is not None
    polygons, special = unrolled(pixels.corners, circle)
    rows = np.flatnonzero(~special & ~pixels.excluded)
    groups = [(polygons[rows], rows)]
    alone = np.flatnonzero(special & ~pixels.excluded)
    groups += [(unrolled_one(pixels.corners[i], circle)[0][None], np.array([i])) for i in alone]
    finite = [np.isfinite(group).all(axis=(1, 2)) for group, _ in groups]
    n_not_finite = sum(int(np.count_nonzero(~f)) for f in finite)
    return [(group[f], numbers[f]) for (group, numbers), f in zip(groups, finite, strict=True)], n_not_finite


def split(pixels: PixelShapes, grid: BinGrid) -> PixelBins:
    """Return the fraction of each polygon's area in each bin."""
    groups, n_not_finite = _polygons(pixels, grid.circle)
    entries = Entries.joined([polygon_entries(group, numbers, grid) for group, numbers in groups])
    return entries.to_pixel_bins(len(pixels.excluded), n_not_finite)


def extent(pixels: PixelShapes, circle: Circle, u_floor: float) -> Extent:
    """Return the box around all vertices, the beam included where a pixel holds it."""
    del u_floor
    groups, _ = _polygons(pixels, circle)
    everything = Extent(np.inf, -np.inf, np.inf, -np.inf)
    for group, _ in groups:
        everything = everything.joined(Extent.around(group[:, :, 0], group[:, :, 1]))
    return everything
