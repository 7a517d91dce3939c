# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Covariance of bins: C = W diag(v) W^T with dense matrices, on both engines, for everything a frame may bring."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.engines import FRAME_DTYPES, ReductionTask, engine
from azimuthal.engines.covariance import native, reference
from azimuthal.errors import UnsupportedOptionError
from azimuthal.masks import InvalidRanges
from azimuthal.sparse import SparseMatrix
from azimuthal.sparse import _pairs as pair_module
from azimuthal.sparse._native import packed_matrix

ENGINES = ("reference", "native")
ORDER_OF_ADDITION = 1e-12


def matrix_from(rows, n_bins, rng):
    indptr = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=indptr[1:])
    indices = np.concatenate([np.empty(0, int), *rows]).astype(np.int32)
    return SparseMatrix(indptr, indices, rng.uniform(0.01, 1, indices.size), n_bins)


def matrix_of(rng, form, n_pixels, n_bins):
    """Weights as the core packs them in one way each, with a few pixels of other forms."""
    if form == "scattered":
        return matrix_from(
            [np.sort(rng.choice(n_bins, k, replace=False)) for k in rng.integers(0, 5, n_pixels)], n_bins, rng
        )
    width = {"pairs": 2, "twos": 2, "fours": 4, "eights": 8}[form]
    starts = rng.integers(0, n_bins - width, n_pixels)
    rows = [np.arange(a, a + rng.integers(0 if i % 40 == 0 else 1, width + 1)) for i, a in enumerate(starts)]
    rows[5] = np.sort(rng.choice(n_bins, min(11, n_bins), replace=False))  # as the pixel under the beam
    matrix = matrix_from(rows, n_bins, rng)
    if form != "pairs":
        return matrix
    weights = np.array(matrix.weights)
    for p in range(n_pixels):
        mine = slice(matrix.indptr[p], matrix.indptr[p + 1])
        weights[mine] = 1.0 if weights[mine].size == 1 else weights[mine] / weights[mine].sum()
    return SparseMatrix(matrix.indptr, matrix.indices, weights, n_bins)


def dense(matrix):
    weights = np.zeros((matrix.n_pixels, matrix.n_bins))
    weights[matrix.entry_pixels(), matrix.indices] = matrix.entry_weights()
    return weights


def as_dense(pairs, values):
    found = np.zeros((pairs.n_bins, pairs.n_bins))
    found[pairs.first, pairs.partners] = found[pairs.partners, pairs.first] = values
    return found


def frame_of(rng, dtype, n):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(10, 20, n).astype(dtype)
    return rng.integers(max(np.iinfo(dtype).min, -50), min(np.iinfo(dtype).max, 200), n).astype(dtype)


def rule_of(dtype):
    return InvalidRanges(((3, 5),)) if np.dtype(dtype).kind in "iu" else InvalidRanges(((3.0, 5.0),), nonfinite=True)


@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(FRAME_DTYPES),
    form=st.sampled_from(["scattered", "pairs", "twos", "fours", "eights"]),
    model=st.sampled_from(["poisson", "variance"]),
    terms=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    n_bins=st.integers(12, 60),
)
@settings(max_examples=100, deadline=None)
def test_covariance_equals_the_dense_matrix_product(seed, dtype, form, model, terms, n_bins):
    rng = np.random.default_rng(seed)
    n = 300
    frame = frame_of(rng, dtype, n)
    if frame.dtype.kind == "f":
        frame[rng.integers(0, n, 5)] = rng.choice([np.nan, np.inf, -np.inf], 5)
    offset, gain, normalization = (rng.uniform(0.5, 2, n) if present else None for present in terms)
    task = ReductionTask(matrix_of(rng, form, n, n_bins), offset, gain, normalization, covariance=True)
    values = frame.astype(np.float64)
    with np.errstate(invalid="ignore"):
        valid = ~(((frame >= 3) & (frame <= 5)) | ~np.isfinite(values))
    variance = rng.uniform(0, 9, n) if model == "variance" else None
    v = np.where(valid, np.maximum(values, 0) if variance is None else variance, 0.0)
    weights = dense(task.weights)
    expected = (weights * (v * (1.0 if gain is None else gain**2))[:, np.newaxis]).T @ weights
    np.fill_diagonal(expected, 0.0)
    for name in ENGINES:
        reducer = engine(name).prepare(task, n_threads=2)
        sums = reducer.reduce(frame, model, variance, rule_of(dtype))
        found = as_dense(reducer.pairs, sums.covariance)
        assert np.abs(found - expected).max() <= ORDER_OF_ADDITION * max(expected.max(), 1), name


