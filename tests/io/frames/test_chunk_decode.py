# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The compiled decoders of chunks against what HDF5's filters write, and on damaged chunks."""

import struct
from functools import cache

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal import _core

NONE, BITSHUFFLE_LZ4, BITSHUFFLE_ZSTD, LZ4 = range(4)
BITSHUFFLE = {"lz4": BITSHUFFLE_LZ4, "zstd": BITSHUFFLE_ZSTD}
DTYPES = ["u1", "u2", "u4", "u8"]
COUNTS = [1, 7, 8, 9, 130, 4099, 20000]


def stored(values, **filters):
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("x", data=values, chunks=values.shape, **filters)
        return dataset.id.read_direct_chunk((0,))[1]


def decoded(codec, chunk, like, n_threads=1):
    out = np.full(like.nbytes, 3, np.uint8)
    status = _core.chunk_decode(codec, chunk, like.dtype.itemsize, out, n_threads)
    return status, out.view(like.dtype)


def kinds(dtype, n):
    rng = np.random.default_rng(n)
    largest = np.iinfo(dtype).max
    yield rng.poisson(3, n).astype(dtype)
    yield np.zeros(n, dtype)
    yield rng.integers(0, largest, n, dtype)
    yield np.where(np.arange(n) % 50 < 3, largest, rng.poisson(40, n)).astype(dtype)
    yield (np.arange(n) // 7).astype(dtype)


def assert_decodes(codec, chunk, values):
    for n_threads in (1, 3):
        status, out = decoded(codec, chunk, values, n_threads)
        assert status == 0
        assert np.array_equal(out, values)


@pytest.mark.parametrize("nelems", [0, 8, 64, 1024, 8192])
@pytest.mark.parametrize("cname", BITSHUFFLE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_bitshuffle_chunks_decode_to_what_was_written(dtype, cname, nelems):
    for n in COUNTS:
        for values in kinds(dtype, n):
            chunk = stored(values, **hdf5plugin.Bitshuffle(nelems=nelems, cname=cname))
            assert_decodes(BITSHUFFLE[cname], chunk, values)


@pytest.mark.parametrize("nbytes", [0, 64, 1000, 4096])
@pytest.mark.parametrize("dtype", DTYPES)
def test_lz4_chunks_decode_to_what_was_written(dtype, nbytes):
    for n in COUNTS:
        for values in kinds(dtype, n):
            assert_decodes(LZ4, stored(values, **hdf5plugin.LZ4(nbytes=nbytes)), values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_plain_chunks_are_copied_and_any_other_size_is_refused(dtype):
    values = next(kinds(dtype, 130))
    assert_decodes(NONE, values.tobytes(), values)
    assert decoded(NONE, values.tobytes()[:-1], values)[0] == 2
    assert decoded(NONE, values.tobytes() + b"\0", values)[0] == 1


def structured(n):
    """Return bytes with literals of uneven frequency and matches near and far."""
    rng = np.random.default_rng(n)
    data = bytearray()
    while len(data) < n:
        if data and rng.random() < 0.7:
            offset = int(rng.integers(1, min(len(data), 1 << int(rng.integers(1, 18))) + 1))
            for _ in range(int(rng.integers(3, 400))):
                data.append(data[-offset])
        else:
            data += rng.integers(0, 1 << int(rng.integers(1, 9)), int(rng.integers(1, 60)), np.uint8).tobytes()
    return np.frombuffer(bytes(data[:n]), np.uint8)


@pytest.mark.parametrize("level", [1, 3, 6, 10, 13, 19, 22])
@pytest.mark.parametrize("n", [8, 64, 1000, 40_000, 131_072, 131_080, 400_000])
def test_zstd_frames_of_every_level_decode_to_what_was_written(n, level):
    rng = np.random.default_rng(n)
    for data in (structured(n), np.clip(rng.normal(60, 9, n), 0, 255).astype(np.uint8), np.zeros(n, np.uint8)):
        frame = stored(data, **hdf5plugin.Zstd(clevel=level))
        # As the only block of a chunk of bit planes: plane b holds bit b of all elements.
        planes = np.unpackbits(data.reshape(8, -1), axis=1, bitorder="little")
        chunk = struct.pack(">QII", n, n, len(frame)) + frame
        assert_decodes(BITSHUFFLE_ZSTD, chunk, np.packbits(planes.T, axis=1, bitorder="little").ravel())


def test_zstd_chunk_of_several_frames_is_decoded():
    first, second = np.arange(40, dtype=np.uint8), np.zeros(24, np.uint8)
    skipped = struct.pack("<II", 0x184D2A5F, 3) + b"any"
    frames = stored(first, **hdf5plugin.Zstd()) + skipped + stored(second, **hdf5plugin.Zstd())
    planes = np.unpackbits(np.concatenate([first, second]).reshape(8, -1), axis=1, bitorder="little")
    chunk = struct.pack(">QII", 64, 64, len(frames)) + frames
    assert_decodes(BITSHUFFLE_ZSTD, chunk, np.packbits(planes.T, axis=1, bitorder="little").ravel())


def test_block_size_of_zero_means_the_default_of_bitshuffle():
    for dtype in DTYPES:
        values = next(kinds(dtype, 20000))
        chunk = bytearray(stored(values, **hdf5plugin.Bitshuffle(nelems=0)))
        assert struct.unpack(">I", chunk[8:12]) == (8192,)
        chunk[8:12] = bytes(4)
        assert_decodes(BITSHUFFLE_LZ4, chunk, values)


def test_chunk_may_be_any_contiguous_buffer():
    values = next(kinds("u4", 1000))
    chunk = stored(values, **hdf5plugin.Bitshuffle())
    for buffer in (chunk, bytearray(chunk), memoryview(chunk), np.frombuffer(chunk, np.uint8)):
        assert_decodes(BITSHUFFLE_LZ4, buffer, values)
    with pytest.raises(BufferError):
        decoded(BITSHUFFLE_LZ4, memoryview(chunk)[::2], values)
    with pytest.raises(TypeError):
        decoded(BITSHUFFLE_LZ4, "text", values)


@pytest.mark.parametrize("codec", [-1, 4])
def test_unknown_codec_raises(codec):
    with pytest.raises(ValueError, match="codec"):
        decoded(codec, b"", np.zeros(4, "u1"))


@pytest.mark.parametrize("codec", [BITSHUFFLE_LZ4, BITSHUFFLE_ZSTD, LZ4])
@pytest.mark.parametrize(
    "chunk",
    [
        b"",
        bytes(11),
        struct.pack(">QI", 129, 64),
        struct.pack(">QI", 2**63, 64),
        struct.pack(">QI", 128, 2**32 - 1),
        struct.pack(">QII", 128, 128, 2**32 - 1),
        struct.pack(">QII", 128, 128, 0),
        struct.pack(">QI", 128, 64) + bytes(100),
    ],
)
def test_absurd_chunks_are_refused(codec, chunk):
    assert decoded(codec, chunk, np.zeros(32, "u4"))[0] != 0


@cache
def valid(codec):
    values = np.where(np.arange(1100) % 90 < 3, 2**16 - 1, np.random.default_rng(1).poisson(9, 1100)).astype("u2")
    filters = {
        BITSHUFFLE_LZ4: hdf5plugin.Bitshuffle(nelems=512, cname="lz4"),
        BITSHUFFLE_ZSTD: hdf5plugin.Bitshuffle(nelems=512, cname="zstd"),
        LZ4: hdf5plugin.LZ4(nbytes=1024),
    }[codec]
    return stored(values, **filters), values


@pytest.mark.parametrize("codec", [BITSHUFFLE_LZ4, BITSHUFFLE_ZSTD, LZ4])
@given(data=st.data())
@settings(max_examples=200)
def test_damaged_chunks_give_an_error_or_the_same_bytes_each_time(codec, data):
    chunk, values = valid(codec)
    damaged = bytearray(chunk)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        kind = data.draw(st.sampled_from(["byte", "bit", "number", "cut", "twice"]))
        if kind == "byte":
            damaged[at] = data.draw(st.integers(0, 255))
        elif kind == "bit":
            damaged[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "number":
            damaged[at : at + 4] = struct.pack(">I", data.draw(st.sampled_from([0, 1, 255, 2**16, 2**31, 2**32 - 1])))
        elif kind == "cut":
            del damaged[at : at + data.draw(st.integers(1, 20))]
        else:
            damaged[at:at] = damaged[at : at + data.draw(st.integers(1, 20))]
        damaged = damaged or bytearray(1)
    status, out = decoded(codec, bytes(damaged), values)
    again, other = decoded(codec, bytes(damaged), values, n_threads=2)
    assert (status == 0) == (again == 0)
    if status == 0:
        assert np.array_equal(out, other)
