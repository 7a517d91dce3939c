# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``integrate --write-recipe``, ``run`` and ``rerun``."""

import json
from pathlib import Path

import numpy as np

import azimuthal as az
from azimuthal.cli._progress import Progress
from azimuthal.pipelines import parts
from azimuthal.pipelines.rerun import compare

CHOICES = ("-n", "50", "-u", "2th_deg", "--error-model", "poisson", "--reject", "sigma", "--no-solid-angle")


def test_command_line_recipe_and_rerun_give_the_same_numbers(run, stack, poni):
    """Issue 6, demand 5."""
    outcome = run("integrate", stack, "-p", poni, *CHOICES, "-o", "one.h5", "--write-recipe", "r.toml")
    assert outcome.code == 0
    assert "recipe: r.toml" in outcome.err
    assert run("run", "r.toml").code == 2  # the output is there already
    assert run("run", "r.toml", "-o", "two.h5").code == 0
    outcome = run("rerun", "one.h5")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (
        0,
        "one.h5: all 40 frames came out the same, bit for bit",
    )
    for other in ("two.h5", "one_rerun.h5"):
        assert compare(az.load_result("one.h5"), az.load_result(other)).n_equal == 40


def test_run_takes_other_images(run, images, stack, poni):
    run("integrate", stack, "-p", poni, *CHOICES, "-o", "one.h5", "--write-recipe", "r.json", "--dry-run")
    assert not Path("one.h5").exists()
    assert run("run", "r.json", images, "-o", "{stem}.xy").code == 0
    assert len(list(Path().glob("image_*.xy"))) == 3


def test_rerun_says_what_changed(run, stack, poni):
    run("integrate", stack, "-p", poni, *CHOICES, "-o", "one.h5")
    Path(poni).write_text(Path(poni).read_text().replace("0.0241", "0.0242"))
    outcome = run("rerun", "one.h5")
    assert outcome.code == 2
    assert "geometry.poni has other contents" in outcome.err
    outcome = run("rerun", "one.h5", "--accept-changes")
    assert outcome.code == 1
    assert "40 frames came out differently: stack_00000" in outcome.err


def test_run_names_a_key_that_is_not_known(run, folder):
    np.save("a.npy", np.zeros((48, 60)))
    Path("r.toml").write_text("azimuthal_recipe = 1\n[bins]\nntp = 3\n")
    outcome = run("run", "r.toml")
    assert outcome.code == 2
    assert "r.toml, line 3: key of [bins]: 'ntp' is not known; did you mean 'npt'" in outcome.err


def test_log_has_a_record_of_everything(run, stack, poni, frames):
    np.save("wrong.npy", frames[0].T)
    command = ("integrate", "stack.h5", "wrong.npy", "-p", poni, *CHOICES, "-o", "one.h5", "--log", "log.jsonl")
    assert run(*command).code == 1
    records = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [record["event"] for record in records] == ["prepared", "failed", *40 * ["frame"], "done"]
    assert records[1]["name"] == "wrong.npy"
    assert records[2]["label"] == "stack_00000"
    assert records[-1]["paths"] == ["one.h5"]
    assert run(*command).code == 1  # tries what failed
    records = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()][len(records) :]
    assert [record["event"] for record in records] == ["prepared", "failed", "resumed", *40 * ["frame"], "done"]
    assert run(*command, "--split", "none").code == 2
    last = json.loads(Path("log.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "stopped"
    assert "exists already" in last["reason"]
    assert run("integrate", "stack.h5", "-p", poni, *CHOICES, "-o", "two.h5", "--log", "no/log.jsonl").code == 2


def test_interrupted_run_says_how_to_go_on(run, stack, poni, monkeypatch):
    monkeypatch.setattr(parts, "_LARGEST_BYTES", 1)
    advance = Progress._advance

    def interrupt(self):
        advance(self)
        if self.n_done == 7:
            raise KeyboardInterrupt

    command = ("integrate", stack, "-p", poni, *CHOICES, "-o", "one.h5", "--log", "log.jsonl")
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "_advance", interrupt)
        outcome = run(*command)
    assert outcome.code == 130
    words = "7 frames kept in one.h5.parts; the same command again integrates the rest"
    assert words in outcome.err
    outcome = run(*command)
    assert outcome.code == 0
    assert "7 frames are kept in one.h5.parts from an interrupted run" in outcome.err
    assert len(az.load_result("one.h5")) == 40
    events = [json.loads(line)["event"] for line in Path("log.jsonl").read_text().splitlines()]
    assert (events.count("kept"), events.count("resumed"), events.count("stopped")) == (40, 1, 1)
