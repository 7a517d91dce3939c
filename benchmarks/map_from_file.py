# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``plan.map(path)`` of a file with many bitshuffle-LZ4 frames, per frame; beside single frames from memory."""

import sys
from functools import partial

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.benchmark.suite import ratio_report, workbench
from azimuthal.pipelines.benchmark.timing import median_seconds
from azimuthal.pipelines.benchmark.workbench import deviation_of_result

CASES = [Case("dense", "none", False), Case("dense", "full", True)]


def main(detector="Eiger2_4M", repeats=9, n_frames=64):
    """Return median seconds per frame by name; first and last result are compared with the reference engine."""
    settings = BenchmarkSettings(detector=detector, n_file_frames=n_frames)
    times = {}
    with workbench(settings, CASES, long=True) as bench:
        for case in CASES:
            plan, frames, ends = bench.plan(case), bench.frames(case), bench.expected(case)
            results = list(plan.map(bench.folder.long_file))
            assert [result.metadata["index"] for result in results] == list(range(n_frames))
            for number, expected in zip((0, settings.n_frames - 1), ends, strict=True):
                assert deviation_of_result(results[number], expected) < 1e-6
            assert deviation_of_result(results[-1], plan(frames[(n_frames - 1) % len(frames)]).sums) < 1e-6
            name = case.name.removeprefix("dense ")

            def all_frames(plan=plan):
                return sum(1 for _ in plan.map(bench.folder.long_file))

            times[f"map from file, {name}"] = median_seconds(all_frames, repeats) / n_frames
            times[f"one frame from memory, {name}"] = median_seconds(partial(plan, frames[0]), repeats)
    return times


report = ratio_report

if __name__ == "__main__":
    print(report(main(*sys.argv[1:2])))
