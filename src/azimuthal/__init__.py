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
    from azimuthal.detectors import Detector, Sensor, detector, detector_names
    from azimuthal.geometry import Beam, ParallaxSettings, Pose
    from azimuthal.instrument import Instrument
    from azimuthal.integrate import Integrator, Plan
    from azimuthal.io import load, load_plan, load_result, open_frames, save, save_geometry
    from azimuthal.rejection import Rejection
    from azimuthal.results import Cake, Profile
    from azimuthal.units import Axis, Unit, register_unit, unit, unit_names

_HOMES = {
    "Axis": "units",
    "Beam": "geometry",
    "Cake": "results",
    "Detector": "detectors",
    "Instrument": "instrument",
    "Integrator": "integrate",
    "ParallaxSettings": "geometry",
    "Plan": "integrate",
    "Pose": "geometry",
    "Profile": "results",
    "Rejection": "rejection",
    "Sensor": "detectors",
    "Unit": "units",
    "detector": "detectors",
    "detector_names": "detectors",
    "load": "io",
    "load_plan": "io",
    "load_result": "io",
    "log_bins": "binning",
    "open_frames": "io",
    "register_unit": "units",
    "save": "io",
    "save_geometry": "io",
    "unit": "units",
    "unit_names": "units",
}

__all__ = [
    "Axis",
    "Beam",
    "Cake",
    "Detector",
    "Instrument",
    "Integrator",
    "ParallaxSettings",
    "Plan",
    "Pose",
    "Profile",
    "Rejection",
    "Sensor",
    "Unit",
    "__version__",
    "detector",
    "detector_names",
    "load",
    "load_plan",
    "load_result",
    "log_bins",
    "open_frames",
    "register_unit",
    "save",
    "save_geometry",
    "unit",
    "unit_names",
]

# Comforts that reach upward from lower rooms; nothing is imported here.
_upward.register("open_frames", "azimuthal.io:open_frames")
_upward.register("save", "azimuthal.io:save")
_upward.register("save_plan", "azimuthal.io:save_plan")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'azimuthal' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"azimuthal.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
