# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The whole benchmark: frames to a temporary folder, a process for each number of cores, a report."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from azimuthal.errors import EngineUnavailableError
from azimuthal.pipelines.benchmark.cases import cases
from azimuthal.pipelines.benchmark.frames import write_frames
from azimuthal.pipelines.benchmark.machine import machine_facts, missing_peers, package_versions
from azimuthal.pipelines.benchmark.measurement import Measurement
from azimuthal.pipelines.benchmark.report import BenchmarkReport
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings, core_sets

_WORKER = "azimuthal.pipelines.benchmark.worker"
_THREAD_VARIABLES = (
    "AZIMUTHAL_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What is done now.

    Parameters
    ----------
    number, total:
        How many steps are done, and how many there are.
    text:
        What comes.
    """

    number: int
    total: int
    text: str


Report: TypeAlias = Callable[[Step], None]


def run_benchmark(settings: BenchmarkSettings, report: Report | None = None) -> BenchmarkReport:
    """Time ourselves and every installed peer; takes minutes.

    Parameters
    ----------
    settings:
        What to time.
    report:
        Called before every step.  When it raises, the benchmark ends and leaves nothing behind.

    Returns
    -------
    :
        Everything that was measured.

    Raises
    ------
    UnknownNameError
        The detector, or the text in `only`, is not known.
    MissingDependencyError
        hdf5plugin is not installed.
    EngineUnavailableError
        A measuring process ended early.
    """
    tell = report or (lambda _step: None)
    chosen, sets = cases(settings), core_sets()
    total = 1 + len(chosen) * len(sets)
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="azimuthal-benchmark-") as folder:
        tell(Step(0, total, f"simulating frames of {settings.detector}"))
        # Whatever is timed, plans are checked with frames of the highest counts.
        wanted = {(case.dtype, case.counts) for case in chosen if case.kind != "compile"}
        wanted |= {("uint32", settings.counts[-1])}
        write_frames(Path(folder), settings, wanted, long=any(case.kind == "file" for case in chosen))
        number = 1
        for cores in sets:
            for event in _events(settings, Path(folder), cores):
                if "case" in event:
                    tell(Step(number, total, f"{_counted(len(cores))}: {event['case']}"))
                    number += 1
                else:
                    found += [Measurement.from_dict(values) for values in event["measurements"]]
    return BenchmarkReport(
        settings=settings,
        machine=machine_facts() | {"pinned": hasattr(os, "sched_setaffinity")},
        packages=package_versions(),
        missing=missing_peers() if settings.peers else {},
        measurements=tuple(found),
    )


def _counted(cores: int) -> str:
    return f"{cores} core" if cores == 1 else f"{cores} cores"


def _events(settings: BenchmarkSettings, folder: Path, cores: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Yield what the measuring process tells."""
    job = json.dumps({"settings": settings.to_dict(), "folder": str(folder), "cores": cores})
    environment = os.environ | dict.fromkeys(_THREAD_VARIABLES, str(len(cores)))
    last = "its start"
    with (folder / f"stderr_{len(cores)}.txt").open("w+b") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=environment,
            text=True,
            start_new_session=True,  # Ctrl-C comes here, and ends it from here
        )
        try:
            if process.stdin is None or process.stdout is None:
                raise EngineUnavailableError("benchmark: its measuring process has no pipes.")
            with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(job)
            for line in process.stdout:
                event = json.loads(line)
                last = event.get("case", last)
                yield event
            code = process.wait()
        finally:
            _end(process)
        if code:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or ["no message"]
            raise EngineUnavailableError(
                f"benchmark: its measuring process ended with code {code} at {last!r}: {lines[-1]}. "
                "--only leaves cases out, --without-peers the other packages."
            )


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and those that it started, if it still runs."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
