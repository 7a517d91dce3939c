# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One frozen sparse matrix: which pixel feeds which bin, with which weight.

Rows are pixels and columns are bins (compressed sparse rows, "pixel-major"): splitting makes it in this order, and a
frame is read once from its first to its last pixel.  Why this order and these types: decision record 0005.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IndexArray, IntArray


class Weights(Protocol):
    """Weights of pixels in bins, however they are kept."""

    @property
    def n_pixels(self) -> int:
        """Number of rows."""

    @property
    def n_bins(self) -> int:
        """Number of columns."""

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""

    def used_pixels(self) -> BoolArray:
        """Return which pixels feed any bin; shape (n_pixels,)."""

    def as_matrix(self) -> SparseMatrix:
        """Return them as a sparse matrix."""


@dataclass(frozen=True, slots=True, eq=False)
class SparseMatrix:
    """Weights of pixels in bins.

    Parameters
    ----------
    indptr:
        int64, shape (n_pixels + 1,): the entries of pixel p are ``indptr[p]:indptr[p + 1]``.
    indices:
        int32, shape (n_entries,): bin of each entry; increasing within a pixel, without doubles.
    weights:
        float64, shape (n_entries,), or None when every weight is exactly one.
    n_bins:
        Number of columns.

    Raises
    ------
    DataTypeError, ShapeError, ParameterError
        The arrays do not form such a matrix.
    """

    indptr: IntArray
    indices: IndexArray
    weights: FloatArray | None
    n_bins: int

    def __post_init__(self) -> None:
        _require("indptr", self.indptr, np.int64)
        _require("indices", self.indices, np.int32)
        if self.indptr.size < 1 or self.indptr[0] != 0 or self.indptr[-1] != self.indices.size:
            raise ShapeError(
                f"indptr: expected to run from 0 to the number of entries ({self.indices.size}), got "
                f"{self.indptr[:1]} to {self.indptr[-1:]}."
            )
        if (self.indptr[1:] < self.indptr[:-1]).any():
            raise ParameterError("indptr: expected non-decreasing values.")
        if self.indices.size and not (self.indices.min() >= 0 and self.indices.max() < self.n_bins):
            raise ParameterError(f"indices: expected 0 to {self.n_bins - 1}, got up to {self.indices.max()}.")
        if self.weights is not None:
            _require("weights", self.weights, np.float64)
            if self.weights.shape != self.indices.shape:
                raise ShapeError(f"weights: expected shape {self.indices.shape}, got {self.weights.shape}.")
        for array in (self.indptr, self.indices, self.weights):
            if array is not None:
                array.flags.writeable = False

    @property
    def n_pixels(self) -> int:
        """Number of rows."""
        return int(self.indptr.size) - 1

    @property
    def n_entries(self) -> int:
        """Number of stored weights."""
        return int(self.indices.size)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return int(self.indptr.nbytes + self.indices.nbytes + (0 if self.weights is None else self.weights.nbytes))

    def as_matrix(self) -> SparseMatrix:
        """Return this."""
        return self

    def used_pixels(self) -> BoolArray:
        """Return which pixels feed any bin; shape (n_pixels,)."""
        return self.indptr[1:] > self.indptr[:-1]

    def entry_pixels(self) -> IntArray:
        """Return the pixel of every entry; int64, shape (n_entries,)."""
        return np.repeat(np.arange(self.n_pixels), np.diff(self.indptr))

    def entry_weights(self) -> FloatArray:
        """Return the weight of every entry, ones included; float64, shape (n_entries,)."""
        return np.ones(self.n_entries) if self.weights is None else self.weights

    def without_bins(self, bins: BoolArray) -> SparseMatrix:
        """Return the weights with some bins emptied; a pixel gives what it had there to its other bins, in proportion.

        Parameters
        ----------
        bins:
            (n_bins,), True = empty it.  A pixel that has no other bin is left out.
        """
        gone = bins[self.indices]
        if not gone.any():
            return self
        pixels = self.entry_pixels()
        kept, weights = pixels[~gone], self.entry_weights()[~gone]
        before = np.bincount(pixels[gone], weights=self.entry_weights()[gone], minlength=self.n_pixels)
        after = np.bincount(kept, weights=weights, minlength=self.n_pixels)
        touched = before > 0
        factors = np.ones(self.n_pixels)
        factors[touched] = 1.0 + before[touched] / np.where(after[touched] > 0, after[touched], 1.0)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(kept, minlength=self.n_pixels))]).astype(np.int64)
        return SparseMatrix(indptr, self.indices[~gone], weights * factors[kept], self.n_bins)

    def pixel_sums(self) -> FloatArray:
        """Return the sum of the weights of every pixel: 1 for a pixel wholly inside the range; shape (n_pixels,)."""
        sums = np.bincount(self.entry_pixels(), weights=self.entry_weights(), minlength=self.n_pixels)
        return np.asarray(sums, dtype=np.float64)


def _require(name: str, array: AnyArray, dtype: type) -> None:
    if array.dtype != dtype or array.ndim != 1:
        raise DataTypeError(f"{name}: expected a 1-D {np.dtype(dtype)} array, got {array.ndim}-D {array.dtype}.")
