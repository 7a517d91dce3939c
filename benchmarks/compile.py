# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Compiling plans: 1000 bins by splitting, and a cake; the weights of a used pixel sum to one."""

import sys

import numpy as np

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.benchmark.suite import ratio_report, workbench
from azimuthal.pipelines.benchmark.timing import median_seconds

CASES = [Case("compile", split) for split in ("none", "bbox", "pseudo", "full")] + [Case("cake", "full")]


def main(detector="Eiger2_4M", repeats=9):
    """Return median seconds by name."""
    times = {}
    with workbench(BenchmarkSettings(detector=detector, n_frames=1), []) as bench:
        for case in CASES:
            matrix = bench.compiled(case).matrix
            sums = matrix.pixel_sums()[matrix.used_pixels()]
            assert abs(sums - 1).max() < 1e-9
            assert np.count_nonzero(matrix.used_pixels()) == np.count_nonzero(~bench.instrument.detector.gap_mask())
            name = f"{case.kind} {case.split}: plan"
            times[name] = median_seconds(lambda case=case: bench.compiled(case), repeats)
    return times


report = ratio_report

if __name__ == "__main__":
    print(report(main(*sys.argv[1:2])))
