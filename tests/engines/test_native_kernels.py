# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The fast kernels against the reference engine: every packed form, dtype, instruction set, batch and chunk.

Bound: relative to sum c (|raw| + |offset|) gain of the valid pixels of a bin, and the like for the other sums, native and
reference differ by less than `BOUND`.  Integers with weights of one and without float terms: the same bits.
"""

import dataclasses
import struct
from functools import cache

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal import _core
from azimuthal.engines import CHUNK_CODECS, FRAME_DTYPES, ReductionTask, native, reference
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


@pytest.mark.parametrize("form", ["pairs", "irregular", UNIT])
@pytest.mark.parametrize("n_bins", [900, 20000, 250000])
def test_large_plans_in_several_parts_have_the_bits_of_single_frames(form, n_bins):
    """Parts add to bins of their own and to bins that they share; the sums of sixteen frames do not fit the cache."""
    rng = np.random.default_rng(n_bins)
    n_pixels = 5 * 8192 + 37
    matrix = plan_matrix(rng, form, n_pixels, n_bins)
    # The upper half of the bins gets nothing from the first half of the pixels.
    pixel = np.repeat(np.arange(n_pixels), np.diff(matrix.indptr))
    keep = (pixel > n_pixels // 2) | (matrix.indices < n_bins // 2)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(pixel[keep], minlength=n_pixels))])
    weights = None if matrix.weights is None else matrix.weights[keep]
    task = random_task(rng, SparseMatrix(indptr, matrix.indices[keep], weights, n_bins), (False, False, True))
    frames = [random_frame(rng, "uint16", n_pixels, "counts") for _ in range(19)]
    invalid = ranges_of("top", "uint16")
    expected = expected_sums(task, frames[0], "poisson", None, invalid)
    reducer = native.prepare(task, n_threads=2)
    singles = [reducer.reduce(frame, "poisson", None, invalid) for frame in frames]
    assert_close(singles[0], *expected, is_exact(task, frames[0]))
    chunks = [stored(frame) for frame in frames]
    damaged = chunks[3][: len(chunks[3]) // 2]
    for instructions in native.instruction_sets():
        native.use_instructions(instructions)
        for batch in (frames, frames[:8], frames[:3]):
            for one, two in zip(reducer.reduce_stack(batch, "poisson", invalid), singles, strict=False):
                assert_same_bits(one, two)
        held = [*chunks[:3], damaged, *chunks[4:]]
        found = reducer.reduce_chunks(held, "bitshuffle-lz4", np.dtype("uint16"), "poisson", invalid)
        assert [k for k, one in enumerate(found) if one is None] == [3]
        for one, two in zip(found, singles, strict=True):
            if one is not None:
                assert_same_bits(one, two)


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
    for instructions in native.instruction_sets():
        native.use_instructions(instructions)
        found = reducer.reduce_chunks(chunks, codec, np.dtype(dtype), model, invalid)
        assert len(found) == n_frames
        for k, one in enumerate(found):
            assert (one is None) == (k in damaged)
            if one is None:
                continue
            assert_same_bits(one, singles[k])


@pytest.mark.parametrize(
    ("form", "n_pixels", "n_bins"),
    [
        *((form, 3 * 8192 + 8 * 9, 300) for form in FORMS),
        ("pairs", 40_960, 20_001),
        ("ones", 30_000, 1_000_000),
        ("irregular", 30_000, 1_000_000),
        ("ones", 300_000, 40),
    ],
)
def test_long_frames_have_the_same_bits_in_parts_batches_and_chunks(form, n_pixels, n_bins):
    rng = np.random.default_rng(n_pixels + n_bins)
    task = random_task(rng, plan_matrix(rng, form, n_pixels, n_bins), (form == "pairs", False, form == "pairs"))
    frames = [random_frame(rng, "uint16", n_pixels, kind) for kind in KINDS]
    invalid = ranges_of("top", "uint16")
    chunks = [stored(frame) for frame in frames]
    others = [stored(frames[2], codec, block) for codec in CODECS[:2] for block in (64, 448, 8192, 65536)]
    expected = [expected_sums(task, frame, "poisson", None, invalid) for frame in frames]
    singles = None
    for instructions in native.instruction_sets():
        native.use_instructions(instructions)
        results = []
        for n_threads in (1, 2, 5):
            reducer = native.prepare(task, n_threads=n_threads)
            results.append([reducer.reduce(frame, "poisson", None, invalid) for frame in frames])
        singles = singles or results[0]
        results.append(reducer.reduce_stack(frames, "poisson", invalid))
        results.append(reducer.reduce_chunks(chunks, "bitshuffle-lz4", np.dtype("u2"), "poisson", invalid))
        for k, codec in enumerate(CODECS[:2]):
            found = reducer.reduce_chunks(others[4 * k : 4 * k + 4], codec, np.dtype("u2"), "poisson", invalid)
            results.append([singles[0], singles[1], found[0], *singles[3:]])
            for one in found:
                assert_same_bits(one, singles[2])
        for found in results:
            for one, two in zip(found, singles, strict=True):
                assert_same_bits(one, two)
    for one, (sums, scales) in zip(singles, expected, strict=True):
        assert_close(one, sums, scales, is_exact(task, frames[0]))


@given(
    form=st.sampled_from(FORMS[:-1]),
    seed=st.integers(0, 2**32 - 1),
    terms=terms,
    rest=st.floats(0, 0.2),
    n_bins=st.integers(1, 20),
    dtype=st.sampled_from(["uint16", "int32", "float64"]),
)
@settings(max_examples=60)
def test_bins_that_lose_all_or_nearly_all_pixels_are_as_if_they_never_had_them(form, seed, terms, rest, n_bins, dtype):
    rng = np.random.default_rng(seed)
    n_pixels = int(rng.integers(100, 6000))
    matrix = plan_matrix(rng, form, n_pixels, n_bins)
    task = random_task(rng, matrix, terms)
    frame, invalid = random_frame(rng, dtype, n_pixels, "counts"), ranges_of("max", dtype)
    top = np.nan if dtype == "float64" else np.iinfo(dtype).max
    lost = rng.random(n_bins) < 0.6
    feeds_lost = np.zeros(n_pixels, bool)
    feeds_lost[matrix.entry_pixels()[lost[matrix.indices]]] = True
    frame[feeds_lost & (rng.random(n_pixels) >= rest**3)] = top
    reducer = native.prepare(task, n_threads=1)
    found = reducer.reduce(frame, "poisson", None, invalid)
    assert_close(found, *expected_sums(task, frame, "poisson", None, invalid), is_exact(task, frame))
    # Whatever was asked before: the last invalid pixels are remembered.
    reducer.reduce(np.where(rng.random(n_pixels) < 0.5, top, frame).astype(dtype), "poisson", None, invalid)
    for one in reducer.reduce_stack([frame] * 5, "poisson", invalid):
        assert_same_bits(one, found)


def test_value_that_is_not_finite_stays_in_the_bins_of_its_pixel():
    matrix = SparseMatrix(np.array([0, 1, 3, 5, 6]), np.array([1, 1, 2, 2, 3, 4], np.int32), np.ones(6) / 2, 6)
    for k in range(4):
        frame = np.ones(4, np.float32)
        frame[k] = np.nan
        for form in (matrix, SparseMatrix(matrix.indptr, matrix.indices, None, 6)):
            reducer = native.prepare(ReductionTask(form), n_threads=1)
            spoilt = np.isin(np.arange(6), matrix.indices[matrix.indptr[k] : matrix.indptr[k + 1]])
            for sums in [
                reducer.reduce(frame, "poisson", None, InvalidRanges()),
                *reducer.reduce_stack([frame] * 4, "poisson", InvalidRanges()),
            ]:
                assert (np.isnan(sums.signal) == spoilt).all()
                assert (np.isnan(sums.variance) == spoilt).all()
                assert np.isfinite(sums.count).all()


@pytest.mark.parametrize("dtype", ["uint64", "int64"])
def test_extremes_of_64_bits_are_those_of_float64(dtype):
    info = np.iinfo(dtype)
    frame = np.array([info.max, info.max - 1, info.min, info.min + 1, 2**53 + 1, 2**62, 7, 0], dtype)
    task = ReductionTask(SparseMatrix(np.arange(9), np.arange(8, dtype=np.int32), None, 8))
    reducer = native.prepare(task, n_threads=1)
    for invalid in (InvalidRanges(), ranges_of("top", dtype), InvalidRanges(((int(info.min), int(info.min)),))):
        expected = reference.prepare(task, n_threads=1).reduce(frame, "poisson", None, invalid)
        for sums in [
            reducer.reduce(frame, "poisson", None, invalid),
            *reducer.reduce_stack([frame] * 4, "poisson", invalid),
        ]:
            assert_same_bits(sums, expected)


@cache
def sixteen_chunks(codec, n_pixels):
    rng = np.random.default_rng(8)
    task = random_task(rng, plan_matrix(rng, "irregular", n_pixels, 30), (False, False, True))
    frames = [random_frame(rng, "uint16", n_pixels, ("few", "counts", "gaps")[k % 3]) for k in range(16)]
    return native.prepare(task, n_threads=1), [stored(frame, codec, 256) for frame in frames]


@pytest.mark.parametrize("codec", CODECS[:3])
@given(data=st.data())
@settings(max_examples=120)
def test_damaged_chunks_are_refused_or_summed_as_their_decoder_says_and_the_others_do_not_notice(codec, data):
    n_pixels = data.draw(st.sampled_from([1600, 1605]))
    reducer, valid = sixteen_chunks(codec, n_pixels)
    chunks = [bytearray(chunk) for chunk in valid[: data.draw(st.sampled_from([1, 4, 16]))]]
    for _ in range(data.draw(st.integers(1, 6))):
        chunk = chunks[data.draw(st.integers(0, len(chunks) - 1))]
        at = data.draw(st.one_of(st.integers(0, 40), st.integers(0, 10_000))) % max(1, len(chunk))
        kind = data.draw(st.sampled_from(["byte", "bit", "number", "cut", "twice"]))
        if kind == "byte":
            chunk[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
        elif kind == "bit" and chunk:
            chunk[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "number":
            chunk[at : at + 4] = struct.pack(">I", data.draw(st.sampled_from([0, 1, 255, 2**16, 2**31, 2**32 - 1])))
        elif kind == "cut":
            del chunk[at : at + data.draw(st.integers(1, 20))]
        else:
            chunk[at:at] = chunk[at : at + data.draw(st.integers(1, 20))]
    invalid = ranges_of("top", "uint16")
    results = []
    for instructions in native.instruction_sets():
        native.use_instructions(instructions)
        results.append(reducer.reduce_chunks(chunks, codec, np.dtype("u2"), "poisson", invalid))
    for k, chunk in enumerate(chunks):
        dense = np.empty(n_pixels, np.uint16)
        is_valid = _core.chunk_decode(CHUNK_CODECS.index(codec), chunk, 2, dense.view(np.uint8), 1) == 0
        expected = reducer.reduce(dense, "poisson", None, invalid) if is_valid else None
        in_whole_groups = codec == "lz4" or (n_pixels % 8 == 0 and int.from_bytes(chunk[8:12], "big") % 128 == 0)
        for found in results:
            if is_valid and not in_whole_groups:
                np.testing.assert_allclose(found[k].signal, expected.signal, rtol=BOUND)
            else:
                assert_same_bits(found[k], expected)


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_chunks_may_begin_anywhere_in_memory(offset):
    rng = np.random.default_rng(offset)
    reducer = native.prepare(ReductionTask(plan_matrix(rng, "pairs", 1000, 30)), n_threads=1)
    frame = random_frame(rng, "uint32", 1000, "gaps")
    invalid = ranges_of("max", "uint32")
    expected = reducer.reduce(frame, "poisson", None, invalid)
    for codec in CODECS:
        chunk = memoryview(bytearray(offset) + stored(frame, codec))[offset:]
        for n in (1, 5):
            for sums in reducer.reduce_chunks([chunk] * n, codec, frame.dtype, "poisson", invalid):
                assert_same_bits(sums, expected)


def test_empty_batches_give_no_sums():
    reducer = native.prepare(ReductionTask(SparseMatrix(np.arange(3), np.zeros(2, np.int32), None, 1)), n_threads=1)
    assert reducer.reduce_stack([], "poisson", InvalidRanges()) == []
    assert reducer.reduce_chunks([], "lz4", np.dtype("u1"), "poisson", InvalidRanges()) == []
