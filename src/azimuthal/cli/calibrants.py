# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal calibrants``: the catalogue, or the rings of one calibrant."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from azimuthal.cli._parsing import argument, command, option
from azimuthal.cli._table import table_text

if TYPE_CHECKING:
    from azimuthal.crystallography import Calibrant, Ring

_HEADER = ("name", "substance", "cell (Å)", "space group", "largest d (Å)", "rings above 1 Å", "certificate")


@command(name="calibrants")
@argument("name", required=False)
@option("-w", "--wavelength", type=float, help="Angstrom: adds two-theta and q, and ends at the limit of Bragg's law.")
@option("-e", "--energy", type=float, help="keV, instead of --wavelength.")
@option("--max-two-theta", type=float, default=180.0, show_default=True, help="Degrees.")
@option("--d-min", type=float, help="Smallest spacing that is listed, angstrom.")
@option("--resolution", type=float, help="Relative difference of d below which rings are one.")
@option("--overlapping", default="merge", show_default=True, help="What happens to those: merge or drop.")
@option("--weak", is_flag=True, help="Also rings that are too weak to be observed.")
def calibrants_command(
    name: str | None,
    wavelength: float | None,
    energy: float | None,
    max_two_theta: float,
    d_min: float | None,
    resolution: float | None,
    overlapping: Literal["merge", "drop"],
    weak: bool,
) -> int:
    """List the calibrants that are known, or the rings of one.

    NAME is a name (LaB6, "lab6 660c", silicon), a part of several names or
    substances (oxide), a file (.D, .cif), or a sum such as
    "CeO2 + Si". For example:

      azimuthal calibrants CeO2 --energy 60 --max-two-theta 20
    """
    from azimuthal.crystallography import calibrant
    from azimuthal.crystallography.cell import ANGSTROM
    from azimuthal.errors import UnknownNameError

    try:
        one = calibrant(
            name or "",
            d_min=None if d_min is None else d_min * ANGSTROM,
            resolution=resolution,
            overlapping=overlapping,
            weak=weak,
        )
    except UnknownNameError:
        found = _matching(name or "")
        if not found:
            raise
        print(table_text(_HEADER, [_row(calibrant(found_name)) for found_name in found]))
        return 0
    print(_detail(one, _wavelength(wavelength, energy), math.radians(max_two_theta)))
    return 0


def _matching(part: str) -> list[str]:
    """Return the names of the catalogue that contain a part, or whose alias or substance does."""
    from azimuthal.crystallography import calibrant, calibrant_aliases, calibrant_names

    wanted = part.casefold()
    return [
        name
        for name in calibrant_names()
        if any(wanted in one.casefold() for one in (name, *calibrant_aliases(name), calibrant(name).description))
    ]


def _wavelength(angstrom: float | None, energy: float | None) -> float | None:
    from azimuthal.errors import ParameterError
    from azimuthal.geometry import Beam

    if angstrom is not None and energy is not None:
        raise ParameterError("--wavelength and --energy: expected one of them, got both.")
    if angstrom is not None:
        if angstrom < 1e-6:
            raise ParameterError(f"--wavelength: expected angstrom, got {angstrom:g}; 1e-10 m are 1.")
        return Beam(angstrom * 1e-10).wavelength
    return None if energy is None else Beam.from_energy(energy).wavelength


def _row(one: Calibrant) -> tuple[str, ...]:
    (phase,) = one.phases
    crystal = phase.crystal
    cell = "-" if crystal is None else " ".join(f"{edge * 1e10:.7g}" for edge in _edges(one))
    certificate = phase.certificate.name if phase.certificate else "-"
    rings = one.rings(d_min=1e-10)
    largest = f"{rings[0].d_spacing * 1e10:.5g}"
    group = "-" if crystal is None else crystal.group.symbol.replace(" ", "").partition(":")[0]
    return (one.name, phase.description.partition(";")[0], cell, group, largest, str(len(rings)), certificate)


def _edges(one: Calibrant) -> tuple[float, ...]:
    crystal = one.phases[0].crystal
    return () if crystal is None else tuple(dict.fromkeys((crystal.cell.a, crystal.cell.b, crystal.cell.c)))


def _detail(one: Calibrant, wavelength: float | None, largest: float) -> str:
    facts = [("calibrant", one.name)]
    for phase in one.phases:
        crystal = phase.crystal
        facts += [("substance", phase.description)] if phase.description else []
        facts += [("cell", str(crystal.cell)), ("space group", str(crystal.group))] if crystal else []
        facts += [("certificate", str(phase.certificate))] if phase.certificate else []
        facts += [("source", phase.source)] if phase.source else []
    rings = one.rings() if wavelength is None else one.rings_at(wavelength, largest)
    facts.append(("rings", str(len(rings))))
    lines = [f"{name + ':':<14}{text}" for name, text in facts]
    header = ("#", "hkl", "d (Å)", "multiplicity", "intensity", *(() if wavelength is None else ("2θ (°)", "q (1/nm)")))
    rows = [_ring_row(number, ring, wavelength) for number, ring in enumerate(rings)]
    return "\n".join((*lines, "", table_text(header, rows)))


def _ring_row(number: int, ring: Ring, wavelength: float | None) -> tuple[str, ...]:
    row = (
        str(number),
        "-" if ring.label.startswith("d =") else ring.label,
        f"{ring.d_spacing * 1e10:.7f}",
        str(ring.multiplicity or "-"),
        "-" if math.isnan(ring.intensity) else f"{ring.intensity:g}",
    )
    if wavelength is None:
        return row
    sine = min(wavelength / (2 * ring.d_spacing), 1.0)
    return (*row, f"{math.degrees(2 * math.asin(sine)):.5f}", f"{2e-9 * math.pi / ring.d_spacing:.5f}")
