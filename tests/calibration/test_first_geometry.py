# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Geometries from simulated ridges; the truth is the pose that they were made with."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.cones import beams, paired, pose_of, ring_angles_of, values_of, vectors_of
from azimuthal.calibration.first_geometry import first_geometries
from azimuthal.calibration.hints import Hint
from azimuthal.calibration.residuals import two_theta_and_jacobian
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.testing.simulated_ridges import RidgeLook, simulated_ridges

PIXEL = 172e-6
DETECTOR = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=(1043, 981))
CENTRES = {"in": (0.08, 0.09), "edge": (0.0, 0.08), "off": (-0.05, 0.05)}


@pytest.fixture(scope="module")
def ceo2():
    return az.calibrant("CeO2", d_min=0.5e-10)


def instrument(tilt=0.0, where="in", dist=0.25, wavelength=4e-11, azimuth=0.7):
    rot2 = np.arcsin(np.sin(np.radians(tilt)) * np.sin(azimuth))
    rot1 = np.arctan(np.tan(np.radians(tilt)) * np.cos(azimuth))
    c1, c2 = CENTRES[where]
    poni = c1 - dist * np.tan(rot2) / np.cos(rot1), c2 + dist * np.tan(rot1)
    return az.Instrument(DETECTOR, az.Pose(dist, *poni, rot1, rot2), az.Beam(wavelength))


def apart(one, other):
    """Return the largest difference of two theta in the middle and at the corners, pixels."""
    rows = [slice(row, row + 1) for row in (0, 521, 1042)]
    x = np.concatenate([DETECTOR.centers(row)[0, [0, 490, 980]] for row in rows])
    angles = [two_theta_and_jacobian(x, i.pose)[0] for i in (one, other)]
    return np.abs(angles[0] - angles[1]).max() / (PIXEL / one.pose.dist)


@pytest.mark.parametrize(
    ("tilt", "where", "wrong"),  # every pair of them; all 24 take 30 s
    [
        (0, "in", 0.0), (0, "edge", 0.3), (0, "off", 0.3), (10, "in", 0.3), (10, "edge", 0.0), (10, "off", 0.3),
        (30, "in", 0.3), (30, "edge", 0.3), (30, "off", 0.0), (45, "in", 0.3), (45, "edge", 0.0), (45, "off", 0.3),
    ],
)  # fmt: skip
def test_first_geometries_of_simulated_ridges_begin_with_the_truth(ceo2, tilt, where, wrong):
    truth = instrument(tilt, where)
    look = RidgeLook(wrong=wrong, weak=0.2, missing=(0,))
    ridges = simulated_ridges(truth, ceo2.d_spacings(), look, seed=1)
    found = first_geometries(ridges, DETECTOR, ceo2, wavelength=4e-11)
    assert apart(truth, found[0].instrument) < 2.0
    assert found[0].n_rings >= 3


@pytest.mark.parametrize(("tilt", "where"), [(0, "in"), (10, "edge"), (30, "in")])
def test_first_geometries_of_half_rings_begin_with_the_truth(ceo2, tilt, where):
    truth = instrument(tilt, where)
    look = RidgeLook(wrong=0.2, sector=(0.3, 0.3 + np.pi))
    found = first_geometries(simulated_ridges(truth, ceo2.d_spacings(), look), DETECTOR, ceo2, wavelength=4e-11)
    assert apart(truth, found[0].instrument) < 2.0


def test_first_geometries_near_ninety_degrees(ceo2):
    truth = instrument(45, "in", dist=0.05, wavelength=1e-10, azimuth=-np.pi / 2)
    edges = np.concatenate([DETECTOR.centers(slice(row, row + 1))[0] for row in (0, 1042)])
    assert np.degrees(two_theta_and_jacobian(edges, truth.pose)[0]).max() > 85
    found = first_geometries(simulated_ridges(truth, ceo2.d_spacings()), DETECTOR, ceo2, wavelength=1e-10)
    assert apart(truth, found[0].instrument) < 2.0


def test_first_geometries_with_foreign_rings_begin_with_the_truth(ceo2):
    truth = instrument(5)
    look = RidgeLook(foreign=tuple(np.radians([4.1, 6.6, 9.7, 13.9, 15.2])), weak=0.3)
    found = first_geometries(simulated_ridges(truth, ceo2.d_spacings(), look), DETECTOR, ceo2, wavelength=4e-11)
    assert apart(truth, found[0].instrument) < 2.0


def test_first_geometries_of_few_points_are_none(ceo2):
    ridges = simulated_ridges(instrument(), ceo2.d_spacings()).select(np.arange(8))
    assert first_geometries(ridges, DETECTOR, ceo2, wavelength=4e-11) == ()


