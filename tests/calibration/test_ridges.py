# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Ridges of images whose rings are known: circles with Gaussian profiles, counted."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from azimuthal.calibration import Ridges, RidgeSettings, find_ridges
from azimuthal.calibration._native import PixelNoise, ridge_fits
from azimuthal.calibration._pixel_noise import measured_noise
from azimuthal.calibration._ridge_arcs import linked_arcs
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.testing import real_images

SHAPE = (500, 560)
CENTRE = (240.3, 290.7)
_FWHM = 2.3548200450309493


def radius(shape=SHAPE, centre=CENTRE):
    slow, fast = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(slow - centre[0], fast - centre[1])


def expected(radii, *, fwhm=3.0, height=100.0, background=10.0, shape=SHAPE, centre=CENTRE):
    r = radius(shape, centre)
    mean = np.zeros(shape) + (background(r) if callable(background) else background)
    for ring, width, top in zip(
        radii, np.broadcast_to(fwhm, len(radii)), np.broadcast_to(height, len(radii)), strict=True
    ):
        mean += top * np.exp(-0.5 * ((r - ring) * _FWHM / width) ** 2)
    return mean


def counted(mean, seed=0):
    return np.random.default_rng(seed).poisson(mean).astype(np.int32)


class Compared:
    """Points of arcs beside the rings that were put in."""

    def __init__(self, ridges: Ridges, radii, centre=CENTRE):
        ridges = ridges.select(ridges.arc >= 0)
        place = np.column_stack([ridges.slow - centre[0], ridges.fast - centre[1]])
        r = np.hypot(*place.T)
        self.ring = np.abs(r[:, None] - np.asarray(radii)).argmin(axis=1)
        self.deviation = r - np.asarray(radii, dtype=float)[self.ring]
        self.right = np.abs(self.deviation) < 1.0 + 4 * ridges.uncertainty
        outward = place / r[:, None]
        sine = outward[:, 0] * ridges.normal[:, 1] - outward[:, 1] * ridges.normal[:, 0]
        self.turn = np.arcsin(np.clip(sine * np.sign((outward * ridges.normal).sum(axis=1)), -1, 1))
        self.pull = (self.deviation / ridges.uncertainty)[self.right]
        self.normal_pull = (self.turn / ridges.normal_error)[self.right]
        self.ridges = ridges

    @property
    def false(self):
        return float((~self.right).mean()) if self.right.size else 0.0


def spread(values):
    return 1.4826 * np.median(np.abs(values - np.median(values)))


@pytest.mark.parametrize("height", [30.0, 300.0, 10_000.0])
def test_positions_are_unbiased_and_errors_honest(height):
    radii = [60, 110, 170, 220]
    found = Compared(find_ridges(counted(expected(radii, height=height))), radii)
    assert found.false == 0
    assert np.bincount(found.ring).min() > 50
    assert abs(np.median(found.deviation)) < 0.02
    assert np.abs(found.deviation).mean() < 0.1
    assert 0.6 < spread(found.pull) < 1.4
    assert 0.6 < spread(found.normal_pull) < 1.4


def test_rings_of_five_counts_are_found():
    radii = [80, 150, 215]
    found = Compared(find_ridges(counted(expected(radii, height=5.0, background=4.0), seed=3)), radii)
    assert found.false < 0.02
    assert np.bincount(found.ring, minlength=3).min() > 20
    assert abs(np.mean(found.deviation[found.right])) < 0.1
    assert 0.6 < spread(found.pull) < 1.5


def test_rings_of_many_widths_have_their_width():
    radii, fwhm = [40, 90, 190], [1.5, 7.0, 35.0]
    found = Compared(find_ridges(counted(expected(radii, fwhm=fwhm, height=[200, 200, 150], background=20.0))), radii)
    assert found.false == 0
    for ring, width in enumerate(fwhm):
        assert np.median(found.ridges.fwhm[found.ring == ring]) == pytest.approx(width, rel=0.12)
        assert np.median(found.ridges.height[found.ring == ring]) > 100


def test_small_circles_and_nearly_straight_arcs_are_found():
    small = Compared(find_ridges(counted(expected([15, 40], height=200.0, fwhm=2.5))), [15, 40])
    assert small.false == 0
    assert np.bincount(small.ring, minlength=2).min() > 20
    assert np.abs(small.deviation).max() < 0.25
    centre, radii = (-2000.0, 250.0), [2100, 2250, 2400]
    straight = Compared(find_ridges(counted(expected(radii, centre=centre, height=40.0))), radii, centre)
    assert straight.false == 0
    assert np.bincount(straight.ring, minlength=3).min() > 50


