# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames of pixels with dead time: made linear before an engine sees them.

The correction is not linear in the raw counts and cannot be folded into the arrays of a plan.  A reducer that holds
another one corrects every frame, says which variance its pixels have, and hands it on as float64 with NaN where a pixel
does not count: frames are decoded and integrated one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.corrections import DeadTime
from azimuthal.engines import BinSums, Reducer, Residuals, VarianceModel
from azimuthal.masks import InvalidRanges, invalid_pixels
from azimuthal.sparse import BinPairs, Weights
from azimuthal.typing import AnyArray, FloatArray

_NOT_FINITE = InvalidRanges((), nonfinite=True)


@dataclass(frozen=True, slots=True, eq=False)
class DeadTimeReducer:
    """A reducer of frames whose pixels have a dead time.

    Parameters
    ----------
    inner:
        Reduces the corrected frames.
    dead_time:
        Of the pixels.
    """

    inner: Reducer
    dead_time: DeadTime

    @property
    def weights(self) -> Weights:
        """The weights of the task."""
        return self.inner.weights

    @property
    def pairs(self) -> BinPairs | None:
        """The pairs of bins of the reducer inside."""
        return self.inner.pairs

    def reduce(
        self,
        frame: AnyArray,
        variance_model: VarianceModel,
        variance: FloatArray | None,
        invalid: InvalidRanges,
    ) -> BinSums:
        """Return the sums of one frame; pixels beyond the limit of the correction count as invalid."""
        photons, slope = self.linear(frame, invalid)
        if variance_model == "none":
            return self.inner.reduce(photons, "none", None, _NOT_FINITE)
        if variance_model == "poisson":
            spread = self.dead_time.variance(frame, slope)
        else:
            assert variance is not None  # the plan has checked
            spread = variance * slope**2
        at_limit = ~np.isfinite(spread)
        photons[at_limit], spread[at_limit] = np.nan, 0.0
        return self.inner.reduce(photons, "variance", spread, _NOT_FINITE)

    def reduce_photons(self, frame: AnyArray, variance: FloatArray, invalid: InvalidRanges) -> BinSums:
        """Return the sums of a frame whose photons have a variance that its counts do not: of a dark, of a flat."""
        photons, slope = self.linear(frame, invalid)
        photons[~np.isfinite(self.dead_time.variance(frame, slope))] = np.nan
        return self.inner.reduce(photons, "variance", variance, _NOT_FINITE)

    def residuals(
        self, frame: AnyArray, mean: FloatArray, invalid: InvalidRanges, *, n_threads: int | None = None
    ) -> Residuals:
        """Return the sums of the second pass of the reducer inside, for the corrected frame."""
        return self.inner.residuals(self.linear(frame, invalid)[0], mean, _NOT_FINITE, n_threads=n_threads)

    def linear(self, frame: AnyArray, invalid: InvalidRanges) -> tuple[FloatArray, FloatArray]:
        """Return the photons of every pixel, NaN where it does not count, and their derivative."""
        bad = invalid_pixels(frame, invalid)
        photons, slope = self.dead_time.corrected_with_slope(np.where(bad, 0, frame).astype(frame.dtype, copy=False))
        photons[bad] = np.nan
        return photons, slope
