# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Parallax: a photon that enters a sensor at an angle is absorbed deeper and is recorded further out.

Figure (a cut through the plane of the ray and the normal) ::

                                          surface         back
                                             |              |
    recorded at radius r  - - - - - - - - - -+- - - - - x   |   x: absorbed after the path s
                                             |   s  '       |
    entered at radius rho - - - - - - - - - -e  '           |
                                    .  - '   |              |
                           .  - '            |              |
                  .  - '  alpha              |              |
        sample *-----------------------------+--------------+--  normal
                          distance           |  thickness   |

Model
    The ray meets the surface of the sensor at the *entry point*, at the distance ``rho`` from the foot of the
    normal through the sample, under the angle of incidence ``alpha``: ``tan(alpha) = rho / distance``. Along
    the ray the probability to be absorbed falls as ``exp(-mu s)`` up to ``s = thickness / cos(alpha)``. The
    mean path of the absorbed photons is ::

        mean path  = f(m) / mu        with  m = mu thickness / cos(alpha)
        f(m)       = 1 - m / (exp(m) - 1)
                   = (1 - exp(-m) (1 + m)) / (1 - exp(-m))

    and their mean displacement along the surface, away from the foot of the normal, is ::

        shift(rho) = sin(alpha) f(m) / mu >= 0

    A thick sensor (thickness infinite) has ``f = 1``: shift = sin(alpha) / mu. A transparent one (m -> 0)
    has ``f = m / 2``: shift = tan(alpha) thickness / 2, the middle of the sensor.

Sign
    The signal in the pixel at ``r`` came from the ray through ``rho < r``, with ::

        rho + shift(rho) = r

    so that correcting moves positions *towards* the foot of the normal (the PONI of a flat detector), within
    the surface and before the rotation, and makes the scattering angle of an unrotated detector smaller. The
    left-hand side grows with ``rho`` and is concave; Newton's method from below therefore converges
    monotonically and quadratically for every sensor, and is continued to 1e-13 m.

Surfaces that are not flat
    Each pixel is treated as a piece of its tangent plane: the foot of the normal is that of the tangent plane
    and the distance is the one to it. For a flat detector this is the PONI and ``dist``. (pyFAI displaces
    pixels of curved detectors along the line to the PONI instead, also where the ray hits them at right
    angles.)

Limits of validity
    The *mean* of the absorption profile is corrected, not its width: the profile is skewed and reaches over
    ``thickness tan(alpha)`` (450 um at 45 degrees for a sensor of 450 um), so that the maximum of a narrow
    peak moves less than its mean. Charge sharing, fluorescence and scattering in the sensor and the width of
    the beam are left out. ``mu`` is the total attenuation coefficient (:mod:`azimuthal.materials`). The sensor
    is hit from its front.
    The solid angle stays that of the nominal pixel. Size: 450 um of Si at 17 keV (mu = 1600 1/m), alpha = 30
    degrees: the shift is 112 um.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from azimuthal._validate import finite_number, positive_number
from azimuthal.errors import ParameterError, UnknownNameError
from azimuthal.geometry.coordinates import sample_positions
from azimuthal.geometry.pose import Pose
from azimuthal.materials import ENERGY_RANGE_KEV, attenuation_coefficient, material
from azimuthal.typing import FloatArray

__all__ = [
    "ParallaxSettings",
    "SensorAbsorption",
    "displacement",
    "doubtful_sensor_facts",
    "entry_positions",
    "entry_radius",
    "entry_scale",
    "mean_path",
    "missing_sensor_facts",
]

TOLERANCE_M = 1e-13
_MOST_STEPS = 100
_SERIES_BELOW = 0.05
_THICKEST_SENSOR_M = 0.1


class _SensorLike(Protocol):
    """What is read of a detector's sensor."""

    @property
    def material(self) -> str: ...
    @property
    def thickness(self) -> float: ...


