# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What became of outliers: counts per bin, rounds, and the mask of rejected pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.errors import DataTypeError, ShapeError
from azimuthal.typing import AnyArray, BoolArray, IndexArray

#: Field -> type of the array.
_TYPES = {"n_kept": np.int32, "n_rejected": np.int32, "iterations": np.int32, "mask": np.bool_}


@dataclass(frozen=True, slots=True, eq=False)
class Rejected:
    """What the rejection of outliers did (:mod:`azimuthal.rejection`); read-only arrays.

    Parameters
    ----------
    n_kept, n_rejected:
        Entries per bin, int32, shape of the sums: pixels that count (wholly or in part) and pixels that do not.  A split
        pixel is one entry of each of its bins.
    iterations:
        Rounds of sigma clipping per bin, int32; None for quantiles and mergers.
    mask:
        bool, shape of the frame: True where a pixel was rejected from any bin; None for quantiles and mergers.

    Raises
    ------
    ShapeError, DataTypeError
        The arrays do not fit each other.
    """

    n_kept: IndexArray
    n_rejected: IndexArray
    iterations: IndexArray | None = None
    mask: BoolArray | None = None

    def __post_init__(self) -> None:
        for name, dtype in _TYPES.items():
            value = getattr(self, name)
            if value is None and name in ("iterations", "mask"):
                continue
            array: AnyArray = np.asarray(value)
            if array.dtype.kind not in ("b" if name == "mask" else "iu"):
                raise DataTypeError(f"{name}: expected an array of {np.dtype(dtype)}, got {array.dtype}.")
            if name != "mask" and array.shape != np.shape(self.n_kept):
                raise ShapeError(f"{name}: expected shape {np.shape(self.n_kept)} like n_kept, got {array.shape}.")
            array = array.astype(dtype, copy=array.flags.writeable)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def of_bins(
        cls,
        shape: tuple[int, ...],
        frame_shape: tuple[int, int],
        n_kept: IndexArray,
        n_rejected: IndexArray,
        iterations: IndexArray | None,
        mask: BoolArray | None,
    ) -> Rejected:
        """Return the record from flat arrays, which become read-only."""
        shaped: dict[str, Any] = {"n_kept": n_kept, "n_rejected": n_rejected, "iterations": iterations}
        for name, flat in shaped.items():
            if flat is not None:
                flat.flags.writeable = False
                shaped[name] = flat.reshape(shape)
        if mask is not None:
            mask.flags.writeable = False
            mask = mask.reshape(frame_shape)
        return cls(**shaped, mask=mask)

    def reordered(self, *order: slice) -> Rejected:
        """Return the same with each dimension of the bins taken through a slice."""
        iterations = None if self.iterations is None else self.iterations[order]
        return Rejected(self.n_kept[order], self.n_rejected[order], iterations, self.mask)

    def merged(self, *others: Rejected) -> Rejected:
        """Return the counts of all together; rounds and masks belong to single frames and are dropped."""
        if not others:
            return self
        n_kept, n_rejected = (
            np.sum([getattr(one, name) for one in (self, *others)], axis=0, dtype=np.int64)
            for name in ("n_kept", "n_rejected")
        )
        largest = np.iinfo(np.int32).max
        return Rejected(np.minimum(n_kept, largest), np.minimum(n_rejected, largest))
