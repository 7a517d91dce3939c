# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Images to calibrations without a geometry."""

import tomllib

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.calibrating import calibrated
from azimuthal.cli import main
from azimuthal.errors import ParameterError, WavelengthMissingError


def off(found, truth):
    x = truth.detector.centers()
    angles = []
    for pose in (found.instrument.pose, truth.pose):
        t = pose.lab_from_detector(x)
        angles.append(np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2]))
    return np.abs(angles[0] - angles[1]).max() / (truth.detector.pixel1 / truth.pose.dist)


def test_calibrate_without_a_geometry_is_good_and_right(scene, ceo2):
    told = []
    found = az.calibrate(
        scene.frame(), detector=scene.instrument.detector, calibrant=ceo2, wavelength=3e-11, tell=told.append
    )
    assert found.verdict == "good", found.summary()
    assert off(found, scene.instrument) < 0.1
    assert len(told) >= 3


def test_calibrate_with_hints_agrees_or_says_so(scene, ceo2):
    detector, truth = scene.instrument.detector, scene.instrument
    right = az.calibrate(
        scene.frame(), detector=detector, calibrant=ceo2, wavelength=3e-11, distance=0.3, geometry=truth,
        centre=tuple(truth.beam_center),
    )  # fmt: skip
    assert right.verdict == "good", right.summary()
    assert right.settings["started from"].startswith("scratch")
    assert right.settings["distance told"] == "0.3 m within 30 %"
    assert right.settings["geometry told"] == "an Instrument"
    assert "wavelength looked for" not in right.settings
    wrong = az.calibrate(scene.frame(), detector=detector, calibrant=ceo2, wavelength=3e-11, distance=0.6)
    assert wrong.verdict == "doubtful"
    assert "told" in wrong.reasons[0]
    assert off(wrong, truth) < 0.1


def test_calibrate_in_a_range_of_wavelengths_says_what_it_cannot_tell(scene, ceo2):
    found = az.calibrate(scene.frame(), detector=scene.instrument.detector, calibrant=ceo2, energy=(36, 48))
    assert found.verdict != "good"
    assert "wavelength" in found.reasons[0]
    assert found.settings["wavelength looked for"].endswith("(36 to 48 keV)")


@pytest.mark.parametrize("image", ["zeros", "noise", "gradient"])
def test_calibrate_of_an_image_without_rings_fails(scene, ceo2, image):
    shape = scene.instrument.detector.shape
    frame = {
        "zeros": np.zeros(shape),
        "noise": np.random.default_rng(1).poisson(10.0, shape),
        "gradient": np.add.outer(np.arange(shape[0]), np.arange(shape[1])) * 1.0,
    }[image]
    found = calibrated(frame, scene.instrument.detector, ceo2, wavelength=3e-11)
    assert found.verdict == "failed", found.summary()
    assert found.reasons


def test_calibrate_with_a_wrong_wavelength_is_not_good(scene, ceo2):
    found = calibrated(scene.frame(), scene.instrument.detector, ceo2, wavelength=3.6e-11)
    assert found.verdict != "good" or off(found, scene.instrument) < 0.1


def test_calibrate_without_a_wavelength_says_what_to_give(scene, ceo2):
    with pytest.raises(WavelengthMissingError, match="energy="):
        az.calibrate(scene.frame(), detector=scene.instrument.detector, calibrant=ceo2)
    with pytest.raises(ParameterError, match="one of them"):
        az.calibrate(scene.frame(), detector=scene.instrument.detector, calibrant=ceo2, wavelength=1e-10, energy=12.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--energy-range LOW HIGH"),
        (["--energy-range", "20", "30", "--energy", "25"], "told already"),
        (["--energy-range", "20", "30", "--wavelength-range", "0.4", "0.5"], "two views"),
        (["--energy-range", "30", "20"], "low < high"),
        (["--wavelength-range", "-1", "0.5"], "wavelength"),
        (["--wavelength-range", "0.4", "0.5", "--fix", "wavelength"], "--fix wavelength"),
    ],
)
def test_calibrate_command_refuses_wavelengths_that_make_no_sense(capsys, options, words):
    assert main(["calibrate", "none.tif", "--detector", "Pilatus100k", "--calibrant", "LaB6", *options]) == 2
    assert words in capsys.readouterr().err


def test_calibrate_command_writes_a_geometry(tmp_path, capsys):
    from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image

    truth = az.Instrument(az.detector("Pilatus100k"), az.Pose(0.08, 0.016, 0.04, 0.1, -0.05), az.Beam(5e-11))
    look = CalibrantLook(fwhm=np.radians(0.15), counts=1000.0)
    image, poni = str(tmp_path / "LaB6.npy"), tmp_path / "out.poni"
    np.save(image, calibrant_image(truth, az.calibrant("LaB6"), look, seed=1).image)
    arguments = [
        "calibrate", image, "--detector", "Pilatus100k", "--calibrant", "LaB6", "--wavelength", "0.5", "-o", str(poni)
    ]  # fmt: skip
    code = main(arguments)
    said = capsys.readouterr()
    assert code in (0, 3), said.out
    assert "looking for ridges" in said.err
    assert az.load(poni).instrument.pose.dist == pytest.approx(0.08, rel=1e-3)
    assert main(arguments) == 2  # exists
    # the energy looked for in a range: 24.80 keV
    recipe = tmp_path / "r.toml"
    assert main([*arguments[:-4], "--energy-range", "23", "26.5", "--write-recipe", str(recipe)]) in (0, 3)
    lines = {line.split(":")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert float(lines["wavelength"].split()[1]) == pytest.approx(0.5, rel=5e-3)
    assert "±" in lines["wavelength"]
    assert tomllib.loads(recipe.read_text())["calibrant"]["wavelength"] == pytest.approx([4.6786e-11, 5.3906e-11], 1e-4)
    # what is known roughly, and how much "good" promises
    points = str(tmp_path / "p.npt")
    assert main([*arguments[:-2], "--points", points, "--accuracy", "1e-3"]) == 3
    assert "0.001 pixel everywhere" in capsys.readouterr().out
    hints = ["--picked", points, "--distance", "0.07", "--tolerance", "0.2", "--centre", "75", "180"]
    assert main([*arguments[:-2], *hints, "--accuracy", "1", "--write-recipe", str(recipe), "--force"]) == 0
    document = tomllib.loads(recipe.read_text())
    assert document["start"] == {
        "detector": "Pilatus100k", "distance": 0.07, "tolerance": 0.2, "centre": [75.0, 180.0], "picked": points,
    }  # fmt: skip
    assert document["refinement"]["accuracy"] == 1.0
    assert "picked" in document["found"]["inputs"]
    assert main(["run", str(recipe), "--force"]) == 0
    capsys.readouterr()
    assert main([*arguments[:5], "CeO2", *arguments[6:-2], "--picked", points]) == 2
    assert "are not those of CeO2" in capsys.readouterr().err
    np.save(image, np.zeros(truth.detector.shape))
    assert main([*arguments[:-1], str(tmp_path / "none.poni")]) == 4
    assert not (tmp_path / "none.poni").exists()
