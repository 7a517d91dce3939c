# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a calibration looks like, against loops in plain Python and against deformations that are known."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.positions import Cells
from azimuthal.errors import ParameterError, ShapeError


@pytest.fixture(scope="module")
def good(scene, rough):
    return az.recalibrate(scene.frame(), rough, scene.calibrant)


@pytest.fixture(scope="module")
def seen(good):
    return good.validation()


@pytest.fixture(scope="module")
def shifted(scene):
    """The centre is one pixel too far along slow, and is not refined."""
    pose = scene.instrument.pose
    wrong = scene.instrument.replace(pose=pose.replace(poni1=pose.poni1 + 4e-4))
    return az.recalibrate(
        scene.frame(), wrong, scene.calibrant, fix=("poni1", "poni2", "rot1", "rot2", "rot3", "wavelength"),
        outliers=None,
    )  # fmt: skip


def test_residual_map_is_the_weighted_mean_of_its_points(good, seen):
    found, points, used = seen.residual_map, good.control_points, good.refinement.used
    assert found.n_points.sum() == used.sum()
    assert found.n_outliers.sum() == (~used).sum()
    assert max(found.mean.shape) == 24
    weights = 1 / (points.uncertainty**2 + good.refinement.scatter**2)
    for i, j in [tuple(cell) for cell in np.argwhere(found.n_points > 1)[::7]]:
        low, high = found.slow_edges[i : i + 2]
        left, right = found.fast_edges[j : j + 2]
        inside = used & (points.slow >= low) & (points.slow < high) & (points.fast >= left) & (points.fast < right)
        assert inside.sum() == found.n_points[i, j]
        assert found.mean[i, j] == pytest.approx(np.average(good.residuals[inside], weights=weights[inside]))
        assert found.error[i, j] == pytest.approx(weights[inside].sum() ** -0.5)
    assert np.isnan(found.mean[found.n_points == 0]).all()


def test_rose_of_a_good_calibration_is_zero_within_errors(good, seen):
    rose = seen.rose
    assert rose.mean.shape == (24,)
    assert rose.ring_mean.shape == (len(rose.rings), 24)
    assert rose.n_points.sum() == good.refinement.used.sum()
    pulls = rose.mean / rose.error
    assert np.sqrt(np.mean(pulls**2)) < 1.6
    assert np.abs(rose.mean).max() < 0.1


def test_wrong_centre_is_one_period_in_rose_ridges_and_map(shifted):
    """A centre that is wrong by e along slow moves the rings by -e sin(chi), as chi = atan2(slow, fast)."""
    found = shifted.validation()
    middle = np.radians(0.5 * (found.rose.edges[1:] + found.rose.edges[:-1]))
    amplitude = 2 * np.nanmean(found.rose.mean * np.sin(middle))
    assert abs(amplitude) == pytest.approx(1.0, abs=0.1)
    ridge = max(found.ridges, key=lambda one: one.error.size)
    from_cake = 2 * np.mean(ridge.deviation * np.sin(np.radians(ridge.azimuth)))
    assert from_cake == pytest.approx(amplitude, abs=0.15)
    assert found.waviness > 0.5
    upper, lower = np.array_split(found.residual_map.mean, 2)
    assert np.sign(np.nanmean(lower)) == np.sign(amplitude) == -np.sign(np.nanmean(upper))


def test_rings_of_a_good_calibration_are_straight_in_the_cake(seen):
    assert seen.cake.radial_unit.name == "2th_rad"
    assert len(seen.ridges) >= 8
    assert seen.waviness < 0.1
    for ridge in seen.ridges[:3]:
        assert ridge.azimuth.size > 30
        assert abs(ridge.offset) < 0.1
        pulls = (ridge.deviation - ridge.offset) / ridge.error
        assert 0.5 < np.median(np.abs(pulls)) / 0.6745 < 1.8


def test_pattern_has_maxima_where_rings_are(seen):
    assert {place.state for place in seen.rings} == {"used", "crowded"}
    for place in seen.rings[:3]:
        near = np.abs(seen.pattern.radial - place.two_theta) < np.radians(0.3)
        top = seen.pattern.radial[near][np.nanargmax(seen.pattern.intensity[near])]
        assert abs(top - place.two_theta) < np.radians(0.1)
    assert {line.ring for line in seen.ring_lines} == {place.ring for place in seen.rings}


def test_rings_that_were_not_looked_for_say_so(scene, rough):
    found = az.recalibrate(scene.frame(), rough, scene.calibrant, max_rings=3).validation()
    states = [place.state for place in found.rings]
    assert states[:2] == ["used"] * 2
    assert "not looked for" in states


def test_failed_calibration_is_shown_with_its_start(scene, rough):
    failed = az.recalibrate(np.zeros(scene.expected.shape), rough, scene.calibrant)
    assert failed.verdict == "failed"
    found = failed.validation()
    assert found.instrument == rough
    assert found.residual_map.n_points.sum() == 0
    assert np.isnan(found.residual_map.mean).all()
    assert found.rose.rings == ()
    assert found.ring_deviations == ()
    assert {place.state for place in found.rings} == {"not seen", "crowded"}
    assert len(found.ring_lines) >= 10
    assert np.isnan(found.waviness)


def test_mask_of_the_calibration_is_used_again(scene, rough):
    mask = np.zeros(scene.expected.shape, dtype=bool)
    mask[:, :120] = True
    half = az.recalibrate(scene.frame(), rough, scene.calibrant, mask=mask)
    count = half.validation().cake.sums.count.sum()
    assert count == half.validation(scene.frame(), mask=mask).cake.sums.count.sum()
    assert count < 0.6 * half.validation(scene.frame()).cake.sums.count.sum()


def test_detector_at_the_side_is_cut_into_the_azimuths_that_it_sees(scene):
    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(256, 240))
    aside = az.Instrument(detector, az.Pose(0.25, 0.05, 0.15), az.Beam(3e-11))  # chi around 180 degrees
    found = az.recalibrate(scene.frame(), aside, scene.calibrant).validation()
    centres = np.degrees(found.cake.azimuthal)
    assert centres.min() > 90
    assert centres.max() < 270


def test_calibration_without_image_asks_for_it(good):
    from dataclasses import replace

    bare = replace(good, observed=None)
    with pytest.raises(ParameterError, match="image"):
        bare.validation()
    with pytest.raises(ParameterError, match="calibrant"):
        bare.validation(good.observed.image)
    with pytest.raises(ShapeError):
        good.validation(np.zeros((3, 3)))
    again = bare.validation(good.observed.image, calibrant=good.observed.calibrant)
    assert again.waviness == good.validation().waviness


def test_ring_lines_agree_with_control_points(good, seen):
    points = good.control_points.on_ring(0)
    line = next(line for line in seen.ring_lines if line.ring == 0)
    for slow, fast in zip(points.slow[::9], points.fast[::9], strict=True):
        assert np.hypot(line.slow - slow, line.fast - fast).min() < 3
    assert Cells(seen.instrument, line.slow, line.fast).angles(line.slow, line.fast)[0] == pytest.approx(
        seen.rings[0].two_theta, abs=1e-6
    )
