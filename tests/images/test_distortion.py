# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Regular images: conservation, areas against sub-sampling, uncertainty by simulation, the way back, geometry."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.detectors import CornerArray, Cylindrical
from azimuthal.errors import ParameterError, ShapeError, UnknownNameError, UnsupportedOptionError
from azimuthal.images import undistortion

SHAPE = (24, 30)
PITCH = 1e-3


def warped_corners(i, j):
    """Return positions of grid nodes (row, column), m."""
    y = PITCH * (i + 0.8 * np.sin(j / 7.0) + 0.02 * j)
    x = PITCH * (j + 0.6 * np.cos(i / 6.0) - 0.03 * i)
    return np.stack([y, x, np.zeros_like(y)], axis=-1)


def warped(orientation=3, **options):
    i, j = np.meshgrid(np.arange(SHAPE[0] + 1.0), np.arange(SHAPE[1] + 1.0), indexing="ij")
    nodes = warped_corners(i, j)
    ring = np.stack([nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]], axis=2)
    return az.Detector(
        pixel1=PITCH, pixel2=PITCH, shape=SHAPE, layout=CornerArray(ring), orientation=orientation, **options
    )


def frame(seed=1):
    return np.random.default_rng(seed).poisson(400, SHAPE).astype(np.uint32)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@pytest.mark.parametrize("pixel_size", [None, (0.7e-3, 1.9e-3)])
def test_total_is_conserved_and_every_pixel_is_shared_wholly(orientation, pixel_size):
    regular = undistortion(warped(orientation), pixel_size=pixel_size)
    raw = frame()
    found = regular.correct(raw)
    assert found.counts.sum() == pytest.approx(raw.sum(), rel=1e-12)
    np.testing.assert_allclose(regular.weights.pixel_sums(), 1.0, rtol=1e-12)
    assert found.coverage.max() == pytest.approx(1.0, abs=1e-9)


def test_counts_are_those_of_fine_subsampling():
    raw = frame()
    found = undistortion(warped()).correct(raw)
    n = 60
    fine = (np.arange(n) + 0.5) / n
    expected = np.zeros(found.counts.shape)
    i, j = np.meshgrid(np.arange(SHAPE[0] + 1.0), np.arange(SHAPE[1] + 1.0), indexing="ij")
    nodes = warped_corners(i, j)[..., :2]
    low = nodes.reshape(-1, 2).min(axis=0)
    a, b, c, d = nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]
    s, t = np.meshgrid(fine, fine, indexing="ij")
    for p in np.ndindex(SHAPE):
        bilinear = (
            np.multiply.outer((1 - s) * (1 - t), a[p]) + np.multiply.outer(s * (1 - t), b[p])
            + np.multiply.outer(s * t, c[p]) + np.multiply.outer((1 - s) * t, d[p])
        )  # fmt: skip
        jacobian = _jacobian(s, t, a[p], b[p], c[p], d[p])
        cell = np.floor((bilinear - low) / PITCH).astype(int)
        np.add.at(expected, (cell[..., 0], cell[..., 1]), raw[p] * jacobian / jacobian.sum())
    assert np.abs(found.counts - expected).max() < 0.01 * 400


def _jacobian(s, t, a, b, c, d):
    along_s = np.multiply.outer(1 - t, b - a) + np.multiply.outer(t, c - d)
    along_t = np.multiply.outer(1 - s, d - a) + np.multiply.outer(s, c - b)
    return np.abs(along_s[..., 0] * along_t[..., 1] - along_s[..., 1] * along_t[..., 0])


def test_uniform_light_makes_a_uniform_image_whatever_the_pixel_sizes():
    detector = az.detector("Jungfrau").replace(gaps=(), modules=None)
    regular = undistortion(detector)
    light = np.zeros(detector.shape)
    light[...] = regular.pixel_area * 100.0  # every pixel collects light by its area
    found = regular.correct(light)
    whole = ~found.mask
    np.testing.assert_allclose(found.image[whole], 100.0, rtol=1e-9)
    assert np.nanmax(light) > 200


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_regular_detector_is_left_as_it_is(orientation):
    detector = az.Detector(pixel1=PITCH, pixel2=2 * PITCH, shape=SHAPE, orientation=orientation)
    raw = frame()
    found = undistortion(detector).correct(raw)
    np.testing.assert_allclose(found.counts, raw, rtol=1e-9)
    np.testing.assert_allclose(found.variance, raw, rtol=1e-9)
    assert not found.mask.any()


def test_variance_is_the_scatter_of_cells():
    generator = np.random.default_rng(5)
    regular = undistortion(warped())
    images = np.array([regular.correct(generator.poisson(100, SHAPE)).image for _ in range(400)])
    told = regular.correct(np.full(SHAPE, 100)).image_variance
    good = np.isfinite(told)
    ratio = images.var(axis=0, ddof=1)[good] / told[good]
    assert ratio.mean() == pytest.approx(1, abs=0.02)


