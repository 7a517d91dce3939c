# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Modules: simulated displacements come back within their errors, and only where the rings tell them."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import Sighting, module_map, recalibrated_modules, refine_modules
from azimuthal.calibration.modules import _Problem, _rigid_motions
from azimuthal.calibration.positions import located
from azimuthal.calibration.residuals import ring_angles
from azimuthal.detectors import DisplacedModules, ModuleDisplacement, ModuleGrid
from azimuthal.errors import ParameterError, ShapeError, UnknownNameError, UnsupportedOptionError
from azimuthal.io.detector_files import load_detector, save_detector
from azimuthal.pipelines.simulate import PowderSettings, expected_image

GRID = ModuleGrid(count=(3, 2), size=(100, 140), gap=(10, 6))
DETECTOR = az.Detector(pixel1=2e-4, pixel2=2e-4, shape=GRID.shape, modules=GRID)
RECTANGLES = [(i * 110, j * 146, 100, 140) for i in range(3) for j in range(2)]
# four images: the beam in the middle, and beyond three edges, so that rings cross modules in all directions
POSES = [
    az.Pose(0.15, 0.032, 0.029, 0.02, -0.03, 0.1), az.Pose(0.16, -0.005, 0.02, 0.0, 0.05),
    az.Pose(0.14, 0.03, -0.006, 0.1, 0.0), az.Pose(0.15, 0.07, 0.06, -0.1, 0.1),
]  # fmt: skip


SIZES = np.tile([6e-5, 6e-5, 0.3 / 86], 6)


def displaced(values):
    modules = tuple(ModuleDisplacement(one, *row) for one, row in zip(RECTANGLES, values, strict=True))
    return DETECTOR.replace(layout=DisplacedModules(DETECTOR.layout, modules))


def drawn(rng, out_of_plane=False):
    """Return displacements without rigid motion."""
    sizes = np.array([0.3 * 2e-4, 0.3 * 2e-4, 0.3 / 86, 1e-4, 2e-3, 2e-3])  # pixels, half a diagonal of 86 pixels
    values = rng.normal(0, 1, (6, 6)) * sizes
    if not out_of_plane:
        values[:, 3:] = 0.0
    return values


def in_gauge(values, problem):
    """Return displacements without the rigid motions that the priors weigh."""
    kinds = problem.kinds
    prior = problem.prior[problem.n_pose :]
    gauge = np.column_stack(_rigid_motions(problem))
    flat = values[:, :kinds].ravel()
    weighted = gauge * prior[:, None]
    return (flat - gauge @ np.linalg.solve(gauge.T @ weighted, weighted.T @ flat)).reshape(-1, kinds)


def sightings(ceo2, detector, rng, n=1500, poses=POSES, error=(0.03, 0.1)):
    found = []
    for pose in poses:
        truth = az.Instrument(detector, pose, az.Beam(3e-11))
        ring = rng.integers(0, len(ceo2.d_spacings()), 4 * n)
        azimuth, sigma = rng.uniform(-np.pi, np.pi, 4 * n), rng.uniform(*error, 4 * n)
        angle = ring_angles(ceo2.d_spacings(), 3e-11)[0][ring]
        u = np.column_stack((np.sin(angle) * np.sin(azimuth), np.sin(angle) * np.cos(azimuth), np.cos(angle)))
        u = u @ pose.rotation
        u *= pose.dist / u[:, 2:]
        slow, fast = (u[:, 0] + pose.poni1) / 2e-4 - 0.5, (u[:, 1] + pose.poni2) / 2e-4 - 0.5
        inside = (slow > 0) & (slow < DETECTOR.shape[0] - 1) & (fast > 0) & (fast < DETECTOR.shape[1] - 1)
        slow, fast, ring, angle, azimuth, sigma = (one[inside] for one in (slow, fast, ring, angle, azimuth, sigma))
        *_, pixel, _ = located(truth, angle, azimuth, slow, fast)
        noisy = angle + rng.normal(0, 1, angle.size) * sigma * pixel
        slow, fast, _, ok = located(truth, noisy, azimuth, slow, fast)
        ok &= ~DETECTOR.gap_mask()[
            np.clip(np.rint(slow).astype(int), 0, 319), np.clip(np.rint(fast).astype(int), 0, 285)
        ]
        points = az.ControlPoints(slow[ok][:n], fast[ok][:n], ring[ok][:n], sigma[ok][:n])
        start = truth.replace(detector=DETECTOR, pose=pose.replace(dist=1.001 * pose.dist, poni1=pose.poni1 + 1e-4))
        found.append(Sighting(points, start, ceo2))
    return found


