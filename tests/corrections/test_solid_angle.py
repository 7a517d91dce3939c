# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Solid angle: exact formulae, invariance, unequal and curved pixels, pyFAI as a comparison (C1, C4)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.corrections import SOLID_ANGLE_MODES, solid_angle
from azimuthal.detectors import AxisSteps, CornerArray, Cylindrical, Detector, Hexagonal, SteppedGrid
from azimuthal.detectors import detector as known_detector
from azimuthal.errors import UnknownNameError
from azimuthal.geometry import Pose
from azimuthal.geometry.coordinates import cos_incidence, lab_positions
from azimuthal.instrument import Instrument

SMALL_PIXEL = 0.4
"""The docstring's bound of the relative error, in units of (pixel / distance)^2."""

ANGLES = st.floats(-math.pi, math.pi)


def plain(shape=(20, 30), pixel1=1e-3, pixel2=2e-3, orientation=3):
    return Detector(pixel1=pixel1, pixel2=pixel2, shape=shape, orientation=orientation)


def stepped():
    """Two by two modules with borders of 2.5 pixels and a gap."""
    shape, pixel = (8, 10), 1e-3
    layout = SteppedGrid(shape, pixel, pixel, AxisSteps(4, 2.5, 3e-3), AxisSteps(5, 2.5))
    return Detector(pixel1=pixel, pixel2=pixel, shape=shape, layout=layout)


def cylinder(radius=0.1):
    shape, pixel = (12, 40), 2e-3
    return Detector(pixel1=pixel, pixel2=pixel, shape=shape, layout=Cylindrical(shape, pixel, pixel, radius))


def triangle_solid_angle(a, b, c):
    """Exact solid angle of triangles seen from the origin (Van Oosterom and Strackee 1983)."""
    la, lb, lc = (np.linalg.norm(x, axis=-1) for x in (a, b, c))
    triple = np.abs(np.einsum("...k,...k->...", a, np.cross(b, c)))
    dots = (np.einsum("...k,...k->...", *pair) for pair in ((a, b), (a, c), (b, c)))
    ab, ac, bc = dots
    return 2 * np.arctan2(triple, la * lb * lc + ab * lc + ac * lb + bc * la)


def exact_solid_angle(instrument):
    """Sum of exact triangles of each pixel polygon, in the laboratory frame."""
    corners = lab_positions(detector_positions=instrument.detector.corners(), pose=instrument.pose)
    total = 0.0
    for k in range(1, corners.shape[-2] - 1):
        total = total + triangle_solid_angle(corners[..., 0, :], corners[..., k, :], corners[..., k + 1, :])
    return total


def rectangle_solid_angle(low1, high1, low2, high2, dist):
    """Exact solid angle of a rectangle in a plane at `dist`, from the foot of the normal."""

    def quarter(a, b):
        return math.atan(a * b / (dist * math.sqrt(a * a + b * b + dist * dist)))

    return quarter(high1, high2) - quarter(low1, high2) - quarter(high1, low2) + quarter(low1, low2)


def test_solid_angle_relative_flat_uniform_is_the_cube_of_the_cosine():
    instrument = Instrument(plain(), Pose(0.1, 0.01, 0.02, 0.3, 0.2, 0.1))
    cosine = cos_incidence(detector_positions=instrument.detector.centers(), pose=instrument.pose)
    np.testing.assert_allclose(solid_angle(instrument), cosine**3, rtol=1e-14)


def test_solid_angle_relative_on_axis_is_one():
    instrument = Instrument(plain((3, 3)), Pose(0.1, 1.5e-3, 3e-3))
    assert solid_angle(instrument)[1, 1] == pytest.approx(1.0, rel=1e-15)


def test_solid_angle_relative_far_field_tends_to_one():
    instrument = Instrument(plain(), Pose(1e5))
    np.testing.assert_allclose(solid_angle(instrument), 1.0, atol=1e-12)


