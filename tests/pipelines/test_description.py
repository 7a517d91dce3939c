# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a file is, in words."""

from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import Goniometer
from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.io.detector_files import save_detector
from azimuthal.pipelines.calibration_recipe import CalibrationSettings, write_calibration_recipe
from azimuthal.pipelines.description import describe, detector_facts
from azimuthal.pipelines.recipe import write_recipe
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.testing.shared_data import shared_path


def facts_of(path, **options):
    return dict(describe(path, **options).facts)


def test_describe_geometry_says_beam_centre_and_orientation(poni):
    described = describe(poni)
    assert described.title == "geometry (PONI version 2.1)"
    facts = dict(described.facts)
    assert facts["beam centre"].startswith("row 24.100, column 27.70")
    assert facts["orientation"] == "3 (bottom right), native"
    assert "energy 12.3984 keV" in facts["beam"]
    assert described.notes == ()


def test_describe_geometry_tells_the_history_of_an_orientation_once(poni):
    text = Path(poni).read_text().replace('"orientation": 3', '"orientation": 2')
    Path("turned.poni").write_text(text)
    (note,) = describe("turned.poni").notes
    assert "orientation 2 (" in note
    assert "pyFAI before 2026" in note


def test_describe_geometry_tells_that_no_orientation_is_recorded(poni):
    Path("silent.poni").write_text(Path(poni).read_text().replace('"orientation": 3, ', ""))
    note = describe("silent.poni").notes[0]
    assert "no orientation recorded" in note
    assert "Dioptas" in note


def test_describe_geometry_without_pixel_number_still_has_its_beam_centre(folder):
    lines = ["PixelSize1: 0.0001", "PixelSize2: 0.0002", "Distance: 0.1", "Poni1: 0.05", "Poni2: 0.06"]
    Path("v1.poni").write_text("\n".join([*lines, "Rot1: 0.1", "Rot2: 0.2", "Rot3: 0", "Wavelength: 1e-10", ""]))
    described = describe("v1.poni")
    assert described.title == "geometry (PONI version 1)"
    whole = facts_of("v1.poni", detector=None)
    bare = whole["beam centre"].partition(" of ")[0]
    text = "\n".join(["# with shape", *lines, "Rot1: 0.1", "Rot2: 0.2", "Rot3: 0", ""])
    Path("again.poni").write_text(text)
    instrument = az.load("again.poni", shape=(2000, 1000)).instrument
    assert bare == f"row {instrument.beam_center.slow:.3f}, column {instrument.beam_center.fast:.3f}"
    assert any("'azimuthal integrate' takes it from the images" in note for note in described.notes)


def test_describe_calibrant_comment_is_told(poni):
    Path(poni).write_text(Path(poni).read_text() + "# Calibrant: CeO2\n")
    assert facts_of(poni)["calibrant"] == "CeO2"


def test_describe_stack_says_dataset_and_compression(folder, frames):
    with h5py.File("s.h5", "w") as file:
        file.create_dataset("entry/data/data", data=frames, compression="gzip", chunks=(1, 48, 60))
    described = describe("s.h5")
    assert described.title == "image stack (hdf5)"
    facts = dict(described.facts)
    assert facts["frames"] == "5 of 48 x 60 pixels (slow x fast), uint16"
    assert facts["dataset"].startswith("/entry/data/data")
    assert facts["compression"] == "gzip"
    assert describe("s.h5::/entry/data/data").title == "image stack (hdf5)"


def test_describe_results_tells_bins_and_instrument(poni, ai, frames):
    plan = ai.plan1d(40, unit="2th_deg", error_model="poisson")
    az.save([plan(frame) for frame in frames], "run.h5")
    az.save(plan(frames[0]), "one.npz")
    az.save(plan(frames[0]), "one.xy")
    described = describe("run.h5")
    assert described.title == "patterns of azimuthal"
    facts = dict(described.facts)
    assert facts["results"] == "5"
    assert facts["axis"].startswith("2th_deg: 40 bins from 0 to ")
    assert facts["uncertainties"] == "poisson"
    assert facts["beam centre"] == facts_of(poni)["beam centre"]
    assert facts_of("one.npz")["axis"] == facts["axis"]
    assert describe("one.xy").title == "pattern of azimuthal (text)"
    assert facts_of("one.xy")["rows"] == "40"


