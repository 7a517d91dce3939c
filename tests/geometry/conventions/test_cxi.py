# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""CXI: corner and basis vectors of the specification, ``geometry_1``, SI units."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import (
    ConversionError,
    FileFormatError,
    GeometryFileWarning,
    ParameterError,
    UnknownNameError,
)
from azimuthal.geometry import Beam, Pose
from azimuthal.geometry.conventions.cxi import (
    CxiGeometry,
    cxi_from_pose,
    format_cxi,
    parse_cxi,
    pose_from_cxi,
)
from azimuthal.testing.positions import pixel_centers_in_lab

SHAPE = (1100, 1400)
PIXEL1, PIXEL2 = 1e-4, 2e-4
INDICES = np.array([[0, 0], [10, 700], [1099, 3], [512, 511], [0, 1399]])  # (slow, fast)
LAB_TOLERANCE = 1e-12

poses = st.builds(
    Pose,
    dist=st.floats(0.05, 3),
    poni1=st.floats(-0.3, 0.3),
    poni2=st.floats(-0.3, 0.3),
    rot1=st.floats(-3, 3),
    rot2=st.floats(-1.5, 1.5),
    rot3=st.floats(-3, 3),
)
orientations = st.sampled_from([1, 2, 3, 4])


def our_lab(pose, orientation, indices=INDICES):
    return pixel_centers_in_lab(pose, PIXEL1, PIXEL2, indices, shape=SHAPE, orientation=orientation)


def cxi_lab(corner, basis, indices=INDICES):
    """Return x, y, z of pixel centres as the specification says."""
    return np.array(corner) + (indices + 0.5) @ np.array(basis)


@given(poses, orientations)
def test_cxi_from_pose_any_pose_places_pixels_as_the_specification(pose, orientation):
    record = cxi_from_pose(pose, PIXEL1, PIXEL2, orientation=orientation, shape=SHAPE)
    x, y, z = cxi_lab(record.corner_position, record.basis_vectors).T
    np.testing.assert_allclose(np.column_stack((y, -x, z)), our_lab(pose, orientation), rtol=0, atol=LAB_TOLERANCE)


@given(poses, orientations)
def test_cxi_round_trip_any_pose_places_the_same_pixels(pose, orientation):
    record = cxi_from_pose(pose, PIXEL1, PIXEL2, 1e-10, orientation=orientation, shape=SHAPE)
    written = format_cxi(record)
    read = parse_cxi(written["detector_1"], written["beam_1"])
    back, wavelength, orientation_back = pose_from_cxi(read, shape=SHAPE)
    np.testing.assert_allclose(our_lab(back, orientation_back), our_lab(pose, orientation), rtol=0, atol=LAB_TOLERANCE)
    assert wavelength == 1e-10


@given(poses, orientations)
def test_pose_from_cxi_geometry_1_alone_places_the_same_pixels(pose, orientation):
    full = cxi_from_pose(pose, PIXEL1, PIXEL2, orientation=orientation, shape=SHAPE)
    x_axis, y_axis = np.array(full.orientation).reshape(2, 3)
    translation = np.array(full.translation)
    assert x_axis @ y_axis == pytest.approx(0, abs=1e-12)
    center = CxiGeometry(PIXEL2, PIXEL1, translation=full.translation, orientation=full.orientation)
    corner = CxiGeometry(PIXEL2, PIXEL1, translation=full.corner_position, orientation=full.orientation)
    middle = cxi_lab(full.corner_position, full.basis_vectors, np.array([[549.5, 699.5]]))[0]
    np.testing.assert_allclose(translation, middle, rtol=0, atol=LAB_TOLERANCE)
    for record, origin in ((center, "center"), (corner, "corner")):
        back, _, orientation_back = pose_from_cxi(record, shape=SHAPE, origin=origin)
        np.testing.assert_allclose(
            our_lab(back, orientation_back), our_lab(pose, orientation), rtol=0, atol=LAB_TOLERANCE
        )


