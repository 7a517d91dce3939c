# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a user knows of a geometry beforehand: narrows the search, and is verified, not trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal._validate import finite_number, number_pair, positive_number
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.refinement import RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray

__all__ = ["ROUGHLY", "Hint"]

#: share of the distance by which a rough one may be off
ROUGHLY = 0.3

_NEAR = 10.0  # pixels between a picked point and its ring
_CENTRE_SHARE = 0.1  # of the detector's diagonal
_EDGE = 0.01  # what a distance may be off beyond the tolerance: it is measured, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What is known roughly.

    Parameters
    ----------
    distance:
        Along the detector's normal (``dist``) or along the beam, m; either may be meant.
    tolerance:
        Share by which the distance may be off, of what is told or of what is true.
    centre:
        Where the beam meets the detector, pixels (slow, fast) from the outer edge of the image, on it or beside it;
        good to a tenth of the detector's diagonal.
    instrument:
        A rough geometry.
    points:
        Picked points: with the numbers of their rings, or places alone, shape (n, 2), (slow, fast) as array indices.
    """

    distance: float | None = None
    tolerance: float = ROUGHLY
    centre: tuple[float, float] | None = None
    instrument: Instrument | None = None
    points: ControlPoints | FloatArray | None = None

    def __post_init__(self) -> None:
        if self.distance is not None:
            object.__setattr__(self, "distance", positive_number("distance", self.distance, unit="m"))
        if not 0 < finite_number("tolerance", self.tolerance) < 1:
            raise ParameterError(f"tolerance: expected a share of the distance, 0 to 1, got {self.tolerance}.")
        if self.centre is not None:
            object.__setattr__(self, "centre", number_pair("centre", self.centre, unit="pixels"))
        given: object = self.instrument
        if given is not None and not isinstance(given, Instrument):
            raise DataTypeError(f"instrument: expected an Instrument, got {type(given).__name__}.")
        if self.points is not None and not isinstance(self.points, ControlPoints):
            object.__setattr__(self, "points", _places(self.points))

    @property
    def range(self) -> tuple[float, float] | None:
        """Smallest and largest distance, m; None: any.

        What is told 30 % too short is the longer by 43 %.
        """
        if self.distance is None:
            return None
        return self.distance * (1 - self.tolerance), self.distance / (1 - self.tolerance)

    def contradictions(self, instrument: Instrument, calibrant: RingSource) -> tuple[str, ...]:
        """Return what of the hint a geometry disagrees with, in words."""
        found = []
        if self.range is not None and self.distance is not None:
            distances = [instrument.pose.dist, instrument.direct_distance or instrument.pose.dist]
            low, high = self.range[0] * (1 - _EDGE), self.range[1] * (1 + _EDGE)
            if not any(low <= distance <= high for distance in distances):
                found.append(
                    f"distance {1e3 * distances[0]:.4g} mm, and not about {1e3 * self.distance:.4g} mm as told"
                )
        if self.centre is not None:
            centre, limit = instrument.beam_center, _CENTRE_SHARE * float(np.hypot(*instrument.detector.shape))
            if centre is None or np.hypot(centre.slow - self.centre[0], centre.fast - self.centre[1]) > limit:
                where = "nowhere" if centre is None else f"({centre.slow:.0f}, {centre.fast:.0f})"
                found.append(f"beam centre {where}, and not about ({self.centre[0]:.0f}, {self.centre[1]:.0f}) as told")
        if self.points is not None:
            off = _off(self.points, instrument, calibrant)
            n_off = int(np.count_nonzero(~(off < _NEAR)))
            if n_off > 0.3 * off.size:
                found.append(f"{n_off} of {off.size} points that were told are not on their rings")
        return tuple(found)


def _places(points: Any) -> FloatArray:
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise DataTypeError(f"points: expected ControlPoints or places (n, 2) in pixels, got shape {places.shape}.")
    return places


def _off(points: ControlPoints | FloatArray, instrument: Instrument, calibrant: RingSource) -> FloatArray:
    """Return how far points are from their rings, or from the nearest ring, pixels; NaN: there is no such ring."""
    numbered = isinstance(points, ControlPoints)
    slow, fast = (points.slow, points.fast) if isinstance(points, ControlPoints) else points.T
    angles = ring_angles(np.asarray(calibrant.d_spacings()), instrument.beam.required_wavelength("rings"))[0]
    slopes = Cells(instrument, slow, fast).slopes(slow, fast)
    pixel = np.hypot(slopes.angle1, slopes.angle2)
    if numbered and isinstance(points, ControlPoints):
        rings = np.where(points.ring < angles.size, angles[np.minimum(points.ring, angles.size - 1)], np.nan)
        return np.asarray(np.abs(slopes.angle - rings) / pixel)
    return np.asarray(np.nanmin(np.abs(slopes.angle[:, None] - angles[None]), axis=1) / pixel)
