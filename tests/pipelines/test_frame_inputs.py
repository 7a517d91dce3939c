# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Monitors and darks of single frames, by path: each frame its own, recorded, and no length guessed."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import (
    DataTypeError,
    FileFormatError,
    FileMissingError,
    ParameterError,
    ShapeError,
)
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.events import FrameDone, FramesKept
from azimuthal.pipelines.rerun import prepare_rerun, same_numbers
from azimuthal.pipelines.settings import BatchSettings

MONITOR = np.array([2.0, 3.0, 4.0, 5.0, 7.0])


@pytest.fixture
def stack(folder, frames):
    """Five frames in two files, each with its monitor; one file with monitor and darks of all."""
    for name, chosen in (("a.h5", slice(0, 3)), ("b.h5", slice(3, 5))):
        with h5py.File(name, "w") as file:
            file["entry/data/data"] = frames[chosen]
            file["entry/I0"] = MONITOR[chosen]
    with h5py.File("scan.h5", "w") as file:
        file["I0"] = MONITOR
        file["darks"] = np.random.default_rng(4).poisson(3, frames.shape).astype(np.uint16)
    return ("a.h5", "b.h5")


@pytest.fixture
def base(stack, poni):
    return BatchSettings(
        images=stack, geometry=poni, npt=40, unit="q_nm^-1", output="run.h5", choices={"error_model": "poisson"}
    )


@pytest.mark.parametrize("monitor", ["::/entry/I0", "scan.h5::/I0", "i0.npy", "i0.txt", "i0.csv"])
def test_monitor_by_path_divides_each_frame(monitor, base, ai, frames):
    np.save("i0.npy", MONITOR)
    np.savetxt("i0.txt", MONITOR, header="I0")
    Path("i0.csv").write_text("".join(f"{value}\n" for value in MONITOR))
    integrate_batch(dataclasses.replace(base, monitor=monitor, normalization_factor=0.5))
    plan = ai.plan1d(40, unit="q_nm^-1", error_model="poisson")
    for result, frame, value in zip(az.load_result("run.h5"), frames, MONITOR, strict=True):
        assert same_numbers(result, plan(frame, normalization_factor=0.5 * value))
        assert result.metadata["monitor"] == value
        assert result.provenance["inputs"]["monitor"] == monitor
    with h5py.File("run.h5") as file:
        assert file["entry/monitor_applied"][()]
        np.testing.assert_array_equal(file["entry/monitor/data"], 0.5 * MONITOR)


def test_monitor_of_counts_has_a_variance(base, ai, frames):
    settings = dataclasses.replace(
        base, monitor="scan.h5::/I0", monitor_variance="poisson", normalization_factor=2.0, normalization_variance=0.25
    )
    integrate_batch(settings)
    plan = ai.plan1d(40, unit="q_nm^-1", error_model="poisson")
    for result, frame, value in zip(az.load_result("run.h5"), frames, MONITOR, strict=True):
        variance = 4.0 * value + 0.25 * value**2
        assert same_numbers(result, plan(frame, normalization_factor=2.0 * value, normalization_variance=variance))
        assert result.normalization_variance == variance


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"monitor": "short.npy"}, ShapeError, "one value for each of the 5 frames, got 4"),
        ({"monitor": "::/entry/nothing"}, FileFormatError, "a.h5: the dataset /entry/nothing cannot be read"),
        ({"monitor": "::/entry/data/data"}, ShapeError, r"each of the 3 frames, got \(3, 48, 60\)"),
        ({"monitor": "scan.h5"}, ParameterError, "which dataset is meant is not guessed"),
        ({"monitor": "absent.npy"}, FileMissingError, "absent.npy: this file does not exist"),
        ({"monitor": "words.txt"}, FileFormatError, "expected one number per line"),
        ({"monitor": "words.npy"}, DataTypeError, "expected numbers"),
        ({"monitor_variance": "poisson"}, ParameterError, "monitor_variance: is the variance of the monitor"),
        ({"dark": "three.npy"}, ParameterError, "one image for all 5 frames, or one for each, got 3"),
        ({"dark": "other.npy"}, ShapeError, r"expected images of shape \(48, 60\)"),
    ],
)
def test_what_does_not_fit_the_frames_is_an_error(changes, error, words, base):
    np.save("short.npy", MONITOR[:4])
    np.save("words.npy", np.array(list("abcde")))
    Path("words.txt").write_text("one\ntwo\n")
    np.save("three.npy", np.zeros((3, 48, 60)))
    np.save("other.npy", np.zeros((5, 60, 48)))
    with pytest.raises(error, match=words):
        integrate_batch(dataclasses.replace(base, **changes))
    assert not Path("run.h5").exists()


