# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Peaks: Bragg spots that stand out of the smooth background of their ring.

Background
    Mean ``m`` and spread ``std`` of every ring by sigma clipping (:mod:`azimuthal.images.rings`), both interpolated to
    the pixel (:mod:`azimuthal.images._pixels`).

Picked pixels
    With ``v = (raw - dark) / n - m`` the excess of a pixel and

    .. math:: u = \sqrt{\mathrm{std}^2 + (\mathrm{noise} / n)^2}

    its noise, a pixel is picked when ``v > 0`` and ``v >= cutoff_pick u``. `noise`, in raw units (1 count), keeps
    single photons on an empty background from being picked.

Peaks
    A picked pixel is a peak when it has the largest excess of the patch of ``patch_size x patch_size`` pixels around it
    (of equal pixels the first in the order of the image), and at least `connected` pixels of the patch are picked.  A
    patch is incomplete when a pixel of it does not count: outside of the image or of the range, masked, or with an
    invalid value.  Such peaks are left out and counted, or kept with ``incomplete="keep"``: their intensities are too
    small, and their positions lie towards the complete side.

=============  =======================================================================================
quantity       definition, sums over the pixels of the patch that count
=============  =======================================================================================
intensity      ``sum v``, in corrected units; pixels below the background count too: no bias
sigma          ``sqrt(sum (std^2 + max(v, 0) / n))``: spread of the background, and counting of the peak itself
snr            ``intensity / sqrt(sum u^2)``
slow, fast     centre of mass ``sum v x / sum v`` of the pixels with ``v >= 2 u``
slow_sigma     ``sqrt(sum (std^2 + max(v, 0) / n) (x - slow)^2) / sum v`` over the same pixels; ``1 / sqrt(12)``
               where all of them have the same ``x``
n_pixels       number of picked pixels
background     ``m`` at the highest pixel
=============  =======================================================================================

Positions are array indices: the centre of pixel ``image[i, j]`` is at ``(i, j)``; add 0.5 for distances from the corner
of the first pixel.  The centre of mass takes only pixels with two sigma and more because the noise of a whole patch of
25 pixels would make a weak peak three times less certain than it need be; for Gaussian spots of 0.6 to 1.3 pixels
(sigma) in a patch of 5 the bias is below 0.03 pixel where the spot fits into the patch (0.25 of the distance from the
middle of the pixel at 1.3, where it does not).

False peaks
    Of ``N`` pixels of pure noise, ``N p`` are picked, ``p`` being the chance of one to exceed the cutoff (Poisson
    statistics of mean ``m n``, not a normal distribution, which has a shorter tail).  With ``connected=1`` that is
    about the number of false peaks; every further pixel that must be picked in a patch of ``k`` pixels multiplies
    it by less than ``k p``.

The compiled core does the work; `found_reference` defines it.  pyFAI has the method for OpenCL devices; an
older relative is "peakfinder8" (A. Barty et al., J. Appl. Cryst. 47, 1118 (2014), doi:10.1107/S1600576714007626).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

import azimuthal._upward as upward
from azimuthal._validate import finite_number, one_of, positive_integer, positive_number
from azimuthal._version import __version__
from azimuthal.errors import MissingDependencyError, ParameterError
from azimuthal.images._pixels import AxisPositions, PixelField
from azimuthal.images.rings import ClipSettings, RingBackground, RingModel, Spread
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.masks import InvalidRanges, invalid_pixels
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IndexArray, IntArray

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from azimuthal.images.sparse_frames import SparseFrame

__all__ = ["PeakFinder", "PeakSettings", "Peaks", "find_peaks", "peak_finder"]

Incomplete: TypeAlias = Literal["drop", "keep"]

_CENTRE_CUTOFF = 2.0
_PIXEL_SIGMA = 0.28867513459481287  # of a position known to be inside of one pixel: 1 / sqrt(12)
#: Columns of a table of peaks, in the order of its fields.
COLUMNS = (
    "frame", "slow", "fast", "intensity", "sigma", "snr", "n_pixels", "slow_sigma", "fast_sigma", "background",
)  # fmt: skip
_INTEGERS = ("frame", "n_pixels")


