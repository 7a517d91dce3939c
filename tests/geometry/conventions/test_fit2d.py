# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Fit2D: its own projection formula, the rotation it means, what it cannot hold, and the LaB6 tilts."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import (
    ConversionError,
    ConversionLossWarning,
    DataTypeError,
    FileFormatError,
    ParameterError,
    UnknownNameError,
)
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.fit2d import (
    Fit2dGeometry,
    fit2d_from_pose,
    format_fit2d,
    parse_fit2d,
    pose_from_fit2d,
)
from azimuthal.geometry.conventions.poni import parse_poni
from azimuthal.testing.shared_data import shared_path

PIXELS = np.array([[0.0, 0.0], [0.5, 0.5], [700.0, 12.0], [3.0, 1999.0], [1200.5, 800.25]])  # (slow, fast)
LAB_TOLERANCE = 1e-12  # m: float64 rounding of a 1 m geometry

records = st.builds(
    Fit2dGeometry,
    direct_distance=st.floats(50, 3000),
    center_x=st.floats(-3000, 3000),
    center_y=st.floats(-3000, 3000),
    tilt=st.floats(-60, 60),
    tilt_plane_rotation=st.floats(-180, 180),
    pixel_x=st.floats(10, 300),
    pixel_y=st.floats(10, 300),
    wavelength=st.none() | st.floats(0.05, 3),
)
poses = st.builds(
    Pose,
    dist=st.floats(0.05, 3),
    poni1=st.floats(-0.5, 0.5),
    poni2=st.floats(-0.5, 0.5),
    rot1=st.floats(-1.2, 1.2),
    rot2=st.floats(-1.2, 1.2),
    rot3=st.floats(-3, 3),
)


def angles(lab):
    """Return 2theta and chi of laboratory positions."""
    return np.arctan2(np.hypot(lab[..., 0], lab[..., 1]), lab[..., 2]), np.arctan2(lab[..., 0], lab[..., 1])


def fit2d_plane_coordinates(record, pixels):
    """Return u, v, D in m as Fit2D's powder integration has them."""
    x = (pixels[:, 1] - record.center_x) * record.pixel_x * 1e-6
    y = (pixels[:, 0] - record.center_y) * record.pixel_y * 1e-6
    phi = math.radians(record.tilt_plane_rotation)
    return (
        x * math.cos(phi) + y * math.sin(phi),
        -x * math.sin(phi) + y * math.cos(phi),
        record.direct_distance * 1e-3,
    )


def fit2d_lab(record, pixels):
    """Return the positions (1, 2, 3) of a detector turned by the tilt about the in-plane axis across phi."""
    u, v, distance = fit2d_plane_coordinates(record, pixels)
    tilt, phi = math.radians(record.tilt), math.radians(record.tilt_plane_rotation)
    across, along = v, u * math.cos(tilt)
    x = along * math.cos(phi) - across * math.sin(phi)
    y = along * math.sin(phi) + across * math.cos(phi)
    return np.column_stack((y, x, distance + u * math.sin(tilt)))


def detector_positions(pixels, pixel1, pixel2):
    return np.column_stack((pixels[:, 0] * pixel1, pixels[:, 1] * pixel2, np.zeros(len(pixels))))


def quiet(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionLossWarning)
        return function(*args, **options)


WITH_PYFAI = settings(max_examples=20, deadline=None)  # 50 ms each: it collects garbage on every change


@given(records)
def test_pose_from_fit2d_any_record_places_pixels_as_its_tilt_says(record):
    pose, wavelength = pose_from_fit2d(record)
    lab = pose.lab_from_detector(detector_positions(PIXELS, record.pixel1, record.pixel2))
    np.testing.assert_allclose(lab, fit2d_lab(record, PIXELS), rtol=0, atol=LAB_TOLERANCE)
    assert wavelength == (None if record.wavelength is None else pytest.approx(record.wavelength * 1e-10))


@given(records)
def test_pose_from_fit2d_any_record_gives_the_two_theta_of_the_program(record):
    u, v, distance = fit2d_plane_coordinates(record, PIXELS)
    tilt = math.radians(record.tilt)
    expected = np.arctan2(np.hypot(u * math.cos(tilt), v), distance + u * math.sin(tilt))
    pose, _ = pose_from_fit2d(record)
    lab = pose.lab_from_detector(detector_positions(PIXELS, record.pixel1, record.pixel2))
    np.testing.assert_allclose(angles(lab)[0], expected, rtol=0, atol=1e-11)


