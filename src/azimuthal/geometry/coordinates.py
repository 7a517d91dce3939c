# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Coordinates of pixels: laboratory positions, scattering angles, incidence on the sensor.

Free functions of centre or corner arrays. Every position array has a last axis of length 3, in the order
(1, 2, 3) of :mod:`azimuthal.geometry.frames`, in metres; the other axes are free, so whole images, slabs
of rows and single points are treated alike. All functions are elementwise over those axes, keep no state
and are safe in threads.

Definitions
    With a laboratory position ``t``, its length ``|t|`` and ``r = hypot(t1, t2)`` ::

        radius     r                    in m, around the beam (not in the detector plane)
        two_theta  atan2(r, t3)         in [0, pi]; reflection (above pi / 2) is nothing special
        chi        atan2(t1, t2)        in [-pi, pi]; a circle, on which no value is special

    The angle of incidence ``alpha`` is the one between the ray and the pixel's normal ``n``. With the
    position relative to the sample ``p = d - (poni1, poni2, -dist)`` in the detector frame ::

        cos(alpha) = dist / |p|         pixel in a flat detector (n is axis 3 of the detector frame)
        cos(alpha) = |n . p| / |p|      any other pixel

    Both are independent of the rotations: turning the detector about the sample changes no angle between
    a ray and its pixel.

Area and normal
    A pixel is a polygon with corners ``c_k`` in ring order. Its area vector is ::

        a = 1/2 sum_k (c_k - c_0) x (c_(k+1) - c_0)

    Its direction is the normal and its length the area. For four corners this is half the cross product
    of the two diagonals, and it stays well defined when the four are not quite in one plane (the length
    is then the area of the projection along the normal). Its sign follows the ring order, which an index
    mirror reverses: it has no meaning.
