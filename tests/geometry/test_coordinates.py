# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Scattering angles, incidence, areas; special angles, invariance, and pyFAI as a comparison (G5)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.detectors import Detector
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.geometry import Pose
from azimuthal.geometry.coordinates import (
    area_vectors,
    chi,
    cos_incidence,
    lab_positions,
    pixel_normals,
    radius,
    sample_positions,
    two_theta,
)

ANGLES = st.floats(-math.pi, math.pi)
ORIENTATIONS = (1, 2, 3, 4)
PYFAI_TOLERANCE = 1e-10
"""The issue's figure; both sides are float64 and agree to a few 1e-15."""


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        pytest.param((0, 0, 1), 0.0, id="beam"),
        pytest.param((0, 1, 1), math.pi / 4, id="45"),
        pytest.param((1, 0, 0), math.pi / 2, id="90"),
        pytest.param((0, 1, -1), 3 * math.pi / 4, id="reflection"),
        pytest.param((0, 0, -1), math.pi, id="back"),
    ],
)
def test_two_theta_special_position_is_exact(position, expected):
    assert two_theta(positions=np.array(position, float)) == expected


@pytest.mark.parametrize(
    ("position", "expected"),
    [((0, 1, 1), 0.0), ((1, 0, 1), math.pi / 2), ((-1, 0, 1), -math.pi / 2), ((1, 1, 1), math.pi / 4)],
)
def test_chi_starts_at_axis_2_and_grows_towards_axis_1(position, expected):
    assert chi(positions=np.array(position, float)) == expected


def test_radius_counts_from_the_beam_axis():
    assert radius(positions=np.array([0.3, 0.4, 7.0])) == pytest.approx(0.5, rel=1e-15)


def test_two_theta_small_angle_keeps_relative_accuracy():
    position = np.array([0.0, 1e-9, 1.0])
    assert two_theta(positions=position) == pytest.approx(1e-9, rel=1e-15)


def test_coordinates_any_leading_axes_are_kept():
    positions = np.ones((2, 3, 4, 3))
    for function in (radius, two_theta, chi):
        assert function(positions=positions).shape == (2, 3, 4)


@pytest.mark.parametrize("shape", [(), (2,), (3, 2)])
def test_coordinates_wrong_last_axis_raises(shape):
    with pytest.raises(ShapeError, match="last axis of length 3"):
        two_theta(positions=np.ones(shape))


@given(ANGLES, ANGLES, ANGLES, ANGLES)
def test_coordinates_turning_about_the_beam_shifts_chi_and_keeps_two_theta(rot1, rot2, rot3, turn):
    corners = np.array([[0.0, 0.0, 0.0], [0.1, 0.03, 0.0], [-0.02, 0.2, 0.0]])
    pose = Pose(0.1, 0.02, 0.03, rot1, rot2, rot3)
    before = lab_positions(detector_positions=corners, pose=pose)
    after = lab_positions(detector_positions=corners, pose=pose.replace(rot3=rot3 + turn))
    np.testing.assert_allclose(two_theta(positions=after), two_theta(positions=before), atol=1e-13)
    shift = chi(positions=after) - chi(positions=before) + turn
    weight = np.minimum(radius(positions=before), 1e-3) / 1e-3
    np.testing.assert_allclose(np.sin(shift / 2) * weight, 0.0, atol=1e-11)


def test_lab_positions_wraps_the_pose():
    pose = Pose(0.1, 0.02, 0.03, 0.1, 0.2, 0.3)
    points = np.array([[0.1, 0.2, 0.0]])
    np.testing.assert_array_equal(lab_positions(detector_positions=points, pose=pose), pose.lab_from_detector(points))


def test_sample_positions_are_relative_to_the_sample():
    pose = Pose(0.1, 0.02, 0.03, 0.1, 0.2, 0.3)
    relative = sample_positions(detector_positions=np.array([0.02, 0.03, 0.0]), pose=pose)
    np.testing.assert_array_equal(relative, (0.0, 0.0, 0.1))


def test_cos_incidence_at_the_poni_is_one():
    pose = Pose(0.1, 0.02, 0.03, 1.0, 2.0, 3.0)
    assert cos_incidence(detector_positions=np.array([0.02, 0.03, 0.0]), pose=pose) == 1.0


def test_cos_incidence_at_45_degrees_is_the_known_value():
    pose = Pose(0.1)
    cosine = cos_incidence(detector_positions=np.array([0.0, 0.1, 0.0]), pose=pose)
    assert cosine == pytest.approx(math.sqrt(0.5), rel=1e-15)


@given(ANGLES, ANGLES, ANGLES)
def test_cos_incidence_is_the_angle_to_the_rotated_normal(rot1, rot2, rot3):
    pose = Pose(0.1, 0.01, -0.02, rot1, rot2, rot3)
    points = np.array([[0.05, 0.03, 0.0], [-0.2, 0.1, 0.0]])
    lab = lab_positions(detector_positions=points, pose=pose)
    expected = lab @ pose.rotation[:, 2] / np.linalg.norm(lab, axis=-1)
    np.testing.assert_allclose(cos_incidence(detector_positions=points, pose=pose), expected, atol=1e-14)


def test_cos_incidence_given_normals_of_a_plane_equals_the_flat_path():
    pose = Pose(0.1, 0.01, -0.02)
    detector = Detector(pixel1=1e-3, pixel2=2e-3, shape=(20, 30))
    centers, normals = detector.centers(), pixel_normals(corners=detector.corners())
    flat = cos_incidence(detector_positions=centers, pose=pose)
    general = cos_incidence(detector_positions=centers, pose=pose, normals=normals)
    np.testing.assert_allclose(general, flat, rtol=1e-12)


