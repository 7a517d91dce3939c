# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The script of the figures runs, and what it draws fits into the repository."""

import subprocess
import sys
from pathlib import Path

import pytest

FIGURES = Path(__file__).parents[2] / "docs" / "figures"
LARGEST_FIGURE = 300_000  # bytes


def test_make_figures_draws_every_stored_figure_small_enough(tmp_path):
    pytest.importorskip("matplotlib")
    command = [sys.executable, str(FIGURES / "make_figures.py"), "--output", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    made = {path.name: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert set(made) == {path.name for path in FIGURES.glob("*.png")}
    assert max(made.values()) < LARGEST_FIGURE


def test_stored_figures_are_small():
    assert all(path.stat().st_size < LARGEST_FIGURE for path in FIGURES.glob("*.png"))
