# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import base64
import gzip
import hashlib

import fabio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import FileFormatError
from azimuthal.io.frames import open_frames
from azimuthal.io.frames.cbf import decode_byte_offset


def first_frame(path):
    with open_frames(path) as frames:
        return frames.read(0)


def facts(path):
    with open_frames(path) as frames:
        return frames.metadata


COMMENTS = """# Detector: PILATUS 2M, S/N 24-0104
# 2024-10-26T01:38:05.208
# Pixel_size 172e-6 m x 172e-6 m
# Silicon sensor, thickness 0.000320 m
# Exposure_time 0.995 s
# Exposure_period 1.0 s
# Count_cutoff 1382835 counts
# Threshold_setting 6000 eV
# Wavelength 1.0332 A
# Detector_distance 0.30000 m
# Beam_xy (1230.10, 1310.50) pixels
"""


def encode(values):
    """Byte-offset encoder, written from the definition, one pixel after the other."""
    raw = bytearray()
    previous = 0
    for value in values:
        difference = int(value) - previous
        previous = int(value)
        if -127 <= difference <= 127:
            raw += difference.to_bytes(1, "little", signed=True)
        elif -32767 <= difference <= 32767:
            raw += b"\x80" + difference.to_bytes(2, "little", signed=True)
        elif -(2**31) < difference < 2**31:
            raw += b"\x80\x00\x80" + difference.to_bytes(4, "little", signed=True)
        else:
            raw += b"\x80\x00\x80\x00\x00\x00\x80" + difference.to_bytes(8, "little", signed=True)
    return bytes(raw)


def decode_one_by_one(raw):
    """Byte-offset decoder, written from the definition."""
    values, position, value = [], 0, 0
    while position < len(raw):
        for width, skip in ((1, 0), (2, 1), (4, 3), (8, 7)):
            piece = raw[position + skip : position + skip + width]
            difference = int.from_bytes(piece, "little", signed=True)
            if len(piece) < width:
                return None
            if width == 8 or difference != -(1 << (8 * width - 1)):
                break
        position += skip + width
        value += difference
        values.append(value)
    return values


def cbf_bytes(data, **changes):
    binary = changes.pop("binary", None) or encode(data.ravel())
    fields = {
        "Content-Type": 'application/octet-stream;\r\n     conversions="x-CBF_BYTE_OFFSET"',
        "Content-Transfer-Encoding": "BINARY",
        "X-Binary-Size": len(binary),
        "X-Binary-ID": 1,
        "X-Binary-Element-Type": '"signed 32-bit integer"',
        "X-Binary-Element-Byte-Order": "LITTLE_ENDIAN",
        "Content-MD5": base64.b64encode(hashlib.md5(binary).digest()).decode(),
        "X-Binary-Number-of-Elements": data.size,
        "X-Binary-Size-Fastest-Dimension": data.shape[1],
        "X-Binary-Size-Second-Dimension": data.shape[0],
        "X-Binary-Size-Padding": 4095,
        **{key.replace("_", "-"): value for key, value in changes.items()},
    }
    mime = "".join(f"{key}: {value}\r\n" for key, value in fields.items() if value is not None)
    head = f"###CBF: VERSION 1.5\r\n\r\ndata_x\r\n\r\n_array_data.header_contents\r\n;\r\n{COMMENTS}\r\n;\r\n\r\n_array_data.data\r\n;\r\n"
    head += f"--CIF-BINARY-FORMAT-SECTION--\r\n{mime}\r\n"
    return head.encode() + b"\x0c\x1a\x04\xd5" + binary + bytes(4095) + b"\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n"


@pytest.fixture
def image(stack):
    """Differences of one, two and four bytes, of both signs."""
    frame = stack[0].copy()
    frame[0, :6] = [0, 200, -40000, 2_000_000_000, 127, -128]
    return frame


def test_cbf_written_by_fabio_equals_fabio(tmp_path, image):
    path = tmp_path / "a.cbf"
    fabio.cbfimage.CbfImage(data=image, header={}).write(str(path))
    with open_frames(path) as frames, fabio.open(str(path)) as expected:
        assert (frames.shape, frames.dtype, len(frames)) == ((20, 24), np.int32, 1)
        np.testing.assert_array_equal(frames.read(0), expected.data)
        np.testing.assert_array_equal(frames.read(0), image)


def test_cbf_header_becomes_metadata(tmp_path, image):
    (tmp_path / "a.cbf").write_bytes(cbf_bytes(image))
    metadata = facts(tmp_path / "a.cbf")
    assert metadata["wavelength"] == pytest.approx(1.0332e-10)
    assert metadata["distance"] == 0.3
    assert metadata["beam_center"] == [1310.5, 1230.1]
    assert metadata["pixel_size"] == [172e-6, 172e-6]
    assert metadata["exposure_time"] == 0.995
    assert metadata["frame_time"] == 1.0
    assert metadata["threshold_energy"] == 6000
    assert metadata["saturation_value"] == 1382835
    assert metadata["timestamp"] == "2024-10-26T01:38:05.208"
    assert metadata["detector"] == "PILATUS 2M, S/N 24-0104"


def test_cbf_long_header_is_read(tmp_path, image):
    raw = cbf_bytes(image).replace(b"# Detector:", b"# Image_path: " + b"/long" * 4000 + b"\n# Detector:")
    (tmp_path / "a.cbf").write_bytes(raw)
    np.testing.assert_array_equal(first_frame(tmp_path / "a.cbf"), image)


