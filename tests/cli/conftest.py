# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A small measurement on the disk, and the command line inside this process."""

from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from azimuthal.cli import main

SHAPE = (48, 60)
PONI = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 0.001, "pixel2": 0.001, "max_shape": [48, 60], "orientation": 3}
Distance: 0.1
Poni1: 0.0241
Poni2: 0.0297
Rot1: 0.02
Rot2: -0.01
Rot3: 0
Wavelength: 1e-10
"""


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """Run the command line in this process."""

    def run_command(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return run_command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def poni(folder):
    """A geometry for the frames."""
    Path("geometry.poni").write_text(PONI)
    return "geometry.poni"


@pytest.fixture
def frames():
    """Forty frames, all different."""
    expected = np.linspace(5, 60, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    return np.random.default_rng(3).poisson(expected, (40, *SHAPE)).astype(np.uint32)


@pytest.fixture
def stack(folder, frames):
    """The frames in one HDF5 file."""
    write_stack("stack.h5", frames)
    return "stack.h5"


@pytest.fixture
def images(folder, frames):
    """The first three frames in files of their own."""
    for number in range(3):
        np.save(f"image_{number}.npy", frames[number])
    return "image_*.npy"


def write_stack(path, frames):
    """Write frames as an HDF5 stack, one chunk per frame."""
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/data/data", data=frames, chunks=(1, *frames.shape[1:]), compression="gzip")


def names_in(folder):
    """Return the names of everything below a folder."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))
