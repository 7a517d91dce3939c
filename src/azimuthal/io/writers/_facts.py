# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What writers say about a result in words: program, version, axes, corrections."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from azimuthal._version import __version__
from azimuthal.results import Profile
from azimuthal.results.convert import plain
from azimuthal.units import Axis, Unit

PROGRAM = "azimuthal"


class Failure(Protocol):
    """A frame, or a file, of which there is no result."""

    @property
    def name(self) -> str:
        """Label of the frame, or the path of the file."""

    @property
    def reason(self) -> str:
        """What went wrong."""

    @property
    def n_frames(self) -> int | None:
        """How many frames were lost; None: not known."""


def failure_columns(failures: Iterable[Failure]) -> dict[str, Any]:
    """Return names, reasons and numbers of frames (-1: not known) of failures."""
    listed = list(failures)
    numbers = [-1 if one.n_frames is None else one.n_frames for one in listed]
    return {
        "name": [one.name for one in listed],
        "reason": [one.reason for one in listed],
        "n_frames": np.array(numbers, "<i8"),
    }


def program_version(provenance: Mapping[str, Any]) -> str:
    """Return the version of the program that integrated, by default this one."""
    return str(provenance.get("version") or __version__)


def json_text(value: Any) -> str:
    """Return JSON on one line, keys in their own order; NumPy numbers become numbers."""
    return json.dumps(value, default=plain)


def label_of(metadata: Mapping[str, Any]) -> str:
    """Return the label of a result on one line, "" when it has none."""
    return " ".join(str(metadata.get("label") or metadata.get("name") or "").split())


def exposure_time(metadata: Mapping[str, Any]) -> float | None:
    """Return the counting time of a result in s, None when it is not known."""
    for facts in (metadata, metadata.get("measurement")):
        value = facts.get("exposure_time") if isinstance(facts, Mapping) else None
        if isinstance(value, int | float) and 0 < value < math.inf:
            return float(value)
    return None


def ascii_axis_text(axis: Axis) -> str:
    """Return e.g. ``scattering angle (deg)``: the quantity in words and the symbol of the unit."""
    words = axis.quantity.long_name or axis.quantity.name
    return f"{words} ({axis.unit.symbol})" if axis.unit.symbol else words


def column_names(unit: Unit) -> tuple[str, str, str]:
    """Return the names of the columns of bin centres, lower and upper edges."""
    return unit.name, f"{unit.name}_lower", f"{unit.name}_upper"


def profile_lines(profile: Profile) -> list[str]:
    """Return what a reader of a text file needs to know about a profile, one fact per line."""
    wavelength = "not known" if profile.wavelength is None else f"{profile.wavelength!r} m"
    lines = [f"program: {PROGRAM} {program_version(profile.provenance)}"]
    if label_of(profile.metadata):
        lines.append(f"label: {label_of(profile.metadata)}")
    lines += [
        f"axis: {profile.unit.name}, {ascii_axis_text(profile.axis)}",
        f"wavelength: {wavelength}",
        f"average: {profile.average}",
        f"error model: {profile.error_model or 'none'}",
        f"normalization factor: {profile.normalization_factor!r}",
    ]
    if profile.normalization_variance > 0:
        lines.append(f"variance of the normalization factor: {profile.normalization_variance!r}")
    if "run" in profile.provenance:
        lines.append(f"recipe: {json_text(profile.provenance['run'])}")
    if noisy := profile.provenance.get("noisy_arrays"):
        lines.append(f"errors include the noise of: {', '.join(noisy) if '?' not in noisy else 'several arrays'}")
    return lines


def correction(provenance: Mapping[str, Any], name: str) -> Any:
    """Return what the provenance says about a correction: its value or mode, False or None for "not applied".

    Raises
    ------
    KeyError
        Nothing is said about it.
    """
    for record in (provenance.get("corrections"), provenance.get("recipe")):
        if isinstance(record, Mapping) and name in record:
            return record[name]
    raise KeyError(name)


def frame_number(metadata: Mapping[str, Any], position: int) -> int:
    """Return the number of the frame in its source; the position among the results when it is not known."""
    number = metadata.get("index", position)
    return int(number) if isinstance(number, int | np.integer) else position
