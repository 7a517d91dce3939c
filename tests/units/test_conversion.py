# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Conversion of values between units."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import (
    DataTypeError,
    ParameterError,
    UnknownNameError,
    UnsupportedOptionError,
    WavelengthMissingError,
)
from azimuthal.units import convert, helper_unit_names, unit, unit_names

WAVELENGTH = 0.7e-10

#: Units that are monotonic functions of the scattering angle.
MONOTONIC = [
    name
    for name in unit_names()
    if unit(name).quantity.name in ("two_theta", "q", "qtot", "d", "d_star_squared") or "og" in name or "sinh" in name
]
OF_Q = [name for name in MONOTONIC if not name.startswith("2th")]

#: log10(q.m) is about 10: an error of 1 ulp there is 10 ln(10) ulp in q; 2theta near 180 degrees loses more.
ROUND_TRIP = 1e-13


def test_monotonic_units_are_all_there():
    assert len(MONOTONIC) == 17


@settings(deadline=None)
@given(st.sampled_from(MONOTONIC), st.sampled_from(MONOTONIC), st.floats(1e-4, 3.0), st.floats(0, 2 * math.pi))
def test_conversion_equals_the_value_at_the_same_position(first, second, two_theta, chi):
    x = math.sin(two_theta) * math.cos(chi)
    y = math.sin(two_theta) * math.sin(chi)
    z = math.cos(two_theta)
    value = float(unit(first).values(x, y, z, WAVELENGTH))
    expected = float(unit(second).values(x, y, z, WAVELENGTH))
    assert convert(value, first, second, wavelength=WAVELENGTH) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(deadline=None)
@given(st.sampled_from(MONOTONIC), st.sampled_from(MONOTONIC), st.floats(1e-4, 3.0))
def test_conversion_and_back_is_the_same_value(first, second, two_theta):
    value = convert(two_theta, "2th_rad", first, wavelength=WAVELENGTH)
    there = convert(value, first, second, wavelength=WAVELENGTH)
    back = convert(there, second, first, wavelength=WAVELENGTH)
    assert back == pytest.approx(value, rel=1e-12, abs=ROUND_TRIP)


@settings(deadline=None)
@given(st.sampled_from(OF_Q), st.sampled_from(OF_Q), st.floats(1e-3, 1e3))
def test_conversion_between_functions_of_q_needs_no_wavelength(first, second, q):
    value = convert(q, "q_nm^-1", first)
    assert convert(value, first, second) == pytest.approx(convert(q, "q_nm^-1", second), rel=1e-12, abs=1e-12)


def test_conversion_of_a_known_reflection():
    """LaB6 (110), a = 4.15682 angstrom, at Cu K alpha 1: d = a / sqrt(2)."""
    d = 4.15682 / math.sqrt(2)
    two_theta = 2 * math.degrees(math.asin(1.5405929 / (2 * d)))
    assert convert(d, "d_A", "2th_deg", wavelength=1.5405929e-10) == pytest.approx(two_theta, rel=1e-14)
    assert convert(d, "d_A", "q_A^-1") == pytest.approx(2 * math.pi / d, rel=1e-15)
    assert convert(d, "d_A", "d*2_nm^-2") == pytest.approx(100 / d**2, rel=1e-14)


@pytest.mark.parametrize(
    ("value", "first", "second", "expected"),
    [
        (2.5, "q_A^-1", "q_nm^-1", 25.0),
        (180.0, "chi_deg", "chi_rad", math.pi),
        (-270.0, "chi_deg", "chi_rad", -1.5 * math.pi),
        (3.0, "r_mm", "r_m", 0.003),
        (3.0, "mm", "micron", 3000.0),
        (1.0, "A", "nm", 0.1),
        (90.0, "deg", "rad", math.pi / 2),
        (-4.0, "qip_A^-1", "qip_nm^-1", -40.0),
        (1.0, "d*2_A^-2", "d*2_nm^-2", 100.0),
    ],
)
def test_conversion_within_a_quantity_is_scaling(value, first, second, expected):
    assert convert(value, first, second) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("value", range(1, 30))
def test_conversion_by_a_power_of_ten_gives_the_nearest_number(value):
    assert convert(value, "q_nm^-1", "q_A^-1") == value / 10
    assert convert(value, "q_A^-1", "q_nm^-1") == value * 10
    assert convert(value, "mm", "m") == value / 1000


@settings(deadline=None)
@given(st.sampled_from(unit_names() + helper_unit_names()), st.floats(allow_nan=False))
def test_conversion_to_the_same_unit_is_exact(name, value):
    assert convert(value, name, name) == value


