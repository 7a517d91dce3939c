# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The reducer of a plan that keeps outliers out: the same for one frame and for many."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.engines import RobustReducer, RobustSums, StaticVariances
from azimuthal.errors import UnsupportedOptionError
from azimuthal.masks import InvalidRanges
from azimuthal.rejection import Rejection
from azimuthal.typing import AnyArray, ErrorModel, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RejectingReducer:
    """A robust reducer with what a plan says about it.

    It has a ``reduce_stack``, so that streams share frames among threads, but reads no compressed chunks: these are
    decoded first.
    """

    robust: RobustReducer
    rejection: Rejection
    error_model: ErrorModel | None
    n_threads: int
    static: StaticVariances = (None, None)

    @property
    def nbytes(self) -> int:
        """Memory of the lists in bytes."""
        return self.robust.nbytes

    def reduce(self, frame: AnyArray, variance: FloatArray | None, invalid: InvalidRanges) -> RobustSums:
        """Return the sums of one frame, on all threads."""
        return self._one(frame, variance, invalid, self.n_threads)

    def reduce_stack(self, frames: Sequence[AnyArray], _model: Any, invalid: InvalidRanges) -> list[RobustSums]:
        """Return the sums of several frames, on the calling thread."""
        return [self._one(frame, None, invalid, 1) for frame in frames]

    def _one(self, frame: AnyArray, variance: FloatArray | None, invalid: InvalidRanges, n_threads: int) -> RobustSums:
        found = self.robust.reduce(
            frame, self.rejection, self.error_model, variance, invalid, n_threads=n_threads, static=self.static
        )
        return found if self.static[0] is None and self.static[1] is None else _with_static(found)


def check_static(rejection: Rejection, error_model: ErrorModel | None) -> None:
    """Raise where the noise of dark and flat would make outliers of good pixels.

    Raises
    ------
    UnsupportedOptionError
        Sigma clipping compares with a variance that does not hold this noise.
    """
    if rejection.method == "sigma" and error_model != "hybrid":
        raise UnsupportedOptionError(
            f"reject: 'sigma' with error_model={error_model!r} compares pixels with a noise that dark_variance and "
            "flat_variance are not in, and would reject good ones. Pass error_model='hybrid', which compares them with "
            "their spread, or leave dark_variance and flat_variance out."
        )


def _with_static(found: RobustSums) -> RobustSums:
    """Return sums whose variance holds that of dark and flat: azimuthal.uncertainty."""
    sums = found.sums
    assert sums.variance is not None  # azimuthal.integrate.spec.check_variances
    mean = np.divide(sums.signal, sums.normalization, out=np.zeros_like(sums.signal), where=sums.normalization != 0)
    dark, flat = found.static
    static = np.zeros_like(mean)
    if dark is not None:
        static += dark
    if flat is not None:
        static += mean**2 * flat
    return found.with_sums(dataclasses.replace(sums, variance=sums.variance + static, static=static))


def rejecting(
    reducer: object,
    rejection: Rejection,
    error_model: ErrorModel | None,
    engine: str,
    n_threads: int,
    static: StaticVariances = (None, None),
) -> RejectingReducer:
    """Return the reducer of a plan with `reject`.

    Raises
    ------
    UnsupportedOptionError
        The engine cannot keep outliers out.
    """
    make: Callable[[], RobustReducer] | None = getattr(reducer, "robust", None)
    if make is None:
        raise UnsupportedOptionError(
            f"reject: the engine {engine!r} cannot keep outliers out. Use engine='native', or leave reject out."
        )
    return RejectingReducer(make(), rejection, error_model, n_threads, static)
