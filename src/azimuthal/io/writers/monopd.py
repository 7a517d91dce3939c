# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A powder pattern as NXmonopd (``.monopd.h5``), the NeXus definition of monochromatic powder diffractometers.

::

    /entry                    NXentry, definition = NXmonopd, the default plot is data
        title                 label of the profile, or what is given
        start_time            when the measurement began *
        instrument            NXinstrument: name; source (name, probe; type is "not recorded"), crystal (wavelength in
                              angstrom), detector (polar_angle, data)
        sample                NXsample: name, "not recorded" unless it is given; rotation_angle in degrees *
        monitor               NXmonitor: mode = timer and preset = the exposure time in s *; integral = the monitor that
                              intensities were divided by *
        data                  NXdata: links to polar_angle and data of the detector, data_errors
        reduction             NXprocess: program, version, facts of the integration, recipe and metadata as JSON; note

``polar_angle`` is 2theta in degrees at the centres of the bins.  A profile in another unit is converted, bins
unchanged, which a note says.  Bins that hold nothing have no row; a warning counts them.

The definition demands all of these.  What is marked with * is left out where it is not known, and the note names it:
a time, an angle or a monitor that nobody measured would be taken for a measured one.  A checker then finds as many
errors.  With ``start_time`` and ``rotation_angle`` given, and an exposure time and a monitor in the metadata, that of
nexusformat has one complaint: ``data`` are mean intensities, where the definition wants integer counts.  The
wavelength has to be known.  Sums, edges and covariances have no place in the definition: keep the NXazint file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import check_target, pending
from azimuthal._validate import finite_number
from azimuthal.errors import ParameterError, WavelengthMissingError
from azimuthal.io.hdf5 import hdf5_in_memory
from azimuthal.io.writers._columns import (
    Result,
    filled_bins,
    in_two_theta,
    only_profile,
    warn_of_covariance,
    warn_of_loss,
)
from azimuthal.io.writers._facts import (
    PROGRAM,
    exposure_time,
    json_text,
    label_of,
    profile_lines,
    program_version,
)
from azimuthal.results import Profile

_NOT_RECORDED = "not recorded"


def write_monopd(
    results: Iterator[Result],
    path: Path,
    *,
    force: bool,
    instrument: str = _NOT_RECORDED,
    source: str = _NOT_RECORDED,
    title: str | None = None,
    sample: str = _NOT_RECORDED,
    start_time: str | None = None,
    rotation_angle: float | None = None,
) -> None:
    """Write one profile over 2theta in degrees.

    Parameters
    ----------
    instrument, source, sample:
        Names of the beamline, the laboratory and the sample.
    title:
        By default the label of the profile.
    start_time:
        When the measurement began, ISO 8601; by default the ``start_time`` of the metadata.
    rotation_angle:
        Of the sample, in degrees.
    """
    profile = only_profile(results)
    if profile.wavelength is None:
        raise WavelengthMissingError(
            "wavelength: NXmonopd has to state it and it is not known. Give the geometry a wavelength, or save as .xye."
        )
    converted = in_two_theta(profile, "monopd.h5")
    held = filled_bins(converted)
    if not held.any():
        raise ParameterError(f"{path}: no bin is left to write ({held.size} empty). Nothing is written.")
    check_target(path, force=force)
    with hdf5_in_memory() as (file, buffer):
        file.attrs.update({"NX_class": "NXroot", "default": "entry", "creator": PROGRAM})
        entry = _group(file, "entry", "NXentry", default="data")
        entry["definition"] = "NXmonopd"
        entry["title"] = title or label_of(profile.metadata) or "azimuthal integration"
        unknown = _write_start(entry, start_time or profile.metadata.get("start_time"))
        _write_instrument(entry, converted, held, instrument, source)
        unknown += _write_sample(entry, sample, rotation_angle)
        unknown += _write_monitor(entry, profile)
        notes = [] if converted is profile else [f"converted from {profile.unit.name}, bins unchanged"]
        if unknown:
            notes.append(f"not known, and therefore left out: {', '.join(unknown)}")
        _write_reduction(entry, profile, "; ".join(notes))
    warn_of_covariance(profile, path)
    if number := int(np.count_nonzero(~held)):
        warn_of_loss(f"{path}: left out {number} of {held.size} bins that hold nothing.")
    with pending(path, force=force) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _write_start(entry: Any, start_time: Any) -> list[str]:
    """Write a fact where it is known, here and below, and return the names of what is not."""
    if not start_time:
        return ["start_time"]
    try:
        entry["start_time"] = dt.datetime.fromisoformat(str(start_time)).isoformat()
    except ValueError as error:
        raise ParameterError(
            f"start_time: expected a time such as '2026-11-21T12:00:00+01:00' (ISO 8601), got {start_time!r}."
        ) from error
    return []


