# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Bin coordinates of pixels, compiled: equal to the NumPy formulas of units and pose (tested)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from azimuthal import _core
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray
from azimuthal.units import Quantity

_NUMBERS = {"r": 0, "two_theta": 1, "q": 2, "d_star_squared": 3, "d": 4}


class _Pixels(Protocol):
    """The part of a detector that is needed here."""

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def n_corners(self) -> int: ...
    def corners(self, rows: slice | None = None) -> FloatArray: ...
    def centers(self, rows: slice | None = None) -> FloatArray: ...


def can_project(radial: Quantity, azimuthal: Quantity, parallax: object) -> bool:
    """Return whether the core knows these quantities (and no parallax moves the pixels)."""
    return radial.name in _NUMBERS and azimuthal.name == "chi" and not parallax


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """From detector positions to a radial quantity, as the core takes it."""

    rotation: FloatArray
    shift: FloatArray
    number: int
    factor: float


def projection(pose: Pose, quantity: str, wavelength: float | None) -> Projection:
    """Return the projection of a pose on a quantity."""
    shift = np.array([-pose.poni1, -pose.poni2, pose.dist])
    return Projection(pose.rotation, shift, _NUMBERS[quantity], _factor(quantity, wavelength))


def project_rows(
    detector: _Pixels,
    edges: tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None,
    to: Projection,
    rows: slice,
    *,
    corners: bool,
    centers: bool,
    n_threads: int,
) -> tuple[FloatArray | None, FloatArray | None]:
    """Return (u, chi) of corners (n, n_corners, 2) and of centres (n, 2), where asked for, of rows of a detector.

    `edges` are the detector's separable edges, or None: then corners and centres are asked of it.
    """
    n_rows, n_fast = rows.stop - rows.start, detector.shape[1]
    if edges is not None:
        corner_values = np.empty((n_rows, n_fast, 4, 2)) if corners else None
        center_values = np.empty((n_rows, n_fast, 2)) if centers else None
        _core.project_grid(
            *edges, rows.start, rows.stop, to.rotation, to.shift, to.number, to.factor, corner_values, center_values,
            n_threads,
        )  # fmt: skip
        return (
            None if corner_values is None else corner_values.reshape(-1, 4, 2),
            None if center_values is None else center_values.reshape(-1, 2),
        )
    return (
        _projected(detector.corners(rows), to, n_threads, at_corner=True) if corners else None,
        _projected(detector.centers(rows), to, n_threads, at_corner=False) if centers else None,
    )


def _projected(positions: FloatArray, to: Projection, n_threads: int, *, at_corner: bool) -> FloatArray:
    flat = np.ascontiguousarray(positions).reshape(-1, 3)
    values = np.empty((len(flat), 2))
    _core.project_points(flat, to.rotation, to.shift, to.number, to.factor, at_corner, values, n_threads)
    return values.reshape((-1, positions.shape[2], 2) if at_corner else (-1, 2))


def _factor(quantity: str, wavelength: float | None) -> float:
    if quantity in ("r", "two_theta") or wavelength is None:
        return 1.0
    return {"q": 4.0 * math.pi / wavelength, "d_star_squared": 2.0 / wavelength, "d": 0.5 * wavelength}[quantity]