def test_cxi_from_pose_unrotated_native_detector_has_the_unit_orientation():
    record = cxi_from_pose(Pose(0.5, poni1=0.02, poni2=0.03), PIXEL1, PIXEL2, shape=SHAPE)
    assert record.orientation == (1, 0, 0, 0, 1, 0)
    assert record.corner_position == pytest.approx((0.03, -0.02, 0.5))
    np.testing.assert_allclose(record.basis_vectors, [[0, PIXEL1, 0], [-PIXEL2, 0, 0]])


def test_pose_from_cxi_default_basis_vectors_are_a_mirror_image():
    record = CxiGeometry(PIXEL2, PIXEL1, corner_position=(0.1, 0.05, 0.7))
    pose, wavelength, orientation = pose_from_cxi(record, shape=SHAPE)
    assert (orientation, wavelength) == (2, None)
    assert (pose.rot1, pose.rot2, pose.rot3) == pytest.approx((0, 0, 0))
    x, y, z = cxi_lab((0.1, 0.05, 0.7), [[0, -PIXEL1, 0], [-PIXEL2, 0, 0]]).T
    np.testing.assert_allclose(our_lab(pose, 2), np.column_stack((y, -x, z)), rtol=0, atol=LAB_TOLERANCE)


def test_pose_from_cxi_native_image_needs_no_shape():
    record = cxi_from_pose(Pose(0.5, poni1=0.02, poni2=0.03, rot1=0.3), PIXEL1, PIXEL2)
    assert (record.translation, record.orientation) == (None, None)
    pose, _, orientation = pose_from_cxi(record)
    assert orientation == 3
    assert pose.rot1 == pytest.approx(0.3)


def test_cxi_untilted_agrees_with_pyfai_but_for_the_sign_of_x():
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal", exc_type=ImportError)
    detector = pytest.importorskip("pyFAI.detectors").Detector(PIXEL1, PIXEL2, max_shape=SHAPE)
    theirs = integrator.AzimuthalIntegrator(0.5, 0.02, 0.03, detector=detector, wavelength=1e-10).getCXI()
    ours = format_cxi(cxi_from_pose(Pose(0.5, 0.02, 0.03), PIXEL1, PIXEL2, 1e-10))
    for name in ("distance", "x_pixel_size", "y_pixel_size"):
        assert theirs["detector_1"][name] == pytest.approx(ours["detector_1"][name])
    x, y, z = theirs["detector_1"]["geometry_1"]["translation"]
    # pyFAI counts x to the right looking downstream, which makes (x, y, z) left-handed
    assert ours["detector_1"]["corner_position"] == pytest.approx([-x, y, z])
    assert theirs["beam"]["incident_wavelength"] == ours["beam_1"]["incident_wavelength"]
    # and it writes keV where the specification has joules
    assert theirs["beam"]["incident_energy"] * 1.602176634e-16 == pytest.approx(ours["beam_1"]["incident_energy"])


DETECTOR = {"x_pixel_size": PIXEL2, "y_pixel_size": PIXEL1, "corner_position": [0.1, 0.05, 0.7]}


def test_parse_cxi_energy_in_joules_becomes_the_wavelength():
    record = parse_cxi(DETECTOR, {"energy": np.full(5, 8.0 * 1.602176634e-16)})
    assert Beam(record.wavelength).energy == pytest.approx(8.0)


def test_parse_cxi_arrays_of_hdf5_are_accepted():
    record = parse_cxi(
        {
            "x_pixel_size": np.float32(PIXEL2),
            "y_pixel_size": np.array([PIXEL1]),
            "corner_position": np.array([0.1, 0.05, 0.7]),
            "basis_vectors": np.array([[0, PIXEL1, 0], [-PIXEL2, 0, 0]]),
            "distance": np.array(0.7),
            "data": np.zeros((2, 2)),
        }
    )
    assert record.corner_position == (0.1, 0.05, 0.7)
    assert record.wavelength is None
    assert hash(record) == hash(record)


