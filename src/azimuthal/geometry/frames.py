# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames, axes, signs and orientation: the one place where they are defined.

Laboratory frame
    Origin at the sample.  Axis 1 points up, axis 2 horizontally towards the centre of the storage ring, axis 3 along
    the beam.  The triple (1, 2, 3) is right-handed.  Unit functions use the names ``y`` for axis 1, ``x`` for axis 2
    and ``z`` for axis 3; the triple (x, y, z) is left-handed.

Detector frame
    Axis 1 runs along the slow array index (rows), axis 2 along the fast index (columns), axis 3 away from the sample.
    The origin is the outer corner of native pixel (0, 0); a plain detector lies in the plane where axis 3 is zero.
    Seen from the sample, native pixel (0, 0) of an unrotated detector is at the lower left.

From detector to laboratory
    With the point of normal incidence (``poni1``, ``poni2``) and the distance ``dist``, all in metres, a detector
    position ``d`` becomes ::

        p = (d1 - poni1, d2 - poni2, d3 + dist)
        t = R3 R2 R1 p

        R1 = | 1   0   0  |    R2 = | c2  0  -s2 |    R3 = | c3  -s3  0 |
             | 0   c1  s1 |         | 0   1   0  |         | s3   c3  0 |
             | 0  -s1  c1 |         | s2  0   c2 |         | 0    0   1 |

    where ``ck = cos(rotk)`` and ``sk = sin(rotk)``.  These are active rotations: ``rot1`` and ``rot2`` are left-handed
    about axes 1 and 2, ``rot3`` is right-handed about axis 3 (the beam).  The definition is the one of the PONI file
    (Kieffer & Karkoulis 2013, doi:10.1088/1742-6596/425/20/202012; Kieffer et al. 2020,
    doi:10.1107/S1600577520000776).

Angles
    ``2theta = atan2(hypot(t1, t2), t3)`` in [0, pi]; ``chi = atan2(t1, t2)``: zero along axis 2, increasing towards
    axis 1.  ``chi`` is an angle on a circle: no range of it is special, and no result depends on where it is cut.

Orientation
    An index mirror of the detector and nothing else: :mod:`azimuthal.orientation`.
"""

from __future__ import annotations

import numpy as np

from azimuthal.typing import FloatArray


def lab_from_detector_rotation(rot1: float, rot2: float, rot3: float) -> FloatArray:
    """Return the matrix ``R3 R2 R1`` of the module docstring; shape (3, 3), acting on column vectors."""
    c1, c2, c3 = np.cos((rot1, rot2, rot3))
    s1, s2, s3 = np.sin((rot1, rot2, rot3))
    return np.array(
        [
            [c2 * c3, c3 * s1 * s2 - c1 * s3, -(c1 * c3 * s2 + s1 * s3)],
            [c2 * s3, c1 * c3 + s1 * s2 * s3, -(c1 * s2 * s3 - c3 * s1)],
            [s2, -c2 * s1, c1 * c2],
        ]
    )
