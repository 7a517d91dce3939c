# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Contenders at a case: tried, compared, timed."""

import time

import pytest

from azimuthal.pipelines.benchmark import measuring
from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders import Entry
from azimuthal.pipelines.benchmark.measuring import measure


class Stranger:
    """A contender made for a test."""

    name, distribution, install = "stranger", None, ""

    def __init__(self, kind, *entries):
        self.kind, self._entries = kind, entries

    def entries(self, case, bench):
        yield from self._entries


def fail():
    raise ZeroDivisionError("on purpose")


@pytest.fixture
def only(monkeypatch):
    def use(*contenders):
        monkeypatch.setattr(measuring, "contenders", lambda *, peers: contenders)

    return use


def test_measure_times_per_frame_and_compares(case, bench, only):
    only(Stranger("peer", Entry(label="a", work=int, n_frames=2, deviation=lambda result: 0.5 + result, tolerance=0.1)))
    (one,) = measure(case, bench, 1)
    assert (one.contender, one.label, one.deviation, one.agrees) == ("stranger", "a", 0.5, False)
    assert len(one.seconds) == bench.settings.repeats


def test_measure_first_call_counts_where_nothing_is_warmed_up(case, bench, only):
    calls = []
    only(Stranger("peer", Entry(label="a", work=lambda: calls.append(1), warm_up=False, most_turns=1)))
    (one,) = measure(case, bench, 1)
    assert (len(calls), len(one.seconds)) == (1, 1)


def test_measure_failure_of_a_peer_is_a_result_and_of_ours_an_error(case, bench, only):
    only(Stranger("peer", Entry(label="a", work=int), Entry(label="b", work=fail)))
    good, bad = measure(case, bench, 1)
    assert good.agrees
    assert (bad.label, bad.failure) == ("b", "ZeroDivisionError: on purpose")
    only(Stranger("ours", Entry(label="a", work=fail)))
    with pytest.raises(ZeroDivisionError):
        measure(case, bench, 1)


def test_measure_subtracts_overhead_and_says_when_nothing_is_left(case, bench, only):
    long, short = (lambda: time.sleep(0.02)), (lambda: time.sleep(0.005))
    only(
        Stranger(
            "limit",
            Entry(label="a", work=long, overhead=short),
            Entry(label="b", work=short, overhead=long),
        )
    )
    good, bad = measure(case, bench, 1)
    assert good.median < 0.02
    assert (bad.label, bad.seconds, bad.agrees) == ("b", (), False)


@pytest.mark.parametrize("case", [
    Case("dense", "none", False, "uint16", 40.0),
    Case("dense", "full", True, "uint32", 40.0),
    Case("cake", "full", True, "uint32", 40.0),
    Case("chunk", "none", False, "uint32", 1.0),
    Case("chunk", "full", True, "uint16", 40.0),
    Case("compile", "bbox"),
    Case("file", "full", True, "uint32", 40.0),
], ids=lambda case: case.name)  # fmt: skip
@pytest.mark.filterwarnings("ignore")  # of other packages
def test_everybody_who_is_installed_agrees(case, bench):
    found = measure(case, bench, 1)
    assert [(one.contender, one.label, one.verdict) for one in found if not one.agrees and one.kind != "limit"] == []
    assert found[0].kind == "ours"
    assert all(min(one.seconds) > 0 for one in found if one.agrees)
