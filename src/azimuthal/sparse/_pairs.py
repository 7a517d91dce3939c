# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which bins share a pixel: the places where a covariance of bins is not zero.

A list for each bin of the bins above it, in compressed rows.  Only the weights of a plan decide it, so that all frames
of a plan share one list; it takes what shape the bins have: neighbours along a line, across the cut of a circle, in
both directions of a cake, and the hundreds of bins that the pixel under the beam has in common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.errors import UnsupportedOptionError
from azimuthal.sparse._matrix import SparseMatrix
from azimuthal.typing import FloatArray, IndexArray, IntArray

#: More pairs than this are refused: half a gigabyte for every frame.
MOST_PAIRS = 1 << 26


@dataclass(frozen=True, slots=True, eq=False)
class BinPairs:
    """Pairs of bins (a, b), a < b, in ascending order; immutable.

    Parameters
    ----------
    indptr:
        int64, shape (n_bins + 1,): the pairs of bin a are ``indptr[a]:indptr[a + 1]``.
    partners:
        int32, shape (n_pairs,): b of each pair; increasing within a bin, and larger than a.
    """

    indptr: IntArray
    partners: IndexArray

    def __post_init__(self) -> None:
        self.indptr.flags.writeable = False
        self.partners.flags.writeable = False

    @classmethod
    def from_bins(cls, first: IntArray, second: IntArray, n_bins: int) -> tuple[BinPairs, IntArray]:
        """Return the pairs in ascending order, each once, and where each of the given ones is among them.

        Parameters
        ----------
        first, second:
            Two different bins each, in any order.
        n_bins:
            Number of bins.
        """
        low, high = np.minimum(first, second), np.maximum(first, second)
        keys, place = np.unique(low.astype(np.int64) * n_bins + high, return_inverse=True)
        indptr = np.searchsorted(keys, np.arange(n_bins + 1, dtype=np.int64) * n_bins)
        return cls(indptr.astype(np.int64), (keys % n_bins).astype(np.int32)), place.reshape(-1).astype(np.int64)

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return int(self.indptr.size) - 1

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return int(self.partners.size)

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return int(self.indptr.nbytes + self.partners.nbytes)

    @property
    def first(self) -> IndexArray:
        """Lower bin a of each pair; int32, shape (n_pairs,)."""
        return np.repeat(np.arange(self.n_bins, dtype=np.int32), np.diff(self.indptr))

    @property
    def bandwidth(self) -> int:
        """Largest b - a; 0 without pairs."""
        return int((self.partners - self.first).max(initial=0))

    def equals(self, other: BinPairs) -> bool:
        """Return whether both are the same pairs."""
        return self is other or (
            np.array_equal(self.indptr, other.indptr) and np.array_equal(self.partners, other.partners)
        )


def refuse_pairs(n_pairs: int | None = None) -> UnsupportedOptionError:
    """Return the error for more than :data:`MOST_PAIRS` pairs."""
    found = "more" if n_pairs is None else str(n_pairs)
    return UnsupportedOptionError(
        f"covariance: expected at most {MOST_PAIRS} pairs of bins that share a pixel, got {found}. A pixel close to "
        "the beam lies in nearly all azimuths and pairs all of them: leave these pixels out (mask=, radial_range=), "
        "or take fewer azimuthal bins."
    )


@dataclass(frozen=True, slots=True, eq=False)
class PairEntries:
    """What every pixel adds to which pair: the weights of a matrix, two at a time.

    Parameters
    ----------
    pixel, pair:
        int64, shape (n_entries,).
    first, second:
        Where the two weights are in the matrix; int64, same shape.
    """

    pixel: IntArray
    pair: IntArray
    first: IntArray
    second: IntArray

    def products(self, weights: FloatArray) -> FloatArray:
        """Return the products of the two weights."""
        return weights[self.first] * weights[self.second]


def matrix_pairs(matrix: SparseMatrix) -> tuple[BinPairs, PairEntries]:
    """Return the pairs of bins that share a pixel, and what every pixel adds to them.

    Raises
    ------
    UnsupportedOptionError
        There are more than :data:`MOST_PAIRS`.
    """
    counts = np.diff(matrix.indptr)
    n_entries = int((counts * (counts - 1) // 2).sum())
    if n_entries > 8 * MOST_PAIRS:
        raise refuse_pairs()
    pixels, firsts, seconds = [], [], []
    for count in np.unique(counts[counts > 1]):
        of_count = np.flatnonzero(counts == count)
        low, high = np.triu_indices(int(count), 1)
        begin = matrix.indptr[of_count][:, np.newaxis]
        pixels.append(np.repeat(of_count, low.size))
        firsts.append((begin + low).reshape(-1))
        seconds.append((begin + high).reshape(-1))
    pixel, first, second = (np.concatenate([np.empty(0, np.int64), *parts]) for parts in (pixels, firsts, seconds))
    pairs, place = BinPairs.from_bins(matrix.indices[first], matrix.indices[second], matrix.n_bins)
    if pairs.n_pairs > MOST_PAIRS:
        raise refuse_pairs(pairs.n_pairs)
    return pairs, PairEntries(pixel, place, first, second)
