# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A smooth distortion comes back where rings tell it, and is not invented where there is none."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import Sighting, recalibrated_distortion, refine, refine_distortion
from azimuthal.calibration.distortion import _Problem
from azimuthal.calibration.positions import located
from azimuthal.calibration.residuals import ring_angles
from azimuthal.detectors import Spline, SplineGrid, SplineSurface
from azimuthal.errors import ParameterError, UnknownNameError, UnsupportedOptionError
from azimuthal.io.detector_files import load_detector
from azimuthal.pipelines.simulate import PowderSettings, expected_image

SHAPE = (300, 280)
DETECTOR = az.Detector(pixel1=2e-4, pixel2=2e-4, shape=SHAPE)
POSE = az.Pose(0.15, 0.033, 0.027, 0.02, -0.03, 0.1)
KNOTS = [np.r_[[0.0] * 3, np.linspace(0, n, 3), [float(n)] * 3] for n in SHAPE]


def distorted(amplitude, seed=0):
    """Return the detector with a smooth random distortion of some pixels."""
    rng = np.random.default_rng(seed)
    surfaces = [SplineSurface(tuple(KNOTS[1]), tuple(KNOTS[0]), tuple(rng.normal(0, amplitude, 25))) for _ in range(2)]
    return DETECTOR.replace(layout=SplineGrid(Spline(SHAPE, 2e-4, 2e-4, *surfaces)))


def sighting(ceo2, detector, rng, n=3000, pose=POSE, error=(0.02, 0.06)):
    truth = az.Instrument(detector, pose, az.Beam(3e-11))
    ring = rng.integers(0, len(ceo2.d_spacings()), 3 * n)
    azimuth, sigma = rng.uniform(-np.pi, np.pi, 3 * n), rng.uniform(*error, 3 * n)
    angle = ring_angles(ceo2.d_spacings(), 3e-11)[0][ring]
    u = np.column_stack((np.sin(angle) * np.sin(azimuth), np.sin(angle) * np.cos(azimuth), np.cos(angle)))
    u = u @ pose.rotation
    u *= pose.dist / u[:, 2:]
    slow, fast = (u[:, 0] + pose.poni1) / 2e-4 - 0.5, (u[:, 1] + pose.poni2) / 2e-4 - 0.5
    inside = (slow > 3) & (slow < SHAPE[0] - 4) & (fast > 3) & (fast < SHAPE[1] - 4)
    slow, fast, ring, angle, azimuth, sigma = (one[inside] for one in (slow, fast, ring, angle, azimuth, sigma))
    *_, pixel, _ = located(truth, angle, azimuth, slow, fast)
    slow, fast, _, ok = located(truth, angle + rng.normal(0, 1, angle.size) * sigma * pixel, azimuth, slow, fast)
    points = az.ControlPoints(slow[ok][:n], fast[ok][:n], ring[ok][:n], sigma[ok][:n])
    return Sighting(points, truth.replace(detector=DETECTOR), ceo2)


def test_jacobian_is_that_of_differences(ceo2):
    rng = np.random.default_rng(0)
    problem = _Problem([sighting(ceo2, distorted(0.3), rng, n=80)], 4, ())
    x = problem.start.copy()
    x[problem.n_pose :] = rng.normal(0, 0.5, problem.size - problem.n_pose)
    _, jacobian = problem.evaluated(0, x)
    for k in range(problem.size):
        step = 1e-6 if k < problem.n_pose else 1e-3
        ends = []
        for sign in (-1, 1):
            moved = x.copy()
            moved[k] += sign * step
            ends.append(problem.evaluated(0, moved)[0])
        np.testing.assert_allclose(jacobian[:, k], (ends[1] - ends[0]) / (2 * step), atol=1e-8)


def test_distortion_of_points_comes_back(ceo2):
    rng = np.random.default_rng(1)
    truth = distorted(0.5)
    found = refine_distortion([sighting(ceo2, truth, rng)])
    assert found.verdict == "good", found.reasons
    assert found.scores[found.roughness] < 0.2 * found.scores[0.0]
    before, after = (np.median(np.abs(one[0])) for one in (found.residuals_before, found.residuals))
    assert after < 0.04 < 3 * after < before
    # rings of another measurement with the true distortion are where they should be
    fresh = sighting(ceo2, truth, np.random.default_rng(99), error=(1e-6, 2e-6))
    t = found.instruments[0].pose.lab_from_detector(
        found.detector.centers()[np.rint(fresh.points.slow).astype(int), np.rint(fresh.points.fast).astype(int)]
    )
    t0 = POSE.lab_from_detector(
        truth.centers()[np.rint(fresh.points.slow).astype(int), np.rint(fresh.points.fast).astype(int)]
    )
    angle, angle0 = (np.arctan2(np.hypot(p[:, 0], p[:, 1]), p[:, 2]) for p in (t, t0))
    assert np.median(np.abs(angle - angle0)) * 0.15 / 2e-4 < 0.02  # pixels
    assert "verdict: good" in found.summary()


