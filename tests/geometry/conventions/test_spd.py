# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""SPD: the projection of its own documentation, headers with units, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import (
    ConversionError,
    DataTypeError,
    FileFormatError,
    GeometryFileWarning,
    ParameterError,
)
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.spd import (
    SpdGeometry,
    format_spd,
    parse_spd,
    pose_from_spd,
    spd_from_pose,
)
from azimuthal.testing.positions import pixel_centers_in_lab

INDICES = np.array([[0, 0], [10, 700], [1023, 3], [512, 511]])  # (slow, fast)

poses = st.builds(
    Pose,
    dist=st.floats(0.05, 10),
    poni1=st.floats(-0.5, 0.5),
    poni2=st.floats(-0.5, 0.5),
    rot1=st.floats(-3, 3),
    rot2=st.floats(-1.5, 1.5),
    rot3=st.floats(-3, 3),
)
records = st.builds(
    SpdGeometry,
    sample_distance=st.floats(0.05, 10),
    center_1=st.floats(-2000, 2000),
    center_2=st.floats(-2000, 2000),
    pixel_size_1=st.floats(1e-5, 1e-3),
    pixel_size_2=st.floats(1e-5, 1e-3),
    rotation_1=st.floats(-3, 3),
    rotation_2=st.floats(-1.5, 1.5),
    rotation_3=st.floats(-3, 3),
    wavelength=st.none() | st.floats(1e-11, 3e-10),
    offset_1=st.floats(0, 500),
    offset_2=st.floats(0, 500),
    binning_1=st.integers(1, 8),
    binning_2=st.integers(1, 8),
)


def about(axis, angle):
    """Return the counter-clockwise rotation about axis 1, 2 or 3, built from its definition."""
    matrix = np.eye(3)
    first, second = [index for index in range(3) if index != axis - 1]
    sign = -1 if axis == 2 else 1
    matrix[first, first] = matrix[second, second] = math.cos(angle)
    matrix[first, second], matrix[second, first] = -sign * math.sin(angle), sign * math.sin(angle)
    return matrix


def spd_lab(record, indices):
    """Return positions in SPD's laboratory axes: right, up, against the beam; m."""
    x_1 = (indices[:, 1] + 0.5 + record.offset_1 - record.center_1) * record.pixel_size_1
    x_2 = (indices[:, 0] + 0.5 + record.offset_2 - record.center_2) * record.pixel_size_2
    flat = np.stack((x_1, x_2, np.full(len(x_1), -record.sample_distance)))
    rotation = about(3, record.rotation_3) @ about(2, record.rotation_2) @ about(1, record.rotation_1)
    return (rotation @ flat).T


def our_lab(pose, pixel1, pixel2, indices):
    return pixel_centers_in_lab(pose, pixel1, pixel2, indices, shape=(0, 0))  # native: the shape does not matter


WITH_PYFAI = settings(max_examples=20, deadline=None)  # 50 ms each: it collects garbage on every change


@given(records)
def test_pose_from_spd_any_record_places_pixels_as_the_program(record):
    pose, wavelength = pose_from_spd(record)
    lab = our_lab(pose, record.pixel1, record.pixel2, INDICES)
    right, up, against = spd_lab(record, INDICES).T
    np.testing.assert_allclose(lab, np.column_stack((up, right, -against)), rtol=0, atol=1e-12)
    assert wavelength == record.wavelength


@given(records)
def test_pose_from_spd_any_record_has_the_program_angles(record):
    pose, _ = pose_from_spd(record)
    lab = our_lab(pose, record.pixel1, record.pixel2, INDICES)
    right, up, against = spd_lab(record, INDICES).T
    two_theta = np.arccos(-against / np.sqrt(right**2 + up**2 + against**2))
    np.testing.assert_allclose(np.arctan2(np.hypot(lab[:, 0], lab[:, 1]), lab[:, 2]), two_theta, atol=1e-7)
    difference = np.angle(np.exp(1j * (np.arctan2(lab[:, 0], lab[:, 1]) - np.arctan2(up, right))))
    np.testing.assert_allclose(difference[np.sin(two_theta) > 1e-6], 0, atol=1e-7)


@given(poses)
def test_spd_round_trip_any_pose_places_the_same_pixels(pose):
    back, wavelength = pose_from_spd(spd_from_pose(pose, 1e-4, 2e-4, 1.2e-10))
    np.testing.assert_allclose(
        our_lab(back, 1e-4, 2e-4, INDICES), our_lab(pose, 1e-4, 2e-4, INDICES), rtol=0, atol=1e-12
    )
    assert wavelength == 1.2e-10


@pytest.mark.parametrize(("spd", "ours"), [("rotation_1", "rot2"), ("rotation_2", "rot1"), ("rotation_3", "rot3")])
def test_pose_from_spd_single_rotation_is_the_opposite_of_ours(spd, ours):
    pose, _ = pose_from_spd(SpdGeometry(1.0, 100, 200, 1e-4, 1e-4, **{spd: 0.3}))
    expected = {"rot1": 0.0, "rot2": 0.0, "rot3": 0.0} | {ours: -0.3}
    assert {name: getattr(pose, name) for name in expected} == pytest.approx(expected, abs=1e-15)
    assert getattr(spd_from_pose(pose, 1e-4, 1e-4), spd) == pytest.approx(0.3)


