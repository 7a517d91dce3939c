# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The compiled engine: the same sums, on all cores, with the GIL released.

The order of additions depends on the plan alone, never on the number of threads.  Sums that do not depend on the frame
are made once; a frame with invalid pixels makes its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal import _core
from azimuthal.engines._protocol import FRAME_DTYPES, BinSums, Capabilities, ReductionTask, VarianceModel
from azimuthal.masks import InvalidRanges
from azimuthal.typing import AnyArray, FloatArray

name = "native"
capabilities = Capabilities(FRAME_DTYPES, ("none", "poisson", "variance"), uses_threads=True, device="cpu")

_MODELS: dict[VarianceModel, int] = {"none": 0, "poisson": 1, "variance": 2}


@dataclass(frozen=True, slots=True, eq=False)
class _Denominators:
    normalization: FloatArray
    normalization2: FloatArray
    count: FloatArray


def prepare(task: ReductionTask, *, n_threads: int) -> NativeReducer:
    """Return the task made ready for many frames."""
    matrix = task.matrix
    scatter = _core.Scatter(
        matrix.indptr,
        matrix.indices,
        matrix.weights,
        matrix.n_bins,
        task.offset,
        task.gain,
        task.normalization,
    )
    of_valid_frame = _denominators(scatter, matrix.n_bins, None, InvalidRanges(), n_threads)
    for array in (of_valid_frame.normalization, of_valid_frame.normalization2, of_valid_frame.count):
        array.flags.writeable = False
    return NativeReducer(scatter, matrix.n_bins, of_valid_frame, n_threads)


@dataclass(frozen=True, slots=True, eq=False)
class NativeReducer:
    """The compiled arrays, and the denominators of a frame without invalid pixels."""

    scatter: _core.Scatter
    n_bins: int
    denominators: _Denominators
    n_threads: int

    def reduce(
        self,
        frame: AnyArray,
        variance_model: VarianceModel,
        variance: FloatArray | None,
        invalid: InvalidRanges,
    ) -> BinSums:
        """Return the sums of one frame."""
        low, high = _bounds(invalid)
        signal = np.empty(self.n_bins)
        sum_variance = None if variance_model == "none" else np.empty(self.n_bins)
        n_invalid = self.scatter.reduce(
            frame,
            _MODELS[variance_model],
            variance,
            low,
            high,
            invalid.nonfinite,
            signal,
            sum_variance,
            self.n_threads,
        )
        denominators = self.denominators
        if n_invalid:
            denominators = _denominators(self.scatter, self.n_bins, frame, invalid, self.n_threads)
        return BinSums(
            signal,
            sum_variance,
            denominators.normalization,
            denominators.normalization2,
            denominators.count,
            n_invalid,
        )


def _denominators(
    scatter: _core.Scatter, n_bins: int, frame: AnyArray | None, invalid: InvalidRanges, n_threads: int
) -> _Denominators:
    """Return the sums that depend on a frame through its invalid pixels only; None: a frame without any."""
    sums = _Denominators(np.empty(n_bins), np.empty(n_bins), np.empty(n_bins))
    low, high = _bounds(invalid)
    scatter.denominators(
        frame, low, high, invalid.nonfinite, sums.normalization, sums.normalization2, sums.count, n_threads
    )
    return sums


def _bounds(invalid: InvalidRanges) -> tuple[list[float], list[float]]:
    return [low for low, _ in invalid.ranges], [high for _, high in invalid.ranges]