@given(records.filter(lambda record: abs(record.tilt) < 20))
def test_pose_from_fit2d_small_tilt_has_the_azimuth_of_the_program_to_second_order(record):
    u, v, _ = fit2d_plane_coordinates(record, PIXELS)
    flat = np.arctan2(v, u) + math.radians(record.tilt_plane_rotation)  # in the detector plane, as Fit2D
    pose, _ = pose_from_fit2d(record)
    lab = pose.lab_from_detector(detector_positions(PIXELS, record.pixel1, record.pixel2))
    difference = np.angle(np.exp(1j * (angles(lab)[1] - flat)))
    bound = math.asin(math.tan(math.radians(record.tilt) / 2) ** 2)
    assert np.abs(difference[np.hypot(u, v) > 1e-6]).max(initial=0) <= bound + 1e-9


@given(records)
def test_fit2d_round_trip_any_record_is_identity(record):
    pose, wavelength = pose_from_fit2d(record)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = fit2d_from_pose(pose, record.pixel1, record.pixel2, wavelength)
    assert (back.wavelength is None) == (record.wavelength is None)
    for name in ("direct_distance", "center_x", "center_y", "pixel_x", "pixel_y"):
        assert getattr(back, name) == pytest.approx(getattr(record, name), rel=1e-9, abs=1e-7)
    tilt, phi = (math.radians(value) for value in (record.tilt, record.tilt_plane_rotation))
    tilt_back, phi_back = (math.radians(value) for value in (back.tilt, back.tilt_plane_rotation))
    assert back.tilt >= 0
    np.testing.assert_allclose(
        math.tan(tilt_back) * np.array([math.cos(phi_back), math.sin(phi_back)]),
        math.tan(tilt) * np.array([math.cos(phi), math.sin(phi)]),
        rtol=0,
        atol=1e-10,
    )


@given(poses)
def test_fit2d_from_pose_any_pose_keeps_two_theta_and_shifts_chi_by_the_named_offset(pose):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record = fit2d_from_pose(pose, 1e-4, 2e-4)
    back, _ = pose_from_fit2d(record)
    positions = detector_positions(PIXELS, 1e-4, 2e-4)
    two_theta, chi = angles(pose.lab_from_detector(positions))
    two_theta_back, chi_back = angles(back.lab_from_detector(positions))
    np.testing.assert_allclose(two_theta_back, two_theta, rtol=0, atol=1e-10)
    named = 0.0
    if caught:
        assert issubclass(caught[0].category, ConversionLossWarning)
        assert caught[0].filename == __file__
        named = math.radians(float(str(caught[0].message).split("Fit2D record ")[1].split()[0]))
    difference = np.angle(np.exp(1j * (chi - chi_back - named)))
    assert np.abs(difference[two_theta > 1e-3]).max(initial=0) < 1e-5  # the message has six digits


@pytest.mark.parametrize("tilt", [0.0, 5.0])
def test_fit2d_from_pose_rotation_about_the_beam_warns_with_the_offset(tilt):
    pose = Pose(dist=0.3, poni1=0.1, poni2=0.1, rot1=math.radians(tilt), rot3=math.radians(12.5))
    with pytest.warns(ConversionLossWarning, match=r"turned by 12\.5 degrees .*2theta is exact.*record -12\.5 degrees"):
        fit2d_from_pose(pose, 1e-4, 1e-4)


def test_pose_from_fit2d_no_tilt_is_the_beam_centre():
    record = Fit2dGeometry(200, 1000.5, 900.25, 0, 77, 100, 50, 1.0)
    pose, wavelength = pose_from_fit2d(record)
    assert (pose.dist, pose.poni1, pose.poni2) == pytest.approx((0.2, 900.25 * 50e-6, 1000.5 * 100e-6))
    assert (pose.rot1, pose.rot2, pose.rot3) == (0, 0, 0)
    assert wavelength == pytest.approx(1e-10)
    assert fit2d_from_pose(pose, 50e-6, 100e-6).tilt_plane_rotation == 0


