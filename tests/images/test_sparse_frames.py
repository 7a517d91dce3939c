# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sparse frames: what stands out comes back exactly, the background within its noise."""

import numpy as np
import pytest

from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.images.sparse_frames import SparseFrame, dummy_of

from .conftest import SHAPE


def test_densified_frame_has_every_pixel_that_stood_out(ai, plant):
    image = plant(1).image
    finder = ai.peak_finder(60, cutoff_pick=3.5, polarization_factor=0.9)
    sparse = finder.sparsify(image)
    raw = finder.rings.checked_frame(image)
    picked = finder.picked(raw, finder.background(raw))[0]
    np.testing.assert_array_equal(sparse.index, picked)
    for seed in (None, 1):
        dense = sparse.densify(seed)
        assert (dense.dtype, dense.shape) == (image.dtype, SHAPE)
        np.testing.assert_array_equal(dense.reshape(-1)[picked], raw[picked])


def test_densified_frame_without_noise_is_the_background(ai):
    q = ai.integrate1d(np.ones(SHAPE), 60, unit="r_mm", split="none", solid_angle=None)
    profile = 50 + 10 * q.radial
    expected = np.interp(ai.peak_finder(60, solid_angle=None).rings.field.radial, q.radial, profile).reshape(SHAPE)
    image = np.random.default_rng(0).poisson(expected).astype(np.uint32)
    dense = ai.sparsify(image, 60, solid_angle=None).densify()
    assert np.abs(dense - expected).max() < 6
    assert abs(dense.mean() - image.mean()) < 0.5


@pytest.mark.parametrize("mean", [0.02, 0.5, 5.0, 80.0])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_noise_has_mean_and_spread_of_the_background(ai, mean, dtype):
    """Also far below one count per pixel, where a normal distribution cut at zero has many times the mean."""
    image = np.random.default_rng(1).poisson(mean, SHAPE).astype(dtype)
    dense = ai.sparsify(image, 40, cutoff_pick=5, solid_angle=None).densify(seed=2).astype(float)
    kept = image <= mean + 5 * np.sqrt(mean + 1)
    error = np.sqrt(mean / kept.sum())
    assert abs(dense.mean() - image[kept].mean()) < 6 * error + 0.01 * mean
    assert abs(dense.std() / image[kept].std() - 1) < (0.05 if mean > 0.1 else 0.4)


def test_over_dispersed_counts_keep_their_spread(ai):
    rng = np.random.default_rng(3)
    image = rng.poisson(rng.gamma(10, 5.0, SHAPE)).astype(np.uint16)
    dense = ai.sparsify(image, 40, cutoff_pick=8, solid_angle=None).densify(seed=2).astype(float)
    assert dense.mean() == pytest.approx(image.mean(), rel=0.02)
    assert dense.std() == pytest.approx(image.std(), rel=0.05)
    assert dense.std() > 2 * np.sqrt(50)


def test_same_seed_gives_the_same_noise(ai, plant):
    sparse = ai.sparsify(plant(1).image, 60)
    np.testing.assert_array_equal(sparse.densify(5), sparse.densify(5))
    assert (sparse.densify(5) != sparse.densify(6)).any()


def test_drawn_noise_is_never_picked(ai, plant):
    sparse = ai.sparsify(plant(1).image, 60, cutoff_pick=2.5, noise=0.0)
    dense, mean = sparse.densify(1).astype(float), sparse.densify().astype(float)
    rest = np.ones(dense.size, bool)
    rest[sparse.index] = False
    excess = (dense - mean).reshape(-1)[rest]
    assert excess.max() <= 2.5 * np.nanmax(sparse.background_std) + 1


def test_integrated_densified_frame_is_that_of_the_image(ai, plant):
    image = plant(2).image
    dense = ai.sparsify(image, 60, cutoff_pick=3).densify(seed=4)
    one, two = (ai.integrate1d(frame, 60, unit="r_mm", error_model="poisson") for frame in (image, dense))
    pulls = (one.intensity - two.intensity) / np.hypot(one.sigma, two.sigma)
    assert abs(np.mean(pulls)) < 0.5
    assert np.std(pulls) < 1.5


def test_invalid_values_of_a_frame_come_back_as_they_were(ai, plant):
    image = plant(1).image
    image[17, 20:30] = 2**32 - 1
    for seed in (None, 0):
        dense = ai.sparsify(image, 60).densify(seed)
        np.testing.assert_array_equal(dense[17, 20:30], image[17, 20:30])
    image = image.astype(np.float64)
    image[17, 20:30] = np.nan
    assert np.isnan(ai.sparsify(image, 60).densify()[17, 20:30]).all()


def test_masked_pixels_come_back_as_dummy(ai, plant):
    mask = np.zeros(SHAPE, bool)
    mask[40:50] = True
    dense = ai.sparsify(plant(1).image, 60, mask=mask).densify(1)
    np.testing.assert_array_equal(dense[mask], 2**32 - 1)
    assert (dense[~mask] < 2**32 - 1).all()


def test_dark_is_added_and_normalization_multiplied(ai):
    rng = np.random.default_rng(0)
    arrays = {"dark": rng.uniform(0, 50, SHAPE), "flat": rng.uniform(0.5, 2, SHAPE)}
    image = 1000 * arrays["flat"] + arrays["dark"]
    dense = ai.sparsify(image, 60, solid_angle=None, **arrays).densify()
    np.testing.assert_allclose(dense, image, rtol=1e-6)


def test_pixels_of_rings_without_background_are_kept(ai):
    mask = np.ones(SHAPE, bool)
    mask[100:110, 70:90] = mask[10, 10] = False
    image = np.full(SHAPE, 7, np.uint8)
    image[10, 10] = 9
    sparse = ai.sparsify(image, 200, mask=mask)
    assert 10 * SHAPE[1] + 10 in sparse.index
    assert sparse.densify()[10, 10] == 9


def test_bad_input_raises(ai, plant):
    sparse = ai.sparsify(plant(1).image, 60)
    with pytest.raises(DataTypeError, match="seed"):
        sparse.densify(seed=-1)
    with pytest.raises(DataTypeError, match="seed"):
        sparse.densify(seed=1.5)
    parts = (sparse.background_avg, sparse.background_std, sparse.dummy)
    with pytest.raises(ShapeError, match="one value per index"):
        SparseFrame(sparse.layout, sparse.index, sparse.intensity[1:], *parts)
    with pytest.raises(ParameterError, match="increasing"):
        SparseFrame(sparse.layout, sparse.index[::-1], sparse.intensity, *parts)
    with pytest.raises(ShapeError, match="background_avg"):
        SparseFrame(sparse.layout, sparse.index, sparse.intensity, parts[0][1:], *parts[1:])


def test_dummy_is_nan_or_the_highest_integer():
    assert dummy_of(np.dtype("int16")) == 32767
    assert np.isnan(dummy_of(np.dtype("float32")))
