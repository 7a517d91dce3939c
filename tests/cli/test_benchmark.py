# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal benchmark``: a quick look on a small detector."""

import json
from pathlib import Path

import pytest

pytest.importorskip("hdf5plugin")
pytest.importorskip("matplotlib")

QUICK = ("benchmark", "--quick", "--detector", "Pilatus100k", "--repeats", "1")


def test_benchmark_prints_ratios_and_writes_json_page_and_picture(run, folder):
    Path("docs").mkdir()
    outcome = run(*QUICK, "--json", "speed.json", "--markdown", "docs/speed.md", "--picture", "speed.png")
    assert outcome.code == 0, outcome.err
    assert "chunk full sigma u32 40 counts" in outcome.out
    assert "DISAGREES" not in outcome.out
    assert "failed" not in outcome.out
    assert "left: 1 core: dense none u32 40 counts" in outcome.err
    record = json.loads(Path("speed.json").read_text())
    assert {one["case_kind"] for one in record["measurements"]} == {"compile", "dense", "cake", "chunk", "file"}
    assert record["packages"]["azimuthal"]
    assert "(../speed.png)" in Path("docs/speed.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in folder.iterdir()) == ["docs", "speed.json", "speed.png"]


def test_benchmark_without_peers_times_us_and_the_limits(run, folder):
    outcome = run(*QUICK, "--without-peers", "--only", "chunk none")
    assert outcome.code == 0, outcome.err
    assert "pyFAI" not in outcome.out
    assert "h5py + hdf5plugin" in outcome.out
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("options", "message"), [
    (["--detector", "Eigr2_4M"], "did you mean"),
    (["--only", "everything"], "only"),
    (["--repeats", "0"], "repeats: expected an integer of at least 1"),
    (["--picture", "speed.gif"], "extension"),
    (["--json", "taken.json"], "exists"),
])  # fmt: skip
def test_benchmark_bad_option_is_an_error_at_once(run, folder, options, message):
    Path("taken.json").touch()
    outcome = run("benchmark", "--quick", *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert [path.name for path in folder.iterdir()] == ["taken.json"]
