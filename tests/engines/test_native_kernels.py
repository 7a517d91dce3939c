# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The fast kernels against the reference engine: every packed form, dtype, instruction set, batch and chunk.

Bound: relative to sum c (|raw| + |offset|) gain of the valid pixels of a bin, and the like for the other sums, native and
reference differ by less than `BOUND`.  Integers with weights of one and without float terms: the same bits.
"""

import dataclasses

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.engines import FRAME_DTYPES, ReductionTask, native, reference
from azimuthal.masks import InvalidRanges, invalid_pixels
from azimuthal.sparse import SparseMatrix

BOUND = 1e-12
SUMS = ("signal", "variance", "normalization", "normalization2", "count")
CODECS = ("bitshuffle-lz4", "bitshuffle-zstd", "lz4", "none")
CHUNK_DTYPES = ("uint8", "uint16", "uint32")
UNIT = "ones"
# Name of a form: how many bins in a row a pixel feeds.
RUNS = {UNIT: (1, 1), "pairs": (1, 2), "one": (1, 1), "two": (1, 2), "four": (3, 4), "eight": (5, 8), "wide": (9, 20)}
FORMS = (*RUNS, "irregular", "empty")


@pytest.fixture(autouse=True)
def same_instructions_afterwards():
    yield
    native.use_instructions(native.instruction_sets()[0])


def plan_matrix(rng, form, n_pixels, n_bins):
    """Return weights that are packed in the given form; some pixels feed nothing, some do not fit the form."""
    shortest, longest = RUNS.get(form, (1, 4))
    length = np.minimum(rng.integers(shortest, longest, n_pixels, endpoint=True), n_bins)
    if form == "empty":
        length[:] = 0
    length[rng.random(n_pixels) < 0.1] = 0
    if form != UNIT and form != "empty":
        odd = rng.random(n_pixels) < 0.02
        length[odd] = np.minimum(rng.integers(0, 12, np.count_nonzero(odd)), n_bins)
    # Neighbours feed bins side by side, and the first and the last bin are used.
    first = np.linspace(0, n_bins, n_pixels, endpoint=False).astype(np.int64) + rng.integers(-3, 3, n_pixels)
    first = np.clip(np.where(rng.random(n_pixels) < 0.3, rng.integers(0, n_bins, n_pixels), first), 0, n_bins - length)
    indptr = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    pixel = np.repeat(np.arange(n_pixels), length)
    place = np.arange(pixel.size) - indptr[pixel]
    gap = np.where(rng.random(n_pixels) < (0.5 if form == "irregular" else 0.01), rng.integers(1, 9, n_pixels), 0)
    if form == UNIT:
        gap[:] = 0
    gap = np.minimum(gap, n_bins - length - first)
    indices = (first[pixel] + place + (place > 0) * gap[pixel]).astype(np.int32)
    weights = rng.uniform(0.01, 1, pixel.size)
    if form == UNIT:
        weights = None
    elif form in ("pairs", "irregular"):
        share = rng.uniform(0, 1, n_pixels) ** rng.integers(1, 12)  # tiny ones, too
        share = np.where(rng.random(n_pixels) < 0.5, share, 1 - share)
        whole = np.where(length == 1, np.where(rng.random(n_pixels) < 0.9, 1.0, share), 0.0)
        shares = np.where(place == 0, share[pixel], 1 - share[pixel])
        fits = length[pixel] <= 2
        weights = np.where(length[pixel] == 1, whole[pixel], np.where(fits, shares, weights))
        weights = np.maximum(weights, 1e-30)
    return SparseMatrix(indptr, indices, weights, n_bins)


def random_frame(rng, dtype, n, kind):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return (rng.normal(10, 20, n) * (1e30 if kind == "extremes" else 1)).astype(dtype)
    info = np.iinfo(dtype)
    if kind == "extremes":
        return rng.integers(info.min, info.max, n, dtype, endpoint=True)
    if kind == "empty":
        return np.zeros(n, dtype)
    frame = rng.poisson({"few": 0.02, "counts": 40, "gaps": 3}[kind], n)
    frame = (frame - (20 if dtype.kind == "i" else 0)).astype(dtype)
    if kind == "gaps":
        frame[np.arange(n) % 320 < 20] = info.max
        frame[rng.random(n) < 0.01] = info.max - 1
    return frame


KINDS = ("few", "counts", "gaps", "extremes", "empty")
RULES = ("none", "max", "top", "several", "low", "zero", "negative")


def ranges_of(rule, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return InvalidRanges(
            {"low": ((-5.0, 1.0),), "several": ((-50.0, -20.0), (0.0, 1.0))}.get(rule, ()), rule != "none"
        )
    low, top = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return InvalidRanges(
        {
            "none": (),
            "max": ((top, top),),
            "top": ((top - 1, top),),
            "several": ((0, 0), (2, 3), (38, 41), (60, 60), (63, 64), (70, 80), (100, 119), (top, top)),
            "low": ((0, 2),),
            "zero": ((0, 0),),
            "negative": ((low, -1), (top, top)) if low < 0 else ((1, 1),),
        }[rule]
    )


def random_task(rng, matrix, terms):
    offset, gain, normalization = (rng.uniform(0.5, 2, matrix.n_pixels) if one else None for one in terms)
    return ReductionTask(matrix, offset, gain, normalization)


def expected_sums(task, frame, model, variance, invalid):
    """Return the sums of the reference engine and the magnitudes that rounding is measured by."""
    sums = reference.prepare(task, n_threads=1).reduce(frame, model, variance, invalid)
    with np.errstate(invalid="ignore"):
        magnitude = np.abs(frame.astype(np.float64))
    magnitude[~np.isfinite(magnitude)] = 0.0
    magnitude[invalid_pixels(frame, invalid)] = np.nan
    offset = None if task.offset is None else -np.abs(task.offset)
    scales = reference.prepare(dataclasses.replace(task, offset=offset), n_threads=1).reduce(
        magnitude, model, None if variance is None else np.nan_to_num(variance, posinf=0.0), InvalidRanges((), True)
    )
    return sums, scales


def assert_close(found, expected, scales, exact):
    assert found.n_invalid == expected.n_invalid
    is_empty = scales.count == 0
    for term in SUMS:
        one, two, scale = getattr(found, term), getattr(expected, term), getattr(scales, term)
        assert (one is None) == (two is None), term
        if one is None:
            continue
        if exact:
            assert one.tobytes() == two.tobytes(), term
        odd = ~np.isfinite(two)
        np.testing.assert_array_equal(one[odd], two[odd], err_msg=term)
        assert np.isfinite(one[~odd]).all(), f"{term}: not finite where the reference is"
        assert (one[is_empty] == 0).all(), f"{term} of bins without pixels"
        assert (np.abs(one[~odd] - two[~odd]) <= BOUND * scale[~odd]).all(), term


def assert_same_bits(one, two):
    assert (one is None) == (two is None)
    if one is None:
        return
    assert one.n_invalid == two.n_invalid
    for term in SUMS:
        a, b = getattr(one, term), getattr(two, term)
        assert (a is None) == (b is None)
        if a is not None:
            same = a.view(np.uint64) == b.view(np.uint64)
            assert (same | (np.isnan(a) & np.isnan(b))).all(), term


def stored(values, codec="bitshuffle-lz4", per_block=0):
    """Return the bytes of one chunk, as the filters of HDF5 write them."""
    if codec == "none":
        return values.tobytes()
    if codec == "lz4":
        filters = hdf5plugin.LZ4(nbytes=per_block * values.itemsize)
    else:
        filters = hdf5plugin.Bitshuffle(nelems=per_block, cname=codec.removeprefix("bitshuffle-"))
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("x", data=values, chunks=values.shape, **filters)
        return dataset.id.read_direct_chunk((0,))[1]


def is_exact(task, frame):
    """Sums of integers without float terms; those of 64 bits may pass 2^53."""
    return (
        task.weights.weights is None
        and task.normalization is None
        and task.offset is None
        and task.gain is None
        and (frame.dtype.kind in "iu" and (frame.dtype.itemsize <= 4 or np.abs(frame.astype(float)).sum() < 2**53))
    )


shapes = st.tuples(
    st.one_of(st.integers(1, 200), st.integers(1, 30).map(lambda k: 64 * k), st.integers(200, 3000)),
    st.one_of(st.integers(1, 12), st.integers(12, 600), st.sampled_from([65511, 65512, 65513, 70000])),
)
plans = st.tuples(st.sampled_from(FORMS), shapes, st.integers(0, 2**32 - 1))
terms = st.one_of(st.just((False, False, False)), st.tuples(st.booleans(), st.booleans(), st.booleans()))


@given(
    plan=plans,
    dtype=st.sampled_from(FRAME_DTYPES),
    terms=terms,
    model=st.sampled_from(["none", "poisson", "variance"]),
    kind=st.sampled_from(KINDS),
    rule=st.sampled_from(RULES),
    broken=st.sampled_from(["no", "values", "variance", "many", "all"]),
)
@settings(max_examples=250)
def test_single_frames_equal_the_reference(plan, dtype, terms, model, kind, rule, broken):
    form, (n_pixels, n_bins), seed = plan
    rng = np.random.default_rng(seed)
    task = random_task(rng, plan_matrix(rng, form, n_pixels, n_bins), terms)
    frame, invalid = random_frame(rng, dtype, n_pixels, kind), ranges_of(rule, dtype)
    variance = rng.uniform(0, 9, n_pixels) if model == "variance" else None
    bad = rng.random(n_pixels) < {"no": 0, "values": 0.02, "variance": 0.02, "many": 0.9, "all": 1}[broken]
    if broken == "variance" and variance is not None:
        variance[bad] = rng.choice([np.nan, np.inf], np.count_nonzero(bad))
    elif frame.dtype.kind == "f":
        frame[bad] = rng.choice([np.nan, np.inf, -np.inf], np.count_nonzero(bad))
    elif invalid.ranges:
        frame[bad] = invalid.ranges[-1][1]
    expected, scales = expected_sums(task, frame, model, variance, invalid)
    first = None
    for instructions in native.instruction_sets():
        native.use_instructions(instructions)
        for n_threads in (1, 3):
            found = native.prepare(task, n_threads=n_threads).reduce(frame, model, variance, invalid)
            assert_close(found, expected, scales, is_exact(task, frame) and model != "variance")
            first = first or found
            assert_same_bits(first, found)


@given(
    plan=plans,
    dtype=st.sampled_from(FRAME_DTYPES),
    terms=terms,
    model=st.sampled_from(["none", "poisson"]),
    rule=st.sampled_from(RULES),
    n_frames=st.integers(1, 33),
)
@settings(max_examples=100)
def test_batches_of_any_size_have_the_bits_of_single_frames(plan, dtype, terms, model, rule, n_frames):
    form, (n_pixels, n_bins), seed = plan
    rng = np.random.default_rng(seed)
    n_bins = min(n_bins, 3000 if n_bins != 65511 else n_bins)
    task = random_task(rng, plan_matrix(rng, form, n_pixels, n_bins), terms)
    frames = [random_frame(rng, dtype, n_pixels, rng.choice(KINDS)) for _ in range(n_frames)]
    for frame in frames[::3]:
        if frame.dtype.kind == "f":
            frame[rng.random(n_pixels) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
    invalid = ranges_of(rule, dtype)
    reducer = native.prepare(task, n_threads=1)
    singles = [reducer.reduce(frame, model, None, invalid) for frame in frames]
    assert_close(singles[0], *expected_sums(task, frames[0], model, None, invalid), is_exact(task, frames[0]))
    for instructions in native.instruction_sets():
        native.use_instructions(instructions)
        found = reducer.reduce_stack(frames, model, invalid)
        assert len(found) == n_frames
        for one, two in zip(found, singles, strict=True):
            assert_same_bits(one, two)


@given(
    plan=plans,
    dtype=st.sampled_from(CHUNK_DTYPES),
    codec=st.sampled_from(CODECS),
    terms=terms,
    model=st.sampled_from(["none", "poisson"]),
    rule=st.sampled_from(RULES[:-1]),
    n_frames=st.integers(1, 20),
    per_block=st.one_of(st.just(0), st.integers(1, 125).map(lambda k: 8 * k), st.integers(1, 80).map(lambda k: 64 * k)),
    mixed=st.booleans(),
)
@settings(max_examples=120)
def test_chunks_have_the_bits_of_single_frames(plan, dtype, codec, terms, model, rule, n_frames, per_block, mixed):
    form, (n_pixels, n_bins), seed = plan
    rng = np.random.default_rng(seed)
    n_bins = min(n_bins, 3000 if n_bins != 65511 else n_bins)
    task = random_task(rng, plan_matrix(rng, form, n_pixels, n_bins), terms)
    frames = [random_frame(rng, dtype, n_pixels, rng.choice(KINDS)) for _ in range(n_frames)]
    blocks = [int(rng.choice([0, 64, 1000, per_block])) if mixed else per_block for _ in frames]
    chunks = [stored(frame, codec, block) for frame, block in zip(frames, blocks, strict=True)]
    damaged = set(np.flatnonzero(rng.random(n_frames) < 0.2)) if mixed else set()
    for k in damaged:
        chunks[k] = chunks[k][: int(rng.integers(0, len(chunks[k])))]
    invalid = ranges_of(rule, dtype)
    reducer = native.prepare(task, n_threads=1)
    singles = [reducer.reduce(frame, model, None, invalid) for frame in frames]
    first = None
    for instructions in native.instruction_sets():
        native.use_instructions(instructions)
        found = reducer.reduce_chunks(chunks, codec, np.dtype(dtype), model, invalid)
        first = first or found
        assert len(found) == n_frames
        for k, one in enumerate(found):
            assert (one is None) == (k in damaged)
            if one is None:
                continue
            assert_same_bits(one, first[k])
            if not codec.startswith("bitshuffle") or (n_pixels % 8 == 0 and blocks[k] % 64 == 0):
                assert_same_bits(one, singles[k])
            elif instructions == native.instruction_sets()[0]:
                expected, scales = expected_sums(task, frames[k], model, None, invalid)
                assert_close(one, expected, scales, is_exact(task, frames[k]))
