# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Robust averages in NumPy: the definition, for all entries of all bins at once, sorted by bin and pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.engines._protocol import BinSums, ReductionTask
from azimuthal.engines._robust import (
    LEAST_FOR_NO_SPREAD,
    MAD_TO_SIGMA,
    NO_SPREAD,
    ROUNDING,
    SAME_WEIGHT,
    SAMPLE,
    RobustSums,
    StaticVariances,
    counts_photons,
    spread_variance,
    uses_spread,
)
from azimuthal.masks import InvalidRanges, invalid_pixels
from azimuthal.rejection import Rejection, normal_variance_ratio
from azimuthal.typing import AnyArray, BoolArray, ErrorModel, FloatArray, IndexArray, IntArray
from azimuthal.uncertainty import poisson_variance


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """Valid entries, sorted by bin and pixel; one number each.

    `place` is the number of the entry in its bin, invalid ones counted; `size` (per bin) how many there are with them.
    """

    n_bins: int
    bin: IntArray
    pixel: IntArray
    place: IntArray
    size: IntArray
    c: FloatArray
    raw: FloatArray
    signal: FloatArray
    normalization: FloatArray
    values: FloatArray
    gain: FloatArray
    offset: FloatArray
    variance: FloatArray
    quantum: float
    is_integer: bool
    static: StaticVariances

    def summed(self, values: FloatArray) -> FloatArray:
        """Return the sums per bin."""
        return np.asarray(np.bincount(self.bin, weights=values, minlength=self.n_bins), dtype=np.float64)

    def summed_static(self, c: FloatArray) -> StaticVariances:
        """Return the sums per bin of the static variances, with weights `c` squared."""
        dark, flat = (None if one is None else self.summed(c**2 * one) for one in self.static)
        return dark, flat

    def counted(self, which: BoolArray) -> IntArray:
        """Return how many per bin."""
        return np.asarray(np.bincount(self.bin[which], minlength=self.n_bins), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class RobustReferenceReducer:
    """Robust averages of one task."""

    task: ReductionTask

    @property
    def nbytes(self) -> int:
        """Nothing is kept."""
        return 0

    def reduce(
        self,
        frame: AnyArray,
        rejection: Rejection,
        error_model: ErrorModel | None,
        variance: FloatArray | None,
        invalid: InvalidRanges,
        *,
        n_threads: int,
        static: StaticVariances = (None, None),
    ) -> RobustSums:
        """Return the sums of one frame."""
        del n_threads
        is_invalid = invalid_pixels(frame, invalid)
        entries = self._entries(frame, error_model, variance, is_invalid, static)
        n_invalid = int(np.count_nonzero(is_invalid & self.task.weights.used_pixels()))
        if rejection.method == "sigma":
            return _clipped(entries, rejection, error_model, n_invalid)
        return _trimmed(entries, rejection, error_model, n_invalid)

    def _entries(
        self,
        frame: AnyArray,
        error_model: ErrorModel | None,
        variance: FloatArray | None,
        is_invalid: BoolArray,
        static: StaticVariances,
    ) -> _Entries:
        task, matrix = self.task, self.task.weights.as_matrix()
        pixel = matrix.entry_pixels()
        order = np.lexsort((pixel, matrix.indices))
        pixel, index = pixel[order], matrix.indices[order].astype(np.int64)
        size = np.bincount(index, minlength=matrix.n_bins)
        place = np.arange(index.size) - (np.cumsum(size) - size)[index]
        valid = ~is_invalid[pixel]
        order, pixel, index, place = order[valid], pixel[valid], index[valid], place[valid]

        def of(values: FloatArray | None, default: float) -> FloatArray:
            return np.full(pixel.size, default) if values is None else values[pixel]

        raw = frame[pixel].astype(np.float64)
        gain, offset = of(task.gain, 1.0), of(task.offset, 0.0)
        c, signal = matrix.entry_weights()[order], (raw - offset) * gain
        # s / n and not c s / c n: pixels that are equal must not be put in an order by the rounding of their weights.
        values = signal if task.normalization is None else signal / task.normalization[pixel]
        dark, flat = (None if one is None else one[pixel] for one in static)
        own = poisson_variance(raw) if counts_photons(error_model) else of(variance, 0.0)
        return _Entries(
            matrix.n_bins, index, pixel, place, size, c, raw, signal,
            of(task.normalization, 1.0), values, gain, offset, own * gain**2,
            _quantum(frame, is_invalid, matrix.used_pixels()), frame.dtype.kind in "iu",
            (None if dark is None else dark * gain**2, None if flat is None else flat * gain**2),
        )  # fmt: skip


def _quantum(frame: AnyArray, is_invalid: BoolArray, is_used: BoolArray) -> float:
    """Return the smallest difference that raw values can have: 1, or the smallest positive one of a float frame."""
    if frame.dtype.kind in "iu":
        return 1.0
    positive = frame[is_used & ~is_invalid & (frame > 0)]
    return float(positive.min()) if positive.size else 0.0


# Sigma clipping.


@dataclass(frozen=True, slots=True, eq=False)
class _Prediction:
    """What the others of its bin predict for each entry: raw value and variance, from how many effective entries."""

    raw: FloatArray
    variance: FloatArray
    n_effective: FloatArray


def _clipped(entries: _Entries, rejection: Rejection, error_model: ErrorModel | None, n_invalid: int) -> RobustSums:
    assert rejection.threshold is not None
    assert rejection.max_iter is not None
    n_valid = entries.counted(np.ones(entries.bin.size, bool))
    kept = np.ones(entries.bin.size, bool)
    iterations = np.zeros(entries.n_bins, np.int32)
    running = n_valid >= 3
    for number in range(1, rejection.max_iter + 1):
        if not running.any():
            break
        if number == 1:
            prediction = _start(entries)
            n_kept, nothing_negative = n_valid, entries.counted(entries.raw < 0) == 0
        else:
            prediction = _by_the_others(entries, kept, error_model)
            n_kept, nothing_negative = entries.counted(kept), entries.counted(kept & (entries.raw < 0)) == 0
        threshold = np.maximum(rejection.threshold, _chauvenet(n_kept))[entries.bin]
        now = _passes(entries, prediction, threshold, nothing_negative[entries.bin], error_model, is_start=number == 1)
        now = np.where(running[entries.bin], now, kept)
        changed = entries.counted(now != kept) > 0
        iterations[running] = number
        # The start is no comparison with what is kept: a round has to confirm it.
        running &= changed | (number == 1)
        kept = now
    return _sums_of_kept(entries, kept, error_model, iterations, n_invalid)


def _start(entries: _Entries) -> _Prediction:
    """Return what median and median absolute deviation of a part of each bin predict; NaN counts as infinity."""
    x = entries.values
    stride = -(-entries.size // SAMPLE)
    sampled = entries.place % np.maximum(stride, 1)[entries.bin] == 0
    sampled |= (entries.counted(sampled) < 3)[entries.bin]
    center = _medians(entries.bin[sampled], x[sampled], entries.n_bins)
    spread = _medians(entries.bin[sampled], np.abs(x[sampled] - center[entries.bin[sampled]]), entries.n_bins)
    a = entries.c * entries.normalization
    n_effective = _quotient(entries.summed(a) ** 2, entries.summed(a**2))
    raw_per_x = entries.normalization / entries.gain
    return _Prediction(
        center[entries.bin] * raw_per_x + entries.offset,
        ((MAD_TO_SIGMA * spread)[entries.bin] * raw_per_x) ** 2,
        n_effective[entries.bin],
    )


def _by_the_others(entries: _Entries, kept: BoolArray, error_model: ErrorModel | None) -> _Prediction:
    """Return what the other kept entries of its bin predict for each entry."""
    bin_, n = entries.bin, entries.normalization
    a = np.where(kept, entries.c * n, 0.0)
    sum_a, sum_a2 = entries.summed(a), entries.summed(a**2)
    mean = _quotient(entries.summed(np.where(kept, entries.c * entries.signal, 0.0)), sum_a)
    d = entries.signal / n - mean[bin_]
    # Without the entry itself: the mean moves by `shift`.
    rest, rest2 = sum_a[bin_] - a, sum_a2[bin_] - a**2
    shift = -_quotient(d * a, rest)
    n_effective = _quotient(rest**2, rest2)
    raw_per_x = n / entries.gain
    if error_model == "variance":
        own = np.where(kept, entries.c**2 * entries.variance, 0.0)
        spread = _quotient(entries.summed(own)[bin_] - own, rest2)
    else:
        cross, squares = entries.summed(a**2 * d)[bin_], entries.summed(a**2 * d**2)[bin_]
        of_others = squares - a**2 * d**2 - 2 * shift * (cross - a**2 * d) + shift**2 * rest2
        of_others[of_others <= NO_SPREAD * squares] = 0.0
        spread = _quotient(of_others, rest2) * _quotient(n_effective, n_effective - 1)
    return _Prediction((mean[bin_] + shift) * raw_per_x + entries.offset, spread * raw_per_x**2, n_effective)


def _passes(
    entries: _Entries, prediction: _Prediction, threshold: FloatArray, nothing_negative: BoolArray,
    error_model: ErrorModel | None, *, is_start: bool,
) -> BoolArray:  # fmt: skip
    """Return which entries are no outliers, given what is predicted for them."""
    raw, mu, n_effective = entries.raw, prediction.raw, prediction.n_effective
    with np.errstate(all="ignore"):
        if error_model == "poisson":
            z2 = _counts_z2(np.maximum(raw, 0.0), np.maximum(mu, 0.0), n_effective)
            can_tell = n_effective > 0
        else:
            q = entries.quantum
            of_rounding = q**2 / 12 if entries.is_integer else 0.0
            floor = np.where(nothing_negative & (mu > 0) & (mu < q / 2), mu * (q - mu), of_rounding)
            variance = np.maximum(prediction.variance, np.where(mu > 0, floor, 0.0))
            z2 = (raw - mu) ** 2 / (variance * (1 + 1 / n_effective))
            phi = np.where(mu > 0, variance / mu, q)
            skew = nothing_negative & (raw > mu) & ((mu > 0) | ((mu == 0) & (variance == 0)))
            z2 = np.where(skew, _counts_z2(raw, mu, n_effective) / phi, z2)
            can_tell = n_effective > 0
            if not is_start and error_model != "variance":
                can_tell = (n_effective > 1) & ((variance > 0) | (n_effective >= LEAST_FOR_NO_SPREAD))
                can_tell |= skew & (phi > 0) & (n_effective > 1)
                threshold = _student(threshold, n_effective - 1)
        is_rounding = np.abs(raw - mu) <= ROUNDING * np.abs(mu)
        return ~(z2 > threshold**2) | is_rounding | ~can_tell


def _counts_z2(k: FloatArray, mu: FloatArray, n: FloatArray) -> FloatArray:
    """Return twice the logarithm of the likelihood ratio of one count k, and n of the mean mu."""
    together = (k + n * mu) / (1 + n)
    of_one = np.where(k > 0, k * np.log1p((k - mu) / (1 + n) * n / together), 0.0)
    of_others = np.where(mu > 0, n * mu * np.log1p((mu - k) / (1 + n) / together), 0.0)
    z2: FloatArray = 2 * (of_one + of_others)
    return z2


def _chauvenet(n: IntArray) -> FloatArray:
    """Return how many sigmas the outermost of n good values may be away."""
    bound: FloatArray = np.sqrt(2 * np.log(np.maximum(n, 3) / np.sqrt(2 * np.pi)))
    return bound


def _student(sigmas: FloatArray, freedom: FloatArray) -> FloatArray:
    """Return the value of Student's distribution that is as improbable as so many sigmas."""
    scaled = (sigmas * (8 * freedom + 3) / (8 * freedom + 1)) ** 2
    return np.sqrt(freedom * np.expm1(np.minimum(scaled / freedom, 700.0)))


def _sums_of_kept(
    entries: _Entries, kept: BoolArray, error_model: ErrorModel | None, iterations: IndexArray, n_invalid: int,
) -> RobustSums:  # fmt: skip
    c, n = np.where(kept, entries.c, 0.0), entries.normalization
    signal = np.where(kept, entries.signal, 0.0)
    sum_signal, sum_norm = entries.summed(c * signal), entries.summed(c * n)
    residual = np.where(kept, signal - _quotient(sum_signal, sum_norm)[entries.bin] * n, 0.0)
    spread, cross = entries.summed(c**2 * residual**2), entries.summed(c**2 * n * residual)
    # A pixel that is invalid may have any variance.
    given = entries.summed(c**2 * entries.variance)
    sum_norm2 = entries.summed((c * n) ** 2)
    if error_model == "azimuthal":
        variance: FloatArray | None = spread_variance(spread, sum_norm, sum_norm2)
    else:
        variance = None if error_model is None else given
    kept_cross = cross if error_model == "azimuthal" else None
    rejected = np.unique(entries.pixel[~kept]).astype(np.uint32)
    sums = BinSums(sum_signal, variance, sum_norm, sum_norm2, entries.summed(c), n_invalid, cross=kept_cross)
    return RobustSums(
        sums,
        rejected,
        iterations,
        entries.counted(kept).astype(np.int32),
        entries.counted(~kept).astype(np.int32),
        entries.summed_static(c),
    )


# Quantiles.


def _trimmed(entries: _Entries, rejection: Rejection, error_model: ErrorModel | None, n_invalid: int) -> RobustSums:
    assert rejection.quantiles is not None
    low, high = rejection.quantiles
    n_bins = entries.n_bins
    parts: dict[str, Any] = {
        name: np.zeros(n_bins) for name in ("signal", "variance", "normalization", "normalization2", "count")
    }
    n_kept = np.zeros(n_bins, np.int32)
    ends = np.cumsum(entries.counted(np.ones(entries.bin.size, bool)))
    for number, (begin, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        if begin == end:
            continue
        part = slice(begin, end)
        c, n = entries.c[part], entries.normalization[part]
        one = _Bin(entries.values[part], c * n, c, entries.variance[part])
        values = one.quantile(low, error_model) if low == high else one.trimmed(low, high, error_model)
        for name, value in zip(parts, values, strict=False):
            parts[name][number] = value
        n_kept[number] = values[-1]
    if error_model is None:
        parts["variance"] = None
    counted = entries.counted(np.ones(entries.bin.size, bool)).astype(np.int32)
    # As much of the whole bin as the variance.
    a = entries.summed(entries.c * entries.normalization)
    share = normal_variance_ratio((low, high)) * _quotient(parts["normalization"], a) ** 2
    dark, flat = (None if one is None else one * share for one in entries.summed_static(entries.c))
    return RobustSums(BinSums(**parts, n_invalid=n_invalid), None, None, n_kept, counted - n_kept, (dark, flat))


class _Bin:
    """The entries of one bin, sorted by value; equal values are one step of the cumulative weight."""

    def __init__(self, x: FloatArray, a: FloatArray, c: FloatArray, variance: FloatArray) -> None:
        order = np.argsort(x, kind="stable")
        self.x, self.a, self.c, self.variance = x[order], a[order], c[order], variance[order]
        self.total = float(np.sum(a))
        self.total2 = float(np.sum(a**2))
        is_last = np.append(self.x[1:] > self.x[:-1], True)
        self.steps = self.x[is_last]
        self.reached = np.cumsum(self.a)[is_last]
        self.of_step = np.cumsum(np.append(False, is_last[:-1]))

    def at(self, p: float) -> float:
        """Return the value at a quantile, the mean of two where it lies between them."""
        wanted, slack = p * self.total, SAME_WEIGHT * self.total
        first = min(int(np.count_nonzero(self.reached < wanted - slack)), self.steps.size - 1)
        if abs(self.reached[first] - wanted) <= slack and first + 1 < self.steps.size:
            return float(0.5 * (self.steps[first] + self.steps[first + 1]))
        return float(self.steps[first])

    def quantile(self, p: float, error_model: ErrorModel | None) -> tuple[float, ...]:
        """Return the sums that stand for the whole bin, and the number of entries."""
        value = self.at(p)
        if uses_spread(error_model) and error_model != "hybrid":
            n_effective = self.total**2 / self.total2
            width = 2 * np.sqrt(p * (1 - p) / n_effective)
            known = width <= min(p, 1 - p) + SAME_WEIGHT
            variance = ((self.at(p + width) - self.at(p - width)) / 4) ** 2 if known else np.nan
        else:
            variance = float(np.sum(self.c**2 * self.variance)) / self.total**2 * normal_variance_ratio((p, p))
        return (
            value * self.total, variance * self.total**2, self.total, self.total2, float(np.sum(self.c)), self.x.size,
        )  # fmt: skip

    def trimmed(self, low: float, high: float, error_model: ErrorModel | None) -> tuple[float, ...]:
        """Return the sums between two quantiles, and the number of entries of which a part lies between them."""
        before = np.append(0.0, self.reached[:-1])
        width = self.reached - before
        inside = np.minimum(self.reached, high * self.total) - np.maximum(before, low * self.total)
        inside[inside <= SAME_WEIGHT * self.total] = 0.0
        part = np.minimum(inside / width, 1.0)
        part[part > 1 - SAME_WEIGHT] = 1.0
        f = part[self.of_step]
        norm = float(np.sum(f * self.a))
        if uses_spread(error_model) and error_model != "hybrid":
            kept = self.x[f > 0]
            w = np.clip(self.x, kept[0], kept[-1])
            mean = np.sum(self.a * w) / self.total
            n_effective = self.total**2 / self.total2
            factor = n_effective / (n_effective - 1) if n_effective > 1 else np.nan
            sem2 = float(factor * np.sum(self.a**2 * (w - mean) ** 2) / (self.total * (high - low)) ** 2)
        else:
            ratio = normal_variance_ratio((low, high))
            sem2 = float(np.sum(self.c**2 * self.variance)) / self.total**2 * ratio
        return (
            float(np.sum(f * self.a * self.x)), sem2 * norm**2, norm, float(np.sum((f * self.a) ** 2)),
            float(np.sum(f * self.c)), int(np.count_nonzero(f > 0)),
        )  # fmt: skip


def _medians(bin_: IntArray, values: FloatArray, n_bins: int) -> FloatArray:
    """Return the median per bin of values that are sorted by bin; NaN for none."""
    values = np.where(np.isnan(values), np.inf, values)
    counts = np.bincount(bin_, minlength=n_bins)
    ordered = values[np.lexsort((values, bin_))]
    begin = np.cumsum(counts) - counts
    medians = np.full(n_bins, np.nan)
    some = counts > 0
    lower, upper = begin[some] + (counts[some] - 1) // 2, begin[some] + counts[some] // 2
    medians[some] = 0.5 * (ordered[lower] + ordered[upper])
    return medians


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return the quotient, 0 where the denominator is not positive."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
