# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""What small shifts of whole rings, which no residual shows, would do to two theta.

A control point is the top of a Gaussian on a straight line.  Where the profile is another one, where the background is
curved, where a weak line stands in the tail of a strong one and where polarisation and solid angle fall across the
width of a ring, the top is not where the calibrant says, by a few thousandths of the width, and a geometry can follow:
such shifts leave no residuals.  They are assumed: of all points together, of every ring, and of every eighth of a ring,
by :math:`\upsilon` each, independent of each other, with

.. math:: \upsilon = 0.001 + 0.0015\, w

in pixels for a median width (FWHM) of w pixels.  With the weights and the Jacobian of the refinement (linear loss),
:math:`A = J^T W J` and :math:`G_k = \sum_{i \in k} J_i w_i s_i` (:math:`s_i`: size of a pixel), the covariance is

.. math:: A^{-1} \Bigl(\upsilon^2 \sum_k G_k G_k^T\Bigr) A^{-1}

The sum goes over all groups of points.  Three whole rings hardly feel it, a few short arcs do.  The size is what
simulations of strong rings show at worst (docs/explanation/calibration-campaign.md) and is a matter of the verdict.  A
twelfth of it is there in most images: the standard errors of a calibration have that much of it beside what the counts
say, or its pulls were 1.5 to 1.9 wide where few or overlapping rings have many counts.
"""

from __future__ import annotations

import numpy as np

from azimuthal.calibration.positions import Cells
from azimuthal.calibration.refinement import UNKNOWN_UNCERTAINTY, Refinement
from azimuthal.calibration.residuals import PARAMETERS, two_theta_and_jacobian
from azimuthal.typing import FloatArray, IntArray

__all__ = ["COMMON_SHARE", "SHIFT", "SHIFT_OF_WIDTH", "systematic_covariance"]

SHIFT, SHIFT_OF_WIDTH = 0.001, 0.0015
COMMON_SHARE = 1 / 12  # of these in standard errors
_SECTORS = 8
_SMALLEST = 1e-12  # of the eigenvalues of the scaled normal matrix


def systematic_covariance(refinement: Refinement, fwhm: float) -> FloatArray:
    """Return the covariance of the parameters for shifts as assumed above.

    Parameters
    ----------
    refinement:
        Points and geometry.
    fwhm:
        Median full width of the rings, pixels.

    Returns
    -------
    :
        Shape (7, 7) in the order of :data:`~azimuthal.calibration.residuals.PARAMETERS`; zero for fixed parameters and
        for what the rings cannot tell.
    """
    points, used, instrument = refinement.control_points, refinement.used, refinement.instrument
    slow, fast, ring = points.slow[used], points.fast[used], points.ring[used]
    cells = Cells(instrument, slow, fast)
    slopes = cells.slopes(slow, fast)
    pixel = np.hypot(slopes.angle1, slopes.angle2)
    _, jacobian = two_theta_and_jacobian(cells.positions(slow, fast), instrument.pose)
    jacobian = np.column_stack((jacobian, -2 * np.tan(slopes.angle / 2) / (instrument.wavelength or np.nan)))
    columns = [PARAMETERS.index(name) for name in refinement.free if np.isfinite(refinement.standard_errors[name])]
    full = np.zeros((len(PARAMETERS), len(PARAMETERS)))
    if not columns or not used.any():
        return full
    sigma = np.where(np.isfinite(points.uncertainty[used]), points.uncertainty[used], UNKNOWN_UNCERTAINTY)
    rows = jacobian[:, columns] / (pixel * np.hypot(sigma, refinement.scatter))[:, None]
    scale = np.linalg.norm(rows, axis=0)
    scale[scale == 0] = 1.0
    rows = rows / scale
    weighted = rows / np.hypot(sigma, refinement.scatter)[:, None]
    sector = ((slopes.azimuth + np.pi) / (2 * np.pi) * _SECTORS).astype(np.int64) % _SECTORS
    shift = SHIFT + SHIFT_OF_WIDTH * fwhm
    middle = np.zeros((len(columns), len(columns)))
    for groups in (np.zeros_like(ring), ring, ring * _SECTORS + sector):
        totals = _totals(weighted, groups)
        middle += shift**2 * totals.T @ totals
    inverse = np.linalg.pinv(rows.T @ rows, rcond=_SMALLEST, hermitian=True)
    full[np.ix_(columns, columns)] = inverse @ middle @ inverse / np.outer(scale, scale)
    return full


def _totals(rows: FloatArray, groups: IntArray) -> FloatArray:
    """Return the sums of the rows of each group."""
    numbers, index = np.unique(groups, return_inverse=True)
    return np.column_stack([np.bincount(index, column, minlength=numbers.size) for column in rows.T])
