# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From profiles back to images: back-projection, separation, inpainting, spots.

Everything here takes a raw frame, or makes one, in the shape of the detector.  The corrections are those of an
integration: with ``n`` the normalisation of a pixel (flat, solid angle, polarisation ...), ``d`` its dark and ``M`` the
monitor, a profile value ``I`` stands for the raw value ``I n M + d``.

Names are imported from their modules when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azimuthal.images.back_projection import image_from_cake, image_from_profile
    from azimuthal.images.inpainting import Inpainting, inpaint
    from azimuthal.images.peaks import PeakFinder, Peaks, find_peaks, peak_finder
    from azimuthal.images.separation import Separation, separate
    from azimuthal.images.sparse_frames import SparseFrame, sparsify
    from azimuthal.images.spottiness import Spottiness, spottiness

#: Public name -> module that holds it.
_LOCATIONS = {
    "Inpainting": "inpainting",
    "PeakFinder": "peaks",
    "Peaks": "peaks",
    "Separation": "separation",
    "SparseFrame": "sparse_frames",
    "Spottiness": "spottiness",
    "find_peaks": "peaks",
    "image_from_cake": "back_projection",
    "image_from_profile": "back_projection",
    "inpaint": "inpainting",
    "peak_finder": "peaks",
    "separate": "separation",
    "sparsify": "sparse_frames",
    "spottiness": "spottiness",
}

__all__ = [
    "Inpainting",
    "PeakFinder",
    "Peaks",
    "Separation",
    "SparseFrame",
    "Spottiness",
    "find_peaks",
    "image_from_cake",
    "image_from_profile",
    "inpaint",
    "peak_finder",
    "separate",
    "sparsify",
    "spottiness",
]


def __getattr__(name: str) -> Any:
    if name not in _LOCATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"azimuthal.images.{_LOCATIONS[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
