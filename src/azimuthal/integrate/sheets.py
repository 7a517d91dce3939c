# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pixels on a line of the image across which the bin coordinates jump.

The in-plane scattering vector ``qip`` has the sign of its horizontal component and the length of the whole vector in
the surface.  Across the line ``q_h' = 0`` it jumps from ``-|q_b'|`` to ``+|q_b'|``: the map is torn there, and between
is the missing wedge, which no ray reaches (:mod:`azimuthal.units.grazing`).  The four corners of a pixel on that line
are not one polygon of the map; joined by straight lines they would fill the wedge with intensity that is not there,
and a corner exactly on the line would be taken to the wrong side.

So such a pixel is cut along the line, on the detector, in one or two pieces:

* The corners are clipped where the cut's function changes sign; a corner on the line belongs to both pieces.
* Every vertex is evaluated as the limit from the side of its piece.  No piece reaches into the wedge.
* A piece has the share of the pixel's weight that it has of the pixel's area on the detector.  The shares of a pixel
  add up to one, so the weights of a pixel inside the range still do.
* The direct beam and the specular reflection lie on the line.  In the map its image has a tip at the specular
  reflection (a vertex is added), and the direct beam is the segment q = 0 of a polar map (three vertices).

Each piece is then split like a pixel: "full" by its polygon, "bbox" and "pseudo" by the box around its own vertices.
With "none" nothing is cut: the centre of the pixel is on one side (the negative one, exactly on the line).

Absolute values (``qip_abs``, ``chigi_abs``) do not jump on the line, they are folded along it; the same pieces unfold
them.

Accuracy: the line is straight within a pixel, and so are the edges of pixels in the map, and a piece is spread evenly
over its image, as for every splitting.  Next to the wedge the map is squeezed (``d qip / d q_h' = q_h' / qip``), so
that even spreading moves up to half a pixel between two bins of the size of a pixel there; nothing reaches the wedge.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from azimuthal.splitting import Pieces, PixelShapes
from azimuthal.typing import BoolArray, FloatArray, IntArray
from azimuthal.units import Quantity
from azimuthal.units.grazing import Cut, cut, one_sided

#: Pieces below this part of their pixel are rounding.
_NO_PIECE = 1e-12


class _Vertex(NamedTuple):
    """Corner of a piece: position, q_b' / k there, and whether it lies on the cut."""

    y: float
    x: float
    z: float
    along_beam: float
    on_cut: bool


@dataclass(frozen=True, slots=True)
class Sheets:
    """The two coordinates of a map that is torn along a cut.

    Parameters
    ----------
    radial, azimuthal:
        The coordinates.
    cut:
        Where they jump.
    wavelength:
        In m, or None.
    """

    radial: Quantity
    azimuthal: Quantity
    cut: Cut
    wavelength: float | None

    @classmethod
    def of(cls, radial: Quantity, azimuthal: Quantity, wavelength: float | None) -> Sheets | None:
        """Return the sheets of two quantities, or None where both are continuous."""
        found = cut(radial, azimuthal)
        return None if found is None else cls(radial, azimuthal, found, wavelength)

    def meet(self, corners: FloatArray) -> BoolArray:
        """Return which pixels touch the cut; `corners`: (n, n_corners, 3), laboratory positions."""
        signs = np.sign(self._signed(corners))  # NaN where there is no cut
        touched: BoolArray = np.isfinite(signs).all(axis=1) & (np.abs(signs.sum(axis=1)) < signs.shape[1])
        return touched

    def pieces(self, corners: FloatArray, chosen: BoolArray) -> Pieces:
        """Return the pieces of the pixels that meet the cut.

        Parameters
        ----------
        corners:
            Laboratory positions (n, n_corners, 3) of these pixels, rings.
        chosen:
            Which of all pixels they are: the owners of the pieces are counted among all.
        """
        numbers = np.flatnonzero(chosen)
        rings, owner, side = self._clipped(corners)
        share = _shares(rings, owner)
        kept = [n for n in range(len(rings)) if share[n] > _NO_PIECE]
        polygons = self._polygons([rings[n] for n in kept], side[kept])
        middle = 0.5 * (polygons.min(axis=1) + polygons.max(axis=1))
        shapes = PixelShapes(polygons, middle, np.zeros(len(kept), bool))
        return Pieces(shapes, numbers[owner[kept]], _normalized(share[kept], owner[kept]))

    def _signed(self, positions: FloatArray) -> FloatArray:
        return self.cut(positions[..., 1], positions[..., 0], positions[..., 2])

    def _clipped(self, corners: FloatArray) -> tuple[list[list[_Vertex]], IntArray, FloatArray]:
        """Return rings of vertices, the pixel of each (increasing) and its side of the cut."""
        signed = self._signed(corners).tolist()
        along = self.cut.along_beam(corners[..., 1], corners[..., 0], corners[..., 2]).tolist()
        rings, owner, sides = [], [], []
        for number, (pixel, s, a) in enumerate(zip(corners.tolist(), signed, along, strict=True)):
            vertices = [_Vertex(p[0], p[1], p[2], q, value == 0.0) for p, q, value in zip(pixel, a, s, strict=True)]
            for side in (-1.0, 1.0):
                ring = _half(vertices, [side * value for value in s])
                if len(ring) >= 3:
                    rings.append(self._with_tips(ring))
                    owner.append(number)
                    sides.append(side)
        return rings, np.array(owner, np.int64), np.array(sides)

    def _with_tips(self, ring: list[_Vertex]) -> list[_Vertex]:
        """Return the ring with the direct beam or the specular reflection, where they lie on its edge along the cut."""
        if not self.cut.is_through_beam:
            return ring
        whole = []
        for one, two in zip(ring, [*ring[1:], ring[0]], strict=True):
            whole.append(one)
            if one.on_cut and two.on_cut:
                whole += _tip(one, two)
        return whole

    def _polygons(self, rings: list[list[_Vertex]], side: FloatArray) -> FloatArray:
        """Return (n, n_vertices, 2) in bin coordinates; shorter rings repeat their last vertex."""
        lengths = [len(ring) for ring in rings]
        flat = np.array([vertex[:3] for ring in rings for vertex in ring])
        y, x, z = flat.T
        sides = np.repeat(side, lengths)
        u = one_sided(self.radial, x, y, z, self.wavelength, sides)
        c = one_sided(self.azimuthal, x, y, z, self.wavelength, sides)
        if self.cut.is_through_beam and self.azimuthal.dimension == "angle":
            c[(x == 0) & (y == 0) & (z > 0)] = np.nan
        ends = np.cumsum(lengths)
        polygons = [
            _around_pole(list(zip(u[end - length : end].tolist(), c[end - length : end].tolist(), strict=True)))
            for end, length in zip(ends, lengths, strict=True)
        ]
        longest = max(len(polygon) for polygon in polygons)
        return np.array([polygon + polygon[-1:] * (longest - len(polygon)) for polygon in polygons])


