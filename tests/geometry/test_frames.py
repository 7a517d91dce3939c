# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames, rotation order and orientation (G3, G4)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import ParameterError
from azimuthal.geometry.frames import lab_from_detector_rotation
from azimuthal.orientation import ORIENTATION_NAMES, checked_orientation, orientation_flips

ANGLES = st.floats(-math.pi, math.pi)


def explicit_rotation(rot1, rot2, rot3):
    """The three matrices of the module docstring, multiplied."""
    c1, c2, c3 = np.cos((rot1, rot2, rot3))
    s1, s2, s3 = np.sin((rot1, rot2, rot3))
    r1 = np.array([[1, 0, 0], [0, c1, s1], [0, -s1, c1]])
    r2 = np.array([[c2, 0, -s2], [0, 1, 0], [s2, 0, c2]])
    r3 = np.array([[c3, -s3, 0], [s3, c3, 0], [0, 0, 1]])
    return r3 @ r2 @ r1


@given(ANGLES, ANGLES, ANGLES)
def test_rotation_any_angles_is_the_product_r3_r2_r1(rot1, rot2, rot3):
    expected = explicit_rotation(rot1, rot2, rot3)
    np.testing.assert_allclose(lab_from_detector_rotation(rot1, rot2, rot3), expected, atol=1e-15)


@given(ANGLES, ANGLES, ANGLES)
def test_rotation_any_angles_is_proper(rot1, rot2, rot3):
    rotation = lab_from_detector_rotation(rot1, rot2, rot3)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize(
    ("angles", "expected"),
    [
        pytest.param((math.pi / 2, 0, 0), (0, 1, 0), id="rot1-moves-the-normal-to-axis-2"),
        pytest.param((0, math.pi / 2, 0), (-1, 0, 0), id="rot2-moves-the-normal-down"),
        pytest.param((0, 0, math.pi / 2), (0, 0, 1), id="rot3-keeps-the-normal"),
    ],
)
def test_rotation_single_angle_moves_the_detector_normal(angles, expected):
    normal = lab_from_detector_rotation(*angles) @ np.array([0, 0, 1.0])
    np.testing.assert_allclose(normal, expected, atol=1e-15)


def test_rotation_rot3_is_right_handed_about_the_beam():
    rotated = lab_from_detector_rotation(0, 0, math.pi / 2) @ np.array([1.0, 0, 0])
    np.testing.assert_allclose(rotated, (0, 1, 0), atol=1e-15)


@pytest.mark.parametrize(
    ("orientation", "flips"),
    [(1, (True, True)), (2, (True, False)), (3, (False, False)), (4, (False, True))],
)
def test_orientation_flips_each_value_mirrors_the_stated_axes(orientation, flips):
    assert orientation_flips(orientation) == flips
    assert orientation in ORIENTATION_NAMES


@pytest.mark.parametrize("value", [1, 2, 3, 4, np.int64(2)])
def test_checked_orientation_valid_value_is_kept(value):
    assert checked_orientation(value) == int(value)


def test_checked_orientation_zero_means_native():
    assert checked_orientation(0) == 3


@pytest.mark.parametrize("value", [5, 6, 7, 8])
def test_checked_orientation_transposing_value_raises_with_the_fix(value):
    with pytest.raises(ParameterError, match="Transpose the image"):
        checked_orientation(value)


@pytest.mark.parametrize("value", [-1, 9, 3.0, "3", True, None])
def test_checked_orientation_other_value_raises(value):
    with pytest.raises(ParameterError, match="orientation"):
        checked_orientation(value)
