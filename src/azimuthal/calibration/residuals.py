# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Residuals of control points, and how they change with every parameter.

With :math:`p = (d_1 - \mathrm{poni1}, d_2 - \mathrm{poni2}, d_3 + \mathrm{dist})` and :math:`t = R p`
(:mod:`azimuthal.geometry.frames`), the residual of a point on ring k is

.. math:: r = 2\theta(t) - 2 \arcsin\frac{\lambda}{2 d_k},
          \qquad 2\theta(t) = \mathrm{atan2}(\sqrt{t_1^2 + t_2^2}, t_3)

Its derivatives follow from the chain rule with :math:`\rho = \sqrt{t_1^2 + t_2^2}`:

.. math:: \frac{\partial 2\theta}{\partial t} = \frac{1}{|t|^2}
          \left(\frac{t_3 t_1}{\rho}, \frac{t_3 t_2}{\rho}, -\rho\right), \quad
          \frac{\partial t}{\partial \mathrm{poni1}} = -R e_1, \quad
          \frac{\partial t}{\partial \mathrm{poni2}} = -R e_2, \quad
          \frac{\partial t}{\partial \mathrm{dist}} = R e_3

and :math:`\partial t / \partial \mathrm{rot}_k` with the derivative of one of the three matrices.  The derivative with
respect to rot3 is zero: a ring looks the same when the detector turns about the beam, so that rings never tell rot3.
:math:`\partial r / \partial\lambda = -1 / (d_k \cos\theta_k)`.

Where the sensor's parallax is corrected, the points of entry are computed for the pose that the refinement starts
with, and kept; :func:`azimuthal.calibration.refine` repeats itself until that makes no difference.
"""

from __future__ import annotations

import numpy as np

from azimuthal.geometry import Pose
from azimuthal.typing import FloatArray

__all__ = ["PARAMETERS", "ring_angles", "two_theta_and_jacobian"]

#: Names of all parameters, in the order of the columns of Jacobians and covariances.
PARAMETERS = ("dist", "poni1", "poni2", "rot1", "rot2", "rot3", "wavelength")


def two_theta_and_jacobian(positions: FloatArray, pose: Pose) -> tuple[FloatArray, FloatArray]:
    """Return two theta and its derivatives with respect to the pose.

    Parameters
    ----------
    positions:
        Detector-frame positions, shape (n, 3), m.
    pose:
        Where the detector stands.

    Returns
    -------
    :
        Two theta (n,), rad, and the Jacobian (n, 6) with respect to dist, poni1, poni2 (rad / m), rot1, rot2, rot3
        (rad / rad).  On the beam axis the derivatives do not exist and are returned as 0.
    """
    p = positions - np.array([pose.poni1, pose.poni2, -pose.dist])
    rotation = pose.rotation
    t = p @ rotation.T
    rho = np.hypot(t[:, 0], t[:, 1])
    squared = rho**2 + t[:, 2] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = np.column_stack((t[:, 2] * t[:, 0] / rho, t[:, 2] * t[:, 1] / rho, -rho)) / squared[:, None]
    gradient[rho == 0] = 0.0
    jacobian = np.empty((p.shape[0], 6))
    jacobian[:, 0] = gradient @ rotation[:, 2]
    jacobian[:, 1] = -gradient @ rotation[:, 0]
    jacobian[:, 2] = -gradient @ rotation[:, 1]
    for k, turned in enumerate(_rotation_derivatives(pose)):
        jacobian[:, 3 + k] = np.einsum("ni,ij,nj->n", gradient, turned, p)
    jacobian[:, 5] = 0.0  # exactly: two theta does not change about the beam
    return np.arctan2(rho, t[:, 2]), jacobian


def ring_angles(d_spacings: FloatArray, wavelength: float) -> tuple[FloatArray, FloatArray]:
    """Return two theta of rings, rad, and its derivative with respect to the wavelength, rad / m.

    NaN where the wavelength is too long for the ring.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = wavelength / (2 * d_spacings)
        theta = np.arcsin(np.where(sine < 1, sine, np.nan))
        return 2 * theta, 1 / (d_spacings * np.cos(theta))


def _rotation_derivatives(pose: Pose) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the derivatives of ``R3 R2 R1`` with respect to rot1, rot2 and rot3."""
    (c1, c2, c3), (s1, s2, s3) = (f((pose.rot1, pose.rot2, pose.rot3)) for f in (np.cos, np.sin))
    r1 = np.array([[1, 0, 0], [0, c1, s1], [0, -s1, c1]])
    r2 = np.array([[c2, 0, -s2], [0, 1, 0], [s2, 0, c2]])
    r3 = np.array([[c3, -s3, 0], [s3, c3, 0], [0, 0, 1]])
    d1 = np.array([[0, 0, 0], [0, -s1, c1], [0, -c1, -s1]])
    d2 = np.array([[-s2, 0, -c2], [0, 0, 0], [c2, 0, -s2]])
    d3 = np.array([[-s3, -c3, 0], [c3, -s3, 0], [0, 0, 0]])
    return r3 @ r2 @ d1, r3 @ d2 @ r1, d3 @ r2 @ r1
