# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Recipes of calibrations: complete, checked, and the same numbers bit for bit when they are run again."""

import dataclasses
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import RingSettings
from azimuthal.errors import AzimuthalError, DataTypeError, OutputExistsError, ParameterError, UnknownNameError
from azimuthal.pipelines.calibration_recipe import (
    CALIBRATION_KEY,
    CalibrationSettings,
    calibration_document,
    calibration_settings,
    write_calibration_recipe,
)
from azimuthal.pipelines.calibration_run import run_calibration
from azimuthal.pipelines.recipe import read_document
from azimuthal.pipelines.simulate import PowderSettings, expected_image

FULL = CalibrationSettings(
    image="data/image.tif", calibrant="CeO2 + mine.cif", geometry="start.poni", wavelength=3e-11,
    masks=("a.edf", "b.npy"), fix=("rot3",), bounds={"dist": (0.1, 0.3)}, loss="huber", outliers=None,
    rings=RingSettings(search=8.0, saturation=65000, max_rings=7), output="good.poni", points="a.npt", report="a.html",
)  # fmt: skip
LEAST = {CALIBRATION_KEY: 1, "input": {"image": "a.tif"}, "start": {"geometry": "a.poni"}, "calibrant": {"name": "Si"}}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """An image of CeO2, a rough geometry and a mask."""
    monkeypatch.chdir(tmp_path)
    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(256, 240))
    truth = az.Instrument(detector, az.Pose(0.25, 0.052, 0.047, 0.03, -0.05), az.Beam(3e-11))
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    np.save("image.npy", np.random.default_rng(1).poisson(expected_image(truth, look)).astype(np.int32))
    az.save_geometry(truth.replace(pose=truth.pose.replace(dist=0.251, poni1=0.053)), "start.poni")
    np.save("mask.npy", np.zeros((256, 240), dtype=bool))
    return CalibrationSettings(
        image="image.npy", calibrant="CeO2", geometry="start.poni", masks=("mask.npy",), output="good.poni"
    )


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_settings_round_trip_through_a_file_elsewhere(tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    path = write_calibration_recipe(FULL, Path("recipes") / f"r{suffix}")
    document = read_document(path)
    assert document["input"]["image"] == "../data/image.tif"
    assert document["calibrant"]["name"] == "CeO2 + ../mine.cif"
    again = calibration_settings(document, folder="recipes")
    assert Path(again.image).resolve() == (tmp_path / "data/image.tif").resolve()
    monkeypatch.chdir(tmp_path / "recipes")
    here = calibration_settings(read_document(f"r{suffix}"))
    assert here == dataclasses.replace(
        FULL, image="../data/image.tif", calibrant="CeO2 + ../mine.cif", geometry="../start.poni",
        masks=("../a.edf", "../b.npy"), output="../good.poni", points="../a.npt", report="../a.html",
    )  # fmt: skip


def test_document_is_complete_and_absolute_without_a_folder():
    document = calibration_document(CalibrationSettings(image="a.tif", calibrant="Si", geometry="a.poni"))
    assert document["refinement"] == {
        "fix": ["rot3", "wavelength"],
        "loss": "soft_l1",
        "outliers": 5.0,
        "accuracy": 0.1,
    }
    assert document["rings"] == {
        "search": 12.0, "separation": 6.0, "arc": 10.0, "max_sectors": 360, "significance": 4.0
    }  # fmt: skip
    assert Path(document["input"]["image"]).is_absolute()
    assert calibration_settings(LEAST) == CalibrationSettings(image="a.tif", calibrant="Si", geometry="a.poni")


def test_range_of_wavelengths_is_kept(tmp_path):
    settings = CalibrationSettings(image="a.tif", calibrant="Si", detector="Pilatus1M", wavelength=(3e-11, 6e-11))
    again = calibration_settings(read_document(write_calibration_recipe(settings, tmp_path / "r.toml")))
    assert again.wavelength == (3e-11, 6e-11)


def changed(section, **values):
    return {**LEAST, section: {**LEAST.get(section, {}), **values}}


@pytest.mark.parametrize(
    ("document", "error", "message"),
    [
        ({}, ParameterError, "first line"),
        ({**LEAST, CALIBRATION_KEY: 2}, ParameterError, "newer azimuthal"),
        ({**LEAST, CALIBRATION_KEY: True}, ParameterError, "first line"),
        ({**LEAST, "ring": {}}, UnknownNameError, "rings"),
        ({**LEAST, "rings": 3}, DataTypeError, "table"),
        (changed("rings", serch=3.0), UnknownNameError, "search"),
        (changed("rings", search="3"), DataTypeError, "a number"),
        (changed("rings", max_rings=True), DataTypeError, "an integer"),
        (changed("rings", search=-1.0), ParameterError, "search"),
        (changed("input", masks="a.edf"), DataTypeError, "list of paths"),
        (changed("refinement", fix=["tilt"]), UnknownNameError, "tilt"),
        (changed("refinement", bounds={"dist": [1]}), DataTypeError, "pairs"),
        (changed("refinement", bounds={"distance": [1, 2]}), UnknownNameError, "dist"),
        (changed("refinement", loss="huge"), UnknownNameError, "huber"),
        (changed("refinement", outliers="all"), DataTypeError, "none"),
        (changed("start", detector="Pilatus1M"), ParameterError, "either geometry or detector"),
        (changed("start", orientation=2), ParameterError, "no meaning"),
        ({**LEAST, "start": {}}, ParameterError, "either geometry or detector"),
        ({**LEAST, "start": {"detector": "Pilatus1M"}}, ParameterError, "wavelength"),
        ({**LEAST, "calibrant": {}}, ParameterError, r"\[calibrant\] name"),
        ({**LEAST, "calibrant": {"name": "Si", "wavelength": [3e-11, 6e-11]}}, ParameterError, "beside a geometry"),
        ({**LEAST, "calibrant": {"name": "Si", "wavelength": [3e-11]}}, DataTypeError, "two of them"),
        ({**LEAST, "input": {}}, ParameterError, r"\[input\] image"),
        ({**LEAST, "found": {"verdict": "good"}}, ParameterError, "image"),
        ({**LEAST, "found": {"verdikt": "good"}}, UnknownNameError, "verdict"),
    ],
)
def test_wrong_documents_are_refused_by_name(document, error, message):
    with pytest.raises(error, match=message):
        calibration_settings(document, source="r.toml")


def test_second_run_gives_the_same_numbers_bit_for_bit(files, tmp_path):
    first = run_calibration(files)
    assert not first.compared
    assert first.calibration.verdict == "good"
    write_calibration_recipe(first.settings, "r.toml")
    settings = calibration_settings(read_document("r.toml"))
    with pytest.raises(OutputExistsError):
        run_calibration(settings)
    second = run_calibration(settings, force=True)
    assert second.compared
    assert second.differences == ()
    assert second.calibration.refinement.values == first.calibration.refinement.values
    np.testing.assert_array_equal(second.calibration.covariance, first.calibration.covariance)
    assert second.settings.found == first.settings.found
    record = tomllib.loads(Path("r.toml").read_text())["found"]
    assert record["parameters"] == first.calibration.refinement.values
    assert set(record["inputs"]) == {"geometry", "mask"}
    assert set(record["outputs"]) == {"geometry"}


def test_other_numbers_are_said(files):
    first = run_calibration(files)
    record = dict(first.settings.found)
    record["parameters"] = {**record["parameters"], "dist": 0.25}
    record["verdict"] = "doubtful"
    second = run_calibration(dataclasses.replace(first.settings, found=record), force=True)
    assert len(second.differences) == 2
    assert "dist: was 0.25 and is" in second.differences[1]


@pytest.mark.parametrize("name", ["image", "geometry", "mask"])
def test_files_that_changed_are_an_error_and_nothing_is_written(files, name):
    first = run_calibration(files)
    settings = dataclasses.replace(first.settings, output="new.poni")
    if name == "image":
        np.save("image.npy", np.load("image.npy") + 1)
    elif name == "geometry":
        Path("start.poni").write_text(Path("start.poni").read_text() + "\n")
    else:
        np.save("mask.npy", np.eye(256, 240) > 0)
    with pytest.raises(ParameterError, match=name):
        run_calibration(settings)
    assert not Path("new.poni").exists()
    assert run_calibration(dataclasses.replace(settings, found=None)).calibration.verdict == "good"


def test_failed_calibration_writes_the_report_only(files, monkeypatch):
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: ())
    np.save("image.npy", np.zeros((256, 240)))
    done = run_calibration(dataclasses.replace(files, points="a.npt", report="a.html"))
    assert done.calibration.verdict == "failed"
    assert set(done.written) == {"report"}
    assert not Path("good.poni").exists()
    assert not Path("a.npt").exists()
    assert done.settings.found["parameters"] == {}


