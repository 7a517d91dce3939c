# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The sums by brute force, native against reference, and everything a frame may bring."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.engines import FRAME_DTYPES, ReductionTask, engine, engine_names, register_engine, thread_count
from azimuthal.errors import DataTypeError, EngineUnavailableError, ParameterError, UnknownNameError
from azimuthal.masks import InvalidRanges
from azimuthal.sparse import SparseMatrix

ENGINES = ("reference", "native")
# Both engines add float64 numbers in different orders.
ORDER_OF_ADDITION = 1e-12


def random_matrix(rng, n_pixels, n_bins, *, unit):
    counts = rng.integers(0, 2 if unit else 4, n_pixels)
    indptr = np.zeros(n_pixels + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    rows = [np.sort(rng.choice(n_bins, k, replace=False)) for k in counts]
    indices = np.concatenate([np.empty(0, int), *rows]).astype(np.int32)
    return SparseMatrix(indptr, indices, None if unit else rng.uniform(0.01, 1, indices.size), n_bins)


def random_frame(rng, dtype, n):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(10, 20, n).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(max(info.min, -50), min(info.max, 200), n).astype(dtype)


def arrays(sums):
    return [sums.signal, sums.variance, sums.normalization, sums.normalization2, sums.count]


def brute_force(task, frame, model, variance, invalid_at):
    m = task.weights.as_matrix()
    sums = {name: [0.0] * m.n_bins for name in ("signal", "variance", "normalization", "normalization2", "count")}
    for p in range(m.n_pixels):
        if invalid_at[p]:
            continue
        raw = float(frame[p])
        offset = 0.0 if task.offset is None else task.offset[p]
        gain = 1.0 if task.gain is None else task.gain[p]
        n = 1.0 if task.normalization is None else task.normalization[p]
        v = {"none": 0.0, "poisson": max(raw, 0.0), "variance": 0.0 if variance is None else variance[p]}[model]
        for e in range(m.indptr[p], m.indptr[p + 1]):
            c = 1.0 if m.weights is None else m.weights[e]
            b = m.indices[e]
            sums["signal"][b] += c * (raw - offset) * gain
            sums["variance"][b] += c**2 * v * gain**2
            sums["normalization"][b] += c * n
            sums["normalization2"][b] += (c * n) ** 2
            sums["count"][b] += c
    return {name: np.array(values) for name, values in sums.items()}


@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(FRAME_DTYPES),
    unit=st.booleans(),
    model=st.sampled_from(["none", "poisson", "variance"]),
    terms=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    n_bins=st.integers(4, 60),
)
@settings(max_examples=120, deadline=None)
def test_sums_equal_brute_force_on_every_engine(seed, dtype, unit, model, terms, n_bins):
    rng = np.random.default_rng(seed)
    n = 300
    frame = random_frame(rng, dtype, n)
    invalid = InvalidRanges(((3, 5),)) if frame.dtype.kind in "iu" else InvalidRanges(((3.0, 5.0),), nonfinite=True)
    if frame.dtype.kind == "f":
        frame[rng.integers(0, n, 5)] = rng.choice([np.nan, np.inf, -np.inf], 5)
    offset, gain, normalization = (rng.uniform(0.5, 2, n) if present else None for present in terms)
    task = ReductionTask(random_matrix(rng, n, n_bins, unit=unit), offset, gain, normalization)
    variance = rng.uniform(0, 9, n) if model == "variance" else None
    with np.errstate(invalid="ignore"):
        invalid_at = ((frame >= 3) & (frame <= 5)) | ~np.isfinite(frame.astype(float))
    expected = brute_force(task, frame, model, variance, invalid_at)
    for name in ENGINES:
        sums = engine(name).prepare(task, n_threads=2).reduce(frame, model, variance, invalid)
        assert sums.n_invalid == np.count_nonzero(invalid_at & task.weights.as_matrix().used_pixels())
        assert (sums.variance is None) == (model == "none")
        for term, values in expected.items():
            found = getattr(sums, term)
            if found is not None:
                scale = np.abs(values).max() + 1
                assert np.abs(found - values).max() <= ORDER_OF_ADDITION * scale, (name, term)


@pytest.mark.parametrize("dtype", FRAME_DTYPES)
@pytest.mark.parametrize("unit", [True, False])
def test_native_does_not_depend_on_threads(dtype, unit):
    rng = np.random.default_rng(1)
    n = 20_000
    frame = random_frame(rng, dtype, n)
    task = ReductionTask(random_matrix(rng, n, 50, unit=unit), normalization=rng.uniform(0.5, 2, n))
    invalid = InvalidRanges(((3, 3),) if frame.dtype.kind in "iu" else ((3.0, 3.0),))
    results = [
        engine("native").prepare(task, n_threads=threads).reduce(frame, "poisson", None, invalid)
        for threads in (1, 2, 3, 7, 64)
    ]
    for other in results[1:]:
        for first_sum, other_sum in zip(arrays(results[0]), arrays(other), strict=True):
            assert first_sum.tobytes() == other_sum.tobytes()


