# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where pixels lie between bins: the compiled loops give the bits of the NumPy definition."""

import numpy as np
import pytest

from azimuthal.errors import DataTypeError
from azimuthal.images._pixels import axis_positions, bilinear, checked_seed, instrument_of
from azimuthal.units import Axis

EDGES = {
    "uniform": ("q_nm^-1", np.linspace(0.3, 7.7, 38)),
    "log": ("q_nm^-1", np.geomspace(0.01, 9.0, 30)),
    "circle": ("chi_deg", np.linspace(-180, 180, 25)),
    "turned circle": ("chi_deg", np.linspace(37.5, 397.5, 13)),
    "arc": ("chi_deg", np.linspace(150, 215, 9)),
    "one bin": ("q_nm^-1", np.array([1.0, 2.0])),
}


def values_for(axis, seed=0):
    rng = np.random.default_rng(seed)
    span = axis.edges[-1] - axis.edges[0]
    inside = rng.uniform(axis.edges[0] - 0.1 * span, axis.edges[-1] + 0.1 * span, 3000)
    if axis.unit.period:
        inside = np.mod(inside + 180, 360) - 180
    return np.concatenate([inside, axis.edges, axis.centers, [np.nan, np.inf, -np.inf]])


@pytest.mark.parametrize("name", EDGES)
def test_positions_of_compiled_core_are_those_of_numpy(name):
    axis = Axis(*EDGES[name])
    values = values_for(axis)
    with np.errstate(invalid="ignore"):
        expected = axis_positions(axis, values)
    for threads in (1, 3):
        found = axis_positions(axis, values, threads=threads)
        np.testing.assert_array_equal(found.bins, expected.bins)
        np.testing.assert_array_equal(found.fractions, expected.fractions)
        assert found.is_circle == expected.is_circle == ("circle" in name)
        profile = np.random.default_rng(1).normal(size=axis.n_bins)
        profile[axis.n_bins // 3] = np.nan
        np.testing.assert_array_equal(found.at_pixels(profile), expected.at_pixels(profile))


@pytest.mark.parametrize("name", ["uniform", "log"])
def test_interpolation_of_a_line_is_exact_between_the_outer_centres(name):
    axis = Axis(*EDGES[name])
    values = np.linspace(axis.centers[0], axis.centers[-1], 500)
    found = axis_positions(axis, values, threads=1).at_pixels(3.0 - 2.0 * axis.centers)
    np.testing.assert_allclose(found, 3.0 - 2.0 * values, rtol=1e-12)


def test_interpolation_outside_of_the_range_is_nan_and_at_its_ends_that_of_the_bin():
    axis = Axis("q_nm^-1", [0.0, 1.0, 2.0, 3.0])
    places = axis_positions(axis, np.array([-0.1, 0.0, 0.4, 2.6, 3.0, 3.1, np.nan]), threads=1)
    np.testing.assert_array_equal(places.at_pixels(np.array([1.0, 5.0, 9.0])), [np.nan, 1, 1, 9, 9, np.nan, np.nan])


def test_interpolation_never_reaches_into_an_empty_bin():
    axis = Axis("q_nm^-1", np.arange(6.0))
    places = axis_positions(axis, np.array([0.7, 1.9, 2.1, 2.9, 3.4, 4.2]), threads=1)
    found = places.at_pixels(np.array([1.0, 2.0, np.nan, 4.0, 8.0]))
    np.testing.assert_allclose(found, [1.2, 2.0, np.nan, np.nan, 4.0, 6.8])


def test_interpolation_goes_across_the_seam_of_a_full_circle_only():
    circle = Axis("chi_deg", np.linspace(-180, 180, 5))
    values = np.array([-179.0, 179.0])
    np.testing.assert_allclose(
        axis_positions(circle, values, threads=1).at_pixels(np.array([10.0, 0.0, 0.0, 20.0])),
        [10 + 10 * 44 / 90, 20 - 10 * 44 / 90],
    )
    arc = Axis("chi_deg", np.linspace(-180, 100, 5))
    assert axis_positions(arc, values, threads=1).at_pixels(np.array([10.0, 0.0, 0.0, 20.0]))[0] == 10.0


def test_bilinear_of_compiled_core_is_that_of_numpy():
    rng = np.random.default_rng(2)
    radial_axis, azimuthal_axis = Axis(*EDGES["uniform"]), Axis(*EDGES["circle"])
    radii, angles = rng.uniform(0.2, 8, 5000), rng.uniform(-180, 180, 5000)
    values = rng.normal(size=(azimuthal_axis.n_bins, radial_axis.n_bins))
    values[rng.random(values.shape) < 0.2] = np.nan
    expected = bilinear(values, axis_positions(radial_axis, radii), axis_positions(azimuthal_axis, angles))
    native = [axis_positions(*pair, threads=2) for pair in ((radial_axis, radii), (azimuthal_axis, angles))]
    found = bilinear(values, *native)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)
    assert 0.15 < np.isnan(found).mean() < 0.35


def test_bilinear_is_exact_for_a_bilinear_function():
    radial_axis, azimuthal_axis = Axis(*EDGES["uniform"]), Axis("chi_deg", np.linspace(-60, 60, 13))
    rng = np.random.default_rng(3)
    radii, angles = rng.uniform(0.5, 7.5, 400), rng.uniform(-54, 54, 400)
    values = (1 + radial_axis.centers) * (2 - 0.01 * azimuthal_axis.centers)[:, np.newaxis]
    found = bilinear(
        values, axis_positions(radial_axis, radii, threads=1), axis_positions(azimuthal_axis, angles, threads=1)
    )
    np.testing.assert_allclose(found, (1 + radii) * (2 - 0.01 * angles), rtol=1e-12)


def test_instrument_and_seed_of_another_kind_raise(ai):
    assert instrument_of(ai) == instrument_of(ai.instrument)
    with pytest.raises(DataTypeError, match="instrument: expected an Integrator"):
        instrument_of("a.poni")
    for seed in (-1, 1.5, True, "x"):
        with pytest.raises(DataTypeError, match="seed"):
            checked_seed(seed)
