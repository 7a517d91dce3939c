# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Dead time: the inverse, its limit, and its variance against simulated arrivals."""

import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.corrections import DEAD_TIME_MODELS, DeadTime
from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError


@pytest.mark.parametrize("model", DEAD_TIME_MODELS)
def test_correction_is_the_inverse_of_the_forward_model(model):
    pixel = DeadTime(3e-7, 0.1, model)
    photons = np.concatenate(([0.0], np.geomspace(1e-3, 0.999 / 3e-7 * 0.1, 2000)))
    np.testing.assert_allclose(pixel.corrected(pixel.observed(photons)), photons, rtol=1e-10)


def test_paralyzable_solution_is_the_lambert_function():
    special = pytest.importorskip("scipy.special")
    y = np.linspace(0, 0.3678, 10_001)
    x = -special.lambertw(-y).real
    np.testing.assert_allclose(DeadTime(1e-6, 1.0, "paralyzable").corrected(y * 1e6), x * 1e6, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("model", DEAD_TIME_MODELS)
def test_counts_beyond_the_limit_are_nan_and_never_wrapped(model):
    pixel = DeadTime(1e-6, 1.0, model)
    top = pixel.most_counts
    found = pixel.corrected(np.array([0.99 * top, 1.001 * top, 10 * top, 1e18, np.inf, np.nan, -1.0]))
    assert np.isfinite(found[0])
    assert np.isnan(found[1:]).all()
    assert top == pytest.approx(1e6 if model == "nonparalyzable" else 1e6 / math.e)


@pytest.mark.parametrize("model", DEAD_TIME_MODELS)
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint32, np.int64])
def test_integers_by_table_are_the_same_bits_as_one_by_one(model, dtype):
    pixel = DeadTime(1e-4, 1.0, model)
    counts = np.random.default_rng(1).integers(0, 12_000, (300, 400)).astype(dtype)
    if np.issubdtype(dtype, np.signedinteger):
        counts[3, 5] = -2
    else:
        counts[3, 5] = np.iinfo(dtype).max
    by_table, slope = pixel.corrected_with_slope(counts)
    one_by_one, slopes = pixel.corrected_with_slope(counts.astype(np.float64))
    np.testing.assert_array_equal(by_table, one_by_one)
    np.testing.assert_array_equal(slope, slopes)
    assert np.isnan(by_table[3, 5])


@pytest.mark.parametrize("model", DEAD_TIME_MODELS)
def test_slope_is_the_derivative(model):
    pixel = DeadTime(1e-6, 1.0, model)
    counts = np.linspace(1e3, 0.95 * pixel.most_counts, 50)
    slope = pixel.corrected_with_slope(counts)[1]
    difference = (pixel.corrected(counts + 1) - pixel.corrected(counts - 1)) / 2
    np.testing.assert_allclose(slope, difference, rtol=1e-4)


def simulated_counts(generator, model, rate, exposure, tau):
    """Counts of one pixel from arrivals one by one."""
    arrivals = np.cumsum(generator.exponential(1 / rate, int(rate * exposure * 1.5) + 200))
    arrivals = arrivals[arrivals < exposure]
    if model == "paralyzable":  # a photon counts when nothing arrived within tau before it
        return 1 + int(np.count_nonzero(np.diff(arrivals) > tau))
    count, free = 0, 0.0
    while (i := np.searchsorted(arrivals, free)) < arrivals.size:
        count, free = count + 1, arrivals[i] + tau
    return count


@pytest.mark.parametrize("model", DEAD_TIME_MODELS)
def test_mean_and_variance_are_those_of_simulated_arrivals(model):
    generator = np.random.default_rng(11)
    rate, exposure, tau, n = 1.0, 500.0, 0.35, 1500
    counts = np.array([simulated_counts(generator, model, rate, exposure, tau) for _ in range(n)])
    pixel = DeadTime(tau, exposure, model)
    photons, variance = pixel.corrected(counts), pixel.variance(counts)
    assert counts.mean() < 0.8 * rate * exposure
    assert photons.mean() == pytest.approx(rate * exposure, abs=6 * math.sqrt(variance.mean() / n) + 2)
    # The variance of a variance of n normal numbers is 2 / (n - 1).
    assert photons.var(ddof=1) / variance.mean() == pytest.approx(1, abs=5 * math.sqrt(2 / (n - 1)))
    assert variance.mean() > 1.25 * photons.mean()  # Poisson's law for the corrected counts would be too small


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ((0.0, 1.0, "paralyzable"), ParameterError, "dead_time"),
        ((1.0, 1.0, "paralyzable"), ParameterError, "less than the exposure"),
        ((1e-6, math.nan, "paralyzable"), ParameterError, "exposure_time"),
        ((1e-6, 1.0, "paralysable"), UnknownNameError, "paralyzable"),
        (("a", 1.0, "paralyzable"), DataTypeError, "dead_time"),
    ],
)
def test_bad_values_are_named(values, error, message):
    with pytest.raises(error, match=message):
        DeadTime(*values)