def _half(vertices: list[_Vertex], inside: list[float]) -> list[_Vertex]:
    """Return the part of a ring where a function of its vertices is not negative."""
    ring = []
    n = len(vertices)
    for k in range(n):
        one, two, here, there = vertices[k], vertices[(k + 1) % n], inside[k], inside[(k + 1) % n]
        if here >= 0.0:
            ring.append(one)
        if here * there < 0.0:
            ring.append(_between(one, two, here / (here - there)))
    return ring


def _between(one: _Vertex, two: _Vertex, part: float) -> _Vertex:
    y, x, z, along_beam = (a + part * (b - a) for a, b in zip(one[:4], two[:4], strict=True))
    return _Vertex(y, x, z, along_beam, True)


def _tip(one: _Vertex, two: _Vertex) -> list[_Vertex]:
    """Return the special point between two points of the cut, if there is one."""
    if one.x * two.x + one.y * two.y < 0.0 < one.z:
        return [_Vertex(0.0, 0.0, 0.5 * (one.z + two.z), 0.0, True)]
    if one.along_beam * two.along_beam < 0.0:
        return [_between(one, two, one.along_beam / (one.along_beam - two.along_beam))]
    return []


def _around_pole(polygon: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the polygon with the beam, which has no azimuth (NaN), as the segment between those of its neighbours."""
    whole = []
    for k, (u, c) in enumerate(polygon):
        if c == c:
            whole.append((u, c))
            continue
        before, after = polygon[k - 1][1], polygon[(k + 1) % len(polygon)][1]
        whole += [(u, before), (u, 0.5 * (before + after)), (u, after)]
    return whole


def _shares(rings: list[list[_Vertex]], owner: IntArray) -> FloatArray:
    """Return the part of each pixel's area on the detector that is in each ring."""
    areas = [_area(ring) for ring in rings]
    return _normalized(np.array(areas), owner)


def _area(ring: list[_Vertex]) -> float:
    """Return the area of a polygon in space."""
    (y0, x0, z0), *others = (vertex[:3] for vertex in ring)
    spokes = [(y - y0, x - x0, z - z0) for y, x, z in others]
    products = [(b * f - c * e, c * d - a * f, a * e - b * d) for (a, b, c), (d, e, f) in itertools.pairwise(spokes)]
    return 0.5 * math.hypot(*(sum(component) for component in zip(*products, strict=True)))


def _normalized(parts: FloatArray, owner: IntArray) -> FloatArray:
    """Return parts that add up to one for each owner (numbers in increasing order)."""
    _, group = np.unique(owner, return_inverse=True)
    return parts / np.bincount(group, weights=parts)[group]
