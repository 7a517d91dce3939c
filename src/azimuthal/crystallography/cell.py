# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Unit cells: metric, volume, and the spacing of lattice planes.

Definition
    A cell has the edges ``a, b, c`` and the angles ``alpha = (b, c)``, ``beta = (c, a)``, ``gamma = (a, b)``. Its
    metric tensor ``G`` holds the scalar products of the edges::

        G = [[a a, a b cos(gamma), a c cos(beta)], [., b b, b c cos(alpha)], [., ., c c]]

    ``V = sqrt(det G)``. The reciprocal metric is ``G* = G^-1`` (no factor 2 pi), and lattice planes ``h = (h, k, l)``
    are ``d`` apart, with::

        1 / d^2 = h G* h^T                    Bragg: wavelength = 2 d sin(two_theta / 2),  q = 2 pi / d

    International Tables for Crystallography B (2006), ch. 1.1.

Crystal systems
    ============  ==========================================================  =========================
    system        edges and angles                                            constructor
    ============  ==========================================================  =========================
    triclinic     any                                                         ``Cell(...)``
    monoclinic    alpha = gamma = 90 degrees (unique axis b)                  ``Cell.monoclinic(a, b, c, beta)``
    orthorhombic  all angles 90 degrees                                       ``Cell.orthorhombic(a, b, c)``
    tetragonal    a = b, all angles 90 degrees                                ``Cell.tetragonal(a, c)``
    trigonal      a = b = c, alpha = beta = gamma (rhombohedral axes)         ``Cell.rhombohedral(a, alpha)``
    hexagonal     a = b, gamma = 120 degrees (trigonal crystals as well)      ``Cell.hexagonal(a, c)``
    cubic         a = b = c, all angles 90 degrees                            ``Cell.cubic(a)``
    ============  ==========================================================  =========================

Units
    Edges and spacings in m, angles in rad, as everywhere in the package; :meth:`Cell.from_angstrom` takes what
    crystallographers write, angstrom and degrees.

Accuracy
    float64: relative errors of 1e-15 times the condition of the metric, 1e-13 for the most oblique cells in use.
    A certified edge is good to 1e-6 to 2e-5 and holds at its temperature: Si expands by 2.6e-6, LaB6 by 6e-6,
    Al2O3 by 5e-6 to 6e-6, CeO2 by 1.1e-5, NaCl by 4e-5 per kelvin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from azimuthal._validate import positive_number
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.typing import FloatArray

__all__ = ["ANGSTROM", "Cell"]

