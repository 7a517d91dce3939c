# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One image of many frames: what is computed of every pixel.

Definitions
    Of a pixel, let ``r_f`` be the raw value in frame f, ``d`` its dark, ``M_f`` the monitor of the frame and ``F`` the
    set of frames in which the value is valid, ``n`` their number; ``x_f = (r_f - d) / M_f``. Then ::

        mean           sum(r_f - d) / sum(M_f)       the mean of x_f without monitors; with them the one of least noise
        sum            sum x_f                       over the valid frames: `count` says over how many
        std            s = sqrt(sum (x_f - mean x)^2 / (n - 1))
        min, max       of x_f
        median         quantile 0.5
        quantile       linear between the sorted x_f, position q (n - 1)
        trimmed_mean   mean of the x_f between two quantiles, both included
        clipped_mean   mean of the x_f that are left when those beyond n_sigma s from the mean are left out, again and
                       again until none is (or after 20 rounds); three are kept at least

Variance
    The variance *of the value in the image*, found from the scatter of the frames (no model of the detector) ::

        mean           n / (n - 1) sum (r_f - d - mean M_f)^2 / sum(M_f)^2
        sum            n s^2
        std            s^2 / (2 (n - 1))             of normally distributed values
        quantile q     (half the distance of the sorted values at the ranks q n +- sqrt(n q (1 - q)))^2
        trimmed_mean   s_w^2 / (n (high - low)^2), s_w from all values with those outside moved to the quantiles
        clipped_mean   s^2 / n of the values that are left
        min, max       not known: NaN

    Binomial ranks: no assumption about the distribution. Frames must be independent; a trend (a drifting detector, a
    decaying beam) counts as noise. The scatter of what clipping leaves is slightly too small: 5 % in the variance for
    normally distributed values, 50 frames and 3 sigma. Trimmed means: Tukey and McLaughlin (1963), Sankhya A 25, 331.

Validity
    A value that a detector marks as invalid (largest value of an unsigned type, NaN, ...), that equals `dummy` or lies
    under the mask does not count, and is not replaced. A pixel without any valid value is NaN with count 0; the
    variance of one with a single value is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

import azimuthal._upward as upward
from azimuthal._validate import finite_number, number_pair, one_of, positive_number
from azimuthal.errors import ParameterError
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray, PathLike

__all__ = ["AVERAGE_METHODS", "AverageMethod", "AverageSettings", "FrameAverage", "RunningSums", "block_statistics"]

AverageMethod: TypeAlias = Literal[
    "mean", "sum", "std", "min", "max", "median", "quantile", "trimmed_mean", "clipped_mean"
]
AVERAGE_METHODS: tuple[AverageMethod, ...] = (
    "mean", "sum", "std", "min", "max", "median", "quantile", "trimmed_mean", "clipped_mean",
)  # fmt: skip
#: Methods that need one pass and no frame after the next.
ONE_PASS: tuple[AverageMethod, ...] = ("mean", "sum", "std", "min", "max")

_MOST_ROUNDS = 20
_FEWEST_KEPT = 3


@dataclass(frozen=True, slots=True)
class AverageSettings:
    """What is computed of every pixel.

    Parameters
    ----------
    method:
        One of AVERAGE_METHODS; see the module docstring.
    quantile:
        For "quantile": in [0, 1].
    quantiles:
        For "trimmed_mean": (low, high) in [0, 1].
    n_sigma:
        For "clipped_mean".

    Raises
    ------
    DataTypeError, ParameterError, UnknownNameError
        Naming the value.
    """

    method: AverageMethod = "mean"
    quantile: float | None = None
    quantiles: tuple[float, float] | None = None
    n_sigma: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        one_of("method", self.method, AVERAGE_METHODS)
        owners = {"quantile": "quantile", "quantiles": "trimmed_mean", "n_sigma": "clipped_mean"}
        for name, method in owners.items():
            if getattr(self, name) is not None and self.method != method:
                raise ParameterError(f"{name}: has a meaning for method={method!r} only, got {self.method!r}.")
        if self.method == "quantile":
            if self.quantile is None:
                raise ParameterError("quantile: method='quantile' needs it. Pass quantile=... in [0, 1].")
            put(self, "quantile", _fraction("quantile", self.quantile))
        if self.method == "trimmed_mean":
            low, high = number_pair("quantiles", (0.1, 0.9) if self.quantiles is None else self.quantiles)
            if not 0 <= low < high <= 1:
                raise ParameterError(f"quantiles: expected 0 <= low < high <= 1, got {(low, high)}.")
            put(self, "quantiles", (low, high))
        if self.method == "clipped_mean":
            put(self, "n_sigma", positive_number("n_sigma", 3.0 if self.n_sigma is None else self.n_sigma))


