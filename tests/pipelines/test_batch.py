# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A batch as a library call; the command line's view of it is in tests/cli/test_integrate.py."""

import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileMissingError, OutputError, UnknownNameError
from azimuthal.pipelines import batch as batch_module
from azimuthal.pipelines import batch_run as run_module
from azimuthal.pipelines import parts as parts_module
from azimuthal.pipelines.batch import integrate_batch, prepare_batch
from azimuthal.pipelines.description import describe
from azimuthal.pipelines.events import FrameDone, FrameFailed, OutputsDone, Prepared, Surveying
from azimuthal.pipelines.settings import BatchSettings


@pytest.fixture
def settings(poni, frames):
    """Five frames in one file, to one file."""
    np.save("run.npy", frames)
    return BatchSettings(images=("run.npy",), geometry=poni, npt=40, unit="2th_deg", output="run.h5")


def test_batch_equals_the_plan_bit_for_bit(settings, frames, ai):
    """users.md 39: integrate all is integrate one, many times."""
    summary = integrate_batch(settings)
    assert summary.outputs == (Path("run.h5"),)
    assert (summary.n_frames, summary.n_files, summary.failures) == (5, 1, ())
    assert summary.frames_per_second > 0
    for frame, result in zip(frames, az.load_result("run.h5"), strict=True):
        expected = ai.integrate1d(frame, 40, unit="2th_deg")
        np.testing.assert_array_equal(result.intensity, expected.intensity)
        np.testing.assert_array_equal(result.sum_normalization, expected.sum_normalization)


def test_batch_equals_map_over_the_same_file(settings, ai):
    integrate_batch(settings)
    mapped = ai.plan1d(40, unit="2th_deg").map("run.npy")
    for result, expected in zip(az.load_result("run.h5"), mapped, strict=True):
        np.testing.assert_array_equal(result.sum_signal, expected.sum_signal)
        assert result.metadata["label"] == expected.metadata["label"]


def test_batch_events_come_in_order(settings):
    events = []
    integrate_batch(settings, events.append)
    assert events[0] == Surveying(1, 1)
    assert isinstance(events[1], Prepared)
    assert events[1].batch.n_frames == 5
    assert events[2:-1] == [FrameDone(f"run_{number:05d}", None) for number in range(5)]
    assert events[-1] == OutputsDone((Path("run.h5"),))


def test_batch_events_of_a_template_name_the_files(settings):
    events = []
    integrate_batch(dataclasses.replace(settings, output="{number}.xy"), events.append)
    assert [event.path for event in events if isinstance(event, FrameDone)] == [Path(f"{n}.xy") for n in range(5)]


def test_batch_failures_are_events_and_in_the_summary(settings, frames):
    np.save("wrong.npy", frames[0].T)
    events = []
    summary = integrate_batch(dataclasses.replace(settings, images=("run.npy", "wrong.npy")), events.append)
    failed = [event.failure for event in events if isinstance(event, FrameFailed)]
    assert summary.failures == tuple(failed)
    assert [failure.name for failure in failed] == ["wrong.npy"]
    assert summary.n_frames == 5


def test_batch_that_is_told_to_stop_leaves_nothing(settings, folder):
    before = sorted(path.name for path in folder.iterdir())

    def stop(event):
        if isinstance(event, FrameDone):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        integrate_batch(settings, stop)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_prepare_batch_writes_nothing_and_says_everything(settings, folder):
    before = sorted(path.name for path in folder.iterdir())
    batch = prepare_batch(dataclasses.replace(settings, output="out/{frame}.xy", threads=1))
    assert batch.n_frames == 5
    assert batch.bins == "40 bins"
    assert batch.masked_share == 0
    assert batch.threads == 1
    assert batch.plan.engine == "native"
    assert batch.outputs.paths[4] == Path("out/4.xy")
    assert sorted(path.name for path in folder.iterdir()) == before
    assert batch.run().n_frames == 5


