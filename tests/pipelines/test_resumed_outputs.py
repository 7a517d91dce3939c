# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every format of output: what is interrupted is finished, and is then what an uninterrupted run writes."""

import dataclasses
import errno
import importlib.util
import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal import _pending_file
from azimuthal.errors import OutputError, OutputExistsError
from azimuthal.io.writers import FailedFrames, formats
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.description import describe
from azimuthal.pipelines.events import FramesKept, Prepared
from azimuthal.pipelines.run_folder import recorded_failures
from azimuthal.pipelines.settings import BatchSettings

from .interrupted_runs import StopError, stop_after
from .same_files import contents_of

N_FRAMES = 6
NEEDS = {"parquet": ("pyarrow",), "netcdf": ("xarray", "h5netcdf"), "zarr": ("xarray", "zarr")}
TOGETHER = [one for one in formats() if one.holds_many]


def finish(settings):
    """Run to the end; return how many frames were found done."""
    events = []
    integrate_batch(settings, events.append)
    return sum(event.n_frames for event in events if isinstance(event, FramesKept) and event.resumed)


@pytest.fixture
def base(poni):
    """Frames in two files; whatever is done is put aside at once."""
    frames = np.random.default_rng(5).poisson(30, (N_FRAMES, 48, 60)).astype(np.uint16)
    np.save("a.npy", frames[:4])
    np.save("b.npy", frames[4:])
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


@pytest.mark.parametrize("layout", ["subentries", "entries"])
def test_sectors_are_resumed(base, layout):
    sectors = dataclasses.replace(base, sectors=((-10.0, 10.0), (80.0, 100.0)))
    broken = dataclasses.replace(sectors, output="run.h5")
    whole = uninterrupted(broken)
    stop_after(broken, 4)
    if layout == "entries":
        for path in Path("run.h5.parts").glob("0*.h5"):
            make_entries_of_subentries(path)
    assert finish(broken) == 4
    assert contents_of("run.h5") == whole


def make_entries_of_subentries(path):
    """Lay out a file of sets as it was done until 2026-11-21."""
    with h5py.File(path, "a") as file:
        numbers = range(1, 1 + sum(name.startswith("result_") for name in file["entry"]))
        for number in numbers:
            file.move(f"entry/result_{number}", f"old_{number}")
        del file["entry"]
        for number in numbers:
            file.move(f"old_{number}", "entry" if number == 1 else f"entry_{number}")
        assert list(file) == ["entry", "entry_2"]


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


OUTPUTS = [*(f"run{one.extensions[0]}" for one in TOGETHER), "out/{stem}_{frame}.xye", "out/{frame}_{stem}.h5"]


def written_by(settings):
    """Return what is in all outputs."""
    name = settings.output
    paths = sorted(Path("out").glob(f"*{Path(name).suffix}")) if "{" in name else [Path(name)]
    return {path.name: contents_of(path) for path in paths}


@pytest.mark.parametrize(("reason", "number"), [(errno.EIO, 2), (errno.EACCES, 7)], ids=["EIO", "EACCES"])
@pytest.mark.parametrize("name", OUTPUTS)
def test_errors_of_the_disk_are_told_and_the_run_goes_on_later(name, reason, number, base, monkeypatch):
    """The n-th file that is to be named fails: a part, the record of the run, an output."""
    needs({f"run{one.extensions[0]}": one.name for one in TOGETHER}.get(name, ""))
    settings = dataclasses.replace(base, output=name, unit="2th_deg" if name.endswith("xye") else base.unit)
    integrate_batch(dataclasses.replace(settings, keep_every=60.0))
    whole = written_by(settings)
    for path in [*Path("out").glob("*.*"), Path(name)]:
        path.unlink(missing_ok=True)
    flush, calls = _pending_file._flush, []

    def failing(path):
        calls.append(path)
        if len(calls) >= number:
            raise OSError(reason, os.strerror(reason))
        flush(path)

    with monkeypatch.context() as patched:
        patched.setattr(_pending_file, "_flush", failing)
        with pytest.raises(OutputError, match=os.strerror(reason)):
            integrate_batch(settings)
    assert not Path(name).exists()
    assert not [path for path in Path().rglob("*.part") if path.is_file()]
    finish(dataclasses.replace(settings, keep_every=60.0))
    assert written_by(settings) == whole
    assert not list(Path().rglob("*.parts"))


