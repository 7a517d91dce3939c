# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""pyFAI beside azimuthal: the same detector at the same place, and its bins.

pyFAI comes from PyPI with the test dependencies.  It is another program, not the definition: where the two differ,
`test_pyfai_differences.py` asks NumPy.  It logs much; its loggers are switched off for these tests only.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import azimuthal as az
from azimuthal.orientation import orientation_flips

WAVELENGTH = 1e-10


@pytest.fixture(scope="session")
def pyfai_modules():
    pytest.importorskip("pyFAI", reason="pyFAI is not installed: the comparisons with it are skipped")
    import pyFAI.detectors
    import pyFAI.integrator.azimuthal
    import pyFAI.method_registry

    return pyFAI


@pytest.fixture(autouse=True)
def silent_pyfai():
    logger = logging.getLogger("pyFAI")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(before)


@dataclass(frozen=True)
class Pair:
    """One instrument in both programs."""

    modules: Any
    ours: az.Integrator
    name: str | None  # in both catalogues; None for a plain grid

    def theirs(self, **config):
        """Return a fresh pyFAI integrator: its positions depend on what it computed before (inventory 9.1-3)."""
        detector = self.ours.detector
        if self.name is None:
            theirs = self.modules.detectors.Detector(
                pixel1=detector.pixel1,
                pixel2=detector.pixel2,
                max_shape=detector.shape,
                orientation=detector.orientation,
                **config,
            )
        else:
            theirs = self.modules.detectors.detector_factory(self.name, config)
        pose = self.ours.pose
        return self.modules.integrator.azimuthal.AzimuthalIntegrator(
            pose.dist, pose.poni1, pose.poni2, pose.rot1, pose.rot2, pose.rot3,
            detector=theirs, wavelength=self.ours.wavelength,
        )  # fmt: skip

    @property
    def shape(self):
        return self.ours.detector.shape

    def frame(self):
        """Return a smooth float32 image: a pixel that moves by 1e-6 of a bin changes no mean."""
        i, j = np.indices(self.shape)
        return (100 + 40 * np.sin(i / 17) + 30 * np.cos(j / 23)).astype(np.float32)

    def lab(self):
        """Return the laboratory positions of the pixel centres."""
        return self.ours.pose.lab_from_detector(self.ours.detector.centers())

    def mask(self, *, gaps=True):
        """Return the gaps and, where the beam meets the detector, the pixels around it.

        The pixel under the beam is among the explained differences.  In pyFAI a mask replaces the one of the detector.
        """
        lab = self.lab()
        pitch = max(self.ours.detector.pixel1, self.ours.detector.pixel2)
        around_beam = np.hypot(lab[..., 0], lab[..., 1]) < 4 * pitch
        return around_beam | self.ours.detector.gap_mask() if gaps else around_beam


@pytest.fixture(scope="session")
def pair(pyfai_modules):
    """Return a function that makes pairs: of a name in both catalogues, or of a plain grid."""

    def make(detector, pose, *, orientation=3):
        if isinstance(detector, str):
            ours = az.detector(detector).with_sensor(None)  # pyFAI corrects nothing of the sensor unasked
            return Pair(pyfai_modules, az.Integrator(ours, *pose, wavelength=WAVELENGTH), detector)
        shape, pixel1, pixel2 = detector
        plain = az.Detector(pixel1=pixel1, pixel2=pixel2, shape=shape, orientation=orientation)
        return Pair(pyfai_modules, az.Integrator(plain, *pose, wavelength=WAVELENGTH), None)

    return make


@pytest.fixture(scope="session")
def bins_of():
    """Return a function from printed bin centres to edges.

    pyFAI stretches the upper bound by 1 + 1.2e-7 (inventory 3.1); its centres hold that.  Both ends are widened by 1e-6
    of a bin, so that the outermost pixel, which is the end, stays inside whatever the last digit.
    """

    def edges(centres):
        centres = np.asarray(centres, dtype=np.float64)
        width = (centres[-1] - centres[0]) / (centres.size - 1)
        found = np.linspace(centres[0] - width / 2, centres[-1] + width / 2, centres.size + 1)
        found[0] -= 1e-6 * width
        found[-1] += 1e-6 * width
        return found

    return edges


@pytest.fixture(scope="session")
def mirrored():
    """Return a function that mirrors the index of an image as an orientation does."""

    def mirror(image, orientation):
        slow, fast = orientation_flips(orientation)
        return image[:: -1 if slow else 1, :: -1 if fast else 1]

    return mirror
