# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A small instrument, smooth images, and images with spots in known places."""

from typing import NamedTuple

import numpy as np
import pytest

import azimuthal as az

SHAPE = (241, 260)


@pytest.fixture(scope="session")
def ai():
    """Pixels of 0.1 mm at 0.1 m, tilted; the beam is on the detector."""
    camera = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=SHAPE)
    return az.Integrator(camera, dist=0.1, poni1=0.0121, poni2=0.0118, rot1=0.04, rot2=-0.02, wavelength=1e-10)


class Planted(NamedTuple):
    """An image, and where its spots are."""

    image: np.ndarray
    slow: np.ndarray
    fast: np.ndarray


@pytest.fixture
def plant():
    """Return Poisson counts of a background with Gaussian spots; positions at least 12 pixels apart."""

    def planted(seed, background=25.0, height=None, sigmas=(8.0, 40.0), width=0.8, step=13, shape=SHAPE):
        rng = np.random.default_rng(seed)
        expected = np.broadcast_to(np.asarray(background, float), shape).copy()
        i, j = np.meshgrid(np.arange(10, shape[0] - 10, step), np.arange(10, shape[1] - 10, step), indexing="ij")
        places = np.stack([i.ravel(), j.ravel()], axis=1) + rng.uniform(-0.5, 0.5, (i.size, 2))
        y, x = np.mgrid[-5:6, -5:6]
        for slow, fast in places:
            row, column = round(slow), round(fast)
            top = height or rng.uniform(*sigmas) * np.sqrt(expected[row, column])
            spot = top * np.exp(-0.5 * ((y + row - slow) ** 2 + (x + column - fast) ** 2) / width**2)
            expected[row - 5 : row + 6, column - 5 : column + 6] += spot
        return Planted(rng.poisson(expected).astype(np.uint32), places[:, 0], places[:, 1])

    return planted
