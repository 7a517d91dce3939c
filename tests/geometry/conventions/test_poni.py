# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import dataclasses
import importlib
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azimuthal.errors import ConversionError, FileFormatError, GeometryFileWarning, ParameterError
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.poni import PoniRecord, describe_history, format_poni, parse_poni
from azimuthal.testing.shared_data import shared_path

V1 = """# Nota: C-Order, 1 refers to the Y axis, 2 to the X axis
PixelSize1: 0.000172
PixelSize2: 0.000173
Distance: 0.1
Poni1: 0.015
Poni2: 0.04
Rot1: 0.01
Rot2: 0
Rot3: -0.02
SplineFile: None
Wavelength: 1e-10
"""
V2 = """poni_version: 2
Detector: Pilatus100k
Detector_config: {}
Distance: 0.1
Poni1: 0.015
Poni2: 0.04
Rot1: 0.01
Rot2: 0
Rot3: -0.02
Wavelength: 1e-10
"""
V21 = V2.replace("version: 2", "version: 2.1").replace("{}", '{"orientation": 3}')
V3 = V21.replace("version: 2.1", "version: 3") + "Parallax: True\n"
POSE = Pose(0.1, 0.015, 0.04, 0.01, 0.0, -0.02)

real_poni_files = [
    "ceo2_pilatus1m/CeO2_Pilatus1M.poni",
    "ceo2_pilatus1m/CeO2_Pilatus1M_2.poni",
    "swaxs_golden/SAXS.poni",
    "swaxs_golden/WAXS.poni",
    "lambda_modules/L2.poni",
    "formats/LaB6_40keV_MarCCD.poni",
    "formats/LaB6_40keV_MarCCD_new_with_orientation.poni",
    "pixium_cake/DLS_CeO2_1200mm.poni",
    "pixium_cake/DLS_CeO2_1200mm_pyFAI.poni",
    *(f"goniometer_lab6/b_toney_Lab6_thtth_rightside_scan2_00{n}.poni" for n in ("09", "23", "32", "43", "50")),
]


@pytest.fixture(scope="module")
def pyfai():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("pyFAI", exc_type=ImportError)


def load_with_pyfai(pyfai, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyfai.load(str(path))


def parse_quietly(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeometryFileWarning)
        return parse_poni(text)


@pytest.mark.parametrize(("text", "version"), [(V1, 1), (V2, 2), (V21, 2.1), (V3, 3)])
def test_parse_poni_each_version_gives_pose_and_wavelength(text, version):
    record = parse_poni(text)
    assert record.version == version
    assert record.pose == POSE
    assert record.wavelength == 1e-10


def test_parse_poni_version_1_gives_pixel_sizes_and_no_detector():
    record = parse_poni(V1)
    assert (record.pixel1, record.pixel2, record.spline) == (0.000172, 0.000173, None)
    assert record.detector_name is None
    assert record.detector_config is None
    assert record.orientation is None


def test_parse_poni_version_1_with_detector_and_spline():
    record = parse_poni("Detector: Pilatus300kw\n" + V1.replace("SplineFile: None", "SplineFile: /a/b#1.spline"))
    assert record.detector_name == "Pilatus300kw"
    assert record.spline == "/a/b#1.spline"


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: text.replace("Distance", "dist"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("Distance: 0.1", "  Distance :0.1   # m"),
    ],
)
def test_parse_poni_spelling_of_lines_does_not_matter(change):
    assert parse_poni(change(V1)).pose == POSE


def test_parse_poni_content_raises_the_version():
    assert parse_poni(V21.replace("poni_version: 2.1\n", "")).version == 2.1
    assert parse_poni(V2.replace("poni_version: 2\n", "")).version == 2
    assert parse_poni(V3.replace("poni_version: 3\n", "")).version == 3


def test_parse_poni_appended_block_last_one_wins():
    record = parse_poni(V1 + V1.replace("0.015", "0.016"))
    assert record.pose == POSE.replace(poni1=0.016)


def test_parse_poni_appended_block_without_wavelength_warns_that_the_older_is_used():
    last = V1.replace("Wavelength: 1e-10\n", "")
    with pytest.warns(GeometryFileWarning, match=r"line 11: wavelength: taken from an earlier block \('1e-10'\)"):
        assert parse_poni(V1 + last).wavelength == 1e-10


def test_parse_poni_single_line_appended_by_hand_overrides_silently():
    record = parse_poni(V1 + "Wavelength: 2e-10\n")
    assert record.wavelength == 2e-10
    assert record.pose == POSE


def test_parse_poni_comments_calibrant_and_image_are_kept():
    record = parse_poni(V1 + "# Calibrant: LaB6\n# Image: /data/a#1: b.cbf\n# my own remark\n")
    assert (record.calibrant, record.image) == ("LaB6", "/data/a#1: b.cbf")
    assert record.comments == ("Nota: C-Order, 1 refers to the Y axis, 2 to the X axis", "my own remark")


