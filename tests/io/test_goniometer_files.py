# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Goniometer files: pyFAI's own, both ways, to the last digits; what pyFAI would misread is refused."""

import json
import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import PARAMETERS, Goniometer
from azimuthal.errors import FileFormatError, FileMissingError, GeometryFileWarning, UnsupportedOptionError
from azimuthal.io.goniometer_files import load_goniometer, read_goniometer_facts, save_goniometer
from azimuthal.testing.shared_data import shared_path

POSE = {
    "dist": "dist",
    "poni1": "poni1",
    "poni2": "0.04",
    "rot1": "offset + scale * tth * pi / 180",
    "rot2": "0",
    "rot3": "0",
}


def record(**changes):
    """Return a small file of version 2."""
    function = {
        "content": "GeometryTransformation",
        "param_names": ["dist", "poni1", "offset", "scale"],
        "pos_names": ["tth"],
        **{f"{name}_expr": text for name, text in POSE.items()},
        "constants": {"pi": math.pi},
    }
    function.update(changes.pop("function", {}))
    return {
        "content": "Goniometer calibration v2",
        "detector": "Pilatus 100k",
        "detector_config": {"orientation": 3},
        "wavelength": 1e-10,
        "param": [0.5, 0.016, 0.01, -1.0],
        "param_names": ["dist", "poni1", "offset", "scale"],
        "pos_names": ["tth"],
        "trans_function": function,
        **changes,
    }


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "goniometer.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return written


def pose_of(instrument):
    values = [getattr(instrument.pose, name) for name in PARAMETERS[:6]]
    return np.array([*values, (instrument.wavelength or np.nan) * 1e10])


def pyfai_pose(goniometer, position):
    ai = goniometer.get_ai(position)
    return np.array([ai.dist, ai.poni1, ai.poni2, ai.rot1, ai.rot2, ai.rot3, ai.wavelength * 1e10])


def test_small_file_is_read(write):
    found = load_goniometer(write(record()))
    assert found.motors == ("tth",)
    assert dict(found.parameters) == {"dist": 0.5, "poni1": 0.016, "offset": 0.01, "scale": -1.0}
    assert found.detector.name == "Pilatus100k" or found.detector.shape == (195, 487)
    pose = found.instrument(30.0).pose
    assert pose.rot1 == pytest.approx(0.01 - math.pi / 6, abs=1e-15)
    assert pose.poni2 == 0.04


def test_measured_goniometer_is_that_of_pyfai():
    """Version 1.1, from a beamline."""
    goniometer = pytest.importorskip("pyFAI.goniometer")
    path = shared_path("data/goniometer_lab6/ROBL_v1.json")
    theirs, ours = goniometer.Goniometer.sload(str(path)), load_goniometer(path)
    for position in (0.0, 8.4, 20.64, 39.0, -170.5):
        np.testing.assert_allclose(pose_of(ours.instrument(position)), pyfai_pose(theirs, position), rtol=1e-12, atol=0)
    assert ours.detector.shape == theirs.detector.shape


def test_two_axes_with_every_function_go_to_pyfai_and_back(tmp_path):
    goniometer = pytest.importorskip("pyFAI.goniometer")
    ours = Goniometer(
        detector=az.detector("Pilatus100k"),
        motors=("delta", "gamma"),
        parameters={"dist": 0.4, "s": 1.001, "o": 0.02, "p1": 0.017, "k": 1e-3},
        expressions={
            "dist": "dist + k * abs(sin(radians(delta)))",
            "poni1": "p1 + 1e-3 * (1/2) * cos(2*pi*gamma/360)",
            "poni2": "sqrt(p1 ** 2 + 1e-4) + k * log(2 + gamma ** 2) - k * log10(3) + k * exp(-gamma)",
            "rot1": "o - s * radians(delta) + k * tanh(gamma)",
            "rot2": "atan2(sin(radians(gamma)), cos(radians(gamma)) + k) + k * asin(0.1) - k * acos(0.2) * atan(0.3)",
            "rot3": "-deg2rad(gamma) * degrees(k) / 100 + sinh(k) * cosh(k) - tan(k)",
        },
        wavelength=7e-11,
    )
    path = tmp_path / "two.json"
    ours.save(path)
    theirs = goniometer.Goniometer.sload(str(path))
    again = load_goniometer(path)
    for position in ((0.0, 0.0), (12.5, -3.0), (-60.0, 45.0)):
        expected = pose_of(ours.instrument(position))
        np.testing.assert_allclose(pyfai_pose(theirs, position), expected, rtol=1e-12, atol=1e-17)
        np.testing.assert_allclose(pose_of(again.instrument(position)), expected, rtol=1e-13, atol=1e-17)


def test_energy_scan_is_an_extended_transformation_of_pyfai(tmp_path):
    goniometer = pytest.importorskip("pyFAI.goniometer")
    ours = Goniometer(
        detector=az.detector("Pilatus100k"),
        motors=("tth", "mono"),
        parameters={"dist": 0.4, "shift": 0.003},
        expressions={"dist": "dist", "rot1": "radians(tth)", "energy": "mono + shift"},
    )
    path = tmp_path / "energy.json"
    ours.save(path)
    assert json.loads(path.read_text())["trans_function"]["content"] == "ExtendedTransformation"
    theirs, again = goniometer.Goniometer.sload(str(path)), load_goniometer(path)
    for position in ((10.0, 12.0), (20.0, 30.5)):
        expected = pose_of(ours.instrument(position))
        np.testing.assert_allclose(pyfai_pose(theirs, position), expected, rtol=1e-12)
        np.testing.assert_allclose(pose_of(again.instrument(position)), expected, rtol=1e-12)
    assert ours.instrument((10.0, 12.0)).beam.energy == pytest.approx(12.003, rel=1e-14)


