# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Outliers in powder images: found, left out, and reported; errors that hold; the same by every way through a plan."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, UnknownNameError, UnsupportedOptionError

SHAPE = (400, 380)
PIXEL = 1e-4
CENTER = (0.0203, 0.0187)  # m
METHODS = ("sigma", "median", "quantile")


@pytest.fixture(scope="module")
def powder():
    detector = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=SHAPE)
    return az.Integrator(detector, dist=0.15, poni1=CENTER[0], poni2=CENTER[1], wavelength=1e-10)


def expected_counts(level):
    """Rings that are wide enough for bins of one pixel: the slope across a bin stays below the noise of 10^4 counts."""
    slow, fast = (np.arange(n) * PIXEL + PIXEL / 2 - c for n, c in zip(SHAPE, CENTER, strict=True))
    radius = 1e3 * np.hypot(slow[:, None], fast[None, :])
    return level * (1 + 0.4 * np.sin(radius / 8))


def with_spots(frame, mean, rng, n=500, *, largest=300):
    """Plant spots of 8 to `largest` sigma; return the frame and where they are."""
    planted = np.zeros(SHAPE, bool)
    planted.flat[rng.choice(frame.size, n, replace=False)] = True
    height = rng.uniform(8, largest, n) * np.sqrt(mean[planted])
    spotty = frame.copy()
    spotty[planted] = np.ceil(mean[planted] + height).astype(frame.dtype)
    return spotty, planted


def call(powder, kind, frame, **options):
    if kind == "1d":
        return powder.integrate1d(frame, 200, unit="r_mm", solid_angle=False, **options)
    return powder.integrate2d(frame, 60, 12, unit="r_mm", solid_angle=False, **options)


def chi_square(result, expected):
    well_filled = result.n_kept > 40
    z = (result.intensity - expected.intensity)[well_filled] / result.sigma[well_filled]
    return np.mean(z**2), np.abs(z).max(), z.size


@pytest.mark.parametrize("level", [5, 100, 10_000])
@pytest.mark.parametrize("kind", ["1d", "2d"])
@pytest.mark.parametrize("error_model", [None, "azimuthal", "poisson", "hybrid"])
def test_clipping_of_planted_spots_reports_them_and_recovers_the_profile(powder, kind, level, error_model):
    if kind == "2d" and level == 10_000:
        pytest.skip("the slope across these bins is larger than the noise: such spots are not above 8 sigma of the bin")
    rng = np.random.default_rng(level)
    mean = expected_counts(level)
    frame, planted = with_spots(rng.poisson(mean).astype(np.uint32), mean, rng)
    result = call(powder, kind, frame, reject="sigma", error_model=error_model)
    n_found = np.count_nonzero(result.rejected & planted)
    assert n_found / np.count_nonzero(result.rejected) > 0.98
    assert n_found / np.count_nonzero(planted) > 0.98
    if error_model is not None:
        square, largest, n = chi_square(result, call(powder, kind, mean))
        # Splitting leaves neighbouring bins correlated: the mean of n squares then has up to twice the variance 2 / n.
        assert abs(square - 1) < 4 * np.sqrt(4 / n)
        assert largest < 5
    else:
        plain = call(powder, kind, rng.poisson(mean))
        filled = result.n_kept > 40
        assert np.allclose(result.intensity[filled], plain.intensity[filled], rtol=6 / np.sqrt(level * 40))


def test_clipping_with_default_arguments_keeps_the_pixels_defect_9_1_4(powder):
    """pyFAI's sigma_clip() with default arguments rejects every pixel and returns zeros."""
    mean = expected_counts(50)
    frame = np.random.default_rng(1).poisson(mean)
    plain = call(powder, "1d", frame)
    clipped = call(powder, "1d", frame, reject="sigma")
    assert np.count_nonzero(clipped.rejected) < 5
    assert clipped.error_model is None
    assert clipped.sigma is None
    filled = plain.count > 0
    np.testing.assert_allclose(clipped.count[filled], plain.count[filled], rtol=0.05)
    np.testing.assert_allclose(clipped.intensity[filled], plain.intensity[filled], rtol=0.02)


