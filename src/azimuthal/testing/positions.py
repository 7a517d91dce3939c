# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where image pixels are, from first principles: for tests of geometries and their conventions."""

from __future__ import annotations

import numpy as np

from azimuthal.geometry import Pose
from azimuthal.orientation import orientation_flips
from azimuthal.typing import FloatArray, IntArray


def pixel_centers_in_lab(
    pose: Pose, pixel1: float, pixel2: float, indices: IntArray, *, shape: tuple[int, int], orientation: int = 3
) -> FloatArray:
    """Return laboratory positions (axes 1, 2, 3; m) of the centres of image pixels of a plain flat detector.

    Parameters
    ----------
    pose:
        Where the detector stands.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m.
    indices:
        Image indices (slow, fast), shape (n, 2).
    shape:
        Of the image.
    orientation:
        1-4: how the image is mirrored against the native detector.

    Returns
    -------
    :
        float64, shape (n, 3).
    """
    native = indices.copy()
    for axis, flipped in enumerate(orientation_flips(orientation)):
        if flipped:
            native[:, axis] = shape[axis] - 1 - native[:, axis]
    centers = np.column_stack(((native[:, 0] + 0.5) * pixel1, (native[:, 1] + 0.5) * pixel2, np.zeros(len(native))))
    return pose.lab_from_detector(centers)