@dataclass(frozen=True, slots=True)
class SensorAbsorption:
    """How a sensor absorbs.

    Parameters
    ----------
    attenuation_coefficient:
        Linear attenuation coefficient mu at the photon energy, 1/m (100 times the usual 1/cm); greater than
        0.
    thickness:
        Of the sensor, m; ``math.inf`` for one that absorbs everything.

    Raises
    ------
    DataTypeError, ParameterError
        Not a number, not positive, or a thickness above 0.1 m, which is one in millimetres or micrometres.
    """

    attenuation_coefficient: float
    thickness: float = math.inf

    def __post_init__(self) -> None:
        coefficient = positive_number("attenuation_coefficient", self.attenuation_coefficient, unit="1/m")
        object.__setattr__(self, "attenuation_coefficient", coefficient)
        object.__setattr__(self, "thickness", _checked_thickness(self.thickness))

    @classmethod
    def from_efficiency(cls, efficiency: float, thickness: float) -> SensorAbsorption:
        """Construct from the fraction that is absorbed at normal incidence.

        Definition: ``mu = -log(1 - efficiency) / thickness``.

        Raises
        ------
        ParameterError
            `efficiency` is not between 0 and 1 (both excluded), or `thickness` is not positive and finite.
        """
        fraction = finite_number("efficiency", efficiency)
        if not 0 < fraction < 1:
            raise ParameterError(f"efficiency: expected a fraction between 0 and 1, got {fraction}.")
        length = _checked_thickness(positive_number("thickness", thickness, unit="m"))
        return cls(-math.log1p(-fraction) / length, length)

    @property
    def efficiency(self) -> float:
        """Fraction absorbed at normal incidence, ``1 - exp(-mu thickness)``."""
        return -math.expm1(-self.attenuation_coefficient * self.thickness)


@dataclass(frozen=True, slots=True)
class ParallaxSettings:
    """What the user says about the correction; the rest is taken from the detector's sensor.

    Parameters
    ----------
    attenuation_coefficient:
        Of the sensor material at the photon energy, 1/m. None: the total one of :mod:`azimuthal.materials`.
    thickness:
        Of the sensor, m; ``math.inf`` for a thick one. None: the thickness of the detector's sensor.
    """

    attenuation_coefficient: float | None = None
    thickness: float | None = None

    def __post_init__(self) -> None:
        if self.attenuation_coefficient is not None:
            coefficient = positive_number("attenuation_coefficient", self.attenuation_coefficient, unit="1/m")
            object.__setattr__(self, "attenuation_coefficient", coefficient)
        if self.thickness is not None:
            object.__setattr__(self, "thickness", _checked_thickness(self.thickness))

    def absorption(self, *, sensor: _SensorLike | None = None, energy: float | None = None) -> SensorAbsorption:
        """Return the model of the sensor.

        Parameters
        ----------
        sensor:
            Of the detector (``material``, ``thickness`` in m), or None when it is not known.
        energy:
            Photon energy in keV, to look the coefficient up.

        Raises
        ------
        ParameterError
            The coefficient or the thickness is not known; the message names what is missing.
        """
        coefficient = self.attenuation_coefficient
        if coefficient is None:
            missing = missing_sensor_facts(sensor, energy)
            if missing is not None or sensor is None or energy is None:
                raise ParameterError(
                    f"parallax: {missing}. Pass ParallaxSettings(attenuation_coefficient=...) in 1/m (density times "
                    "the mass attenuation coefficient), or switch off with parallax=None."
                )
            coefficient = attenuation_coefficient(sensor.material, energy)
        thickness = sensor.thickness if self.thickness is None and sensor is not None else self.thickness
        if thickness is None:
            raise ParameterError(
                "thickness: parallax needs the thickness of the sensor, and the detector has no sensor. Pass "
                "ParallaxSettings(thickness=...) in m, or math.inf for a sensor that absorbs everything."
            )
        return SensorAbsorption(coefficient, thickness)


def missing_sensor_facts(sensor: _SensorLike | None, energy: float | None) -> str | None:
    """Return what is not known of how a sensor absorbs, in words, or None: material, thickness and energy are known."""
    if sensor is None:
        return "material and thickness of the sensor are not known (detector.with_sensor(material, thickness))"
    if energy is None:
        return "the photon energy is not known (wavelength=... or energy=...)"
    try:
        known = material(sensor.material)
    except UnknownNameError:
        return f"the attenuation of {sensor.material!r} is not in the table (azimuthal.materials)"
    if known.density is None:
        return f"the density of {sensor.material!r} is not in the table (azimuthal.materials)"
    low, high = ENERGY_RANGE_KEV
    if not low <= energy <= high:
        return f"the energy {energy:.6g} keV is outside the table of attenuation coefficients ({low:g} to {high:g} keV)"
    return None


