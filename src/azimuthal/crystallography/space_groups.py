# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The 230 space groups: symmetry operations, and the reflections that symmetry extinguishes.

Definition
    An operation ``x' = R x + t`` of the group turns the structure factor of ``h`` into that of ``h R``::

        F(h) = F(h R) exp(2 pi i h t)

    Where ``h R = h`` and ``h t`` is no integer, ``F(h) = -F(h)`` or the like, so that ``F(h) = 0``: the reflection is
    absent whatever the atoms are. All *reflection conditions* of International Tables A (lattice centring, glide
    planes, screw axes) are this one sentence, applied to every operation; no list of conditions is kept.

    Atoms at special positions may extinguish more: (2 2 2) of silicon. :meth:`SpaceGroup.absent` takes the occupied
    sites: a reflection is absent also where the sum of ``exp(2 pi i h (R x + t))`` over the operations is zero for
    every site ``x``.

    The multiplicity of a powder ring counts ``h R`` over the point group with inversion (Friedel pairs coincide in
    a powder).

Source
    Hall symbols of all 564 settings in use (``data/space_groups.txt``, written by ``tools/make_space_group_table.py``
    from gemmi), expanded by :mod:`azimuthal.crystallography._hall`. International Tables for Crystallography A (2016),
    doi:10.1107/97809553602060000114.

Limits
    Anomalous scattering, bonding electrons and anharmonic motion give forbidden reflections a little intensity (Si
    (2 2 2), 1e-3 of (1 1 1)); multiple scattering does in single crystals.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt

from azimuthal._validate import unknown_name
from azimuthal.crystallography._hall import TRANSLATION_STEPS, operations_of_hall
from azimuthal.errors import DataTypeError, ShapeError, UnknownNameError
from azimuthal.typing import BoolArray, FloatArray, IntArray

__all__ = ["SpaceGroup", "space_group", "space_group_names"]

_SYSTEMS = (
    (2, "triclinic"), (15, "monoclinic"), (74, "orthorhombic"), (142, "tetragonal"), (167, "trigonal"),
    (194, "hexagonal"), (230, "cubic"),
)  # fmt: skip
#: Below this part of the number of operations a sum of phases is zero.
_CANCELLED = 1e-6


@dataclass(frozen=True, slots=True)
class SpaceGroup:
    """A space group in one setting.

    Parameters
    ----------
    number:
        1 to 230.
    symbol:
        Hermann-Mauguin symbol with its setting, such as ``"F d -3 m:2"``.
    hall:
        Hall symbol; it defines the operations.
    """

    number: int
    symbol: str
    hall: str

    @property
    def system(self) -> str:
        """The crystal system, one of seven."""
        return next(name for last, name in _SYSTEMS if self.number <= last)

    @property
    def centring(self) -> str:
        """The lattice letter: P, A, B, C, I, F or R (P also for rhombohedral axes)."""
        return self.hall.lstrip("-")[0]

    @property
    def operations(self) -> tuple[IntArray, FloatArray]:
        """Rotations, shape (n, 3, 3), and translations in parts of the edges, shape (n, 3)."""
        rotations, translations = _operations(self.hall)
        return rotations, translations / TRANSLATION_STEPS

    def absent(self, hkl: npt.ArrayLike, sites: npt.ArrayLike | None = None) -> BoolArray:
        """Say which reflections symmetry extinguishes.

        Parameters
        ----------
        hkl:
            Miller indices, integers, shape ``(..., 3)``.
        sites:
            Fractional coordinates of one atom of every occupied position, shape ``(n, 3)``; None: any positions.

        Returns
        -------
        :
            True where the structure factor is zero; shape ``(...)``.
        """
        indices = miller_indices(hkl)
        result = np.zeros(indices.shape[:-1], dtype=np.bool_)
        for rotation, translation in zip(*_operations(self.hall), strict=True):
            moved = (indices @ translation) % TRANSLATION_STEPS != 0
            if moved.any():
                result |= moved & (indices @ rotation == indices).all(axis=-1)
        if sites is not None:
            result |= self._cancelled(indices, np.asarray(sites, dtype=np.float64).reshape(-1, 3))
        return result

    def absent_by_centring(self, hkl: npt.ArrayLike) -> BoolArray:
        """Say which reflections the centring of the lattice alone extinguishes; as :meth:`absent`."""
        indices = miller_indices(hkl)
        result = np.zeros(indices.shape[:-1], dtype=np.bool_)
        for rotation, translation in zip(*_operations(self.hall), strict=True):
            if (rotation == np.eye(3)).all():
                result |= (indices @ translation) % TRANSLATION_STEPS != 0
        return result

    def _cancelled(self, indices: IntArray, sites: FloatArray) -> BoolArray:
        """Return whether the atoms of every site cancel among themselves."""
        result = np.ones(indices.shape[:-1], dtype=np.bool_)
        for site in sites:
            positions = self._orbit(site)
            total = np.zeros(indices.shape[:-1], dtype=np.complex128)
            for position in positions:
                total += np.exp(2j * np.pi * (indices @ position))
            result &= np.abs(total) < _CANCELLED * len(positions)
        return result

    def _orbit(self, site: FloatArray) -> FloatArray:
        """Return the equivalent positions of a site within the cell, each once."""
        rotations, translations = self.operations
        positions = rotations @ site + translations
        _, first = np.unique(np.round(positions % 1.0, 6) % 1.0, axis=0, return_index=True)
        found: FloatArray = positions[first]
        return found

    def laue_rotations(self) -> IntArray:
        """Return the distinct rotations with those times -1, shape (n, 3, 3)."""
        return _laue_rotations(self.hall)

    def __str__(self) -> str:
        return f"{self.symbol.replace(' ', '')} ({self.number})"