def test_cbf_zero_beam_centre_is_not_a_fact(tmp_path, image):
    raw = cbf_bytes(image).replace(b"(1230.10, 1310.50)", b"(0.00, 0.00)").replace(b"0.30000 m", b"0.00000 m")
    (tmp_path / "a.cbf").write_bytes(raw)
    metadata = facts(tmp_path / "a.cbf")
    assert "beam_center" not in metadata
    assert "distance" not in metadata


def test_cbf_gz_is_read(tmp_path, image):
    (tmp_path / "run_1.cbf.gz").write_bytes(gzip.compress(cbf_bytes(image)))
    with open_frames(tmp_path / "run_1.cbf.gz") as frames:
        assert frames.label(0) == "run_1"
        np.testing.assert_array_equal(frames.read(0), image)


def test_cbf_uncompressed_section_is_read(tmp_path, image):
    kind = 'application/octet-stream; conversions="x-CBF_NONE"'
    (tmp_path / "a.cbf").write_bytes(cbf_bytes(image, binary=image.tobytes(), Content_Type=kind))
    np.testing.assert_array_equal(first_frame(tmp_path / "a.cbf"), image)


def test_cbf_several_sections_are_a_stack(tmp_path, image):
    first = cbf_bytes(image)
    second = cbf_bytes(image + 5)
    (tmp_path / "a.cbf").write_bytes(first + second)
    with open_frames(tmp_path / "a.cbf") as frames:
        assert len(frames) == 2
        np.testing.assert_array_equal(frames.read(1), image + 5)
    (tmp_path / "a.cbf.gz").write_bytes(gzip.compress(first + second))
    with pytest.raises(FileFormatError, match="several images in a compressed file"):
        first_frame(tmp_path / "a.cbf.gz")


def test_cbf_without_digest_is_read(tmp_path, image):
    (tmp_path / "a.cbf").write_bytes(cbf_bytes(image, Content_MD5=None))
    np.testing.assert_array_equal(first_frame(tmp_path / "a.cbf"), image)


def test_cbf_changed_byte_is_caught_by_the_digest(tmp_path, image):
    raw = bytearray(cbf_bytes(image))
    raw[raw.index(b"\x0c\x1a\x04\xd5") + 100] ^= 1
    (tmp_path / "a.cbf").write_bytes(raw)
    with pytest.raises(FileFormatError, match="do not match the Content-MD5"):
        first_frame(tmp_path / "a.cbf")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X_Binary_Size_Fastest_Dimension": 23}, "expected 460 pixels, the compressed data hold 480"),
        ({"X_Binary_Size_Fastest_Dimension": 0}, "positive image dimensions"),
        ({"X_Binary_Size_Fastest_Dimension": -3}, "expected a non-negative integer, got '-3'"),
        ({"X_Binary_Size_Fastest_Dimension": 10**14}, "the header claims"),
        ({"X_Binary_Size_Fastest_Dimension": None}, "expected a non-negative integer, got ''"),
        ({"X_Binary_Size_Second_Dimension": 10**6}, "need at least"),
        ({"X_Binary_Size": 10**9}, "binary section 0: expected 1000000000 bytes at position"),
        ({"X_Binary_Size_Third_Dimension": 4}, "three-dimensional"),
        ({"X_Binary_Element_Type": '"complex"'}, "element type 'complex'"),
        ({"Content_MD5": "AAAA"}, "Content-MD5: expected 16 bytes"),
        ({"Content_Type": 'x; conversions="x-CBF_PACKED"'}, "compression 'x-cbf_packed' is not supported"),
    ],
)
def test_cbf_unusable_header_is_refused(tmp_path, image, changes, message):
    (tmp_path / "a.cbf").write_bytes(cbf_bytes(image, **changes))
    with pytest.raises(FileFormatError, match=message):
        first_frame(tmp_path / "a.cbf")


@pytest.mark.parametrize("keep", [0, 5, 100, 600, 1300])
def test_cbf_truncated_file_says_so(tmp_path, image, keep):
    (tmp_path / "a.cbf").write_bytes(cbf_bytes(image)[:keep])
    with pytest.raises(FileFormatError, match=r"a\.cbf"):
        first_frame(tmp_path / "a.cbf")


@given(st.lists(st.one_of(st.integers(-140, 140), st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=200))
def test_decode_byte_offset_encoded_pixels_come_back(values):
    out = np.empty(len(values), np.int32)
    decode_byte_offset(encode(values), out)
    np.testing.assert_array_equal(out, values)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=50))
def test_decode_byte_offset_wide_pixels_come_back(values):
    out = np.empty(len(values), np.int64)
    decode_byte_offset(encode(values), out)
    np.testing.assert_array_equal(out, values)


@given(st.lists(st.sampled_from([0x80, 0x00, 0x7F, 0xFF, 0x01]), min_size=1, max_size=120))
def test_decode_byte_offset_any_bytes_equal_the_definition(raw):
    expected = decode_one_by_one(bytes(raw))
    out = np.empty(len(raw) if expected is None else len(expected), np.int64)
    if expected is None:
        with pytest.raises(FileFormatError):
            decode_byte_offset(bytes(raw), out)
    else:
        decode_byte_offset(bytes(raw), out)
        assert [int(value) for value in out] == [((value + 2**63) % 2**64) - 2**63 for value in expected]
