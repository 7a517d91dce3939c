# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A batch that loses nothing: kills, full disks, changed inputs, two runs at once."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import OutputError, OutputExistsError
from azimuthal.io.writers import nxazint
from azimuthal.pipelines import parts as parts_module
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.events import FrameDone, FramesKept
from azimuthal.pipelines.parts import Parts, parts_folder
from azimuthal.pipelines.rerun import compare
from azimuthal.pipelines.settings import BatchSettings

from .interrupted_runs import StopError, finish, stop_after

N_FRAMES = 24


@pytest.fixture
def settings(poni):
    """Frames in two files; whatever is done is put aside at once."""
    frames = np.random.default_rng(5).poisson(30, (N_FRAMES, 48, 60)).astype(np.uint16)
    np.save("a.npy", frames[:14])
    np.save("b.npy", frames[14:])
    integrate_batch(BatchSettings(images=("a.npy", "b.npy"), geometry=poni, npt=40, unit="2th_deg", output="whole.h5"))
    return BatchSettings(
        images=("a.npy", "b.npy"), geometry=poni, npt=40, unit="2th_deg", output="run.h5", keep_every=0.0
    )


def assert_whole(path="run.h5", n_frames=N_FRAMES):
    results, whole = az.load_result(path), az.load_result("whole.h5")
    assert len(results) == n_frames
    assert compare(whole[:n_frames], results).is_equal
    assert [one.metadata for one in results] == [one.metadata for one in whole[:n_frames]]
    assert not parts_folder(Path(path)).exists()


def test_interrupted_run_goes_on_where_it_was(settings):
    stop_after(settings, 9)
    assert not Path("run.h5").exists()
    assert len(az.load_result("run.h5.parts/000000.h5")) == 1  # opens like any other
    found, summary = finish(settings)
    assert found == 9
    assert summary.n_frames == N_FRAMES
    assert_whole()


def test_run_interrupted_again_and_again(settings):
    for n_frames in (3, 8, 15, 20):
        stop_after(settings, n_frames)
    assert finish(settings)[0] == 20
    assert_whole()


def test_run_that_ends_early_keeps_nothing(settings, folder):
    """A few seconds of work are not worth a folder that the user has to understand."""
    before = sorted(folder.iterdir())
    stop_after(dataclasses.replace(settings, keep_every=60.0), 9)
    assert sorted(folder.iterdir()) == before


def test_results_on_their_way_are_kept_when_a_run_is_stopped(settings, monkeypatch):
    monkeypatch.setattr(parts_module, "_LARGEST_BYTES", 4 * 2 * 4 * 320)
    stop_after(dataclasses.replace(settings, keep_every=60.0), 10)
    assert [len(az.load_result(path)) for path in sorted(Path("run.h5.parts").glob("*.h5"))] == [4, 4, 2]
    assert finish(settings)[0] == 10
    assert_whole()


def test_two_runs_on_one_output_are_refused(settings):
    refused = []

    def report(event):
        if isinstance(event, FrameDone) and not refused:
            with pytest.raises(OutputError, match="another run is writing it") as caught:
                integrate_batch(settings)
            refused.append(str(caught.value))

    integrate_batch(settings, report)
    assert f"process {os.getpid()}" in refused[0]
    assert_whole()


def test_parts_of_another_run_are_not_mixed_in(settings):
    stop_after(settings, 9)
    other = dataclasses.replace(settings, npt=50, choices={"error_model": "poisson"})
    with pytest.raises(OutputExistsError, match=r"recipe.bins.npt was 40, is 50; .*error_model was null") as caught:
        integrate_batch(other)
    assert "--force" in str(caught.value)
    assert len(list(Path("run.h5.parts").glob("0*.h5"))) == 9  # a refusal loses nothing
    assert finish(dataclasses.replace(other, force=True))[0] == 0
    assert az.load_result("run.h5")[0].sigma is not None
    assert not Path("run.h5.parts").exists()


def test_a_mask_with_other_contents_is_another_run(settings):
    np.save("mask.npy", np.zeros((48, 60), bool))
    masked = dataclasses.replace(settings, masks=("mask.npy",))
    stop_after(masked, 3)
    np.save("mask.npy", np.eye(48, 60, dtype=bool))
    with pytest.raises(OutputExistsError, match=r"mask.npy was"):
        integrate_batch(masked)


def test_frames_of_a_file_that_changed_are_integrated_again(settings):
    stop_after(settings, 18)
    os.utime("b.npy", (1, 1))
    os.utime("whole.h5", (1, 1))
    events = []
    integrate_batch(settings, events.append)
    assert_whole()
    kept = [event for event in events if isinstance(event, FramesKept)]
    assert kept[0].n_frames == 18
    assert len(kept) == 1 + 10  # all of b.npy anew


def test_more_images_and_another_order(settings):
    """Frames are known by their file and number in it, so that a scan may go on meanwhile."""
    first = dataclasses.replace(settings, images=("b.npy",))
    stop_after(first, 7)
    assert finish(settings)[0] == 7
    assert_whole()


def test_vanished_input_is_a_failure_and_the_rest_is_done(settings):
    stop_after(settings, 16)
    Path("b.npy").rename("hidden.npy")
    summary = integrate_batch(dataclasses.replace(settings, images=("[ab].npy",)))
    assert summary.n_frames == 14
    assert_whole(n_frames=14)


