# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The minimum on the other side of the beam: found, told apart, or said."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.opposite_tilt import tilted_the_other_way
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image, largest_difference

DETECTOR = az.Detector(pixel1=1.2e-4, pixel2=1.2e-4, shape=(240, 250))
CALIBRANT = az.Calibrant.from_d_spacings(200e-10 / np.arange(1, 9), name="layers")


def instrument(rot1, rot2):
    """Return a long instrument with the beam near the middle, tilted."""
    dist = 2.0
    pose = az.Pose(dist, 0.013 - dist * np.tan(rot2) / np.cos(rot1), 0.016 + dist * np.tan(rot1), rot1, rot2)
    return az.Instrument(DETECTOR, pose, az.Beam(0.4e-10))


@pytest.mark.parametrize(("rot1", "rot2"), [(0.02, -0.01), (0.5, 0.3), (0.0, 0.0)])
def test_other_way_has_the_same_beam_and_the_opposite_normal(rot1, rot2):
    one = instrument(rot1, rot2)
    other = tilted_the_other_way(one)
    np.testing.assert_allclose(other.beam_center, one.beam_center)
    assert other.direct_distance == pytest.approx(one.direct_distance)
    assert other.tilt == pytest.approx(one.tilt)
    np.testing.assert_allclose(tilted_the_other_way(other).pose.rot2, one.pose.rot2)


def test_beam_that_misses_the_plane_has_no_other_way():
    assert tilted_the_other_way(az.Instrument(DETECTOR, az.Pose(0.1, 0, 0, 2.0))) is None


@pytest.mark.parametrize("counts", [1e6, 30.0])
def test_start_on_the_wrong_side_is_right_or_not_good(counts):
    truth = instrument(0.06, -0.05)
    look = CalibrantLook(fwhm=3 * 1.2e-4 / 2, counts=counts, background=0.01 * counts, heights="random")
    made = calibrant_image(truth, CALIBRANT, look, seed=2)
    found = az.recalibrate(made.image, tilted_the_other_way(truth), CALIBRANT)
    if counts > 1e5:
        assert np.sign(found.instrument.pose.rot1) == 1
        assert found.verdict == "good", found.summary()
    if found.verdict == "good":
        assert largest_difference(truth, found.instrument) < 0.1
