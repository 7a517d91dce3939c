# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Solid angle of the pixels.

Definition
    A pixel with area ``a`` and normal ``n``, centred at ``p`` relative to the sample, is seen under ::

        omega = a |n . p| / |p|^3 = a cos(alpha) / |p|^2                         absolute, sr

    On a flat detector ``|n . p| = dist`` everywhere. Divided by the solid angle of a nominal pixel at the
    point of normal incidence this is ::

        omega_rel = omega dist^2 / (pixel1 pixel2)                               relative, 1 at the PONI
                  = cos^3(alpha)                                                 flat, uniform pixels

Modes
    ``"relative"``
        `omega_rel` with the true area of each pixel: a pixel that is 2.5 times as large collects 2.5 times
        the photons (borders of the Xpad family, chip borders of the Jungfrau, spline-distorted cameras).
    ``"absolute"``
        `omega` in sr: the intensity becomes a number of photons per steradian.
    ``"equal_area"``
        `omega_rel` with every area taken as the nominal one. For a flat field that was measured under
        uniform illumination: it holds the areas already, and they must not be divided out twice.

Difference from pyFAI
    None on flat detectors with uniform pixels. pyFAI takes ``cos^3(alpha)`` on all others too, apart from
    the local area of spline-distorted cameras: this is ``"equal_area"`` on a flat detector. On a curved one
    ``cos^3`` forgets that the distance varies; here it does not, so that pixels of equal area at 1 and 2
    times `dist` and the same incidence differ by 4.

Limits of validity
    The pixel is taken as small: the relative error is below ``0.4 (pixel / |p|)^2``, e.g. 6e-7 for a 75 um
    pixel at 60 mm. A pixel that is seen edge-on or has no area has solid angle 0 and is excluded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from azimuthal._validate import one_of
from azimuthal.corrections._rays import RaySlab, ray_slabs
from azimuthal.typing import FloatArray

if TYPE_CHECKING:
    from azimuthal.instrument import Instrument

__all__ = ["SOLID_ANGLE_MODES", "SolidAngleMode", "solid_angle"]

SolidAngleMode: TypeAlias = Literal["relative", "absolute", "equal_area"]
SOLID_ANGLE_MODES: tuple[SolidAngleMode, ...] = ("relative", "absolute", "equal_area")


def solid_angle(instrument: Instrument, *, mode: SolidAngleMode = "relative") -> FloatArray:
    """Return the solid angle of every pixel; definition and modes in the module docstring.

    Parameters
    ----------
    instrument:
        Its detector and pose are used; rotations do not matter.
    mode:
        ``"relative"``, ``"absolute"`` or ``"equal_area"``.

    Returns
    -------
    :
        Shape of the detector, float64, at least 0; relative to a nominal pixel at the PONI, or in sr.

    Raises
    ------
    UnknownNameError
        `mode` is not one of the three.

    Notes
    -----
    Evaluated in slabs of rows; 4 ns per pixel where edges factor into rows and columns, 0.2 us elsewhere.
    """
    mode = one_of("mode", mode, SOLID_ANGLE_MODES)
    result = np.empty(instrument.detector.shape)
    for slab in ray_slabs(instrument):
        result[slab.rows] = slab_solid_angle(slab, instrument, mode)
    return result


def slab_solid_angle(slab: RaySlab, instrument: Instrument, mode: SolidAngleMode) -> FloatArray:
    """Return the solid angle of the pixels of one slab; broadcasts to the shape of the slab."""
    inverse_cube = 1.0 / (slab.squared_length * np.sqrt(slab.squared_length))
    scale = nominal_scale(instrument, mode)
    if mode == "equal_area":
        return inverse_cube * (slab.height * scale)
    return inverse_cube * (slab.area * slab.height * scale)


def nominal_scale(instrument: Instrument, mode: SolidAngleMode) -> float:
    """Return what the area over the nominal one, times height over cubed length, is multiplied by."""
    detector, dist = instrument.detector, instrument.pose.dist
    return detector.pixel1 * detector.pixel2 if mode == "absolute" else dist * dist
