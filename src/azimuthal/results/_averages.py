# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From sums to means and uncertainties: the definitions, in one place.

With ``S, V, N, N2`` the sums of signal, variance, normalisation and squared normalisation of a bin
(:mod:`azimuthal.results._sums`):

==============  =======================  =======================  ============
quantity        "ratio_of_sums"          "mean_of_ratios"         "sum"
==============  =======================  =======================  ============
intensity       S / N                    S / N                    S
sem, sigma      sqrt(V) / N              sqrt(V) / N              sqrt(V)
std             sqrt(V / N2)             sqrt(V / N2)             sqrt(V / N2)
==============  =======================  =======================  ============

The first two columns look alike because the engine has put the division by the pixel's own normalisation into
the sums of "mean_of_ratios".  ``sem`` is the uncertainty of the intensity, ``std`` the spread of the pixels
in the bin.

Bins without pixels: means and sigmas are NaN, because there is no mean of nothing; for "sum", intensity and
sem are 0, because the sum of nothing is zero.  ``std`` is NaN in every case.
"""

from __future__ import annotations

import numpy as np

from azimuthal.errors import UnsupportedOptionError
from azimuthal.results._covariance import PairSums
from azimuthal.results._sums import Sums
from azimuthal.typing import Average, BoolArray, FloatArray
from azimuthal.uncertainty import standard_deviation, standard_error


def intensity(sums: Sums, average: Average) -> FloatArray:
    """Return the intensity of every bin; NaN in empty bins unless `average` is "sum"."""
    if average == "sum":
        return sums.signal.copy()
    return _quotient(sums.signal, sums.normalization)


def sem(sums: Sums, average: Average) -> FloatArray | None:
    """Return the uncertainty of the intensity, or None when there is no variance."""
    if sums.variance is None:
        return None
    if average == "sum":
        return np.sqrt(sums.variance)
    return standard_error(sum_variance=sums.variance, sum_normalization=sums.normalization)


def std(sums: Sums) -> FloatArray | None:
    """Return the spread of the pixels in every bin, or None when there is no variance."""
    if sums.variance is None:
        return None
    return standard_deviation(sum_variance=sums.variance, sum_normalization2=sums.normalization2)


def covariance(sums: Sums, average: Average) -> tuple[FloatArray, PairSums]:
    """Return the covariance of the intensities: its diagonal, shape (n_bins,), and that of bins that share pixels.

    The diagonal is the square of :func:`sem`; both are NaN in empty bins unless `average` is "sum".

    Raises
    ------
    UnsupportedOptionError
        It was not summed.
    """
    sigma = sem(sums, average)
    if sums.covariance is None or sigma is None:
        raise UnsupportedOptionError(
            "covariance: the bins of this result were summed without it. Integrate with covariance=True and an error "
            "model."
        )
    held = sums.covariance
    if average == "sum":
        return sigma.reshape(-1) ** 2, held
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(sums.normalization != 0, 1.0 / sums.normalization, np.nan).reshape(-1)
    return sigma.reshape(-1) ** 2, PairSums(
        held.pairs, held.values * inverse[held.pairs.first] * inverse[held.pairs.partners]
    )


def is_empty(sums: Sums) -> BoolArray:
    """Return True where a bin has received no pixel."""
    return np.equal(sums.normalization, 0) & np.equal(sums.count, 0)


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is zero."""
    quotient = np.full(numerator.shape, np.nan)
    with np.errstate(all="ignore"):
        np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient
