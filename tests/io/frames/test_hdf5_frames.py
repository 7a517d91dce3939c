# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import json
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest

from azimuthal.errors import (
    FileFormatError,
    FileMissingError,
    MissingDependencyError,
    ParameterError,
    ShapeError,
    UnknownNameError,
)
from azimuthal.io.frames import open_frames

FILTERS = {
    "none": {},
    "gzip": {"compression": "gzip", "shuffle": True},
    "lzf": {"compression": "lzf"},
    "bslz4": dict(hdf5plugin.Bitshuffle()),
    "bszstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="none")),
    "lz4": dict(hdf5plugin.LZ4()),
    "blosc": dict(hdf5plugin.Blosc()),
    "zstd": dict(hdf5plugin.Zstd()),
}


def all_frames(source, dataset=None):
    with open_frames(source, dataset=dataset) as frames:
        return np.stack(list(frames))


def facts(source):
    with open_frames(source) as frames:
        json.dumps(frames.metadata)
        return frames.metadata


def write_eiger(folder, stack, per_file=2, *, links=None, nimages=None):
    """Write a master and its data files as DECTRIS does; `links` is the number of links in the master."""
    n_files = -(-len(stack) // per_file)
    for number in range(n_files):
        part = stack[number * per_file : (number + 1) * per_file]
        with h5py.File(folder / f"run_data_{number + 1:06d}.h5", "w") as file:
            group = file.create_group("entry/data")
            file["entry"].attrs["NX_class"] = np.bytes_("NXentry")
            group.attrs["NX_class"] = np.bytes_("NXdata")
            group.create_dataset("data", data=part, chunks=(1, *part.shape[1:]), **hdf5plugin.Bitshuffle())
    with h5py.File(folder / "run_master.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = np.bytes_("NXentry")
        data = entry.create_group("data")
        data.attrs["NX_class"] = np.bytes_("NXdata")
        for number in range(n_files if links is None else links):
            name = f"run_data_{number + 1:06d}.h5"
            data[f"data_{number + 1:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
        beam = entry.create_group("instrument/beam")
        quantity(beam, "incident_wavelength", 0.9, "angstrom")
        detector = entry.create_group("instrument/detector")
        detector.attrs["NX_class"] = np.bytes_("NXdetector")
        quantity(detector, "detector_distance", 0.2, "m")
        quantity(detector, "x_pixel_size", 7.5e-5, "m")
        quantity(detector, "y_pixel_size", 7.6e-5, "m")
        quantity(detector, "beam_center_x", 1000.5, "pixel")
        quantity(detector, "beam_center_y", 900.25, "pixel")
        quantity(detector, "count_time", 0.1, "s")
        quantity(detector, "frame_time", 0.11, "s")
        quantity(detector, "sensor_thickness", 450.0, "um")
        quantity(detector, "threshold_energy", 6.5, "keV")
        detector["sensor_material"] = np.bytes_("Si")
        detector["description"] = np.bytes_("Dectris EIGER2 Si 4M")
        specific = detector.create_group("detectorSpecific")
        mask = np.zeros(stack.shape[1:], np.uint32)
        mask[2, 3], mask[4, 5] = 1, 16
        specific["pixel_mask"] = mask
        specific["nimages"] = len(stack) if nimages is None else nimages
        specific["ntrigger"] = 1
    return folder / "run_master.h5"


def quantity(group, name, value, unit):
    group[name] = value
    group[name].attrs["units"] = np.bytes_(unit)


@pytest.mark.parametrize("name", sorted(FILTERS))
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4", "f4", ">u4", ">f8"])
def test_hdf5_every_filter_and_type_equals_the_stack(tmp_path, stack, name, dtype):
    data = np.abs(stack).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        options = {"chunks": (1, 20, 24), **FILTERS[name]} if name != "none" else {}
        file.create_dataset("entry/data/data", data=data, **options)
    with open_frames(tmp_path / "a.h5") as frames:
        assert frames.dtype == np.dtype(dtype).newbyteorder("=")
        assert frames.label(2) == "a_00002"
        for index in (3, 0, 4):
            np.testing.assert_array_equal(frames.read(index), data[index])
        out = np.zeros((20, 24), frames.dtype)
        np.testing.assert_array_equal(frames.read(1, out), data[1])


@pytest.mark.parametrize("chunks", [(1, 5, 24), (1, 7, 11), (2, 20, 24), (3, 8, 24), (5, 20, 24)])
def test_hdf5_chunks_of_parts_and_of_several_frames_equal_the_stack(tmp_path, stack, chunks):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data/data", data=stack, chunks=chunks, **hdf5plugin.Bitshuffle())
    np.testing.assert_array_equal(all_frames(tmp_path / "a.h5"), stack)


def test_hdf5_two_dimensions_are_one_frame(tmp_path, stack):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = stack[0]
    with open_frames(tmp_path / "a.h5") as frames:
        assert len(frames) == 1
        assert frames.label(0) == "a"
        np.testing.assert_array_equal(frames.read(0), stack[0])


def test_hdf5_four_dimensions_are_flattened(tmp_path, stack):
    scan = np.stack([stack, stack + 1, stack + 2])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan"] = scan
    np.testing.assert_array_equal(all_frames(tmp_path / "a.h5"), scan.reshape(15, 20, 24))


def test_hdf5_without_hdf5plugin_names_filter_and_command(tmp_path, stack, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data/data", data=stack, chunks=(1, 20, 24), **hdf5plugin.Blosc())
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: number < 1000)
    with pytest.raises(MissingDependencyError, match=r"filter blosc \(32001\).*pip install 'azimuthal\[formats\]'"):
        open_frames(tmp_path / "a.h5")


class TestEiger:
    def test_master_shows_all_data_files_in_order(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack)
        with open_frames(master) as frames:
            assert len(frames) == 5
            assert frames.label(4) == "run_master_00004"
            np.testing.assert_array_equal(np.stack(list(frames)), stack)
            location = frames.locate(3)
        assert location.file == tmp_path / "run_data_000002.h5"
        assert (location.dataset, location.index) == ("/entry/data/data", (1,))

    def test_master_facts_are_in_si(self, tmp_path, stack):
        metadata = facts(write_eiger(tmp_path, stack))
        assert metadata["wavelength"] == pytest.approx(0.9e-10)
        assert metadata["distance"] == 0.2
        assert metadata["pixel_size"] == [7.6e-5, 7.5e-5]
        assert metadata["beam_center"] == [900.25, 1000.5]
        assert (metadata["exposure_time"], metadata["frame_time"]) == (0.1, 0.11)
        assert metadata["sensor_thickness"] == pytest.approx(450e-6)
        assert (metadata["sensor_material"], metadata["detector"]) == ("Si", "Dectris EIGER2 Si 4M")
        assert metadata["threshold_energy"] == 6500
        assert metadata["n_frames_announced"] == 5
        assert len(metadata["dataset"]) == 3

    def test_master_pixel_mask_excludes_every_bit(self, tmp_path, stack):
        with open_frames(write_eiger(tmp_path, stack)) as frames:
            mask = frames.read_mask()
        assert mask.dtype == np.bool_
        assert np.argwhere(mask).tolist() == [[2, 3], [4, 5]]

    def test_master_without_mask_and_facts_is_read(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack)
        with h5py.File(master, "r+") as file:
            del file["entry/instrument"]
        with open_frames(master) as frames:
            assert frames.read_mask() is None
            assert "wavelength" not in frames.metadata

    def test_master_group_and_member_can_be_named(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack)
        np.testing.assert_array_equal(all_frames(f"{master}::/entry/data"), stack)
        np.testing.assert_array_equal(all_frames(f"{master}::/entry/data/data_000002"), stack[2:4])
        np.testing.assert_array_equal(all_frames(master, "entry/data/data_000003"), stack[4:])

    def test_master_many_members_are_in_numerical_order(self, tmp_path, stack):
        frames = np.concatenate([stack + 10 * number for number in range(5)])
        master = write_eiger(tmp_path, frames, per_file=1)
        np.testing.assert_array_equal(all_frames(master), frames)

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_master_missing_member_is_named_with_its_file(self, tmp_path, stack, number):
        master = write_eiger(tmp_path, stack)
        (tmp_path / f"run_data_{number:06d}.h5").unlink()
        message = rf"/entry/data/data_{number:06d} links to .*run_data_{number:06d}\.h5, which does not exist; 1 of 3"
        with pytest.raises(FileMissingError, match=message):
            open_frames(master)

    def test_master_all_members_missing_is_said(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack)
        for path in tmp_path.glob("run_data_*"):
            path.unlink()
        with pytest.raises(FileMissingError, match="3 of 3 members are missing"):
            open_frames(master)

    def test_master_named_missing_member_is_refused(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack)
        (tmp_path / "run_data_000002.h5").unlink()
        np.testing.assert_array_equal(all_frames(f"{master}::/entry/data/data_000001"), stack[:2])
        with pytest.raises(FileMissingError, match=r"data_000002 links to .*run_data_000002\.h5"):
            open_frames(f"{master}::/entry/data/data_000002")

    def test_master_surplus_links_after_all_frames_are_listed(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack, links=5)
        np.testing.assert_array_equal(all_frames(master), stack)
        assert facts(master)["surplus_members"] == ["/entry/data/data_000004", "/entry/data/data_000005"]

    def test_master_surplus_links_before_all_frames_are_an_error(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack, links=5, nimages=7)
        with pytest.raises(FileMissingError, match=r"2 of 5 members are missing \(5 of 7 frames are there\)"):
            open_frames(master)

    def test_master_gap_in_the_numbers_is_refused(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack)
        with h5py.File(master, "r+") as file:
            del file["entry/data/data_000002"]
        with pytest.raises(FileMissingError, match="after data_000001 comes number 3"):
            open_frames(master)

    def test_master_member_of_another_shape_is_named(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack)
        with h5py.File(tmp_path / "run_data_000002.h5", "w") as file:
            file["entry/data/data"] = stack[:2, 1:]
        with pytest.raises(ShapeError, match="data_000002 holds frames of"):
            open_frames(master)

    def test_master_moved_with_absolute_links_is_read(self, tmp_path, stack):
        master = write_eiger(tmp_path, stack, per_file=5)
        with h5py.File(master, "r+") as file:
            del file["entry/data/data_000001"]
            file["entry/data/data_000001"] = h5py.ExternalLink("/detector/disk/run_data_000001.h5", "/entry/data/data")
        np.testing.assert_array_equal(all_frames(master), stack)

    def test_master_with_its_data_files_is_refused(self, tmp_path, stack):
        write_eiger(tmp_path, stack)
        with pytest.raises(ParameterError, match="they would count twice"):
            open_frames(str(tmp_path / "*.h5"))
        np.testing.assert_array_equal(all_frames(str(tmp_path / "run_data_*.h5")), stack)


class TestVirtual:
    @pytest.fixture
    def virtual(self, tmp_path, stack):
        """A virtual dataset over files of two frames, as LImA and BLISS write it."""
        layout = h5py.VirtualLayout((6, 20, 24), np.int32)
        for number in range(3):
            with h5py.File(tmp_path / f"part_{number}.h5", "w") as file:
                part = np.stack([stack[number], stack[number] + 1])
                file.create_dataset("entry/data", data=part, chunks=(1, 20, 24), **hdf5plugin.Bitshuffle())
            layout[2 * number : 2 * number + 2] = h5py.VirtualSource(f"part_{number}.h5", "entry/data", (2, 20, 24))
        with h5py.File(tmp_path / "scan.h5", "w") as file:
            group = file.create_group("1.1/measurement")
            group.create_virtual_dataset("eiger", layout)
            detector = file.create_group("1.1/instrument/eiger")
            detector.attrs["NX_class"] = "NXdetector"
            detector["data"] = h5py.SoftLink("/1.1/measurement/eiger")
        return tmp_path / "scan.h5"

    def test_virtual_dataset_is_read(self, virtual, stack):
        with open_frames(virtual) as frames:
            assert frames.metadata["dataset"] == "/1.1/instrument/eiger/data"
            np.testing.assert_array_equal(np.stack(list(frames))[::2], stack[:3])
            assert frames.filters == ("virtual", "bitshuffle")

    def test_virtual_source_file_missing_is_named(self, virtual):
        virtual.with_name("part_1.h5").unlink()
        with pytest.raises(FileMissingError, match=r"shows .*part_1\.h5, which does not exist; 1 of 3 sources"):
            open_frames(virtual)

    def test_virtual_source_dataset_missing_is_named(self, virtual, stack):
        with h5py.File(virtual.with_name("part_1.h5"), "r+") as file:
            del file["entry/data"]
        with open_frames(virtual) as frames:
            np.testing.assert_array_equal(frames.read(0), stack[0])
            with pytest.raises(FileMissingError, match=r"part_1\.h5::entry/data, but that file has no such dataset"):
                frames.read(2)

    def test_virtual_source_that_ends_early_gives_no_fill_values(self, virtual, stack):
        with h5py.File(virtual.with_name("part_2.h5"), "w") as file:
            file["entry/data"] = stack[2:3]
        with open_frames(virtual) as frames:
            np.testing.assert_array_equal(frames.read(4), stack[2])
            with pytest.raises(FileFormatError, match=r"frame 5 should come from .*part_2\.h5.*ends before it"):
                frames.read(5)

    def test_virtual_sources_in_turn_are_read(self, tmp_path, stack):
        layout = h5py.VirtualLayout((4, 20, 24), np.int32)
        for number in range(2):
            with h5py.File(tmp_path / f"n{number}.h5", "w") as file:
                file["data"] = stack[number:4:2]
            layout[number::2] = h5py.VirtualSource(f"n{number}.h5", "data", (2, 20, 24))
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_virtual_dataset("images", layout)
        np.testing.assert_array_equal(all_frames(tmp_path / "a.h5"), stack[:4])
        with h5py.File(tmp_path / "n1.h5", "w") as file:
            file["data"] = stack[1:2]
        with open_frames(tmp_path / "a.h5") as frames, pytest.raises(FileFormatError, match="ends before it"):
            frames.read(3)

    def test_virtual_frame_without_source_gives_no_fill_values(self, tmp_path, stack):
        layout = h5py.VirtualLayout((4, 20, 24), np.int32)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["raw"] = stack[:2]
            layout[:2] = h5py.VirtualSource(".", "raw", (2, 20, 24))
            file.create_virtual_dataset("images", layout)
        with open_frames(tmp_path / "a.h5", dataset="images") as frames:
            np.testing.assert_array_equal(frames.read(1), stack[1])
            with pytest.raises(FileFormatError, match="frame 3 has no source in the virtual dataset"):
                frames.read(3)

    def test_virtual_modules_side_by_side_are_joined(self, tmp_path, stack):
        layout = h5py.VirtualLayout((5, 20, 50), np.int32, maxshape=(None, 20, 50))
        for number in range(2):
            with h5py.File(tmp_path / f"m{number}.h5", "w") as file:
                file["data"] = stack + number
            layout[:, :, 26 * number : 26 * number + 24] = h5py.VirtualSource(f"m{number}.h5", "data", stack.shape)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_virtual_dataset("images", layout, fillvalue=-1)
        frames = all_frames(tmp_path / "a.h5")
        np.testing.assert_array_equal(frames[:, :, 26:], stack + 1)
        assert (frames[:, :, 24:26] == -1).all()

    def test_virtual_dataset_of_virtual_datasets_is_read(self, virtual, stack):
        layout = h5py.VirtualLayout((6, 20, 24), np.int32)
        layout[:] = h5py.VirtualSource("scan.h5", "1.1/measurement/eiger", (6, 20, 24))
        top = virtual.with_name("top.h5")
        with h5py.File(top, "w") as file:
            file.create_virtual_dataset("images", layout)
        np.testing.assert_array_equal(all_frames(top)[4], stack[2])
        virtual.with_name("part_0.h5").unlink()
        with pytest.raises(FileMissingError, match=r"part_0\.h5"):
            open_frames(top)


class TestChoice:
    """Which dataset is taken."""

    def choose(self, path):
        return facts(path)["dataset"]

    def test_default_chain_is_followed(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["big"] = np.zeros((9, 40, 40))
            file["scan/image/counts"] = stack
            file["scan/image"].attrs["signal"] = "counts"
            file["scan"].attrs["default"] = "image"
            file.attrs["default"] = "scan"
        assert self.choose(tmp_path / "a.h5") == "/scan/image/counts"

    def test_single_nxdata_signal_is_taken(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["big"] = np.zeros((9, 40, 40))
            group = file.create_group("deep/down")
            group.attrs["NX_class"] = np.bytes_("NXdata")
            group["frames"] = stack
            group["frames"].attrs["signal"] = 1
        assert self.choose(tmp_path / "a.h5") == "/deep/down/frames"

    def test_two_nxdata_groups_are_ambiguous(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            for name in ("1.1", "2.1"):
                group = file.create_group(f"{name}/plot")
                group.attrs["NX_class"] = "NXdata"
                group["data"] = stack
        message = (
            r"2 groups hold images.*/1\.1/plot/data \(5, 20, 24\) int32; /2\.1/plot/data.*open_frames\('a\.h5::/1\.1"
        )
        with pytest.raises(FileFormatError, match=message):
            open_frames(tmp_path / "a.h5")
        np.testing.assert_array_equal(all_frames(f"{tmp_path / 'a.h5'}::/2.1/plot"), stack)

    def test_spectrum_signal_is_no_image(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            group = file.create_group("entry/data")
            group.attrs["signal"] = "I"
            group["I"] = np.zeros((50, 1000))
            group["I"].attrs["interpretation"] = "spectrum"
            file["detector/frames"] = stack
        with pytest.raises(FileFormatError, match="entry/data has no signal"):
            open_frames(f"{tmp_path / 'a.h5'}::/entry/data")

    def test_exchange_data_is_taken(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["exchange/data"] = stack
            file["exchange/data_white"] = np.ones((9, 20, 24))
        assert self.choose(tmp_path / "a.h5") == "/exchange/data"

    def test_largest_image_stack_is_taken_and_companions_are_not(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["motors"] = np.zeros((5000, 3))
            file["raw/frames"] = stack
            file["raw/pixel_mask"] = np.zeros((20, 24), np.uint8)
            file["raw/flatfield"] = np.ones((7, 20, 24))
        metadata = facts(tmp_path / "a.h5")
        assert metadata["dataset"] == "/raw/frames"
        assert metadata["dataset_reason"] == "the largest dataset that looks like images"

    def test_equally_plausible_datasets_are_listed(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["one"] = stack
            file["two"] = stack[:3]
        with pytest.raises(FileFormatError, match=r"equally plausible.*/one \(5, 20, 24\) int32; /two \(3, 20, 24\)"):
            open_frames(tmp_path / "a.h5")

    def test_one_dataset_under_two_names_is_not_ambiguous(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["one"] = stack
            file["two"] = file["one"]
            file["three"] = h5py.SoftLink("/one")
        np.testing.assert_array_equal(all_frames(tmp_path / "a.h5"), stack)

    def test_group_that_contains_itself_is_walked_once(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["group/frames"] = stack
            file["group/again"] = file["group"]
            file["group/up"] = h5py.SoftLink("/")
        np.testing.assert_array_equal(all_frames(tmp_path / "a.h5"), stack)

    def test_no_images_is_said(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["x"] = np.arange(9)
        with pytest.raises(FileFormatError, match=r"no dataset looks like a stack of images.*: none"):
            open_frames(tmp_path / "a.h5")

    def test_images_behind_a_broken_link_are_a_missing_file(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["scan/frames"] = h5py.ExternalLink("gone.h5", "/x")
            file["scan/pixel_mask"] = np.zeros((20, 24))
        with pytest.raises(FileMissingError, match=r"/scan/frames links to .*gone\.h5"):
            open_frames(tmp_path / "a.h5")

    def test_named_path_that_is_absent_lists_what_is_there(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["entry/data/frames"] = stack
        with pytest.raises(UnknownNameError, match=r"/entry/data has no member 'data'; it has 'frames'"):
            open_frames(f"{tmp_path / 'a.h5'}::/entry/data/data")

    def test_named_dataset_that_is_no_image_is_refused(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["x"] = np.arange(9)
            file["text"] = "words"
        for name in ("x", "text"):
            with pytest.raises(FileFormatError, match="expected a numeric dataset of two or more dimensions"):
                open_frames(tmp_path / "a.h5", dataset=name)

    def test_dataset_given_twice_differently_is_refused(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["x"] = stack
        with pytest.raises(ParameterError, match="dataset: 'y' contradicts '/x'"):
            open_frames(f"{tmp_path / 'a.h5'}::/x", dataset="y")
        np.testing.assert_array_equal(all_frames(f"{tmp_path / 'a.h5'}::/x", dataset="x"), stack)

    def test_images_of_a_whole_linked_entry_are_found(self, tmp_path, stack):
        write_eiger(tmp_path, stack)
        with h5py.File(tmp_path / "proposal.h5", "w") as file:
            file["scan_1"] = h5py.ExternalLink("run_master.h5", "/entry")
        with open_frames(f"{tmp_path / 'proposal.h5'}::/scan_1/data") as frames:
            assert frames.metadata["wavelength"] == pytest.approx(0.9e-10)
            assert frames.read_mask().sum() == 2
            np.testing.assert_array_equal(np.stack(list(frames)), stack)


def test_hdf5_fact_without_units_is_not_guessed(tmp_path, stack):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = stack
        file["entry/instrument/detector/distance"] = [414.28]
        quantity(file["entry/instrument/detector"], "x_pixel_size", 55.0, "furlong")
    metadata = facts(tmp_path / "a.h5")
    assert "distance" not in metadata
    assert metadata["unconverted"] == {"distance": 414.28, "x_pixel_size (furlong)": 55.0}


def test_hdf5_photon_energy_gives_the_wavelength(tmp_path, stack):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = stack
        quantity(file.create_group("entry/instrument/detector/detectorSpecific"), "photon_energy", 12398.4198, "eV")
    assert facts(tmp_path / "a.h5")["wavelength"] == pytest.approx(1e-10)


def test_hdf5_facts_of_two_detectors_are_those_of_the_named_one(tmp_path, stack):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, distance in (("saxs", 3.0), ("waxs", 0.3)):
            group = file.create_group(f"entry/instrument/{name}")
            group.attrs["NX_class"] = "NXdetector"
            group["data"] = stack
            quantity(group, "distance", distance, "m")
    assert facts(f"{tmp_path / 'a.h5'}::/entry/instrument/waxs/data")["distance"] == 0.3


def test_hdf5_frame_that_was_never_written_is_refused(tmp_path, stack):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("entry/data/data", (9, 20, 24), np.int32, chunks=(1, 10, 24))
        data[:5] = stack
        data[6, :10] = stack[0, :10]
    with open_frames(tmp_path / "a.h5") as frames:
        assert len(frames) == 9
        np.testing.assert_array_equal(frames.read(4), stack[4])
        for index in (5, 6, 8):
            with pytest.raises(FileFormatError, match=f"frame {index} was never written"):
                frames.read(index)


def test_hdf5_contiguous_dataset_that_was_never_written_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data/data", (2, 20, 24), np.int32)
    with open_frames(tmp_path / "a.h5") as frames, pytest.raises(FileFormatError, match="frame 0 was never written"):
        frames.read(0)


def test_hdf5_absurd_dimensions_are_refused_before_memory_is_claimed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data/data", (1, 1 << 20, 1 << 20), np.int32, chunks=(1, 16, 16))
    with pytest.raises(FileFormatError, match="the header claims 1048576 x 1048576"):
        open_frames(tmp_path / "a.h5")


def test_hdf5_mask_of_another_shape_is_refused(tmp_path, stack):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = stack
        file["entry/instrument/detector/pixel_mask"] = np.zeros((4, 4))
    with open_frames(tmp_path / "a.h5") as frames, pytest.raises(ShapeError, match=r"expected shape \(20, 24\)"):
        frames.read_mask()


def test_hdf5_file_in_gzip_is_refused_by_name(tmp_path, stack):
    import gzip

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = stack
    (tmp_path / "a.h5.gz").write_bytes(gzip.compress((tmp_path / "a.h5").read_bytes()))
    with pytest.raises(FileFormatError, match=r"a\.h5\.gz: .*not an HDF5 file"):
        open_frames(tmp_path / "a.h5.gz")
