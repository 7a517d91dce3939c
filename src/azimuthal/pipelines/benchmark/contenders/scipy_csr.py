# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""SciPy's sparse product with our weights, float64; signal only, one thread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders._protocol import Entry
from azimuthal.pipelines.benchmark.contenders.ours import SINGLE_FRAMES
from azimuthal.pipelines.benchmark.measurement import ContenderKind
from azimuthal.pipelines.benchmark.workbench import Workbench, relative_deviation

name = "scipy CSR"
kind: ContenderKind = "peer"
distribution: str | None = "scipy"
install = "pip install scipy"


def entries(case: Case, bench: Workbench) -> Iterator[Entry]:
    """Return the product of a matrix of bins by pixels with a frame."""
    if case.kind not in ("dense", "cake"):
        return
    from scipy import sparse

    ours = bench.plan(case).matrix
    parts = (ours.entry_weights(), ours.indices, ours.indptr)
    matrix = sparse.csc_array(parts, shape=(ours.n_bins, ours.n_pixels)).tocsr()
    frames = [frame.reshape(-1) for frame in bench.frames(case)[:SINGLE_FRAMES]]
    yield Entry(
        label="matrix @ frame",
        work=lambda: [matrix @ frame.astype(np.float64) for frame in frames],
        n_frames=len(frames),
        deviation=lambda sums: relative_deviation(sums[0], bench.expected(case)[0].signal.reshape(-1)),
        tolerance=1e-12,
        note="signal only, one thread",
    )
