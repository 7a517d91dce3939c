# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What became of outliers: counts per bin, rounds, and the rejected pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.typing import AnyArray, BoolArray, IndexArray


@dataclass(frozen=True, slots=True, eq=False)
class Rejected:
    """What the rejection of outliers did (:mod:`azimuthal.rejection`); read-only arrays.

    Parameters
    ----------
    n_kept, n_rejected:
        Entries per bin, int32, shape of the sums: pixels that count (wholly or in part) and pixels that do not.  A
        split pixel is one entry of each of its bins.
    iterations:
        Rounds of sigma clipping per bin, int32; None for quantiles and mergers.
    pixels:
        uint32, ascending: numbers of the pixels (in a flat frame) that were rejected from any bin; None for quantiles
        and mergers.
    frame_shape:
        Of the frame, with `pixels`.

    Raises
    ------
    ShapeError, DataTypeError
        The arrays do not fit each other.
    """

    n_kept: IndexArray
    n_rejected: IndexArray
    iterations: IndexArray | None = None
    pixels: AnyArray | None = None
    frame_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("n_kept", "n_rejected", "iterations"):
            if getattr(self, name) is not None:
                array = _read_only(name, getattr(self, name), np.int32)
                object.__setattr__(self, name, array)
                if array.shape != self.n_kept.shape:
                    raise ShapeError(f"{name}: expected shape {self.n_kept.shape} like n_kept, got {array.shape}.")
        if (self.pixels is None) != (self.frame_shape is None):
            raise ParameterError("pixels, frame_shape: belong together. Pass both or none.")
        if self.pixels is not None and self.frame_shape is not None:
            pixels = _read_only("pixels", self.pixels, np.uint32)
            slow, fast = self.frame_shape
            if pixels.ndim != 1 or (pixels.size and int(pixels.max()) >= slow * fast):
                raise ShapeError(f"pixels: expected numbers below {slow * fast}, got up to {pixels.max()}.")
            object.__setattr__(self, "pixels", pixels)
            object.__setattr__(self, "frame_shape", (int(slow), int(fast)))

    @property
    def mask(self) -> BoolArray | None:
        """Where a pixel was rejected from any bin: bool, shape of the frame, new memory; None where not known."""
        if self.pixels is None or self.frame_shape is None:
            return None
        mask = np.zeros(self.frame_shape, np.bool_)
        mask.reshape(-1)[self.pixels] = True
        return mask

    def reordered(self, *order: slice) -> Rejected:
        """Return the same with each dimension of the bins taken through a slice."""
        iterations = None if self.iterations is None else self.iterations[order]
        return Rejected(self.n_kept[order], self.n_rejected[order], iterations, self.pixels, self.frame_shape)

    def merged(self, *others: Rejected) -> Rejected:
        """Return the counts of all together; rounds and rejected pixels belong to single frames and are dropped."""
        if not others:
            return self
        n_kept, n_rejected = (
            np.sum([getattr(one, name) for one in (self, *others)], axis=0, dtype=np.int64)
            for name in ("n_kept", "n_rejected")
        )
        largest = np.iinfo(np.int32).max
        return Rejected(np.minimum(n_kept, largest), np.minimum(n_rejected, largest))


def _read_only(name: str, value: object, dtype: type) -> AnyArray:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise DataTypeError(f"{name}: expected an array of integers, got {array.dtype}.")
    array = array.astype(dtype, copy=array.flags.writeable)
    array.flags.writeable = False
    return array
