# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Calibrants: substances whose rings are known.

A :class:`Calibrant` is immutable. The wavelength is an argument, never a part of it. Its rings come from a crystal
(cell, space group, occupied positions) or from a list, of one phase or of several.

Which rings
    Without a limit, those down to the smallest spacing of the phase (:attr:`Calibrant.d_min`). An explicit `d_min` may
    be smaller where the rings follow from a crystal; a list ends where it ends. With a wavelength, the rings that
    diffract below ``max``: ``d >= wavelength / (2 sin(max / 2))``.

Rings that overlap
    Equal spacings (to 1e-9) are one ring, (3 0 0) and (2 2 1) of a cubic crystal. Others are kept apart, unless
    :meth:`Calibrant.with_resolution` says what an instrument cannot separate: then groups of rings (chains of
    neighbours closer than the resolution) become one ring at their weighted mean, or are left out.

Intensities
    Only what files give. Nothing is computed: a ring that symmetry allows may be too weak to be seen. For substances
    where that matters (quartz, graphite, vanadinite, ...) the catalogue lists the lines that are observed, and
    ``calibrant(name, weak=True)`` gives all that symmetry allows.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from azimuthal._validate import finite_number, one_of, positive_number
from azimuthal.crystallography.cell import ANGSTROM, Cell, length
from azimuthal.crystallography.phases import Crystal, Phase, Ring, groups_within, joined_where_equal, one_ring
from azimuthal.crystallography.space_groups import SpaceGroup, space_group
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.typing import FloatArray, IntArray, PathLike

__all__ = ["Calibrant", "Overlapping"]

Overlapping: TypeAlias = Literal["merge", "drop"]
_OVERLAPPING: tuple[Overlapping, ...] = ("merge", "drop")


@dataclass(frozen=True, slots=True)
class Calibrant:
    """Rings of one or several substances.

    Parameters
    ----------
    name:
        Name in the catalogue, or of the file.
    phases:
        The substances.
    resolution:
        Relative difference of spacings that is needed to tell two rings apart; None: they are all kept.
    overlapping:
        ``"merge"``: rings that cannot be told apart become one; ``"drop"``: they are left out.

    Examples
    --------
    >>> import azimuthal as az
    >>> lab6 = az.calibrant("LaB6")
    >>> [ring.label for ring in lab6.rings(d_min=1.8e-10)]
    ['100', '110', '111', '200', '210']
    >>> len(lab6.two_theta(1e-10))
    59
    """

    name: str
    phases: tuple[Phase, ...]
    resolution: float | None = None
    overlapping: Overlapping = "merge"

    def __post_init__(self) -> None:
        if not self.phases:
            raise ParameterError(f"calibrant {self.name}: expected at least one phase, got none.")
        one_of("overlapping", self.overlapping, _OVERLAPPING)
        if self.resolution is not None and not 0 <= finite_number("resolution", self.resolution) < 1:
            raise ParameterError(
                f"resolution: expected the relative difference of two spacings, 0 to 1, got {self.resolution}."
            )

    @classmethod
    def from_cell(
        cls,
        cell: Cell,
        space_group_name: str | int | SpaceGroup = 1,
        *,
        name: str = "own cell",
        d_min: float = 0.5e-10,
        sites: Iterable[Sequence[float]] | None = None,
        source: str = "",
    ) -> Calibrant:
        """Construct from a unit cell.

        Parameters
        ----------
        cell:
            For example ``Cell.cubic(4.156826e-10)``.
        space_group_name:
            Number or symbol; 1 (P1) extinguishes nothing.
        name:
            Its name.
        d_min:
            Smallest spacing that is listed without being asked for, m.
        sites:
            Fractional coordinates of one atom of each occupied position, where those extinguish more: [(0, 0, 0)] for
            diamond with the group ``"Fd-3m:1"``.
        source:
            Where the cell is from.
        """
        if not isinstance(cell, Cell):
            raise DataTypeError(f"cell: expected a Cell, such as Cell.cubic(4.1568e-10), got {cell!r}.")
        positions = None if sites is None else tuple((float(x), float(y), float(z)) for x, y, z in sites)
        crystal = Crystal(cell, space_group(space_group_name), positions)
        return cls(name, (Phase(name, d_min, crystal, source=source),))

    @classmethod
    def from_d_spacings(cls, d_spacings: npt.ArrayLike, *, name: str = "own list", source: str = "") -> Calibrant:
        """Construct from spacings in m, in any order."""
        spacings = np.asarray(d_spacings, dtype=np.float64)
        if spacings.ndim != 1 or not spacings.size:
            raise ShapeError(f"d_spacings: expected a list of at least one spacing, got shape {spacings.shape}.")
        checked = sorted((length(f"d_spacings[{i}]", one) for i, one in enumerate(spacings)), reverse=True)
        lines = tuple(Ring(one, f"d = {one / ANGSTROM:.4f} Å") for one in checked)
        return cls(name, (Phase(name, checked[-1], lines=lines, source=source),))

    @classmethod
    def from_d_file(cls, path: PathLike) -> Calibrant:
        """Read a ``.D`` file; see :mod:`azimuthal.crystallography.d_files`."""
        from azimuthal.crystallography.d_files import read_d_file

        return cls(*read_d_file(path))

    @classmethod
    def from_cif(cls, path: PathLike, *, block: str | None = None, d_min: float = 0.5e-10) -> Calibrant:
        """Read cell and symmetry from a CIF, with gemmi; see :mod:`azimuthal.crystallography.cif`.

        Parameters
        ----------
        path:
            The file.
        block:
            Name of the data block, where several have a cell.
        d_min:
            Smallest spacing that is listed without being asked for, m.
        """
        from azimuthal.crystallography.cif import read_cif

        return cls(*read_cif(path, block=block, d_min=d_min))

    def to_d_file(self, path: PathLike, *, d_min: float | None = None, force: bool = False) -> None:
        """Write a ``.D`` file, which pyFAI reads too; `force` replaces an existing file."""
        from azimuthal.crystallography.d_files import write_d_file

        write_d_file(self, path, d_min=d_min, force=force)

    def __add__(self, other: Calibrant) -> Calibrant:
        """Return both in one; labels of rings carry the name of their phase.

        A resolution is that of the left one, unless it has none.
        """
        if not isinstance(other, Calibrant):
            return NotImplemented
        stricter = self if self.resolution is not None else other
        return Calibrant(
            f"{self.name} + {other.name}", (*self.phases, *other.phases), stricter.resolution, stricter.overlapping
        )

    def with_resolution(self, resolution: float | None, *, overlapping: Overlapping = "merge") -> Calibrant:
        """Return it with rings merged or dropped that are closer than `resolution` (relative difference of d)."""
        return replace(self, resolution=resolution, overlapping=overlapping)

    def with_d_min(self, d_min: float) -> Calibrant:
        """Return it with another smallest spacing, m; lists are cut, and do not grow."""
        limit = length("d_min", d_min)
        phases = tuple(replace(phase, d_min=max(limit, _end(phase))) for phase in self.phases)
        return replace(self, phases=phases)

    @property
    def d_min(self) -> float:
        """Smallest spacing that is listed without being asked for, m."""
        return min(phase.d_min for phase in self.phases)

    def rings(self, d_min: float | None = None) -> tuple[Ring, ...]:
        """Return the rings in the order of decreasing spacing.

        Parameters
        ----------
        d_min:
            Smallest spacing, m; None: :attr:`d_min` of each phase.

        Raises
        ------
        ParameterError
            `d_min` is not a length in m, or so small that more than 5e7 indices would have to be tried.
        """
        return _rings(self, None if d_min is None else length("d_min", d_min))

    def rings_at(self, wavelength: float, max: float = math.pi) -> tuple[Ring, ...]:  # the field's word
        """Return the rings that diffract at a wavelength (m) with a two-theta of at most `max` (rad)."""
        limit = length("wavelength", wavelength) / (2 * math.sin(_half_angle(max)))
        # to a limit of few values, a little beyond: what is computed for one wavelength serves its neighbours
        beyond = 2.0 ** (math.floor(8 * math.log2(limit)) / 8)
        phases = tuple(replace(phase, d_min=_larger(beyond, phase.d_min)) for phase in self.phases)
        rings = _rings(replace(self, phases=phases), None)
        return tuple(ring for ring in rings if ring.d_spacing >= limit * (1 - 1e-12))

    def d_spacings(self, d_min: float | None = None) -> FloatArray:
        """Return the spacings of :meth:`rings`: m, float64, decreasing."""
        return np.array([ring.d_spacing for ring in self.rings(d_min)], dtype=np.float64)

    def two_theta(self, wavelength: float, max: float = math.pi) -> FloatArray:  # the field's word
        """Return ``2 arcsin(wavelength / (2 d))`` of :meth:`rings_at`: rad, float64, increasing.

        Parameters
        ----------
        wavelength:
            m.
        max:
            Largest two-theta, rad.
        """
        spacings = np.array([ring.d_spacing for ring in self.rings_at(wavelength, max)], dtype=np.float64)
        angles: FloatArray = 2 * np.arcsin(np.minimum(wavelength / (2 * spacings), 1.0))
        return angles

    @property
    def multiplicities(self) -> IntArray:
        """Number of lattice planes of each of :meth:`rings`, 0 where it is not known."""
        return np.array([ring.multiplicity for ring in self.rings()], dtype=np.int64)

    @property
    def hkl(self) -> tuple[tuple[tuple[int, int, int], ...], ...]:
        """Miller indices of each of :meth:`rings`: of one of each set of equivalent planes."""
        return tuple(ring.hkl for ring in self.rings())

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each of :meth:`rings`."""
        return tuple(ring.label for ring in self.rings())

    @property
    def intensities(self) -> FloatArray:
        """Relative intensity of each of :meth:`rings`, NaN where none is given."""
        return np.array([ring.intensity for ring in self.rings()], dtype=np.float64)

    @property
    def certificate(self) -> str:
        """Who vouches for the lattice, in words; empty: nobody."""
        return "; ".join(str(phase.certificate) for phase in self.phases if phase.certificate is not None)

    @property
    def source(self) -> str:
        """Where the numbers are from."""
        return "; ".join(phase.source for phase in self.phases if phase.source)

    @property
    def description(self) -> str:
        """What it is."""
        return " + ".join(phase.description or phase.name for phase in self.phases)

    def __str__(self) -> str:
        return self.name


def _half_angle(largest: float) -> float:
    angle = positive_number("max", largest, unit="rad")
    if angle > math.pi * (1 + 1e-12):
        raise ParameterError(f"max: expected a two-theta in rad, at most pi, got {angle}. Use math.radians(...).")
    return min(angle, math.pi) / 2


def _end(phase: Phase) -> float:
    """Return the smallest spacing that can be had of a phase."""
    return 0.0 if phase.goes_below_d_min else phase.d_min


def _larger(one: float, other: float) -> float:
    return one if one > other else other


@functools.lru_cache(maxsize=64)
def _rings(calibrant: Calibrant, d_min: float | None) -> tuple[Ring, ...]:
    several = len(calibrant.phases) > 1
    rings = [
        replace(ring, label=f"{phase.name} {ring.label}") if several else ring
        for phase in calibrant.phases
        for ring in phase.rings(phase.d_min if d_min is None else d_min)
    ]
    joined = joined_where_equal(rings)
    if calibrant.resolution is None:
        return joined
    groups = groups_within(joined, calibrant.resolution)
    if calibrant.overlapping == "drop":
        return tuple(group[0] for group in groups if len(group) == 1)
    return tuple(one_ring(group) for group in groups)
