# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Whatever is wrong with image, calibrant or wavelength: doubtful or failed with a reason, never good."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.calibrating import calibrated as from_scratch
from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image, largest_difference

WAVELENGTH = 4e-11
DETECTOR = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(220, 200))
POSE = az.Pose(0.16, 0.040, 0.052, 0.08, -0.05)
TRUTH = az.Instrument(DETECTOR, POSE, az.Beam(WAVELENGTH))
LOOK = CalibrantLook(fwhm=2.0 * 4e-4 / 0.16, counts=800.0, background=15.0)
SUBSTANCES = ("CeO2", "LaB6")


def recalibrated(image, calibrant="CeO2", *, wavelength=WAVELENGTH, instrument=TRUTH, mask=None):
    start = instrument.replace(
        pose=instrument.pose.replace(dist=1.003 * POSE.dist, poni1=POSE.poni1 + 8e-4, poni2=POSE.poni2 - 5e-4),
        beam=az.Beam(wavelength),
    )
    return az.recalibrate(image, start, calibrant, mask=mask)


def calibrated(image, calibrant="CeO2", *, wavelength=WAVELENGTH, instrument=TRUTH, mask=None):
    return from_scratch(image, instrument.detector, az.calibrant(calibrant), wavelength=wavelength, mask=mask)


way = pytest.mark.parametrize("way", [recalibrated, pytest.param(calibrated, marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def images():
    return {name: calibrant_image(TRUTH, az.calibrant(name), LOOK, seed=5).image for name in SUBSTANCES}


def pixel_angle():
    t = POSE.lab_from_detector(DETECTOR.centers())
    return np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2])


def spots(rng, n, *, width=1.2):
    """Return reflections of a single crystal: bright spots anywhere, over a weak background."""
    image = np.full(DETECTOR.shape, 12.0)
    i, j = np.mgrid[-6:7, -6:7]
    for _ in range(n):
        row, column = rng.uniform(7, 212), rng.uniform(7, 192)
        r, c = int(row), int(column)
        bell = np.exp(-((i + r - row) ** 2 + (j + c - column) ** 2) / (2 * width**2))
        image[r - 6 : r + 7, c - 6 : c + 7] += 10 ** rng.uniform(1.5, 4.5) * bell
    return image


def spots_on_rings(rng, n):
    """Return a single crystal of the calibrant itself: a few spots on every ring."""
    angle, rings = pixel_angle(), az.calibrant("CeO2").two_theta(WAVELENGTH)
    t = POSE.lab_from_detector(DETECTOR.centers())
    chi = np.arctan2(t[..., 0], t[..., 1])
    image = np.full(DETECTOR.shape, 12.0)
    for ring in np.radians(rings[:12]):
        for azimuth in rng.uniform(-np.pi, np.pi, n):
            turn = np.mod(chi - azimuth + np.pi, 2 * np.pi) - np.pi
            image += 3000 * np.exp(-((angle - ring) ** 2 + (turn * np.sin(ring)) ** 2) / (2 * 0.003**2))
    return image


def bad_image(kind):
    rng, shape, angle = np.random.default_rng(3), DETECTOR.shape, pixel_angle()
    halo = 400 * np.exp(-((angle - 0.12) ** 2) / 5e-4) + 150 * np.exp(-((angle - 0.22) ** 2) / 1e-3) + 20
    pictures = {
        "zeros": lambda: np.zeros(shape, dtype=np.uint32),
        "constant": lambda: np.full(shape, 1000, dtype=np.uint32),
        "background": lambda: rng.poisson(300 * np.exp(-angle / 0.2)),
        "noise": lambda: rng.normal(0, 30, shape),
        "shot noise": lambda: rng.poisson(50, shape),
        "few counts": lambda: rng.poisson(0.02, shape),
        "amorphous halo": lambda: rng.poisson(halo),
        "single crystal, 30 spots": lambda: rng.poisson(spots(rng, 30)),
        "single crystal, 400 spots": lambda: rng.poisson(spots(rng, 400)),
        "single crystal of the calibrant": lambda: rng.poisson(spots_on_rings(rng, 2)),
        "stripes": lambda: rng.poisson(100 + 90 * np.sin(np.arange(200) / 4) * np.ones(shape)),
        "checks": lambda: rng.poisson(100 + 90 * ((np.indices(shape) // 20).sum(axis=0) % 2)),
        "all invalid": lambda: np.full(shape, np.iinfo(np.uint32).max, dtype=np.uint32),
        "not a number": lambda: np.full(shape, np.nan),
    }
    return np.asarray(pictures[kind]())


KINDS = (
    "zeros", "constant", "background", "noise", "shot noise", "few counts", "amorphous halo",
    "single crystal, 30 spots", "single crystal, 400 spots", "single crystal of the calibrant", "stripes", "checks",
    "all invalid", "not a number",
)  # fmt: skip


@way
@pytest.mark.parametrize("kind", KINDS)
def test_image_without_rings_is_not_good(way, kind):
    found = way(bad_image(kind))
    assert found.verdict != "good", found.summary()
    assert found.reasons


@way
def test_image_that_is_masked_all_over_is_failed(way, images):
    found = way(images["CeO2"], mask=np.ones(DETECTOR.shape, dtype=bool))
    assert found.verdict == "failed"
    assert found.reasons


@way
@pytest.mark.parametrize("true", SUBSTANCES)
@pytest.mark.parametrize("told", ["CeO2", "LaB6", "Si", "alpha_Al2O3", "AgBh", "NaCl"])
def test_wrong_calibrant_is_not_good(way, images, true, told):
    if true == told:
        return
    found = way(images[true], told)
    assert found.verdict != "good", found.summary()
    assert found.reasons


@way
@pytest.mark.parametrize("name", SUBSTANCES)
@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_wavelength_wrong_by_a_fifth_is_not_good(way, images, name, factor):
    found = way(images[name], name, wavelength=factor * WAVELENGTH)
    assert found.verdict != "good", found.summary()
    assert found.reasons


@way
@pytest.mark.parametrize("name", SUBSTANCES)
def test_right_things_are_right(way, images, name):
    """The same images with the right calibrant and wavelength: what the tests above rest on."""
    found = way(images[name], name)
    assert found.verdict == "good", found.summary()
    assert largest_difference(TRUTH, found.instrument) < 0.1


@pytest.mark.parametrize("factor", [0.8, 1.2])
@pytest.mark.parametrize("name", SUBSTANCES)
def test_wrong_wavelength_from_a_distance_that_goes_with_it_is_not_good(images, name, factor):
    """The rings are where the wrong wavelength puts them at small angles; only the large ones tell."""
    near = TRUTH.replace(pose=POSE.replace(dist=POSE.dist / factor))
    start = near.replace(beam=az.Beam(factor * WAVELENGTH))
    found = az.recalibrate(images[name], start, name)
    assert found.verdict != "good", found.summary()