@pytest.mark.parametrize(
    ("phi", "name", "sign"), [(0, "rot1", -1), (180, "rot1", 1), (90, "rot2", 1), (-90, "rot2", -1)]
)
def test_pose_from_fit2d_tilt_about_a_detector_axis_is_one_rotation(phi, name, sign):
    pose, _ = pose_from_fit2d(Fit2dGeometry(200, 0, 0, 10, phi, 100, 100))
    expected = dict.fromkeys(("rot1", "rot2", "rot3"), 0.0) | {name: sign * math.radians(10)}
    for rotation, value in expected.items():
        assert getattr(pose, rotation) == pytest.approx(value, abs=1e-15)
    assert pose.dist == pytest.approx(0.2 * math.cos(math.radians(10)))


def test_pose_from_fit2d_beam_off_the_detector_is_no_obstacle():
    record = Fit2dGeometry(416.23, -2832.945, -268.159, 9, 30, 75, 75)
    pose, _ = pose_from_fit2d(record)
    at_beam = pose.lab_from_detector(np.array([-268.159 * 75e-6, -2832.945 * 75e-6, 0.0]))
    np.testing.assert_allclose(at_beam, [0, 0, 0.41623], rtol=0, atol=LAB_TOLERANCE)


@given(records, st.sampled_from([1, 2, 3, 4]))
def test_fit2d_orientation_any_keeps_two_theta_of_the_image_pixels(record, orientation):
    shape = (1300, 2100)
    pose, _ = pose_from_fit2d(record, orientation=orientation, shape=shape)
    native = PIXELS.copy()
    if orientation in (1, 2):
        native[:, 0] = shape[0] - native[:, 0]
    if orientation in (1, 4):
        native[:, 1] = shape[1] - native[:, 1]
    lab = pose.lab_from_detector(detector_positions(native, record.pixel1, record.pixel2))
    np.testing.assert_allclose(angles(lab)[0], angles(fit2d_lab(record, PIXELS))[0], rtol=0, atol=1e-10)
    back = fit2d_from_pose(pose, record.pixel1, record.pixel2, orientation=orientation, shape=shape)
    assert (back.center_x, back.center_y) == pytest.approx((record.center_x, record.center_y), abs=1e-6)


def test_fit2d_mirrored_image_without_shape_asks_for_it():
    with pytest.raises(ConversionError, match="pass shape="):
        pose_from_fit2d(Fit2dGeometry(200, 0, 0, 0, 0, 100, 100), orientation=2)


@pytest.mark.parametrize("pose", [Pose(0.1, rot1=math.pi / 2), Pose(0.1, rot2=2.5), Pose(0.1, rot1=math.pi)])
def test_fit2d_from_pose_beam_not_on_the_plane_raises(pose):
    with pytest.raises(ConversionError, match="direct beam does not meet"):
        fit2d_from_pose(pose, 1e-4, 1e-4)


LAB6_TILTS = [
    ("LaB6_Normal_0042", Fit2dGeometry(416.23, 2832.945, 268.159, 0.56, 105.25, 75, 75)),
    ("LaB6_tilt1_0043", Fit2dGeometry(429.682, 2763.966, 287.85, 9.159, 0.955, 75, 75)),
    ("LaB6_tilt3h_0045", Fit2dGeometry(408.477, 2840.07, 203.876, 8.9744, 90, 75, 75)),
]


@pytest.mark.parametrize(("name", "record"), LAB6_TILTS)
def test_pose_from_fit2d_lab6_tilts_has_the_published_two_theta_map(name, record):
    derived = parse_poni(shared_path(f"data/lab6_tilts/{name}.derived.poni").read_text()).pose
    rows, columns = np.meshgrid(np.arange(0, 512, 7) + 0.5, np.arange(0, 2068, 11) + 0.5, indexing="ij")
    positions = detector_positions(np.column_stack((rows.ravel(), columns.ravel())), 75e-6, 75e-6)
    pose, _ = pose_from_fit2d(record)
    two_theta, chi = angles(pose.lab_from_detector(positions))
    two_theta_derived, chi_derived = angles(derived.lab_from_detector(positions))
    # the values are printed with three decimals: 0.0005 mm of 416 mm is 3e-5 degrees at 25 degrees
    assert np.degrees(np.abs(two_theta - two_theta_derived)).max() < 1e-4
    assert np.degrees(np.abs(chi - chi_derived)).max() < 1e-3


