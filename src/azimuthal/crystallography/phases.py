# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One substance of a calibrant: a crystal whose rings follow from its cell, or a list of spacings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from azimuthal.crystallography.cell import ANGSTROM, Cell, length
from azimuthal.crystallography.reflections import Reflections, reflections
from azimuthal.crystallography.space_groups import SpaceGroup
from azimuthal.errors import ParameterError
from azimuthal.typing import FloatArray

__all__ = ["SAME_SPACING", "Certificate", "Crystal", "Miller", "Phase", "Ring"]

Miller = tuple[int, int, int]

#: Spacings that differ by less than this part are one ring in any case: (3 0 0) and (2 2 1) of a cubic crystal.
SAME_SPACING = 1e-9


@dataclass(frozen=True, slots=True)
class Certificate:
    """Who vouches for the lattice, and at which temperature.

    Parameters
    ----------
    name:
        Such as ``"NIST SRM 660c"``.
    temperature:
        Of the certified lattice, degrees Celsius; None: not recorded here.
    uncertainty:
        Expanded (k = 2) uncertainty of the edge a, m; None: not recorded here.
    note:
        What else has to be known: what is certified, which revision.
    """

    name: str
    temperature: float | None = None
    uncertainty: float | None = None
    note: str = ""

    def __str__(self) -> str:
        at = "" if self.temperature is None else f" at {self.temperature:g} °C"
        within = "" if self.uncertainty is None else f", a ± {self.uncertainty / ANGSTROM:.3g} Å (k = 2)"
        note = f"; {self.note}" if self.note else ""
        return f"{self.name}{at}{within}{note}"


@dataclass(frozen=True, slots=True)
class Crystal:
    """What the rings of a crystal follow from.

    Parameters
    ----------
    cell, group:
        Unit cell and space group.
    sites:
        Fractional coordinates of one atom of each occupied position, for extinctions of special positions.
    observed:
        Miller indices of the rings that are strong enough to be seen, one of each ring, or None: all that symmetry
        allows.
    """

    cell: Cell
    group: SpaceGroup
    sites: tuple[tuple[float, float, float], ...] | None = None
    observed: tuple[Miller, ...] | None = None

    def reflections(self, d_min: float) -> Reflections:
        """Return the reflections with ``d >= d_min``, which is in m."""
        if self.observed is None:
            return reflections(self.cell, self.group, d_min, self.sites)
        seen = self.cell.d_spacing(self.observed)
        found = reflections(self.cell, self.group, float(max(d_min, seen.min())), self.sites)
        ratios = found.d_spacings[:, np.newaxis] / seen
        kept = (np.abs(ratios - 1) < SAME_SPACING).any(axis=1)
        return Reflections(found.hkl[kept], found.d_spacings[kept], found.multiplicities[kept])


@dataclass(frozen=True, slots=True)
class Ring:
    """One powder ring.

    Parameters
    ----------
    d_spacing:
        m.
    label:
        Miller indices in short, with the name of the phase where there are several: ``"111"``, ``"Si 111"``.
    multiplicity:
        Number of lattice planes in it, Friedel pairs included; 0: not known.
    hkl:
        Miller indices of one of each set of equivalent planes; empty: not known.
    intensity:
        Relative, as given by a file; NaN: not given.
    """

    d_spacing: float
    label: str
    multiplicity: int = 0
    hkl: tuple[Miller, ...] = ()
    intensity: float = math.nan


