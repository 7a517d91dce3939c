# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The six-parameter pose of a detector; definitions in :mod:`azimuthal.geometry.frames`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from azimuthal._validate import finite_number
from azimuthal.errors import ParameterError
from azimuthal.geometry.frames import lab_from_detector_rotation
from azimuthal.typing import FloatArray


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the detector stands: distance and point of normal incidence in m, rotations in rad.

    Parameters
    ----------
    dist:
        Distance from the sample to the detector plane along its normal, m; not zero.
    poni1, poni2:
        Foot of that normal on the detector, along the slow and the fast axis, m.
    rot1, rot2, rot3:
        Rotations in rad, applied in this order; signs in :mod:`azimuthal.geometry.frames`.

    Raises
    ------
    DataTypeError, ParameterError
        A value is not a finite number, or `dist` is not positive.
    """

    dist: float
    poni1: float = 0.0
    poni2: float = 0.0
    rot1: float = 0.0
    rot2: float = 0.0
    rot3: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            unit = "rad" if field.name.startswith("rot") else "m"
            object.__setattr__(self, field.name, finite_number(field.name, getattr(self, field.name), unit=unit))
        if self.dist <= 0:
            raise ParameterError(
                f"dist: expected a distance greater than 0 m, got {self.dist}. A detector behind the sample "
                "(2theta > 90 degrees) has a positive distance and a rotation, e.g. rot1=pi."
            )

    @property
    def rotation(self) -> FloatArray:
        """Matrix ``R3 R2 R1`` that takes detector-frame vectors to the laboratory frame; shape (3, 3)."""
        return lab_from_detector_rotation(self.rot1, self.rot2, self.rot3)

    def lab_from_detector(self, positions: FloatArray) -> FloatArray:
        """Return laboratory positions (axes 1, 2, 3; m) of detector-frame positions; last axis of length 3."""
        shifted = positions + np.array([-self.poni1, -self.poni2, self.dist])
        return np.asarray(shifted @ self.rotation.T)

    def detector_from_lab(self, positions: FloatArray) -> FloatArray:
        """Return detector-frame positions of laboratory positions: the inverse of :meth:`lab_from_detector`."""
        return np.asarray(positions @ self.rotation - np.array([-self.poni1, -self.poni2, self.dist]))

    def replace(self, **changes: Any) -> Pose:
        """Return a copy with some parameters changed."""
        return dataclasses.replace(self, **changes)