@pytest.mark.parametrize("form", ["scattered", "pairs", "fours"])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_residuals_about_the_means_give_their_products(form, dtype):
    rng = np.random.default_rng(5)
    n, n_bins = 400, 30
    matrix = matrix_of(rng, form, n, n_bins)
    frame, means = frame_of(rng, dtype, n), rng.uniform(5, 90, n_bins)
    offset, gain, normalization = rng.uniform(0, 3, n), rng.uniform(0.5, 2, n), rng.uniform(0.5, 2, n)
    invalid = (frame >= 3) & (frame <= 5)
    signal = (frame - offset) * gain
    residual = np.where(
        invalid[:, np.newaxis], 0, dense(matrix) * (signal[:, np.newaxis] - np.outer(normalization, means))
    )
    expected = residual.T @ residual
    np.fill_diagonal(expected, 0.0)
    plain = reference.PairSummation.of(matrix)
    quick = native.PairSummation.of(packed_matrix(matrix, 2), offset, gain, normalization, 2)
    for pairs, values in (
        (plain.pairs, plain.of_residuals(signal, normalization, means, invalid)),
        (quick.pairs, quick.of_frame(frame, None, rule_of(dtype), means=means)),
    ):
        assert np.abs(as_dense(pairs, values) - expected).max() <= ORDER_OF_ADDITION * np.abs(expected).max()


@pytest.mark.parametrize("dtype", FRAME_DTYPES)
@pytest.mark.parametrize("form", ["scattered", "pairs", "fours"])
def test_native_covariance_does_not_depend_on_threads_nor_on_the_way_of_a_frame(dtype, form):
    rng = np.random.default_rng(1)
    n = 30_000
    frames = [frame_of(rng, dtype, n) for _ in range(5)]
    task = ReductionTask(matrix_of(rng, form, n, 50), normalization=rng.uniform(0.5, 2, n), covariance=True)
    rule = rule_of(dtype)
    expected = engine("native").prepare(task, n_threads=1).reduce(frames[0], "poisson", None, rule).covariance.tobytes()
    for threads in (2, 3, 64):
        reducer = engine("native").prepare(task, n_threads=threads)
        assert reducer.reduce(frames[0], "poisson", None, rule).covariance.tobytes() == expected
    assert reducer.reduce_stack(frames, "poisson", rule)[0].covariance.tobytes() == expected
    if dtype in reducer.chunk_dtypes:
        (sums,) = reducer.reduce_chunks([frames[0].tobytes()], "none", np.dtype(dtype), "poisson", rule)
        assert sums.covariance.tobytes() == expected


@pytest.mark.parametrize("name", ENGINES)
def test_values_that_are_not_finite_spoil_their_own_pairs_only(name):
    rng = np.random.default_rng(3)
    matrix = matrix_of(rng, "pairs", 640, 40)
    frame = rng.uniform(0, 9, 640)
    pixel = int(np.flatnonzero(np.diff(matrix.indptr) == 2)[3])
    alone = int(np.flatnonzero(np.diff(matrix.indptr) == 1)[0])
    frame[[pixel, alone]] = np.inf, np.nan
    reducer = engine(name).prepare(ReductionTask(matrix, covariance=True), n_threads=1)
    values = reducer.reduce(frame, "poisson", None, InvalidRanges()).covariance
    spoilt = np.flatnonzero(~np.isfinite(values))
    bins = matrix.indices[matrix.indptr[pixel] : matrix.indptr[pixel + 1]]
    assert [(reducer.pairs.first[i], reducer.pairs.partners[i]) for i in spoilt] == [tuple(bins)]


@pytest.mark.parametrize("name", ENGINES)
def test_covariance_is_not_summed_unless_asked_for(name):
    rng = np.random.default_rng(0)
    matrix, frame = matrix_of(rng, "pairs", 100, 20), np.ones(100)
    silent = engine(name).prepare(ReductionTask(matrix), n_threads=1)
    assert silent.pairs is None
    assert silent.reduce(frame, "poisson", None, InvalidRanges()).covariance is None
    asked = engine(name).prepare(ReductionTask(matrix, covariance=True), n_threads=1)
    assert asked.reduce(frame, "none", None, InvalidRanges()).covariance is None


def test_weights_of_one_have_no_pairs_and_cost_nothing():
    matrix = SparseMatrix(np.arange(6, dtype=np.int64), np.array([0, 1, 1, 2, 0], np.int32), None, 3)
    for name in ENGINES:
        reducer = engine(name).prepare(ReductionTask(matrix, covariance=True), n_threads=1)
        assert reducer.pairs.n_pairs == 0
        assert reducer.reduce(np.arange(5.0), "poisson", None, InvalidRanges()).covariance.size == 0


@pytest.mark.parametrize("name", ENGINES)
def test_too_many_pairs_are_refused(name, monkeypatch):
    rng = np.random.default_rng(0)
    matrix = matrix_from([np.arange(200)], 200, rng)  # one pixel in all bins: 19900 pairs
    for module in (pair_module, native):
        monkeypatch.setattr(module, "MOST_PAIRS", 19_899)
    with pytest.raises(UnsupportedOptionError, match=r"share a pixel.*beam"):
        engine(name).prepare(ReductionTask(matrix, covariance=True), n_threads=2)
    for module in (pair_module, native):
        monkeypatch.setattr(module, "MOST_PAIRS", 19_900)
    assert engine(name).prepare(ReductionTask(matrix, covariance=True), n_threads=2).pairs.n_pairs == 19_900
