# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What contenders work with: plans, frames and chunks of one process, each made once, and the expected sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

import numpy as np

from azimuthal.engines import thread_count
from azimuthal.integrate import Integrator, Plan, restore
from azimuthal.io import open_frames
from azimuthal.io.geometry_files import load_instrument
from azimuthal.io.hdf5 import open_hdf5, require_filters
from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.frames import DATASET, FrameFolder, read_chunks
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.results import Cake, Profile, Sums
from azimuthal.typing import AnyArray, FloatArray

UNIT = "q_nm^-1"
_Made = TypeVar("_Made")
_SUMS = ("signal", "variance", "normalization", "count")

# Nobody else corrects the absorption in the sensor.
_COMMON: dict[str, Any] = {"unit": UNIT, "sensor_absorption": False}


class Workbench:
    """Everything that contenders share; what is large is kept for the last case only.

    Parameters
    ----------
    settings:
        Of the benchmark.
    folder:
        The files.
    """

    def __init__(self, settings: BenchmarkSettings, folder: FrameFolder) -> None:
        self.settings = settings
        self.folder = folder
        self.threads = thread_count()
        self.instrument = load_instrument(folder.geometry)
        self._kept: dict[str, tuple[Any, Any]] = {}
        self._files = ExitStack()

    def close(self) -> None:
        """Close the files."""
        self._kept.clear()
        self._files.close()

    def new_integrator(self) -> Integrator:
        """Return an integrator that has compiled nothing yet."""
        return Integrator.from_instrument(self.instrument)

    def compiled(self, case: Case) -> Plan:
        """Return a new plan for a case."""
        options = _COMMON | {"split": case.split, "error_model": "poisson" if case.sigma else None}
        if case.kind == "cake":
            return self.new_integrator().plan2d(self.settings.npt, self.settings.npt_azim, **options)
        return self.new_integrator().plan1d(self.settings.npt, **options)

    def plan(self, case: Case) -> Plan:
        """Return the plan for a case."""
        return self.keep("plan", (case.kind == "cake", case.split, case.sigma), lambda: self.compiled(case))

    def frames(self, case: Case) -> list[AnyArray]:
        """Return the frames of a case, decoded."""
        return list(self.stack(case))

    def stack(self, case: Case) -> AnyArray:
        """Return the frames of a case as one array."""

        def read() -> AnyArray:
            with open_frames(self.folder.frames(case.dtype, case.counts)) as source:
                stack = np.empty((len(source), *source.shape), case.dtype)
                for number, frame in enumerate(source):
                    stack[number] = frame
                return stack

        return self.keep("frames", (case.dtype, case.counts), read)

    def chunks(self, case: Case) -> list[bytes]:
        """Return the frames of a case, as they are stored."""
        path = self.folder.frames(case.dtype, case.counts)
        return self.keep("chunks", (case.dtype, case.counts), lambda: read_chunks(path))

    def dataset(self, case: Case) -> Any:
        """Return the open HDF5 dataset of the frames of a case, ready to be read through its filters."""

        def opened() -> Any:
            self._files.close()
            file = self._files.enter_context(open_hdf5(self.folder.frames(case.dtype, case.counts)))
            require_filters(file[DATASET])
            return file[DATASET]

        return self.keep("dataset", (case.dtype, case.counts), opened)

    def expected(self, case: Case) -> tuple[Sums, Sums]:
        """Return the sums of the first and the last frame by the reference engine."""
        key = (case.kind == "cake", case.split, case.sigma, case.dtype, case.counts)

        def define() -> tuple[Sums, Sums]:
            plan, frames = self.plan(case), self.frames(case)
            reference = restore(plan.spec.replace(engine="reference"), plan.arrays, plan.axes, plan.matrix, plan.report)
            return reference(frames[0]).sums, reference(frames[-1]).sums

        return self.keep("expected", key, define)

    def mean_on(self, case: Case, low: float, high: float) -> Profile:
        """Return the first frame of a case integrated between exact limits, for those who choose other limits."""
        key = (case.split, low, high, case.dtype, case.counts)
        return self.keep(
            "mean",
            key,
            lambda: self.new_integrator().integrate1d(
                self.frames(case)[0], self.settings.npt, split=case.split, radial_range=(low, high), **_COMMON
            ),
        )

    def keep(self, what: str, key: Any, make: Callable[[], _Made]) -> _Made:
        """Return what `make` makes; kept until the same thing is wanted with another key."""
        if what not in self._kept or self._kept[what][0] != key:
            self._kept.pop(what, None)  # before, not beside, the new one
            self._kept[what] = (key, make())
        made: _Made = self._kept[what][1]
        return made


def relative_deviation(found: FloatArray, expected: FloatArray) -> float:
    """Return the largest difference, relative to the largest expected value; NaN where `found` has one."""
    difference = float(np.abs(np.asarray(found, np.float64) - expected).max(initial=0.0))
    scale = float(np.abs(expected).max(initial=0.0))
    if difference == 0.0:
        return 0.0
    return difference / scale if scale > 0.0 else math.inf


def deviation_of_result(result: Profile | Cake, expected: Sums) -> float:
    """Return the largest relative deviation of any of the sums of a result."""
    return max(
        relative_deviation(getattr(result.sums, name), getattr(expected, name))
        for name in _SUMS
        if getattr(expected, name) is not None
    )
