# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A calibration as a PONI file: calibrant and image recorded as other programs do, the verdict as a comment."""

from __future__ import annotations

from azimuthal.calibration import Calibration
from azimuthal.errors import ParameterError
from azimuthal.io.geometry_files import save_poni
from azimuthal.typing import PathLike

__all__ = ["save_calibration"]


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
