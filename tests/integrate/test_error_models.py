# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Error models: what they are, on every engine, in every form of result, and merged; brute force is the oracle."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.engines import CHUNK_CODECS, engine
from azimuthal.errors import ParameterError, UnknownNameError
from azimuthal.integrate import compile
from azimuthal.masks import InvalidRanges, invalid_pixels
from azimuthal.results import Profile, Sums

SHAPE = (31, 37)
SPLITS = ("none", "bbox", "pseudo", "full")
AVERAGES = ("ratio_of_sums", "mean_of_ratios", "sum")
KINDS = ("radial", "cake", "azimuthal")
#: Engines add the same numbers in another order.
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def ai():
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    return az.Integrator(detector, dist=0.05, poni1=0.0153, poni2=0.0198, rot1=0.1, wavelength=1e-10)


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(1).poisson(20, SHAPE).astype(np.uint32)


def calibration(*, seed=2):
    """Return a dark and a flat with variances, all of them uneven."""
    generator = np.random.default_rng(seed)
    dark, flat = generator.uniform(2, 6, SHAPE), generator.uniform(0.5, 1.5, SHAPE)
    variances = {"dark_variance": generator.uniform(0, 2, SHAPE), "flat_variance": generator.uniform(0, 0.01, SHAPE)}
    return {"dark": dark, "flat": flat} | variances


def plan_of(ai, kind="radial", **options):
    if kind == "cake":
        return ai.plan2d(9, 5, **options)
    return ai.plan1d(12, **options) if kind == "radial" else ai.plan_radial(8, radial_range=(2, 20), **options)


def terms(plan, frame, monitor=1.0):
    """Return signal, normalisation and weights[bin, pixel] of a plan, written out; invalid pixels have no weight."""
    average = plan.spec.average
    norm = np.ones(SHAPE) if plan.arrays.flat is None else plan.arrays.flat
    signal = frame.astype(float) - (0 if plan.arrays.dark is None else plan.arrays.dark)
    norm = norm * monitor
    if average != "ratio_of_sums":
        signal, norm = signal / norm, np.ones(SHAPE)
    matrix = plan.matrix
    weights = np.zeros((matrix.n_bins, frame.size))
    weights[matrix.indices, matrix.entry_pixels()] = matrix.entry_weights()
    weights[:, invalid_pixels(frame, plan.spec.invalid_ranges(frame.dtype)).ravel()] = 0
    return signal.ravel(), norm.ravel(), weights


def spread_by_brute_force(signal, norm, weights):
    """Return the variance of the azimuthal model, bin by bin, by its definition."""
    variance = np.zeros(len(weights))
    for b, c in enumerate(weights):
        on = c > 0
        if not on.any():
            continue
        c, s, n = c[on], signal[on], norm[on]
        mean = np.sum(c * s) / np.sum(c * n)
        n_eff = np.sum(c * n) ** 2 / np.sum(c**2 * n**2)
        squares = np.sum(c**2 * (s - mean * n) ** 2)
        variance[b] = squares * n_eff / (n_eff - 1) if n_eff > 1 + 1e-9 else np.nan
    return variance


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", KINDS)
def test_azimuthal_variance_is_the_spread_by_brute_force(ai, counts, kind, split, average):
    frame = counts.copy()
    frame[3, 4:9] = 2**32 - 1
    arrays = {name: calibration()[name] for name in ("dark", "flat")}
    for name in ("reference", "native"):
        plan = plan_of(
            ai, kind, split=split, average=average, error_model="azimuthal", solid_angle=False, engine=name, **arrays
        )
        result = plan(frame, normalization_factor=3.0)
        expected = spread_by_brute_force(*terms(plan, frame, 3.0)).reshape(result.sums.shape)
        np.testing.assert_allclose(result.sum_variance, expected, rtol=1e-10)
        assert result.error_model == "azimuthal"
        assert result.provenance["recipe"]["error_model"] == "azimuthal"


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("split", SPLITS)
def test_residuals_engines_agree_for_every_type(ai, counts, split, dtype):
    frame = np.minimum(counts, 100).astype(dtype)
    if dtype.startswith("f"):
        frame[5, 5] = np.nan
    results = {}
    for name in ("reference", "native"):
        plan = plan_of(ai, split=split, error_model="azimuthal", dark=np.full(SHAPE, 1.5), engine=name)
        results[name] = plan(frame)
    one, two = results["reference"].sums, results["native"].sums
    np.testing.assert_allclose(two.variance, one.variance, rtol=ROUNDING)
    scale = np.sqrt(one.variance * one.normalization2).max()
    np.testing.assert_allclose(two.cross, one.cross, rtol=0, atol=ROUNDING * scale)


