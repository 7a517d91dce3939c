# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Weights packed by the compiled core: 2 to 10 bytes per pixel where a sparse matrix takes 30.

A pixel keeps its first bin (16 or 32 bits) and, for the bins from there on, no weight (all are one), one (two weights
that add up to one: the smaller is kept) or up to eight.  The few pixels that fit no such form are listed apart.
Unpacked, the larger of two weights that add up to one is one minus the smaller: within 2e-13 of what splitting made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal import _core
from azimuthal.sparse._matrix import SparseMatrix, Weights
from azimuthal.typing import BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class PackedMatrix:
    """Packed weights; immutable.

    Parameters
    ----------
    packed:
        Of the core.
    n_threads:
        For unpacking.
    """

    packed: _core.PackedWeights
    n_threads: int

    @property
    def n_pixels(self) -> int:
        """Number of rows."""
        return self.packed.n_pixels

    @property
    def n_bins(self) -> int:
        """Number of columns."""
        return self.packed.n_bins

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.packed.nbytes

    def used_pixels(self) -> BoolArray:
        """Return which pixels feed any bin; shape (n_pixels,)."""
        bits = np.unpackbits(self.packed.used_bits(), count=self.n_pixels, bitorder="little")
        return bits.view(np.bool_)

    def as_matrix(self) -> SparseMatrix:
        """Return the same weights as a sparse matrix; packing it again gives the same sums to the last bit."""
        indptr, indices, weights = self.packed.rows(self.n_threads)
        return SparseMatrix(indptr, indices, None if self.packed.are_ones else weights, self.n_bins)


def packed_matrix(weights: Weights, n_threads: int) -> PackedMatrix:
    """Return the weights packed."""
    if isinstance(weights, PackedMatrix):
        return weights
    matrix = weights.as_matrix()
    packed = _core.PackedWeights.from_rows(matrix.indptr, matrix.indices, matrix.weights, matrix.n_bins, n_threads)
    return PackedMatrix(packed, n_threads)
