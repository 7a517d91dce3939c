# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames that have a geometry each: weights are made, used once and let go, in bounded memory.

Whole frames are given to threads, for making the weights of one frame parallel scales less well than making those of
several at once.  As many plans exist at a time as threads work, and no more than fit into `_PLANS_BYTES`; cores that
are left over then share a plan.  Results come in order and do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from azimuthal.engines import thread_count
from azimuthal.integrate._relay import Relay
from azimuthal.integrate.plan import compile
from azimuthal.integrate.spec import PixelArrays, PlanSpec

_PLANS_BYTES = 2 << 30
#: Of a plan with full splitting and the frame that it is made for, while both are in use; measured.
_BYTES_PER_PIXEL = 48


@dataclass(frozen=True, slots=True)
class Job:
    """A frame, and all that its result depends on."""

    spec: PlanSpec
    arrays: PixelArrays
    frame: Any
    normalization_factor: float = 1.0
    variance: Any = None
    metadata: dict[str, Any] | None = None
    normalization_variance: float = 0.0

    def done(self, n_threads: int) -> Any:
        """Return the result."""
        plan = compile(self.spec, self.arrays, threads=n_threads)
        return plan(
            self.frame,
            normalization_factor=self.normalization_factor,
            variance=self.variance,
            metadata=self.metadata,
            normalization_variance=self.normalization_variance,
        )


@dataclass(frozen=True, slots=True)
class _Failure:
    error: Exception


def integrate_each(
    n_jobs: int, fetch: Callable[[int], Job], *, n_pixels: int, threads: int | None = None
) -> Generator[Any]:
    """Yield the results of numbered jobs, in order.

    Parameters
    ----------
    n_jobs:
        How many.
    fetch:
        Makes one job, in a thread of its own, in order.
    n_pixels:
        Of the largest frame.
    threads:
        As for :func:`azimuthal.integrate.compile`.
    """
    n_workers, n_threads = _shared(min(thread_count(threads), n_jobs), n_pixels)

    def read(number: int) -> Job | _Failure:
        try:
            return fetch(number)
        except Exception as error:  # raised again where the result is due
            return _Failure(error)

    def work(jobs: Sequence[Job | _Failure]) -> list[Any]:
        return [_outcome(job, n_threads) for job in jobs]

    relay = Relay(n_jobs, read, work, batch_size=lambda _: 1, n_readers=1, n_workers=n_workers, n_ahead=n_workers + 1)
    for number, outcome in enumerate(relay.outcomes()):
        if isinstance(outcome, _Failure):
            raise _located(outcome.error, number)
        yield outcome


def integrate_stream(jobs: Iterator[Job], *, threads: int | None = None) -> Generator[Any]:
    """Yield the results of jobs whose number is not known, one after another."""
    n_threads = thread_count(threads)
    for number, job in enumerate(jobs):
        outcome = _outcome(job, n_threads)
        if isinstance(outcome, _Failure):
            raise _located(outcome.error, number)
        yield outcome


def _shared(n_threads: int, n_pixels: int) -> tuple[int, int]:
    """Return how many plans are made at once, and the threads of each."""
    n_workers = max(1, min(n_threads, _PLANS_BYTES // (_BYTES_PER_PIXEL * max(1, n_pixels))))
    return n_workers, max(1, n_threads // n_workers)


def _outcome(job: Job | _Failure, n_threads: int) -> Any:
    if isinstance(job, _Failure):
        return job
    try:
        return job.done(n_threads)
    except Exception as error:  # raised again where the result is due
        return _Failure(error)


def _located(error: Exception, number: int) -> Exception:
    error.add_note(f"This is frame number {number}, counted from 0, with the geometry of that number.")
    return error
