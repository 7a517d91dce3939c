# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import ConversionError, ConversionLossWarning, FileFormatError, GeometryFileWarning
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.gsas2 import (
    ImageControls,
    format_imctrl,
    imctrl_from_pose,
    parse_imctrl,
    pose_from_imctrl,
)
from azimuthal.geometry.conventions.poni import parse_poni
from azimuthal.testing.shared_data import shared_path

TWO_THETA_TOLERANCE = 1e-12  # rad
X, Y = np.meshgrid(np.linspace(0.075, 344.925, 40), np.linspace(0.075, 344.925, 41))  # mm on a mar345

controls_strategy = st.builds(
    ImageControls,
    distance=st.floats(20.0, 5000.0),
    center=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    tilt=st.floats(-60, 60),
    rotation=st.floats(-180, 360),
    azimuth_offset=st.floats(-180, 180),
)


def lab_positions(pose, x_mm=X, y_mm=Y):
    return pose.lab_from_detector(np.stack((y_mm, x_mm, np.zeros_like(x_mm)), axis=-1) * 1e-3)


def two_theta_and_chi(pose):
    t1, t2, t3 = np.moveaxis(lab_positions(pose), -1, 0)
    return np.arctan2(np.hypot(t1, t2), t3), np.arctan2(t1, t2)


def gsas_two_theta(controls):
    """GSAS-II's published relation: depth of an image point behind the plane normal to the beam at the centre."""
    dx, dy = X - controls.center[0], Y - controls.center[1]
    tilt, rotation = math.radians(controls.tilt), math.radians(controls.rotation)
    depth = math.sin(tilt) * (dy * math.cos(rotation) - dx * math.sin(rotation))
    return np.arctan2(np.sqrt(dx**2 + dy**2 - depth**2), controls.distance / math.cos(tilt) + depth)


