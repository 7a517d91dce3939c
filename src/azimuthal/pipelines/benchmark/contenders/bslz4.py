# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""bslz4_to_sparse: decoding and a sparse product in one pass, as ImageD11 uses it; signal sums only.

It gets our weights as its matrix, prepared once as a ``plan``; the pixel lists that it can also make are suppressed
(a cut that no value exceeds).  It is timed with the layout that it chooses itself, and with the fastest of its layouts
for this matrix and these frames, found by trying.  On several cores: one context per thread on the same plan, as its
documentation asks for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders._protocol import Entry
from azimuthal.pipelines.benchmark.measurement import ContenderKind
from azimuthal.pipelines.benchmark.timing import median_seconds
from azimuthal.pipelines.benchmark.workbench import Workbench, relative_deviation
from azimuthal.typing import AnyArray

name = "bslz4_to_sparse"
kind: ContenderKind = "peer"
distribution: str | None = "bslz4-to-sparse"
install = "pip install --pre bslz4-to-sparse"

#: float32 weights, float64 sums.
TOLERANCE = 1e-6
_LAYOUTS = {
    "none": ("csc-nosplit-int", "csc-nosplit", "bsb-csr-nosplit"),
    "bbox": ("padded-avx2", "padded", "csc-run", "bsb-csr"),
    "full": ("padded-avx2", "padded", "csc-run", "bsb-csr"),
}
_TRIED_FRAMES = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Matrix:
    """Our weights under the names that it looks for: compressed columns, one column per pixel."""

    indptr: AnyArray
    indices: AnyArray
    data: AnyArray
    shape: tuple[int, int]


def entries(case: Case, bench: Workbench) -> Iterator[Entry]:
    """Return its own choice and its fastest layout."""
    if case.kind not in ("chunk", "dense"):
        return
    prepared = bench.keep(name, (case.split, case.dtype), lambda: _prepare(case, bench))
    mask, plan = prepared
    data: Any = bench.chunks(case) if case.kind == "chunk" else bench.stack(case)
    own = plan.context()
    layouts: list[tuple[str, Any]] = [(f"own choice ({own.dot})", None)]
    fastest = _fastest(mask, plan, case, data[:_TRIED_FRAMES])
    if fastest is not None and fastest != own.dot:
        layouts.append((f"fastest layout ({fastest})", {"dot": fastest}))
    for label, pipeline in layouts:
        contexts = [_context(mask, plan, case, pipeline) for _ in range(bench.threads)]
        yield Entry(
            label=label,
            work=_Work(contexts, case, data),
            n_frames=len(data),
            deviation=lambda sums: _deviation(sums, case, bench),
            tolerance=TOLERANCE,
            note="signal only",
        )


class _Work:
    """All frames, shared among threads that have a context each; returns the sums in order."""

    def __init__(self, contexts: Sequence[Any], case: Case, data: Any) -> None:
        self._pool = ThreadPoolExecutor(len(contexts)) if len(contexts) > 1 else None
        bounds = np.linspace(0, len(data), len(contexts) + 1).astype(int)
        parts = [data[low:high] for low, high in itertools.pairwise(bounds)]
        self._tasks = [(context, part) for context, part in zip(contexts, parts, strict=True) if len(part)]
        self._dense = case.kind == "dense"
        self._cut = int(np.iinfo(case.dtype).max)

    def __call__(self) -> list[AnyArray]:
        run = map if self._pool is None else self._pool.map
        return [sums for part in run(self._one, self._tasks) for sums in part]

    def _one(self, task: tuple[Any, Any]) -> AnyArray:
        context, part = task
        sums: AnyArray = (context.from_frames if self._dense else context.multi)(part, self._cut)[2]
        return sums


def _prepare(case: Case, bench: Workbench) -> tuple[AnyArray, Any]:
    import bslz4_to_sparse

    ours = bench.plan(case).matrix
    matrix = _Matrix(ours.indptr, ours.indices, ours.entry_weights(), (ours.n_bins, ours.n_pixels))
    mask = np.ascontiguousarray(~bench.instrument.detector.gap_mask(), dtype=np.uint8)
    return mask, bslz4_to_sparse.plan(mask, matrix, np.dtype(case.dtype))


def _context(mask: AnyArray, plan: Any, case: Case, pipeline: dict[str, str] | None) -> Any:
    import bslz4_to_sparse

    return bslz4_to_sparse.chunk2sparseCSC(mask, plan, np.dtype(case.dtype), pipeline=pipeline)


def _fastest(mask: AnyArray, plan: Any, case: Case, data: Any) -> str | None:
    """Return its fastest layout that can hold this matrix on this machine."""
    seconds = {}
    for layout in _LAYOUTS.get(case.split, ()):
        try:
            work = _Work([_context(mask, plan, case, {"dot": layout})], case, data)
        except ValueError:  # not for this matrix, or not for this machine
            continue
        seconds[layout] = median_seconds(work, 3)
    return min(seconds, key=lambda layout: seconds[layout]) if seconds else None


def _deviation(sums: Sequence[AnyArray], case: Case, bench: Workbench) -> float:
    first, last = bench.expected(case)
    return max(relative_deviation(sums[0], first.signal), relative_deviation(sums[-1], last.signal))
