# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From an instrument and two units to pixels in bin coordinates, a slab of rows at a time.

Two ways that agree to rounding: NumPy, which evaluates any unit on laboratory positions, and the compiled core for the
quantities that are asked for most.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal.binning import Circle
from azimuthal.detectors import SeparableEdges
from azimuthal.geometry import _native as native_geometry
from azimuthal.geometry.coordinates import lab_positions, pixel_normals
from azimuthal.geometry.lattice import lattice_points, quadrilateral_shares
from azimuthal.geometry.parallax import SensorAbsorption, entry_positions
from azimuthal.instrument import Instrument
from azimuthal.integrate.sheets import Sheets
from azimuthal.splitting import Lattice, PixelShapes
from azimuthal.typing import BoolArray, FloatArray, IntArray
from azimuthal.units import Unit

if TYPE_CHECKING:
    from azimuthal.splitting._native import GridPixels

_PIXELS_PER_SLAB = 1 << 16  # of 1 << 14 to 1 << 17 the fastest to compile on two cores: 4 MB of corners


@dataclass(frozen=True, slots=True)
class ShapeSource:
    """Pixels of an instrument in the coordinates of two units.

    Parameters
    ----------
    instrument:
        Detector, pose and beam.
    radial, azimuthal:
        Units of the first and second coordinate.
    native:
        Use the compiled core where it knows the units.
    n_threads:
        For the compiled core.
    """

    instrument: Instrument
    radial: Unit
    azimuthal: Unit
    native: bool
    n_threads: int
    _edges: SeparableEdges | None = field(init=False, repr=False)
    _sheets: Sheets | None = field(init=False, repr=False)
    _absorption: SensorAbsorption | None = field(init=False, repr=False)
    _entry: native_geometry.EntryTable | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        put, instrument = object.__setattr__, self.instrument
        put(self, "_sheets", Sheets.of(self.radial.quantity, self.azimuthal.quantity, self.wavelength))
        # Once: a detector given by its corners compares all of them to find out.
        put(self, "_edges", instrument.detector.separable_edges())
        absorption = entry = None
        if instrument.parallax:
            sensor, energy = instrument.detector.sensor, instrument.beam.energy
            absorption = instrument.parallax.absorption(sensor=sensor, energy=energy)
            if self._edges is not None and self.native:
                entry = native_geometry.entry_table(self._edges, instrument.pose, absorption)
        put(self, "_absorption", absorption)
        put(self, "_entry", entry)

    @property
    def wavelength(self) -> float | None:
        """Wavelength in m, where a unit needs one; else None."""
        if not (self.radial.needs_wavelength or self.azimuthal.needs_wavelength):
            return None
        unit = self.radial if self.radial.needs_wavelength else self.azimuthal
        return self.instrument.beam.required_wavelength(f"unit {unit.name!r}")

    @property
    def circle(self) -> Circle:
        """Periodicity of the second coordinate and the poles of the first."""
        period = self.azimuthal.quantity.period
        if period is None:
            return Circle(None)
        x, z = np.array([0.0, 0.0, 1.0]), np.array([1.0, -1.0, 0.0])
        forward, backward, equator = self.radial.quantity.values(x, np.zeros(3), z, self.wavelength)
        return Circle(period, float(forward), float(backward), float(equator))

    @property
    def u_floor(self) -> float:
        """Lowest value of the first coordinate."""
        return 0.0 if self.radial.positive else -math.inf

    def slabs(self, excluded: BoolArray, *, corners: bool, centers: bool) -> Iterator[PixelShapes]:
        """Return the pixels of the whole detector in the order of the image.

        Parameters
        ----------
        excluded:
            bool, shape of the frame.
        corners, centers:
            Which are needed; the others may be None.
        """
        n_slow, n_fast = self.instrument.detector.shape
        step = max(1, _PIXELS_PER_SLAB // n_fast)
        for begin in range(0, n_slow, step):
            rows = slice(begin, min(begin + step, n_slow))
            lattice = functools.partial(self._lattice, rows)
            if corners and self._sheets is not None:
                yield self._cut_slab(rows, excluded[rows].reshape(-1), self._sheets, lattice, centers=centers)
                continue
            corner_values, center_values, _ = self._coordinates(rows, corners=corners, centers=centers)
            yield PixelShapes(corner_values, center_values, excluded[rows].reshape(-1), lattice=lattice)

    def grid_pixels(self, excluded: BoolArray) -> GridPixels | None:
        """Return what the compiled core splits in one go, or None: no grid, or a unit that it does not know.

        Parameters
        ----------
        excluded:
            bool, shape of the frame.
        """
        if not self._is_native or self._edges is None:
            return None
        from azimuthal.splitting._native import GridPixels

        return GridPixels(self._edges, self._projection, excluded)

    @property
    def _is_native(self) -> bool:
        is_known = native_geometry.can_project(self.radial.quantity, self.azimuthal.quantity)
        return self.native and is_known and (self._absorption is None or self._entry is not None)

    @property
    def _sample_projection(self) -> native_geometry.SampleProjection | None:
        if not self.native or (self._absorption is not None and self._entry is None):
            return None
        return native_geometry.sample_projection(
            self.instrument.pose, self.radial.quantity, self.azimuthal.quantity, self.wavelength, self._entry
        )

    @property
    def _projection(self) -> native_geometry.Projection:
        return native_geometry.projection(self.instrument.pose, self.radial.quantity.name, self.wavelength, self._entry)

    def _coordinates(
        self, rows: slice, *, corners: bool, centers: bool
    ) -> tuple[FloatArray | None, FloatArray | None, BoolArray | None]:
        """Return (u, c) of corners and centres, and, where corners are wanted, which pixels meet the cut."""
        detector = self.instrument.detector
        wanted: Any = {"corners": corners, "centers": centers, "n_threads": self.n_threads}
        if self._is_native:
            return *native_geometry.project_rows(detector, self._edges, self._projection, rows, **wanted), None
        if (to_sample := self._sample_projection) is not None:
            return native_geometry.project_sample_rows(detector, self._edges, to_sample, rows, **wanted)
        center_positions, corner_positions = self._entry_positions(rows, corners=corners)
        center_values = self._evaluate(center_positions, at_corner=False).reshape(-1, 2)
        if corner_positions is None:
            return None, center_values, None
        corner_values = self._evaluate(corner_positions, at_corner=True).reshape(-1, detector.n_corners, 2)
        meets = None if self._sheets is None else self._sheets.meet(corner_positions.reshape(-1, detector.n_corners, 3))
        return corner_values, center_values, meets

    def _cut_slab(
        self, rows: slice, excluded: BoolArray, sheets: Sheets, lattice: Lattice, *, centers: bool
    ) -> PixelShapes:
        """Return the pixels of some rows, those on a discontinuity of the coordinates in pieces."""
        corner_values, center_values, meets = self._coordinates(rows, corners=True, centers=centers)
        assert meets is not None
        on_cut = meets & ~excluded
        pieces = sheets.pieces(self._corners_of(rows, on_cut), on_cut) if on_cut.any() else None
        return PixelShapes(corner_values, center_values, excluded | on_cut, pieces, lattice)

    def _corners_of(self, rows: slice, chosen: BoolArray) -> FloatArray:
        """Return the laboratory positions (n, n_corners, 3) of the corners of chosen pixels of some rows."""
        detector = self.instrument.detector
        pose, absorption = self.instrument.pose, self._absorption
        if absorption is not None and not detector.is_flat:
            _, entries = self._entry_positions(rows, corners=True)
            assert entries is not None
            return entries.reshape(-1, detector.n_corners, 3)[chosen]
        corners = detector.corners(rows).reshape(-1, detector.n_corners, 3)[chosen]
        if absorption is not None:
            corners = entry_positions(detector_positions=corners, pose=pose, absorption=absorption)
        return lab_positions(detector_positions=corners, pose=pose)

    def _lattice(self, rows: slice, pixels: IntArray, k: int) -> tuple[FloatArray, FloatArray]:
        """Return points and areas as `azimuthal.splitting.Lattice` has them; pixels are numbered within the rows."""
        instrument = self.instrument
        detector = instrument.detector
        if self._is_native and self._edges is not None and pixels.size:
            points = native_geometry.project_lattice(
                self._edges, self._projection, rows, pixels, detector.shape[1], k, n_threads=self.n_threads
            )
            if points is not None:
                return points, np.full((*points.shape[:2], k, k), 1.0 / k**2)  # pixels are rectangles
        corners = detector.corners(rows).reshape(-1, detector.n_corners, 3)
        normals = None
        if self._absorption is not None and not detector.is_flat:
            normals = pixel_normals(corners=corners)[pixels, np.newaxis, np.newaxis, np.newaxis]
        quads = [[0, 1, 2, 3]] if detector.n_corners == 4 else [[0, 1, 2, 3], [0, 3, 4, 5]]
        points = lattice_points(corners=corners[pixels][:, quads], k=k)
        shares = quadrilateral_shares(corners=corners[pixels][:, quads], points=points)
        if self._absorption is not None:
            points = entry_positions(
                detector_positions=points, pose=instrument.pose, absorption=self._absorption, normals=normals
            )
        positions = lab_positions(detector_positions=points, pose=instrument.pose)
        return self._evaluate(positions, at_corner=True), shares

    def _entry_positions(self, rows: slice, *, corners: bool) -> tuple[FloatArray, FloatArray | None]:
        """Return where the rays of pixel centres and corners meet the sensor; laboratory frame."""
        instrument = self.instrument
        detector = instrument.detector
        centers = detector.centers(rows)
        absorption = self._absorption
        corner_positions = detector.corners(rows) if corners or absorption else None
        if absorption is not None and corner_positions is not None:
            normals = None if detector.is_flat else pixel_normals(corners=corner_positions)
            corner_normals = None if normals is None else normals[:, :, np.newaxis, :]
            centers = entry_positions(
                detector_positions=centers, pose=instrument.pose, absorption=absorption, normals=normals
            )
            corner_positions = entry_positions(
                detector_positions=corner_positions,
                pose=instrument.pose,
                absorption=absorption,
                normals=corner_normals,
            )
        centers = lab_positions(detector_positions=centers, pose=instrument.pose)
        if not corners or corner_positions is None:
            return centers, None
        return centers, lab_positions(detector_positions=corner_positions, pose=instrument.pose)

    def _evaluate(self, positions: FloatArray, *, at_corner: bool) -> FloatArray:
        """Return (u, c) of laboratory positions; c is NaN for a corner on the beam axis, where it is undefined."""
        y, x, z = positions[..., 0], positions[..., 1], positions[..., 2]
        values = np.empty((*positions.shape[:-1], 2))
        values[..., 0] = self.radial.quantity.values(x, y, z, self.wavelength)
        values[..., 1] = self.azimuthal.quantity.values(x, y, z, self.wavelength)
        if at_corner and self.azimuthal.quantity.period is not None:
            values[..., 1][(x == 0) & (y == 0)] = np.nan
        return values
