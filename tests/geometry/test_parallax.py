# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Parallax: the mean depth by brute force, its limits, the inverse, and pyFAI as a comparison."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import ParameterError
from azimuthal.geometry import Pose
from azimuthal.geometry._native import entry_table
from azimuthal.geometry.coordinates import lab_positions, two_theta
from azimuthal.geometry.parallax import (
    ParallaxSettings,
    SensorAbsorption,
    displacement,
    doubtful_sensor_facts,
    entry_positions,
    entry_radius,
    mean_path,
    missing_sensor_facts,
)
from azimuthal.materials import attenuation_coefficient

SILICON = SensorAbsorption(1600.0, 450e-6)
THICK = SensorAbsorption(1600.0)
SENSORS = st.builds(SensorAbsorption, st.floats(1.0, 1e7), st.one_of(st.floats(1e-7, 0.1), st.just(math.inf)))
PYFAI_TABLE_TOLERANCE_M = 3e-9
"""pyFAI interpolates a table of 1024 angles linearly: up to 1e-9 m below 75 degrees here."""


def brute_force_path(absorption, cosine):
    """Mean of s under exp(-mu s) on [0, thickness / cosine], by Simpson's rule."""
    integrate = pytest.importorskip("scipy.integrate")
    length = absorption.thickness / cosine
    s = np.linspace(0, min(length, 60 / absorption.attenuation_coefficient), 20001)
    weight = np.exp(-absorption.attenuation_coefficient * s)
    return integrate.simpson(s * weight, x=s) / integrate.simpson(weight, x=s)


@pytest.mark.parametrize("degrees", [0, 10, 45, 80, 89])
@pytest.mark.parametrize("optical_depth", [1e-4, 0.049, 0.051, 0.5, 3.0, 30.0])
def test_mean_path_any_depth_equals_the_integral(degrees, optical_depth):
    absorption = SensorAbsorption(optical_depth / 450e-6, 450e-6)
    cosine = math.cos(math.radians(degrees))
    expected = brute_force_path(absorption, cosine)
    assert mean_path(cos_incidence=np.array(cosine), absorption=absorption) == pytest.approx(expected, rel=1e-9)


def test_displacement_at_normal_incidence_is_zero():
    assert displacement(cos_incidence=np.array(1.0), absorption=SILICON) == 0.0


@pytest.mark.parametrize("absorption", [SILICON, THICK])
def test_displacement_at_grazing_incidence_is_the_attenuation_length(absorption):
    assert displacement(cos_incidence=np.array(0.0), absorption=absorption) == pytest.approx(1 / 1600, rel=1e-15)


def test_displacement_thick_sensor_is_sine_over_mu():
    alpha = np.linspace(0, 1.5, 20)
    expected = np.sin(alpha) / 1600
    np.testing.assert_allclose(displacement(cos_incidence=np.cos(alpha), absorption=THICK), expected, rtol=1e-12)


def test_displacement_transparent_sensor_is_at_half_its_thickness():
    alpha = np.linspace(0, 1.4, 20)
    absorption = SensorAbsorption(1e-3, 450e-6)
    expected = 225e-6 * np.tan(alpha)
    np.testing.assert_allclose(displacement(cos_incidence=np.cos(alpha), absorption=absorption), expected, rtol=1e-6)


def test_displacement_zero_thickness_tends_to_zero():
    alpha = np.linspace(0, 1.4, 20)
    shift = displacement(cos_incidence=np.cos(alpha), absorption=SensorAbsorption(1600.0, 1e-12))
    assert shift.max() < 1e-11


def test_displacement_thin_sensor_approaches_the_thick_one():
    alpha = np.linspace(0, 1.5, 20)
    opaque = SensorAbsorption(1e5, 1e-3)
    np.testing.assert_allclose(
        displacement(cos_incidence=np.cos(alpha), absorption=opaque), np.sin(alpha) / 1e5, rtol=1e-12
    )


def test_displacement_at_the_size_in_the_docstring():
    shift = displacement(cos_incidence=np.array(math.cos(math.pi / 6)), absorption=SILICON)
    assert shift == pytest.approx(112e-6, abs=0.5e-6)


@given(SENSORS, st.floats(0.0, 10.0), st.floats(1e-3, 10.0))
def test_entry_radius_any_sensor_solves_its_equation(absorption, radius, distance):
    entry = entry_radius(radius=np.array(radius), distance=np.array(distance), absorption=absorption)
    assert 0 <= entry <= radius * (1 + 1e-15)
    ray = np.hypot(entry, distance)
    shift = entry / ray * mean_path(cos_incidence=distance / ray, absorption=absorption)
    assert entry + shift == pytest.approx(radius, abs=1e-12)


