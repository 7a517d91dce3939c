# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The speed contract, measured: ourselves, every installed peer and the limits, in one run on this machine.

``run_benchmark(BenchmarkSettings())`` is what ``azimuthal benchmark`` runs.  Absolute times depend on the machine and
on what else it does; ratios of one run say who is faster.

How it is kept honest:

* frames, bins and what is asked for are the same for all (:mod:`frames`, :mod:`cases`); all frames of a batch differ;
* a result is compared before it is timed, and one that disagrees is shown as such (:mod:`measuring`);
* contenders take turns, and medians are compared (:mod:`timing`);
* each number of cores has a process of its own, bound to them, with the thread limits of all packages set
  (:mod:`running`, :mod:`worker`);
* a peer gets its best way: several methods are timed and the fastest counts (:mod:`contenders`).
"""

from azimuthal.pipelines.benchmark.page import benchmark_page
from azimuthal.pipelines.benchmark.picture import save_benchmark_picture
from azimuthal.pipelines.benchmark.report import BenchmarkReport
from azimuthal.pipelines.benchmark.running import Step, run_benchmark
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings

__all__ = [
    "BenchmarkReport",
    "BenchmarkSettings",
    "Step",
    "benchmark_page",
    "run_benchmark",
    "save_benchmark_picture",
]
