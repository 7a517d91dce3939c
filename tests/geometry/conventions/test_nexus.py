# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import (
    ConversionError,
    ConversionLossWarning,
    FileFormatError,
    ParameterError,
    UnknownNameError,
)
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.nexus import (
    DetectorFields,
    DetectorModule,
    Transformation,
    fields_from_pose,
    matrix_from_transformations,
    module_of_image,
    pose_from_fields,
    pose_from_module,
    pose_from_transformations,
    transformations_from_pose,
)
from azimuthal.orientation import orientation_flips

SHAPE, PIXEL1, PIXEL2 = (5, 7), 1.2e-4, 0.9e-4
EXTENT = (SHAPE[0] * PIXEL1, SHAPE[1] * PIXEL2)
LAB_TOLERANCE = 1e-13

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
NATIVE = module_of_image()


def image_positions(pose, orientation):
    centers = [(np.arange(n) + 0.5) * pixel for n, pixel in zip(SHAPE, (PIXEL1, PIXEL2), strict=True)]
    for axis, flip in enumerate(orientation_flips(orientation)):
        centers[axis] = centers[axis][::-1] if flip else centers[axis]
    slow, fast = np.meshgrid(*centers, indexing="ij")
    return pose.lab_from_detector(np.stack((slow, fast, np.zeros(SHAPE)), axis=-1))


def nexus_positions(module, matrix):
    """Pixel centres in the McStas frame, from the definition of NXdetector_module and NXtransformations."""
    i, j = np.indices(SHAPE)[..., None]
    local = (
        np.array(module.origin)
        + (i + 0.5) * PIXEL1 * np.array(module.slow)
        + (j + 0.5) * PIXEL2 * np.array(module.fast)
    )
    return local @ matrix[:3, :3].T + matrix[:3, 3]


@given(pose=poses, orientation=st.integers(1, 4))
def test_chain_of_pose_places_every_image_pixel(pose, orientation):
    module = module_of_image(orientation=orientation, extent=EXTENT)
    matrix = matrix_from_transformations(transformations_from_pose(pose), "poni_slow")
    x, y, z = np.moveaxis(nexus_positions(module, matrix), -1, 0)
    expected = image_positions(pose, orientation)
    np.testing.assert_allclose(np.stack((y, -x, z), axis=-1), expected, rtol=0, atol=LAB_TOLERANCE)


@given(pose=poses, orientation=st.integers(1, 4))
def test_nexus_round_trip_keeps_lab_positions_of_every_image_pixel(pose, orientation):
    module = module_of_image(orientation=orientation, extent=EXTENT)
    back, new_orientation = pose_from_module(
        module, transformations_from_pose(pose), "/entry/detector/transformations/poni_slow", extent=EXTENT
    )
    np.testing.assert_allclose(
        image_positions(back, new_orientation), image_positions(pose, orientation), rtol=0, atol=LAB_TOLERANCE
    )


@given(pose=poses)
def test_pose_from_transformations_of_own_chain_is_exact(pose):
    assert pose_from_transformations(transformations_from_pose(pose), "poni_slow") == pose


@given(pose=poses)
def test_pose_from_transformations_of_another_chain_gives_the_same_positions(pose):
    shift, *rest = transformations_from_pose(pose)
    split = [
        Transformation("a", "translation", 1e3 * pose.poni1 + 5.0, "mm", shift.vector, depends_on="b"),
        Transformation("b", "translation", 5.0, "mm", (0, 1, 0), depends_on=shift.depends_on),
    ]
    back = pose_from_transformations([*split, *rest], "a")
    np.testing.assert_allclose(image_positions(back, 3), image_positions(pose, 3), rtol=0, atol=LAB_TOLERANCE)


def test_pose_from_transformations_with_its_back_to_the_sample_raises():
    back = Transformation("z", "translation", -0.1, "m", (0, 0, 1))
    with pytest.raises(ConversionError, match="back to the sample"):
        pose_from_transformations([back], "z")


