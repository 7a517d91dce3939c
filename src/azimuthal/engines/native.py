# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The compiled engine: the same sums at the detector's rate, with the GIL released.

Weights are packed into a few bytes per pixel, sums are float64.  Results agree with the reference engine to 1e-12;
those of counts with weights of one are the same bits.  They do not depend on the number of threads, the instruction
set, or how a frame comes: alone, in a batch, or as a compressed chunk.

Sums that do not depend on the frame are made once; the invalid pixels of a frame are taken away from them.

The environment variable AZIMUTHAL_INSTRUCTIONS forces an instruction set ("avx512", "avx2", "baseline"), for tests.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from azimuthal import _core
from azimuthal._validate import one_of
from azimuthal.engines._protocol import (
    CHUNK_CODECS,
    FRAME_DTYPES,
    BinSums,
    Capabilities,
    ReductionTask,
    Residuals,
    VarianceModel,
)
from azimuthal.engines._robust import RobustSums, StaticVariances, counts_photons, spread_variance, uses_spread
from azimuthal.engines.covariance.native import PairSummation
from azimuthal.masks import InvalidRanges
from azimuthal.rejection import Rejection, normal_variance_ratio
from azimuthal.sparse import BinPairs
from azimuthal.sparse._native import PackedMatrix, packed_matrix
from azimuthal.typing import AnyArray, ErrorModel, FloatArray

name = "native"
capabilities = Capabilities(
    FRAME_DTYPES, ("none", "poisson", "variance"), uses_threads=True, device="cpu", covariance=True
)

INSTRUCTIONS_VARIABLE = "AZIMUTHAL_INSTRUCTIONS"
_MODELS: dict[VarianceModel, int] = {"none": 0, "poisson": 1, "variance": 2}


def instruction_sets() -> tuple[str, ...]:
    """Return the instruction sets that this build and this machine have, best first."""
    return tuple(_core.instruction_sets())


def use_instructions(wanted: str) -> None:
    """Force an instruction set for the whole process; results are the same bits.

    Raises
    ------
    UnknownNameError
        It is not one of :func:`instruction_sets`.
    """
    _core.use_instructions(one_of("instructions", wanted, instruction_sets()))


def prepare(task: ReductionTask, *, n_threads: int) -> NativeReducer:
    """Return the task made ready for many frames."""
    if configured := os.environ.get(INSTRUCTIONS_VARIABLE):
        _core.use_instructions(one_of(INSTRUCTIONS_VARIABLE, configured, instruction_sets()))
    weights = packed_matrix(task.weights, n_threads)
    reduction = _core.Reduction(weights.packed, task.offset, task.gain, task.normalization, n_threads)
    spread = _core.Residuals(weights.packed, task.offset, task.gain, task.normalization)
    pairing = None
    if task.covariance:
        pairing = PairSummation.of(weights, task.offset, task.gain, task.normalization, n_threads)
    return NativeReducer(weights, reduction, spread, n_threads, task, pairing)


