# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Unrolling pixels from the circle onto the line: the one place where periodicity is handled.

The corners of a pixel have azimuths on a circle.  As a polygon in the plane (u, c) they are joined along the shorter
arc from corner to corner.  Four cases:

* Going once around the pixel brings the azimuth back to where it began: an ordinary polygon, possibly beyond the cut.
* It comes back one full turn further: the pixel holds the beam.  The polygon is closed along the pole, the line
  ``u = u(beam)``: it is then the image of the pixel under (x, y) -> (u, c), all azimuths included.
* A corner lies exactly on the beam and has no azimuth (NaN).  In the plane it is the segment of the pole between
  the azimuths of its two neighbours: two vertices.
* An edge runs through the beam: its two ends are half a turn apart, and neither arc is shorter.  The edge goes down to
  the pole, along it and up again, on the side that brings the azimuth back to where it began.
"""

from __future__ import annotations

import numpy as np

from azimuthal.binning import Circle
from azimuthal.typing import BoolArray, FloatArray

#: Part of a turn from which two neighbouring corners are half a turn apart: the edge between them meets the beam.
_HALF_TURN = 0.5 - 1e-10


def wrapped(difference: FloatArray, period: float) -> FloatArray:
    """Return the difference of two angles along the shorter arc, in [-period/2, period/2]."""
    return difference - period * np.rint(difference / period)


def unrolled(corners: FloatArray, circle: Circle) -> tuple[FloatArray, BoolArray]:
    """Return polygons of all pixels on the line, and which pixels are special and must be unrolled one by one.

    Parameters
    ----------
    corners:
        Shape (n, n_corners, 2).
    circle:
        Without a period the corners are the polygon.

    Returns
    -------
    :
        Polygons (n, n_corners, 2), valid where the second value, shape (n,), is False.
    """
    if circle.period is None:
        return corners, np.zeros(len(corners), bool)
    azimuth = corners[:, :, 1]
    steps = wrapped(np.diff(azimuth, axis=1, append=azimuth[:, :1]), circle.period)
    polygons = corners.copy()
    polygons[:, 1:, 1] = azimuth[:, :1] + np.cumsum(steps[:, :-1], axis=1)
    special = np.isnan(azimuth).any(axis=1) | (np.abs(steps.sum(axis=1)) > 0.5 * circle.period)
    return polygons, special | (np.abs(steps) > _HALF_TURN * circle.period).any(axis=1)


def unrolled_one(corners: FloatArray, circle: Circle) -> tuple[FloatArray, bool]:
    """Return the polygon of one pixel, shape (n_vertices, 2), and whether the pixel holds the beam."""
    period = circle.period
    defined = np.flatnonzero(~np.isnan(corners[:, 1]))
    if period is None:
        return corners, False
    if defined.size == 0:  # nowhere is the angle defined: a point on the beam
        return np.nan_to_num(corners, nan=0.0), False
    ring = np.roll(corners, -defined[0], axis=0)
    defined = defined - defined[0]
    azimuths = ring[defined, 1]
    steps = wrapped(np.diff(azimuths, append=azimuths[0]), period)
    through_beam = np.abs(steps) > _HALF_TURN * period
    for k in np.flatnonzero(through_beam):
        steps[k] = -np.copysign(0.5 * period, steps.sum() - steps[k])
    pole = enclosed_pole(float(ring[:, 0].mean()), circle)
    vertices: list[tuple[float, float]] = []
    azimuth = azimuths[0]
    for n, at in enumerate(defined.tolist()):
        following = int(defined[n + 1]) if n + 1 < defined.size else len(ring)
        on_beam = list(ring[at + 1 : following, 0]) or ([pole] if through_beam[n] else [])
        vertices.append((ring[at, 0], azimuth))
        for u in on_beam:
            vertices += [(u, azimuth), (u, azimuth + steps[n])]
        azimuth = azimuth + steps[n]
    encloses = bool(abs(azimuth - azimuths[0]) > 0.5 * period)
    if encloses:
        vertices += [(ring[0, 0], azimuth), (pole, azimuth), (pole, azimuths[0])]
    return np.array(vertices), encloses


def enclosed_pole(mean_u: float, circle: Circle) -> float:
    """Return the value of u on the beam axis that a pixel encloses: the one on its side of 2theta = 90 degrees."""
    forward = (mean_u > circle.equator) == (circle.forward_pole > circle.equator)
    return circle.forward_pole if forward else circle.backward_pole
