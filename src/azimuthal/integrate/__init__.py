# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Compile an integration once, apply it to many frames."""

from azimuthal.integrate.integrator import Integrator
from azimuthal.integrate.moving_geometry import MovingGeometry
from azimuthal.integrate.multi_geometry import MultiGeometry, MultiPlan, MultiResult
from azimuthal.integrate.plan import Plan, compile, restore
from azimuthal.integrate.plan_set import PlanSet
from azimuthal.integrate.spec import PixelArrays, PlanSpec

__all__ = [
    "Integrator",
    "MovingGeometry",
    "MultiGeometry",
    "MultiPlan",
    "MultiResult",
    "PixelArrays",
    "Plan",
    "PlanSet",
    "PlanSpec",
    "compile",
    "restore",
]
