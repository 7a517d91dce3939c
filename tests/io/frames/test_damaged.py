# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Damaged files: the right frames, or an error of this package; never another exception, a hang or absurd memory.

The HDF5 files here keep their texts in fixed-length strings, as EIGER detectors write them.  A flipped byte in the heap
of variable-length strings makes the HDF5 library itself run in a circle; no reader can prevent that.
"""

import tracemalloc

import fabio
import h5py
import hdf5plugin
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import AzimuthalError, FileFormatError
from azimuthal.io.frames import open_frames

FRAMES = (np.arange(3 * 20 * 24, dtype=np.int32).reshape(3, 20, 24) * 7919) % 5000


def write_hdf5(path, **options):
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        group.attrs["signal"] = np.bytes_("data")
        group.create_dataset("data", data=FRAMES, chunks=(1, 20, 24), **options)
        detector = file.create_group("entry/instrument/detector")
        detector["pixel_mask"] = np.zeros((20, 24), np.uint32)
        detector["x_pixel_size"] = 1e-4
        detector["x_pixel_size"].attrs["units"] = np.bytes_("m")


def write_edf(path):
    image = fabio.edfimage.EdfImage(data=FRAMES[0], header={"motor": "1"})
    for frame in FRAMES[1:]:
        image.append_frame(data=frame)
    image.write(str(path))


def write_tiff(path, **options):
    tifffile.imwrite(path, FRAMES, photometric="minisblack", description="# Pixel_size 1e-4 m x 1e-4 m", **options)


WRITERS = {
    "strips.tif": lambda path: write_tiff(path, rowsperstrip=7, byteorder=">"),
    "tiles.tif": lambda path: write_tiff(path, tile=(16, 16), bigtiff=True),
    "packed.tif": lambda path: write_tiff(path, compression="zlib"),
    "multi.edf": write_edf,
    "one.cbf": lambda path: fabio.cbfimage.CbfImage(data=FRAMES[1] * 100, header={}).write(str(path)),
    "plain.h5": write_hdf5,
    "gzip.h5": lambda path: write_hdf5(path, compression="gzip"),
    "bslz4.h5": lambda path: write_hdf5(path, **hdf5plugin.Bitshuffle()),
    "lz4.h5": lambda path: write_hdf5(path, **hdf5plugin.LZ4()),
    "stack.npy": lambda path: np.save(path, FRAMES),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Sound files as bytes, and the frames that they hold."""
    folder = tmp_path_factory.mktemp("whole")
    files = {}
    for name, write in WRITERS.items():
        write(folder / name)
        files[name] = (folder / name).read_bytes()
    return folder, files


def read_all(path):
    with open_frames(path) as frames:
        frames.read_mask()
        return [frames.read(index) for index in range(len(frames))]


def _check_message(error, path):
    assert path.name in str(error)
    assert len(str(error)) > len(str(path)) + 10


@pytest.mark.parametrize("name", sorted(WRITERS))
@given(data=st.data())
@settings(max_examples=60)
def test_truncated_file_is_an_error_or_has_all_frames(whole, name, data):
    folder, files = whole
    raw = files[name]
    path = folder / f"cut_{name}"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    try:
        frames = read_all(path)
    except FileFormatError as error:
        _check_message(error, path)
    else:  # only bytes that no frame needs were cut off, or whole frames of a format without a count
        path.write_bytes(raw)
        for got, expected in zip(frames, read_all(path), strict=False):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", sorted(WRITERS))
@given(data=st.data())
@settings(max_examples=80)
def test_file_with_changed_bytes_is_an_error_or_has_frames(whole, name, data):
    folder, files = whole
    raw = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 6))):
        near = data.draw(st.booleans())
        position = data.draw(st.integers(0, (min(len(raw), 2500) if near else len(raw)) - 1))
        raw[position] = data.draw(st.one_of(st.sampled_from([0, 0x7F, 0x80, 0xFF]), st.integers(0, 255)))
    path = folder / f"changed_{name}"
    path.write_bytes(raw)
    try:
        frames = read_all(path)
    except AzimuthalError as error:
        _check_message(error, path)
    else:
        assert all(frame.shape == frames[0].shape for frame in frames)


@pytest.mark.parametrize("name", ["strips.tif", "tiles.tif", "multi.edf", "one.cbf"])
def test_damaged_size_claims_no_memory(whole, name):
    folder, files = whole
    path = folder / f"large_{name}"
    raw = files[name]
    replacements = {
        "multi.edf": (b"Dim_1 = 24", b"Dim_1 = 24000"),
        "one.cbf": (b"Fastest-Dimension: 24", b"Fastest-Dimension: 24000"),
    }
    if name in replacements:
        raw = raw.replace(*replacements[name])
    else:
        order = ">" if raw[:2] == b"MM" else "<"
        width = np.array(24, order + "u2").tobytes()
        raw = raw.replace(width, np.array(60000, order + "u2").tobytes())
    path.write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(FileFormatError):
        read_all(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
def test_truncated_compressed_stream_says_so(whole, suffix):
    import bz2
    import gzip

    folder, files = whole
    packed = (gzip if suffix == ".gz" else bz2).compress(files["multi.edf"])
    path = folder / f"a.edf{suffix}"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(FileFormatError, match="compressed stream is truncated or damaged"):
        read_all(path)


def test_pixel_mask_is_not_taken_for_images_that_cannot_be_opened(tmp_path):
    path = tmp_path / "a.h5"
    write_hdf5(path)
    with h5py.File(path) as file:
        address = h5py.h5o.get_info(file["entry/data/data"].id).addr
    raw = bytearray(path.read_bytes())
    raw[address] = 77  # version of the object header
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="data/data: is in the file but cannot be opened"):
        open_frames(path)


def test_chunk_that_the_index_does_not_lead_to_is_an_error_and_not_zeros(tmp_path):
    path = tmp_path / "a.h5"
    write_hdf5(path, compression="lzf")
    raw = bytearray(path.read_bytes())
    tree = raw.index(b"TREE\x01")  # of chunks
    key = tree + 24 + 2 * (8 + 8 * 4 + 8)  # key 2: bytes, filter mask, then the first element of the chunk
    assert raw[key + 8] == 2
    raw[key + 10 : key + 12] = b"\x01\x01"
    path.write_bytes(raw)
    with open_frames(path) as frames:
        assert frames.read(0).any()
        with pytest.raises(FileFormatError, match=r"not in the index|never written"):
            frames.read(2)
