# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Lists of azimuthal sectors and of radial bands as sets of plans (:mod:`azimuthal.integrate.plan_set`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.integrate.plan import Plan
from azimuthal.integrate.plan_set import (
    Along,
    Part,
    PlanSet,
    Rows,
    as_float_pairs,
    band_rows,
    checked_bands,
    checked_sectors,
    part_names,
    plan_set,
    sector_rows,
)
from azimuthal.units import unit as find_unit


def plan_of_sectors(make: Callable[..., Plan], npt: Any, sectors: Any, unit: Any, names: Any, options: Any) -> PlanSet:
    """Return radial profiles of sectors.

    Parameters
    ----------
    make:
        Compiles a cake of (npt_rad, npt_azim, unit, options).
    npt, sectors, unit, names, options:
        Those of :meth:`Integrator.plan_sectors`.
    """
    _not_both("azimuth_range", "sectors", options)
    azimuthal = find_unit(unit[1] if isinstance(unit, tuple | list) else "chi_deg")
    period = azimuthal.period
    if period is None:
        raise UnsupportedOptionError(
            f"unit: {azimuthal.name!r} is not an angle on a circle, of which sectors are. Use plan2d() with bin edges."
        )
    arcs = checked_sectors(sectors, period, azimuthal.symbol)
    groups = _grouped(arcs, options, lambda chosen: sector_rows(chosen, period))
    plans = [make(npt, rows.edges, unit, options) for rows in groups]
    return plan_set(plans, _parts(groups, "azimuthal", as_float_pairs(sectors), names))


def plan_of_bands(
    make: Callable[..., Plan], npt: Any, bands: Any, unit: Any, radial_unit: Any, names: Any, options: Any
) -> PlanSet:
    """Return azimuthal profiles of radial bands; parameters as in `plan_of_sectors`."""
    _not_both("radial_range", "bands", options)
    groups = _grouped(checked_bands(bands, find_unit(radial_unit).symbol), options, band_rows)
    plans = [make(rows.edges, npt, (radial_unit, unit), options) for rows in groups]
    return plan_set(plans, _parts(groups, "radial", as_float_pairs(bands), names))


def _grouped(intervals: list[Any], options: Any, rows: Callable[[list[Any]], list[Rows]]) -> list[Rows]:
    """Return the intervals as rows; each by itself where outliers are rejected, for their mask is that of a plan."""
    if options.get("reject") is None:
        return rows(intervals)
    alone = [rows([one])[0] for one in intervals]
    return [Rows(one.edges, ((number, 0),)) for number, one in enumerate(alone)]


def _parts(groups: list[Rows], across: Along, limits: list[tuple[float, float]], names: Any) -> list[Part]:
    """Return the results in the order in which the intervals were given."""
    places = {number: (plan, row) for plan, rows in enumerate(groups) for number, row in rows.members}
    return [
        Part(name, *places[number], across, limits[number]) for number, name in enumerate(part_names(names, limits))
    ]


def _not_both(option: str, instead: str, options: Any) -> None:
    if options.get(option) is not None:
        raise ParameterError(f"{option}: the {instead} already say it. Leave one of them out.")
