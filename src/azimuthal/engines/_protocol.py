# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What an engine is: weights and per-pixel arrays in, one frame, sums per bin out.  It knows no physics.

With weights c of pixel p in bin b, and per-pixel arrays offset, gain and normalization, an engine returns ::

    signal          sum  c   (raw - offset) gain
    variance        sum  c^2 var gain^2           var = max(raw, 0) (Poisson) or as given
    normalization   sum  c   normalization
    normalization2  sum  c^2 normalization^2
    count           sum  c

over the valid pixels of the bin.  Nothing is divided here.  Given the mean m of every bin, a second pass over the same
frame returns ::

    squares         sum  c^2 r^2                  r = (raw - offset) gain - m normalization
    cross           sum  c^2 normalization r
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

from azimuthal.errors import DataTypeError
from azimuthal.masks import InvalidRanges
from azimuthal.sparse import BinPairs, Weights
from azimuthal.typing import AnyArray, FloatArray

VarianceModel: TypeAlias = Literal["none", "poisson", "variance"]

FRAME_DTYPES: tuple[str, ...] = (
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64",
)  # fmt: skip

#: How a stored frame may be compressed, in the order of the compiled core's numbers.
CHUNK_CODECS: tuple[str, ...] = ("none", "bitshuffle-lz4", "bitshuffle-zstd", "lz4")


@dataclass(frozen=True, slots=True, eq=False)
class BinSums:
    """Sums per bin, float64, shape (n_bins,); `variance` is None without a variance model.

    `covariance` has one sum for each pair of `Reducer.pairs`, and is None where none was asked for.
    """

    signal: FloatArray
    variance: FloatArray | None
    normalization: FloatArray
    normalization2: FloatArray
    count: FloatArray
    n_invalid: int
    covariance: FloatArray | None = None
    # Made of these by plans, not by engines: azimuthal.integrate.second_pass.
    cross: FloatArray | None = None
    static: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Sums of the second pass per bin, float64, shape (n_bins,); 0 in bins without valid pixels.

    `covariance`, where the task asks for it: sum c_a c_b r_a r_b of the pairs of bins that share pixels.
    """

    squares: FloatArray
    cross: FloatArray
    covariance: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ReductionTask:
    """Everything about a reduction that does not change from frame to frame.

    Parameters
    ----------
    weights:
        Of pixels in bins; pixels that must not count have no entries.
    offset, gain, normalization:
        float64, shape (n_pixels,), or None for 0, 1 and 1.
    covariance:
        Whether the covariance of bins that share pixels is summed too (:mod:`azimuthal.engines.covariance`).
    """

    weights: Weights
    offset: FloatArray | None = None
    gain: FloatArray | None = None
    normalization: FloatArray | None = None
    covariance: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; tables in the documentation are made from these."""

    dtypes: tuple[str, ...]
    variance_models: tuple[VarianceModel, ...]
    uses_threads: bool
    device: str
    covariance: bool = False


class Reducer(Protocol):
    """A task made ready; immutable, and safe to call from any number of threads at once.

    An engine may add ``reduce_stack`` and ``reduce_chunks``, as the compiled one does: many frames or chunks at once.
    Streams use them where they exist.  With ``robust``, which returns an `azimuthal.engines.RobustReducer`, it can keep
    outliers out of the averages.
    """

    @property
    def weights(self) -> Weights:
        """The weights of the task, as the engine keeps them."""

    @property
    def pairs(self) -> BinPairs | None:
        """The pairs of bins that share a pixel; None unless the task asks for their covariance."""

    def reduce(
        self,
        frame: AnyArray,
        variance_model: VarianceModel,
        variance: FloatArray | None,
        invalid: InvalidRanges,
    ) -> BinSums:
        """Return the sums of one frame.

        Parameters
        ----------
        frame:
            Shape (n_pixels,), C-contiguous, aligned, native byte order, one of FRAME_DTYPES; only read.
        variance_model:
            Which variance a pixel has.
        variance:
            float64, shape (n_pixels,), C-contiguous and aligned, for the model "variance".
        invalid:
            Values that mark invalid pixels, in the type of the frame.
        """

    def residuals(
        self, frame: AnyArray, mean: FloatArray, invalid: InvalidRanges, *, n_threads: int | None = None
    ) -> Residuals:
        """Return the sums of the residuals of one frame about the means of its bins.

        Parameters
        ----------
        frame, invalid:
            As for :meth:`reduce`.
        mean:
            float64, shape (n_bins,), C-contiguous and aligned: signal / normalization of :meth:`reduce`, 0 where that
            is 0 / 0.
        n_threads:
            At most so many; None: as for :meth:`reduce`.
        """


class Engine(Protocol):
    """Makes reducers."""

    name: str
    capabilities: Capabilities

    def prepare(self, task: ReductionTask, *, n_threads: int) -> Reducer:
        """Return the task made ready for many frames."""


def check_frame_dtype(dtype: np.dtype) -> None:
    """Raise when no engine takes frames of this type."""
    if dtype.newbyteorder("=").name not in FRAME_DTYPES:
        raise DataTypeError(f"frame: expected one of {', '.join(FRAME_DTYPES)}, got {dtype}. Convert it explicitly.")