@given(SENSORS)
def test_entry_radius_grows_with_the_radius(absorption):
    radius = np.linspace(0, 1, 50)
    entry = entry_radius(radius=radius, distance=np.array(0.1), absorption=absorption)
    assert (np.diff(entry) > 0).all()


def test_entry_radius_at_the_foot_is_zero():
    assert entry_radius(radius=np.array(0.0), distance=np.array(0.1), absorption=SILICON) == 0.0


def test_entry_radius_nan_stays_nan_and_disturbs_no_other():
    radius = np.array([0.1, np.nan])
    entry = entry_radius(radius=radius, distance=np.array(0.1), absorption=SILICON)
    alone = entry_radius(radius=radius[:1], distance=np.array(0.1), absorption=SILICON)
    assert np.isnan(entry[1])
    assert entry[0] == alone[0]


@pytest.mark.parametrize("distance", [0.0, -0.1])
def test_entry_radius_pixel_seen_edge_on_raises(distance):
    with pytest.raises(ParameterError, match="edge-on"):
        entry_radius(radius=np.array(0.1), distance=np.array(distance), absorption=SILICON)


def test_entry_radius_recovers_a_simulated_ray():
    """Send rays at known angles, record each at its mean depth, and look where they came from."""
    alpha = np.radians(np.linspace(0, 70, 15))
    entered = 0.15 * np.tan(alpha)
    depth = brute_force_path(SILICON, np.cos(alpha[7]))
    recorded = entered[7] + depth * np.sin(alpha[7])
    found = entry_radius(radius=np.array(recorded), distance=np.array(0.15), absorption=SILICON)
    assert found == pytest.approx(entered[7], abs=1e-12)


def test_entry_positions_move_towards_the_poni_and_lower_two_theta():
    pose = Pose(0.1, 0.02, 0.03)
    points = np.array([[0.02, 0.13, 0.0], [0.12, 0.03, 0.0], [-0.05, -0.04, 0.0]])
    moved = entry_positions(detector_positions=points, pose=pose, absorption=SILICON)
    inward = points - moved
    outward = points - (0.02, 0.03, 0.0)
    assert (np.einsum("...k,...k->...", inward, outward) > 0).all()
    np.testing.assert_allclose(np.cross(inward, outward), 0.0, atol=1e-18)
    np.testing.assert_array_equal(moved[:, 2], 0.0)
    before = two_theta(positions=lab_positions(detector_positions=points, pose=pose))
    after = two_theta(positions=lab_positions(detector_positions=moved, pose=pose))
    assert (after < before).all()


def test_entry_positions_poni_stays():
    pose = Pose(0.1, 0.02, 0.03)
    points = np.array([0.02, 0.03, 0.0])
    np.testing.assert_array_equal(entry_positions(detector_positions=points, pose=pose, absorption=SILICON), points)


def test_entry_positions_do_not_depend_on_the_rotation():
    points = np.array([[0.02, 0.13, 0.0], [0.12, 0.03, 0.0]])
    pose = Pose(0.1, 0.02, 0.03)
    np.testing.assert_array_equal(
        entry_positions(detector_positions=points, pose=pose, absorption=SILICON),
        entry_positions(detector_positions=points, pose=pose.replace(rot1=1.0, rot2=2.0, rot3=3.0), absorption=SILICON),
    )


def test_entry_positions_with_the_plane_normal_equal_the_flat_path():
    pose = Pose(0.1, 0.02, 0.03)
    points = np.random.default_rng(1).uniform(-0.2, 0.2, (50, 3)) * (1, 1, 0)
    flat = entry_positions(detector_positions=points, pose=pose, absorption=SILICON)
    normals = np.broadcast_to((0.0, 0.0, -1.0), points.shape)
    general = entry_positions(detector_positions=points, pose=pose, absorption=SILICON, normals=normals)
    np.testing.assert_allclose(general, flat, atol=1e-16)


