# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.testing.results import example_cake, example_profile

FIELDS = ("signal", "variance", "normalization", "normalization2", "count")


@pytest.fixture(scope="module")
def ai():
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(101, 103))
    return az.Integrator(detector, dist=0.1, poni1=0.0503, poni2=0.0498, rot1=0.1, rot2=-0.05, wavelength=1e-10)


@pytest.fixture(scope="module")
def frame():
    return np.random.default_rng(7).poisson(50, (101, 103)).astype(np.uint32)


def close(one, two, names=FIELDS, rtol=1e-12):
    for name in names:
        np.testing.assert_allclose(getattr(one.sums, name), getattr(two.sums, name), rtol=rtol, atol=1e-9, err_msg=name)


def test_rebinned_by_union_is_the_integration_with_coarse_bins(ai, frame):
    fine = ai.integrate1d(frame, 120, radial_range=(2, 26), error_model="poisson", split="none")
    coarse = ai.integrate1d(frame, 30, radial_range=(2, 26), error_model="poisson", split="none")
    close(fine.rebinned(every=4), coarse)
    np.testing.assert_allclose(fine.rebinned(coarse.edges).edges, coarse.edges, rtol=1e-12)
    close(fine.rebinned(coarse.edges), coarse)


def test_rebinned_split_pixels_keep_all_but_what_splitting_correlates(ai, frame):
    fine = ai.integrate1d(frame, 120, radial_range=(2, 26), error_model="poisson")
    coarse = ai.integrate1d(frame, 30, radial_range=(2, 26), error_model="poisson")
    close(fine.rebinned(every=4), coarse, ("signal", "normalization", "count"))
    ratio = fine.rebinned(every=4).sum_variance / coarse.sum_variance
    assert (ratio <= 1 + 1e-12).all()
    assert ratio.mean() < 0.9  # pixels are wider than the fine bins: their correlation is what is missing


def test_rebinned_to_unequal_edges_preserves_totals():
    profile = example_profile()
    found = profile.rebinned(profile.edges[[0, 1, 5, 12]])
    for name in FIELDS:
        np.testing.assert_allclose(getattr(found.sums, name).sum(), getattr(profile.sums, name).sum())
    assert found.sums.signal[1] == profile.sums.signal[1:5].sum()
    assert found.provenance["history"][-1]["n_bins"] == [12, 3]


def test_rebinned_within_a_part_leaves_the_rest_out():
    profile = example_profile()
    found = profile.rebinned(profile.edges[[2, 4, 6]])
    assert found.sums.count.sum() == pytest.approx(profile.count[2:6].sum())


def test_edges_that_cut_a_bin_raise_unless_sharing_is_asked_for():
    profile = example_profile(n_bins=4, low=0, high=4)
    with pytest.raises(ParameterError, match="no edge of the bins"):
        profile.rebinned([0, 1.5, 4])
    shared = profile.rebinned([0, 1.5, 4], method="shared")
    s, v = profile.sum_signal, profile.sum_variance
    np.testing.assert_allclose(shared.sum_signal, [s[0] + 0.5 * s[1], 0.5 * s[1] + s[2] + s[3]])
    np.testing.assert_allclose(shared.sum_variance, [v[0] + 0.25 * v[1], 0.25 * v[1] + v[2] + v[3]])


def test_shared_with_the_old_edges_changes_nothing():
    profile = example_profile()
    close(profile.rebinned(profile.edges, method="shared"), profile, rtol=1e-15)


def test_shared_edges_beyond_the_axis_take_what_there_is():
    profile = example_profile(n_bins=4, low=0, high=4)
    found = profile.rebinned([-1, 2, 9], method="shared")
    assert found.count.sum() == pytest.approx(profile.count.sum())


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "exactly one"),
        ({"edges": [1, 40], "every": 2}, "exactly one"),
        ({"every": 5}, "not a multiple"),
        ({"edges": [50, 60], "method": "shared"}, "meet the bins"),
        ({"edges": [50, 60]}, "no edge"),
        ({"edges": [1, 40], "method": "spline"}, "not known"),
    ],
)
def test_rebinning_that_makes_no_sense_raises(options, match):
    with pytest.raises(ValueError, match=match):
        example_profile().rebinned(**options)


def test_radial_profile_of_a_cake_is_the_profile(ai, frame):
    options = {"error_model": "poisson", "split": "none", "radial_range": (2, 26)}
    cake = ai.integrate2d(frame, 30, 36, **options)
    close(cake.radial_profile(), ai.integrate1d(frame, 30, **options))
    for arc in ((-30, 40), (170, 190), (350, 10), (-180, 180), (90, 270)):
        close(cake.radial_profile(arc), ai.integrate1d(frame, 30, azimuth_range=arc, **options))