@pytest.mark.parametrize("error_model", ["poisson", "hybrid", None])
def test_clipping_with_a_quarter_of_extreme_outliers_starts_robustly_defect_9_1_4(powder, error_model):
    """A start from mean and standard deviation would keep everything, or throw the powder out."""
    rng = np.random.default_rng(2)
    mean = expected_counts(50)
    frame = rng.poisson(mean).astype(np.uint32)
    hot = rng.random(SHAPE) < 0.25
    frame[hot] = rng.choice([10**4, 10**6, 10**9], np.count_nonzero(hot))
    result = call(powder, "1d", frame, reject="sigma", error_model=error_model)
    expected = call(powder, "1d", mean)
    filled = result.n_kept > 40
    np.testing.assert_array_equal(result.rejected[~hot].sum(), 0)
    assert result.rejected[hot].mean() > 0.999  # but in bins of a few pixels
    np.testing.assert_allclose(result.intensity[filled], expected.intensity[filled], rtol=0.15)


@pytest.mark.parametrize("error_model", ["poisson", "azimuthal", "hybrid", None])
@pytest.mark.parametrize("level", [0.003, 0.05, 0.5, 5])
def test_clipping_of_few_photons_throws_none_away(powder, error_model, level):
    """A symmetric band of 5 sigma would cut the upper tail: at 0.05 counts every pixel with two photons, 5 % of the signal."""
    rng = np.random.default_rng(3)
    frame = rng.poisson(level, SHAPE).astype(np.uint16)
    result = powder.integrate1d(frame, 60, unit="r_mm", solid_angle=False, reject="sigma", error_model=error_model)
    assert frame[result.rejected].sum() < 2e-3 * frame.sum() + 3


@pytest.mark.parametrize("error_model", ["poisson", "azimuthal", "hybrid"])
@pytest.mark.parametrize("split", ["none", "full"])
def test_clipping_of_clean_frames_leaves_sigma_as_it_is(powder, error_model, split):
    rng = np.random.default_rng(4)
    mean = np.full(SHAPE, 30.0)
    plan = powder.plan1d(120, unit="r_mm", solid_angle=False, reject="sigma", error_model=error_model, split=split)
    results = plan.integrate_stack(rng.poisson(mean, (40, *SHAPE)).astype(np.uint16))
    filled = results[0].n_kept > 100
    z = np.array([(r.intensity - 30)[filled] / r.sigma[filled] for r in results])
    n = z.size if split == "none" else z.size / 2
    # The spread of 100 pixels and more is known to 7 %: Student's distribution adds up to 2 / 100 to the mean square.
    assert abs(np.mean(z**2) - 1) < 4 * np.sqrt(2 / n) + (0.02 if error_model == "azimuthal" else 0)
    assert np.abs(np.mean(z)) < 5 / np.sqrt(n) + 0.01


@pytest.mark.parametrize(
    "choice", ["median", {"method": "quantile"}, {"method": "quantile", "quantiles": (0.02, 0.98)}]
)
@pytest.mark.parametrize("error_model", ["azimuthal", "variance"])
def test_error_of_trimmed_means_is_their_spread(powder, choice, error_model):
    """Of 120 simulated frames; values are continuous, as the median wants them."""
    rng = np.random.default_rng(5)
    plan = powder.plan1d(
        25, unit="r_mm", radial_range=(2, 17), solid_angle=False, reject=choice, error_model=error_model
    )
    variance = np.full(SHAPE, 100.0) if error_model == "variance" else None
    results = [plan(rng.normal(500, 10, SHAPE).astype(np.float32), variance=variance) for _ in range(120)]
    z = np.array([(r.intensity - 500) / r.sigma for r in results])
    # 25 bins of 120 frames; the error of a median comes from some tens of values and is itself known to 10 %.
    assert np.mean(z**2) == pytest.approx(1, abs=0.12 if choice == "median" else 0.1)


