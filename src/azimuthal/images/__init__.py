# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From images to images: averages of frames, corrected and undistorted images.

Names are imported from their modules when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azimuthal.images.averaging import FrameAverage
    from azimuthal.images.correction import CorrectedImage, ImageCorrection, image_correction
    from azimuthal.images.distortion import Distortion, RegularImage, undistortion
    from azimuthal.images.guessing import (
        DetectorProposal,
        PolarizationEstimate,
        estimate_polarization,
        propose_detectors,
    )

#: Public name -> module that holds it.
_LOCATIONS = {
    "CorrectedImage": "correction",
    "DetectorProposal": "guessing",
    "Distortion": "distortion",
    "FrameAverage": "averaging",
    "ImageCorrection": "correction",
    "PolarizationEstimate": "guessing",
    "RegularImage": "distortion",
    "estimate_polarization": "guessing",
    "image_correction": "correction",
    "propose_detectors": "guessing",
    "undistortion": "distortion",
}

__all__ = [
    "CorrectedImage",
    "DetectorProposal",
    "Distortion",
    "FrameAverage",
    "ImageCorrection",
    "PolarizationEstimate",
    "RegularImage",
    "estimate_polarization",
    "image_correction",
    "propose_detectors",
    "undistortion",
]


def __getattr__(name: str) -> Any:
    if name not in _LOCATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"azimuthal.images.{_LOCATIONS[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
