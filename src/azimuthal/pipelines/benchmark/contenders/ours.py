# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""azimuthal itself: every result is compared with the reference engine on the first and the last frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from azimuthal.io import load_result
from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders._process import run_cold
from azimuthal.pipelines.benchmark.contenders._protocol import Entry
from azimuthal.pipelines.benchmark.measurement import ContenderKind
from azimuthal.pipelines.benchmark.workbench import UNIT, Workbench, deviation_of_result

name = "azimuthal"
kind: ContenderKind = "ours"
distribution: str | None = None
install = ""

ONE_FRAME, BATCH, CHUNKS, COMMAND = "one frame", "batch", "chunks", "command"
TOLERANCE = 1e-6
_LARGEST_BATCH = 16
SINGLE_FRAMES = 4  # different frames, one after the other: together larger than most caches


def entries(case: Case, bench: Workbench) -> Iterator[Entry]:
    """Return our ways of doing a case."""
    if case.kind == "compile":
        yield Entry(label="plan", work=lambda: bench.compiled(case))
    elif case.kind == "chunk":
        yield _chunks(case, bench)
    elif case.kind == "file":
        yield _command(case, bench)
    else:
        yield _one_frame(case, bench)
        yield _batch(case, bench)


def _one_frame(case: Case, bench: Workbench) -> Entry:
    plan, frames = bench.plan(case), bench.frames(case)[:SINGLE_FRAMES]
    return Entry(
        label=ONE_FRAME,
        work=lambda: [plan(frame) for frame in frames],
        n_frames=len(frames),
        deviation=lambda results: deviation_of_result(results[0], bench.expected(case)[0]),
        tolerance=TOLERANCE,
    )


def _batch(case: Case, bench: Workbench) -> Entry:
    plan, frames = bench.plan(case), bench.frames(case) * _turns(bench)
    return Entry(
        label=BATCH,
        work=lambda: plan.integrate_stack(frames),
        n_frames=len(frames),
        deviation=lambda results: _deviation(results, case, bench),
        tolerance=TOLERANCE,
        note=f"{len(frames)} frames",
    )


def _turns(bench: Workbench) -> int:
    """Return how often the frames go round, so that every core has two full batches as it has in a long file."""
    return max(1, 2 * bench.threads * _LARGEST_BATCH // bench.settings.n_frames)


def _chunks(case: Case, bench: Workbench) -> Entry:
    plan, chunks = bench.plan(case), bench.chunks(case) * _turns(bench)
    return Entry(
        label=CHUNKS,
        work=lambda: plan.integrate_chunks(chunks, dtype=case.dtype),
        n_frames=len(chunks),
        deviation=lambda results: _deviation(results, case, bench),
        tolerance=TOLERANCE,
        note=f"{len(chunks)} frames",
    )


def _command(case: Case, bench: Workbench) -> Entry:
    output = bench.folder.path / "ours.h5"
    error_model = ("--error-model", "poisson") if case.sigma else ()
    arguments = [
        "-m", "azimuthal", "integrate", str(bench.folder.long_file), "-p", str(bench.folder.geometry),
        "-n", str(bench.settings.npt), "-u", UNIT, "--split", case.split, *error_model,
        "--sensor-absorption", "none", "-o", str(output), "--force", "-q",
    ]  # fmt: skip
    return Entry(
        label=COMMAND,
        work=lambda: run_cold(arguments),
        n_frames=bench.settings.n_file_frames,
        deviation=lambda _: _deviation_of_file(output, case, bench),
        tolerance=TOLERANCE,
        peak_bytes=lambda peak: peak,
        note="cold start of 'azimuthal integrate', NXazint file",
    )


def _deviation(results: Sequence[Any], case: Case, bench: Workbench) -> float:
    first, last = bench.expected(case)
    return max(deviation_of_result(results[0], first), deviation_of_result(results[-1], last))


def _deviation_of_file(output: Path, case: Case, bench: Workbench) -> float:
    results = load_result(output)
    if len(results) != bench.settings.n_file_frames:
        return float("inf")
    last = (len(results) - 1) % bench.settings.n_frames
    frame = bench.frames(case)[last]
    again = bench.plan(case)(frame).sums
    return max(
        deviation_of_result(results[0], bench.expected(case)[0]), deviation_of_result(results[len(results) - 1], again)
    )
