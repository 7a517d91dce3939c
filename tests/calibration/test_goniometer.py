# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Goniometers: where the detector is at every position, how that changes, and how well it is known."""

import math
import pickle

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import PARAMETERS, Goniometer
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError
from azimuthal.geometry.frames import lab_from_detector_rotation

DETECTOR = az.detector("Pilatus100k")


def two_axes(**changes):
    given = {
        "detector": DETECTOR,
        "motors": ("gamma", "delta"),
        "parameters": {"dist": 0.3, "p1": 0.016, "offset": 0.02, "s": 1.001},
        "expressions": {
            "dist": "dist + 1e-4 * gamma",
            "poni1": "p1",
            "poni2": "p1 + half",
            "rot1": "offset - s * radians(delta)",
            "rot2": "sin(radians(gamma)) * s",
        },
        "wavelength": 7e-11,
        "constants": {"half": 0.02},
    }
    return Goniometer(**{**given, **changes})


def test_instrument_follows_the_expressions():
    found = two_axes().instrument(gamma=10.0, delta=30.0)
    expected = (0.301, 0.016, 0.036, 0.02 - 1.001 * math.radians(30), 1.001 * math.sin(math.radians(10)), 0.0)
    assert [getattr(found.pose, name) for name in PARAMETERS[:6]] == pytest.approx(expected, rel=1e-14)
    assert found.wavelength == 7e-11
    assert found.detector == DETECTOR


def test_position_is_given_by_name_order_or_alone():
    model = two_axes()
    for given in ({"gamma": 1, "delta": 2}, (1, 2), np.array([1.0, 2.0])):
        assert model.position(given) == {"gamma": 1.0, "delta": 2.0}
    one = model.replace(motors=("gamma",), constants={"half": 0.02, "delta": 0.0})
    assert one.position(3.5) == {"gamma": 3.5}
    assert one.instrument(3.5).pose == one.instrument(gamma=3.5).pose
    with pytest.raises(UnknownNameError, match="did you mean 'delta'"):
        model.position(gamma=1.0, delt=2.0)
    with pytest.raises(ParameterError, match="delta is missing"):
        model.position(gamma=1.0)
    with pytest.raises(ParameterError, match="expected 2 values"):
        model.position(1.0)
    with pytest.raises(ParameterError, match="by name and without"):
        model.position((1.0, 2.0), gamma=1.0)
    with pytest.raises(ParameterError, match="finite"):
        model.position(gamma=math.nan, delta=0.0)


def test_derivatives_are_those_of_differences():
    model = two_axes()
    positions = [{"gamma": 5.0, "delta": 12.0}, {"gamma": -3.0, "delta": 60.0}]
    found = model.evaluated(positions)
    for k, name in enumerate(model.parameters):
        ends = [
            model.with_parameters(**{name: model.parameters[name] + step}).evaluated(positions).values
            for step in (-1e-6, 1e-6)
        ]
        np.testing.assert_allclose(found.by_parameter[:, :, k], (ends[1] - ends[0]) / 2e-6, rtol=1e-8, atol=1e-9)
    for k, name in enumerate(model.motors):
        ends = [
            model.evaluated([{**one, name: one[name] + step} for one in positions]).values for step in (-1e-4, 1e-4)
        ]
        np.testing.assert_allclose(found.by_motor[:, :, k], (ends[1] - ends[0]) / 2e-4, rtol=1e-8, atol=1e-9)


def test_energy_is_a_wavelength_with_its_derivative():
    model = two_axes(
        motors=("gamma", "delta", "mono"),
        expressions={"dist": "dist", "energy": "mono * s"},
        wavelength=None,
    )
    found = model.evaluated([{"gamma": 0, "delta": 0, "mono": 20.0}])
    assert found.values[0, 6] == pytest.approx(az.Beam.from_energy(20.02).wavelength, rel=1e-14)
    slope = found.by_parameter[0, 6, list(model.parameters).index("s")]
    assert slope == pytest.approx(-found.values[0, 6] / 1.001, rel=1e-12)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("direction", [1, -1])
def test_arm_turns_the_whole_detector_about_its_axis(axis, direction):
    """Against the product of the matrices, for a detector that is tilted on the arm."""
    pose = az.Pose(0.3, 0.016, 0.04, 0.3, -0.2, 0.15)
    model = Goniometer.arm(az.Instrument(DETECTOR, pose, az.Beam(1e-10)), "tth", axis=axis, at=7.0, direction=direction)
    assert model.instrument(7.0).pose.rotation == pytest.approx(pose.rotation, abs=1e-15)
    for tth in (-100.0, -20.0, 35.0, 95.0, 170.0):
        alone = [0.0, 0.0, 0.0]
        alone[axis - 1] = direction * math.radians(tth - 7.0)
        expected = lab_from_detector_rotation(*alone) @ pose.rotation
        np.testing.assert_allclose(model.instrument(tth).pose.rotation, expected, atol=1e-14)
        assert model.instrument(tth).pose.dist == 0.3


def test_many_positions_make_moving_and_merged_geometries():
    model = two_axes()
    positions = [(0.0, delta) for delta in (10.0, 20.0, 30.0)]
    frames = np.ones((3, 195, 487))
    options = {"unit": "2th_deg", "solid_angle": False, "polarization_factor": None}
    merged = az.MultiGeometry(model.integrators(positions)).integrate1d(list(frames), 60, **options)
    moving = az.MovingGeometry(model.instruments(positions)).integrate1d(frames, 60, **options)
    np.testing.assert_allclose(merged.intensity[~np.isnan(merged.intensity)], 1.0, rtol=1e-12)
    np.testing.assert_allclose(moving.intensity, merged.intensity, rtol=1e-12)


