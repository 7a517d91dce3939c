# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.cli import main
from azimuthal.io import load_mask, save_mask, save_mask_description
from azimuthal.io.geometry_files import save_instrument
from azimuthal.masks.description import MaskDescription, MaskStep

SHAPE = (195, 487)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = np.random.default_rng(2).poisson(100, SHAPE).astype(np.int32)
    image[3, 4], image[5, 6], image[7, 8] = 60000, -1, 3000
    np.save("image.npy", image)
    save_mask(np.arange(195 * 487).reshape(SHAPE) < 487, "row.edf")
    pose = az.Pose(0.1, 0.0168, 0.0419)
    save_instrument(az.Instrument(az.detector("Pilatus100k"), pose, az.Beam(1e-10)), "a.poni")
    save_mask_description(MaskDescription((MaskStep("ring", {"radial": [2, 5]}),)), "ring.toml")
    return tmp_path


def run(capsys, *words):
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_mask_of_thresholds_and_hot_pixels(folder, capsys):
    code, said, _ = run(
        capsys,
        "mask",
        "--image",
        "image.npy",
        "--below",
        0,
        "--above",
        50000,
        "--hot",
        8,
        "--side",
        "hot",
        "-o",
        "m.npy",
    )
    assert code == 0
    assert np.argwhere(load_mask("m.npy")).tolist() == [[3, 4], [5, 6], [7, 8]]
    assert "threshold: 2 of 94965 pixels excluded" in said
    assert "outliers: 1 of" in said
    assert "mask: 3 of 94965 pixels excluded (0.00316 %)" in said


def test_mask_combines_files_and_descriptions(folder, capsys):
    code, said, _ = run(capsys, "mask", "row.edf", "ring.toml", "-g", "a.poni", "-o", "m.msk")
    assert code == 0
    assert "row.edf: 487 of" in said
    made = load_mask("m.msk")
    assert made[0].all()
    assert made.sum() > 600
    run(capsys, "mask", "row.edf", "ring.toml", "-g", "a.poni", "--combine", "intersection", "--invert", "-o", "n.tif")
    ring = load_mask("ring.toml", az.Instrument(az.detector("Pilatus100k"), az.Pose(0.1, 0.0168, 0.0419)))
    np.testing.assert_array_equal(load_mask("n.tif"), ~(ring & load_mask("row.edf")))


def test_mask_of_gaps_needs_a_detector(folder, capsys):
    code, said, _ = run(capsys, "mask", "--gaps", "--detector", "Pilatus1M", "-o", "m.h5")
    assert code == 0
    np.testing.assert_array_equal(load_mask("m.h5"), az.detector("Pilatus1M").gap_mask())
    code, _, said = run(capsys, "mask", "--gaps", "-o", "n.h5")
    assert (code, "--detector" in said) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nothing to do"),
        (("ring.toml",), "shape is not known"),
        (("row.edf", "--hot", 5), "need an image"),
        (("row.edf", "--combine", "xor"), "intersection"),
        (("gone.npy",), "does not exist"),
        (("row.edf", "--gaps", "--detector", "Pilatus1M"), "different shapes"),
    ],
)
def test_mask_that_cannot_be_made_says_why(folder, capsys, words, says):
    code, _, said = run(capsys, "mask", *words, "-o", "m.npy")
    assert code == 2
    assert says in said
    assert not (folder / "m.npy").exists()


def test_mask_is_not_replaced_unasked(folder, capsys):
    assert run(capsys, "mask", "row.edf", "-o", "row.edf")[0] == 2
    assert run(capsys, "mask", "row.edf", "-o", "row.edf", "--force")[0] == 0


def test_integrate_takes_a_description_as_a_mask(folder, capsys):
    common = ("integrate", "image.npy", "-p", "a.poni", "-n", 50, "-u", "2th_deg")
    assert run(capsys, *common, "--mask", "ring.toml", "-o", "a.npz")[0] == 0
    run(capsys, "mask", "ring.toml", "-g", "a.poni", "-o", "ring.npy")
    assert run(capsys, *common, "--mask", "ring.npy", "-o", "b.npz")[0] == 0
    one, other = az.load_result("a.npz")[0], az.load_result("b.npz")[0]
    np.testing.assert_array_equal(one.intensity, other.intensity)


def test_integrate_takes_selections_folders_and_urls(folder, capsys):
    frames = np.random.default_rng(4).poisson(50, (4, *SHAPE)).astype(np.uint16)
    (folder / "scan").mkdir()
    with h5py.File("scan/s.h5", "w") as file:
        file["entry/data/data"] = frames
        file.create_group("entry/instrument/detector")
        file["entry/measurement/mon"] = np.arange(4.0)
    common = ("-p", "a.poni", "-n", 50, "-u", "2th_deg", "-o")
    sources = {
        "all.h5": "scan",
        "some.h5": "scan/s.h5::/entry/data[1:3]",
        "url.h5": "silx:scan/s.h5?path=/entry/data/data&slice=1:3",
    }
    for output, source in sources.items():
        assert run(capsys, "integrate", source, *common, output)[0] == 0
    everything, some, url = (list(az.load_result(output)) for output in sources)
    assert [len(results) for results in (everything, some, url)] == [4, 2, 2]
    for one, other, third in zip(everything[1:3], some, url, strict=True):
        np.testing.assert_array_equal(one.intensity, other.intensity)
        np.testing.assert_array_equal(one.intensity, third.intensity)
    assert [result.metadata["measurement"] for result in some] == [{"counters": {"mon": n}} for n in (1.0, 2.0)]