def test_parse_poni_wavelength_absent_or_none_is_none():
    assert parse_poni(V1.replace("Wavelength: 1e-10\n", "")).wavelength is None
    assert parse_poni(V1.replace("1e-10", "None")).wavelength is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        (" \n\n", "empty file"),
        ("\x89HDF\x00", "binary"),
        ("# only comments\n", "'distance'.*missing; found nothing"),
        (V1.replace("Rot2: 0\n", ""), "'rot2'.*missing"),
        (
            V1.replace("Poni1: 0.015", "Poni1: nan"),
            r"geo.poni, line 5: poni1: expected a finite number in m, got 'nan'",
        ),
        (V1.replace("Poni1: 0.015", "Poni1: inf"), "line 5: poni1: expected a finite number"),
        (
            V1.replace("Poni1: 0.015", "Poni1: 0,015"),
            "line 5: poni1: expected a finite number in m, got '0,015'",
        ),
        (V1.replace("Distance: 0.1", "Distance: None"), "line 4: distance: expected a number|finite number"),
        (V1.replace("Distance: 0.1", "Distance: 0"), "line 4: distance: expected a number greater than 0"),
        (V1.replace("1e-10", "-1e-10"), "line 11: wavelength: expected a number greater than 0"),
        (
            V21.replace('{"orientation": 3}', '{"orientation": 3'),
            "line 3: detector_config: expected a JSON object",
        ),
        (V21.replace('{"orientation": 3}', "[3]"), "line 3: detector_config: expected a JSON object"),
        (
            V21.replace('"orientation": 3', '"orientation": 6'),
            "line 3: detector_config: orientation: 6 transposes",
        ),
        (V21.replace('"orientation": 3', '"orientation": 9'), "orientation: expected 1, 2, 3 or 4, got 9"),
        (V21.replace("version: 2.1", "version: 3.1"), "line 1: poni_version: version 3.1 is newer than 3"),
        (V21.replace("version: 2.1", "version: 2.05"), "expected 1, 2, 2.1 or 3"),
        (V21.replace("version: 2.1", "version: two"), "line 1: poni_version"),
        (V21.replace("Detector: Pilatus100k\n", ""), "'Detector' is missing"),
        (V3.replace("True", "perhaps"), "parallax: expected True or False"),
        (V21.replace('"orient', '"pixel1": 1e-4, "orient') + "PixelSize1: 2e-4\n", "PixelSize1 is 0.0002 m"),
    ],
)
def test_parse_poni_malformed_raises_naming_place(text, message):
    with pytest.raises(FileFormatError, match=message):
        parse_poni(text, source="geo.poni")


def test_parse_poni_unknown_key_warns_by_name_and_line():
    with pytest.warns(GeometryFileWarning, match=r"geo.poni, line 12: key: 'wavelenght'.*'wavelength'"):
        parse_poni(V1 + "Wavelenght: 2e-10\n", source="geo.poni")


def test_parse_poni_line_without_key_warns():
    with pytest.warns(GeometryFileWarning, match=r"line 12: expected 'key: value', got 'Rot4 0'"):
        parse_poni(V1 + "Rot4 0\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (V2.replace("Detector_config: {}\n", ""), "requires Detector_config"),
        (V21.replace('"orientation": 3', ""), "requires the orientation"),
        (V3.replace("Parallax: True\n", ""), "requires Parallax"),
    ],
)
def test_parse_poni_incomplete_for_its_version_warns(text, message):
    with pytest.warns(GeometryFileWarning, match=message):
        parse_poni(text)


def test_parse_poni_ordinary_old_file_does_not_cry_wolf():
    parse_poni(V1)  # a warning would fail the test
    parse_poni(V2)


def test_describe_history_without_orientation_speaks_of_dioptas():
    (text,) = describe_history(parse_poni(V2))
    assert "no orientation recorded (PONI version 2)" in text
    assert "orientation=2" in text


def test_describe_history_native_orientation_says_nothing():
    assert describe_history(parse_poni(V21)) == ()


def test_parse_poni_orientation_2_warns_in_words():
    with pytest.warns(GeometryFileWarning, match=r"orientation 2 \(top right\).*pyFAI before 2026.*known ring"):
        record = parse_poni(V21.replace("3}", "2}"))
    assert record.orientation == 2


def test_parse_poni_orientation_0_means_native():
    assert parse_poni(V21.replace("3}", "0}")).orientation == 3


@given(
    pose=st.builds(
        Pose,
        dist=st.floats(1e-3, 100),
        poni1=st.floats(-10, 10),
        poni2=st.floats(-10, 10),
        rot1=st.floats(-4, 4),
        rot2=st.floats(-4, 4),
        rot3=st.floats(-4, 4),
    ),
    wavelength=st.none() | st.floats(1e-12, 1e-7),
    parallax=st.booleans(),
    orientation=st.integers(1, 4),
    calibrant=st.none() | st.just("CeO2"),
)
def test_poni_round_trip_is_exact(pose, wavelength, parallax, orientation, calibrant):
    record = PoniRecord(
        pose=pose,
        version=3 if parallax else 2.1,
        wavelength=wavelength,
        detector_name="Pilatus1M",
        detector_config={"orientation": orientation},
        parallax=parallax,
        comments=("a remark",),
        calibrant=calibrant,
        image="a: b.cbf",
    )
    assert parse_quietly(format_poni(record)) == record


