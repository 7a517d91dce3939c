# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The process that measures: on the cores it is given, one line of JSON per event on its standard output.

``python -m azimuthal.pipelines.benchmark.worker`` with a job as JSON on the standard input.  A process of its own,
because the number of threads of most packages is fixed when they are imported.

Events: ``{"case": name}`` before a case, ``{"measurements": [...]}`` after it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azimuthal.pipelines.benchmark.cases import cases
from azimuthal.pipelines.benchmark.frames import FrameFolder
from azimuthal.pipelines.benchmark.measuring import measure
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.benchmark.workbench import Workbench


def main() -> None:
    """Do the job on the standard input."""
    job = json.load(sys.stdin)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, job["cores"])
    with os.fdopen(os.dup(1), "w") as channel:
        os.dup2(2, 1)  # what packages print must not get between the lines

        def tell(event: dict[str, Any]) -> None:
            channel.write(json.dumps(event) + "\n")
            channel.flush()

        measure_all(BenchmarkSettings.from_dict(job["settings"]), Path(job["folder"]), len(job["cores"]), tell)


def measure_all(
    settings: BenchmarkSettings, folder: Path, n_cores: int, tell: Callable[[dict[str, Any]], None]
) -> None:
    """Measure all cases and tell of each."""
    bench = Workbench(settings, FrameFolder(folder))
    try:
        for case in cases(settings):
            tell({"case": case.name})
            tell({"measurements": [one.to_dict() for one in measure(case, bench, n_cores)]})
    finally:
        bench.close()


if __name__ == "__main__":
    main()
