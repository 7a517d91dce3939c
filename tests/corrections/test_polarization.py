# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Polarisation: analytic limits, the trigonometric definition, invariance, pyFAI as a comparison (C1, C4)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.corrections import polarization, polarization_form
from azimuthal.detectors import CornerArray, Cylindrical, Detector
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.geometry import Pose
from azimuthal.geometry.coordinates import chi, lab_positions, two_theta
from azimuthal.instrument import Instrument

ANGLES = st.floats(-math.pi, math.pi)
FACTORS = st.floats(-1.0, 1.0)
DETECTOR = Detector(pixel1=1e-3, pixel2=2e-3, shape=(20, 30))


def of_direction(two_theta_, chi_, factor, offset=0.0):
    """P of one direction, from the quadratic form."""
    sine = math.sin(two_theta_)
    t = np.array([sine * math.sin(chi_), sine * math.cos(chi_), math.cos(two_theta_)])
    return t @ polarization_form(factor=factor, offset=offset) @ t


def definition(instrument, factor, offset):
    """The equation of the docstring, with angles."""
    positions = lab_positions(detector_positions=instrument.detector.centers(), pose=instrument.pose)
    square = np.cos(two_theta(positions=positions)) ** 2
    azimuth = chi(positions=positions)
    return 0.5 * (1 + square - factor * np.cos(2 * (azimuth + offset)) * (1 - square))


@given(FACTORS, ANGLES)
def test_polarization_on_the_beam_is_one(factor, offset):
    assert of_direction(0.0, 0.0, factor, offset) == 1.0


@given(ANGLES, st.floats(0, math.pi))
def test_polarization_unpolarised_does_not_depend_on_chi(azimuth, angle):
    expected = 0.5 * (1 + math.cos(angle) ** 2)
    assert of_direction(angle, azimuth, 0.0) == pytest.approx(expected, abs=1e-15)


@given(st.floats(0, math.pi))
def test_polarization_horizontal_leaves_the_vertical_plane_uncorrected(angle):
    assert of_direction(angle, math.pi / 2, 1.0) == pytest.approx(1.0, abs=1e-15)
    assert of_direction(angle, 0.0, 1.0) == pytest.approx(math.cos(angle) ** 2, abs=1e-15)


@given(st.floats(0, math.pi))
def test_polarization_vertical_leaves_the_horizontal_plane_uncorrected(angle):
    assert of_direction(angle, 0.0, -1.0) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(("factor", "azimuth"), [(1.0, 0.0), (1.0, math.pi), (-1.0, math.pi / 2)])
def test_polarization_at_90_degrees_along_the_axis_vanishes(factor, azimuth):
    assert of_direction(math.pi / 2, azimuth, factor) == pytest.approx(0.0, abs=1e-15)


def test_polarization_offset_turns_the_axis_of_polarisation():
    assert of_direction(math.pi / 2, -0.3, 1.0, offset=0.3) == pytest.approx(0.0, abs=1e-15)
    assert of_direction(math.pi / 2, 0.3, 1.0, offset=0.3) > 0.1


@given(ANGLES, ANGLES, ANGLES, FACTORS, ANGLES)
def test_polarization_any_geometry_equals_its_definition(rot1, rot2, rot3, factor, offset):
    instrument = Instrument(DETECTOR, Pose(0.03, 0.01, 0.02, rot1, rot2, rot3))
    expected = definition(instrument, factor, offset)
    got = polarization(instrument, factor=factor, offset=offset)
    np.testing.assert_allclose(got, expected, atol=1e-13)
    assert (got >= 0).all()


@given(ANGLES, FACTORS)
def test_polarization_turning_detector_and_axis_together_changes_nothing(turn, factor):
    """Turning about the beam by rot3 lowers chi by it."""
    pose = Pose(0.03, 0.01, 0.02, 0.3, 0.2, 0.1)
    still = polarization(Instrument(DETECTOR, pose), factor=factor)
    turned = polarization(Instrument(DETECTOR, pose.replace(rot3=0.1 + turn)), factor=factor, offset=turn)
    np.testing.assert_allclose(turned, still, atol=1e-13)


