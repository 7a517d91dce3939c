# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""All contenders at one case: each is tried once and its result compared, then they take turns."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders import Contender, Entry, contenders, installed_version
from azimuthal.pipelines.benchmark.measurement import Measurement
from azimuthal.pipelines.benchmark.timing import seconds_of, take_turns
from azimuthal.pipelines.benchmark.workbench import Workbench


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """What is known after the first call; no entry when it failed."""

    measurement: Measurement
    entry: Entry | None
    seconds: float


def measure(case: Case, bench: Workbench, n_cores: int) -> list[Measurement]:
    """Return the measurements of all contenders at one case.

    Trouble of a peer becomes its measurement; our own is raised.
    """
    tried: list[_Tried] = []
    for contender in contenders(peers=bench.settings.peers):
        if installed_version(contender) is not None:
            tried += _tried(contender, case, bench, n_cores)
    running = [one for one in tried if one.entry is not None]
    entries = [one.entry for one in running if one.entry is not None]
    turns = take_turns(
        [entry.work for entry in entries],
        bench.settings.repeats,
        bench.settings.budget,
        [_turns_left(entry, bench.settings.repeats) for entry in entries],
    )
    done = [_with_times(*both) for both in zip(running, turns, strict=True)]
    return done + [one.measurement for one in tried if one.entry is None]


def _tried(contender: Contender, case: Case, bench: Workbench, n_cores: int) -> Iterator[_Tried]:
    blank = Measurement(
        case=case.name, case_kind=case.kind, cores=n_cores, contender=contender.name, label="", kind=contender.kind
    )
    try:
        for entry in contender.entries(case, bench):
            blank = replace(blank, label=entry.label, note=entry.note, tolerance=entry.tolerance)
            yield _first_call(entry, blank)
    except Exception as error:  # whatever goes wrong in another package is a result
        if contender.kind == "ours":
            raise
        yield _Tried(replace(blank, failure=_reason(error)), None, 0.0)


def _first_call(entry: Entry, measurement: Measurement) -> _Tried:
    seconds, result = seconds_of(entry.work)
    deviation = None if entry.deviation is None else float(entry.deviation(result))
    peak = None if entry.peak_bytes is None else entry.peak_bytes(result)
    return _Tried(replace(measurement, deviation=deviation, peak_bytes=peak), entry, seconds)


def _turns_left(entry: Entry, repeats: int) -> int:
    turns = repeats if entry.most_turns is None else min(entry.most_turns, repeats)
    return turns if entry.warm_up else turns - 1


def _with_times(tried: _Tried, taken: list[float]) -> Measurement:
    entry = tried.entry
    if entry is None:
        return tried.measurement
    overhead = 0.0
    if entry.overhead is not None:
        overhead = statistics.median(take_turns([entry.overhead], len(taken), float("inf"))[0])
    every = taken if entry.warm_up else [tried.seconds, *taken]
    if min(every) <= overhead:
        return replace(tried.measurement, failure="too short to be told from the cost of its calls")
    return replace(tried.measurement, seconds=tuple((seconds - overhead) / entry.n_frames for seconds in every))


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
