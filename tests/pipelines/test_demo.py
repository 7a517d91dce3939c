# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Parts of the demonstration; the whole of it runs in tests/cli/test_demo.py."""

import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.pipelines.demo import DemoFiles, check_rings, demo_command_line, demo_instrument, demo_settings
from azimuthal.pipelines.simulate import PowderSettings, expected_image


@pytest.fixture(scope="module")
def small():
    """The instrument of the demonstration with blocks of 5 x 5 pixels of a generic camera."""
    instrument = demo_instrument()
    camera = az.Detector(pixel1=3.75e-4, pixel2=3.75e-4, shape=(433, 414))
    return instrument.replace(detector=camera)


def test_demo_instrument_is_an_eiger_4m_that_sees_all_rings():
    instrument = demo_instrument()
    assert instrument.detector.name == "Eiger4M"
    assert instrument.detector.shape == (2167, 2070)
    assert instrument.tilt > math.radians(1)


def test_check_rings_finds_rings_where_the_lattice_has_them(small):
    ai = az.Integrator.from_instrument(small)
    image = expected_image(small, PowderSettings(width=math.radians(0.3)))
    profile = ai.integrate1d(image, 1500, unit="2th_deg", polarization_factor=0.99, variance=np.full(image.shape, 1e-4))
    checks = check_rings(profile, small)
    assert len(checks) == 10
    assert max(abs(check.deviation) for check in checks) < 0.02


def test_check_rings_in_an_empty_pattern_finds_nothing(small):
    ai = az.Integrator.from_instrument(small)
    profile = ai.integrate1d(np.ones(small.detector.shape), 500, unit="2th_deg", error_model="poisson")
    assert all(math.isnan(check.found) for check in check_rings(profile, small))


def test_demo_command_line_says_what_the_settings_are(tmp_path):
    files = DemoFiles.in_folder(tmp_path)
    settings, command = demo_settings(files, force=False), demo_command_line(files)
    for text in (*settings.images, settings.geometry, settings.unit, str(settings.npt), settings.output):
        assert text in command
    for value in settings.choices.values():
        assert str(value) in command