def test_residuals_native_many_bins_and_wide_pixels_agree_with_the_reference(ai, counts):
    """More bins than 16 bits hold, and pixels over several bins: every form of the packed weights."""
    for options in (dict(npt=70000), dict(npt=150), dict(npt=400)):
        for split in ("none", "full"):
            sums = [
                ai.integrate1d(counts, options["npt"], split=split, error_model="azimuthal", engine=name).sums
                for name in ("reference", "native")
            ]
            np.testing.assert_allclose(sums[1].variance, sums[0].variance, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_azimuthal_result_does_not_depend_on_threads_or_on_how_the_frame_comes(kind, tmp_path):
    detector = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=(301, 307))
    ai = az.Integrator(detector, dist=0.05, poni1=0.0153, poni2=0.0138, wavelength=1e-10)
    frames = np.random.default_rng(3).poisson(2, (9, 301, 307)).astype(np.uint16)
    frames[4, 7, 9] = 65535
    frames[5:7, 100, :50] = 65535
    plan = plan_of(ai, kind, error_model="azimuthal")
    alone = [plan(frame).sums for frame in frames]
    for threads in (1, 2, 5):
        with_threads = compile(plan.spec, plan.arrays, threads=threads)
        assert [with_threads(frame).sums for frame in frames] == alone
        assert [result.sums for result in with_threads.integrate_stack(frames)] == alone
    np.save(tmp_path / "stack.npy", frames)
    assert [result.sums for result in plan.map(tmp_path / "stack.npy")] == alone


@pytest.mark.parametrize("codec", CHUNK_CODECS)
@pytest.mark.parametrize("options", [{"error_model": "azimuthal"}, {"error_model": "poisson"} | calibration()])
def test_second_pass_chunks_give_the_bits_of_a_single_call(ai, counts, codec, options):
    h5py, hdf5plugin = pytest.importorskip("h5py"), pytest.importorskip("hdf5plugin")
    filters = {
        "none": {}, "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
        "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"), "lz4": hdf5plugin.LZ4(),
    }[codec]  # fmt: skip
    frames = np.repeat(counts[None], 6, axis=0)
    frames[2, 4, 4] = 2**32 - 1
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("data", data=frames, chunks=(1, *SHAPE), **filters)
        chunks = [data.id.read_direct_chunk((i, 0, 0))[1] for i in range(6)]
    plan = plan_of(ai, **options)
    alone = [plan(frame).sums for frame in frames]
    assert [result.sums for result in plan.integrate_chunks(chunks, dtype="uint32", codec=codec)] == alone
    if codec != "none":
        damaged = plan.integrate_chunks([chunks[0], chunks[0][:20]], dtype="uint32", codec=codec, on_error="yield")
        assert damaged[0].sums == alone[0]
        assert isinstance(damaged[1], az.errors.FileFormatError)


def test_azimuthal_spread_far_from_zero_keeps_its_digits(ai):
    """A mean of squares less the square of a mean has no digit left here: 1e8 +- 1e-3."""
    frame = 1e8 + 1e-3 * np.random.default_rng(4).standard_normal(SHAPE)
    for name in ("reference", "native"):
        plan = plan_of(ai, error_model="azimuthal", solid_angle=False, split="none", engine=name)
        signal, norm, weights = terms(plan, frame - 1e8)
        expected = spread_by_brute_force(signal, norm, weights)
        np.testing.assert_allclose(plan(frame).sum_variance, expected, rtol=1e-4)