def test_report_says_where_everything_comes_from(files, monkeypatch):
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: ())
    from azimuthal.io import load_calibration_report

    run_calibration(dataclasses.replace(files, report="a.html"))
    data = load_calibration_report("a.html")
    assert [one["role"] for one in data["inputs"]] == ["image", "geometry", "mask"]
    assert data["inputs"][1]["blake2b"]
    assert data["settings"]["started from"] == "start.poni"
    assert json.loads(json.dumps(data)) == data


def test_calibration_from_scratch_is_a_recipe_too(tmp_path, monkeypatch):
    from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image

    monkeypatch.chdir(tmp_path)
    truth = az.Instrument(az.detector("Pilatus100k"), az.Pose(0.08, 0.016, 0.04, 0.1, -0.05), az.Beam(5e-11))
    look = CalibrantLook(fwhm=np.radians(0.15), counts=1000.0)
    np.save("image.npy", calibrant_image(truth, az.calibrant("LaB6"), look, seed=1).image)
    settings = CalibrationSettings(image="image.npy", calibrant="LaB6", detector="Pilatus100k", wavelength=5e-11)
    first = run_calibration(settings)
    assert first.calibration.verdict != "failed", first.calibration.summary()
    assert first.calibration.instrument.pose.dist == pytest.approx(0.08, rel=1e-3)
    write_calibration_recipe(first.settings, "r.toml")
    second = run_calibration(calibration_settings(read_document("r.toml")))
    assert second.compared
    assert second.differences == ()
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: ())
    np.save("image.npy", np.zeros(truth.detector.shape))
    nothing = run_calibration(dataclasses.replace(settings, report="failed.html"))
    assert nothing.calibration.verdict == "failed"
    assert Path("failed.html").exists()


def test_recipe_on_the_page_is_one():
    page = Path(__file__).parents[2] / "docs/how-to/validate-a-calibration.md"
    text = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    settings = calibration_settings(tomllib.loads(text))
    assert settings.outputs == {"geometry": "good.poni", "report": "CeO2.html"}


def test_every_wrong_value_is_an_error_of_ours():
    """Any JSON value in any place: refused by name, or taken; never another exception."""
    values = [None, True, 1, -1.5, "", "x", [], [1], ["a"], {}, {"a": 1}, float("nan")]
    document = calibration_document(FULL, folder=".")
    for section in list(document)[1:]:
        for name in document[section]:
            for value in values:
                try:
                    calibration_settings({**document, section: {**document[section], name: value}})
                except AzimuthalError as error:
                    assert name in str(error) or section in str(error)  # noqa: PT017
