# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From pixels, slab by slab, to the one sparse matrix."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from azimuthal.binning import BinGrid
from azimuthal.sparse import SparseMatrix
from azimuthal.splitting._protocol import PixelShapes, Scheme


def build_matrix(slabs: Iterable[PixelShapes], scheme: Scheme, grid: BinGrid) -> tuple[SparseMatrix, int]:
    """Return the weights of all pixels, and how many pixels had non-finite coordinates and were left out.

    Parameters
    ----------
    slabs:
        The pixels of the detector in their order, a part at a time: memory for coordinates stays small.
    scheme:
        How to split.
    grid:
        The bins.
    """
    parts = [scheme.split(pixels, grid) for pixels in slabs]
    counts = np.concatenate([part.counts for part in parts])
    indptr = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=indptr[1:], dtype=np.int64)
    indices = np.concatenate([part.indices for part in parts])
    weights = [part.weights for part in parts if part.weights is not None]
    matrix = SparseMatrix(indptr, indices, np.concatenate(weights) if weights else None, grid.n_bins)
    return matrix, sum(part.n_not_finite for part in parts)
