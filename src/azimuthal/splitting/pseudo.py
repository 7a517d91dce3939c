# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pseudo splitting: the bounding box, shrunk about the centre to the area that the pixel's polygon really has.

The box of a pixel at 45 degrees covers twice the pixel's area, which smears.  Both half widths are multiplied by
sqrt(area of the polygon / area of the box), at most one.
"""

from __future__ import annotations

from azimuthal.binning import BinGrid, Circle
from azimuthal.splitting._protocol import Extent, PixelBins, PixelShapes
from azimuthal.splitting.bounding_box import boxes, extent_of_boxes, split_boxes

name = "pseudo"
needs_corners = True
needs_centers = True


def split(pixels: PixelShapes, grid: BinGrid) -> PixelBins:
    """Return the overlap of each shrunk box with each bin, over the area of the box."""
    return split_boxes(boxes(pixels, grid.circle, grid.u_floor, equal_area=True), pixels, grid)


def extent(pixels: PixelShapes, circle: Circle, u_floor: float) -> Extent:
    """Return the box around all shrunk boxes: they may reach beyond the corners, and nothing is to be lost."""
    return extent_of_boxes(boxes(pixels, circle, u_floor, equal_area=True), pixels)
