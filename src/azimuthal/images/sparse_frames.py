# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Sparse frames: the smooth background as two curves, and the pixels that stand out of it as they are.

A frame becomes

* mean and spread of the background of every ring (:mod:`azimuthal.images.rings`), in single precision as in files;
* index and raw value of every pixel that is picked (:mod:`azimuthal.images.peaks`), and of every pixel whose raw value
  does not count in this frame (saturated, say): such a value is no background, and is kept as it is.

What is lost is the noise of the background, and what lies below it.  Pixels that are masked, in gaps or out of the
range are not kept at all; they come back as `dummy`.

Densifying
    ``raw = m n + d`` at every pixel that is not kept, rounded to the nearest for integer frames.  With a seed, noise of
    the same mean and spread is drawn instead:

    ==============  ================================================================================================
    frames          distribution of a pixel with mean ``mu = m n`` and spread ``sigma = std n``, d being added
    ==============  ================================================================================================
    integers        Poisson of mean ``mu`` where ``sigma^2 <= mu``; else negative binomial of mean ``mu`` and variance
                    ``sigma^2``: counts of an intensity that itself varies (over-dispersed)
    floats          normal
    ==============  ================================================================================================

    A draw that would have been picked is drawn again, so that a densified frame has the same picked pixels.  A normal
    distribution cut at zero, as other programs draw, has too high a mean where there is less than a count per pixel.

Integrating the densified frame gives the background back within its noise, and the spots exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal.engines import thread_count
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.images._pixels import axis_positions, checked_seed
from azimuthal.images.peaks import PeakFinder, peak_finder
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray
from azimuthal.units import Axis

if TYPE_CHECKING:
    from azimuthal.images._pixels import AxisPositions

__all__ = ["SparseFrame", "SparseLayout", "sparse_frame", "sparsify"]

_MOST_REDRAWS = 50


