# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Settings of a benchmark."""

import json
import os

import pytest

from azimuthal.errors import ParameterError
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings, core_sets


def test_settings_survive_a_way_through_json():
    settings = BenchmarkSettings(detector="Pilatus100k", counts=(0.02, 40.0), only="chunk")
    assert BenchmarkSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_short_settings_are_quick_and_can_be_changed():
    settings = BenchmarkSettings.short(detector="Pilatus100k", repeats=3)
    assert settings.quick
    assert (settings.detector, settings.repeats) == ("Pilatus100k", 3)
    assert settings.n_file_frames < BenchmarkSettings().n_file_frames


@pytest.mark.parametrize("name", ["npt", "repeats", "n_frames"])
def test_settings_number_below_one_is_an_error(name):
    with pytest.raises(ParameterError, match=f"{name}: expected an integer of at least 1"):
        BenchmarkSettings(**{name: 0})


def test_core_sets_are_one_core_and_all_that_are_granted():
    sets = core_sets()
    assert len(sets[0]) == 1
    if hasattr(os, "sched_getaffinity"):
        assert set(sets[-1]) == os.sched_getaffinity(0)