def test_conversion_limits_at_zero_and_infinity():
    assert convert(0.0, "q_nm^-1", "d_A") == math.inf
    assert convert(math.inf, "d_A", "q_nm^-1") == 0.0
    assert convert(0.0, "q_nm^-1", "2th_deg", wavelength=1e-10) == 0.0
    assert convert(0.0, "q_nm^-1", "log10(q.m)_None") == -math.inf
    assert convert(-math.inf, "log(q.nm)_None", "q_nm^-1") == 0.0
    assert convert(180.0, "2th_deg", "d_A", wavelength=1e-10) == pytest.approx(0.5)
    assert convert(0.5, "d_A", "2th_deg", wavelength=1e-10) == 180.0


def test_conversion_keeps_shape_and_nan_and_leaves_the_input_alone():
    values = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.int32)
    result = convert(values, "q_nm^-1", "d_nm")
    np.testing.assert_allclose(result, 2 * np.pi / values, rtol=1e-15)
    assert values.dtype == np.int32
    same = np.array([1.0, np.nan])
    copied = convert(same, "q_nm^-1", "q_nm^-1")
    assert not np.shares_memory(copied, same)
    assert np.isnan(convert(same, "q_nm^-1", "2th_deg", wavelength=1e-10)[1])
    assert isinstance(convert(1, "q_nm^-1", "d_A"), float)
    assert isinstance(convert(np.float32(1), "q_nm^-1", "q_A^-1"), float)
    assert convert([], "q_nm^-1", "d_A").shape == (0,)


@pytest.mark.parametrize(("first", "second"), [("2th_deg", "q_nm^-1"), ("d_A", "2th_rad")])
def test_conversion_without_the_wavelength_raises(first, second):
    with pytest.raises(WavelengthMissingError, match="wavelength"):
        convert(1.0, first, second)


@pytest.mark.parametrize("wavelength", [0.0, -1e-10, math.nan, math.inf, 1.54])
@pytest.mark.parametrize("second", ["2th_deg", "d_A"])
def test_conversion_with_a_bad_wavelength_raises(wavelength, second):
    with pytest.raises(ParameterError, match="wavelength: expected"):
        convert(1.0, "q_nm^-1", second, wavelength=wavelength)


@pytest.mark.parametrize(("first", "second"), [("r_mm", "2th_deg"), ("q_nm^-1", "r_m")])
def test_conversion_of_a_radius_raises(first, second):
    with pytest.raises(UnsupportedOptionError, match="untilted"):
        convert(1.0, first, second, wavelength=1e-10)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("chi_deg", "q_nm^-1"),
        ("q_nm^-1", "chi_rad"),
        ("qip_nm^-1", "q_nm^-1"),
        ("qx_nm^-1", "q_nm^-1"),
        ("chi_deg", "chigi_deg"),
        ("mm", "q_nm^-1"),
        ("r_mm", "mm"),
        ("deg", "chi_deg"),
    ],
)
def test_conversion_between_unrelated_quantities_raises(first, second):
    with pytest.raises(UnsupportedOptionError, match="cannot be converted to"):
        convert(1.0, first, second, wavelength=1e-10)


def test_conversion_between_different_samples_raises():
    with pytest.raises(UnsupportedOptionError, match="'qip' is no function"):
        convert(1.0, unit("qip_nm^-1", incident_angle=0.1), unit("qip_A^-1", incident_angle=0.2))


@pytest.mark.parametrize("value", [-1.0, [1.0, -1e-9]])
def test_conversion_of_a_negative_value_raises(value):
    with pytest.raises(ParameterError, match="never below zero"):
        convert(value, "q_nm^-1", "d_A")


def test_conversion_beyond_backscattering_raises():
    with pytest.raises(ParameterError, match="beyond backscattering, 4 pi / wavelength = 125"):
        convert([1.0, 126.0], "q_nm^-1", "2th_deg", wavelength=1e-10)
    with pytest.raises(ParameterError, match=r"'2th_deg' is at most 180 degrees, got 181\.0"):
        convert(181.0, "2th_deg", "q_nm^-1", wavelength=1e-10)


def test_conversion_of_backscattering_survives_rounding():
    for wavelength in np.linspace(0.3e-10, 3e-10, 101):
        q = convert(180.0, "2th_deg", "q_nm^-1", wavelength=wavelength)
        assert convert(q, "q_nm^-1", "2th_deg", wavelength=wavelength) == pytest.approx(180.0, abs=1e-5)


@pytest.mark.parametrize("values", ["1.0", [1j], [True], None])
def test_conversion_of_what_is_no_number_raises(values):
    with pytest.raises(DataTypeError, match="values: expected numbers"):
        convert(values, "q_nm^-1", "q_A^-1")


def test_conversion_with_an_unknown_unit_raises():
    with pytest.raises(UnknownNameError, match="did you mean"):
        convert(1.0, "q_nn^-1", "q_A^-1")
