# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The processes that measure."""

import os
import sys
import tempfile

import pytest

from azimuthal.errors import EngineUnavailableError
from azimuthal.pipelines.benchmark import running
from azimuthal.pipelines.benchmark.running import run_benchmark
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings, core_sets


@pytest.fixture
def small():
    return BenchmarkSettings.short(
        detector="Pilatus100k", npt=50, n_frames=2, repeats=1, peers=False, only="chunk none"
    )


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_run_measures_on_one_core_and_on_all(small, temporary):
    steps = []
    report = run_benchmark(small, steps.append)
    assert report.results.cores == tuple(len(cores) for cores in core_sets())
    assert [step.number for step in steps] == list(range(steps[0].total))
    assert steps[1].text == "1 core: chunk none u32 40 counts"
    assert report.problems() == []
    assert {one.kind for one in report.measurements} == {"ours", "limit"}
    assert list(temporary.iterdir()) == []


def test_run_that_is_stopped_ends_its_process_and_leaves_nothing(small, temporary, monkeypatch):
    ended = []
    monkeypatch.setattr(running, "_end", lambda process, end=running._end: (end(process), ended.append(process)))

    def stop(step):
        if step.number:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_benchmark(small, stop)
    assert ended[0].returncode is not None
    assert list(temporary.iterdir()) == []


def test_run_whose_process_dies_says_where(small, temporary, monkeypatch):
    monkeypatch.setattr(running, "_WORKER", "azimuthal.absent")
    with pytest.raises(EngineUnavailableError, match=r"ended with code 1 at 'its start': .*azimuthal.absent"):
        run_benchmark(small)
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be bound to cores")
def test_worker_binds_itself_and_keeps_what_packages_print_apart(monkeypatch, capfd):
    import io
    import json

    from azimuthal.pipelines.benchmark import worker

    bound = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: bound.append(cores))

    def measure_all(settings, folder, n_cores, tell):
        os.write(1, b"noise\n")
        tell({"case": f"{settings.detector} {n_cores}"})

    monkeypatch.setattr(worker, "measure_all", measure_all)
    job = {"cores": [0], "settings": BenchmarkSettings().to_dict(), "folder": "."}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(job)))
    before = os.dup(1)
    try:
        worker.main()
    finally:
        os.dup2(before, 1)
        os.close(before)
    out, err = capfd.readouterr()
    assert bound == [[0]]
    assert json.loads(out) == {"case": "Eiger2_4M 1"}
    assert "noise" in err
