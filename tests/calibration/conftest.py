# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A small detector before ten simulated rings of CeO2."""

from typing import NamedTuple

import numpy as np
import pytest

import azimuthal as az
from azimuthal.pipelines.simulate import CEO2_CELL_EDGE, PowderSettings, expected_image


class Scene(NamedTuple):
    """The truth, what it looks like on average, and the rings."""

    instrument: az.Instrument
    expected: np.ndarray
    calibrant: az.Calibrant

    def frame(self, seed=0):
        return np.random.default_rng(seed).poisson(self.expected).astype(np.int32)


#: h^2 + k^2 + l^2 of the rings that are simulated
SUMS = (3, 4, 8, 11, 12, 16, 19, 20, 24, 27)


@pytest.fixture(scope="session")
def ceo2():
    return az.Calibrant.from_d_spacings(CEO2_CELL_EDGE / np.sqrt(SUMS), name="CeO2")


@pytest.fixture(scope="session")
def scene(ceo2):
    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(256, 240))
    instrument = az.Instrument(detector, az.Pose(0.25, 0.052, 0.047, 0.03, -0.05), az.Beam(3e-11))
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    return Scene(instrument, expected_image(instrument, look), ceo2)


@pytest.fixture(scope="session")
def rough(scene):
    """The geometry of the scene, off by a few pixels."""
    pose = scene.instrument.pose
    return scene.instrument.replace(
        pose=pose.replace(dist=1.005 * pose.dist, poni1=pose.poni1 + 1.2e-3, poni2=pose.poni2 - 8e-4)
    )
