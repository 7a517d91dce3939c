# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Write ``src/azimuthal/materials/attenuation.txt`` from xraydb: ``python tools/make_attenuation_table.py``.

xraydb (MIT; data in the public domain) holds the tables of W. T. Elam, B. D. Ravel and J. R. Sieber, "A new atomic
database for X-ray spectroscopic calculations" (2002), Radiat. Phys. Chem. 63, 121-128,
doi:10.1016/S0969-806X(01)00227-4,
whose photoelectric and scattering cross sections are those of NIST XCOM.  Run it again when an element is added.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xraydb

TARGET = Path(__file__).parents[1] / "src/azimuthal/materials/attenuation.txt"
ELEMENTS = (
    "H", "He", "Be", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "Ca", "Ti", "Fe",
    "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Y", "Mo", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",
    "Xe", "Cs", "Ba", "La", "Ce", "Gd", "Lu", "Ta", "W", "Pt", "Au", "Hg", "Tl", "Pb", "Bi",
)  # fmt: skip
LOWEST_EV, HIGHEST_EV = 2000.0, 300_000.0
PER_DECADE = 24
BESIDE_EDGE = 2e-6  # relative

HEADER = """\
# Mass attenuation coefficients of the elements, written by tools/make_attenuation_table.py from xraydb {version}.
# Photoelectric absorption, coherent and incoherent scattering: Elam, Ravel and Sieber (2002), Radiat. Phys. Chem. 63,
# 121-128.  An energy that comes twice is an absorption edge: first the value below it, then the one above it.
# element  energy/keV  total/(cm^2/g)  photoelectric/(cm^2/g)
"""


def edges_of(element: str) -> list[float]:
    """Return the energies in eV at which the tables jump: where a node comes twice."""
    database = xraydb.get_xraydb()
    table = database.tables["photoabsorption"]
    (record,) = database.query(table).filter(table.c.element == element).all()
    nodes = np.array(json.loads(record.log_energy))
    twice = np.exp(nodes[1:][np.diff(nodes) == 0])
    return [float(edge) for edge in twice if LOWEST_EV * 1.001 < edge < HIGHEST_EV]


def rows_of(element: str) -> list[str]:
    """Return the lines of one element."""
    n = int(np.ceil(PER_DECADE * np.log10(HIGHEST_EV / LOWEST_EV))) + 1
    grid = np.geomspace(LOWEST_EV, HIGHEST_EV, n)
    edges = edges_of(element)
    for edge in edges:
        grid = grid[np.abs(grid / edge - 1.0) > 0.02]  # no sliver beside an edge
    points = [(e, e) for e in grid]
    for edge in edges:
        points += [(edge, edge * (1.0 - BESIDE_EDGE)), (edge, edge * (1.0 + BESIDE_EDGE))]
    points.sort(key=lambda pair: pair[1])
    told = np.array([pair[0] for pair in points])
    asked = np.array([pair[1] for pair in points])
    total = xraydb.mu_elam(element, asked, kind="total")
    photo = xraydb.mu_elam(element, asked, kind="photo")
    return [f"{element} {e / 1e3:.7g} {t:.6g} {p:.6g}\n" for e, t, p in zip(told, total, photo, strict=True)]


def main() -> None:
    """Write the table."""
    lines = [HEADER.format(version=xraydb.__version__)]
    for element in ELEMENTS:
        lines += rows_of(element)
    TARGET.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
