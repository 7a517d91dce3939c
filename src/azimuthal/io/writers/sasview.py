# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Text for SasView (``.sasview.txt``): Q in 1/angstrom, intensity, and its uncertainty where there is one.

SasView knows no units in text files: Q is taken for 1/angstrom.  A profile in another unit of q is converted, bins
unchanged, and the header says so; one that is no function of q is refused.  It takes intensities for 1/cm, which they
are when the integration was brought to absolute units; the header repeats what is known.  Rows are those of bins that
hold something and, with an error model, have an uncertainty above zero, since a fit divides by it; the header counts
the others.  The width of the bins is not a resolution: there is no fourth column.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from azimuthal.errors import UnsupportedOptionError
from azimuthal.io.writers._columns import Result, in_unit, only_profile, table_of, write_columns

_UNIT = "q_A^-1"
_FEWEST_ROWS = 5


def write_sasview(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write Q in 1/angstrom, intensity and uncertainty."""
    profile = only_profile(results)
    if profile.unit.quantity.name != "q":
        raise UnsupportedOptionError(
            f"format: SasView reads I(q), the profile is in {profile.unit.name!r}. Integrate with unit={_UNIT!r}."
        )
    converted = in_unit(profile, _UNIT, "SasView takes q for 1/angstrom", "save it as .dat")
    columns = {_UNIT: converted.radial, "intensity": converted.intensity}
    if converted.sigma is not None:
        columns["sigma"] = converted.sigma
    table = table_of(converted, columns, "omit")
    if "sigma" in columns:
        table = table.without(~(table.columns["sigma"] > 0), "without an uncertainty above zero")
    if converted is not profile:
        table.facts.append(f"converted from {profile.unit.name}, bins unchanged")
    if table.n_rows < _FEWEST_ROWS:
        raise UnsupportedOptionError(
            f"format: SasView needs {_FEWEST_ROWS} rows to tell data from header, got {table.n_rows}. Save it as .xy."
        )
    write_columns(table, path, force=force, header=True)