def space_group(name: str | int | SpaceGroup) -> SpaceGroup:
    """Return a space group.

    Parameters
    ----------
    name:
        Number (the reference setting of International Tables) or Hermann-Mauguin symbol: ``225``, ``"Fm-3m"``,
        ``"F d -3 m:1"``, ``"P21/c"``, ``"R-3c:R"``; spaces, underscores and case do not matter, nor does the bar of
        ``"Fm3m"``. Without a setting the reference setting is meant: the second origin, hexagonal axes.

    Raises
    ------
    UnknownNameError
        No such group.
    DataTypeError
        Neither a number nor a name.
    """
    if isinstance(name, SpaceGroup):
        return name
    if isinstance(name, str) and not name.strip().isdigit():
        found = _by_symbol().get(_folded(name))
        if found is None:
            raise unknown_name("space group", name, (one.symbol for one, _ in _table()),
                               hint="A number from 1 to 230 works too.")  # fmt: skip
        return found
    if isinstance(name, bool) or not isinstance(name, (int, str, np.integer)):
        raise DataTypeError(f"space group: expected a number from 1 to 230 or a symbol, got {name!r}.")
    number = int(name)
    if not 1 <= number <= 230:
        raise UnknownNameError(f"space group: expected a number from 1 to 230, got {number}.")
    return _by_number()[number]


def space_group_names() -> tuple[str, ...]:
    """Return the symbols of all settings, in the order of their numbers."""
    return tuple(sorted((one.symbol for one, _ in _table()), key=lambda symbol: _by_symbol()[_folded(symbol)].number))


def miller_indices(hkl: npt.ArrayLike) -> IntArray:
    """Return indices as int64, shape ``(..., 3)``; fractions are refused."""
    indices = np.asarray(hkl)
    if indices.ndim == 0 or indices.shape[-1] != 3:
        raise ShapeError(f"hkl: expected shape (..., 3), got {indices.shape}.")
    whole = indices.astype(np.int64)
    if (whole != indices).any():
        raise DataTypeError("hkl: expected integers, got fractions.")
    return whole


@functools.lru_cache(maxsize=64)
def _operations(hall: str) -> tuple[IntArray, IntArray]:
    rotations, translations = operations_of_hall(hall)
    rotations.flags.writeable = translations.flags.writeable = False
    return rotations, translations


@functools.lru_cache(maxsize=64)
def _laue_rotations(hall: str) -> IntArray:
    rotations, _ = _operations(hall)
    distinct: IntArray = np.unique(np.concatenate([rotations, -rotations]).reshape(-1, 9), axis=0).reshape(-1, 3, 3)
    distinct.flags.writeable = False
    return distinct


@functools.lru_cache(maxsize=1)
def _lines() -> tuple[tuple[str, ...], ...]:
    path = resources.files("azimuthal.crystallography") / "data" / "space_groups.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split("|")) for line in lines if not line.startswith("#"))


@functools.lru_cache(maxsize=1)
def _table() -> tuple[tuple[SpaceGroup, str], ...]:
    """Return every setting with its short symbol."""
    return tuple((SpaceGroup(int(line[0]), line[1], line[3]), line[2]) for line in _lines())


@functools.lru_cache(maxsize=1)
def _by_number() -> dict[int, SpaceGroup]:
    return {one.number: one for (one, _), line in zip(_table(), _lines(), strict=True) if line[4]}


@functools.lru_cache(maxsize=1)
def _by_symbol() -> dict[str, SpaceGroup]:
    """Return the settings by every spelling; what is written first wins, so the most exact spelling is."""
    reference = _by_number()
    found: dict[str, SpaceGroup] = {}
    for one, _ in _table():
        found.setdefault(_folded(one.symbol), one)
    for pick_reference in (True, False):
        for one, short in _table():
            if pick_reference != (one == reference[one.number]):
                continue
            bare = _folded(one.symbol.partition(":")[0])
            for spelling in (bare, _folded(short), _folded(short.partition(":")[0])):
                found.setdefault(spelling, one)
                if one.system == "cubic":
                    found.setdefault(spelling.replace("-3", "3"), one)
    return found


def _folded(symbol: str) -> str:
    return "".join(character for character in symbol.casefold() if character not in " _")
