# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Covariance through the facade: right by dense matrices, right by simulation, whatever way a frame takes."""

import pickle

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

import azimuthal as az
from azimuthal.engines import Capabilities
from azimuthal.engines import reference as reference_engine
from azimuthal.errors import DataTypeError, ParameterError, UnsupportedOptionError
from azimuthal.integrate import PlanSpec

SPLITS = ("none", "bbox", "pseudo", "full")
AVERAGES = ("ratio_of_sums", "mean_of_ratios", "sum")
ENGINES = ("reference", "native")
MODEL = {"error_model": "poisson", "covariance": True}
N_FRAMES = 1000


def plan_of(ai, kind, **options):
    if kind == "radial":
        return ai.plan1d(80, **options)
    if kind == "azimuthal":
        return ai.plan_radial(50, **options)
    return ai.plan2d(20, 18, **options)


def dense(plan, variance):
    """C = W diag(v) W^T, all bins."""
    matrix = plan.matrix
    weights = np.zeros((matrix.n_pixels, matrix.n_bins))
    weights[matrix.entry_pixels(), matrix.indices] = matrix.entry_weights()
    return (weights * variance.reshape(-1, 1)).T @ weights


@pytest.mark.parametrize("kind", ["radial", "azimuthal", "cake"])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("average", AVERAGES)
def test_covariance_is_the_dense_matrix_product(ai, frame, kind, split, average):
    expected = None
    for engine in ENGINES:
        plan = plan_of(ai, kind, split=split, average=average, engine=engine, polarization_factor=0.9, **MODEL)
        result = plan(frame, normalization_factor=2.5)
        if expected is None:
            gain = plan._reducer.task.gain
            expected = dense(plan, frame.ravel() * (1.0 if gain is None else (gain / 2.5) ** 2))
            if average != "sum":
                with np.errstate(invalid="ignore", divide="ignore"):
                    expected /= np.outer(result.sum_normalization, result.sum_normalization)
        found = result.covariance()
        known = np.isfinite(found)
        assert np.abs(found - expected)[known].max() <= 1e-12 * np.abs(expected[known]).max()
        assert np.array_equal(np.diag(found), result.sigma.ravel() ** 2, equal_nan=True)


def test_without_splitting_it_is_the_diagonal_and_all_points_are_independent(ai, frame):
    profile = ai.integrate1d(frame, 60, split="none", **MODEL)
    assert np.array_equal(profile.covariance(), np.diag(profile.sigma**2))
    assert profile.covariance(banded=True).shape == (1, 60)
    assert profile.effective_sample_size == 60
    chi2 = profile.chi_square(50.0)
    assert chi2.value == pytest.approx(chi2.diagonal, rel=1e-13)


@pytest.mark.parametrize("split", ["bbox", "pseudo", "full"])
@pytest.mark.parametrize("npt", [10, 60, 300])
def test_the_error_of_all_bins_together_is_that_without_splitting(ai, frame, split, npt):
    # The weights of a pixel add up to one: what the diagonal loses is beside it.
    options = {"unit": "r_mm", "radial_range": (0, 120), "average": "sum", "solid_angle": False, **MODEL}
    profile = ai.integrate1d(frame, npt, split=split, **options)
    whole = ai.integrate1d(frame, 1, split="none", **options)
    total = profile.covariance().sum()
    assert total == pytest.approx(float(whole.sigma[0]) ** 2, rel=1e-12)
    assert np.nansum(profile.sigma**2) < 0.995 * total


def test_last_and_first_bin_of_a_circle_share_pixels(ai, frame):
    options = {"radial_unit": "r_mm", "radial_range": (15, 40), **MODEL}
    whole = ai.plan_radial(90, **options)
    profile = whole(frame)
    rho = profile.correlation()
    assert rho[0, -1] == pytest.approx(np.diag(rho, 1).mean(), rel=0.5)
    assert rho[0, -1] > 0.01
    assert profile.covariance(banded=True).shape == (90, 90)
    arc = ai.plan_radial(80, azimuth_range=(-160, 160), **options)(frame)
    assert arc.covariance(banded=True).shape[0] < 5
    assert arc.correlation()[0, -1] == 0


