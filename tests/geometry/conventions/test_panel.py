# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import ConversionError
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.panel import (
    Panel,
    panel_from_pose,
    pose_from_panel,
    rotations_from_matrix,
)
from azimuthal.geometry.frames import lab_from_detector_rotation
from azimuthal.orientation import orientation_flips

SHAPE, PIXELS = (5, 7), (1.2e-4, 0.9e-4)
EXTENT = (SHAPE[0] * PIXELS[0], SHAPE[1] * PIXELS[1])
LAB_TOLERANCE = 1e-13  # m at 1 m: a few units of rounding

angles = st.floats(-math.pi, math.pi)
poses = st.builds(
    Pose,
    dist=st.floats(0.01, 3.0),
    poni1=st.floats(-0.5, 0.5),
    poni2=st.floats(-0.5, 0.5),
    rot1=angles,
    rot2=angles,
    rot3=angles,
)


def image_positions(pose, orientation):
    centers = [(np.arange(n) + 0.5) * pixel for n, pixel in zip(SHAPE, PIXELS, strict=True)]
    for axis, flip in enumerate(orientation_flips(orientation)):
        centers[axis] = centers[axis][::-1] if flip else centers[axis]
    slow, fast = np.meshgrid(*centers, indexing="ij")
    return pose.lab_from_detector(np.stack((slow, fast, np.zeros(SHAPE)), axis=-1))


@given(pose=poses, orientation=st.sampled_from([1, 2, 3, 4]))
def test_panel_round_trip_keeps_lab_positions_of_every_image_pixel(pose, orientation):
    panel = panel_from_pose(pose, orientation=orientation, extent=EXTENT)
    back, new_orientation = pose_from_panel(panel, extent=EXTENT)
    assert new_orientation in (2, 3)
    np.testing.assert_allclose(
        image_positions(back, new_orientation), image_positions(pose, orientation), rtol=0, atol=LAB_TOLERANCE
    )


@given(pose=poses, orientation=st.sampled_from([1, 2, 3, 4]))
def test_panel_vectors_reach_every_image_pixel(pose, orientation):
    panel = panel_from_pose(pose, orientation=orientation, extent=EXTENT)
    origin, slow, fast = (np.array(vector) for vector in (panel.origin, panel.slow, panel.fast))
    i, j = np.indices(SHAPE)[..., None]
    expected = origin + (i + 0.5) * PIXELS[0] * slow + (j + 0.5) * PIXELS[1] * fast
    np.testing.assert_allclose(expected, image_positions(pose, orientation), rtol=0, atol=LAB_TOLERANCE)


@given(rot1=angles, rot2=angles, rot3=angles)
def test_rotations_from_matrix_any_rotation_gives_same_matrix(rot1, rot2, rot3):
    matrix = lab_from_detector_rotation(rot1, rot2, rot3)
    found = rotations_from_matrix(matrix)
    np.testing.assert_allclose(lab_from_detector_rotation(*found), matrix, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rot2", [math.pi / 2, -math.pi / 2])
def test_rotations_from_matrix_at_the_pole_gives_same_matrix(rot2):
    matrix = lab_from_detector_rotation(0.3, rot2, -0.8)
    np.testing.assert_allclose(lab_from_detector_rotation(*rotations_from_matrix(matrix)), matrix, rtol=0, atol=1e-12)


def test_pose_from_panel_native_image_seen_from_the_sample_is_orientation_3():
    # rows upwards, columns towards axis 2, one metre downstream
    pose, orientation = pose_from_panel(Panel((-0.1, -0.2, 1.0), (1, 0, 0), (0, 1, 0)), extent=(1, 1))
    assert orientation == 3
    assert pose == Pose(dist=1.0, poni1=0.1, poni2=0.2)


def test_pose_from_panel_rows_downwards_is_orientation_2():
    pose, orientation = pose_from_panel(Panel((0.1, -0.2, 1.0), (-1, 0, 0), (0, 1, 0)), extent=(0.3, 1))
    assert orientation == 2
    assert pose.poni1 == pytest.approx(0.2)
    assert (pose.poni2, pose.rot1, pose.rot2, pose.rot3) == pytest.approx((0.2, 0, 0, 0))


@pytest.mark.parametrize("slow", [(0.9, 0, 0), (1, 0.1, 0), (math.nan, 0, 0)])
def test_panel_directions_not_orthonormal_raises(slow):
    with pytest.raises(ConversionError, match="panel"):
        Panel((0, 0, 1), slow, (0, 1, 0))


def test_panel_directions_rounded_in_print_are_made_orthonormal():
    panel = Panel((0, 0, 1), (0.99999, 0.00012, 0), (0, 1, 0.0003))
    directions = np.array((panel.slow, panel.fast))
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-15)


def test_pose_from_panel_sample_in_the_plane_raises():
    with pytest.raises(ConversionError, match="sample lies in the detector plane"):
        pose_from_panel(Panel((0.1, 0.2, 0.0), (1, 0, 0), (0, 1, 0)), extent=(1, 1))