def test_cos_incidence_cylinder_about_the_sample_is_one_along_the_arc():
    angles = np.linspace(-2, 2, 9)
    points = 0.3 * np.stack((0 * angles, np.sin(angles), np.cos(angles) - 1), axis=-1)
    normals = np.stack((0 * angles, np.sin(angles), np.cos(angles)), axis=-1)
    cosine = cos_incidence(detector_positions=points, pose=Pose(0.3), normals=-normals)
    np.testing.assert_allclose(cosine, 1.0, rtol=1e-14)


def test_cos_incidence_curved_detector_without_normals_raises():
    with pytest.raises(ParameterError, match="normals"):
        cos_incidence(detector_positions=np.array([0.0, 0.0, 0.01]), pose=Pose(0.1))


@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 3), (2, 4)])
def test_cos_incidence_normals_of_another_shape_raise(shape):
    with pytest.raises(ShapeError, match=r"normals|last axis"):
        cos_incidence(detector_positions=np.zeros((2, 3)), pose=Pose(0.1), normals=np.ones(shape))


def test_area_vectors_rectangle_has_its_area_and_normal():
    corners = np.array([[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]], float)
    np.testing.assert_array_equal(area_vectors(corners=corners), (0, 0, 6))


def test_area_vectors_hexagon_has_its_area():
    turns = np.arange(6) * math.pi / 3
    corners = np.stack((np.cos(turns), np.sin(turns), 0 * turns), axis=-1)
    area = np.linalg.norm(area_vectors(corners=corners))
    assert area == pytest.approx(1.5 * math.sqrt(3), rel=1e-14)


@given(ANGLES, ANGLES, ANGLES)
def test_area_vectors_rotate_with_the_polygon(rot1, rot2, rot3):
    rotation = Pose(1.0, 0, 0, rot1, rot2, rot3).rotation
    corners = np.array([[0, 0, 0], [2, 0.1, 0], [2, 3, 0.5], [0.2, 3, 0]])
    expected = rotation @ area_vectors(corners=corners)
    np.testing.assert_allclose(area_vectors(corners=corners @ rotation.T), expected, atol=1e-13)


def test_area_vectors_two_corners_raise():
    with pytest.raises(ShapeError, match="three corners"):
        area_vectors(corners=np.zeros((5, 2, 3)))


def test_pixel_normals_are_unit_vectors_and_nan_without_area():
    corners = np.zeros((2, 4, 3))
    corners[0] = [[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]]
    normals = pixel_normals(corners=corners)
    np.testing.assert_array_equal(normals[0], (0, 0, 1))
    assert np.isnan(normals[1]).all()


def random_poses(count, seed=20260):
    """Poses of transmission and, every fifth, of any direction at all."""
    generator = np.random.default_rng(seed)
    for index in range(count):
        reach = math.pi if index % 5 == 4 else 0.6
        rotations = generator.uniform(-reach, reach, 3)
        yield Pose(generator.uniform(0.02, 1.0), *generator.uniform(-0.02, 0.05, 2), *rotations)


@pytest.fixture(scope="module")
def pyfai():
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    detectors = pytest.importorskip("pyFAI.detectors")
    shape, pixel1, pixel2 = (60, 80), 1.3e-4, 2.1e-4

    def make(pose, orientation):
        toy = detectors.Detector(pixel1, pixel2, max_shape=shape, orientation=orientation)
        parameters = (pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3)
        return integrator.AzimuthalIntegrator(*parameters, detector=toy, wavelength=0.7e-10)

    make.shape, make.pixel1, make.pixel2 = shape, pixel1, pixel2
    return make


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_coordinates_fifty_geometries_agree_with_pyfai(pyfai, orientation):
    detector = Detector(pixel1=pyfai.pixel1, pixel2=pyfai.pixel2, shape=pyfai.shape, orientation=orientation)
    d1, d2 = np.mgrid[: pyfai.shape[0], : pyfai.shape[1]].astype(float)
    for pose in random_poses(50):
        # A fresh object each time: cached corners change pyFAI's answers for orientation != 3 (its defect).
        other = pyfai(pose, orientation)
        positions = lab_positions(detector_positions=detector.centers(), pose=pose)
        np.testing.assert_allclose(
            positions[..., (2, 0, 1)], other.position_array(pyfai.shape), atol=PYFAI_TOLERANCE, rtol=0
        )
        angle = two_theta(positions=positions)
        np.testing.assert_allclose(angle, other.tth(d1, d2), atol=PYFAI_TOLERANCE, rtol=0)
        q_nm = 4e-9 * math.pi / 0.7e-10 * np.sin(angle / 2)
        np.testing.assert_allclose(q_nm, other.qFunction(d1, d2), rtol=PYFAI_TOLERANCE)
        turn = np.exp(1j * chi(positions=positions)) / np.exp(1j * other.chi(d1, d2))
        np.testing.assert_allclose(turn, 1.0, atol=PYFAI_TOLERANCE)
        cosine = cos_incidence(detector_positions=detector.centers(), pose=pose)
        np.testing.assert_allclose(cosine, other.cos_incidence(d1, d2), atol=PYFAI_TOLERANCE, rtol=0)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_coordinates_orientation_is_an_index_mirror_and_nothing_else(orientation):
    native = Detector(pixel1=1e-4, pixel2=2e-4, shape=(5, 7))
    pose = Pose(0.1, 2e-4, 3e-4, 0.1, -0.2, 0.3)
    expected = lab_positions(detector_positions=native.centers(), pose=pose)
    rows = slice(None, None, -1) if orientation in (1, 2) else slice(None)
    columns = slice(None, None, -1) if orientation in (1, 4) else slice(None)
    got = lab_positions(detector_positions=native.with_orientation(orientation).centers(), pose=pose)
    np.testing.assert_allclose(got, expected[rows, columns], atol=1e-17)
