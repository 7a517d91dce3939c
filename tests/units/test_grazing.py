# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Grazing incidence: explicit vectors, and one rotation for q and for exit angles."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError, UnsupportedOptionError
from azimuthal.units import unit, unit_names
from azimuthal.units.grazing import beam_in_sample, cut, is_reachable, one_sided, sample_of

WAVELENGTH = 1e-10
ETA = 0.2
FIBRE_NAMES = [name for name in unit_names() if unit(name).parameters]


def value(name, x, y, z, **sample):
    return float(unit(name, **sample).values(x, y, z, WAVELENGTH))


def test_exit_angle_of_the_direct_beam_is_minus_the_incident_angle():
    assert value("exit_angle_vert_rad", 0, 0, 1, incident_angle=ETA) == pytest.approx(-ETA, rel=1e-14)
    assert value("exit_angle_horz_rad", 0, 0, 1, incident_angle=ETA) == 0.0


def test_exit_angle_of_the_specular_reflection_is_the_incident_angle():
    """Defect 9.1-10: three times the incident angle elsewhere."""
    y, z = math.sin(2 * ETA), math.cos(2 * ETA)
    assert value("exit_angle_vert_rad", 0, y, z, incident_angle=ETA) == pytest.approx(ETA, rel=1e-14)
    assert value("exit_angle_vert_deg", 0, y, z, incident_angle=ETA) == pytest.approx(math.degrees(ETA), rel=1e-14)


def test_scattering_vector_of_the_specular_reflection_is_along_the_normal():
    y, z = math.sin(2 * ETA), math.cos(2 * ETA)
    q = 4 * math.pi / 0.1 * math.sin(ETA)
    assert value("qip_nm^-1", 0, y, z, incident_angle=ETA) == pytest.approx(0, abs=1e-13)
    assert value("qoop_nm^-1", 0, y, z, incident_angle=ETA) == pytest.approx(q, rel=1e-14)
    assert value("qtot_nm^-1", 0, y, z, incident_angle=ETA) == pytest.approx(q, rel=1e-14)


def test_tilt_turns_exit_angles_the_way_it_turns_q():
    """The exit angles must be those of the direction turned as q is."""
    x, y, z, tilt = 0.3, 0.2, 1.0, 0.1
    expected = (x * math.cos(tilt) + y * math.sin(tilt), y * math.cos(tilt) - x * math.sin(tilt))
    length = math.sqrt(x * x + y * y + z * z)
    assert value("exit_angle_horz_rad", x, y, z, tilt_angle=tilt) == pytest.approx(math.atan2(expected[0], z))
    assert value("exit_angle_vert_rad", x, y, z, tilt_angle=tilt) == pytest.approx(math.asin(expected[1] / length))
    k = 2 * math.pi / 0.1
    assert value("qxgi_nm^-1", x, y, z, tilt_angle=tilt) == pytest.approx(k * expected[0] / length)
    assert value("qygi_nm^-1", x, y, z, tilt_angle=tilt) == pytest.approx(k * expected[1] / length)


def test_tilt_of_a_quarter_turn_brings_up_to_the_side():
    assert value("qxgi_nm^-1", 0, 0.1, 1, tilt_angle=math.pi / 2) > 0
    assert value("qygi_nm^-1", 0, 0.1, 1, tilt_angle=math.pi / 2) == pytest.approx(0, abs=1e-13)
    assert value("qygi_nm^-1", 0.1, 0, 1, tilt_angle=math.pi / 2) < 0


angle = st.floats(-1.5, 1.5)
coordinate = st.floats(-2, 2).filter(lambda number: abs(number) > 1e-3)


@settings(deadline=None)
@given(coordinate, coordinate, coordinate, angle, angle, st.integers(1, 8))
def test_q_is_exit_direction_minus_incident_direction(x, y, z, eta, tilt, orientation):
    sample = {"incident_angle": eta, "tilt_angle": tilt, "sample_orientation": orientation}
    vertical = value("exit_angle_vert_rad", x, y, z, **sample)
    horizontal = value("exit_angle_horz_rad", x, y, z, **sample)
    exit_direction = np.array(
        [
            math.cos(vertical) * math.sin(horizontal),
            math.sin(vertical),
            math.cos(vertical) * math.cos(horizontal),
        ]
    )
    incident = np.array([-math.sin(tilt) * math.sin(eta), -math.cos(tilt) * math.sin(eta), math.cos(eta)])
    q = [value(f"{name}_nm^-1", x, y, z, **sample) for name in ("qxgi", "qygi", "qzgi")]
    np.testing.assert_allclose(q, 2 * math.pi / 0.1 * (exit_direction - incident), atol=1e-12, rtol=1e-12)


