# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks and invalid values: which pixels never count, and which do not count in one frame.

A mask is a boolean array of the shape of the frame, True = excluded.  `combine` and `invalid_ranges` define how masks
and raw values exclude pixels (module `_values`), `bits_excluded` what a detector's pixel mask means, and `hot_pixels`
(module `outliers`) finds pixels unlike their neighbours.  `azimuthal.masks.description` says in words which pixels a
mask excludes; it needs geometry, and is imported by its own name.
"""

from __future__ import annotations

from azimuthal.masks._values import InvalidRanges, combine, describe, invalid_pixels, invalid_ranges
from azimuthal.masks.bits import PIXEL_MASK_BITS, bits_excluded
from azimuthal.masks.outliers import hot_pixels

__all__ = [
    "PIXEL_MASK_BITS",
    "InvalidRanges",
    "bits_excluded",
    "combine",
    "describe",
    "hot_pixels",
    "invalid_pixels",
    "invalid_ranges",
]
