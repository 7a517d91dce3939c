# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Separation: both parts add up to the image, and the smooth part is that of an image without spots."""

import numpy as np
import pytest

from azimuthal.errors import ParameterError, ShapeError, UnknownNameError, UnsupportedOptionError

from .conftest import SHAPE

METHODS = {"sigma": {}, "median": {"method": "median"}, "quantile": {"method": "quantile", "quantile": (0.3, 0.7)}}


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    mask = rng.random(SHAPE) < 0.02
    return {"flat": rng.uniform(0.8, 1.2, SHAPE), "dark": rng.uniform(0, 4, SHAPE), "mask": mask}


@pytest.mark.parametrize("name", METHODS)
def test_parts_add_up_to_the_image_at_every_valid_pixel(ai, plant, arrays, name):
    image = plant(1).image
    image[30, 40:45] = 2**32 - 1
    parts = ai.separate(image, 60, polarization_factor=0.9, **METHODS[name], **arrays)
    excluded = arrays["mask"] | (image == 2**32 - 1)
    np.testing.assert_array_equal(np.isnan(parts.bragg), excluded)
    np.testing.assert_array_equal(np.isnan(parts.amorphous), excluded)
    np.testing.assert_allclose((parts.bragg + parts.amorphous)[~excluded], image[~excluded], rtol=1e-15)


@pytest.mark.parametrize("name", METHODS)
def test_smooth_part_of_a_spotty_image_is_that_without_spots(ai, plant, name):
    r = ai.peak_finder(60).rings.field.radial.reshape(SHAPE)
    expected = 40 + 20 * np.cos(r / 3)
    image = plant(2, background=expected, sigmas=(10, 50)).image
    parts = ai.separate(image, 60, unit="r_mm", solid_angle=None, **METHODS[name])
    ratio = parts.amorphous / expected
    assert abs(np.median(ratio) - 1) < 0.02
    assert np.percentile(np.abs(ratio - 1), 95) < 0.1


def test_bragg_part_holds_the_spots(ai, plant):
    planted = plant(3, background=25.0, height=500.0)
    parts = ai.separate(planted.image, 60, unit="r_mm")
    sums = [
        parts.bragg[round(i) - 3 : round(i) + 4, round(j) - 3 : round(j) + 4].sum()
        for i, j in zip(planted.slow, planted.fast, strict=True)
    ]
    assert np.mean(sums) == pytest.approx(500 * 2 * np.pi * 0.8**2, rel=0.03)


def test_uncertainties_of_a_smooth_image_are_its_noise(ai):
    image = np.random.default_rng(4).poisson(60, SHAPE).astype(np.uint16)
    parts = ai.separate(image, 40, unit="r_mm", error_model="poisson")
    pulls = parts.bragg / parts.bragg_sigma
    assert 0.97 < np.std(pulls) < 1.05
    assert parts.amorphous_sigma.max() < 60
    np.testing.assert_allclose(parts.bragg_sigma**2 - parts.amorphous_sigma**2, image, rtol=1e-9)
    assert ai.separate(image, 40, unit="r_mm").bragg_sigma is None


def test_profile_is_the_clipped_mean_and_says_how_it_was_made(ai, plant):
    image = plant(5).image
    parts = ai.separate(image, 60, unit="r_mm", error_model="poisson", cutoff_clip=4)
    plain = ai.integrate1d(image, 60, unit="r_mm", split="none")
    assert (parts.profile.intensity[2:] <= plain.intensity[2:] + 1e-9).all()
    assert parts.profile.count.sum() < plain.count.sum()
    assert parts.profile.provenance["separation"]["cutoff_clip"] == 4
    assert parts.profile.sigma is not None
    # The recipe that it carries makes the same smooth image.
    np.testing.assert_allclose(ai.image_from_profile(parts.profile), parts.amorphous, rtol=1e-12)


def test_reference_engine_gives_the_same_parts(ai, plant, arrays):
    image = plant(6).image
    one, two = (ai.separate(image, 60, engine=engine, **arrays) for engine in ("native", "reference"))
    np.testing.assert_allclose(one.bragg, two.bragg, rtol=1e-9, atol=1e-9)