@pytest.mark.parametrize(
    ("detector", "beam", "message"),
    [
        ({"x_pixel_size": 1e-4}, {}, "a.cxi: missing y_pixel_size; found x_pixel_size"),
        (DETECTOR | {"corner_position": [1, 2]}, {}, r"corner_position: expected finite numbers of shape \(3,\)"),
        (DETECTOR | {"distance": -1}, {}, "distance: expected a number greater than 0"),
        (DETECTOR, {"incident_energy": 8.0}, "the photon energy is 8.0; CXI files hold joules"),
        (DETECTOR, {"incident_wavelength": 1.5}, "wavelength: expected metres"),
        (DETECTOR, {"energy": np.array([1e-15, 2e-15])}, "expected one value, got 2 that differ"),
    ],
)
def test_parse_cxi_malformed_value_says_which(detector, beam, message):
    with pytest.raises(FileFormatError, match=message):
        parse_cxi(detector, beam, source="a.cxi")


def test_parse_cxi_energy_and_wavelength_that_contradict_raise():
    with pytest.raises(ConversionError, match="Remove the wrong one"):
        parse_cxi(DETECTOR, {"incident_wavelength": 1e-10, "incident_energy": 1e-15})


def test_parse_cxi_unknown_member_is_named():
    with pytest.warns(
        GeometryFileWarning, match="'corner_positon' is not known; did you mean 'corner_position'"
    ) as caught:
        parse_cxi(DETECTOR | {"corner_positon": [1, 2, 3]})
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [
        (CxiGeometry(1e-4, 1e-4), {}, "neither corner_position nor geometry_1"),
        (
            CxiGeometry(1e-4, 1e-4, translation=(0, 0, 1), orientation=(1, 0, 0, 0, 1, 0)),
            {},
            "Pass origin='center'",
        ),
        (
            CxiGeometry(1e-4, 1e-4, translation=(0, 0, 1), orientation=(1, 0, 0, 0, 1, 0)),
            {"origin": "center"},
            "needs the size of the image",
        ),
        (CxiGeometry(1e-4, 1e-4, corner_position=(0, 0, 1)), {}, "mirrored against the native detector; pass shape="),
        (
            CxiGeometry(1e-4, 1e-4, (0, 0, 1), ((0, 2e-4, 0), (-1e-4, 0, 0))),
            {},
            "slow basis vector has the length 0.0002 m and the pixel size is 0.0001 m",
        ),
        (
            CxiGeometry(1e-4, 1e-4, (0, 0, 1), ((0, 1e-4, 0), (-0.8e-4, 0.6e-4, 0))),
            {},
            "right angles",
        ),
        (CxiGeometry(1e-4, 1e-4, (0.1, 0.1, 0), ((0, 1e-4, 0), (-1e-4, 0, 0))), {}, "in the detector plane"),
    ],
)
def test_pose_from_cxi_what_cannot_be_held_raises(record, options, message):
    with pytest.raises(ConversionError, match=message):
        pose_from_cxi(record, **options)


def test_pose_from_cxi_unknown_origin_raises():
    record = CxiGeometry(1e-4, 1e-4, translation=(0, 0, 1), orientation=(1, 0, 0, 0, 1, 0))
    with pytest.raises(UnknownNameError, match="'centre' is not known; did you mean 'center'"):
        pose_from_cxi(record, origin="centre")


def test_cxi_from_pose_mirrored_without_shape_asks_for_it():
    with pytest.raises(ConversionError, match="pass shape="):
        cxi_from_pose(Pose(0.5), PIXEL1, PIXEL2, orientation=4)


def test_cxi_geometry_vector_not_finite_raises():
    with pytest.raises(ParameterError, match="translation: expected finite numbers"):
        CxiGeometry(1e-4, 1e-4, translation=(0, math.inf, 1))
