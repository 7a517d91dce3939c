# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""The smooth background of an image: mean and spread of every ring, outliers left out.

A pixel belongs to one ring, the bin that holds its centre (no splitting: the spread of a bin must not mix with that of
its neighbours).  With ``s = raw - dark`` and ``n`` the normalisation of a pixel, sums over the pixels of a ring that
are kept:

.. math::

    m &= \sum s / \sum n \\
    e &= (\sum n)^2 / \sum n^2 \\
    \mathrm{std}^2 &= \frac{e}{e - 1} \, \frac{\sum (s - m n)^2}{\sum n^2}  \quad\text{(spread "azimuthal")} \\
    \mathrm{std}^2 &= \frac{\sum \max(\mathrm{raw}, 0)}{\sum n^2}           \quad\text{(spread "poisson")}

``std`` is the spread of ``s / n``.  It is NaN for fewer than two pixels ("azimuthal").

Sigma clipping
    A round leaves out the pixels with ``|s - m n| > max(cutoff, c(N)) sqrt(std^2 n^2 + noise^2)``, where ``N``
    pixels are kept so far and ``c(N) = sqrt(2 ln(N / sqrt(2 pi)))`` is Chauvenet's bound, beyond which less than
    one of N normal values is expected (3.8 for 4000 pixels).  That does not hold below nine pixels, of which none
    is left out.  Rounds end when nothing is left out, or after `max_iter`.  With the bound the spread of a normal
    distribution is under-estimated by less than 0.2 % for 500 pixels and more.

    `noise`, in raw units, is what counts need: without it every photon would be left out where there is less than
    about one in ten pixels, and the background would be none.  With one count the mean of Poisson counts is right to
    1 % from 0.001 to 1000 counts per pixel (tested).

The compiled core does the clipping; `clipped_reference` defines it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal._validate import finite_number, one_of
from azimuthal.engines import thread_count
from azimuthal.errors import DataTypeError, ParameterError, UnsupportedOptionError
from azimuthal.images._pixels import AxisPositions, PixelField, axis_positions, check_linear, instrument_of, prepared
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator, PixelArrays, PlanSpec, compile
from azimuthal.integrate.integrator import described
from azimuthal.masks import InvalidRanges, invalid_pixels
from azimuthal.sparse import SparseMatrix
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IndexArray, IntArray
from azimuthal.units import Axis

__all__ = ["ClipSettings", "RingBackground", "RingModel", "Spread", "clipped_reference"]