def test_detector_without_distortion_is_left_as_it_is(ceo2):
    rng = np.random.default_rng(2)
    found = refine_distortion([sighting(ceo2, DETECTOR, rng)])
    assert found.verdict == "doubtful"
    assert "no better than by chance" in found.reasons[0]
    largest = max(np.abs(one).max() for one in found.displacement(np.arange(0.0, 301, 20), np.arange(0.0, 281, 20)))
    assert largest < 0.1


@pytest.mark.parametrize("orientation", [1, 2, 4])
def test_orientation_of_the_image_changes_nothing(ceo2, orientation):
    one = sighting(ceo2, distorted(0.5), np.random.default_rng(1), n=1500)
    slow = SHAPE[0] - 1 - one.points.slow if orientation in (1, 2) else one.points.slow
    fast = SHAPE[1] - 1 - one.points.fast if orientation in (1, 4) else one.points.fast
    turned = Sighting(
        az.ControlPoints(slow, fast, one.points.ring, one.points.uncertainty),
        one.instrument.replace(detector=DETECTOR.with_orientation(orientation)), ceo2,
    )  # fmt: skip
    np.testing.assert_allclose(
        refine_distortion([turned], intervals=3).residuals[0], refine_distortion([one], intervals=3).residuals[0],
        atol=1e-5,
    )  # fmt: skip


def test_image_of_a_distorted_detector_is_straightened_saved_and_loaded(ceo2, tmp_path):
    truth = az.Instrument(distorted(0.5, seed=3), POSE, az.Beam(3e-11))
    look = PowderSettings(peak_counts=500.0, background=5.0, width=np.radians(0.2))
    frame = np.random.default_rng(0).poisson(expected_image(truth, look))
    start = az.recalibrate(frame, truth.replace(detector=DETECTOR), ceo2).instrument
    found = recalibrated_distortion([frame], [start], [ceo2])
    assert found.verdict == "good", found.summary()
    found.save(tmp_path / "d.h5")
    again = load_detector(tmp_path / "d.h5")
    np.testing.assert_array_equal(again.centers(), found.detector.centers())
    az.save_geometry(found.instruments[0].replace(detector=again), tmp_path / "a.poni")
    checked = az.recalibrate(frame, tmp_path / "a.poni", ceo2)
    assert checked.verdict == "good", checked.summary()
    assert np.median(np.abs(checked.residuals)) < 0.05


def test_what_cannot_be_refined_is_refused(ceo2):
    one = sighting(ceo2, DETECTOR, np.random.default_rng(0), n=200)
    with pytest.raises(UnsupportedOptionError, match="regular grid"):
        refine_distortion([one._replace(instrument=one.instrument.replace(detector=distorted(0.1)))])
    with pytest.raises(ParameterError, match="at least 3 rings"):
        refine_distortion([one._replace(points=one.points.select(one.points.ring < 2))])
    with pytest.raises(ParameterError, match="at least one image"):
        refine_distortion([])
    with pytest.raises(UnknownNameError):
        refine_distortion([one], fix=("tilt",))


def test_wrong_wavelength_is_not_taken_for_a_distortion(ceo2):
    one = sighting(ceo2, DETECTOR, np.random.default_rng(5), error=(0.005, 0.01))
    wrong = one.instrument.replace(beam=az.Beam(one.instrument.wavelength * 1.05))
    start = refine(one.points, wrong, ceo2).instrument
    found = refine_distortion([one._replace(instrument=start)])
    assert found.verdict == "doubtful"
    assert any("another wavelength" in reason for reason in found.reasons), found.summary()


def test_distortion_that_no_wavelength_explains_is_believed(ceo2):
    found = refine_distortion([sighting(ceo2, distorted(0.3), np.random.default_rng(6), error=(0.005, 0.01))])
    assert found.verdict == "good", found.summary()
