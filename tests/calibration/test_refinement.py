# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Refinement: the truth within its errors, errors that are honest, and what rings cannot tell is said."""

import logging

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import refine
from azimuthal.calibration.positions import Cells, located
from azimuthal.calibration.residuals import ring_angles, two_theta_and_jacobian
from azimuthal.errors import ParameterError, UnknownNameError, WavelengthMissingError
from azimuthal.testing.simulated_points import simulated_points

DETECTOR = az.Detector(pixel1=2e-4, pixel2=2e-4, shape=(1000, 1000))
TRUTH = az.Instrument(DETECTOR, az.Pose(0.2, 0.09, 0.105, 0.02, -0.03, 0.1), az.Beam(4e-11))
START = TRUTH.replace(pose=az.Pose(0.202, 0.0905, 0.1045, 0.0, 0.0, 0.1))


def simulated(ceo2, seed, n=300, sigma=(0.02, 0.2), instrument=TRUTH):
    """Return points on the rings, displaced across them by normal errors of known size."""
    rng = np.random.default_rng(seed)
    ring, azimuth = rng.integers(0, 10, n), rng.uniform(-np.pi, np.pi, n)
    angle = ring_angles(ceo2.d_spacings(), instrument.wavelength)[0][ring]
    u = np.column_stack((np.sin(angle) * np.sin(azimuth), np.sin(angle) * np.cos(azimuth), np.cos(angle)))
    u = u @ instrument.pose.rotation
    u *= instrument.pose.dist / u[:, 2:]
    slow, fast = (u[:, 0] + instrument.pose.poni1) / 2e-4 - 0.5, (u[:, 1] + instrument.pose.poni2) / 2e-4 - 0.5
    *_, pixel, _ = located(instrument, angle, azimuth, slow, fast)
    error = rng.uniform(*sigma, n)
    slow, fast, _, ok = located(instrument, angle + rng.normal(0, 1, n) * error * pixel, azimuth, slow, fast)
    return az.ControlPoints(slow[ok], fast[ok], ring[ok], error[ok])


def test_exact_points_give_the_truth(ceo2):
    points = simulated(ceo2, 0, sigma=(1e-9, 2e-9))
    found = refine(points, START, ceo2)
    assert found.converged
    for name in found.free:
        assert found.values[name] == pytest.approx(getattr(TRUTH.pose, name), abs=1e-8)
    assert found.instrument.pose.rot3 == 0.1


@pytest.mark.slow
def test_pulls_over_many_simulations_have_unit_width(ceo2):
    pulls, inside = [], []
    for seed in range(400):
        found = refine(simulated(ceo2, seed), START, ceo2)
        pulls.append(
            [(found.values[name] - getattr(TRUTH.pose, name)) / found.standard_errors[name] for name in found.free]
        )
        inside.append(found.used.mean())
    width = np.std(pulls, axis=0)
    assert (width > 0.9).all(), width
    assert (width < 1.1).all(), width
    assert (np.abs(np.mean(pulls, axis=0)) < 4 / np.sqrt(400)).all()
    assert min(inside) > 0.97


def test_outliers_are_left_out_and_change_little(ceo2):
    points = simulated(ceo2, 3)
    slow = points.slow.copy()
    slow[::15] += 4.0
    spoiled = az.ControlPoints(slow, points.fast, points.ring, points.uncertainty)
    found = refine(spoiled, START, ceo2)
    assert (~found.used[::15]).mean() > 0.6  # those that moved across their ring
    for name in found.free:
        assert abs(found.values[name] - getattr(TRUTH.pose, name)) < 4 * found.standard_errors[name]
    assert refine(spoiled, START, ceo2, outliers=None).used.all()


def test_scatter_beyond_counting_is_found(ceo2):
    points = simulated(ceo2, 4, sigma=(0.19, 0.21))
    told = az.ControlPoints(points.slow, points.fast, points.ring, np.full(len(points), 0.02))
    found = refine(told, START, ceo2)
    assert found.scatter == pytest.approx(0.2, rel=0.2)
    assert found.reduced_chi_square > 50
    honest = refine(points, START, ceo2)
    for name in found.free:
        assert found.standard_errors[name] == pytest.approx(honest.standard_errors[name], rel=0.15)