@pytest.mark.parametrize("name", ["run.csv", "out/{stem}_{frame}.xye"])
def test_disk_that_is_full_in_the_middle_of_a_file(name, base):
    resource = pytest.importorskip("resource")
    settings = dataclasses.replace(base, output=name, unit="2th_deg", npt=200)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (90_000 if name == "run.csv" else 9_000, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            integrate_batch(settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not [path for path in Path().rglob("*.part") if path.is_file()]
    assert not Path("run.csv").exists()
    integrate_batch(settings)
    assert len(written_by(settings)) == (1 if name == "run.csv" else N_FRAMES)


VANISHING = [*(f"run{one.extensions[0]}" for one in TOGETHER), "out/{stem}_{frame}.xye"]


@pytest.mark.parametrize("name", VANISHING)
def test_input_that_vanishes_half_way_is_a_failure_and_is_done_later(name, base):
    """Whatever the format: what failed is recorded, and the same command does it, and only it, later."""
    needs({f"run{one.extensions[0]}": one.name for one in TOGETHER}.get(name, ""))
    settings = dataclasses.replace(base, output=name, unit="2th_deg" if name.endswith(".xye") else base.unit)
    integrate_batch(settings)
    whole = written_by(settings)
    for path in [*Path("out").glob("*.*"), Path(name)]:
        path.unlink(missing_ok=True)
    content = Path("b.npy").read_bytes()
    times = Path("b.npy").stat()

    def report(event):
        if isinstance(event, Prepared):
            Path("b.npy").unlink()  # after it was looked at

    summary = integrate_batch(settings, report)
    assert [(failure.name, failure.n_frames) for failure in summary.failures] == [("b.npy", 2)]
    assert summary.n_frames == 4
    assert [(one.name, one.n_frames) for one in failures_of(settings)] == [("b.npy", 2)]
    before = written_by(settings)
    Path("b.npy").write_bytes(content[:50])
    again = integrate_batch(settings)  # fails once more
    assert (again.n_frames, [failure.name for failure in again.failures]) == (4, ["b.npy"])
    assert written_by(settings) == before
    assert [one.name for one in failures_of(settings)] == ["b.npy"]
    Path("b.npy").write_bytes(content)
    os.utime("b.npy", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert finish(settings) == 4
    assert written_by(settings) == whole
    assert not list(Path().rglob("*.parts"))


def test_incomplete_output_that_somebody_changed_is_not_replaced(base):
    Path("broken.npy").write_bytes(b"\x93NUMPY")
    settings = dataclasses.replace(base, images=("a.npy", "broken.npy"), output="run.csv")
    integrate_batch(settings)
    Path("run.csv").write_text(Path("run.csv").read_text() + "# a remark\n")
    content = Path("run.csv").read_bytes()
    np.save("broken.npy", np.load("b.npy"))
    with pytest.raises(OutputExistsError, match=r"run\.csv exists already"):
        integrate_batch(settings)
    assert Path("run.csv").read_bytes() == content
    assert finish(dataclasses.replace(settings, force=True)) == 4


def failures_of(settings):
    """Return what the output of a run, or the folder beside it, says to be missing."""
    if settings.output in ("run.h5", "run.npz"):
        return az.load_result(settings.output).failures
    (folder,) = Path().rglob("*.parts")
    assert "b.npy" in describe(folder).text
    return [FailedFrames(**one) for one in recorded_failures(folder)]
