# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Covariance of bins that share pixels: the sums of one frame, for each pair of bins.

With the weights c of a pixel p in two bins a and b, its variance v (as the engine's, times gain^2), or its residual r
about the mean of a bin ::

    covariance[a, b] = sum_p c_ap c_bp v_p                                        a variance of each pixel
    covariance[a, b] = sum_p c_ap c_bp r_ap r_bp,  r_ap = s_p - mean_a n_p        residuals (``means`` given)

over the pixels that are valid.  For a = b both are the sum of variance that an engine makes anyway; they are not made
again.  `azimuthal.engines.covariance.reference` is the definition, `native` does it quickly; they agree to 1e-12.
"""
