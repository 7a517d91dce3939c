# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The covariance of bins in NumPy: the definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from azimuthal.sparse import BinPairs, SparseMatrix, matrix_pairs
from azimuthal.sparse._pairs import PairEntries
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class PairSummation:
    """The pairs of a matrix, made ready for many frames."""

    matrix: SparseMatrix
    pairs: BinPairs
    entries: PairEntries
    products: FloatArray

    @classmethod
    def of(cls, matrix: SparseMatrix) -> PairSummation:
        """Return that of a matrix."""
        pairs, entries = matrix_pairs(matrix)
        return cls(matrix, pairs, entries, entries.products(matrix.entry_weights()))

    def of_variance(self, variance: AnyArray, is_invalid: BoolArray) -> FloatArray:
        """Return the covariance of every pair from the variance of every pixel; shape (n_pairs,)."""
        return self._summed(lambda pixel, _: variance[pixel].astype(np.float64), is_invalid)

    def of_residuals(
        self, signal: AnyArray, normalization: FloatArray, means: FloatArray, is_invalid: BoolArray
    ) -> FloatArray:
        """Return it from residuals about the means of the bins, shape (n_bins,)."""
        bins = self.matrix.indices

        def product(pixel: IntArray, kept: IntArray) -> FloatArray:
            one, two = (means[bins[entry[kept]]] for entry in (self.entries.first, self.entries.second))
            s, n = signal[pixel].astype(np.float64), normalization[pixel]
            spread: FloatArray = (s - one * n) * (s - two * n)
            return spread

        return self._summed(product, is_invalid)

    def _summed(self, spread: Callable[[IntArray, IntArray], FloatArray], is_invalid: BoolArray) -> FloatArray:
        kept = np.flatnonzero(~is_invalid[self.entries.pixel])
        pixel = self.entries.pixel[kept]
        terms = self.products[kept] * spread(pixel, kept)
        found = np.bincount(self.entries.pair[kept], weights=terms, minlength=self.pairs.n_pairs)
        return np.asarray(found, dtype=np.float64)