Spread: TypeAlias = Literal["azimuthal", "poisson"]
#: Of fewer pixels than this Chauvenet's formula would leave out more than one in error.
_FEWEST = 9
_UNUSED = {"reject": "outliers of a ring are left out by its own clipping (cutoff_clip, spread, max_iter)."}
_NO_ERRORS = "the noise of a ring is what spread='azimuthal' or 'poisson' makes of its pixels; nothing else enters it."
SPREADS: tuple[Spread, ...] = ("azimuthal", "poisson")


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How outliers of a ring are left out; see the module docstring.

    Parameters
    ----------
    cutoff:
        In units of the spread; 0: Chauvenet's bound alone, which is a lower limit in any case.
    spread:
        "azimuthal": what is found in the ring; "poisson": what counting alone would make.
    max_iter:
        Most rounds; 0: nothing is left out.
    noise:
        In raw units, added to the spread in squares; 1 for counts.
    """

    cutoff: float = 0.0
    spread: Spread = "azimuthal"
    max_iter: int = 10
    noise: float = 0.0

    def __post_init__(self) -> None:
        if finite_number("cutoff_clip", self.cutoff) < 0:
            raise ParameterError(f"cutoff_clip: expected a number of at least 0, got {self.cutoff}.")
        if finite_number("noise", self.noise) < 0:
            raise ParameterError(f"noise: expected a number of at least 0, got {self.noise}.")
        one_of("spread", self.spread, SPREADS)
        if isinstance(self.max_iter, bool) or not isinstance(self.max_iter, (int, np.integer)):
            raise DataTypeError(f"max_iter: expected an integer of at least 0, got {self.max_iter!r}.")
        if self.max_iter < 0:
            raise ParameterError(f"max_iter: expected an integer of at least 0, got {self.max_iter}.")


@dataclass(frozen=True, slots=True, eq=False)
class RingBackground:
    """What is known of every ring; arrays of shape (n_bins,).

    Parameters
    ----------
    mean, std:
        float64; NaN where there are too few pixels.
    signal, variance, normalization, normalization2, counts:
        Sums over the pixels that are kept: ``s``, what `std` is made from, ``n``, ``n^2`` and ``max(raw, 0)``.
    n_valid, n_kept:
        Pixels of the ring, and how many were kept.
    n_rounds:
        Rounds of clipping.
    """

    mean: FloatArray
    std: FloatArray
    signal: FloatArray
    variance: FloatArray
    normalization: FloatArray
    normalization2: FloatArray
    counts: FloatArray
    n_valid: FloatArray
    n_kept: FloatArray
    n_rounds: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class RingModel:
    """An instrument made ready for the background of many frames: which ring every pixel belongs to.

    Parameters
    ----------
    spec, arrays:
        The description, of kind "radial" and without splitting, and the per-pixel arrays.
    axis:
        The rings.
    field:
        The pixels.
    bins:
        int32, shape (n_pixels,): the ring of each pixel; -1 for none.
    positions:
        Where pixels lie between the rings.
    threads:
        How many threads may be used.
    """

    spec: PlanSpec
    arrays: PixelArrays
    axis: Axis
    field: PixelField
    bins: IndexArray
    positions: AxisPositions
    threads: int
    _lists: Any

    @classmethod
    def of(
        cls, instrument: Instrument | Integrator, npt: Any, *, unit: Any, threads: int | None = None,
        with_errors: bool = False, **options: Any,
    ) -> RingModel:  # fmt: skip
        """Return the rings of an instrument; `options` are those of :meth:`Integrator.integrate1d`.

        Raises
        ------
        UnsupportedOptionError
            Splitting, another average than "ratio_of_sums", or what nothing would be made of: an error model (unless
            `with_errors`), a covariance, another rejection.
        """
        unused = ("reject", "covariance", "dark_variance", "flat_variance")
        for name in unused if with_errors else (*unused, "error_model"):
            if options.get(name) is not None and options[name] is not False:
                raise UnsupportedOptionError(f"{name}: {_UNUSED.get(name, _NO_ERRORS)} Leave it out.")
        if options.setdefault("split", "none") != "none":
            raise UnsupportedOptionError(
                f"split: the pixels of a ring are compared, so that each belongs to one ring, whole; got "
                f"{options['split']!r}. Leave it out, or pass split='none'."
            )
        if options.get("average", "ratio_of_sums") != "ratio_of_sums":
            raise UnsupportedOptionError(
                f"average: expected 'ratio_of_sums', got {options['average']!r}. Leave it out."
            )
        spec, arrays = described(instrument_of(instrument), "radial", options, npt_rad=npt, npt_azim=1, unit=unit)
        check_linear(spec)
        n_threads = thread_count(threads)
        return prepared(instrument, f"rings {n_threads}", spec, arrays, lambda checked: _made(spec, checked, n_threads))

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the frames."""
        return self.field.shape

    def checked_frame(self, frame: Any) -> AnyArray:
        """Return a frame as a flat array in native byte order, and refuse what is none."""
        return self.spec.checked_frame(frame, "image").reshape(-1)

    def invalid(self, dtype: np.dtype[Any]) -> InvalidRanges:
        """Return which raw values do not count in frames of a type."""
        return self.spec.invalid_ranges(dtype)

    def valid_pixels(self, raw: AnyArray) -> BoolArray:
        """Return which pixels of a checked frame count: of a ring, and with a valid value."""
        return (self.bins >= 0) & ~invalid_pixels(raw, self.invalid(raw.dtype))

    def extremes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the least offset, the least and the largest normalisation of every ring, by the compiled core."""
        found: tuple[FloatArray, FloatArray, FloatArray] = self._lists.extremes()
        return found

    def clipped(self, raw: AnyArray, settings: ClipSettings) -> RingBackground:
        """Return the background of a checked frame by sigma clipping."""
        field, invalid = self.field, self.invalid(raw.dtype)
        if self._lists is None:
            return clipped_reference(
                raw, self.bins, self.axis.n_bins, field.offset, field.normalization, invalid, settings
            )
        from azimuthal.images._native import clipped_rings

        return clipped_rings(self._lists, raw, invalid, settings, self.threads)


def clipped_reference(
    raw: AnyArray,
    bins: IndexArray,
    n_bins: int,
    offset: FloatArray | None,
    normalization: FloatArray | None,
    invalid: InvalidRanges,
    settings: ClipSettings,
) -> RingBackground:
    """Return the background of a frame by sigma clipping; NumPy, ring by ring: the definition."""
    order, begins = _by_ring(raw, bins, n_bins, invalid)
    signal, norm, counts = _pixel_terms(raw, offset, normalization)
    found = _empty(n_bins)
    for ring in range(n_bins):
        kept = order[begins[ring] : begins[ring + 1]]
        found.n_valid[ring] = kept.size
        mean, std = _moments(signal[kept], norm[kept], counts[kept], settings.spread)
        while found.n_rounds[ring] < settings.max_iter:
            bound = max(settings.cutoff, chauvenet(kept.size))
            with np.errstate(invalid="ignore"):
                width2 = bound**2 * (std**2 * norm[kept] ** 2 + settings.noise**2)
                beyond = (signal[kept] - mean * norm[kept]) ** 2 > width2
            if not beyond.any():
                break
            kept = kept[~beyond]
            mean, std = _moments(signal[kept], norm[kept], counts[kept], settings.spread)
            found.n_rounds[ring] += 1
        _store(found, ring, mean, std, signal[kept], norm[kept], counts[kept])
    return found


def _made(spec: PlanSpec, arrays: PixelArrays, n_threads: int) -> RingModel:
    plan = compile(spec, arrays, threads=n_threads)
    axis = plan.axes.radial
    assert axis is not None  # of kind "radial"
    field = PixelField.of(spec, plan.arrays, threads=n_threads)
    bins = _bins_of(plan.matrix)
    positions = axis_positions(axis, field.radial, threads=field.threads)
    lists = None
    if field.threads is not None:
        from azimuthal.images._native import ring_lists

        lists = ring_lists(bins, field, axis.n_bins)
    return RingModel(spec, plan.arrays, axis, field, bins, positions, n_threads, lists)


def _bins_of(matrix: SparseMatrix) -> IndexArray:
    """Return the one bin of every pixel; -1 for none."""
    bins = np.full(matrix.n_pixels, -1, np.int32)
    bins[matrix.used_pixels()] = matrix.indices
    return bins


def chauvenet(n: int) -> float:
    """Return the bound beyond which less than one of n normal values is expected; infinite below nine."""
    return math.inf if n < _FEWEST else math.sqrt(2.0 * math.log(n / math.sqrt(2.0 * math.pi)))


def _by_ring(raw: AnyArray, bins: IndexArray, n_bins: int, invalid: InvalidRanges) -> tuple[IntArray, IntArray]:
    """Return the valid pixels sorted by ring, and where each ring begins among them."""
    valid = np.flatnonzero((bins >= 0) & ~invalid_pixels(raw, invalid))
    order = valid[np.argsort(bins[valid], kind="stable")]
    begins = np.concatenate([[0], np.cumsum(np.bincount(bins[valid], minlength=n_bins))])
    return order, begins


def _pixel_terms(
    raw: AnyArray, offset: FloatArray | None, normalization: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    values = raw.astype(np.float64)
    signal = values if offset is None else values - offset
    norm = np.ones(values.size) if normalization is None else normalization
    return signal, norm, np.maximum(values, 0.0)


def _moments(signal: FloatArray, norm: FloatArray, counts: FloatArray, spread: Spread) -> tuple[float, float]:
    if signal.size == 0:
        return math.nan, math.nan
    mean, norm2 = float(signal.sum() / norm.sum()), float((norm**2).sum())
    if spread == "poisson":
        return mean, math.sqrt(counts.sum() / norm2)
    effective = norm.sum() ** 2 / norm2
    if signal.size < 2 or effective <= 1.0:
        return mean, math.nan
    return mean, math.sqrt(((signal - mean * norm) ** 2).sum() * effective / (effective - 1.0) / norm2)


def _store(
    found: RingBackground, ring: int, mean: float, std: float, signal: FloatArray, norm: FloatArray, counts: FloatArray
) -> None:
    found.mean[ring], found.std[ring] = mean, std
    found.signal[ring], found.normalization[ring], found.counts[ring] = signal.sum(), norm.sum(), counts.sum()
    found.normalization2[ring] = (norm**2).sum()
    found.variance[ring] = std**2 * found.normalization2[ring] if signal.size else 0.0
    found.n_kept[ring] = signal.size


def _empty(n_bins: int) -> RingBackground:
    values: list[AnyArray] = [np.full(n_bins, np.nan) for _ in range(2)] + [np.zeros(n_bins) for _ in range(7)]
    values.append(np.zeros(n_bins, np.int64))
    return RingBackground(*values)
