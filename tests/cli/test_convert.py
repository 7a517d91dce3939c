# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.cli import main
from azimuthal.io import load_instrument, load_mask, save_mask
from azimuthal.io.detector_files import load_detector, load_detector_images
from azimuthal.io.geometry_files import save_instrument


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pose = az.Pose(0.1, 0.0168, 0.0419, 0.01, 0.02)
    save_instrument(az.Instrument(az.detector("Pilatus100k"), pose, az.Beam(1e-10)), "a.poni")
    save_mask(np.eye(195, 487, dtype=bool), "m.npy")
    np.save("flat.npy", np.full((195, 487), 1.5))
    return tmp_path


def run(capsys, *words):
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_convert_geometry_writes_the_same_geometry(folder, capsys):
    code, said, _ = run(capsys, "convert", "geometry", "a.poni", "a.nxs")
    assert code == 0
    assert "Pilatus" in said
    one, other = load_instrument("a.poni"), load_instrument("a.nxs")
    assert other.beam_center == pytest.approx(one.beam_center)
    assert run(capsys, "convert", "geometry", "a.poni", "a.nxs")[0] == 2


def test_convert_geometry_says_what_is_lost(folder, capsys):
    instrument = load_instrument("a.poni").replace(detector=az.detector("Pilatus100k", orientation=1))
    save_instrument(instrument, "turned.poni")
    code, _, said = run(capsys, "convert", "geometry", "turned.poni", "a.imctrl")
    assert code == 0
    assert "orientation" in said


def test_convert_detector_stores_mask_and_flat(folder, capsys):
    code, said, _ = run(capsys, "convert", "detector", "Pilatus100k", "d.h5", "--mask", "m.npy", "--flat", "flat.npy")
    assert code == 0
    assert "Pilatus" in said
    np.testing.assert_array_equal(load_detector("d.h5").gap_mask(), load_mask("m.npy"))
    assert load_detector_images("d.h5").flatfield[0, 0] == 1.5
    assert run(capsys, "convert", "detector", "d.h5", "e.h5", "--orientation", 2)[0] == 0
    assert load_detector("e.h5").orientation == 2
    assert load_detector_images("e.h5").flatfield is not None
    code, _, said = run(capsys, "convert", "detector", "d.h5", "f.h5", "--binning", 1, 1)
    assert (code, "not combined" in said) == (2, True)


def test_convert_mask_of_an_eiger_master(folder, capsys):
    values = np.array([[0, 1, 2], [16, 3, 0]], np.uint32)
    with h5py.File("run_master.h5", "w") as file:
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = values
    code, said, _ = run(capsys, "convert", "mask", "run_master.h5", "m.edf")
    assert (code, "4 of 6 pixels" in said) == (0, True)
    np.testing.assert_array_equal(load_mask("m.edf"), values != 0)
    assert run(capsys, "convert", "mask", "run_master.h5", "n.edf", "--bits", "noisy")[0] == 0
    assert load_mask("n.edf").sum() == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("mask", "m.npy", "m.jpg"), ".jpg"),
        (("mask", "m.npy", "n.npy", "--flat", "flat.npy"), "--flat: belongs to 'convert detector'"),
        (("masks", "m.npy", "n.npy"), "did you mean 'mask'"),
        (("geometry", "m.npy", "n.poni"), "m.npy"),
        (("detector", "Pilatsu100k", "n.h5"), "did you mean"),
    ],
)
def test_convert_that_cannot_be_done_says_why(folder, capsys, words, says):
    code, _, said = run(capsys, "convert", *words)
    assert code == 2
    assert says in said


def test_recipes_of_other_programs(run, folder):
    config = {"version": 5, "poni": "geometry.poni", "nbpt_rad": 100, "unit": "q_nm^-1", "monitor_name": "i0"}
    Path("azimint.json").write_text(json.dumps(config))
    outcome = run("convert", "recipe", "azimint.json", "run.toml")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == "run.toml: recipe out of a configuration of pyFAI"
    assert "not in it: monitor_name" in outcome.out
    sample = Path(__file__).parents[1] / "pipelines" / "recipes" / "dioptas_0.11.0" / "project.dio"
    outcome = run("convert", "recipe", sample, "dio.toml")
    assert outcome.code == 0
    assert outcome.out.splitlines()[:2] == ["dio.toml: recipe out of a project of Dioptas", "  with dio_mask.npy"]
    assert run("convert", "recipe", sample, "dio.toml").code == 2
    assert run("convert", "recipe", "absent.dio", "b.toml").code == 2
