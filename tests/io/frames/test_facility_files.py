# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One stack of frames in the files of every facility, written as the facility writes them: always the same frames."""

import json
import logging
import multiprocessing
import resource

import fabio
import h5py
import hdf5plugin
import numpy as np
import pytest
import tifffile
from silx.io.url import DataUrl

from azimuthal.errors import AzimuthalError, FileFormatError, FileMissingError, FrameIndexError, ParameterError
from azimuthal.io.frames import open_frames, open_raw
from azimuthal.pipelines.description import describe


@pytest.fixture
def counts():
    frames = np.random.default_rng(3).poisson(20, (6, 32, 40)).astype(np.uint32)
    frames += np.arange(6, dtype=np.uint32)[:, np.newaxis, np.newaxis] * 1000
    return frames


def read(source, **options):
    with open_frames(source, **options) as frames:
        json.dumps(frames.metadata)
        return np.stack([frames.read(index) for index in range(len(frames))])


def facts(source):
    with open_frames(source) as frames:
        return frames.metadata


def nexus(file, path, kind, **attributes):
    group = file.require_group(path)
    group.attrs["NX_class"] = kind
    group.attrs.update(attributes)
    return group


def quantity(group, name, value, unit):
    group[name] = value
    group[name].attrs["units"] = unit


# ---- the facilities ----------------------------------------------------------------------------------------


