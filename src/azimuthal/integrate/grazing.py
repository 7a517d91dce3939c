# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Maps and cuts of grazing incidence and of fibres: which units, which sample, which direction.

A map is a cake with other axes: ``intensity[oop, ip]``, the in-plane unit along the rows, the out-of-plane one along
the columns.  A cut is a profile along one of the two, with the other one restricted to a range; it is integrated from
the pixels, not summed from a map, so the range is exact and a pixel gives what it has inside.

============================  ===============================  =====================================================
map                           unit_ip                          unit_oop
============================  ===============================  =====================================================
in plane, out of plane        qip_nm^-1, qip_A^-1, qxgi_...    qoop_nm^-1, qoop_A^-1
both sides on one another     qip_abs_nm^-1, qip_abs_A^-1      qoop_nm^-1, qoop_A^-1
polar (pole figures)          qtot_nm^-1, qtot_A^-1            chigi_deg, chigi_rad, chigi_abs_deg, chigi_abs_rad
exit angles                   exit_angle_horz_deg, ..._rad     exit_angle_vert_deg, ..._rad
angles in the laboratory      scattering_angle_horz_deg, ...   scattering_angle_vert_deg, ...
============================  ===============================  =====================================================

Definitions, signs and the missing wedge: :mod:`azimuthal.units.grazing`; pixels on the wedge:
:mod:`azimuthal.integrate.sheets`.

Angles are never guessed: a number needs ``angle_unit="deg"`` or ``"rad"``, or is a text with its unit, such as
``"0.2 deg"`` or ``"3.5 mrad"``.  Zero needs no unit.  An angle that is not given is the one of the units, which is zero
unless they were made with another one; the sample is always the same for both axes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from azimuthal._validate import finite_number, interval, one_of
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.instrument import Instrument
from azimuthal.integrate.spec import PlanSpec
from azimuthal.units import Unit
from azimuthal.units import unit as find_unit

_RADIANS = {"deg": math.pi / 180.0, "mrad": 1e-3, "rad": 1.0}
_ANGLE = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(deg|mrad|rad)\s*")
_SAMPLE = ("incident_angle", "tilt_angle", "sample_orientation", "angle_unit")


@dataclass(frozen=True, slots=True)
class GrazingAxes:
    """What a plan needs to know of a map or a cut: units with their sample, and ranges."""

    units: tuple[Unit, Unit]
    options: dict[str, Any]


def grazing_axes(unit_ip: Any, unit_oop: Any, ip_range: Any, oop_range: Any, options: dict[str, Any]) -> GrazingAxes:
    """Return the units, bound to one sample, and the options of a plan.

    Parameters
    ----------
    unit_ip, unit_oop:
        Units of the table in the module docstring, by name or as :class:`~azimuthal.units.Unit`.
    ip_range, oop_range:
        Limits in these units, or None.
    options:
        ``incident_angle``, ``tilt_angle``, ``angle_unit``, ``sample_orientation``, and options of a plan.

    Raises
    ------
    ParameterError
        An angle without its unit, an option of another kind of plan, units of two samples.
    UnsupportedOptionError
        A unit that does not depend on the sample, or the two units in the wrong order.
    """
    for name, instead in (("radial_range", "ip_range"), ("azimuth_range", "oop_range"), ("unit", "unit_ip, unit_oop")):
        if name in options:
            raise ParameterError(f"{name}: not of a map of grazing incidence; the parameter is {instead}.")
    left = {name: value for name, value in options.items() if name not in _SAMPLE}
    sample = sample_parameters(**{name: options[name] for name in _SAMPLE if name in options})
    first, second = (_bound(name, unit, sample) for name, unit in (("unit_ip", unit_ip), ("unit_oop", unit_oop)))
    _check_order(first, second)
    if first.parameters != second.parameters:
        raise ParameterError(
            f"unit_ip, unit_oop: of two samples, {first.parameters} and {second.parameters} (angles in rad). Give "
            "incident_angle, tilt_angle and sample_orientation here, or make both units with the same ones."
        )
    limits = {"radial_range": _limits("ip_range", ip_range, first), "azimuth_range": oop_range}
    if second.period is None:  # an arc of a circle is checked as one
        limits["azimuth_range"] = _limits("oop_range", oop_range, second)
    return GrazingAxes((first, second), left | limits)