def test_extended_transformation_of_pyfai_is_read(tmp_path):
    goniometer = pytest.importorskip("pyFAI.goniometer")
    function = goniometer.ExtendedTransformation(
        dist_expr="d", poni1_expr="p1", poni2_expr="p2", rot1_expr="a*pos", wavelength_expr="hc/nrj*1e-10",
        param_names=["d", "p1", "p2", "a", "nrj"], pos_names=["pos"],
    )  # fmt: skip
    theirs = goniometer.Goniometer([0.3, 0.01, 0.02, 0.017, 20.0], function, detector="Pilatus100k")
    path = tmp_path / "extended.json"
    theirs.save(str(path))
    ours = load_goniometer(path)
    for position in (0.0, 33.3):
        np.testing.assert_allclose(pose_of(ours.instrument(position)), pyfai_pose(theirs, position), rtol=1e-12)


def test_what_a_refinement_knows_goes_to_the_file_and_back(write, tmp_path):
    start = load_goniometer(write(record()))
    known = start.replace(
        covariance=np.diag([1e-8, 0.0, 1e-10, 2e-10]), unknown=np.eye(4)[:1], covered={"tth": (5, 40)}, parallax=None
    )
    save_goniometer(known, tmp_path / "known.json", facts={"verdict": "good", "images": ["a", "b"]})
    found = load_goniometer(tmp_path / "known.json")
    np.testing.assert_array_equal(found.covariance, known.covariance)
    np.testing.assert_array_equal(found.unknown, known.unknown)
    assert found.is_covered(40)
    assert not found.is_covered(41)
    assert found.standard_errors["offset"] == pytest.approx(1e-5)
    assert read_goniometer_facts(tmp_path / "known.json") == {"verdict": "good", "images": ["a", "b"]}
    assert read_goniometer_facts(write(record())) == {}


def test_name_that_nothing_defines_is_an_error_where_pyfai_takes_nan(write):
    path = write(record(function={"rot1_expr": "offset + scal * tth"}))
    with pytest.raises(FileFormatError, match=r"goniometer.json: rot1 = .*'scal' is not known; did you mean 'scale'"):
        load_goniometer(path)
    goniometer = pytest.importorskip("pyFAI.goniometer")
    assert np.isnan(goniometer.Goniometer.sload(str(path)).get_ai(10.0).rot1)


def test_distance_without_expression_is_an_error_where_pyfai_takes_one_metre(write):
    content = record(function={"content": "ExtendedTransformation"})
    del content["trans_function"]["dist_expr"]
    with pytest.raises(FileFormatError, match="dist_expr is missing"):
        load_goniometer(write(content))


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("{", FileFormatError, "expected the JSON"),
        ("[1]", FileFormatError, "got a list"),
        (record(content="Goniometer calibration v9"), FileFormatError, "expected one of"),
        ({"content": "Goniometer calibration v2"}, FileFormatError, "trans_function is missing"),
        (record(function={"content": "MyTransformation"}), UnsupportedOptionError, "MyTransformation"),
        (record(param=[1.0, 2.0]), FileFormatError, "expected 4 numbers"),
        (record(param=[0.5, 0.016, None, 1.0]), FileFormatError, "expected a number"),
        (record(param_names=["dist", "poni1", "scale", "offset"]), FileFormatError, "contradicts"),
        (record(function={"rot1_expr": "where(tth > 0, 1, 2)"}), FileFormatError, "'where' is not known"),
        (record(function={"rot1_expr": "__import__('os')"}), FileFormatError, "rot1_expr"),
        (record(function={"constants": {"pi": 3.14}}), FileFormatError, "pi is 3.14159"),
        (record(function={"poni1_expr": None}), FileFormatError, "poni1_expr is missing"),
        (record(wavelength=1.0), FileFormatError, "expected metres"),
        (record(detector="Pilatus 100q"), FileFormatError, "did you mean"),
        (record(azimuthal={"covariance": [[1.0]]}), FileFormatError, "covariance: expected shape"),
        (record(azimuthal={"covarianse": None}), FileFormatError, "covarianse"),
    ],
)
def test_bad_files_are_refused_by_name(write, content, error, message):
    path = write(content)
    with pytest.raises(error, match=message) as caught:
        load_goniometer(path)
    assert "goniometer.json" in str(caught.value)


def test_missing_file_is_said(tmp_path):
    with pytest.raises(FileMissingError, match=r"none\.json"):
        load_goniometer(tmp_path / "none.json")


def test_what_is_not_used_is_warned_of(write):
    with pytest.warns(GeometryFileWarning, match="comment is not used"):
        load_goniometer(write(record(comment="hello")))
    content = record(function={"content": "ExtendedTransformation", "wavelength_expr": "2e-10"})
    with pytest.warns(GeometryFileWarning, match="not that of its expression"):
        assert load_goniometer(write(content)).instrument(0.0).wavelength == 2e-10


def test_detector_of_the_caller_replaces_that_of_the_file(write):
    other = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=(10, 20))
    assert load_goniometer(write(record()), detector=other).detector == other