@dataclass(frozen=True, slots=True)
class PeakSettings:
    """What makes a peak; see the module docstring.

    Parameters
    ----------
    cutoff_pick:
        How many times its noise a pixel must exceed the background to be picked; greater than 0.
    noise:
        In raw units (counts), added to the spread in squares, for the background too; at least 0.
    patch_size:
        Odd number of pixels, at least 3.
    connected:
        Picked pixels in the patch of a peak, itself included.
    incomplete:
        What becomes of peaks with an incomplete patch: "drop" or "keep".
    cutoff_clip, spread, max_iter:
        Of the background: :class:`azimuthal.images.rings.ClipSettings`.
    """

    cutoff_pick: float = 5.0
    noise: float = 1.0
    patch_size: int = 5
    connected: int = 2
    incomplete: Incomplete = "drop"
    cutoff_clip: float = 0.0
    spread: Spread = "azimuthal"
    max_iter: int = 10

    def __post_init__(self) -> None:
        positive_number("cutoff_pick", self.cutoff_pick)
        if finite_number("noise", self.noise) < 0:
            raise ParameterError(f"noise: expected a number of at least 0, got {self.noise}.")
        if positive_integer("patch_size", self.patch_size) % 2 == 0 or self.patch_size < 3:
            raise ParameterError(f"patch_size: expected an odd number of at least 3, got {self.patch_size}.")
        if positive_integer("connected", self.connected) > self.patch_size**2:
            raise ParameterError(
                f"connected: expected at most the {self.patch_size**2} pixels of a patch, got {self.connected}."
            )
        one_of("incomplete", self.incomplete, ("drop", "keep"))
        self.clip  # noqa: B018  # validates

    @property
    def clip(self) -> ClipSettings:
        """How the background is found."""
        return ClipSettings(self.cutoff_clip, self.spread, self.max_iter, self.noise)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


