# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The index mirror of a detector image; its definition is in :mod:`azimuthal.geometry.frames`.

The rooms ``detectors`` and ``geometry`` do not import each other, so the two lines of the table that a
detector needs are repeated here; a test holds them to the definition.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from azimuthal.errors import ParameterError
from azimuthal.typing import AnyArray


def checked_orientation(value: object) -> int:
    """Return a valid orientation 1-4; 0 ("unspecified") means native, 3; everything else is refused."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= int(value) <= 8:
        raise ParameterError(f"orientation: expected 1, 2, 3 or 4, got {value!r}.")
    if int(value) > 4:
        raise ParameterError(
            f"orientation: {int(value)} transposes the image, which a detector description cannot hold. "
            "Transpose "
            "the image and the detector shape explicitly and use 1, 2, 3 or 4."
        )
    return int(value) or 3


def mirrored(orientation: int) -> tuple[bool, bool]:
    """Return whether the slow and the fast index are mirrored."""
    return orientation in (1, 2), orientation in (1, 4)


def image_from_native(array: AnyArray, orientation: int) -> AnyArray:
    """Return a native array (first axes slow, fast) in the order of the image; its own inverse."""
    slow, fast = mirrored(orientation)
    view: Any = array[:: -1 if slow else 1, :: -1 if fast else 1]
    return np.ascontiguousarray(view)
