# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames from stored bytes against h5py, for every layout; nothing absent is read as zero."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from azimuthal.errors import FileFormatError, FileMissingError, MissingDependencyError
from azimuthal.io.frames import _chunk_table, _native, _stored, open_frames
from azimuthal.io.frames._open_files import OpenFiles

BSLZ4 = dict(hdf5plugin.Bitshuffle(cname="lz4"))
SHAPE = (20, 24)


@pytest.fixture
def counts():
    """Twelve frames, all different, uint32 with gaps at the maximum."""
    frames = np.random.default_rng(11).poisson(3, (12, *SHAPE)).astype(np.uint32)
    frames[:, 7] = 2**32 - 1
    frames[:, 0, 0] = np.arange(12)
    return frames


@pytest.fixture
def without_h5py_reads(monkeypatch):
    """Make every read of pixels through h5py fail."""

    def refuse(*_arguments, **_keywords):
        raise AssertionError("read through h5py")

    monkeypatch.setattr(h5py.Dataset, "read_direct", refuse)
    monkeypatch.setattr(h5py.Dataset, "__getitem__", refuse)


def write(path, stack, dataset="entry/data/data", **options):
    with h5py.File(path, "w") as file:
        file.create_dataset(dataset, data=stack, **options)
    return path


def check_equal(source, stack, decoder):
    """Every frame equals the stack by `read`, and by the stored bytes where there are any."""
    with open_frames(source) as frames:
        assert frames.decoder == decoder
        stored = frames.stored_frames()
        n_stored = 0
        for index in (*range(len(frames)), 0):
            np.testing.assert_array_equal(frames.read(index), stack[index])
            place = stored.locate(index)
            if place is None or not place.can_decode:
                continue
            n_stored += 1
            chunk = stored.read(index)
            assert len(chunk) == place.size
            with Path(place.path).open("rb") as file:
                file.seek(place.offset)
                assert file.read(place.size) == chunk
            np.testing.assert_array_equal(place.decode(chunk), stack[index])
        return n_stored


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4", "i2", "f4", "f8", "u8"])
@pytest.mark.parametrize("options", [BSLZ4, {}], ids=["bslz4", "none"])
def test_one_frame_per_chunk_is_found_and_read_without_h5py(tmp_path, counts, dtype, options, without_h5py_reads):
    stack = np.minimum(counts, 200).astype(dtype)
    path = write(tmp_path / "a.h5", stack, chunks=(1, *SHAPE), **options)
    fused = "fused" if dtype in {"u1", "u2", "u4"} else "dense"
    codec = "bitshuffle-lz4" if options else "none"
    assert check_equal(path, stack, f"azimuthal: {codec}, {fused}") == 13


def test_contiguous_frames_are_found(tmp_path, counts, without_h5py_reads):
    assert check_equal(write(tmp_path / "a.h5", counts), counts, "azimuthal: none, fused") == 13
    assert check_equal(write(tmp_path / "b.h5", counts[0]), counts[:1], "azimuthal: none, fused") == 2


@pytest.mark.parametrize("dtype", [">u2", ">u4", ">i4", ">f4", ">f8"])
@pytest.mark.parametrize("options", [BSLZ4, {"chunks": (1, *SHAPE)}, {}], ids=["bslz4", "none", "contiguous"])
def test_big_endian_frames_are_decoded_to_native_order(tmp_path, counts, dtype, options, without_h5py_reads):
    stack = np.minimum(counts, 60000).astype(dtype)
    options = {"chunks": (1, *SHAPE), **options} if options else {}
    path = write(tmp_path / "a.h5", stack, **options)
    codec = "bitshuffle-lz4" if "compression" in options else "none"
    assert check_equal(path, stack, f"azimuthal: {codec}, dense") == 13


@pytest.mark.parametrize("chunks", [(1, 5, 24), (1, 7, 11), (2, 20, 24), (5, 20, 24), (5, 8, 24), (12, 20, 24)])
@pytest.mark.parametrize("options", [BSLZ4, {}], ids=["bslz4", "none"])
def test_chunks_of_parts_and_of_several_frames_are_decoded_here(tmp_path, counts, chunks, options, without_h5py_reads):
    path = write(tmp_path / "a.h5", counts, chunks=chunks, **options)
    codec = "bitshuffle-lz4" if options else "none"
    assert check_equal(path, counts, f"azimuthal: {codec}, dense") == 0


