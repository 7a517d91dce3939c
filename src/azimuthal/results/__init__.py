# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Results: sums with named axes, and everything that follows from them."""

from azimuthal.results._covariance import ChiSquare, PairSums
from azimuthal.results._rejected import Rejected
from azimuthal.results._sums import Sums
from azimuthal.results.cake import Cake
from azimuthal.results.merging import merge
from azimuthal.results.plot import plot_cake, plot_profile, save_picture
from azimuthal.results.profile import Profile
from azimuthal.results.result_set import ResultSet

__all__ = [
    "Cake",
    "ChiSquare",
    "PairSums",
    "Profile",
    "Rejected",
    "ResultSet",
    "Sums",
    "merge",
    "plot_cake",
    "plot_profile",
    "save_picture",
]