def test_transformations_from_pose_explicit_vectors():
    chain = transformations_from_pose(Pose(0.1, 0.02, 0.03, 0.4, 0.5, 0.6))
    assert [(t.name, t.kind, t.value, t.unit, t.vector, t.depends_on) for t in chain] == [
        ("poni_slow", "translation", 0.02, "m", (0.0, -1.0, 0.0), "poni_fast"),
        ("poni_fast", "translation", 0.03, "m", (1.0, 0.0, 0.0), "distance"),
        ("distance", "translation", 0.1, "m", (0.0, 0.0, 1.0), "rot1"),
        ("rot1", "rotation", 0.4, "rad", (0.0, -1.0, 0.0), "rot2"),
        ("rot2", "rotation", 0.5, "rad", (1.0, 0.0, 0.0), "rot3"),
        ("rot3", "rotation", 0.6, "rad", (0.0, 0.0, 1.0), "."),
    ]


def test_module_of_image_explicit_vectors():
    assert DetectorModule(origin=(0, 0, 0), slow=(0, 1, 0), fast=(-1, 0, 0)) == NATIVE
    mirrored = module_of_image(orientation=2, extent=(0.3, 0.4))
    assert mirrored == DetectorModule(origin=(0, 0.3, 0), slow=(0, -1, 0), fast=(-1, 0, 0))


@pytest.mark.parametrize(
    ("vector", "point", "expected"),
    [
        ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, 2, 0), (0, 0, 1), (1, 0, 0)),
    ],
)
def test_rotation_is_right_handed(vector, point, expected):
    turn = Transformation("a", "rotation", 90.0, "deg", vector)
    np.testing.assert_allclose(turn.matrix @ [*point, 1], [*expected, 1], atol=1e-15)


def test_offset_is_added_after_the_transformation():
    turn = Transformation("a", "rotation", 90.0, "deg", (0, 0, 1), offset=(1, 2, 3), offset_unit="mm")
    np.testing.assert_allclose(turn.matrix @ [1, 0, 0, 1], [0.001, 1.002, 0.003, 1], atol=1e-15)
    move = Transformation("b", "translation", 10.0, "mm", (0, 0, 2), offset=(0, 1, 0))
    np.testing.assert_allclose(move.matrix @ [0, 0, 0, 1], [0, 1, 0.01, 1], atol=1e-15)


def test_matrix_applies_a_transformation_before_the_one_it_depends_on():
    arm = Transformation("two_theta", "rotation", 90.0, "deg", (0, 1, 0))
    slide = Transformation("z", "translation", 200.0, "mm", (0, 0, 1), depends_on="/entry/arm/two_theta")
    matrix = matrix_from_transformations([arm, slide], "z")
    np.testing.assert_allclose(matrix @ [0, 0, 0, 1], [0.2, 0, 0, 1], atol=1e-15)  # slid out, then swung


def test_pose_from_module_on_a_swung_arm():
    # rotation about +y swings the detector from z towards +x: to the left of the beam, our -t2
    arm = Transformation("two_theta", "rotation", 30.0, "deg", (0, 1, 0))
    slide = Transformation("z", "translation", 200.0, "mm", (0, 0, 1), depends_on="two_theta")
    pose, orientation = pose_from_module(NATIVE, [arm, slide], "z", extent=EXTENT)
    assert orientation == 3
    foot = pose.lab_from_detector(np.array([pose.poni1, pose.poni2, 0.0]))
    np.testing.assert_allclose(foot, [0, -0.1, 0.2 * math.cos(math.pi / 6)], atol=1e-15)


def test_matrix_without_chain_is_identity():
    np.testing.assert_array_equal(matrix_from_transformations([], "."), np.eye(4))


