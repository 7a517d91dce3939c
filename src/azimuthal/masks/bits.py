# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What the bits of a NeXus ``pixel_mask`` mean.

Reference: NeXus, NXdetector ``pixel_mask`` (https://manual.nexusformat.org/classes/base_classes/NXdetector.html).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from azimuthal._validate import unknown_name
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.typing import AnyArray, BoolArray

#: Name of a bit -> its number.
PIXEL_MASK_BITS = {
    "gap": 0,
    "dead": 1,
    "under-responding": 2,
    "over-responding": 3,
    "noisy": 4,
    "undefined": 5,
    "cluster": 6,
    "beamstop": 8,
    "virtual": 30,
}
_MOST = 64


def bits_excluded(values: AnyArray, bits: Sequence[int | str] | None = None) -> BoolArray:
    """Return the mask that some bits of a ``pixel_mask`` make.

    Parameters
    ----------
    values:
        Integers or booleans, any shape.
    bits:
        Numbers (0 to 63) or names of `PIXEL_MASK_BITS`; None: any bit excludes.

    Raises
    ------
    DataTypeError
        `values` are no integers.
    UnknownNameError, ParameterError
        A bit is not known, or has no place in the type of `values`.
    """
    if values.dtype.kind not in "uib":
        raise DataTypeError(f"pixel_mask: expected integers, got {values.dtype}.")
    if bits is None:
        return np.asarray(values != 0)
    chosen = [_number(bit) for bit in bits]
    size = 8 * values.dtype.itemsize
    for bit in chosen:
        if bit >= size:
            raise ParameterError(f"bits: {bit} is not in a mask of {values.dtype}, which has bits 0 to {size - 1}.")
    unsigned = values.astype(bool).astype(np.uint8) if values.dtype.kind == "b" else values
    unsigned = unsigned.astype(unsigned.dtype.newbyteorder("=")).view(f"u{unsigned.dtype.itemsize}")
    selected = np.array(sum(1 << bit for bit in set(chosen)), unsigned.dtype)
    return np.asarray((unsigned & selected) != 0)


def _number(bit: int | str) -> int:
    if isinstance(bit, str) and not bit.isdecimal():
        if bit not in PIXEL_MASK_BITS:
            raise unknown_name("bit of a pixel mask", bit, PIXEL_MASK_BITS)
        return PIXEL_MASK_BITS[bit]
    if isinstance(bit, bool) or not 0 <= int(bit) < _MOST:
        raise ParameterError(f"bits: expected numbers from 0 to {_MOST - 1} or names, got {bit!r}.")
    return int(bit)
