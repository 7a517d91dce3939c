# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Corrected images against the formula, and against integration bin by bin."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.corrections import DeadTime, polarization, solid_angle
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError, UnsupportedOptionError
from azimuthal.images import image_correction

SHAPE = (40, 50)
DETECTOR = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE).with_sensor("Si", 4.5e-4)
AI = az.Integrator(DETECTOR, 0.05, 0.02, 0.025, 0.1, energy=17.0)


def everything():
    generator = np.random.default_rng(1)
    mask = np.zeros(SHAPE, bool)
    mask[3, 4:9] = True
    flat = generator.uniform(0.8, 1.2, SHAPE)
    flat[7, 7] = 0
    return {
        "mask": mask, "dark": generator.uniform(1, 3, SHAPE), "flat": flat, "polarization_factor": 0.9,
        "dead_time": 1e-6, "exposure_time": 0.05, "dead_time_model": "nonparalyzable",
    }  # fmt: skip


def frame():
    raw = np.random.default_rng(2).poisson(900, SHAPE).astype(np.uint32)
    raw[10, 11] = np.iinfo(np.uint32).max
    return raw


def test_corrected_image_is_the_formula():
    options, raw = everything(), frame()
    found = image_correction(AI, **options)(raw, normalization_factor=2.5)
    pixel = DeadTime(1e-6, 0.05, "nonparalyzable")
    from azimuthal.corrections import absorption, sensor_efficiency

    efficiency = sensor_efficiency(AI.instrument, "relative")
    n = options["flat"] * solid_angle(AI.instrument) * polarization(AI.instrument, factor=0.9)
    n = n * absorption(AI.instrument, transmission=efficiency.transmission) * 2.5
    good = ~options["mask"] & (options["flat"] > 0) & (raw < 2**31)
    np.testing.assert_array_equal(found.mask, ~good)
    photons = pixel.corrected(raw) - options["dark"]
    np.testing.assert_allclose(found.image[good], photons[good] / n[good], rtol=1e-12)
    np.testing.assert_allclose(found.variance[good], pixel.variance(raw)[good] / n[good] ** 2, rtol=1e-12)
    assert np.isnan(found.image[~good]).all()
    assert np.isnan(found.variance[~good]).all()
    assert found.corrections["sensor_absorption"]["applied"] is True
    assert found.corrections["dead_time"]["tau"] == 1e-6


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_sums_over_bins_agree_with_integration(engine):
    options, raw = everything(), frame()
    worker = image_correction(AI, **options)
    image = worker(raw)
    plan = AI.plan1d(20, error_model="poisson", engine=engine, **options)
    profile = plan(raw)
    pixel, bins, c = plan.matrix.entry_pixels(), plan.matrix.indices, plan.matrix.entry_weights()
    n = worker.normalization.reshape(-1)
    valid = ~image.mask.reshape(-1)[pixel]
    signal = np.bincount(bins[valid], (c * (n * image.image.reshape(-1))[pixel])[valid], minlength=20)
    norm = np.bincount(bins[valid], (c * n[pixel])[valid], minlength=20)
    variance = np.bincount(bins[valid], (c**2 * (n**2 * image.variance.reshape(-1))[pixel])[valid], minlength=20)
    np.testing.assert_allclose(profile.intensity, signal / norm, rtol=1e-11)
    np.testing.assert_allclose(profile.sigma, np.sqrt(variance) / norm, rtol=1e-11)


def test_corrected_image_integrated_without_corrections_is_the_mean_of_ratios():
    raw = frame()
    image = image_correction(AI)(raw)
    expected = AI.integrate1d(raw, 15, average="mean_of_ratios")
    found = AI.integrate1d(image.image, 15, solid_angle=False, sensor_absorption=False)
    np.testing.assert_allclose(found.intensity, expected.intensity, rtol=1e-12)


def test_variance_is_given_or_none():
    raw, given = frame(), np.full(SHAPE, 4.0)
    assert image_correction(AI, error_model=None)(raw).variance is None
    found = image_correction(AI, error_model="variance", solid_angle=False, sensor_absorption=False)(
        raw, variance=given
    )
    np.testing.assert_array_equal(found.variance[~found.mask], 4.0)
    with pytest.raises(ParameterError, match="contradict"):
        image_correction(AI)(raw, variance=given)
    with pytest.raises(ParameterError, match="contradict"):
        image_correction(AI, error_model="variance")(raw)


def test_variance_of_dark_and_flat_are_the_scatter_that_they_make():
    generator = np.random.default_rng(5)
    truth, dark, flat = 400.0, 30.0, generator.uniform(0.8, 1.2, SHAPE)
    vd, vf = np.full(SHAPE, 9.0), np.full(SHAPE, 0.02**2)
    pulls = []
    for _ in range(40):
        raw = generator.poisson(truth * flat + dark)
        worker = image_correction(
            AI, dark=dark + generator.normal(0, 3, SHAPE), flat=flat + generator.normal(0, 0.02, SHAPE),
            dark_variance=vd, flat_variance=vf, solid_angle=False, sensor_absorption=False,
        )  # fmt: skip
        found = worker(raw)
        pulls.append((found.image - truth) / np.sqrt(found.variance))
    assert np.std(pulls) == pytest.approx(1, abs=0.02)
    with pytest.raises(ParameterError, match="dark_variance"):
        image_correction(AI, error_model=None, dark=np.ones(SHAPE), dark_variance=vd)


def test_bad_input_is_named():
    with pytest.raises(ShapeError, match="frame"):
        image_correction(AI)(np.zeros((3, 4)))
    with pytest.raises(UnsupportedOptionError, match="azimuthal"):
        image_correction(AI, error_model="azimuthal")
    with pytest.raises(ParameterError, match="split"):
        image_correction(AI, split="bbox")
    with pytest.raises(UnknownNameError, match="solid_angle"):
        image_correction(AI, solid_angel=False)
    with pytest.raises(ParameterError, match="normalization_factor"):
        image_correction(AI)(frame(), normalization_factor=0)


def test_frame_of_other_byte_order_and_strides_is_corrected_alike():
    raw = frame()
    worker = image_correction(AI)
    np.testing.assert_array_equal(worker(raw.astype(">u4")).image, worker(raw).image)
    np.testing.assert_array_equal(worker(np.asfortranarray(raw)).image, worker(raw).image)


def test_frame_that_would_lose_something_is_refused():
    correct = image_correction(AI)
    with pytest.raises(DataTypeError, match="frame: a masked array would lose its mask"):
        correct(np.ma.masked_greater(frame(), 10))
    with pytest.raises(DataTypeError, match="frame: expected one of uint8"):
        correct(frame() > 10)