"""

from __future__ import annotations

import numpy as np

from azimuthal.errors import ParameterError, ShapeError
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray

__all__ = [
    "area_vectors",
    "chi",
    "cos_incidence",
    "lab_positions",
    "pixel_normals",
    "radius",
    "sample_positions",
    "two_theta",
]


def lab_positions(*, detector_positions: FloatArray, pose: Pose) -> FloatArray:
    """Return laboratory positions of detector-frame positions.

    Parameters
    ----------
    detector_positions:
        Shape ``(..., 3)``, m.
    pose:
        Where the detector stands.

    Returns
    -------
    :
        Same shape, float64, m, axes (1, 2, 3) of the laboratory; new memory.

    Raises
    ------
    ShapeError
        The last axis is not of length 3.
    """
    return pose.lab_from_detector(_vectors("detector_positions", detector_positions))


def sample_positions(*, detector_positions: FloatArray, pose: Pose) -> FloatArray:
    """Return positions relative to the sample, along the axes of the detector: ``d - (poni1, poni2, -dist)``.

    Parameters
    ----------
    detector_positions:
        Shape ``(..., 3)``, m.
    pose:
        Only ``dist``, ``poni1`` and ``poni2`` are used.

    Returns
    -------
    :
        Same shape, float64, m; new memory.

    Raises
    ------
    ShapeError
        The last axis is not of length 3.
    """
    sample: FloatArray = np.array([pose.poni1, pose.poni2, -pose.dist])
    relative: FloatArray = _vectors("detector_positions", detector_positions) - sample
    return relative


def radius(*, positions: FloatArray) -> FloatArray:
    """Return the distance from the beam axis, ``hypot(t1, t2)``, in m.

    Parameters
    ----------
    positions:
        Laboratory positions, shape ``(..., 3)``, m.

    Returns
    -------
    :
        Shape without the last axis, float64, at least 0.
    """
    t = _vectors("positions", positions)
    return np.hypot(t[..., 0], t[..., 1])


def two_theta(*, positions: FloatArray) -> FloatArray:
    """Return the scattering angle ``atan2(hypot(t1, t2), t3)`` in rad.

    Parameters
    ----------
    positions:
        Laboratory positions, shape ``(..., 3)``; any unit of length.

    Returns
    -------
    :
        Shape without the last axis, float64, in [0, pi].

    Notes
    -----
    Accurate to rounding everywhere, also at small angles and at 180 degrees (no arc cosine is taken).
    """
    t = _vectors("positions", positions)
    return np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2])


def chi(*, positions: FloatArray) -> FloatArray:
    """Return the azimuth ``atan2(t1, t2)`` in rad: 0 along axis 2, increasing towards axis 1.

    Parameters
    ----------
    positions:
        Laboratory positions, shape ``(..., 3)``; any unit of length.

    Returns
    -------
    :
        Shape without the last axis, float64, in [-pi, pi]; without meaning on the beam axis.
    """
    t = _vectors("positions", positions)
    return np.arctan2(t[..., 0], t[..., 1])


def area_vectors(*, corners: FloatArray) -> FloatArray:
    """Return the area vectors of polygons; definition in the module docstring.

    Parameters
    ----------
    corners:
        Shape ``(..., n_corners, 3)`` in ring order, m, at least three corners; any frame.

    Returns
    -------
    :
        Shape ``(..., 3)``, float64, m^2: the direction is the normal, the length the area.

    Raises
    ------
    ShapeError
        Fewer than three corners, or the last axis is not of length 3.
    """
    points = _vectors("corners", corners)
    if points.ndim < 2 or points.shape[-2] < 3:
        raise ShapeError(
            f"corners: expected shape (..., n_corners, 3) with at least three corners, got {points.shape}."
        )
    spokes = points[..., 1:, :] - points[..., :1, :]
    vectors = np.zeros((*points.shape[:-2], 3))
    for first in range(spokes.shape[-2] - 1):  # numpy.cross and a sum over so short an axis take five times as long
        a, b = spokes[..., first, :], spokes[..., first + 1, :]
        for axis in range(3):
            j, k = (axis + 1) % 3, (axis + 2) % 3
            vectors[..., axis] += a[..., j] * b[..., k] - a[..., k] * b[..., j]
    vectors *= 0.5
    return vectors


def pixel_normals(*, corners: FloatArray) -> FloatArray:
    """Return the unit normals of polygons; the sign has no meaning.

    Parameters
    ----------
    corners:
        Shape ``(..., n_corners, 3)`` in ring order, m; any frame.

    Returns
    -------
    :
        Shape ``(..., 3)``, float64. NaN for a polygon without area.
    """
    vectors = area_vectors(corners=corners)
    lengths = _lengths(vectors)[..., np.newaxis]
    return np.divide(vectors, lengths, out=np.full_like(vectors, np.nan), where=lengths > 0)


def cos_incidence(*, detector_positions: FloatArray, pose: Pose, normals: FloatArray | None = None) -> FloatArray:
    """Return the cosine of the angle between the ray and the normal of the pixel.

    Parameters
    ----------
    detector_positions:
        Shape ``(..., 3)``, m, detector frame.
    pose:
        Only ``dist``, ``poni1`` and ``poni2`` are used: rotations do not change the incidence.
    normals:
        Unit normals in the detector frame, shape ``(..., 3)`` as the positions or broadcasting to it
        (corners of a pixel share one normal), from :func:`pixel_normals`. None for a flat detector: axis
        3.

    Returns
    -------
    :
        Shape without the last axis, float64, in [0, 1]. A pixel that is hit from behind has the same
        value as from the front.

    Raises
    ------
    ShapeError
        A last axis is not of length 3, or `normals` does not match `detector_positions`.
    ParameterError
        `normals` is None and a position is off the plane where axis 3 is 0.
    """
    p = sample_positions(detector_positions=detector_positions, pose=pose)
    cosine: FloatArray
    if normals is None:
        if (p[..., 2] != pose.dist).any():
            raise ParameterError(
                "normals: needed for a detector that is not flat (axis 3 of detector_positions is not 0). "
                "Pass pixel_normals(corners=...)."
            )
        cosine = pose.dist / _lengths(p)
        return cosine
    cosine = np.abs(_dot(_matching_normals(normals, p.shape), p)) / _lengths(p)
    return cosine


def _matching_normals(normals: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return `normals` when they broadcast to positions of `shape` without enlarging them."""
    vectors = _vectors("normals", normals)
    try:
        matches = np.broadcast_shapes(vectors.shape, shape) == shape
    except ValueError:
        matches = False
    if not matches:
        raise ShapeError(f"normals: expected shape {shape} to match the positions, got {vectors.shape}.")
    return vectors


def _dot(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the scalar product over the last axis."""
    product: FloatArray = np.einsum("...k,...k->...", first, second)
    return product


def _lengths(vectors: FloatArray) -> FloatArray:
    """Return the lengths over the last axis."""
    return np.sqrt(_dot(vectors, vectors))


def _vectors(parameter: str, value: FloatArray) -> FloatArray:
    """Return `value` as float64 after checking that its last axis holds (1, 2, 3)."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != 3:
        raise ShapeError(f"{parameter}: expected a last axis of length 3 (axes 1, 2, 3 in m), got shape {array.shape}.")
    return array
