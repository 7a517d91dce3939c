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
        variance is that of the raw value, photons of a dark that is subtracted here included.
    ``"variance"``
        The user's array, of the raw values: finite and at least 0 wherever a pixel counts.
    ``"azimuthal"``
        The spread of the pixels about the mean ``m`` of their bin, whatever makes them spread::

            m = sum(c s) / sum(c n)                 v = (s - m n)^2
            sum_variance = sum(c^2 v) n_eff / (n_eff - 1)
            n_eff = sum(c n)^2 / sum(c^2 n^2)

        It is made in two passes, the mean first and then the residuals: a mean of squares less the square of a mean
        loses all its digits where the spread is small. The factor restores what the residuals lack because
        ``m`` was made of the same pixels: sum_variance is unbiased for pixels of equal weight, down to two of
        them; for unequal weights it is low by less than 1 / (2 n_eff) (decision record 0016). Where ``n_eff <= 1``
        there is no spread to speak of, and sigma is NaN. For "mean_of_ratios" and "sum", ``s / n`` takes the place
        of ``s`` and 1 that of ``n``; the mean is that of the pixels also for "sum".

        The spread holds everything that differs from pixel to pixel: photon noise, noise of electronics, dark and
        flat, but also texture, single-crystal spots and a slope of the intensity across the bin. With those, it is
        larger than the error of the mean in a repeated measurement.
    ``"hybrid"``
        Outliers are rejected by the azimuthal spread, and sigma is Poisson's, of the pixels that are left. Without
        rejection it is "poisson".

What calibration adds
    ``dark_variance``
        Variance ``vd`` of the dark that is subtracted, pixel by pixel: ``v = v_raw + vd``. ``"poisson"`` says that
        the dark is a counted image, of the same exposure: ``vd = max(dark, 0)``. A dark that is the mean of k images
        has a k-th of that: pass the array.
    ``flat_variance``
        Variance ``vf`` of the flat field, pixel by pixel. To first order a pixel's part in the mean changes by
        ``m n df / flat``, hence ::

            v = v_raw + vd + (m n)^2 vf / flat^2

        with the mean of the bin, not the value of the pixel, whose own noise would be counted twice.
    ``normalization_variance``
        Variance of the monitor value of a frame, a number. All bins of the frame change by the same factor::

            sem^2 = sum_variance / sum(c n)^2 + (intensity)^2 normalization_variance / normalization_factor^2

    The first two differ from pixel to pixel and are in `sum_variance`, sem and std. The last does not make pixels
    differ: it is in sem alone, and no sum of bins averages it out.

    Frames that share a dark and a flat share their errors, so that merging k frames does not make these smaller. A
    result keeps which part ``x`` of its variance they are, and the merger of frames has ``(sum of sqrt(x))^2`` in its
    sem and not ``sum of x``. Monitors of different frames are independent.

    With the azimuthal model both are in the spread already, and giving them is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from azimuthal._validate import boolean_mask, finite_number, image_array, one_of
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.typing import ERROR_MODELS, AnyArray, BoolArray, ErrorModel, FloatArray

__all__ = [
    "checked_error_model",
    "checked_normalization_variance",
    "checked_variance",
    "effective_number",
    "merged_spread",
    "poisson_variance",
    "relative_flat_variance",
    "small_sample_factor",
    "standard_deviation",
    "standard_error",
]

#: With fewer effective pixels than one and this, there is no spread.
_FEWEST = 1e-9


class SpreadSums(Protocol):
    """The sums of a frame with the azimuthal model."""

    @property
    def signal(self) -> FloatArray: ...
    @property
    def variance(self) -> FloatArray: ...
    @property
    def normalization(self) -> FloatArray: ...
    @property
    def normalization2(self) -> FloatArray: ...
    @property
    def cross(self) -> FloatArray: ...


def checked_error_model(value: object, *, has_variance: bool = False) -> ErrorModel | None:
    """Return the error model that a user's choice means.

    Parameters
    ----------
    value:
        None or one of :data:`azimuthal.typing.ERROR_MODELS`.
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
    ParameterError
        ``"variance"`` without an array, or an array beside another model.
    """
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