def _write_instrument(entry: Any, profile: Profile, held: Any, instrument: str, source: str) -> None:
    group = _group(entry, "instrument", "NXinstrument")
    group["name"] = instrument
    laboratory = _group(group, "source", "NXsource")
    laboratory["name"], laboratory["probe"], laboratory["type"] = source, "x-ray", _NOT_RECORDED
    laboratory["type"].attrs["custom"] = True  # NeXus: a value outside the list, which is open
    crystal = _group(group, "crystal", "NXcrystal")
    crystal["wavelength"] = np.array([1e10 * (profile.wavelength or np.nan)])
    crystal["wavelength"].attrs["units"] = "angstrom"
    detector = _group(group, "detector", "NXdetector")
    detector["polar_angle"] = profile.radial[held]
    detector["polar_angle"].attrs.update({"units": "degrees", "long_name": "2theta"})
    detector["data"] = profile.intensity[held]
    detector["data"].attrs.update({"units": "arbitrary units", "long_name": "mean intensity"})
    data = _group(entry, "data", "NXdata", signal="data", axes="polar_angle")
    for name in ("polar_angle", "data"):
        detector[name].attrs["target"] = f"/entry/instrument/detector/{name}"
        data[name] = detector[name]
    if profile.sigma is not None:
        data["data_errors"] = profile.sigma[held]
        data["data_errors"].attrs["units"] = "arbitrary units"


def _write_sample(entry: Any, name: str, rotation_angle: float | None) -> list[str]:
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = name
    if rotation_angle is None:
        return ["sample/rotation_angle"]
    sample["rotation_angle"] = finite_number("rotation_angle", rotation_angle)
    sample["rotation_angle"].attrs["units"] = "degrees"
    return []


def _write_monitor(entry: Any, profile: Profile) -> list[str]:
    """Write the time that the detector counted for, and the monitor; a factor of 1 is none."""
    monitor = _group(entry, "monitor", "NXmonitor")
    unknown = []
    seconds = exposure_time(profile.metadata)
    if seconds is None:
        unknown += ["monitor/mode", "monitor/preset"]
    else:
        monitor["mode"], monitor["preset"] = "timer", seconds
        monitor["preset"].attrs["units"] = "s"
    if profile.normalization_factor == 1.0:
        return [*unknown, "monitor/integral"]
    monitor["integral"] = profile.normalization_factor
    monitor["integral"].attrs["units"] = "arbitrary units"
    return unknown


def _write_reduction(entry: Any, profile: Profile, note: str) -> None:
    process = _group(entry, "reduction", "NXprocess")
    process["program"], process["version"] = PROGRAM, program_version(profile.provenance)
    process["date"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    if note:
        process["note"] = note
    parameters = _group(process, "input", "NXparameters")
    for line in profile_lines(profile):
        name, _, value = line.partition(": ")
        parameters[name.replace(" ", "_")] = value
    parameters["provenance"] = json_text(profile.provenance)
    parameters["metadata"] = json_text(profile.metadata)


def _group(parent: Any, name: str, nexus_class: str, **attributes: str) -> Any:
    group = parent.create_group(name)
    group.attrs.update({"NX_class": nexus_class, **attributes})
    return group
