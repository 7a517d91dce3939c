# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Calibrants as ``.D`` files: one spacing a line, with comments.

Format (that of pyFAI)::

    # Calibrant: Lanthanum hexaboride (LaB6)
    # Cell: any text
    # Ref: any text
    4.15682600  # (1 0 0)     6 64.27
    2.93931985  # (1 1 0)    12 100.0

Spacings are in angstrom. After ``#`` may follow Miller indices in brackets, the multiplicity and the relative
intensity; the word ``weak`` stands for the intensity 0. Several spacings in one line are a bare list. The order does
not matter; rings are listed by decreasing spacing.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from azimuthal._pending_file import write_text
from azimuthal.crystallography.cell import ANGSTROM
from azimuthal.crystallography.phases import Miller, Phase, Ring, label_of
from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.typing import PathLike

if TYPE_CHECKING:
    from azimuthal.crystallography.calibrants import Calibrant

__all__ = ["read_d_file", "write_d_file"]

_HEADER = re.compile(r"#\s*(calibrant|cell|ref)\s*:\s*(.*)$", re.IGNORECASE)
_NOTE = re.compile(r"\(\s*(-?\d+)[\s,]+(-?\d+)[\s,]+(-?\d+)\s*\)\s*(\d+)?\s*([-+.\deE]+)?")
_SMALLEST, _LARGEST = 1e-3, 10_000.0  # angstrom


def read_d_file(path: PathLike) -> tuple[str, tuple[Phase, ...]]:
    """Return name and phase of a ``.D`` file.

    Raises
    ------
    FileMissingError
        There is no such file.
    FileFormatError
        A spacing is not a positive number, or there is none; the message names the line.
    """
    file = Path(path)
    facts: dict[str, str] = {}
    lines: list[Ring] = []
    for number, line in enumerate(_text(file).splitlines(), start=1):
        header = _HEADER.match(line.strip())
        if header:
            facts.setdefault(header[1].lower(), header[2].strip())
        else:
            values, _, comment = line.partition("#")
            lines += _rings_of_line(values.split(), comment, f"{file}, line {number}")
    if not lines:
        raise FileFormatError(f"{file}: expected spacings in angstrom, one a line, got none.")
    lines.sort(key=lambda ring: -ring.d_spacing)
    phase = Phase(
        file.stem,
        lines[-1].d_spacing,
        lines=tuple(lines),
        description=facts.get("calibrant", ""),
        source=facts.get("ref", "") or str(file),
    )
    return file.stem, (phase,)


def write_d_file(calibrant: Calibrant, path: PathLike, *, d_min: float | None, force: bool) -> None:
    """Write the rings of a calibrant; see :meth:`Calibrant.to_d_file`."""
    cells = "; ".join(str(phase.crystal.cell) for phase in calibrant.phases if phase.crystal is not None)
    header = (
        f"# Calibrant: {calibrant.description} ({calibrant.name})\n"
        f"# Cell: {cells or 'none'}\n"
        f"# Ref: {calibrant.certificate or calibrant.source or 'none'}\n\n"
        "# d_spacing  # (h k l)  mult intensity\n"
    )
    write_text(path, (header, *(_line(ring) for ring in calibrant.rings(d_min))), force=force)


def _line(ring: Ring) -> str:
    text = f"{ring.d_spacing / ANGSTROM:12.8f}"
    if ring.hkl:
        indices = " ".join(map(str, ring.hkl[0]))
        text += f" # ({indices})".ljust(13) + (f"{ring.multiplicity:4d}" if ring.multiplicity else "")
        if ring.multiplicity and math.isfinite(ring.intensity):
            text += f" {ring.intensity:g}"
    return text + "\n"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileMissingError(f"calibrant: {file} does not exist.") from None
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise FileFormatError(f"{file}: expected a text file of spacings, got something else ({error}).") from None


def _rings_of_line(values: list[str], comment: str, where: str) -> list[Ring]:
    spacings = [_spacing(value, where) for value in values]
    if len(spacings) != 1:
        return [_bare(spacing) for spacing in spacings]
    return [_ring(spacings[0], comment, where)]


def _spacing(value: str, where: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise FileFormatError(f"{where}: expected a spacing in angstrom, got {value!r}.") from None
    if not _SMALLEST <= number < _LARGEST:
        raise FileFormatError(f"{where}: expected a spacing of {_SMALLEST:g} to {_LARGEST:g} angstrom, got {value!r}.")
    return number * ANGSTROM


def _bare(spacing: float, intensity: float = math.nan) -> Ring:
    return Ring(spacing, f"d = {spacing / ANGSTROM:.4f} Å", intensity=intensity)


def _ring(spacing: float, comment: str, where: str) -> Ring:
    weak = 0.0 if "weak" in comment.casefold() else math.nan
    note = _NOTE.match(comment.strip())
    if note is None:
        if comment.strip().startswith("("):
            raise FileFormatError(f"{where}: expected Miller indices such as (1 0 0), got {comment.strip()!r}.")
        return _bare(spacing, weak)
    h, k, l, multiplicity, intensity = note.groups()  # noqa: E741
    hkl: tuple[Miller, ...] = ((int(h), int(k), int(l)),)
    return Ring(
        spacing,
        label_of(hkl),
        int(multiplicity or 0),
        hkl,
        weak if intensity is None else _intensity(intensity, where),
    )


def _intensity(value: str, where: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise FileFormatError(f"{where}: expected a relative intensity, got {value!r}.") from None
    if not (math.isfinite(number) and number >= 0):
        raise FileFormatError(f"{where}: expected a relative intensity of at least 0, got {value!r}.")
    return number
