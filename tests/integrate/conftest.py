# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import numpy as np
import pytest

import azimuthal as az


@pytest.fixture(scope="session")
def small_detector():
    """101 x 103 pixels of 1 mm: large angles, quick to integrate."""
    return az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(101, 103))


@pytest.fixture
def ai(small_detector):
    return az.Integrator(
        small_detector,
        dist=0.1,
        poni1=0.0503,
        poni2=0.0498,
        rot1=0.1,
        rot2=-0.05,
        rot3=0.02,
        wavelength=1e-10,
    )


@pytest.fixture
def frame():
    return np.random.default_rng(7).poisson(50, (101, 103)).astype(np.uint32)
