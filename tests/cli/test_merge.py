# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal merge``."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.testing.results import example_profile


@pytest.fixture
def runs(tmp_path):
    profiles = [example_profile(seed=seed) for seed in range(5)]
    az.save(profiles[:3], tmp_path / "one.h5")
    az.save(profiles[3:], tmp_path / "two.h5")
    return tmp_path, profiles


def test_merge_adds_up_all_results_of_all_files(run, runs):
    folder, profiles = runs
    outcome = run("merge", str(folder / "one.h5"), str(folder / "two.h5"), "-o", str(folder / "total.h5"))
    assert outcome.code == 0
    assert "5 results from 2 files" in outcome.out
    total = az.load_result(folder / "total.h5")[0]
    np.testing.assert_allclose(total.sum_signal, sum(profile.sum_signal for profile in profiles), rtol=1e-15)
    assert total.provenance["n_merged"] == 5


def test_merge_of_one_file_twice_is_refused(run, runs):
    folder, _ = runs
    outcome = run(
        "merge", str(folder / "one.h5"), str(folder / ".." / folder.name / "one.h5"), "-o", str(folder / "t.h5")
    )
    assert outcome.code == 2
    assert "count twice" in outcome.err
    assert not (folder / "t.h5").exists()


def test_merge_of_other_bins_names_the_file_and_writes_nothing(run, runs):
    folder, _ = runs
    az.save(example_profile(n_bins=13), folder / "other.h5")
    outcome = run("merge", str(folder / "one.h5"), str(folder / "other.h5"), "-o", str(folder / "t.h5"))
    assert outcome.code == 2
    assert "other.h5" in outcome.err
    assert "same axis" in outcome.err
    assert not (folder / "t.h5").exists()


def test_merge_keeps_an_existing_output_unless_forced(run, runs):
    folder, _ = runs
    command = ("merge", str(folder / "one.h5"), "-o", str(folder / "two.h5"))
    assert run(*command).code == 2
    assert run(*command, "--force").code == 0


def test_merge_of_a_missing_file_says_so(run, runs):
    folder, _ = runs
    outcome = run("merge", str(folder / "none.h5"), "-o", str(folder / "t.h5"))
    assert outcome.code == 2
    assert "does not exist" in outcome.err
