# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A small benchmark on the disk."""

import pytest

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.frames import FrameFolder, write_frames
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.benchmark.workbench import Workbench

pytest.importorskip("hdf5plugin", reason="the benchmark compresses frames with hdf5plugin")


@pytest.fixture(scope="session")
def settings():
    return BenchmarkSettings.short(
        detector="Eiger2_250k", npt=100, npt_azim=12, counts=(1.0, 40.0), n_frames=3, n_file_frames=5, repeats=2
    )


@pytest.fixture(scope="session")
def folder(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("frames")
    wanted = {(dtype, counts) for dtype in ("uint16", "uint32") for counts in settings.counts}
    write_frames(path, settings, wanted, long=True)
    return FrameFolder(path)


@pytest.fixture
def bench(settings, folder):
    made = Workbench(settings, folder)
    yield made
    made.close()


@pytest.fixture
def case():
    return Case("dense", "full", True, "uint32", 40.0)