def test_rings_six_pixels_apart_stay_apart():
    radii = np.arange(60, 220, 6)
    found = Compared(find_ridges(counted(expected(radii, fwhm=2.5, height=150.0))), radii)
    assert found.false < 0.002
    assert np.bincount(found.ring, minlength=radii.size).min() > 15
    for arc in np.unique(found.ridges.arc):
        assert np.unique(found.ring[found.ridges.arc == arc]).size == 1
    assert np.abs(np.median(found.deviation)) < 0.05


def steep(r):
    return 3e8 / (r + 12.0) ** 3.5 + 2


def with_beam_stop(mean):
    r = radius()
    slow, fast = np.mgrid[: SHAPE[0], : SHAPE[1]]
    arm = (np.abs(fast - slow - 50) < 9) & (slow > 240)
    return mean * np.where((r < 25) | arm, 0.05, 1.0)


def gaps():
    usable = np.ones(SHAPE, dtype=bool)
    usable[150:167] = usable[360:377] = False
    usable[:, 180:187] = usable[:, 400:407] = False
    usable[60:90, 30:80] = False
    return usable


@pytest.mark.parametrize("background", [0.02, 0.5, 20.0, 5000.0, steep])
def test_background_without_rings_has_no_ridges(background):
    frame = counted(expected([], background=background), seed=7)
    assert len(find_ridges(frame)) <= 1
    usable = gaps()
    frame[~usable] = 2**31 - 1
    assert len(find_ridges(frame, usable)) <= 1


def test_beam_stop_is_no_ridge():
    for background in (50.0, steep):
        frame = counted(with_beam_stop(expected([], background=background)), seed=11)
        assert len(find_ridges(frame, gaps())) <= 4


def test_rings_over_steep_background_gaps_and_beam_stop():
    radii = [70, 120, 200]
    mean = with_beam_stop(expected(radii, height=60.0, background=steep))
    frame, usable = counted(mean, seed=5), gaps()
    frame[~usable] = -1
    found = Compared(find_ridges(frame, usable), radii)
    assert found.false < 0.03
    assert np.bincount(found.ring, minlength=3).min() > 20
    assert abs(np.median(found.deviation)) < 0.05
    near = usable[np.rint(found.ridges.slow).astype(int), np.rint(found.ridges.fast).astype(int)]
    assert near.mean() > 0.98


@pytest.mark.parametrize("value", [0, 1, 1000, 65535])
def test_constant_image_has_no_ridges(value):
    frame = np.full((200, 220), value, dtype=np.uint16)
    assert len(find_ridges(frame)) == 0
    assert len(find_ridges(frame, np.zeros(frame.shape, dtype=bool))) == 0


def test_hot_pixels_and_saturated_rings_are_left_out():
    frame = counted(expected([150], height=50.0))
    rng = np.random.default_rng(1)
    frame[rng.integers(0, SHAPE[0], 300), rng.integers(0, SHAPE[1], 300)] = 60_000
    found = Compared(find_ridges(frame), [150])
    assert found.false == 0
    assert np.abs(found.deviation).mean() < 0.15
    saturated = np.minimum(counted(expected([80, 160], height=[2000, 300])), 1000)
    assert set(Compared(find_ridges(saturated), [80, 160]).ring) == {1}
    told = RidgeSettings(saturation=150.0)
    assert len(find_ridges(saturated, settings=told)) == 0


def spots(places, height, shape=SHAPE, sigma=1.2):
    slow, fast = np.mgrid[: shape[0], : shape[1]]
    mean = np.full(shape, 5.0)
    for (y, x), top in zip(places, height, strict=True):
        box = slice(max(0, int(y) - 8), int(y) + 9), slice(max(0, int(x) - 8), int(x) + 9)
        mean[box] += top * np.exp(-((slow[box] - y) ** 2 + (fast[box] - x) ** 2) / (2 * sigma**2))
    return mean


def test_single_crystal_has_spots_and_no_arcs():
    rng = np.random.default_rng(2)
    places = rng.uniform(10, 490, (60, 2))
    ridges = find_ridges(counted(spots(places, np.full(60, 300.0))))
    assert (ridges.arc == -1).all()
    distance = np.hypot(ridges.slow[:, None] - places[:, 0], ridges.fast[:, None] - places[:, 1])
    assert np.mean(distance.min(axis=0) < 0.5) > 0.8
    assert np.mean(distance.min(axis=1) < 1.0) > 0.6
    assert (ridges.normal_error > 0.8).all()


