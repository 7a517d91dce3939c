# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Taking turns."""

import gc

from azimuthal.pipelines.benchmark.timing import median_seconds, seconds_of, take_turns


def test_turns_alternate_and_every_work_is_timed():
    order = []
    times = take_turns([lambda: order.append("a"), lambda: order.append("b")], 3, 10.0)
    assert order == ["a", "b"] * 3
    assert [len(one) for one in times] == [3, 3]


def test_turns_of_work_over_its_budget_stop_after_three():
    assert [len(one) for one in take_turns([lambda: None], 9, 0.0)] == [3]


def test_turns_of_a_work_can_be_limited():
    assert [len(one) for one in take_turns([int, int], 5, 10.0, [1, None])] == [1, 5]


def test_seconds_of_returns_time_and_result():
    seconds, result = seconds_of(lambda: 5)
    assert (seconds > 0, result) == (True, 5)
    assert median_seconds(int, 3) > 0


def test_turns_leave_garbage_collection_as_it_was():
    gc.disable()
    try:
        take_turns([int], 1, 1.0)
        assert not gc.isenabled()
    finally:
        gc.enable()
    take_turns([int], 1, 1.0)
    assert gc.isenabled()
