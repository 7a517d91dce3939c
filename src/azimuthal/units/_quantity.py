# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Quantities: what a pixel's position means in scattering, and the formulas.

A quantity is a function of a position in the laboratory frame of :mod:`azimuthal.geometry.frames` and, for
some, of the wavelength.  Its values are SI: m, rad, 1/m, 1/m^2 or a plain number.  Units scale them
(:mod:`azimuthal.units`).

Symbols
    ``x`` is laboratory axis 2 (horizontal), ``y`` axis 1 (up), ``z`` axis 3 (along the beam); the sample is
    at the origin.  ``t = sqrt(x^2 + y^2 + z^2)`` is the distance from the sample and ``lambda`` the
    wavelength.

Definitions (elastic scattering, one wavelength, a sample small compared with its distance to the detector)
    ========================  ==================================================  ===========
    quantity                  definition                                          SI unit
    ========================  ==================================================  ===========
    r                         sqrt(x^2 + y^2), the distance from the beam axis    m
    two_theta                 atan2(r, z), in [0, pi]                             rad
    q                         (4 pi / lambda) sin(two_theta / 2)                  1/m
    d                         lambda / (2 sin(two_theta / 2)) = 2 pi / q          m
    d_star_squared            1 / d^2 = (q / 2 pi)^2                              1/m^2
    chi                       atan2(y, x), in [-pi, pi], on a circle              rad
    log10(q.m)                log10(q m): q in 1/m                                1
    log(q.nm)                 ln(q nm): q in 1/nm                                 1
    log(1+q.nm), log(1+q.A)   ln(1 + q nm), ln(1 + q A)                           1
    arcsinh(q.nm), (q.A)      arsinh(q nm), arsinh(q A)                           1
    qx                        (4 pi / lambda) sin(atan2(x, z) / 2), signed        1/m
    qy                        (4 pi / lambda) sin(atan2(y, z) / 2), signed        1/m
    ========================  ==================================================  ===========

    ``q`` is the length of the scattering vector ``k_out - k_in`` with wave vectors of length ``2 pi /
    lambda`` (Kieffer & Karkoulis 2013, doi:10.1088/1742-6596/425/20/202012; Kieffer, Valls, Blanc & Hennig
    2020, doi:10.1107/S1600577520000776).  ``chi`` is zero along x and pi/2 upwards.

    ``qx`` and ``qy`` are **not** the Cartesian components of the scattering vector, and ``qx^2 + qy^2 !=
    q^2``.  They are the ``q`` of a scattering angle projected on the horizontal and on the vertical plane;
    they exist under these names because users' scripts hold them.  They approach the components for small
    angles (relative difference of the order of two_theta^2 / 8).  The true components are ``qxgi``, ``qygi``
    and ``qzgi`` at zero incident angle (:mod:`azimuthal.units.grazing`).

Numerics
    The half angle is never formed for q: with ``t`` as above ::

        sin(two_theta / 2) = sqrt((x^2 + y^2) / (2 t (t + z)))    z >= 0
                           = sqrt((t - z) / (2 t))                z < 0

    Both branches add positive numbers only, so q, d and d_star_squared keep full relative precision from the
    smallest angles to backscattering (a few units in the last place, tested against long decimals).

Limits
    On the beam axis, z > 0: r = two_theta = q = 0, d = inf, the logarithms of q are -inf; chi is 0 by
    convention.  At the sample itself there is no direction: q and all that derives from it are NaN.  No
    warning is emitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from azimuthal.errors import WavelengthMissingError
from azimuthal.typing import FloatArray

PositionFunction: TypeAlias = Callable[[FloatArray, FloatArray, FloatArray, float | None], FloatArray]
"""``function(x, y, z, wavelength) -> values``, elementwise, everything in SI."""

