# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""The second minimum: the same beam centre and distance, tilted the other way.

A tilt of a makes ellipses of rings with an eccentricity of :math:`\sin a / \cos 2\theta`, which is the same for -a, and
shifts their centres against the beam by about :math:`r \tan a \tan 2\theta`, which a shift of the beam follows.  At
small angles a refinement that starts on the wrong side stays there, with residuals of a few hundredths of a pixel.  So
the other side is tried, and where the points do not tell them apart, both are possible.
"""

from __future__ import annotations

import math

import numpy as np

from azimuthal.calibration._least_squares import Loss
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.radial_uncertainty import largest_apart
from azimuthal.calibration.refinement import Refinement, RingSource, refine
from azimuthal.instrument import Instrument

__all__ = ["opposite_refinement", "possible_difference", "tilted_the_other_way"]

_TILT = ("rot1", "rot2", "poni1", "poni2")
_TOLD_APART = 12.5  # half of the chi-square that five standard errors are worth


def tilted_the_other_way(instrument: Instrument) -> Instrument | None:
    """Return the instrument with the same beam on the detector and the opposite tilt; None where the beam misses it."""
    pose, along = instrument.pose, instrument.direct_distance
    if along is None:
        return None
    beam1 = pose.poni1 + pose.dist * math.tan(pose.rot2) / math.cos(pose.rot1)
    beam2 = pose.poni2 - pose.dist * math.tan(pose.rot1)
    rot1, rot2 = -pose.rot1, -pose.rot2
    dist = along * math.cos(rot1) * math.cos(rot2)
    poni1 = beam1 - dist * math.tan(rot2) / math.cos(rot1)
    return instrument.replace(
        pose=pose.replace(dist=dist, poni1=poni1, poni2=beam2 + dist * math.tan(rot1), rot1=rot1, rot2=rot2)
    )


def opposite_refinement(refinement: Refinement, calibrant: RingSource, loss: Loss) -> Refinement | None:
    """Return the refinement of the points in use from the opposite tilt; None where the tilt is not free."""
    start = tilted_the_other_way(refinement.instrument)
    points: ControlPoints = refinement.control_points.select(refinement.used)
    if start is None or any(name not in refinement.free for name in _TILT) or len(points) <= len(refinement.free):
        return None
    fix = tuple(name for name in refinement.values if name not in refinement.free)
    return refine(points, start, calibrant, fix=fix, loss=loss, outliers=None, scatter=refinement.scatter)


def possible_difference(refinement: Refinement, other: Refinement | None) -> float:
    """Return by how many pixels two theta differs at most between two refinements that the points do not tell apart."""
    if other is None or not np.isfinite(other.cost) or other.cost - refinement.cost > _TOLD_APART:
        return 0.0
    return largest_apart(refinement.instrument, other.instrument)
