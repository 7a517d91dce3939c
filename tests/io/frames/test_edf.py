# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import gzip
import zlib

import fabio
import numpy as np
import pytest

from azimuthal.errors import FileFormatError
from azimuthal.io.frames import open_frames
from azimuthal.io.frames.edf import DATA_TYPES


def first_frame(path):
    with open_frames(path) as frames:
        return frames.read(0)


def block(data, *, header_size=512, order="LowByteFirst", **extra):
    """Return one EDF block written from the format's definition."""
    keys = {"HeaderID": "EH:000001:000000:000000", "ByteOrder": order, **extra}
    keys.setdefault("Dim_1", data.shape[-1])
    keys.setdefault("Dim_2", data.shape[-2])
    text = "{\n" + "".join(f"{key} = {value} ;\n" for key, value in keys.items())
    return text.encode().ljust(header_size - 2) + b"}\n" + data.tobytes()


@pytest.mark.parametrize("word", sorted(DATA_TYPES))
@pytest.mark.parametrize("order", ["LowByteFirst", "HighByteFirst"])
def test_edf_every_data_type_and_byte_order_is_read(tmp_path, word, order):
    dtype = np.dtype(DATA_TYPES[word])
    data = np.arange(-20, 28).astype(dtype).reshape(6, 8)
    stored = data.astype(dtype.newbyteorder("<" if order == "LowByteFirst" else ">"))
    (tmp_path / "a.edf").write_bytes(block(stored, order=order, DataType=word))
    with open_frames(tmp_path / "a.edf") as frames:
        assert frames.dtype == dtype
        assert frames.read(0).dtype.isnative
        np.testing.assert_array_equal(frames.read(0), data)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "i8", "u8", "f4", "f8"])
def test_edf_written_by_fabio_equals_fabio(tmp_path, dtype):
    path = tmp_path / "a.edf"
    data = np.arange(80).astype(dtype).reshape(8, 10)
    fabio.edfimage.EdfImage(data=data, header={"motor": "1.5", "title": "x"}).write(str(path))
    with open_frames(path) as frames, fabio.open(str(path)) as image:
        np.testing.assert_array_equal(frames.read(0), image.data)
        assert frames.metadata["header"]["motor"] == "1.5"


def test_edf_many_frames_keep_their_headers(tmp_path, stack):
    path = tmp_path / "scan.edf"
    image = fabio.edfimage.EdfImage(data=stack[0], header={"angle": "0"})
    for number, frame in enumerate(stack[1:], start=1):
        image.append_frame(data=frame, header={"angle": str(number)})
    image.write(str(path))
    with open_frames(path) as frames:
        assert len(frames) == 5
        assert frames.label(4) == "scan_00004"
        np.testing.assert_array_equal(np.stack(list(frames)), stack)
        assert [frames.frame_metadata(number)["header"]["angle"] for number in range(5)] == list("01234")


def test_edf_third_dimension_is_a_stack(tmp_path, stack):
    raw = block(stack, DataType="SignedInteger", Dim_3=5)
    (tmp_path / "a.edf").write_bytes(raw)
    with open_frames(tmp_path / "a.edf") as frames:
        np.testing.assert_array_equal(np.stack(list(frames)), stack)


def test_edf_general_and_error_blocks_are_no_frames(tmp_path, stack):
    general = b"{\nEDF_DataFormatVersion = 2.40 ;\nEDF_BinarySize = 0 ;\n".ljust(510) + b"}\n"
    image = block(stack[0], DataType="SignedInteger", EDF_DataBlockID="1.Image.Psd", EDF_BinarySize=1920)
    error = block(stack[1], DataType="SignedInteger", EDF_DataBlockID="1.Image.Error", EDF_BinarySize=1920)
    (tmp_path / "a.edf").write_bytes(general + image + error)
    with open_frames(tmp_path / "a.edf") as frames:
        assert len(frames) == 1
        assert frames.metadata["skipped_blocks"] == 2
        np.testing.assert_array_equal(frames.read(0), stack[0])


