# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The compiled bitshuffle-LZ4 decoder against the plug-in, on whole files and on damaged chunks."""

import contextlib
import struct
import subprocess
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import FileFormatError
from azimuthal.io import open_frames
from azimuthal.io.frames import _native
from azimuthal.io.hdf5 import filter_options
from azimuthal.testing.shared_data import shared_path

SHAPES = [(8, 8), (33, 37), (1, 5), (512, 514)]


def write(path, stack, **filters):
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/data/data", data=stack, chunks=(1, *stack.shape[1:]), **filters)


def stack_of(dtype, shape):
    rng = np.random.default_rng(1)
    stack = rng.poisson(2, (2, *shape)).astype(dtype)
    stack[:, ::7] = 1e30 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    return stack


@pytest.mark.parametrize("nelems", [0, 8, 64, 8192])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i4", "f4", "f8"])
def test_chunks_decode_to_what_the_plug_in_gives(tmp_path, dtype, shape, nelems):
    stack = stack_of(dtype, shape)
    write(tmp_path / "a.h5", stack, **hdf5plugin.Bitshuffle(nelems=nelems, cname="lz4"))
    with h5py.File(tmp_path / "a.h5") as file:
        dataset = file["entry/data/data"]
        for k in range(2):
            out = np.full(shape, 3, dtype)
            _native.decode("bitshuffle-lz4", dataset.id.read_direct_chunk((k, 0, 0))[1], out, "a", 2)
            assert np.array_equal(out, dataset[k])
            assert np.array_equal(out, stack[k])


@pytest.mark.parametrize(
    ("options", "codec"),
    [
        ({}, "none"),
        ({"compression": "gzip"}, None),
        (dict(hdf5plugin.Bitshuffle(cname="lz4")), "bitshuffle-lz4"),
        (dict(hdf5plugin.Bitshuffle(cname="zstd")), "bitshuffle-zstd"),
        (dict(hdf5plugin.Bitshuffle(cname="none")), None),
        (dict(hdf5plugin.LZ4()), "lz4"),
        (dict(hdf5plugin.Blosc()), None),
        ({**hdf5plugin.Bitshuffle(cname="lz4"), "fletcher32": True}, None),
        ({**hdf5plugin.LZ4(), "shuffle": True}, None),
    ],
)
def test_codec_of_pipelines_is_named_or_none(tmp_path, options, codec):
    stack = stack_of("u4", (33, 37))
    write(tmp_path / "a.h5", stack, **options)
    with h5py.File(tmp_path / "a.h5") as file:
        assert _native.codec_of(filter_options(file["entry/data/data"]), 4) == codec
    with open_frames(tmp_path / "a.h5") as frames:
        assert np.array_equal(frames.read(1), stack[1])


def test_chunk_that_skipped_its_filter_is_read(tmp_path):
    stack = stack_of("u2", (16, 24))
    write(tmp_path / "a.h5", stack, **hdf5plugin.Bitshuffle(cname="lz4"))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["entry/data/data"].id.write_direct_chunk((1, 0, 0), stack[1].tobytes(), filter_mask=1)
    with open_frames(tmp_path / "a.h5") as frames:
        assert np.array_equal(frames.read(1), stack[1])


def test_eiger_frames_are_read_without_the_plug_in(tmp_path):
    """A bare install reads what EIGER detectors write."""
    path = shared_path("data/eiger_hdf5/eiger2_simread7_2datafiles_4images_bslz4_uint32_data_000001.h5")
    code = (
        "import sys; sys.modules['hdf5plugin'] = None\n"
        "from azimuthal.io import open_frames\n"
        f"with open_frames({str(path)!r}) as frames: print(int(frames.read(0).sum(dtype='u8')), len(frames))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    with h5py.File(path) as file:
        data = file["entry/data/data"]
        assert found == [str(int(data[0].sum(dtype="u8"))), str(len(data))]


@given(data=st.data())
@settings(max_examples=300)
def test_damaged_chunks_raise_or_decode_and_never_do_worse(data):
    shape, dtype = (33, 37), np.dtype("u4")
    raw = _CHUNK[0] if _CHUNK else _CHUNK.append(_chunk(shape)) or _CHUNK[0]
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else damaged
    with contextlib.suppress(FileFormatError):
        _native.decode("bitshuffle-lz4", bytes(damaged), np.empty(shape, dtype), "here", 1)


_CHUNK: list[bytes] = []


def _chunk(shape):
    file = h5py.File("memory.h5", "w", driver="core", backing_store=False)
    with file:
        dataset = file.create_dataset("x", data=stack_of("u4", shape), chunks=(1, *shape), **hdf5plugin.Bitshuffle())
        return dataset.id.read_direct_chunk((0, 0, 0))[1]


@pytest.mark.parametrize(
    "chunk",
    [
        b"",
        b"\0" * 12,
        struct.pack(">QI", 33 * 37 * 4 - 4, 0),
        struct.pack(">QI", 33 * 37 * 4, 2**32 - 1),
        struct.pack(">QI", 33 * 37 * 4, 33),
    ],
)
def test_absurd_headers_are_refused(chunk):
    with pytest.raises(FileFormatError, match="contradicts"):
        _native.decode("bitshuffle-lz4", chunk, np.empty((33, 37), "u4"), "here", 1)
