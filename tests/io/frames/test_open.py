# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Paths, patterns, lists: what open_frames makes of them."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fabio
import h5py
import numpy as np
import pytest
import tifffile

from azimuthal.errors import DataTypeError, FileFormatError, FileMissingError, ParameterError, ShapeError
from azimuthal.io.frames import FrameSource, Reader, describe_file, open_frames, register_reader
from azimuthal.io.frames._series import natural_key, unique_names


def write_tiff(path, data):
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, data, photometric="minisblack", metadata=None)


@pytest.fixture
def folder(tmp_path, stack):
    """img_2.tif, img_10.tif, img_1.tif, whose natural order is 1, 2, 10."""
    for number in (2, 10, 1):
        write_tiff(tmp_path / f"img_{number}.tif", stack[0] + number)
    return tmp_path


@pytest.mark.parametrize("kind", [str, Path])
def test_path_of_either_kind_is_opened(folder, stack, kind):
    with open_frames(kind(folder / "img_2.tif")) as frames:
        np.testing.assert_array_equal(frames.read(0), stack[0] + 2)


def test_pattern_is_sorted_naturally(folder, stack):
    with open_frames(str(folder / "img_*.tif")) as frames:
        assert [frames.label(index) for index in range(3)] == ["img_1", "img_2", "img_10"]
        np.testing.assert_array_equal(np.stack(list(frames)), np.stack([stack[0] + number for number in (1, 2, 10)]))
        assert frames.metadata["n_files"] == 3
        assert frames.frame_metadata(2)["path"].endswith("img_10.tif")
        json.dumps(frames.metadata)


def test_pattern_without_match_is_a_missing_file(folder):
    with pytest.raises(FileMissingError, match=r"\*\.cbf: no file matches this pattern"):
        open_frames(str(folder / "*.cbf"))


def test_pattern_characters_in_a_real_name_are_no_pattern(tmp_path, stack):
    write_tiff(tmp_path / "sample[1].tif", stack[0])
    with open_frames(str(tmp_path / "sample[1].tif")) as frames:
        assert frames.label(0) == "sample[1]"


def test_pattern_with_dataset_opens_each_file(tmp_path, stack):
    for number in range(3):
        with h5py.File(tmp_path / f"s{number}.h5", "w") as file:
            file["a/frames"] = stack[:2] + number
            file["b/frames"] = stack
    with open_frames(f"{tmp_path}/s?.h5::/a/frames") as frames:
        assert len(frames) == 6
        assert frames.label(3) == "s1_00001"
        np.testing.assert_array_equal(frames.read(5), stack[1] + 2)


def test_list_keeps_its_order_and_mixes_formats(folder, stack):
    fabio.edfimage.EdfImage(data=stack[3]).write(str(folder / "dark.edf"))
    with open_frames([folder / "img_10.tif", str(folder / "dark.edf"), folder / "img_1.tif"]) as frames:
        assert [frames.label(index) for index in range(3)] == ["img_10", "dark", "img_1"]
        np.testing.assert_array_equal(frames.read(1), stack[3])


def test_iterator_of_paths_is_a_list(folder):
    with open_frames(folder.glob("img_*.tif")) as frames:
        assert len(frames) == 3


def test_list_with_another_shape_names_the_file(folder, stack):
    write_tiff(folder / "other.tif", stack[0, 1:])
    with pytest.raises(
        ShapeError, match=r"other\.tif: expected frames of \(20, 24\) as in .*img_1\.tif, got \(19, 24\)"
    ):
        open_frames([folder / "img_1.tif", folder / "other.tif"])


def test_list_with_another_type_names_the_file(folder, stack):
    write_tiff(folder / "other.tif", stack[0].astype(np.uint16))
    with pytest.raises(DataTypeError, match=r"other\.tif: expected frames of int32.*got uint16"):
        open_frames([folder / "img_1.tif", folder / "other.tif"])