def test_pose_from_spd_no_rotation_is_exact():
    pose, _ = pose_from_spd(SpdGeometry(1.5, 512.0, 500.5, 2e-4, 1e-4))
    assert pose == Pose(1.5, poni1=500.5 * 1e-4, poni2=512.0 * 2e-4)


def test_spd_from_pose_swaps_the_axes_and_keeps_the_binning():
    record = spd_from_pose(Pose(2.0, poni1=0.01, poni2=0.03), 1e-4, 2e-4, binning=(2, 4))
    assert (record.center_1, record.center_2) == pytest.approx((150, 100))
    assert (record.pixel_size_1, record.pixel_size_2) == (2e-4, 1e-4)
    assert (record.binning_1, record.binning_2) == (4, 2)


@WITH_PYFAI
@given(poses.map(lambda pose: pose.replace(rot1=0, rot2=0, rot3=0)))
def test_spd_without_rotation_agrees_with_pyfai(pyfai, pose):
    integrator, detector_class = pyfai
    detector = detector_class(1e-4, 2e-4, max_shape=(100, 200))
    theirs = integrator(pose.dist, pose.poni1, pose.poni2, detector=detector, wavelength=1e-10).getSPD()
    ours = parse_spd(format_spd(spd_from_pose(pose, 1e-4, 2e-4, 1e-10)))
    assert parse_spd({key: value for key, value in theirs.items() if key != "splineFile"}) == ours
    back = integrator().setSPD(
        *(ours.sample_distance, ours.center_1, ours.center_2),
        PSize_1=ours.pixel_size_1,
        PSize_2=ours.pixel_size_2,
    )
    assert (back.dist, back.poni1, back.poni2) == pytest.approx((pose.dist, pose.poni1, pose.poni2))


@given(records)
def test_spd_header_round_trip_any_record_is_identity(record):
    assert parse_spd(format_spd(record)) == record


HEADER = {"SampleDistance": "1", "Center_1": "10", "Center_2": "20", "PSize_1": "1e-4", "PSize_2": "1e-4"}


def test_parse_spd_units_and_other_case_are_understood():
    header = {
        "sampledistance": "1500_mm",
        "Center_1": " 512.5 ",
        "Center_2": 500,
        "PSize_1": "100_um",
        "PSize_2": 1e-4,
        "Rot_1": "1.5_deg",
        "DetectorRotation_2": "-0.1_rad",
        "WaveLength": "0.1_nm",
        "BSize_1": "2.0",
        "Dim_1": "1024",
        "ByteOrder": "LowByteFirst",
        "ProjectionType": "Saxs",
        "SampleRotation_1": "3_deg",
    }
    expected = SpdGeometry(1.5, 512.5, 500.0, 1e-4, 1e-4, math.radians(1.5), -0.1, wavelength=1e-10, binning_1=2)
    record = parse_spd(header)
    for name in SpdGeometry.__slots__:
        assert getattr(record, name) == pytest.approx(getattr(expected, name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SampleDistance": "far"}, "SampleDistance: expected a number, got 'far'"),
        ({"SampleDistance": "1_deg"}, "unit _deg of '1_deg' is not understood here; known: _m, "),
        ({"Center_1": "1_m"}, "known: none"),
        ({"SampleDistance": "-1"}, "sample_distance: expected a number greater than 0"),
        ({"BSize_1": "1.5"}, "binning_1: expected an integer"),
        ({"WaveLength": "1"}, "wavelength: expected metres"),
        ({"Center_2": None}, "missing Center_2; found SampleDistance"),
    ],
)
def test_parse_spd_malformed_value_says_which(changes, message):
    with pytest.raises(FileFormatError, match=f"a.edf: .*{message}|a.edf: {message}"):
        parse_spd(HEADER | changes, source="a.edf")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ProjectionType": "Waxs"}, "ProjectionType is 'Waxs'; only 'Saxs'"),
        ({"RasterOrientation": "3"}, "RasterOrientation is '3'; only '1'"),
        ({"AxisType_1": "Angle"}, "AxisType_1 is 'Angle'; only 'Distance'"),
        ({"Rot_1": "0.1", "DetectorRotation_1": "0.2"}, "Rot_1|other name"),
    ],
)
def test_parse_spd_what_cannot_be_held_raises(changes, message):
    with pytest.raises(ConversionError, match=message):
        parse_spd(HEADER | changes)


def test_parse_spd_both_names_of_one_rotation_may_agree():
    assert parse_spd(HEADER | {"Rot_1": "0.1", "DetectorRotation_1": 0.1}).rotation_1 == 0.1


def test_parse_spd_misspelt_geometry_key_is_named():
    with pytest.warns(GeometryFileWarning, match="'Center_3' is not known; did you mean 'Center_2'") as caught:
        parse_spd(HEADER | {"Center_3": "5"})
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sample_distance": 0}, ParameterError),
        ({"center_1": math.inf}, ParameterError),
        ({"binning_1": 0}, ParameterError),
        ({"binning_2": 1.0}, DataTypeError),
        ({"rotation_3": "x"}, DataTypeError),
    ],
)
def test_spd_geometry_invalid_value_raises(changes, error):
    values = {"sample_distance": 1, "center_1": 0, "center_2": 0, "pixel_size_1": 1e-4, "pixel_size_2": 1e-4}
    with pytest.raises(error, match=next(iter(changes))):
        SpdGeometry(**(values | changes))


def test_spd_from_pose_zero_pixel_raises():
    with pytest.raises(ParameterError, match="pixel1"):
        spd_from_pose(Pose(1.0), 0.0, 1e-4)