def test_azimuthal_bin_of_one_pixel_has_no_sigma_and_an_empty_one_none_either(ai, counts):
    edges = np.linspace(0, 60, 400)
    for name in ("reference", "native"):
        for average in AVERAGES:
            options = dict(split="none", error_model="azimuthal", average=average, engine=name)
            result = ai.integrate1d(counts, edges, flat=calibration()["flat"], **options)
            single, empty = result.count == 1, result.count == 0
            assert single.any()
            assert empty.any()
            assert np.isnan(result.sigma[single]).all()
            assert np.isfinite(result.intensity[single]).all()
            assert (result.sum_variance[empty] == 0).all()
            assert np.isfinite(result.sigma[result.count > 1]).all()


def test_azimuthal_two_pixels_give_half_their_difference(ai):
    """Unbiased down to two pixels: sem of a and b is |a - b| / 2, std |a - b| / sqrt(2)."""
    sums = ai.integrate1d(np.ones(SHAPE), 400, split="none", solid_angle=False, error_model="azimuthal")
    bin_of_two = int(np.flatnonzero(sums.count == 2)[0])
    matrix = ai.plan1d(400, split="none", solid_angle=False).matrix
    first, second = matrix.entry_pixels()[matrix.indices == bin_of_two]
    frame = np.zeros(SHAPE)
    frame.flat[first], frame.flat[second] = 10.0, 4.0
    result = ai.integrate1d(frame, 400, split="none", solid_angle=False, error_model="azimuthal")
    assert result.sem[bin_of_two] == pytest.approx(3.0, rel=1e-14)
    assert result.std[bin_of_two] == pytest.approx(6.0 / np.sqrt(2), rel=1e-14)


def test_hybrid_without_rejection_is_poisson(ai, counts):
    for kind in KINDS:
        hybrid, poisson = (plan_of(ai, kind, error_model=model)(counts) for model in ("hybrid", "poisson"))
        assert hybrid.sums == poisson.sums
        assert hybrid.error_model == "hybrid"


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", ["poisson", "hybrid", "variance"])
def test_dark_and_flat_variance_are_those_of_brute_force(ai, counts, model, kind, average):
    arrays = calibration()
    frame = counts.copy()
    frame[2:4, 10:14] = 2**32 - 1
    variance = np.full(SHAPE, 7.0) if model == "variance" else None
    raw_variance = np.full(SHAPE, 7.0) if model == "variance" else frame.astype(float)
    for name in ("reference", "native"):
        options = dict(average=average, error_model=model, solid_angle=False, engine=name)
        plan = plan_of(ai, kind, **options, **arrays)
        result = plan(frame, variance=variance, normalization_factor=2.0)
        signal, norm, weights = terms(plan, frame, 2.0)
        gain2 = 1.0 if average == "ratio_of_sums" else 1 / (arrays["flat"].ravel() * 2.0) ** 2
        mean = np.divide(weights @ signal, weights @ norm, out=np.zeros(len(weights)), where=weights @ norm > 0)
        relative = (arrays["flat_variance"] / arrays["flat"] ** 2).ravel()
        static = weights**2 @ (gain2 * arrays["dark_variance"].ravel()) + mean**2 * (weights**2 @ (norm**2 * relative))
        total = weights**2 @ (gain2 * raw_variance.ravel()) + static
        np.testing.assert_allclose(result.sum_static_variance.ravel(), static, rtol=1e-11)
        np.testing.assert_allclose(result.sum_variance.ravel(), total, rtol=1e-11)
        assert result.sum_shared_variance is result.sum_static_variance
        assert result.provenance["corrections"]["dark_variance"] is True


def test_dark_variance_poisson_is_the_dark(ai, counts):
    dark = np.random.default_rng(8).poisson(3, SHAPE).astype(float)
    word = plan_of(ai, error_model="poisson", dark=dark, dark_variance="poisson")
    array = plan_of(ai, error_model="poisson", dark=dark, dark_variance=dark)
    assert word(counts).sums == array(counts).sums
    assert word is array  # the same plan: the word is resolved before plans are compared
    no_noise = plan_of(ai, error_model="poisson", dark=dark)(counts)
    assert (word(counts).sigma > no_noise.sigma).all()