def test_textured_rings_widen_the_spread_but_not_the_counts_noise(powder):
    """Texture is no outlier for the azimuthal spread; for Poisson noise nearly everything is one, and that shows."""
    rng = np.random.default_rng(6)
    slow, fast = (np.arange(n) * PIXEL - c for n, c in zip(SHAPE, CENTER, strict=True))
    texture = 1 + 0.6 * np.cos(2 * np.arctan2(slow[:, None], fast[None, :]))
    frame, planted = with_spots(rng.poisson(1000 * texture), np.full(SHAPE, 1000.0), rng, largest=400)
    spread = call(powder, "1d", frame, reject="sigma")
    counts = call(powder, "1d", frame, reject="sigma", error_model="poisson")
    assert np.count_nonzero(spread.rejected & ~planted) == 0
    assert np.count_nonzero(counts.rejected) > 0.3 * frame.size
    filled = spread.n_kept > 300
    np.testing.assert_allclose(spread.intensity[filled], 1000, rtol=0.25)


@pytest.mark.parametrize("reject", METHODS)
@pytest.mark.parametrize("average", ["ratio_of_sums", "mean_of_ratios", "sum"])
@pytest.mark.parametrize("split", ["none", "bbox", "pseudo", "full"])
def test_native_plan_of_any_split_and_average_equals_the_reference(powder, reject, average, split):
    rng = np.random.default_rng(7)
    frame, _ = with_spots(rng.poisson(expected_counts(40)).astype(np.int32), expected_counts(40), rng)
    frame[100:103] = -1
    options = {"unit": "q_nm^-1", "average": average, "split": split, "reject": reject, "error_model": "azimuthal"}
    options |= {"dark": rng.uniform(0, 2, SHAPE), "flat": rng.uniform(0.9, 1.1, SHAPE), "polarization_factor": 0.9}
    one, two = (powder.integrate2d(frame, 40, 9, engine=name, **options) for name in ("reference", "native"))
    for name in ("intensity", "sigma", "count", "n_kept", "n_rejected"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-11, atol=1e-11, err_msg=name)
    if reject == "sigma":
        np.testing.assert_array_equal(two.rejected, one.rejected)
        np.testing.assert_array_equal(two.iterations, one.iterations)


def test_a_million_bins_work(powder):
    frame = np.random.default_rng(8).poisson(20, SHAPE).astype(np.uint16)
    for reject in METHODS:
        cake = powder.integrate2d(frame, 1000, 1000, unit="r_mm", reject=reject, error_model="poisson")
        assert cake.n_kept.shape == (1000, 1000)
        filled = cake.count > 0
        assert np.isfinite(cake.intensity[filled]).all()
        if reject == "sigma":
            assert np.count_nonzero(cake.rejected) <= 3


def test_map_of_files_and_stacks_gives_what_the_plan_gives(powder, tmp_path):
    h5py = pytest.importorskip("h5py")
    hdf5plugin = pytest.importorskip("hdf5plugin")
    rng = np.random.default_rng(9)
    frames = rng.poisson(expected_counts(20), (5, *SHAPE)).astype(np.uint32)
    frames[:, 7, ::11] = 5000
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=frames, chunks=(1, *SHAPE), **hdf5plugin.Bitshuffle(cname="lz4"))
    for reject in METHODS:
        plan = powder.plan1d(100, unit="r_mm", reject=reject, error_model="poisson")
        alone = [plan(frame) for frame in frames]
        mapped, stacked = list(plan.map(f"{path}::/data")), plan.integrate_stack(frames)
        for one, two, three in zip(alone, mapped, stacked, strict=True):
            for name in ("intensity", "sigma", "n_kept", "rejected", "iterations"):
                expected = getattr(one, name)
                np.testing.assert_array_equal(getattr(two, name), expected)
                np.testing.assert_array_equal(getattr(three, name), expected)
            assert two.provenance["decoder"] == "azimuthal: bitshuffle-lz4, dense"
            assert two.provenance["recipe"]["reject"]["method"] == reject


@pytest.mark.parametrize("reject", ["sigma", {"method": "quantile", "quantiles": (0.1, 0.8)}])
def test_results_and_plans_are_saved_and_merged(powder, tmp_path, reject):
    rng = np.random.default_rng(10)
    plan = powder.plan1d(50, unit="q_nm^-1", reject=reject, error_model="poisson")
    frames = rng.poisson(expected_counts(20), (3, *SHAPE)).astype(np.uint32)
    for number, frame in enumerate(frames):
        frame[9, :: 7 + number] = 4000
    results = [plan(frame) for frame in frames]
    plan.save(tmp_path / "plan.h5")
    again = az.load_plan(tmp_path / "plan.h5")
    assert again.spec == plan.spec
    np.testing.assert_array_equal(again(frames[0]).intensity, results[0].intensity)
    for name, held in (("many.h5", results), ("many.npz", results), ("one.h5", results[:1]), ("one.npz", results[:1])):
        az.save(held, tmp_path / name)
        for one, two in zip(held, az.load_result(tmp_path / name), strict=True):
            np.testing.assert_array_equal(two.intensity, one.intensity)
            np.testing.assert_array_equal(two.n_kept, one.n_kept)
            np.testing.assert_array_equal(two.n_rejected, one.n_rejected)
            assert (two.iterations is None) == (one.iterations is None) == (one.rejected is None)
            if one.rejected is not None:
                assert one.rejected.any()
                np.testing.assert_array_equal(two.rejected, one.rejected)
    total = results[0].merged(*results[1:])
    np.testing.assert_array_equal(total.n_kept, sum(result.n_kept for result in results))
    assert total.rejected is None
    az.save(total, tmp_path / "total.npz")
    assert az.load_result(tmp_path / "total.npz")[0].rejected is None
    with pytest.raises(ParameterError, match="reject"):
        results[0].merged(plan.replace(reject=None)(frames[0]))
    turned = results[0].to("2th_deg")
    assert turned.n_kept.sum() == results[0].n_kept.sum()


def test_monitor_divides_what_is_kept(powder):
    frame = np.random.default_rng(11).poisson(50, SHAPE)
    for reject in METHODS:
        one = call(powder, "1d", frame, reject=reject, error_model="poisson")
        two = call(powder, "1d", frame, reject=reject, error_model="poisson", normalization_factor=4.0)
        np.testing.assert_allclose(two.intensity, one.intensity / 4, rtol=1e-12)
        np.testing.assert_allclose(two.sigma, one.sigma / 4, rtol=1e-12)


def test_requests_that_cannot_be_met_are_refused(powder):
    with pytest.raises(UnknownNameError, match="sigma"):
        powder.plan1d(10, reject="sigam")
    with pytest.raises(UnsupportedOptionError, match="covariance"):
        powder.plan1d(10, reject="sigma", error_model="poisson", covariance=True)
    with pytest.raises(UnsupportedOptionError, match="dead_time"):
        powder.plan1d(10, reject="sigma", dead_time=1e-6, exposure_time=1.0, dead_time_model="paralyzable")
    for model in ("poisson", "variance"):  # their noise is not that of pixels less a noisy dark
        with pytest.raises(UnsupportedOptionError, match="hybrid"):
            powder.plan1d(10, reject="sigma", error_model=model, dark=np.ones(SHAPE), dark_variance="poisson")
    with pytest.raises(UnsupportedOptionError, match="decoded frames"):
        powder.plan1d(10, reject="sigma").integrate_chunks([b""], dtype="uint16")
    with pytest.raises(ParameterError, match="variance"):
        powder.plan1d(10, reject="sigma", error_model="variance")(np.ones(SHAPE))


NOISY = {"solid_angle": False, "unit": "r_mm", "split": "none", "radial_range": (2, 17)}


@pytest.mark.parametrize("average", ["ratio_of_sums", "mean_of_ratios"])
def test_noise_of_dark_and_flat_of_clean_frames_is_that_without_rejection(powder, average):
    rng = np.random.default_rng(13)
    flat = rng.uniform(0.7, 1.3, SHAPE)
    frame = rng.poisson(50 * flat + 10).astype(np.float32)
    frame[::31, ::17] = np.nan
    options = NOISY | {
        "dark": np.full(SHAPE, 10.0), "dark_variance": rng.uniform(1, 5, SHAPE), "flat": flat,
        "flat_variance": rng.uniform(1, 2, SHAPE) * 1e-3, "error_model": "hybrid", "average": average,
        "polarization_factor": 0.95,
    }  # fmt: skip
    plain = powder.integrate1d(frame, 60, normalization_factor=3.0, **options)
    for reject in ("sigma", {"method": "quantile", "quantiles": (0, 1)}):
        for engine in ("native", "reference"):
            found = powder.integrate1d(frame, 60, normalization_factor=3.0, reject=reject, engine=engine, **options)
            assert found.n_rejected.sum() == 0
            np.testing.assert_allclose(found.sigma, plain.sigma, rtol=1e-10)
            np.testing.assert_allclose(found.sum_static_variance, plain.sum_static_variance, rtol=1e-10)
    with_more = powder.plan1d(60, reject="sigma", **options)
    (streamed,) = with_more.integrate_stack([frame], normalization_factors=[3.0])
    np.testing.assert_array_equal(streamed.sigma, with_more(frame, normalization_factor=3.0).sigma)
    assert streamed.merged(streamed).sigma.shape == streamed.sigma.shape


@pytest.mark.parametrize("reject", ["sigma", "median", "quantile"])
def test_sigma_with_noisy_dark_and_flat_is_the_spread_of_repeated_experiments(powder, reject):
    """Dark and flat are measured anew for each frame; spots are in all frames."""
    rng = np.random.default_rng(14)
    z = []
    spots = np.zeros(SHAPE, bool)
    spots[::40, ::37] = True
    if reject != "sigma":
        spots[:] = False
    for _ in range(30):
        dark, flat = rng.normal(100, 10, SHAPE), rng.normal(1, 0.02, SHAPE)
        frame = rng.poisson(600 + 5000 * spots).astype(np.float32)
        options = {
            "dark": dark, "dark_variance": np.full(SHAPE, 100.0), "flat": flat,
            "flat_variance": np.full(SHAPE, 4e-4), "error_model": "hybrid", "reject": reject,
        }  # fmt: skip
        result = powder.integrate1d(frame, 25, **NOISY, **options)
        z.append((result.intensity - 500) / result.sigma)
    # Of 750 values. Medians are off by a part of a count: counts are skew, and the flat is the weight of its own quotient.
    assert np.var(z) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(z)) < (0.2 if reject == "sigma" else 0.6)
    assert (result.sum_static_variance > 0).all()
    if reject == "sigma":
        inside = powder.integrate1d(spots.astype(np.uint8), 25, **NOISY, invalid_values=False).sum_signal.sum()
        assert result.rejected.sum() == pytest.approx(inside, abs=2)


def test_frames_of_nothing_valid_give_empty_bins(powder):
    frame = np.full(SHAPE, np.nan, np.float32)
    for reject in METHODS:
        result = call(powder, "1d", frame, reject=reject, error_model="azimuthal")
        assert np.isnan(result.intensity).all()
        assert not result.n_kept.any()
        assert result.provenance["n_invalid"] == frame.size


def test_clipping_of_constant_frames_rejects_nothing_but_the_spots(powder):
    flat = np.random.default_rng(12).uniform(0.5, 2, SHAPE)
    frame = 7.3 * flat
    frame[50, 60:63] = 900
    result = powder.integrate1d(frame, 50, unit="r_mm", flat=flat, reject="sigma")
    assert set(zip(*np.nonzero(result.rejected), strict=True)) == {(50, 60), (50, 61), (50, 62)}
