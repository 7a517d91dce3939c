# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import struct

import h5py
import hdf5plugin
import numpy as np
import pytest

from azimuthal.errors import FileFormatError
from azimuthal.io.frames._chunk_check import BITSHUFFLE, LZ4, check_chunk

OPTIONS = (0, 4, 4, 0, 2)


def chunk(tmp_path, data, compression):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        item = file.create_dataset("x", data=data, chunks=data.shape, **compression)
        return item.id.read_direct_chunk((0, 0))[1]


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (64, 64), (129, 130)])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f8"])
@pytest.mark.parametrize(
    ("number", "compression"),
    [(BITSHUFFLE, hdf5plugin.Bitshuffle()), (BITSHUFFLE, hdf5plugin.Bitshuffle(cname="zstd")), (LZ4, hdf5plugin.LZ4())],
)
def test_check_chunk_sound_chunks_pass(tmp_path, shape, dtype, number, compression):
    data = np.random.default_rng(1).poisson(3, shape).astype(dtype)
    raw = chunk(tmp_path, data, dict(compression))
    options = (0, 4, data.itemsize, 0, 2)
    check_chunk(raw, number, options, data.nbytes, data.itemsize, "x")


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:8],
        lambda raw: raw[:-1],
        lambda raw: struct.pack(">Q", 1 << 40) + raw[8:],
        lambda raw: raw[:8] + struct.pack(">I", 0) + raw[12:],
        lambda raw: raw[:8] + struct.pack(">I", 12) + raw[12:],
        lambda raw: raw[:12] + struct.pack(">I", 0xFFFFFFF0) + raw[16:],
    ],
)
def test_check_chunk_damaged_sizes_are_refused(tmp_path, damage):
    data = np.arange(130 * 130, dtype=np.uint32).reshape(130, 130)
    raw = chunk(tmp_path, data, dict(hdf5plugin.Bitshuffle()))
    with pytest.raises(FileFormatError, match="frame 3"):
        check_chunk(damage(raw), BITSHUFFLE, OPTIONS, data.nbytes, 4, "frame 3")


def test_check_chunk_other_item_size_is_refused():
    with pytest.raises(FileFormatError, match="elements of other than 4 bytes"):
        check_chunk(b"", BITSHUFFLE, (0, 4, 0, 0, 2), 64, 4, "x")
    with pytest.raises(FileFormatError, match="expected 64 bytes, got 3"):
        check_chunk(b"abc", BITSHUFFLE, (0, 4, 4), 64, 4, "x")
