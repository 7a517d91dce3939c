# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Ridges: points on something that may be a ring, found without a geometry."""

from __future__ import annotations

from dataclasses import dataclass, fields

from azimuthal.typing import AnyArray, FloatArray, IntArray

__all__ = ["Ridges"]


@dataclass(frozen=True, slots=True, eq=False)
class Ridges:
    """Points on ridges; positions are array indices as in :mod:`azimuthal.calibration.control_points`."""

    slow: FloatArray
    fast: FloatArray
    normal: FloatArray
    normal_error: FloatArray
    uncertainty: FloatArray
    height: FloatArray
    significance: FloatArray
    fwhm: FloatArray
    arc: IntArray

    def __len__(self) -> int:
        """Return the number of points."""
        return int(self.slow.size)

    def select(self, which: AnyArray) -> Ridges:
        """Return some of the points."""
        return Ridges(*(getattr(self, field.name)[which] for field in fields(self)))