@pytest.mark.parametrize("average", AVERAGES)
def test_monitor_variance_is_a_common_relative_error(ai, counts, average):
    exact, noisy = (
        ai.integrate1d(
            counts, 12, error_model="poisson", average=average, normalization_factor=50.0, normalization_variance=v
        )
        for v in (0.0, 4.0)
    )
    expected = np.sqrt(exact.sem**2 + (exact.intensity * 2.0 / 50.0) ** 2)
    np.testing.assert_allclose(noisy.sem, expected, rtol=1e-14)
    np.testing.assert_array_equal(noisy.std, exact.std)
    assert noisy.normalization_variance == 4.0


def test_monitor_variance_of_a_stack_is_each_frames_own(ai, counts):
    plan = plan_of(ai, error_model="poisson")
    frames = np.stack([counts] * 5)
    factors, variances = np.arange(1.0, 6.0), np.arange(5.0)
    results = plan.integrate_stack(frames, normalization_factors=factors, normalization_variances=variances)
    for result, factor, variance in zip(results, factors, variances, strict=True):
        alone = plan(counts, normalization_factor=factor, normalization_variance=variance)
        np.testing.assert_array_equal(result.sem, alone.sem)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dark": 1, "dark_variance": 1}, "dark_variance.*error_model=None"),
        ({"flat": 1, "flat_variance": 1}, "flat_variance.*error_model=None"),
        ({"dark": 1, "dark_variance": 1, "error_model": "azimuthal"}, "dark_variance.*twice"),
        ({"flat": 1, "flat_variance": 1, "error_model": "azimuthal"}, "flat_variance.*twice"),
        ({"dark_variance": 1, "error_model": "poisson"}, "dark_variance.*dark=.* as well"),
        ({"flat_variance": 1, "error_model": "poisson"}, "flat_variance.*flat=.* as well"),
        ({"dark": 1, "dark_variance": -1, "error_model": "poisson"}, "dark_variance.*at least 0"),
        ({"flat": 1, "flat_variance": np.nan, "error_model": "poisson"}, "flat_variance.*finite"),
        ({"normalization_variance": 1.0}, "normalization_variance.*error_model=None"),
        ({"normalization_variance": -1.0, "error_model": "poisson"}, "normalization_variance.*at least 0"),
        ({"error_model": "azimuthal", "variance": 1}, "contradict"),
    ],
)
def test_wrong_variance_is_refused_by_name(ai, counts, options, words):
    images = {name: np.full(SHAPE, float(options[name])) for name in options if name in calibration() | {"variance": 0}}
    with pytest.raises(ParameterError, match=words):
        ai.integrate1d(counts, 10, **(options | images))


def test_wrong_name_of_a_dark_variance_is_refused_with_a_suggestion(ai, counts):
    with pytest.raises(UnknownNameError, match="poisson"):
        ai.integrate1d(counts, 10, dark=np.ones(SHAPE), dark_variance="poison", error_model="poisson")


# Merging


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_merge_azimuthal_is_the_spread_of_all_pixels_together(ai, split, average):
    """Exactly: Q = sum(Q_i + 2 d_i K_i + d_i^2 N2_i), the oracle being one long list of pixels about one mean."""
    frames = np.random.default_rng(9).poisson(np.array([5.0, 30.0, 31.0, 300.0])[:, None, None], (4, *SHAPE))
    flat = calibration()["flat"]
    factors = (1.0, 2.0, 0.5, 30.0)
    plan = plan_of(ai, split=split, average=average, error_model="azimuthal", solid_angle=False, flat=flat)
    results = [plan(f.astype(np.uint32), normalization_factor=x) for f, x in zip(frames, factors, strict=True)]
    pixels = [terms(plan, f.astype(np.uint32), x) for f, x in zip(frames, factors, strict=True)]
    signal, norm = (np.concatenate([pixel[i] for pixel in pixels]) for i in (0, 1))
    expected = spread_by_brute_force(signal, norm, np.hstack([pixel[2] for pixel in pixels]))
    together = results[0].merged(*results[1:])
    np.testing.assert_allclose(together.sum_variance, expected, rtol=1e-11)
    pairwise = results[3].merged(results[1]).merged(results[0].merged(results[2]))
    np.testing.assert_allclose(pairwise.sum_variance, expected, rtol=1e-11)
    np.testing.assert_allclose(pairwise.sums.cross, together.sums.cross, rtol=1e-9, atol=1e-9 * np.abs(signal).max())


