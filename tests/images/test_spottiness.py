# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Spottiness: 0 for a smooth ring of counts whatever its intensity, and the contrast of a spotty one."""

import numpy as np
import pytest

from azimuthal.errors import UnsupportedOptionError

from .conftest import SHAPE


@pytest.mark.parametrize("mean", [0.5, 20.0, 2000.0])
def test_smooth_rings_of_counts_have_dispersion_one_within_its_sigma(ai, mean):
    image = np.random.default_rng(0).poisson(mean, SHAPE).astype(np.uint32)
    found = ai.spottiness(image, 60, unit="r_mm", solid_angle=None)
    pulls = (found.dispersion - 1) / found.dispersion_sigma
    enough = found.count > 100
    assert abs(pulls[enough].mean()) < 0.5
    assert 0.7 < pulls[enough].std() < 1.4
    assert found.total < 0.1 / np.sqrt(mean)


@pytest.mark.parametrize("contrast", [0.1, 0.5])
@pytest.mark.parametrize("exposure", [30.0, 3000.0])
def test_spottiness_is_the_contrast_whatever_the_exposure(ai, contrast, exposure):
    rng = np.random.default_rng(1)
    grains = rng.gamma(1 / contrast**2, contrast**2, SHAPE)
    image = rng.poisson(exposure * grains).astype(np.uint32)
    found = ai.spottiness(image, 60, unit="r_mm", solid_angle=None)
    assert found.total == pytest.approx(contrast, rel=0.06)
    assert np.average(found.per_bin, weights=found.count) == pytest.approx(contrast, rel=0.1)


def test_spots_make_their_rings_spotty_and_no_others(ai, plant):
    image = np.random.default_rng(2).poisson(50, SHAPE).astype(np.uint32)
    smooth = ai.spottiness(image, 40, unit="r_mm")
    r = ai.peak_finder(40).rings.bins.reshape(SHAPE)
    ring = np.argwhere(r == 20)
    for i, j in ring[::40]:
        image[i, j] += 2000
    spotty = ai.spottiness(image, 40, unit="r_mm")
    significant = (spotty.dispersion - 1) > 6 * spotty.dispersion_sigma
    assert np.flatnonzero(significant).tolist() == [20]
    others = np.arange(40) != 20
    np.testing.assert_array_equal(spotty.per_bin[others], smooth.per_bin[others])


def test_corrections_are_taken_into_account(ai):
    flat = np.random.default_rng(3).uniform(0.5, 1.5, SHAPE)
    image = np.random.default_rng(4).poisson(400 * flat).astype(np.uint32)
    assert ai.spottiness(image, 40, unit="r_mm", solid_angle=None).total > 0.2
    assert ai.spottiness(image, 40, unit="r_mm", solid_angle=None, flat=flat).total < 0.01


def test_rings_without_intensity_have_none(ai):
    found = ai.spottiness(np.zeros(SHAPE, np.uint16), 20)
    assert np.isnan(found.per_bin).all()
    assert np.isnan(found.dispersion).all()
    assert np.isnan(found.total)


def test_splitting_raises(ai):
    with pytest.raises(UnsupportedOptionError, match="split"):
        ai.spottiness(np.zeros(SHAPE), 20, split="full")
