# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The reducer of a plan that keeps outliers out: the same for one frame and for many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from azimuthal.engines import RobustReducer, RobustSums
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
        return self.robust.reduce(frame, self.rejection, self.error_model, variance, invalid, n_threads=n_threads)


def rejecting(
    reducer: object, rejection: Rejection, error_model: ErrorModel | None, engine: str, n_threads: int
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
    return RejectingReducer(make(), rejection, error_model, n_threads)