@settings(deadline=None)
@given(coordinate, coordinate, coordinate, angle, angle, st.integers(1, 8))
def test_q_components_hold_the_whole_length(x, y, z, eta, tilt, orientation):
    sample = {"incident_angle": eta, "tilt_angle": tilt, "sample_orientation": orientation}
    components = {
        name: value(f"{name}_A^-1", x, y, z, **sample) for name in ("qxgi", "qygi", "qzgi", "qip", "qoop", "qtot")
    }
    assert math.hypot(components["qip"], components["qoop"]) == pytest.approx(components["qtot"], rel=1e-12)
    cartesian = math.hypot(components["qxgi"], components["qygi"], components["qzgi"])
    assert cartesian == pytest.approx(components["qtot"], rel=1e-12)
    assert components["qtot"] == pytest.approx(float(unit("q_A^-1").values(x, y, z, WAVELENGTH)), rel=1e-14)
    chigi = value("chigi_rad", x, y, z, **sample)
    assert chigi == pytest.approx(math.atan2(components["qip"], components["qoop"]), abs=1e-12)


def test_small_angles_keep_the_component_along_the_beam():
    """z/t - 1 formed directly would be off by 1e-4 relative here."""
    angle_rad = 1e-6
    expected = -2 * math.pi / 0.1 * 2 * math.sin(angle_rad / 2) ** 2
    got = value("qzgi_nm^-1", math.sin(angle_rad), 0, math.cos(angle_rad))
    assert got == pytest.approx(expected, rel=1e-14)


def test_backscattering_is_twice_the_wave_vector_along_the_beam():
    assert value("qzgi_nm^-1", 0, 0, -1) == pytest.approx(-4 * math.pi / 0.1, rel=1e-15)


def test_in_plane_sign_follows_the_horizontal_and_is_negative_at_zero():
    assert value("qip_nm^-1", 0.1, 0.2, 1) > 0
    assert value("qip_nm^-1", -0.1, 0.2, 1) == -value("qip_nm^-1", 0.1, 0.2, 1)
    assert value("qip_nm^-1", 0.0, 0.2, 1) < 0


def test_laboratory_scattering_angles_ignore_incident_and_tilt_angle():
    sample = {"incident_angle": 0.3, "tilt_angle": 0.4}
    assert value("scattering_angle_horz_rad", 0.2, 0.3, 1, **sample) == pytest.approx(math.atan2(0.2, 1))
    expected = math.atan2(0.3, math.hypot(0.2, 1))
    assert value("scattering_angle_vert_rad", 0.2, 0.3, 1, **sample) == pytest.approx(expected)


def test_exit_angles_at_zero_incidence_are_the_scattering_angles():
    for side in ("vert", "horz"):
        exit_angle = value(f"exit_angle_{side}_rad", 0.2, -0.3, 0.9)
        assert exit_angle == pytest.approx(value(f"scattering_angle_{side}_rad", 0.2, -0.3, 0.9), rel=1e-15)


@pytest.mark.parametrize(
    ("orientation", "horizontal", "vertical"),
    [
        (1, 0.2, 0.3),
        (2, -0.2, 0.3),
        (3, -0.2, -0.3),
        (4, 0.2, -0.3),
        (5, -0.3, -0.2),
        (6, -0.3, 0.2),
        (7, 0.3, 0.2),
        (8, 0.3, -0.2),
    ],
)
@pytest.mark.parametrize("name", FIBRE_NAMES)
def test_sample_orientation_swaps_and_mirrors_x_and_y(name, orientation, horizontal, vertical):
    sample = {"incident_angle": 0.11, "tilt_angle": 0.07}
    got = value(name, 0.2, 0.3, 1.0, sample_orientation=orientation, **sample)
    assert got == value(name, horizontal, vertical, 1.0, **sample)


@pytest.mark.parametrize("bad", [0, 9, -1, True, 1.0, "1", None, [1]])
def test_sample_orientation_out_of_table_raises(bad):
    with pytest.raises(ParameterError, match="sample_orientation: expected an integer from 1 to 8"):
        unit("qip_nm^-1", sample_orientation=bad)


@pytest.mark.parametrize("name", ["incident_angle", "tilt_angle"])
def test_sample_angle_in_degrees_raises(name):
    with pytest.raises(ParameterError, match=rf"{name}: expected radians .* math.radians\(5\)"):
        unit("qip_nm^-1", **{name: 5})
    with pytest.raises(DataTypeError, match=name):
        unit("qip_nm^-1", **{name: "small"})
    with pytest.raises(ParameterError, match=name):
        unit("qip_nm^-1", **{name: math.nan})


