# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What an engine gives for robust averages (`azimuthal.rejection`): one frame in, sums of what is kept out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from azimuthal.engines._protocol import BinSums
from azimuthal.masks import InvalidRanges
from azimuthal.rejection import Rejection
from azimuthal.typing import AnyArray, ErrorModel, FloatArray, IndexArray

#: Entries of a bin that the median of the start is made of, at most.
SAMPLE = 127
#: Of the median absolute deviation, to the standard deviation of normal values.
MAD_TO_SIGMA = 1.4826022185056018
#: Differences below this part of the mean are rounding.
ROUNDING = 1e-10
#: A spread of exactly zero of fewer others than this says nothing.
LEAST_FOR_NO_SPREAD = 10.0
#: Of the variance of all, below which that of the others is rounding.
NO_SPREAD = 1e-12
#: Cumulative weights that differ by less than this part of the whole are equal.
SAME_WEIGHT = 1e-12


#: Of the dark and of the flat field: float64, shape (n_pixels,) or, summed, (n_bins,); or None.
StaticVariances: TypeAlias = tuple[FloatArray | None, FloatArray | None]


@dataclass(frozen=True, slots=True, eq=False)
class RobustSums:
    """Sums per bin of what is kept, and what became of the entries.

    Parameters
    ----------
    sums:
        Of the kept entries, trimmed ones with the part that is kept.  For the error model "azimuthal" (and None with
        "sigma") `variance` is ``sum c^2 (s - m n)^2 n / (n - 1)``, n the effective number, and `cross` belongs to it.
        For quantiles it is the square of sem times that of the normalisation.
    rejected:
        uint32, ascending: pixels rejected from any bin; None for quantiles.
    iterations:
        int32, shape (n_bins,): rounds of sigma clipping; None for quantiles.
    n_kept, n_rejected:
        int32, shape (n_bins,): entries; those that a trimmed mean leaves out wholly are not kept.
    static:
        ``sum c^2 v`` of the variances that do not depend on the frame, of what `sums.variance` is made of.
    """

    sums: BinSums
    rejected: AnyArray | None
    iterations: IndexArray | None
    n_kept: IndexArray
    n_rejected: IndexArray
    static: StaticVariances = (None, None)

    def with_sums(self, sums: BinSums) -> RobustSums:
        """Return the same with other sums."""
        return dataclasses.replace(self, sums=sums)


class RobustReducer(Protocol):
    """A task made ready for robust averages; immutable, and safe to call from any number of threads at once."""

    @property
    def nbytes(self) -> int:
        """Memory in bytes beside that of the weights."""

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
        """Return the sums of one frame, and those of variances `static` of its pixels.

        Parameters as in `azimuthal.engines.Reducer.reduce`.

        Raises
        ------
        FloatingPointError
            Never: NaN and infinity of pixels that are not invalid count, as they do in a plain sum.
        """


def spread_variance(squares: FloatArray, normalization: FloatArray, normalization2: FloatArray) -> FloatArray:
    """Return the variance of the azimuthal model: squared residuals times n / (n - 1), n effective pixels.

    NaN where one pixel only is left, 0 in empty bins.
    """
    n = np.divide(normalization**2, normalization2, out=np.zeros_like(squares), where=normalization2 > 0)
    factor = np.divide(n, n - 1, out=np.where(n > 0, np.nan, 1.0), where=n > 1 + 1e-9)
    variance: FloatArray = squares * factor
    return variance


def uses_spread(error_model: ErrorModel | None) -> bool:
    """Return whether the spread of a bin's entries says what is an outlier."""
    return error_model in (None, "azimuthal", "hybrid")


def counts_photons(error_model: ErrorModel | None) -> bool:
    """Return whether the variance of a pixel is its raw value."""
    return error_model in ("poisson", "hybrid")
