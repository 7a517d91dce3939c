# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The speed contract."""

import math

import pytest

from azimuthal.pipelines.benchmark.contenders import limits, ours
from azimuthal.pipelines.benchmark.measurement import Measurement
from azimuthal.pipelines.benchmark.targets import Results, targets


def measured(case, contender, milliseconds, *, cores=1, label="", kind="peer", **more):
    return Measurement(
        case=case, case_kind=case.split()[0], cores=cores, contender=contender, label=label, kind=kind,
        seconds=(1e-3 * milliseconds,), **more,
    )  # fmt: skip


def target(found, text, cores=1):
    (one,) = [one for one in found if text in one.text and one.cores == cores]
    return one


NONE, FULL = "chunk none u32 40 counts", "chunk full sigma u32 40 counts"


def test_target_is_the_ratio_of_the_fastest_that_agree():
    results = Results([
        measured(NONE, "azimuthal", 2.0, label=ours.CHUNKS, kind="ours"),
        measured(NONE, "bslz4_to_sparse", 9.0, label="a"),
        measured(NONE, "bslz4_to_sparse", 7.0, label="b"),
        measured(NONE, "bslz4_to_sparse", 1.0, label="c", deviation=1.0, tolerance=1e-6),
        measured(NONE, "yardstick", 1.0, label=limits.LZ4, kind="limit"),
        measured(NONE, "yardstick", 0.1, label=limits.H5PY, kind="limit"),
    ])  # fmt: skip
    found = targets(results, low="0.02", high="40")
    one = target(found, f"{NONE}: bslz4_to_sparse / ours")
    assert (one.value, one.reached, one.verdict) == (pytest.approx(3.5), True, "reached")
    one = target(found, "liblz4 alone")
    assert (one.value, one.wanted, one.reached) == (pytest.approx(2.0), "at most", True)


def test_target_that_was_not_measured_is_left_open():
    found = targets(Results([measured(FULL, "azimuthal", 2.0, kind="ours")]), low="0.02", high="40")
    one = target(found, "pyFAI with h5py / ours")
    assert math.isnan(one.value)
    assert (one.reached, one.verdict) == (None, "not measured")


def test_targets_of_the_file_compare_cores_and_memory():
    case = "file full sigma u32 40 counts"
    found = targets(
        Results([
            measured(case, "azimuthal", 4.0, cores=1, kind="ours", peak_bytes=10**8),
            measured(case, "azimuthal", 2.0, cores=2, kind="ours", peak_bytes=1_500_000_000),
            measured(case, "pyFAI", 80.0, cores=2),
        ]),
        low="0.02", high="40",
    )  # fmt: skip
    assert target(found, "pyFAI loop", 2).value == pytest.approx(40.0)
    assert target(found, "one core", 2).value == pytest.approx(2.0)
    assert target(found, "peak memory", 2).verdict == "NOT reached"


def test_targets_of_sparse_frames_compare_chunks_with_dense_frames():
    results = Results([
        measured("chunk none u32 0.02 counts", "azimuthal", 1.0, kind="ours"),
        measured("dense none u32 0.02 counts", "azimuthal", 3.0, label=ours.BATCH, kind="ours"),
    ])  # fmt: skip
    assert target(targets(results, low="0.02", high="40"), "our dense batch").value == pytest.approx(3.0)
    assert not [one for one in targets(results, low=None, high="40") if "dense batch" in one.text]


def test_targets_of_nothing_are_none():
    assert targets(Results([]), low=None, high="40") == []
