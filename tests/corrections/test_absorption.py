# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Absorption in the sensor: analytic limits and pyFAI as a comparison (C1, C4)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.corrections import absorbed_fraction, absorption
from azimuthal.detectors import Cylindrical, Detector
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.geometry import Pose
from azimuthal.geometry.coordinates import cos_incidence
from azimuthal.instrument import Instrument

COSINES = np.linspace(0.05, 1.0, 20)


@given(st.floats(0.0, 0.999999))
def test_absorbed_fraction_at_normal_incidence_is_one(transmission):
    got = absorbed_fraction(cos_incidence=np.array(1.0), transmission=transmission)
    assert got == pytest.approx(1.0, rel=1e-9)


def test_absorbed_fraction_opaque_sensor_is_one_everywhere():
    np.testing.assert_array_equal(absorbed_fraction(cos_incidence=COSINES, transmission=0.0), 1.0)


def test_absorbed_fraction_transparent_sensor_tends_to_the_path_length():
    got = absorbed_fraction(cos_incidence=COSINES, transmission=1 - 1e-9)
    np.testing.assert_allclose(got, 1 / COSINES, rtol=1e-6)


def test_absorbed_fraction_zero_thickness_has_no_other_value_than_the_limit():
    with pytest.raises(ParameterError, match="t0 < 1"):
        absorbed_fraction(cos_incidence=COSINES, transmission=1.0)


def test_absorbed_fraction_at_grazing_incidence_absorbs_all():
    got = absorbed_fraction(cos_incidence=np.array(0.0), transmission=0.75)
    assert got == pytest.approx(4.0, rel=1e-15)


@given(st.floats(0.0, 0.99), st.floats(0.01, 1.0))
def test_absorbed_fraction_equals_its_definition(transmission, cosine):
    expected = (1 - transmission ** (1 / cosine)) / (1 - transmission)
    got = absorbed_fraction(cos_incidence=np.array(cosine), transmission=transmission)
    assert got == pytest.approx(expected, rel=1e-11)


def test_absorbed_fraction_at_the_size_in_the_docstring():
    got = absorbed_fraction(cos_incidence=np.array(math.cos(math.pi / 6)), transmission=0.49)
    assert got == pytest.approx(1.10, abs=0.005)


def test_absorbed_fraction_nan_stays_nan():
    for transmission in (0.0, 0.5):
        assert np.isnan(absorbed_fraction(cos_incidence=np.array(np.nan), transmission=transmission))


def test_absorption_of_a_detector_uses_its_incidence():
    instrument = Instrument(Detector(pixel1=1e-3, pixel2=2e-3, shape=(20, 30)), Pose(0.03, 0.01, 0.02, 0.3, 0.2, 0.1))
    cosine = cos_incidence(detector_positions=instrument.detector.centers(), pose=instrument.pose)
    expected = absorbed_fraction(cos_incidence=cosine, transmission=0.4)
    np.testing.assert_allclose(absorption(instrument, transmission=0.4), expected, rtol=1e-14)


def test_absorption_cylinder_about_the_sample_is_constant_along_the_arc():
    shape = (1, 40)
    detector = Detector(pixel1=2e-3, pixel2=2e-3, shape=shape, layout=Cylindrical(shape, 2e-3, 2e-3, 0.1))
    got = absorption(Instrument(detector, Pose(0.1, 1e-3, 0.0)), transmission=0.4)
    np.testing.assert_allclose(got, 1.0, atol=1e-12)


@pytest.mark.parametrize("transmission", [-0.1, 1.0, 1.5, math.nan])
def test_absorption_transmission_out_of_range_raises(transmission):
    with pytest.raises(ParameterError, match="transmission"):
        absorbed_fraction(cos_incidence=COSINES, transmission=transmission)


def test_absorption_transmission_text_raises():
    with pytest.raises(DataTypeError, match="transmission"):
        absorbed_fraction(cos_incidence=COSINES, transmission="half")


def test_absorption_agrees_with_pyfai():
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    detectors = pytest.importorskip("pyFAI.detectors")
    toy = detectors.Detector(1.3e-4, 2.1e-4, max_shape=(60, 80))
    other = integrator.AzimuthalIntegrator(0.03, 0.01, 0.02, 0.3, 0.2, 0.1, detector=toy)
    detector = Detector(pixel1=1.3e-4, pixel2=2.1e-4, shape=(60, 80))
    ours = absorption(Instrument(detector, Pose(0.03, 0.01, 0.02, 0.3, 0.2, 0.1)), transmission=0.4)
    # pyFAI caches the cosine of incidence in float32.
    np.testing.assert_allclose(ours, other.calc_transmission(0.4, (60, 80)), rtol=1e-6)