def test_cakes_have_neighbours_in_both_directions(ai, frame):
    cake = ai.integrate2d(frame, 30, 36, unit="r_mm", radial_range=(20, 50), **MODEL)
    first, second, values = cake.covariance_pairs()
    step_u, step_c = np.abs(second % 30 - first % 30), (second // 30 - first // 30) % 36
    assert {(0, 1), (1, 0), (1, 1), (0, 35)} <= set(zip(step_u.tolist(), step_c.tolist(), strict=True))
    assert (values > 0).all()
    assert 0.3 < cake.effective_sample_size / np.count_nonzero(cake.count) < 0.9


def test_explicit_variance_and_invalid_pixels(ai, frame):
    rng = np.random.default_rng(2)
    variance = rng.uniform(1, 9, frame.shape)
    spoilt = frame.copy()
    bad = rng.random(frame.shape) < 0.1
    spoilt[bad] = np.iinfo(frame.dtype).max
    plan = ai.plan1d(40, error_model="variance", covariance=True)
    result = plan(spoilt, variance=variance)
    norm = result.sum_normalization
    expected = dense(plan, np.where(bad, 0, variance)) / np.outer(norm, norm)
    assert np.allclose(result.covariance(), expected, rtol=1e-11, atol=1e-12 * expected.max())
    assert ai.integrate1d(spoilt, 40, variance=variance, covariance=True).sums == result.sums


def weights_of(plan):
    matrix = plan.matrix
    weights = np.zeros((matrix.n_pixels, matrix.n_bins))
    weights[matrix.entry_pixels(), matrix.indices] = matrix.entry_weights()
    return weights


@pytest.mark.parametrize("average", AVERAGES)
def test_azimuthal_model_takes_the_products_of_the_residuals(ai, frame, average):
    options = {"error_model": "azimuthal", "covariance": True, "average": average, "polarization_factor": 0.9}
    plan = ai.plan1d(60, engine="reference", **options)
    result = plan(frame)
    task, weights = plan._reducer.task, weights_of(plan)
    gain = np.ones(frame.size) if task.gain is None else task.gain
    norm = np.ones(frame.size) if task.normalization is None else task.normalization
    mean = result.sum_signal / result.sum_normalization
    residual = weights * ((frame.ravel() * gain)[:, np.newaxis] - np.outer(norm, mean))
    n_eff = result.sum_normalization**2 / result.sum_normalization2
    factor = np.sqrt(n_eff / (n_eff - 1))
    expected = residual.T @ residual * np.outer(factor, factor)
    if average != "sum":
        expected /= np.outer(result.sum_normalization, result.sum_normalization)
    native = ai.plan1d(60, engine="native", **options)
    for found in (result, native(frame), native.integrate_stack([frame] * 5)[3]):
        assert np.abs(found.covariance() - expected).max() <= 1e-11 * expected.max()
        assert np.allclose(np.diag(found.covariance()), found.sigma**2, rtol=1e-14)
    chunks = native.integrate_chunks([frame.tobytes()] * 2, dtype=frame.dtype, codec="none")
    assert chunks[1].sums == native(frame).sums


def test_noise_of_dark_and_flat_is_shared_by_bins_too(ai, frame):
    rng = np.random.default_rng(4)
    dark, flat = rng.uniform(1, 3, frame.shape), rng.uniform(0.8, 1.2, frame.shape)
    dark_variance, flat_variance = rng.uniform(1, 4, frame.shape), rng.uniform(0, 0.01, frame.shape)
    arrays = {"dark": dark, "flat": flat, "dark_variance": dark_variance, "flat_variance": flat_variance}
    plan = ai.plan1d(60, solid_angle=False, **arrays, **MODEL)
    result, weights = plan(frame), weights_of(plan)
    mean = result.intensity
    plain = weights.T @ (weights * (frame + dark_variance).reshape(-1, 1))
    expected = plain + np.outer(mean, mean) * (weights.T @ (weights * flat_variance.reshape(-1, 1)))
    expected /= np.outer(result.sum_normalization, result.sum_normalization)
    assert np.abs(result.covariance() - expected).max() <= 1e-11 * expected.max()
    assert np.allclose(np.diag(result.covariance()), result.sigma**2, rtol=1e-14)


def test_what_does_not_follow_from_the_pairs_is_refused(ai, frame):
    spread = ai.integrate1d(frame, 60, error_model="azimuthal", covariance=True)
    noisy = ai.integrate1d(frame, 60, dark=np.ones(frame.shape), dark_variance=np.ones(frame.shape), **MODEL)
    for result in (spread, noisy):
        with pytest.raises(UnsupportedOptionError, match="does not follow"):
            result.merged(result)
        with pytest.raises(UnsupportedOptionError, match="does not follow"):
            result.rebinned(every=2)
    monitored = ai.integrate1d(frame, 60, normalization_factor=2.0, normalization_variance=0.1, **MODEL)
    with pytest.raises(UnsupportedOptionError, match="monitor is common to all bins"):
        monitored.covariance()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_way_of_a_frame_gives_the_same_bits(ai, frame, engine, tmp_path):
    frames = np.stack([frame, frame // 2, frame + 1, frame, frame])
    plan = ai.plan1d(50, engine=engine, **MODEL)
    expected = [plan(one).sums for one in frames]
    assert [result.sums for result in plan.integrate_stack(frames)] == expected
    assert [result.sums for result in plan.map(iter(frames))] == expected
    if engine == "native":
        chunks = plan.integrate_chunks([one.tobytes() for one in frames], dtype=frame.dtype, codec="none")
        assert [result.sums for result in chunks] == expected
    plan.save(tmp_path / "plan.h5")
    assert az.load_plan(tmp_path / "plan.h5")(frame).sums == expected[0]
    assert pickle.loads(pickle.dumps(plan))(frame).sums == expected[0]


def test_results_of_a_plan_share_their_pairs(ai, frame):
    plan = ai.plan1d(50, **MODEL)
    one, two = plan(frame), plan(frame)
    assert one.sums.covariance.pairs is two.sums.covariance.pairs


def test_merged_frames_have_the_covariance_of_their_sum(ai, frame):
    plan = ai.plan1d(50, **MODEL)
    merged = plan(frame).merged(plan(frame + 3))
    expected = plan(2 * frame + 3).covariance() / 4  # half the intensity
    assert np.allclose(merged.covariance(), expected, rtol=1e-12, atol=0)


def test_covariance_needs_an_error_model_and_a_bool(ai):
    with pytest.raises(ParameterError, match=r"covariance: .*error_model='poisson'"):
        ai.plan1d(10, covariance=True)
    with pytest.raises(DataTypeError, match="covariance: expected True or False, got 1"):
        ai.plan1d(10, error_model="poisson", covariance=1)


def test_description_keeps_it_and_one_without_means_no(ai):
    spec = ai.plan1d(10, **MODEL).spec
    record = spec.to_dict()
    assert PlanSpec.from_dict(record) == spec
    del record["covariance"]
    assert PlanSpec.from_dict(record).covariance is False


def test_engine_that_cannot_sum_it_is_refused(ai, monkeypatch):
    without = Capabilities(("uint32",), ("poisson",), uses_threads=False, device="cpu")
    monkeypatch.setattr(reference_engine, "capabilities", without)
    with pytest.raises(UnsupportedOptionError, match=r"covariance: the engine 'reference'"):
        ai.plan1d(10, engine="reference", **MODEL)


# ---- proof by simulation -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated(small_detector):
    """A constant fitted to many frames of a flat scene, with the covariance of the bins and without."""
    ai = az.Integrator(small_detector, 0.1, 0.0503, 0.0498, wavelength=1e-10)
    rng = np.random.default_rng(20261121)
    plan = ai.plan1d(80, unit="r_mm", radial_range=(5, 45), solid_angle=False, **MODEL)  # half a pixel each
    found = []
    for _ in range(N_FRAMES // 100):
        for profile in plan.integrate_stack(rng.poisson(200.0, (100, 101, 103)).astype(np.uint32)):
            ones = np.ones(80)
            weights = scipy.linalg.solveh_banded(profile.covariance(banded=True), ones, lower=True)
            independent = profile.sigma**-2
            row = []
            for w in (weights, independent):
                fitted = float(w @ profile.intensity / w.sum())
                chi2 = profile.chi_square(fitted, n_parameters=1)
                row += [fitted, float(w.sum() ** -0.5), chi2.value if w is weights else chi2.diagonal]
            found.append(row)
    names = ("mean", "error", "chi2", "mean_diagonal", "error_diagonal", "chi2_diagonal")
    return dict(zip(names, np.array(found).T, strict=True))


DOF = 79


def test_chi_square_with_covariance_follows_its_distribution(simulated):
    chi2 = simulated["chi2"]
    assert abs(chi2.mean() - DOF) < 4 * np.sqrt(2 * DOF / N_FRAMES)
    # The variance of a sample variance, from the fourth moment of the distribution: 2 sigma^4 / n + kurtosis.
    assert abs(chi2.var(ddof=1) / (2 * DOF) - 1) < 4 * np.sqrt((2 + 12 / DOF) / N_FRAMES)
    assert scipy.stats.kstest(chi2, "chi2", args=(DOF,)).pvalue > 1e-3


def test_chi_square_of_the_diagonal_does_not(simulated):
    chi2 = simulated["chi2_diagonal"]
    assert chi2.var(ddof=1) / (2 * DOF) > 1.3
    assert scipy.stats.kstest(chi2, "chi2", args=(DOF,)).pvalue < 1e-6


def test_error_of_a_fit_is_right_with_covariance_and_too_small_without(simulated):
    tolerance = 4 / np.sqrt(2 * N_FRAMES)
    assert simulated["mean"].mean() == pytest.approx(200.0, rel=2e-4)
    assert simulated["error"].mean() / simulated["mean"].std(ddof=1) == pytest.approx(1.0, abs=tolerance)
    assert simulated["error_diagonal"].mean() / simulated["mean_diagonal"].std(ddof=1) < 0.8
