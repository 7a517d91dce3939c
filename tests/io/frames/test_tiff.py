# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import bz2
import gzip
import struct
import sys

import numpy as np
import pytest
import tifffile

from azimuthal.errors import FileFormatError, MissingDependencyError
from azimuthal.io.frames import open_frames


def first_frame(path):
    with open_frames(path) as frames:
        return frames.read(0)


def facts(path):
    with open_frames(path) as frames:
        return frames.metadata


DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]


def write(path, data, **options):
    tifffile.imwrite(path, data, photometric="minisblack", **{"metadata": None, **options})
    return path


def directory(entries, endian="<", start=8, following=0):
    """Return one TIFF directory of (tag, type, count, value) as it lies at `start`."""
    raw = struct.pack(endian + "H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        raw += struct.pack(endian + "HHI", tag, kind, count)
        raw += struct.pack(endian + "HH", value, 0) if short else struct.pack(endian + "I", value)
    return raw + struct.pack(endian + "I", following)


def tiff_bytes(*entries, data=b"", following=0):
    return b"II*\0" + struct.pack("<I", 8) + directory(entries, following=following) + data


PLAIN = [(256, 3, 1, 4), (257, 3, 1, 2), (258, 3, 1, 8), (273, 4, 1, 200), (278, 3, 1, 2), (279, 4, 1, 8)]


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_tiff_every_type_and_byte_order_equals_tifffile(tmp_path, dtype, bigtiff, byteorder):
    data = np.arange(-30, 50).astype(dtype).reshape(8, 10)
    path = write(tmp_path / "a.tif", data, byteorder=byteorder, bigtiff=bigtiff)
    with open_frames(path) as frames:
        assert frames.dtype == np.dtype(dtype)
        assert frames.dtype.isnative
        np.testing.assert_array_equal(frames.read(0), tifffile.imread(path))
        out = np.zeros((8, 10), dtype)
        np.testing.assert_array_equal(frames.read(0, out), data)


@pytest.mark.parametrize(
    "options", [{}, {"rowsperstrip": 3}, {"tile": (16, 16)}, {"tile": (32, 48)}, {"tile": (16, 32)}]
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiff_pages_in_strips_and_tiles_equal_the_stack(tmp_path, stack, options, byteorder):
    path = write(tmp_path / "a.tif", stack, byteorder=byteorder, **options)
    with open_frames(path) as frames:
        assert len(frames) == 5
        assert frames.label(2) == "a_00002"
        np.testing.assert_array_equal(np.stack(list(frames)), stack)


def test_tiff_strips_out_of_order_are_put_in_place(tmp_path):
    entries = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 1, 8), (273, 3, 2, 0), (278, 3, 1, 1), (279, 3, 2, 0)]
    raw = bytearray(tiff_bytes(*entries, data=b"\3\4\1\2"))
    end = len(raw)
    position = 10 + 3 * 12 + 8
    raw[position : position + 4] = struct.pack("<HH", end - 2, end - 4)
    raw[position + 24 : position + 28] = struct.pack("<HH", 2, 2)
    (tmp_path / "a.tif").write_bytes(raw)
    np.testing.assert_array_equal(first_frame(tmp_path / "a.tif"), [[1, 2], [3, 4]])


@pytest.mark.parametrize("predictor", [False, True])
def test_tiff_compressed_pages_equal_the_stack(tmp_path, stack, predictor):
    path = write(tmp_path / "a.tif", stack, compression="zlib", predictor=predictor)
    with open_frames(path) as frames:
        np.testing.assert_array_equal(np.stack(list(frames)), stack)
        assert frames.compression == "deflate"


def test_tiff_compressed_without_tifffile_names_the_command(tmp_path, stack, monkeypatch):
    path = write(tmp_path / "a.tif", stack, compression="zlib")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(MissingDependencyError, match=r"deflate.*pip install 'azimuthal\[formats\]'"):
        open_frames(path)


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_tiff_in_a_compressed_file_equals_the_stack(tmp_path, stack, suffix, compress, options):
    plain = write(tmp_path / "a.tif", stack, **options)
    path = tmp_path / f"b.tif{suffix}"
    path.write_bytes(compress(plain.read_bytes()))
    with open_frames(path) as frames:
        assert frames.label(1) == "b_00001"
        np.testing.assert_array_equal(np.stack(list(frames)), stack)


