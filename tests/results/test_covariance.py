# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Covariance of a result: forms, averages, merging, empty bins, chi-square against dense linear algebra."""

import pickle

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from azimuthal.errors import ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.results import Cake, PairSums, Profile, Sums
from azimuthal.results import _covariance as module
from azimuthal.sparse import BinPairs
from azimuthal.units import Axis

N = 12


def sums_of(rng, shape=(N,), pairs=None, *, empty=()):
    """Sums of a made-up matrix of weights, with a monitor in the normalisation."""
    n = int(np.prod(shape))
    if pairs is None:
        pairs = [(a, a + 1) for a in range(n - 1)] + [(a, a + 2) for a in range(0, n - 2, 3)]
    pixels = np.zeros((n + len(pairs), n))
    pixels[np.arange(n), np.arange(n)] = rng.uniform(1, 2, n)
    for k, (a, b) in enumerate(pairs):
        pixels[n + k, [a, b]] = rng.uniform(0.5, 1, 2)
    pixels[:, list(empty)] = 0.0
    v = rng.uniform(50, 100, len(pixels))
    matrix = (pixels * v[:, np.newaxis]).T @ pixels
    found, _ = BinPairs.from_bins(*np.array(pairs).T.astype(np.int64), n)
    held = PairSums(found, matrix[found.first, found.partners])
    count, norm = pixels.sum(axis=0), 1.3 * pixels.sum(axis=0)
    fields = [array.reshape(shape) for array in (pixels.T @ v, np.diag(matrix).copy(), norm, norm, count)]
    return Sums(*fields, covariance=held), matrix


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def profile_of(sums, **fields):
    return Profile(
        Axis("q_nm^-1", np.linspace(1, 4, sums.shape[0] + 1)), sums, error_model="poisson", wavelength=1e-10, **fields
    )


def test_covariance_is_that_of_the_intensities_for_every_average(rng):
    sums, matrix = sums_of(rng)
    norm = sums.normalization
    for average, expected in (
        ("ratio_of_sums", matrix / np.outer(norm, norm)),
        ("mean_of_ratios", matrix / np.outer(norm, norm)),
        ("sum", matrix),
    ):
        profile = profile_of(sums, average=average)
        found = profile.covariance()
        assert np.allclose(found, expected, rtol=1e-13, atol=0)
        assert np.array_equal(np.diag(found), profile.sigma**2)
        assert np.array_equal(found, found.T)


def test_band_is_the_lower_form_of_scipy(rng):
    profile = profile_of(sums_of(rng)[0])
    band, full = profile.covariance(banded=True), profile.covariance()
    assert band.shape == (3, N)
    right = np.arange(1.0, N + 1)
    solved = scipy.linalg.solveh_banded(band, right, lower=True)
    assert np.allclose(full @ solved, right, rtol=1e-12)


def test_pairs_make_the_same_matrix(rng):
    profile = profile_of(sums_of(rng)[0])
    first, second, values = profile.covariance_pairs()
    upper = scipy.sparse.coo_array((values, (first, second)), shape=(N, N))
    assert np.array_equal((upper + upper.T).toarray() + np.diag(profile.sigma**2), profile.covariance())


def test_correlation_is_covariance_over_the_errors(rng):
    profile = profile_of(sums_of(rng)[0], average="sum")
    rho = profile.correlation()
    assert np.array_equal(np.diag(rho), np.ones(N))
    assert np.allclose(rho * np.outer(profile.sigma, profile.sigma), profile.covariance(), rtol=1e-13)
    assert np.array_equal(profile.correlation(banded=True)[1, :-1], np.diag(rho, -1))
    assert np.allclose(profile.effective_sample_size, N**2 / rho.sum(), rtol=1e-12)


def test_empty_bins_are_nan_and_do_not_count(rng):
    sums, _ = sums_of(rng, empty=(4,))
    profile = profile_of(sums)
    full, band = profile.covariance(), profile.covariance(banded=True)
    known = np.arange(N) != 4
    assert np.isnan(full[4]).all()
    assert np.isnan(full[:, 4]).all()
    assert np.isfinite(full[np.ix_(known, known)]).all()
    for k in range(3):
        assert np.array_equal(band[k, : N - k], np.diag(full, -k), equal_nan=True)
    assert np.isnan(profile.correlation()[4]).all()
    assert profile.effective_sample_size == pytest.approx(11**2 / np.nansum(profile.correlation()))
    assert profile.chi_square(profile.intensity[known].mean()).n_bins == N - 1
    assert (profile_of(sums, average="sum").covariance()[4] == 0).all()


@pytest.mark.parametrize("pairs", [None, [(0, N - 1), *((a, a + 1) for a in range(N - 1))]], ids=["band", "circle"])
def test_chi_square_is_that_of_the_inverse(rng, pairs):
    profile = profile_of(sums_of(rng, pairs=pairs)[0])
    model = profile.intensity * rng.normal(1, 0.1, N)
    model[3] = np.nan
    kept = np.arange(N) != 3
    r = (profile.intensity - model)[kept]
    found = profile.chi_square(model, n_parameters=2)
    expected = r @ np.linalg.solve(profile.covariance()[np.ix_(kept, kept)], r)
    assert found.value == pytest.approx(expected, rel=1e-11)
    assert found.diagonal == pytest.approx(((r / profile.sigma[kept]) ** 2).sum(), rel=1e-12)
    assert (found.n_bins, found.degrees_of_freedom) == (N - 1, N - 3)
    assert found.reduced == found.value / (N - 3)


