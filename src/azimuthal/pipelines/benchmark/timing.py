# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Timing: contenders take turns, so that a machine that slows down slows them all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_ALWAYS = 3  # how often a slow contender works nevertheless


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return wall time and result of one call."""
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def take_turns(
    works: Sequence[Callable[[], Any]], repeats: int, budget: float, most: Sequence[int | None] | None = None
) -> list[list[float]]:
    """Return the wall times of every work, in s.

    Parameters
    ----------
    works:
        Called in turns.
    repeats:
        How many turns.
    budget:
        Seconds in total after which a work is left out, once it had three turns.
    most:
        For every work, how many turns it has at most; None for `repeats`.
    """
    limits = [repeats if one is None else min(one, repeats) for one in most or [None] * len(works)]
    times: list[list[float]] = [[] for _ in works]
    with _collection_paused():
        for turn in range(repeats):
            for work, taken, limit in zip(works, times, limits, strict=True):
                if turn < limit and (turn < _ALWAYS or sum(taken) < budget):
                    taken.append(seconds_of(work)[0])
    return times


def median_seconds(work: Callable[[], Any], repeats: int) -> float:
    """Return the median wall time of some calls, after one that is not timed."""
    work()
    return statistics.median(take_turns([work], repeats, float("inf"))[0])


@contextmanager
def _collection_paused() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
