# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A flat detector as vectors in the laboratory: the common ground of the formats that are written in vectors.

XDS, NeXus, CrystFEL and others give a corner and two directions instead of angles.  A :class:`Panel` is that,
in the laboratory frame of :mod:`azimuthal.geometry.frames` (axes 1, 2, 3; m): the outer corner of image pixel
(0, 0) and the unit vectors along which the row and the column index increase.

From the pose of a detector in native orientation, with ``R`` its rotation ::

    slow = R e1        fast = R e2        origin = R (-poni1, -poni2, dist)

and back: ``R = (slow, fast, slow x fast)`` as columns, and ``R^T origin = (-poni1, -poni2, dist)``.  A pose
needs ``dist > 0``: the normal ``slow x fast`` must point away from the sample.  When it points towards the
sample the image is a mirror image of what a native detector records; the slow axis is then reversed and the
orientation is 2 (seen from the sample the first pixel is at the upper left, as in most image files).
``rot3`` takes every remaining turn, so only the orientations 3 and 2 ever come out, whichever of the four
went in: the positions of all image pixels are kept, not the words for them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from azimuthal.errors import ConversionError
from azimuthal.geometry.pose import Pose
from azimuthal.orientation import orientation_flips
from azimuthal.typing import FloatArray

DIRECTION_TOLERANCE = 1e-3
"""How far two directions may be from unit length and right angles: files print them with 3 to 6 digits."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Outer corner of image pixel (0, 0), and the directions of increasing row and column; laboratory frame.

    Parameters
    ----------
    origin:
        Laboratory axes 1, 2, 3; m.
    slow, fast:
        Unit vectors; exact to :data:`DIRECTION_TOLERANCE` on input, made orthonormal here.

    Raises
    ------
    ConversionError
        The directions are neither of unit length nor at right angles, or not finite.
    """

    origin: tuple[float, float, float]
    slow: tuple[float, float, float]
    fast: tuple[float, float, float]

    def __post_init__(self) -> None:
        directions = np.array((self.slow, self.fast), dtype=np.float64)
        if not (np.isfinite(directions).all() and np.isfinite(self.origin).all()):
            raise ConversionError(f"panel: expected finite vectors, got {self}.")
        deviation = float(np.abs(directions @ directions.T - np.eye(2)).max())
        if deviation > DIRECTION_TOLERANCE:
            raise ConversionError(
                f"panel: expected slow and fast directions of unit length at right angles, got {self.slow} "
                f"and {self.fast} (off by {deviation:.3g}). A pose describes rectangular pixels only."
            )
        left, _, right = np.linalg.svd(directions, full_matrices=False)
        slow, fast = left @ right
        for name, vector in (("origin", self.origin), ("slow", slow), ("fast", fast)):
            object.__setattr__(self, name, tuple(float(value) for value in vector))


def panel_from_pose(pose: Pose, *, orientation: int, extent: tuple[float, float]) -> Panel:
    """Return where the image's first corner and axes are in the laboratory.

    Parameters
    ----------
    pose:
        Of the detector.
    orientation:
        1-4: how the image is mirrored against the native detector.
    extent:
        Height and width of the native detector, ``n_slow * pixel1`` and ``n_fast * pixel2``, m; only used for
        the mirrored axes.
    """
    flips = orientation_flips(orientation)
    corner = np.array([length if flip else 0.0 for length, flip in zip(extent, flips, strict=True)] + [0.0])
    signs = [-1.0 if flip else 1.0 for flip in flips]
    rotation = pose.rotation
    return Panel(
        origin=_triple(pose.lab_from_detector(corner)),
        slow=_triple(signs[0] * rotation[:, 0]),
        fast=_triple(signs[1] * rotation[:, 1]),
    )


def pose_from_panel(panel: Panel, *, extent: tuple[float, float]) -> tuple[Pose, int]:
    """Return the pose and the orientation (3 or 2) that put every image pixel where the panel has it.

    Parameters
    ----------
    panel:
        In the laboratory frame.
    extent:
        Height and width of the image, m; the height is only used when the image is mirrored.

    Raises
    ------
    ConversionError
        The sample lies in the plane of the panel.
    """
    origin, slow, fast = (np.array(vector) for vector in (panel.origin, panel.slow, panel.fast))
    orientation = 3
    if np.cross(slow, fast) @ origin < 0:
        origin, slow, orientation = origin + extent[0] * slow, -slow, 2
    rotation = np.column_stack((slow, fast, np.cross(slow, fast)))
    shift = rotation.T @ origin
    if shift[2] <= 0:
        raise ConversionError(
            f"panel: the sample lies in the detector plane (origin {panel.origin} m); a pose needs a distance."
        )
    rot1, rot2, rot3 = rotations_from_matrix(rotation)
    pose = Pose(dist=shift[2], poni1=-shift[0], poni2=-shift[1], rot1=rot1, rot2=rot2, rot3=rot3)
    return pose, orientation


def rotations_from_matrix(rotation: FloatArray) -> tuple[float, float, float]:
    """Return (rot1, rot2, rot3) in rad of a proper rotation matrix ``R3 R2 R1``.

    ``rot2`` is in [-pi/2, pi/2].  At +-pi/2 only one combination of the other two is determined; ``rot1`` is
    then zero.
    """
    cosine = math.hypot(rotation[2, 1], rotation[2, 2])
    rot2 = math.atan2(rotation[2, 0], cosine)
    if cosine < 1e-12:
        return 0.0, rot2, math.atan2(-rotation[0, 1], rotation[1, 1])
    return math.atan2(-rotation[2, 1], rotation[2, 2]), rot2, math.atan2(rotation[1, 0], rotation[0, 0])


def _triple(vector: FloatArray) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in vector)
    return first, second, third
