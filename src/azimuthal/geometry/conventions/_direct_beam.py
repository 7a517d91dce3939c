# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where the direct beam meets the detector, and image pixels that are mirrored against it.

Fit2D and ImageD11 do not use the point of normal incidence: they give the distance along the beam, the pixel
that the beam hits, and tilts about that pixel.  In the detector frame of :mod:`azimuthal.geometry.frames` the
beam direction is ``b = R^T e3``, the third row of the rotation ``R``.  The plane is met at ::

    D = dist / b3        d1 = poni1 + D b1        d2 = poni2 + D b2

and back, ``dist = D b3``, ``poni1 = d1 - D b1``, ``poni2 = d2 - D b2``; none of it depends on ``rot3``.  ``b3
> 0`` is needed: otherwise the beam does not meet the detector downstream of the sample.

Coordinates of the *image* count from the outer corner of image pixel (0, 0), in pixels.  On a mirrored axis
of ``n`` pixels an image coordinate ``x`` is the native coordinate ``n - x`` and a direction changes its sign.
"""

from __future__ import annotations

from typing import NamedTuple

from azimuthal.errors import ConversionError
from azimuthal.geometry.pose import Pose
from azimuthal.orientation import checked_orientation, orientation_flips
from azimuthal.typing import FloatArray


class DirectBeam(NamedTuple):
    """Distance along the beam and the point of the detector plane that it hits, in the detector frame; m."""

    distance: float
    position1: float
    position2: float


def direct_beam(pose: Pose, target: str) -> DirectBeam:
    """Return where the beam meets the detector plane; `target` is the format, for the message.

    Raises
    ------
    ConversionError
        The detector is parallel to the beam or behind the sample.
    """
    along1, along2, along3 = pose.rotation[2]
    if along3 <= 1e-9:
        raise ConversionError(
            f"{target}: the direct beam does not meet the detector plane downstream of the sample "
            f"(rot1={pose.rot1}, rot2={pose.rot2} rad), and {target} is defined by that point. Use a format "
            "that holds directions (PONI, NeXus, CrystFEL, CXI)."
        )
    distance = pose.dist / along3
    return DirectBeam(float(distance), float(pose.poni1 + distance * along1), float(pose.poni2 + distance * along2))


def pose_from_direct_beam(beam: DirectBeam, direction: FloatArray, rotations: tuple[float, float, float]) -> Pose:
    """Return the pose from the beam's hit, its `direction` in the detector frame and the rotations in rad."""
    rot1, rot2, rot3 = rotations
    return Pose(
        dist=beam.distance * direction[2],
        poni1=beam.position1 - beam.distance * direction[0],
        poni2=beam.position2 - beam.distance * direction[1],
        rot1=rot1,
        rot2=rot2,
        rot3=rot3,
    )


class Mirror(NamedTuple):
    """Which axes of an image are mirrored against the native detector, and its shape in pixels."""

    slow: bool
    fast: bool
    shape: tuple[int, int] = (0, 0)

    def coordinates(self, slow: float, fast: float) -> tuple[float, float]:
        """Return native from image coordinates in pixels, or the reverse: the map is its own inverse."""
        return (
            self.shape[0] - slow if self.slow else slow,
            self.shape[1] - fast if self.fast else fast,
        )

    def directions(self, slow: float, fast: float) -> tuple[float, float]:
        """Return native from image components of a direction, or image from native."""
        return -slow if self.slow else slow, -fast if self.fast else fast


def mirror_of(orientation: int, shape: tuple[int, int] | None, target: str) -> Mirror:
    """Return the mirror of an orientation.

    Raises
    ------
    ConversionError
        An axis is mirrored and `shape` is not given.
    ParameterError
        `orientation` is not 1-4.
    """
    slow, fast = orientation_flips(checked_orientation(orientation))
    if not (slow or fast):
        return Mirror(slow, fast)
    if shape is None:
        raise ConversionError(
            f"{target}: orientation {orientation} counts pixels from the far edge; pass shape=(rows, "
            "columns) of the image."
        )
    return Mirror(slow, fast, (int(shape[0]), int(shape[1])))
