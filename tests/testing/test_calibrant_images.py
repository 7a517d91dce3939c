# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Simulated images of calibrants against brute force: positions, counts, faults, and the bound of the errors."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.corrections import polarization, solid_angle
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image, ring_truths, smallest_covariance

D = np.array([3.0, 2.1, 1.7, 1.2]) * 1e-10
FINE = 8


@pytest.fixture(scope="module")
def calibrant():
    return az.Calibrant.from_d_spacings(D, name="four rings")


def instrument(shape=(130, 110), pixel=2e-4, rot1=0.1, rot2=-0.7, **more):
    detector = az.Detector(pixel1=pixel, pixel2=1.2 * pixel, shape=shape, **more)
    return az.Instrument(detector, az.Pose(0.03, 0.035, 0.012, rot1, rot2, 0.3), az.Beam(8e-11))


def brute(inst, look, heights):
    """Return the mean of the pattern over FINE x FINE points of every pixel, times what the corrections give."""
    corners = inst.detector.corners()
    u = (np.arange(FINE) + 0.5) / FINE
    total = np.zeros(inst.detector.shape)
    angle = 2 * np.arcsin(8e-11 / (2 * D))
    a, b, c, d = (corners[..., k, :] for k in range(4))
    for s in u:
        for t in u:
            p = inst.pose.lab_from_detector((1 - s) * ((1 - t) * a + t * d) + s * ((1 - t) * b + t * c))
            x = np.arctan2(np.hypot(p[..., 0], p[..., 1]), p[..., 2])
            v = [h * np.exp(-4 * np.log(2) * ((x - y) / look.fwhm) ** 2) for h, y in zip(heights, angle, strict=True)]
            total += sum(v) / FINE**2
    return total * solid_angle(inst) * polarization(inst, factor=look.polarization_factor)


@pytest.mark.parametrize("pixels", [1.2, 3.0])
def test_expected_counts_are_those_of_brute_force_within_a_hundredth_of_a_pixel(calibrant, pixels):
    inst = instrument()
    look = CalibrantLook(fwhm=pixels * 2e-4 / 0.05, counts=100.0, background=0.0)
    made = calibrant_image(inst, calibrant, look, seed=3)
    heights = {ring.ring: ring.height for ring in made.rings}
    exact = brute(inst, look, [heights.get(k, 0.0) for k in range(4)])
    assert len(heights) >= 3
    slope = np.hypot(*np.gradient(exact))
    for ring in made.rings:
        t = inst.pose.lab_from_detector(inst.detector.centers())
        x = np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2]) - ring.two_theta
        near = np.abs(x) < 1.5 * look.fwhm
        outward = np.where(x < 0, 1, -1)[near] * slope[near]
        shift = np.sum((made.expected[near] - exact[near]) * outward) / np.sum(outward**2)
        assert abs(shift) < 0.01, ring
    assert np.abs(made.expected - exact).max() < (6.0 if pixels < 2 else 0.5)


def test_any_shape_of_detector_gives_what_a_plane_gives(calibrant):
    inst = instrument()
    bent = inst.detector.corners().copy()
    from azimuthal.detectors import CornerArray

    general = inst.detector.replace(layout=CornerArray(bent))
    look = CalibrantLook(fwhm=0.01, counts=100.0)
    made = [calibrant_image(one, calibrant, look, seed=1).expected for one in (inst, inst.replace(detector=general))]
    np.testing.assert_allclose(made[0], made[1], rtol=2e-3, atol=2e-2)


