# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal goniometer``: exit codes are the verdict, images are accounted for, positions come from where they are."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import Goniometer
from azimuthal.errors import FileFormatError, ParameterError, UnknownNameError
from azimuthal.io.motor_positions import positions_from_frames, positions_from_table
from azimuthal.pipelines.simulate import PowderSettings, expected_image

DETECTOR = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(160, 150))
AT_ZERO = az.Instrument(DETECTOR, az.Pose(0.25, 0.032, 0.03, 0.03, -0.02, 0.01), az.Beam(3e-11))
TRUTH = Goniometer.arm(AT_ZERO, "tth", direction=-1)
START = TRUTH.with_parameters(dist=0.2505, rot1=0.0315, scale=-1.004)
ANGLES = (4.0, 7.0, 10.0, 13.0, 16.0, 20.0)
NAMES = tuple(f"scan_{number:03d}.npy" for number in range(1, 7))


@pytest.fixture(scope="module")
def images():
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    rng = np.random.default_rng(1)
    return [rng.poisson(expected_image(TRUTH.instrument(tth), look)).astype(np.int32) for tth in ANGLES]


@pytest.fixture
def files(folder, images):
    """Images of CeO2 at six angles, a table and a rough model."""
    for name, image in zip(NAMES, images, strict=True):
        np.save(name, image)
    rows = [f"{name}, {tth}, 0.5" for name, tth in zip(NAMES, ANGLES, strict=True)]
    Path("positions.csv").write_text("# image, tth, monitor\n" + "\n".join(rows) + "\n")
    START.save("start.json")


COMMAND = ("goniometer", "refine", *NAMES, "--model", "start.json", "--calibrant", "CeO2")


def test_good_images_are_refined_and_written(run, files):
    outcome = run(*COMMAND, "--positions", "positions.csv", "-o", "good.json", "--points", "points")
    assert outcome.code == 0, outcome
    assert "verdict: good" in outcome.out
    assert "6 of 6 images" in outcome.out
    found = az.load_goniometer("good.json")
    for name, value in TRUTH.parameters.items():
        assert abs(found.parameters[name] - value) < 5 * found.standard_errors[name], name
    assert found.two_theta_error(16.0) < 0.15
    assert len(list(Path("points").glob("*.npt"))) == 6
    assert json.loads(Path("good.json").read_text())["azimuthal"]["facts"]["calibrant"] == "CeO2"
    shown = run("goniometer", "show", "good.json")
    assert shown.code == 0
    assert "verdict: good" in shown.out
    assert "refined for: tth from 4 to 20" in shown.out
    at = run("goniometer", "show", "good.json", "--at", "16", "-o", "at.poni")
    assert at.code == 0
    assert "two theta:     known to 0.0" in at.out
    assert az.load("at.poni", shape=(160, 150)).pose.rot1 == pytest.approx(TRUTH.instrument(16.0).pose.rot1, abs=1e-3)
    beyond = run("goniometer", "show", "good.json", "--at", "tth=60")
    assert "beyond those that it was refined on" in beyond.out


def test_arm_is_found_from_nothing(images):
    """No goniometer and no geometry: the images, the detector, the wavelength and where the motor stood."""
    options = {"positions": ANGLES[:5:2], "detector": DETECTOR, "wavelength": 3e-11}
    found = az.calibrate_goniometer(images[:5:2], None, "CeO2", **options)
    assert found.verdict == "good", found.summary()
    assert found.goniometer.parameters["scale"] == pytest.approx(-1.0, abs=5e-4)
    x = DETECTOR.centers()
    for tth in ANGLES:
        t, true = (one.instrument(tth).pose.lab_from_detector(x) for one in (found.goniometer, TRUTH))
        angles = (np.arctan2(np.hypot(one[..., 0], one[..., 1]), one[..., 2]) for one in (t, true))
        assert np.abs(np.subtract(*angles)).max() * 0.25 / 4e-4 < 0.15  # pixels


