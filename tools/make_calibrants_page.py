# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Write ``docs/reference/calibrants.md`` from the catalogue.

python tools/make_calibrants_page.py [--output FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import azimuthal as az
from azimuthal.crystallography import Phase, calibrant_aliases

PAGE = Path(__file__).parents[1] / "docs/reference/calibrants.md"
TOP = """\
# Calibrants

Written by `tools/make_calibrants_page.py` from `src/azimuthal/crystallography/data/calibrants.toml`; do not edit it.

`az.calibrant("LaB6")` gives one, `azimuthal calibrants LaB6 --energy 20` its rings. Case, blanks, `_`, `-` and the
words NIST and SRM do not matter in names. [Calibrants of your own](../how-to/own-calibrant.md) are files, cells, lists.

Rings follow from cell and space group, except where a list is given. *Observed* says that only rings strong enough to
be seen are listed; `weak=True` gives the others too. Rings of crystals go on below the last spacing of the table when a
smaller `d_min` is asked for. Uncertainties are expanded (k = 2). Where a temperature or an uncertainty is missing, it
is not recorded here: see the certificate.

Powders expand. Si changes by 2.6e-6 per kelvin, LaB6 by 6e-6, CeO2 by 1.1e-5, NaCl by 4e-5: ten kelvin of NaCl are as
much as 0.1 mm in a distance of 250 mm.

"""
HEADER = (
    "| name | also | substance | cell (Å, °) | space group | first rings d (Å) | rings to (Å) |\n"
    "|---|---|---|---|---|---|---|\n"
)
SOURCES = "\n## Certificates and sources\n\n| name | certificate | source |\n|---|---|---|\n"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=PAGE)
    names = az.calibrant_names()
    text = TOP + HEADER + "".join(map(_row, names)) + SOURCES + "".join(map(_source, names))
    parser.parse_args().output.write_text(text, encoding="utf-8")


def _row(name: str) -> str:
    one = az.calibrant(name)
    (phase,) = one.phases
    spacings = one.d_spacings() * 1e10
    first = ", ".join(f"{spacing:.7g}" for spacing in spacings[:3])
    cells = (
        name,
        ", ".join(calibrant_aliases(name)),
        phase.description,
        _cell(phase),
        _group(phase),
        first,
        f"{len(spacings)} to {spacings[-1]:.4g}",
    )
    return "| " + " | ".join(cells) + " |\n"


def _cell(phase: Phase) -> str:
    return "a list" if phase.crystal is None else str(phase.crystal.cell).replace(" Å", "").replace("°", "")


def _group(phase: Phase) -> str:
    if phase.crystal is None:
        return ""
    return str(phase.crystal.group) + (", observed" if phase.crystal.observed else "")


def _source(name: str) -> str:
    one = az.calibrant(name)
    return f"| {name} | {one.certificate} | {one.source} |\n"


if __name__ == "__main__":
    main()
