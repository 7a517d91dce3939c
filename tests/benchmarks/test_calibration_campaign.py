# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A few cases of the campaign of calibrations, on small detectors: found, right where good, and resumed."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "calibration_campaign.py"
SMALL = 140_000  # pixels


@pytest.fixture(scope="module")
def campaign():
    spec = importlib.util.spec_from_file_location("calibration_campaign", SCRIPT)
    module = sys.modules["calibration_campaign"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["calibration_campaign"]


def test_cases_follow_from_their_seed_and_can_be_solved(campaign):
    one, again, other = (campaign.draw(seed, largest=SMALL) for seed in (4, 4, 5))
    assert one.instrument == again.instrument
    assert one.facts == again.facts
    assert one.instrument != other.instrument
    assert one.facts["usable"] >= 3
    assert one.facts["bound"] < campaign.LARGEST_BOUND


def test_start_is_off_by_a_few_pixels_at_the_beam(campaign):
    case = campaign.draw(5, largest=SMALL)
    start, truth = campaign.perturbed(case), case.instrument
    off = np.subtract(start.beam_center, truth.beam_center)
    assert 0 < np.abs(off).max() <= 3
    assert abs(start.pose.dist / truth.pose.dist - 1) <= 0.003


@pytest.mark.filterwarnings("ignore")
def test_campaign_is_resumed_and_what_it_calls_good_is_right(campaign, tmp_path, capsys):
    file = tmp_path / "cases.jsonl"
    campaign.campaign("recalibrate", range(2), file, largest=SMALL)
    campaign.campaign("recalibrate", range(4), file, largest=SMALL)
    assert "2 of 4 cases are in" in capsys.readouterr().out
    rows = campaign.read(file)
    assert [row["seed"] for row in rows] == [0, 1, 2, 3]
    assert all(row["worst"] < campaign.RIGHT for row in rows if row["verdict"] == "good")
    assert sum(row["worst"] is not None and row["worst"] < campaign.FOUND for row in rows) >= 3
    campaign.report(rows)
    assert "called good" in capsys.readouterr().out
    json.dumps(rows)


@pytest.mark.filterwarnings("ignore")
def test_wrong_inputs_of_the_campaign_are_not_good(campaign):
    row = campaign.run(campaign.draw(2, largest=SMALL), "recalibrate", wrong=True)
    assert row["verdict"] != "good"
    assert row["reasons"]
