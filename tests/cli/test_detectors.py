# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal detectors``."""

import pytest

from azimuthal.detectors import detector_names


def test_detectors_lists_the_whole_catalogue(run):
    lines = run("detectors").out.splitlines()
    assert lines[0].split()[0] == "name"
    assert [line.split()[0] for line in lines[1:]] == [name for name in detector_names() if name != "Detector"]


@pytest.mark.parametrize("pattern", ["Eiger4M", "eiger 4m", "EIGER-4M"])
def test_detectors_name_in_any_spelling_describes_one(run, pattern):
    outcome = run("detectors", pattern)
    assert outcome.code == 0
    assert "2167 x 2070 pixels (slow x fast)" in outcome.out
    assert "75 x 75 µm" in outcome.out
    assert "% of the image" in outcome.out


@pytest.mark.parametrize("pattern", ["pilatus*2m", "Pilatus?*2M"])
def test_detectors_pattern_lists_those_that_match(run, pattern):
    names = [line.split()[0] for line in run("detectors", pattern).out.splitlines()[1:]]
    assert "PilatusCdTe2M" in names
    assert all(name.lower().startswith("pilatus") and name.lower().endswith("2m") for name in names)


def test_detectors_part_of_a_name_or_maker_lists_those_that_have_it(run):
    assert len(run("detectors", "rayonix").out.splitlines()) > 10
    assert "Eiger2_4M" in run("detectors", "dectris").out


def test_detectors_unknown_name_suggests_the_nearest(run):
    outcome = run("detectors", "Pilatos1M")
    assert outcome.code == 2
    assert "did you mean" in outcome.err
    assert "'Pilatus1M'" in outcome.err
    assert outcome.out == ""
