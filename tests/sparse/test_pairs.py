# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Lists of pairs of bins."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.sparse import BinPairs, SparseMatrix, matrix_pairs


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] != pair[1])))
def test_pairs_from_bins_are_sorted_once_each_and_found_again(given_pairs):
    first, second = (np.array([pair[i] for pair in given_pairs], np.int64) for i in (0, 1))
    pairs, place = BinPairs.from_bins(first, second, 9)
    found = list(zip(pairs.first.tolist(), pairs.partners.tolist(), strict=True))
    assert found == sorted({(min(pair), max(pair)) for pair in given_pairs})
    assert [found[k] for k in place] == [(min(pair), max(pair)) for pair in given_pairs]
    assert pairs.bandwidth == max((b - a for a, b in found), default=0)


def test_pairs_of_a_matrix_are_those_of_its_pixels():
    rows = [[0, 1], [], [2], [1, 2, 5], [0, 1]]
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    indices = np.array([b for row in rows for b in row], np.int32)
    pairs, entries = matrix_pairs(SparseMatrix(indptr, indices, None, 6))
    expected = sorted({pair for row in rows for pair in itertools.combinations(row, 2)})
    assert list(zip(pairs.first.tolist(), pairs.partners.tolist(), strict=True)) == expected
    assert entries.pixel.size == 5
    assert pairs.nbytes == pairs.indptr.nbytes + pairs.partners.nbytes


def test_pairs_are_read_only_and_comparable():
    one, _ = BinPairs.from_bins(np.array([0, 1]), np.array([1, 2]), 3)
    same, _ = BinPairs.from_bins(np.array([2, 1]), np.array([1, 0]), 3)
    other, _ = BinPairs.from_bins(np.array([0]), np.array([1]), 3)
    assert one.equals(same)
    assert not one.equals(other)
    with pytest.raises(ValueError, match="read-only"):
        one.partners[0] = 2
