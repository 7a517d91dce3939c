# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Residuals of control points in pixels, and how they change with every parameter.

With :math:`p = (d_1 - \mathrm{poni1}, d_2 - \mathrm{poni2}, d_3 + \mathrm{dist})` and :math:`t = R p`
(:mod:`azimuthal.geometry.frames`), a point on ring k is off by

.. math:: r = 2\theta(t) - 2 \arcsin\frac{\lambda}{2 d_k},
          \qquad 2\theta(t) = \mathrm{atan2}(\sqrt{t_1^2 + t_2^2}, t_3)

Its derivatives follow from the chain rule with :math:`\rho = \sqrt{t_1^2 + t_2^2}`:

.. math:: g = \frac{\partial 2\theta}{\partial t} = \frac{1}{|t|^2}
          \left(\frac{t_3 t_1}{\rho}, \frac{t_3 t_2}{\rho}, -\rho\right), \quad
          \frac{\partial t}{\partial \mathrm{poni1}} = -R e_1, \quad
          \frac{\partial t}{\partial \mathrm{poni2}} = -R e_2, \quad
          \frac{\partial t}{\partial \mathrm{dist}} = R e_3

and :math:`\partial t / \partial \mathrm{rot}_k` with the derivative of one of the three matrices.  The derivative with
respect to rot3 is zero: a ring looks the same when the detector turns about the beam, so that rings never tell rot3.
:math:`\partial r / \partial\lambda = -1 / (d_k \cos\theta_k)`.

Pixels
    Points are found in pixels and are uncertain in pixels.  The residual is therefore :math:`r / s`, with s the change
    of two theta over a pixel in its steepest direction: with the steps :math:`q_1, q_2` of the detector from a pixel
    to the next, :math:`s = |(g \cdot R q_1, g \cdot R q_2)|`.  It is the distance of the point from its ring (to first
    order; Sampson 1982, doi:10.1016/0146-664X(82)90101-0), and s belongs to the geometry that is being tried:

    .. math:: \frac{\partial (r / s)}{\partial v} = \frac1s \frac{\partial r}{\partial v}
              - \frac{r}{s^2} \frac{\partial s}{\partial v}, \qquad
              \frac{\partial s}{\partial v} = \bigl(R q\bigr)^T \frac{\partial^2 2\theta}{\partial t^2}
              \frac{\partial t}{\partial v} + g \cdot \frac{\partial R}{\partial v} q,
              \qquad q = \frac1s \sum_i (g \cdot R q_i)\, q_i

    With s kept from where the refinement starts, or put right between refinements, the second term is missing: a
    longer distance makes all angles smaller, errors of points as well, and seems to fit better.  Where only a bend of
    the curve tells distance from wavelength that is more than the standard error.

Where the sensor's parallax is corrected, the points of entry are computed for the pose that the refinement starts
with, and kept; :func:`azimuthal.calibration.refine` repeats itself until that makes no difference.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from azimuthal.geometry import Pose
from azimuthal.typing import FloatArray

__all__ = ["PARAMETERS", "PixelResiduals", "pixel_residuals", "ring_angles", "two_theta_and_jacobian"]

#: Names of all parameters, in the order of the columns of Jacobians and covariances.
PARAMETERS = ("dist", "poni1", "poni2", "rot1", "rot2", "rot3", "wavelength")


class PixelResiduals(NamedTuple):
    """Found minus expected.

    Attributes
    ----------
    values:
        Shape (n,), pixels across the ring.
    jacobian:
        Shape (n, 7) in the order of :data:`PARAMETERS`, pixels / m and pixels / rad.
    pixel:
        Shape (n,): change of two theta over a pixel, rad.
    """

    values: FloatArray
    jacobian: FloatArray
    pixel: FloatArray


def pixel_residuals(
    positions: FloatArray, steps: FloatArray, pose: Pose, d_spacings: FloatArray, wavelength: float
) -> PixelResiduals:
    """Return the residuals of points on rings in pixels.

    Parameters
    ----------
    positions:
        Detector-frame positions, shape (n, 3), m.
    steps:
        From a pixel to the next along slow and fast there, shape (2, n, 3), m.
    pose:
        Where the detector stands.
    d_spacings:
        Of each point's ring, shape (n,), m.
    wavelength:
        In m.
    """
    rays = _Rays(positions, pose)
    expected, by_wavelength = ring_angles(d_spacings, wavelength)
    lab = steps @ pose.rotation.T
    along = np.einsum("knj,nj->kn", lab, rays.gradient)
    pixel = np.hypot(along[0], along[1])
    share = (along / pixel)[:, :, None]
    steepest = (share * steps).sum(axis=0)
    values = (rays.two_theta - expected) / pixel
    by_pixel = rays.jacobian(rays.bend((share * lab).sum(axis=0)))
    for k, turned in enumerate(rays.turned):
        by_pixel[:, 3 + k] += np.einsum("nj,nj->n", rays.gradient @ turned, steepest)
    jacobian = np.empty((values.size, len(PARAMETERS)))
    jacobian[:, :6] = (rays.jacobian(rays.gradient) - values[:, None] * by_pixel) / pixel[:, None]
    jacobian[:, 6] = -by_wavelength / pixel
    return PixelResiduals(values, jacobian, pixel)


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
        (rad / rad).  On the beam axis the derivatives do not exist; there they are those towards the first axis.
    """
    rays = _Rays(positions, pose)
    return rays.two_theta, rays.jacobian(rays.gradient)


class _Rays:
    """Two theta of points, and its first and second derivatives with respect to the place in the laboratory."""

    def __init__(self, positions: FloatArray, pose: Pose) -> None:
        self.rotation, self.turned = pose.rotation, _rotation_derivatives(pose)
        self.p = positions - np.array([pose.poni1, pose.poni2, -pose.dist])
        t = self.p @ self.rotation.T
        self.z, self.rho = t[:, 2], np.hypot(t[:, 0], t[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            self.c, self.s = np.where(self.rho > 0, t[:, :2].T / self.rho, [[1.0], [0.0]])  # azimuth of the ray
        self.squared = self.rho**2 + self.z**2
        self.two_theta = np.arctan2(self.rho, self.z)
        across = self.z / self.squared
        self.gradient = np.column_stack((across * self.c, across * self.s, -self.rho / self.squared))

    def jacobian(self, gradient: FloatArray) -> FloatArray:
        """Return the derivatives with respect to the pose of what has a gradient in the laboratory, (n, 6).

        With respect to rot3 they are exactly 0: nothing changes about the beam.
        """
        found = np.zeros((gradient.shape[0], 6))
        by_place = gradient @ self.rotation
        found[:, 0], found[:, 1], found[:, 2] = by_place[:, 2], -by_place[:, 0], -by_place[:, 1]
        for k, turned in enumerate(self.turned):
            found[:, 3 + k] = np.einsum("nj,nj->n", gradient @ turned, self.p)
        return found

    def bend(self, direction: FloatArray) -> FloatArray:
        """Return the second derivative of two theta times directions in the laboratory, (n, 3)."""
        out = self.c * direction[:, 0] + self.s * direction[:, 1]
        around = self.c * direction[:, 1] - self.s * direction[:, 0]
        forward, fourth = direction[:, 2], self.squared**2
        own, mixed = -2 * self.rho * self.z / fourth, (self.rho**2 - self.z**2) / fourth
        radial = own * out + mixed * forward
        with np.errstate(divide="ignore", invalid="ignore"):
            sideways = np.where(self.rho > 0, self.z / (self.rho * self.squared) * around, 0.0)
        return np.column_stack((
            self.c * radial - self.s * sideways, self.s * radial + self.c * sideways, mixed * out - own * forward,
        ))  # fmt: skip


def ring_angles(d_spacings: FloatArray, wavelength: float) -> tuple[FloatArray, FloatArray]:
    """Return two theta of rings, rad, and its derivative with respect to the wavelength, rad / m.

    NaN where the wavelength is too long for the ring.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = wavelength / (2 * d_spacings)
        theta = np.arcsin(np.where(sine < 1, sine, np.nan))
        return 2 * theta, 1 / (d_spacings * np.cos(theta))


def _rotation_derivatives(pose: Pose) -> tuple[FloatArray, FloatArray]:
    """Return the derivatives of ``R3 R2 R1`` with respect to rot1 and rot2."""
    (c1, c2, c3), (s1, s2, s3) = (f((pose.rot1, pose.rot2, pose.rot3)) for f in (np.cos, np.sin))
    r1 = np.array([[1, 0, 0], [0, c1, s1], [0, -s1, c1]])
    r3 = np.array([[c3, -s3, 0], [s3, c3, 0], [0, 0, 1]])
    d1 = np.array([[0, 0, 0], [0, -s1, c1], [0, -c1, -s1]])
    r2 = np.array([[c2, 0, -s2], [0, 1, 0], [s2, 0, c2]])
    d2 = np.array([[-s2, 0, -c2], [0, 0, 0], [c2, 0, -s2]])
    return r3 @ r2 @ d1, r3 @ d2 @ r1
