# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The choice of a rejection, and the variance of trimmed means of normal values."""

import math

import numpy as np
import pytest

from azimuthal import Rejection
from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError
from azimuthal.rejection import normal_variance_ratio, rejection


@pytest.mark.parametrize("choice", ["sigma", {"method": "sigma"}, Rejection("sigma"), Rejection()])
def test_rejection_of_any_spelling_is_the_same(choice):
    assert rejection(choice) == Rejection("sigma", threshold=5.0, max_iter=20)


@pytest.mark.parametrize(
    "choice",
    [Rejection("sigma", threshold=3, max_iter=2), Rejection("median"), Rejection("quantile", quantiles=(0, 0.9))],
)
def test_rejection_record_reads_back(choice):
    assert rejection(choice.to_dict()) == choice


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        ("sgima", UnknownNameError, "sigma"),
        (5, DataTypeError, "reject"),
        ({"threshold": 3}, ParameterError, "method"),
        ({"method": "sigma", "treshold": 3}, UnknownNameError, "threshold"),
        ({"method": "sigma", "threshold": 0}, ParameterError, "threshold"),
        ({"method": "sigma", "max_iter": 0}, ParameterError, "max_iter"),
        ({"method": "sigma", "quantiles": (0, 1)}, ParameterError, "quantiles"),
        ({"method": "median", "threshold": 3}, ParameterError, "threshold"),
        ({"method": "quantile", "quantiles": (0.7, 0.3)}, ParameterError, "quantiles"),
        ({"method": "quantile", "quantiles": (0, 0)}, ParameterError, "quantiles"),
        ({"method": "quantile", "quantiles": 0.5}, DataTypeError, "quantiles"),
    ],
)
def test_rejection_that_makes_no_sense_is_refused(choice, error, words):
    with pytest.raises(error, match=words):
        rejection(choice)


def test_variance_ratio_of_the_median_is_half_of_pi():
    assert normal_variance_ratio((0.5, 0.5)) == pytest.approx(math.pi / 2)
    assert normal_variance_ratio((0.49999, 0.50001)) == pytest.approx(math.pi / 2, rel=1e-3)
    assert normal_variance_ratio((0, 1)) == 1


def test_variance_ratio_of_a_trimmed_mean_is_that_of_samples():
    values = np.sort(np.random.default_rng(1).normal(size=(4000, 400)), axis=1)
    for low, high in ((0.25, 0.75), (0.1, 0.6), (0, 0.8)):
        means = values[:, round(low * 400) : round(high * 400)].mean(axis=1)
        # The variance of 4000 values is known to 2.2 %; four times that.
        assert means.var() * 400 == pytest.approx(normal_variance_ratio((low, high)), rel=0.09)