def test_a_frame_without_beam_fails_and_the_others_are_done(base):
    np.save("i0.npy", np.where(MONITOR == 4.0, 0.0, MONITOR))
    summary = integrate_batch(dataclasses.replace(base, monitor="i0.npy"))
    assert [failure.name for failure in summary.failures] == ["a_00002"]
    assert "normalization_factor" in summary.failures[0].reason
    assert summary.n_frames == 4


def test_monitor_of_a_file_that_cannot_be_opened_is_not_guessed(base):
    Path("broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ParameterError, match=r"how many frames broken.h5 holds is not known"):
        integrate_batch(dataclasses.replace(base, images=("a.h5", "broken.h5", "b.h5"), monitor="scan.h5::/I0"))
    inside = dataclasses.replace(base, images=("a.h5", "broken.h5", "b.h5"), monitor="::/entry/I0")
    summary = integrate_batch(inside)
    assert summary.n_frames == 5


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dark_variance": "poisson"},
        {"sectors": ((-10.0, 10.0), (80.0, 100.0))},
        {"npt_azim": 12},
        {"choices": {"error_model": "poisson", "reject": "sigma"}},
    ],
    ids=["pattern", "variance", "sectors", "cake", "reject"],
)
def test_dark_of_each_frame_is_that_of_a_run_with_that_dark(more, base):
    settings = dataclasses.replace(base, dark="scan.h5::/darks", monitor="::/entry/I0", **more)
    integrate_batch(settings)
    for number, result in enumerate(az.load_result("run.h5")):
        name, local = ("a", number) if number < 3 else ("b", number - 3)
        alone = dataclasses.replace(
            settings,
            images=(f"{name}.h5::/entry/data/data[{local}:{local + 1}]",),
            dark=f"scan.h5::/darks[{number}:{number + 1}]",
            monitor=f"{number}.npy",
            output=f"alone_{number}.h5",
        )
        np.save(f"{number}.npy", MONITOR[number : number + 1])
        integrate_batch(alone)
        assert same_numbers(result, az.load_result(f"alone_{number}.h5")[0])


def test_dark_that_excludes_other_pixels_is_a_failure_of_its_frame(base):
    darks = np.zeros((5, 48, 60))
    darks[3, 0, 0] = np.nan
    np.save("darks.npy", darks)
    summary = integrate_batch(dataclasses.replace(base, dark="darks.npy"))
    assert [failure.name for failure in summary.failures] == ["b_00000"]
    assert "finite where those of the plan's dark are" in summary.failures[0].reason


def test_frames_whose_monitor_changed_are_integrated_again(base):
    np.save("i0.npy", MONITOR)
    settings = dataclasses.replace(base, monitor="i0.npy", keep_every=0.0)

    class StopError(Exception):
        pass

    def report(event):
        if isinstance(event, FrameDone) and event.label == "b_00000":
            raise StopError

    with pytest.raises(StopError):
        integrate_batch(settings, report)
    np.save("i0.npy", np.where(MONITOR == 3.0, 30.0, MONITOR))
    events = []
    integrate_batch(settings, events.append)
    assert next(event for event in events if isinstance(event, FramesKept)).n_frames == 4
    factors = [result.normalization_factor for result in az.load_result("run.h5")]
    assert factors == [2.0, 30.0, 4.0, 5.0, 7.0]


def test_rerun_keeps_frames_and_monitors_together(base, frames):
    """A file whose only frame failed is not among the results; its monitor value is not that of the next one."""
    np.save("bad.npy", np.zeros((60, 48), np.uint16))
    np.save("dark.npy", np.ones((48, 60)))
    np.save("i0.npy", np.where(MONITOR == 3.0, 0.0, MONITOR))
    for number, frame in enumerate(frames):
        np.save(f"f{number}.npy", frame)
    integrate_batch(dataclasses.replace(base, images=("f?.npy",), monitor="i0.npy", dark="dark.npy"))
    summary, comparison = prepare_rerun("run.h5").run()
    assert comparison.is_equal
    assert comparison.n_equal == 4
    assert [failure.name for failure in summary.failures] == ["f1"]