def grazing_spec(instrument: Instrument, npt: Any, options: dict[str, Any]) -> PlanSpec:
    """Return the description of a map, or of a cut, from one record of options.

    Parameters
    ----------
    instrument:
        Detector, pose and beam.
    npt:
        A pair (in plane, out of plane) for a map, one number for a cut.
    options:
        ``unit_ip``, ``unit_oop``, ``along`` (of a cut, "oop" by default), those of :func:`grazing_axes`, and fields of
        the description, ``radial_range`` and ``azimuth_range`` being the ranges of the two units.
    """
    left = dict(options)
    along = left.pop("along", None)
    if isinstance(npt, tuple) and along is not None:
        raise ParameterError("along: a map has both directions. Leave it out, or leave out the number of bins of one.")
    limits = {name: left.pop(f"{name}_range", None) for name in ("radial", "azimuth")}
    axes = grazing_axes(left.pop("unit_ip"), left.pop("unit_oop"), limits["radial"], limits["azimuth"], left)
    if isinstance(npt, tuple):
        return PlanSpec(instrument, "cake", npt[0], npt[1], *axes.units, **axes.options)
    if one_of("along", along or "oop", ("ip", "oop")) == "ip":
        return PlanSpec(instrument, "radial", npt, 1, *axes.units, **axes.options)
    return PlanSpec(instrument, "azimuthal", 1, npt, *axes.units, **axes.options)


def sample_parameters(
    incident_angle: Any = None, tilt_angle: Any = None, sample_orientation: Any = None, angle_unit: Any = None
) -> dict[str, Any]:
    """Return the parameters of units (angles in rad) that are given.

    Parameters
    ----------
    incident_angle, tilt_angle:
        Numbers in `angle_unit`, or texts such as "0.2 deg"; None leaves the unit's own.
    sample_orientation:
        1-8, or None.
    angle_unit:
        "deg" or "rad"; needed for numbers other than zero.

    Raises
    ------
    ParameterError
        A number without unit, or a text that is no angle.
    """
    if angle_unit is not None:
        one_of("angle_unit", angle_unit, tuple(_RADIANS))
    found: dict[str, Any] = {}
    for name, value in (("incident_angle", incident_angle), ("tilt_angle", tilt_angle)):
        if value is not None:
            found[name] = _radians(name, value, angle_unit)
    if sample_orientation is not None:
        found["sample_orientation"] = sample_orientation
    return found


def _radians(name: str, value: Any, angle_unit: str | None) -> float:
    if isinstance(value, str):
        match = _ANGLE.fullmatch(value)
        if match is None:
            raise ParameterError(f"{name}: expected a number with its unit, such as '0.2 deg', got {value!r}.")
        return float(match[1]) * _RADIANS[match[2]]
    number = finite_number(name, value)
    if angle_unit is None and number != 0.0:
        raise ParameterError(
            f"{name}: {number:g} of what? Add angle_unit='deg' or angle_unit='rad', or write {name}='{number:g} deg'."
        )
    return number * _RADIANS[angle_unit or "rad"]


def _bound(name: str, unit: Any, sample: dict[str, Any]) -> Unit:
    found = find_unit(unit)
    if not found.parameters:
        raise UnsupportedOptionError(
            f"{name}: {found.name!r} does not depend on the sample. Use a unit of grazing incidence, such as "
            "'qip_nm^-1', 'qoop_nm^-1', 'qtot_A^-1', 'chigi_deg' or 'exit_angle_vert_deg'; for others use "
            "integrate1d() and integrate2d()."
        )
    return find_unit(found, **sample)


def _limits(name: str, value: Any, unit: Unit) -> tuple[float, float] | None:
    return None if value is None else interval(name, value, unit=unit.symbol)


def _check_order(unit_ip: Unit, unit_oop: Unit) -> None:
    if unit_ip.period is not None:
        raise UnsupportedOptionError(
            f"unit_ip: {unit_ip.name!r} is an angle on a circle and goes along the columns of a map. Write "
            f"unit_ip={'qtot_nm^-1' if unit_oop.period else unit_oop.name!r}, unit_oop={unit_ip.name!r}."
        )