def test_list_with_an_absent_file_names_it(folder):
    with pytest.raises(FileMissingError, match=r"img_3\.tif"):
        open_frames([folder / "img_1.tif", folder / "img_3.tif"])


def test_list_file_that_changes_while_open_is_noticed(folder, stack):
    for number in range(20, 40):
        write_tiff(folder / f"img_{number}.tif", stack[0])
    with open_frames(str(folder / "img_*.tif")) as frames:
        write_tiff(folder / "img_1.tif", stack[0, 1:])
        with pytest.raises(ShapeError, match=r"img_1\.tif"):
            frames.read(0)


def test_list_of_many_files_keeps_few_open(tmp_path):
    for number in range(60):
        write_tiff(tmp_path / f"f{number}.tif", np.full((4, 4), number, np.uint16))
    handles = Path("/proc/self/fd")
    before = len(list(handles.iterdir())) if handles.exists() else None
    with open_frames(str(tmp_path / "f*.tif")) as frames:
        values = [int(frame[0, 0]) for frame in frames]
        if before is not None:
            assert len(list(handles.iterdir())) <= before + 9
    assert values == list(range(60))


def test_same_names_in_two_folders_get_different_labels(tmp_path, stack):
    for place in ("a", "b"):
        write_tiff(tmp_path / place / "img.tif", stack[0])
    with open_frames([tmp_path / "a/img.tif", tmp_path / "b/img.tif"]) as frames:
        assert [frames.label(0), frames.label(1)] == ["a_img", "b_img"]
    assert unique_names(["x", "x", "y"], ["d/x.tif", "d/x.cbf", "d/y.tif"]) == ["d_x_000", "d_x_001", "y"]


def test_natural_key_takes_digits_as_numbers():
    assert sorted(["f_10.tif", "f_9.tif", "f_1.tif"], key=natural_key) == ["f_1.tif", "f_9.tif", "f_10.tif"]


def test_content_wins_over_extension(tmp_path, stack):
    write_tiff(tmp_path / "a.tif", stack[0])
    (tmp_path / "a.tif").rename(tmp_path / "a.edf")
    with open_frames(tmp_path / "a.edf") as frames:
        assert frames.metadata["format"] == "tiff"


@pytest.mark.parametrize("name", ["a.tif", "a.edf", "a.cbf", "a.h5", "a.npy", "a.TIFF", "a.cbf.gz"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"no image at all"])
def test_content_that_is_not_what_the_extension_says_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=name):
        open_frames(tmp_path / name)


def test_absent_file_and_folder_are_refused(tmp_path):
    with pytest.raises(FileMissingError, match=r"gone\.tif: this file does not exist"):
        open_frames(tmp_path / "gone.tif")
    with pytest.raises(FileFormatError, match="is a folder without images"):
        open_frames(tmp_path)


def test_dataset_of_a_file_without_datasets_is_refused(folder):
    with pytest.raises(ParameterError, match="dataset: only HDF5 files hold datasets"):
        open_frames(f"{folder / 'img_1.tif'}::/entry")


def test_digits_as_extension_stay_in_the_label(tmp_path, stack):
    write_tiff(tmp_path / "sample.0026", stack[0])
    with open_frames(tmp_path / "sample.0026") as frames:
        assert frames.label(0) == "sample.0026"


def test_npy_file_is_a_source(tmp_path, stack):
    np.save(tmp_path / "a.npy", stack)
    with open_frames(tmp_path / "a.npy") as frames:
        assert frames.label(1) == "a_00001"
        np.testing.assert_array_equal(frames.read(1), stack[1])
    np.save(tmp_path / "b.npy", np.array([{}], dtype=object))
    with pytest.raises(FileFormatError, match=r"b\.npy"):
        open_frames(tmp_path / "b.npy")


