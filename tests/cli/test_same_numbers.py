# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The command line, a recipe, a second run and the library give the same numbers, bit for bit."""

import dataclasses

import numpy as np
import pytest

import azimuthal as az
from azimuthal.pipelines.batch import integrate_batch
from azimuthal.pipelines.recipe import read_recipe
from azimuthal.pipelines.rerun import compare, same_numbers

MONITOR = np.linspace(2.0, 9.0, 40)
DARK = np.random.default_rng(6).poisson(2, (48, 60)).astype(float)
FLAT = np.random.default_rng(7).uniform(0.9, 1.1, (48, 60))
MASK = np.random.default_rng(8).random((48, 60)) < 0.1

CHOICES = """-u q_A^-1 --error-model poisson --split bbox --average mean_of_ratios --polarization 0.95 --no-solid-angle
--radial-range 0.5 3 --azimuth-range 170 190 --dummy 9 --delta-dummy 0.5"""
RUNS = {
    "pattern": ("-u 2th_deg", lambda ai: ai.plan1d(50, unit="2th_deg")),
    "every choice": (
        CHOICES,
        lambda ai: ai.plan1d(
            50, unit="q_A^-1", error_model="poisson", split="bbox", average="mean_of_ratios", polarization_factor=0.95,
            solid_angle=None, radial_range=(0.5, 3), azimuth_range=(170, 190), dummy=9, delta_dummy=0.5,
        ),
    ),
    "azimuthal": ("-u q_nm^-1 --error-model azimuthal", lambda ai: ai.plan1d(50, unit="q_nm^-1", error_model="azimuthal")),
    "hybrid": ("-u q_nm^-1 --error-model hybrid", lambda ai: ai.plan1d(50, unit="q_nm^-1", error_model="hybrid")),
    "sigma": (
        "-u q_nm^-1 --error-model azimuthal --reject sigma --reject-threshold 3",
        lambda ai: ai.plan1d(50, unit="q_nm^-1", error_model="azimuthal", reject={"method": "sigma", "threshold": 3.0}),
    ),
    "median": ("-u q_nm^-1 --reject median", lambda ai: ai.plan1d(50, unit="q_nm^-1", reject="median")),
    "covariance": (
        "-u q_nm^-1 --error-model poisson --covariance",
        lambda ai: ai.plan1d(50, unit="q_nm^-1", error_model="poisson", covariance=True),
    ),
    "cake": (
        "-u q_nm^-1 --npt-azim 12 --error-model poisson",
        lambda ai: ai.plan2d(50, 12, unit="q_nm^-1", error_model="poisson"),
    ),
    "sectors": (
        "-u q_nm^-1 --sector -10 10 --sector 80 100 --error-model poisson",
        lambda ai: ai.plan_sectors(50, [(-10, 10), (80, 100)], unit="q_nm^-1", error_model="poisson"),
    ),
    "images": (
        "-u q_nm^-1 --error-model poisson --mask mask.npy --dark dark.npy --flat flat.npy --dark-variance poisson",
        lambda ai: ai.plan1d(
            50, unit="q_nm^-1", error_model="poisson", mask=MASK, dark=DARK, flat=FLAT, dark_variance="poisson"
        ),
    ),
    "engine": ("-u q_nm^-1 --engine reference", lambda ai: ai.plan1d(50, unit="q_nm^-1", engine="reference")),
    "sum": ("-u r_mm --average sum", lambda ai: ai.plan1d(50, unit="r_mm", average="sum")),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_all_ways_give_the_same_bits(name, run, stack, poni, frames):
    np.save("mask.npy", MASK)
    np.save("dark.npy", DARK)
    np.save("flat.npy", FLAT)
    text, make = RUNS[name]
    monitored = name not in ("pattern", "median")
    words = [*text.split(), *(["--monitor", "i0.npy"] if monitored else [])]
    command = ("integrate", f"{stack}::/entry/data/data[:3]", "-p", poni, "-n", "50", *words)
    np.save("i0.npy", MONITOR[:3])
    assert run(*command, "-o", "line.h5", "--write-recipe", "r.toml").code == 0
    assert run("run", "r.toml", "-o", "recipe.h5").code == 0
    integrate_batch(dataclasses.replace(read_recipe("r.toml"), output="library.h5", threads=1, keep_every=0.0))
    assert run("rerun", "line.h5").code == 0
    line = az.load_result("line.h5")
    for other in ("recipe.h5", "library.h5", "line_rerun.h5"):
        assert compare(line, az.load_result(other)).n_equal == 3
    plan = make(az.load(poni))
    factors = MONITOR[:3] if monitored else np.ones(3)
    for result, frame, factor in zip(line, frames[:3], factors, strict=True):
        assert same_numbers(result, plan(frame, normalization_factor=factor))