def test_rings_that_are_off_as_a_whole_enlarge_the_errors(ceo2):
    points = simulated(ceo2, 5, n=2000)
    off = np.random.default_rng(1).normal(0, 1e-3, 10)
    shifted = az.Calibrant.from_d_spacings(ceo2.d_spacings() * (1 + off))
    found, right = refine(points, START, shifted), refine(points, START, ceo2)
    assert right.ring_scatter == 0
    assert found.ring_scatter > 0
    assert found.standard_errors["dist"] > 3 * right.standard_errors["dist"]


def test_rot3_is_said_to_be_unknown(ceo2):
    found = refine(simulated(ceo2, 6), START, ceo2, fix="wavelength")
    assert "rot3" in found.degenerate[0]
    assert found.standard_errors["rot3"] == np.inf
    assert found.values["rot3"] == 0.1
    assert np.isfinite(found.standard_errors["rot1"])


def test_shift_and_tilt_at_small_angles_are_said_to_be_alike(ceo2):
    far = TRUTH.replace(pose=az.Pose(3.0, 0.1, 0.1), beam=az.Beam(1e-11))
    found = refine(simulated(ceo2, 7, instrument=far), far, ceo2)
    assert any(text.startswith("poni1 and rot2") for text in found.correlated)


def test_distance_and_wavelength_together_are_possible_at_wide_angles(ceo2):
    found = refine(simulated(ceo2, 8), START, ceo2, fix=("rot3",))
    assert abs(found.values["wavelength"] - 4e-11) < 4 * found.standard_errors["wavelength"]
    assert 0 < found.standard_errors["wavelength"] < 1e-3 * 4e-11


@pytest.mark.parametrize(("tilt", "sigma"), [(0.0, 1.0), (0.1, 0.3)])
def test_free_wavelength_at_small_angles_is_unbiased(tilt, sigma):
    """Silver behenate to 6 degrees: only the bend of the tangent tells the wavelength, to 6 and 2 %.

    With errors of points in rad a longer distance would make them all smaller: mean pulls of -60 and -4.
    """
    behenate = az.Calibrant.from_d_spacings(58.38e-10 / np.arange(1, 9))
    truth = az.Instrument(DETECTOR, az.Pose(0.6, 0.1, 0.1, tilt), az.Beam(1e-10))
    start = truth.replace(pose=truth.pose.replace(dist=0.55), beam=az.Beam(1.05e-10))
    exact = simulated_points(truth, behenate, np.random.default_rng(0), n=200, sigma=(1e-9, 2e-9))
    slopes = Cells(truth, exact.slow, exact.fast).slopes(exact.slow, exact.fast)
    across = np.array((slopes.angle1, slopes.angle2)) / np.hypot(slopes.angle1, slopes.angle2)
    pulls = []
    for seed in range(100):
        slow, fast = (exact.slow, exact.fast) + across * np.random.default_rng(seed).normal(0, sigma, len(exact))
        points = az.ControlPoints(slow, fast, exact.ring, np.full(len(exact), sigma))
        found = refine(points, start, behenate, fix=("rot3",))
        assert found.converged
        pulls.append((found.values["wavelength"] - 1e-10) / found.standard_errors["wavelength"])
    assert abs(np.mean(pulls)) < 3 / np.sqrt(100)
    assert 0.8 < np.std(pulls) < 1.2


def test_bounds_hold_and_are_told(ceo2):
    found = refine(simulated(ceo2, 9), START, ceo2, bounds={"dist": (0.201, 0.21)})
    assert found.values["dist"] == pytest.approx(0.201, rel=1e-9)
    assert found.at_bound == ("dist",)
    with pytest.raises(ParameterError, match="around the start"):
        refine(simulated(ceo2, 9), START, ceo2, bounds={"dist": (0.3, 0.4)})