def test_solid_angle_absolute_of_a_whole_detector_is_the_exact_rectangle():
    detector = plain((200, 300), 1e-4, 1.5e-4)
    instrument = Instrument(detector, Pose(0.02, 0.004, 0.03, 0.5, 0.6, 0.7))
    exact = rectangle_solid_angle(-0.004, 0.016, -0.03, 0.015, 0.02)
    assert solid_angle(instrument, mode="absolute").sum() == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_solid_angle_absolute_of_tilted_pixels_equals_exact_triangles(orientation):
    instrument = Instrument(plain(orientation=orientation), Pose(0.1, 0.01, 0.02, 0.9, -0.7, 0.1))
    tolerance = SMALL_PIXEL * (2e-3 / 0.1) ** 2
    np.testing.assert_allclose(solid_angle(instrument, mode="absolute"), exact_solid_angle(instrument), rtol=tolerance)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@pytest.mark.parametrize("make", [stepped, cylinder])
def test_solid_angle_absolute_of_special_pixels_equals_exact_triangles(make, orientation):
    instrument = Instrument(make().with_orientation(orientation), Pose(0.1, 0.003, 0.004, 0.2, 0.1, 0.3))
    tolerance = SMALL_PIXEL * (2.5e-3 / 0.05) ** 2
    np.testing.assert_allclose(solid_angle(instrument, mode="absolute"), exact_solid_angle(instrument), rtol=tolerance)


def test_solid_angle_absolute_of_hexagons_equals_exact_triangles():
    shape, pixel = (10, 12), 1e-3
    rows = pixel * math.sqrt(3) / 2
    detector = Detector(pixel1=rows, pixel2=pixel, shape=shape, layout=Hexagonal(shape, rows, pixel))
    instrument = Instrument(detector, Pose(0.05, 0.003, 0.004, 0.2, 0.1, 0.3))
    np.testing.assert_allclose(
        solid_angle(instrument, mode="absolute"),
        exact_solid_angle(instrument),
        rtol=SMALL_PIXEL * (1.2e-3 / 0.05) ** 2,
    )


def test_solid_angle_absolute_falls_with_the_square_of_the_distance():
    near, far = (solid_angle(Instrument(plain(), Pose(dist)), mode="absolute")[0, 0] for dist in (10.0, 20.0))
    assert near / far == pytest.approx(4.0, rel=1e-4)


@given(ANGLES, ANGLES, ANGLES)
def test_solid_angle_any_rotation_is_invariant(rot1, rot2, rot3):
    for detector in (plain((4, 5)), cylinder()):
        still = solid_angle(Instrument(detector, Pose(0.1, 0.01, 0.02)))
        turned = solid_angle(Instrument(detector, Pose(0.1, 0.01, 0.02, rot1, rot2, rot3)))
        np.testing.assert_array_equal(turned, still)


def test_solid_angle_relative_of_large_pixels_includes_their_area():
    """A pixel of 2.5 x 2.5 collects 6.25 times the photons; pyFAI leaves this out of its solid angle."""
    instrument = Instrument(stepped(), Pose(100.0))
    relative = solid_angle(instrument)
    assert relative[0, 0] == pytest.approx(1.0, rel=1e-6)
    assert relative[3, 0] == pytest.approx(2.5, rel=1e-6)
    assert relative[3, 4] == pytest.approx(6.25, rel=1e-6)


def test_solid_angle_of_unequal_pixels_differs_from_pyfai_by_their_area():
    """pyFAI takes cos^3 for the borders of the Xpad too, which are 2.5 pixels wide: our "equal_area"."""
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    pose = Pose(0.1, 0.01, 0.02, 0.3, 0.2, 0.1)
    other = integrator.AzimuthalIntegrator(0.1, 0.01, 0.02, 0.3, 0.2, 0.1, detector="imxpad_s70")
    instrument = Instrument(known_detector("imxpad_s70"), pose)
    d1, d2 = np.mgrid[: instrument.detector.shape[0], : instrument.detector.shape[1]].astype(float)
    theirs = other.diffSolidAngle(d1, d2)
    np.testing.assert_allclose(solid_angle(instrument, mode="equal_area"), theirs, rtol=1e-6)
    factor = solid_angle(instrument) / theirs
    assert sorted(set(factor.round(4).ravel())) == [1.0, 2.5]


