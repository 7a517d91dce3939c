# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Bin edges and the grid of bins that splitting works on."""

from azimuthal.binning.edges import arc, bin_edges, is_edges, log_bins, placed_on_circle
from azimuthal.binning.grid import UNRESTRICTED, BinGrid, Circle, bin_of

__all__ = [
    "UNRESTRICTED",
    "BinGrid",
    "Circle",
    "arc",
    "bin_edges",
    "bin_of",
    "is_edges",
    "log_bins",
    "placed_on_circle",
]