def test_bragg_and_amorphous_parts_are_close_to_those_of_pyfai(ai, plant):
    """Medians of rings projected back: the same method with other bins and another interpolation of the ends."""
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    pose = ai.pose
    their = AzimuthalIntegrator(
        pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3,
        detector=Detector(1e-4, 1e-4, max_shape=SHAPE, orientation=3), wavelength=ai.wavelength,
    )  # fmt: skip
    image = plant(7, background=100.0).image
    theirs = their.separate(image, npt=60, unit="r_mm", method=("no", "csr", "cython"), percentile=50)
    ours = ai.separate(image, 60, unit="r_mm", method="median")
    inner = ~np.isnan(ours.amorphous)
    assert np.percentile(np.abs(ours.amorphous / theirs.amorphous - 1)[inner], 99) < 0.03


@pytest.mark.parametrize("method", ["median", "quantile"])
def test_smooth_part_is_what_integrating_with_that_rejection_gives(ai, plant, method):
    image = plant(8).image
    quantile = (0.3, 0.7) if method == "quantile" else None
    rejection = {"method": method} | ({"quantiles": quantile} if quantile else {})
    parts = ai.separate(image, 60, unit="r_mm", method=method, quantile=quantile, error_model="poisson")
    profile = ai.integrate1d(image, 60, unit="r_mm", split="none", reject=rejection, error_model="poisson")
    np.testing.assert_array_equal(parts.profile.intensity, profile.intensity)
    np.testing.assert_array_equal(parts.profile.sem, profile.sem)
    assert np.nanmin(parts.amorphous_sigma) > 0


def test_bad_input_raises(ai, plant):
    image = plant(1).image
    with pytest.raises(UnknownNameError, match="method"):
        ai.separate(image, 60, method="mode")
    with pytest.raises(ParameterError, match="quantile: goes together"):
        ai.separate(image, 60, quantile=(0.4, 0.6))
    with pytest.raises(ParameterError, match="quantile: goes together"):
        ai.separate(image, 60, method="quantile")
    for pair in ((0.6, 0.4), (-0.1, 0.5), (0.5, 1.1)):
        with pytest.raises(ParameterError, match="quantile"):
            ai.separate(image, 60, method="quantile", quantile=pair)
    with pytest.raises(UnsupportedOptionError, match="error_model"):
        ai.separate(image, 60, error_model="azimuthal")
    with pytest.raises(UnsupportedOptionError, match="dark_variance"):
        ai.separate(image, 60, dark=np.ones(SHAPE), dark_variance=np.ones(SHAPE), error_model="poisson")
    with pytest.raises(UnsupportedOptionError, match="split"):
        ai.separate(image, 60, split="full")
    with pytest.raises(ShapeError, match="image"):
        ai.separate(image[:5], 60)


def test_what_is_kept_for_the_next_call_is_never_that_of_other_arrays(ai, plant):
    """The integrator keeps its last rings: a mask changed in place must not be taken for the old one."""
    image = plant(8).image
    mask = np.zeros(SHAPE, bool)
    first = ai.separate(image, 60, mask=mask)
    mask[20:30] = True
    second = ai.separate(image, 60, mask=mask)
    assert not np.isnan(first.bragg[20:30]).any()
    assert np.isnan(second.bragg[20:30]).all()
    np.testing.assert_array_equal(ai.separate(image, 60).bragg, first.bragg)
    profile = ai.integrate1d(image, 60)
    one, two = ai.image_from_profile(profile), ai.image_from_profile(profile, mask=mask)
    np.testing.assert_array_equal(np.isnan(two), mask)
    np.testing.assert_array_equal(one[~mask], two[~mask])


def test_dead_time_cannot_be_undone_and_raises(ai, plant):
    image = plant(1).image
    dead = {"dead_time": 1e-7, "exposure_time": 1.0, "dead_time_model": "paralyzable"}
    for call in (ai.separate, ai.find_peaks, ai.sparsify, ai.spottiness):
        with pytest.raises(UnsupportedOptionError, match="dead_time: images are made"):
            call(image, 60, **dead)
    with pytest.raises(UnsupportedOptionError, match="dead_time"):
        ai.inpaint(image, **dead)
    with pytest.raises(UnsupportedOptionError, match="dead_time"):
        ai.image_from_profile(ai.integrate1d(image, 60, **dead))
