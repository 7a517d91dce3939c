# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""ImageD11: its own forward formula, four orientations, ``.par`` text."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import (
    ConversionError,
    ConversionLossWarning,
    FileFormatError,
    GeometryFileWarning,
    ParameterError,
)
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.imaged11 import (
    ImageD11Geometry,
    format_imaged11,
    imaged11_from_pose,
    parse_imaged11,
    pose_from_imaged11,
)
from azimuthal.testing.positions import pixel_centers_in_lab

SHAPE = (1100, 1400)
INDICES = np.array([[0, 0], [10, 700], [1099, 3], [512, 511], [0, 1399]])  # (slow, fast)

tilts = st.floats(-1.2, 1.2)
poses = st.builds(
    Pose,
    dist=st.floats(0.05, 3),
    poni1=st.floats(-0.3, 0.3),
    poni2=st.floats(-0.3, 0.3),
    rot1=tilts,
    rot2=tilts,
    rot3=st.floats(-3, 3),
)
records = st.builds(
    ImageD11Geometry,
    distance=st.floats(5e4, 3e6),
    y_center=st.floats(-3000, 3000),
    z_center=st.floats(-3000, 3000),
    y_size=st.floats(10, 300),
    z_size=st.floats(10, 300),
    tilt_x=st.floats(-3, 3),
    tilt_y=tilts,
    tilt_z=tilts,
    o11=st.sampled_from([-1, 1]),
    o22=st.sampled_from([-1, 1]),
    wavelength=st.none() | st.floats(0.05, 3),
)


def imaged11_lab(par, indices):
    """Return (x, y, z) in m of slow and fast indices, step by step as ImageD11 documents it."""
    peaks = np.stack(((indices[:, 0] - par.z_center) * par.z_size, (indices[:, 1] - par.y_center) * par.y_size))
    flipped = np.array([[par.o11, par.o12], [par.o21, par.o22]]) @ peaks
    vectors = np.stack((np.zeros(len(indices)), flipped[1], flipped[0]))
    cx, cy, cz = (math.cos(angle) for angle in (par.tilt_x, par.tilt_y, par.tilt_z))
    sx, sy, sz = (math.sin(angle) for angle in (par.tilt_x, par.tilt_y, par.tilt_z))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return ((about_x @ about_y @ about_z @ vectors).T + np.array([par.distance, 0, 0])) * 1e-6


def our_lab(pose, pixel1, pixel2, indices, orientation=3):
    return pixel_centers_in_lab(pose, pixel1, pixel2, indices, shape=SHAPE, orientation=orientation)


WITH_PYFAI = settings(max_examples=20, deadline=None)  # 50 ms each: it collects garbage on every change


@given(records)
def test_pose_from_imaged11_any_record_places_pixels_as_the_program(record):
    pose, wavelength, orientation = pose_from_imaged11(record, shape=SHAPE)
    lab = our_lab(pose, record.pixel1, record.pixel2, INDICES, orientation)
    x, y, z = imaged11_lab(record, INDICES).T
    np.testing.assert_allclose(lab, np.column_stack((z, -y, x)), rtol=0, atol=1e-11)
    assert wavelength == (None if record.wavelength is None else pytest.approx(record.wavelength * 1e-10))


@given(records)
def test_pose_from_imaged11_any_record_has_two_theta_and_eta(record):
    pose, _, orientation = pose_from_imaged11(record, shape=SHAPE)
    lab = our_lab(pose, record.pixel1, record.pixel2, INDICES, orientation)
    x, y, z = imaged11_lab(record, INDICES).T
    two_theta = np.arctan2(np.hypot(y, z), x)
    eta = np.arctan2(-y, z)
    np.testing.assert_allclose(np.arctan2(np.hypot(lab[:, 0], lab[:, 1]), lab[:, 2]), two_theta, atol=1e-9)
    chi = np.arctan2(lab[:, 0], lab[:, 1])
    difference = np.angle(np.exp(1j * (math.pi / 2 - chi - eta)))
    np.testing.assert_allclose(difference[np.sin(two_theta) > 1e-4], 0, atol=1e-6)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@given(pose=poses)