class FoundPeaks(NamedTuple):
    """Peaks of one frame as the pixel part finds them; columns of equal length."""

    pixel: IntArray
    n_picked: IntArray
    complete: BoolArray
    slow: FloatArray
    fast: FloatArray
    slow_sigma: FloatArray
    fast_sigma: FloatArray
    intensity: FloatArray
    sigma: FloatArray
    noise: FloatArray
    background: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """A table of peaks, of one frame or of many; columns are read-only arrays of equal length.

    Parameters
    ----------
    frame:
        int64: number of the frame.
    slow, fast:
        Position in array indices: pixel centres are integers.
    intensity, sigma:
        Integrated excess over the background, corrected, and its uncertainty.
    snr:
        Intensity over the noise of the background.
    n_pixels:
        int64: picked pixels in the patch.
    slow_sigma, fast_sigma:
        Uncertainty of the position, pixels.
    background:
        Under the peak, corrected units per pixel.
    n_frames:
        How many frames were searched, those without peaks included; their numbers are below it.
    n_incomplete:
        Peaks that were left out because their patch is incomplete.
    shape:
        Of the frames.
    provenance:
        How they were found; ready for JSON.
    """

    frame: IntArray
    slow: FloatArray
    fast: FloatArray
    intensity: FloatArray
    sigma: FloatArray
    snr: FloatArray
    n_pixels: IntArray
    slow_sigma: FloatArray
    fast_sigma: FloatArray
    background: FloatArray
    n_frames: int = field(default=1, kw_only=True)
    n_incomplete: int = field(default=0, kw_only=True)
    shape: tuple[int, int] = field(kw_only=True)
    provenance: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = np.array(getattr(self, name), np.int64 if name in _INTEGERS else np.float64)
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        lengths = {getattr(self, name).shape for name in COLUMNS}
        if len(lengths) != 1 or len(next(iter(lengths))) != 1:
            raise ParameterError(f"peaks: expected columns of one length, got shapes {sorted(lengths)}.")
        if len(self) and not (self.frame.min() >= 0 and self.frame.max() < self.n_frames):
            raise ParameterError(f"frame: expected numbers from 0 to {self.n_frames - 1}, got {self.frame.max()}.")

    def __len__(self) -> int:
        return int(self.frame.size)

    def of_frame(self, number: int) -> Peaks:
        """Return the peaks of one frame, as a table of one frame."""
        chosen = self.frame == number
        columns: dict[str, Any] = {name: getattr(self, name)[chosen] for name in COLUMNS}
        columns["frame"] = np.zeros(int(chosen.sum()), np.int64)
        return replace(self, **columns, n_frames=1, n_incomplete=0)

    def counts(self) -> IntArray:
        """Return the number of peaks of every frame; shape (n_frames,)."""
        return np.bincount(self.frame, minlength=self.n_frames)

    @classmethod
    def joined(cls, tables: Sequence[Peaks]) -> Peaks:
        """Return one table of several, frames numbered through.

        Raises
        ------
        ParameterError
            There is none, or shapes differ.
        """
        if not tables:
            raise ParameterError("tables: expected at least one table of peaks, got none.")
        if len({table.shape for table in tables}) != 1:
            raise ParameterError(f"tables: shapes of frames differ: {sorted({table.shape for table in tables})}.")
        starts = np.cumsum([0, *(table.n_frames for table in tables)])
        columns: dict[str, Any] = {name: np.concatenate([getattr(table, name) for table in tables]) for name in COLUMNS}
        columns["frame"] = np.concatenate([table.frame + start for table, start in zip(tables, starts, strict=False)])
        n_incomplete = sum(table.n_incomplete for table in tables)
        return replace(tables[0], **columns, n_frames=int(starts[-1]), n_incomplete=n_incomplete)

    @classmethod
    def united(cls, tables: Sequence[Peaks]) -> Peaks:
        """Return one table of several that number their frames already, as :meth:`PeakFinder.__call__` can."""
        joined = cls.joined(tables)
        frame = np.concatenate([table.frame for table in tables])
        return replace(joined, frame=frame, n_frames=max(table.n_frames for table in tables))

    def to_pandas(self) -> pd.DataFrame:
        """Return a ``pandas.DataFrame``, one row per peak."""
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingDependencyError(
                "to_pandas() needs the package pandas, which is not installed. Run: pip install 'azimuthal[data]'"
            ) from error
        return pd.DataFrame({name: getattr(self, name) for name in COLUMNS})

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the table to an HDF5 file and return the path; see :func:`azimuthal.io.save_peaks`."""
        written: Path = upward.find("save_peaks")(self, path, **options)
        return written

    def __repr__(self) -> str:
        return f"<Peaks: {len(self)} in {self.n_frames} frames, {self.n_incomplete} incomplete left out>"


@dataclass(frozen=True, slots=True, eq=False)
class PeakFinder:
    """Finds the peaks of frames of one instrument; make one with :func:`peak_finder`.

    Immutable; safe to use from any number of threads at once.

    Parameters
    ----------
    rings:
        The rings of the background.
    settings:
        What makes a peak.
    """

    rings: RingModel
    settings: PeakSettings
    _positions: AnyArray = field(init=False, repr=False)
    _extremes: tuple[FloatArray, FloatArray, FloatArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_positions", self.rings.positions.fractions.astype(np.float32))
        if self.rings.field.threads is not None:
            object.__setattr__(self, "_extremes", self.rings.extremes())

    def __call__(self, image: Any, *, frame: int = 0, n_frames: int | None = None) -> Peaks:
        """Return the peaks of one frame.

        Parameters
        ----------
        image:
            Raw frame; shape of the detector.
        frame, n_frames:
            Its number in the table, and how many frames there are; `frame` + 1 by default.

        Raises
        ------
        ShapeError, DataTypeError
            The frame cannot be used.
        """
        raw = self.rings.checked_frame(image)
        found = self._found(raw, self.background(raw))
        chosen = found.complete if self.settings.incomplete == "drop" else np.ones(found.pixel.size, bool)
        with np.errstate(divide="ignore"):
            snr = found.intensity / found.noise
        columns: tuple[AnyArray, ...] = (
            np.full(found.pixel.size, frame), found.slow, found.fast, found.intensity, found.sigma, snr,
            found.n_picked, found.slow_sigma, found.fast_sigma, found.background,
        )  # fmt: skip
        return Peaks(
            *(column[chosen] for column in columns),
            n_frames=frame + 1 if n_frames is None else n_frames,
            n_incomplete=int(np.count_nonzero(~chosen)),
            shape=self.rings.shape,
            provenance=self.provenance(),
        )

    def map(self, frames: Iterable[Any]) -> Peaks:
        """Return the peaks of many frames in one table."""
        return Peaks.joined([self(image) for image in frames])

    def sparsify(self, image: Any) -> SparseFrame:
        """Return a frame as background and pixels that stand out; see :mod:`azimuthal.images.sparse_frames`."""
        from azimuthal.images.sparse_frames import sparse_frame

        return sparse_frame(self, image)

    def background(self, raw: AnyArray) -> RingBackground:
        """Return the background of a checked frame (:meth:`RingModel.checked_frame`)."""
        return self.rings.clipped(raw, self.settings.clip)

    def picked(self, raw: AnyArray, background: RingBackground) -> tuple[IntArray, IntArray]:
        """Return the pixels of a checked frame that stand out, and those of a ring whose values do not count."""
        rings, invalid, levels = self.rings, self.rings.invalid(raw.dtype), _levels(background)
        if rings.field.threads is None:
            return picked_reference(raw, rings.field, invalid, rings.bins, self._positions, levels, self.settings)
        from azimuthal.images._native import picked_pixels

        given = (*levels, self._least_raw(*levels))
        return picked_pixels(
            raw, rings.field, invalid, rings.bins, self._positions, given, self.settings, rings.threads
        )

    def provenance(self) -> dict[str, Any]:
        """Return how peaks are found; ready for JSON."""
        return {
            "program": "azimuthal",
            "version": __version__,
            "recipe": self.rings.spec.to_dict(inline_arrays=False),
            "arrays": dict(self.rings.arrays.digests),
            "peaks": self.settings.to_dict(),
        }

    def _found(self, raw: AnyArray, background: RingBackground) -> FoundPeaks:
        rings, invalid, levels = self.rings, self.rings.invalid(raw.dtype), _levels(background)
        if rings.field.threads is None:
            return found_reference(raw, rings.field, invalid, rings.bins, self._positions, levels, self.settings)
        from azimuthal.images._native import found_peaks

        given = (*levels, self._least_raw(*levels))
        return found_peaks(raw, rings.field, invalid, rings.bins, self._positions, given, self.settings, rings.threads)

    def _least_raw(self, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return, for every ring, a raw value below which no pixel is picked, wherever it lies in the ring."""
        offset, least, largest = self._extremes
        with np.errstate(invalid="ignore", divide="ignore"):
            noise = np.sqrt(_least_nearby(std) ** 2 + (self.settings.noise / largest) ** 2)
            limit = _least_nearby(mean) + self.settings.cutoff_pick * noise
            raw = limit * np.where(limit >= 0, least, largest) + offset
        raw -= 1e-9 * (np.abs(raw) + np.abs(offset))  # the pixel's own arithmetic rounds
        return np.where(np.isfinite(raw) & ~np.isnan(mean), raw, -np.inf)