@dataclass(frozen=True, slots=True, eq=False)
class SparseLayout:
    """What all sparse frames of one peak finder share.

    Parameters
    ----------
    axis:
        The rings of the background.
    radius:
        float64, shape of the frame: the coordinate of every pixel along the axis; NaN where a pixel is not kept at all.
    normalization, offset:
        float64, shape of the frame, or None for 1 and 0: what a raw value is divided by, and its dark.
    cutoff_pick, noise:
        Of the peak finder: what was picked.
    provenance:
        How it was made; ready for JSON.
    """

    axis: Axis
    radius: FloatArray
    normalization: FloatArray | None
    offset: FloatArray | None
    cutoff_pick: float
    noise: float
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the frames."""
        rows, columns = self.radius.shape
        return rows, columns

    def is_same(self, other: SparseLayout) -> bool:
        """Return whether two layouts say the same about every pixel."""
        if self is other:
            return True
        pairs = [(self.radius, other.radius), (self.normalization, other.normalization), (self.offset, other.offset)]
        same = all(
            one is two or (one is not None and two is not None and np.array_equal(one, two, equal_nan=True))
            for one, two in pairs
        )
        return same and self.axis == other.axis and (self.cutoff_pick, self.noise) == (other.cutoff_pick, other.noise)


@dataclass(frozen=True, slots=True, eq=False)
class SparseFrame:
    """A frame as background and pixels that stand out; see the module docstring.

    Parameters
    ----------
    layout:
        What it shares with others.
    index:
        int64, increasing: place in the flattened image of the pixels that are kept.
    intensity:
        Their raw values, in the type of the frame.
    background_avg, background_std:
        float64, shape (n_rings,): corrected intensity; NaN where a ring has no background.
    dummy:
        Raw value of pixels that are not kept; in the type of the frame.
    """

    layout: SparseLayout
    index: IntArray
    intensity: AnyArray
    background_avg: FloatArray
    background_std: FloatArray
    dummy: Any

    def __post_init__(self) -> None:
        n_pixels, n_rings = self.layout.radius.size, self.layout.axis.n_bins
        if self.index.ndim != 1 or self.index.shape != self.intensity.shape:
            raise ShapeError(
                f"intensity: expected one value per index, got shapes {self.intensity.shape} and {self.index.shape}."
            )
        index = self.index
        if index.size and not (index[0] >= 0 and index[-1] < n_pixels and (np.diff(index) > 0).all()):
            raise ParameterError(f"index: expected increasing places from 0 to {n_pixels - 1}.")
        for name in ("background_avg", "background_std"):
            if getattr(self, name).shape != (n_rings,):
                raise ShapeError(f"{name}: expected shape ({n_rings},), got {getattr(self, name).shape}.")

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the frame."""
        return self.layout.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the frame."""
        return self.intensity.dtype

    @property
    def nbytes(self) -> int:
        """Memory of what belongs to this frame alone, in bytes."""
        return sum(a.nbytes for a in (self.index, self.intensity, self.background_avg, self.background_std))

    def densify(self, seed: int | None = None) -> AnyArray:
        """Return the frame as an image.

        Parameters
        ----------
        seed:
            None: the mean of the background.  An integer: noise is drawn, the same for the same seed.

        Returns
        -------
        :
            Shape and type of the frame; new memory.  Pixels that are kept hold their raw values exactly.
        """
        layout = self.layout
        valid = ~np.isnan(layout.radius)
        positions = axis_positions(layout.axis, layout.radius[valid], threads=thread_count())
        norm = 1.0 if layout.normalization is None else layout.normalization[valid]
        mean = positions.at_pixels(self.background_avg)
        values = mean * norm if seed is None else self._drawn(positions, mean, norm, seed)
        if layout.offset is not None:
            values = values + layout.offset[valid]
        dense = np.full(layout.radius.shape, self.dummy, self.dtype)
        dense[valid] = self._typed(values)
        dense.reshape(-1)[self.index] = self.intensity
        return dense

    def _typed(self, values: FloatArray) -> AnyArray:
        """Return values in the type of the frame; `dummy` where there is no background."""
        if self.dtype.kind == "f":
            return np.where(np.isnan(values), self.dummy, values).astype(self.dtype)
        info = np.iinfo(self.dtype)
        rounded = np.clip(np.rint(np.nan_to_num(values)), float(info.min), float(info.max))
        # The highest integers of 64 bits are not floats: they would overflow on the way back.
        whole = np.where(rounded >= float(info.max), info.max, np.minimum(rounded, 2.0**53).astype(self.dtype))
        return np.where(np.isnan(values), self.dummy, whole).astype(self.dtype)

    def _drawn(self, positions: AxisPositions, mean: FloatArray, norm: Any, seed: int) -> FloatArray:
        rng = np.random.default_rng(checked_seed(seed))
        std = positions.at_pixels(self.background_std)
        mu, sigma = np.nan_to_num(mean * norm), np.nan_to_num(std * norm)
        limit = self.layout.cutoff_pick * np.sqrt(sigma**2 + self.layout.noise**2)
        values = _draw(rng, mu, sigma, self.dtype)
        for _ in range(_MOST_REDRAWS):
            again = np.flatnonzero(values - mu >= limit)
            if not again.size:
                break
            values[again] = _draw(rng, mu[again], sigma[again], self.dtype)
        values[np.isnan(mean)] = np.nan
        return values

    def __repr__(self) -> str:
        return f"<SparseFrame: {self.index.size} of {self.layout.radius.size} pixels of {self.dtype}>"


def sparsify(image: Any, instrument: Instrument | Integrator, npt: Any = 800, **choices: Any) -> SparseFrame:
    """Return a frame as background and pixels that stand out.

    Parameters
    ----------
    image:
        Raw frame.
    instrument, npt, **choices:
        As for :func:`azimuthal.images.peak_finder`; for many frames make one, and call its ``sparsify``.
    """
    return peak_finder(instrument, npt, **choices).sparsify(image)


def sparse_layout(finder: PeakFinder) -> SparseLayout:
    """Return what the sparse frames of a peak finder share."""
    rings, pixels = finder.rings, finder.rings.field
    radius = np.where(rings.bins >= 0, pixels.radial, np.nan).reshape(rings.shape)
    norm, offset = pixels.normalization, pixels.offset
    return SparseLayout(
        rings.axis,
        radius,
        None if norm is None else norm.reshape(rings.shape),
        None if offset is None else offset.reshape(rings.shape),
        finder.settings.cutoff_pick,
        finder.settings.noise,
        finder.provenance(),
    )


def sparse_frame(finder: PeakFinder, image: Any, layout: SparseLayout | None = None) -> SparseFrame:
    """Return one frame of a peak finder as a sparse one; pass `layout` (:func:`sparse_layout`) where there are many."""
    rings = finder.rings
    raw = rings.checked_frame(image)
    background = finder.background(raw)
    picked, invalid = finder.picked(raw, background)
    unknown = np.isnan(background.mean) | np.isnan(background.std)
    mean, std = (np.where(unknown, np.nan, _single(values)) for values in (background.mean, background.std))
    index = np.union1d(picked, invalid)
    if unknown.any():  # a ring of so few pixels that it has no background: its pixels are kept as they are
        known = np.append(~unknown, True)
        index = np.union1d(index, np.flatnonzero(~known[rings.bins]))
    return SparseFrame(
        sparse_layout(finder) if layout is None else layout,
        index.astype(np.int64),
        raw[index],
        mean,
        std,
        dummy_of(raw.dtype),
    )


def dummy_of(dtype: np.dtype[Any]) -> Any:
    """Return the raw value that marks pixels without data: NaN, or the highest integer."""
    return dtype.type(np.nan) if dtype.kind == "f" else dtype.type(np.iinfo(dtype).max)


def _single(values: FloatArray) -> FloatArray:
    """Return values as files hold them: in single precision."""
    return values.astype(np.float32).astype(np.float64)


def _draw(rng: np.random.Generator, mean: FloatArray, sigma: FloatArray, dtype: np.dtype[Any]) -> FloatArray:
    if dtype.kind == "f":
        return rng.normal(mean, sigma)
    rate = np.maximum(mean, 0.0)
    excess = sigma**2 - rate
    wide: BoolArray = (excess > 0) & (rate > 0)
    shape, scale = rate[wide] ** 2 / excess[wide], excess[wide] / rate[wide]
    rate[wide] = rng.gamma(shape, scale)
    return rng.poisson(rate).astype(np.float64)
