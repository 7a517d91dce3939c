# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rays from the sample to the pixel centres, in slabs of rows, along the axes of the detector.

Corrections need squares, cosines and areas of every pixel. Slabs of about 64 000 pixels keep the temporary
arrays in the processor's cache and the memory bounded. On a flat detector whose pixel edges factor into rows
and columns the components have shapes ``(n, 1)`` and ``(1, n_fast)``, and broadcasting does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from azimuthal.geometry.coordinates import area_vectors, sample_positions
from azimuthal.typing import FloatArray

if TYPE_CHECKING:
    from azimuthal.instrument import Instrument

_PIXELS_PER_SLAB = 1 << 16
_EQUAL_AREA_TOLERANCE = 1e-9
"""Pixel widths this close to the nominal size (edges are rounded at 1e-12) are the nominal size."""


@dataclass(frozen=True, slots=True, eq=False)
class RaySlab:
    """Rays to the pixels of some rows; every array broadcasts to ``(n, n_fast)``.

    Attributes
    ----------
    rows:
        Which rows of the image.
    p1, p2, p3:
        Components of the ray from the sample to the pixel centre along the axes of the detector, m.
    squared_length:
        ``p1^2 + p2^2 + p3^2``, m^2.
    height:
        Distance from the sample to the plane of the pixel, ``|n . p|``, m; ``cos(alpha) = height / |p|``.
    area:
        Area of the pixel over the nominal ``pixel1 pixel2``; 1 on a uniform detector.
    """

    rows: slice
    p1: FloatArray
    p2: FloatArray
    p3: FloatArray
    squared_length: FloatArray
    height: FloatArray
    area: FloatArray


def row_slabs(shape: tuple[int, int]) -> Iterator[slice]:
    """Yield slices of rows that cover an image of `shape` in order."""
    n_slow, n_fast = shape
    step = max(1, _PIXELS_PER_SLAB // max(1, n_fast))
    for start in range(0, n_slow, step):
        yield slice(start, min(start + step, n_slow))


def ray_slabs(instrument: Instrument) -> Iterator[RaySlab]:
    """Yield the rays to all pixels of `instrument`, some rows at a time."""
    factored = _factored_slabs(instrument)
    if factored is not None:
        yield from factored
        return
    for rows in row_slabs(instrument.detector.shape):
        yield _general_slab(instrument, rows)


class GridRays(NamedTuple):
    """Rays of a flat detector with pixel edges in rows and columns.

    Attributes
    ----------
    p1, p2:
        Components of the ray to the centres of each row and each column, m.
    width1, width2:
        Widths of rows and columns over the nominal ones.
    is_uniform:
        Whether all widths are 1.
    """

    p1: FloatArray
    p2: FloatArray
    width1: FloatArray
    width2: FloatArray
    is_uniform: bool


def grid_rays(instrument: Instrument) -> GridRays | None:
    """Return the rays by row and column, or None where pixels are no grid."""
    detector, pose = instrument.detector, instrument.pose
    edges = detector.separable_edges()
    if edges is None:
        return None
    width1 = _relative_width(edges.upper1 - edges.lower1, detector.pixel1)
    width2 = _relative_width(edges.upper2 - edges.lower2, detector.pixel2)
    p1 = 0.5 * (edges.lower1 + edges.upper1) - pose.poni1
    p2 = 0.5 * (edges.lower2 + edges.upper2) - pose.poni2
    return GridRays(p1, p2, width1, width2, bool((width1 == 1.0).all() and (width2 == 1.0).all()))


def _factored_slabs(instrument: Instrument) -> Iterator[RaySlab] | None:
    """Return the slabs of a flat detector with pixel edges in rows and columns, or None for any other."""
    rays = grid_rays(instrument)
    if rays is None:
        return None
    dist = instrument.pose.dist
    width1, width2 = rays.width1[:, np.newaxis], rays.width2[np.newaxis, :]
    p1, p2 = rays.p1[:, np.newaxis], rays.p2[np.newaxis, :]
    p3 = np.full((1, 1), dist)
    across = p2 * p2
    along = p1 * p1 + dist * dist

    def slab(rows: slice) -> RaySlab:
        area = np.ones((1, 1)) if rays.is_uniform else width1[rows] * width2
        return RaySlab(rows, p1[rows], p2, p3, along[rows] + across, p3, area)

    return (slab(rows) for rows in row_slabs(instrument.detector.shape))


def _general_slab(instrument: Instrument, rows: slice) -> RaySlab:
    """Return the slab of any detector, from its centres and corners."""
    detector, pose = instrument.detector, instrument.pose
    rays = sample_positions(detector_positions=detector.centers(rows), pose=pose)
    p1, p2, p3 = (np.ascontiguousarray(rays[..., axis]) for axis in range(3))
    vectors = area_vectors(corners=detector.corners(rows))
    area = np.sqrt(np.einsum("...k,...k->...", vectors, vectors))
    projected = np.abs(np.einsum("...k,...k->...", vectors, rays))
    height = np.divide(projected, area, out=np.zeros_like(area), where=area > 0)
    squared_length = p1 * p1 + p2 * p2 + p3 * p3
    return RaySlab(rows, p1, p2, p3, squared_length, height, area / (detector.pixel1 * detector.pixel2))


def _relative_width(width: FloatArray, nominal: float) -> FloatArray:
    """Return widths over the nominal one, exactly 1 where they agree within rounding."""
    relative = width / nominal
    return np.where(np.abs(relative - 1.0) <= _EQUAL_AREA_TOLERANCE, 1.0, relative)