def peak_finder(
    instrument: Instrument | Integrator,
    npt: Any = 800,
    *,
    unit: Any = "r_mm",
    cutoff_pick: float = 5.0,
    noise: float = 1.0,
    patch_size: int = 5,
    connected: int = 2,
    incomplete: Incomplete = "drop",
    cutoff_clip: float = 0.0,
    spread: Spread = "azimuthal",
    max_iter: int = 10,
    threads: int | None = None,
    **options: Any,
) -> PeakFinder:
    """Return a peak finder for many frames of an instrument.

    Parameters
    ----------
    instrument:
        An integrator, or an instrument.
    npt, unit:
        Rings of the background: number or edges, and their unit.
    cutoff_pick, noise, patch_size, connected, incomplete, cutoff_clip, spread, max_iter:
        Fields of :class:`PeakSettings`.
    threads:
        Number of threads; None for all that this process may use.
    **options:
        Of :meth:`Integrator.integrate1d`: ``mask``, ``dark``, ``flat``, ``polarization_factor``, ``radial_range``,
        ``dummy`` ...

    Raises
    ------
    AzimuthalError
        A choice is not known or cannot be used.
    """
    settings = PeakSettings(cutoff_pick, noise, patch_size, connected, incomplete, cutoff_clip, spread, max_iter)
    return PeakFinder(RingModel.of(instrument, npt, unit=unit, threads=threads, **options), settings)


def find_peaks(image: Any, instrument: Instrument | Integrator, npt: Any = 800, **choices: Any) -> Peaks:
    """Return the peaks of one frame; further arguments are those of :func:`peak_finder`.

    For many frames make a :func:`peak_finder` once, and call that.
    """
    return peak_finder(instrument, npt, **choices)(image)


