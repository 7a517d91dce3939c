# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A powder pattern as NXmonopd (``.monopd.h5``), the NeXus definition of monochromatic powder diffractometers.

::

    /entry                    NXentry, definition = NXmonopd, the default plot is data
        title, start_time     start_time is that of the metadata, else the time of writing, as its note says
        instrument            NXinstrument: source, crystal (wavelength in angstrom), detector (polar_angle, data)
        sample                NXsample: name; rotation_angle is 0
        monitor               NXmonitor: mode, preset, integral
        data                  NXdata: links to polar_angle and data of the detector, data_errors
        reduction             NXprocess: program, version, facts of the integration, recipe and metadata as JSON

``polar_angle`` is 2theta in degrees at the centres of the bins.  A profile in another unit is converted, bins
unchanged, which a note says.  Bins that hold nothing have no row; a warning counts them.  ``data`` are mean
intensities, where the definition expects counts.  What the definition demands and a result may not know is ``"not
recorded"``; the wavelength has to be known.  Sums, edges and covariances have no place in it: keep the NXazint file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import check_target, pending
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
from azimuthal.io.writers._facts import PROGRAM, json_text, label_of, profile_lines, program_version
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
) -> None:
    """Write one profile over 2theta in degrees; `instrument` and `source` are names of beamline and laboratory."""
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
        _write_start(entry, profile)
        _write_instrument(entry, converted, held, instrument, source)
        _write_surroundings(entry, profile)
        note = "" if converted is profile else f"converted from {profile.unit.name}, bins unchanged"
        _write_reduction(entry, profile, note)
    warn_of_covariance(profile, path)
    if number := int(np.count_nonzero(~held)):
        warn_of_loss(f"{path}: left out {number} of {held.size} bins that hold nothing.")
    with pending(path, force=force) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _write_start(entry: Any, profile: Profile) -> None:
    start = profile.metadata.get("start_time")
    entry["start_time"] = str(start) if start else dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    if not start:
        entry["start_time"].attrs["note"] = "not recorded; this is the time of writing"


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


def _write_surroundings(entry: Any, profile: Profile) -> None:
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = label_of(profile.metadata) or _NOT_RECORDED
    sample["rotation_angle"] = 0.0
    sample["rotation_angle"].attrs["units"] = "degrees"
    monitor = _group(entry, "monitor", "NXmonitor")
    monitor["mode"] = "monitor"
    for name in ("preset", "integral"):
        monitor[name] = profile.normalization_factor
        monitor[name].attrs["units"] = "arbitrary units"


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