def test_merge_azimuthal_gives_single_pixels_a_sigma(ai):
    frames = np.random.default_rng(10).poisson(30, (3, *SHAPE)).astype(np.uint32)
    plan = ai.plan1d(400, split="none", error_model="azimuthal", solid_angle=False)
    results = [plan(frame) for frame in frames]
    single = int(np.flatnonzero(results[0].count == 1)[0])
    assert np.isnan(results[0].sigma[single])
    values = [result.intensity[single] for result in results]
    merged = results[0].merged(*results[1:])
    assert merged.sigma[single] == pytest.approx(np.std(values, ddof=1) / np.sqrt(3), rel=1e-12)


def test_merge_azimuthal_with_another_model_is_refused(ai, counts):
    spread, poisson = (plan_of(ai, error_model=model)(counts) for model in ("azimuthal", "poisson"))
    with pytest.raises(ParameterError, match="error_model"):
        spread.merged(poisson)
    fields = dict(average="ratio_of_sums", error_model="azimuthal", wavelength=spread.wavelength)
    without_cross = Profile(spread.axis, poisson.sums, **fields)
    with pytest.raises(ParameterError, match="common mean"):
        spread.merged(without_cross)


def test_merge_monitor_variances_add_where_the_factors_do(ai, counts):
    plan = plan_of(ai, error_model="poisson")
    one = plan(counts, normalization_factor=2.0, normalization_variance=0.1)
    two = plan(counts, normalization_factor=3.0, normalization_variance=0.3)
    merged = one.merged(two)
    assert (merged.normalization_factor, merged.normalization_variance) == (5.0, pytest.approx(0.4))
    expected = merged.sum_variance / merged.sum_normalization**2 + merged.intensity**2 * 0.4 / 25
    np.testing.assert_allclose(merged.sem**2, expected, rtol=1e-13)
    ratios = plan_of(ai, error_model="poisson", average="mean_of_ratios")
    one, two = (ratios(counts, normalization_variance=v) for v in (0.1, 0.0))
    with pytest.raises(ParameterError, match="ratio_of_sums"):
        one.merged(two)


def test_merge_noise_of_a_shared_dark_does_not_average_out(ai, counts):
    """Errors of k equal frames: their own fall with the root of k, those of dark and flat stay."""
    exact = plan_of(ai, error_model="poisson", **{name: calibration()[name] for name in ("dark", "flat")})(counts)
    noisy = plan_of(ai, error_model="poisson", **calibration())(counts)
    merged = noisy.merged(*[noisy] * 15)
    static = noisy.sem**2 - exact.sem**2
    np.testing.assert_allclose(merged.sem**2, exact.sem**2 / 16 + static, rtol=1e-10)
    np.testing.assert_allclose(merged.std, noisy.std, rtol=1e-12)
    pairs = noisy.merged(noisy).merged(noisy.merged(noisy))
    np.testing.assert_allclose(pairs.sem**2, exact.sem**2 / 4 + static, rtol=1e-10)


def test_merge_noise_of_different_darks_averages_out(ai, counts):
    one, two = (plan_of(ai, error_model="poisson", **calibration(seed=seed))(counts) for seed in (2, 3))
    merged = one.merged(two)
    expected = (one.sum_variance + two.sum_variance) / (one.sum_normalization + two.sum_normalization) ** 2
    np.testing.assert_allclose(merged.sem**2, expected, rtol=1e-12)
    many = one.merged(one, two, two)
    shared = 4 * (one.sum_static_variance + two.sum_static_variance)
    np.testing.assert_allclose(many.sum_shared_variance, shared, rtol=1e-12)
    with pytest.raises(ParameterError, match="in one call"):
        merged.merged(one)


def test_merge_results_that_share_only_the_dark_is_refused(ai, counts):
    first = calibration()
    second = first | {"flat": calibration(seed=3)["flat"]}
    one, two = (plan_of(ai, error_model="poisson", **arrays)(counts) for arrays in (first, second))
    with pytest.raises(ParameterError, match="share one and not the other"):
        one.merged(two)


