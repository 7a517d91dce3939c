# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks and invalid values: which pixels never count, and which do not count in one frame.

A mask is a boolean array of the shape of the frame, True = excluded.  `combine` and `invalid_ranges` define how masks
and raw values exclude pixels (module `_values`); `MaskDescription` says in words, for a file, which pixels a mask
excludes (module `description`); `hot_pixels` finds pixels unlike their neighbours (module `outliers`).
"""

from __future__ import annotations

from azimuthal.masks._values import InvalidRanges, combine, describe, invalid_pixels, invalid_ranges
from azimuthal.masks.bits import PIXEL_MASK_BITS, bits_excluded
from azimuthal.masks.description import KINDS, MaskDescription, MaskedShare, MaskStep
from azimuthal.masks.outliers import hot_pixels

__all__ = [
    "KINDS",
    "PIXEL_MASK_BITS",
    "InvalidRanges",
    "MaskDescription",
    "MaskStep",
    "MaskedShare",
    "bits_excluded",
    "combine",
    "describe",
    "hot_pixels",
    "invalid_pixels",
    "invalid_ranges",
]
