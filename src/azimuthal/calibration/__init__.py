# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Calibration: the geometry of an instrument from the rings of a calibrant.

A chain of values, each of which can be looked at, kept and corrected by hand:

====================  ============================================================================
image alone           :func:`find_ridges`: points with normals, and arcs; no geometry
image -> points       :func:`points_on_rings`: ridges along the rings that a rough geometry predicts
points                :class:`ControlPoints`: append, select, without; `.npt` files
points -> geometry    :func:`refine`: residuals, parameters, covariance, outliers
all of it             :func:`recalibrated`: again and again until nothing moves, and a verdict
result                :class:`Calibration`; `.validation()` and `.report()` show what it looks like
images -> distortion  :func:`recalibrated_distortion`: a smooth one
images -> modules     :func:`recalibrated_modules`: shifts and rotations of the modules of a detector
motors                :class:`Goniometer`: the geometry as expressions; :func:`refine_goniometer` of many images
====================  ============================================================================
"""

from azimuthal.calibration.calibration import Calibration, Observed
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.distortion import DistortionRefinement, recalibrated_distortion, refine_distortion
from azimuthal.calibration.expressions import Expression
from azimuthal.calibration.goniometer import Goniometer
from azimuthal.calibration.goniometer_calibration import (
    FrameReport,
    GoniometerCalibration,
    calibrated_goniometer,
)
from azimuthal.calibration.goniometer_refinement import FramePoints, GoniometerRefinement, refine_goniometer
from azimuthal.calibration.modules import (
    ModuleRefinement,
    Sighting,
    module_map,
    recalibrated_modules,
    refine_modules,
)
from azimuthal.calibration.recalibration import recalibrated
from azimuthal.calibration.refinement import Refinement, RingSource, refine
from azimuthal.calibration.residuals import PARAMETERS
from azimuthal.calibration.ridges import Ridges, RidgeSettings, find_ridges
from azimuthal.calibration.ring_points import RingPoints, RingSettings, points_on_rings
from azimuthal.calibration.validation import Validation
from azimuthal.calibration.verdict import Judgement, RingDeviation, Verdict

__all__ = [
    "PARAMETERS",
    "Calibration",
    "ControlPoints",
    "DistortionRefinement",
    "Expression",
    "FramePoints",
    "FrameReport",
    "Goniometer",
    "GoniometerCalibration",
    "GoniometerRefinement",
    "Judgement",
    "ModuleRefinement",
    "Observed",
    "Refinement",
    "RidgeSettings",
    "Ridges",
    "RingDeviation",
    "RingPoints",
    "RingSettings",
    "RingSource",
    "Sighting",
    "Validation",
    "Verdict",
    "calibrated_goniometer",
    "find_ridges",
    "module_map",
    "points_on_rings",
    "recalibrated",
    "recalibrated_distortion",
    "recalibrated_modules",
    "refine",
    "refine_distortion",
    "refine_goniometer",
    "refine_modules",
]
