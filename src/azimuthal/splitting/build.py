# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From pixels, slab by slab, to the one sparse matrix."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from types import ModuleType

import numpy as np

from azimuthal.binning import BinGrid, Circle
from azimuthal.sparse import SparseMatrix
from azimuthal.splitting import bounding_box, full, pseudo
from azimuthal.splitting._protocol import Entries, Extent, Pieces, PixelBins, PixelShapes, Scheme

#: Pieces are few, and of many shapes: NumPy splits them, whatever splits the pixels.
_OF_PIECES: dict[str, ModuleType] = {module.name: module for module in (bounding_box, pseudo, full)} | {"exact": full}


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
    parts = [_split(pixels, scheme, grid) for pixels in slabs]
    counts = np.concatenate([part.counts for part in parts])
    indptr = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=indptr[1:], dtype=np.int64)
    indices = np.concatenate([part.indices for part in parts])
    weights = [part.weights for part in parts if part.weights is not None]
    matrix = SparseMatrix(indptr, indices, np.concatenate(weights) if weights else None, grid.n_bins)
    return matrix, sum(part.n_not_finite for part in parts)


def extent_of(slabs: Iterable[PixelShapes], scheme: Scheme, circle: Circle, u_floor: float) -> Extent:
    """Return the smallest box that holds all pixels, and the pieces of pixels, as the scheme sees them."""
    extents = []
    for pixels in slabs:
        extents.append(scheme.extent(pixels, circle, u_floor))
        if pixels.pieces is not None:
            extents.append(_OF_PIECES[scheme.name].extent(pixels.pieces.shapes, circle, u_floor))
    return functools.reduce(Extent.joined, extents)


def _split(pixels: PixelShapes, scheme: Scheme, grid: BinGrid) -> PixelBins:
    whole = scheme.split(pixels, grid)
    if pixels.pieces is None:
        return whole
    return _inserted(whole, _joined(pixels.pieces, _OF_PIECES[scheme.name], len(pixels.excluded), grid))


def _joined(pieces: Pieces, scheme: ModuleType, n_pixels: int, grid: BinGrid) -> PixelBins:
    """Return the weights of pixels that are in pieces, each piece weighted with its share."""
    parts: PixelBins = scheme.split(pieces.shapes, grid)
    assert parts.weights is not None
    owner, share = np.repeat(pieces.owner, parts.counts), np.repeat(pieces.share, parts.counts)
    return Entries(owner, parts.indices.astype(np.int64), parts.weights * share).to_pixel_bins(
        n_pixels, parts.n_not_finite
    )


def _inserted(whole: PixelBins, more: PixelBins) -> PixelBins:
    """Return both together; no pixel has entries in both."""
    assert whole.weights is not None
    assert more.weights is not None
    begin = np.cumsum(whole.counts, dtype=np.int64) - whole.counts
    at = np.repeat(begin, more.counts)
    return PixelBins(
        whole.counts + more.counts,
        np.insert(whole.indices, at, more.indices),
        np.insert(whole.weights, at, more.weights),
        whole.n_not_finite + more.n_not_finite,
    )