def test_counts_follow_poisson_and_the_seed(calibrant):
    look = CalibrantLook(fwhm=0.01, counts=50.0)
    made, again, other = (calibrant_image(instrument(), calibrant, look, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(made.image, again.image)
    assert (made.image != other.image).any()
    z = (made.image - made.expected.astype(float)) / np.sqrt(made.expected)
    assert np.mean(z**2) == pytest.approx(1.0, abs=0.05)
    assert made.image.dtype == np.uint32


def test_faults_are_where_the_mask_says_or_not(calibrant):
    look = CalibrantLook(
        fwhm=0.01, masked=0.02, rectangle=True, beam_stop=9.0, hot=1e-3, dead=2e-3, grains=40, gain=2.5, lit=(0.0, 2.0)
    )
    made = calibrant_image(instrument(rot2=0.0), calibrant, look, seed=2)
    assert 0.05 < made.mask.mean() < 0.2
    assert made.image.dtype == np.float32
    assert (made.image > 2.5 * (made.expected + 10 * np.sqrt(made.expected)) + 50).sum() >= 10


def test_spotty_rings_have_the_mean_of_smooth_ones(calibrant):
    smooth, spotty = (
        calibrant_image(instrument(), calibrant, CalibrantLook(fwhm=0.01, background=0, grains=n), seed=1).expected
        for n in (None, 400)
    )
    assert spotty.sum() == pytest.approx(smooth.sum(), rel=0.2)
    bright = smooth > 0.3 * smooth.max()
    assert np.std(spotty[bright] / smooth[bright]) > 0.3


def test_gaps_of_a_catalogue_detector_hold_the_highest_value(calibrant):
    detector = az.detector("Pilatus300k")
    inst = az.Instrument(detector, az.Pose(0.1, 0.05, 0.04), az.Beam(8e-11))
    made = calibrant_image(inst, calibrant, CalibrantLook(fwhm=0.005), seed=1)
    assert (made.image[detector.gap_mask()] == 2**32 - 1).all()
    assert made.image[~detector.gap_mask()].max() < 1e5


def test_bound_is_the_error_of_a_fit_of_the_image(calibrant):
    """The geometry by maximum likelihood, rings known: its scatter is the bound."""
    inst = instrument(rot2=-0.2, shape=(90, 80))
    look = CalibrantLook(fwhm=0.02, counts=200.0, background=3.0, background_end=1.0, polarization_factor=0.0)
    names, steps = ("dist", "poni1", "poni2", "rot1", "rot2"), np.array([1e-6, 1e-6, 1e-6, 1e-5, 1e-5])
    made = calibrant_image(inst, calibrant, look, seed=1)

    def pattern(*moved):
        pose = inst.pose.replace(**{n: getattr(inst.pose, n) + m for n, m in zip(names, moved, strict=True)})
        t = pose.lab_from_detector(inst.detector.centers())
        x = np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2])
        rings = [r.height * np.exp(-4 * np.log(2) * ((x - r.two_theta) / look.fwhm) ** 2) for r in made.rings]
        return sum(rings)

    seen = made.expected / (pattern(0, 0, 0, 0, 0) + 3.0)
    rows = [(pattern(*(steps * e)) - pattern(*(-steps * e))) / (2 * s) for e, s in zip(np.eye(5), steps, strict=True)]
    jacobian = np.stack([(row * seen).ravel() for row in rows], axis=1)
    exact = np.linalg.inv(jacobian.T @ (jacobian / made.expected.reshape(-1, 1)))
    np.testing.assert_allclose(np.sqrt(np.diag(made.bound)), np.sqrt(np.diag(exact)), rtol=0.1)


def test_truths_without_the_image_are_those_with_it(calibrant):
    look = CalibrantLook(fwhm=0.01, polarization_factor=0.0)
    made = calibrant_image(instrument(), calibrant, look, seed=4)
    rings, information = ring_truths(instrument(), calibrant, look, seed=4)
    bound = smallest_covariance(information[:5, :5])
    assert [ring.ring for ring in rings] == [ring.ring for ring in made.rings]
    np.testing.assert_allclose(np.sqrt(np.diag(bound)), np.sqrt(np.diag(made.bound)), rtol=0.5)
    assert all(ring.arc > 20 and ring.significance > 5 for ring in rings)


def test_what_cannot_be_simulated_is_refused(calibrant):
    with pytest.raises(ParameterError, match="no ring"):
        calibrant_image(instrument().replace(beam=az.Beam(9e-10)), calibrant, CalibrantLook(fwhm=0.01), seed=1)
    with pytest.raises(ParameterError, match="background"):
        CalibrantLook(fwhm=0.01, background=-1)
    thick = instrument().detector.with_sensor("Si", 1e-3)
    with pytest.raises(UnsupportedOptionError):
        calibrant_image(
            instrument().replace(detector=thick, parallax=True), calibrant, CalibrantLook(fwhm=0.01), seed=1
        )