def test_chi_square_within_a_band_is_that_of_the_dense_matrix(rng):
    sums, _ = sums_of(rng, (80,))
    profile = profile_of(sums)
    r = rng.normal(0, 1, 80)
    found = profile.chi_square(profile.intensity - r).value
    assert found == pytest.approx(r @ np.linalg.solve(profile.covariance(), r), rel=1e-11)


def test_chi_square_refuses_what_it_cannot_compare(rng):
    profile = profile_of(sums_of(rng)[0])
    with pytest.raises(ShapeError, match=r"model: expected a number or shape \(12,\), got shape \(3,\)"):
        profile.chi_square([1.0, 2.0, 3.0])
    with pytest.raises(ParameterError, match="12 bins are left for 12 parameters"):
        profile.chi_square(1.0, n_parameters=12)


@pytest.mark.parametrize("n", [4, 40])
def test_singular_covariance_is_reported(n):
    pairs, _ = BinPairs.from_bins(np.array([1]), np.array([2]), n)
    ones = np.ones(n)
    profile = profile_of(Sums(ones, ones, ones, ones, ones, covariance=PairSums(pairs, np.ones(1))))
    with pytest.raises(ParameterError, match=r"singular.*Merge frames"):
        profile.chi_square(2.0)


def test_result_without_covariance_says_how_to_get_it(make_profile):
    profile = make_profile()
    assert not profile.has_covariance
    for ask in (profile.covariance, profile.correlation, profile.covariance_pairs, lambda: profile.chi_square(1.0)):
        with pytest.raises(UnsupportedOptionError, match="covariance=True"):
            ask()


def test_too_large_a_matrix_is_refused(rng, monkeypatch):
    profile = profile_of(sums_of(rng)[0])
    monkeypatch.setattr(module, "MOST_DENSE_BINS", 5)
    with pytest.raises(UnsupportedOptionError, match="covariance_pairs"):
        profile.covariance()
    with pytest.raises(UnsupportedOptionError, match="covariance_pairs"):
        profile.covariance(banded=True)
    monkeypatch.setattr(module, "_MOST_SOLVED_BINS", 5)
    with pytest.raises(UnsupportedOptionError, match="narrow band"):
        profile.chi_square(1.0)


def test_merging_adds_covariances_also_of_other_pairs(rng):
    (one, first), (two, second) = sums_of(rng), sums_of(rng, pairs=[(0, 1), (3, 7)])
    merged = profile_of(one, average="sum").merged(profile_of(two, average="sum"))
    assert np.allclose(merged.covariance(), first + second, rtol=1e-13)
    assert (one + one).covariance.pairs is one.covariance.pairs
    plain = Sums(two.signal, two.variance, two.normalization, two.normalization2, two.count)
    with pytest.raises(ParameterError, match="some have a covariance"):
        one.merge(plain)


def test_another_unit_turns_the_matrix_round(rng):
    sums, matrix = sums_of(rng)
    turned = profile_of(sums, average="sum").to("d_nm")
    assert np.allclose(turned.covariance(), matrix[::-1, ::-1], rtol=1e-13)
    assert np.array_equal(np.diag(turned.covariance()), turned.sigma**2)
    assert profile_of(sums).to("q_A^-1").sums.covariance is sums.covariance


def test_cake_has_a_covariance_in_the_order_of_its_raveled_bins(rng):
    sums, matrix = sums_of(rng, (3, 4), [(0, 1), (0, 4), (1, 4), (0, 8), (5, 10)])
    cake = Cake(
        Axis("q_nm^-1", [1, 2, 3, 4, 5]),
        Axis("chi_deg", [-180, 0, 90, 180]),
        sums,
        error_model="poisson",
        average="sum",
        wavelength=1e-10,
    )
    assert np.allclose(cake.covariance(), matrix, rtol=1e-13)
    turned = cake.to("d_nm")
    order = np.arange(12).reshape(3, 4)[:, ::-1].ravel()
    assert np.allclose(turned.covariance(), matrix[np.ix_(order, order)], rtol=1e-13)
    assert np.isclose(cake.chi_square(cake.intensity - 1).value, np.linalg.solve(matrix, np.ones(12)).sum())


def test_sums_with_covariance_compare_and_pickle(rng):
    sums, _ = sums_of(rng)
    copy = pickle.loads(pickle.dumps(sums))
    assert copy == sums
    assert copy.covariance == sums.covariance
    other = Sums(*sums._fields(), covariance=sums.covariance.scaled(2.0))
    assert other != sums
    assert sums.covariance.__eq__(3) is NotImplemented
    with pytest.raises(ValueError, match="read-only"):
        copy.covariance.values[0] = 1.0


def test_covariance_that_does_not_fit_is_refused(rng):
    sums, _ = sums_of(rng)
    with pytest.raises(ShapeError, match="values"):
        PairSums(sums.covariance.pairs, np.ones(3))
    with pytest.raises(ParameterError, match="variance"):
        Sums(sums.signal, None, sums.signal, sums.signal, sums.signal, covariance=sums.covariance)
    with pytest.raises(ShapeError, match="expected 3 bins"):
        Sums(np.ones(3), np.ones(3), np.ones(3), np.ones(3), np.ones(3), covariance=sums.covariance)
