# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What was measured."""

import json
import math

import pytest

from azimuthal.pipelines.benchmark.measurement import Measurement


def measured(**changes):
    return Measurement(
        **(
            {"case": "dense", "case_kind": "dense", "cores": 1, "contender": "pyFAI", "label": "", "kind": "peer"}
            | changes
        )
    )


def test_measurement_median_and_spread():
    one = measured(seconds=(1.0, 2.0, 3.0, 4.0, 5.0))
    assert one.median == 3.0
    assert one.spread == pytest.approx(1 / 3)
    assert math.isnan(measured().median)
    assert math.isnan(measured(seconds=(1.0,)).spread)


@pytest.mark.parametrize(("changes", "verdict", "agrees"), [
    ({"deviation": 1e-7, "tolerance": 1e-6}, "agrees (1.0e-07)", True),
    ({"deviation": 1e-3, "tolerance": 1e-6}, "DISAGREES (1.0e-03)", False),
    ({"failure": "ValueError: no"}, "failed: ValueError: no", False),
    ({}, "not compared", True),
    ({"kind": "limit"}, "", True),
    ({"deviation": math.nan, "tolerance": 1.0}, "DISAGREES (nan)", False),
])  # fmt: skip
def test_measurement_verdict(changes, verdict, agrees):
    one = measured(seconds=(1.0,), **changes)
    assert (one.verdict, one.agrees) == (verdict, agrees)


def test_measurement_survives_a_way_through_json():
    one = measured(seconds=(1.0, 2.0), deviation=0.5, note="x")
    assert Measurement.from_dict(json.loads(json.dumps(one.to_dict()))) == one
