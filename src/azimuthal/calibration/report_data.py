# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Everything that a calibration report says, as plain values: what its pages print and what its JSON holds.

Lengths in m, angles in rad unless a key says otherwise, deviations in pixels; null is "not known" or "not there".
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from azimuthal._version import __version__
from azimuthal.calibration.calibration import Calibration
from azimuthal.calibration.refinement import Refinement
from azimuthal.calibration.residuals import PARAMETERS
from azimuthal.calibration.validation import Validation
from azimuthal.instrument import Instrument
from azimuthal.typing import AnyArray

__all__ = ["REPORT_FORMAT", "REPORT_VERSION", "array_digest", "report_data"]

REPORT_FORMAT = "azimuthal calibration report"
REPORT_VERSION = 1


def report_data(calibration: Calibration, validation: Validation) -> dict[str, Any]:
    """Return what is known of a calibration; JSON takes all of it."""
    refinement = calibration.refinement
    document: dict[str, Any] = {
        "format": REPORT_FORMAT,
        "version": REPORT_VERSION,
        "made_by": f"azimuthal {__version__}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": calibration.verdict,
        "reasons": list(calibration.reasons),
        "image": calibration.image,
        "calibrant": calibration.calibrant,
        "certificate": _certificate(calibration),
        "is_placed": validation.is_placed,
        "instrument": _instrument(validation.instrument, placed=validation.is_placed),
        "inputs": [dict(facts) for facts in calibration.inputs],
        "settings": dict(calibration.settings),
        "digests": _digests(calibration),
        "numbers": _numbers(calibration, validation),
        "parameters": [] if refinement is None else _parameters(refinement),
        "parameter_names": list(PARAMETERS),
        "covariance": None if refinement is None else refinement.covariance,
        "correlations": None if refinement is None else refinement.correlations,
        "hardly_told_apart": [] if refinement is None else list(refinement.correlated),
        "not_told": [] if refinement is None else list(refinement.degenerate),
        "rings": _rings(calibration, validation),
        "sectors_left_out": {reason: number for reason, number in calibration.ring_points.left_out.items() if number},
        "residual_map": _fields(validation.residual_map),
        "rose": _fields(validation.rose),
        "ridges": [_fields(ridge) for ridge in validation.ridges],
        "control_points": _points(calibration),
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def array_digest(array: AnyArray) -> str:
    """Return the BLAKE2b digest (128 bit) of an array: type, shape and values, whatever its layout in memory."""
    digest = hashlib.blake2b(f"{array.dtype.str} {array.shape} ".encode(), digest_size=16)
    for start in range(0, array.shape[0], 256):
        digest.update(np.ascontiguousarray(array[start : start + 256]).tobytes())
    return digest.hexdigest()


def _instrument(instrument: Instrument, *, placed: bool) -> dict[str, Any]:
    detector, center = instrument.detector, instrument.beam_center if placed else None
    return {
        "detector": detector.name,
        "shape": list(detector.shape),
        "pixel_m": [detector.pixel1, detector.pixel2],
        "orientation": detector.orientation,
        "wavelength_m": instrument.wavelength,
        "energy_keV": instrument.beam.energy,
        "beam_center_pixels": None if center is None else [center.slow, center.fast],
        "parallax": instrument.parallax is not None,
    }


def _certificate(calibration: Calibration) -> str:
    """Return who vouches for the lattice, where the calibrant says so."""
    return str(getattr(calibration.observed.calibrant, "certificate", "") if calibration.observed else "")


def _digests(calibration: Calibration) -> dict[str, str]:
    seen = calibration.observed
    return {} if seen is None else {"image": array_digest(seen.image), "usable_pixels": array_digest(seen.usable)}


def _numbers(calibration: Calibration, validation: Validation) -> dict[str, Any]:
    refinement, points = calibration.refinement, calibration.control_points
    found = {
        "passes": calibration.n_passes,
        "points": len(points),
        "points_used": 0,
        "rings_predicted": len(calibration.ring_points.predicted),
        "rings_with_points": len(calibration.ring_points.found),
        "ring_width_pixels": np.median(calibration.ring_points.fwhm) if len(points) else None,
        "cake_waviness_pixels": validation.waviness,
    }
    if refinement is None:
        return found
    used = refinement.used
    return found | {
        "points_used": int(used.sum()),
        "rings_with_points": int(np.unique(points.ring[used]).size),
        "median_residual_pixels": np.median(np.abs(refinement.residuals[used])) if used.any() else None,
        "median_ring_deviation_pixels": calibration.median_deviation,
        "scatter_pixels": refinement.scatter,
        "ring_scatter_pixels": refinement.ring_scatter,
        "reduced_chi_square": refinement.reduced_chi_square,
        "largest_error_pixels": calibration.largest_error,
    }


def _parameters(refinement: Refinement) -> list[dict[str, Any]]:
    start = refinement.start
    before = {**{name: getattr(start.pose, name) for name in PARAMETERS[:6]}, "wavelength": start.wavelength}
    return [
        {
            "name": name,
            "unit": "rad" if name.startswith("rot") else "m",
            "value": value,
            "error": refinement.standard_errors[name],
            "fixed": name not in refinement.free,
            "start": before[name],
            "at_bound": name in refinement.at_bound,
        }
        for name, value in refinement.values.items()
    ]


def _rings(calibration: Calibration, validation: Validation) -> list[dict[str, Any]]:
    deviations = {deviation.ring: deviation for deviation in validation.ring_deviations}
    ridges = {ridge.ring: ridge for ridge in validation.ridges}
    points, fwhm = calibration.control_points, calibration.ring_points.fwhm
    rows = []
    for place in validation.rings:
        deviation, ridge = deviations.get(place.ring), ridges.get(place.ring)
        width = fwhm[points.ring == place.ring]
        rows.append(
            {
                "ring": place.ring,
                "label": place.label,
                "d_m": place.d_spacing,
                "two_theta_deg": math.degrees(place.two_theta),
                "state": place.state,
                "points": 0 if deviation is None else deviation.n_points,
                "deviation": None if deviation is None else deviation.mean,
                "error": None if deviation is None else deviation.error,
                "scatter": None if deviation is None else deviation.scatter,
                "width": np.median(width) if width.size else None,
                "cake_rows": 0 if ridge is None else ridge.error.size,
                "cake_deviation": None if ridge is None else ridge.offset,
                "cake_waviness": None if ridge is None else ridge.waviness,
            }
        )
    return rows


def _points(calibration: Calibration) -> dict[str, Any]:
    points, refinement = calibration.control_points, calibration.refinement
    return {
        "slow": np.round(points.slow, 4),
        "fast": np.round(points.fast, 4),
        "ring": points.ring,
        "uncertainty": np.round(points.uncertainty, 4),
        "residual": None if refinement is None else np.round(refinement.residuals, 4),
        "used": None if refinement is None else refinement.used,
    }


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, floating arrays to seven digits."""
    found = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {name: _rounded(one) for name, one in found.items()}


def _rounded(value: Any) -> Any:
    return np.round(value, 6) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


def _plain(value: Any) -> Any:
    """Return what JSON knows: no arrays, no NaN, no infinity."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
