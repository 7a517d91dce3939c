# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Back-projection: the inverse of an integration, with the recipe that the result carries."""

import dataclasses

import numpy as np
import pytest

import azimuthal as az
from azimuthal.detectors._pixels import CornerArray
from azimuthal.errors import AzimuthalError, DataTypeError, ParameterError, UnknownNameError
from azimuthal.results import Profile, Sums

from .conftest import SHAPE

METHODS = ("linear", "weights")


def smooth(x):
    return 100 + 40 * np.cos(x) + 5 * x


def profile_of(ai, function, n=200, unit="q_nm^-1", **options):
    """Return a profile of ai's recipe whose intensity is function(bin centre)."""
    made = ai.integrate1d(np.ones(SHAPE), n, unit=unit, **options)
    held = made.sums
    signal = function(made.radial) * held.normalization
    return dataclasses.replace(made, sums=Sums(signal, None, held.normalization, held.normalization2, held.count))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(5)
    return {
        "flat": rng.uniform(0.8, 1.2, SHAPE),
        "dark": rng.uniform(0, 3, SHAPE),
        "absorption": rng.uniform(0.9, 1, SHAPE),
    }


CHOICES = {
    "defaults": {},
    "no corrections": {"solid_angle": None},
    "all": {"polarization_factor": 0.95, "polarization_offset": 0.3, "solid_angle": "absolute", "transmission": 0.3},
    "unsplit": {"split": "none"},
    "mean of ratios": {"average": "mean_of_ratios", "polarization_factor": 0.9},
    "sum": {"average": "sum", "polarization_factor": 0.9},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CHOICES)
def test_image_from_profile_integrated_gives_the_profile_back(ai, images, name, method):
    options = {**CHOICES[name], **images}
    profile = profile_of(ai, smooth, **options)
    profile = dataclasses.replace(profile, normalization_factor=2.5)
    image = ai.image_from_profile(profile, method=method, **images)
    back = ai.integrate1d(image, 200, normalization_factor=2.5, **options)
    mean = back.sums.signal / back.sums.normalization
    inner = slice(2, -2)
    # I'' (w^2 + p^2) / 8 is 0.05 here, and the few pixels of a bin in the corners are not centred on it: slope times
    # that.  At the ends half a bin is constant.
    np.testing.assert_allclose(mean[inner], smooth(back.radial)[inner], atol=0.3 if method == "linear" else 0.6)
    assert np.median(np.abs(mean - smooth(back.radial))) < 0.05
    np.testing.assert_allclose(mean, smooth(back.radial), atol=1.5)
    assert np.isfinite(image).all()


def test_image_from_profile_of_a_line_is_exact_at_pixel_centres(ai):
    profile = profile_of(ai, lambda q: 7 + 3 * q, solid_angle=None)
    image = ai.image_from_profile(profile)
    q = q_of_centres(ai)
    inside = (q >= profile.radial[0]) & (q <= profile.radial[-1])
    np.testing.assert_allclose(image[inside], 7 + 3 * q[inside], rtol=1e-12)


def q_of_centres(ai):
    """Return q of pixel centres by vectors written out."""
    pose = ai.pose
    x = pose.lab_from_detector(ai.detector.centers())
    angle = np.arctan2(np.hypot(x[..., 0], x[..., 1]), x[..., 2])
    return 4e-9 * np.pi / ai.wavelength * np.sin(angle / 2)


def test_image_from_profile_applies_each_correction_as_it_was_undone(ai, images):
    """One pixel by hand: raw = I n M + dark."""
    options = {"polarization_factor": 0.9, **images}
    profile = profile_of(ai, lambda q: 10 + q, **options)
    image = ai.image_from_profile(profile, normalization_factor=3.0, **images)
    plain = ai.image_from_profile(profile, corrections={"solid_angle": None})
    from azimuthal.corrections import CorrectionSettings, fold

    folded = fold(ai.instrument, CorrectionSettings(polarization_factor=0.9), **images)
    np.testing.assert_allclose(image, plain * folded.normalization * 3.0 + images["dark"], rtol=1e-12)


def test_image_from_profile_converted_to_another_unit_is_the_same_image_to_interpolation(ai):
    profile = profile_of(ai, smooth, n=300)
    one, two = ai.image_from_profile(profile), ai.image_from_profile(profile.to("2th_deg"))
    np.testing.assert_allclose(one, two, rtol=2e-3)


def test_image_from_profile_outside_of_ranges_and_in_masks_holds_the_fill(ai):
    mask = np.zeros(SHAPE, bool)
    mask[100:110] = True
    profile = ai.integrate1d(np.ones(SHAPE), 50, radial_range=(2, 6), azimuth_range=(150, 240), solid_angle=None)
    image = ai.image_from_profile(profile, mask=mask, fill=-7)
    x = ai.pose.lab_from_detector(ai.detector.centers())
    chi = np.degrees(np.arctan2(x[..., 0], x[..., 1])) % 360
    q = q_of_centres(ai)
    inside = (q >= 2) & (q <= 6) & (chi >= 150) & (chi <= 240) & ~mask
    np.testing.assert_array_equal(image[~inside], -7)
    np.testing.assert_allclose(image[inside], 1.0)


