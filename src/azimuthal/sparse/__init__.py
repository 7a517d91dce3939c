# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which pixel feeds which bin, with which weight: one frozen sparse matrix.

:class:`SparseMatrix` is the definition and the exchange format.  The compiled core keeps the same weights packed into a
few bytes per pixel (`azimuthal.sparse._native.PackedMatrix`) and unpacks them when they are asked for.
"""

from azimuthal.sparse._matrix import SparseMatrix, Weights
from azimuthal.sparse._pairs import MOST_PAIRS, BinPairs, matrix_pairs, refuse_pairs

__all__ = ["MOST_PAIRS", "BinPairs", "SparseMatrix", "Weights", "matrix_pairs", "refuse_pairs"]