def test_arm_from_nothing_says_what_it_cannot_do(images):
    empty = [np.zeros(DETECTOR.shape)] * 3
    options = {"detector": DETECTOR, "wavelength": 3e-11}
    found = az.calibrate_goniometer(empty, None, "CeO2", positions=[0, 5, 10], **options)
    assert found.verdict == "failed"
    assert "give a rough goniometer" in found.reasons[0]
    assert "not seen" in found.summary()
    with pytest.raises(ParameterError, match="two positions"):
        az.calibrate_goniometer(empty, None, "CeO2", positions=[5, 5, 5], **options)
    with pytest.raises(ParameterError, match="detector= and wavelength="):
        az.calibrate_goniometer(empty, None, "CeO2", positions=[0, 5, 10], detector=DETECTOR)
    with pytest.raises(ParameterError, match="one motor"):
        az.calibrate_goniometer(empty, None, "CeO2", positions=[0, 5, 10], motors={"a": "a", "b": "b"}, **options)
    with pytest.raises(ParameterError, match="has one already"):
        az.calibrate_goniometer(empty, START, "CeO2", positions=[0, 5, 10], detector=DETECTOR)


def test_arm_command_writes_a_model_of_a_geometry(run, folder):
    az.save_geometry(AT_ZERO.replace(detector=az.detector("Pilatus100k")), "a.poni")
    outcome = run("goniometer", "arm", "a.poni", "--motor", "delta", "--at", "10", "--direction", "-1", "-o", "m.json")
    assert outcome.code == 0, outcome
    model = az.load_goniometer("m.json")
    assert model.motors == ("delta",)
    assert model.instrument(10.0).pose.dist == pytest.approx(0.25)
    outcome = run("goniometer", "refine", "a.npy", "--calibrant", "CeO2")
    assert outcome.code == 2
    assert "goniometer arm" in outcome.err


def test_empty_images_fail_and_write_nothing(run, files):
    for name in NAMES:
        np.save(name, np.zeros((160, 150), np.int32))
    outcome = run(*COMMAND, "--positions", "positions.csv", "-o", "good.json")
    assert outcome.code == 4
    assert "no rings found" in outcome.out
    assert "nothing was written" in outcome.err
    assert not Path("good.json").exists()


def test_wrong_position_is_doubtful_and_the_image_is_named(run, files):
    text = Path("positions.csv").read_text().replace("scan_004.npy, 13.0", "scan_004.npy, 13.4")
    Path("positions.csv").write_text(text)
    outcome = run(*COMMAND, "--positions", "positions.csv", "-o", "good.json")
    assert outcome.code == 3, outcome
    assert "scan_004" in outcome.out.split("calibrant:")[0]
    assert Path("good.json").exists()


def test_wrong_wavelength_is_doubtful_for_an_arm_turns_by_what_it_says(images):
    """Distance and scale together hide it: all rings are in their places."""
    wrong = START.replace(wavelength=1.03 * 3e-11)
    found = az.calibrate_goniometer(images, wrong, "CeO2", positions=ANGLES)
    assert found.verdict == "doubtful"
    assert any("tth turns the detector by +" in reason for reason in found.reasons), found.reasons


def test_positions_come_from_the_images(run, files, images):
    with h5py.File("scan.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"], file.attrs["default"], entry.attrs["default"] = "NXentry", "entry", "data"
        data = entry.create_group("data")
        data.attrs["NX_class"], data.attrs["signal"] = "NXdata", "data"
        data["data"] = np.array(images)
        entry.create_group("instrument/positioners")["twotheta"] = np.array(ANGLES)
    arguments = ("goniometer", "refine", "scan.h5", "--model", "start.json", "--calibrant", "CeO2", "--fix", "rot3")
    outcome = run(*arguments, "--motor", "tth=twotheta")
    assert outcome.code == 0, outcome
    assert "rot3 = 0.01 (fixed)" in outcome.out
    outcome = run(*arguments)
    assert outcome.code == 2
    assert "does not tell the motor 'tth'; it tells twotheta" in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fix", "scal"], "did you mean 'scale'"),
        (["--motor", "tth"], "expected MOTOR=..."),
        (["--motor", "delta=tth"], "motors: 'delta'"),
        (["-w", "0.3", "-e", "40"], "two views"),
        (["--image-column", "picture"], "'picture' is not known"),
        (["--mask", "none.npy"], "none.npy"),
    ],
)
def test_bad_arguments_do_nothing(run, files, options, message):
    outcome = run(*COMMAND, "--positions", "positions.csv", *options)
    assert outcome.code == 2
    assert message in outcome.err


def test_output_that_exists_is_refused_before_the_work(run, files):
    Path("good.json").write_text("mine")
    outcome = run(*COMMAND, "--positions", "positions.csv", "-o", "good.json")
    assert outcome.code == 2
    assert Path("good.json").read_text() == "mine"


def test_show_asks_for_a_position_that_makes_sense(run, files):
    assert "give --at" in run("goniometer", "show", "start.json", "-o", "a.poni").err
    assert "expected a number" in run("goniometer", "show", "start.json", "--at", "far").err
    assert "'delta' is not known" in run("goniometer", "show", "start.json", "--at", "delta=3").err
    assert "given twice" in run("goniometer", "show", "start.json", "--at", "tth=3", "--at", "tth=4").err


def table(text):
    Path("table.txt").write_text(text)
    return Path("table.txt")


@pytest.mark.parametrize(
    "text",
    [
        "image,tth\nb.tif,2\na.tif,1\n",
        "# file; other; tth\nb; 9; 2\n/data/a.tif; 9; 1\n",
        "label\ttth\nb\t2\na\t1\n",
        "name tth\nb.tif 2\na.tif 1\n",
        "# name tth\nb.tif 2\na.tif 1\n",
        "tth\n1\n2\n",
    ],
)
def test_tables_of_all_kinds_are_read(folder, text):
    assert positions_from_table(table(text), {"tth": "tth"}, ["a", "b"]) == [{"tth": 1.0}, {"tth": 2.0}]


def test_scan_numbers_belong_to_the_numbers_of_the_images(folder):
    path = table("    #,   th,  tth\n    0,  2.5,    5\n   12,  3.5,    7\n")
    labels = ["scan2_0012", "scan2_0000"]
    found = positions_from_table(path, {"x": "tth", "y": "th"}, labels, image_column="#")
    assert found == [{"x": 7.0, "y": 3.5}, {"x": 5.0, "y": 2.5}]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("image,tth\na,1\n", ParameterError, "for the image b in the column 'image', got 0"),
        ("image,tth\na,1\nb,1\nb,2\n", ParameterError, "got 2"),
        ("tth\n1\n2\n3\n", ParameterError, "3 lines for 2 images"),
        ("image,tt\na,1\nb,2\n", UnknownNameError, "did you mean 'tt'"),
        ("image,tth\na,1\nb\n", FileFormatError, "line 3: expected 2 columns"),
        ("image,tth\na,1\nb,nan\n", FileFormatError, "line 3, tth: expected a number"),
        ("image,tth,tth\na,1,1\nb,1,1\n", FileFormatError, "there twice"),
        ("image,tth\n", FileFormatError, "at least one of numbers"),
    ],
)
def test_tables_that_do_not_tell_are_refused(folder, text, error, message):
    with pytest.raises(error, match=message):
        positions_from_table(table(text), {"tth": "tth"}, ["a", "b"])


def test_header_of_the_esrf_tells_motors(folder):
    for number, value in enumerate((1.5, 2.5)):
        lines = ("Dim_1 = 4", "Dim_2 = 3", "DataType = SignedInteger", "ByteOrder = LowByteFirst")
        body = "{\n" + " ;\n".join((*lines, "motor_mne = th del", f"motor_pos = 7 {value}", ""))
        header = (body + " " * (510 - len(body)) + "}\n").encode()
        Path(f"e_{number}.edf").write_bytes(header + np.zeros(12, "<i4").tobytes())
    with az.open_frames("e_*.edf") as frames:
        assert positions_from_frames(frames, {"tth": "del"}) == [{"tth": 1.5}, {"tth": 2.5}]
