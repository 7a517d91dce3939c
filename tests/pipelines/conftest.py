# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A small instrument and its geometry file."""

import numpy as np
import pytest

import azimuthal as az

SHAPE = (48, 60)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ai():
    """48 x 60 pixels of 1 mm at 0.1 m."""
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    return az.Integrator(camera, dist=0.1, poni1=0.0241, poni2=0.0297, rot1=0.02, wavelength=1e-10)


@pytest.fixture
def poni(folder, ai):
    """The instrument on the disk."""
    az.save_geometry(ai, "geometry.poni")
    return "geometry.poni"


@pytest.fixture
def frames():
    """Five frames, all different."""
    return np.random.default_rng(3).poisson(30, (5, *SHAPE)).astype(np.uint16)