def test_image_from_profile_in_an_empty_bin_is_nan(ai):
    made = ai.integrate1d(np.ones(SHAPE), 20, solid_angle=None, split="none")
    sums = [np.array(array) for array in (made.sum_signal, made.sum_normalization, made.sum_normalization2, made.count)]
    for array in sums:
        array[7] = 0
    profile = dataclasses.replace(made, sums=Sums(sums[0], None, *sums[1:]))
    image = ai.image_from_profile(profile)
    q = q_of_centres(ai)
    empty = (q > profile.edges[7]) & (q < profile.edges[8])
    np.testing.assert_array_equal(np.isnan(image), empty)


def test_image_from_azimuthal_profile_depends_on_azimuth_alone(ai):
    x = ai.pose.lab_from_detector(ai.detector.centers())
    chi = np.arctan2(x[..., 0], x[..., 1])
    made = ai.integrate_radial(10 + np.cos(chi), 90, radial_range=(1, 7), solid_angle=None)
    image = ai.image_from_profile(made)
    q = q_of_centres(ai)
    np.testing.assert_array_equal(np.isnan(image), (q < 1) | (q > 7))
    inside = ~np.isnan(image)
    np.testing.assert_allclose(image[inside], 10 + np.cos(chi[inside]), atol=0.03)


@pytest.mark.parametrize("method", METHODS)
def test_image_from_cake_integrated_gives_the_cake_back(ai, method):
    x = ai.pose.lab_from_detector(ai.detector.centers())
    expected = smooth(q_of_centres(ai)) * (1 + 0.1 * np.cos(np.arctan2(x[..., 0], x[..., 1])))
    cake = ai.integrate2d(expected, 100, 36, split="bbox", polarization_factor=0.9)
    image = ai.image_from_cake(cake, method=method)
    back = ai.integrate2d(image, 100, 36, split="bbox", polarization_factor=0.9)
    filled = cake.count > 5
    deviation = np.abs(back.intensity / cake.intensity - 1)[filled]
    assert np.median(deviation) < (1e-3 if method == "linear" else 5e-3)
    assert deviation.max() < 0.05
    assert not np.isnan(image).any()


def test_image_without_instrument_takes_that_of_the_recipe():
    ai = az.Integrator(detector="Pilatus100k", dist=0.1, poni1=0.01, poni2=0.04, wavelength=1e-10)
    profile = ai.integrate1d(np.ones((195, 487)), 100)
    np.testing.assert_array_equal(az.image_from_profile(profile), ai.image_from_profile(profile))
    cake = ai.integrate2d(np.ones((195, 487)), 100, 20)
    np.testing.assert_array_equal(az.image_from_cake(cake), ai.image_from_cake(cake))
    gaps = ai.detector.gap_mask()
    np.testing.assert_array_equal(np.isnan(az.image_from_profile(profile)), gaps)


def test_reference_engine_gives_the_same_image(ai, images):
    options = {"flat": images["flat"], "dark": images["dark"]}
    native = ai.integrate1d(np.ones(SHAPE), 64, **options)
    reference = ai.integrate1d(np.ones(SHAPE), 64, engine="reference", **options)
    np.testing.assert_allclose(
        ai.image_from_profile(native, **options), ai.image_from_profile(reference, **options), rtol=1e-9
    )


# ---- compared with pyFAI -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def their(ai):
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    pose = ai.pose
    return AzimuthalIntegrator(
        pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3,
        detector=Detector(1e-4, 1e-4, max_shape=SHAPE, orientation=3), wavelength=ai.wavelength,
    )  # fmt: skip


def test_image_from_profile_agrees_with_calcfrom1d(ai, their, images):
    profile = profile_of(ai, smooth, polarization_factor=0.95)
    ours = ai.image_from_profile(
        profile, corrections={"polarization_factor": 0.95}, dark=images["dark"], flat=images["flat"]
    )
    theirs = their.calcfrom1d(
        profile.radial, smooth(profile.radial), shape=SHAPE, dim1_unit="q_nm^-1", correctSolidAngle=True,
        polarization_factor=0.95, dark=images["dark"], flat=images["flat"],
    )  # fmt: skip
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_image_from_profile_outside_of_range_is_nan_where_calcfrom1d_extends_the_last_value(ai, their):
    """pyFAI clamps: a pixel far out of the range of the pattern gets the pattern's last value."""
    profile = ai.integrate1d(np.ones(SHAPE), 50, radial_range=(3, 5), solid_angle=None)
    theirs = their.calcfrom1d(
        profile.radial, profile.intensity, shape=SHAPE, dim1_unit="q_nm^-1", correctSolidAngle=False
    )
    outside = (q_of_centres(ai) < 3) | (q_of_centres(ai) > 5)
    np.testing.assert_allclose(theirs, 1.0)
    np.testing.assert_array_equal(np.isnan(ai.image_from_profile(profile)), outside)


