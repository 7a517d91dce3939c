# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Damage that makes the HDF5 library hang or crash is found before the library reads it."""

import struct

import h5py
import numpy as np
import pytest

from azimuthal.errors import FileFormatError
from azimuthal.io.hdf5 import attributes_of, check_texts, member_of, open_hdf5, whole_array

GIANT = struct.pack("<IQI", 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 1)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as made:
        made["text"] = "a text of variable length"
        made["texts"] = ["one", "two"]
        made["number"] = np.arange(3)
        made["number"].attrs["units"] = "mm"
        made["number"].attrs["axes"] = ["x", "y"]
        made.create_group("group").attrs["fixed"] = np.bytes_("fixed")
        made["soft"] = h5py.SoftLink("/nothing")
    return path


def changed(path, old, new, *, at=0):
    raw = bytearray(path.read_bytes())
    place = raw.index(old) + at
    raw[place : place + len(new)] = new
    path.write_bytes(raw)


def reference_of(path, text):
    """Return how the file refers to a text."""
    raw = path.read_bytes()
    heap = raw.index(b"GCOL")
    place, size = heap + 16, len(text)
    while raw[place + 16 : place + 16 + size] != text:
        place += 16 + -(-struct.unpack_from("<Q", raw, place + 8)[0] // 8) * 8
    return struct.pack("<IQI", size, heap, struct.unpack_from("<H", raw, place)[0])


def test_whole_files_are_read(file):
    with open_hdf5(file) as opened:
        for name in ("text", "texts", "number"):
            check_texts(opened[name])
        assert attributes_of(opened["number"])["units"] == "mm"
        assert attributes_of(opened["number"])["axes"].tolist() == ["x", "y"]
        assert attributes_of(opened) is not None
        assert member_of(opened, "group/none") is None
        assert member_of(opened, "soft") is None
        np.testing.assert_array_equal(whole_array(opened["number"]), np.arange(3))


def test_heap_without_end_is_refused_when_the_file_is_opened(file):
    changed(file, b"GCOL", bytes(16), at=16)
    with pytest.raises(FileFormatError, match="has no end"), open_hdf5(file):
        pass


@pytest.mark.parametrize("reference", [GIANT, struct.pack("<IQI", 5, 96, 1), struct.pack("<IQI", 5, 1 << 40, 1)])
def test_text_that_refers_to_no_heap_is_refused(file, reference):
    changed(file, reference_of(file, b"a text of variable length"), reference)
    with open_hdf5(file) as opened, pytest.raises(FileFormatError, match="damaged"):
        check_texts(opened["text"])


@pytest.mark.parametrize("reference", [GIANT, struct.pack("<IQI", 2, 96, 1), struct.pack("<IQI", 200, 2048, 1)])
def test_attribute_that_refers_to_no_text_is_refused(file, reference):
    changed(file, reference_of(file, b"mm"), reference)
    with open_hdf5(file) as opened, pytest.raises(FileFormatError, match="number: an attribute"):
        attributes_of(opened["number"])


def test_dataset_that_claims_more_than_is_stored_is_refused(file):
    with h5py.File(file, "a") as opened:
        opened.create_dataset("empty", (1 << 30,), "f8", chunks=(1 << 16,))
    with open_hdf5(file) as opened, pytest.raises(FileFormatError, match="0 bytes stored"):
        whole_array(opened["empty"])


def test_object_that_cannot_be_opened_is_not_absent(file):
    with h5py.File(file) as opened:
        address = h5py.h5o.get_info(opened["group"].id).addr
    raw = bytearray(file.read_bytes())
    raw[address] = 77  # version of the object header
    file.write_bytes(raw)
    with open_hdf5(file) as opened, pytest.raises(FileFormatError, match="group: is in the file but cannot be opened"):
        member_of(opened, "group")
