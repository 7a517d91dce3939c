# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.detectors import CornerArray, Cylindrical, Detector, Hexagonal, detector
from azimuthal.errors import DataTypeError, FileFormatError, ParameterError, UnknownNameError
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import BeamCenter, Instrument

CAMERA = Detector(pixel1=1e-4, pixel2=2e-4, shape=(50, 80))
POSE = Pose(0.1, 0.002, 0.007, 0.1, -0.2, 0.3)

forward_poses = st.builds(
    Pose,
    dist=st.floats(0.02, 2.0),
    poni1=st.floats(-0.05, 0.05),
    poni2=st.floats(-0.05, 0.05),
    rot1=st.floats(-1.2, 1.2),
    rot2=st.floats(-1.2, 1.2),
    rot3=st.floats(-3.0, 3.0),
)


def lab_of_pixel_coordinate(instrument, slow, fast):
    """Laboratory position of a pixel coordinate by extrapolating from the corners of two pixels per axis."""
    rows, columns = instrument.detector.shape
    centers = instrument.pose.lab_from_detector(instrument.detector.centers())
    step1 = (centers[rows - 1, 0] - centers[0, 0]) / (rows - 1)
    step2 = (centers[0, columns - 1] - centers[0, 0]) / (columns - 1)
    return centers[0, 0] + (slow - 0.5) * step1 + (fast - 0.5) * step2


@pytest.mark.parametrize("name", ["detector", "pose", "beam", "parallax"])
def test_instrument_part_of_another_type_raises_naming_it(name):
    parts = {"detector": CAMERA, "pose": POSE, "beam": Beam(), "parallax": None}
    with pytest.raises(DataTypeError, match=f"^{name}: expected"):
        Instrument(**(parts | {name: 1}))


def test_instrument_parallax_without_sensor_raises():
    with pytest.raises(ParameterError, match=r"parallax.*sensor"):
        Instrument(CAMERA, POSE, parallax=True)
    assert Instrument(CAMERA.with_sensor("Si", 3.2e-4), POSE, parallax=True).parallax


def test_instrument_replace_returns_changed_copy_and_refuses_unknown_parts():
    instrument = Instrument(CAMERA, POSE)
    changed = instrument.replace(beam=Beam(1e-10))
    assert (changed.wavelength, instrument.wavelength) == (1e-10, None)
    with pytest.raises(UnknownNameError, match=r"'bean'.*'beam'"):
        instrument.replace(bean=Beam())


@pytest.mark.parametrize("camera", [CAMERA, detector("Eiger2_4M"), CAMERA.with_orientation(2)])
def test_instrument_dict_and_pickle_round_trip(camera):
    instrument = Instrument(camera, POSE, Beam(1e-10))
    assert Instrument.from_dict(json.loads(json.dumps(instrument.to_dict()))) == instrument
    content = pickle.dumps(instrument)
    assert pickle.loads(content) == instrument
    assert len(content) < 10_000


def test_instrument_from_dict_refuses_unknown_and_missing_keys():
    values = Instrument(CAMERA, POSE).to_dict()
    with pytest.raises(UnknownNameError, match=r"'pony1'.*'poni1'"):
        Instrument.from_dict(values | {"pony1": 1.0})
    del values["dist"]
    with pytest.raises(FileFormatError, match="'dist' is missing"):
        Instrument.from_dict(values)


def test_beam_center_of_untilted_detector_is_the_poni():
    instrument = Instrument(CAMERA, Pose(0.1, 0.0025, 0.007))
    assert instrument.beam_center == pytest.approx((25.0, 35.0))
    assert isinstance(instrument.beam_center, BeamCenter)


@given(pose=forward_poses, orientation=st.integers(1, 4))
def test_beam_center_is_where_the_lab_position_is_on_the_beam(pose, orientation):
    instrument = Instrument(CAMERA.with_orientation(orientation), pose)
    hit = lab_of_pixel_coordinate(instrument, *instrument.beam_center)
    np.testing.assert_allclose(hit, [0.0, 0.0, instrument.direct_distance], rtol=0, atol=1e-10)


@given(pose=forward_poses, orientation=st.integers(1, 4))
def test_beam_center_does_not_depend_on_rot3(pose, orientation):
    one = Instrument(CAMERA.with_orientation(orientation), pose)
    other = one.replace(pose=pose.replace(rot3=0.0))
    np.testing.assert_allclose(one.beam_center, other.beam_center, rtol=1e-12)


def test_beam_center_counts_image_pixels_of_region_and_binning():
    instrument = Instrument(CAMERA, Pose(0.1, 0.0025, 0.007))
    region = instrument.replace(detector=CAMERA.with_region(slice(20, 40), slice(30, 60)))
    assert region.beam_center == pytest.approx((5.0, 5.0))
    binned = instrument.replace(detector=CAMERA.with_binning(2, 4))
    assert binned.beam_center == pytest.approx((12.5, 8.75))
    mirrored = instrument.replace(detector=CAMERA.with_orientation(1))
    assert mirrored.beam_center == pytest.approx((25.0, 45.0))