def test_spotty_rings_are_found_with_wider_errors():
    rng = np.random.default_rng(3)
    radii = [100, 160, 215]
    places, heights = [], []
    for ring in radii:
        n = int(2 * np.pi * ring * 0.8)
        angle, r = rng.uniform(0, 2 * np.pi, n), ring + rng.normal(0, 1.0, n)
        places.append(np.column_stack([CENTRE[0] + r * np.sin(angle), CENTRE[1] + r * np.cos(angle)]))
        heights.append(rng.exponential(200.0, n))
    found = Compared(find_ridges(counted(spots(np.concatenate(places), np.concatenate(heights)))), radii)
    assert found.false < 0.02
    assert np.bincount(found.ring, minlength=3).min() > 50
    assert 0.5 < spread(found.pull) < 2.0
    assert np.median(found.ridges.uncertainty) > 0.1


def test_dead_region_makes_no_ridge_along_its_edge():
    frame = counted(expected([120], height=50.0, background=30.0))
    frame[radius() > 230] = 0
    found = Compared(find_ridges(frame), [120])
    assert found.false == 0
    assert found.right.sum() > 50


def test_offset_gain_and_type_change_nothing_but_the_height():
    frame = counted(expected([90, 180], height=80.0))
    plain, scaled = find_ridges(frame), find_ridges(frame.astype(np.float64) * 7.0 + 400.0)
    assert abs(len(plain) - len(scaled)) < 0.1 * len(plain)
    assert np.median(scaled.height) / np.median(plain.height) == pytest.approx(7.0, rel=0.05)
    assert np.median(scaled.uncertainty) == pytest.approx(np.median(plain.uncertainty), rel=0.25)


def test_result_does_not_depend_on_threads_and_nan_is_not_usable():
    frame = counted(expected([90, 180])).astype(np.float64)
    usable = gaps()
    one, three = find_ridges(frame, usable), find_ridges(frame, usable, threads=3)
    frame[~usable] = np.nan
    masked = find_ridges(frame)
    for name in ("slow", "fast", "normal", "uncertainty", "arc"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
        np.testing.assert_array_equal(getattr(one, name), getattr(masked, name))


def test_turned_image_has_turned_ridges():
    frame = counted(expected([90, 180]))
    plain, turned = find_ridges(frame), find_ridges(np.ascontiguousarray(frame.T))
    one, other = Compared(plain, [90, 180]), Compared(turned, [90, 180], CENTRE[::-1])
    assert one.right.sum() == pytest.approx(other.right.sum(), rel=0.1)
    assert other.false == 0


@pytest.mark.parametrize(
    ("image", "usable", "error"),
    [
        (np.zeros((4, 50, 50)), None, ShapeError),
        (np.zeros((50, 50), dtype=complex), None, DataTypeError),
        (np.zeros((50, 50)), np.ones((50, 51), dtype=bool), ShapeError),
        (np.zeros((50, 50)), np.ones((50, 50), dtype=int), DataTypeError),
    ],
)
def test_wrong_input_is_refused(image, usable, error):
    with pytest.raises(error):
        find_ridges(image, usable)


def test_wrong_settings_are_refused():
    for wrong in ({"max_points": 0}, {"significance": -1.0}, {"saturation": 0.0}):
        with pytest.raises(ParameterError):
            RidgeSettings(**wrong)
    with pytest.raises(ShapeError, match="normal"):
        Ridges(*(np.zeros(3),) * 8, np.zeros(3, dtype=int))


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (30, 33), (49, 97)])
def test_small_images_work(shape):
    assert len(find_ridges(counted(np.full(shape, 5.0)))) == 0


# ---- the parts ---------------------------------------------------------------------------------------------


def test_fit_equals_that_of_scipy():
    mean = expected([120], height=300.0, fwhm=3.4)
    frame = counted(mean).astype(np.float32)
    usable = np.ones(SHAPE, dtype=bool)
    angle = 0.4
    start = np.array([[CENTRE[0] + 120 * np.cos(angle) + 0.6, CENTRE[1] + 120 * np.sin(angle), angle + 0.03, 0.0]])
    noise = PixelNoise(0.0, 1.0, 1e-3)
    fit = {k: v[0] for k, v in ridge_fits(frame, usable, start, half_length=7.0, half_width=12.0, curvature_error=0.05,
                                          noise=noise, n_threads=1).items()}  # fmt: skip
    slow, fast = np.mgrid[: SHAPE[0], : SHAPE[1]].reshape(2, -1) - start[0, :2, None]
    c, s = np.cos(start[0, 2]), np.sin(start[0, 2])
    u, t, value = c * slow + s * fast, c * fast - s * slow, frame.reshape(-1)
    box = (u >= fit["low"]) & (u <= fit["high"]) & (np.abs(t) <= 7.0)
    u, t, value = u[box], t[box], value[box]

    def model(p):
        bell = np.exp(-0.5 * ((u - p[1] - p[2] * t - 0.5 * p[7] * t**2) / p[3]) ** 2)
        return p[0] * bell + p[4] + p[5] * u + p[6] * t

    p = np.array([300.0, 0.0, 0.0, 1.4, 10.0, 0.0, 0.0, 0.0])
    for _ in range(4):
        weight = 1 / np.sqrt(np.maximum(model(p), 1e-3))
        found = least_squares(lambda p, w=weight: np.append(w * (value - model(p)), p[7] / 0.05), p)
        p = found.x
    names = ("height", "centre", "slope", "width", "background")
    np.testing.assert_allclose([fit[name] for name in names], p[:5], rtol=2e-3, atol=2e-3)
    assert fit["curvature"] == pytest.approx(p[7], abs=1e-3)
    error = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    assert fit["centre_error"] == pytest.approx(error[1] * np.sqrt(max(1, fit["chi_square"])), rel=0.25)
    assert fit["slope_error"] == pytest.approx(error[2] * np.sqrt(max(1, fit["chi_square"])), rel=0.25)


