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

_ALL_VALID: FloatArray | None = None  # in place of a frame


@dataclass(frozen=True, slots=True, eq=False)
class _Denominators:
    normalization: FloatArray
    normalization2: FloatArray
    count: FloatArray

    @classmethod
    def empty(cls, n_bins: int) -> _Denominators:
        return cls(np.empty(n_bins), np.empty(n_bins), np.empty(n_bins))


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
    of_valid_frame = _Denominators.empty(matrix.n_bins)
    scatter.denominators(
        _ALL_VALID, [], [], False, of_valid_frame.normalization, of_valid_frame.normalization2, of_valid_frame.count,
        n_threads,
    )  # fmt: skip
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
        low = [low for low, _ in invalid.ranges]
        high = [high for _, high in invalid.ranges]
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
            denominators = _Denominators.empty(self.n_bins)
            self.scatter.denominators(
                frame, low, high, invalid.nonfinite, denominators.normalization, denominators.normalization2,
                denominators.count, self.n_threads,
            )  # fmt: skip
        return BinSums(
            signal,
            sum_variance,
            denominators.normalization,
            denominators.normalization2,
            denominators.count,
            n_invalid,
        )