def test_chunk_larger_than_the_frame_is_cropped(tmp_path, counts, without_h5py_reads):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset(
            "x", counts.shape, np.uint32, chunks=(1, 32, 32), maxshape=(None, None, None), **BSLZ4
        )
        data.write_direct(counts)
    check_equal(tmp_path / "a.h5", counts, "azimuthal: bitshuffle-lz4, dense")


def test_chunk_of_several_frames_is_decoded_once(tmp_path, counts, monkeypatch):
    calls = []
    decode = _native.decode

    def counted(*arguments):
        calls.append(1)
        decode(*arguments)

    monkeypatch.setattr(_stored, "decode", counted)
    path = write(tmp_path / "a.h5", counts, chunks=(4, *SHAPE), **BSLZ4)
    with open_frames(path) as frames, ThreadPoolExecutor(8) as pool:
        for frame, expected in zip(pool.map(frames.read, range(12)), counts, strict=True):
            np.testing.assert_array_equal(frame, expected)
    assert len(calls) == 3


def test_kept_chunks_are_bounded(tmp_path, counts, monkeypatch):
    monkeypatch.setattr(_stored, "_KEPT_BYTES", 1)
    path = write(tmp_path / "a.h5", counts, chunks=(2, *SHAPE), **BSLZ4)
    with open_frames(path) as frames:
        np.testing.assert_array_equal(np.stack(list(frames)), counts)
        assert len(frames.stored_frames()._kept._slots) == 2


def test_four_dimensions_are_found_in_c_order(tmp_path, counts, without_h5py_reads):
    scan = counts.reshape(3, 4, *SHAPE)
    path = write(tmp_path / "a.h5", scan, chunks=(1, 1, *SHAPE), **BSLZ4)
    assert check_equal(path, counts, "azimuthal: bitshuffle-lz4, fused") == 13
    path = write(tmp_path / "b.h5", scan, chunks=(2, 3, 8, 24), **BSLZ4)
    check_equal(path, counts, "azimuthal: bitshuffle-lz4, dense")


def test_filters_that_are_not_known_are_left_to_h5py(tmp_path, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), compression="gzip", shuffle=True)
    assert check_equal(path, counts, "h5py: shuffle, gzip") == 0


@pytest.mark.parametrize(
    ("options", "codec"),
    [(dict(hdf5plugin.LZ4()), "lz4"), (dict(hdf5plugin.Bitshuffle(cname="zstd")), "bitshuffle-zstd")],
)
def test_other_known_codecs_are_located_and_read(tmp_path, counts, options, codec):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **options)
    with open_frames(path) as frames:
        assert frames.stored_frames().locate(3).codec == codec
        known = codec in _native.CODECS
        assert frames.decoder == (f"azimuthal: {codec}, fused" if known else f"h5py: {codec.partition('-')[0]}")
        np.testing.assert_array_equal(np.stack(list(frames)), counts)


def test_chunk_that_skipped_its_filter_has_no_codec(tmp_path, counts, without_h5py_reads):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with h5py.File(path, "r+") as file:
        file["entry/data/data"].id.write_direct_chunk((5, 0, 0), counts[5].tobytes(), filter_mask=1)
    with open_frames(path) as frames:
        codecs = [frames.stored_frames().locate(index).codec for index in range(12)]
    assert codecs == ["none" if index == 5 else "bitshuffle-lz4" for index in range(12)]
    assert check_equal(path, counts, "azimuthal: bitshuffle-lz4, fused") == 13