def test_fit_outside_of_the_image_or_without_pixels_is_none():
    frame, usable = np.ones((60, 60), dtype=np.float32), np.zeros((60, 60), dtype=bool)
    starts = np.array([[30.0, 30.0, 0.0, 0.0], [-500.0, 10.0, 1.0, 0.0], [1e6, 1e6, 0.3, 0.01], [0.0, 59.0, 2.0, 0.0]])
    for ok in (usable, ~usable):
        fit = ridge_fits(frame, ok, starts, half_length=7.0, half_width=12.0, curvature_error=0.05,
                         noise=PixelNoise(0.0, 1.0, 1.0), n_threads=2)  # fmt: skip
        assert (fit["height"] == 0).all()
    with pytest.raises(ValueError, match="starts"):
        ridge_fits(frame, usable, np.full((1, 4), np.nan), half_length=7.0, half_width=12.0, curvature_error=0.05,
                   noise=PixelNoise(0.0, 1.0, 1.0), n_threads=1)  # fmt: skip


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (4.0, 0.0), (1.0, 300.0)])
def test_noise_is_measured(gain, offset):
    mean = expected([100, 180], height=400.0, background=lambda r: 20 + 3000 / (r + 20))
    noise = measured_noise((counted(mean) * gain + offset).astype(np.float32), np.ones(SHAPE, dtype=bool))
    for level in (25.0, 60.0, 100.0):
        assert noise.at(np.array(level * gain + offset)) == pytest.approx(level * gain**2, rel=0.3)


def test_noise_of_nothing_is_none():
    usable = np.ones((64, 64), dtype=bool)
    assert measured_noise(np.full((64, 64), 3, dtype=np.float32), usable) is None
    assert measured_noise(np.zeros((64, 64), dtype=np.float32), ~usable) is None


def test_arcs_join_a_circle_and_not_two():
    angle = np.arange(0, 2 * np.pi, 0.05)
    radii = np.repeat([100.0, 106.0], angle.size)
    normal = np.tile(np.column_stack([np.cos(angle), np.sin(angle)]), (2, 1))
    n = radii.size
    flipped = normal * np.where(np.arange(n) % 2, 1, -1)[:, None]
    label = linked_arcs(
        normal * radii[:, None], flipped, np.full(n, 0.02), np.full(n, 0.1), np.full(n, 1.2), np.full(n, 30.0)
    )
    assert np.unique(label[: n // 2]).size == np.unique(label[n // 2 :]).size == 1
    assert label[0] != label[-1]
    none = np.empty(0)
    assert linked_arcs(np.empty((0, 2)), np.empty((0, 2)), none, none, none, none).size == 0


# ---- measured images ---------------------------------------------------------------------------------------


def test_rings_of_a_measured_image_are_found():
    image = real_images.lab6_tilt(real_images.LAB6_TILTS[1])
    from azimuthal.calibration.ring_points import pixel_angles, usable_pixels

    frame, instrument = np.asarray(image.frame), image.integrator.instrument
    ridges = find_ridges(frame, usable_pixels(frame, instrument, image.mask))
    ridges = ridges.select(ridges.arc >= 0)
    angle, _, pixel = pixel_angles(instrument, slice(0, frame.shape[0]))
    at = np.rint(ridges.slow).astype(int), np.rint(ridges.fast).astype(int)
    rings = 2 * np.arcsin(
        0.5 * instrument.beam.wavelength / image.d_spacings[image.d_spacings > instrument.beam.wavelength / 2]
    )
    miss = np.abs(angle[at][:, None] - rings) / pixel[at][:, None]
    assert np.mean(miss.min(axis=1) < 3.5) > 0.95
    assert np.unique(miss.argmin(axis=1)[miss.min(axis=1) < 3.5]).size >= 9
