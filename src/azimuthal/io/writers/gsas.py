# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Powder patterns for GSAS and GSAS-II: ``FXYE`` and ``ESD`` records of constant step.

Both are a title of at most 80 columns, comments, a line ``BANK 1 points records CONS start step 0 0 TYPE`` with
start and step in hundredths of a degree of 2theta, and records of 80 columns:

* ``FXYE`` (``.fxye``): 2theta in hundredths of a degree, intensity, esd, one bin a record, in free format.
* ``ESD`` (``.gsa``): five pairs of intensity and esd a record, each number in eight columns.  A number is rounded to
  what eight columns hold; that is refused where it would matter (a hundredth of the esd, a thousandth of it in the
  esd itself).  2theta is not written: it follows from start and step.

A constant step has no place for a missing bin: bins at both ends without an esd above zero are left out, those in
between are written with intensity and esd zero, to which GSAS-II gives no weight.  A comment counts both.  GSAS-II also
gives no weight to intensities that are not positive, whatever their esd.

Comments begin with ``#``; GSAS-II reads over them, GSAS itself does not know them: ``header=False`` leaves them out.
The wavelength belongs to the instrument parameters of these programs; here it is told in the title only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal.errors import UnsupportedOptionError
from azimuthal.io.writers._columns import Result, Steps, constant_steps, filled_bins, only_profile, required_sigma
from azimuthal.io.writers._facts import PROGRAM, label_of, profile_lines, program_version
from azimuthal.results import Profile
from azimuthal.typing import BoolArray, FloatArray

_RECORD = 80
_COLUMNS = 8
_PAIRS = 5
#: By how much rounding may change an intensity, in esd, and an esd, relative.
_LARGEST_ROUNDING = (0.01, 0.001)


def write_fxye(results: Iterator[Result], path: Path, *, force: bool, header: bool = True) -> None:
    """Write 2theta in hundredths of a degree, intensity and esd at constant step."""
    steps, intensity, esd, gaps = _pattern(results, "fxye")
    columns = zip((100 * steps.centers).tolist(), intensity.tolist(), esd.tolist(), strict=True)
    records = [f"{x:20.12g} {value!r:>24} {error!r:>24}" for x, value, error in columns]
    _write(steps, records, "FXYE", gaps, path, force=force, header=header)


def write_esd(results: Iterator[Result], path: Path, *, force: bool, header: bool = True) -> None:
    """Write pairs of intensity and esd, eight columns a number, at constant step."""
    steps, intensity, esd, gaps = _pattern(results, "gsa")
    numbers = [in_eight_columns(value) for pair in zip(intensity, esd, strict=True) for value in pair]
    _check_rounding(np.array([float(text) for text in numbers]).reshape(-1, 2), intensity, esd)
    width = 2 * _PAIRS
    records = ["".join(numbers[start : start + width]) for start in range(0, len(numbers), width)]
    _write(steps, records, "ESD", gaps, path, force=force, header=header)


def in_eight_columns(value: float) -> str:
    """Return the text of at most eight characters that is nearest to a number, padded on the left to eight."""
    texts = []
    for digits in range(_COLUMNS):
        mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
        texts += [f"{value:.{digits}f}", f"{mantissa}e{int(exponent)}"]
    fitting = [text for text in texts if len(text) <= _COLUMNS]
    return min(fitting, key=lambda text: (abs(float(text) - value), len(text))).rjust(_COLUMNS)


def _pattern(results: Iterator[Result], name: str) -> tuple[Steps, FloatArray, FloatArray, str]:
    """Return the steps, intensities and esds, and what the comment says about bins that hold nothing."""
    profile = only_profile(results)
    required_sigma(profile, name)
    steps = constant_steps(profile, name, _weighted)
    converted = steps.profile
    is_weighted = _weighted(converted)[steps.bins]
    intensity = np.where(is_weighted, converted.intensity[steps.bins], 0.0)
    esd = np.where(is_weighted, required_sigma(converted, name)[steps.bins], 0.0)
    number = int(np.count_nonzero(~is_weighted))
    return steps, intensity, esd, f"{number} bins without an esd above zero are written as 0 0" * (number > 0)


def _weighted(profile: Profile) -> BoolArray:
    with np.errstate(invalid="ignore"):
        return filled_bins(profile) & (required_sigma(profile, "gsa") > 0)


def _check_rounding(written: FloatArray, intensity: FloatArray, esd: FloatArray) -> None:
    has_esd = esd > 0
    off = np.abs(written - np.stack([intensity, esd], axis=1))[has_esd] / esd[has_esd, np.newaxis]
    if off.size and (off.max(axis=0) > _LARGEST_ROUNDING).any():
        raise UnsupportedOptionError(
            "format: .gsa has eight columns a number, which would change an intensity by "
            f"{off[:, 0].max():.2g} esd or an esd by {off[:, 1].max():.2g} of itself. Save it as .fxye."
        )


def _write(steps: Steps, records: list[str], kind: str, gaps: str, path: Path, *, force: bool, header: bool) -> None:
    steps.report(path, gaps)
    start, step = (f"{100 * value:.12g}" for value in (steps.start, steps.step))
    comments = [*profile_lines(steps.profile), *steps.facts(), *([gaps] if gaps else [])] if header else []
    lines = [
        _title(steps.profile),
        *(f"# {line}" for line in comments),
        f"BANK 1 {steps.n_steps} {len(records)} CONS {start} {step} 0 0 {kind}".ljust(_RECORD),
        *(record.ljust(_RECORD) for record in records),
    ]
    write_text(path, ("\n".join(lines), "\n"), force=force)


def _title(profile: Profile) -> str:
    wavelength = "" if profile.wavelength is None else f"wavelength {1e10 * profile.wavelength:.8g} A"
    program = f"{PROGRAM} {program_version(profile.provenance)}"
    about = ", ".join(text for text in (wavelength, program) if text)
    label = label_of(profile.metadata)[: _RECORD - len(about) - 2]
    return ", ".join(text for text in (label, about) if text).ljust(_RECORD)