def doubtful_sensor_facts(sensor: _SensorLike | None, energy: float | None) -> str | None:
    """Return why corrections of the sensor are not switched on unasked, in words, or None: everything is known.

    Beyond :func:`missing_sensor_facts` the density of a layer of powder counts as not known.
    """
    missing = missing_sensor_facts(sensor, energy)
    if missing is None and sensor is not None and material(sensor.material).is_powder:
        return f"the packing density of the {sensor.material} powder is not known"
    return missing


def mean_path(*, cos_incidence: FloatArray, absorption: SensorAbsorption) -> FloatArray:
    """Return the mean path in the sensor of the photons that it absorbs, along the ray, in m.

    Parameters
    ----------
    cos_incidence:
        Cosine of the angle of incidence, any shape, in [0, 1].
    absorption:
        Of the sensor.

    Returns
    -------
    :
        Same shape, float64: ``f(m) / mu`` of the module docstring; ``1 / mu`` for a thick sensor and at
        grazing incidence.
    """
    mu = absorption.attenuation_coefficient
    cosine = np.asarray(cos_incidence, dtype=np.float64)
    with np.errstate(divide="ignore"):
        optical_depth = np.asarray(mu * absorption.thickness / cosine)
    return np.asarray(_depth_fraction(optical_depth)[0] / mu)


def displacement(*, cos_incidence: FloatArray, absorption: SensorAbsorption) -> FloatArray:
    """Return how far the signal of a ray is shifted along the surface, in m: ``sin(alpha) f(m) / mu``.

    Parameters
    ----------
    cos_incidence:
        Cosine of the angle of incidence at the entry point, any shape, in [0, 1].
    absorption:
        Of the sensor.

    Returns
    -------
    :
        Same shape, float64, at least 0, away from the foot of the normal.
    """
    cosine = np.asarray(cos_incidence, dtype=np.float64)
    sine = np.sqrt((1.0 - cosine) * (1.0 + cosine))
    return np.asarray(sine * mean_path(cos_incidence=cosine, absorption=absorption))


def entry_radius(*, radius: FloatArray, distance: FloatArray, absorption: SensorAbsorption) -> FloatArray:
    """Return where on the surface the rays entered whose signal is recorded at `radius`.

    Definition: the root ``rho`` of ``rho + shift(rho) = radius``.

    Parameters
    ----------
    radius:
        Distance of the recording pixel from the foot of the normal, m, at least 0, any shape.
    distance:
        From the sample to the (tangent) plane, m, greater than 0; broadcasts with `radius`.
    absorption:
        Of the sensor.

    Returns
    -------
    :
        Broadcast shape, float64, m, in ``[0, radius]``; NaN where an input is NaN.

    Raises
    ------
    ParameterError
        A distance is not greater than 0: the pixel is seen edge-on.

    Notes
    -----
    Accurate to 1e-13 m plus rounding. 100 ns (thick) to 200 ns (thin sensor) per element.
    """
    recorded, plane = np.broadcast_arrays(np.asarray(radius, dtype=np.float64), np.asarray(distance, dtype=np.float64))
    if (plane <= 0).any():
        raise ParameterError(
            "distance: expected distances greater than 0 m to the plane of the pixels, got "
            f"{np.nanmin(plane)}: a pixel is seen edge-on. Switch off with parallax=False."
        )
    entry = recorded / (1.0 + _shift_and_slope(np.zeros_like(recorded), plane, absorption)[1])
    for _ in range(_MOST_STEPS):
        shift, slope = _shift_and_slope(entry, plane, absorption)
        step = (recorded - entry - shift) / (1.0 + slope)
        entry = entry + step
        if not (np.abs(step) > TOLERANCE_M).any():
            return entry
    raise ParameterError(
        f"absorption: no entry points found for {absorption} at distances down to {np.nanmin(plane)} m. "
        "Check the units: 1/m for the attenuation coefficient, m for thickness and distance."
    )


