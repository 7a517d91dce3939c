# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Robust averages: native against the reference, and the reference against brute force, bin by bin."""

import numpy as np
import pytest

from azimuthal.engines import FRAME_DTYPES, ReductionTask, engine
from azimuthal.engines.native import instruction_sets, use_instructions
from azimuthal.masks import InvalidRanges
from azimuthal.rejection import Rejection
from azimuthal.sparse import SparseMatrix

# The engines add float64 numbers in different orders; residuals about a mean lose what the mean is larger.
ORDER_OF_ADDITION = 1e-12
MODELS = (None, "azimuthal", "poisson", "hybrid", "variance")
CHOICES = (
    Rejection("sigma"), Rejection("sigma", threshold=2.5, max_iter=3), Rejection("median"), Rejection("quantile"),
    Rejection("quantile", quantiles=(0, 0.9)), Rejection("quantile", quantiles=(0.3, 0.3)),
)  # fmt: skip


def made_task(rng, n_pixels, n_bins, *, unit, terms):
    """Pixels in one bin or, with weights that add up to one, in two neighbouring ones."""
    first = rng.integers(0, n_bins - 1, n_pixels)
    counts = np.ones(n_pixels, int) if unit else 1 + (rng.random(n_pixels) < 0.6)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    indices, weights = np.repeat(first, counts), np.ones(indptr[-1])
    second = indptr[:-1][counts == 2] + 1
    indices[second] += 1
    weights[second] = rng.random(second.size)
    weights[second - 1] = 1 - weights[second]
    matrix = SparseMatrix(indptr, indices.astype(np.int32), None if unit else weights, n_bins)
    if not terms:
        return ReductionTask(matrix)
    return ReductionTask(
        matrix, rng.uniform(0, 3, n_pixels), rng.uniform(0.8, 1.2, n_pixels), rng.uniform(0.5, 1.5, n_pixels)
    )


def made_frame(rng, dtype, n_pixels, mean):
    frame = rng.poisson(mean, n_pixels).astype(float)
    frame[rng.random(n_pixels) < 0.02] += mean + 20 * np.sqrt(mean) + 20
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return (0.37 * frame).astype(dtype)
    frame = frame.clip(0, min(np.iinfo(dtype).max, 2**31))
    if dtype.kind == "i":
        frame[rng.random(n_pixels) < 0.002] = -5
    return frame.astype(dtype)


def both(task, frame, choice, model, variance, invalid, **more):
    return [
        engine(name)
        .prepare(task, n_threads=2)
        .robust()
        .reduce(frame, choice, model, variance, invalid, n_threads=2, **more)
        for name in ("reference", "native")
    ]


def assert_equal_sums(one, two):
    for name in ("signal", "variance", "normalization", "normalization2", "count"):
        expected, found = getattr(one.sums, name), getattr(two.sums, name)
        if expected is None:
            assert found is None, name
        else:
            scale = np.nanmax(np.abs(expected), initial=1.0)
            np.testing.assert_allclose(
                found, expected, rtol=ORDER_OF_ADDITION, atol=ORDER_OF_ADDITION * scale, err_msg=name
            )
    for name in ("rejected", "iterations", "n_kept", "n_rejected"):
        expected, found = getattr(one, name), getattr(two, name)
        assert (expected is None) == (found is None), name
        if expected is not None:
            np.testing.assert_array_equal(found, expected, err_msg=name)
    assert one.sums.n_invalid == two.sums.n_invalid


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: f"{c.method}-{c.threshold or c.quantiles}")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("n_bins", "n_pixels", "mean"), [(4, 3000, 20), (200, 600, 0.3), (30, 3000, 1e4), (3, 900, 0.02)]
)
def test_native_of_any_model_equals_the_reference(choice, model, n_bins, n_pixels, mean):
    rng = np.random.default_rng([n_bins, n_pixels])
    variance = rng.uniform(0.5, 2, n_pixels) * (mean + 1) if model == "variance" else None
    for unit, terms, dtype in ((False, True, "uint16"), (True, False, "int32"), (False, False, "float32")):
        task = made_task(rng, n_pixels, n_bins, unit=unit, terms=terms)
        invalid = InvalidRanges(((65534, 65535),)) if dtype == "uint16" else InvalidRanges(nonfinite=dtype == "float32")
        frame = made_frame(rng, dtype, n_pixels, mean)
        frame[::97] = 65535 if dtype == "uint16" else frame[::97]
        assert_equal_sums(*both(task, frame, choice, model, variance, invalid))


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: f"{c.method}-{c.threshold or c.quantiles}")
@pytest.mark.parametrize("terms", [False, True])
def test_sums_of_further_variances_are_those_of_the_kept_entries(choice, terms):
    rng = np.random.default_rng(7)
    task = made_task(rng, 3000, 40, unit=False, terms=terms)
    frame = made_frame(rng, "uint16", 3000, 20)
    frame[::97] = 65535
    static = (rng.uniform(0, 4, 3000), rng.uniform(0, 1e-3, 3000))
    for given in (static, (static[0], None), (None, static[1])):
        one, two = both(task, frame, choice, "hybrid", None, InvalidRanges(((65535, 65535),)), static=given)
        assert_equal_sums(one, two)
        for expected, found, of_pixels in zip(one.static, two.static, given, strict=True):
            assert (found is None) == (expected is None) == (of_pixels is None)
            if found is not None:
                np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert one.n_rejected.sum() > 0 or choice.is_quantile


