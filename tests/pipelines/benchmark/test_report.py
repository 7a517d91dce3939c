# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Tables, JSON, page and picture of a run that was made up."""

import json

import pytest

from azimuthal.pipelines.benchmark.contenders import limits, ours
from azimuthal.pipelines.benchmark.measurement import Measurement
from azimuthal.pipelines.benchmark.page import benchmark_page
from azimuthal.pipelines.benchmark.picture import save_benchmark_picture
from azimuthal.pipelines.benchmark.report import BenchmarkReport, milliseconds, percent, times
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings

CASE = "chunk none u32 40 counts"


def measured(contender, kind, seconds, **more):
    return Measurement(
        **({"case": CASE, "case_kind": "chunk", "cores": 1, "label": "x", "seconds": seconds} | more),
        contender=contender,
        kind=kind,
    )


@pytest.fixture
def report():
    return BenchmarkReport(
        settings=BenchmarkSettings(),
        machine={
            "processor": "EPYC|x", "instruction_sets": ["avx2"], "instructions": "avx2", "cores": 2, "system": "Linux", "python": "3.12",
            "load": 0.5, "pinned": False,
        },
        packages={"azimuthal": "1", "pyFAI": "2", "scipy": None},
        missing={"scipy CSR": "pip install scipy"},
        measurements=(
            measured("azimuthal", "ours", (0.002, 0.002), label=ours.CHUNKS, deviation=0.0, tolerance=1e-6),
            measured("pyFAI", "peer", (0.05,), deviation=1e-5, tolerance=1e-3),
            measured("pyFAI", "peer", (0.0001,), label="wrong", deviation=float("nan"), tolerance=1e-3),
            measured("broken", "peer", (), failure="ValueError: no"),
            measured("yardstick", "limit", (0.001,), label=limits.LZ4),
        ),
    )  # fmt: skip


def test_table_has_our_time_and_multiples_of_it(report):
    header, rows = report.table()
    assert header == ("case", "cores", "ours", "ms", "spread", "pyFAI", "broken", "LZ4 alone")
    assert rows == [(CASE, "1", ours.CHUNKS, "2.00", "±0%", "25.0", "-", "0.500")]


def test_problems_name_who_disagrees_and_who_failed(report):
    disagreeing, failed = report.problems()
    assert "pyFAI wrong DISAGREES (nan)" in disagreeing
    assert "broken x failed: ValueError: no" in failed


def test_details_hold_every_measurement(report):
    header, rows = report.details()
    assert len(rows) == len(report.measurements)
    assert all(len(row) == len(header) for row in rows)


def test_contract_holds_what_was_measured(report):
    _, rows = report.contract()
    assert rows == [("1", f"{CASE}: ours / liblz4 alone", "1", "at most 2", "2.00", "reached")]


def test_json_holds_raw_times_and_no_nan(report):
    record = json.loads(report.to_json())
    assert record["measurements"][0]["seconds"] == [0.002, 0.002]
    assert record["measurements"][3]["median"] is None
    assert record["machine"]["processor"] == "EPYC|x"
    reached = {(one["text"], one["cores"]): one["reached"] for one in record["targets"]}
    assert reached[f"{CASE}: ours / liblz4 alone", 1] is True


def test_page_says_that_it_is_generated_and_what_is_missing(report):
    page = benchmark_page(report, picture="../a.png")
    assert page.startswith("# Benchmarks\n\n*Generated")
    assert "![Frames per second, ours and others](../a.png)" in page
    assert "Not installed: scipy CSR (`pip install scipy`)" in page
    assert "could not be bound to cores" in page
    assert "DISAGREES" in page
    lines = page.splitlines()
    tables = [[line for line in block.split("\n") if line.startswith("|")] for block in "\n".join(lines).split("\n\n")]
    assert all(len({line.replace("\\|", "").count("|") for line in table}) <= 1 for table in tables)


def test_picture_is_written(report, tmp_path):
    pytest.importorskip("matplotlib")
    target = save_benchmark_picture(report, tmp_path / "speed.png")
    assert target.read_bytes().startswith(b"\x89PNG")


def test_numbers_have_three_digits():
    assert (milliseconds(0.0123456), milliseconds(12.3456), times(123.4)) == ("12.3", "12346", "123")
    assert (times(0.5), percent(0.034)) == ("0.500", "±3%")
