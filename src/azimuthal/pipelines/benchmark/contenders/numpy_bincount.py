# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""numpy.bincount on ready-made bins: what a few lines of NumPy reach without splitting; signal only, one thread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders._protocol import Entry
from azimuthal.pipelines.benchmark.contenders.ours import SINGLE_FRAMES
from azimuthal.pipelines.benchmark.measurement import ContenderKind
from azimuthal.pipelines.benchmark.workbench import Workbench, relative_deviation

name = "numpy.bincount"
kind: ContenderKind = "peer"
distribution: str | None = "numpy"
install = "pip install numpy"


def entries(case: Case, bench: Workbench) -> Iterator[Entry]:
    """Return the one way of doing the dense cases without splitting."""
    if case.kind != "dense" or case.split != "none":
        return
    matrix = bench.plan(case).matrix
    bins = np.full(matrix.n_pixels, matrix.n_bins)
    bins[matrix.used_pixels()] = matrix.indices
    frames = [frame.reshape(-1) for frame in bench.frames(case)[:SINGLE_FRAMES]]
    n_bins = matrix.n_bins
    yield Entry(
        label="ready bins",
        work=lambda: [np.bincount(bins, weights=frame, minlength=n_bins + 1)[:n_bins] for frame in frames],
        n_frames=len(frames),
        deviation=lambda sums: relative_deviation(sums[0], bench.expected(case)[0].signal),
        tolerance=1e-12,
        note="signal only, one thread",
    )
