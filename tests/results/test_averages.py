# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The definitions of DESIGN.md section 4 against a loop over pixels; empty bins (rule R4)."""

import math

import numpy as np
import pytest

from azimuthal.results import Profile, Sums, _averages
from azimuthal.typing import AVERAGES
from azimuthal.units import Axis

#: Few additions of numbers of one sign: rounding only.
TOLERANCE = 1e-13
N_BINS = 4
EMPTY = 3


@pytest.fixture
def pixels():
    """Return (bin, weight c, signal s, normalisation n, variance) of some pixels; one bin gets none."""
    generator = np.random.default_rng(5)
    for_bins = generator.integers(0, EMPTY, 40)
    columns = [generator.uniform(0.1, 1.0, 40), generator.normal(20, 5, 40)]
    columns += [generator.uniform(0.5, 2.0, 40), generator.uniform(1, 30, 40)]
    return [(int(b), *map(float, row)) for b, *row in zip(for_bins, *columns, strict=True)]


def accumulated(pixels, average):
    """Return what an engine hands over."""
    sums = np.zeros((5, N_BINS))
    for b, c, s, n, var in pixels:
        if average == "ratio_of_sums":
            terms = (c * s, c**2 * var, c * n, c**2 * n**2, c)
        else:
            terms = (c * s / n, c**2 * var / n**2, c, c**2, c)
        sums[:, b] += terms
    return Sums(*sums)


def by_definition(pixels, average, wanted):
    """Return intensity, sem and std of one bin, straight from the definitions."""
    mine = [row[1:] for row in pixels if row[0] == wanted]
    if average == "ratio_of_sums":
        total = sum(c * n for c, s, n, var in mine)
        variance = sum(c**2 * var for c, s, n, var in mine)
        mean = sum(c * s for c, s, n, var in mine) / total
        spread = math.sqrt(variance / sum(c**2 * n**2 for c, s, n, var in mine))
        return mean, math.sqrt(variance) / total, spread
    total = sum(c for c, s, n, var in mine)
    signal = sum(c * s / n for c, s, n, var in mine)
    variance = sum(c**2 * var / n**2 for c, s, n, var in mine)
    spread = math.sqrt(variance / sum(c**2 for c, s, n, var in mine))
    if average == "sum":
        return signal, math.sqrt(variance), spread
    return signal / total, math.sqrt(variance) / total, spread


@pytest.mark.parametrize("average", AVERAGES)
def test_derived_values_follow_the_definitions(pixels, average):
    sums = accumulated(pixels, average)
    axis = Axis("q_nm^-1", range(N_BINS + 1))
    profile = Profile(axis, sums, average=average, error_model="variance")
    for b in range(EMPTY):
        expected = by_definition(pixels, average, b)
        got = (profile.intensity[b], profile.sem[b], profile.std[b])
        np.testing.assert_allclose(got, expected, rtol=TOLERANCE)
    np.testing.assert_array_equal(profile.sigma, profile.sem)


@pytest.mark.parametrize("average", ["ratio_of_sums", "mean_of_ratios"])
def test_empty_bin_is_nan_in_means_and_zero_in_sums(pixels, average):
    sums = accumulated(pixels, average)
    for derived in (_averages.intensity(sums, average), _averages.sem(sums, average), _averages.std(sums)):
        assert np.isnan(derived[EMPTY])
        assert np.isfinite(derived[:EMPTY]).all()
    assert sums.signal[EMPTY] == sums.count[EMPTY] == 0
    np.testing.assert_array_equal(_averages.is_empty(sums), [False, False, False, True])


def test_empty_bin_of_a_sum_is_zero_without_uncertainty(pixels):
    sums = accumulated(pixels, "sum")
    assert _averages.intensity(sums, "sum")[EMPTY] == 0
    assert _averages.sem(sums, "sum")[EMPTY] == 0
    assert np.isnan(_averages.std(sums)[EMPTY])


def test_without_variance_there_is_no_uncertainty():
    ones = np.ones(3)
    sums = Sums(ones, None, ones, ones, ones)
    assert _averages.sem(sums, "sum") is None
    assert _averages.sem(sums, "ratio_of_sums") is None
    assert _averages.std(sums) is None


def test_pixels_without_normalisation_give_nan_and_no_warning():
    sums = Sums([5.0, 0.0], [5.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0])
    assert np.isnan(_averages.intensity(sums, "ratio_of_sums")).all()
    assert np.isnan(_averages.sem(sums, "ratio_of_sums")).all()
    assert not _averages.is_empty(sums).any()


def test_tiny_normalisation_overflows_without_warning():
    sums = Sums([1e300], [1e300], [1e-300], [0.0], [1.0])
    assert np.isinf(_averages.intensity(sums, "ratio_of_sums"))[0]


def test_derived_arrays_belong_to_the_caller():
    ones = np.ones(3)
    sums = Sums(ones, ones, ones, ones, ones)
    _averages.intensity(sums, "sum")[:] = 9
    np.testing.assert_array_equal(sums.signal, 1.0)
