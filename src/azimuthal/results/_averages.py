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

V is the sum of variance; in sem of merged frames with a noisy dark or flat, `shared` stands in the place of `static`
(:mod:`azimuthal.results._sums`), and a monitor with the variance v adds S^2 v / normalization_factor^2.

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


def sem(sums: Sums, average: Average, relative_variance: float = 0.0) -> FloatArray | None:
    """Return the uncertainty of the intensity, or None when there is no variance.

    `relative_variance` is that of the monitor: variance / value².
    """
    total = signal_variance(sums, relative_variance)
    if total is None or average == "sum":
        return None if total is None else np.sqrt(total)
    return standard_error(sum_variance=total, sum_normalization=sums.normalization)


def signal_variance(sums: Sums, relative_variance: float = 0.0) -> FloatArray | None:
    """Return the variance of the sum of signal that the uncertainty of the intensity stands for, or None.

    That is V, with what frames share of it (dark, flat) taken as shared, and the monitor.
    """
    if sums.variance is None:
        return None
    total = sums.variance
    if sums.static is not None and sums.shared is not None and sums.shared is not sums.static:
        total = np.maximum(total + (sums.shared - sums.static), 0.0)
    return total if relative_variance == 0.0 else total + sums.signal**2 * relative_variance


def std(sums: Sums) -> FloatArray | None:
    """Return the spread of the pixels in every bin, or None when there is no variance."""
    if sums.variance is None:
        return None
    return standard_deviation(sum_variance=sums.variance, sum_normalization2=sums.normalization2)


def covariance(sums: Sums, average: Average, relative_variance: float = 0.0) -> tuple[FloatArray, PairSums]:
    """Return the covariance of the intensities: its diagonal, shape (n_bins,), and that of bins that share pixels.

    The diagonal is the square of :func:`sem`; both are NaN in empty bins unless `average` is "sum".

    Raises
    ------
    UnsupportedOptionError
        It was not summed, or `relative_variance`, that of the monitor, is not 0.
    """
    if relative_variance:
        raise UnsupportedOptionError(
            "covariance: the uncertain monitor is common to all bins, which the covariance of bins that share pixels "
            "has no place for. Integrate without normalization_variance, and add relative variance * I_a I_b to the "
            "matrix."
        )
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
    return sigma.reshape(-1) ** 2, held.weighted(inverse)


def is_empty(sums: Sums) -> BoolArray:
    """Return True where a bin has received no pixel."""
    return np.equal(sums.normalization, 0) & np.equal(sums.count, 0)


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is zero."""
    quotient = np.full(numerator.shape, np.nan)
    with np.errstate(all="ignore"):
        np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient
