# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Detectors: frozen descriptions, a catalogue of known instruments, pixel positions, masks, distortion.

``detector("Eiger2_4M")`` returns a known instrument, ``Detector(pixel1=1e-4, pixel2=1e-4, shape=(1000,
1000))`` describes a plain one.  Frames and orientation are defined in :mod:`azimuthal.geometry.frames`.
"""

from azimuthal.detectors._foreign import detector_from_pyfai
from azimuthal.detectors._modules import Chips, GivenMask, InscribedCircle, ModuleGrid
from azimuthal.detectors._pixels import (
    AxisSteps,
    Block,
    CornerArray,
    Cylindrical,
    Faceted,
    Hexagonal,
    Layout,
    RegularGrid,
    SeparableEdges,
    SteppedGrid,
)
from azimuthal.detectors._registry import detector, detector_names
from azimuthal.detectors._spec import Detector, InvalidValues, Sensor
from azimuthal.detectors.displaced import DisplacedModules, ModuleDisplacement
from azimuthal.detectors.distortion import Spline, SplineGrid, SplineSurface, load_spline, parse_spline

__all__ = [
    "AxisSteps",
    "Block",
    "Chips",
    "CornerArray",
    "Cylindrical",
    "Detector",
    "DisplacedModules",
    "Faceted",
    "GivenMask",
    "Hexagonal",
    "InscribedCircle",
    "InvalidValues",
    "Layout",
    "ModuleDisplacement",
    "ModuleGrid",
    "RegularGrid",
    "Sensor",
    "SeparableEdges",
    "Spline",
    "SplineGrid",
    "SplineSurface",
    "SteppedGrid",
    "detector",
    "detector_from_pyfai",
    "detector_names",
    "load_spline",
    "parse_spline",
]