@pytest.mark.parametrize("out_of_plane", [False, True])
def test_jacobian_is_that_of_differences(ceo2, out_of_plane):
    rng = np.random.default_rng(0)
    problem = _Problem(sightings(ceo2, displaced(drawn(rng)), rng, n=60), None, out_of_plane, 1.0, ())
    x = problem.start.copy()
    x[problem.n_pose :] = drawn(rng, out_of_plane)[:, : problem.kinds].ravel() * 3
    for number in range(len(POSES)):
        _, jacobian = problem.evaluated(number, x)
        for k in range(problem.size):
            step = 1e-6
            ends = []
            for sign in (-1, 1):
                moved = x.copy()
                moved[k] += sign * step
                ends.append(problem.evaluated(number, moved)[0])
            np.testing.assert_allclose(
                jacobian[:, k], (ends[1] - ends[0]) / (2 * step), atol=1e-7 * max(1, np.abs(jacobian[:, k]).max())
            )


def test_points_without_errors_give_the_truth(ceo2):
    rng = np.random.default_rng(1)
    truth = drawn(rng)
    seen = sightings(ceo2, displaced(truth), rng, error=(1e-6, 2e-6))
    found = refine_modules(seen)
    expected = in_gauge(truth, _Problem(seen, None, False, 1.0, ()))
    assert found.verdict == "good", found.reasons
    assert found.told[:, :3].all()
    np.testing.assert_allclose(found.displacements[:, :3], expected, atol=4e-7)  # 0.002 pixel: the gauge is linear
    assert np.median(np.abs(np.concatenate(found.residuals))) < 1e-4
    for one, pose in zip(found.instruments, POSES, strict=True):
        assert one.pose.rot3 == pose.rot3


