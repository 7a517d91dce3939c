# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cakes and profiles for MAUD (``.esg``): one block of text per azimuth.

The keywords are those of CIF and of MAUD.  The first block begins with the facts of the measurement; each block has
its number in ``_pd_block_id``, its azimuth in degrees in ``_pd_meas_angle_eta``, and a loop of 2theta in degrees and
intensity.  The azimuth is chi of this package (``docs/explanation/conventions.md``), at the centre of the bin, from 0
to 360; a profile is one block of azimuth 0.  Any bins will do, since every point has its 2theta.

Bins that hold nothing are left out, and so is an azimuth without a single bin; a warning counts them.  Uncertainties
are not part of the format: MAUD takes the root of the intensity.  There are no comments in it, so that of the facts
only the label and the wavelength are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal.errors import ParameterError, UnsupportedOptionError, WavelengthMissingError
from azimuthal.io.writers._columns import TWO_THETA, Result, warn_of_covariance, warn_of_loss
from azimuthal.io.writers._facts import label_of
from azimuthal.results import Cake
from azimuthal.typing import FloatArray

_HEAD = (
    "_diffrn_detector 2D",
    "_diffrn_detector_type ?",
    "_pd_meas_step_count_time ?",
    "_diffrn_measurement_method diffraction_image",
    "_diffrn_measurement_distance_unit mm{distance}",
    "_diffrn_radiation_wavelength {wavelength}",
    "_diffrn_source_target ?",
    "_diffrn_source_power ?",
    "_diffrn_source_current ?",
    "_pd_meas_angle_omega {omega}",
    "_pd_meas_angle_chi {chi}",
    "_pd_meas_angle_phi {phi}",
    "_riet_par_spec_displac_x 0",
    "_riet_par_spec_displac_y 0",
    "_riet_par_spec_displac_z 0",
    "_riet_meas_datafile_calibrated true",
)


def write_esg(
    results: Iterator[Result],
    path: Path,
    *,
    force: bool,
    distance: float | None = None,
    omega: float = 0.0,
    chi: float = 0.0,
    phi: float = 0.0,
) -> None:
    """Write one block per azimuth.

    Parameters
    ----------
    distance:
        Of the detector in m, for programs that ask for it; left out without.  The angles do not depend on it.
    omega, chi, phi:
        How the sample stands, in degrees, in the words of MAUD.
    """
    result = _in_degrees(next(results))
    two_theta, intensity, azimuths = _rows(result)
    facts = {
        "distance": "" if distance is None else f"\n_pd_instr_dist_spec/detc {1e3 * distance:.10g}",
        "wavelength": "?" if result.wavelength is None else f"{1e10 * result.wavelength:.10g}",
        "omega": repr(float(omega)),
        "chi": repr(float(chi)),
        "phi": repr(float(phi)),
    }
    filled = np.isfinite(intensity)
    if not filled.any():
        raise ParameterError(f"{path}: no bin is left to write ({filled.size} empty). Nothing is written.")
    _report(filled, path)
    warn_of_covariance(result, path)
    title = re.sub(r"[^\w.+-]+", "_", label_of(result.metadata)) or "noTitle"
    head = "".join(line.format(**facts) + "\n" for line in _HEAD)
    blocks = [
        (float(azimuth), two_theta[held].tolist(), row[held].tolist())
        for azimuth, row, held in zip(azimuths, intensity, filled, strict=True)
        if held.any()
    ]
    pieces = (_block(f"{title}|#{number}", head * (number == 0), *block) for number, block in enumerate(blocks))
    write_text(path, pieces, force=force)


def _block(name: str, head: str, azimuth: float, two_theta: list[float], intensity: list[float]) -> str:
    rows = "".join(f" {x!r} {value!r}\n" for x, value in zip(two_theta, intensity, strict=True))
    return (
        f"_pd_block_id {name}\n\n{head}_pd_meas_angle_eta {azimuth!r}\n\n"
        f"loop_\n_pd_proc_2theta_corrected\n_pd_meas_intensity_total\n{rows}\n"
    )


def _in_degrees(result: Result) -> Result:
    try:
        if isinstance(result, Cake) and result.azimuthal_unit.name != "chi_deg":
            result = result.to("chi_deg")
        unit = result.radial_unit if isinstance(result, Cake) else result.unit
        return result if unit.name == TWO_THETA else result.to(TWO_THETA)
    except (UnsupportedOptionError, WavelengthMissingError) as error:
        raise type(error)(
            f"format: .esg is a function of 2theta and the azimuth. Integrate with unit='2th_deg'. {error}"
        ) from error


def _rows(result: Result) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return 2theta, intensities by azimuth with NaN where a bin holds nothing, and azimuths from 0 to 360."""
    held = (result.count != 0) | (result.sum_normalization != 0)
    intensity = np.where(held, result.intensity, np.nan)
    if isinstance(result, Cake):
        return result.radial, intensity, result.azimuthal % 360.0
    return result.radial, intensity[np.newaxis], np.zeros(1)


def _report(filled: np.ndarray, path: Path) -> None:
    number, blocks = int(np.count_nonzero(~filled)), int(np.count_nonzero(~filled.any(axis=1)))
    if number:
        whole = f", among them {blocks} whole azimuths" if blocks else ""
        warn_of_loss(f"{path}: left out {number} of {filled.size} bins that hold nothing{whole}.")