def test_beam_center_with_wider_pixels_between_modules_is_exact():
    camera = detector("Xpad_flat")
    edges = camera.separable_edges()
    position = 0.25 * edges.lower1[130] + 0.75 * edges.upper1[130]
    instrument = Instrument(camera, Pose(0.2, position, 0.5 * (edges.lower2[200] + edges.upper2[200])))
    assert instrument.beam_center == pytest.approx((130.75, 200.5))


@pytest.mark.parametrize("pose", [Pose(0.1, rot1=math.pi / 2), Pose(0.1, rot2=math.pi), Pose(0.1, rot1=2.0)])
def test_beam_center_plane_behind_or_along_the_beam_is_none(pose):
    instrument = Instrument(CAMERA, pose)
    assert instrument.beam_center is None
    assert instrument.direct_distance is None
    assert "never meets" in instrument.describe()


def test_beam_center_of_cylinder_is_found_on_the_surface():
    layout = Cylindrical(shape=(40, 300), pixel1=1e-4, pixel2=1e-4, radius=0.05)
    camera = Detector(pixel1=1e-4, pixel2=1e-4, shape=(40, 300), layout=layout)
    # the cylinder touches the plane at column 0; looked at from its axis, the beam goes through the arc at 0.3 rad
    pose = Pose(0.05, poni1=0.00123, rot1=-0.3)
    assert Instrument(camera, pose).beam_center == pytest.approx((12.3, 150.0), abs=1e-4)


def test_beam_center_beside_a_cylinder_is_none():
    layout = Cylindrical(shape=(40, 300), pixel1=1e-4, pixel2=1e-4, radius=0.05)
    camera = Detector(pixel1=1e-4, pixel2=1e-4, shape=(40, 300), layout=layout)
    assert Instrument(camera, Pose(0.05, poni1=-0.01)).beam_center is None


def test_beam_center_of_hexagons_on_an_odd_row_is_shifted_by_half_a_pixel():
    pitch = 1e-4 * math.sqrt(3) / 2
    layout = Hexagonal(shape=(20, 30), pixel1=pitch, pixel2=1e-4)
    camera = Detector(pixel1=pitch, pixel2=1e-4, shape=(20, 30), layout=layout)
    center = camera.centers()[7, 12]
    instrument = Instrument(camera, Pose(0.3, center[0], center[1]))
    assert instrument.beam_center == pytest.approx((7.5, 12.5), abs=1e-9)
    outside = instrument.replace(pose=Pose(0.3, -10 * pitch, 5e-4))
    assert outside.beam_center == pytest.approx((-10.0, 5.0))


@given(pose=forward_poses, orientation=st.integers(1, 4))
def test_beam_center_from_given_corners_equals_the_plain_detector(pose, orientation):
    layout = CornerArray(CAMERA.corners() + 0.0)
    skewed = CAMERA.corners()
    skewed[0, 0, 0, 0] -= 1e-6  # one corner off: not a product of rows and columns any more
    camera = Detector(pixel1=1e-4, pixel2=2e-4, shape=CAMERA.shape, layout=CornerArray(skewed), orientation=orientation)
    plain = Instrument(CAMERA.with_orientation(orientation), pose).beam_center
    assert Instrument(CAMERA.replace(layout=layout, orientation=orientation), pose).beam_center == plain
    inside = all(2 < value < n - 2 for value, n in zip(plain, CAMERA.shape, strict=True))
    if inside or any(value < -2 or value > n + 2 for value, n in zip(plain, CAMERA.shape, strict=True)):
        np.testing.assert_allclose(Instrument(camera, pose).beam_center, plain, rtol=0, atol=1e-2)


@given(pose=forward_poses)
def test_tilt_is_the_angle_between_beam_and_normal_towards_the_poni(pose):
    instrument = Instrument(CAMERA, pose)
    foot = pose.lab_from_detector(np.array([pose.poni1, pose.poni2, 0.0]))
    expected = math.atan2(math.hypot(foot[0], foot[1]), foot[2])
    assert instrument.tilt == pytest.approx(expected, abs=1e-12)
    if expected > 1e-6:
        direction = math.atan2(foot[0], foot[1])
        assert math.cos(instrument.tilt_direction - direction) == pytest.approx(1.0, abs=1e-9)


def test_describe_says_every_fact_in_words():
    text = Instrument(CAMERA.with_orientation(2), Pose(0.1, 0.0025, 0.007), Beam(1e-10)).describe()
    for words in (
        "50 x 80 pixels (slow x fast) of 100 x 200 µm",
        "100 mm along the detector normal",
        "row 25.000, column 35.000",
        "0° (the beam is normal to the detector)",
        "wavelength 1 Å, energy 12.3984 keV",
        "2 (top right)",
    ):
        assert words in text
    assert "outside the detector" in Instrument(CAMERA, Pose(0.1, -0.01, 0.007)).describe()
    assert "wavelength not known" in Instrument(CAMERA, POSE).describe()
    assert "(bottom right), native" in Instrument(CAMERA, POSE).describe()
    assert "nearest to the sample at chi" in Instrument(CAMERA, POSE).describe()
    assert "depth of absorption" in Instrument(CAMERA.with_sensor("Si", 3e-4), POSE, parallax=True).describe()