Dimension: TypeAlias = Literal["length", "angle", "inverse length", "inverse length squared", "number"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured along an axis: a function of position, and the facts that binning needs.

    Parameters
    ----------
    name:
        Identifier, e.g. ``"two_theta"``.
    symbol:
        Unicode text for plots, e.g. ``"2θ"``.
    function:
        ``function(x, y, z, wavelength)``: elementwise values in SI of laboratory positions in m and a
        wavelength in m (or None); x, y, z are laboratory axes 2, 1, 3.
    dimension:
        Physical dimension; values are in m, rad, 1/m, 1/m^2 or plain numbers accordingly.
    needs_wavelength:
        Whether `function` needs the wavelength.
    positive:
        Whether no value is below zero.
    period:
        Circumference in SI units when the values lie on a circle, else None.
    long_name:
        Words for a table or a file, e.g. ``"scattering angle"``.
    parameters:
        The sample parameters that are bound into `function`, as pairs of name and value.
    """

    name: str
    symbol: str
    function: PositionFunction
    dimension: Dimension
    needs_wavelength: bool = False
    positive: bool = False
    period: float | None = None
    long_name: str = ""
    parameters: tuple[tuple[str, float], ...] = ()

    def values(
        self, x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike, wavelength: float | None = None
    ) -> FloatArray:
        """Return the quantity in SI at laboratory positions; float64, the broadcast shape of x, y and z.

        Parameters
        ----------
        x, y, z:
            Laboratory axes 2, 1 and 3, m; numbers or arrays.
        wavelength:
            In m; may be None when :attr:`needs_wavelength` is False.

        Raises
        ------
        WavelengthMissingError
            The quantity needs a wavelength and none is given.
        """
        if self.needs_wavelength and wavelength is None:
            raise WavelengthMissingError(
                f"wavelength: {self.name!r} needs it and none is given. Pass wavelength=... in m."
            )
        x, y, z = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (x, y, z)))
        return np.asarray(self.function(x, y, z, wavelength), dtype=np.float64)


def wave_number(wavelength: float | None) -> float:
    """Return 2 pi / wavelength in 1/m."""
    if wavelength is None:
        raise WavelengthMissingError("wavelength: q and d need it and none is given. Pass wavelength=... in m.")
    return 2.0 * math.pi / wavelength


def sine_of_half_angle(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Return sin(two_theta / 2) without forming the angle; see the module docstring."""
    square = x * x + y * y
    length = np.sqrt(square + z * z)
    backward = z < 0
    with np.errstate(divide="ignore", invalid="ignore"):
        sine: FloatArray = np.sqrt(square / (2.0 * length * (length + z)))
        if np.any(backward):
            sine = np.where(backward, np.sqrt((length - z) / (2.0 * length)), sine)
    return sine


def radius(x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None = None) -> FloatArray:
    """Return the distance from the beam axis, m."""
    return np.sqrt(x * x + y * y)


def two_theta(x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None = None) -> FloatArray:
    """Return the scattering angle, rad, in [0, pi]."""
    return np.arctan2(np.sqrt(x * x + y * y), z)


def chi(x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None = None) -> FloatArray:
    """Return the azimuth, rad, in [-pi, pi]: zero along x, increasing towards y (up)."""
    return np.arctan2(y, x)


def scattering_vector_length(x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None) -> FloatArray:
    """Return the length q of the scattering vector, 1/m."""
    return 2.0 * wave_number(wavelength) * sine_of_half_angle(x, y, z)


def q_of_horizontal_angle(x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None) -> FloatArray:
    """Return "qx", 1/m: the q of the angle projected on the horizontal plane, not a Cartesian component."""
    return 2.0 * wave_number(wavelength) * np.sin(0.5 * np.arctan2(x, z))


def q_of_vertical_angle(x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None) -> FloatArray:
    """Return "qy", 1/m: the q of the angle projected on the vertical plane, not a Cartesian component."""
    return 2.0 * wave_number(wavelength) * np.sin(0.5 * np.arctan2(y, z))


def power_of_ten(values: FloatArray) -> FloatArray:
    """Return 10 to the power of the values."""
    return np.power(10.0, values)


@dataclass(frozen=True, slots=True)
class FunctionOfQ:
    """A quantity that is a monotonic function of q alone, with its inverse: ``value = forward(scale * q)``.

    Parameters
    ----------
    forward, inverse:
        Elementwise functions, each the inverse of the other.
    scale:
        Factor on q (1/m) before `forward` is applied.
    """

    forward: Callable[[FloatArray], FloatArray]
    inverse: Callable[[FloatArray], FloatArray]
    scale: float = 1.0

    def __call__(self, x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None = None) -> FloatArray:
        """Return the quantity at laboratory positions."""
        return self.from_q(scattering_vector_length(x, y, z, wavelength))

    def from_q(self, q: FloatArray) -> FloatArray:
        """Return the quantity for q in 1/m; infinities at q = 0 come without a warning."""
        with np.errstate(divide="ignore"):
            return self.forward(self.scale * q)

    def to_q(self, values: FloatArray) -> FloatArray:
        """Return q in 1/m for values of the quantity."""
        with np.errstate(divide="ignore", over="ignore"):
            return self.inverse(values) / self.scale


def _of_q(
    name: str,
    symbol: str,
    dimension: Dimension,
    function: FunctionOfQ,
    long_name: str,
    *,
    positive: bool = True,
) -> Quantity:
    return Quantity(name, symbol, function, dimension, needs_wavelength=True, positive=positive, long_name=long_name)


_PER_TURN = 0.5 / math.pi

#: The quantities that do not depend on the sample's orientation, by name.
CORE_QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        quantity.name: quantity
        for quantity in (
            Quantity("r", "r", radius, "length", positive=True, long_name="distance from the beam axis"),
            Quantity("two_theta", "2θ", two_theta, "angle", positive=True, long_name="scattering angle"),
            Quantity("chi", "χ", chi, "angle", period=2.0 * math.pi, long_name="azimuthal angle"),
            _of_q("q", "q", "inverse length", FunctionOfQ(np.positive, np.positive), "scattering vector"),
            _of_q("d", "d", "length", FunctionOfQ(np.reciprocal, np.reciprocal, _PER_TURN), "lattice spacing"),
            _of_q(
                "d_star_squared",
                "d*²",
                "inverse length squared",
                FunctionOfQ(np.square, np.sqrt, _PER_TURN),
                "squared reciprocal spacing",
            ),
            _of_q(
                "log10(q.m)",
                "log₁₀(q·m)",
                "number",
                FunctionOfQ(np.log10, power_of_ten),
                "decimal logarithm of q in 1/m",
                positive=False,
            ),
            _of_q(
                "log(q.nm)",
                "ln(q·nm)",
                "number",
                FunctionOfQ(np.log, np.exp, 1e-9),
                "natural logarithm of q in 1/nm",
                positive=False,
            ),
            _of_q(
                "log(1+q.nm)",
                "ln(1+q·nm)",
                "number",
                FunctionOfQ(np.log1p, np.expm1, 1e-9),
                "natural logarithm of 1 plus q in 1/nm",
            ),
            _of_q(
                "log(1+q.A)",
                "ln(1+q·Å)",
                "number",
                FunctionOfQ(np.log1p, np.expm1, 1e-10),
                "natural logarithm of 1 plus q in 1/angstrom",
            ),
            _of_q(
                "arcsinh(q.nm)",
                "arsinh(q·nm)",
                "number",
                FunctionOfQ(np.arcsinh, np.sinh, 1e-9),
                "inverse hyperbolic sine of q in 1/nm",
            ),
            _of_q(
                "arcsinh(q.A)",
                "arsinh(q·Å)",
                "number",
                FunctionOfQ(np.arcsinh, np.sinh, 1e-10),
                "inverse hyperbolic sine of q in 1/angstrom",
            ),
            Quantity(
                "qx",
                "qx",
                q_of_horizontal_angle,
                "inverse length",
                needs_wavelength=True,
                long_name="q of the scattering angle projected on the horizontal plane",
            ),
            Quantity(
                "qy",
                "qy",
                q_of_vertical_angle,
                "inverse length",
                needs_wavelength=True,
                long_name="q of the scattering angle projected on the vertical plane",
            ),
        )
    }
)
