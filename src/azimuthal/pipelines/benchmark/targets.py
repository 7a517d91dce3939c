# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The speed contract: which ratios must be reached, and whether they are.

A ratio compares the fastest way of a contender whose result agrees with our way, both from the same run on the same
cores.  A target whose contenders did not run is left open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from azimuthal.pipelines.benchmark.contenders import limits, ours
from azimuthal.pipelines.benchmark.measurement import Measurement

Wanted: TypeAlias = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the contract.

    Parameters
    ----------
    item:
        Number in the contract.
    text:
        What is compared.
    cores:
        On how many cores.
    wanted, goal:
        The condition.
    value:
        What was measured; NaN when it was not.
    """

    item: int
    text: str
    cores: int
    wanted: Wanted
    goal: float
    value: float

    @property
    def reached(self) -> bool | None:
        """Whether it was; None when it was not measured."""
        if math.isnan(self.value):
            return None
        return self.value >= self.goal if self.wanted == "at least" else self.value <= self.goal

    @property
    def verdict(self) -> str:
        """In a word."""
        return {None: "not measured", True: "reached", False: "NOT reached"}[self.reached]


class Results:
    """Measurements, to be asked for."""

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self._all = tuple(measurements)

    @property
    def cores(self) -> tuple[int, ...]:
        """Numbers of cores, increasing."""
        return tuple(sorted({one.cores for one in self._all}))

    def fastest(self, case: str, cores: int, contender: str, label: str | None = None) -> Measurement | None:
        """Return the fastest way of a contender that agrees; None when there is none."""
        found = [
            one
            for one in self._all
            if (one.case, one.cores, one.contender) == (case, cores, contender)
            and label in (None, one.label)
            and one.agrees
            and one.seconds
        ]
        return min(found, key=lambda one: one.median, default=None)

    def seconds(self, case: str, cores: int, contender: str, label: str | None = None) -> float:
        """Return the time per frame of `fastest`; NaN when there is none."""
        found = self.fastest(case, cores, contender, label)
        return math.nan if found is None else found.median


def targets(results: Results, *, low: str | None, high: str) -> list[Target]:
    """Return the contract with what was measured.

    Parameters
    ----------
    results:
        Of a run.
    low, high:
        The lowest and highest mean counts, as in the names of cases: ``"0.02"``, ``"40"``; None when there is one only.
    """
    found: list[Target] = []
    for cores in results.cores:
        found += _on(results, cores, low, high)
    found += _of_file(results, f"file full sigma u32 {high} counts")
    return sorted(found, key=lambda target: (target.item, target.cores))


def _on(results: Results, cores: int, low: str | None, high: str) -> list[Target]:
    def ratio(case: str, other: str, our_label: str | None = None, other_label: str | None = None) -> float:
        mine = results.seconds(case, cores, ours.name, our_label)
        return results.seconds(case, cores, other, other_label) / mine

    none = f"chunk none u32 {high} counts"
    full, cake = f"chunk full sigma u32 {high} counts", f"cake full sigma u32 {high} counts"
    line = _Line(cores)
    found = [
        line(1, f"{none}: bslz4_to_sparse / ours", 3.0, ratio(none, "bslz4_to_sparse")),
        line(2, f"{full}: bslz4_to_sparse (signal only) / ours", 4.5, ratio(full, "bslz4_to_sparse")),
        line(2, f"{full}: pyFAI with h5py / ours", 40.0, ratio(full, "pyFAI")),
        line(5, f"{cake}: pyFAI / ours, {ours.ONE_FRAME}", 10.0, ratio(cake, "pyFAI", ours.ONE_FRAME)),
        line(5, f"{cake}: pyFAI / ours, {ours.BATCH}", 10.0, ratio(cake, "pyFAI", ours.BATCH)),
    ]
    if low is not None:
        sparse = f"chunk none u32 {low} counts"
        found += [
            line(1, f"{sparse}: bslz4_to_sparse / ours", 2.0, ratio(sparse, "bslz4_to_sparse")),
            line(1, f"{sparse}: our dense batch / our chunks", 1.0, _dense_over_chunk(results, cores, low)),
        ]
    if cores == 1:
        value = 1.0 / ratio(none, limits.name, None, limits.LZ4)
        found.append(Target(1, f"{none}: ours / liblz4 alone", cores, "at most", 2.0, value))
    for dtype in ("u32", "u16"):
        for label in (ours.ONE_FRAME, ours.BATCH):
            split, plain = f"dense full sigma {dtype} {high} counts", f"dense none {dtype} {high} counts"
            found += [
                line(3, f"{split}: pyFAI / ours, {label}", 20.0, ratio(split, "pyFAI", label)),
                line(3, f"{plain}: numpy.bincount / ours, {label}", 4.0, ratio(plain, "numpy.bincount", label)),
            ]
    return found


class _Line:
    """Makes lines of the commonest form."""

    def __init__(self, cores: int) -> None:
        self._cores = cores

    def __call__(self, item: int, text: str, goal: float, value: float) -> Target:
        return Target(item, text, self._cores, "at least", goal, value)


def _dense_over_chunk(results: Results, cores: int, low: str) -> float:
    dense = results.seconds(f"dense none u32 {low} counts", cores, ours.name, ours.BATCH)
    return dense / results.seconds(f"chunk none u32 {low} counts", cores, ours.name)


def _of_file(results: Results, case: str) -> list[Target]:
    if not results.cores:
        return []
    most, fewest = results.cores[-1], results.cores[0]
    mine, one = results.fastest(case, most, ours.name), results.seconds(case, fewest, ours.name)
    peak = math.nan if mine is None or mine.peak_bytes is None else mine.peak_bytes / 1e9
    seconds = results.seconds(case, most, ours.name)
    ratio = results.seconds(case, most, "pyFAI") / seconds
    found = [
        Target(4, f"{case}: pyFAI loop / ours, cold start", most, "at least", 30.0, ratio),
        Target(4, f"{case}: peak memory, GB", most, "at most", 1.0, peak),
    ]
    if most > fewest:
        scaling = one / seconds * (2 / most)  # as if there were two
        found.append(Target(4, f"{case}: one core / {most} cores", most, "at least", 1.8, scaling))
    return found


def count_text(counts: float) -> str:
    """Return mean counts as the names of cases have them."""
    return f"{counts:g}"
