# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Formulas: precision against 50 digits, special angles, no warnings."""

import decimal
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import UnsupportedOptionError, WavelengthMissingError
from azimuthal.units import Quantity, helper_unit_names, unit, unit_names
from azimuthal.units._quantity import CORE_QUANTITIES
from azimuthal.units._table import HELPER_QUANTITIES
from azimuthal.units.grazing import SAMPLE_QUANTITIES

WAVELENGTH = 0.7e-10

#: Four roundings in a square root of a quotient: a few units in the last place of float64.
FEW_ULP = 1.5e-15


def exact_q(x, y, z, wavelength):
    with decimal.localcontext() as context:
        context.prec = 60
        a, b, c, wl = (decimal.Decimal(float(v)) for v in (x, y, z, wavelength))
        length = (a * a + b * b + c * c).sqrt()
        pi = decimal.Decimal("3.14159265358979323846264338327950288419716939937510")
        return 4 * pi / wl * ((length - c) / (2 * length)).sqrt()


small_to_large = st.floats(1e-9, 10.0)
any_sign = st.sampled_from([-1.0, 1.0])


@settings(deadline=None)
@given(small_to_large, small_to_large, small_to_large, any_sign, any_sign, any_sign)
def test_q_any_direction_agrees_with_fifty_digits(x, y, z, sign_x, sign_y, sign_z):
    x, y, z = sign_x * x, sign_y * y, sign_z * z
    got = CORE_QUANTITIES["q"].values(x, y, z, WAVELENGTH)
    assert float(got) == pytest.approx(float(exact_q(x, y, z, WAVELENGTH)), rel=FEW_ULP, abs=0)


@pytest.mark.parametrize("angle", [1e-12, 1e-8, 1e-4, 0.1, 1.5, 1.6, 3.0, math.pi - 1e-6])
def test_d_and_d_star_squared_follow_bragg(angle):
    x, z = math.sin(angle), math.cos(angle)
    q = 4 * math.pi / WAVELENGTH * math.sin(angle / 2)
    assert float(CORE_QUANTITIES["d"].values(x, 0, z, WAVELENGTH)) == pytest.approx(2 * math.pi / q, rel=1e-14)
    squared = float(CORE_QUANTITIES["d_star_squared"].values(x, 0, z, WAVELENGTH))
    assert squared == pytest.approx((q / (2 * math.pi)) ** 2, rel=1e-14)


def test_quantities_on_the_beam_axis_take_their_limits_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = {name: float(unit(name).values(0.0, 0.0, 0.5, WAVELENGTH)) for name in unit_names()}
    assert values["d_m"] == values["d_A"] == math.inf
    assert values["log10(q.m)_None"] == values["log(q.nm)_None"] == -math.inf
    others = {name: value for name, value in values.items() if name[:2] != "d_" and "log" not in name}
    assert all(value == 0.0 for name, value in others.items() if not name.startswith("chigi"))
    assert values["log(1+q.nm)_None"] == values["log(1+q.A)_None"] == 0.0


def test_quantities_at_the_sample_are_nan_or_zero_without_warnings():
    q = unit("q_nm^-1").values(0.0, 0.0, 0.0, WAVELENGTH)
    assert np.isnan(q)
    assert np.isnan(unit("d_A").values(0.0, 0.0, 0.0, WAVELENGTH))


def test_quantities_at_ninety_degrees():
    assert unit("2th_deg").values(0.3, 0.4, 0.0) == pytest.approx(90.0, rel=1e-15)
    q = unit("q_A^-1").values(0.3, 0.4, 0.0, 1e-10)
    assert q == pytest.approx(4 * math.pi / math.sqrt(2), rel=FEW_ULP)


def test_quantities_in_backscattering():
    assert unit("2th_deg").values(0.0, 0.0, -1.0) == 180.0
    assert unit("q_A^-1").values(0.0, 0.0, -1.0, 1e-10) == pytest.approx(4 * math.pi, rel=FEW_ULP)
    assert unit("d_A").values(0.0, 0.0, -1.0, 1e-10) == pytest.approx(0.5, rel=FEW_ULP)


@pytest.mark.parametrize(
    ("x", "y", "degrees"),
    [
        (1, 0, 0),
        (1, 1, 45),
        (0, 1, 90),
        (-1, 1, 135),
        (-1, 0, 180),
        (-1, -1, -135),
        (0, -1, -90),
        (1, -1, -45),
    ],
)
def test_chi_in_the_quadrants_turns_from_x_to_y(x, y, degrees):
    assert unit("chi_deg").values(x, y, 1.0) == pytest.approx(degrees, rel=1e-15)


def test_projected_q_is_q_within_each_plane_and_keeps_the_sign():
    q = unit("q_nm^-1").values(0.2, 0.0, 0.7, WAVELENGTH)
    assert unit("qx_nm^-1").values(-0.2, 0.5, 0.7, WAVELENGTH) == pytest.approx(-q, rel=1e-14)
    assert unit("qy_nm^-1").values(0.5, -0.2, 0.7, WAVELENGTH) == pytest.approx(-q, rel=1e-14)


@pytest.mark.parametrize("name", [name for name in unit_names() if unit(name).needs_wavelength])
def test_values_without_the_wavelength_raise(name):
    with pytest.raises(WavelengthMissingError, match="wavelength"):
        unit(name).values(0.1, 0.2, 1.0)
    with pytest.raises(WavelengthMissingError, match="wavelength"):
        unit(name).quantity.function(np.array(0.1), np.array(0.2), np.array(1.0), None)


@pytest.mark.parametrize("name", [name for name in unit_names() if not unit(name).needs_wavelength])
def test_values_that_need_no_wavelength_do_not_depend_on_it(name):
    assert unit(name).values(0.1, 0.2, 1.0) == unit(name).values(0.1, 0.2, 1.0, 1e-10)


@pytest.mark.parametrize("name", unit_names())
def test_values_broadcast_and_are_float64(name):
    values = unit(name).values(np.linspace(-1, 1, 3, dtype=np.float32), np.ones((2, 1), dtype=int), 1, WAVELENGTH)
    assert values.shape == (2, 3)
    assert values.dtype == np.float64


@pytest.mark.parametrize("name", unit_names())
def test_values_leave_their_input_alone(name):
    position = [np.linspace(-1, 1, 5) for _ in range(3)]
    before = [value.copy() for value in position]
    for value in position:
        value.flags.writeable = False
    result = unit(name).values(*position, WAVELENGTH)
    assert all(not np.shares_memory(result, value) for value in position)
    assert all(np.array_equal(new, old) for new, old in zip(position, before, strict=True))


@pytest.mark.parametrize("name", helper_unit_names())
def test_plain_length_or_angle_has_no_position(name):
    with pytest.raises(UnsupportedOptionError, match="'r_mm'"):
        unit(name).values(0.0, 0.0, 1.0)


def test_only_azimuths_on_a_circle_are_periodic():
    every = {**CORE_QUANTITIES, **SAMPLE_QUANTITIES}
    assert {name for name, quantity in every.items() if quantity.period is not None} == {"chi", "chigi"}


def test_every_quantity_is_described():
    for name, quantity in {**CORE_QUANTITIES, **SAMPLE_QUANTITIES, **HELPER_QUANTITIES}.items():
        assert isinstance(quantity, Quantity)
        assert quantity.name == name
        assert quantity.symbol
        assert quantity.long_name