@given(controls=controls_strategy)
def test_pose_from_imctrl_two_theta_is_gsas_relation(controls):
    two_theta, _ = two_theta_and_chi(pose_from_imctrl(controls))
    # the square root of a difference loses digits next to the beam; absolute agreement stays below 1e-7 rad there
    np.testing.assert_allclose(np.cos(two_theta), np.cos(gsas_two_theta(controls)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("azimuth_offset", [0.0, 35.0, -120.0])
def test_pose_from_imctrl_without_tilt_chi_is_gsas_azimuth(azimuth_offset):
    controls = ImageControls(distance=500, center=(170, 160.5), azimuth_offset=azimuth_offset)
    _, chi = two_theta_and_chi(pose_from_imctrl(controls))
    azimuth = np.arctan2(Y - 160.5, X - 170.0) + math.radians(azimuth_offset)
    np.testing.assert_allclose(np.exp(1j * chi), np.exp(1j * azimuth), rtol=0, atol=1e-12)


def test_pose_from_imctrl_with_tilt_chi_stays_near_gsas_azimuth():
    controls = ImageControls(distance=1118.0, center=(168.0, 173.0), tilt=1.268, rotation=94.8)
    _, chi = two_theta_and_chi(pose_from_imctrl(controls))
    difference = np.angle(np.exp(1j * (chi - np.arctan2(Y - 173.0, X - 168.0))))
    assert np.abs(difference).max() <= math.radians(1.268) ** 2 / 4 * 1.01


@given(controls=controls_strategy)
def test_imctrl_round_trip_keeps_lab_positions(controls):
    pose = pose_from_imctrl(controls)
    back = pose_from_imctrl(imctrl_from_pose(pose))
    np.testing.assert_allclose(lab_positions(back), lab_positions(pose), rtol=0, atol=1e-11)


@given(
    pose=st.builds(
        Pose,
        dist=st.floats(0.02, 5),
        poni1=st.floats(-0.5, 0.5),
        poni2=st.floats(-0.5, 0.5),
        rot1=st.floats(-1.2, 1.2),
        rot2=st.floats(-1.2, 1.2),
        rot3=st.floats(-3.1, 3.1),
    )
)
def test_imctrl_from_pose_and_back_keeps_lab_positions(pose):
    back = pose_from_imctrl(imctrl_from_pose(pose))
    np.testing.assert_allclose(lab_positions(back), lab_positions(pose), rtol=0, atol=1e-11)


def test_pose_from_imctrl_detector_arm_moves_towards_minus_x():
    pose = pose_from_imctrl(ImageControls(distance=300, center=(100, 50), det2theta=30.0))
    foot = pose.lab_from_detector(np.array([pose.poni1, pose.poni2, 0.0]))
    np.testing.assert_allclose(foot, [0.0, -0.3 * math.sin(math.pi / 6), 0.3 * math.cos(math.pi / 6)], atol=1e-15)
    assert (pose.poni1, pose.poni2) == pytest.approx((0.05, 0.1))


def test_imctrl_from_pose_parallel_to_the_beam_raises():
    with pytest.raises(ConversionError, match="det2theta = 0"):
        imctrl_from_pose(Pose(dist=0.1, rot1=math.pi / 2))


def test_pose_from_imctrl_penetration_warns_of_loss():
    with pytest.warns(ConversionLossWarning, match="DetDepth"):
        pose_from_imctrl(ImageControls(distance=100, center=(0, 0), penetration=0.06))


def test_real_imctrl_mar345_equals_derived_poni():
    controls = parse_imctrl(shared_path("data/strain_mar345/nx09_strain_011.imctrl").read_text())
    derived = parse_poni(shared_path("data/strain_mar345/nx09_strain.derived.poni").read_text())
    assert controls.wavelength * 1e-10 == pytest.approx(derived.wavelength, rel=1e-12)
    ours, _ = two_theta_and_chi(pose_from_imctrl(controls))
    theirs, _ = two_theta_and_chi(derived.pose)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TWO_THETA_TOLERANCE)


@pytest.mark.parametrize("name", ["Si_free_dc800_1-00000.imctrl", "example.imctrl", "nx09_strain_011.imctrl"])
def test_real_imctrl_is_read_without_geometry_warning(name):
    text = shared_path(f"data/strain_mar345/{name}").read_text()
    controls = parse_imctrl(text, source=name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionLossWarning)
        pose = pose_from_imctrl(controls)
    assert pose.dist == pytest.approx(controls.distance * 1e-3)
    assert pose_from_imctrl_text(format_imctrl(controls)) == pose


def pose_from_imctrl_text(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionLossWarning)
        return pose_from_imctrl(parse_imctrl(text))


def test_real_imctrl_center_without_commas_is_read():
    controls = parse_imctrl(shared_path("data/strain_mar345/example.imctrl").read_text())
    assert controls.center == (200.0, 200.0)
    assert controls.calibrant == "LaB6  SRM660a"


@given(controls=controls_strategy)
def test_format_imctrl_is_read_back_identically(controls):
    assert parse_imctrl(format_imctrl(controls)) == controls


def test_format_imctrl_with_detector_is_read_back_identically():
    controls = imctrl_from_pose(
        Pose(0.3, 0.1, 0.2, 0.01, 0.02, 0.5), wavelength=1e-10, pixel1=1e-4, pixel2=2e-4, shape=(100, 300)
    )
    assert controls.size == (300, 100)
    assert controls.pixel_size == pytest.approx((200.0, 100.0))
    assert parse_imctrl(format_imctrl(controls)) == controls


GOOD = "distance:100.0\ncenter:[10.0, 20.0]\ntilt:0.5\nrotation:90.0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("\x00\x01", "binary"),
        (GOOD.replace("distance:100.0\n", ""), "'distance'.*missing"),
        (GOOD.replace("100.0", "nan"), "line 1: distance: expected a finite number in mm, got 'nan'"),
        (GOOD.replace("100.0", "-5"), "line 1: distance: expected a number greater than 0"),
        (GOOD.replace("[10.0, 20.0]", "[10.0]"), "line 2: center: expected 2 numbers"),
        (GOOD.replace("0.5", "95"), "line 3: tilt: expected an angle between"),
        (GOOD + "nonsense\n", "line 5: expected 'key:value'"),
        (GOOD + "size:[10]\n", "line 5: size: expected two integers"),
        (GOOD + "size:[10, 0]\n", "line 5: size: expected an integer of at least 1"),
    ],
)
def test_parse_imctrl_malformed_raises_naming_place(text, message):
    with pytest.raises(FileFormatError, match=message):
        parse_imctrl(text)


def test_parse_imctrl_unknown_key_warns_by_name_and_line():
    with pytest.warns(GeometryFileWarning, match=r"line 5: key: 'rotaton'.*'rotation'"):
        parse_imctrl(GOOD + "rotaton:3\n")
