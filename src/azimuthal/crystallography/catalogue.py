# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The calibrants that come with the package (``data/calibrants.toml``), by name; and files, and sums of both."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._validate import unknown_name
from azimuthal.crystallography.calibrants import Calibrant, Overlapping
from azimuthal.crystallography.cell import ANGSTROM, Cell
from azimuthal.crystallography.phases import Certificate, Crystal, Miller, Phase, Ring, label_of
from azimuthal.crystallography.space_groups import space_group
from azimuthal.errors import DataTypeError
from azimuthal.typing import PathLike

__all__ = ["calibrant", "calibrant_aliases", "calibrant_names"]

_FIELDS = ("name", "description", "aliases", "cell", "space_group", "sites", "d_min", "observed", "orders", "spacings",
           "certificate", "source")  # fmt: skip
_HINT = "A file (.D, .cif) or a sum such as 'CeO2 + Si' works too."


def calibrant(
    name: PathLike | Calibrant,
    *,
    d_min: float | None = None,
    resolution: float | None = None,
    overlapping: Overlapping = "merge",
    weak: bool = False,
) -> Calibrant:
    """Return a calibrant by name, from a file, or several at once.

    Parameters
    ----------
    name:
        Name or alias of the catalogue, where case, blanks, ``_``, ``-`` and the words NIST and SRM do not matter
        (``"LaB6"``, ``"lab6 660c"``, ``"silicon"``); path of a ``.D`` file or a CIF; several joined by ``+``
        (``"CeO2 + Si"``).
    d_min:
        Smallest spacing that is listed without being asked for, m.
    resolution, overlapping:
        See :meth:`Calibrant.with_resolution`.
    weak:
        Whether rings that symmetry allows, but that are too weak to be observed, are listed too.

    Raises
    ------
    UnknownNameError
        Not in the catalogue, and no file.
    FileMissingError, FileFormatError
        See :meth:`Calibrant.from_d_file` and :meth:`Calibrant.from_cif`.

    Examples
    --------
    >>> import azimuthal as az
    >>> az.calibrant("CeO2 + Si").labels[:3]
    ('Si 111', 'CeO2 111', 'CeO2 200')
    >>> az.calibrant("LaB6 660c").certificate
    'NIST SRM 660c at 22.5 °C, a ± 8e-05 Å (k = 2)'
    """
    found = _found(name)
    if weak:
        found = replace(found, phases=tuple(_with_weak(phase) for phase in found.phases))
    if d_min is not None:
        found = found.with_d_min(d_min)
    return found if resolution is None else found.with_resolution(resolution, overlapping=overlapping)


def calibrant_names() -> tuple[str, ...]:
    """Return the names of the catalogue, in alphabetical order."""
    return tuple(sorted(_catalogue(), key=str.casefold))


def calibrant_aliases(name: str) -> tuple[str, ...]:
    """Return the other names of a calibrant of the catalogue."""
    return tuple(_records()[name].get("aliases", ()))


def _found(name: PathLike | Calibrant) -> Calibrant:
    if isinstance(name, Calibrant):
        return name
    if isinstance(name, Path):
        return _from_file(name)
    if not isinstance(name, str):
        raise DataTypeError(f"calibrant: expected a name or a path, got {name!r}.")
    known = _by_folded_name().get(_folded(name))
    if known is not None:
        return _catalogue()[known]
    path = Path(name)
    if path.is_file() or (path.suffix.casefold() in (".d", ".cif") and "+" not in name):
        return _from_file(path)
    if "+" in name:
        parts = [_found(part.strip()) for part in name.split("+")]
        return functools.reduce(lambda one, other: one + other, parts)
    aliases = [alias for one in _records() for alias in (one, *calibrant_aliases(one))]
    raise unknown_name("calibrant", name, aliases, hint=_HINT)


def _from_file(path: Path) -> Calibrant:
    return Calibrant.from_cif(path) if path.suffix.casefold() == ".cif" else Calibrant.from_d_file(path)


def _with_weak(phase: Phase) -> Phase:
    return phase if phase.crystal is None else replace(phase, crystal=replace(phase.crystal, observed=None))


@functools.lru_cache(maxsize=1)
def _records() -> dict[str, dict[str, Any]]:
    path = resources.files("azimuthal.crystallography") / "data" / "calibrants.toml"
    records = tomllib.loads(path.read_text(encoding="utf-8"))["calibrant"]
    return {record["name"]: record for record in records}


@functools.lru_cache(maxsize=1)
def _catalogue() -> dict[str, Calibrant]:
    return {name: _from_record(record) for name, record in _records().items()}


@functools.lru_cache(maxsize=1)
def _by_folded_name() -> dict[str, str]:
    found = {_folded(name): name for name in _records()}
    for name, record in _records().items():
        for alias in record.get("aliases", ()):
            found.setdefault(_folded(alias), name)
    return found


def _folded(name: str) -> str:
    bare = "".join(character for character in name.casefold() if character.isalnum() or character == "+")
    return bare.replace("nist", "").replace("srm", "") or bare


def _from_record(record: Mapping[str, Any]) -> Calibrant:
    for key in record:
        if key not in _FIELDS:
            raise unknown_name(f"calibrant {record['name']}, field", key, _FIELDS)
    name = record["name"]
    crystal = _crystal(record) if "cell" in record else None
    lines = () if crystal else _lines(record)
    phase = Phase(
        name,
        record["d_min"] * ANGSTROM if crystal else lines[-1].d_spacing,
        crystal,
        lines,
        record["description"],
        record["source"],
        _certificate(record["certificate"]) if "certificate" in record else None,
    )
    return Calibrant(name, (phase,))


def _crystal(record: Mapping[str, Any]) -> Crystal:
    sites = tuple((float(x), float(y), float(z)) for x, y, z in record.get("sites", ())) or None
    observed = tuple(_miller(text) for text in record.get("observed", ())) or None
    return Crystal(Cell.from_angstrom(**record["cell"]), space_group(record["space_group"]), sites, observed)


def _miller(text: str) -> Miller:
    h, k, l = (int(part) for part in text.split())  # noqa: E741
    return h, k, l


def _lines(record: Mapping[str, Any]) -> tuple[Ring, ...]:
    if "orders" in record:
        first = record["orders"]["spacing"] * ANGSTROM
        orders: list[tuple[Miller, ...]] = [((0, 0, n),) for n in range(1, record["orders"]["number"] + 1)]
        return tuple(Ring(first / hkl[0][2], label_of(hkl), 2, hkl) for hkl in orders)
    spacings = np.sort(np.array(record["spacings"], dtype=np.float64))[::-1]
    return tuple(Ring(float(one) * ANGSTROM, f"d = {one:.4f} Å") for one in spacings)


def _certificate(record: Mapping[str, Any]) -> Certificate:
    uncertainty = record.get("uncertainty")
    return Certificate(
        record["name"],
        record.get("temperature"),
        None if uncertainty is None else uncertainty * ANGSTROM,
        record.get("note", ""),
    )