def test_solid_angle_equal_area_of_large_pixels_is_the_cube_of_the_cosine():
    instrument = Instrument(stepped(), Pose(0.02, 0.003, 0.004))
    cosine = cos_incidence(detector_positions=instrument.detector.centers(), pose=instrument.pose)
    np.testing.assert_allclose(solid_angle(instrument, mode="equal_area"), cosine**3, rtol=1e-14)


def test_solid_angle_cylinder_about_the_sample_is_constant_along_the_arc():
    instrument = Instrument(cylinder(0.1), Pose(0.1, 0.012, 0.0))
    relative = solid_angle(instrument)
    np.testing.assert_allclose(relative, np.broadcast_to(relative[:, :1], relative.shape), rtol=1e-12)
    np.testing.assert_allclose(relative[5], 1.0, rtol=1e-3)


def test_solid_angle_cylinder_off_the_sample_follows_the_distance():
    """The distance varies along the arc: the inverse square matters, of which cos^3 knows nothing."""
    detector = cylinder(0.1)
    instrument = Instrument(detector, Pose(0.2, 0.012, 0.0))
    exact = exact_solid_angle(instrument) * 0.2**2 / (detector.pixel1 * detector.pixel2)
    np.testing.assert_allclose(solid_angle(instrument), exact, rtol=1e-3)


def test_solid_angle_factored_path_equals_the_general_one():
    """Q2: the fast path of rows and columns, against centres and corners."""
    for detector in (plain(), stepped()):
        corners = detector.corners()
        corners[0, 0, 0, 0] -= 1e-4  # one odd pixel, so that positions do not factor
        general = detector.replace(layout=CornerArray(corners), name="corners")
        assert general.separable_edges() is None
        pose = Pose(0.02, 0.003, 0.004, 0.3, 0.2, 0.1)
        for mode in SOLID_ANGLE_MODES:
            fast, slow = (solid_angle(Instrument(kind, pose), mode=mode) for kind in (detector, general))
            np.testing.assert_allclose(fast.ravel()[1:], slow.ravel()[1:], rtol=1e-11)


def test_solid_angle_slabs_join_without_seams():
    detector = plain((700, 600), 1e-4, 1e-4)
    instrument = Instrument(detector, Pose(0.05, 0.01, 0.02))
    cosine = cos_incidence(detector_positions=detector.centers(), pose=instrument.pose)
    np.testing.assert_allclose(solid_angle(instrument), cosine**3, rtol=1e-13)


def test_solid_angle_unknown_mode_raises_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="'relative'"):
        solid_angle(Instrument(plain(), Pose(0.1)), mode="relativ")


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_solid_angle_fifty_geometries_agree_with_pyfai(orientation):
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    detectors = pytest.importorskip("pyFAI.detectors")
    generator = np.random.default_rng(7)
    d1, d2 = np.mgrid[:60, :80].astype(float)
    for _ in range(50):
        pose = Pose(generator.uniform(0.02, 1), *generator.uniform(-0.02, 0.05, 2), *generator.uniform(-0.6, 0.6, 3))
        toy = detectors.Detector(1.3e-4, 2.1e-4, max_shape=(60, 80), orientation=orientation)
        parameters = (pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3)
        other = integrator.AzimuthalIntegrator(*parameters, detector=toy).diffSolidAngle(d1, d2)
        ours = solid_angle(Instrument(plain((60, 80), 1.3e-4, 2.1e-4, orientation), pose))
        np.testing.assert_allclose(ours, other, rtol=1e-12)
