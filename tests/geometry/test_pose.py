# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The six-parameter pose (G1-G3)."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.geometry import Pose

ANGLES = st.floats(-math.pi, math.pi)
LENGTHS = st.floats(-0.5, 0.5)
POSES = st.builds(
    Pose,
    dist=st.floats(1e-3, 10.0),
    poni1=LENGTHS,
    poni2=LENGTHS,
    rot1=ANGLES,
    rot2=ANGLES,
    rot3=ANGLES,
)
POSITIONS = np.array([[0.0, 0, 0], [0.1, 0.02, 0], [-0.03, 0.2, 0.05]])


@given(POSES)
def test_lab_from_detector_round_trip_returns_the_positions(pose):
    back = pose.detector_from_lab(pose.lab_from_detector(POSITIONS))
    np.testing.assert_allclose(back, POSITIONS, atol=1e-14)


@given(POSES)
def test_lab_from_detector_keeps_the_distance_from_the_sample(pose):
    relative = POSITIONS - np.array([pose.poni1, pose.poni2, -pose.dist])
    lengths = np.linalg.norm(pose.lab_from_detector(POSITIONS), axis=-1)
    np.testing.assert_allclose(lengths, np.linalg.norm(relative, axis=-1), rtol=1e-13)


def test_lab_from_detector_without_rotation_shifts_only():
    pose = Pose(0.5, 0.1, 0.2)
    np.testing.assert_array_equal(pose.lab_from_detector(np.array([0.4, 0.3, 0.0])), (0.4 - 0.1, 0.3 - 0.2, 0.5))


def test_lab_from_detector_poni_lies_on_the_rotated_normal():
    pose = Pose(0.5, 0.1, 0.2, 0.3, -0.4, 0.7)
    foot = pose.lab_from_detector(np.array([0.1, 0.2, 0.0]))
    np.testing.assert_allclose(foot, 0.5 * pose.rotation[:, 2], atol=1e-16)


@pytest.mark.parametrize("dist", [0, -0.1])
def test_pose_distance_not_positive_raises_and_explains_reflection(dist):
    with pytest.raises(ParameterError, match="dist"):
        Pose(dist)


@pytest.mark.parametrize("name", ["dist", "poni1", "poni2", "rot1", "rot2", "rot3"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_pose_value_not_finite_raises_with_its_name(name, value):
    with pytest.raises(ParameterError, match=name):
        Pose(**({"dist": 0.1} | {name: value}))


def test_pose_text_raises():
    with pytest.raises(DataTypeError, match="poni1"):
        Pose(0.1, "wide")


def test_pose_integers_become_floats():
    assert Pose(1, 2) == Pose(1.0, 2.0)
    assert isinstance(Pose(1, 2).poni1, float)


def test_pose_is_frozen_and_replace_returns_a_copy():
    pose = Pose(0.1)
    with pytest.raises(AttributeError):
        pose.dist = 0.2
    assert pose.replace(dist=0.2) == Pose(0.2)
    assert pose.dist == 0.1


def test_pose_pickles():
    pose = Pose(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert pickle.loads(pickle.dumps(pose)) == pose
