# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What an uncertainty needs beyond the first sums of a frame: the spread about the mean, and noisy darks and flats.

The definitions are in :mod:`azimuthal.uncertainty`.  With ``m`` the mean of a bin, ::

    azimuthal          variance = sum c² (s - m n)² n_eff / (n_eff - 1)       cross = sum c² n (s - m n)
    dark and flat      static = sum c² vd + m² sum c² n² vf / flat²           variance grows by it

The covariance of the bins a and b that share pixels, where it is asked for, is made of the same terms: the spread has
sum c_a c_b (s - m_a n) (s - m_b n) and the roots of both factors, the flat has m_a m_b.

The first needs the frame a second time, when its means are known.  The sums of the second do not depend on the frame
and are made once; only a frame that invalidates pixels is gone through again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from azimuthal.engines import BinSums, Reducer, Residuals, VarianceModel
from azimuthal.integrate.linearity import DeadTimeReducer
from azimuthal.integrate.spec import PixelArrays
from azimuthal.masks import InvalidRanges
from azimuthal.typing import AnyArray, BoolArray, ErrorModel, FloatArray
from azimuthal.uncertainty import checked_variance, relative_flat_variance, small_sample_factor

#: What an engine sums in its first pass over a frame.
FIRST_PASS: dict[ErrorModel | None, VarianceModel] = {
    None: "none",
    "poisson": "poisson",
    "hybrid": "poisson",
    "variance": "variance",
    "azimuthal": "none",
}
_NONE_INVALID = InvalidRanges()


@dataclass(frozen=True, slots=True, eq=False)
class SecondPass:
    """Completes the sums of a frame.

    Parameters
    ----------
    reducer:
        Of the engine.
    is_spread:
        Whether the variance is the spread of the pixels.
    dark:
        Variance of the dark; float64, shape (n_pixels,); or None.
    flat:
        Variance of the normalisation that the flat field makes; float64, shape (n_pixels,); or None.
    of_valid_frame:
        Their sums for a frame without invalid pixels.
    """

    reducer: Reducer
    is_spread: bool
    dark: FloatArray | None = None
    flat: FloatArray | None = None
    of_valid_frame: tuple[BinSums | None, BinSums | None] = (None, None)

    def __call__(
        self, sums: BinSums, frame: Callable[[], AnyArray], invalid: InvalidRanges, *, n_threads: int | None = None
    ) -> BinSums:
        """Return the sums with all that the error model asks for.

        Parameters
        ----------
        sums:
            Of the first pass, before the monitor.
        frame:
            Returns the frame, flat, as engines take it; called only when it is needed.
        invalid:
            Of the first pass.
        n_threads:
            For a spread; None: as many as the engine uses for a frame.
        """
        mean = np.divide(sums.signal, sums.normalization, out=np.zeros_like(sums.signal), where=sums.normalization != 0)
        if self.is_spread:
            return self._with_spread(sums, self.reducer.residuals(frame(), mean, invalid, n_threads=n_threads))
        dark, flat = self.of_valid_frame
        if sums.n_invalid:
            raw = frame()
            dark, flat = (_summed(self.reducer, raw, of_pixels, invalid) for of_pixels in (self.dark, self.flat))
        return self._with_static(sums, mean, dark, flat)

    def _with_spread(self, sums: BinSums, found: Residuals) -> BinSums:
        factor = small_sample_factor(sum_normalization=sums.normalization, sum_normalization2=sums.normalization2)
        covariance = None
        if found.covariance is not None and self.reducer.pairs is not None:
            pairs, root = self.reducer.pairs, np.sqrt(factor)
            covariance = found.covariance * root[pairs.first] * root[pairs.partners]
        return dataclasses.replace(sums, variance=found.squares * factor, cross=found.cross, covariance=covariance)

    def _with_static(self, sums: BinSums, mean: FloatArray, dark: BinSums | None, flat: BinSums | None) -> BinSums:
        assert sums.variance is not None  # azimuthal.integrate.spec.check_variances
        static, covariance = np.zeros_like(mean), sums.covariance
        for part, scale in ((dark, np.ones_like(mean)), (flat, mean)):
            if part is None or part.variance is None:
                continue
            static += scale**2 * part.variance
            if covariance is not None and part.covariance is not None and self.reducer.pairs is not None:
                pairs = self.reducer.pairs
                covariance = covariance + part.covariance * scale[pairs.first] * scale[pairs.partners]
        return dataclasses.replace(sums, variance=sums.variance + static, static=static, covariance=covariance)


def second_pass(
    error_model: ErrorModel | None,
    arrays: PixelArrays,
    reducer: Reducer,
    normalization: FloatArray | None,
) -> SecondPass | None:
    """Return what completes the sums of a plan's frames; None when the first pass makes all.

    Parameters
    ----------
    error_model:
        Of the plan.
    arrays:
        Checked; the variances among them.
    reducer:
        Of the engine.
    normalization:
        Product of all factors, float64, shape (n_pixels,), 0 where a pixel does not count; None for 1.

    Raises
    ------
    ParameterError
        A variance is negative or not finite where a pixel counts.
    """
    if error_model == "azimuthal":
        return SecondPass(reducer, True)
    if arrays.dark_variance is None and arrays.flat_variance is None:
        return None
    dark, flat = static_variances(arrays, reducer, normalization)
    blank = np.zeros(reducer.weights.n_pixels, np.uint8)
    dark_sums, flat_sums = (_summed(reducer, blank, of_pixels, _NONE_INVALID) for of_pixels in (dark, flat))
    return SecondPass(reducer, False, dark, flat, (dark_sums, flat_sums))


def static_variances(
    arrays: PixelArrays, reducer: Reducer, normalization: FloatArray | None
) -> tuple[FloatArray | None, FloatArray | None]:
    """Return the variances that every pixel has by the dark, and by the flat field for a mean of 1.

    Parameters and errors as of :func:`second_pass`; shape (n_pixels,), 0 where a pixel feeds no bin; None for none.
    """
    used = reducer.weights.used_pixels()
    dark = _checked("dark_variance", arrays.dark_variance, used)
    flat = _checked("flat_variance", arrays.flat_variance, used)
    if flat is not None:
        field = np.asarray(arrays.flat, dtype=np.float64).reshape(-1)
        flat = relative_flat_variance(flat, flat=field, normalization=normalization)
    return dark, flat


def _checked(name: str, values: AnyArray | str | None, used: BoolArray) -> FloatArray | None:
    """Return a variance as engines take it; 0 where a pixel feeds no bin."""
    if values is None:
        return None
    shape = np.shape(values)
    checked = checked_variance(values, shape=shape, excluded=~used.reshape(shape), name=name).reshape(-1)
    return np.where(used, checked, 0.0)


def _summed(reducer: Reducer, frame: AnyArray, of_pixels: FloatArray | None, invalid: InvalidRanges) -> BinSums | None:
    """Return the sums of a variance that does not depend on the frame, over the pixels that are valid in it."""
    if of_pixels is None:
        return None
    if isinstance(reducer, DeadTimeReducer):  # a variance of photons, not of counts
        return reducer.reduce_photons(frame, of_pixels, invalid)
    return reducer.reduce(frame, "variance", of_pixels, invalid)
