# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every benchmark runs once on a small detector: its assertions on results hold."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
CAMPAIGNS = ("calibration_campaign", "goniometer_pulls", "goniometer_comparison")  # count, or need measured images


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "path", [p for p in sorted(FOLDER.glob("*.py")) if p.stem not in CAMPAIGNS], ids=lambda path: path.stem
)
def test_benchmark_runs_and_its_results_hold(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    times = module.main("Eiger2_500k", repeats=1)
    assert times
    assert all(value > 0 for value in times.values())
    assert "ratio" in module.report(times)
