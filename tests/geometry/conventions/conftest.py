# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import pytest


@pytest.fixture(scope="module")
def pyfai():
    """Integrator and detector classes of pyFAI; imported once, outside the timing of hypothesis."""
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal", exc_type=ImportError)
    return integrator.AzimuthalIntegrator, pytest.importorskip("pyFAI.detectors").Detector
