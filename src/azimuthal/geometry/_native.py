# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Bin coordinates of pixels, compiled: equal to the NumPy formulas of units and pose (tested)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from azimuthal import _core
from azimuthal.geometry.parallax import SensorAbsorption, entry_scale
from azimuthal.geometry.pose import Pose
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray
from azimuthal.units import Quantity
from azimuthal.units.grazing import sample_of

_SAMPLE_NUMBERS = {
    "qxgi": 0, "qygi": 1, "qoop": 1, "qzgi": 2, "qip": 3, "qip_abs": 4, "qtot": 5, "chigi": 6, "chigi_abs": 7,
    "exit_angle_horz": 8, "exit_angle_vert": 9, "scattering_angle_horz": 10, "scattering_angle_vert": 11,
}  # fmt: skip
_CUT_NUMBERS = {
    "qip": 1, "qip_abs": 1, "chigi": 1, "chigi_abs": 1, "exit_angle_horz": 2, "scattering_angle_horz": 3,
}  # fmt: skip
_NUMBERS = {"r": 0, "two_theta": 1, "q": 2, "d_star_squared": 3, "d": 4}
#: Lattices are projected in one block when it has at most so many times the pixels that are wanted, or is small.
_SCATTERED = 4
_SMALL_BLOCK = 1 << 18  # cells
_FEWEST_INTERVALS, _MOST_INTERVALS = 512, 65536
_TOLERANCE_M = 1e-12
#: From values at 0, 1/3, 2/3 and 1 to the coefficients of a cubic polynomial.
_CUBIC = np.linalg.inv(np.vander([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0], increasing=True))


class _Pixels(Protocol):
    """The part of a detector that is needed here."""

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def n_corners(self) -> int: ...
    def corners(self, rows: slice | None = None) -> FloatArray: ...
    def centers(self, rows: slice | None = None) -> FloatArray: ...


def can_project(radial: Quantity, azimuthal: Quantity) -> bool:
    """Return whether the core knows these quantities."""
    return radial.name in _NUMBERS and azimuthal.name == "chi"


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """From detector positions to a radial quantity, as the core takes it."""

    rotation: FloatArray
    shift: FloatArray
    number: int
    factor: float
    entry: EntryTable | None = None

    @property
    def entry_arguments(self) -> tuple[FloatArray | None, float]:
        """Polynomials of the parallax and the length of an interval, as the core takes them."""
        return (None, 0.0) if self.entry is None else (self.entry.coefficients, self.entry.step)


class EntryTable(NamedTuple):
    """Parallax of a flat detector as polynomials in the squared distance from the PONI.

    Attributes
    ----------
    coefficients:
        Of the powers 0 to 3 of the fraction of an interval, shape (n, 4).
    step:
        Length of an interval, m^2.
    """

    coefficients: FloatArray
    step: float


def projection(pose: Pose, quantity: str, wavelength: float | None, entry: EntryTable | None = None) -> Projection:
    """Return the projection of a pose on a quantity, of entry points where a table of them is given."""
    shift = np.array([-pose.poni1, -pose.poni2, pose.dist])
    return Projection(pose.rotation, shift, _NUMBERS[quantity], _factor(quantity, wavelength), entry)


