# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Small images that differ in every pixel and frame."""

import numpy as np
import pytest


@pytest.fixture
def stack():
    """Five frames of 20 x 24 pixels, int32, with negative and large values."""
    generator = np.random.default_rng(7)
    frames = generator.poisson(30, (5, 20, 24)).astype(np.int32)
    frames[:, 3, 4] = -1
    frames[:, 5, 6] = 1_000_000
    frames += np.arange(5, dtype=np.int32)[:, np.newaxis, np.newaxis] * 1000
    return frames