@dataclass(frozen=True, slots=True)
class Phase:
    """One substance.

    Parameters
    ----------
    name:
        It labels the rings of joined calibrants.
    d_min:
        Spacings below it are not listed unless they are asked for, m.
    crystal:
        Where the rings come from; None: from `lines`.
    lines:
        Rings that were given, where there is no crystal.
    description, source, certificate:
        What it is, where the numbers are from, and who vouches for them.
    """

    name: str
    d_min: float
    crystal: Crystal | None = None
    lines: tuple[Ring, ...] = ()
    description: str = ""
    source: str = ""
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        length("d_min", self.d_min)
        if self.crystal is None and not self.lines:
            raise ParameterError(f"calibrant {self.name}: expected at least one spacing, got none.")

    @property
    def goes_below_d_min(self) -> bool:
        """Whether smaller spacings can be computed."""
        return self.crystal is not None and self.crystal.observed is None

    def rings(self, d_min: float) -> tuple[Ring, ...]:
        """Return the rings with ``d >= d_min`` (m), in the order of decreasing spacing; equal spacings are one ring."""
        if self.crystal is None:
            return joined_where_equal([ring for ring in self.lines if ring.d_spacing >= d_min * (1 - 1e-12)])
        return _rings_of(self.crystal.reflections(d_min))


def joined_where_equal(rings: Sequence[Ring]) -> tuple[Ring, ...]:
    """Return rings in the order of decreasing spacing, those of the same spacing (to 1e-9) as one."""
    ordered = sorted(rings, key=lambda ring: -ring.d_spacing)
    starts = _starts(np.array([ring.d_spacing for ring in ordered]), SAME_SPACING)
    return tuple(
        one_ring(ordered[start:stop])
        for start, stop in itertools.pairwise([*starts, len(ordered)])
    )  # fmt: skip


def one_ring(group: Sequence[Ring]) -> Ring:
    """Return rings as one.

    Its spacing is their mean, weighted with the intensities where all are given, with the multiplicities where those
    are known, and with nothing otherwise. Multiplicities and intensities are summed where all are known.
    """
    if len(group) == 1:
        return group[0]
    spacings = np.array([ring.d_spacing for ring in group])
    multiplicities = np.array([ring.multiplicity for ring in group])
    intensities = np.array([ring.intensity for ring in group])
    weights = np.ones(len(group))
    known = bool(multiplicities.all())
    if known:
        weights = multiplicities.astype(np.float64)
    # intensities in files are those of whole rings: multiplicities are in them already
    if np.isfinite(intensities).all() and intensities.sum() > 0:
        weights = intensities
    same = np.ptp(spacings) <= SAME_SPACING * spacings[0]
    return Ring(
        float(spacings[0] if same else np.average(spacings, weights=weights)),
        " + ".join(dict.fromkeys(ring.label for ring in group)),
        int(multiplicities.sum()) if known else 0,
        tuple(itertools.chain.from_iterable(ring.hkl for ring in group)),
        float(intensities.sum()),
    )


def groups_within(rings: Sequence[Ring], resolution: float) -> list[tuple[Ring, ...]]:
    """Return rings in groups: between two groups the relative difference of spacings is at least `resolution`."""
    starts = _starts(np.array([ring.d_spacing for ring in rings]), resolution)
    return [tuple(rings[start:stop]) for start, stop in itertools.pairwise([*starts, len(rings)])]


def label_of(hkl: Sequence[Miller]) -> str:
    """Return indices in short: ``"300/221"``, with blanks where a number is negative or has two digits.

    Of more than three sets the first two are named.
    """
    named = hkl if len(hkl) <= 3 else hkl[:2]
    texts = [("" if all(0 <= part <= 9 for part in one) else " ").join(map(str, one)) for one in named]
    return "/".join([*texts, "..."] if len(hkl) > 3 else texts)


def _rings_of(found: Reflections) -> tuple[Ring, ...]:
    starts = _starts(found.d_spacings, SAME_SPACING)
    miller = [(int(h), int(k), int(l)) for h, k, l in found.hkl]  # noqa: E741
    rings = []
    for start, stop in itertools.pairwise([*starts, len(found)]):
        sets = tuple(miller[start:stop])
        multiplicity = int(found.multiplicities[start:stop].sum())
        rings.append(Ring(float(found.d_spacings[start]), label_of(sets), multiplicity, sets))
    return tuple(rings)


def _starts(spacings: FloatArray, resolution: float) -> list[int]:
    """Return where groups of decreasing spacings begin."""
    if not len(spacings):
        return []
    far = spacings[:-1] - spacings[1:] > resolution * spacings[:-1]
    return [0, *(np.flatnonzero(far) + 1).tolist()]