def test_uncertainty_of_two_theta_is_that_of_repeated_draws():
    model = two_axes()
    covariance = np.diag([2e-5, 3e-5, 1e-4, 1e-4]) ** 2
    covariance[2, 3] = covariance[3, 2] = -0.5 * 1e-8
    known = model.replace(covariance=covariance, covered={"gamma": (0, 10), "delta": (0, 60)})
    rng = np.random.default_rng(2)
    draws = rng.multivariate_normal(list(model.parameters.values()), covariance, 4000)
    values = []
    for draw in draws:
        drawn = model.with_parameters(**dict(zip(model.parameters, draw.tolist(), strict=True)))
        values.append(drawn.evaluated([{"gamma": 5.0, "delta": 40.0}]).values[0])
    found = known.covariance_at(gamma=5.0, delta=40.0)
    np.testing.assert_allclose(np.sqrt(np.diag(found))[:5], np.std(values, axis=0)[:5], rtol=0.05)
    assert 0.01 < known.two_theta_error(gamma=5.0, delta=40.0) < 1.0
    q = np.array([30.0, 60.0])
    assert np.isfinite(known.radial_uncertainty("2th_deg", q, gamma=5.0, delta=40.0)).any()
    assert known.is_covered(gamma=5.0, delta=60.0)
    assert not known.is_covered(gamma=5.0, delta=61.0)
    assert not model.is_covered(gamma=5.0, delta=40.0)
    with pytest.raises(ParameterError, match="how well it is known"):
        model.covariance_at(gamma=0.0, delta=0.0)


def test_what_is_not_told_makes_two_theta_unknown_where_it_matters():
    """Offset and scale from one position: known there, unknown anywhere else."""
    model = two_axes()
    there = math.radians(30.0)
    direction = np.array([[0.0, 0.0, there, 1.0]])
    fixed = model.replace(expressions={**model.expressions, "rot2": "0"})
    known = fixed.replace(covariance=np.zeros((4, 4)), unknown=direction)
    assert known.two_theta_error(gamma=0.0, delta=30.0) < 1e-6
    assert known.two_theta_error(gamma=0.0, delta=31.0) == math.inf
    assert (known.radial_uncertainty("2th_deg", [30.0], gamma=0.0, delta=31.0) == math.inf).all()
    assert known.standard_errors == {"dist": 0.0, "p1": 0.0, "offset": math.inf, "s": math.inf}


def test_changes_let_go_of_what_was_known():
    known = two_axes(covariance=np.eye(4), covered={"gamma": (0, 1)})
    assert known.with_parameters(dist=0.4).covariance is None
    assert known.with_parameters(dist=0.4).parameters["dist"] == 0.4
    free = known.with_free_wavelength()
    assert free.parameters["wavelength"] == 7e-11
    assert free.instrument(gamma=0, delta=0).wavelength == 7e-11
    with pytest.raises(ParameterError, match="expression already"):
        free.with_free_wavelength()
    with pytest.raises(UnknownNameError, match="did you mean 'dist'"):
        known.with_parameters(distance=1.0)
    with pytest.raises(UnknownNameError, match="did you mean 'motors'"):
        known.replace(motor=("a",))


def test_goniometer_is_a_value():
    known = two_axes(covariance=np.eye(4), covered={"gamma": (0, 1)})
    again = pickle.loads(pickle.dumps(known))
    assert again.instrument(gamma=1, delta=2).pose == known.instrument(gamma=1, delta=2).pose
    assert again.covered == known.covered
    with pytest.raises(TypeError):
        known.parameters["dist"] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        known.covariance[0, 0] = 2.0
    assert "rot1 = offset - s * radians(delta)" in known.describe()
    assert "dist = 0.3 ± 1" in known.describe()
    assert "Pilatus" in repr(known)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"detector": "Pilatus100k"}, DataTypeError, "expected a Detector"),
        ({"expressions": {"dist": "dist", "rot1": "ofset"}}, UnknownNameError, "did you mean 'offset'"),
        ({"expressions": {"poni1": "p1"}}, ParameterError, "dist is missing"),
        ({"expressions": {"dist": "dist", "rot4": "0"}}, UnknownNameError, "did you mean 'rot"),
        ({"expressions": {"dist": 0.3}}, DataTypeError, "expected a text"),
        ({"expressions": {"dist": "dist", "wavelength": "1e-10"}}, ParameterError, "as a number and as an expression"),
        (
            {"expressions": {"dist": "dist", "wavelength": "1e-10", "energy": "12"}, "wavelength": None},
            ParameterError,
            "two views",
        ),
        ({"motors": ("gamma", "delta", "dist")}, ParameterError, "that of a motor already"),
        ({"motors": ("gamma", "delta", "sin")}, ParameterError, "function"),
        ({"motors": ("gamma", "delta", "2th")}, ParameterError, "begins with a letter"),
        ({"parameters": {"dist": "far"}}, DataTypeError, "expected a number"),
        ({"parameters": [1.0]}, DataTypeError, "mapping"),
        ({"covariance": np.eye(3)}, ShapeError, r"\(4, 4\)"),
        ({"wavelength": 1.0}, ParameterError, "expected metres"),
    ],
)
def test_what_makes_no_goniometer_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        two_axes(**changes)


def test_position_without_a_geometry_is_an_error_that_names_it():
    model = two_axes(expressions={"dist": "dist - gamma"})
    with pytest.raises(ParameterError, match=r"goniometer at gamma = 1, delta = 0: dist"):
        model.instrument(gamma=1.0, delta=0.0)
    with pytest.raises(ParameterError, match="axis, direction"):
        Goniometer.arm(two_axes().instrument(gamma=0, delta=0), axis=4)
