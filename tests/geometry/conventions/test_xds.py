# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import ConversionError, ConversionLossWarning, FileFormatError, ParameterError
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.xds import (
    XdsGeometry,
    format_xds,
    parse_xds,
    pose_from_xds,
    xds_from_pose,
)
from azimuthal.orientation import orientation_flips

SHAPE, PIXEL1, PIXEL2 = (5, 7), 1.2e-4, 0.9e-4
LAB_TOLERANCE = 1e-12  # m: numbers in pixels and mm at up to 3 m

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

# Keywords as a Pilatus 6M template of XDS has them; several on a line, comments after "!".
XDS_INP = """JOB= XYCORR INIT COLSPOT IDXREF
! DETECTOR_DISTANCE= 999
ORGX= 1233.5 ORGY=1264.5  ! beam
DETECTOR_DISTANCE= 200.0
X-RAY_WAVELENGTH= 1.0
NAME_TEMPLATE_OF_DATA_FRAMES=/data/lyso_1_?????.cbf
FRIEDEL'S_LAW=FALSE
REFINE(IDXREF)=CELL BEAM ORIENTATION AXIS
NUMBER_OF_PROFILE_GRID_POINTS_ALONG_ALPHA/BETA=13
UNTRUSTED_RECTANGLE= 487 495 0 2528
UNTRUSTED_RECTANGLE= 981 989 0 2528
DETECTOR= PILATUS MINIMUM_VALID_PIXEL_VALUE=0 OVERLOAD= 1048500
SENSOR_THICKNESS= 0.32
NX= 2463 NY= 2527 QX= 0.172  QY= 0.172
DIRECTION_OF_DETECTOR_X-AXIS=1 0 0
DIRECTION_OF_DETECTOR_Y-AXIS=0 1 0
INCIDENT_BEAM_DIRECTION=0 0 1
"""
# A published XPARM.XDS (test of the program Meerkat; 2000 x 2000 pixels of 0.15 mm, wavelength 0.75 angstrom).
XPARM = """ XPARM.XDS    VERSION Jun 17, 2015
    1        0.0000    0.2500  0.999988 -0.001214  0.004726
    0.750000      -0.003162      -0.001518       1.333329
    1      6.9322     14.1162     14.1170  59.988  90.002  90.003
    -6.692194       1.615698      -0.812077
    3.093155      13.666920       1.707512
    3.278411       7.949903     -11.195524
    1      2000      2000    0.150000    0.150000
    1005.094666    1005.766968     179.778595
    1.000000       0.000000       0.000000
    0.000000       1.000000       0.000000
    0.000000       0.000000       1.000000
    1         1      2000         1      2000
    0.00    0.00    0.00  1.00000  0.00000  0.00000  0.00000  1.00000  0.00000
"""


def image_positions(pose, orientation, shape=SHAPE, pixels=(PIXEL1, PIXEL2)):
    centers = [(np.arange(n) + 0.5) * pixel for n, pixel in zip(shape, pixels, strict=True)]
    for axis, flip in enumerate(orientation_flips(orientation)):
        centers[axis] = centers[axis][::-1] if flip else centers[axis]
    slow, fast = np.meshgrid(*centers, indexing="ij")
    return pose.lab_from_detector(np.stack((slow, fast, np.zeros(shape)), axis=-1))


def xds_positions(geometry):
    """Pixel positions in the XDS frame, m, from XDS's own definition with pixels numbered from 1."""
    x_axis, y_axis = np.array(geometry.x_axis), np.array(geometry.y_axis)
    iy, ix = np.meshgrid(np.arange(1, geometry.ny + 1), np.arange(1, geometry.nx + 1), indexing="ij")
    return 1e-3 * (
        ((ix - geometry.orgx) * geometry.qx)[..., None] * x_axis
        + ((iy - geometry.orgy) * geometry.qy)[..., None] * y_axis
        + geometry.distance * np.cross(x_axis, y_axis)
    )


@given(pose=poses, orientation=st.integers(1, 4))
def test_xds_from_pose_places_pixels_by_the_definition_of_xds(pose, orientation):
    geometry = xds_from_pose(pose, pixel1=PIXEL1, pixel2=PIXEL2, shape=SHAPE, orientation=orientation)
    x, y, z = np.moveaxis(xds_positions(geometry), -1, 0)
    expected = image_positions(pose, orientation)
    np.testing.assert_allclose(np.stack((-y, x, z), axis=-1), expected, rtol=0, atol=LAB_TOLERANCE)


