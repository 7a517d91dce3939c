# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Places between pixel centres: on every kind of layout, in every orientation."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.positions import Cells, located
from azimuthal.errors import ParameterError
from azimuthal.geometry.coordinates import chi, two_theta
from azimuthal.geometry.parallax import ParallaxSettings


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


def test_cells_under_another_pose_are_those_of_that_instrument():
    """Also with a parallax, whose absorption goes with the energy; another detector is refused."""
    detector = az.detector("Pilatus100k")
    rng = np.random.default_rng(4)
    slow, fast = rng.uniform(0, 194, 50), rng.uniform(0, 486, 50)
    for parallax in (None, ParallaxSettings(500.0, 3.2e-4)):
        first = az.Instrument(detector, az.Pose(0.1), az.Beam(1e-10), parallax=parallax)
        other = first.replace(pose=az.Pose(0.2, 0.01, 0.02, 0.1, 0.2, 0.0), beam=az.Beam(0.5e-10))
        shared = Cells(first, slow, fast).under(other)
        assert np.array_equal(shared.angles(slow, fast), Cells(other, slow, fast).angles(slow, fast))
    with pytest.raises(ParameterError, match="instrument"):
        Cells(first, slow, fast).under(az.Instrument(az.detector("Pilatus300k"), az.Pose(0.1), az.Beam(1e-10)))
