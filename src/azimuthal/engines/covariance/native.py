# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The covariance of bins by the compiled core: one more pass over the frame, on packed weights, with the GIL released.

Sums do not depend on the number of threads, nor on how a frame comes.  A compressed chunk is decoded for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from azimuthal import _core
from azimuthal.masks import InvalidRanges
from azimuthal.sparse import MOST_PAIRS, BinPairs, refuse_pairs
from azimuthal.sparse._native import PackedMatrix
from azimuthal.typing import AnyArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PairSummation:
    """The pairs of packed weights, made ready for many frames."""

    pairs: BinPairs
    reduction: _core.PairReduction
    n_threads: int

    @classmethod
    def of(
        cls,
        weights: PackedMatrix,
        offset: FloatArray | None,
        gain: FloatArray | None,
        normalization: FloatArray | None,
        n_threads: int,
    ) -> PairSummation:
        """Return that of weights and the per-pixel arrays of a task.

        Raises
        ------
        UnsupportedOptionError
            Too many bins share pixels.
        """
        try:
            reduction = _core.PairReduction(weights.packed, offset, gain, normalization, MOST_PAIRS, n_threads)
        except ValueError as error:
            raise refuse_pairs() from error
        return cls(BinPairs(*reduction.pairs()), reduction, n_threads)

    def of_frame(
        self,
        frame: AnyArray,
        variance: FloatArray | None,
        invalid: InvalidRanges,
        *,
        means: FloatArray | None = None,
        n_threads: int | None = None,
    ) -> FloatArray:
        """Return the covariance of every pair; shape (n_pairs,).

        Parameters
        ----------
        frame:
            As :meth:`azimuthal.engines.Reducer.reduce` takes it.
        variance:
            float64, one per pixel, or None: that of counts.
        invalid:
            Values that do not count.
        means:
            float64, one per bin: residuals about them count instead of a variance.
        n_threads:
            Instead of those of the plan.
        """
        threads = self.n_threads if n_threads is None else n_threads
        return self.reduction.frame(frame, variance, means, invalid.ranges, invalid.nonfinite, threads)

    def of_chunk(
        self, chunk: Any, codec: int, dtype: int, invalid: InvalidRanges, *, means: FloatArray | None = None
    ) -> FloatArray | None:
        """Return it for one compressed frame of counts, on the calling thread; None when it is damaged."""
        return self.reduction.chunk(chunk, codec, dtype, means, invalid.ranges, invalid.nonfinite)
