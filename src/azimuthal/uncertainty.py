# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Uncertainties: where the variance of a pixel comes from, and what the errors of a bin mean.

Sums of a bin
    A pixel contributes to a bin with the weight ``c`` (the part of it that lies inside), the signal ``s``,
    its variance ``v`` and the normalisation ``n``. The variances are propagated as those of independent
    pixels ::

        sum_signal          = sum(c s)           sum_normalization   = sum(c n)
        sum_variance        = sum(c^2 v)         sum_normalization2  = sum(c^2 n^2)
        intensity           = sum(c s) / sum(c n)

Errors of a bin
    ``sem``
        Standard error of the mean: how far the intensity of this bin is from the one of infinitely many
        photons ::

            sem = sqrt(sum(c^2 v)) / sum(c n)

        This is `sigma`, the error bar. It falls with the number of pixels.
    ``std``
        Standard deviation of the pixels about that mean, after normalisation: how far a single pixel is from
        it ::

            std = sqrt(sum(c^2 v) / sum(c^2 n^2))

        It does not fall with the number of pixels.

    Without splitting (``c = 1``) and with equal ``n``, ``std = sem sqrt(number of pixels)``. With splitting,
    one pixel feeds several bins: each bin's sem stays right, but neighbouring bins are correlated, and
    summing their variances as if they were independent gives too small an error
    (:mod:`azimuthal.results._covariance`).

Error models
    ``None``
        No variance; sigma is None.
    ``"poisson"``
        ``v = max(raw, 0)``: the raw value is a number of photons. An estimate of the variance from one count
        is unbiased: its mean over many frames is the true variance, also at 0.01 photons per pixel, where
        nearly all pixels are zero. That is why *zero counts have zero variance*: taking 1 instead (as some
        programs do) would give a bin of 1000 pixels with 10 photons in total the error 32 and not 3.2. The
        price: a bin without a single photon has sigma 0, which is not a weight of infinity; fits should leave
        out or floor such points. Negative values (a pedestal subtracted before) have variance 0. The
        variance is that of the raw value; the dark is exact.
    ``"variance"``
        The user's array: finite and at least 0 wherever a pixel counts.

    Names of later versions, refused today: ``"azimuthal"``, the spread of the pixels about their bin's mean
    (of use when counts are not photons; biased upwards by texture), and ``"hybrid"``, the spread for the mean
    and Poisson for the rejection of outliers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from azimuthal._validate import boolean_mask, image_array, one_of
from azimuthal.errors import DataTypeError, ParameterError, UnsupportedOptionError
from azimuthal.typing import ERROR_MODELS, AnyArray, BoolArray, ErrorModel, FloatArray

__all__ = [
    "LATER_ERROR_MODELS",
    "checked_error_model",
    "checked_variance",
    "poisson_variance",
    "standard_deviation",
    "standard_error",
]

LATER_ERROR_MODELS = ("azimuthal", "hybrid")


def checked_error_model(value: object, *, has_variance: bool = False) -> ErrorModel | None:
    """Return the error model that a user's choice means.

    Parameters
    ----------
    value:
        None, ``"poisson"`` or ``"variance"``.
    has_variance:
        Whether a variance array comes with the frames: None then means ``"variance"``.

    Returns
    -------
    :
        The name, or None for no uncertainties.

    Raises
    ------
    UnknownNameError
        The name is not known.
    UnsupportedOptionError
        A model of a later version.
    ParameterError
        ``"variance"`` without an array, or an array beside another model.
    """
    if isinstance(value, str) and value in LATER_ERROR_MODELS:
        raise UnsupportedOptionError(
            f"error_model: {value!r} is not available in this version. Use 'poisson' for counted photons, or "
            "pass variance=... ."
        )
    model = None if value is None else one_of("error_model", value, ERROR_MODELS)
    if has_variance and model not in (None, "variance"):
        raise ParameterError(
            f"error_model: {model!r} and a variance array were both given, and they contradict each other. "
            "Leave one of them out."
        )
    if model == "variance" and not has_variance:
        raise ParameterError("variance: error_model='variance' needs an array. Pass variance=... .")
    return "variance" if has_variance else model


def poisson_variance(raw: AnyArray) -> FloatArray:
    """Return ``max(raw, 0)``: the variance of counted photons.

    Parameters
    ----------
    raw:
        Raw values before any correction, any shape and real dtype.

    Returns
    -------
    :
        Same shape, float64, at least 0; NaN where `raw` is NaN; new memory.
    """
    return np.maximum(raw, 0, dtype=np.float64)


def checked_variance(variance: Any, *, shape: tuple[int, ...], excluded: BoolArray | None = None) -> FloatArray:
    """Return a user's variance as float64 after checking it wherever a pixel counts.

    Parameters
    ----------
    variance:
        Array of `shape`.
    shape:
        Of the frame.
    excluded:
        True where a pixel does not count: the variance may be anything there.

    Returns
    -------
    :
        Of `shape`, float64; `variance` itself when it is such an array already.

    Raises
    ------
    DataTypeError, ShapeError
        Not real numbers, or of another shape.
    ParameterError
        Not finite or negative at a pixel that counts; the message has the number of such pixels and the first
        one.
    """
    if np.asarray(variance).dtype == np.bool_:
        raise DataTypeError("variance: expected an array of numbers, got booleans.")
    values = image_array("variance", variance, shape)
    faulty = ~((values >= 0) & (values < np.inf))
    if excluded is not None:
        faulty &= ~boolean_mask("excluded", excluded, shape)
    if faulty.any():
        first = tuple(int(index[0]) for index in np.nonzero(faulty))
        raise ParameterError(
            "variance: expected finite values of at least 0 wherever a pixel counts; "
            f"{np.count_nonzero(faulty)} of {values.size} are not, the first at {first}: {values[first]}. "
            "Correct them, or mask these pixels."
        )
    return values


def standard_error(*, sum_variance: FloatArray, sum_normalization: FloatArray) -> FloatArray:
    """Return ``sem = sqrt(sum(c^2 v)) / sum(c n)``.

    Parameters
    ----------
    sum_variance, sum_normalization:
        Sums of the bins, any equal shape.

    Returns
    -------
    :
        Same shape, float64; NaN in empty bins (sum of the normalisation is 0).
    """
    root = np.sqrt(np.asarray(sum_variance, dtype=np.float64))
    return _quotient(root, np.asarray(sum_normalization, dtype=np.float64))


def standard_deviation(*, sum_variance: FloatArray, sum_normalization2: FloatArray) -> FloatArray:
    """Return ``std = sqrt(sum(c^2 v) / sum(c^2 n^2))``.

    Parameters
    ----------
    sum_variance, sum_normalization2:
        Sums of the bins, any equal shape.

    Returns
    -------
    :
        Same shape, float64; NaN in empty bins.
    """
    variance = np.asarray(sum_variance, dtype=np.float64)
    return np.sqrt(_quotient(variance, np.asarray(sum_normalization2, dtype=np.float64)))


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return the quotient, NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator != 0)