def entry_table(
    edges: tuple[FloatArray, FloatArray, FloatArray, FloatArray], pose: Pose, absorption: SensorAbsorption
) -> EntryTable:
    """Return the parallax of a flat detector with pixel edges in rows and columns.

    Intervals are halved until positions half way between two nodes are right within 1e-12 m.
    """
    lower1, upper1, lower2, upper2 = edges
    farthest = [
        max(abs(float(bound.min()) - origin), abs(float(bound.max()) - origin))
        for bound, origin in (
            (np.concatenate((lower1, upper1)), pose.poni1), (np.concatenate((lower2, upper2)), pose.poni2),
        )
    ]  # fmt: skip
    largest = farthest[0] ** 2 + farthest[1] ** 2
    n = _FEWEST_INTERVALS
    while True:
        step = largest / n
        nodes = (np.arange(n)[:, np.newaxis] + np.array([0.0, 1.0, 2.0, 3.0, 0.5]) / 3.0) * step
        radius = np.sqrt(nodes)
        scale = entry_scale(radius=radius, distance=pose.dist, absorption=absorption)
        coefficients = np.ascontiguousarray(scale[:, :4] @ _CUBIC.T)
        at_check = coefficients @ (np.array([0.5 / 3.0]) ** np.arange(4))
        if (np.abs(at_check - scale[:, 4]) * radius[:, 4]).max() <= _TOLERANCE_M or n >= _MOST_INTERVALS:
            return EntryTable(coefficients, step)
        n *= 2


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

    `edges` are the detector's separable edges, or None: then corners and centres are asked of it, and no parallax can
    be taken into account.
    """
    n_rows, n_fast = rows.stop - rows.start, detector.shape[1]
    if edges is not None:
        corner_values = np.empty((n_rows, n_fast, 4, 2)) if corners else None
        center_values = np.empty((n_rows, n_fast, 2)) if centers else None
        _core.project_grid(
            *edges, rows.start, rows.stop, to.rotation, to.shift, to.number, to.factor,
            *to.entry_arguments, corner_values, center_values, n_threads,
        )  # fmt: skip
        return (
            None if corner_values is None else corner_values.reshape(-1, 4, 2),
            None if center_values is None else center_values.reshape(-1, 2),
        )
    return (
        _projected(detector.corners(rows), to, n_threads, at_corner=True) if corners else None,
        _projected(detector.centers(rows), to, n_threads, at_corner=False) if centers else None,
    )


def _refined(lower: FloatArray, upper: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """Return the edges of k parts of every pixel."""
    part = np.arange(k + 1) / k
    lines = (1.0 - part) * lower[:, np.newaxis] + part * upper[:, np.newaxis]
    return np.ascontiguousarray(lines[:, :-1]).reshape(-1), np.ascontiguousarray(lines[:, 1:]).reshape(-1)


def project_lattice(
    edges: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    to: Projection,
    rows: slice,
    pixels: IntArray,
    n_fast: int,
    k: int,
    *,
    n_threads: int,
) -> FloatArray | None:
    """Return (u, chi) of k x k lattices on pixels of a detector with separable edges, (n, 1, k + 1, k + 1, 2).

    `pixels` are numbered within the rows.  None where they are too scattered to be projected as one block.
    """
    slow, fast = pixels // n_fast, pixels % n_fast
    block = slice(int(slow.min()), int(slow.max()) + 1), slice(int(fast.min()), int(fast.max()) + 1)
    shape = block[0].stop - block[0].start, block[1].stop - block[1].start
    if shape[0] * shape[1] > max(_SCATTERED * pixels.size, _SMALL_BLOCK // k**2):
        return None
    begin, end = rows.start + block[0].start, rows.start + block[0].stop
    lower1, upper1 = _refined(edges[0][begin:end], edges[1][begin:end], k)
    lower2, upper2 = _refined(edges[2][block[1]], edges[3][block[1]], k)
    cells = np.empty((k * shape[0], k * shape[1], 4, 2))
    _core.project_grid(
        lower1, upper1, lower2, upper2, 0, k * shape[0], to.rotation, to.shift, to.number, to.factor,
        *to.entry_arguments, cells, None, n_threads,
    )  # fmt: skip
    chosen = cells.reshape(shape[0], k, shape[1], k, 4, 2)[slow - block[0].start, :, fast - block[1].start]
    points = np.empty((pixels.size, 1, k + 1, k + 1, 2))
    points[:, 0, :-1, :-1] = chosen[..., 0, :]
    points[:, 0, -1, :-1] = chosen[:, -1, :, 1]
    points[:, 0, -1, -1] = chosen[:, -1, -1, 2]
    points[:, 0, :-1, -1] = chosen[:, :, -1, 3]
    return points


@dataclass(frozen=True, slots=True, eq=False)
class SampleProjection:
    """From detector positions to two quantities of grazing incidence and their cut, as the core takes it."""

    rotation: FloatArray
    shift: FloatArray
    sample: FloatArray
    k: float
    numbers: tuple[int, int, int]
    entry: EntryTable | None = None


def sample_projection(
    pose: Pose, radial: Quantity, azimuthal: Quantity, wavelength: float | None, entry: EntryTable | None = None
) -> SampleProjection | None:
    """Return the projection on two quantities of one sample, or None where the core does not know them.

    With a table of entry points the detector's edges must be separable.
    """
    sample = sample_of(radial)
    if sample is None or sample_of(azimuthal) != sample:
        return None
    cut = max(_CUT_NUMBERS.get(radial.name, 0), _CUT_NUMBERS.get(azimuthal.name, 0))
    return SampleProjection(
        sample.axes @ pose.rotation,
        np.array([-pose.poni1, -pose.poni2, pose.dist]),
        sample.matrix,
        1.0 if wavelength is None else 2.0 * math.pi / wavelength,
        (_SAMPLE_NUMBERS[radial.name], _SAMPLE_NUMBERS[azimuthal.name], cut),
        entry,
    )


def project_sample_rows(
    detector: _Pixels,
    edges: tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None,
    to: SampleProjection,
    rows: slice,
    *,
    corners: bool,
    centers: bool,
    n_threads: int,
) -> tuple[FloatArray | None, FloatArray | None, BoolArray]:
    """Return (u, c) of corners and of centres, as :func:`project_rows`, and which pixels meet the cut (n,)."""
    n_rows, n_fast = rows.stop - rows.start, detector.shape[1]
    on_cut = np.zeros((n_rows, n_fast), bool)
    if edges is None:
        corner_values = center_values = None
        if corners:
            projected = _sample_points(detector.corners(rows), to, n_threads)
            corner_values = np.ascontiguousarray(projected[..., :2]).reshape(-1, projected.shape[2], 2)
            on_cut = meets_cut(projected[..., 2])
        if centers:
            projected = _sample_points(detector.centers(rows), to, n_threads)
            center_values = np.ascontiguousarray(projected[..., :2]).reshape(-1, 2)
        return corner_values, center_values, on_cut.reshape(-1)
    corner_values = np.empty((n_rows, n_fast, 4, 2)) if corners else None
    center_values = np.empty((n_rows, n_fast, 2)) if centers else None
    flags: AnyArray | None = on_cut.view(np.uint8) if corners else None
    table, step = (None, 0.0) if to.entry is None else to.entry
    _core.project_sample_grid(
        *edges, rows.start, rows.stop, to.rotation, to.shift, to.sample, to.k, to.numbers, table, step, corner_values,
        center_values, flags, n_threads,
    )  # fmt: skip
    return (
        None if corner_values is None else corner_values.reshape(-1, 4, 2),
        None if center_values is None else center_values.reshape(-1, 2),
        on_cut.reshape(-1),
    )


def meets_cut(values: FloatArray) -> BoolArray:
    """Return which pixels touch a cut: not all corners (last axis) are on one side of it; where it exists at all."""
    signs = np.sign(values)
    touched: BoolArray = np.isfinite(signs).all(axis=-1) & (np.abs(signs.sum(axis=-1)) < signs.shape[-1])
    return touched


def _sample_points(positions: FloatArray, to: SampleProjection, n_threads: int) -> FloatArray:
    """Return (u, c, function of the cut) of positions."""
    flat = np.ascontiguousarray(positions).reshape(-1, 3)
    values = np.empty_like(flat)
    _core.project_sample_points(flat, to.rotation, to.shift, to.sample, to.k, to.numbers, values, n_threads)
    return values.reshape(positions.shape)


def _projected(positions: FloatArray, to: Projection, n_threads: int, *, at_corner: bool) -> FloatArray:
    flat = np.ascontiguousarray(positions).reshape(-1, 3)
    values = np.empty((len(flat), 2))
    _core.project_points(flat, to.rotation, to.shift, to.number, to.factor, at_corner, values, n_threads)
    return values.reshape((-1, positions.shape[2], 2) if at_corner else (-1, 2))


def _factor(quantity: str, wavelength: float | None) -> float:
    if quantity in ("r", "two_theta") or wavelength is None:
        return 1.0
    return {"q": 4.0 * math.pi / wavelength, "d_star_squared": 2.0 / wavelength, "d": 0.5 * wavelength}[quantity]