def test_describe_cakes_tells_both_axes(folder, ai, frames):
    az.save(ai.integrate2d(frames[0], 20, 12, unit="q_A^-1"), "c.h5")
    described = describe("c.h5")
    assert described.title == "cakes of azimuthal"
    axes = [text.partition(":")[0] for name, text in described.facts if name == "axis"]
    assert axes == ["q_A^-1", "chi_deg"]


def test_describe_plan_tells_what_it_makes(folder, ai):
    ai.plan2d(20, 12, unit="q_nm^-1").save("plan.h5")
    described = describe("plan.h5")
    assert described.title == "compiled plan for cakes"
    facts = dict(described.facts)
    assert facts["bins"] == "20 radial x 12 azimuthal"
    assert facts["split"] == "full"
    assert "beam centre" in facts


def test_describe_detector_file(folder):
    save_detector(az.detector("Pilatus100k"), "d.h5")
    described = describe("d.h5")
    assert described.title == "detector (NeXus)"
    assert facts_of("d.h5")["shape"].startswith("195 x 487 pixels")


@pytest.mark.parametrize("name", ["Pixirad1", "Aarhus", "Eiger2_4M", "Xpad_flat", "Detector"])
def test_detector_facts_know_every_kind(name):
    one = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=(10, 12)) if name == "Detector" else az.detector(name)
    facts = dict(detector_facts(one))
    assert facts["name"].startswith(name)
    assert facts["pixels"].startswith("hexagons" if name == "Pixirad1" else "four corners")


def test_describe_nothing_raises(folder):
    with pytest.raises(FileMissingError, match="this file does not exist"):
        describe("nothing.tif")
    with pytest.raises(FileFormatError, match="is a folder"):
        describe(".")
    Path("poem.txt").write_text("a rose is a rose\n")
    with pytest.raises(
        FileFormatError, match="not understood as image, geometry, detector, result, plan, goniometer or recipe"
    ):
        describe("poem.txt")


@pytest.mark.parametrize("name", ["control points", "goniometer", "recipe", "calibration recipe", "calibrant", "pyFAI"])
def test_describe_documents_of_calibrations_and_recipes(folder, poni, name):
    if name == "control points":
        points = az.ControlPoints([1.0, 2.0], [3.0, 4.0], [0, 2], [0.1, np.nan])
        az.save_control_points(points, "a.npt", az.calibrant("LaB6"), 5e-11)
        file, title, facts = "a.npt", "control points", {"points": "2 on 2 rings (0 to 2)", "calibrant": "LaB6"}
        facts |= {"uncertainties": "of 1 points", "wavelength": "0.5 Å"}
    elif name == "goniometer":
        at_zero = az.Instrument(az.detector("Pilatus100k"), az.Pose(0.3, 0.016, 0.04), az.Beam(7e-11))
        az.save_goniometer(Goniometer.arm(at_zero, "tth"), "g.json")
        file, title, facts = "g.json", "goniometer", {"motors": "tth", "wavelength": "0.7 Å"}
    elif name == "recipe":
        settings = BatchSettings(
            images=("a.tif", "b.tif", "c.tif", "d.tif"), geometry=str(poni), npt=100, unit="q_nm^-1"
        )
        write_recipe(settings, "r.toml")
        file, title, facts = "r.toml", "recipe of an integration", {"bins": "100 of q_nm^-1"}
    elif name == "calibration recipe":
        settings = CalibrationSettings(
            image="a.tif", calibrant="Si", detector="Pilatus1M", wavelength=(3e-11, 6e-11), output="a.poni"
        )
        write_calibration_recipe(settings, "c.json")
        file, title = "c.json", "recipe of a calibration"
        facts = {"started from": "scratch (Pilatus1M)", "wavelength": "0.3 to 0.6 Å"}
    elif name == "calibrant":
        az.calibrant("Si").to_d_file("mine.D", d_min=1e-10)
        file, title, facts = "mine.D", "calibrant", {"name": "mine"}
    else:
        Path("p.json").write_text('{"application": "pyfai-integrate", "version": 5}')
        file, title, facts = "p.json", "configuration of an integration", {"version": "5"}
    found = describe(file)
    assert found.title.startswith(title)
    told = dict(found.facts)
    assert {key: told[key] for key in facts} == facts


