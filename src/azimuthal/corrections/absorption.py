# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Absorption in the sensor: a ray at an angle crosses more of it and is absorbed more.

Definition
    With the transmission of the sensor at normal incidence ``t0 = exp(-mu thickness)`` and the angle of
    incidence ``alpha``, the absorbed fraction relative to the one at normal incidence is ::

        A = (1 - t0^(1 / cos(alpha))) / (1 - t0) = (1 - exp(ln(t0) / cos(alpha))) / (1 - t0)

    Intensities are divided by it. It holds for a phosphor screen, a flat panel and a semiconductor sensor
    alike. Reference: Wu, Rodrigues and Coppens (2002), J. Appl. Cryst. 35, 356-359 (CCD phosphors).

From material, thickness and energy
    The sensor of the detector and the energy of the beam give ``t0`` with the *total* attenuation coefficient of
    :mod:`azimuthal.materials`, because any first interaction, a scattering as well, takes the photon out of the
    beam. Of these the fraction ``mu_photoelectric / mu`` is absorbed, whatever the angle; it cancels in A. The
    absolute efficiency, photons counted per photon that arrives, is taken as ::

        efficiency = (mu_photoelectric / mu)(1 - t0 ^ (1 / cos(alpha)))

    ``sensor_absorption="relative"`` divides by A (the scale stays that of a pixel at normal incidence),
    ``"absolute"`` by the efficiency. ``"auto"`` is "relative" where everything is known, and nothing elsewhere:
    a detector that is sold with several sensors, an unknown energy, or a layer of powder, whose density is not known,
    are not guessed; the summary of the corrections says which and why.

Range
    ``t0`` in [0, 1). A is 1 at normal incidence, 1 everywhere for an opaque sensor (t0 = 0), and grows to
    ``1 / cos(alpha)`` for a transparent one (t0 -> 1). Size: 450 um of Si at 17 keV, t0 = 0.49, 30 degrees:
    1.10.

Limits of validity
    Every absorbed photon counts alike, whatever the depth (near the threshold of a counter, or where fluorescence
    takes most of the energy along, it does not: CdTe above 27 keV); photons that are scattered inside the sensor and
    absorbed then are not counted; windows and dead layers in front of the sensor,
    and fluorescence that escapes, are left out. The sensor is hit from its front.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from azimuthal._validate import finite_number, one_of
from azimuthal.corrections._rays import RaySlab, ray_slabs
from azimuthal.errors import ParameterError
from azimuthal.geometry.parallax import doubtful_sensor_facts, missing_sensor_facts
from azimuthal.materials import attenuation_coefficient
from azimuthal.typing import FloatArray

if TYPE_CHECKING:
    from azimuthal.instrument import Instrument

__all__ = [
    "SENSOR_ABSORPTION_MODES",
    "SensorAbsorptionMode",
    "SensorEfficiency",
    "absorbed_fraction",
    "absorption",
    "checked_sensor_absorption",
    "checked_transmission",
    "sensor_efficiency",
]

SensorAbsorptionMode: TypeAlias = Literal["auto", "relative", "absolute"]
SENSOR_ABSORPTION_MODES: tuple[SensorAbsorptionMode, ...] = ("auto", "relative", "absolute")


@dataclass(frozen=True, slots=True)
class SensorEfficiency:
    """How the sensor of an instrument absorbs.

    Parameters
    ----------
    transmission:
        Through the sensor at normal incidence, ``exp(-mu thickness)``.
    scale:
        What A is multiplied by: 1, or the efficiency at normal incidence.
    record:
        JSON-able: what was used.
    """

    transmission: float
    scale: float
    record: dict[str, Any]


def checked_sensor_absorption(value: object) -> SensorAbsorptionMode | Literal[False]:
    """Return a mode: True is "relative", None is False.

    Raises
    ------
    UnknownNameError
        It is none of "auto", "relative" and "absolute".
    """
    if value is True:
        return "relative"
    if value is False or value is None:
        return False
    return one_of("sensor_absorption", value, SENSOR_ABSORPTION_MODES)


def sensor_efficiency(instrument: Instrument, mode: SensorAbsorptionMode) -> SensorEfficiency | str:
    """Return how the sensor absorbs, or why the mode "auto" leaves it out.

    Parameters
    ----------
    instrument:
        Its detector's sensor and the energy of its beam are used.
    mode:
        "auto", "relative" or "absolute".

    Raises
    ------
    ParameterError
        A fact is missing and the mode is not "auto".
    """
    sensor, energy = instrument.detector.sensor, instrument.beam.energy
    if mode == "auto" and (doubt := doubtful_sensor_facts(sensor, energy)) is not None:
        return doubt
    missing = missing_sensor_facts(sensor, energy)
    if missing is not None or sensor is None or energy is None:
        raise ParameterError(f"sensor_absorption: {missing}. Name it, or use sensor_absorption=False.")
    mu = attenuation_coefficient(sensor.material, energy)
    absorbed = attenuation_coefficient(sensor.material, energy, process="photoelectric") / mu
    depth = mu * sensor.thickness
    record: dict[str, Any] = {
        "mode": "absolute" if mode == "absolute" else "relative",
        "material": sensor.material,
        "thickness_m": sensor.thickness,
        "energy_keV": energy,
        "attenuation_coefficient_per_m": mu,
        "efficiency_at_normal_incidence": -absorbed * math.expm1(-depth),
    }
    scale = record["efficiency_at_normal_incidence"] if mode == "absolute" else 1.0
    return SensorEfficiency(math.exp(-depth), scale, record)


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