SHAPE = (60, 70)
AI = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE), 0.1, 0.031, 0.032)
OPTIONS = {"unit": "r_mm", "dead_time": 1e-6, "exposure_time": 0.01, "dead_time_model": "paralyzable"}


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("dtype", [np.uint32, np.float32])
def test_integration_is_that_of_corrected_frames(engine, dtype):
    frame = np.random.default_rng(3).poisson(2000, SHAPE).astype(dtype)
    pixel = DeadTime(1e-6, 0.01, "paralyzable")
    found = AI.integrate1d(frame, 20, engine=engine, error_model="poisson", dark=np.full(SHAPE, 5.0), **OPTIONS)
    expected = AI.integrate1d(
        pixel.corrected(frame), 20, unit="r_mm", engine=engine, dark=np.full(SHAPE, 5.0), variance=pixel.variance(frame)
    )
    np.testing.assert_array_equal(found.intensity, expected.intensity)
    np.testing.assert_array_equal(found.sigma, expected.sigma)
    said = found.provenance["corrections"]["dead_time"]
    assert said == {"tau": 1e-6, "exposure": 0.01, "model": "paralyzable"}


def test_variance_of_the_raw_counts_is_stretched():
    frame = np.random.default_rng(4).poisson(2000, SHAPE)
    pixel = DeadTime(1e-6, 0.01, "paralyzable")
    variance = np.full(SHAPE, 7.0)
    found = AI.integrate1d(frame, 20, variance=variance, **OPTIONS)
    photons, slope = pixel.corrected_with_slope(frame)
    expected = AI.integrate1d(photons, 20, unit="r_mm", variance=variance * slope**2)
    np.testing.assert_array_equal(found.sigma, expected.sigma)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_spread_of_the_pixels_is_that_of_corrected_frames(engine):
    frames = np.random.default_rng(6).poisson(2000, (3, *SHAPE)).astype(np.uint32)
    plan = AI.plan1d(20, error_model="azimuthal", engine=engine, **OPTIONS)
    plain = AI.plan1d(20, unit="r_mm", error_model="azimuthal", engine=engine)
    for frame, streamed in zip(frames, plan.map(frames), strict=True):
        expected = plain(DeadTime(1e-6, 0.01, "paralyzable").corrected(frame))
        np.testing.assert_array_equal(plan(frame).sigma, expected.sigma)
        np.testing.assert_array_equal(streamed.sigma, expected.sigma)


def test_pixels_beyond_the_limit_and_invalid_ones_take_no_part_and_are_counted():
    frame = np.full(SHAPE, 100, np.uint32)
    frame[5, 6], frame[7, 8] = 5000, np.iinfo(np.uint32).max  # the limit is 3678
    found = AI.integrate1d(frame, 20, error_model="poisson", **OPTIONS)
    assert found.provenance["n_invalid"] == 2
    assert found.count.sum() == pytest.approx(frame.size - 2)
    assert np.nanmax(found.intensity) < 140  # solid angle


def test_streams_and_saved_plans_correct_too(tmp_path):
    frames = np.random.default_rng(5).poisson(1000, (5, *SHAPE)).astype(np.uint16)
    plan = AI.plan1d(20, error_model="poisson", **OPTIONS)
    expected = [plan(frame) for frame in frames]
    plan.save(tmp_path / "plan.h5")
    for found in (
        list(plan.map(frames)),
        plan.integrate_stack(frames),
        [az.load_plan(tmp_path / "plan.h5")(f) for f in frames],
    ):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.intensity, other.intensity)
            np.testing.assert_array_equal(one.sigma, other.sigma)


@pytest.mark.parametrize("left_out", ["dead_time", "exposure_time", "dead_time_model"])
def test_a_part_that_is_missing_is_named(left_out):
    with pytest.raises(ParameterError, match=f"missing: {left_out}"):
        AI.plan1d(20, **{name: value for name, value in OPTIONS.items() if name != left_out})
