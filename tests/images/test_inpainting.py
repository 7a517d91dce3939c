# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Inpainting: masked pixels are what their ring makes expect, and nothing is made up beyond it."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import AzimuthalError, DataTypeError, UnsupportedOptionError
from azimuthal.images.inpainting import filled_along_azimuth

from .conftest import SHAPE

BINS = {"npt_rad": 120, "npt_azim": 90}


@pytest.fixture(scope="module")
def truth(ai):
    """A smooth image of rings whose intensity varies along them."""
    x = ai.pose.lab_from_detector(ai.detector.centers())
    r, chi = 1e3 * np.hypot(x[..., 0], x[..., 1]), np.arctan2(x[..., 0], x[..., 1])
    return (200 + 60 * np.cos(r)) * (1 + 0.2 * np.cos(2 * chi))


@pytest.fixture
def stripes():
    mask = np.zeros(SHAPE, bool)
    mask[60:68] = mask[:, 150:156] = True
    return mask


def test_masked_stripes_of_a_known_image_are_recovered_within_noise(ai, truth, stripes):
    image = np.random.default_rng(0).poisson(truth).astype(np.uint32)
    image[stripes] = 0
    found = ai.inpaint(image, mask=stripes, solid_angle=None, **BINS)
    assert not found.unfilled.any()
    np.testing.assert_array_equal(found.filled, stripes)
    np.testing.assert_array_equal(found.image[~stripes], image[~stripes])
    pulls = (found.image - truth)[stripes] / np.sqrt(truth[stripes])
    assert abs(pulls.mean()) < 0.1
    assert pulls.std() < 0.7  # means of neighbours scatter less than single pixels


def test_noise_of_filled_pixels_is_that_of_counts(ai, truth, stripes):
    image = np.random.default_rng(1).poisson(truth).astype(np.uint32)
    found = ai.inpaint(image, mask=stripes, seed=3, solid_angle=None, **BINS)
    pulls = (found.image - truth)[stripes] / np.sqrt(truth[stripes])
    assert abs(pulls.mean()) < 0.1
    assert 0.9 < pulls.std() < 1.3
    again = ai.inpaint(image, mask=stripes, seed=3, solid_angle=None, **BINS)
    np.testing.assert_array_equal(found.image, again.image)
    assert (found.image[stripes] == np.rint(found.image[stripes])).all()


def test_integrals_of_the_filled_image_are_those_of_the_masked_one(ai, truth, stripes):
    image = np.random.default_rng(2).poisson(truth).astype(np.uint32)
    x = ai.pose.lab_from_detector(ai.detector.centers())
    image = np.random.default_rng(2).poisson(200 + 60 * np.cos(1e3 * np.hypot(x[..., 0], x[..., 1]))).astype(np.uint32)
    found = ai.inpaint(image, mask=stripes, **BINS)
    masked = ai.integrate1d(image, 60, unit="r_mm", mask=stripes, error_model="poisson")
    filled = ai.integrate1d(found.image, 60, unit="r_mm")
    pulls = (filled.intensity - masked.intensity) / masked.sigma
    assert np.abs(pulls).mean() < 0.3


def test_a_noiseless_image_of_rings_comes_back_to_interpolation(ai, stripes):
    profile = ai.integrate1d(np.ones(SHAPE), 300, unit="r_mm")
    expected = np.interp(ai.peak_finder(60).rings.field.radial, profile.radial, 100 + profile.radial**2).reshape(SHAPE)
    corrected = ai.image_from_profile(profile) * expected
    options = {"polarization_factor": 0.9}
    image = corrected * ai.image_from_profile(ai.integrate1d(np.ones(SHAPE), 50, solid_angle=None), corrections=options)
    image /= ai.image_from_profile(profile)
    found = ai.inpaint(image, mask=stripes, **options, **BINS)
    np.testing.assert_allclose(found.image[stripes], image[stripes], rtol=0.02)


def test_radius_without_data_stays_empty(ai, truth):
    x = ai.pose.lab_from_detector(ai.detector.centers())
    r = 1e3 * np.hypot(x[..., 0], x[..., 1])
    mask = (r < 3) | ((r > 8) & (r < 9))
    image = np.random.default_rng(3).poisson(truth).astype(np.uint32)
    found = ai.inpaint(image, mask=mask, **BINS)
    deep = (r < 2.7) | ((r > 8.3) & (r < 8.7))
    assert found.unfilled[deep].all()
    assert np.isnan(found.image[deep]).all()
    assert not found.unfilled[~mask].any()
    np.testing.assert_array_equal(found.filled | found.unfilled, mask)


def test_gaps_of_the_detector_and_invalid_values_are_filled():
    ai = az.Integrator(detector="Pilatus300k", dist=0.2, poni1=0.05, poni2=0.04, wavelength=1e-10)
    gaps = ai.detector.gap_mask()
    image = np.full(ai.detector.shape, 50, np.int32)
    image[gaps] = -1
    image[10, 10:20] = -2
    found = ai.inpaint(image, npt_rad=200, npt_azim=180, solid_angle=None)
    empty = gaps | (image < 0)
    np.testing.assert_array_equal(found.filled | found.unfilled, empty)
    np.testing.assert_allclose(found.image[found.filled], 50, rtol=1e-9)
    assert found.unfilled.sum() < 0.05 * empty.sum()


def test_corrections_without_a_value_are_not_filled(ai, truth, stripes):
    flat = np.ones(SHAPE)
    flat[62, 100:110] = 0
    found = ai.inpaint(np.rint(truth), mask=stripes, flat=flat, **BINS)
    assert found.unfilled[62, 100:110].all()


def test_image_is_not_modified(ai, truth, stripes):
    image = np.rint(truth)
    before = image.copy()
    ai.inpaint(image, mask=stripes, seed=1, **BINS)
    np.testing.assert_array_equal(image, before)


def test_filling_along_azimuth_is_linear_and_closes_the_circle():
    nan = np.nan
    cake = np.array([[nan, 1.0, nan], [2.0, nan, nan], [nan, nan, nan], [4.0, 4.0, nan], [nan, 2.0, nan]])
    closed = filled_along_azimuth(cake, is_circle=True)
    np.testing.assert_allclose(closed[:, 0], [10 / 3 - 2 / 3, 2, 3, 4, 10 / 3])
    np.testing.assert_allclose(closed[:, 1], [1, 2, 3, 4, 2])
    assert np.isnan(closed[:, 2]).all()
    opened = filled_along_azimuth(cake, is_circle=False)
    np.testing.assert_allclose(opened[:, 0], [nan, 2, 3, 4, nan])
    np.testing.assert_allclose(opened[:, 1], closed[:, 1])


def test_bad_input_raises(ai, truth):
    with pytest.raises(DataTypeError, match="seed"):
        ai.inpaint(truth, seed="now")
    with pytest.raises(UnsupportedOptionError, match="split"):
        ai.inpaint(truth, split="full")
    with pytest.raises(UnsupportedOptionError, match="error_model: has no meaning"):
        ai.inpaint(truth, error_model="poisson")
    with pytest.raises(UnsupportedOptionError, match="average"):
        ai.inpaint(truth, average="sum")
    with pytest.raises(AzimuthalError, match="mask"):
        ai.inpaint(truth, mask=np.zeros((3, 3), bool))