def test_stored_chunk_of_another_size_is_refused(tmp_path, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with h5py.File(path, "r+") as file:
        file["entry/data/data"].id.write_direct_chunk((5, 0, 0), b"short", filter_mask=1)
    with open_frames(path) as frames, pytest.raises(FileFormatError, match=r"frame 5: expected a stored chunk of 1920"):
        frames.read(5)


def test_frames_that_were_never_written_are_refused(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("x", counts.shape, np.uint32, chunks=(1, *SHAPE), **BSLZ4)
        data[:5] = counts[:5]
        data[7] = counts[7]
    with open_frames(tmp_path / "a.h5") as frames:
        stored = frames.stored_frames()
        for index in (4, 7):
            np.testing.assert_array_equal(stored.locate(index).decode(stored.read(index)), counts[index])
        for index in (5, 6, 8, 11):
            for read in (stored.locate, stored.read, frames.read):
                with pytest.raises(FileFormatError, match=rf"a\.h5::/x: frame {index} was never written"):
                    read(index)


def test_external_raw_storage_is_left_to_h5py(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset(
            "x", counts.shape, np.uint32, external=[(str(tmp_path / "a.raw"), 0, h5py.h5f.UNLIMITED)]
        )
        data[...] = counts
    assert check_equal(tmp_path / "a.h5", counts, "h5py: no filter") == 0


def test_file_with_a_user_block_is_left_to_h5py(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=1024) as file:
        file.create_dataset("x", data=counts, chunks=(1, *SHAPE), **BSLZ4)
    assert check_equal(tmp_path / "a.h5", counts, "h5py: bitshuffle") == 0


def test_truncated_file_names_file_dataset_and_frame(tmp_path, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with open_frames(path) as frames:
        stored = frames.stored_frames()
        last = max((stored.locate(index).offset, index) for index in range(12))
        os.truncate(path, last[0] + 7)
        with pytest.raises(FileFormatError, match=rf"a\.h5::/entry/data/data: frame {last[1]}: .*, got 7: .*truncated"):
            stored.read(last[1])
        with pytest.raises(FileFormatError, match=r"got 7"):
            frames.read(last[1])


def test_file_that_was_replaced_is_refused(tmp_path, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with open_frames(path) as frames:
        frames.stored_frames().locate(0)
        write(tmp_path / "b.h5", counts[::-1])
        (tmp_path / "b.h5").replace(path)
        with pytest.raises(FileFormatError, match="was replaced after it was opened"):
            frames.read(0)


def test_file_that_went_away_is_named(tmp_path, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with open_frames(path) as frames:
        frames.stored_frames().locate(0)
        path.unlink()
        with pytest.raises(FileMissingError, match=r"frame 0: .*a\.h5 does not exist any more"):
            frames.read(0)


def test_damaged_chunk_says_what_is_wrong(tmp_path, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with open_frames(path) as frames:
        stored = frames.stored_frames()
        chunk = bytearray(stored.read(2))
        chunk[20:] = b"\xff" * len(chunk[20:])
        assert "frame 2: the compressed chunk of" in str(stored.locate(2).damage(bytes(chunk)))
        assert "header contradicts" in str(stored.locate(2).damage(bytes(30)))


def test_walk_that_disagrees_with_hdf5_is_not_used(tmp_path, counts, monkeypatch):
    monkeypatch.setattr(_chunk_table, "_is_told_alike", lambda *_: False)
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    assert check_equal(path, counts, "h5py: bitshuffle") == 0


def test_chunks_are_found_without_chunk_iter(tmp_path, counts, monkeypatch):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)

    class Old:
        def __init__(self, dataset):
            self._id = dataset.id
            self.ndim = dataset.ndim
            self.id = self

        def get_num_chunks(self):
            return self._id.get_num_chunks()

        def get_chunk_info(self, number):
            return self._id.get_chunk_info(number)

    with h5py.File(path) as file:
        dataset = file["entry/data/data"]
        np.testing.assert_array_equal(_chunk_table._walk(Old(dataset)), _chunk_table._walk(dataset))


def write_eiger(folder, stack, per_file):
    for number, start in enumerate(range(0, len(stack), per_file), start=1):
        part = stack[start : start + per_file]
        write(folder / f"run_data_{number:06d}.h5", part, chunks=(1, *SHAPE), **BSLZ4)
    with h5py.File(folder / "run_master.h5", "w") as file:
        for number in range(1, -(-len(stack) // per_file) + 1):
            file[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(f"run_data_{number:06d}.h5", "/entry/data/data")
    return folder / "run_master.h5"


def test_eiger_master_is_resolved_to_its_data_files(tmp_path, counts, without_h5py_reads):
    master = write_eiger(tmp_path, counts, 5)
    assert check_equal(master, counts, "azimuthal: bitshuffle-lz4, fused") == 13
    with open_frames(master) as frames:
        place = frames.stored_frames().locate(6)
        assert place.path == str(tmp_path / "run_data_000002.h5")
        assert place.dataset == "/entry/data/data"


def test_many_data_files_are_not_all_kept_open(tmp_path, counts):
    stack = np.concatenate([counts] * 4)
    with open_frames(write_eiger(tmp_path, stack, 1)) as frames:
        np.testing.assert_array_equal(np.stack(list(frames)), stack)
        assert len(frames.stored_frames()._files) <= 32


def test_series_of_files_is_read_from_stored_bytes(tmp_path, counts, without_h5py_reads):
    write_eiger(tmp_path, counts, 5)
    assert check_equal(str(tmp_path / "run_data_*.h5"), counts, "azimuthal: bitshuffle-lz4, fused") == 13


def test_series_of_tiffs_has_no_stored_frames(tmp_path, counts):
    tifffile = pytest.importorskip("tifffile")
    for number in range(2):
        tifffile.imwrite(tmp_path / f"{number}.tif", counts[number])
    with open_frames(str(tmp_path / "*.tif")) as frames:
        assert frames.stored_frames().locate(0) is None
        assert frames.decoder == "tiff"
        assert frames.decoder_of(1) == "tiff"


def test_arrays_have_no_stored_frames(counts):
    with open_frames(counts) as frames:
        assert frames.stored_frames() is None
        assert frames.decoder == "array"


class TestVirtual:
    @pytest.fixture
    def parts(self, tmp_path, counts):
        """Three files of four frames."""
        for number in range(3):
            part = counts[4 * number : 4 * number + 4]
            write(tmp_path / f"part_{number}.h5", part, "data", chunks=(1, *SHAPE), **BSLZ4)
        return tmp_path

    def joined(self, folder, name="v.h5", n_frames=12, sources=("part_0.h5", "part_1.h5", "part_2.h5")):
        layout = h5py.VirtualLayout((n_frames, *SHAPE), np.uint32)
        for number, source in enumerate(sources):
            layout[4 * number : 4 * number + 4] = h5py.VirtualSource(source, "data", (4, *SHAPE))
        with h5py.File(folder / name, "w") as file:
            file.create_virtual_dataset("data", layout)
        return folder / name

    def test_simple_is_resolved(self, parts, counts, without_h5py_reads):
        path = self.joined(parts)
        assert check_equal(path, counts, "azimuthal: bitshuffle-lz4, fused") == 13
        with open_frames(path) as frames:
            assert frames.stored_frames().locate(6).path == str(parts / "part_1.h5")

    def test_nested_is_resolved(self, parts, counts, without_h5py_reads):
        self.joined(parts)
        layout = h5py.VirtualLayout((6, *SHAPE), np.uint32)
        layout[:] = h5py.VirtualSource("v.h5", "data", (12, *SHAPE))[1::2]
        with h5py.File(parts / "top.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        assert check_equal(parts / "top.h5", counts[1::2], "azimuthal: bitshuffle-lz4, fused") == 7

    def test_interleaved_is_resolved(self, parts, counts, without_h5py_reads):
        layout = h5py.VirtualLayout((12, *SHAPE), np.uint32)
        for number in range(3):
            layout[number::3] = h5py.VirtualSource(f"part_{number}.h5", "data", (4, *SHAPE))
        with h5py.File(parts / "v.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        order = [4 * (index % 3) + index // 3 for index in range(12)]
        assert check_equal(parts / "v.h5", counts[order], "azimuthal: bitshuffle-lz4, fused") == 13

    def test_source_in_the_same_file_is_resolved(self, tmp_path, counts, without_h5py_reads):
        layout = h5py.VirtualLayout((3, *SHAPE), np.uint32)
        layout[:] = h5py.VirtualSource(".", "raw", counts.shape)[2:8:2]
        with h5py.File(tmp_path / "v.h5", "w") as file:
            file.create_dataset("raw", data=counts, chunks=(1, *SHAPE), **BSLZ4)
            file.create_virtual_dataset("data", layout)
        check_equal(f"{tmp_path / 'v.h5'}::/data", counts[2:8:2], "azimuthal: bitshuffle-lz4, fused")

    def test_frames_of_two_dimensions_are_resolved(self, tmp_path, counts, without_h5py_reads):
        layout = h5py.VirtualLayout((2, 3, *SHAPE), np.uint32)
        for number in range(6):
            write(tmp_path / f"{number}.h5", counts[number], "data")
            layout[number // 3, number % 3] = h5py.VirtualSource(f"{number}.h5", "data", SHAPE)
        with h5py.File(tmp_path / "v.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        check_equal(tmp_path / "v.h5", counts[:6], "azimuthal: none, fused")

    def test_source_that_ends_early_is_refused_behind_its_end(self, parts, counts):
        path = self.joined(parts)
        write(parts / "part_2.h5", counts[8:10], "data", chunks=(1, *SHAPE), **BSLZ4)
        with open_frames(path) as frames:
            stored = frames.stored_frames()
            np.testing.assert_array_equal(stored.locate(9).decode(stored.read(9)), counts[9])
            for read in (stored.locate, frames.read):
                with pytest.raises(FileFormatError, match=r"frame 10 should come from .*part_2\.h5.*ends before it"):
                    read(10)

    def test_frame_without_source_is_refused(self, parts, counts):
        path = self.joined(parts, n_frames=14)
        with open_frames(path) as frames:
            np.testing.assert_array_equal(frames.read(11), counts[11])
            with pytest.raises(FileFormatError, match="frame 12 has no source in the virtual dataset"):
                frames.stored_frames().locate(12)

    def test_frame_that_a_source_never_wrote_is_refused(self, parts, counts):
        path = self.joined(parts)
        with h5py.File(parts / "part_1.h5", "w") as file:
            data = file.create_dataset("data", (4, *SHAPE), np.uint32, chunks=(1, *SHAPE), **BSLZ4)
            data[:2] = counts[4:6]
        with open_frames(path) as frames:
            np.testing.assert_array_equal(frames.read(5), counts[5])
            with pytest.raises(FileFormatError, match=r"frame 6 was never written: .*part_1\.h5::/data holds no data"):
                frames.read(6)

    def test_nested_source_that_ends_early_is_refused(self, parts, counts):
        self.joined(parts)
        layout = h5py.VirtualLayout((12, *SHAPE), np.uint32)
        layout[:] = h5py.VirtualSource("v.h5", "data", (12, *SHAPE))
        with h5py.File(parts / "top.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        write(parts / "part_2.h5", counts[8:10], "data", chunks=(1, *SHAPE), **BSLZ4)
        with open_frames(parts / "top.h5") as frames:
            np.testing.assert_array_equal(frames.read(9), counts[9])
            with pytest.raises(FileFormatError, match="frame 10 was never written"):
                frames.read(10)

    def test_whole_frames_need_no_plug_in_and_modules_do(self, parts, counts, monkeypatch):
        path = self.joined(parts)
        layout = h5py.VirtualLayout((4, 20, 48), np.uint32)
        for number in range(2):
            layout[:, :, 24 * number : 24 * number + 24] = h5py.VirtualSource(f"part_{number}.h5", "data", (4, *SHAPE))
        with h5py.File(parts / "wide.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        monkeypatch.setitem(sys.modules, "hdf5plugin", None)
        monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: number < 1000)
        check_equal(path, counts, "azimuthal: bitshuffle-lz4, fused")
        with open_frames(parts / "wide.h5") as frames, pytest.raises(MissingDependencyError, match="bitshuffle"):
            frames.read(0)

    def test_modules_side_by_side_are_left_to_h5py(self, tmp_path, counts):
        layout = h5py.VirtualLayout((12, 20, 48), np.uint32)
        for number in range(2):
            write(tmp_path / f"m{number}.h5", counts + number, "data", chunks=(1, *SHAPE), **BSLZ4)
            source = h5py.VirtualSource(f"m{number}.h5", "data", counts.shape)
            layout[:, :, 24 * number : 24 * number + 24] = source
        with h5py.File(tmp_path / "v.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        whole = np.concatenate([counts, counts + 1], axis=2)
        assert check_equal(tmp_path / "v.h5", whole, "h5py: virtual, bitshuffle") == 0

    def test_part_of_the_source_frame_is_left_to_h5py(self, tmp_path, counts):
        layout = h5py.VirtualLayout((12, 10, 24), np.uint32)
        write(tmp_path / "s.h5", counts, "data", chunks=(1, *SHAPE), **BSLZ4)
        layout[:] = h5py.VirtualSource("s.h5", "data", counts.shape)[:, 5:15]
        with h5py.File(tmp_path / "v.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        assert check_equal(f"{tmp_path / 'v.h5'}::/data", counts[:, 5:15], "h5py: virtual, bitshuffle") == 0

    def test_source_of_another_type_is_left_to_h5py(self, parts, counts):
        layout = h5py.VirtualLayout((4, *SHAPE), np.float64)
        layout[:] = h5py.VirtualSource("part_0.h5", "data", (4, *SHAPE))
        with h5py.File(parts / "v.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        assert check_equal(parts / "v.h5", counts[:4].astype(float), "h5py: virtual, bitshuffle") == 0

    def test_unlimited_mapping_is_left_to_h5py(self, tmp_path, counts):
        with h5py.File(tmp_path / "s.h5", "w") as file:
            file.create_dataset("data", data=counts, chunks=(1, *SHAPE), maxshape=(None, *SHAPE), **BSLZ4)
        layout = h5py.VirtualLayout(counts.shape, np.uint32, maxshape=(None, *SHAPE))
        source = h5py.VirtualSource("s.h5", "data", counts.shape, maxshape=(None, *SHAPE))
        layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
        with h5py.File(tmp_path / "v.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
        assert check_equal(tmp_path / "v.h5", counts, "h5py: virtual, bitshuffle") == 0


def content_of(files, path, offset, size):
    out = bytearray(size)
    files.read(str(path), None, offset, memoryview(out), "x")
    return bytes(out)


def test_stored_bytes_and_frames_go_where_they_are_told(tmp_path, counts):
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    with open_frames(path) as frames:
        stored = frames.stored_frames()
        memory, frame = bytearray(10_000), np.empty(SHAPE, np.uint32)
        chunk = stored.read(3, memoryview(memory)[: stored.locate(3).size])
        assert chunk.obj is memory
        assert stored.locate(3).decode(chunk, frame) is frame
        np.testing.assert_array_equal(frame, counts[3])


@pytest.mark.parametrize("missing", ["preadv", "pread"])
def test_reading_without_a_system_call_gives_the_same(tmp_path, counts, monkeypatch, missing):
    from azimuthal.io.frames import _open_files

    monkeypatch.delattr(os, "preadv")
    monkeypatch.setattr(_open_files, "_HAS_POSITIONED_READ", missing == "preadv")
    path = write(tmp_path / "a.h5", counts, chunks=(1, *SHAPE), **BSLZ4)
    check_equal(path, counts, "azimuthal: bitshuffle-lz4, fused")


def test_open_files_limit_holds_and_files_in_use_stay_open(tmp_path):
    for number in range(6):
        (tmp_path / str(number)).write_bytes(bytes([number]) * 10)
    files = OpenFiles(limit=2)
    with files._borrowed(str(tmp_path / "0"), None, "x") as descriptor:
        for number in range(1, 6):
            assert content_of(files, tmp_path / str(number), 2, 3) == bytes([number]) * 3
        assert len(files) == 2
        files.close()
        assert os.read(descriptor, 1) == b"\0"
    with pytest.raises(OSError):
        os.fstat(descriptor)
    assert len(files) == 0


def test_open_files_without_positioned_read_use_one_descriptor_per_thread(tmp_path, monkeypatch):
    from azimuthal.io.frames import _open_files

    monkeypatch.setattr(_open_files, "_HAS_POSITIONED_READ", False)
    content = bytes(range(256)) * 40
    (tmp_path / "a").write_bytes(content)
    files = OpenFiles()
    barrier = threading.Barrier(4)

    def read(start):
        barrier.wait()
        return [content_of(files, tmp_path / "a", start + k, 100) for k in range(200)]

    with ThreadPoolExecutor(4) as pool:
        for start, found in enumerate(pool.map(read, range(4))):
            assert found == [content[start + k : start + k + 100] for k in range(200)]
    assert len(files) == 4
    files.close()