def test_imaged11_round_trip_any_pose_is_identity(pose, orientation):
    record = imaged11_from_pose(pose, 1e-4, 2e-4, 0.5e-10, orientation=orientation, shape=SHAPE)
    back, wavelength, orientation_back = pose_from_imaged11(record, shape=SHAPE)
    for field in dataclasses.fields(Pose):
        assert getattr(back, field.name) == pytest.approx(getattr(pose, field.name), rel=1e-9, abs=1e-9)
    assert orientation_back == orientation
    assert wavelength == pytest.approx(0.5e-10)


def test_imaged11_from_pose_without_tilt_is_the_beam_centre():
    record = imaged11_from_pose(Pose(0.2, poni1=0.05, poni2=0.1), 50e-6, 100e-6)
    assert (record.z_center, record.y_center) == pytest.approx((999.5, 999.5))
    assert (record.distance, record.o11, record.o22, record.wavelength) == (pytest.approx(2e5), 1, -1, None)


@pytest.mark.parametrize(("orientation", "o11", "o22"), [(1, -1, 1), (2, -1, -1), (3, 1, -1), (4, 1, 1)])
def test_imaged11_from_pose_orientation_is_the_o_matrix(orientation, o11, o22):
    record = imaged11_from_pose(Pose(0.2), 1e-4, 1e-4, orientation=orientation, shape=SHAPE)
    assert (record.o11, record.o12, record.o21, record.o22) == (o11, 0, 0, o22)


@WITH_PYFAI
@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@given(pose=poses)
def test_imaged11_any_pose_agrees_with_pyfai(pyfai, pose, orientation):
    integrator, detector_class = pyfai
    detector = detector_class(1e-4, 2e-4, max_shape=SHAPE, orientation=orientation)
    theirs = integrator(
        *(pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3),
        detector=detector,
        wavelength=0.5e-10,
    ).getImageD11(distance_unit="µm", wavelength_unit="A")
    ours = imaged11_from_pose(pose, 1e-4, 2e-4, 0.5e-10, orientation=orientation, shape=SHAPE)
    for name in (
        "distance",
        "tilt_x",
        "tilt_y",
        "tilt_z",
        "o11",
        "o12",
        "o21",
        "o22",
        "wavelength",
        "y_size",
    ):
        assert getattr(ours, name) == pytest.approx(theirs[name], rel=1e-9)
    # pyFAI takes the direction of the tilt from acos, which loses half of the digits near the axes
    assert (ours.y_center, ours.z_center) == pytest.approx((theirs["y_center"], theirs["z_center"]), rel=1e-5, abs=0.01)


@WITH_PYFAI
@given(records.map(lambda record: dataclasses.replace(record, wavelength=0.5)))
def test_pose_from_imaged11_any_record_agrees_with_pyfai(pyfai, record):
    integrator, _ = pyfai
    par = {name: getattr(record, name) for name in ImageD11Geometry.__slots__ if name != "other"}
    theirs = integrator().setImageD11(par | {"shape": SHAPE}, wavelength_unit="A")
    pose, wavelength, orientation = pose_from_imaged11(record, shape=SHAPE)
    for name in ("dist", "poni1", "poni2", "rot1", "rot2", "rot3"):
        assert getattr(pose, name) == pytest.approx(getattr(theirs, name), rel=1e-9, abs=1e-12)
    assert wavelength == pytest.approx(theirs.wavelength)
    assert orientation == theirs.detector.orientation


def test_pose_from_imaged11_transposed_image_raises():
    record = ImageD11Geometry(1e5, 0, 0, 50, 50, o11=0, o12=1, o21=-1, o22=0)
    with pytest.raises(ConversionError, match="transposes the image"):
        pose_from_imaged11(record, shape=SHAPE)


