# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A wrong wavelength at small angles: told where the detector is tilted, unknown where it is not, and never made up."""

from dataclasses import replace

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.other_wavelength import preferred_wavelength
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image

DETECTOR = az.Detector(pixel1=1.2e-4, pixel2=1.2e-4, shape=(240, 250))
CALIBRANT = az.Calibrant.from_d_spacings(100e-10 / np.arange(1, 9), name="layers")
WAVELENGTH = 0.8e-10


def geometry(tilt, wavelength=WAVELENGTH):
    """Return a long instrument (all rings below two degrees) with the distance that goes with a wavelength."""
    dist, rot1, rot2 = 0.6 * WAVELENGTH / wavelength, tilt, -0.7 * tilt
    pose = az.Pose(dist, 0.013 - dist * np.tan(rot2) / np.cos(rot1), 0.016 + dist * np.tan(rot1), rot1, rot2)
    return az.Instrument(DETECTOR, pose, az.Beam(wavelength))


def found_with(tilt, factor, counts=5e4):
    """Return the calibration of an image that is told a wavelength times a factor."""
    look = CalibrantLook(fwhm=2.5 * 1.2e-4 / 0.6, counts=counts, background=0.02 * counts, heights="random")
    image = calibrant_image(geometry(tilt), CALIBRANT, look, seed=3).image
    return az.recalibrate(image, geometry(tilt, factor * WAVELENGTH), CALIBRANT)


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_wrong_wavelength_on_a_tilted_detector_is_doubtful_and_told(factor):
    """Within its error, from both sides: a longer distance, which makes all angles smaller, is no better fit."""
    found = found_with(0.15, factor)
    change, error = preferred_wavelength(found.refinement, CALIBRANT, loss="soft_l1")
    assert found.verdict == "doubtful", found.summary()
    assert any("wavelength (or cell) different" in reason for reason in found.reasons)
    assert abs((1 + change) * factor - 1) < 4 * factor * error
    assert error < 0.06


def test_right_wavelength_on_a_tilted_detector_is_no_doubt():
    found = found_with(0.15, 1.0)
    assert found.verdict == "good", found.summary()


@pytest.mark.parametrize("factor", [0.8, 1.0])
def test_wavelength_that_no_ring_tells_is_no_doubt(factor):
    """Across the beam and at small angles: nothing speaks against the wavelength that was told."""
    found = found_with(0.0, factor, counts=300.0)
    assert preferred_wavelength(found.refinement, CALIBRANT, loss="soft_l1") is None


def test_refinement_that_ran_away_prefers_no_wavelength():
    """What did not converge may be where pixels have no size; it failed anyway."""
    refinement = replace(found_with(0.15, 0.8).refinement, converged=False)
    assert preferred_wavelength(refinement, CALIBRANT, loss="soft_l1") is None
