# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Absorption in the sensor: a ray at an angle crosses more of it and is absorbed more.

Definition
    With the transmission of the sensor at normal incidence ``t0 = exp(-mu thickness)`` and the angle of
    incidence ``alpha``, the absorbed fraction relative to the one at normal incidence is ::

        A = (1 - t0^(1 / cos(alpha))) / (1 - t0) = (1 - exp(ln(t0) / cos(alpha))) / (1 - t0)

    Intensities are divided by it. It holds for a phosphor screen, a flat panel and a semiconductor sensor
    alike. Reference: Wu, Rodrigues and Coppens (2002), J. Appl. Cryst. 35, 356-359 (CCD phosphors).

Range
    ``t0`` in [0, 1). A is 1 at normal incidence, 1 everywhere for an opaque sensor (t0 = 0), and grows to
    ``1 / cos(alpha)`` for a transparent one (t0 -> 1). Size: 450 um of Si at 17 keV, t0 = 0.49, 30 degrees:
    1.10.

Limits of validity
    Every absorbed photon counts alike, whatever the depth; windows and dead layers in front of the sensor,
    and fluorescence that escapes, are left out. The sensor is hit from its front.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azimuthal._validate import finite_number
from azimuthal.corrections._rays import RaySlab, ray_slabs
from azimuthal.errors import ParameterError
from azimuthal.typing import FloatArray

if TYPE_CHECKING:
    from azimuthal.instrument import Instrument

__all__ = ["absorbed_fraction", "absorption", "checked_transmission"]


def checked_transmission(value: float) -> float:
    """Return a transmission at normal incidence as a float in [0, 1).

    Raises
    ------
    DataTypeError, ParameterError
        Not a number, or out of range.
    """
    transmission = finite_number("transmission", value)
    if not 0.0 <= transmission < 1.0:
        raise ParameterError(
            f"transmission: expected the fraction transmitted at normal incidence, 0 <= t0 < 1, got "
            f"{transmission}. From an efficiency: t0 = 1 - efficiency; None switches the correction off."
        )
    return transmission


def absorbed_fraction(*, cos_incidence: FloatArray, transmission: float) -> FloatArray:
    """Return the absorbed fraction relative to normal incidence; definition in the module docstring.

    Parameters
    ----------
    cos_incidence:
        Cosine of the angle of incidence, any shape, in [0, 1].
    transmission:
        Of the sensor at normal incidence, ``0 <= t0 < 1``.

    Returns
    -------
    :
        Same shape, float64, in [1, 1 / (1 - t0)]; NaN where the cosine is NaN.

    Raises
    ------
    DataTypeError, ParameterError
        `transmission` is out of range.
    """
    t0 = checked_transmission(transmission)
    cosine = np.asarray(cos_incidence, dtype=np.float64)
    if t0 == 0.0:
        return np.where(np.isnan(cosine), np.nan, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.expm1(math.log(t0) / cosine) / (t0 - 1.0))


def absorption(instrument: Instrument, *, transmission: float) -> FloatArray:
    """Return the absorbed fraction of every pixel relative to normal incidence.

    Parameters
    ----------
    instrument:
        Its detector and pose are used; rotations do not matter.
    transmission:
        Of the sensor at normal incidence, ``0 <= t0 < 1``.

    Returns
    -------
    :
        Shape of the detector, float64, at least 1.

    Raises
    ------
    DataTypeError, ParameterError
        `transmission` is out of range.
    """
    t0 = checked_transmission(transmission)
    result = np.empty(instrument.detector.shape)
    for slab in ray_slabs(instrument):
        result[slab.rows] = slab_absorption(slab, t0)
    return result


def slab_absorption(slab: RaySlab, transmission: float) -> FloatArray:
    """Return the absorbed fraction for the pixels of one slab; broadcasts to its shape."""
    cosine = slab.height / np.sqrt(slab.squared_length)
    return absorbed_fraction(cos_incidence=cosine, transmission=transmission)