def test_azimuthal_profile_of_a_cake_is_the_azimuthal_profile(ai, frame):
    options = {"error_model": "poisson", "split": "none"}
    cake = ai.integrate2d(frame, 24, 36, radial_range=(2, 26), **options)
    close(cake.azimuthal_profile((6, 10)), ai.integrate_radial(frame, 36, radial_range=(6, 10), **options))
    assert cake.azimuthal_profile().unit == cake.azimuthal_unit


def test_arc_that_cuts_bins_raises_or_is_shared(ai, frame):
    cake = ai.integrate2d(frame, 10, 36, error_model="poisson")
    with pytest.raises(ParameterError, match="cuts the bin from"):
        cake.radial_profile((0, 15))
    found = cake.radial_profile((0, 15), method="shared")
    np.testing.assert_allclose(found.count, cake.count[18] + 0.5 * cake.count[19])
    np.testing.assert_allclose(found.sum_variance, cake.sum_variance[18] + 0.25 * cake.sum_variance[19])


def test_range_outside_of_the_cake_raises(ai, frame):
    cake = ai.integrate2d(frame, 10, 18, azimuth_range=(0, 180), radial_range=(2, 12))
    with pytest.raises(ParameterError, match="inside of"):
        cake.radial_profile((100, 200))
    with pytest.raises(ParameterError, match="inside of"):
        cake.azimuthal_profile((2, 13))
    close(cake.radial_profile((10, 20)), cake.radial_profile((370, 380)), ("signal", "count"))


def test_cake_rebinned_along_both_axes(ai, frame):
    options = {"error_model": "poisson", "split": "none", "radial_range": (2, 26)}
    fine, coarse = ai.integrate2d(frame, 40, 36, **options), ai.integrate2d(frame, 10, 12, **options)
    close(fine.rebinned(radial_every=4, azimuthal_every=3), coarse)
    close(fine.rebinned(coarse.radial_axis.edges, coarse.azimuthal_axis.edges), coarse)
    with pytest.raises(ParameterError, match="at least"):
        fine.rebinned()


def test_symmetrized_puts_opposite_bins_together(ai, frame):
    cake = ai.integrate2d(frame, 20, 36, error_model="poisson")
    half = cake.symmetrized()
    assert half.sums.shape == (18, 20)
    np.testing.assert_allclose(half.azimuthal_axis.edges[[0, -1]], [-180, 0])
    for name in FIELDS:
        array = getattr(cake.sums, name)
        np.testing.assert_allclose(getattr(half.sums, name), array[:18] + array[18:])
    close(half.radial_profile(), cake.radial_profile())


def test_symmetrized_fills_gaps_from_the_other_side(ai, frame):
    mask = np.zeros(frame.shape, bool)
    mask[:40, :40] = True
    cake = ai.integrate2d(frame, 8, 12, mask=mask, error_model="poisson", radial_range=(2, 10))
    assert np.isnan(cake.intensity).sum() > np.isnan(cake.symmetrized(full_circle=True).intensity).sum()


def test_symmetrized_full_circle_repeats_without_counting_twice(ai, frame):
    cake = ai.integrate2d(frame, 20, 36, error_model="poisson")
    half, full = cake.symmetrized(), cake.symmetrized(full_circle=True)
    np.testing.assert_allclose(full.intensity, np.concatenate([half.intensity] * 2))
    np.testing.assert_allclose(full.sigma, np.concatenate([half.sigma] * 2))
    np.testing.assert_allclose(full.count.sum(), cake.count.sum())
    np.testing.assert_allclose(full.sum_signal.sum(), cake.sum_signal.sum())
    with pytest.raises(UnsupportedOptionError, match="count twice"):
        full.radial_profile()


def test_symmetrizing_what_is_no_full_circle_raises(ai, frame):
    with pytest.raises(ParameterError, match="full circle"):
        ai.integrate2d(frame, 5, 4, azimuth_range=(0, 90)).symmetrized()
    with pytest.raises(ParameterError, match="even number"):
        example_cake().symmetrized()


def test_calculated_cake_projects_with_the_weights_of_the_left(ai, frame):
    cake = ai.integrate2d(frame, 10, 36, error_model="poisson", split="none")
    found = (cake - 3.0).radial_profile()
    np.testing.assert_allclose(found.intensity, cake.radial_profile().intensity - 3.0, rtol=1e-12)
    np.testing.assert_allclose(found.sigma, cake.radial_profile().sigma, rtol=1e-12)


def options_with_covariance(**options):
    return {"error_model": "poisson", "covariance": True, "radial_range": (2, 26)} | options