def test_orientation_and_region_change_nothing(ceo2):
    """The same points on a mirrored image give the same pose."""
    points = simulated(ceo2, 10)
    mirrored = START.replace(detector=DETECTOR.with_orientation(2))
    turned = az.ControlPoints(999 - points.slow, points.fast, points.ring, points.uncertainty)
    np.testing.assert_allclose(
        list(refine(turned, mirrored, ceo2).values.values()), list(refine(points, START, ceo2).values.values()),
        rtol=1e-7, atol=1e-12,
    )  # fmt: skip


def test_parallax_is_refined_consistently(ceo2):
    thick = DETECTOR.with_sensor("Si", 1e-3)
    with_it = TRUTH.replace(detector=thick, parallax=True, beam=az.Beam(4e-11))
    points = simulated(ceo2, 11, sigma=(1e-9, 2e-9), instrument=with_it)
    start = with_it.replace(pose=START.pose)
    found = refine(points, start, ceo2)
    assert found.values["dist"] == pytest.approx(0.2, abs=1e-7)
    without = refine(points, start.replace(parallax=None), ceo2)
    assert abs(without.values["dist"] - 0.2) > 1e-5  # the distance swallows the shift


def test_what_cannot_be_refined_is_refused(ceo2):
    points = simulated(ceo2, 12)
    with pytest.raises(UnknownNameError, match="did you mean"):
        refine(points, START, ceo2, fix=("rot_3",))
    with pytest.raises(ParameterError, match="more than 5 points"):
        refine(points.select(slice(0, 5)), START, ceo2)
    with pytest.raises(ParameterError, match="at least one free"):
        refine(points, START, ceo2, fix=("dist", "poni1", "poni2", "rot1", "rot2", "rot3", "wavelength"))
    with pytest.raises(WavelengthMissingError):
        refine(points, START.replace(beam=az.Beam()), ceo2)
    with pytest.raises(ParameterError, match="rings"):
        refine(points, START, az.Calibrant.from_d_spacings([3e-10]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
def test_minimum_is_that_of_pyfai_or_lower(ceo2, seed):
    logging.disable(logging.CRITICAL)
    pyfai = pytest.importorskip("pyFAI.geometryRefinement")
    from pyFAI.calibrant import Calibrant
    from pyFAI.detectors import Detector

    points = simulated(ceo2, seed, sigma=(0.1, 0.1 + 1e-12))
    theirs = pyfai.GeometryRefinement(
        np.column_stack((points.slow, points.fast, points.ring)),
        dist=0.202, poni1=0.0905, poni2=0.1045, rot1=0, rot2=0, rot3=0.1, wavelength=4e-11,
        detector=Detector(2e-4, 2e-4, max_shape=(1000, 1000)),
        calibrant=Calibrant(dspacing=(ceo2.d_spacings() * 1e10).tolist(), wavelength=4e-11),
    )  # fmt: skip
    theirs.refine3(fix=["rot3", "wavelength"])
    logging.disable(logging.NOTSET)
    ours = refine(points, START, ceo2, loss="linear", outliers=None, scatter=0.0)
    positions = np.column_stack(((points.slow + 0.5) * 2e-4, (points.fast + 0.5) * 2e-4, np.zeros(len(points))))
    expected = ring_angles(ceo2.d_spacings()[points.ring], 4e-11)[0]

    def cost(pose):  # pyFAI minimises squares in radians, we weigh by the pixel: compare ours by its own cost
        residuals = two_theta_and_jacobian(positions, pose)[0] - expected
        return float(np.sum((residuals / PIXEL) ** 2)), float(np.sum(residuals**2))

    PIXEL = ours.residuals_rad / ours.residuals
    their_pose = az.Pose(theirs.dist, theirs.poni1, theirs.poni2, theirs.rot1, theirs.rot2, theirs.rot3)
    assert cost(ours.instrument.pose)[0] <= cost(their_pose)[0] * (1 + 1e-9)
    # with their weights, ours reaches their minimum too
    sigma = points.uncertainty * PIXEL.mean() / PIXEL
    same = refine(
        az.ControlPoints(points.slow, points.fast, points.ring, sigma), START, ceo2,
        loss="linear", outliers=None, scatter=0.0,
    )  # fmt: skip
    assert cost(same.instrument.pose)[1] <= cost(their_pose)[1] * (1 + 1e-6)
