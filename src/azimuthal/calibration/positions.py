# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where a point between pixel centres is on the detector, and which point of the image a direction hits.

Within a pixel positions are interpolated between its corners (bilinear); hexagonal pixels use their centre and the
nominal pixel size.  Points are array indices, the centre of the first pixel at (0, 0).
"""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

import numpy as np

from azimuthal.detectors import Detector
from azimuthal.errors import ParameterError
from azimuthal.geometry.coordinates import chi, lab_positions, pixel_normals, two_theta
from azimuthal.geometry.parallax import SensorAbsorption, entry_positions
from azimuthal.instrument import Instrument
from azimuthal.orientation import orientation_flips
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["Cells", "located", "radians_per_pixel", "ray_positions"]

_ROWS_PER_BLOCK = 64
_ROUNDS = 3
_STEPS = 5
_STEP = 0.05  # of a pixel, for differences
_FOUND = 1e-3  # pixels
_LONGEST = 20.0  # pixels in one step


class Cells:
    """The pixels that some points are in, and positions in them; a pixel continues beyond its edges.

    Parameters
    ----------
    instrument:
        Detector, pose (for the parallax) and beam.
    slow, fast:
        The points; those beyond the image belong to its outermost pixels.
    """

    def __init__(self, instrument: Instrument, slow: FloatArray, fast: FloatArray) -> None:
        self._instrument, detector = instrument, instrument.detector
        self.row, self.column = _index(slow, detector.shape[0]), _index(fast, detector.shape[1])
        self._flips = orientation_flips(detector.orientation)
        self._edges = detector.separable_edges()
        self._corners = None if self._edges is not None else _corners(detector, self.row, self.column)
        self._absorption, self._normals = _absorption(instrument), None
        if instrument.parallax is not None and not detector.is_flat and self._corners is not None:
            self._normals = pixel_normals(corners=self._corners)

    def under(self, instrument: Instrument) -> Cells:
        """Return the same pixels with another pose and beam: what they cost on a distorted detector is paid once."""
        if instrument.detector is not self._instrument.detector or instrument.parallax != self._instrument.parallax:
            raise ParameterError("instrument: expected the detector and the parallax of these pixels.")
        same = copy(self)
        same._instrument, same._absorption = instrument, _absorption(instrument)  # noqa: SLF001
        return same

    def positions(self, slow: FloatArray, fast: FloatArray) -> FloatArray:
        """Return where the rays of points entered the sensor, detector frame, shape (n, 3), m."""
        u, v = slow + 0.5 - self.row, fast + 0.5 - self.column
        u, v = (1 - u if self._flips[0] else u), (1 - v if self._flips[1] else v)
        found = self._surface(u, v)
        if self._absorption is None:
            return found
        return entry_positions(
            detector_positions=found, pose=self._instrument.pose, absorption=self._absorption, normals=self._normals
        )

    def steps(self, slow: FloatArray, fast: FloatArray) -> FloatArray:
        """Return the steps on the detector from a pixel to the next along slow and fast, shape (2, n, 3), m."""
        ends = [
            self.positions(slow + step1, fast + step2) - self.positions(slow - step1, fast - step2)
            for step1, step2 in ((_STEP, 0.0), (0.0, _STEP))
        ]
        return np.asarray(ends) / (2 * _STEP)

    def angles(self, slow: FloatArray, fast: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (two theta, chi) of points, rad."""
        t = lab_positions(detector_positions=self.positions(slow, fast), pose=self._instrument.pose)
        return two_theta(positions=t), chi(positions=t)

    def slopes(self, slow: FloatArray, fast: FloatArray) -> _Slopes:
        """Return two theta and chi with their changes per pixel along slow and fast."""
        angle, azimuth = self.angles(slow, fast)
        slopes, turns = [], []
        for axis in (0, 1):
            ends = []
            for sign in (-_STEP, _STEP):
                moved = [slow, fast]
                moved[axis] = moved[axis] + sign
                ends.append(self.angles(*moved))
            slopes.append((ends[1][0] - ends[0][0]) / (2 * _STEP))
            turns.append(_turn(ends[1][1] - ends[0][1]) / (2 * _STEP))
        return _Slopes(angle, azimuth, slopes[0], slopes[1], turns[0], turns[1])

    def _surface(self, u: FloatArray, v: FloatArray) -> FloatArray:
        edges, detector = self._edges, self._instrument.detector
        if edges is not None:
            d1 = edges.lower1[self.row] + u * (edges.upper1 - edges.lower1)[self.row]
            d2 = edges.lower2[self.column] + v * (edges.upper2 - edges.lower2)[self.column]
            return np.column_stack((d1, d2, np.zeros_like(d1)))
        corners = np.asarray(self._corners)
        if detector.n_corners != 4:
            positions: FloatArray = corners.mean(axis=1)
            positions[:, 0] += (u - 0.5) * detector.pixel1
            positions[:, 1] += (v - 0.5) * detector.pixel2
            return positions
        u, v = u[:, None], v[:, None]
        a, b, c, d = (corners[:, k] for k in range(4))
        return np.asarray((1 - u) * (1 - v) * a + u * (1 - v) * b + u * v * c + (1 - u) * v * d)


