# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From profiles back to images, and from images to images: back-projection, separation, inpainting, spots, corrections.

Everything here takes a raw frame, or makes one, in the shape of the detector.  The corrections are those of an
integration: with ``n`` the normalisation of a pixel (flat, solid angle, polarisation ...), ``d`` its dark and ``M`` the
monitor, a profile value ``I`` stands for the raw value ``I n M + d``.

Names are imported from their modules when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azimuthal.images.averaging import FrameAverage
    from azimuthal.images.back_projection import image_from_cake, image_from_profile
    from azimuthal.images.correction import CorrectedImage, ImageCorrection, image_correction
    from azimuthal.images.distortion import Distortion, RegularImage, undistortion
    from azimuthal.images.guessing import (
        DetectorProposal,
        PolarizationEstimate,
        estimate_polarization,
        propose_detectors,
    )
    from azimuthal.images.inpainting import Inpainting, inpaint
    from azimuthal.images.peaks import PeakFinder, Peaks, find_peaks, peak_finder
    from azimuthal.images.separation import Separation, separate
    from azimuthal.images.sparse_frames import SparseFrame, sparsify
    from azimuthal.images.spotty_rings import Spottiness, spottiness

#: Public name -> module that holds it.
_LOCATIONS = {
    "CorrectedImage": "correction",
    "DetectorProposal": "guessing",
    "Distortion": "distortion",
    "FrameAverage": "averaging",
    "ImageCorrection": "correction",
    "Inpainting": "inpainting",
    "PeakFinder": "peaks",
    "Peaks": "peaks",
    "PolarizationEstimate": "guessing",
    "RegularImage": "distortion",
    "Separation": "separation",
    "SparseFrame": "sparse_frames",
    "Spottiness": "spotty_rings",
    "estimate_polarization": "guessing",
    "find_peaks": "peaks",
    "image_correction": "correction",
    "image_from_cake": "back_projection",
    "image_from_profile": "back_projection",
    "inpaint": "inpainting",
    "peak_finder": "peaks",
    "propose_detectors": "guessing",
    "separate": "separation",
    "sparsify": "sparse_frames",
    "spottiness": "spotty_rings",
    "undistortion": "distortion",
}

__all__ = [
    "CorrectedImage",
    "DetectorProposal",
    "Distortion",
    "FrameAverage",
    "ImageCorrection",
    "Inpainting",
    "PeakFinder",
    "Peaks",
    "PolarizationEstimate",
    "RegularImage",
    "Separation",
    "SparseFrame",
    "Spottiness",
    "estimate_polarization",
    "find_peaks",
    "image_correction",
    "image_from_cake",
    "image_from_profile",
    "inpaint",
    "peak_finder",
    "propose_detectors",
    "separate",
    "sparsify",
    "spottiness",
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