@pytest.mark.parametrize("dtype", [d for d in FRAME_DTYPES if "int" in d])
def test_unsplit_integers_are_bit_equal_on_both_engines(dtype):
    rng = np.random.default_rng(2)
    info = np.iinfo(dtype)
    high = min(info.max, 2**32 - 1)  # sums of 64-bit values stay below 2**53
    frame = rng.integers(max(info.min, -high), high, 5000, endpoint=True, dtype=dtype)
    task = ReductionTask(random_matrix(rng, frame.size, 40, unit=True))
    one, two = (
        engine(name).prepare(task, n_threads=2).reduce(frame, "poisson", None, InvalidRanges()) for name in ENGINES
    )
    for a, b in zip(arrays(one), arrays(two), strict=True):
        assert a.tobytes() == b.tobytes()


def test_sums_of_u32_maxima_are_exact():
    frame = np.full(1000, 2**32 - 1, np.uint32)
    matrix = SparseMatrix(np.arange(1001), np.zeros(1000, np.int32), None, 1)
    for name in ENGINES:
        sums = engine(name).prepare(ReductionTask(matrix), n_threads=2).reduce(frame, "none", None, InvalidRanges())
        assert sums.signal[0] == 1000 * (2**32 - 1)


def test_native_many_bins_equal_reference():
    rng = np.random.default_rng(3)
    n = 3000
    task = ReductionTask(random_matrix(rng, n, 300_000, unit=False), normalization=rng.uniform(0.5, 2, n))
    frame = random_frame(rng, "uint16", n)
    one, two = (
        engine(name).prepare(task, n_threads=2).reduce(frame, "poisson", None, InvalidRanges()) for name in ENGINES
    )
    for a, b in zip(arrays(one), arrays(two), strict=True):
        assert np.allclose(a, b, rtol=ORDER_OF_ADDITION, atol=0)


def test_frame_is_never_modified():
    rng = np.random.default_rng(4)
    frame = random_frame(rng, "float32", 300)
    frame.flags.writeable = False
    task = ReductionTask(random_matrix(rng, 300, 10, unit=False), offset=np.ones(300))
    for name in ENGINES:
        engine(name).prepare(task, n_threads=2).reduce(frame, "poisson", None, InvalidRanges((), nonfinite=True))


def test_engine_unknown_name_suggests():
    with pytest.raises(UnknownNameError, match="did you mean 'native'"):
        engine("natve")


def test_engine_explicit_and_unavailable_says_why_and_what_else():
    def importer(module):
        raise ImportError(f"{module} is broken")

    with pytest.raises(EngineUnavailableError, match=r"'native' cannot run here.*broken.*'reference'"):
        engine("native", importer=importer)


def test_engine_auto_takes_the_next_when_one_cannot_run():
    import importlib

    def importer(module):
        if module.endswith("native"):
            raise ImportError("no compiled core")
        return importlib.import_module(module)

    assert engine("auto", importer=importer).name == "reference"


def test_register_engine_refuses_a_taken_name():
    assert set(ENGINES) <= set(engine_names())
    with pytest.raises(ParameterError, match="taken"):
        register_engine("native", "somewhere")


@pytest.mark.parametrize("value", ["0", "two", "-1"])
def test_thread_count_wrong_environment_is_refused(monkeypatch, value):
    monkeypatch.setenv("AZIMUTHAL_THREADS", value)
    with pytest.raises(ParameterError, match="AZIMUTHAL_THREADS"):
        thread_count()


def test_thread_count_argument_beats_environment_beats_cores(monkeypatch):
    monkeypatch.setenv("AZIMUTHAL_THREADS", "3")
    assert thread_count() == 3
    assert thread_count(5) == 5
    monkeypatch.delenv("AZIMUTHAL_THREADS")
    assert thread_count() >= 1


def test_sparse_matrix_that_does_not_hold_together_is_refused():
    good = dict(indptr=np.array([0, 1]), indices=np.zeros(1, np.int32), weights=np.ones(1), n_bins=1)
    SparseMatrix(**good)
    for wrong, error in (
        (dict(indptr=np.array([0, 2])), ValueError),
        (dict(indices=np.ones(1, np.int32)), ParameterError),
        (dict(weights=np.ones(2)), ValueError),
        (dict(indices=np.zeros(1, np.int64)), DataTypeError),
    ):
        with pytest.raises(error):
            SparseMatrix(**(good | wrong))
