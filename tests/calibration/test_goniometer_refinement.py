# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Joint refinement: the truth within honest errors, motors that are not where they say, and what images cannot tell."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import FramePoints, Goniometer, refine, refine_goniometer
from azimuthal.calibration._variance_components import Component, component_sizes
from azimuthal.calibration.goniometer_refinement import _Problem
from azimuthal.errors import ParameterError, UnknownNameError, WavelengthMissingError
from azimuthal.testing.simulated_points import goniometer_points

AT_ZERO = az.Instrument(az.detector("Pilatus100k"), az.Pose(0.3, 0.016, 0.04, 0.02, -0.01, 0.03), az.Beam(7e-11))
ARM = Goniometer.arm(AT_ZERO, "tth", direction=-1)
POSITIONS = [{"tth": value} for value in np.linspace(10, 70, 12).tolist()]
START = ARM.with_parameters(dist=0.302, rot1=0.022, poni1=0.0165, scale=-1.002)


@pytest.fixture(scope="module")
def lab6():
    return az.calibrant("LaB6")


@pytest.fixture(scope="module")
def exact(lab6):
    return goniometer_points(ARM, POSITIONS, lab6, 0, sigma=(1e-9, 2e-9))


def test_exact_points_give_the_truth(lab6, exact):
    found = refine_goniometer(exact, START, lab6)
    assert found.converged
    assert found.free == ("dist", "poni1", "poni2", "rot1", "rot2", "rot3", "scale")
    for name, value in found.values.items():
        assert value == pytest.approx(ARM.parameters[name], abs=2e-7), name
    assert found.goniometer.covered == {"tth": (10.0, 70.0)}
    assert found.start is START


def test_jacobian_of_the_problem_is_that_of_differences(lab6, exact):
    limits = np.full(7, -np.inf), np.full(7, np.inf)
    problem = _Problem(exact, START, lab6, tuple(START.parameters), "linear", limits)
    values = problem.start
    _, jacobian, by_motor, _ = problem.evaluated(values)
    for k in range(values.size):
        step = np.zeros(values.size)
        step[k] = 1e-6
        expected = (problem.evaluated(values + step)[0] - problem.evaluated(values - step)[0]) / 2e-6
        np.testing.assert_allclose(jacobian[:, k], expected, rtol=1e-6, atol=1e-6 * np.abs(jacobian).max())
    moved = []
    for step in (-1e-4, 1e-4):
        problem.positions_of = [{"tth": one["tth"] + step} for one in POSITIONS]
        moved.append(problem.evaluated(values)[0])
    np.testing.assert_allclose(by_motor[:, 0], (moved[1] - moved[0]) / 2e-4, rtol=1e-6, atol=1e-4)


def test_single_position_with_a_free_wavelength_is_the_refinement_of_one_image(lab6):
    one = ARM.instrument(POSITIONS[-1])
    points = goniometer_points(ARM, POSITIONS[-1:], lab6, 1, n=200)
    # dist, poni1, poni2, rot1, rot2 and the wavelength as parameters, each standing for itself
    names = ("dist", "poni1", "poni2", "rot1", "rot2", "wavelength")
    values = {name: getattr(one.pose, name, one.wavelength) for name in names}
    fixed = Goniometer(
        detector=one.detector, motors=("tth",), parameters=values,
        expressions={name: name for name in names} | {"rot3": str(one.pose.rot3)},
    )  # fmt: skip
    together = refine_goniometer(points, fixed, lab6, fix=())
    alone = refine(points[0].points, one, lab6, fix=("rot3",))
    assert 0 < alone.standard_errors["wavelength"] < 0.1 * one.wavelength
    for name in names:
        off = abs(together.values[name] - alone.values[name])
        assert off < 1e-3 * alone.standard_errors[name], name


def pulls(lab6, n, jitter):
    found = []
    for seed in range(n):
        frames = goniometer_points(ARM, POSITIONS, lab6, seed, n=20, jitter=jitter)
        refined = refine_goniometer(frames, START, lab6)
        found.append([(refined.values[k] - ARM.parameters[k]) / refined.standard_errors[k] for k in refined.free])
    return np.array(found)


def test_pulls_of_a_few_simulations_are_of_order_one(lab6):
    """A sample of benchmarks/goniometer_pulls.py, where widths are 0.9 to 1.1."""
    assert 0.6 < np.std(pulls(lab6, 5, {})) < 1.4


def test_motor_that_is_not_where_it_says_is_found_and_told(lab6):
    frames = goniometer_points(
        ARM, [{"tth": v} for v in np.linspace(10, 70, 30).tolist()], lab6, 3, jitter={"tth": 0.03}
    )
    found = refine_goniometer(frames, START, lab6)
    assert found.motor_scatter["tth"] == pytest.approx(0.03, rel=0.35)
    still = refine_goniometer(goniometer_points(ARM, POSITIONS, lab6, 3), START, lab6)
    assert still.motor_scatter["tth"] == 0
    assert still.ring_scatter == 0
    assert found.standard_errors["scale"] > 3 * still.standard_errors["scale"]
    for name in found.free:
        assert abs(found.values[name] - ARM.parameters[name]) < 5 * found.standard_errors[name]


