# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Parts of the benchmark in this process, without other packages: what the scripts in ``benchmarks/`` are made of."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from azimuthal.pipelines.benchmark.cases import Case, cases
from azimuthal.pipelines.benchmark.frames import FrameFolder, write_frames
from azimuthal.pipelines.benchmark.measurement import Measurement
from azimuthal.pipelines.benchmark.measuring import measure
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.benchmark.workbench import Workbench


@contextmanager
def workbench(settings: BenchmarkSettings, wanted: Iterable[Case], *, long: bool = False) -> Iterator[Workbench]:
    """Yield a workbench with the frames of some cases in a temporary folder; `long`: and the long file."""
    files = {(case.dtype, case.counts) for case in wanted} | {("uint32", settings.counts[-1])}
    with tempfile.TemporaryDirectory(prefix="azimuthal-benchmark-") as folder:
        write_frames(Path(folder), settings, files, long=long)
        bench = Workbench(settings, FrameFolder(Path(folder)))
        try:
            yield bench
        finally:
            bench.close()


def measured_here(
    detector: str, repeats: int, *, which: Callable[[Case], bool], label: str | None = None
) -> list[Measurement]:
    """Return measurements of ours and of the limits.

    Parameters
    ----------
    detector, repeats:
        As in `BenchmarkSettings`.
    which:
        Says whether a case is wanted.
    label:
        Of our ways, only this one; None for all.
    """
    settings = BenchmarkSettings(detector=detector, repeats=repeats, peers=False)
    wanted = [case for case in cases(settings) if which(case)]
    with workbench(settings, wanted) as bench:
        found = [one for case in wanted for one in measure(case, bench, bench.threads)]
    return [one for one in found if one.kind != "ours" or label in (None, one.label)]


def medians(found: Iterable[Measurement]) -> dict[str, float]:
    """Return name -> median seconds."""
    return {f"{one.case}: {one.label}": statistics.median(one.seconds) for one in found}


def ratio_report(values: Mapping[str, float], *, unit: str = "ms", scale: float = 1e3) -> str:
    """Return a table of values and their ratios to the first of them."""
    reference = next(iter(values.values()))
    lines = [f"{'what':60s} {unit:>9s} {'ratio':>8s}"]
    lines += [f"{name:60s} {scale * value:9.3f} {value / reference:8.2f}" for name, value in values.items()]
    return "\n".join(lines)