def test_first_geometries_are_the_same_every_time(ceo2):
    ridges = simulated_ridges(instrument(), ceo2.d_spacings(), RidgeLook(wrong=0.2))
    runs = [first_geometries(ridges, DETECTOR, ceo2, wavelength=4e-11) for _ in range(2)]
    assert [c.instrument.pose for c in runs[0]] == [c.instrument.pose for c in runs[1]]


def test_first_geometries_in_a_range_of_wavelengths_find_wide_angles(ceo2):
    truth = instrument(0, "in", dist=0.08, wavelength=7e-11)
    ridges = simulated_ridges(truth, ceo2.d_spacings())
    found = first_geometries(ridges, DETECTOR, ceo2, wavelength=(6e-11, 8e-11))
    assert found[0].instrument.wavelength == pytest.approx(7e-11, rel=0.03)
    assert found[0].instrument.pose.dist == pytest.approx(0.08, rel=0.05)


def test_ridge_vectors_follow_the_rings(ceo2):
    truth = instrument(30)
    ridges = simulated_ridges(truth, ceo2.d_spacings(), RidgeLook(noise=1e-9, turn=1e-9))
    vectors, pose = vectors_of(ridges, DETECTOR), truth.pose
    values = np.array([[pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2]])
    angle, slope = ring_angles_of(vectors, values)
    np.testing.assert_allclose(angle[0], two_theta_and_jacobian(vectors.position, pose)[0], atol=1e-12)
    _, jacobian = two_theta_and_jacobian(vectors.position, pose)  # of the foot of the normal: steps of the detector
    steepest = PIXEL * np.hypot(jacobian[:, 1], jacobian[:, 2])
    np.testing.assert_allclose(slope[0], steepest, rtol=1e-6)
    pairs = paired(vectors, vectors.sample(100))
    assert len(pairs.error) > 30
    assert np.median(np.abs(pairs.apart(values))) < 1e-3


def test_values_of_samples_and_beams_are_poses():
    values = np.array([[0.3, 0.05, -0.1, 0.4, -0.6], [0.1, 0.0, 0.0, 0.0, 0.0]])
    sample, beam = beams(values)
    np.testing.assert_allclose(values_of(sample, beam), values, atol=1e-14)
    np.testing.assert_allclose(beam[0], pose_of(values[0]).rotation[2], atol=1e-14)


@pytest.mark.parametrize("wrong", [0.7, 0.75, 1.0, 1.3])
def test_hint_wrong_by_its_tolerance_is_no_contradiction(ceo2, wrong):
    truth = instrument(tilt=40)
    for meant in (truth.pose.dist, truth.direct_distance):
        assert Hint(distance=wrong * meant).contradictions(truth, ceo2) == ()
    assert Hint(distance=0.6 * truth.pose.dist).contradictions(truth, ceo2)


def test_first_geometries_of_short_arcs_are_found_along_the_radius():
    narrow = az.Detector(pixel1=55e-6, pixel2=55e-6, shape=(256, 1280))
    calibrant = az.calibrant("ZnO")
    truth = az.Instrument(narrow, az.Pose(0.1626, 0.0108, 0.1335, -0.0043, 0.0), az.Beam(4.112e-11))
    ridges = simulated_ridges(truth, calibrant.d_spacings(), RidgeLook(noise=0.2, turn=0.01), seed=2)
    found = first_geometries(ridges, narrow, calibrant, wavelength=4.112e-11, wide=True)
    off = two_theta_and_jacobian(narrow.centers(slice(0, 1))[0, ::64], found[0].instrument.pose)[0]
    off = off - two_theta_and_jacobian(narrow.centers(slice(0, 1))[0, ::64], truth.pose)[0]
    assert np.abs(off).max() < 2 * 55e-6 / 0.1626


def test_hint_that_is_wrong_is_said(ceo2):
    truth = instrument()
    assert Hint(distance=0.27, centre=(470, 520)).contradictions(truth, ceo2) == ()
    texts = Hint(distance=0.5, centre=(100, 520)).contradictions(truth, ceo2)
    assert "distance" in texts[0]
    assert "beam centre" in texts[1]
    ridges = simulated_ridges(truth, ceo2.d_spacings())
    places = np.column_stack((ridges.slow, ridges.fast))[::50]
    assert Hint(points=places).contradictions(truth, ceo2) == ()
    assert Hint(points=places + 30.0).contradictions(truth, ceo2)
    with pytest.raises(ParameterError, match="tolerance"):
        Hint(distance=1.0, tolerance=2.0)
    with pytest.raises(DataTypeError, match="points"):
        Hint(points=np.zeros(3))