class _Slopes(NamedTuple):
    """Angles of points, rad, and their changes per pixel."""

    angle: FloatArray
    azimuth: FloatArray
    angle1: FloatArray
    angle2: FloatArray
    azimuth1: FloatArray
    azimuth2: FloatArray


def ray_positions(instrument: Instrument, slow: FloatArray, fast: FloatArray) -> FloatArray:
    """Return the detector-frame positions that rays of these points entered at: corrected for parallax where asked."""
    return Cells(instrument, slow, fast).positions(slow, fast)


def radians_per_pixel(instrument: Instrument, slow: FloatArray, fast: FloatArray) -> FloatArray:
    """Return how much two theta changes over one pixel in the steepest direction, rad."""
    slopes = Cells(instrument, slow, fast).slopes(slow, fast)
    return np.hypot(slopes.angle1, slopes.angle2)


def located(
    instrument: Instrument, angle: FloatArray, azimuth: FloatArray, slow: FloatArray, fast: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Return the points of the image with some two theta and chi, from points near them (Newton's method).

    Returns
    -------
    :
        slow, fast, the change of two theta per pixel there, and whether the point is in a pixel of the image: it is
        not where it falls between modules.
    """
    slow, fast, sine = slow.astype(np.float64), fast.astype(np.float64), np.sin(angle)
    moved = np.full(slow.shape, np.inf)
    for _ in range(_ROUNDS):
        cells = Cells(instrument, slow, fast)
        first = slow, fast
        for _ in range(_STEPS):
            s = cells.slopes(slow, fast)
            off, turned = angle - s.angle, sine * _turn(azimuth - s.azimuth)
            turn1, turn2 = sine * s.azimuth1, sine * s.azimuth2
            determinant = s.angle1 * turn2 - s.angle2 * turn1
            with np.errstate(divide="ignore", invalid="ignore"):
                step1, step2 = (
                    (off * turn2 - turned * s.angle2) / determinant,
                    (turned * s.angle1 - off * turn1) / determinant,
                )
            length = np.hypot(step1, step2)
            with np.errstate(divide="ignore", invalid="ignore"):
                share = np.where(np.isfinite(length), np.minimum(1.0, _LONGEST / length), 0.0)
            slow = slow + np.where(share > 0, step1, 0.0) * share
            fast = fast + np.where(share > 0, step2, 0.0) * share
        moved = np.hypot(slow - first[0], fast - first[1])
        if (_index(slow, instrument.detector.shape[0]) == cells.row).all() and (
            _index(fast, instrument.detector.shape[1]) == cells.column
        ).all():
            break
    settled = (np.abs(slow - cells.row) <= 0.5 + _FOUND) & (np.abs(fast - cells.column) <= 0.5 + _FOUND)
    return slow, fast, np.hypot(s.angle1, s.angle2), settled & np.isfinite(moved) & (length < _FOUND)


def _absorption(instrument: Instrument) -> SensorAbsorption | None:
    """Return the absorption of the sensor; None: without parallax."""
    if instrument.parallax is None:
        return None
    return instrument.parallax.absorption(sensor=instrument.detector.sensor, energy=instrument.beam.energy)


def _turn(angle: FloatArray) -> FloatArray:
    """Return an angle in [-pi, pi)."""
    return np.asarray(np.mod(angle + np.pi, 2 * np.pi) - np.pi)


def _index(coordinate: FloatArray, n: int) -> IntArray:
    """Return the pixel of a coordinate."""
    index: IntArray = np.clip(np.floor(coordinate + 0.5), 0, n - 1).astype(np.int64)
    return index


def _corners(detector: Detector, i: IntArray, j: IntArray) -> FloatArray:
    """Return the corners of some pixels, shape (n, n_corners, 3)."""
    found: FloatArray = np.empty((i.size, detector.n_corners, 3))
    for start in range(0, detector.shape[0], _ROWS_PER_BLOCK):
        stop = min(start + _ROWS_PER_BLOCK, detector.shape[0])
        here = np.flatnonzero((i >= start) & (i < stop))
        if here.size:
            first = int(i[here].min())
            found[here] = detector.corners(slice(first, int(i[here].max()) + 1))[i[here] - first, j[here]]
    return found