def test_tiff_stack_announced_in_the_description_is_not_cut_to_one_frame(tmp_path, stack):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack.astype(np.float32), imagej=True)
    raw = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", raw, 4)[0] if raw[:2] == b"II" else struct.unpack_from(">I", raw, 4)[0]
    order = "<" if raw[:2] == b"II" else ">"
    (count,) = struct.unpack_from(order + "H", raw, first)
    struct.pack_into(order + "I", raw, first + 2 + 12 * count, 0)  # as ImageJ writes stacks above 4 GB
    path.write_bytes(raw)
    with open_frames(path) as frames:
        assert len(frames) == 5
        np.testing.assert_array_equal(np.stack(list(frames)), stack.astype(np.float32))
    path.write_bytes(raw[:6000])
    with pytest.raises(FileFormatError, match="5 images announced"):
        open_frames(path)


def test_tiff_thumbnail_page_is_no_frame(tmp_path, stack):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(stack[0], photometric="minisblack", metadata=None)
        writer.write(stack[0, ::4, ::4], photometric="minisblack", metadata=None, subfiletype=1)
    with open_frames(path) as frames:
        assert len(frames) == 1
        assert frames.metadata["skipped_pages"] == 1


def test_tiff_pages_of_two_shapes_are_refused(tmp_path, stack):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(stack[0], photometric="minisblack", metadata=None)
        writer.write(stack[0, ::2], photometric="minisblack", metadata=None)
    with pytest.raises(FileFormatError, match=r"image 1 is \(10, 24\) int32, the first one \(20, 24\)"):
        open_frames(path)


def test_tiff_dectris_description_becomes_metadata(tmp_path, stack):
    lines = [
        "# Pixel_size 172e-6 m x 175e-6 m",
        "# Silicon sensor, thickness 0.000450 m",
        "# Exposure_time 3.0000000 s",
        "# Threshold_setting: 15000 eV",
        "# Wavelength 0.4 A",
        "# Detector_distance 0.21143 m",
        "# Beam_xy (498.18, 515.77) pixels",
    ]
    path = write(tmp_path / "a.tif", stack[0], description="\n".join(lines))
    metadata = facts(path)
    assert metadata["pixel_size"] == pytest.approx([175e-6, 172e-6])
    assert metadata["beam_center"] == [515.77, 498.18]
    assert metadata["wavelength"] == pytest.approx(0.4e-10)
    assert metadata["distance"] == 0.21143
    assert (metadata["sensor_material"], metadata["sensor_thickness"]) == ("Silicon", 0.00045)
    assert metadata["threshold_energy"] == 15000


def test_tiff_colour_picture_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 8, 3), np.uint8), photometric="rgb")
    with pytest.raises(FileFormatError, match="3 samples a pixel"):
        open_frames(path)


@pytest.mark.parametrize("keep", [0, 3, 7, 8, 40, 150, 1000, 2000])
def test_tiff_truncated_file_says_what_is_missing(tmp_path, stack, keep):
    path = write(tmp_path / "a.tif", stack[0])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match=r"a\.tif"):
        first_frame(path)


def test_tiff_absurd_dimensions_are_refused_before_memory_is_claimed(tmp_path):
    entries = [(256, 4, 1, 0x7FFFFFFF), (257, 4, 1, 0x7FFFFFFF), *PLAIN[2:]]
    (tmp_path / "a.tif").write_bytes(tiff_bytes(*entries, data=bytes(300)))
    with pytest.raises(FileFormatError, match="the header claims 2147483647 x 2147483647"):
        open_frames(tmp_path / "a.tif")


def test_tiff_circle_of_directories_is_refused(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff_bytes(*PLAIN, data=bytes(300), following=8))
    with pytest.raises(FileFormatError, match="circle"):
        open_frames(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((256, 3, 1, 0), "positive image dimensions"),
        ((258, 3, 1, 12), "12 bits a pixel"),
        ((339, 3, 1, 6), "sample format 6"),
        ((278, 3, 1, 0), "strips or tiles of 0"),
        ((278, 3, 1, 1), "expected 2 strips or tiles"),
        ((279, 4, 1, 3), "its byte count says 3"),
        ((273, 4, 1, 100000), "expected 8 bytes at position 100000"),
        ((256, 11, 1, 4), "field type 11"),
        ((256, 4, 0, 4), "0 values"),
    ],
)
def test_tiff_contradictory_tag_is_refused(tmp_path, change, message):
    entries = sorted({**{entry[0]: entry for entry in PLAIN}, change[0]: change}.values())
    (tmp_path / "a.tif").write_bytes(tiff_bytes(*entries, data=bytes(300)))
    with pytest.raises(FileFormatError, match=message):
        open_frames(tmp_path / "a.tif")
