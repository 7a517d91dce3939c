# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Orientation: an index mirror of the detector image and nothing else.

For an image of ``n1`` rows and ``n2`` columns, image pixel (i, j) sits where native pixel (i', j') sits:

===========  =================  ===============  ===============
orientation  name               i'               j'
===========  =================  ===============  ===============
1            top left           n1 - 1 - i       n2 - 1 - j
2            top right          n1 - 1 - i       j
3            bottom right       i                j  (native)
4            bottom left        i                n2 - 1 - j
===========  =================  ===============  ===============

The names say at which corner, seen from behind the camera, the first pixel of the array is; the numbers are those of
EXIF.  0 ("unspecified") means native.  5 to 8 transpose the image, which a detector description cannot hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from azimuthal.errors import ParameterError
from azimuthal.typing import AnyArray

ORIENTATION_NAMES: dict[int, str] = {1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left"}


def checked_orientation(value: object) -> int:
    """Return a valid orientation 1-4; 0 ("unspecified") means native, 3; everything else is refused."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= int(value) <= 8:
        raise ParameterError(f"orientation: expected 1, 2, 3 or 4, got {value!r}.")
    number = int(value)
    if number > 4:
        raise ParameterError(
            f"orientation: {number} transposes the image, which a detector description cannot hold. Transpose the "
            "image and the detector shape explicitly and use 1, 2, 3 or 4."
        )
    return number or 3


def orientation_flips(orientation: int) -> tuple[bool, bool]:
    """Return whether the slow and the fast index are mirrored."""
    return orientation in (1, 2), orientation in (1, 4)


def image_from_native(array: AnyArray, orientation: int) -> AnyArray:
    """Return a native array (first axes slow, fast) in the order of the image; its own inverse; C-contiguous."""
    slow, fast = orientation_flips(orientation)
    view: Any = array[:: -1 if slow else 1, :: -1 if fast else 1]
    return np.ascontiguousarray(view)