@WITH_PYFAI
@given(records)
def test_pose_from_fit2d_any_record_agrees_with_pyfai(pyfai, record):
    integrator, detector_class = pyfai
    theirs = integrator(detector=detector_class(record.pixel1, record.pixel2))
    theirs.setFit2D(record.direct_distance, record.center_x, record.center_y, record.tilt, record.tilt_plane_rotation)
    pose, _ = pose_from_fit2d(record)
    for name in ("dist", "poni1", "poni2", "rot1", "rot2", "rot3"):
        # pyFAI takes the angles from acos, which loses half of the digits for small tilts
        assert getattr(pose, name) == pytest.approx(getattr(theirs, name), abs=3e-8)


@WITH_PYFAI
@given(poses)
def test_fit2d_from_pose_any_pose_agrees_with_pyfai(pyfai, pose):
    integrator, detector_class = pyfai
    theirs = integrator(
        *(pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3),
        detector=detector_class(1e-4, 2e-4),
    ).getFit2D()
    ours = quiet(fit2d_from_pose, pose, 1e-4, 2e-4)
    assert ours.direct_distance == pytest.approx(theirs.directDist, rel=1e-9)
    assert ours.tilt == pytest.approx(theirs.tilt, abs=3e-6)
    if ours.tilt > 0.1:
        assert (ours.center_x, ours.center_y) == pytest.approx((theirs.centerX, theirs.centerY), rel=1e-6, abs=1e-4)
        difference = ours.tilt_plane_rotation - theirs.tiltPlanRotation
        assert abs(math.remainder(difference, 360)) < 1e-4


@given(records)
def test_fit2d_text_round_trip_any_record_is_identity(record):
    assert parse_fit2d(format_fit2d(record)) == record


def test_parse_fit2d_other_spellings_are_understood():
    text = """
    # from a notebook
    directDist = 416.23 mm
    Beam centre = 2832.945, 268.159
    tilt = 0.56 deg
    tiltPlanRotation = 105.25
    pixelX = 75 µm
    pixel-y = 75
    wavelength = None
    splineFile = None
    """
    assert parse_fit2d(text) == Fit2dGeometry(416.23, 2832.945, 268.159, 0.56, 105.25, 75, 75)


BASE = "direct_distance = 100\ncenter_x = 1\ncenter_y = 2\npixel_x = 75\npixel_y = 75\n"


def test_parse_fit2d_without_tilt_has_none():
    assert parse_fit2d(BASE) == Fit2dGeometry(100, 1, 2, 0, 0, 75, 75)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("direct_distance 100\n", "line 1: expected 'key = value'"),
        (BASE + "tilt = abc\n", r"line 6: tilt: expected a finite number in degree, got 'abc'"),
        (BASE + "tilt = 5 rad\n", "expected a number in degree, got '5 rad'"),
        (BASE + "directDist = 5\n", "given twice"),
        (BASE + "center = 1\n", "two numbers"),
        (BASE + "tilt = 90\n", "between -90 and 90"),
        ("tilt = 3\n", "missing direct_distance, center_x, center_y, pixel_x, pixel_y"),
    ],
)
def test_parse_fit2d_malformed_text_says_where(text, message):
    with pytest.raises(FileFormatError, match=message):
        parse_fit2d(text)


def test_parse_fit2d_unknown_key_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match=r"direct_distence.*did you mean 'direct_distance'"):
        parse_fit2d(BASE + "direct_distence = 5\n", source="x.txt")


def test_parse_fit2d_spline_file_is_named_as_left_out():
    with pytest.warns(ConversionLossWarning, match=r"splineFile = 'f4mnew\.spline'") as caught:
        parse_fit2d(BASE + "splineFile = f4mnew.spline\n")
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"direct_distance": 0}, ParameterError),
        ({"pixel_x": -1}, ParameterError),
        ({"tilt": 90}, ParameterError),
        ({"center_x": math.nan}, ParameterError),
        ({"center_y": "left"}, DataTypeError),
        ({"wavelength": 0}, ParameterError),
    ],
)
def test_fit2d_geometry_invalid_value_raises(changes, error):
    values = dict.fromkeys(("center_x", "center_y", "tilt", "tilt_plane_rotation"), 0)
    values |= dict.fromkeys(("direct_distance", "pixel_x", "pixel_y"), 100)
    with pytest.raises(error, match=next(iter(changes))):
        Fit2dGeometry(**(values | changes))


def test_pose_from_fit2d_wavelength_in_metres_is_refused_when_it_is_not_angstrom():
    with pytest.raises(ParameterError, match="wavelength: expected metres"):
        pose_from_fit2d(Fit2dGeometry(100, 0, 0, 0, 0, 75, 75, wavelength=59040))
