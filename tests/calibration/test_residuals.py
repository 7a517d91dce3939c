# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Residuals: the analytic Jacobian against finite differences, anywhere."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import azimuthal as az
from azimuthal.calibration.positions import Cells, radians_per_pixel
from azimuthal.calibration.residuals import PARAMETERS, pixel_residuals, ring_angles, two_theta_and_jacobian
from azimuthal.geometry.coordinates import two_theta

lengths = st.floats(-1.0, 1.0)
angles = st.floats(-3.1, 3.1)


@given(st.floats(0.01, 5), lengths, lengths, angles, angles, angles, lengths, lengths, st.floats(-0.05, 0.05))
def test_jacobian_anywhere_is_that_of_finite_differences(dist, poni1, poni2, rot1, rot2, rot3, d1, d2, d3):
    pose = az.Pose(dist, poni1, poni2, rot1, rot2, rot3)
    positions = np.array([[d1, d2, d3]])
    t = pose.lab_from_detector(positions)[0]
    size = np.linalg.norm(t)
    assume(size > 5e-3)
    assume(np.hypot(t[0], t[1]) > 0.02 * size)  # near the beam axis differences say nothing
    value, jacobian = two_theta_and_jacobian(positions, pose)
    np.testing.assert_allclose(value, two_theta(positions=t[None]), rtol=1e-13, atol=1e-15)
    for column, name in enumerate(PARAMETERS[:6]):
        step = 1e-5 * (1.0 if name.startswith("rot") else size)
        ends = [
            two_theta_and_jacobian(positions, pose.replace(**{name: getattr(pose, name) + sign * step}))[0]
            for sign in (-1, 1)
            if name != "dist" or getattr(pose, name) + sign * step > 0
        ]
        assume(len(ends) == 2)
        scale = 1.0 if name.startswith("rot") else 1 / size
        assert jacobian[0, column] == pytest.approx(((ends[1] - ends[0]) / (2 * step))[0], rel=1e-5, abs=2e-5 * scale)


@given(st.floats(0.01, 5), lengths, lengths, angles, angles, angles, lengths, lengths, st.floats(1e-11, 3e-10))
def test_jacobian_in_pixels_anywhere_is_that_of_finite_differences(dist, poni1, poni2, rot1, rot2, rot3, d1, d2, wl):
    """With residuals of any size: the size of a pixel changes with the geometry, too."""
    values = np.array([dist, poni1, poni2, rot1, rot2, rot3, wl])
    positions = np.array([[d1, d2, 0.02]])
    steps = np.array([[[2e-4, 1e-5, 0.0]], [[-3e-5, 1e-4, 6e-5]]])
    spacing = np.array([2e-10])

    def at(values):
        return pixel_residuals(positions, steps, az.Pose(*values[:6]), spacing, values[6])

    t = az.Pose(*values[:6]).lab_from_detector(positions)[0]
    size = np.linalg.norm(t)
    assume(size > 5e-3)
    assume(np.hypot(t[0], t[1]) > 0.05 * size)
    found = at(values)
    assume(found.pixel[0] > 1e-2 * 1e-4 / size)  # an edge-on pixel: differences say nothing
    for column in range(7):
        step = np.zeros(7)
        step[column] = 1e-5 * (size, size, size, 1.0, 1.0, 1.0, wl)[column]
        assume(values[0] > step[0])
        ends = [at(values + sign * step).values[0] for sign in (-1, 1)]
        scale = (1 / size, 1 / size, 1 / size, 1.0, 1.0, 1.0, 1 / wl)[column] * size / 1e-4
        assert found.jacobian[0, column] == pytest.approx(
            (ends[1] - ends[0]) / (2 * step[column]), rel=1e-4, abs=1e-3 * scale
        )


def test_size_of_a_pixel_is_the_steepest_change_of_two_theta():
    rng = np.random.default_rng(2)
    instrument = az.Instrument(az.detector("Pilatus1M"), az.Pose(0.3, 0.1, 0.05, 0.3, -0.2, 1.0), az.Beam(1e-10))
    slow, fast = rng.uniform(0, 1000, 50), rng.uniform(0, 900, 50)
    cells = Cells(instrument, slow, fast)
    found = pixel_residuals(
        cells.positions(slow, fast), cells.steps(slow, fast), instrument.pose, np.full(50, 2e-10), 1e-10
    )
    np.testing.assert_allclose(found.pixel, radians_per_pixel(instrument, slow, fast), rtol=1e-6)
    angle = cells.angles(slow, fast)[0]
    np.testing.assert_allclose(found.values, (angle - 2 * np.arcsin(0.25)) / found.pixel, rtol=1e-9)
    assert (found.jacobian[:, 5] == 0).all()


def test_rot3_never_changes_two_theta():
    positions = np.random.default_rng(1).uniform(-0.1, 0.3, (50, 3))
    _, jacobian = two_theta_and_jacobian(positions, az.Pose(0.2, 0.1, 0.05, 0.3, -0.2, 1.0))
    assert (jacobian[:, 5] == 0).all()


@given(st.floats(1e-11, 3e-10))
def test_ring_derivative_is_that_of_finite_differences(wavelength):
    d = np.array([2e-10, 4e-10])
    _, slope = ring_angles(d, wavelength)
    step = 1e-6 * wavelength
    ends = [ring_angles(d, wavelength + sign * step)[0] for sign in (-1, 1)]
    np.testing.assert_allclose(slope, (ends[1] - ends[0]) / (2 * step), rtol=1e-6)


def test_ring_beyond_the_wavelength_is_nan():
    assert np.isnan(ring_angles(np.array([1e-10]), 2.1e-10)[0]).all()
