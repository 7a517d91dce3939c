# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cell, symmetry and occupied positions from a CIF, read by gemmi (the only module that imports it).

Symmetry is taken from the list of operations; without one, from the Hall symbol, the Hermann-Mauguin symbol, or the
number. A file that gives none is refused: which rings exist would be a guess. The positions of the atoms, which may
extinguish more reflections, are used only with operations or a Hall symbol: names do not tell the origin.

The syntax of CIF is that of International Tables G (2006), ch. 2.2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from azimuthal.crystallography.cell import Cell
from azimuthal.crystallography.phases import Crystal, Phase
from azimuthal.crystallography.space_groups import SpaceGroup
from azimuthal.errors import (
    AzimuthalError,
    FileFormatError,
    FileMissingError,
    MissingDependencyError,
    ParameterError,
    UnsupportedOptionError,
)
from azimuthal.typing import PathLike

__all__ = ["read_cif"]

_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz", "_space_group_symop.operation_xyz")
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_SYMBOL = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M", "_symmetry.space_group_name_H-M")
_NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number", "_symmetry.Int_Tables_number")
_CELL = tuple(
    (f"_cell_{name}", f"_cell.{name}")
    for name in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)


def read_cif(path: PathLike, *, block: str | None, d_min: float) -> tuple[str, tuple[Phase, ...]]:
    """Return name and phase of a CIF; see :meth:`Calibrant.from_cif`.

    Raises
    ------
    MissingDependencyError
        gemmi is not installed.
    FileMissingError, FileFormatError
        No such file; not a CIF (with the line), or without a cell or symmetry.
    ParameterError
        Several blocks have a cell and `block` names none of them.
    UnsupportedOptionError
        The operations are those of a setting without a name in the tables.
    """
    file = Path(path)
    gemmi = _gemmi()
    data = _block(_document(gemmi, file), block, file)
    where = f"{file}, data_{data.name}"
    group, origin_is_known = _group(gemmi, data, where)
    crystal = Crystal(_cell(gemmi, data, where), group, _sites(gemmi, data) if origin_is_known else None)
    title = _first(data, ("_chemical_name_mineral", "_chemical_name_common", "_chemical_formula_sum"))
    phase = Phase(file.stem, d_min, crystal, description=_bare(title), source=str(file))
    return file.stem, (phase,)


def _gemmi() -> Any:
    try:
        import gemmi
    except ImportError:
        raise MissingDependencyError(
            "calibrant: reading a CIF needs gemmi. Install it: pip install 'azimuthal[calibration]'"
        ) from None
    return gemmi


def _document(gemmi: Any, file: Path) -> Any:
    if not file.is_file():
        raise FileMissingError(f"calibrant: {file} does not exist.")
    try:
        return gemmi.cif.read_string(file.read_text(encoding="utf-8", errors="strict"))
    except UnicodeDecodeError:
        raise FileFormatError(f"{file}: expected a CIF, got bytes that are no text.") from None
    except (RuntimeError, ValueError) as error:
        raise FileFormatError(f"{file}: is no valid CIF: {str(error).removeprefix('string:')}") from None


def _block(document: Any, name: str | None, file: Path) -> Any:
    if name is not None:
        found = document.find_block(name)
        if found is None:
            known = ", ".join(repr(one.name) for one in document)
            raise ParameterError(f"block: {file} has no block {name!r}; it has {known or 'none'}.")
        return found
    with_cell = [one for one in document if _first(one, _CELL[0])]
    if not with_cell:
        raise FileFormatError(f"{file}: expected a cell (_cell_length_a ...), got none.")
    if len(with_cell) > 1:
        names = ", ".join(repr(one.name) for one in with_cell)
        raise ParameterError(f"block: {file} has several blocks with a cell, {names}; choose one with block=.")
    return with_cell[0]


def _cell(gemmi: Any, data: Any, where: str) -> Cell:
    values = []
    for tags in _CELL:
        text = _first(data, tags)
        number = gemmi.cif.as_number(text) if text else float("nan")
        if number != number:  # NaN
            raise FileFormatError(f"{where}: expected a number for {tags[0]}, got {text or 'nothing'}.")
        values.append(number)
    try:
        return Cell.from_angstrom(*values)
    except AzimuthalError as error:
        raise FileFormatError(f"{where}: {error}") from None


def _group(gemmi: Any, data: Any, where: str) -> tuple[SpaceGroup, bool]:
    """Return the group, and whether its origin is told."""
    for tag in _OPERATIONS:
        listed = [_bare(text) for text in data.find_values(tag)]
        if listed:
            return _named(_of_operations(gemmi, listed, where)), True
    hall = _bare(_first(data, _HALL))
    found = gemmi.find_spacegroup_by_ops(_expanded(gemmi, hall, where)) if hall else None
    if found is not None:
        return _named(found), True
    symbol = _bare(_first(data, _SYMBOL))
    found = gemmi.find_spacegroup_by_name(symbol) if symbol else None
    number = _bare(_first(data, _NUMBER))
    if found is None and number.isdigit() and 1 <= int(number) <= 230:
        found = gemmi.get_spacegroup_reference_setting(int(number))
    if found is None:
        given = symbol or hall or number
        raise FileFormatError(
            f"{where}: expected symmetry (operations, or a space group), got {repr(given) if given else 'none'}."
        )
    return _named(found), False


def _of_operations(gemmi: Any, listed: list[str], where: str) -> Any:
    try:
        operations = gemmi.GroupOps([gemmi.Op(text) for text in listed])
    except (RuntimeError, ValueError) as error:
        raise FileFormatError(f"{where}: a symmetry operation cannot be read: {error}") from None
    found = gemmi.find_spacegroup_by_ops(operations)
    if found is None:
        raise UnsupportedOptionError(
            f"{where}: its {len(listed)} symmetry operations are those of no setting in the tables. Transform it to a "
            "standard setting, or give cell and group to Calibrant.from_cell."
        )
    return found


def _expanded(gemmi: Any, hall: str, where: str) -> Any:
    try:
        return gemmi.symops_from_hall(hall)
    except (RuntimeError, ValueError) as error:
        raise FileFormatError(f"{where}: the Hall symbol {hall!r} cannot be read: {error}") from None


def _named(found: Any) -> SpaceGroup:
    return SpaceGroup(int(found.number), str(found.xhm()), str(found.hall))


def _sites(gemmi: Any, data: Any) -> tuple[tuple[float, float, float], ...] | None:
    """Return the coordinates of the atoms, or None where there are none or some are not known."""
    structure = gemmi.make_small_structure_from_block(data)
    sites = tuple((float(one.fract.x), float(one.fract.y), float(one.fract.z)) for one in structure.sites)
    known = all(part == part for site in sites for part in site)
    return sites if sites and known else None


def _first(data: Any, tags: tuple[str, ...]) -> str:
    for tag in tags:
        value = data.find_value(tag)
        if value is not None and _bare(value) not in ("?", ".", ""):
            return str(value)
    return ""


def _bare(text: str | None) -> str:
    """Return a CIF value without its quotes."""
    stripped = (text or "").strip()
    if stripped.startswith(";"):
        return stripped.strip(";").strip()
    return stripped[1:-1] if len(stripped) > 1 and stripped[0] in "'\"" and stripped[-1] == stripped[0] else stripped
