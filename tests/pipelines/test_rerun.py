# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A result integrated again: bit-equal, and nothing changed goes unnoticed."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, OutputExistsError, ParameterError
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.rerun import compare, prepare_rerun
from azimuthal.pipelines.settings import BatchSettings


@pytest.fixture
def result(poni, frames):
    """Five frames in one file, with a mask."""
    np.save("run.npy", frames)
    np.save("mask.npy", frames[0] > 45)
    integrate_batch(
        BatchSettings(
            images=("run.npy",), geometry=poni, npt=40, unit="q_nm^-1", output="run.h5", masks=("mask.npy",),
            choices={"error_model": "poisson", "polarization_factor": 0.9, "radial_range": (5.0, 20.0)},
        )
    )  # fmt: skip
    return "run.h5"


def test_rerun_gives_the_same_numbers_from_anywhere(result, folder, monkeypatch):
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    summary, comparison = prepare_rerun(folder / result).run()
    assert summary.outputs == (folder / "run_rerun.h5",)
    assert comparison.is_equal
    assert comparison.n_equal == 5
    with pytest.raises(OutputExistsError):
        prepare_rerun(folder / result)
    prepare_rerun(folder / result, output="again.npz").run()
    assert compare(az.load_result(folder / result), az.load_result("again.npz")).is_equal


def test_rerun_of_a_rerun(result):
    prepare_rerun(result, output="a.h5").run()
    assert prepare_rerun("a.h5", output="b.h5").run()[1].is_equal


def test_rerun_lists_what_changed_or_vanished(result, poni, frames):
    Path(poni).write_text(Path(poni).read_text().replace("Rot1: 0.02", "Rot1: 0.03"))
    Path("mask.npy").unlink()
    os.utime("run.npy", (1, 1))
    with pytest.raises(ParameterError) as caught:
        prepare_rerun(result)
    assert "geometry.poni has other contents" in str(caught.value)
    assert "mask.npy is not there any more" in str(caught.value)
    assert "run.npy was written again since" in str(caught.value)


def test_rerun_with_changes_accepted_says_what_differs(result, frames):
    changed = frames.copy()
    changed[3] += 1
    np.save("run.npy", changed)
    os.utime("run.npy", (1, 1))
    second = prepare_rerun(result, accept_changes=True)
    assert len(second.changes) == 1
    _, comparison = second.run()
    assert comparison.differing == ("run_00003",)
    assert comparison.n_equal == 4
    assert not comparison.is_equal


def test_rerun_of_a_geometry_that_was_only_touched(result, poni):
    os.utime(poni, (1, 1))
    assert prepare_rerun(result).run()[1].is_equal


def test_rerun_with_frames_that_failed_the_first_time(poni, frames):
    np.save("a.npy", frames)
    np.save("b.npy", frames[:2].transpose(0, 2, 1))
    run = BatchSettings(images=("a.npy", "b.npy"), geometry=poni, npt=40, unit="2th_deg", output="run.h5")
    integrate_batch(run)
    assert prepare_rerun("run.h5").run()[1].is_equal
    integrate_batch(dataclasses.replace(run, images=("a.npy",), output="more.h5"))
    one, two = az.load_result("run.h5"), az.load_result("more.h5")
    assert compare(one[:2], two).is_equal
    assert compare(one[3:], two).is_equal
    assert compare(one, two[:4]).missing == ("a_00004",)


def test_rerun_of_sectors(poni, frames):
    np.save("run.npy", frames)
    integrate_batch(
        BatchSettings(
            images=("run.npy",), geometry=poni, npt=40, unit="q_nm^-1", output="run.h5", sectors=((0, 40), (50, 70))
        )
    )
    assert prepare_rerun("run.h5").run()[1].n_equal == 5


def test_rerun_needs_a_recipe(ai, frames, folder):
    az.save(ai.integrate1d(frames[0], 40, unit="2th_deg"), "alone.h5")
    with pytest.raises(FileFormatError, match="holds no recipe"):
        prepare_rerun("alone.h5")