@dataclass(frozen=True, slots=True, eq=False)
class FrameAverage:
    """One image of many frames.

    Parameters
    ----------
    image:
        float64, shape of a frame; NaN where no frame has a valid value.
    count:
        Number of frames that took part in each pixel, int64.
    variance:
        Of the values in `image`, float64; NaN where it is not known.
    settings:
        What was computed.
    n_frames:
        Number of frames.
    metadata:
        JSON-able facts: source, dark, monitors ...
    """

    image: FloatArray
    count: IntArray
    variance: FloatArray
    settings: AverageSettings
    n_frames: int
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the image."""
        return (self.image.shape[0], self.image.shape[1])

    @property
    def mask(self) -> BoolArray:
        """True where no frame has a valid value."""
        empty: BoolArray = self.count == 0
        return empty

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Write the image with its count and variance; formats as in :func:`azimuthal.io.save_image`."""
        upward.find("save_average")(self, path, force=force)

    def unusual_pixels(self, n_sigma: float = 6.0) -> UnusualPixels:
        """Propose pixels that behave unlike the others: hot, dead and noisy ones; see :func:`find_unusual`."""
        return find_unusual(self, n_sigma)

    def as_flat(self, normalization: FloatArray | None = None) -> FrameAverage:
        """Return the image as a flat field: divided by what was expected, with a median of 1.

        Parameters
        ----------
        normalization:
            What uniform pixels would have recorded, up to a constant: e.g. solid angle and absorption for a source at
            the place of the sample (``image_correction(ai).normalization``); None: the same in all pixels.

        Raises
        ------
        ParameterError
            The median is not greater than 0.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.ones(self.shape) if normalization is None else np.where(normalization > 0, normalization, np.nan)
            image = self.image / scale
            variance = self.variance / scale**2
        middle = float(np.nanmedian(image)) if np.isfinite(image).any() else math.nan
        if not middle > 0:
            raise ParameterError(f"flat: expected a median greater than 0 after the dark, got {middle}.")
        facts = self.metadata | {"flat": True, "divided_by": middle, "normalized": normalization is not None}
        return FrameAverage(
            image / middle, self.count, variance / middle**2, self.settings, self.n_frames, metadata=facts
        )


@dataclass(frozen=True, slots=True, eq=False)
class UnusualPixels:
    """Pixels proposed for a mask; look at them before they are used.

    Parameters
    ----------
    mask:
        True where any of the causes holds.
    causes:
        Cause -> mask: "never valid", "high", "low", "noisy", "silent".
    """

    mask: BoolArray
    causes: dict[str, BoolArray]

    def describe(self) -> str:
        """Return the number of pixels by cause, in words."""
        found = [f"{name}: {np.count_nonzero(mask)}" for name, mask in self.causes.items() if mask.any()]
        return f"{np.count_nonzero(self.mask)} of {self.mask.size} pixels ({', '.join(found) or 'none'})"


def find_unusual(average: FrameAverage, n_sigma: float = 6.0) -> UnusualPixels:
    """Propose pixels that behave unlike the others.

    Definition: with the median m and the scale ``s = 1.4826`` times the median absolute deviation over all pixels, a
    value is high above ``m + n_sigma s`` and low below ``m - n_sigma s``; where the scale is 0 (most pixels agree), s
    is the root of the mean square deviation instead. The logarithm of the variance is treated alike: "noisy" and, with
    a variance of 0 or below, "silent", when at least ten frames took part. Values are compared over the whole image:
    use it for darks and for flats divided by what was expected.

    Parameters
    ----------
    average:
        Of many frames.
    n_sigma:
        Width, in scales.
    """
    width = positive_number("n_sigma", n_sigma)
    valid = average.count > 0
    causes: dict[str, BoolArray] = {"never valid": ~valid}
    causes["high"], causes["low"] = _outside(average.image, valid, width)
    known = valid & np.isfinite(average.variance) & (average.count >= 10)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.log(np.where(known & (average.variance > 0), average.variance, np.nan))
    noisy, too_quiet = _outside(spread, known & np.isfinite(spread), width)
    causes["noisy"] = noisy
    causes["silent"] = too_quiet | (known & (average.variance <= 0) if np.isfinite(spread).any() else too_quiet)
    mask = np.zeros(average.shape, dtype=np.bool_)
    for found in causes.values():
        mask |= found
    return UnusualPixels(mask, causes)


class RunningSums:
    """Accumulates frames one after the other for the methods of one pass; memory of a few images.

    Parameters
    ----------
    method:
        "mean", "sum", "std", "min" or "max".
    shape:
        Of a frame.
    """

    def __init__(self, method: AverageMethod, shape: tuple[int, int]) -> None:
        self._method = one_of("method", method, ONE_PASS)
        self._count = np.zeros(shape, np.int64)
        self._extreme = np.full(shape, math.inf if method == "min" else -math.inf) if method in ("min", "max") else None
        # Values relative to the first valid one of each pixel: sums of squares then lose no digits.
        self._first = np.zeros(shape)
        self._monitor, self._monitor2 = np.zeros(shape), np.zeros(shape)
        self._sum, self._squares, self._cross = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def add(self, signal: FloatArray, monitor: float, invalid: BoolArray) -> None:
        """Take one frame.

        Parameters
        ----------
        signal:
            ``r - d``, float64; anything where invalid.
        monitor:
            Of the frame, greater than 0.
        invalid:
            True where the value does not count.
        """
        valid = ~invalid
        if self._extreme is not None:
            choose = np.minimum if self._method == "min" else np.maximum
            choose(self._extreme, signal / monitor, out=self._extreme, where=valid)
            self._count += valid
            return
        weight = monitor if self._method == "mean" else 1.0
        value = signal if self._method == "mean" else signal / monitor
        fresh = valid & (self._count == 0)
        self._first[fresh] = value[fresh] / weight
        with np.errstate(invalid="ignore"):
            rest = np.where(valid, value - self._first * weight, 0.0)
        self._count += valid
        self._sum += rest
        self._squares += rest * rest
        self._cross += rest * weight
        self._monitor[valid] += weight
        self._monitor2[valid] += weight * weight

    def result(self) -> tuple[FloatArray, IntArray, FloatArray]:
        """Return image, count and variance."""
        count = self._count
        empty = count == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            if self._extreme is not None:
                return np.where(empty, np.nan, self._extreme), count, np.full(count.shape, np.nan)
            shift: FloatArray = self._sum / self._monitor
            mean: FloatArray = self._first + shift
            scatter = self._squares - 2 * shift * self._cross + shift**2 * self._monitor2
            scatter = np.maximum(scatter, 0.0)  # rounding
            several = count > 1
            if self._method == "mean":
                variance = scatter / self._monitor**2 * count / (count - 1)
                return np.where(empty, np.nan, mean), count, np.where(several, variance, np.nan)
            s2: FloatArray = np.where(several, scatter / (count - 1), np.nan)
            if self._method == "sum":
                total, spread = mean * count, s2 * count
                return np.where(empty, np.nan, total), count, spread
            return np.sqrt(s2), count, s2 / (2.0 * (count - 1))


def block_statistics(values: FloatArray, settings: AverageSettings) -> tuple[FloatArray, IntArray, FloatArray]:
    """Return image, count and variance of some pixels of which all frames are at hand.

    Parameters
    ----------
    values:
        ``x_f``, shape (n_pixels, n_frames), NaN where invalid; sorted in place.
    settings:
        A method that is not of ONE_PASS.

    Returns
    -------
    :
        Each of shape (n_pixels,).
    """
    values.sort(axis=1)  # NaN come last
    count = np.count_nonzero(~np.isnan(values), axis=1)
    if settings.method in ("median", "quantile"):
        fraction = 0.5 if settings.quantile is None else settings.quantile
        return _quantile(values, count, fraction), count, _quantile_variance(values, count, fraction)
    if settings.method == "trimmed_mean":
        assert settings.quantiles is not None
        low, high = (_quantile(values, count, q)[:, np.newaxis] for q in settings.quantiles)
        with np.errstate(invalid="ignore"):
            # A quantile between two equal values is that value only up to rounding.
            slack = 1e-12 * np.maximum(np.abs(low), np.abs(high))
            mean, kept, _ = _mean_of(values, (values >= low - slack) & (values <= high + slack))
            moved, all_valid = np.clip(values, low, high), ~np.isnan(values)
        width = settings.quantiles[1] - settings.quantiles[0]
        return mean, kept, _mean_of(moved, all_valid)[2] / width**2
    assert settings.n_sigma is not None
    return _mean_of(values, _unclipped(values, settings.n_sigma))


def _unclipped(values: FloatArray, n_sigma: float) -> BoolArray:
    """Return which values are left by clipping."""
    kept = ~np.isnan(values)
    active = np.flatnonzero(kept.sum(axis=1) > _FEWEST_KEPT)
    for _ in range(_MOST_ROUNDS):
        if active.size == 0:
            break
        here, inside = values[active], kept[active]
        n = inside.sum(axis=1)
        mean = np.where(inside, here, 0.0).sum(axis=1) / n
        deviation = np.where(inside, here - mean[:, np.newaxis], 0.0)
        s = np.sqrt((deviation**2).sum(axis=1) / (n - 1))
        smaller = inside & (np.abs(deviation) <= (n_sigma * s)[:, np.newaxis])
        n_left = smaller.sum(axis=1)
        changed = (n_left < n) & (n_left >= _FEWEST_KEPT)
        kept[active[changed]] = smaller[changed]
        active = active[changed & (n_left > _FEWEST_KEPT)]
    return kept


def _mean_of(values: FloatArray, kept: BoolArray) -> tuple[FloatArray, IntArray, FloatArray]:
    count: IntArray = kept.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(kept, values, 0.0).sum(axis=1) / count
        scatter = (np.where(kept, values - mean[:, np.newaxis], 0.0) ** 2).sum(axis=1)
        variance = np.where(count > 1, scatter / (count - 1) / count, np.nan)
    return mean, count, variance


def _quantile(ordered: FloatArray, count: IntArray, fraction: float) -> FloatArray:
    return _at_rank(ordered, count, fraction * (count - 1))


def _quantile_variance(ordered: FloatArray, count: IntArray, fraction: float) -> FloatArray:
    """Return the variance of a quantile from the binomial ranks around it."""
    half = np.sqrt(count * fraction * (1.0 - fraction))
    middle = fraction * (count - 1)
    low = np.clip(middle - half, 0, None)
    high = np.minimum(middle + half, count - 1)
    distance = _at_rank(ordered, count, high) - _at_rank(ordered, count, low)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_rank = distance / (high - low) * half  # ranks beyond the ends do not shorten it
    return np.where((count > 1) & (half > 0), per_rank**2, np.nan)


def _at_rank(ordered: FloatArray, count: IntArray, rank: AnyArray) -> FloatArray:
    """Return the sorted values at a real rank, between two of them in proportion; NaN without values."""
    position = np.clip(np.asarray(rank, dtype=np.float64), 0.0, np.maximum(count - 1, 0))
    lower = np.floor(position).astype(np.intp)
    upper = np.minimum(lower + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(ordered))
    first, second = ordered[rows, lower], ordered[rows, upper]
    part = position - lower
    return np.where(part > 0, first + part * (second - first), first)


def _outside(values: FloatArray, valid: BoolArray, width: float) -> tuple[BoolArray, BoolArray]:
    """Return which valid values are high and which are low."""
    nothing: BoolArray = np.zeros(values.shape, dtype=np.bool_)
    seen = values[valid]
    if seen.size == 0:
        return nothing, nothing.copy()
    middle = np.median(seen)
    scale = 1.4826 * np.median(np.abs(seen - middle))
    if scale == 0:
        scale = math.sqrt(float(np.mean((seen - middle) ** 2)))
    with np.errstate(invalid="ignore"):
        return valid & (values > middle + width * scale), valid & (values < middle - width * scale)


def _fraction(parameter: str, value: Any) -> float:
    fraction = finite_number(parameter, value)
    if not 0.0 <= fraction <= 1.0:
        raise ParameterError(f"{parameter}: expected a number in [0, 1], got {fraction}.")
    return fraction
