# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The engine that defines the result: NumPy, written to be read.

Integer frames of up to 32 bits that need no weights, offset or gain are summed exactly, in int64; everything else in
float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.engines._protocol import FRAME_DTYPES, BinSums, Capabilities, ReductionTask, Residuals, VarianceModel
from azimuthal.engines._robust_reference import RobustReferenceReducer
from azimuthal.engines.covariance.reference import PairSummation
from azimuthal.masks import InvalidRanges, invalid_pixels
from azimuthal.sparse import BinPairs, SparseMatrix
from azimuthal.typing import AnyArray, FloatArray, IndexArray, IntArray
from azimuthal.uncertainty import poisson_variance

name = "reference"
capabilities = Capabilities(
    FRAME_DTYPES, ("none", "poisson", "variance"), uses_threads=False, device="cpu", covariance=True
)


def prepare(task: ReductionTask, *, n_threads: int) -> ReferenceReducer:
    """Return the task made ready; one thread, whatever is asked."""
    del n_threads
    matrix = task.weights.as_matrix()
    pairing = PairSummation.of(matrix) if task.covariance else None
    return ReferenceReducer(task, matrix, matrix.entry_pixels(), pairing)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceReducer:
    """Sums by np.bincount, entry by entry."""

    task: ReductionTask
    matrix: SparseMatrix
    entry_pixels: IntArray
    pairing: PairSummation | None

    @property
    def weights(self) -> SparseMatrix:
        """The weights."""
        return self.matrix

    def robust(self) -> RobustReferenceReducer:
        """Return what makes robust averages of the same task."""
        return RobustReferenceReducer(self.task)

    @property
    def pairs(self) -> BinPairs | None:
        """The pairs of bins that share a pixel, where their covariance is summed."""
        return None if self.pairing is None else self.pairing.pairs

    def reduce(
        self,
        frame: AnyArray,
        variance_model: VarianceModel,
        variance: FloatArray | None,
        invalid: InvalidRanges,
    ) -> BinSums:
        """Return the sums of one frame."""
        matrix = self.matrix
        is_invalid = invalid_pixels(frame, invalid)
        feeds_a_bin = matrix.used_pixels()
        valid_entries = ~is_invalid[self.entry_pixels]
        pixel, index = self.entry_pixels[valid_entries], matrix.indices[valid_entries]
        weight = matrix.entry_weights()[valid_entries]

        def binned(values: FloatArray | IntArray) -> FloatArray:
            if matrix.weights is None and np.issubdtype(values.dtype, np.integer):
                exact = np.zeros(matrix.n_bins, np.int64)
                np.add.at(exact, index, values[pixel])
                return exact.astype(np.float64)
            return _summed(index, weight * values[pixel], matrix.n_bins)

        def binned_squares(values: FloatArray | IntArray) -> FloatArray:
            if matrix.weights is None:
                return binned(values)
            return _summed(index, weight**2 * values[pixel], matrix.n_bins)

        # NaN and infinity of invalid pixels take part in the arithmetic below, but in no sum.
        with np.errstate(invalid="ignore", over="ignore"):
            signal, pixel_variance = self._pixel_terms(frame, variance_model, variance)
        covariance: FloatArray | None = None
        if self.pairing is not None and pixel_variance is not None:
            covariance = self.pairing.of_variance(pixel_variance, is_invalid)
        normalization = np.ones(matrix.n_pixels) if self.task.normalization is None else self.task.normalization
        return BinSums(
            signal=binned(signal),
            variance=None if pixel_variance is None else binned_squares(pixel_variance),
            normalization=_summed(index, weight * normalization[pixel], matrix.n_bins),
            normalization2=_summed(index, (weight * normalization[pixel]) ** 2, matrix.n_bins),
            count=_summed(index, weight, matrix.n_bins),
            n_invalid=int(np.count_nonzero(is_invalid & feeds_a_bin)),
            covariance=covariance,
        )

    def residuals(
        self, frame: AnyArray, mean: FloatArray, invalid: InvalidRanges, *, n_threads: int | None = None
    ) -> Residuals:
        """Return the sums of the residuals of one frame about the means of its bins."""
        del n_threads
        matrix = self.matrix
        is_invalid = invalid_pixels(frame, invalid)
        valid_entries = ~is_invalid[self.entry_pixels]
        pixel, index = self.entry_pixels[valid_entries], matrix.indices[valid_entries]
        square = matrix.entry_weights()[valid_entries] ** 2
        with np.errstate(invalid="ignore", over="ignore"):
            signal = self._pixel_terms(frame, "none", None)[0].astype(np.float64)
            norm = np.ones(matrix.n_pixels) if self.task.normalization is None else self.task.normalization
            residual = signal[pixel] - mean[index] * norm[pixel]
            squares = _summed(index, square * residual**2, matrix.n_bins)
            cross = _summed(index, square * norm[pixel] * residual, matrix.n_bins)
            if self.pairing is None:
                return Residuals(squares, cross)
            return Residuals(squares, cross, self.pairing.of_residuals(signal, norm, mean, is_invalid))

    def _pixel_terms(
        self, frame: AnyArray, variance_model: VarianceModel, variance: FloatArray | None
    ) -> tuple[AnyArray, AnyArray | None]:
        """Return signal and variance of every pixel: int64 where that is exact, float64 otherwise."""
        task = self.task
        stays_integer = frame.dtype.kind in "iu" and frame.dtype.itemsize <= 4
        raw = frame.astype(np.int64 if stays_integer else np.float64)
        spread: AnyArray | None = None
        if variance_model == "poisson":
            spread = poisson_variance(raw)
        elif variance_model == "variance":
            spread = variance
        signal = raw if task.offset is None else raw - task.offset
        if task.gain is None:
            return signal, spread
        return signal * task.gain, None if spread is None else spread * task.gain**2


def _summed(index: IndexArray, values: FloatArray, n_bins: int) -> FloatArray:
    return np.asarray(np.bincount(index, weights=values, minlength=n_bins), dtype=np.float64)