#: One angstrom in m.
ANGSTROM = 1e-10
_RIGHT = math.pi / 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A unit cell.

    Parameters
    ----------
    a, b, c:
        Edges in m.
    alpha, beta, gamma:
        Angles in rad.

    Raises
    ------
    ParameterError
        Not positive and finite; edges above 1e-6 m (angstrom given as metres); angles that no cell has.
    """

    a: float
    b: float
    c: float
    alpha: float = _RIGHT
    beta: float = _RIGHT
    gamma: float = _RIGHT

    def __post_init__(self) -> None:
        for name in ("a", "b", "c"):
            object.__setattr__(self, name, length(f"cell, {name}", getattr(self, name)))
        for name in ("alpha", "beta", "gamma"):
            angle = positive_number(f"cell, {name}", getattr(self, name), unit="rad")
            if angle >= math.pi:
                raise ParameterError(f"cell, {name}: expected radians below pi, got {angle}. Cell.from_angstrom takes "
                                     "degrees.")  # fmt: skip
            object.__setattr__(self, name, angle)
        if self._determinant_of_angles() <= 1e-12:
            degrees = ", ".join(f"{math.degrees(angle):g}" for angle in (self.alpha, self.beta, self.gamma))
            raise ParameterError(
                f"cell: the angles {degrees} degrees enclose no volume: each must be below the sum of the other two, "
                "and their sum below 360."
            )

    @classmethod
    def from_angstrom(
        cls,
        a: float,
        b: float | None = None,
        c: float | None = None,
        alpha: float = 90.0,
        beta: float = 90.0,
        gamma: float = 90.0,
    ) -> Cell:
        """Construct from angstrom and degrees; `b` and `c` are `a` where they are left out."""
        edges = [positive_number("cell, a", a, unit="angstrom")]
        edges += [
            edges[0] if edge is None else positive_number(f"cell, {name}", edge, unit="angstrom")
            for name, edge in (("b", b), ("c", c))
        ]
        angles = (
            math.radians(positive_number(f"cell, {name}", angle, unit="degrees"))
            for name, angle in (("alpha", alpha), ("beta", beta), ("gamma", gamma))
        )
        return cls(*(edge * ANGSTROM for edge in edges), *angles)

    @classmethod
    def cubic(cls, a: float) -> Cell:
        """Return a cell with ``a = b = c`` and right angles; m."""
        return cls(a, a, a)

    @classmethod
    def tetragonal(cls, a: float, c: float) -> Cell:
        """Return a cell with ``a = b`` and right angles; m."""
        return cls(a, a, c)

    @classmethod
    def orthorhombic(cls, a: float, b: float, c: float) -> Cell:
        """Return a cell with right angles; m."""
        return cls(a, b, c)

    @classmethod
    def hexagonal(cls, a: float, c: float) -> Cell:
        """Return a cell with ``a = b`` and ``gamma`` 120 degrees; m. Also for trigonal crystals in hexagonal axes."""
        return cls(a, a, c, gamma=2 * math.pi / 3)

    @classmethod
    def rhombohedral(cls, a: float, alpha: float) -> Cell:
        """Return a cell with ``a = b = c`` and three equal angles; m, rad."""
        return cls(a, a, a, alpha, alpha, alpha)

    @classmethod
    def monoclinic(cls, a: float, b: float, c: float, beta: float) -> Cell:
        """Return a cell with the unique axis b; m, rad."""
        return cls(a, b, c, beta=beta)

    @property
    def metric(self) -> FloatArray:
        """``G``, shape (3, 3), m^2."""
        edges = np.array([self.a, self.b, self.c])
        cosines = np.array([_cosine(self.gamma), _cosine(self.beta), _cosine(self.alpha)])
        angles = np.eye(3)
        angles[[0, 0, 1], [1, 2, 2]] = angles[[1, 2, 2], [0, 0, 1]] = cosines
        product: FloatArray = np.outer(edges, edges) * angles
        return product

    @property
    def reciprocal_metric(self) -> FloatArray:
        """``G* = G^-1``, shape (3, 3), 1/m^2."""
        # scaled, so that the inverse is of numbers about 1
        edges = np.array([self.a, self.b, self.c])
        scale = np.outer(edges, edges)
        inverse: FloatArray = np.linalg.inv(self.metric / scale) / scale
        return (inverse + inverse.T) / 2

    @property
    def volume(self) -> float:
        """m^3."""
        return self.a * self.b * self.c * math.sqrt(self._determinant_of_angles())

    def d_spacing(self, hkl: npt.ArrayLike) -> FloatArray:
        """Return the spacing of lattice planes.

        Parameters
        ----------
        hkl:
            Miller indices, shape ``(..., 3)``; (0, 0, 0) gives infinity.

        Returns
        -------
        :
            m, float64, shape ``(...)``.
        """
        indices = np.asarray(hkl, dtype=np.float64)
        if indices.ndim == 0 or indices.shape[-1] != 3:
            raise ShapeError(f"hkl: expected shape (..., 3), got {indices.shape}.")
        squares = np.einsum("...i,ij,...j->...", indices, self.reciprocal_metric, indices)
        with np.errstate(divide="ignore"):
            spacing: FloatArray = np.asarray(1.0 / np.sqrt(squares), dtype=np.float64)
        return spacing

    def _determinant_of_angles(self) -> float:
        alpha, beta, gamma = (_cosine(angle) for angle in (self.alpha, self.beta, self.gamma))
        return 1 - alpha**2 - beta**2 - gamma**2 + 2 * alpha * beta * gamma

    def __str__(self) -> str:
        edges = ", ".join(
            f"{name} {edge / ANGSTROM:.9g}" for name, edge in (("a", self.a), ("b", self.b), ("c", self.c))
        )
        angles = ", ".join(f"{math.degrees(angle):.6g}" for angle in (self.alpha, self.beta, self.gamma))
        return f"{edges} Å; {angles}°"


def length(parameter: str, value: float) -> float:
    """Return a length of atomic scale in m, or say that angstrom were given."""
    number = positive_number(parameter, value, unit="m")
    if number > 1e-6:
        raise ParameterError(
            f"{parameter}: expected metres (1 angstrom is 1e-10), got {number}. Multiply angstrom by 1e-10."
        )
    return number


def _cosine(angle: float) -> float:
    """Return the cosine, exactly 0 and -1/2 for 90 and 120 degrees."""
    degrees = round(math.degrees(angle), 9)
    return {90.0: 0.0, 120.0: -0.5, 60.0: 0.5}.get(degrees, math.cos(angle))
