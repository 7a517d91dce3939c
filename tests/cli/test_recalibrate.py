# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal recalibrate``: exit codes are the verdict, and nothing that failed is written."""

from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.detectors import DisplacedModules, ModuleDisplacement, Spline, SplineGrid, SplineSurface
from azimuthal.io import load_calibration_report
from azimuthal.pipelines.simulate import PowderSettings, expected_image


@pytest.fixture
def files(folder):
    """An image of CeO2 and a rough geometry."""
    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(256, 240))
    truth = az.Instrument(detector, az.Pose(0.25, 0.052, 0.047, 0.03, -0.05), az.Beam(3e-11))
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    np.save("image.npy", np.random.default_rng(1).poisson(expected_image(truth, look)).astype(np.int32))
    az.save_geometry(truth.replace(pose=truth.pose.replace(dist=0.251, poni1=0.053)), "start.poni")
    return truth


def test_recalibrate_good_image_writes_geometry_and_points(run, files):
    outcome = run(
        "recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", "-o", "good.poni", "--points", "a.npt"
    )
    assert outcome.code == 0, outcome
    assert "verdict: good" in outcome.out
    assert az.load("good.poni", shape=(256, 240)).pose.dist == pytest.approx(0.25, abs=2e-5)
    assert "# Calibrant: CeO2" in Path("good.poni").read_text()
    assert len(az.load_control_points("a.npt").points) > 100


def test_recalibrate_empty_image_fails_and_writes_nothing(run, files):
    np.save("image.npy", np.zeros((256, 240)))
    outcome = run("recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", "-o", "good.poni")
    assert outcome.code == 4
    assert "failed" in outcome.err
    assert not Path("good.poni").exists()


def test_recalibrate_doubtful_image_writes_and_says_so(run, files):
    outcome = run(
        "recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", "--rings", "2", "-o", "good.poni"
    )
    assert outcome.code == 3, outcome
    assert "few rings" in outcome.out
    assert "# Verdict: doubtful" in Path("good.poni").read_text()


def test_recalibrate_fix_and_free_decide_what_is_refined(run, files):
    outcome = run(
        "recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", "--fix", "rot1", "--free", "wavelength"
    )
    lines = {line.split(":")[0]: line for line in outcome.out.splitlines()}
    assert "fixed" in lines["rot1"]
    assert "fixed" in lines["rot3"]
    assert "±" in lines["wavelength"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fix", "tilt"], "tilt"),
        (["--fix", "dist", "--free", "dist"], "both"),
        (["-w", "0.3", "-e", "40"], "two views"),
    ],
)
def test_recalibrate_bad_arguments_do_nothing(run, files, options, message):
    outcome = run("recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", *options)
    assert outcome.code == 2
    assert message in outcome.err


def test_recalibrate_output_that_exists_is_refused_before_the_work(run, files):
    Path("good.poni").write_text("mine")
    outcome = run("recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", "-o", "good.poni")
    assert outcome.code == 2
    assert Path("good.poni").read_text() == "mine"


def test_recalibrate_report_is_written_for_every_verdict(run, files, monkeypatch):
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: ())
    common = ("recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2")
    assert run(*common, "--report", "good.html").code == 0
    assert load_calibration_report("good.html")["verdict"] == "good"
    assert run(*common, "--report", "good.html").code == 2  # it exists
    np.save("image.npy", np.zeros((256, 240)))
    outcome = run(*common, "--report", "failed.html", "-o", "failed.poni")
    assert outcome.code == 4
    assert "nothing but the report" in outcome.err
    assert load_calibration_report("failed.html")["verdict"] == "failed"
    assert not Path("failed.poni").exists()


def test_recalibrate_recipe_is_run_again_with_the_same_numbers(run, files):
    common = ("recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2")
    outcome = run(*common, "-o", "good.poni", "--write-recipe", "r.toml", "--rings", "8")
    assert outcome.code == 0, outcome
    assert "r.toml: recipe" in outcome.out
    assert run("run", "r.toml").code == 2  # the output is there already
    outcome = run("run", "r.toml", "-o", "again.poni")
    assert outcome.code == 0, outcome
    assert "the numbers are those of the recipe, bit for bit" in outcome.out
    assert Path("again.poni").read_text() == Path("good.poni").read_text()
    np.save("other.npy", np.load("image.npy") + 1)
    outcome = run("run", "r.toml", "other.npy", "-o", "other.poni", "--quiet")
    assert outcome.code == 0
    assert "bit for bit" not in outcome.out
    assert "# Image: other.npy" in Path("other.poni").read_text()
    text = Path("r.toml").read_text()
    Path("r.toml").write_text(text.replace("dist = ", "dist = 1"))
    outcome = run("run", "r.toml", "--force")
    assert outcome.code == 1
    assert "other numbers" in outcome.err
    for options in (("--threads", "2"), ("--dry-run",), ("--log", "a.log")):
        assert run("run", "r.toml", *options).code == 2


