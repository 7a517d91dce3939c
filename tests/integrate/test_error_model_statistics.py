# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Chi-square: sigma of every error model x splitting x (1-D, 2-D) against the spread of 1000 simulated frames.

Of frame k and bin b, ``(I_kb - mean_k I_kb)^2 K / (K - 1) - sem_kb^2`` has the mean 0 when sem is right. Divided by the
mean of ``sem^2`` and averaged over bins, it is one number per frame, whose mean over frames must vanish within its
standard error: correlations of bins and the shape of the distribution are in that error.
"""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.integrate import PixelArrays, restore

SHAPE = (20, 22)
SPLITS = ("none", "bbox", "pseudo", "full")
KINDS = ("1-D", "2-D")
N_FRAMES = 1000
#: Confidence: 4 standard errors of the whole, 5 of any of some ten bins.
Z_ALL, Z_BIN = 4.0, 5.0
#: The test must be able to see an error of sigma² of 10 %.
LARGEST_ERROR = 0.025


@pytest.fixture(scope="module")
def ai():
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    return az.Integrator(detector, dist=0.1, poni1=0.0098, poni2=0.0113, rot1=0.02, wavelength=1e-10)


def plan_of(ai, kind, **options):
    options = dict(unit="r_mm", radial_range=(1.0, 9.0)) | options
    if kind == "1-D":
        return ai.plan1d(6, **options)
    return ai.plan2d(4, 4, **options)


def frames_of(rate, seed, shape=(N_FRAMES, *SHAPE)):
    return np.random.default_rng(seed).poisson(rate, shape).astype(np.uint32)


def check_sigma(results, *, bias=0.0):
    """Assert that sem is the spread of the intensities, in every bin and in all together; see above."""
    intensity = np.stack([result.intensity.ravel() for result in results])
    variance = np.stack([result.sem.ravel() for result in results]) ** 2
    n = len(results)
    squares = (intensity - intensity.mean(axis=0)) ** 2 * n / (n - 1)
    excess = (squares - variance) / variance.mean(axis=0)
    per_bin = excess.mean(axis=0) / (excess.std(axis=0) / np.sqrt(n))
    together = excess.mean(axis=1)
    error = together.std() / np.sqrt(n)
    assert np.isfinite(excess).all()
    assert np.abs(per_bin).max() < Z_BIN + bias / error, per_bin
    assert abs(together.mean()) < Z_ALL * error + bias, (together.mean(), error)
    assert error < LARGEST_ERROR
    return together.mean(), error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("rate", [0.05, 1.0, 1000.0])
@pytest.mark.parametrize("model", ["poisson", "hybrid", "azimuthal"])
def test_sigma_of_counts_is_their_spread(ai, model, rate, split, kind):
    """Photons, from one in twenty pixels to a thousand in each."""
    plan = plan_of(ai, kind, split=split, error_model=model)
    check_sigma(plan.integrate_stack(frames_of(rate, 11)))


@pytest.mark.parametrize("average", ["mean_of_ratios", "sum"])
@pytest.mark.parametrize("model", ["poisson", "azimuthal"])
@pytest.mark.parametrize("split", ["none", "full"])
def test_sigma_of_other_averages_is_their_spread(ai, split, model, average):
    flat = np.random.default_rng(3).uniform(0.8, 1.2, SHAPE)
    plan = plan_of(ai, "1-D", split=split, error_model=model, average=average, flat=flat)
    check_sigma(plan.integrate_stack(frames_of(30.0 * flat, 12)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("model", ["variance", "azimuthal"])
def test_sigma_of_noise_that_is_no_photons_is_its_spread(ai, model, split, kind):
    """A read noise of 3 on a signal of 100, where Poisson would be ten thirds of it."""
    plan = plan_of(ai, kind, split=split, error_model=model)
    frames = np.random.default_rng(13).normal(100.0, 3.0, (N_FRAMES, *SHAPE)).astype(np.float32)
    if model == "variance":
        given = np.full(SHAPE, 9.0)
        check_sigma([plan(frame, variance=given) for frame in frames])
    else:
        check_sigma(plan.integrate_stack(frames))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("noisy", ["dark", "flat"])
def test_sigma_with_a_noisy_dark_or_flat_is_the_spread(ai, noisy, split, kind):
    """A new dark or flat for every frame: a fifth and two fifths of the variance are theirs."""
    generator = np.random.default_rng(14)
    spec_plan = plan_of(ai, kind, split=split, error_model="poisson", dark=np.ones(SHAPE), flat=np.ones(SHAPE))
    true_flat, true_dark = generator.uniform(0.8, 1.2, SHAPE), 40.0
    frames = generator.poisson(true_dark + 100.0 * true_flat, (N_FRAMES, *SHAPE)).astype(np.uint32)
    results = []
    for frame in frames:
        if noisy == "dark":
            dark = generator.poisson(true_dark, SHAPE).astype(float)
            arrays = PixelArrays(dark=dark, dark_variance="poisson", flat=true_flat)
        else:
            flat = true_flat + generator.normal(0, 0.1, SHAPE)
            dark = np.full(SHAPE, true_dark)
            arrays = PixelArrays(dark=dark, flat=flat, flat_variance=np.full(SHAPE, 0.01))
        plan = restore(spec_plan.spec, arrays, spec_plan.axes, spec_plan.matrix, spec_plan.report)
        results.append(plan(frame))
    # To second order the errors of a flat of 10 % are 1 % larger than to first.
    check_sigma(results, bias=0.015 if noisy == "flat" else 0.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("model", ["poisson", "azimuthal"])
def test_sigma_with_a_noisy_monitor_is_the_spread(ai, model, split, kind):
    plan = plan_of(ai, kind, split=split, error_model=model)
    generator = np.random.default_rng(15)
    counted = generator.poisson(2500.0, N_FRAMES).astype(float)
    results = plan.integrate_stack(frames_of(50.0, 16), normalization_factors=counted, normalization_variances=counted)
    intensity = np.stack([result.intensity.ravel() for result in results])
    variance = np.stack([result.sem.ravel() for result in results]) ** 2
    ratio = variance.mean(axis=0) / intensity.var(axis=0, ddof=1)
    # One number moves all bins: the spread of a variance is that of one bin, 4.5 %.
    assert np.abs(ratio - 1).max() < 4 * np.sqrt(2 / N_FRAMES)
    # Bins move together, as said: their common part does not average out.
    total = intensity.mean(axis=1)
    own = np.stack([result.sum_variance.ravel() / result.sum_normalization.ravel() ** 2 for result in results]).mean(0)
    expected = (own.sum() / own.size**2) + (total.mean() ** 2) / 2500.0
    if split == "none":
        assert total.var(ddof=1) == pytest.approx(expected, rel=4 * np.sqrt(2 / N_FRAMES))


@pytest.mark.parametrize("model", ["poisson", "azimuthal"])
def test_sigma_of_merged_frames_is_their_spread(ai, model):
    plan = plan_of(ai, "1-D", split="full", error_model=model)
    results = plan.integrate_stack(frames_of(0.5, 17, (4 * N_FRAMES, *SHAPE)))
    check_sigma([first.merged(*rest) for first, *rest in (results[i : i + 4] for i in range(0, len(results), 4))])


def test_sigma_of_merged_frames_with_one_noisy_dark_is_their_spread(ai):
    """Ten frames with one dark: its noise is most of the error that is left."""
    generator = np.random.default_rng(18)
    frame_plan = plan_of(ai, "1-D", split="full", error_model="poisson", dark=np.ones(SHAPE))
    merged = []
    for _ in range(400):
        dark = generator.poisson(10.0, SHAPE).astype(float)
        arrays = PixelArrays(dark=dark, dark_variance="poisson")
        plan = restore(frame_plan.spec, arrays, frame_plan.axes, frame_plan.matrix, frame_plan.report)
        first, *rest = (plan(frame) for frame in generator.poisson(30.0, (10, *SHAPE)).astype(np.uint16))
        merged.append(first.merged(*rest))
    intensity = np.stack([result.intensity for result in merged])
    ratio = np.stack([result.sem for result in merged]) ** 2 / intensity.var(axis=0, ddof=1)
    assert ratio.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / 400 / 5))
    wrong = np.stack([result.sum_variance / result.sum_normalization**2 for result in merged])
    assert (wrong / intensity.var(axis=0, ddof=1)).mean() < 0.35  # as if every frame had a dark of its own


def test_azimuthal_factor_is_unbiased_for_few_pixels(ai):
    """Bins of two pixels and more: the mean of sem² is the variance of the mean, which n in place of n - 1 misses."""
    plan = ai.plan1d(60, unit="r_mm", split="none", error_model="azimuthal", solid_angle=False)
    results = plan.integrate_stack(frames_of(200.0, 19, (3000, *SHAPE)))
    count = results[0].count
    variance = np.stack([result.sem for result in results]) ** 2
    for n in (2, 3, 4):
        expected = 200.0 / n
        bins = count == n
        assert bins.any()
        found = variance[:, bins].mean()
        error = variance[:, bins].std() / np.sqrt(variance[:, bins].size)
        assert found == pytest.approx(expected, abs=4 * error)
        assert error < 0.05 * expected