# Keeping


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{"error_model": "azimuthal"}, {"error_model": "hybrid"} | calibration()])
def test_saved_results_keep_everything(ai, counts, tmp_path, options, kind, suffix):
    plan = plan_of(ai, kind, **options)
    results = [plan(counts, normalization_factor=2.0, normalization_variance=v) for v in (0.25, 0.0)]
    az.save(results, tmp_path / f"run{suffix}")
    back = list(az.load_result(tmp_path / f"run{suffix}"))
    for one, two in zip(results, back, strict=True):
        assert one.sums == two.sums
        assert (one.error_model, one.normalization_variance) == (two.error_model, two.normalization_variance)
        np.testing.assert_array_equal(one.sem, two.sem)
        assert one.provenance.get("noisy_arrays") == two.provenance.get("noisy_arrays")
    np.testing.assert_array_equal(back[0].merged(back[1]).sem, results[0].merged(results[1]).sem)


def test_saved_merged_result_keeps_what_frames_share(ai, counts, tmp_path):
    noisy = plan_of(ai, error_model="poisson", **calibration())(counts)
    merged = noisy.merged(noisy)
    merged.save(tmp_path / "merged.h5")
    back = az.load_result(tmp_path / "merged.h5")[0]
    assert back.sums == merged.sums
    np.testing.assert_array_equal(back.merged(noisy).sem, merged.merged(noisy).sem)


def test_saved_text_names_what_the_errors_hold(ai, counts, tmp_path):
    plan = plan_of(ai, error_model="hybrid", **calibration())
    plan(counts, normalization_factor=2.0, normalization_variance=0.25).save(tmp_path / "p.dat")
    text = (tmp_path / "p.dat").read_text()
    assert "error model: hybrid" in text
    assert "variance of the normalization factor: 0.25" in text
    assert "noise of: dark" in text
    assert ", flat" in text


def test_saved_text_leaves_out_bins_without_sigma(ai, counts, tmp_path):
    profile = ai.integrate1d(counts, 400, split="none", error_model="azimuthal")
    with pytest.warns(az.errors.ConversionLossWarning, match="without a sigma"):
        profile.save(tmp_path / "p.dat")
    table = np.loadtxt(tmp_path / "p.dat")
    assert np.isfinite(table).all()
    assert len(table) == np.count_nonzero(np.isfinite(profile.sigma))
    assert "without a sigma" in (tmp_path / "p.dat").read_text()


def test_files_of_results_with_and_without_noisy_dark_are_refused(ai, counts, tmp_path):
    results = [plan_of(ai, error_model="poisson", **arrays)(counts) for arrays in ({}, calibration())]
    with pytest.raises(ParameterError, match="sum_static_variance"):
        az.save(results, tmp_path / "run.h5")


@pytest.mark.parametrize("options", [{"error_model": "azimuthal"}, {"error_model": "poisson"} | calibration()])
def test_saved_plan_gives_the_same_bits(ai, counts, tmp_path, options):
    plan = plan_of(ai, **options)
    plan.save(tmp_path / "plan.h5")
    loaded = az.load_plan(tmp_path / "plan.h5")
    assert loaded(counts).sums == plan(counts).sums
    assert loaded.arrays.digests == plan.arrays.digests


def test_sums_without_variance_have_nothing_of_it():
    ones = np.ones(3)
    with pytest.raises(ParameterError, match="belong to a variance"):
        Sums(ones, None, ones, ones, ones, cross=ones)


def test_residuals_of_a_task_without_pixels_are_zero():
    """An engine asked for bins that nothing feeds."""
    from azimuthal.engines import ReductionTask
    from azimuthal.sparse import SparseMatrix

    matrix = SparseMatrix(np.zeros(5, np.int64), np.zeros(0, np.int32), None, 3)
    for name in ("reference", "native"):
        reducer = engine(name).prepare(ReductionTask(matrix), n_threads=1)
        found = reducer.residuals(np.arange(4, dtype=np.uint8), np.zeros(3), InvalidRanges())
        assert (found.squares == 0).all()
        assert (found.cross == 0).all()