def test_entry_positions_tilted_plane_equals_a_rotated_flat_detector():
    """The tangent-plane construction, against the same plane described as a flat detector."""
    flat_pose = Pose(0.1, 0.02, 0.03, 0.3, -0.2, 0.1)
    points = np.random.default_rng(2).uniform(-0.1, 0.1, (50, 3)) * (1, 1, 0)
    flat = entry_positions(detector_positions=points, pose=flat_pose, absorption=SILICON)
    unrotated = Pose(0.1)
    tilted = unrotated.detector_from_lab(flat_pose.lab_from_detector(points))
    normals = np.broadcast_to(flat_pose.rotation[:, 2], tilted.shape)
    moved = entry_positions(detector_positions=tilted, pose=unrotated, absorption=SILICON, normals=normals)
    expected = unrotated.detector_from_lab(flat_pose.lab_from_detector(flat))
    np.testing.assert_allclose(moved, expected, atol=1e-14)


def test_entry_positions_cylinder_about_the_sample_stay_along_the_arc():
    """Rays hit the equator of a cylinder at right angles: nothing moves there, whatever the angle."""
    angles = np.linspace(-2, 2, 9)
    points = 0.3 * np.stack((0 * angles, np.sin(angles), np.cos(angles) - 1), axis=-1)
    normals = np.stack((0 * angles, np.sin(angles), np.cos(angles)), axis=-1)
    moved = entry_positions(detector_positions=points, pose=Pose(0.3), absorption=SILICON, normals=normals)
    np.testing.assert_allclose(moved, points, atol=1e-15)


def test_entry_positions_one_normal_serves_all_corners_of_a_pixel():
    corners = np.array([[[0.1, 0.1, 0], [0.11, 0.1, 0], [0.11, 0.11, 0], [0.1, 0.11, 0]]], float)
    normal = np.array([[[0.0, 0.0, 1.0]]])
    moved = entry_positions(detector_positions=corners, pose=Pose(0.1), absorption=SILICON, normals=normal)
    flat = entry_positions(detector_positions=corners, pose=Pose(0.1), absorption=SILICON)
    np.testing.assert_array_equal(moved, flat)


def test_sensor_absorption_efficiency_round_trip():
    absorption = SensorAbsorption.from_efficiency(0.7, 450e-6)
    assert absorption.efficiency == pytest.approx(0.7, rel=1e-15)
    assert THICK.efficiency == 1.0


@pytest.mark.parametrize("efficiency", [0.0, 1.0, -0.1, 90.0, math.nan])
def test_sensor_absorption_efficiency_out_of_range_raises(efficiency):
    with pytest.raises(ParameterError, match="efficiency"):
        SensorAbsorption.from_efficiency(efficiency, 450e-6)


@pytest.mark.parametrize("coefficient", [0.0, -1.0, math.inf, math.nan])
def test_sensor_absorption_coefficient_not_positive_raises(coefficient):
    with pytest.raises(ParameterError, match="attenuation_coefficient"):
        SensorAbsorption(coefficient)


@pytest.mark.parametrize("thickness", [0.0, -1e-6, math.nan, 0.45, 450.0])
def test_sensor_absorption_thickness_out_of_range_raises(thickness):
    with pytest.raises(ParameterError, match="thickness"):
        SensorAbsorption(1600.0, thickness)


def test_settings_without_coefficient_raise_and_say_what_to_pass():
    sensor = SimpleNamespace(material="Si", thickness=450e-6)
    with pytest.raises(ParameterError, match=r"energy is not known.* ParallaxSettings\(attenuation_coeff"):
        ParallaxSettings().absorption(sensor=sensor)
    with pytest.raises(ParameterError, match=r"'glass' is not in the table"):
        ParallaxSettings().absorption(sensor=SimpleNamespace(material="glass", thickness=1e-3), energy=17.0)
    with pytest.raises(ParameterError, match=r"outside the table"):
        ParallaxSettings().absorption(sensor=sensor, energy=1.0)


def test_settings_without_coefficient_take_it_from_the_table():
    sensor = SimpleNamespace(material="Si", thickness=450e-6)
    found = ParallaxSettings().absorption(sensor=sensor, energy=17.0)
    assert found.thickness == 450e-6
    assert found.attenuation_coefficient == attenuation_coefficient("Si", 17.0)


def test_doubtful_facts_are_none_only_where_nothing_has_to_be_guessed():
    silicon = SimpleNamespace(material="Si", thickness=450e-6)
    phosphor = SimpleNamespace(material="Gd2O2S", thickness=4e-5)
    assert doubtful_sensor_facts(silicon, 17.0) is None
    assert "energy" in doubtful_sensor_facts(silicon, None)
    assert "material" in doubtful_sensor_facts(None, 17.0)
    assert "density" in doubtful_sensor_facts(SimpleNamespace(material="Cd0.8Zn0.2Te", thickness=1e-3), 17.0)
    assert "packing" in doubtful_sensor_facts(phosphor, 17.0)
    assert missing_sensor_facts(phosphor, 17.0) is None


