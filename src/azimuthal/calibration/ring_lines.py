# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Predicted rings as lines over the image.

Two theta is evaluated on a coarse grid over the image.  Where it passes the angle of a ring between two neighbours of
the grid, the ring crosses; each crossing is then moved onto the ring exactly
(:func:`azimuthal.calibration.positions.located`).  Crossings are put in order of azimuth, and a line is cut where two
of them are farther apart than the grid explains: there the ring leaves the detector.  Gaps between modules are crossed,
since their pixels have a place too; where modules are apart and no pixel is between, the line goes straight on.

Any shape of detector will do.  A ring smaller than the step of the grid is not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.calibration.positions import Cells, located
from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray, IntArray

__all__ = ["RingLine", "ring_lines"]

_STEPS = 200  # along the longer side
_NEAR = 3.0  # steps between neighbours on one line


@dataclass(frozen=True, slots=True, eq=False)
class RingLine:
    """A connected piece of a predicted ring.

    Attributes
    ----------
    ring:
        Its number.
    slow, fast:
        Points in order of chi, pixels; the first pixel's centre is (0, 0), the image ends at -0.5 and n - 0.5.
    azimuth:
        chi of the points, rad.
    """

    ring: int
    slow: FloatArray
    fast: FloatArray
    azimuth: FloatArray


def ring_lines(instrument: Instrument, angles: FloatArray) -> tuple[RingLine, ...]:
    """Return the lines of rings on the image, by increasing ring.

    Parameters
    ----------
    instrument:
        The geometry.
    angles:
        Two theta of ring 0, 1, 2, ..., rad; NaN: there is none.
    """
    step = max(max(instrument.detector.shape) / _STEPS, 1.0)
    ring, slow, fast = _crossings(instrument, angles, step)
    if not ring.size:
        return ()
    two_theta, azimuth = Cells(instrument, slow, fast).angles(slow, fast)
    exact_slow, exact_fast, pixel, ok = located(instrument, angles[ring], azimuth, slow, fast)
    ok &= np.hypot(exact_slow - slow, exact_fast - fast) < step
    n_slow, n_fast = instrument.detector.shape
    slow = np.clip(np.where(ok, exact_slow, slow), -0.5, n_slow - 0.5)
    fast = np.clip(np.where(ok, exact_fast, fast), -0.5, n_fast - 0.5)
    kept = ok | (np.abs(two_theta - angles[ring]) < pixel)  # modules may be apart: between them is no place
    ring, slow, fast, azimuth = ring[kept], slow[kept], fast[kept], azimuth[kept]
    found: list[RingLine] = []
    for number in np.unique(ring).tolist():
        here = np.flatnonzero(ring == number)
        order = here[np.argsort(azimuth[here], kind="stable")]
        found += _pieces(number, slow[order], fast[order], azimuth[order], _NEAR * step)
    return tuple(found)


def _crossings(instrument: Instrument, angles: FloatArray, step: float) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return ring, slow and fast of the places where rings cross the lines of a grid (linear interpolation)."""
    slow, fast = (_ticks(n, step) for n in instrument.detector.shape)
    grid_slow, grid_fast = np.meshgrid(slow, fast, indexing="ij")
    flat = grid_slow.ravel(), grid_fast.ravel()
    two_theta = Cells(instrument, *flat).angles(*flat)[0].reshape(grid_slow.shape)
    parts: list[tuple[IntArray, FloatArray, FloatArray]] = []
    for axis in (0, 1):
        lower, upper = _neighbours(two_theta, axis)
        ends = [_neighbours(grid, axis) for grid in (grid_slow, grid_fast)]
        for ring in np.flatnonzero(np.isfinite(angles)).tolist():
            i, j = np.nonzero((lower < angles[ring]) != (upper < angles[ring]))
            share = (angles[ring] - lower[i, j]) / (upper[i, j] - lower[i, j])
            points = [first[i, j] + share * (last[i, j] - first[i, j]) for first, last in ends]
            parts.append((np.full(i.size, ring, dtype=np.int64), points[0], points[1]))
    if not parts:
        return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
    ring_index, all_slow, all_fast = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return ring_index, all_slow, all_fast


def _ticks(n: int, step: float) -> FloatArray:
    """Return grid coordinates from edge to edge of n pixels."""
    return np.linspace(-0.5, n - 0.5, max(int(np.ceil(n / step)), 1) + 1)


def _neighbours(grid: FloatArray, axis: int) -> tuple[FloatArray, FloatArray]:
    return (grid[:-1], grid[1:]) if axis == 0 else (grid[:, :-1], grid[:, 1:])


def _pieces(ring: int, slow: FloatArray, fast: FloatArray, azimuth: FloatArray, near: float) -> list[RingLine]:
    """Return the lines that points in order of azimuth make; the first point follows the last one on a full circle."""
    gap = np.hypot(slow - np.roll(slow, 1), fast - np.roll(fast, 1)) > near  # between a point and the one before it
    if slow.size < 2:
        return []
    if not gap.any():
        closed = np.append(np.arange(slow.size), 0)
        return [RingLine(ring, slow[closed], fast[closed], azimuth[closed])]
    start = int(np.flatnonzero(gap)[0])
    order = np.roll(np.arange(slow.size), -start)
    cuts = np.flatnonzero(gap[order])
    pieces = np.split(order, cuts[1:])
    return [RingLine(ring, slow[piece], fast[piece], azimuth[piece]) for piece in pieces if piece.size > 1]
