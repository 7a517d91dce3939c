# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""All reflections of a crystal down to a spacing, one of each symmetry-equivalent set.

Method
    ``|h| <= a / d_min`` and so on bound the indices (``h`` is the scalar product of the edge ``a`` with the reciprocal
    vector, whose length is ``1 / d``). Of a set of equivalent reflections (Laue group) the one with the fewest
    negative indices, then the largest ``h``, ``k``, ``l`` stands for all; the multiplicity is the order of the Laue
    group over that of the stabiliser of ``h``.

Cost
    Proportional to ``V / d_min^3`` times the order of the Laue group: LaB6 to 0.1 angstrom (1441 rings) takes 0.5 s.
    More than 5e7 indices are refused.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from azimuthal.crystallography.cell import ANGSTROM, Cell, length
from azimuthal.crystallography.space_groups import SpaceGroup
from azimuthal.errors import ParameterError
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["Reflections", "reflections", "reflections_of"]

_MOST_INDICES = 10_000_000


@dataclass(frozen=True, eq=False, slots=True)
class Reflections:
    """Reflections in the order of decreasing spacing, one for each set of equivalent ones.

    Parameters
    ----------
    hkl:
        int64, shape (n, 3).
    d_spacings:
        m, float64, shape (n,).
    multiplicities:
        Number of equivalent reflections, Friedel pairs included; int64, shape (n,).
    """

    hkl: IntArray
    d_spacings: FloatArray
    multiplicities: IntArray

    def __len__(self) -> int:
        return len(self.d_spacings)


@functools.lru_cache(maxsize=128)
def reflections(
    cell: Cell, group: SpaceGroup, d_min: float, sites: tuple[tuple[float, float, float], ...] | None = None
) -> Reflections:
    """Return the reflections with ``d >= d_min`` that symmetry does not extinguish.

    Parameters
    ----------
    cell:
        Unit cell.
    group:
        Space group; ``space_group(1)`` extinguishes nothing.
    d_min:
        Smallest spacing in m, itself included (to 1e-12).
    sites:
        One atom of each occupied position, for extinctions of special positions; None: none of those.

    Raises
    ------
    ParameterError
        `d_min` is so small for this cell that more than 5e7 indices would have to be tried.
    """
    smallest = length("d_min", d_min) * (1 - 1e-12)
    indices = _indices_within(cell, smallest)
    # What stands for its set has one negative index at most: its Friedel mate has the others.
    indices = indices[(_negative(indices) < 2) & (indices != 0).any(axis=1)]
    indices = indices[~group.absent_by_centring(indices)]
    indices = indices[_stands_for_its_set(indices, group)]
    indices = indices[~group.absent(indices, sites)]
    return reflections_of(cell, group, indices)


def reflections_of(cell: Cell, group: SpaceGroup, hkl: IntArray) -> Reflections:
    """Return given reflections, shape (n, 3), with spacing and multiplicity, in the order of decreasing spacing."""
    spacings = cell.d_spacing(hkl)
    rotations = group.laue_rotations()
    stabiliser = np.zeros(len(hkl), dtype=np.int64)
    for rotation in rotations:
        stabiliser += (hkl @ rotation == hkl).all(axis=1)
    order = np.lexsort((*(-hkl.T[::-1]), -np.round(spacings / spacings.max(initial=ANGSTROM), 12)))
    found = Reflections(hkl[order], spacings[order], len(rotations) // stabiliser[order])
    for array in (found.hkl, found.d_spacings, found.multiplicities):
        array.flags.writeable = False
    return found


def _indices_within(cell: Cell, smallest: float) -> IntArray:
    limits = [int(np.floor(edge / smallest)) for edge in (cell.a, cell.b, cell.c)]
    count = np.prod([2.0 * limit + 1 for limit in limits])
    if count > _MOST_INDICES:
        raise ParameterError(
            f"d_min: {smallest / ANGSTROM:.4g} angstrom would need {count:.2g} indices for the cell {cell}; "
            f"at most {_MOST_INDICES:.0e} are tried. Choose a larger d_min or a smaller two-theta."
        )
    planes = []
    k, l = np.meshgrid(*(np.arange(-limit, limit + 1) for limit in limits[1:]), indexing="ij")  # noqa: E741
    for h in range(-limits[0], limits[0] + 1):
        plane = np.stack([np.full(k.size, h), k.ravel(), l.ravel()], axis=1)
        planes.append(plane[cell.d_spacing(plane) >= smallest])
    return np.concatenate(planes)


def _stands_for_its_set(indices: IntArray, group: SpaceGroup) -> BoolArray:
    """Return whether no equivalent reflection has a larger key."""
    span = 2 * int(np.abs(indices).max(initial=0)) + 1
    # Equivalent indices of one cell are bounded by the same sphere, but not by the largest index that was found.
    span *= 8
    result = np.ones(len(indices), dtype=np.bool_)
    own = _key(indices, span)
    for rotation in group.laue_rotations():
        left = np.flatnonzero(result)
        result[left] = _key(indices[left] @ rotation, span) <= own[left]
    return result


def _key(indices: IntArray, span: int) -> IntArray:
    half = span // 2
    h, k, l = indices.T  # noqa: E741
    key: IntArray = (((3 - _negative(indices)) * span + h + half) * span + k + half) * span + l + half
    return key


def _negative(indices: IntArray) -> IntArray:
    """Return how many indices of each are negative."""
    h, k, l = indices.T < 0  # noqa: E741
    count: IntArray = h.astype(np.int64) + k + l
    return count
