# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A plan with another dark: bit-equal to one that was compiled with it."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.pipelines.rerun import same_numbers

SHAPE = (40, 50)
RNG = np.random.default_rng(4)
FRAME = RNG.poisson(30, SHAPE).astype(np.uint16)
DARKS = RNG.poisson(3, (2, *SHAPE)).astype(float)
FLAT = RNG.uniform(0.9, 1.1, SHAPE)


@pytest.fixture(scope="module")
def ai():
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    return az.Integrator(camera, dist=0.1, poni1=0.0241, poni2=0.0297, rot1=0.02, wavelength=1e-10)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"error_model": "poisson", "flat": FLAT, "polarization_factor": 0.9},
        {"error_model": "azimuthal", "average": "mean_of_ratios"},
        {"error_model": "poisson", "reject": "sigma"},
        {"engine": "reference", "error_model": "hybrid"},
    ],
)
def test_other_dark_gives_the_bits_of_a_new_plan(ai, options):
    first, expected = (ai.plan1d(50, unit="q_nm^-1", dark=dark, **options) for dark in DARKS)
    other = first.with_dark(DARKS[1])
    assert same_numbers(other(FRAME), expected(FRAME))
    assert other(FRAME).provenance["arrays"] == expected(FRAME).provenance["arrays"]
    assert same_numbers(ai.plan1d(50, unit="q_nm^-1", **options).with_dark(DARKS[1])(FRAME), expected(FRAME))


def test_variance_goes_with_the_dark(ai):
    options = {"unit": "q_nm^-1", "error_model": "poisson", "dark_variance": "poisson"}
    first, expected = (ai.plan1d(50, dark=dark, **options) for dark in DARKS)
    assert same_numbers(first.with_dark(DARKS[1], DARKS[1])(FRAME), expected(FRAME))
    with pytest.raises(ParameterError, match="a dark with a variance"):
        first.with_dark(DARKS[1])
    with pytest.raises(ParameterError, match="a dark with no variance"):
        ai.plan1d(50, unit="q_nm^-1", dark=DARKS[0]).with_dark(DARKS[1], DARKS[1])


def test_sets_take_another_dark(ai):
    first, expected = (ai.plan_sectors(50, [(-10, 10), (0, 90)], unit="q_nm^-1", dark=dark) for dark in DARKS)
    assert same_numbers(first.with_dark(DARKS[1])(FRAME), expected(FRAME))


def test_dark_that_excludes_other_pixels_is_refused(ai):
    holes = DARKS[1].copy()
    holes[3, 4] = np.nan
    with pytest.raises(ParameterError, match="finite where those of the plan's dark are"):
        ai.plan1d(50, unit="q_nm^-1", dark=DARKS[0]).with_dark(holes)
    with pytest.raises(ShapeError):
        ai.plan1d(50, unit="q_nm^-1", dark=DARKS[0]).with_dark(DARKS[1].T)