def test_edf_padding_after_the_data_is_skipped(tmp_path, stack):
    first = block(stack[0], DataType="SignedInteger", Size=2048) + bytes(128)
    second = block(stack[1], DataType="SignedInteger", Size=2048, header_size=1024) + bytes(128)
    (tmp_path / "a.edf").write_bytes(first + second)
    with open_frames(tmp_path / "a.edf") as frames:
        np.testing.assert_array_equal(np.stack(list(frames)), stack[:2])


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_edf_compressed_data_block_is_inflated(tmp_path, stack, compress):
    packed = np.frombuffer(compress(stack[0].tobytes()), np.uint8)
    raw = block(
        packed[np.newaxis],
        DataType="SignedInteger",
        Compression="GzipCompression",
        Dim_1=24,
        Dim_2=20,
        Size=packed.size,
    )
    (tmp_path / "a.edf").write_bytes(raw)
    with open_frames(tmp_path / "a.edf") as frames:
        np.testing.assert_array_equal(frames.read(0), stack[0])
    (tmp_path / "a.edf").write_bytes(raw.replace(b"Dim_2 = 20", b"Dim_2 = 21"))
    with pytest.raises(FileFormatError, match="expected 2016 bytes after decompression, got 1920"):
        first_frame(tmp_path / "a.edf")


def test_edf_gz_file_is_read(tmp_path, stack):
    (tmp_path / "a.edf.gz").write_bytes(gzip.compress(block(stack[0], DataType="SignedInteger")))
    np.testing.assert_array_equal(first_frame(tmp_path / "a.edf.gz"), stack[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"DataType": "Complex"}, "DataType 'Complex' is not known"),
        ({"order": "Sideways"}, "ByteOrder: expected LowByteFirst or HighByteFirst"),
        ({"Dim_1": -4}, "dim_1: expected a non-negative integer, got '-4'"),
        ({"Dim_1": "many"}, "dim_1"),
        ({"Dim_1": 0}, "positive image dimensions"),
        ({"Dim_1": 1 << 40}, "the header claims"),
        ({"Dim_1": 1 << 20}, "expected 83886080 bytes at position 512"),
        ({"Dim_3": 0}, "Dim_3"),
        ({"Dim_4": 2}, "more than three dimensions"),
        ({"Size": 100}, "needs 1920 bytes, the header says 100"),
        ({"Compression": "bzip2"}, "Compression 'bzip2' is not supported"),
        ({"Compression": "gzip"}, "without EDF_BinarySize or Size"),
        ({"EDF_BinaryFileName": "other.bin"}, "another file"),
    ],
)
def test_edf_unusable_header_is_refused(tmp_path, stack, changes, message):
    raw = block(stack[0], **{"DataType": "SignedInteger", **changes})
    (tmp_path / "a.edf").write_bytes(raw)
    with pytest.raises(FileFormatError, match=message):
        open_frames(tmp_path / "a.edf")


def test_edf_truncated_second_frame_is_refused(tmp_path, stack):
    raw = block(stack[0], DataType="SignedInteger") + block(stack[1], DataType="SignedInteger")
    (tmp_path / "a.edf").write_bytes(raw[:-1])
    with pytest.raises(FileFormatError, match="data of image 1: expected 1920 bytes at position 2944, got 1919"):
        open_frames(tmp_path / "a.edf")


def test_edf_something_else_after_a_frame_is_refused(tmp_path, stack):
    (tmp_path / "a.edf").write_bytes(block(stack[0], DataType="SignedInteger") + b"garbage")
    with pytest.raises(FileFormatError, match=r"expected an EDF header, which starts with '\{', at position 2432"):
        open_frames(tmp_path / "a.edf")


def test_edf_frames_of_two_shapes_are_refused(tmp_path, stack):
    raw = block(stack[0], DataType="SignedInteger") + block(stack[1, :10], DataType="SignedInteger")
    (tmp_path / "a.edf").write_bytes(raw)
    with pytest.raises(FileFormatError, match="frames of one file must agree"):
        open_frames(tmp_path / "a.edf")


def test_edf_header_without_end_is_refused(tmp_path):
    (tmp_path / "a.edf").write_bytes(b"{\nDim_1 = 4 ;\n" + b" " * 2000)
    with pytest.raises(FileFormatError, match="no closing '}'"):
        open_frames(tmp_path / "a.edf")


def test_edf_twenty_thousand_frames_open_in_seconds(tmp_path):
    frame = np.arange(16, dtype=np.uint16).reshape(4, 4)
    (tmp_path / "a.edf").write_bytes(block(frame, DataType="UnsignedShort") * 20_000)
    with open_frames(tmp_path / "a.edf") as frames:
        assert len(frames) == 20_000
        np.testing.assert_array_equal(frames.read(19_999), frame)
