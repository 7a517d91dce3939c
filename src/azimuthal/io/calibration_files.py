# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A calibration on disk.

As a PONI file: calibrant and image recorded as other programs do, the verdict as a comment.  As a report: one HTML
file for people, with the numbers as JSON inside it for programs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from azimuthal._pending_file import write_text
from azimuthal.calibration import Calibration
from azimuthal.calibration.report import DATA_ID, Report
from azimuthal.calibration.report_data import REPORT_FORMAT, REPORT_VERSION
from azimuthal.errors import FileFormatError, FileMissingError, ParameterError
from azimuthal.io.geometry_files import save_poni
from azimuthal.typing import PathLike

__all__ = ["load_calibration_report", "save_calibration", "save_calibration_report"]

_DATA = re.compile(f'<script type="application/json" id="{DATA_ID}">(.*?)</script>', re.DOTALL)


def save_calibration(calibration: Calibration, path: PathLike, *, force: bool = False) -> None:
    """Write the refined geometry as a PONI file.

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
    reasons = "".join(f"; {reason}" for reason in calibration.reasons)
    errors = {name: error for name, error in calibration.standard_errors.items() if error > 0}
    comments = (
        f"Verdict: {calibration.verdict}{reasons}",
        "Standard errors: " + ", ".join(f"{name} {error:.3g}" for name, error in errors.items()),
    )
    save_poni(
        calibration.instrument,
        path,
        comments=comments,
        calibrant=calibration.calibrant,
        image=calibration.image,
        force=force,
    )


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