@pytest.mark.parametrize("n", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_pulls_have_unit_width(ceo2, n):
    """Along the eigenvectors of the covariance, since single displacements share what rings hardly tell."""
    pulls = []
    for seed in range(n):
        rng = np.random.default_rng(seed)
        truth = drawn(rng)
        seen = sightings(ceo2, displaced(truth), rng, n=500)
        found = refine_modules(seen, shift_prior=0.3)
        expected = in_gauge(truth, _Problem(seen, None, False, 0.3, ()))
        assert found.verdict == "good", found.reasons
        difference = (found.displacements[:, :3] - expected).ravel()
        index = np.flatnonzero(np.arange(36) % 6 < 3)
        values, vectors = np.linalg.eigh(found.covariance[np.ix_(index, index)] * np.outer(SIZES, SIZES) ** -1)
        pulls.append((vectors.T @ (difference / SIZES))[3:] / np.sqrt(values[3:]))  # three are the gauge
    low, high = (0.75, 1.25) if n < 10 else (0.87, 1.15)
    assert low < np.std(pulls) < high, np.std(pulls)
    assert np.abs(pulls).max() < 5


def test_heights_and_tilts_come_back_from_several_directions(ceo2):
    rng = np.random.default_rng(3)
    truth = drawn(rng, out_of_plane=True)
    seen = sightings(ceo2, displaced(truth), rng, error=(0.003, 0.005))
    found = refine_modules(seen, out_of_plane=True)
    expected = in_gauge(truth, _Problem(seen, None, True, 1.0, ()))
    pulls = ((found.displacements - expected) / found.standard_errors)[found.told]
    assert found.told.mean() > 0.7
    assert np.abs(pulls).max() < 6
    assert np.median(np.abs(np.concatenate(found.residuals))) < 0.01


def test_modules_in_place_are_no_better_displaced(ceo2):
    doubtful = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        found = refine_modules(sightings(ceo2, DETECTOR, rng, n=500))
        doubtful += found.verdict == "doubtful"
        assert found.bic_change > 0
    assert doubtful == 3
    assert "no better than by chance" in found.reasons[0]


def test_single_image_does_not_tell_shifts_along_its_rings(ceo2):
    rng = np.random.default_rng(5)
    far = [az.Pose(0.3, 0.032, -0.06)]  # rings run along axis 1 everywhere
    found = refine_modules(sightings(ceo2, displaced(drawn(rng)), rng, poses=far))
    assert not found.told[:, 0].any()
    assert np.isinf(found.standard_errors[:, 0]).all()
    assert any("shift1" in words for words in found.degenerate)


def test_displaced_detector_is_saved_and_read_again(ceo2, tmp_path):
    rng = np.random.default_rng(6)
    found = refine_modules(sightings(ceo2, displaced(drawn(rng)), rng))
    found.save(tmp_path / "d.h5")
    again = load_detector(tmp_path / "d.h5")
    assert again.replace(file=None) == found.detector
    np.testing.assert_array_equal(again.corners(), found.detector.corners())
    instrument = found.instruments[0].replace(detector=again)
    az.save_geometry(instrument, tmp_path / "a.poni")
    loaded = az.load(tmp_path / "a.poni").instrument
    np.testing.assert_array_equal(loaded.detector.centers(), found.detector.centers())
    assert "verdict: good" in found.summary()
    assert found.detector.is_flat


@pytest.mark.filterwarnings("ignore")
def test_saved_detector_is_read_by_pyfai(ceo2, tmp_path):
    detectors = pytest.importorskip("pyFAI.detectors")
    rng = np.random.default_rng(6)
    ours = displaced(drawn(rng))
    save_detector(ours, tmp_path / "d.h5")
    theirs = detectors.NexusDetector(str(tmp_path / "d.h5"))
    p1, p2, _ = theirs.calc_cartesian_positions()
    np.testing.assert_allclose(p1, ours.centers()[..., 0], atol=1e-8)
    np.testing.assert_allclose(p2, ours.centers()[..., 1], atol=1e-8)


def test_images_of_a_displaced_detector_give_its_displacements(ceo2):
    rng = np.random.default_rng(7)
    truth = drawn(rng)
    look = PowderSettings(peak_counts=500.0, background=5.0, width=np.radians(0.2))
    poses = POSES[:2]
    instruments = [az.Instrument(displaced(truth), pose, az.Beam(3e-11)) for pose in poses]
    frames = [rng.poisson(expected_image(one, look)) for one in instruments]
    starts = [az.recalibrate(frame, one.replace(detector=DETECTOR), ceo2).instrument
              for frame, one in zip(frames, instruments, strict=True)]  # fmt: skip
    found = recalibrated_modules(frames, starts, [ceo2, ceo2])
    assert found.verdict == "good", found.summary()
    assert found.told[:, :2].all()
    dummy = [Sighting(az.ControlPoints([1.0], [1.0], [0]), starts[0], ceo2)]
    problem = _Problem(dummy, None, False, 1.0, ())
    problem.views = (problem.views[0]._replace(module=np.arange(6)),)
    expected = in_gauge(truth, problem)
    pulls = (found.displacements[:, :3] - expected) / found.standard_errors[:, :3]
    assert np.abs(pulls[found.told[:, :3]]).max() < 5, pulls
    assert found.scatter < 0.03


def test_maps_of_modules_are_rectangles_in_any_orientation():
    labels = module_map(DETECTOR)
    assert labels.max() == 5
    assert (labels[100:110] == -1).all()
    for orientation in (1, 2, 3, 4):
        turned = DETECTOR.with_orientation(orientation).replace(modules=None)
        own = module_map(DETECTOR.with_orientation(orientation))
        np.testing.assert_array_equal(module_map(turned, own), own)
    part = DETECTOR.with_region(slice(50, 200), slice(20, 280))
    np.testing.assert_array_equal(module_map(part), labels[50:200, 20:280])


def test_what_cannot_be_refined_is_refused(ceo2):
    rng = np.random.default_rng(0)
    seen = sightings(ceo2, DETECTOR, rng, n=50, poses=POSES[:1])
    plain = az.Detector(pixel1=2e-4, pixel2=2e-4, shape=DETECTOR.shape)
    with pytest.raises(ParameterError, match="no modules that are known"):
        module_map(plain)
    with pytest.raises(ParameterError, match="no rectangle"):
        module_map(plain, np.tri(*plain.shape, dtype=int))
    with pytest.raises(ParameterError, match="without gaps"):
        module_map(plain, np.full(plain.shape, 1))
    with pytest.raises(ShapeError):
        module_map(plain, np.zeros((3, 3), int))
    with pytest.raises(UnsupportedOptionError, match="combined"):
        module_map(DETECTOR.with_binning(2, 2))
    with pytest.raises(UnknownNameError):
        refine_modules(seen, fix=("dits",))
    with pytest.raises(ParameterError, match="at least one image"):
        refine_modules([])
    other = Sighting(seen[0].points, seen[0].instrument.replace(detector=plain), ceo2)
    with pytest.raises(ParameterError, match="one detector"):
        refine_modules([seen[0], other])
    one = az.ControlPoints(np.full(40, 50.0), np.arange(40.0) + 20, np.zeros(40, int))
    single = refine_modules([Sighting(one, seen[0].instrument, ceo2)])
    assert single.verdict == "failed"
    with pytest.raises(ParameterError, match="failed"):
        single.save("nowhere.h5")
