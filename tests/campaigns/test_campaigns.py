# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A little of each campaign: a dozen damaged files of every format, and a few kills."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
FOLDER = Path(__file__).parent


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(FOLDER / name), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_damaged_files_of_every_format_are_an_error_or_a_result(tmp_path):
    pytest.importorskip("gemmi")
    state = tmp_path / "state.json"
    shown = run("mutation_campaign.py", str(state), "--number", "12", "--skip", "Oxd", "Esperanto")
    records = json.loads(state.read_text(encoding="utf-8"))
    assert len(records) > 45
    assert all(record["done"] == 12 for record in records.values())
    assert {name: record["findings"] for name, record in records.items() if record["findings"]} == {}, shown


def test_killed_runs_end_like_uninterrupted_ones():
    shown = run("kill_campaign.py", "--kills", "3", "--frames", "60", "--outputs", "cakes", "xye")
    assert shown.count("equal to the uninterrupted one") == 2
