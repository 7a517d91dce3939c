# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Files of single frames: running again finishes only what is missing, whatever happened in between."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import OutputError, OutputExistsError, ParameterError, UnsupportedOptionError
from azimuthal.io.writers import formats
from azimuthal.pipelines import batch_run
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.events import FrameDone
from azimuthal.pipelines.settings import BatchSettings

from .interrupted_runs import StopError, finish, stop_after
from .same_files import contents_of

N_FRAMES = 8
EACH = [one for one in formats() if one.name not in ("parquet", "zarr", "netcdf")]
LEDGER = Path("out/stem_frame_02d_.xy.parts")


@pytest.fixture
def settings(poni):
    """Frames in two files, patterns in equal bins of 2theta without empty ones: every format takes them."""
    frames = np.random.default_rng(5).poisson(30, (N_FRAMES, 48, 60)).astype(np.uint16)
    np.save("a.npy", frames[:5])
    np.save("b.npy", frames[5:])
    return BatchSettings(
        images=("a.npy", "b.npy"), geometry=poni, npt=20, unit="2th_deg", output="out/{stem}_{frame:02d}.xy", threads=1,
        choices={"error_model": "poisson", "radial_range": (2.0, 12.0)},
    )  # fmt: skip


def written(pattern="out/*.xy"):
    """Return contents and times of the outputs."""
    return {path: (contents_of(path), path.stat().st_mtime_ns) for path in sorted(Path().glob(pattern))}


@pytest.mark.parametrize("one", EACH, ids=lambda one: one.name)
def test_only_what_is_missing_is_written(one, settings):
    extension = one.extensions[0]
    if not one.holds_profiles:
        settings = dataclasses.replace(settings, npt_azim=6)
    if one.name in ("nxcansas", "sasview"):
        settings = dataclasses.replace(settings, unit="q_A^-1", choices={"error_model": "poisson"})
    settings = dataclasses.replace(settings, output=f"out/{{stem}}_{{frame:02d}}{extension}")
    pattern = f"out/[ab]*{extension}"
    integrate_batch(settings)
    whole = {path: contents for path, (contents, _) in written(pattern).items()}
    shutil.rmtree("out")
    stop_after(settings, 3)
    before = written(pattern)
    found, summary = finish(settings)
    assert found == 3
    assert summary.n_frames == N_FRAMES
    after = written(pattern)
    assert {path: contents for path, (contents, _) in after.items()} == whole
    assert {path: after[path] for path in before} == before  # not touched
    assert not list(Path("out").glob("*.parts"))


def test_a_file_that_vanished_or_was_torn_is_written_again(settings):
    integrate_batch(dataclasses.replace(settings, images=("a.npy",)))
    whole = written()
    shutil.rmtree("out")
    stop_after(settings, 5)
    Path("out/a_01.xy").unlink()
    Path("out/a_03.xy").write_text("half of it")
    with (LEDGER / "done.jsonl").open("a") as stream:
        stream.write('\n{"frame": ["/somewhere/b.npy", 1')  # the run was killed here
    assert finish(settings)[0] == 3
    assert {path: written()[path][0] for path in whole} == {path: contents for path, (contents, _) in whole.items()}


def test_a_file_written_just_before_the_kill_is_written_again(settings, monkeypatch):
    """SIGKILL between the name of the file and its line in the ledger."""
    with monkeypatch.context() as patched:
        patched.setattr(batch_run.Ledger, "note", lambda *_: (_ for _ in ()).throw(StopError))
        with pytest.raises(StopError):
            integrate_batch(settings)
    assert [path.name for path in Path("out").glob("*.xy")] == ["a_00.xy"]
    assert finish(settings)[0] == 0
    assert len(written()) == N_FRAMES


def test_files_of_somebody_else_are_not_replaced(settings):
    stop_after(settings, 3)
    np.save("c.npy", np.load("a.npy")[:1])
    Path("out/c_00.xy").write_text("mine")
    more = dataclasses.replace(settings, images=("a.npy", "b.npy", "c.npy"))
    with pytest.raises(OutputExistsError, match=r"out/c_00\.xy exists already"):
        integrate_batch(more)
    Path("out/c_00.xy").unlink()
    assert finish(more)[0] == 3
    assert len(written()) == N_FRAMES + 1
    with pytest.raises(OutputExistsError, match="exist already"):
        integrate_batch(more)


def test_another_run_is_refused_and_nothing_is_lost_by_that(settings):
    stop_after(settings, 3)
    before = written()
    other = dataclasses.replace(settings, npt=30)
    with pytest.raises(OutputExistsError, match=r"recipe\.bins\.npt was 20, is 30"):
        integrate_batch(other)
    assert written() == before
    assert finish(settings)[0] == 3
    assert finish(dataclasses.replace(other, force=True))[0] == 0
    assert len(np.loadtxt("out/a_00.xy")) == 30


def test_force_starts_over_another_run(settings):
    stop_after(settings, 3)
    assert finish(dataclasses.replace(settings, npt=30, force=True))[0] == 0
    assert {len(np.loadtxt(path)) for path in Path("out").glob("*.xy")} == {30}


def test_failed_frames_are_tried_again_and_only_these(settings):
    frames = np.load("b.npy")
    np.save("b.npy", frames.transpose(0, 2, 1))
    _, summary = finish(settings)
    assert [failure.n_frames for failure in summary.failures] == [3]
    assert summary.n_frames == 5
    before = written()
    np.save("b.npy", frames)
    found, summary = finish(settings)
    assert (found, summary.n_frames, summary.failures) == (5, N_FRAMES, ())
    assert {path: written()[path] for path in before} == before
    assert not LEDGER.exists()


