# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""PONI files of calibrations: what is recorded, that other programs read it, and what comes back."""

import re
from dataclasses import replace

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.radial_uncertainty import radial_uncertainty
from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.io import load_covariance
from azimuthal.io.geometry_files import read_poni
from azimuthal.pipelines.simulate import CEO2_CELL_EDGE, PowderSettings, expected_image


@pytest.fixture(scope="module")
def scene():
    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(256, 240)).with_sensor("CdTe", 1e-3)
    truth = az.Instrument(detector, az.Pose(0.25, 0.052, 0.047, 0.03, -0.05), az.Beam(3e-11))
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    frame = np.random.default_rng(1).poisson(expected_image(truth, look)).astype(np.int32)
    rings = az.Calibrant.from_d_spacings(CEO2_CELL_EDGE / np.sqrt((3, 4, 8, 11, 12, 16, 19, 20, 24, 27)), name="CeO2")
    return truth, frame, rings


def calibrated(scene, *, parallax=None, orientation=3):
    truth, frame, rings = scene
    start = truth.replace(detector=truth.detector.with_orientation(orientation), parallax=parallax)
    return az.recalibrate(frame if orientation == 3 else frame[::-1], start, rings).with_image("CeO2.tif")


@pytest.fixture(scope="module")
def found(scene):
    return calibrated(scene)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("parallax", "orientation", "version"), [(None, 3, 2.1), (True, 3, 3.0), (None, 2, 2.1)])
def test_both_versions_are_read_by_pyfai_with_the_same_angles(scene, tmp_path, parallax, orientation, version):
    pyfai = pytest.importorskip("pyFAI")
    found = calibrated(scene, parallax=parallax, orientation=orientation)
    path = tmp_path / "a.poni"
    found.save(path)
    record = read_poni(path)
    assert (record.version, record.parallax, record.orientation) == (version, bool(parallax), orientation)
    assert record.detector_config["sensor"] == {"material": "CdTe", "thickness": 0.001}
    assert (record.calibrant, record.image) == ("CeO2", "CeO2.tif")
    theirs = pyfai.load(str(path))
    pose = found.instrument.pose
    assert [getattr(theirs, name) for name in ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")] == [
        getattr(pose, name) for name in ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")
    ]
    assert theirs.wavelength == found.instrument.wavelength
    assert theirs.detector.shape == (256, 240)
    assert bool(theirs.parallax) is bool(parallax)
    assert theirs.detector.sensor.material.name == "CdTe"
    assert theirs.detector.sensor.thickness == 1e-3
    points = found.control_points.select(slice(None, None, 20))
    ours = Cells(found.instrument, points.slow, points.fast).angles(points.slow, points.fast)[0]
    # with parallax theirs follows a ray through the sensor with numbers of its own
    np.testing.assert_allclose(theirs.tth(points.slow, points.fast), ours, atol=2e-5 if parallax else 1e-12)
    assert az.load(path, shape=(256, 240)).instrument == found.instrument


def test_covariance_comes_back(found, tmp_path):
    found.save(tmp_path / "a.poni")
    covariance = load_covariance(tmp_path / "a.poni")
    np.testing.assert_allclose(covariance, found.covariance, rtol=1e-8)
    np.testing.assert_array_equal(covariance, covariance.T)
    ai = az.load(tmp_path / "a.poni", shape=(256, 240))
    q = np.array([15.0, 25.0, 35.0])
    from_file = radial_uncertainty(ai.instrument, covariance, "q_nm^-1", q)
    np.testing.assert_allclose(from_file, found.radial_uncertainty("q_nm^-1", q), rtol=1e-5)


def test_infinite_variance_comes_back(scene, tmp_path):
    truth, frame, rings = scene
    found = az.recalibrate(frame, truth, rings, fix=("wavelength",))
    found.save(tmp_path / "a.poni")
    covariance = load_covariance(tmp_path / "a.poni")
    assert covariance[5, 5] == np.inf
    np.testing.assert_allclose(covariance, found.covariance, rtol=1e-8)


def test_names_cannot_add_lines_to_the_file(found, tmp_path):
    evil = "CeO2.tif\nDistance: 9\n# Calibrant: gold"
    replace(found, image=evil, calibrant="Ce\nWavelength: 1\nO2").save(tmp_path / "a.poni")
    record = read_poni(tmp_path / "a.poni")
    assert record.pose == found.instrument.pose
    assert record.wavelength == found.instrument.wavelength
    assert record.image == "CeO2.tif Distance: 9 # Calibrant: gold"
    assert record.calibrant == "Ce Wavelength: 1 O2"


def test_file_says_how_good_it_is(found, tmp_path):
    found.save(tmp_path / "a.poni")
    comments = read_poni(tmp_path / "a.poni").comments
    assert comments[0] == "Verdict: good"
    assert comments[1].startswith("Standard errors (m, rad): dist ")
    assert re.fullmatch(
        r"Points: \d{2,} on \d+ rings, rings off by 0\.0\d\d pixel \(median\), two theta known to 0\.0\d\d pixel",
        comments[2],
    )


def test_files_without_covariance_are_said(found, tmp_path):
    az.save_geometry(found.instrument, tmp_path / "plain.poni")
    with pytest.raises(FileFormatError, match="no covariance"):
        load_covariance(tmp_path / "plain.poni")
    with pytest.raises(FileMissingError):
        load_covariance(tmp_path / "absent.poni")
    found.save(tmp_path / "a.poni")
    text = (tmp_path / "a.poni").read_text()
    for old, new in ((" 0 0 0", " 0 zero 0"), (" 0 0 0", " 0 0")):
        (tmp_path / "b.poni").write_text(text.replace(old, new, 1))
        with pytest.raises(FileFormatError, match="expected"):
            load_covariance(tmp_path / "b.poni")