def test_describe_report_of_a_calibration_and_other_pages(folder, monkeypatch):
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: ())
    instrument = az.Instrument(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(60, 60)), az.Pose(0.1), az.Beam(1e-10))
    az.recalibrate(np.zeros((60, 60)), instrument, "Si").save_report("r.html")
    found = describe("r.html")
    assert found.title == "report of a calibration"
    assert dict(found.facts)["verdict"].startswith("failed; ")
    Path("page.html").write_text("<p>a rose</p>")
    with pytest.raises(FileFormatError, match="not understood"):
        describe("page.html")


def test_describe_goniometer_that_cannot_be_used_says_why(folder):
    Path("g.json").write_text('{"content": "Goniometer calibration v9"}')
    with pytest.raises(FileFormatError, match="Goniometer calibration v2"):
        describe("g.json")


def test_describe_truncated_hdf5_raises(folder, frames):
    with h5py.File("s.h5", "w") as file:
        file["entry/data/data"] = frames
    content = Path("s.h5").read_bytes()
    Path("s.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match="truncated or damaged"):
        describe("s.h5")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("data/formats/f4mnew.spline", "distortion of a detector"),
        ("data/formats/detector.h5", "detector (NeXus)"),
        ("data/formats/test.mask", "image (tiff)"),
        ("data/strain_mar345/example.imctrl", "geometry, not complete"),
        ("data/eiger_hdf5/test_master.h5", "image stack (hdf5)"),
        ("data/ceo2_pilatus1m/CeO2_Pilatus1M.poni", "geometry (PONI version 1)"),
        ("data/lab6_tilts/LaB6_Normal_0042.hdf", "image (hdf5)"),
        ("data/gisaxs/jg_gisaxs_4nm_old_3ml_insitu_ds03_00001_00005.cbf", "image (cbf)"),
    ],
)
def test_describe_real_files(name, title):
    described = describe(shared_path(name))
    assert described.title.startswith(title)
    assert described.text.startswith(f"{shared_path(name)}: ")


def test_describe_dectris_header_in_words():
    facts = facts_of(shared_path("data/gisaxs/jg_gisaxs_4nm_old_3ml_insitu_ds03_00001_00005.cbf"))
    assert facts["pixel size"] == "172 x 172 µm (slow x fast)"
    assert facts["exposure time"] == "0.995 s"
    assert facts["threshold energy"] == "6 keV"


def test_description_text_aligns_its_facts(folder):
    np.save("a.npy", np.zeros((4, 6), np.uint8))
    assert describe("a.npy").text == "a.npy: image (npy)\n  frames: 1 of 4 x 6 pixels (slow x fast), uint8"


@pytest.mark.parametrize("name", ["peaks.cxi", "peaks.nxs"])
def test_describe_peaks_of_our_own_are_counted(folder, name):
    ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(24, 26)), dist=0.1, poni1=0.012, poni2=0.013)
    frame = np.random.default_rng(0).poisson(20, (24, 26)).astype(np.uint32)
    frame[10, 10:12] = 4000
    peaks = ai.find_peaks(frame, 10, unit="r_mm")
    az.save_peaks(peaks, name)
    described = describe(name)
    assert described.title == "peaks of azimuthal"
    assert dict(described.facts)["peaks"] == f"{len(peaks)} in 1 frames of 24 x 26 pixels (slow x fast)"


def test_describe_sparse_frames_are_not_taken_for_an_image(folder):
    ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(24, 26)), dist=0.1, poni1=0.012, poni2=0.013)
    sparse = ai.sparsify(np.random.default_rng(0).poisson(20, (24, 26)).astype(np.uint32), 10, unit="r_mm")
    az.save_sparse([sparse, sparse], "sparse.h5")
    described = describe("sparse.h5")
    assert described.title == "sparse frames of azimuthal"
    assert dict(described.facts)["frames"] == "2 of 24 x 26 pixels (slow x fast)"
    assert dict(described.facts)["rings"].startswith("10 of r_mm from ")
