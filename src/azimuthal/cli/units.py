# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal units``: the units that results can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azimuthal.cli._parsing import argument, command
from azimuthal.cli._table import table_text

if TYPE_CHECKING:
    from azimuthal.units import Unit

_HEADER = ("name", "quantity", "unit", "needs wavelength")


@command(name="units")
@argument("pattern", required=False)
def units_command(pattern: str | None) -> int:
    """List the units, or those whose name or quantity contains PATTERN.

    Natural spellings are understood too: "q [1/nm]", q_A-1, tth_deg.
    """
    from azimuthal.units import unit, unit_names

    known = [unit(name) for name in unit_names()]
    wanted = (pattern or "").casefold()
    found = [one for one in known if wanted in f"{one.name} {one.quantity.name} {one.quantity.long_name}".casefold()]
    if not found:
        found = [unit(wanted)]  # a natural spelling; or an error that suggests names
    print(table_text(_HEADER, [_row(one) for one in found]))
    return 0


def _row(one: Unit) -> tuple[str, ...]:
    return (
        one.name,
        one.quantity.long_name or one.quantity.name,
        one.symbol or "-",
        "yes" if one.needs_wavelength else "no",
    )
