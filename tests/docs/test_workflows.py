# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pages that lead from images to a file for another program: their commands, files and Python run, in their order."""

import re
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

import azimuthal as az
from azimuthal.cli import main
from azimuthal.pipelines.simulate import PowderSettings, expected_image

FOLDER = Path(__file__).parents[2] / "docs/how-to"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def powder_images(folder):
    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(256, 240))
    instrument = az.Instrument(detector, az.Pose(0.25, 0.052, 0.047, 0.03, -0.05), az.Beam(3e-11))
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    expected = expected_image(instrument, look)
    rng = np.random.default_rng(0)
    for name in ("CeO2", "scan_1", "scan_2", "later_1"):
        tifffile.imwrite(folder / f"{name}.tif", rng.poisson(expected).astype(np.uint32))
    pose = instrument.pose
    rough = pose.replace(dist=1.003 * pose.dist, poni1=pose.poni1 + 8e-4, poni2=pose.poni2 - 8e-4)
    az.save_geometry(instrument.replace(pose=rough), folder / "start.poni")


def small_angle_stacks(folder):
    ai = az.Integrator("Pilatus100k", dist=1.5, poni1=0.0168, poni2=0.0419, wavelength=1e-10)
    az.save_geometry(ai, folder / "geometry.poni")
    rng = np.random.default_rng(1)
    np.save(folder / "mask.npy", rng.random(ai.detector.shape) < 0.01)
    for name, level in (("sample", 60), ("buffer", 40), *((f"run_{number:04d}", 50) for number in (1, 2, 3))):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            monitor = np.array([1.0, 0.9, 0.8])
            frames = rng.poisson(level * monitor[:, np.newaxis, np.newaxis], (3, *ai.detector.shape))
            file["entry/data/data"] = frames.astype(np.uint32)
            file["entry/monitor"] = monitor


def panel_images(folder):
    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(200, 220))
    ai = az.Integrator(detector, dist=0.06, poni1=0.04, poni2=0.044, wavelength=2e-11)
    az.save_geometry(ai, folder / "panel.poni")
    rng = np.random.default_rng(2)
    for name, level in (("dark_1", 10), ("dark_2", 10), ("sample", 200), ("container", 60)):
        tifffile.imwrite(folder / f"{name}.tif", rng.poisson(level, detector.shape).astype(np.uint16))


MAKERS = {
    "powder-to-rietveld": powder_images,
    "saxs-with-background": small_angle_stacks,
    "total-scattering": panel_images,
    "on-a-cluster": small_angle_stacks,
}


@pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")
@pytest.mark.parametrize("page", MAKERS)
def test_commands_of_page_run_in_their_order(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    MAKERS[page](tmp_path)
    namespace = {}
    for language, code in BLOCK.findall((FOLDER / f"{page}.md").read_text(encoding="utf-8")):
        if language == "sh":
            for line in code.splitlines():
                assert run(line) in (0, 3), (line, capsys.readouterr())
        elif language == "toml":
            name = code.splitlines()[0].removeprefix("# ")
            (tmp_path / name).write_text(code, encoding="utf-8")
        elif language == "python":
            exec(compile(code, page, "exec"), namespace)


def run(line):
    words = shlex.split(line)
    assert words[0] == "azimuthal"
    return main(words[1:])