def eiger_master(folder, counts, n_links=3, per_file=2):
    for number in range(-(-len(counts) // per_file)):
        with h5py.File(folder / f"e_data_{number + 1:06d}.h5", "w") as file:
            part = counts[number * per_file : (number + 1) * per_file]
            nexus(file, "entry", "NXentry")
            nexus(file, "entry/data", "NXdata").create_dataset(
                "data", data=part, chunks=(1, *part.shape[1:]), **hdf5plugin.Bitshuffle()
            )
    with h5py.File(folder / "e_master.h5", "w") as file:
        nexus(file, "entry", "NXentry")
        data = nexus(file, "entry/data", "NXdata")
        for number in range(n_links):
            data[f"data_{number + 1:06d}"] = h5py.ExternalLink(f"e_data_{number + 1:06d}.h5", "/entry/data/data")
        detector = nexus(file, "entry/instrument/detector", "NXdetector")
        detector["countrate_correction_applied"] = np.int8(1)
        detector["flatfield_correction_applied"] = np.int8(0)
        detector["pixel_mask_applied"] = True
        detector["saturation_value"] = 65000
        specific = nexus(file, "entry/instrument/detector/detectorSpecific", "NXcollection")
        specific["flatfield"] = np.ones(counts.shape[1:], np.float32)
        specific["pixel_mask"] = np.zeros(counts.shape[1:], np.uint32)
        specific["countrate_correction_count_cutoff"] = 60000
        specific["nimages"], specific["ntrigger"] = len(counts), 1
    return folder / "e_master.h5"


def eiger_thresholds(folder, counts):
    """Write the format "v2024.2" of the EIGER2 file writer: one virtual dataset of images x channels."""
    both = np.stack([counts, counts // 2], axis=1)
    layout = h5py.VirtualLayout(both.shape, both.dtype)
    for number in range(2):
        with h5py.File(folder / f"t_data_{number + 1:06d}.h5", "w") as file:
            part = both[3 * number : 3 * number + 3]
            file.create_dataset("entry/data/data", data=part, chunks=(1, 1, *counts.shape[1:]), compression="gzip")
        source = h5py.VirtualSource(f"t_data_{number + 1:06d}.h5", "entry/data/data", part.shape, part.dtype)
        layout[3 * number : 3 * number + 3] = source
    with h5py.File(folder / "t_master.h5", "w") as file:
        file.attrs["default"] = "entry"
        nexus(file, "entry", "NXentry", default="data")
        names = ["threshold_1", "threshold_2"]
        data = nexus(file, "entry/data", "NXdata", signal="data", axes=["image_id", "channel", ".", "."])
        data["channel"] = names
        data.create_virtual_dataset("data", layout)
        for number, name in enumerate(names):
            channel = nexus(file, f"entry/instrument/detector/{name}_channel", "NXdetector_channel")
            quantity(channel, "threshold_energy", 4000.0 * (number + 1), "eV")
            mask = np.zeros(counts.shape[1:], np.uint32)
            mask[number, 0] = 1
            channel["pixel_mask"] = mask
        file["entry/instrument/detector"].attrs["NX_class"] = "NXdetector"
    return folder / "t_master.h5"


def bliss(folder, counts, n_files=3):
    """Write a scan of Bliss over the files of LImA."""
    per_file = len(counts) // n_files
    (folder / "scan0001").mkdir()
    layout = h5py.VirtualLayout(counts.shape, counts.dtype)
    for number in range(n_files):
        name = f"scan0001/p3_{number:04d}.h5"
        part = counts[number * per_file : (number + 1) * per_file]
        with h5py.File(folder / name, "w") as file:
            file.attrs.update({"NX_class": "NXroot", "default": "/entry_0000/measurement"})
            nexus(file, "entry_0000", "NXentry", default="/entry_0000/measurement")
            options = dict(hdf5plugin.Bitshuffle()) | {"chunks": (1, *counts.shape[1:])}
            nexus(file, "entry_0000/measurement", "NXdata", signal="data").create_dataset("data", data=part, **options)
        source = h5py.VirtualSource(name, "/entry_0000/measurement/data", part.shape, part.dtype)
        layout[number * per_file : (number + 1) * per_file] = source
    with h5py.File(folder / "sample_0001.h5", "w") as file:
        file.attrs.update({"NX_class": "NXroot", "creator": "Bliss"})
        nexus(file, "1.1", "NXentry")
        nexus(file, "1.1/instrument", "NXinstrument")
        detector = nexus(file, "1.1/instrument/p3", "NXdetector")
        detector.create_virtual_dataset("data", layout)
        nexus(file, "1.1/instrument/p3/acq_parameters", "NXcollection")["acq_expo_time"] = 0.25
        nexus(file, "1.1/instrument/mon", "NXdetector")["data"] = np.arange(6.0) + 100
        positioners = nexus(file, "1.1/instrument/positioners", "NXcollection")
        positioners["rot"], positioners["samy"] = np.linspace(0, 1, 6), 3.5
        measurement = nexus(file, "1.1/measurement", "NXcollection")
        measurement["p3"] = h5py.SoftLink("/1.1/instrument/p3/data")
        measurement["mon"] = h5py.SoftLink("/1.1/instrument/mon/data")
    return folder / "sample_0001.h5"


def diamond(folder, counts):
    """Write NXmx as Diamond does: a virtual dataset over raw files, and facts behind links."""
    with h5py.File(folder / "i15_000001.h5", "w") as file:
        file.create_dataset("data", data=counts, chunks=(1, *counts.shape[1:]), **hdf5plugin.Bitshuffle())
    layout = h5py.VirtualLayout(counts.shape, counts.dtype)
    layout[:] = h5py.VirtualSource("i15_000001.h5", "data", counts.shape, counts.dtype)
    with h5py.File(folder / "i15.nxs", "w") as file:
        file.attrs["default"] = "entry"
        nexus(file, "entry", "NXentry", default="data")["definition"] = "NXmx"
        nexus(file, "entry/data", "NXdata", signal="data").create_virtual_dataset("data", layout)
        detector = nexus(file, "entry/instrument/detector", "NXdetector")
        quantity(detector, "distance", 289.3, "mm")
        quantity(detector, "count_time", 0.05, "s")
        detector["pixel_mask"] = np.eye(32, 40, dtype=np.int32)
        detector["data"] = h5py.SoftLink("/entry/data/data")
        quantity(nexus(file, "entry/instrument/beam", "NXbeam"), "incident_wavelength", 0.16, "angstrom")
        nexus(file, "entry/control", "NXmonitor")["data"] = np.arange(6.0) + 1
        quantity(nexus(file, "entry/sample/transformations", "NXtransformations"), "omega", np.arange(6.0), "deg")
    return folder / "i15.nxs"


def aps(folder, counts):
    with h5py.File(folder / "aps.h5", "w") as file:
        exchange = file.create_group("exchange")
        exchange["data"] = counts
        exchange["data_white"] = counts[:2] + 1
        exchange["data_dark"] = counts[:2] * 0
        exchange["theta"] = np.linspace(0, 180, len(counts))
    return folder / "aps.h5"


def plain_nxmx(folder, counts):
    with h5py.File(folder / "mx.h5", "w") as file:
        nexus(file, "entry", "NXentry")
        nexus(file, "entry/instrument", "NXinstrument")
        nexus(file, "entry/instrument/detector", "NXdetector").create_dataset("data", data=counts, compression="lzf")
    return folder / "mx.h5"


FACILITIES = {
    "eiger": eiger_master,
    "thresholds": lambda folder, counts: f"{eiger_thresholds(folder, counts)}::/entry/data[:, threshold_1]",
    "bliss": bliss,
    "bliss measurement": lambda folder, counts: f"{bliss(folder, counts)}::/1.1/measurement/p3",
    "bliss entry": lambda folder, counts: f"{bliss(folder, counts)}::/1.1",
    "lima files": lambda folder, counts: str(bliss(folder, counts).parent / "scan0001"),
    "diamond": diamond,
    "aps": aps,
    "nxmx": plain_nxmx,
}


@pytest.mark.parametrize("name", FACILITIES)
def test_facility_files_hold_the_same_frames(tmp_path, counts, name):
    source = FACILITIES[name](tmp_path, counts)
    np.testing.assert_array_equal(read(source), counts)
    assert "6 of 32 x 40 pixels" in describe(source).text


def test_facility_single_frame_without_stack(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        nexus(file, "entry/data", "NXdata")["data_000001"] = counts[2]
    np.testing.assert_array_equal(read(tmp_path / "a.h5"), counts[2:3])


# ---- EIGER -------------------------------------------------------------------------------------------------


def test_eiger_missing_member_names_file_dataset_and_frames(tmp_path, counts):
    master = eiger_master(tmp_path, counts)
    (tmp_path / "e_data_000002.h5").unlink()
    with pytest.raises(FileMissingError, match=r"data_000002 links to .*e_data_000002\.h5.*4 of 6 frames are there"):
        open_frames(master)


def test_eiger_truncated_member_names_file_dataset_and_frame(tmp_path, counts):
    master = eiger_master(tmp_path, counts)
    member = tmp_path / "e_data_000003.h5"
    with h5py.File(member, "r+") as file:  # the frame is announced and never written
        del file["entry/data/data"]
        file["entry/data"].create_dataset("data", (2, 32, 40), np.uint32, chunks=(1, 32, 40))[0] = counts[4]
    with open_frames(master) as frames:
        np.testing.assert_array_equal(frames.read(4), counts[4])
        with pytest.raises(FileFormatError, match=r"e_master\.h5::/entry/data/data_000003: frame 5.*never written"):
            frames.read(5)


def test_eiger_more_members_than_files_may_be_open(tmp_path, counts):
    many = np.tile(counts, (20, 1, 1))
    master = eiger_master(tmp_path, many, n_links=120, per_file=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        np.testing.assert_array_equal(read(master), many)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_eiger_corrections_and_images_are_in_the_metadata(tmp_path, counts):
    found = facts(eiger_master(tmp_path, counts))
    assert found["corrections_applied"] == {"count_rate": True, "flat": False, "pixel_mask": True}
    assert (found["count_rate_cutoff"], found["saturation_value"]) == (60000, 65000)
    assert found["flat_dataset"] == "/entry/instrument/detector/detectorSpecific/flatfield"
    text = describe(tmp_path / "e_master.h5").text
    assert "count rate yes, flat no" in text
    assert "data_000001  2 x 32 x 40, uint32  <- these images" in text


def test_eiger_folder_is_the_master_once(tmp_path, counts):
    eiger_master(tmp_path, counts)
    np.testing.assert_array_equal(read(tmp_path), counts)


def test_eiger_two_thresholds_are_never_mixed(tmp_path, counts):
    master = eiger_thresholds(tmp_path, counts)
    with pytest.raises(FileFormatError, match=r"2 channels.*threshold_1, threshold_2.*\[:, threshold_1\]"):
        open_frames(master)
    with open_frames(f"{master}::/entry/data[1:3, threshold_2]") as frames:
        np.testing.assert_array_equal(frames.read(0), counts[1] // 2)
        assert len(frames) == 2
        assert frames.metadata["threshold_energy"] == 8000.0
        assert np.argwhere(frames.read_mask()).tolist() == [[1, 0]]
        assert frames.frame_facts(0) == {"threshold_energy": 8000.0, "channel": "threshold_2"}


# ---- other facilities --------------------------------------------------------------------------------------


def test_bliss_missing_lima_file_is_named(tmp_path, counts):
    path = bliss(tmp_path, counts)
    (tmp_path / "scan0001" / "p3_0001.h5").unlink()
    with pytest.raises(FileMissingError, match=r"/1\.1/instrument/p3/data.*p3_0001\.h5.*1 of 3 sources"):
        open_frames(path)


def test_bliss_short_lima_file_names_the_frame(tmp_path, counts):
    path = bliss(tmp_path, counts)
    with h5py.File(tmp_path / "scan0001" / "p3_0001.h5", "r+") as file:
        del file["entry_0000/measurement/data"]
        file["entry_0000/measurement/data"] = counts[2:3]
    with open_frames(path) as frames:
        np.testing.assert_array_equal(frames.read(2), counts[2])
        with pytest.raises(FileFormatError, match=r"frame 3.*p3_0001\.h5.*ends before"):
            frames.read(3)


def test_bliss_more_lima_files_than_may_be_open(tmp_path, counts):
    many = np.tile(counts, (20, 1, 1))
    path = bliss(tmp_path, many, n_files=120)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        np.testing.assert_array_equal(read(path), many)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_bliss_monitor_and_motors_go_with_the_frame(tmp_path, counts):
    with open_frames(f"{bliss(tmp_path, counts)}::/1.1/measurement/p3") as frames:
        assert frames.metadata["counters"] == {"mon": "/1.1/measurement/mon"}
        assert frames.frame_facts(5)["motors"] == {"rot": 1.0, "samy": 3.5}
        found = frames.result_metadata(5)["measurement"]
        assert found["motors"] == {"rot": 1.0}
        assert found["counters"] == {"mon": 105.0}
        assert frames.metadata["unconverted"] == {"acq_parameters/acq_expo_time": 0.25}


def test_bliss_counter_behind_a_broken_link_does_not_hide_the_images(tmp_path, counts):
    path = bliss(tmp_path, counts)
    with h5py.File(path, "r+") as file:
        file["1.1/measurement/lost"] = h5py.ExternalLink("gone.h5", "/x")
        file["1.1/instrument/positioners/lost"] = h5py.SoftLink("/nowhere")
    with open_frames(f"{path}::/1.1/measurement/p3") as frames:
        assert "lost" not in str(frames.frame_facts(0))


def test_bliss_two_scans_need_a_name(tmp_path, counts):
    path = bliss(tmp_path, counts)
    with h5py.File(path, "r+") as file:
        nexus(file, "2.1", "NXentry")
        nexus(file, "2.1/instrument/p3", "NXdetector")["data"] = counts[::-1]
    with pytest.raises(FileFormatError, match=r"2 groups hold images.*/1\.1/measurement/p3"):
        open_frames(path)
    np.testing.assert_array_equal(read(f"{path}::/2.1"), counts[::-1])


def test_diamond_facts_go_with_the_frame(tmp_path, counts):
    with open_frames(diamond(tmp_path, counts)) as frames:
        assert frames.frame_facts(2) == {
            "wavelength": pytest.approx(0.16e-10),
            "distance": pytest.approx(0.2893),
            "exposure_time": 0.05,
            "monitors": {"control": 3.0},
            "motors": {"omega": 2.0},
        }
        np.testing.assert_array_equal(frames.read_mask(), np.eye(32, 40) != 0)
    text = describe(tmp_path / "i15.nxs").text
    assert "control (/entry/control/data)" in text
    assert "/entry/data/data  6 x 32 x 40, uint32, virtual  <- these images" in text


def test_aps_dark_and_flat_are_found(tmp_path, counts):
    found = facts(aps(tmp_path, counts))
    assert (found["flat_dataset"], found["dark_dataset"]) == ("/exchange/data_white", "/exchange/data_dark")
    assert found["motors"] == {"theta": "/exchange/theta"}


def test_description_tells_broken_links(tmp_path, counts):
    path = aps(tmp_path, counts)
    with h5py.File(path, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("gone.h5", "/x")
    assert "/elsewhere  -> " in describe(path).text


# ---- grids, growing files, addresses -----------------------------------------------------------------------


def test_grid_scan_keeps_its_shape_and_is_cut_by_row(tmp_path, counts):
    with h5py.File(tmp_path / "map.h5", "w") as file:
        nexus(file, "entry/data", "NXdata", signal="data")["data"] = counts.reshape(2, 3, 32, 40)
    np.testing.assert_array_equal(read(tmp_path / "map.h5"), counts)
    assert facts(tmp_path / "map.h5")["grid_shape"] == [2, 3]
    with open_frames(f"{tmp_path}/map.h5::/entry/data[1, ::2]") as frames:
        np.testing.assert_array_equal(np.stack(list(frames)), counts[[3, 5]])
        assert [frames.label(index) for index in range(2)] == ["map_00003", "map_00005"]
        assert "grid_shape" not in frames.metadata
        assert frames.stored_frames().locate(0) == open_frames(tmp_path / "map.h5").stored_frames().locate(3)
    np.testing.assert_array_equal(read(f"{tmp_path}/map.h5::[..., 0, :, :]"), counts[[0, 3]])


@pytest.mark.parametrize(
    ("selection", "error", "words"),
    [
        ("7", FrameIndexError, "out of bounds"),
        ("9:", ParameterError, "selects no frame"),
        ("0, 3:5", ParameterError, "rows and columns cannot be cut"),
        ("0, 0, 0, 0", ParameterError, "rows and columns"),
        ("::0", ParameterError, "step of 0"),
        ("all", ParameterError, "expected a number, a slice"),
        ("", ParameterError, "expected numbers"),
        ("..., ...", ParameterError, r"at most one '\.\.\.'"),
    ],
)
def test_selection_that_makes_no_sense_is_refused(tmp_path, counts, selection, error, words):
    np.save(tmp_path / "a.npy", counts)
    with pytest.raises(error, match=words):
        open_frames(f"{tmp_path}/a.npy::[{selection}]")


def test_urls_of_silx_and_fabio_give_the_frames(tmp_path, counts):
    path = aps(tmp_path, counts)
    with h5py.File(path, "r+") as file:
        file["a b/c"] = counts[:2]
    plain = {"file_path": str(path), "scheme": "silx"}
    assert read(DataUrl(data_path="/exchange/data", **plain).path()).shape == (6, 32, 40)
    one = DataUrl(data_path="/exchange/data", data_slice=(4,), **plain).path()
    np.testing.assert_array_equal(read(one), counts[4:5])
    some = DataUrl(data_path="/a b/c", data_slice=(slice(0, 1), Ellipsis), **plain).path()
    np.testing.assert_array_equal(read(some), counts[:1])
    np.testing.assert_array_equal(read(f"silx:{path}?/exchange/data&slice=1:3"), counts[1:3])
    np.testing.assert_array_equal(read(f"silx:{path}::/exchange/data[5]"), counts[5:])
    image = fabio.edfimage.EdfImage(data=counts[0])
    image.append_frame(data=counts[1])
    image.write(str(tmp_path / "a.edf"))
    url = DataUrl(file_path=str(tmp_path / "a.edf"), data_slice=(1,), scheme="fabio").path()
    np.testing.assert_array_equal(read(url), counts[1:2])
    assert facts(url)["format"] == "fabio:edf"


def test_url_with_an_unknown_key_is_refused(tmp_path):
    with pytest.raises(AzimuthalError, match=r"slices"):
        open_frames(f"silx:{tmp_path}/a.h5?slices=3")


def test_pattern_with_dataset_and_selection(tmp_path, counts):
    for number in range(3):
        with h5py.File(tmp_path / f"s_{number}.h5", "w") as file:
            file["x/frames"] = counts[2 * number : 2 * number + 2]
    np.testing.assert_array_equal(read(f"{tmp_path}/s_*.h5::/x/frames[1]"), counts[1::2])
    np.testing.assert_array_equal(read(f"silx://{tmp_path}/s_*.h5?path=/x/frames&slice=1"), counts[1::2])


def test_folder_is_read_in_natural_order_or_refused(tmp_path, counts):
    for number in (1, 2, 10):
        tifffile.imwrite(tmp_path / f"f_{number}.tif", counts[number % 5])
    (tmp_path / "notes.txt").write_text("nothing")
    np.testing.assert_array_equal(read(tmp_path), counts[[1, 2, 0]])
    assert "3, from" in describe(tmp_path).text
    np.save(tmp_path / "a.npy", counts)
    with pytest.raises(FileFormatError, match="several formats"):
        open_frames(tmp_path)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", ">f4", "u1"])
def test_raw_file_is_read_as_told(tmp_path, counts, dtype):
    values = (counts % 200).astype(dtype)
    (tmp_path / "a.bin").write_bytes(b"h" * 17 + values.tobytes())
    url = f"raw:{tmp_path}/a.bin?shape=6,32,40&dtype={dtype}&offset=17"
    np.testing.assert_array_equal(read(url), values)
    np.testing.assert_array_equal(read(url + "&slice=2:4"), values[2:4])
    with open_raw(tmp_path / "a.bin", (-1, 2, 32, 40), dtype, 17) as frames:
        assert (len(frames), frames.metadata["grid_shape"]) == (6, [3, 2])


def test_raw_file_of_another_size_is_refused(tmp_path, counts):
    (tmp_path / "a.bin").write_bytes(counts.tobytes())
    for shape in ("5,32,40", "7,32,40", "-1,31,40"):
        with pytest.raises(FileFormatError, match="bytes of pixels"):
            open_frames(f"raw:{tmp_path}/a.bin?shape={shape}&dtype=uint32")
    with pytest.raises(ParameterError, match="need shape and dtype"):
        open_frames(f"raw:{tmp_path}/a.bin?shape=1,32,40")


def _append(path, counts, ready, go):
    with h5py.File(path, "w", libver="latest") as file:
        group = file.create_group("entry/data")
        group.attrs["signal"] = np.bytes_("data")
        data = group.create_dataset("data", (0, 32, 40), "u4", maxshape=(None, 32, 40), chunks=(1, 32, 40))
        file.swmr_mode = True
        for number, frame in enumerate(counts):
            data.resize(number + 1, axis=0)
            data[number] = frame
            data.flush()
            if number in (1, 4):
                ready.set()
                go.wait(60)
                go.clear()


def test_file_that_grows_is_read_as_far_as_it_is(tmp_path, counts):
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    writer = context.Process(target=_append, args=(tmp_path / "g.h5", counts, ready, go))
    writer.start()
    try:
        for n_there in (2, 5):
            assert ready.wait(60)
            ready.clear()
            np.testing.assert_array_equal(read(tmp_path / "g.h5"), counts[:n_there])
            assert facts(tmp_path / "g.h5")["growing"]
            go.set()
        writer.join(60)
    finally:
        writer.kill()
    np.testing.assert_array_equal(read(tmp_path / "g.h5"), counts)


# ---- whatever fabio writes ---------------------------------------------------------------------------------

#: What fabio writes and cannot read back itself.
_NOT_BY_FABIO = {"Mar345Image", "BrukerImage", "BinaryImage"}


def fabio_writers():
    return [cls for cls in fabio.fabioformats.get_classes(writer=True) if cls.__name__ not in _NOT_BY_FABIO]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", fabio_writers(), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4"])
def test_every_format_that_fabio_writes_is_read_as_fabio_reads_it(tmp_path, cls, dtype, caplog):
    caplog.set_level(logging.CRITICAL)
    values = np.random.default_rng(1).poisson(30, (128, 128)).astype(dtype)
    path = tmp_path / f"a.{(cls.DEFAULT_EXTENSIONS or ['img'])[0]}"
    cls(data=values).write(str(path))
    with fabio.open(str(path)) as image:
        expected = image.data.copy()
    np.testing.assert_array_equal(read(path)[0], expected)