def checked_variance(
    variance: Any, *, shape: tuple[int, ...], excluded: BoolArray | None = None, name: str = "variance"
) -> FloatArray:
    """Return a user's variance as float64 after checking it wherever a pixel counts.

    Parameters
    ----------
    variance:
        Array of `shape`.
    shape:
        Of the frame.
    excluded:
        True where a pixel does not count: the variance may be anything there.
    name:
        What messages call it.

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
        raise DataTypeError(f"{name}: expected an array of numbers, got booleans.")
    values = image_array(name, variance, shape)
    faulty = ~((values >= 0) & (values < np.inf))
    if excluded is not None:
        faulty &= ~boolean_mask("excluded", excluded, shape)
    if faulty.any():
        first = tuple(int(index[0]) for index in np.nonzero(faulty))
        raise ParameterError(
            f"{name}: expected finite values of at least 0 wherever a pixel counts; "
            f"{np.count_nonzero(faulty)} of {values.size} are not, the first at {first}: {values[first]}. "
            "Correct them, or mask these pixels."
        )
    return values


def checked_normalization_variance(value: Any) -> float:
    """Return the variance of a monitor value: a finite number of at least 0.

    Raises
    ------
    DataTypeError, ParameterError
        It is not.
    """
    number = finite_number("normalization_variance", value)
    if number < 0:
        raise ParameterError(f"normalization_variance: expected a number of at least 0, got {number}.")
    return number


def relative_flat_variance(
    flat_variance: FloatArray, *, flat: FloatArray, normalization: FloatArray | None
) -> FloatArray:
    """Return ``n^2 vf / flat^2``: the variance of every pixel's normalisation by that of the flat field.

    Parameters
    ----------
    flat_variance, flat:
        Of equal shape.
    normalization:
        Of the same shape, 0 where a pixel does not count; None for the flat field itself.

    Returns
    -------
    :
        Same shape, float64; 0 where a pixel does not count.
    """
    norm = flat if normalization is None else normalization
    counts = (norm > 0) & (flat > 0)
    relative = np.divide(flat_variance, flat**2, out=np.zeros_like(norm), where=counts)
    return np.where(counts, relative * norm**2, 0.0)


def effective_number(*, sum_normalization: FloatArray, sum_normalization2: FloatArray) -> FloatArray:
    """Return ``n_eff = sum(c n)^2 / sum(c^2 n^2)``: how many equal pixels would have the same error of the mean.

    Parameters
    ----------
    sum_normalization, sum_normalization2:
        Sums of the bins, any equal shape.

    Returns
    -------
    :
        Same shape, float64; 0 in empty bins.
    """
    sums = np.asarray(sum_normalization, dtype=np.float64)
    return _mean(sums**2, np.asarray(sum_normalization2, dtype=np.float64))


def small_sample_factor(*, sum_normalization: FloatArray, sum_normalization2: FloatArray) -> FloatArray:
    """Return ``n_eff / (n_eff - 1)``, which takes the bias from a spread about the mean of the same pixels.

    Parameters
    ----------
    sum_normalization, sum_normalization2:
        Sums of the bins, any equal shape.

    Returns
    -------
    :
        Same shape, float64; NaN where ``n_eff <= 1`` (to rounding), 1 in empty bins: the sum of no squares is 0.
    """
    number = effective_number(sum_normalization=sum_normalization, sum_normalization2=sum_normalization2)
    factor = np.where(number > 0, np.nan, 1.0)
    return np.divide(number, number - 1.0, out=factor, where=number > 1.0 + _FEWEST)


def merged_spread(parts: Sequence[SpreadSums]) -> tuple[FloatArray, FloatArray]:
    """Return variance and cross sums of the azimuthal model for the pixels of several frames together.

    Definition: with the residuals ``r = s - m n`` about the mean ``m`` of a part, its squares ``Q = sum(c^2 r^2)``
    and its ``K = sum(c^2 n r)`` (0 for pixels of equal weight), the residuals about the mean of all are ``r + d n``,
    ``d = m - m_all``. Hence, exactly and without a difference of large numbers ::

        Q_all = sum over parts (Q + 2 d K + d^2 N2)         K_all = sum over parts (K + d N2)

    Parameters
    ----------
    parts:
        Sums of the frames: signal, variance, normalization, normalization2, cross, of equal shape.

    Returns
    -------
    :
        Variance, with the small-sample factor of all pixels together, and cross; NaN in the variance where one pixel
        is all that a bin has.
    """
    signal = np.sum([part.signal for part in parts], axis=0)
    norm = np.sum([part.normalization for part in parts], axis=0)
    norm2 = np.sum([part.normalization2 for part in parts], axis=0)
    mean = _mean(signal, norm)
    squares, cross = np.zeros_like(signal), np.zeros_like(signal)
    for part in parts:
        factor = small_sample_factor(sum_normalization=part.normalization, sum_normalization2=part.normalization2)
        own = np.where(np.isnan(factor), 0.0, part.variance / factor)
        shift = _mean(part.signal, part.normalization) - mean
        squares += own + 2.0 * shift * part.cross + shift**2 * part.normalization2
        cross += part.cross + shift * part.normalization2
    factor = small_sample_factor(sum_normalization=norm, sum_normalization2=norm2)
    return np.maximum(squares, 0.0) * factor, cross


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


def _mean(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return the quotient, 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)