# With the covariance of bins


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("options", [{"error_model": "azimuthal"}, {"error_model": "poisson"} | calibration()])
def test_covariance_of_bins_is_that_of_brute_force(ai, counts, options, average):
    """Its terms are those of the variance, with both bins' weights and means in the place of one's squared."""
    frame = counts.copy()
    frame[2:4, 10:14] = 2**32 - 1
    noisy = "dark_variance" in options
    for name in ("reference", "native"):
        plan = plan_of(ai, average=average, solid_angle=False, covariance=True, engine=name, **options)
        result = plan(frame, normalization_factor=2.0)
        signal, norm, weights = terms(plan, frame, 2.0)
        mean = (weights @ signal) / (weights @ norm)
        if noisy:
            gain2 = 1.0 if average == "ratio_of_sums" else 1 / (options["flat"].ravel() * 2.0) ** 2
            own = gain2 * (frame.ravel() + options["dark_variance"].ravel())
            flat = norm**2 * (options["flat_variance"] / options["flat"] ** 2).ravel()
            expected = (weights * own) @ weights.T + (weights * flat) @ weights.T * np.outer(mean, mean)
        else:
            residuals = weights * (signal - mean[:, None] * norm)
            n_eff = (weights @ norm) ** 2 / (weights**2 @ norm**2)
            root = np.sqrt(n_eff / (n_eff - 1))
            expected = residuals @ residuals.T * np.outer(root, root)
        if average != "sum":
            expected /= np.outer(weights @ norm, weights @ norm)
        np.testing.assert_allclose(result.covariance(), expected, rtol=1e-9, atol=1e-12 * expected.max())
        np.testing.assert_allclose(np.diag(result.covariance()), result.sem**2, rtol=1e-12)


def test_covariance_of_the_spread_is_the_same_in_streams(ai, counts):
    plan = plan_of(ai, error_model="azimuthal", covariance=True)
    alone = plan(counts).sums
    assert [result.sums for result in plan.integrate_stack(np.stack([counts] * 5))] == [alone] * 5


def test_merge_of_covariances_that_do_not_add_is_refused(ai, counts):
    for options in ({"error_model": "azimuthal"}, {"error_model": "poisson"} | calibration()):
        result = plan_of(ai, covariance=True, **options)(counts)
        with pytest.raises(az.errors.UnsupportedOptionError, match="covariance=False"):
            result.merged(result)


# With dead time


def test_dead_time_leaves_the_noise_of_a_dark_as_it_is(ai, counts):
    """A dark is subtracted from photons: its variance does not grow with the slope of the correction."""
    frame = counts.copy()
    frame[2:4, 10:14] = 2**32 - 1
    slow = dict(dead_time=1e-3, exposure_time=1.0, dead_time_model="nonparalyzable")
    arrays = {name: calibration()[name] for name in ("dark", "dark_variance")}
    for image in (counts, frame):
        fast, corrected = (
            plan_of(ai, error_model="poisson", solid_angle=False, **arrays, **options)(image) for options in ({}, slow)
        )
        np.testing.assert_allclose(corrected.sum_static_variance, fast.sum_static_variance, rtol=1e-12)
        assert (corrected.sum_variance > fast.sum_variance).all()


def test_dead_time_azimuthal_spread_is_that_of_the_photons(ai, counts):
    slow = dict(dead_time=1e-3, exposure_time=1.0, dead_time_model="nonparalyzable")
    photons = counts / (1 - counts * 1e-3)
    options = dict(error_model="azimuthal", solid_angle=False)
    corrected = plan_of(ai, **options, **slow)(counts)
    np.testing.assert_allclose(corrected.sem, plan_of(ai, **options)(photons).sem, rtol=1e-9)


def test_grazing_incidence_has_every_error_model(ai, counts):
    options = dict(unit_ip="qip_nm^-1", unit_oop="qoop_nm^-1", incident_angle=0.2, angle_unit="deg")
    for model in ("poisson", "azimuthal", "hybrid"):
        maps = [
            ai.integrate2d_grazing(counts, 8, 6, error_model=model, engine=name, **options)
            for name in ("reference", "native")
        ]
        np.testing.assert_allclose(maps[0].sigma, maps[1].sigma, rtol=1e-10)
        assert np.isfinite(maps[0].sigma[maps[0].count > 4]).all()
