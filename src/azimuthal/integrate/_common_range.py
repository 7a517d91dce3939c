# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One range of bins for many geometries, and whether their results can be merged at all."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from azimuthal.corrections import SolidAngleMode
from azimuthal.corrections.absorption import sensor_efficiency
from azimuthal.engines import thread_count
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.instrument import Instrument
from azimuthal.integrate.plan import measured_extent
from azimuthal.integrate.spec import PixelArrays, PlanSpec
from azimuthal.splitting import Extent
from azimuthal.units import Unit

_SAME = 1e-12  # relative difference of areas and distances that are meant to be equal


def with_common_range(
    specs: Sequence[PlanSpec], arrays: Sequence[PixelArrays], *, threads: int | None = None
) -> list[PlanSpec]:
    """Return the descriptions with the ranges that they leave open set to what all of them together span.

    Parameters
    ----------
    specs, arrays:
        One of each per geometry; they differ in the instrument only.
    threads:
        As for :func:`azimuthal.integrate.compile`.

    Raises
    ------
    ParameterError
        No pixel of any geometry is left to find a range from.
    """
    first = specs[0]
    radial = first.radial_range is None and not isinstance(first.npt_rad, tuple) and first.kind != "azimuthal"
    azimuthal = (
        first.azimuth_range is None
        and not isinstance(first.npt_azim, tuple)
        and first.azimuth_unit.period is None
        and first.kind != "radial"
    )
    if not radial and not azimuthal:
        return list(specs)
    extent = _joined_extent(specs, arrays, thread_count(threads))
    changes: dict[str, tuple[float, float]] = {}
    if radial:
        changes["radial_range"] = _covering(first.unit, extent.u_min, extent.u_max)
    if azimuthal:
        changes["azimuth_range"] = _covering(first.azimuth_unit, extent.c_min, extent.c_max)
    return [spec.replace(**changes) for spec in specs]


def _joined_extent(specs: Sequence[PlanSpec], arrays: Sequence[PixelArrays], n_threads: int) -> Extent:
    def one(spec: PlanSpec, of_pixels: PixelArrays) -> Extent:
        return measured_extent(spec, of_pixels, threads=1)

    with ThreadPoolExecutor(min(n_threads, len(specs))) as pool:
        return functools.reduce(Extent.joined, pool.map(one, specs, arrays))


def _covering(unit: Unit, low: float, high: float) -> tuple[float, float]:
    """Return a range in a unit that holds [low, high] (SI) after rounding, so that no outermost pixel is lost."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ParameterError(
            f"radial_range: no pixel of any geometry is left to find it from: all are masked, or {unit.name!r} is "
            "nowhere finite. Check the masks, or give the range."
        )
    begin, end = float(unit.from_canonical(low)), float(unit.from_canonical(high))
    while float(unit.to_canonical(begin)) > low:
        begin = math.nextafter(begin, -math.inf)
    while float(unit.to_canonical(end)) < high:
        end = math.nextafter(end, math.inf)
    return begin, end


def with_one_efficiency(spec: PlanSpec, instruments: Sequence[Instrument]) -> PlanSpec:
    """Return the description with an absorption in the sensor that has one scale for all geometries.

    Relative to normal incidence, sensors or energies with different efficiencies would put the same intensity on
    different scales.  Where all efficiencies are known and they differ, "auto" therefore means "absolute"; the recipe
    of the results says so.
    """
    if spec.sensor_absorption == "auto" and len(_efficiencies(instruments)) > 1:
        return spec.replace(sensor_absorption="absolute")
    return spec


def _efficiencies(instruments: Sequence[Instrument]) -> set[float]:
    """Return the different efficiencies at normal incidence; nothing unless all of them are known."""
    kinds = {(one.detector.sensor, one.beam.energy): one for one in instruments}
    if len(kinds) == 1:
        return set()
    found = [sensor_efficiency(one, "auto") for one in kinds.values()]
    if any(isinstance(one, str) for one in found):
        return set()
    return {round(one.record["efficiency_at_normal_incidence"], 12) for one in found if not isinstance(one, str)}


def _is_known_for_some(instruments: Sequence[Instrument]) -> bool:
    kinds = {(one.detector.sensor, one.beam.energy): one for one in instruments}
    unknown = [isinstance(sensor_efficiency(one, "auto"), str) for one in kinds.values()]
    return any(unknown) and not all(unknown)


def check_together(instruments: Sequence[Instrument], spec: PlanSpec) -> None:
    """Raise when results of these geometries would not have one scale and one axis.

    Parameters
    ----------
    instruments:
        Of all geometries.
    spec:
        The description of any of them.

    Raises
    ------
    UnsupportedOptionError
        A solid angle or an efficiency that is relative to each geometry; sensors of which some are not known; different
        wavelengths and a unit that is no function of q; a distance on the detector and detectors on different planes.
    """
    if spec.solid_angle in ("relative", "equal_area"):
        _check_one_scale(instruments, spec.solid_angle)
    if spec.sensor_absorption == "auto" and _is_known_for_some(instruments):
        raise UnsupportedOptionError(
            "sensor_absorption: the sensor is known for some of the geometries and not for others, so that only those "
            "would be corrected. Give every detector its sensor with detector.with_sensor(material, thickness), and a "
            "wavelength; or pass sensor_absorption=False."
        )
    if spec.sensor_absorption in ("auto", "relative") and len(_efficiencies(instruments)) > 1:
        raise UnsupportedOptionError(
            f"sensor_absorption: {spec.sensor_absorption!r} is relative to normal incidence, but the efficiencies of "
            "the sensors at these energies differ, so that intensities would have different scales. Use 'absolute', or "
            "False where the flats have the efficiency in them."
        )
    if spec.kind != "azimuthal" or spec.radial_range is not None or isinstance(spec.npt_rad, tuple):
        _check_one_axis(instruments, spec.unit)
    if spec.azimuth_unit.period is None:
        _check_one_axis(instruments, spec.azimuth_unit)


def _check_one_scale(instruments: Sequence[Instrument], mode: SolidAngleMode) -> None:
    scales = [one.detector.pixel1 * one.detector.pixel2 / one.pose.dist**2 for one in instruments]
    if max(scales) - min(scales) > _SAME * max(scales):
        raise UnsupportedOptionError(
            f"solid_angle: {mode!r} is relative to the nominal pixel of each geometry, which covers from "
            f"{min(scales):.6g} to {max(scales):.6g} sr here, so that intensities would have different scales. Use "
            "'absolute' (the default for several geometries), or False for raw values."
        )


def _check_one_axis(instruments: Sequence[Instrument], unit: Unit) -> None:
    wavelengths = {one.wavelength for one in instruments}
    if len(wavelengths) > 1 and not unit.needs_wavelength:
        raise UnsupportedOptionError(
            f"unit: in {unit.name!r} a reflection is elsewhere at every wavelength, and the geometries have "
            f"{_named(wavelengths)}. Use q or d, e.g. 'q_nm^-1'."
        )
    if unit.quantity.name == "r":
        planes = {(one.pose.dist, one.pose.rot1, one.pose.rot2) for one in instruments}
        if len(planes) > 1:
            raise UnsupportedOptionError(
                f"unit: {unit.name!r} is a distance from the beam, and {len(planes)} different distances or tilts of "
                "the detector give it different meanings. Use a function of the angle, e.g. '2th_deg' or 'q_nm^-1'."
            )


def _named(wavelengths: set[float | None]) -> str:
    known = sorted(value for value in wavelengths if value is not None)
    shown = ", ".join(f"{value * 1e10:.6g} angstrom" for value in known[:3]) + (", ..." if len(known) > 3 else "")
    return f"{shown} and none" if None in wavelengths else shown