def test_two_runs_are_refused(settings):
    refused = []

    def report(event):
        if isinstance(event, FrameDone) and not refused:
            with pytest.raises(OutputError, match="another run is writing it"):
                integrate_batch(settings)
            refused.append(True)

    integrate_batch(settings, report)
    assert refused


def test_unfinished_files_of_a_killed_run_are_removed(settings):
    stop_after(settings, 2)
    (LEDGER / "lock").write_text(json.dumps({"pid": 12345, "host": "here", "time": 0}))
    for name in (".a_02.xy.12345-abcd0123.part", ".a_02.xy.54321-abcd0123.part", ".other.xy.12345-abcd0123.part"):
        Path("out", name).write_bytes(b"half")
    assert finish(settings)[0] == 2
    assert sorted(path.name for path in Path("out").glob(".*")) == [
        ".a_02.xy.54321-abcd0123.part",
        ".other.xy.12345-abcd0123.part",
    ]


def test_run_that_is_stopped_at_once_leaves_nothing(settings, folder):
    before = sorted(folder.iterdir())

    def report(event):
        if type(event).__name__ == "FramesKept" or isinstance(event, FrameDone):
            raise AssertionError

    os.utime("a.npy")
    Path("keep").mkdir()
    before = sorted(folder.iterdir())
    np.save("turned.npy", np.zeros((60, 48), np.uint16))
    np.save("zero.npy", [0.0])
    np.save("one.npy", np.load("a.npy")[0])
    summary = integrate_batch(dataclasses.replace(settings, images=("one.npy",), monitor="zero.npy"), report)
    assert summary.outputs == ()
    assert sorted(folder.iterdir()) == sorted([*before, folder / "turned.npy", folder / "zero.npy", folder / "one.npy"])


SECTORS = ((-10.0, 10.0), (80.0, 100.0))


def test_sectors_into_files_of_their_own(settings):
    settings = dataclasses.replace(settings, sectors=SECTORS, output="out/{stem}_{frame:02d}_{reduction}.xy")
    integrate_batch(dataclasses.replace(settings, output="sets.h5"))
    stop_after(settings, 3)
    assert len(written()) == 6
    found, summary = finish(settings)
    assert found == 3
    assert len(summary.outputs) == 2 * N_FRAMES
    for number, result in enumerate(az.load_result("sets.h5")):
        stem, frame = ("a", number) if number < 5 else ("b", number - 5)
        for name, one in result.items():
            path = f"out/{stem}_{frame:02d}_{name.replace(' ', '_')}.xy"
            np.testing.assert_array_equal(np.loadtxt(path)[:, 1], one.intensity)


def test_sectors_in_a_name_without_a_place_for_them(settings):
    with pytest.raises(UnsupportedOptionError, match=r"\{reduction\} in the name"):
        integrate_batch(dataclasses.replace(settings, sectors=SECTORS))
    with pytest.raises(ParameterError, match="to two frames"):
        integrate_batch(dataclasses.replace(settings, sectors=SECTORS, output="{reduction}.xy"))


def counted_frames(settings, monkeypatch):
    """Run to the end with a picture; return how many frames were integrated, and the total that was drawn."""
    done, drawn = [], []
    with monkeypatch.context() as patched:
        mapped = batch_run.Run._mapped

        def counting(self, frames, chosen):
            for outcome in mapped(self, frames, chosen):
                done.append(outcome)
                yield outcome

        patched.setattr(batch_run.Run, "_mapped", counting)
        patched.setattr(batch_run, "save_picture", lambda total, *_, **__: drawn.append(total))
        integrate_batch(settings)
    (total,) = drawn
    return len(done), total


@pytest.mark.parametrize("keep_every", [0.0, 60.0])
def test_picture_is_of_what_was_integrated_before(settings, monkeypatch, keep_every):
    """With keep_every=60 the total is written when the run is stopped."""
    settings = dataclasses.replace(settings, picture="p.png", keep_every=keep_every)
    number, whole = counted_frames(settings, monkeypatch)
    assert number == N_FRAMES
    files = written()
    shutil.rmtree("out")
    for n_frames in (3, 5):
        stop_after(settings, n_frames)
        assert (LEDGER / "total.h5").exists()
    before = written()
    number, total = counted_frames(settings, monkeypatch)
    assert number == N_FRAMES - 5
    assert total.metadata["label"] == whole.metadata["label"]
    assert "total_of" not in total.metadata
    np.testing.assert_allclose(total.intensity, whole.intensity, rtol=1e-12)
    assert {path: written()[path] for path in before} == before  # not touched
    assert {path: one for path, (one, _) in written().items()} == {path: one for path, (one, _) in files.items()}
    assert not LEDGER.exists()


@pytest.mark.parametrize("change", ["killed before it was kept", "file vanished", "torn", "other images"])
def test_total_that_does_not_fit_is_not_believed(settings, monkeypatch, change):
    settings = dataclasses.replace(settings, picture="p.png", keep_every=0.0)
    _, whole = counted_frames(settings, monkeypatch)
    shutil.rmtree("out")
    stop_after(settings, 3)
    expected = N_FRAMES
    if change == "killed before it was kept":
        total = (LEDGER / "total.h5").read_bytes()
        stop_after(settings, 5)
        (LEDGER / "total.h5").write_bytes(total)
        expected = N_FRAMES - 3
    elif change == "file vanished":
        Path("out/a_01.xy").unlink()
    elif change == "torn":
        (LEDGER / "total.h5").write_bytes(b"half")
    else:
        settings = dataclasses.replace(settings, images=("b.npy",))
        expected = 3
    number, total = counted_frames(settings, monkeypatch)
    assert number == expected
    if change != "other images":
        np.testing.assert_allclose(total.intensity, whole.intensity, rtol=1e-12)