@given(pose=poses, orientation=st.integers(1, 4))
def test_xds_round_trip_keeps_lab_positions_of_every_image_pixel(pose, orientation):
    geometry = xds_from_pose(pose, pixel1=PIXEL1, pixel2=PIXEL2, shape=SHAPE, orientation=orientation)
    back, new_orientation = pose_from_xds(parse_xds(format_xds(geometry)))
    np.testing.assert_allclose(
        image_positions(back, new_orientation), image_positions(pose, orientation), rtol=0, atol=LAB_TOLERANCE
    )


@given(tilt=st.floats(0, 0.3), direction=angles)
def test_pose_from_xds_inclined_beam_angles_are_those_to_the_beam(tilt, direction):
    beam = (math.sin(tilt) * math.cos(direction), math.sin(tilt) * math.sin(direction), math.cos(tilt))
    geometry = XdsGeometry(50.0, 60.0, 120.0, (1, 0, 0), (0, 1, 0), 0.1, 0.1, 90, 110, 1.0, beam)
    pose, orientation = pose_from_xds(geometry)
    lab = image_positions(pose, orientation, (110, 90), (1e-4, 1e-4))
    cos_two_theta = lab[..., 2] / np.linalg.norm(lab, axis=-1)
    xds = xds_positions(geometry)
    np.testing.assert_allclose(cos_two_theta, xds @ beam / np.linalg.norm(xds, axis=-1), rtol=0, atol=1e-13)


def test_pose_from_xds_template_is_mirrored_image_with_beam_at_orgx_minus_half():
    pose, orientation = pose_from_xds(parse_xds(XDS_INP))
    assert orientation == 2  # rows downwards
    assert pose.dist == pytest.approx(0.2)
    assert pose.poni2 == pytest.approx((1233.5 - 0.5) * 0.172e-3)
    assert pose.poni1 == pytest.approx((2527 - (1264.5 - 0.5)) * 0.172e-3)
    assert (pose.rot1, pose.rot2, pose.rot3) == pytest.approx((0, 0, 0))


@pytest.mark.parametrize("swing", [0.0, 17.0, -40.0, 120.0])
def test_pose_from_xds_documented_swing_detector_normal_is_at_the_swing_angle(swing):
    # XDS, coordinate_systems.html: the SIEMENS detector on a vertical swing axis, y down
    angle = math.radians(swing)
    geometry = XdsGeometry(
        orgx=261.45,
        orgy=268.06,
        distance=130.01,
        x_axis=(-math.cos(angle), 0.0, math.sin(angle)),
        y_axis=(0.0, -1.0, 0.0),
        qx=0.2,
        qy=0.2,
        nx=512,
        ny=512,
    )
    pose, orientation = pose_from_xds(geometry)
    foot = pose.lab_from_detector(np.array([pose.poni1, pose.poni2, 0.0]))
    np.testing.assert_allclose(foot, 0.13001 * np.array([0, math.sin(angle), math.cos(angle)]), atol=1e-15)
    # columns run to the left of an observer at the crystal and rows upwards: a mirrored image
    image = image_positions(pose, orientation, (512, 512), (2e-4, 2e-4))
    assert image[1, 0, 0] > image[0, 0, 0]
    np.testing.assert_allclose(image[261, 255, 0], (262 - 268.06) * 2e-4, atol=1e-12)


def test_pose_from_xds_negative_distance_is_the_unmirrored_image():
    geometry = XdsGeometry(0.5, 0.5, -100.0, (1, 0, 0), (0, -1, 0), 0.1, 0.1, 10, 10)
    pose, orientation = pose_from_xds(geometry)
    assert orientation == 3
    assert (pose.dist, pose.poni1, pose.poni2) == pytest.approx((0.1, 0.0, 0.0))