@pytest.mark.parametrize("absorption", [SILICON, THICK, SensorAbsorption(5.0, 1e-3)], ids=["thin", "thick", "clear"])
@pytest.mark.parametrize("dist", [0.02, 0.1, 3.0])
def test_polynomials_of_the_entry_scale_are_right_within_a_picometre(absorption, dist):
    edges = 75e-6 * np.arange(2000)
    pose = Pose(dist, 0.01, -0.03)
    table = entry_table((edges[:-1], edges[1:], edges[:-1], edges[1:]), pose, absorption)
    radius = np.sqrt(np.random.default_rng(1).uniform(0, table.step * len(table.coefficients), 20_000))
    interval, fraction = np.divmod(radius**2 / table.step, 1.0)
    powers = fraction[:, np.newaxis] ** np.arange(4)
    scale = (table.coefficients[interval.astype(int)] * powers).sum(axis=1)
    expected = entry_radius(radius=radius, distance=np.full_like(radius, dist), absorption=absorption)
    np.testing.assert_allclose(scale * radius, expected, atol=5e-12, rtol=0)


def test_settings_without_thickness_raise_and_say_what_to_pass():
    with pytest.raises(ParameterError, match=r"math\.inf"):
        ParallaxSettings(1600.0).absorption()


def test_settings_take_the_thickness_of_the_sensor_unless_given():
    sensor = SimpleNamespace(material="Si", thickness=450e-6)
    assert ParallaxSettings(1600.0).absorption(sensor=sensor) == SILICON
    assert ParallaxSettings(1600.0, math.inf).absorption(sensor=sensor) == THICK


@pytest.mark.parametrize(
    ("material", "energy", "thickness"),
    [
        ("Si", 12.0, 320e-6),
        ("Si", 17.0, 450e-6),
        ("Si", 17.0, None),
        ("CdTe", 60.0, 1e-3),
        ("CdTe", 80.0, 750e-6),
    ],
)
def test_parallax_agrees_with_pyfai_within_its_table(material, energy, thickness):
    other = pytest.importorskip("pyFAI.parallax")
    materials = pytest.importorskip("pyFAI.detectors.sensors").ALL_MATERIALS
    mu = float(materials[material].mu(energy, unit="m"))
    model = other.ThickSensor(mu) if thickness is None else other.ThinSensor(thickness, mu=mu)
    table = other.Parallax(model)
    absorption = SensorAbsorption(mu, math.inf if thickness is None else thickness)
    alpha = np.radians(np.linspace(0, 75, 500))
    shift = displacement(cos_incidence=np.cos(alpha), absorption=absorption)
    np.testing.assert_allclose(shift, table.displace(np.sin(alpha)), atol=PYFAI_TABLE_TOLERANCE_M, rtol=0)
    radius = 0.15 * np.tan(alpha)
    moved = entry_radius(radius=radius, distance=np.array(0.15), absorption=absorption) - radius
    np.testing.assert_allclose(moved, table.correct(np.sin(alpha), 0.15), atol=PYFAI_TABLE_TOLERANCE_M, rtol=0)


def test_parallax_positions_agree_with_pyfai_within_its_table():
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    detectors = pytest.importorskip("pyFAI.detectors")
    other = pytest.importorskip("pyFAI.parallax")
    toy = detectors.Detector(1e-3, 2e-3, max_shape=(60, 80))
    pose = Pose(0.1, 0.02, 0.03, 0.1, -0.2, 0.3)
    ai = integrator.AzimuthalIntegrator(0.1, 0.02, 0.03, 0.1, -0.2, 0.3, detector=toy, wavelength=1e-10)
    ai.parallax = other.Parallax(other.ThinSensor(450e-6, mu=1600.0))
    d1, d2 = np.mgrid[:60, :80]
    points = np.stack(((d1 + 0.5) * 1e-3, (d2 + 0.5) * 2e-3, 0.0 * d1), axis=-1)
    moved = entry_positions(detector_positions=points, pose=pose, absorption=SILICON)
    ours = lab_positions(detector_positions=moved, pose=pose)
    theirs = ai.position_array((60, 80), do_parallax=True)
    np.testing.assert_allclose(ours[..., (2, 0, 1)], theirs, atol=PYFAI_TABLE_TOLERANCE_M, rtol=0)
    assert np.abs(moved - points).max() > 1e-4