def test_matrix_of_missing_transformation_raises_naming_it():
    with pytest.raises(FileFormatError, match="'/entry/x' is not in the file; transformations found"):
        matrix_from_transformations(transformations_from_pose(Pose(1.0)), "/entry/x")


def test_matrix_of_endless_chain_raises():
    chain = [
        Transformation("a", "translation", 1.0, "m", (0, 0, 1), depends_on="b"),
        Transformation("b", "translation", 1.0, "m", (0, 0, 1), depends_on="a"),
    ]
    with pytest.raises(FileFormatError, match="a -> b -> a never ends"):
        matrix_from_transformations(chain, "a")


def test_transformation_unknown_unit_raises_with_suggestion():
    with pytest.raises(UnknownNameError, match=r"'degs'.*'deg'"):
        Transformation("a", "rotation", 1.0, "degs", (0, 0, 1))
    with pytest.raises(UnknownNameError, match="unit of length"):
        Transformation("a", "translation", 1.0, "deg", (0, 0, 1))


@pytest.mark.parametrize("change", [{"vector": (0, 0, 0)}, {"value": math.nan}, {"offset": (math.inf, 0, 0)}])
def test_transformation_without_direction_or_not_finite_raises(change):
    values = {"name": "a", "kind": "rotation", "value": 1.0, "unit": "deg", "vector": (0, 0, 1)}
    with pytest.raises(ParameterError):
        Transformation(**(values | change))


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_fields_round_trip_of_untilted_detector(orientation):
    pose = Pose(0.2, 0.011, 0.023)
    options = {"pixel1": PIXEL1, "pixel2": PIXEL2, "shape": SHAPE, "orientation": orientation}
    fields = fields_from_pose(pose, **options)
    back = pose_from_fields(fields, **options)
    np.testing.assert_allclose([back.dist, back.poni1, back.poni2], [0.2, 0.011, 0.023], atol=1e-15)


def test_fields_from_pose_beam_center_is_in_image_pixels():
    fields = fields_from_pose(Pose(0.2, 2.5 * PIXEL1, 3.5 * PIXEL2), pixel1=PIXEL1, pixel2=PIXEL2, shape=SHAPE)
    assert (fields.beam_center_x, fields.beam_center_y) == pytest.approx((3.5, 2.5))
    fields = fields_from_pose(
        Pose(0.2, 2.0 * PIXEL1, 3.5 * PIXEL2), pixel1=PIXEL1, pixel2=PIXEL2, shape=SHAPE, orientation=2
    )
    assert (fields.beam_center_x, fields.beam_center_y) == pytest.approx((3.5, 3.0))


def test_fields_from_pose_tilted_warns_of_loss_and_gives_where_the_beam_hits():
    pose = Pose(0.2, 0.01, 0.02, 0.1, -0.2, 0.0)
    with pytest.warns(ConversionLossWarning, match="tilt"):
        fields = fields_from_pose(pose, pixel1=PIXEL1, pixel2=PIXEL2, shape=SHAPE)
    hit = np.array([fields.beam_center_y * PIXEL1, fields.beam_center_x * PIXEL2, 0.0])
    np.testing.assert_allclose(pose.lab_from_detector(hit), [0, 0, fields.distance], atol=1e-15)


def test_fields_from_pose_beam_misses_plane_raises():
    with pytest.raises(ConversionError, match="chain of transformations"):
        fields_from_pose(Pose(0.2, rot1=math.pi / 2), pixel1=PIXEL1, pixel2=PIXEL2, shape=SHAPE)


def test_pose_from_fields_mirrored_without_shape_raises():
    with pytest.raises(ParameterError, match="shape"):
        pose_from_fields(DetectorFields(0.1, 5, 5), pixel1=1e-4, pixel2=1e-4, orientation=2)
    with pytest.raises(ParameterError, match="distance"):
        pose_from_fields(DetectorFields(0.0, 5, 5), pixel1=1e-4, pixel2=1e-4)
