# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every format of output: what is interrupted is finished, and is then what an uninterrupted run writes."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from azimuthal.errors import OutputError
from azimuthal.io.writers import formats
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.events import FrameDone, FramesKept
from azimuthal.pipelines.settings import BatchSettings

from .same_files import contents_of

N_FRAMES = 9
NEEDS = {"parquet": ("pyarrow",), "netcdf": ("xarray", "h5netcdf"), "zarr": ("xarray", "zarr")}
TOGETHER = [one for one in formats() if one.holds_many]


class StopError(Exception):
    """What ends a run."""


def stop_after(settings, n_frames):
    """Run until so many frames are done."""
    done = []

    def report(event):
        if isinstance(event, FrameDone):
            done.append(event.label)
            if len(done) == n_frames:
                raise StopError

    with pytest.raises(StopError):
        integrate_batch(settings, report)


def finish(settings):
    """Run to the end; return how many frames were found done."""
    events = []
    integrate_batch(settings, events.append)
    return sum(event.n_frames for event in events if isinstance(event, FramesKept) and event.resumed)


@pytest.fixture
def base(poni):
    """Frames in two files; whatever is done is put aside at once."""
    frames = np.random.default_rng(5).poisson(30, (N_FRAMES, 48, 60)).astype(np.uint16)
    np.save("a.npy", frames[:5])
    np.save("b.npy", frames[5:])
    return BatchSettings(
        images=("a.npy", "b.npy"), geometry=poni, npt=40, unit="q_nm^-1", keep_every=0.0, threads=1,
        choices={"error_model": "poisson"},
    )  # fmt: skip


def needs(name):
    for package in NEEDS.get(name, ()):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")


@pytest.mark.parametrize("format", TOGETHER, ids=lambda one: one.name)
def test_resumed_file_of_all_frames_is_that_of_an_uninterrupted_run(format, base):
    needs(format.name)
    extension = format.extensions[0]
    broken = dataclasses.replace(base, output=f"run{extension}")
    whole = uninterrupted(broken)
    if format.name in ("npz", "netcdf", "zarr"):  # nothing is counted as done before the file is there
        stop_after_kept(broken, 4)
    else:
        stop_after(broken, 4)
    assert not Path(f"run{extension}").exists()
    assert finish(broken) >= 4
    assert contents_of(broken.output) == whole
    assert not Path(f"run{extension}.parts").exists()


def stop_after_kept(settings, n_frames):
    def report(event):
        if isinstance(event, FramesKept) and event.n_frames == n_frames:
            raise StopError

    with pytest.raises(StopError):
        integrate_batch(settings, report)


def uninterrupted(settings):
    """Return what a run writes that nothing happens to."""
    integrate_batch(dataclasses.replace(settings, keep_every=60.0))
    whole = contents_of(settings.output)
    Path(settings.output).unlink()
    return whole


def test_sectors_are_resumed(base):
    sectors = dataclasses.replace(base, sectors=((-10.0, 10.0), (80.0, 100.0)))
    broken = dataclasses.replace(sectors, output="run.h5")
    whole = uninterrupted(broken)
    stop_after(broken, 4)
    assert finish(broken) == 4
    assert contents_of("run.h5") == whole


@pytest.mark.parametrize("extension", [one.extensions[0] for one in TOGETHER])
def test_two_runs_on_one_output_are_refused_in_every_format(extension, base):
    needs({one.extensions[0]: one.name for one in TOGETHER}[extension])
    settings = dataclasses.replace(base, output=f"run{extension}")
    refused = []

    def report(event):
        if isinstance(event, FramesKept) and not refused:
            with pytest.raises(OutputError, match="another run is writing it"):
                integrate_batch(settings)
            refused.append(True)

    integrate_batch(settings, report)
    assert refused
