# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From the choices of a description to the two axes, in the user's units and as edges for splitting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from azimuthal._validate import increasing_edges, interval
from azimuthal.binning import UNRESTRICTED, BinGrid, Circle, arc, bin_edges, placed_on_circle
from azimuthal.errors import ParameterError
from azimuthal.integrate.spec import Bins, PlanSpec
from azimuthal.splitting import Extent
from azimuthal.typing import FloatArray
from azimuthal.units import Axis, Unit

_FULL_TURN = 1e-12  # relative tolerance within which a span of azimuths is the full circle


@dataclass(frozen=True, slots=True)
class PlanAxes:
    """The axes of a result (None along a direction that is summed over) and the grid of bins."""

    radial: Axis | None
    azimuthal: Axis | None
    grid: BinGrid


def plan_axes(spec: PlanSpec, circle: Circle, u_floor: float, find_extent: Callable[[], Extent]) -> PlanAxes:
    """Return the axes of a plan.

    Parameters
    ----------
    spec:
        The description.
    circle, u_floor:
        What the units say of the coordinates.
    find_extent:
        Measures the range of the pixels; called only when the description leaves a range open.

    Raises
    ------
    ParameterError
        A range is empty, or open where no pixel is left to measure.
    """
    extent = _Once(find_extent)
    radial_axis, u_edges = _radial(spec, extent)
    azimuthal_axis, c_edges = _azimuthal(spec, circle, extent)
    return PlanAxes(
        None if spec.kind == "azimuthal" else radial_axis,
        None if spec.kind == "radial" else azimuthal_axis,
        BinGrid(u_edges, c_edges, circle, u_floor),
    )


class _Once:
    """Calls a function at most once."""

    def __init__(self, function: Callable[[], Extent]) -> None:
        self._function = function
        self._value: Extent | None = None

    def __call__(self) -> Extent:
        if self._value is None:
            self._value = self._function()
        return self._value


def _radial(spec: PlanSpec, extent: _Once) -> tuple[Axis | None, FloatArray]:
    if spec.kind == "azimuthal" and spec.radial_range is None and spec.npt_rad == 1:
        return None, UNRESTRICTED
    name = "npt" if spec.kind == "radial" else "npt_rad"
    limits = None if spec.radial_range is None else interval("radial_range", spec.radial_range, unit=spec.unit.symbol)
    return _plain_axis(name, spec.npt_rad, spec.unit, limits, lambda: extent()[:2])


def _azimuthal(spec: PlanSpec, circle: Circle, extent: _Once) -> tuple[Axis | None, FloatArray]:
    unit = spec.azimuth_unit
    if spec.kind == "radial" and spec.azimuth_range is None and spec.npt_azim == 1:
        return None, UNRESTRICTED
    name = "npt" if spec.kind == "azimuthal" else "npt_azim"
    if circle.period is None or unit.period is None:
        limits = None if spec.azimuth_range is None else interval("azimuth_range", spec.azimuth_range, unit=unit.symbol)
        return _plain_axis(name, spec.npt_azim, unit, limits, lambda: extent()[2:])
    if isinstance(spec.npt_azim, tuple):
        edges = increasing_edges(name, spec.npt_azim)
        arc(name, (edges[0], edges[-1]), unit.period, unit=unit.symbol)
    else:
        whole = (-0.5 * unit.period, 0.5 * unit.period)
        limits = arc("azimuth_range", spec.azimuth_range or whole, unit.period, unit=unit.symbol)
        edges = bin_edges(name, spec.npt_azim, *limits)
    return Axis(unit, edges), _on_circle(edges, unit, circle.period)


def _on_circle(edges: FloatArray, unit: Unit, period: float) -> FloatArray:
    """Return azimuth edges in rad; a full circle closes on itself exactly, so that no angle falls between."""
    placed = placed_on_circle(unit.to_canonical(edges), period)
    span = placed[-1] - placed[0]
    if abs(span - period) > _FULL_TURN * period:
        return placed
    start = -0.5 * period if abs(placed[0] + 0.5 * period) <= _FULL_TURN * period else placed[0]
    closed: FloatArray = start + (placed - placed[0]) * (period / span)
    closed[-1] = start + period
    return closed


def _plain_axis(
    name: str,
    bins: Bins,
    unit: Unit,
    limits: tuple[float, float] | None,
    measured: Callable[[], tuple[float, ...]],
) -> tuple[Axis, FloatArray]:
    """Return an axis that is not a circle; a measured range is kept to the last digit in canonical units."""
    if isinstance(bins, tuple):
        axis = Axis(unit, increasing_edges(name, bins))
        return axis, axis.canonical_edges
    if limits is not None:
        axis = Axis(unit, bin_edges(name, bins, *limits))
        return axis, axis.canonical_edges
    low, high = measured()
    if not np.isfinite([low, high]).all():
        raise ParameterError(
            f"{name}: no pixel is left to find the range from: all are masked, or {unit.name!r} is nowhere finite. "
            "Check the mask, or give the range."
        )
    if low == high:
        raise ParameterError(
            f"{name}: all pixels have the same {unit.name!r} ({unit.from_canonical(low)}), which is no range. Give "
            "the range explicitly."
        )
    canonical = bin_edges(name, bins, low, high)
    return Axis(unit, unit.from_canonical(canonical)), canonical