@dataclass(frozen=True, slots=True, eq=False)
class NativeReducer:
    """The compiled arrays."""

    weights: PackedMatrix
    reduction: _core.Reduction
    spread: _core.Residuals
    n_threads: int
    task: ReductionTask
    pairing: PairSummation | None = None

    @property
    def pairs(self) -> BinPairs | None:
        """The pairs of bins that share a pixel, where their covariance is summed."""
        return None if self.pairing is None else self.pairing.pairs

    @property
    def chunk_dtypes(self) -> tuple[str, ...]:
        """Types of frames that :meth:`reduce_chunks` takes."""
        return ("uint8", "uint16", "uint32")

    @property
    def chunk_codecs(self) -> tuple[str, ...]:
        """Ways of compression that :meth:`reduce_chunks` takes."""
        return CHUNK_CODECS

    def reduce(
        self,
        frame: AnyArray,
        variance_model: VarianceModel,
        variance: FloatArray | None,
        invalid: InvalidRanges,
    ) -> BinSums:
        """Return the sums of one frame, on all threads."""
        sums = _bin_sums(
            self.reduction.frame(
                frame, _MODELS[variance_model], variance, invalid.ranges, invalid.nonfinite, self.n_threads
            )
        )
        assert sums is not None  # only chunks can be damaged
        return self._with_covariance(sums, frame, variance, invalid, self.n_threads)

    def robust(self) -> NativeRobustReducer:
        """Return what makes robust averages of the same task."""
        task = self.task
        return NativeRobustReducer(
            _core.RobustReduction(self.weights.packed, task.offset, task.gain, task.normalization, self.n_threads)
        )

    def residuals(
        self, frame: AnyArray, mean: FloatArray, invalid: InvalidRanges, *, n_threads: int | None = None
    ) -> Residuals:
        """Return the sums of the residuals of one frame about the means of its bins."""
        threads = self.n_threads if n_threads is None else n_threads
        squares, cross = self.spread.frame(frame, mean, invalid.ranges, invalid.nonfinite, threads)
        if self.pairing is None:
            return Residuals(squares, cross)
        covariance = self.pairing.of_frame(frame, None, invalid, means=mean, n_threads=threads)
        return Residuals(squares, cross, covariance)

    def reduce_stack(
        self, frames: Sequence[AnyArray], variance_model: VarianceModel, invalid: InvalidRanges
    ) -> list[BinSums]:
        """Return the sums of several frames, on the calling thread; fastest with 16."""
        found = self.reduction.stack(list(frames), _MODELS[variance_model], invalid.ranges, invalid.nonfinite)
        return [
            self._with_covariance(sums, frame, None, invalid, 1)
            for one, frame in zip(found, frames, strict=True)
            if (sums := _bin_sums(one)) is not None
        ]

    def reduce_chunks(
        self,
        chunks: Sequence[Any],
        codec: str,
        dtype: np.dtype[Any],
        variance_model: VarianceModel,
        invalid: InvalidRanges,
    ) -> list[BinSums | None]:
        """Return the sums of several compressed chunks of one frame each, on the calling thread; fastest with 16.

        None stands for a chunk that is damaged.
        """
        how = CHUNK_CODECS.index(one_of("codec", codec, CHUNK_CODECS))
        kind = self.chunk_dtypes.index(one_of("dtype", dtype.name, self.chunk_dtypes))
        model = _MODELS[variance_model]
        found = self.reduction.chunks(chunks, how, kind, model, invalid.ranges, invalid.nonfinite)
        all_sums = [_bin_sums(one) for one in found]
        if self.pairing is None or variance_model == "none":
            return all_sums
        return [
            None if sums is None else _joined(sums, self.pairing.of_chunk(chunk, how, kind, invalid))
            for sums, chunk in zip(all_sums, chunks, strict=True)
        ]

    def decode_chunk(self, chunk: Any, codec: str, out: AnyArray) -> bool:
        """Fill a frame with the pixels of a chunk, on the calling thread; False when the chunk is damaged.

        Parameters
        ----------
        chunk, codec:
            As for :meth:`reduce_chunks`.
        out:
            C-contiguous, of the type of the frame.
        """
        number = CHUNK_CODECS.index(one_of("codec", codec, CHUNK_CODECS))
        return _core.chunk_decode(number, chunk, out.dtype.itemsize, out.reshape(-1).view(np.uint8), 1) == 0

    def _with_covariance(
        self, sums: BinSums, frame: AnyArray, variance: FloatArray | None, invalid: InvalidRanges, n_threads: int
    ) -> BinSums:
        if self.pairing is None or sums.variance is None:
            return sums
        return _joined(sums, self.pairing.of_frame(frame, variance, invalid, n_threads=n_threads))


def _joined(sums: BinSums, covariance: FloatArray | None) -> BinSums:
    return replace(sums, covariance=covariance)


@dataclass(frozen=True, slots=True, eq=False)
class NativeRobustReducer:
    """The compiled lists of every bin's pixels."""

    reduction: _core.RobustReduction

    @property
    def nbytes(self) -> int:
        """Memory of the lists in bytes."""
        return int(self.reduction.nbytes)

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
        """Return the sums of one frame; bins are shared among the threads, and do not depend on their number."""
        model = 2 if error_model == "variance" else int(counts_photons(error_model))
        given = (frame, model, variance, invalid.ranges, invalid.nonfinite)
        if rejection.method == "sigma":
            spread = 0 if uses_spread(error_model) else 1 if error_model == "poisson" else 2
            found = self.reduction.clip(*given, spread, rejection.threshold, rejection.max_iter, *static, n_threads)
            return _robust_sums(found, error_model)
        assert rejection.quantiles is not None
        error = 0 if error_model is None else 1 if error_model == "azimuthal" else 2
        ratio = normal_variance_ratio(rejection.quantiles)
        found = self.reduction.trim(*given, *rejection.quantiles, error, ratio, *static, n_threads)
        return _robust_sums(found, None)


def _robust_sums(found: tuple[Any, ...], error_model: ErrorModel | None) -> RobustSums:
    signal, variance, normalization, normalization2, count, squares, cross, *rest = found
    rejected, iterations, n_kept, n_rejected, n_invalid, *static = rest
    is_azimuthal = error_model == "azimuthal"
    if is_azimuthal:
        variance = spread_variance(squares, normalization, normalization2)
    return RobustSums(
        BinSums(
            signal, variance, normalization, normalization2, count, n_invalid, cross=cross if is_azimuthal else None
        ),
        None if iterations is None else rejected,
        iterations,
        n_kept,
        n_rejected,
        (static[0], static[1]),
    )


def _bin_sums(found: tuple[Any, ...]) -> BinSums | None:
    error, signal, variance, normalization, normalization2, count, n_invalid = found
    return None if error else BinSums(signal, variance, normalization, normalization2, count, n_invalid)