def test_pose_from_imaged11_mirrored_image_without_shape_asks_for_it():
    with pytest.raises(ConversionError, match="pass shape="):
        pose_from_imaged11(ImageD11Geometry(1e5, 0, 0, 50, 50, o11=-1))


def test_pose_from_imaged11_detector_along_the_beam_raises():
    with pytest.raises(ConversionError, match="parallel to the beam"):
        pose_from_imaged11(ImageD11Geometry(1e5, 0, 0, 50, 50, tilt_z=math.pi / 2))


def test_imaged11_from_pose_behind_the_sample_raises():
    with pytest.raises(ConversionError, match="direct beam does not meet"):
        imaged11_from_pose(Pose(0.1, rot1=math.pi), 1e-4, 1e-4)


PAR = """chi 0.0
distance 152736.55305695778
fit_tolerance 0.05
o11 -1
o12 0
o21 0
o22 -1
omegasign 1.0
t_x 0
t_y 0
t_z 0
tilt_x 0.0
tilt_y 0.0
tilt_z 0.0
wavelength 0.2845704
wedge 0.0
y_center 1049.9295061162281
y_size 75.0
z_center 1116.4472483389864
z_size 75.0
"""


def test_parse_imaged11_par_file_keeps_the_sample_parameters():
    record = parse_imaged11(PAR)
    assert (record.distance, record.o11, record.wavelength) == (152736.55305695778, -1, 0.2845704)
    assert ("omegasign", "1.0") in record.other
    assert parse_imaged11(format_imaged11(record)) == record
    pose, wavelength, orientation = pose_from_imaged11(record, shape=(2162, 2068))
    assert orientation == 2
    assert wavelength == pytest.approx(0.2845704e-10)
    assert pose.poni1 == pytest.approx((2162 - 1116.4472483389864 - 0.5) * 75e-6)


@given(records)
def test_imaged11_text_round_trip_any_record_is_identity(record):
    assert parse_imaged11(format_imaged11(record)) == record


def test_parse_imaged11_displaced_grain_and_distortion_are_named():
    text = PAR.replace("\nt_y 0", "\nt_y 12.5") + "spline frelon.spline  # distortion\n"
    with pytest.warns(ConversionLossWarning) as caught:
        parse_imaged11(text)
    messages = [str(warning.message) for warning in caught]
    assert any("t_y = 12.5 displaces the grain" in message for message in messages)
    assert any("spline = frelon.spline is a distortion" in message for message in messages)
    assert {warning.filename for warning in caught} == {__file__}


def test_parse_imaged11_unknown_name_is_named_and_kept():
    with pytest.warns(GeometryFileWarning, match="line 21: key: 'tilt_w' is not known; did you mean") as caught:
        record = parse_imaged11(PAR + "tilt_w 5\n")
    assert ("tilt_w", "5") in record.other
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("distance\n", "line 1: expected 'name value'"),
        (PAR + "o11 1\n", "line 21: o11 is given twice"),
        ("distance 5\n", "missing y_center, y_size, z_center, z_size"),
        (PAR.replace("y_size 75.0", "y_size 0"), "y_size: expected a number greater than 0"),
        (PAR.replace("o11 -1", "o11 0.5"), "o11: expected -1, 0 or 1"),
        (PAR.replace("o11 -1", "o11 0"), "one entry of -1 or 1"),
        (PAR.replace("tilt_y 0.0", "tilt_y up"), "tilt_y: expected a finite number in rad, got 'up'"),
    ],
)
def test_parse_imaged11_malformed_text_says_where(text, message):
    with pytest.raises(FileFormatError, match=message):
        parse_imaged11(text)


def test_imaged11_geometry_invalid_o_matrix_raises():
    with pytest.raises(ParameterError, match="one entry of -1 or 1 in each row"):
        ImageD11Geometry(1e5, 0, 0, 50, 50, o11=1, o12=1, o21=0, o22=1)
