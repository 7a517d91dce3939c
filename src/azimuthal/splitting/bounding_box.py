# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Bounding box: a pixel is the box [u - du, u + du] x [c - dc, c + dc] around its centre.

The half widths du and dc are the largest distances from the centre to a corner, dc along the shorter arc.  A pixel
that holds the beam has all azimuths: its dc is half a turn.  For a positive quantity the box ends at zero.
"""

from __future__ import annotations

import numpy as np

from azimuthal.binning import BinGrid, Circle
from azimuthal.splitting._protocol import Extent, PixelBins, PixelShapes
from azimuthal.splitting.areas import DEGENERATE, box_entries, signed_area
from azimuthal.splitting.unroll import unrolled, unrolled_one, wrapped
from azimuthal.typing import FloatArray

name = "bbox"
needs_corners = True
needs_centers = True


def boxes(pixels: PixelShapes, circle: Circle, u_floor: float, *, equal_area: bool = False) -> FloatArray:
    """Return (n, 4): u_min, u_max, c_min, c_max; with `equal_area` shrunk to the area of the pixel's polygon."""
    assert pixels.corners is not None
    assert pixels.centers is not None
    with np.errstate(invalid="ignore"):  # infinite coordinates: such pixels are counted and left out
        return _boxes(pixels.corners, pixels.centers, circle, u_floor, equal_area=equal_area)


def _boxes(corners: FloatArray, centers: FloatArray, circle: Circle, u_floor: float, *, equal_area: bool) -> FloatArray:
    distance = np.abs(corners - centers[:, None, :])
    distance[:, :, 0] = np.nan_to_num(distance[:, :, 0], nan=np.inf, posinf=np.inf)
    if circle.period is not None:
        distance[:, :, 1] = np.abs(wrapped(distance[:, :, 1], circle.period))
    distance[:, :, 1] = np.nan_to_num(distance[:, :, 1], nan=0.0, posinf=np.inf)
    half = distance.max(axis=1)
    polygons, special = unrolled(corners, circle)
    area = np.abs(signed_area(polygons)) if equal_area else np.zeros(len(polygons))
    for i in np.flatnonzero(special):
        polygon, encloses = unrolled_one(corners[i], circle)
        area[i] = np.abs(signed_area(polygon[None]))[0]
        if encloses and circle.period is not None:
            half[i, 1] = 0.5 * circle.period
    if equal_area:
        box_area = 4.0 * half[:, 0] * half[:, 1]
        part = area / np.where(box_area > 0, box_area, 1.0)
        # An area that is not finite spoils the box, which is then counted and left out; one of no area is a point.
        ratio = np.where(np.isfinite(part), np.sqrt(np.where(part > DEGENERATE, np.minimum(1.0, part), 0.0)), np.inf)
        half = half * np.where(box_area > 0, ratio, 1.0)[:, None]
    low, high = centers - half, centers + half
    return np.column_stack([np.maximum(u_floor, low[:, 0]), np.maximum(u_floor, high[:, 0]), low[:, 1], high[:, 1]])


def split_boxes(box: FloatArray, pixels: PixelShapes, grid: BinGrid) -> PixelBins:
    """Return the weights of boxes, leaving out excluded and non-finite pixels."""
    finite = np.isfinite(box).all(axis=1)
    rows = np.flatnonzero(finite & ~pixels.excluded)
    entries = box_entries(box[rows], rows, grid)
    return entries.to_pixel_bins(len(box), int(np.count_nonzero(~finite & ~pixels.excluded)))


def extent_of_boxes(box: FloatArray, pixels: PixelShapes) -> Extent:
    """Return the box around boxes, leaving out excluded and non-finite pixels."""
    box = box[np.isfinite(box).all(axis=1) & ~pixels.excluded]
    return Extent.around(box[:, :2], box[:, 2:])


def split(pixels: PixelShapes, grid: BinGrid) -> PixelBins:
    """Return the overlap of each box with each bin, over the area of the box."""
    return split_boxes(boxes(pixels, grid.circle, grid.u_floor), pixels, grid)


def extent(pixels: PixelShapes, circle: Circle, u_floor: float) -> Extent:
    """Return the box around all boxes."""
    return extent_of_boxes(boxes(pixels, circle, u_floor), pixels)