def test_parse_xds_inp_reads_geometry_and_keeps_the_rest():
    geometry = parse_xds(XDS_INP)
    assert (geometry.nx, geometry.ny, geometry.qx, geometry.wavelength) == (2463, 2527, 0.172, 1.0)
    assert (geometry.detector, geometry.sensor_thickness, geometry.distance) == ("PILATUS", 0.32, 200.0)
    others = dict(geometry.other)
    assert others["FRIEDEL'S_LAW"] == "FALSE"
    assert others["REFINE(IDXREF)"] == "CELL BEAM ORIENTATION AXIS"
    assert [value for key, value in geometry.other if key == "UNTRUSTED_RECTANGLE"] == [
        "487 495 0 2528",
        "981 989 0 2528",
    ]


def test_format_xds_is_read_back_identically():
    geometry = parse_xds(XDS_INP)
    assert parse_xds(format_xds(geometry)) == geometry


def test_parse_xparm_reads_published_file():
    geometry = parse_xds(XPARM)
    assert (geometry.orgx, geometry.orgy, geometry.distance) == (1005.094666, 1005.766968, 179.778595)
    assert (geometry.nx, geometry.qy, geometry.wavelength) == (2000, 0.15, 0.75)
    pose, _ = pose_from_xds(geometry)
    beam = np.array(geometry.beam_direction)
    beam /= np.linalg.norm(beam)
    # the angle between beam and detector normal is kept
    assert math.cos(pose.rot1) * math.cos(pose.rot2) == pytest.approx(beam[2], rel=1e-12)


def test_parse_xparm_displaced_segment_raises():
    with pytest.raises(ConversionError, match="segments"):
        parse_xds(XPARM.replace("    0.00    0.00    0.00  1.0", "    3.00    0.00    0.00  1.0"))


def test_parse_xparm_truncated_raises():
    with pytest.raises(FileFormatError, match="at least 11 lines"):
        parse_xds("\n".join(XPARM.splitlines()[:6]))
    with pytest.raises(FileFormatError, match="line 9: DETECTOR_DISTANCE"):
        parse_xds(XPARM.replace("     179.778595", ""))


def test_parse_xds_segments_raise():
    with pytest.raises(ConversionError, match="SEGMENT: detectors of several segments"):
        parse_xds(XDS_INP + "SEGMENT= 1 487 1 195\n")


def test_parse_xds_position_correction_warns_of_loss():
    with pytest.warns(ConversionLossWarning, match="X-GEO_CORR.*x_geo_corr.cbf"):
        parse_xds(XDS_INP + "X-GEO_CORR= x_geo_corr.cbf\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("\x00", "binary"),
        (XDS_INP.replace("QY= 0.172", ""), "'QY'.*missing"),
        (XDS_INP.replace("DETECTOR_DISTANCE= 200.0", ""), "'DETECTOR_DISTANCE'.*missing"),
        (
            XDS_INP.replace("200.0", "nan"),
            "line 4: DETECTOR_DISTANCE: expected a finite number in mm, got 'nan'",
        ),
        (XDS_INP.replace("200.0", "0"), "line 4: DETECTOR_DISTANCE: expected a signed distance"),
        (XDS_INP.replace("NX= 2463", "NX= 2463.5"), "line 14: NX: expected an integer"),
        (XDS_INP.replace("DIRECTION=0 0 1", "DIRECTION=0 0"), "line 17: INCIDENT_BEAM_DIRECTION: expected 3"),
        (XDS_INP.replace("DIRECTION=0 0 1", "DIRECTION=0 0 0"), "line 17.*longer than 0"),
        (XDS_INP + "something else\n", "line 18: expected 'KEYWORD= value'"),
    ],
)
def test_parse_xds_malformed_raises_naming_place(text, message):
    with pytest.raises(FileFormatError, match=message):
        parse_xds(text)


def test_pose_from_xds_skewed_axes_raise():
    with pytest.raises(ConversionError, match="right angles"):
        pose_from_xds(dataclasses.replace(parse_xds(XDS_INP), y_axis=(0.1, 1.0, 0.0)))


def test_pose_from_xds_beam_opposite_to_z_raises():
    with pytest.raises(ConversionError, match="opposite to z"):
        pose_from_xds(dataclasses.replace(parse_xds(XDS_INP), beam_direction=(0.0, 0.0, -1.0)))


def test_xds_geometry_zero_distance_raises():
    with pytest.raises(ParameterError, match="distance"):
        XdsGeometry(0, 0, 0.0, (1, 0, 0), (0, 1, 0), 0.1, 0.1, 10, 10)
