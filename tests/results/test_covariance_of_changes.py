# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Covariance through everything that is done with results: M C M^T with dense matrices, and integrations anew."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.results.convert import from_xarray

OPTIONS = {"unit": "r_mm", "error_model": "poisson", "covariance": True}
DETECTOR = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(41, 43))
AI = az.Integrator(DETECTOR, 0.1, 0.0203, 0.0198, wavelength=1e-10)
FRAME = np.random.default_rng(3).poisson(40, DETECTOR.shape).astype(np.uint32)


@pytest.fixture(scope="module")
def profile():
    return AI.integrate1d(FRAME, 36, radial_range=(1, 19), **OPTIONS)


@pytest.fixture(scope="module")
def cake():
    return AI.integrate2d(FRAME, 12, 8, radial_range=(3, 18), **OPTIONS)


def sums_matrix(result):
    """C of the sums of signal."""
    matrix = np.diag(result.sum_variance.reshape(-1))
    held = result.sums.covariance
    matrix[held.pairs.first, held.pairs.partners] = matrix[held.pairs.partners, held.pairs.first] = held.values
    return matrix


def assert_close(found, expected):
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


def test_rebinned_profile_has_the_errors_of_an_integration_with_the_coarse_bins(profile):
    coarse = AI.integrate1d(FRAME, 12, radial_range=(1, 19), **OPTIONS)
    rebinned = profile.rebinned(every=3)
    assert_close(rebinned.sigma, coarse.sigma)
    assert_close(rebinned.covariance(), coarse.covariance())
    without = AI.integrate1d(FRAME, 36, radial_range=(1, 19), unit="r_mm", error_model="poisson").rebinned(every=3)
    assert (without.sigma < 0.8 * coarse.sigma).all()


def test_rebinning_to_edges_leaves_the_others_out(profile):
    rebinned = profile.rebinned(profile.edges[[3, 4, 10, 20]])
    matrix = np.zeros((3, 36))
    matrix[0, 3], matrix[1, 4:10], matrix[2, 10:20] = 1, 1, 1
    assert_close(sums_matrix(rebinned), matrix @ sums_matrix(profile) @ matrix.T)


def test_shared_rebinning_is_the_matrix_of_its_parts(profile):
    edges = np.linspace(2.1, 17.3, 24)
    rebinned = profile.rebinned(edges, method="shared")
    low, high = np.maximum.outer(edges[:-1], profile.edges[:-1]), np.minimum.outer(edges[1:], profile.edges[1:])
    matrix = np.clip(high - low, 0, None) / np.diff(profile.edges)
    assert_close(sums_matrix(rebinned), matrix @ sums_matrix(profile) @ matrix.T)


def test_profiles_of_a_cake_have_the_errors_of_profiles(cake):
    radial = AI.integrate1d(FRAME, 12, radial_range=(3, 18), azimuth_range=(-180, 180), **OPTIONS)
    assert_close(cake.radial_profile().covariance(), radial.covariance())
    del (options := dict(OPTIONS))["unit"]
    azimuthal = AI.integrate_radial(FRAME, 8, radial_range=(3, 18), radial_unit="r_mm", **options)
    assert_close(cake.azimuthal_profile().covariance(), azimuthal.covariance())


@pytest.mark.parametrize(
    "choice", [{"radial_every": 3}, {"azimuthal_every": 2}, {"radial_every": 2, "azimuthal_every": 4}]
)
def test_rebinned_cake_is_the_coarse_cake(cake, choice):
    n_radial, n_azimuthal = 12 // choice.get("radial_every", 1), 8 // choice.get("azimuthal_every", 1)
    coarse = AI.integrate2d(FRAME, n_radial, n_azimuthal, radial_range=(3, 18), **OPTIONS)
    assert_close(cake.rebinned(**choice).covariance(), coarse.covariance())


def test_symmetrized_cake_adds_half_turns(cake):
    matrix = np.zeros((48, 96))
    matrix[np.arange(96) % 48, np.arange(96)] = 1
    expected = matrix @ sums_matrix(cake) @ matrix.T
    assert_close(sums_matrix(cake.symmetrized()), expected)
    assert_close(sums_matrix(cake.symmetrized(full_circle=True)), np.tile(expected, (2, 2)) / 4)


def test_numbers_and_arrays_scale_the_covariance(profile):
    c = profile.covariance()
    assert_close((3 * profile).covariance(), 9 * c)
    assert_close((profile / 2 - 5).covariance(), c / 4)
    assert_close((-profile).covariance(), c)
    assert_close(profile.renormalized(4.0).covariance(), c / 16)
    factors = np.linspace(1, 2, 36)
    assert_close((profile * factors).covariance(), c * np.outer(factors, factors))


@pytest.mark.parametrize("average", ["ratio_of_sums", "mean_of_ratios", "sum"])
def test_two_results_are_independent(average):
    one, two = (
        AI.integrate1d(frame, 36, radial_range=(1, 19), average=average, **OPTIONS) for frame in (FRAME, FRAME + 7)
    )
    c1, c2 = one.covariance(), two.covariance()
    assert_close((one + two).covariance(), c1 + c2)
    assert_close(two.subtracted(one, scale=0.3).covariance(), c2 + 0.09 * c1)
    quotient = two / one
    left, right = 1 / one.intensity, two.intensity / one.intensity**2
    assert_close(quotient.covariance(), c2 * np.outer(left, left) + c1 * np.outer(right, right))
    assert_close(np.diag(quotient.covariance()), quotient.sigma**2)


def test_what_has_no_place_in_the_pairs_is_refused(profile):
    without = AI.integrate1d(FRAME, 36, radial_range=(1, 19), unit="r_mm", error_model="poisson")
    for calculate in (lambda: profile + without, lambda: without - profile, lambda: profile.subtracted(without)):
        with pytest.raises(ParameterError, match="same covariance="):
            calculate()
    with pytest.raises(UnsupportedOptionError, match="common to all bins"):
        profile.scaled(2.0, factor_sigma=0.1)
    with pytest.raises(UnsupportedOptionError, match="common to all bins"):
        profile.subtracted(profile, scale_sigma=0.1)


def test_bins_that_become_empty_take_no_part(profile):
    factors = np.ones(36)
    factors[4] = np.nan
    made = profile * factors
    assert np.isnan(made.covariance()[4]).all()
    assert np.isfinite(made.sums.covariance.values).all()
    assert made.chi_square(40.0).n_bins == 35


def test_xarray_and_back_keeps_the_covariance(profile, cake):
    pytest.importorskip("xarray")
    for result in (profile, cake):
        assert from_xarray(result.to_xarray()).sums == result.sums