@pytest.mark.parametrize("dtype", FRAME_DTYPES)
def test_native_of_any_dtype_equals_the_reference(dtype):
    rng = np.random.default_rng(3)
    task = made_task(rng, 2000, 5, unit=False, terms=True)
    frame = made_frame(rng, dtype, 2000, 20)
    if np.dtype(dtype).kind == "f":
        frame[::50] = np.nan
        frame[1::50] = np.inf
        invalid = InvalidRanges(nonfinite=True)
    else:
        invalid = InvalidRanges(((int(frame[5]), int(frame[5])),))
    for choice in (Rejection("sigma"), Rejection("quantile"), Rejection("median")):
        assert_equal_sums(*both(task, frame, choice, "azimuthal", None, invalid))


def test_native_is_the_same_bits_on_any_threads_and_instructions():
    rng = np.random.default_rng(4)
    task = made_task(rng, 50_000, 40, unit=False, terms=True)
    frame = made_frame(rng, "uint32", 50_000, 15)
    found = []
    try:
        for name in instruction_sets():
            use_instructions(name)
            reducer = engine("native").prepare(task, n_threads=2).robust()
            for n_threads in (1, 2, 5):
                for choice in (Rejection("sigma"), Rejection("quantile")):
                    sums = reducer.reduce(frame, choice, "azimuthal", None, InvalidRanges(), n_threads=n_threads).sums
                    found.append((choice.method, sums.signal.tobytes() + sums.variance.tobytes()))
    finally:
        use_instructions(instruction_sets()[0])
    assert len(set(found)) == 2


def bins_of(task, frame):
    """Yield (x, a) of the entries of every bin."""
    matrix = task.weights.as_matrix()
    pixel = matrix.entry_pixels()
    s = (frame - (0 if task.offset is None else task.offset)) * (1 if task.gain is None else task.gain)
    n = np.ones(frame.size) if task.normalization is None else task.normalization
    for b in range(matrix.n_bins):
        here = matrix.indices == b
        p = pixel[here]
        yield s[p] / n[p], matrix.entry_weights()[here] * n[p]


@pytest.mark.parametrize("name", ["reference", "native"])
def test_median_of_plain_pixels_is_that_of_numpy(name):
    rng = np.random.default_rng(5)
    for n_pixels in (400, 401):
        task = made_task(rng, n_pixels, 8, unit=True, terms=False)
        frame = rng.poisson(30, n_pixels).astype(np.int32)
        reducer = engine(name).prepare(task, n_threads=1).robust()
        sums = reducer.reduce(frame, Rejection("median"), None, None, InvalidRanges(), n_threads=1).sums
        expected = [np.median(x) if x.size else np.nan for x, _ in bins_of(task, frame)]
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(sums.signal / sums.normalization, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["reference", "native"])
@pytest.mark.parametrize("quantiles", [(0.25, 0.75), (0, 0.5), (0.1, 0.95), (0, 1)])
def test_trimmed_mean_of_weighted_pixels_is_the_integral_of_the_quantile_function(name, quantiles):
    rng = np.random.default_rng(6)
    task = made_task(rng, 3000, 8, unit=False, terms=True)
    frame = rng.normal(100, 10, 3000)
    reducer = engine(name).prepare(task, n_threads=1).robust()
    choice = Rejection("quantile", quantiles=quantiles)
    sums = reducer.reduce(frame, choice, None, None, InvalidRanges(), n_threads=1).sums
    for b, (x, a) in enumerate(bins_of(task, frame)):
        if not x.size:
            continue
        order = np.argsort(x)
        reached = np.concatenate([[0], np.cumsum(a[order])]) / a.sum()
        part = np.clip(reached, *quantiles)
        expected = np.sum(np.diff(part) * x[order]) / (quantiles[1] - quantiles[0])
        assert sums.signal[b] / sums.normalization[b] == pytest.approx(expected, rel=1e-10)


def test_clipping_of_plain_normal_values_is_what_a_loop_over_the_others_gives():
    """Brute force of the definition: each value against mean, spread and Student's threshold of all other kept ones."""
    scipy_stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(7)
    for n, n_out in ((40, 3), (12, 1), (200, 20)):
        x = rng.normal(1000, 10, n)
        x[:n_out] += rng.uniform(100, 4000, n_out)
        task = ReductionTask(SparseMatrix(np.arange(n + 1), np.zeros(n, np.int32), None, 1))
        found = [
            engine(name).prepare(task, n_threads=1).robust()
            .reduce(x, Rejection("sigma", threshold=4), None, None, InvalidRanges(), n_threads=1).rejected
            for name in ("reference", "native")
        ]  # fmt: skip
        kept = np.arange(n) >= n_out  # what should come out, and has to confirm itself
        for _ in range(20):
            t = max(4, np.sqrt(2 * np.log(max(kept.sum(), 3) / np.sqrt(2 * np.pi))))
            z = np.empty(n)
            for i in range(n):
                others = x[kept & (np.arange(n) != i)]
                m = others.size
                deviate = (x[i] - others.mean()) / (others.std(ddof=1) * np.sqrt(1 + 1 / m))
                z[i] = scipy_stats.norm.isf(scipy_stats.t.sf(abs(deviate), m - 1))
            if np.array_equal(z <= t, kept):
                break
            kept = z <= t
        for rejected in found:
            np.testing.assert_array_equal(rejected, np.flatnonzero(~kept))