def entry_scale(*, radius: FloatArray, distance: float, absorption: SensorAbsorption) -> FloatArray:
    """Return ``entry_radius / radius``: what a position of a flat detector, from the PONI, is multiplied by.

    Parameters
    ----------
    radius, distance, absorption:
        Those of :func:`entry_radius`.

    Returns
    -------
    :
        Shape of `radius`, float64, in (0, 1]; at radius 0 the limit ``1 / (1 + shift'(0))``.
    """
    recorded = np.asarray(radius, dtype=np.float64)
    plane = np.full_like(recorded, distance)
    entry = entry_radius(radius=recorded, distance=plane, absorption=absorption)
    limit = 1.0 / (1.0 + _shift_and_slope(np.zeros_like(recorded), plane, absorption)[1])
    return np.divide(entry, recorded, out=limit, where=recorded > 0)


def entry_positions(
    *,
    detector_positions: FloatArray,
    pose: Pose,
    absorption: SensorAbsorption,
    normals: FloatArray | None = None,
) -> FloatArray:
    """Return the points where the rays entered the sensor whose signal is recorded at `detector_positions`.

    Use these in place of the positions of pixel centres or corners, before the rotation.

    Parameters
    ----------
    detector_positions:
        Shape ``(..., 3)``, m, detector frame.
    pose:
        Only ``dist``, ``poni1`` and ``poni2`` are used.
    absorption:
        Of the sensor.
    normals:
        Unit normals of the pixels in the detector frame, of the same shape or broadcasting to it; their sign
        has no meaning. None for a flat detector: axis 3.

    Returns
    -------
    :
        Same shape, float64, m, detector frame; new memory. Axis 3 of a flat detector is unchanged.

    Raises
    ------
    ShapeError
        A last axis is not of length 3, or `normals` does not match.
    ParameterError
        A pixel is seen edge-on.
    """
    relative = sample_positions(detector_positions=detector_positions, pose=pose)
    normal = np.array([0.0, 0.0, 1.0]) if normals is None else np.asarray(normals, dtype=np.float64)
    height = np.einsum("...k,...k->...", normal, relative)
    along_surface = relative - height[..., np.newaxis] * normal
    recorded = np.sqrt(np.einsum("...k,...k->...", along_surface, along_surface))
    entry = entry_radius(radius=recorded, distance=np.abs(height), absorption=absorption)
    inward = np.divide(entry - recorded, recorded, out=np.zeros_like(recorded), where=recorded > 0)
    return np.asarray(detector_positions + inward[..., np.newaxis] * along_surface)


def _shift_and_slope(
    entry: FloatArray, distance: FloatArray, absorption: SensorAbsorption
) -> tuple[FloatArray, FloatArray]:
    """Return ``shift(rho)`` in m and its derivative with respect to ``rho``."""
    mu = absorption.attenuation_coefficient
    ray = np.hypot(entry, distance)
    sine, cosine = entry / ray, distance / ray
    if math.isinf(absorption.thickness):
        return sine / mu, cosine * cosine / (mu * ray)
    fraction, derivative = _depth_fraction(mu * absorption.thickness / cosine)
    slope = fraction * cosine * cosine / (mu * ray)
    slope += derivative * absorption.thickness * sine * sine / distance
    return sine * fraction / mu, slope


def _depth_fraction(optical_depth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``f(m) = 1 - m / (exp(m) - 1)`` and its derivative, without cancellation or overflow.

    Below m = 0.05 the series ``m/2 - m^2/12 + m^4/720 - m^6/30240`` is used (error 3e-17).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        absorbed = -np.expm1(-optical_depth)
        rest = np.where(np.isinf(optical_depth), 0.0, optical_depth * (1.0 - absorbed) / absorbed)
        derivative = rest * (1.0 / absorbed - 1.0 / optical_depth)
    m = np.minimum(optical_depth, _SERIES_BELOW)
    square = m * m
    series = m * (0.5 - m / 12.0 + square * m / 720.0 - square * square * m / 30240.0)
    small = optical_depth < _SERIES_BELOW
    return (
        np.where(small, series, 1.0 - rest),
        np.where(small, 0.5 - m / 6.0 + square * m / 180.0, derivative),
    )


def _checked_thickness(value: float) -> float:
    """Return a thickness in m, finite and positive or infinite."""
    if value == math.inf:
        return math.inf
    thickness = positive_number("thickness", value, unit="m")
    if thickness > _THICKEST_SENSOR_M:
        raise ParameterError(
            f"thickness: expected metres (450 um is 450e-6), got {thickness}. Convert it, or pass math.inf "
            "for a sensor that absorbs everything."
        )
    return thickness
