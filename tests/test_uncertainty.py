# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Error models and the definitions of sem and std (V1, V2)."""

import math

import numpy as np
import pytest

from azimuthal.errors import (
    DataTypeError,
    ParameterError,
    ShapeError,
    UnknownNameError,
)
from azimuthal.uncertainty import (
    checked_error_model,
    checked_variance,
    poisson_variance,
    standard_deviation,
    standard_error,
)

SHAPE = (2, 3)


@pytest.mark.parametrize("dtype", ["u1", "u8", "i4", ">i2", "f4", "f8"])
def test_poisson_variance_is_the_count(dtype):
    variance = poisson_variance(np.array([0, 1, 100], dtype))
    assert variance.dtype == np.float64
    np.testing.assert_array_equal(variance, [0, 1, 100])


def test_poisson_variance_of_negative_values_is_zero():
    np.testing.assert_array_equal(poisson_variance(np.array([-3, -1, 2], np.int32)), [0, 0, 2])


def test_poisson_variance_of_nan_is_nan():
    assert np.isnan(poisson_variance(np.array([np.nan]))).all()


@pytest.mark.parametrize("rate", [0.02, 1.0, 100.0])
def test_poisson_variance_averages_to_the_true_variance(rate):
    """Why zero counts have zero variance: the estimate is unbiased at every rate; max(1, raw) is not."""
    counts = np.random.default_rng(5).poisson(rate, 200_000)
    error_of_mean = math.sqrt(rate / counts.size)
    assert poisson_variance(counts).mean() == pytest.approx(rate, abs=5 * error_of_mean)


def test_checked_variance_valid_is_float64():
    values = checked_variance(np.ones(SHAPE, np.float32), shape=SHAPE)
    assert values.dtype == np.float64


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_checked_variance_bad_value_raises_with_count_and_place(bad):
    variance = np.ones(SHAPE)
    variance[1, 1:] = bad
    with pytest.raises(ParameterError, match=r"2 of 6 are not, the first at \(1, 1\)"):
        checked_variance(variance, shape=SHAPE)


def test_checked_variance_bad_value_under_the_mask_is_allowed():
    variance = np.ones(SHAPE)
    variance[1, 1] = np.nan
    excluded = np.isnan(variance)
    np.testing.assert_array_equal(checked_variance(variance, shape=SHAPE, excluded=excluded), variance)


def test_checked_variance_wrong_shape_raises():
    with pytest.raises(ShapeError, match="variance"):
        checked_variance(np.ones((3, 2)), shape=SHAPE)


@pytest.mark.parametrize("value", [np.ones(SHAPE, bool), np.ones(SHAPE, complex), np.full(SHAPE, "1")])
def test_checked_variance_no_real_numbers_raise(value):
    with pytest.raises(DataTypeError, match="variance"):
        checked_variance(value, shape=SHAPE)


@pytest.mark.parametrize("name", [None, "poisson", "azimuthal", "hybrid"])
def test_checked_error_model_known_name_is_kept(name):
    assert checked_error_model(name) == name


def test_checked_error_model_variance_array_chooses_the_model():
    assert checked_error_model(None, has_variance=True) == "variance"
    assert checked_error_model("variance", has_variance=True) == "variance"


def test_checked_error_model_typo_raises_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean 'poisson'"):
        checked_error_model("poison")


def test_checked_error_model_contradiction_raises():
    with pytest.raises(ParameterError, match="contradict"):
        checked_error_model("poisson", has_variance=True)
    with pytest.raises(ParameterError, match="needs an array"):
        checked_error_model("variance")


def test_standard_errors_of_equal_pixels_differ_by_the_root_of_their_number():
    n_pixels, counts, normalization = 25, 9.0, 0.5
    sem = standard_error(
        sum_variance=np.array([n_pixels * counts]), sum_normalization=np.array([n_pixels * normalization])
    )
    std = standard_deviation(
        sum_variance=np.array([n_pixels * counts]), sum_normalization2=np.array([n_pixels * normalization**2])
    )
    assert std[0] == pytest.approx(math.sqrt(counts) / normalization, rel=1e-15)
    assert sem[0] == pytest.approx(std[0] / math.sqrt(n_pixels), rel=1e-15)


def test_standard_errors_empty_bin_is_nan():
    zero = np.zeros(2)
    assert np.isnan(standard_error(sum_variance=zero, sum_normalization=zero)).all()
    assert np.isnan(standard_deviation(sum_variance=zero, sum_normalization2=zero)).all()


def test_standard_errors_bin_without_a_photon_is_zero():
    sem = standard_error(sum_variance=np.array([0.0]), sum_normalization=np.array([10.0]))
    assert sem[0] == 0.0
