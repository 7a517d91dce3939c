# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rings of few grains, with streaks through their spots; the truth is the geometry that the image was made with."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.cones import ring_angles_of, vectors_of
from azimuthal.calibration.residuals import two_theta_and_jacobian
from azimuthal.calibration.ridges import Ridges, find_ridges
from azimuthal.calibration.ring_points import usable_pixels
from azimuthal.calibration.spots import directed_spots
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image, largest_difference

DETECTOR = az.Detector(pixel1=172e-6, pixel2=172e-6, shape=(400, 500))


@pytest.fixture(scope="module")
def streaked():
    truth = az.Instrument(DETECTOR, az.Pose(0.15, -0.04, 0.02, 0.1, 0.3), az.Beam(6e-11))
    look = CalibrantLook(fwhm=3.5e-3, counts=9000.0, background=8.0, lorentz=0.9, grains=500.0, spot=1.3)
    made = calibrant_image(truth, az.calibrant("CeO2"), look, seed=4)
    return truth, made, usable_pixels(made.image, truth, made.mask)


def test_directed_spots_are_on_rings_and_across_them(streaked):
    truth, made, usable = streaked
    ridges = find_ridges(made.image, usable)
    found = directed_spots(ridges, made.image, usable)
    vectors, pose = vectors_of(found, DETECTOR), truth.pose
    values = np.array([[pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2]])
    angle, slope = (array[0] for array in ring_angles_of(vectors, values))
    known = made.calibrant.two_theta(truth.wavelength)
    off = np.abs(angle[:, None] - known).min(axis=1) / slope
    assert len(found) > 40
    assert np.median(off) < 0.3
    jacobian = two_theta_and_jacobian(vectors.position, pose)[1]
    normal = jacobian[:, 1:3] / np.linalg.norm(jacobian[:, 1:3], axis=1, keepdims=True)
    turn = np.arccos(np.clip(np.abs(np.sum(normal * found.normal, axis=1)), 0, 1))
    sure = found.normal_error < 0.05
    assert sure.sum() > 20
    assert np.median(turn[sure]) < np.radians(1.5)


def test_calibrate_finds_rings_of_streaked_spots(streaked):
    truth, made, _ = streaked
    found = az.calibrate(
        made.image, detector=DETECTOR, calibrant=made.calibrant, wavelength=truth.wavelength, mask=made.mask
    )  # fmt: skip
    assert largest_difference(truth, found.instrument) < 0.5


def test_directed_spots_of_nothing_are_none():
    image = np.zeros((50, 50))
    assert len(directed_spots(Ridges.empty(), image, np.ones(image.shape, dtype=np.bool_))) == 0
