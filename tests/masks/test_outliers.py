# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import numpy as np
import pytest

from azimuthal.errors import ParameterError
from azimuthal.masks import hot_pixels


@pytest.fixture
def image():
    slope = np.linspace(50, 400, 90)[np.newaxis, :] + np.zeros((70, 1))
    return np.random.default_rng(5).poisson(slope).astype(np.uint16)


def test_hot_and_dead_pixels_are_found_and_no_others(image):
    image[10, 10], image[0, 0], image[69, 40] = 2000, 900, 5000
    image[33, 60] = 0
    hot = [[0, 0], [10, 10], [69, 40]]
    assert np.argwhere(hot_pixels(image, side="hot", n_sigma=7)).tolist() == hot
    assert np.argwhere(hot_pixels(image, side="dead", n_sigma=7)).tolist() == [[33, 60]]
    assert hot_pixels(image, n_sigma=7).sum() == 4


def test_masked_and_nan_pixels_are_neither_judged_nor_neighbours(image):
    values = image.astype(float)
    mask = np.zeros(image.shape, bool)
    mask[20:23] = True
    values[20:23] = 1e6
    values[40, 40] = np.nan
    assert not hot_pixels(values, mask, n_sigma=8).any()


def test_false_alarms_are_as_rare_as_promised(image):
    assert hot_pixels(image, n_sigma=8, box=9).sum() == 0


def test_definition_agrees_with_one_pixel_by_hand():
    image = np.zeros((5, 5))
    image[2, 2] = 7.0
    assert hot_pixels(image, n_sigma=6.9)[2, 2]
    assert not hot_pixels(image, n_sigma=7.0).any()


@pytest.mark.parametrize("options", [{"box": 4}, {"box": 17}, {"n_sigma": 0}, {"side": "cold"}])
def test_settings_that_make_no_sense_are_refused(image, options):
    with pytest.raises((ParameterError, ValueError)):
        hot_pixels(image, **options)
