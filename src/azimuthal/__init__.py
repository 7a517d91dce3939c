# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""azimuthal: 2-D detector images of X-ray scattering to 1-D patterns and 2-D cakes.

Right, at the detector's own rate, and with nothing silently dropped, guessed or substituted.

>>> import azimuthal as az
>>> ai = az.Integrator(detector="Pilatus100k", dist=0.1, poni1=0.0168, poni2=0.0419, wavelength=1e-10)
>>> profile = ai.integrate1d(image, 1000, unit="q_nm^-1", error_model="poisson")  # doctest: +SKIP
>>> q, intensity, sigma = profile  # doctest: +SKIP

Names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from azimuthal import _upward
from azimuthal._version import __version__

if TYPE_CHECKING:
    from azimuthal.binning import log_bins
    from azimuthal.calibration import Calibration, ControlPoints, Goniometer
    from azimuthal.crystallography import Calibrant, Cell, calibrant, calibrant_names
    from azimuthal.detectors import Detector, Sensor, detector, detector_names
    from azimuthal.geometry import Beam, ParallaxSettings, Pose
    from azimuthal.images import (
        Inpainting,
        PeakFinder,
        Peaks,
        Separation,
        SparseFrame,
        Spottiness,
        find_peaks,
        image_from_cake,
        image_from_profile,
        inpaint,
        peak_finder,
        separate,
        sparsify,
        spottiness,
    )
    from azimuthal.instrument import Instrument
    from azimuthal.integrate import Integrator, MovingGeometry, MultiGeometry, Plan, PlanSet
    from azimuthal.io import (
        load,
        load_control_points,
        load_goniometer,
        load_peaks,
        load_plan,
        load_result,
        load_sparse,
        open_frames,
        save,
        save_control_points,
        save_geometry,
        save_goniometer,
        save_image,
        save_peaks,
        save_sparse,
    )
    from azimuthal.pipelines.average import average
    from azimuthal.pipelines.goniometer import calibrate_goniometer
    from azimuthal.pipelines.module_recalibration import recalibrate_modules
    from azimuthal.pipelines.recalibration import recalibrate
    from azimuthal.rejection import Rejection
    from azimuthal.results import Cake, Profile, ResultSet, merge
    from azimuthal.units import Axis, Unit, register_unit, unit, unit_names

_HOMES = {
    "Axis": "units",
    "Beam": "geometry",
    "Cake": "results",
    "Calibrant": "crystallography",
    "Calibration": "calibration",
    "Cell": "crystallography",
    "ControlPoints": "calibration",
    "Detector": "detectors",
    "Goniometer": "calibration",
    "Inpainting": "images",
    "Instrument": "instrument",
    "Integrator": "integrate",
    "MovingGeometry": "integrate",
    "MultiGeometry": "integrate",
    "ParallaxSettings": "geometry",
    "PeakFinder": "images",
    "Peaks": "images",
    "Plan": "integrate",
    "PlanSet": "integrate",
    "Pose": "geometry",
    "Profile": "results",
    "Rejection": "rejection",
    "ResultSet": "results",
    "Sensor": "detectors",
    "Separation": "images",
    "SparseFrame": "images",
    "Spottiness": "images",
    "Unit": "units",
    "average": "pipelines.average",
    "calibrant": "crystallography",
    "calibrant_names": "crystallography",
    "calibrate_goniometer": "pipelines.goniometer",
    "detector": "detectors",
    "detector_names": "detectors",
    "find_peaks": "images",
    "image_from_cake": "images",
    "image_from_profile": "images",
    "inpaint": "images",
    "load": "io",
    "load_control_points": "io",
    "load_goniometer": "io",
    "load_peaks": "io",
    "load_plan": "io",
    "load_result": "io",
    "load_sparse": "io",
    "log_bins": "binning",
    "merge": "results",
    "open_frames": "io",
    "peak_finder": "images",
    "recalibrate": "pipelines.recalibration",
    "recalibrate_modules": "pipelines.module_recalibration",
    "register_unit": "units",
    "save": "io",
    "save_control_points": "io",
    "save_geometry": "io",
    "save_goniometer": "io",
    "save_image": "io",
    "save_peaks": "io",
    "save_sparse": "io",
    "separate": "images",
    "sparsify": "images",
    "spottiness": "images",
    "unit": "units",
    "unit_names": "units",
}

__all__ = [
    "Axis",
    "Beam",
    "Cake",
    "Calibrant",
    "Calibration",
    "Cell",
    "ControlPoints",
    "Detector",
    "Goniometer",
    "Inpainting",
    "Instrument",
    "Integrator",
    "MovingGeometry",
    "MultiGeometry",
    "ParallaxSettings",
    "PeakFinder",
    "Peaks",
    "Plan",
    "PlanSet",
    "Pose",
    "Profile",
    "Rejection",
    "ResultSet",
    "Sensor",
    "Separation",
    "SparseFrame",
    "Spottiness",
    "Unit",
    "__version__",
    "average",
    "calibrant",
    "calibrant_names",
    "calibrate_goniometer",
    "detector",
    "detector_names",
    "find_peaks",
    "image_from_cake",
    "image_from_profile",
    "inpaint",
    "load",
    "load_control_points",
    "load_goniometer",
    "load_peaks",
    "load_plan",
    "load_result",
    "load_sparse",
    "log_bins",
    "merge",
    "open_frames",
    "peak_finder",
    "recalibrate",
    "recalibrate_modules",
    "register_unit",
    "save",
    "save_control_points",
    "save_geometry",
    "save_goniometer",
    "save_image",
    "save_peaks",
    "save_sparse",
    "separate",
    "sparsify",
    "spottiness",
    "unit",
    "unit_names",
]

# Comforts that reach upward from lower rooms; nothing is imported here.
_upward.register("open_frames", "azimuthal.io:open_frames")
_upward.register("save", "azimuthal.io:save")
_upward.register("save_average", "azimuthal.io:save_average")
_upward.register("save_calibration", "azimuthal.io:save_calibration")
_upward.register("save_calibration_report", "azimuthal.io:save_calibration_report")
_upward.register("save_control_points", "azimuthal.io:save_control_points")
_upward.register("save_detector", "azimuthal.io.detector_files:save_detector")
_upward.register("save_goniometer", "azimuthal.io:save_goniometer")
_upward.register("save_peaks", "azimuthal.io:save_peaks")
_upward.register("save_plan", "azimuthal.io:save_plan")
_upward.register("find_peaks", "azimuthal.images:find_peaks")
_upward.register("image_from_cake", "azimuthal.images:image_from_cake")
_upward.register("image_from_profile", "azimuthal.images:image_from_profile")
_upward.register("inpaint", "azimuthal.images:inpaint")
_upward.register("peak_finder", "azimuthal.images:peak_finder")
_upward.register("separate", "azimuthal.images:separate")
_upward.register("sparsify", "azimuthal.images:sparsify")
_upward.register("spottiness", "azimuthal.images:spottiness")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'azimuthal' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"azimuthal.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
