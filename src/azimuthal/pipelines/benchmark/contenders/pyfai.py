# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""pyFAI, each with the methods that are its fastest for the splitting; its own geometry, weights and sums.

Its results are compared with ours on its own bins: the mean of every bin with more than ten pixels, but for the first
and the last one, since it treats pixels at the ends of its range differently; relative to the largest mean.

The serial method (CSC) is also called below ``integrate1d``, as its own notebooks do where speed counts ("engine
alone").

Chunks: ``dataset[i]`` of h5py with the filter of hdf5plugin, then the method.  On several cores its OpenMP methods use
all of them, and the serial one is also run on one frame per thread.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from azimuthal.io.hdf5 import open_hdf5, require_filters
from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders._process import run_cold
from azimuthal.pipelines.benchmark.contenders._protocol import Entry
from azimuthal.pipelines.benchmark.contenders.ours import SINGLE_FRAMES
from azimuthal.pipelines.benchmark.frames import DATASET
from azimuthal.pipelines.benchmark.measurement import ContenderKind
from azimuthal.pipelines.benchmark.workbench import UNIT, Workbench, relative_deviation

name = "pyFAI"
kind: ContenderKind = "peer"
distribution: str | None = "pyFAI"
install = "pip install pyFAI"

#: float32 corners and weights.
TOLERANCE = 1e-4
_SOLID = 10.0  # pixels in a bin whose mean is compared
_METHODS = {
    "none": ("no/histogram/cython", "no/csr/cython", "no/csc/cython"),
    "bbox": ("bbox/csr/cython", "bbox/csc/cython"),
    "full": ("full/csr/cython", "full/csc/cython"),
}


def entries(case: Case, bench: Workbench) -> Iterator[Entry]:
    """Return its methods."""
    methods = _METHODS.get(case.split, ())
    if case.kind == "compile":
        for method in methods:
            yield _first_call(method, case, bench)
    elif case.kind == "file":
        yield _loop(case, bench)
    elif case.kind == "cake":
        for method in methods:
            yield _cake(method, case, bench)
    else:
        for method in methods:
            yield _frames(method, case, bench)
            if "/csc/" in method:
                yield _frames(method, case, bench, threads=bench.threads, alone=True)
                if bench.threads > 1:
                    yield _frames(method, case, bench, threads=bench.threads)


def _first_call(method: str, case: Case, bench: Workbench) -> Entry:
    frame = bench.frames(_any_frames(bench))[0]
    return Entry(
        label=method,
        work=lambda: _integrator(bench).integrate1d(frame, **_options(method, case, bench)),
        note="first call, one frame included",
        most_turns=3,
    )


def _any_frames(bench: Workbench) -> Case:
    return Case("dense", "full", True, "uint32", bench.settings.counts[-1])


def _frames(method: str, case: Case, bench: Workbench, *, threads: int = 1, alone: bool = False) -> Entry:
    integrator = bench.keep(name, case.split, lambda: _integrator(bench))
    options = _options(method, case, bench)
    integrate = _engine(integrator, bench.frames(case)[0], options) if alone else integrator.integrate1d
    if alone:
        options = {}
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    n_frames = min(SINGLE_FRAMES, bench.settings.n_frames)
    source: Any = bench.dataset(case) if case.kind == "chunk" else bench.frames(case)

    def one(number: int) -> Any:
        return integrate(source[number], **options)

    def work() -> list[Any]:
        return list(map(one, range(n_frames)) if pool is None else pool.map(one, range(n_frames)))

    return Entry(
        label=method + (", engine alone" if alone else "") + (f", {threads} frames at a time" if threads > 1 else ""),
        work=work,
        n_frames=n_frames,
        deviation=lambda results: _deviation(results[0], case, bench),
        tolerance=TOLERANCE,
        note="h5py + hdf5plugin" if case.kind == "chunk" else "",
    )


def _engine(integrator: Any, frame: Any, options: dict[str, Any]) -> Callable[..., Any]:
    """Return the sums of a method without what `integrate1d` does around them."""
    from pyFAI.containers import ErrorModel
    from pyFAI.method_registry import IntegrationMethod

    integrator.integrate1d(frame, **options)  # makes the engine
    engine = integrator.engines[IntegrationMethod.select_one_available(options["method"], dim=1)].engine
    model = ErrorModel.NO if options["error_model"] is None else ErrorModel.parse(options["error_model"])
    solid_angle = integrator.solidAngleArray(frame.shape, absolute=False)
    return lambda one: engine.integrate_ng(one, solidangle=solid_angle, error_model=model)


def _cake(method: str, case: Case, bench: Workbench) -> Entry:
    integrator = bench.keep(name, "cake", lambda: _integrator(bench))
    frames = bench.frames(case)[:SINGLE_FRAMES]
    options = _options(method, case, bench)
    bins = (options.pop("npt"), bench.settings.npt_azim)
    return Entry(
        label=method,
        work=lambda: [integrator.integrate2d(frame, *bins, **options) for frame in frames],
        n_frames=len(frames),
        deviation=lambda results: _deviation_of_cake(results[0], case, bench),
        tolerance=TOLERANCE,
        note="compared after summing over the azimuth",
    )


def _loop(case: Case, bench: Workbench) -> Entry:
    output = bench.folder.path / "pyfai.h5"
    method = "full/csc/cython"
    arguments = [
        "-m", __name__, str(bench.folder.long_file), str(bench.folder.geometry), str(output),
        str(bench.settings.npt), method,
    ]  # fmt: skip
    return Entry(
        label=f"{method}, Python loop",
        work=lambda: run_cold(arguments),
        n_frames=bench.settings.n_file_frames,
        deviation=lambda _: _deviation_of_file(str(output), case, bench),
        tolerance=TOLERANCE,
        peak_bytes=lambda peak: peak,
        warm_up=False,
        most_turns=1,
        note="cold start; h5py + hdf5plugin; patterns and sigmas to HDF5",
    )


def _integrator(bench: Workbench) -> Any:
    found = _load(str(bench.folder.geometry))
    found.detector.mask = bench.instrument.detector.gap_mask().astype(np.int8)
    return found


def _load(geometry: str) -> Any:
    logging.getLogger("pyFAI").setLevel(logging.CRITICAL + 1)
    import pyFAI

    return pyFAI.load(geometry)


def _options(method: str, case: Case, bench: Workbench) -> dict[str, Any]:
    return {
        "npt": bench.settings.npt,
        "unit": UNIT,
        "method": tuple(method.split("/")),
        "error_model": "poisson" if case.sigma else None,
    }


def _limits(radial: Any) -> tuple[float, float]:
    half = 0.5 * float(radial[1] - radial[0])
    return float(radial[0]) - half, float(radial[-1]) + half


def _deviation(theirs: Any, case: Case, bench: Workbench) -> float:
    radial = theirs.position if hasattr(theirs, "position") else theirs.radial
    return _deviation_of_mean(radial, theirs.intensity, case, bench)


def _deviation_of_mean(radial: Any, intensity: Any, case: Case, bench: Workbench) -> float:
    ours = bench.mean_on(case, *_limits(radial))
    solid = ours.count > _SOLID
    solid[[0, -1]] = False
    return relative_deviation(intensity[solid], ours.intensity[solid])


def _deviation_of_cake(theirs: Any, case: Case, bench: Workbench) -> float:
    signal = np.asarray(theirs.sum_signal, np.float64).sum(axis=0)
    norm = np.asarray(theirs.sum_normalization, np.float64).sum(axis=0)
    mean = np.divide(signal, norm, out=np.zeros_like(signal), where=norm > 0)
    return _deviation_of_mean(theirs.radial, mean, case, bench)


def _deviation_of_file(output: str, case: Case, bench: Workbench) -> float:
    with open_hdf5(output) as file:
        return _deviation_of_mean(file["radial"][()], file["intensity"][0], case, bench)


def integrate_file(frames: str, geometry: str, output: str, npt: int, method: str) -> None:
    """Integrate all frames of a file in a plain loop, as scripts of the field do, and write the patterns."""
    integrator = _load(geometry)
    with open_hdf5(frames) as file:
        stack = file[DATASET]
        require_filters(stack)
        options: dict[str, Any] = {"unit": UNIT, "method": tuple(method.split("/")), "error_model": "poisson"}
        results = [integrator.integrate1d(frame, npt, **options) for frame in stack]
    with open_hdf5(output, "w") as file:
        file["radial"] = results[0].radial
        file["intensity"] = np.array([result.intensity for result in results])
        file["sigma"] = np.array([result.sigma for result in results])


if __name__ == "__main__":
    _, frames, geometry, output, npt, method = sys.argv
    integrate_file(frames, geometry, output, int(npt), method)