def test_given_variance_and_none():
    regular = undistortion(warped())
    raw = frame().astype(np.float64)
    np.testing.assert_array_equal(regular.correct(raw, variance=raw).variance, regular.correct(raw).variance)
    none = regular.correct(raw, error_model=None)
    assert none.variance is None
    assert none.image_variance is None


def test_masked_and_invalid_pixels_leave_holes_and_no_wrong_counts():
    mask = np.zeros(SHAPE, bool)
    mask[8:12, 8:12] = True
    raw = frame()
    raw[18, 20] = np.iinfo(np.uint32).max
    found = undistortion(warped(), mask=mask).correct(raw)
    good = ~mask & (raw < 2**31)
    assert found.counts.sum() == pytest.approx(raw[good].sum(), rel=1e-12)
    level = undistortion(warped(), mask=mask).correct(np.where(good, 400.0, np.nan))
    # Pixels of unequal area have the density 400 / area, within the range of areas.
    assert np.nanmax(level.image) < 600
    assert level.mask.sum() > found.mask.sum() - 5


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_way_back_by_least_squares_returns_the_raw_image(orientation):
    regular = undistortion(warped(orientation), pixel_size=(0.6e-3, 0.6e-3))
    raw = frame().astype(np.float64)
    back = regular.uncorrect(regular.correct(raw).counts, method="least_squares", n_iterations=300)
    np.testing.assert_allclose(back, raw, rtol=1e-6)


def test_way_back_by_overlap_shares_cells_by_area_and_conserves():
    regular = undistortion(warped())
    flat = regular.uncorrect(np.full(regular.shape, 7.0))
    np.testing.assert_allclose(flat, 7.0 * regular.pixel_area, rtol=1e-12)
    covered = regular.correct(np.ones(SHAPE)).coverage > 1 - 1e-9
    inner = np.zeros(regular.shape)
    inner[covered] = np.random.default_rng(3).uniform(0, 9, covered.sum())
    assert regular.uncorrect(inner).sum() == pytest.approx(inner.sum(), rel=1e-9)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_regular_image_has_its_rings_where_the_raw_image_has_them(orientation):
    detector = warped(orientation)
    ai = az.Integrator(detector, 0.05, 0.011, 0.014, 0.1, -0.05, 0.2)
    centers = ai.pose.lab_from_detector(detector.centers())
    angle = np.degrees(np.arctan2(np.hypot(centers[..., 0], centers[..., 1]), centers[..., 2]))
    regular = undistortion(detector)
    raw = regular.pixel_area * angle
    again = az.Integrator.from_instrument(regular.instrument(ai.instrument))
    found = regular.correct(raw).image
    there = again.pose.lab_from_detector(again.detector.centers())
    expected = np.degrees(np.arctan2(np.hypot(there[..., 0], there[..., 1]), there[..., 2]))
    whole = regular.correct(raw).coverage > 0.999
    assert whole.sum() > 300
    assert np.abs(found - expected)[whole].max() < 0.5  # half a pixel: 1.1 degrees


@pytest.mark.parametrize("name", ["Jungfrau", "Xpad_flat"])
def test_agrees_with_pyfai_on_modules_with_wide_pixels(name):
    distortion = pytest.importorskip("pyFAI.distortion")
    factory = pytest.importorskip("pyFAI.detectors").detector_factory
    detector = az.detector(name).replace(gaps=(), modules=None)
    raw = np.random.default_rng(4).uniform(50, 150, detector.shape).astype(np.float32)
    unmasked = np.zeros(detector.shape, np.int8)
    theirs = distortion.Distortion(factory(name), resize=True, method="CSR", mask=unmasked).correct(raw)
    found = undistortion(detector).correct(raw, error_model=None)
    assert theirs.shape == found.counts.shape
    covered = found.counts > 0
    # pyFAI's positions and weights are float32.
    np.testing.assert_allclose(theirs[covered], found.counts[covered], rtol=1e-3)


def test_bad_input_is_named():
    with pytest.raises(UnsupportedOptionError, match="not flat"):
        undistortion(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(4, 5), layout=Cylindrical((4, 5), 1e-3, 1e-3, 0.1)))
    with pytest.raises(ParameterError, match="pixel_size"):
        undistortion(warped(), pixel_size=(0, 1e-3))
    with pytest.raises(ParameterError, match="min_coverage"):
        undistortion(warped(), min_coverage=0)
    regular = undistortion(warped())
    with pytest.raises(ShapeError, match="frame"):
        regular.correct(np.zeros((3, 4)))
    with pytest.raises(ParameterError, match="finite"):
        regular.uncorrect(np.full(regular.shape, np.nan))
    with pytest.raises(UnknownNameError, match="least_squares"):
        regular.uncorrect(np.zeros(regular.shape), method="leastsquares")
    other = az.Integrator("Pilatus100k", 0.1).instrument
    with pytest.raises(ParameterError, match="detector"):
        regular.instrument(other)