def test_polarization_far_field_tends_to_one():
    np.testing.assert_allclose(polarization(Instrument(DETECTOR, Pose(1e5)), factor=0.99), 1.0, atol=1e-12)


def test_polarization_pixel_under_the_beam_is_one():
    instrument = Instrument(Detector(pixel1=1e-3, pixel2=1e-3, shape=(3, 3)), Pose(0.1, 1.5e-3, 1.5e-3))
    assert polarization(instrument, factor=0.99)[1, 1] == 1.0


def test_polarization_factored_path_equals_the_general_one():
    """Q2: the fast path of rows and columns, against centres."""
    corners = DETECTOR.corners()
    corners[0, 0, 0, 0] -= 1e-4  # one odd pixel, so that positions do not factor
    general = DETECTOR.replace(layout=CornerArray(corners), name="corners")
    assert general.separable_edges() is None
    pose = Pose(0.03, 0.01, 0.02, 0.3, 0.2, 0.1)
    fast, slow = (polarization(Instrument(d, pose), factor=0.9, offset=0.2) for d in (DETECTOR, general))
    np.testing.assert_allclose(fast.ravel()[1:], slow.ravel()[1:], atol=1e-14)


def test_polarization_curved_detector_equals_its_definition():
    shape = (12, 40)
    detector = Detector(pixel1=2e-3, pixel2=2e-3, shape=shape, layout=Cylindrical(shape, 2e-3, 2e-3, 0.1))
    instrument = Instrument(detector, Pose(0.1, 0.01, 0.02, 0.3, 0.2, 0.1))
    expected = definition(instrument, 0.9, 0.2)
    np.testing.assert_allclose(polarization(instrument, factor=0.9, offset=0.2), expected, atol=1e-13)


@pytest.mark.parametrize("factor", [1.01, -1.01, 99, math.nan])
def test_polarization_factor_out_of_range_raises(factor):
    with pytest.raises(ParameterError, match="polarization_factor"):
        polarization_form(factor=factor)


def test_polarization_factor_text_raises():
    with pytest.raises(DataTypeError, match="polarization_factor"):
        polarization_form(factor="horizontal")


def test_polarization_offset_not_finite_raises():
    with pytest.raises(ParameterError, match="polarization_offset"):
        polarization_form(factor=0.9, offset=math.inf)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_polarization_fifty_geometries_agree_with_pyfai(orientation):
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    detectors = pytest.importorskip("pyFAI.detectors")
    generator = np.random.default_rng(8)
    d1, d2 = np.mgrid[:60, :80].astype(float)
    detector = Detector(pixel1=1.3e-4, pixel2=2.1e-4, shape=(60, 80), orientation=orientation)
    for index in range(50):
        pose = Pose(generator.uniform(0.02, 1), *generator.uniform(-0.02, 0.05, 2), *generator.uniform(-0.6, 0.6, 3))
        factor, offset = generator.uniform(-1, 1), generator.uniform(-1, 1)
        toy = detectors.Detector(1.3e-4, 2.1e-4, max_shape=(60, 80), orientation=orientation)
        parameters = (pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3)
        other = integrator.AzimuthalIntegrator(*parameters, detector=toy)
        ours = polarization(Instrument(detector, pose), factor=factor, offset=offset)
        square, azimuth = np.cos(other.tth(d1, d2)) ** 2, other.chi(d1, d2)
        exact = 0.5 * (1 + square - factor * np.cos(2 * (azimuth + offset)) * (1 - square))
        np.testing.assert_allclose(ours, exact, atol=1e-12)
        if index < 5:  # pyFAI stores this one in float32
            theirs = other.polarization((60, 80), factor, offset)
            np.testing.assert_allclose(ours, theirs, atol=3e-7)
