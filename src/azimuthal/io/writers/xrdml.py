# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Powder patterns as XRDML (``.xrdml``), the XML of PANalytical, for HighScore and MAUD.

Layout of version 1.5: one scan of constant step over 2theta in degrees, from ``startPosition`` to ``endPosition``,
which are the centres of the first and the last bin, and a list of intensities.  What that has no place for:

* Uncertainties are not written: HighScore and MAUD take the root of the intensities for them.  The comment says so.
* There is no missing bin: bins at both ends that hold nothing are left out, an empty bin in between is an error.
* The format wants a tube's lines: K-alpha 1, K-alpha 2 and K-beta are all the wavelength, the ratio is zero.
* It wants a counting time, by which programs divide: ``exposure_time`` (s) of metadata or ``measurement``, else 1.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal.errors import UnsupportedOptionError, WavelengthMissingError
from azimuthal.io.writers._columns import Result, Steps, constant_steps, filled_bins, only_profile
from azimuthal.io.writers._facts import PROGRAM, exposure_time, label_of, profile_lines, program_version
from azimuthal.results import Profile

_NAMESPACE = "http://www.xrdml.com/XRDMeasurement/1.5"


def write_xrdml(results: Iterator[Result], path: Path, *, force: bool) -> None:
    """Write intensities at constant step of 2theta."""
    profile = only_profile(results)
    if profile.wavelength is None:
        raise WavelengthMissingError(
            "wavelength: .xrdml has to state it and it is not known. Give the geometry a wavelength, or save as .xye."
        )
    steps = constant_steps(profile, "xrdml")
    missing = np.flatnonzero(~filled_bins(steps.profile)[steps.bins]) + steps.bins.start
    if missing.size:
        raise UnsupportedOptionError(
            f"format: .xrdml has no place for a missing bin, and {missing.size} are empty (the first at "
            f"{steps.profile.radial[missing[0]]:.6g} degrees). Integrate into fewer bins, or save it as .xye."
        )
    steps.report(path)
    write_text(path, (_document(steps),), force=force)


def _document(steps: Steps) -> str:
    profile = steps.profile
    time, remark = _counting_time(profile)
    facts = [*profile_lines(profile), *steps.facts(), remark, "uncertainties are not part of this format"]
    comment = "".join(f"<entry>{escape(fact)}</entry>" for fact in facts if fact)
    label = escape(label_of(profile.metadata) or "azimuthal profile")
    wavelength = f"{1e10 * (profile.wavelength or 0.0):.10g}"
    lines = "".join(f'<{name} unit="Angstrom">{wavelength}</{name}>' for name in ("kAlpha1", "kAlpha2", "kBeta"))
    values = " ".join(map(repr, profile.intensity[steps.bins].tolist()))
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    program = f'<applicationSoftware version="{escape(program_version(profile.provenance))}">{PROGRAM}'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="{_NAMESPACE}" status="Completed">
<comment>{comment}</comment>
<sample type="To be analyzed"><id>{label}</id><name>{label}</name></sample>
<xrdMeasurement measurementType="Scan" status="Completed">
<usedWavelength intended="K-Alpha 1">{lines}<ratioKAlpha2KAlpha1>0.0</ratioKAlpha2KAlpha1></usedWavelength>
<scan appendNumber="0" mode="Continuous" scanAxis="2Theta" status="Completed">
<header><startTimeStamp>{now}</startTimeStamp><endTimeStamp>{now}</endTimeStamp>
<source>{program}</applicationSoftware></source></header>
<dataPoints>
<positions axis="2Theta" unit="deg">
<startPosition>{steps.start!r}</startPosition><endPosition>{steps.stop!r}</endPosition>
</positions>
<commonCountingTime unit="seconds">{time!r}</commonCountingTime>
<intensities unit="counts">{values}</intensities>
</dataPoints>
</scan>
</xrdMeasurement>
</xrdMeasurements>
"""


def _counting_time(profile: Profile) -> tuple[float, str]:
    """Return the counting time in s, and what the comment says when it is not known."""
    seconds = exposure_time(profile.metadata)
    if seconds is not None:
        return seconds, ""
    return 1.0, "counting time: not known, 1 s stands for it"