def test_inputs_are_never_modified(folder, stack):
    with h5py.File(folder / "a.h5", "w") as file:
        file["entry/data/data"] = stack
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    for path in before:
        with open_frames(path) as frames:
            frames.read(0)[:] = 0
            frames.read_mask()
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_sources_read_from_many_threads_agree(tmp_path, stack):
    import gzip

    fabio.cbfimage.CbfImage(data=stack[0], header={}).write(str(tmp_path / "a_0.cbf"))
    (tmp_path / "a_1.cbf.gz").write_bytes(gzip.compress((tmp_path / "a_0.cbf").read_bytes()))
    write_tiff(tmp_path / "a_2.tif", stack)
    with h5py.File(tmp_path / "a_3.h5", "w") as file:
        file.create_dataset("entry/data/data", data=stack, chunks=(1, 20, 24), compression="gzip")
    for number in range(4, 20):
        write_tiff(tmp_path / f"a_{number}.tif", stack[0] + number)
    with open_frames(str(tmp_path / "a_*")) as frames:
        expected = np.stack([frames.read(index) for index in range(len(frames))])
        order = np.random.default_rng(3).integers(0, len(frames), 400)
        start = threading.Barrier(4)

        def work(part):
            start.wait()
            return all((frames.read(int(index)) == expected[index]).all() for index in part)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, np.array_split(order, 4)))


class _Constant(FrameSource):
    def __init__(self, path):
        super().__init__(
            shape=(2, 3), dtype=np.dtype("u1"), n_frames=1, name=Path(path).stem, metadata={"format": "constant"}
        )

    def _fill(self, index, out):
        out[...] = 7


def test_reader_of_another_package_is_asked_first(tmp_path, monkeypatch):
    monkeypatch.setattr("azimuthal.io.frames._registry._added", [])
    monkeypatch.setattr("azimuthal.io.frames.describe.constant", _Constant, raising=False)
    register_reader(
        Reader(
            "constant", "azimuthal.io.frames.describe:constant", (".con",), lambda head: head.startswith(b"CONSTANT")
        )
    )
    (tmp_path / "a.tif").write_bytes(b"CONSTANT")
    with open_frames(tmp_path / "a.tif") as frames:
        assert frames.read(0).tolist() == [[7, 7, 7], [7, 7, 7]]


class TestDescribe:
    def test_image_is_described(self, folder):
        found = describe_file(folder / "img_1.tif")
        assert (found.kind, found.format, found.shape, found.dtype, found.n_frames) == (
            "image",
            "tiff",
            (20, 24),
            "int32",
            1,
        )

    def test_hdf5_stack_says_which_dataset_and_why(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("x/frames", data=stack, chunks=(1, 20, 24), compression="gzip", shuffle=True)
        found = describe_file(tmp_path / "a.h5")
        assert (found.kind, found.n_frames, found.dataset) == ("image stack", 5, ("/x/frames",))
        assert found.filters == ("shuffle", "gzip")
        assert "largest" in found.reason

    def test_undecided_file_lists_candidates(self, tmp_path, stack):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["one"], file["two"] = stack, stack
        found = describe_file(tmp_path / "a.h5")
        assert found.kind == "unknown"
        assert found.facts["candidates"] == ["/one (5, 20, 24) int32", "/two (5, 20, 24) int32"]
        assert describe_file(f"{tmp_path / 'a.h5'}::/two").dataset == ("/two",)

    @pytest.mark.parametrize(
        ("name", "text"),
        [("a.poni", ""), ("geometry.txt", "poni_version: 2\nDistance: 1\n"), ("x.spline", "SPATIAL DISTORTION SPLINE")],
    )
    def test_geometry_files_are_recognised(self, tmp_path, name, text):
        (tmp_path / name).write_text(text)
        assert describe_file(tmp_path / name).kind == "geometry"

    def test_unknown_file_says_why(self, tmp_path):
        (tmp_path / "a.tif").write_bytes(b"II*\0")
        found = describe_file(tmp_path / "a.tif")
        assert found.kind == "unknown"
        assert "expected a TIFF file" in found.reason

    def test_absent_file_is_an_error(self, tmp_path):
        with pytest.raises(FileMissingError):
            describe_file(tmp_path / "a.tif")
