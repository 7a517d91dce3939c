# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Places between pixel centres: on every kind of layout, in every orientation."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.positions import Cells, located
from azimuthal.geometry.coordinates import chi, two_theta


@pytest.mark.parametrize("name", ["Pilatus300k", "Eiger500k", "Xpad_flat", "Aarhus", "Pixirad1"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_place_of_a_pixel_centre_is_that_of_the_detector(name, orientation):
    detector = az.detector(name).with_orientation(orientation)
    instrument = az.Instrument(detector, az.Pose(0.3, 0.01, 0.02, 0.1, 0.2), az.Beam(1e-10))
    rng = np.random.default_rng(1)
    i, j = rng.integers(0, detector.shape[0], 30), rng.integers(0, detector.shape[1], 30)
    found = Cells(instrument, i.astype(float), j.astype(float)).positions(i.astype(float), j.astype(float))
    rows = [detector.centers(slice(int(row), int(row) + 1))[0, column] for row, column in zip(i, j, strict=True)]
    np.testing.assert_allclose(found, rows, atol=2e-6 if name == "Aarhus" else 1e-12)  # its arc is not its chord


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_place_in_a_pixel_moves_with_the_index(orientation):
    detector = az.Detector(pixel1=1e-4, pixel2=2e-4, shape=(20, 30), orientation=orientation)
    instrument = az.Instrument(detector, az.Pose(0.3), az.Beam(1e-10))
    centre, moved = (
        Cells(instrument, np.array([7.0 + s]), np.array([9.0 + s])).positions(np.array([7.0 + s]), np.array([9.0 + s]))
        for s in (0.0, 0.3)
    )
    here, there = detector.centers()[7, 9], detector.centers()[8, 10]
    np.testing.assert_allclose(moved - centre, [0.3 * (there - here)], atol=1e-15)


@pytest.mark.parametrize("name", ["Pilatus300k", "Xpad_flat", "Aarhus"])
def test_located_point_has_the_angles_that_were_asked_for(name):
    detector = az.detector(name)
    instrument = az.Instrument(detector, az.Pose(0.3, 0.01, 0.02, 0.1, 0.2), az.Beam(1e-10))
    rng = np.random.default_rng(1)
    i, j = rng.integers(5, detector.shape[0] - 5, 40), rng.integers(5, detector.shape[1] - 5, 40)
    true = i + rng.uniform(-0.49, 0.49, 40), j + rng.uniform(-0.49, 0.49, 40)
    t = instrument.pose.lab_from_detector(Cells(instrument, *true).positions(*true))
    slow, fast, pixel, ok = located(instrument, two_theta(positions=t), chi(positions=t), i + 1.0, j - 1.0)
    assert ok.mean() > 0.9
    np.testing.assert_allclose(slow[ok], true[0][ok], atol=2e-3)
    np.testing.assert_allclose(fast[ok], true[1][ok], atol=2e-3)
    assert (pixel > 0).all()
