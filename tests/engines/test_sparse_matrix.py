# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Weights with some bins emptied."""

import numpy as np

from azimuthal.sparse import SparseMatrix


def test_bins_that_are_emptied_give_their_weight_to_the_other_bins_of_the_pixel():
    matrix = SparseMatrix(
        np.array([0, 2, 3, 5, 5], np.int64), np.array([0, 1, 1, 1, 2], np.int32), np.array([0.5, 0.5, 1.0, 0.3, 0.3]), 3
    )
    emptied = matrix.without_bins(np.array([False, True, False]))
    np.testing.assert_array_equal(emptied.indptr, [0, 1, 1, 2, 2])
    np.testing.assert_array_equal(emptied.indices, [0, 2])
    np.testing.assert_allclose(emptied.weights, [1.0, 0.6])
    assert matrix.without_bins(np.zeros(3, bool)) is matrix
