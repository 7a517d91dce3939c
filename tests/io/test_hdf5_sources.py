# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Lists of sources of virtual datasets: the checksum is that of HDF5, and a damaged list is an error, not a crash."""

import struct

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError
from azimuthal.io.hdf5_sources import lookup3
from azimuthal.io.hdf5_texts import check_heaps


def virtual_file(path, n_sources=3):
    layout = h5py.VirtualLayout((n_sources, 20, 24), "u2")
    with h5py.File(path, "w") as file:
        for number in range(n_sources):
            file.create_dataset(f"part_{number}", data=np.full((20, 24), number + 1, "u2"))
            layout[number] = h5py.VirtualSource(".", f"part_{number}", (20, 24))
        file.create_virtual_dataset("entry/data/data", layout)
    return path


def test_checksum_is_that_of_hdf5(tmp_path):
    """The superblock of version 3 ends with the checksum of what is before it."""
    for block in (512, 1024, 2048):
        with h5py.File(tmp_path / "a.h5", "w", libver="latest", userblock_size=block, track_order=True):
            pass
        raw = (tmp_path / "a.h5").read_bytes()[block : block + 48]
        assert raw[8] == 3
        assert lookup3(raw[:44]) == struct.unpack("<I", raw[44:])[0]


@pytest.mark.parametrize("n_sources", [1, 3, 200])
def test_sound_lists_pass(tmp_path, n_sources):
    check_heaps(virtual_file(tmp_path / "a.h5", n_sources))
    with az.open_frames(tmp_path / "a.h5::/entry/data/data") as frames:
        assert [frames.read(number)[0, 0] for number in range(n_sources)] == list(range(1, n_sources + 1))


def test_every_damaged_byte_of_a_list_is_an_error(tmp_path):
    """libhdf5 decodes a list before it looks at its checksum: a rank of 200 ends the process."""
    raw = virtual_file(tmp_path / "a.h5").read_bytes()
    first, last = raw.index(b"part_0\0", raw.index(b"GCOL")), raw.rindex(b"part_2\0")
    assert last > first
    for place in range(first, last + 7):
        (tmp_path / "b.h5").write_bytes(raw[:place] + bytes([raw[place] ^ 0x41]) + raw[place + 1 :])
        with pytest.raises(FileFormatError, match="sources of a virtual dataset"):
            check_heaps(tmp_path / "b.h5")


def test_source_with_a_damaged_index_is_an_error_and_not_zeros(tmp_path):
    """A tree that names 55 chunks of one: HDF5 does not find it and fills in zeros."""
    hdf5plugin = pytest.importorskip("hdf5plugin")
    layout = h5py.VirtualLayout((2, 20, 24), "u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(2):
            data = np.full((1, 20, 24), number + 1, "u2")
            file.create_dataset(f"part_{number}", data=data, chunks=(1, 20, 24), **hdf5plugin.Bitshuffle())
            layout[number] = h5py.VirtualSource(".", f"part_{number}", (1, 20, 24))[0]
        file.create_virtual_dataset("entry/data/data", layout)
    raw = bytearray((tmp_path / "a.h5").read_bytes())
    node = raw.index(b"TREE\x01")  # of chunks; type and level, then the number of entries
    assert struct.unpack_from("<H", raw, node + 6) == (1,)
    struct.pack_into("<H", raw, node + 6, 55)
    (tmp_path / "a.h5").write_bytes(raw)
    with az.open_frames(tmp_path / "a.h5::/entry/data/data") as frames:
        assert (frames.read(1) == 2).all()
        with pytest.raises(FileFormatError, match="part_0"):
            frames.read(0)