def test_recalibrate_modules_writes_a_detector_that_the_geometry_names(run, folder, monkeypatch):
    nominal = az.detector("Pilatus300k")
    moved = tuple(
        ModuleDisplacement((212 * k, 0, 195, 487), 172e-6 * shift, 0.0, 1e-3 * turn)
        for k, (shift, turn) in enumerate([(0.4, 1.0), (-0.5, 0.0), (0.1, -1.0)])
    )
    truth = az.Instrument(nominal, az.Pose(0.2, 0.05, 0.04), az.Beam(3e-11))
    displaced = truth.replace(detector=nominal.replace(layout=DisplacedModules(nominal.layout, moved)))
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.15))
    np.save("image.npy", np.random.default_rng(1).poisson(expected_image(displaced, look)).astype(np.int32))
    az.save_geometry(truth, "start.poni")
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: ())
    outcome = run(
        "recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", "--modules", "d.h5", "-o", "good.poni",
        "--report", "r.html",
    )  # fmt: skip
    assert outcome.code in (0, 3), outcome  # few rings: how well two theta is known is a matter of the limit
    data = load_calibration_report("r.html")  # of the refined detector, as the geometry
    assert data["settings"]["pixels"].startswith("refined: modules of d.h5; median residual 0.")
    assert np.median(np.abs(data["control_points"]["residual"])) < 0.06
    loaded = az.load("good.poni").instrument
    assert isinstance(loaded.detector.layout, DisplacedModules)
    assert "# Modules: good" in Path("good.poni").read_text()
    differences = loaded.detector.centers() - nominal.centers()
    assert 0.5 < (differences[20, 200, 0] - differences[300, 200, 0]) / 172e-6 < 1.3  # 0.9 pixel


def test_recalibrate_distortion_writes_a_detector_that_the_geometry_names(run, folder, monkeypatch):
    shape = (256, 240)
    knots = [np.r_[[0.0] * 3, np.linspace(0, n, 3), [float(n)] * 3] for n in shape]
    rng = np.random.default_rng(3)
    surfaces = [SplineSurface(tuple(knots[1]), tuple(knots[0]), tuple(rng.normal(0, 0.5, 25))) for _ in range(2)]
    nominal = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=shape)
    truth = az.Instrument(nominal, az.Pose(0.25, 0.052, 0.047, 0.03, -0.05), az.Beam(3e-11))
    distorted = truth.replace(detector=nominal.replace(layout=SplineGrid(Spline(shape, 4e-4, 4e-4, *surfaces))))
    look = PowderSettings(peak_counts=500.0, background=5.0, width=np.radians(0.18))
    np.save("image.npy", np.random.default_rng(1).poisson(expected_image(distorted, look)).astype(np.int32))
    az.save_geometry(truth, "start.poni")
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: ())
    common = ("recalibrate", "image.npy", "-p", "start.poni", "--calibrant", "CeO2", "--distortion")
    outcome = run(*common, "d.h5", "-o", "good.poni", "--report", "r.html")
    assert outcome.code == 0, outcome
    assert "distortion:\nverdict: good" in outcome.out
    text = Path("good.poni").read_text()
    assert "# Distortion: good" in text
    assert "# Verdict: good" in text
    loaded = az.load("good.poni").instrument.detector
    before, after = (np.abs(one.centers() - distorted.detector.centers()).mean() for one in (nominal, loaded))
    assert after < 0.7 * before  # along the rings nothing is told
    assert "refined: distortion of d.h5" in load_calibration_report("r.html")["settings"]["pixels"]
    image = np.random.default_rng(1).poisson(expected_image(truth, look)).astype(np.int32)
    np.save("image.npy", image)
    outcome = run(*common, "none.h5", "-o", "nominal.poni", "--report", "nominal.html")
    assert outcome.code == 3, outcome
    assert "those of the nominal detector" in outcome.out
    assert not Path("none.h5").exists()
    assert load_calibration_report("nominal.html")["settings"]["pixels"].startswith("nominal: distortion doubtful")
