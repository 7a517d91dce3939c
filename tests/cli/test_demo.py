# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal demo``: what is promised on the first page works."""

import re
from pathlib import Path

import pytest

import azimuthal as az

pytest.importorskip("matplotlib")


def test_demo_finds_every_ring_and_writes_everything(run, folder):
    outcome = run("demo", "--output", "here", "--frames", "2")
    assert outcome.code == 0, outcome.err
    assert "10 of 10 rings found" in outcome.out
    assert float(re.search(r"\(([\d.]+) pixels\)", outcome.out)[1]) < 0.1
    assert "frames/s" in outcome.out
    names = ["ceo2.png", "ceo2_azimuthal.h5", "ceo2_azimuthal.xye", "ceo2_eiger4m.h5", "geometry.poni"]
    assert sorted(path.name for path in Path("here").iterdir()) == names
    assert all(f"here/{name}" in outcome.out for name in names)
    results = az.load_result("here/ceo2_azimuthal.h5")
    again = az.load("here/geometry.poni").integrate1d(
        az.open_frames("here/ceo2_eiger4m.h5").read(1),
        1000, unit="2th_deg", split="full", error_model="poisson", polarization_factor=0.99,
    )  # fmt: skip
    assert (results[1].sum_signal == again.sum_signal).all()
    by_hand = re.search(r"azimuthal (integrate here/.*)", outcome.out)[1].split()
    assert run(*by_hand).code == 0  # the command that it prints works
    refused = run("demo", "--output", "here", "--frames", "2")
    assert refused.code == 2
    assert "exist already. Pass --force" in refused.err


@pytest.mark.parametrize(("options", "message"), [
    (["--frames", "0"], "frames: expected an integer of at least 1"),
    (["--output", "a/b"], "a/b: cannot be created"),
])  # fmt: skip
def test_demo_bad_option_is_an_error(run, folder, options, message):
    outcome = run("demo", *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert not list(folder.iterdir())