def test_full_disk_is_said_and_the_run_goes_on_later(settings, monkeypatch):
    """ENOSPC, from the output as from a part."""
    flush = nxazint._Blocks.flush
    calls = []

    def full(self):
        calls.append(None)
        if len(calls) > 11:
            raise OSError(28, "No space left on device")
        return flush(self)

    with monkeypatch.context() as patched:
        patched.setattr(nxazint._Blocks, "flush", full)
        with pytest.raises(OutputError, match="No space left on device"):
            integrate_batch(settings)
    assert not Path("run.h5").exists()
    assert not list(Path().glob(".*.part"))
    found, _ = finish(settings)
    assert 0 < found < N_FRAMES
    assert_whole()


def test_failed_frames_are_tried_again(settings, monkeypatch):
    np.save("c.npy", np.zeros((60, 48), np.uint16))
    with_bad = dataclasses.replace(settings, images=("a.npy", "c.npy", "b.npy"))
    stop_after(with_bad, 20)
    found, summary = finish(with_bad)
    assert found == 20
    assert [failure.name for failure in summary.failures] == ["c.npy"]
    assert_whole()


def test_unfinished_output_of_a_killed_run_is_removed(settings):
    stop_after(settings, 5)
    record = {"pid": 12345, "host": "here", "time": 0}
    Path("run.h5.parts/lock").write_text(json.dumps(record))
    Path(".run.h5.12345-abcd.part").write_bytes(b"half")
    Path(".run.h5.54321-abcd.part").write_bytes(b"of somebody else")
    Path("run.h5.parts/.000005.h5.12345-ef.part").write_bytes(b"half")
    assert finish(settings)[0] == 5
    assert [path.name for path in Path().glob(".*.part")] == [".run.h5.54321-abcd.part"]


def test_finished_output_is_not_written_again(settings):
    integrate_batch(settings)
    with pytest.raises(OutputExistsError), Parts(Path("run.h5"), {}, force=False, every=1.0):
        pass
    assert not Path("run.h5.parts").exists()


def test_cakes_and_rejection_are_resumed_too(settings):
    for name, changes in (
        ("cake", {"npt_azim": 12, "choices": {"error_model": "poisson"}}),
        ("clip", {"choices": {"error_model": "poisson", "reject": "sigma"}}),
        ("pairs", {"choices": {"error_model": "poisson", "covariance": True}}),
    ):
        one = dataclasses.replace(settings, output=f"{name}.h5", **changes)
        stop_after(one, 7)
        assert finish(one)[0] == 7
        integrate_batch(dataclasses.replace(one, output=f"{name}_whole.h5", keep_every=60.0))
        with h5py.File(f"{name}.h5") as first, h5py.File(f"{name}_whole.h5") as second:
            assert first["entry/data"].keys() == second["entry/data"].keys()
            for field in first["entry/data"]:
                np.testing.assert_array_equal(first["entry/data"][field][()], second["entry/data"][field][()])


N_KILLS = int(os.environ.get("AZIMUTHAL_KILLS", "20"))
N_KILLED_FRAMES = int(os.environ.get("AZIMUTHAL_KILLED_FRAMES", "150"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.slow
def test_killed_runs_end_like_an_uninterrupted_one(poni):
    """Issue 6, demand 3; the long run: AZIMUTHAL_KILLS=100 AZIMUTHAL_KILLED_FRAMES=600."""
    frames = np.random.default_rng(8).poisson(30, (N_KILLED_FRAMES, 48, 60)).astype(np.uint16)
    with h5py.File("run.h5", "w") as file:
        file.create_dataset("entry/data/data", data=frames, chunks=(1, 48, 60))
    Path("broken.npy").write_bytes(b"\x93NUMPY")
    script = Path(__file__).with_name("killed_batch.py")
    done = subprocess.run(
        [sys.executable, str(script), ".", str(N_KILLS), "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["kills"] >= N_KILLS
    assert summary["resumed"] > 0
    print(summary)


@pytest.mark.parametrize("name", ["run.h5", "run.npz"])
def test_output_that_lacks_frames_is_completed(settings, name):
    frames = np.load("b.npy")
    stamp = Path("b.npy").stat()
    np.save("b.npy", frames[:, :40])
    settings = dataclasses.replace(settings, output=name)
    assert integrate_batch(settings).n_frames == 14
    content = Path(name).read_bytes()
    found, summary = finish(settings)  # nothing new: left as it is
    assert (found, summary.n_frames, summary.outputs) == (14, 14, (Path(name),))
    assert [failure.name for failure in summary.failures] == ["b.npy"]
    assert Path(name).read_bytes() == content
    np.save("b.npy", frames)
    os.utime("b.npy", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(OutputExistsError):
        integrate_batch(dataclasses.replace(settings, npt=50))
    stop_after_kept(settings, 20)
    assert Path(name).read_bytes() == content
    found, summary = finish(settings)
    assert found == 20
    assert summary.failures == ()
    results = az.load_result(name)
    assert results.failures == ()
    assert compare(az.load_result("whole.h5"), results).n_equal == N_FRAMES
    assert not parts_folder(Path(name)).exists()
    with pytest.raises(OutputExistsError):
        integrate_batch(settings)


def stop_after_kept(settings, n_frames):
    """Run until so many frames are safe."""

    def report(event):
        if isinstance(event, FramesKept) and event.n_frames == n_frames:
            raise StopError

    with pytest.raises(StopError):
        integrate_batch(settings, report)