def test_format_poni_of_version_1_is_version_2_1_generic_detector():
    text = format_poni(parse_poni(V1))
    assert "poni_version: 2.1\n" in text
    record = parse_poni(text)
    assert record.detector_name == "Detector"
    assert record.detector_config == {"pixel1": 0.000172, "pixel2": 0.000173, "orientation": 3}
    assert record.pose == POSE


def test_format_poni_without_detector_and_pixel_size_raises():
    with pytest.raises(ConversionError, match="detector name, or both pixel sizes"):
        format_poni(PoniRecord(pose=POSE))


def test_poni_record_unknown_version_raises():
    with pytest.raises(ParameterError, match="version"):
        PoniRecord(pose=POSE, version=4)


@pytest.mark.parametrize("name", real_poni_files)
def test_real_poni_is_read_as_pyfai_reads_it(name, pyfai):
    path = shared_path(f"data/{name}")
    record = parse_quietly(path.read_text())
    theirs = load_with_pyfai(pyfai, path)
    for parameter in ("dist", "poni1", "poni2", "rot1", "rot2", "rot3"):
        assert getattr(record.pose, parameter) == getattr(theirs, parameter)
    assert record.wavelength == theirs.wavelength
    assert (record.orientation or 3) == (int(theirs.detector.orientation) or 3)


@pytest.mark.parametrize("name", real_poni_files)
def test_real_poni_rewritten_by_us_is_read_by_pyfai_identically(name, pyfai, tmp_path):
    path = shared_path(f"data/{name}")
    ours = tmp_path / "ours.poni"
    ours.write_text(format_poni(parse_quietly(path.read_text())))
    before, after = load_with_pyfai(pyfai, path), load_with_pyfai(pyfai, ours)
    shape = (11, 13)
    np.testing.assert_array_equal(after.position_array(shape), before.position_array(shape))
    assert after.wavelength == before.wavelength


def test_real_poni_multi_block_file_takes_the_last_block():
    record = parse_poni(shared_path("data/formats/LaB6_40keV_MarCCD.poni").read_text())
    assert record.pose.dist == 0.196711580484
    assert record.pose.rot3 == 1.68707221612e-06


def test_real_poni_calibrant_and_image_are_kept():
    record = parse_poni(shared_path("data/swaxs_golden/SAXS.poni").read_text())
    assert record.calibrant == "AgBh"
    assert record.image.startswith("fabio:///Users/")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    pose=st.builds(
        Pose,
        dist=st.floats(0.01, 3),
        poni1=st.floats(-0.3, 0.3),
        poni2=st.floats(-0.3, 0.3),
        rot1=st.floats(-1, 1),
        rot2=st.floats(-1, 1),
        rot3=st.floats(-3, 3),
    ),
    orientation=st.integers(1, 4),
    parallax=st.booleans(),
)
def test_poni_written_by_us_is_read_by_pyfai_with_equal_positions(pose, orientation, parallax, pyfai, tmp_path):
    shape, pixel = (5, 7), 1.72e-4
    config = {"pixel1": pixel, "pixel2": pixel, "max_shape": list(shape), "orientation": orientation}
    config["sensor"] = {"material": "Si", "thickness": 0.00045}
    path = tmp_path / "ours.poni"
    path.write_text(format_poni(PoniRecord(pose, 2.1, 1e-10, "Detector", config, parallax=parallax, calibrant="LaB6")))
    theirs = load_with_pyfai(pyfai, path)
    z, y, x = np.moveaxis(theirs.position_array(shape, do_parallax=False), -1, 0)
    slow, fast = (np.arange(n) + 0.5 for n in shape)
    slow = slow[::-1] if orientation in (1, 2) else slow
    fast = fast[::-1] if orientation in (1, 4) else fast
    grid = np.stack((*np.meshgrid(slow * pixel, fast * pixel, indexing="ij"), np.zeros(shape)), axis=-1)
    np.testing.assert_allclose(pose.lab_from_detector(grid), np.stack((y, x, z), axis=-1), rtol=0, atol=1e-12)


def test_poni_written_by_pyfai_is_read_by_us(pyfai, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = importlib.import_module("pyFAI.geometry").Geometry(
            0.2, 0.05, 0.06, 0.1, -0.2, 0.3, detector=pyfai.detector_factory("Eiger2_4M"), wavelength=0.7e-10
        )
        path = tmp_path / "theirs.poni"
        theirs.save(str(path))
        theirs.set_dist(0.25)
        theirs.save(str(path))  # appends
    record = parse_poni(path.read_text(), source=str(path))
    assert record.pose == Pose(0.25, 0.05, 0.06, 0.1, -0.2, 0.3)
    assert record.detector_name == "Eiger2_4M"
    assert record.orientation == 3
    assert dataclasses.replace(record, comments=()).wavelength == 0.7e-10
