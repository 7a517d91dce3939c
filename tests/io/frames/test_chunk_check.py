# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import struct

import h5py
import hdf5plugin
import numpy as np
import pytest

import azimuthal as az
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


@pytest.mark.parametrize("options", [{"fletcher32": True}, {"fletcher32": True, "shuffle": True}, {"shuffle": True}])
@pytest.mark.parametrize("stored", [1, 3, 959])
def test_chunk_of_a_wrong_length_is_an_error_and_not_a_crash(tmp_path, options, stored):
    """HDF5 takes a checksum off the end of what is stored, also where there is no end (found by damaging files)."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", shape=(2, 20, 24), dtype="u2", chunks=(1, 20, 24), **options)
        data[...] = 7
        data.id.write_direct_chunk((1, 0, 0), bytes(stored), filter_mask=0)
    with az.open_frames(tmp_path / "a.h5") as frames:
        assert (frames.read(0) == 7).all()
        with pytest.raises(FileFormatError, match="chunk"):
            frames.read(1)


def blosc2_file(path):
    """Write three frames of the Blosc2 filter; return the place of each chunk in the file."""
    hdf5plugin = pytest.importorskip("hdf5plugin")
    values = np.random.default_rng(1).integers(0, 4000, (3, 20, 24)).astype(np.uint16)
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", data=values, chunks=(1, 20, 24), **hdf5plugin.Blosc2())
        chunks = [data.id.get_chunk_info(index) for index in range(3)]
    return values, [(chunk.byte_offset, chunk.size) for chunk in chunks]


def test_blosc2_frames_are_read_and_zeros_are_zeros(tmp_path):
    hdf5plugin = pytest.importorskip("hdf5plugin")
    values, _ = blosc2_file(tmp_path / "a.h5")
    with az.open_frames(tmp_path / "a.h5") as frames:
        for index, expected in enumerate(values):
            assert np.array_equal(frames.read(index), expected)
    for shape in ((20, 24), (512, 700)):
        with h5py.File(tmp_path / "b.h5", "w") as file:
            file.create_dataset("data", data=np.zeros((2, *shape), "u4"), chunks=(1, *shape), **hdf5plugin.Blosc2())
        with az.open_frames(tmp_path / "b.h5") as frames:
            assert not frames.read(1).any()


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (3, b"x", "expected a Blosc2 frame"),
        (16, b"\x01", "expected a Blosc2 frame"),  # bytes of everything
        (30, b"\x10", "bytes of values"),  # bytes of the values
        (11, b"\x7f", "expected a Blosc2 frame"),  # bytes of the header
        (92, b"\x26", "too many layers"),  # 9729 of them: 3 gigabytes were allocated
        (100, b"\x7f", "shape in its Blosc2 frame is damaged"),  # where the shape is
        (112, b"\x17", "damaged"),  # fields of the shape
        (114, b"\x09", "has a shape of"),  # its dimensions
        (118, b"\x26", "has a shape of"),  # its first one
    ],
)
def test_blosc2_header_that_contradicts_the_dataset_is_an_error(tmp_path, place, value, words):
    _, chunks = blosc2_file(tmp_path / "a.h5")
    damage(tmp_path / "a.h5", chunks[1][0] + place, value)
    with az.open_frames(tmp_path / "a.h5") as frames:
        frames.read(0)
        with pytest.raises(FileFormatError, match=words):
            frames.read(1)


def test_blosc2_chunk_that_turned_into_zeros_is_an_error(tmp_path):
    """The index of a frame has special entries for zeros: one byte makes an entry special."""
    _, chunks = blosc2_file(tmp_path / "a.h5")
    start, size = chunks[1]
    whole, silent = (tmp_path / "a.h5").read_bytes(), 0
    for place in range(size - 120, size):
        (tmp_path / "a.h5").write_bytes(whole)
        damage(tmp_path / "a.h5", start + place, b"\xff")
        with az.open_frames(tmp_path / "a.h5") as frames:
            try:
                assert frames.read(1).any(), place
            except FileFormatError as error:
                silent += "zeros" in str(error)
    assert silent > 0


def damage(path, place, value):
    with path.open("r+b") as file:
        file.seek(place)
        file.write(value)
