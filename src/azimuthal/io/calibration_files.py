# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A calibration on disk.

As a PONI file: calibrant and image recorded as other programs do, and as comments the verdict, standard errors and the
covariance (the upper triangle, row by row), which :func:`load_covariance` reads back.  As a report: one HTML
file for people, with the numbers as JSON inside it for programs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal.calibration import PARAMETERS, Calibration
from azimuthal.calibration.report import DATA_ID, Report
from azimuthal.calibration.report_data import REPORT_FORMAT, REPORT_VERSION
from azimuthal.errors import FileFormatError, FileMissingError, ParameterError
from azimuthal.io.geometry_files import read_poni, save_poni
from azimuthal.typing import BoolArray, FloatArray, PathLike

__all__ = ["load_calibration_report", "load_covariance", "save_calibration", "save_calibration_report"]

_COVARIANCE = f"Covariance of {' '.join(PARAMETERS)} (m, rad, upper triangle)"
_DATA = re.compile(f'<script type="application/json" id="{DATA_ID}">(.*?)</script>', re.DOTALL)


def save_calibration(
    calibration: Calibration, path: PathLike, *, comments: tuple[str, ...] = (), force: bool = False
) -> None:
    """Write the refined geometry as a PONI file, with more comments where there are some.

    Raises
    ------
    ParameterError
        The calibration failed.
    OutputExistsError
        The file exists and `force` is False.
    ConversionError
        A PONI file cannot hold this detector.
    """
    if calibration.verdict == "failed":
        raise ParameterError(f"save: this calibration failed ({calibration.reasons[0]}); nothing was written.")
    save_poni(
        calibration.instrument,
        path,
        comments=tuple(map(_one_line, (*_comments(calibration), *comments))),
        calibrant=_one_line(calibration.calibrant),
        image=None if calibration.image is None else _one_line(calibration.image),
        force=force,
    )


def _comments(calibration: Calibration) -> Iterator[str]:
    reasons = "".join(f"; {reason}" for reason in calibration.reasons)
    yield f"Verdict: {calibration.verdict}{reasons}"
    errors = ", ".join(f"{name} {error:.3g}" for name, error in calibration.standard_errors.items() if error > 0)
    yield f"Standard errors (m, rad): {errors or 'none, nothing was refined'}"
    used = calibration.control_points.select(_used(calibration))
    yield (
        f"Points: {len(used)} on {used.rings.size} rings, rings off by {calibration.median_deviation:.3f} pixel "
        f"(median), two theta known to {calibration.largest_error:.3f} pixel"
    )
    upper = calibration.covariance[np.triu_indices(len(PARAMETERS))]
    yield f"{_COVARIANCE}: {' '.join(f'{value:.9g}' for value in upper.tolist())}"


def _used(calibration: Calibration) -> BoolArray:
    assert calibration.refinement is not None  # else it failed, and is not written
    return calibration.refinement.used


def _one_line(text: str) -> str:
    """Return text that cannot begin another line of the file, where it would be read as a key."""
    return " ".join(text.split())


def load_covariance(path: PathLike) -> FloatArray:
    """Return the covariance of the geometry that a PONI file of a calibration holds.

    Returns
    -------
    :
        Of dist, poni1, poni2, rot1, rot2, rot3, wavelength; shape (7, 7), m and rad, nine digits; zero where a
        parameter was fixed, infinite on the diagonal where the rings could not tell it.
        :func:`azimuthal.calibration.radial_uncertainty.radial_uncertainty` takes it.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, is no PONI file, or holds no covariance: it was not written by a calibration of ours.
    """
    found = [comment for comment in read_poni(path).comments if comment.startswith(f"{_COVARIANCE}:")]
    if not found:
        raise FileFormatError(
            f"{path}: holds no covariance: only calibrations of azimuthal write it. Calibrate again (az.recalibrate)."
        )
    n = len(PARAMETERS)
    try:
        upper = [float(word) for word in found[-1].partition(":")[2].split()]
    except ValueError as error:
        raise FileFormatError(f"{path}: {_COVARIANCE}: expected numbers: {error}.") from None
    if len(upper) != n * (n + 1) // 2:
        raise FileFormatError(f"{path}: {_COVARIANCE}: expected {n * (n + 1) // 2} numbers, got {len(upper)}.")
    covariance: FloatArray = np.zeros((n, n))
    covariance[np.triu_indices(n)] = upper
    return np.asarray(np.triu(covariance) + np.triu(covariance, 1).T)


def save_calibration_report(report: Report, path: PathLike, *, force: bool = False) -> Path:
    """Write a report as one HTML file; it appears complete or not at all.

    Raises
    ------
    OutputExistsError, OutputError
        The file exists and `force` is False, or it cannot be written.
    """
    return write_text(path, (report.html,), force=force)


def load_calibration_report(path: PathLike) -> dict[str, Any]:
    """Return the numbers of a report: :mod:`azimuthal.calibration.report_data`.

    Raises
    ------
    FileMissingError
        The file does not exist.
    FileFormatError
        It is no report, or one of a later version.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: expected a calibration report: {error}.") from None
    try:
        match = _DATA.search(text)
        data = json.loads(match[1] if match else "null")
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: the numbers of this report cannot be read: {error}.") from None
    if not isinstance(data, dict) or data.get("format") != REPORT_FORMAT:
        raise FileFormatError(f"{path}: is no calibration report: expected one that azimuthal wrote.")
    version = data.get("version")
    if not isinstance(version, int) or version > REPORT_VERSION:
        raise FileFormatError(
            f"{path}: is a report of version {version}, this azimuthal knows versions up to {REPORT_VERSION}. Use a "
            "newer azimuthal."
        )
    return data
