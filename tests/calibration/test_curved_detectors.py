# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cylinders, rows of turned modules and hexagons are calibrated as flat detectors are."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.curved_detectors import _facing_frame
from azimuthal.detectors import Cylindrical, Faceted
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image

RADIUS = 0.127
CYLINDER = az.Detector(pixel1=6e-4, pixel2=6e-4, shape=(300, 780), layout=Cylindrical((300, 780), 6e-4, 6e-4, RADIUS))
MODULES = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(300, 100), layout=Faceted((300, 100), 1e-3, 1e-3, 5, 20.0, 2e-3))
# on the axis of the cylinder; the beam at a third of its arc, at its end, and 80 degrees from the frame's axis 3
INSTRUMENTS = {
    "a third": az.Instrument(CYLINDER, az.Pose(RADIUS, 0.09, 0.0, -1.2, 0.01), az.Beam(7e-11)),
    "end": az.Instrument(CYLINDER, az.Pose(RADIUS, 0.08, 0.001, -0.3, 0.01), az.Beam(7e-11)),
    "modules": az.Instrument(MODULES, az.Pose(0.25, 0.04, 0.05, 0.0, 0.4), az.Beam(5e-11)),
    "hexagons": az.Instrument(az.detector("Pixirad1"), az.Pose(0.06, 0.012, 0.015, 0.05, 0.05), az.Beam(6e-11)),
}


def image_of(truth):
    width = 3 * truth.detector.pixel2 / truth.pose.dist
    return calibrant_image(truth, az.calibrant("LaB6"), CalibrantLook(fwhm=width, counts=2000.0), seed=1)


def off(found, truth):
    """Return the largest difference of two theta, pixels."""
    angles = []
    for instrument in (found.instrument, truth):
        t = instrument.pose.lab_from_detector(truth.detector.centers())
        angles.append(np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2]))
    return np.abs((angles[0] - angles[1]) * np.linalg.norm(t, axis=-1) / truth.detector.pixel2).max()


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_rough_geometry_is_refined(name):
    truth = INSTRUMENTS[name]
    seen = image_of(truth)
    pose, step = truth.pose, truth.detector.pixel1
    start = truth.replace(pose=pose.replace(dist=1.003 * pose.dist, poni1=pose.poni1 + step))
    found = az.recalibrate(seen.image, start, "LaB6", mask=seen.mask)
    assert found.verdict != "failed", found.reasons
    assert off(found, truth) < 4 * found.largest_error + 0.02
    assert off(found, truth) < (0.4 if name == "modules" else 0.1)  # few points on a narrow strip: doubtful


@pytest.mark.parametrize("name", ["a third", "modules"])
def test_geometry_is_found_from_nothing(name):
    truth = INSTRUMENTS[name]
    seen = image_of(truth)
    found = az.calibrate(
        seen.image, detector=truth.detector, calibrant="LaB6", wavelength=truth.wavelength, mask=seen.mask
    )
    assert found.verdict != "failed", found.reasons
    assert off(found, truth) < 4 * found.largest_error + 0.02
    assert off(found, truth) < (0.4 if name == "modules" else 0.1)
    assert found.instrument.detector == truth.detector


def test_frame_that_faces_a_detector_sees_the_same_angles():
    truth = INSTRUMENTS["a third"]
    frame = _facing_frame(CYLINDER)
    pose = frame.pose(truth.pose)
    x = CYLINDER.centers().reshape(-1, 3)
    t, u = truth.pose.lab_from_detector(x), pose.lab_from_detector((x - frame.origin) @ frame.axes.T)
    np.testing.assert_allclose(np.linalg.norm(u, axis=1), np.linalg.norm(t, axis=1), rtol=1e-12)
    np.testing.assert_allclose(u[:, 2], t[:, 2], atol=1e-12)
    back = frame.inverse().pose(pose)
    for name in ("dist", "poni1", "poni2", "rot1", "rot2"):
        assert getattr(back, name) == pytest.approx(getattr(truth.pose, name), abs=1e-12)
    assert abs(pose.rot1) < 1.2  # nearer to the normal
    assert _facing_frame(az.detector("Pilatus100k")) is None