def test_prepare_batch_checks_choices_before_it_opens_images(settings, monkeypatch):
    def never(*_arguments, **_keywords):
        raise AssertionError("images were opened")

    monkeypatch.setattr(batch_module, "survey_files", never)
    with pytest.raises(UnknownNameError, match="did you mean 'q_nm\\^-1'"):
        prepare_batch(dataclasses.replace(settings, unit="q_nm^1"))
    with pytest.raises(UnknownNameError, match="did you mean 'split'"):
        prepare_batch(dataclasses.replace(settings, choices={"splitt": "full"}))
    with pytest.raises(FileMissingError, match="flat"):
        prepare_batch(dataclasses.replace(settings, flat="flat.tif"))


def test_batch_default_output_is_named_after_the_first_image(settings):
    assert integrate_batch(dataclasses.replace(settings, output=None)).outputs == (Path("run_azimuthal.h5"),)


def test_batch_output_that_breaks_ends_the_run_and_keeps_what_is_complete(settings, monkeypatch):
    save = run_module.save
    calls = []

    def breaking(result, path, **options):
        calls.append(path)
        if len(calls) == 3:
            raise OutputError(f"{path}: cannot be written: No space left on device.")
        return save(result, path, **options)

    monkeypatch.setattr(run_module, "save", breaking)
    with pytest.raises(OutputError, match="No space left"):
        integrate_batch(dataclasses.replace(settings, output="out/{frame}.xy"))
    assert sorted(path.name for path in Path("out").glob("*.xy")) == ["0.xy", "1.xy"]


def test_batch_memory_does_not_grow_with_the_number_of_frames(settings, monkeypatch):
    monkeypatch.setattr(parts_module, "_LARGEST_BYTES", 2 << 20)  # what a part holds, and the memory of it

    def peak(n_frames):
        np.save("long.npy", np.ones((n_frames, 48, 60), np.uint16))
        long = dataclasses.replace(settings, images=("long.npy",), output=f"long_{n_frames}.h5", npt=2000)
        integrate_batch(long)  # what is loaded once
        tracemalloc.start()
        try:
            integrate_batch(dataclasses.replace(long, force=True))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    frame_bytes = 48 * 60 * 2
    # Both are more than what is under way at once.
    assert peak(900) - peak(150) < 750 * frame_bytes / 4


def test_batch_picture_shows_the_mean_of_all_frames(settings, monkeypatch, ai, frames):
    drawn = []
    monkeypatch.setattr(run_module, "save_picture", lambda result, path, force: drawn.append((result, path)))
    pytest.importorskip("matplotlib")
    integrate_batch(dataclasses.replace(settings, picture="p.png"))
    (mean, path), = drawn  # fmt: skip
    assert path == "p.png"
    assert mean.metadata["label"] == "run.h5: mean of 5 frames"
    expected = ai.integrate1d(frames.mean(axis=0), 40, unit="2th_deg")
    np.testing.assert_allclose(mean.intensity, expected.intensity, rtol=1e-12)


def test_batch_settings_are_immutable(settings):
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.npt = 3


@pytest.mark.parametrize("name", ["run.h5", "run.npz"])
@pytest.mark.parametrize("sectors", [(), ((-10.0, 10.0), (80.0, 100.0))])
def test_failed_frames_are_recorded_in_the_output(poni, frames, name, sectors):
    if sectors and name == "run.npz":
        pytest.skip("holds no sets")
    np.save("good.npy", frames)
    np.save("turned.npy", frames[0].T.copy())
    Path("broken.npy").write_bytes(b"\x93NUMPY")
    np.save("i0.npy", [1.0, 1.0, 0.0, 1.0, 1.0])
    settings = BatchSettings(
        images=("good.npy", "turned.npy"), geometry=poni, npt=40, unit="2th_deg", output=name, sectors=sectors,
        monitor="i0.npy",
    )  # fmt: skip
    integrate_batch(settings)
    results = az.load_result(name)
    assert len(results) == 4
    assert [(one.name, one.n_frames) for one in results.failures] == [("turned.npy", 1), ("good_00002", 1)]
    assert "rows and columns are exchanged" in results.failures[0].reason
    assert "got 0.0" in results.failures[1].reason
    assert "good_00002: normalization_factor" in describe(name).text
    integrate_batch(dataclasses.replace(settings, images=("good.npy",), monitor=None, output="whole.h5"))
    assert az.load_result("whole.h5").failures == ()
