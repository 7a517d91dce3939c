# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Points along rings: where they are, how sure, and what is left out."""

import numpy as np
import pytest

from azimuthal.calibration import RingSettings, points_on_rings, refine
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.residuals import ring_angles
from azimuthal.errors import ShapeError, WavelengthMissingError
from azimuthal.pipelines.simulate import PowderSettings, expected_image

SETTINGS = RingSettings(separation=7)


def deviations(found, instrument, calibrant):
    """Return found minus true two theta in units of the points' own uncertainties."""
    points = found.points
    cells = Cells(instrument, points.slow, points.fast)
    slopes = cells.slopes(points.slow, points.fast)
    expected = ring_angles(calibrant.d_spacings(), instrument.wavelength)[0][points.ring]
    return (slopes.angle - expected) / np.hypot(slopes.angle1, slopes.angle2) / points.uncertainty


def test_points_of_simulated_counts_scatter_as_they_say(scene):
    z = np.concatenate(
        [deviations(points_on_rings(scene.frame(seed), scene.instrument, scene.calibrant, settings=SETTINGS),
                    scene.instrument, scene.calibrant) for seed in range(10)]
    )  # fmt: skip
    assert z.size > 1000
    assert np.std(z) == pytest.approx(1.0, abs=0.1)
    assert abs(np.mean(z)) < 0.15
    assert np.abs(z).max() < 6


@pytest.mark.parametrize(("gain", "offset", "noise"), [(7.0, 0.0, 0.0), (1.0, -300.0, 0.0), (1.0, 0.0, 40.0)])
def test_errors_follow_the_noise_that_the_image_shows(scene, gain, offset, noise):
    z, sigma = [], []
    for seed in range(6):
        frame = gain * scene.frame(seed) + offset + np.random.default_rng(seed).normal(0, 1, (256, 240)) * noise
        found = points_on_rings(frame, scene.instrument, scene.calibrant, settings=SETTINGS)
        z.append(deviations(found, scene.instrument, scene.calibrant))
        sigma.append(np.median(found.points.uncertainty))
    assert np.std(np.concatenate(z)) == pytest.approx(1.0, abs=0.15)
    if noise:
        assert min(sigma) > 0.04


def test_weak_rings_over_a_steep_background_are_found_by_longer_sectors(scene):
    look = PowderSettings(peak_counts=6.0, background=100.0, decay=np.radians(4), width=np.radians(0.18))
    frame = np.random.default_rng(1).poisson(expected_image(scene.instrument, look))
    found = points_on_rings(frame, scene.instrument, scene.calibrant, settings=SETTINGS)
    assert 2 in found.found
    z = deviations(found, scene.instrument, scene.calibrant)
    strong = np.isin(found.points.ring, (0, 1, 2))
    assert np.median(np.abs(z[strong])) / 0.6745 < 2.2  # barely significant sectors are less sure than they say
    refined = refine(found.points.select(strong), scene.instrument, scene.calibrant)
    for name in ("dist", "poni1", "poni2"):
        assert abs(refined.values[name] - getattr(scene.instrument.pose, name)) < 4 * refined.standard_errors[name]


def test_gaps_masks_and_hot_pixels_leave_no_wrong_points(scene):
    frame = scene.frame().astype(np.uint32)
    mask = np.zeros(frame.shape, bool)
    mask[:, 100:112] = True
    frame[mask] = 50_000
    frame[60:66] = 2**32 - 1  # a gap, as detectors write it
    found = points_on_rings(frame, scene.instrument, scene.calibrant, mask=mask, settings=SETTINGS)
    z = deviations(found, scene.instrument, scene.calibrant)
    assert np.abs(z).max() < 6
    assert found.left_out["covered"] > 5
    i, j = np.round(found.points.slow).astype(int), np.round(found.points.fast).astype(int)
    inside = (i > 60) & (i < 65)
    assert not inside.any()
    assert len(found.points) > 100
    assert not mask[i, j].all()


def test_saturated_sectors_are_left_out(scene):
    frame = scene.frame()
    frame[:128] = np.minimum(frame[:128], 150)
    found = points_on_rings(
        frame, scene.instrument, scene.calibrant, settings=RingSettings(separation=7, saturation=150)
    )
    assert found.left_out["saturated"] > 10


def test_spotty_rings_have_larger_errors_that_hold(scene):
    rng = np.random.default_rng(2)
    grains = rng.gamma(0.3, 1 / 0.3, scene.expected.shape)  # one grain per pixel, most of them weak
    frame = rng.poisson(scene.expected * grains).astype(np.int32)
    found = points_on_rings(frame, scene.instrument, scene.calibrant, settings=SETTINGS)
    smooth = points_on_rings(scene.frame(), scene.instrument, scene.calibrant, settings=SETTINGS)
    assert np.median(found.points.uncertainty) > 3 * np.median(smooth.points.uncertainty)
    assert np.std(deviations(found, scene.instrument, scene.calibrant)) < 1.5


def test_empty_and_flat_images_have_hardly_a_point(scene):
    for frame in (np.zeros((256, 240)), np.random.default_rng(3).poisson(50, (256, 240))):
        found = points_on_rings(frame, scene.instrument, scene.calibrant, settings=SETTINGS)
        assert len(found.points) < 0.1 * max(sum(found.sectors.values()), 50)


def test_point_of_a_mirrored_image_is_mirrored(scene):
    mirrored = scene.instrument.replace(detector=scene.instrument.detector.with_orientation(1))
    there = points_on_rings(scene.frame()[::-1, ::-1].copy(), mirrored, scene.calibrant, settings=SETTINGS).points
    here = points_on_rings(scene.frame(), scene.instrument, scene.calibrant, settings=SETTINGS).points
    np.testing.assert_allclose(255 - there.slow, here.slow, atol=1e-6)
    np.testing.assert_allclose(239 - there.fast, here.fast, atol=1e-6)


def test_crowded_rings_are_left_out_and_named(scene):
    found = points_on_rings(scene.frame(), scene.instrument, scene.calibrant, settings=RingSettings(separation=30))
    assert set(found.crowded) & {3, 4, 6, 7}
    assert not set(found.crowded) & set(found.predicted)


def test_more_rings_than_wanted_are_not_used(scene):
    settings = RingSettings(separation=7, max_rings=2)
    assert len(points_on_rings(scene.frame(), scene.instrument, scene.calibrant, settings=settings).predicted) == 2


def test_image_that_does_not_fit_is_refused(scene):
    with pytest.raises(ShapeError):
        points_on_rings(np.zeros((3, 3)), scene.instrument, scene.calibrant)
    import azimuthal as az

    with pytest.raises(WavelengthMissingError):
        points_on_rings(scene.frame(), scene.instrument.replace(beam=az.Beam()), scene.calibrant)


@pytest.mark.slow
def test_pulls_from_images_have_unit_width(scene):
    pulls = []
    for seed in range(200):
        found = points_on_rings(scene.frame(seed), scene.instrument, scene.calibrant, settings=SETTINGS)
        refined = refine(found.points, scene.instrument, scene.calibrant)
        pulls.append(
            [(refined.values[name] - getattr(scene.instrument.pose, name)) / refined.standard_errors[name]
             for name in refined.free]
        )  # fmt: skip
    width = np.std(pulls, axis=0)
    assert (width > 0.9).all(), width
    assert (width < 1.1).all(), width
