# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""What the covariance of a geometry means for the radial axis.

A value u of a pixel (two theta, q, r, ...) changes with the parameters by its gradient :math:`\nabla u`; its standard
error is :math:`\sqrt{\nabla u^T C\, \nabla u}`.  A bin of a pattern averages pixels of all azimuths that the detector
sees there, so that the gradients are averaged first: a shift of the centre that moves one side of a ring out and the
other one in broadens a full ring and does not move it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from azimuthal.calibration.residuals import PARAMETERS
from azimuthal.geometry import Pose
from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray
from azimuthal.units import Unit
from azimuthal.units import unit as find_unit

__all__ = ["largest_apart", "pixel_uncertainty", "radial_uncertainty"]

_SAMPLES = 150  # rows and columns
_BINS = 128
_STEP = 1e-6


def radial_uncertainty(instrument: Instrument, covariance: FloatArray, unit: Unit | str, values: Any) -> FloatArray:
    """Return the standard error of the radial axis.

    Parameters
    ----------
    instrument:
        The geometry.
    covariance:
        Shape (7, 7); infinite variances (what rings cannot tell, such as rot3) are left out.
    unit:
        Radial unit, or its name.
    values:
        On the axis, in `unit`; any shape.

    Returns
    -------
    :
        Shape of `values`, float64, in `unit`; NaN where the detector has no pixels.
    """
    found, gradients = _gradients(instrument, find_unit(unit), covariance)
    finite = np.isfinite(found) & np.isfinite(gradients).all(axis=1)
    found, gradients = found[finite], gradients[finite]
    edges = np.linspace(found.min(), found.max(), _BINS + 1)
    index = np.clip(np.searchsorted(edges, found, side="right") - 1, 0, _BINS - 1)
    n = np.bincount(index, minlength=_BINS).astype(np.float64)
    mean: FloatArray = np.column_stack([np.bincount(index, column, minlength=_BINS) for column in gradients.T])
    mean = mean[n > 0] / n[n > 0, None]
    middle = np.bincount(index, found, minlength=_BINS)[n > 0] / n[n > 0]
    error = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", mean, _finite(covariance), mean), 0.0))
    given = np.asarray(values, dtype=np.float64)
    inside = (given >= edges[0]) & (given <= edges[-1])
    return np.where(inside, np.interp(given, middle, error), np.nan)


def pixel_uncertainty(instrument: Instrument, covariance: FloatArray) -> float:
    """Return the largest standard error of two theta on the detector, in pixels.

    That is how far a ring may be displaced across itself, anywhere: the error over the change of two theta per pixel in
    the steepest direction.
    """
    found, gradients = _gradients(instrument, find_unit("2th_rad"), covariance)
    error = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", gradients, _finite(covariance), gradients), 0.0))
    usable = np.isfinite(found) & np.isfinite(error)
    return float(np.max((error / _steepest(instrument))[usable], initial=0.0))


def largest_apart(one: Instrument, other: Instrument) -> float:
    """Return the largest difference of two theta between two poses of a detector, in pixels."""
    angles = []
    for instrument in (one, other):
        t = instrument.pose.lab_from_detector(_sampled(instrument))
        angles.append(np.arctan2(np.hypot(t[:, 0], t[:, 1]), t[:, 2]))
    return float(np.nanmax(np.abs(angles[0] - angles[1]) / _steepest(one)))


def _steepest(instrument: Instrument) -> FloatArray:
    """Return the change of two theta per pixel in the steepest direction, of the sampled pixels, rad."""
    detector, rotation = instrument.detector, instrument.pose.rotation
    t = instrument.pose.lab_from_detector(_sampled(instrument))
    length = np.linalg.norm(t, axis=1)
    if not detector.is_flat:
        return np.asarray(np.sqrt(detector.pixel1 * detector.pixel2) / length)
    rho = np.maximum(np.hypot(t[:, 0], t[:, 1]), 1e-9 * length)
    across = np.column_stack((t[:, 2] * t[:, 0] / rho, t[:, 2] * t[:, 1] / rho, -rho)) / length[:, None]
    sizes = np.array([detector.pixel1, detector.pixel2])
    return np.asarray(np.linalg.norm(across @ rotation[:, :2] * sizes, axis=1) / length)


def _finite(covariance: FloatArray) -> FloatArray:
    return np.where(np.isfinite(covariance), covariance, 0.0)


def _sampled(instrument: Instrument) -> FloatArray:
    """Return centres of some pixels all over the detector, (n, 3), m."""
    n_slow, n_fast = instrument.detector.shape
    rows = np.unique(np.linspace(0, n_slow - 1, min(n_slow, _SAMPLES)).astype(int))
    columns = np.unique(np.linspace(0, n_fast - 1, min(n_fast, _SAMPLES)).astype(int))
    lines = [instrument.detector.centers(slice(row, row + 1))[0, columns] for row in rows.tolist()]
    return np.concatenate(lines)


def _gradients(instrument: Instrument, unit: Unit, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return values of sampled pixels and their gradients with respect to the seven parameters."""
    positions, pose = _sampled(instrument), instrument.pose
    start = np.array([*(getattr(pose, name) for name in PARAMETERS[:6]), instrument.wavelength or np.nan])

    def evaluated(parameters: FloatArray) -> FloatArray:
        t = Pose(*parameters[:6].tolist()).lab_from_detector(positions)
        canonical = unit.quantity.values(t[:, 1], t[:, 0], t[:, 2], float(parameters[6]))
        return np.asarray(unit.from_canonical(canonical))

    found = evaluated(start)
    gradients = np.zeros((positions.shape[0], len(PARAMETERS)))
    for k in np.flatnonzero(np.diag(covariance) != 0).tolist():
        step = np.zeros(len(PARAMETERS))
        step[k] = _STEP * (1.0 if PARAMETERS[k].startswith("rot") else start[0] if k < 3 else start[6])
        gradients[:, k] = (evaluated(start + step) - evaluated(start - step)) / (2 * step[k])
    return found, gradients