def picked_reference(
    raw: AnyArray, field: PixelField, invalid: InvalidRanges, bins: IndexArray, positions: AnyArray,
    background: tuple[FloatArray, FloatArray], settings: PeakSettings,
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Return what :meth:`PeakFinder.picked` does; NumPy: the definition."""
    is_invalid = invalid_pixels(raw, invalid) & (bins >= 0)
    excess = _excess(raw, field, is_invalid, bins, positions, background, settings)
    return np.flatnonzero(excess.picked), np.flatnonzero(is_invalid)


def found_reference(
    raw: AnyArray, field: PixelField, invalid: InvalidRanges, bins: IndexArray, positions: AnyArray,
    background: tuple[FloatArray, FloatArray], settings: PeakSettings,
) -> FoundPeaks:  # fmt: skip
    """Return the peaks of a frame; NumPy, peak by peak: the definition."""
    excess = _excess(raw, field, invalid_pixels(raw, invalid), bins, positions, background, settings)
    half, (n_slow, n_fast) = settings.patch_size // 2, field.shape
    cutoff2 = min(_CENTRE_CUTOFF, settings.cutoff_pick) ** 2
    rows: list[tuple[Any, ...]] = []
    for middle in np.flatnonzero(excess.picked):
        row, column = divmod(int(middle), n_fast)
        i, j = np.mgrid[row - half : row + half + 1, column - half : column + half + 1].reshape(2, -1)
        inside = (i >= 0) & (i < n_slow) & (j >= 0) & (j < n_fast)
        patch = (i * n_fast + j)[inside]
        patch = patch[excess.counts[patch]]
        value, noise2 = excess.value[patch], excess.noise2[patch]
        rivals = (value > excess.value[middle]) | ((value == excess.value[middle]) & (patch < middle))
        n_picked = int(np.count_nonzero(excess.picked[patch]))
        if rivals.any() or n_picked < settings.connected:
            continue
        counting2 = excess.spread2[patch] + np.maximum(value, 0.0) / excess.normalization[patch]
        near = (value > 0) & (value**2 >= cutoff2 * noise2)
        centres = [_centre(axis[near], value[near], counting2[near]) for axis in np.divmod(patch, n_fast)]
        rows.append((
            middle, n_picked, patch.size == settings.patch_size**2, centres[0][0], centres[1][0], centres[0][1],
            centres[1][1], value.sum(), np.sqrt(counting2.sum()), np.sqrt(noise2.sum()), excess.mean[middle],
        ))  # fmt: skip
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(FoundPeaks._fields)
    kinds = (np.int64, np.int64, np.bool_, *(np.float64,) * (len(columns) - 3))
    return FoundPeaks(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


class _Excess(NamedTuple):
    """Of every pixel: what :mod:`azimuthal.images.peaks` defines."""

    value: FloatArray
    noise2: FloatArray
    spread2: FloatArray
    mean: FloatArray
    normalization: FloatArray
    counts: BoolArray
    picked: BoolArray


def _excess(
    raw: AnyArray, field: PixelField, is_invalid: BoolArray, bins: IndexArray, positions: AnyArray,
    background: tuple[FloatArray, FloatArray], settings: PeakSettings,
) -> _Excess:  # fmt: skip
    places = AxisPositions(bins, positions.astype(np.float64), background[0].size, False)
    mean, std = places.at_pixels(background[0]), places.at_pixels(background[1])
    norm = np.ones(raw.size) if field.normalization is None else field.normalization
    counts = (bins >= 0) & ~is_invalid & ~np.isnan(mean)
    with np.errstate(invalid="ignore", divide="ignore"):  # pixels that do not count take part, and are left out below
        signal = raw.astype(np.float64) if field.offset is None else raw - field.offset
        value = signal / norm - mean
        noise2 = std**2 + settings.noise**2 / (norm * norm)
        picked = counts & (value > 0) & (value**2 >= settings.cutoff_pick**2 * noise2)
    return _Excess(value, noise2, std**2, mean, norm, counts, picked)


def _centre(positions: IntArray, weights: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Return the centre of mass along one axis, and its uncertainty."""
    total = float(weights.sum())
    if (positions == positions[0]).all():
        return float(positions[0]), _PIXEL_SIGMA
    centre = float((weights * positions).sum() / total)
    return centre, float(np.sqrt((variance * (positions - centre) ** 2).sum()) / total)


def _levels(background: RingBackground) -> tuple[FloatArray, FloatArray]:
    """Return mean and spread of the rings where both are known, NaN elsewhere."""
    unknown = np.isnan(background.mean) | np.isnan(background.std)
    return np.where(unknown, np.nan, background.mean), np.where(unknown, np.nan, background.std)


def _least_nearby(values: FloatArray) -> FloatArray:
    """Return the least of each value and its neighbours; NaN where the value itself is."""
    padded = np.concatenate([[np.inf], np.nan_to_num(values, nan=np.inf), [np.inf]])
    least = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    return np.where(np.isnan(values), np.nan, least)
