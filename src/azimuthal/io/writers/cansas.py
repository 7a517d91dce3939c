# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""I(q) as NXcanSAS (``.cansas.h5``), for SasView, Igor and whatever reads reduced small-angle scattering.

One ``SASentry`` per profile, ``sasentry01`` and so on, the first of them the default plot::

    /sasentry01                    NXentry, SASentry, version 1.1, definition = NXcanSAS
        title, run                 label of the profile, number of the frame
        sasdata                    NXdata, SASdata: Q, I, Idev; signal I, axes Q
        sasinstrument/sassource    incident_wavelength in angstrom, where it is known
        sasprocess                 name, date, and the facts of the integration as terms and as a JSON note

Q has the unit of the profile: 1/angstrom or 1/nm; no other is converted.  The unit of I is ``"arbitrary"`` unless
``intensity_unit`` says what it is, since a profile does not know it.  Bins that hold nothing have no row; a warning
counts them.  All entries are made in memory.  Resolutions are not written: bins have a width, which is no
resolution.  Sums, edges, counts and covariances have no place in the definition: keep the NXazint file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import check_target, pending
from azimuthal._validate import one_of
from azimuthal.errors import UnsupportedOptionError
from azimuthal.io.hdf5 import hdf5_in_memory
from azimuthal.io.writers._columns import Result, filled_bins, warn_of_covariance, warn_of_loss
from azimuthal.io.writers._facts import PROGRAM, frame_number, json_text, label_of, profile_lines, program_version
from azimuthal.results import Profile

_Q_UNITS = {"q_A^-1": "1/angstrom", "q_nm^-1": "1/nm"}
_INTENSITY_UNITS = ("arbitrary", "1/cm", "1/m", "m2/g", "cm2/g")


def write_cansas(
    results: Iterator[Result], path: Path, *, force: bool, intensity_unit: str = "arbitrary", title: str | None = None
) -> None:
    """Write one SASentry per profile.

    Parameters
    ----------
    intensity_unit:
        ``"arbitrary"``, or for absolute intensities ``"1/cm"``, ``"1/m"``, ``"m2/g"``, ``"cm2/g"``.
    title:
        Of every entry; by default the label of its profile.
    """
    one_of("intensity_unit", intensity_unit, _INTENSITY_UNITS)
    first = _checked(next(results), 0)
    left_out = 0
    check_target(path, force=force)
    with hdf5_in_memory() as (file, buffer):
        file.attrs.update({"NX_class": "NXroot", "default": "sasentry01", "creator": PROGRAM})
        left_out += _write_entry(file, first, 0, intensity_unit, title)
        for index, result in enumerate(results, start=1):
            left_out += _write_entry(file, _checked(result, index), index, intensity_unit, title)
    warn_of_covariance(first, path)
    if left_out:
        warn_of_loss(f"{path}: left out {left_out} bins that hold nothing.")
    with pending(path, force=force) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _checked(result: Result, index: int) -> Profile:
    if not isinstance(result, Profile) or result.unit.name not in _Q_UNITS:
        unit = result.unit.name if isinstance(result, Profile) else "a cake"
        raise UnsupportedOptionError(
            f"results[{index}]: NXcanSAS is written of I(q) in {' or '.join(_Q_UNITS)}, got {unit}. Integrate with "
            "unit='q_A^-1', or use result.to('q_A^-1')."
        )
    if not filled_bins(result).any():
        raise UnsupportedOptionError(f"results[{index}]: all its bins are empty, which NXcanSAS has no way to say.")
    return result


def _write_entry(file: Any, profile: Profile, index: int, intensity_unit: str, title: str | None) -> int:
    """Write one entry and return how many bins it has no row for."""
    entry = _group(file, f"sasentry{index + 1:02d}", "NXentry", "SASentry", default="sasdata", version="1.1")
    label = label_of(profile.metadata)
    entry["definition"] = "NXcanSAS"
    entry["title"] = title or label or "azimuthal integration"
    entry["run"] = str(frame_number(profile.metadata, index))
    held = filled_bins(profile)
    _write_data(entry, profile, held, intensity_unit)
    if profile.wavelength is not None:
        instrument = _group(entry, "sasinstrument", "NXinstrument", "SASinstrument")
        source = _group(instrument, "sassource", "NXsource", "SASsource")
        source["probe"] = "x-ray"
        source["incident_wavelength"] = 1e10 * profile.wavelength
        source["incident_wavelength"].attrs["units"] = "angstrom"
    if label:
        _group(entry, "sassample", "NXsample", "SASsample")["name"] = label
    _write_process(entry, profile)
    return int(np.count_nonzero(~held))


def _write_data(entry: Any, profile: Profile, held: Any, intensity_unit: str) -> None:
    data = _group(entry, "sasdata", "NXdata", "SASdata", signal="I", I_axes="Q", axes="Q")
    data.attrs["Q_indices"] = np.int32(0)
    data["Q"] = profile.radial[held]
    data["Q"].attrs["units"] = _Q_UNITS[profile.unit.name]
    data["I"] = profile.intensity[held]
    data["I"].attrs["units"] = intensity_unit
    if profile.sigma is not None:
        data["I"].attrs["uncertainties"] = "Idev"
        data["Idev"] = profile.sigma[held]
        data["Idev"].attrs["units"] = intensity_unit


def _write_process(entry: Any, profile: Profile) -> None:
    process = _group(entry, "sasprocess", "NXprocess", "SASprocess")
    process["name"] = f"{PROGRAM} {program_version(profile.provenance)}"
    process["date"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    process["description"] = "azimuthal integration"
    for line in profile_lines(profile):
        name, _, value = line.partition(": ")
        process[f"term_{name.replace(' ', '_')}"] = value
    note = _group(process, "sasprocessnote", "NXcollection", "SASprocessnote")
    note["provenance"] = json_text(profile.provenance)
    note["metadata"] = json_text(profile.metadata)


def _group(parent: Any, name: str, nexus_class: str, cansas_class: str, **attributes: str) -> Any:
    group = parent.create_group(name)
    group.attrs.update({"NX_class": nexus_class, "canSAS_class": cansas_class, **attributes})
    return group