def test_image_from_cake_agrees_with_calcfrom2d(ai, their):
    x = ai.pose.lab_from_detector(ai.detector.centers())
    expected = smooth(q_of_centres(ai)) * (1 + 0.1 * np.cos(np.arctan2(x[..., 0], x[..., 1])))
    cake = ai.integrate2d(expected, 100, 60, split="none", radial_range=(2, 6), azimuth_range=(-180, 180))
    ours = ai.image_from_cake(cake)
    theirs = their.calcfrom2d(
        cake.intensity, cake.radial, cake.azimuthal, shape=SHAPE, dim1_unit="q_nm^-1", dim2_unit="chi_deg",
        correctSolidAngle=True, dummy=np.nan,
    )  # fmt: skip
    q, chi = q_of_centres(ai), np.degrees(np.arctan2(x[..., 0], x[..., 1]))
    both = (q > cake.radial[0]) & (q < cake.radial[-1]) & (np.abs(chi) < cake.azimuthal[-1])
    both &= ~np.isnan(theirs)  # next to an empty bin pyFAI has no value, ours takes the bins that hold data
    assert both.mean() > 0.3
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-5)


# ---- bad input ---------------------------------------------------------------------------------------------


def test_missing_or_other_arrays_of_the_recipe_raise(ai, images):
    profile = ai.integrate1d(np.ones(SHAPE), 20, flat=images["flat"])
    with pytest.raises(ParameterError, match="flat: the result was made with one"):
        ai.image_from_profile(profile)
    with pytest.raises(ParameterError, match="flat: the result was made with another one"):
        ai.image_from_profile(profile, flat=images["flat"] * 2)
    with pytest.raises(ParameterError, match="dark: the result was made without one"):
        ai.image_from_profile(profile, flat=images["flat"], dark=images["dark"])
    ai.image_from_profile(profile, corrections={}, dark=images["dark"])


def test_profile_without_recipe_raises_unless_corrections_are_given(ai):
    made = ai.integrate1d(np.ones(SHAPE), 20)
    bare = Profile(made.axis, made.sums)
    with pytest.raises(ParameterError, match="carries no recipe"):
        ai.image_from_profile(bare)
    with pytest.raises(ParameterError, match="instrument: needed together with corrections"):
        az.image_from_profile(bare, corrections={})
    np.testing.assert_array_equal(ai.image_from_profile(bare, corrections={}), ai.image_from_profile(made))


def test_merged_profile_needs_a_monitor(ai):
    made = ai.integrate1d(np.ones(SHAPE), 20)
    with pytest.raises(ParameterError, match="2 frames were merged"):
        ai.image_from_profile(made.merged(made))
    np.testing.assert_allclose(
        ai.image_from_profile(made.merged(made), normalization_factor=1), ai.image_from_profile(made)
    )


def test_bad_arguments_raise(ai):
    made = ai.integrate1d(np.ones(SHAPE), 20)
    with pytest.raises(DataTypeError, match="expected a Profile"):
        ai.image_from_profile(np.ones(3))
    with pytest.raises(DataTypeError, match="expected a Cake"):
        ai.image_from_cake(made)
    with pytest.raises(UnknownNameError, match="method"):
        ai.image_from_profile(made, method="cubic")
    with pytest.raises(UnknownNameError, match="polarisation_factor"):
        ai.image_from_profile(made, corrections={"polarisation_factor": 0.9})
    with pytest.raises(ParameterError, match="'flat' does not belong here"):
        ai.image_from_profile(made, corrections={"flat": np.ones(SHAPE)})
    with pytest.raises(DataTypeError, match="fill"):
        ai.image_from_profile(made, fill="zero")
    with pytest.raises(AzimuthalError, match="mask"):
        ai.image_from_profile(made, mask=np.zeros((3, 3), bool))
    with pytest.raises(ParameterError, match="normalization_factor"):
        ai.image_from_profile(made, normalization_factor=0)


def test_recipe_of_a_detector_with_corners_of_its_own_needs_the_instrument(ai):
    corners = ai.detector.corners()
    corners[3, 5, 0, 1] += 1e-6
    camera = dataclasses.replace(ai.detector, layout=CornerArray(corners))
    odd = az.Integrator(camera, dist=0.1, wavelength=1e-10)
    profile = odd.integrate1d(np.ones(SHAPE), 20)
    with pytest.raises(ParameterError, match="instrument: the recipe cannot say it"):
        az.image_from_profile(profile)
    assert np.isfinite(odd.image_from_profile(profile)).all()
