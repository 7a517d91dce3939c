# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The minimiser against SciPy's, with every loss and with bounds."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from azimuthal.calibration._least_squares import LOSSES, loss_stiffness, loss_weights, minimised


def problem(seed=0):
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 4, 80)
    y = 2.5 * np.exp(-1.3 * x) + 0.4 + rng.normal(0, 0.02, x.size)
    y[::17] += 0.5

    def model(p):
        bell = np.exp(-p[1] * x)
        residuals = (p[0] * bell + p[2] - y) / 0.02
        return residuals, np.column_stack((bell, -p[0] * x * bell, np.ones_like(x))) / 0.02

    return model


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("upper", [np.inf, 1.2])
def test_minimum_is_that_of_scipy_or_lower(loss, upper):
    model = problem()
    start, high = np.array([1.0, 0.5, 0.0]), np.array([np.inf, upper, np.inf])
    ours = minimised(model, start, np.full(3, -np.inf), high, loss=loss, cutoff=2.0)
    theirs = least_squares(
        lambda p: model(p)[0], start, lambda p: model(p)[1], bounds=(-np.inf, high), loss=loss, f_scale=2.0,
        xtol=1e-14, ftol=1e-14, gtol=1e-14,
    )  # fmt: skip
    assert ours.converged
    assert ours.cost <= theirs.cost * (1 + 1e-9)
    np.testing.assert_allclose(ours.values, theirs.x, rtol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_stiffness_is_the_derivative_of_weight_times_residual(loss):
    r = np.array([-5.0, -1.1, 0.3, 1.7, 2.4, 30.0])
    ends = [(r + s) * loss_weights(r + s, loss, 2.0) for s in (-1e-6, 1e-6)]
    np.testing.assert_allclose(loss_stiffness(r, loss, 2.0), (ends[1] - ends[0]) / 2e-6, rtol=1e-6, atol=1e-9)


def test_start_beyond_a_bound_begins_at_the_bound():
    found = minimised(
        problem(), np.array([1.0, 5.0, 0.0]), np.full(3, -9.0), np.full(3, 2.0), loss="linear", cutoff=2.0
    )
    assert found.converged
    assert found.values[1] <= 2.0


def test_start_at_which_nothing_can_be_computed_does_not_converge():
    """A single ring lets the distance run away until residuals are infinite: no LinAlgError from that."""
    none, infinite = np.full(3, np.nan), np.full(3, np.inf)
    for residuals, slope in ((none, 1.0), (np.ones(3), np.nan), (np.ones(3), np.inf)):
        jacobian = np.full((3, 3), slope)
        found = minimised(
            lambda x, r=residuals, j=jacobian: (r, j), np.zeros(3), -infinite, infinite, loss="soft_l1", cutoff=2.0
        )
        assert not found.converged