def test_rings_that_are_off_as_a_whole_are_found(lab6):
    spacings = lab6.d_spacings()[:60]
    off = np.random.default_rng(1).normal(0, 1e-3, spacings.size)
    wrong = az.Calibrant.from_d_spacings(spacings * (1 + off))
    found = refine_goniometer(
        goniometer_points(ARM, POSITIONS, wrong, 5), START, az.Calibrant.from_d_spacings(spacings)
    )
    assert found.ring_scatter > 0.05


def test_variance_components_are_unbiased_with_few_groups():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(6), 30)
    other = np.tile(np.arange(5), 36)
    jacobian = np.column_stack((np.ones(180), group, rng.normal(size=180)))
    squares = []
    for _ in range(300):
        z = rng.normal(size=180) + 2.0 * rng.normal(size=6)[group]
        z -= jacobian @ np.linalg.lstsq(jacobian, z, rcond=None)[0]
        own, found = component_sizes(z, jacobian, [Component(group, np.ones(180)), Component(other, np.ones(180))])
        squares.append([*found**2, own])
    assert np.mean(squares, axis=0)[0] == pytest.approx(4.0, rel=0.15)  # without the fit's share it would be 2.7
    assert np.mean(squares, axis=0)[1] < 0.05
    assert np.mean(squares, axis=0)[2] == pytest.approx(1.0, rel=0.03)


def test_outliers_and_an_image_that_disagrees_are_left_out(lab6):
    frames = goniometer_points(ARM, POSITIONS, lab6, 7)
    wrong = FramePoints("wrong", {"tth": frames[4].position["tth"] + 0.5}, frames[4].points)
    found = refine_goniometer([*frames[:4], wrong, *frames[5:]], ARM, lab6)
    assert not found.used[found.frame == 4].any()
    assert found.used[found.frame != 4].mean() > 0.97
    for name in found.free:
        assert abs(found.values[name] - ARM.parameters[name]) < 5 * found.standard_errors[name]


def test_offset_and_scale_are_not_told_by_one_position(lab6):
    model = Goniometer(
        detector=AT_ZERO.detector, motors=("tth",), wavelength=7e-11,
        parameters={"dist": 0.3, "offset": 0.02, "scale": -1.0, "turn": 0.1},
        expressions={"dist": "dist", "poni1": "0.016", "poni2": "0.04", "rot1": "offset + scale * radians(tth)", "rot3": "turn"},
    )  # fmt: skip
    frames = goniometer_points(model, [{"tth": 30.0}] * 3, lab6, 1)
    found = refine_goniometer(frames, model, lab6)
    assert found.free == ("dist", "offset", "scale")
    errors = found.standard_errors
    assert errors["offset"] == errors["scale"] == np.inf
    assert 0 < errors["dist"] < 1e-3
    assert errors["turn"] == 0
    assert [text.split(":")[0] for text in found.degenerate] == ["turn", "offset", "scale"]
    assert found.goniometer.two_theta_error(30.0) < 0.2
    assert found.goniometer.two_theta_error(32.0) == np.inf
    fixed = refine_goniometer(frames, model, lab6, fix="scale")
    assert fixed.standard_errors["scale"] == 0
    assert 0 < fixed.standard_errors["offset"] < 1e-3


def test_wavelength_is_refined_over_wide_angles(lab6):
    model = START.with_free_wavelength()
    found = refine_goniometer(goniometer_points(ARM, POSITIONS, lab6, 9), model, lab6)
    assert abs(found.values["wavelength"] - 7e-11) < 5 * found.standard_errors["wavelength"]
    assert found.standard_errors["wavelength"] < 1e-3 * 7e-11


def test_bounds_hold_and_are_told(lab6):
    frames = goniometer_points(ARM, POSITIONS, lab6, 2)
    found = refine_goniometer(frames, START, lab6, bounds={"dist": (0.301, 0.31)})
    assert found.values["dist"] == pytest.approx(0.301, rel=1e-9)
    assert found.at_bound == ("dist",)


def test_what_cannot_be_refined_is_refused(lab6, exact):
    with pytest.raises(UnknownNameError, match="did you mean 'scale'"):
        refine_goniometer(exact, START, lab6, fix="scal")
    with pytest.raises(UnknownNameError, match="bounds"):
        refine_goniometer(exact, START, lab6, bounds={"distance": (0, 1)})
    with pytest.raises(ParameterError, match="around the start"):
        refine_goniometer(exact, START, lab6, bounds={"dist": (0.5, 1)})
    with pytest.raises(ParameterError, match="at least one free"):
        refine_goniometer(exact, START, lab6, fix=tuple(START.parameters))
    few = [FramePoints("a", POSITIONS[0], exact[0].points.select(slice(0, 5)))]
    with pytest.raises(ParameterError, match="more than 7 points"):
        refine_goniometer(few, START, lab6)
    with pytest.raises(WavelengthMissingError):
        refine_goniometer(exact, START.replace(wavelength=None), lab6)
    with pytest.raises(ParameterError, match="rings, the points name ring"):
        refine_goniometer(exact, START, az.Calibrant.from_d_spacings(lab6.d_spacings()[:2]))
    with pytest.raises(ParameterError, match="tth is missing"):
        refine_goniometer([FramePoints("a", {}, exact[0].points)], START, lab6)
