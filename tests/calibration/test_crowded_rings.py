# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rings that overlap; the truth is the geometry that the image was made with."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.crowded_rings import points_on_crowded_rings
from azimuthal.calibration.refinement import refine
from azimuthal.calibration.ring_points import RingSettings, points_on_rings, usable_pixels
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image, largest_difference

DETECTOR = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=(256, 256))
POSE = az.Pose(0.2, 0.03, 0.005, 0.05, -0.1)


@pytest.fixture(scope="module")
def doublets():
    """Rings in pairs, 1.3 widths from each other."""
    truth = az.Instrument(DETECTOR, POSE, az.Beam(1e-10))
    fwhm = 6 * 1e-4 / 0.2
    first = np.arange(0.03, 0.13, 0.016)
    angles = np.sort(np.concatenate((first, first + 1.3 * fwhm)))
    calibrant = az.Calibrant.from_d_spacings(1e-10 / (2 * np.sin(angles / 2)), name="pairs")
    look = CalibrantLook(fwhm=fwhm, counts=300.0, background=60.0, heights="random")
    return truth, calibrant_image(truth, calibrant, look, seed=3), fwhm


def test_points_on_rings_that_overlap_are_none(doublets):
    truth, made, fwhm = doublets
    settings = RingSettings(separation=2 * fwhm * 0.2 / 1e-4)
    assert len(points_on_rings(made.image, truth, made.calibrant, settings=settings).points) == 0


def test_points_on_crowded_rings_lead_to_the_truth(doublets):
    truth, made, fwhm = doublets
    usable = usable_pixels(made.image, truth, made.mask)
    instrument = truth.replace(pose=POSE.replace(poni1=POSE.poni1 + 1e-4, dist=POSE.dist * 1.001))
    for width in (0.8 * fwhm, fwhm):
        found = points_on_crowded_rings(
            made.image, instrument, made.calibrant, usable=usable, fwhm=width, settings=RingSettings()
        )  # fmt: skip
        refined = refine(found.points, instrument, made.calibrant)
        instrument = refined.instrument
    assert largest_difference(truth, instrument) < 0.05
    assert found.overlapping
    assert 0.7 < refined.reduced_chi_square < 1.4
    np.testing.assert_allclose(np.median(found.fwhm), 6.0, atol=0.3)