def test_unknown_parameter_raises_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'incident_angle'"):
        unit("qip_nm^-1", incidence_angle=0.1)


def test_parameter_of_a_unit_without_sample_raises():
    with pytest.raises(UnknownNameError, match="'q' takes no parameters, got incident_angle"):
        unit("q_nm^-1", incident_angle=0.1)


def test_parameters_of_a_unit_are_changed_one_by_one():
    first = unit("qoop_A^-1", incident_angle=0.1, sample_orientation=2)
    second = unit(first, tilt_angle=0.3)
    assert second.parameters == {"incident_angle": 0.1, "tilt_angle": 0.3, "sample_orientation": 2}
    assert first.parameters["tilt_angle"] == 0.0
    assert first != second
    assert unit(second, tilt_angle=0.0) == first


def test_default_parameters_equal_no_parameters():
    assert unit("qip_nm^-1", incident_angle=0.0, tilt_angle=0, sample_orientation=np.int64(1)) == unit("qip_nm^-1")


CUT_NAMES = ["qip_nm^-1", "qip_abs_nm^-1", "chigi_rad", "chigi_abs_rad"]


@pytest.mark.parametrize("name", CUT_NAMES)
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_one_sided_value_on_the_cut_is_the_limit_from_that_side(name, side):
    quantity = unit(name, incident_angle=0.05).quantity
    at, beside = (
        one_sided(quantity, np.array([x]), np.array([0.3]), np.array([1.0]), WAVELENGTH, np.array([side]))[0]
        for x in (0.0, side * 1e-9)
    )
    assert at == pytest.approx(beside, rel=1e-6)
    assert at == pytest.approx(float(quantity.values(side * 1e-9, 0.3, 1.0, WAVELENGTH)), rel=1e-6)


def test_cut_runs_through_beam_and_specular_reflection():
    line = cut(unit("qip_nm^-1", incident_angle=ETA, tilt_angle=0.1).quantity)
    direct = line(np.zeros(1), np.zeros(1), np.ones(1))
    assert direct == pytest.approx(0.0, abs=1e-16)
    # The specular reflection of a tilted sample: the incident direction mirrored at the surface.
    normal = np.array([-math.sin(0.1), math.cos(0.1) * math.cos(ETA), -math.cos(0.1) * math.sin(ETA)])
    x, y, z = np.array([0.0, 0.0, 1.0]) - 2 * normal[2] * normal
    assert line(np.array([x]), np.array([y]), np.array([z])) == pytest.approx(0.0, abs=1e-15)
    qip = unit("qip_nm^-1", incident_angle=ETA, tilt_angle=0.1).values(x, y, z, WAVELENGTH)
    assert float(qip) == pytest.approx(0.0, abs=1e-12)
    qoop = unit("qoop_nm^-1", incident_angle=ETA, tilt_angle=0.1).values(x, y, z, WAVELENGTH)
    assert float(qoop) == pytest.approx(4 * math.pi / 0.1 * math.cos(0.1) * math.sin(ETA), rel=1e-12)


def test_continuous_units_have_no_cut():
    assert cut(unit("qxgi_nm^-1").quantity, unit("exit_angle_vert_deg").quantity, unit("q_nm^-1").quantity) is None
    with pytest.raises(UnsupportedOptionError, match="jump along different lines"):
        cut(unit("qip_nm^-1").quantity, unit("chigi_deg", incident_angle=0.1).quantity)


@settings(deadline=None)
@given(coordinate, coordinate, coordinate, angle, angle, st.integers(1, 8))
def test_every_scattered_ray_is_reachable(x, y, z, eta, tilt, orientation):
    sample = {"incident_angle": eta, "tilt_angle": tilt, "sample_orientation": orientation}
    quantities = [unit(f"{name}_nm^-1", **sample).quantity for name in ("qip", "qoop")]
    qip, qoop = (float(quantity.values(x, y, z, WAVELENGTH)) for quantity in quantities)
    k = 2 * math.pi / WAVELENGTH
    a, kappa = beam_in_sample(k, sample_of(quantities[0]))
    excess = abs(qip**2 + qoop**2 - 2 * a * qoop) - 2 * kappa * abs(qip)
    assert excess <= 1e-12 * k**2


def test_what_is_in_the_wedge_is_not_reachable():
    sample = sample_of(unit("qip_nm^-1", incident_angle=math.radians(0.2)).quantity)
    qoop = np.array([10e9, 10e9, 2e9 * math.pi / 0.1 * 2 * math.sin(math.radians(0.2))])
    np.testing.assert_array_equal(
        is_reachable(np.array([0.5e9, 1.0e9, 1e-3]), qoop, WAVELENGTH, sample), [False, True, True]
    )
