# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal benchmark``: a quick look on a small detector."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hdf5plugin")
pytest.importorskip("matplotlib")

QUICK = ("benchmark", "--quick", "--detector", "Pilatus100k", "--repeats", "1")


def test_benchmark_prints_ratios_and_writes_json_page_and_picture(run, folder):
    Path("docs").mkdir()
    outcome = run(
        *QUICK, "--only", "none", "--json", "speed.json", "--markdown", "docs/speed.md", "--picture", "speed.png"
    )
    assert outcome.code == 0, outcome.err
    assert "chunk none u32 40 counts" in outcome.out
    assert "DISAGREES" not in outcome.out
    assert "failed" not in outcome.out
    assert "1 core: dense none u32 40 counts" in outcome.err
    record = json.loads(Path("speed.json").read_text())
    assert {one["case_kind"] for one in record["measurements"]} == {"dense", "chunk"}
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


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_benchmark_interrupted_ends_its_processes_and_leaves_nothing(folder, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("temporary")
    command = [sys.executable, "-m", "azimuthal", *QUICK, "--without-peers", "--json", "speed.json"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(temporary)})
    said = []
    with process.stderr:
        for line in process.stderr:
            said.append(line)
            if "1 core: dense" in line:
                process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130, said
    assert said[-1] == "interrupted\n"
    assert not list(temporary.iterdir())
    assert not list(folder.iterdir())