def test_rebinned_with_covariance_has_variance_and_covariance_of_coarse_bins(ai, frame):
    fine = ai.integrate1d(frame, 120, **options_with_covariance())
    coarse = ai.integrate1d(frame, 30, **options_with_covariance())
    close(fine.rebinned(every=4), coarse, ("signal", "variance", "normalization", "count"))
    np.testing.assert_allclose(fine.rebinned(every=4).covariance(), coarse.covariance(), rtol=1e-9, atol=1e-12)


def test_shared_rebinning_carries_the_covariance_as_a_matrix_would(ai, frame):
    fine = ai.integrate1d(frame, 40, **options_with_covariance())
    edges = np.linspace(2, 26, 28)
    found = fine.rebinned(edges, method="shared")
    low, high = np.maximum(fine.edges[:-1], edges[:-1, None]), np.minimum(fine.edges[1:], edges[1:, None])
    matrix = np.clip(high - low, 0, None) / fine.axis.widths
    n = fine.sum_normalization
    expected = matrix @ (fine.covariance() * n * n[:, None]) @ matrix.T
    total = matrix @ n
    np.testing.assert_allclose(found.covariance(), expected / total / total[:, None], rtol=1e-9, atol=1e-14)


def test_profiles_of_a_cake_with_covariance_have_those_of_the_pixels(ai, frame):
    cake = ai.integrate2d(frame, 12, 36, **options_with_covariance())
    for found, direct in (
        (cake.radial_profile(), ai.integrate1d(frame, 12, **options_with_covariance())),
        (cake.azimuthal_profile(), ai.integrate_radial(frame, 36, **options_with_covariance())),
    ):
        close(found, direct, ("signal", "variance", "normalization", "count"), rtol=1e-9)
        np.testing.assert_allclose(found.covariance(), direct.covariance(), rtol=1e-8, atol=1e-12)


def test_cake_rebinned_with_covariance_has_that_of_coarse_bins(ai, frame):
    fine = ai.integrate2d(frame, 20, 24, **options_with_covariance())
    coarse = ai.integrate2d(frame, 5, 8, **options_with_covariance())
    found = fine.rebinned(radial_every=4, azimuthal_every=3)
    close(found, coarse, ("signal", "variance"), rtol=1e-9)
    np.testing.assert_allclose(found.covariance(), coarse.covariance(), rtol=1e-8, atol=1e-12)


def test_symmetrized_keeps_the_covariance(ai, frame):
    cake = ai.integrate2d(frame, 6, 12, **options_with_covariance())
    half = cake.symmetrized()
    fold = np.hstack([np.eye(36), np.eye(36)])
    expected = (
        fold @ (np.nan_to_num(cake.covariance()) * np.outer(cake.sum_normalization, cake.sum_normalization)) @ fold.T
    )
    total = half.sum_normalization.ravel()
    np.testing.assert_allclose(half.covariance() * np.outer(total, total), expected, rtol=1e-9, atol=1e-9)


def test_arithmetic_carries_the_covariance(ai, frame):
    other = np.random.default_rng(8).poisson(20, frame.shape).astype(np.uint32)
    a, b = (ai.integrate1d(one, 40, **options_with_covariance()) for one in (frame, other))
    c, d = a.covariance(), b.covariance()
    i, j = a.intensity, b.intensity
    for found, expected in (
        (a.subtracted(b, scale=0.5), c + 0.25 * d),
        (a - b, c + d),
        (a * b, c * np.outer(j, j) + d * np.outer(i, i)),
        (a / b, c / np.outer(j, j) + d * np.outer(i, i) / np.outer(j, j) ** 2),
        (a.scaled(-2), 4 * c),
        (a + 3, c),
        (a.renormalized(2), c / 4),
    ):
        np.testing.assert_allclose(found.covariance(), expected, rtol=1e-10)
    with pytest.raises(ParameterError, match="one of the two has a covariance"):
        _ = a - ai.integrate1d(other, 40, error_model="poisson", radial_range=(2, 26))


@pytest.mark.parametrize("model", ["azimuthal", "hybrid"])
def test_rebinned_spread_is_that_about_the_mean_of_the_coarse_bin(ai, frame, model):
    options = {"error_model": model, "split": "none", "radial_range": (2, 26)}
    fine, coarse = ai.integrate1d(frame, 120, **options), ai.integrate1d(frame, 30, **options)
    np.testing.assert_allclose(fine.rebinned(every=4).sigma, coarse.sigma, rtol=1e-10)
    cake = ai.integrate2d(frame, 30, 36, **options)
    np.testing.assert_allclose(cake.radial_profile().sigma, coarse.sigma, rtol=1e-10)
