# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What contenders share."""

import dataclasses
import math

import numpy as np
import pytest

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.workbench import deviation_of_result, relative_deviation


@pytest.mark.parametrize(("found", "expected", "deviation"), [
    ([1.0, 4.5], [1.0, 4.0], 0.125),
    ([1.0, 2.0], [1.0, 2.0], 0.0),
    ([0.0], [0.0], 0.0),
    ([1.0], [0.0], math.inf),
    ([], [], 0.0),
])  # fmt: skip
def test_relative_deviation_is_of_the_largest_expected_value(found, expected, deviation):
    assert relative_deviation(np.array(found), np.array(expected)) == deviation


def test_relative_deviation_of_nan_is_nan():
    assert math.isnan(relative_deviation(np.array([1.0, math.nan]), np.array([1.0, 2.0])))


def test_deviation_of_a_result_finds_every_wrong_sum(bench, case):
    result, (expected, last) = bench.plan(case)(bench.frames(case)[0]), bench.expected(case)
    assert deviation_of_result(result, expected) < 1e-9
    assert deviation_of_result(result, last) > 1e-6
    for name in ("signal", "variance", "normalization", "count"):
        wrong = dataclasses.replace(expected, **{name: getattr(expected, name) * 1.5})
        assert deviation_of_result(result, wrong) == pytest.approx(1 / 3)


def test_workbench_keeps_what_the_next_case_shares(bench, case):
    same = Case("dense", "none", False, case.dtype, case.counts)
    stack = bench.stack(case)
    assert bench.stack(same) is stack
    assert bench.plan(case) is bench.plan(case)
    assert bench.plan(same) is not bench.plan(case)
    assert len(bench.chunks(case)) == len(bench.frames(case)) == bench.settings.n_frames
    assert bench.dataset(case)[1].shape == bench.plan(case).shape
