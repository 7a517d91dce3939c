# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Conversion of values between units.

Values of one quantity are scaled.  Values of different quantities convert when both are monotonic functions
of the scattering angle::

    two_theta  <-- wavelength -->  q  <-->  d, d_star_squared, log and arcsinh quantities, qtot

All but two_theta are functions of q alone, so only two_theta needs the wavelength.  Relative precision is a
few units in the last place, except for two_theta from q near backscattering, where ``d(two_theta)/dq``
diverges.

The distance r from the beam axis does not convert: on a tilted detector one radius holds many scattering
angles.
"""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from azimuthal._validate import positive_number
from azimuthal.errors import DataTypeError, ParameterError, UnsupportedOptionError, WavelengthMissingError
from azimuthal.typing import FloatArray
from azimuthal.units._quantity import CORE_QUANTITIES, FunctionOfQ, Quantity
from azimuthal.units._registry import unit
from azimuthal.units._unit import Unit

#: Relative excess over the largest possible q or angle that is taken for rounding.
_ROUNDING = 1e-12
_LONGEST_WAVELENGTH = 1e-6


@overload
def convert(values: float, from_unit: str | Unit, to_unit: str | Unit, *, wavelength: float | None = None) -> float: ...


@overload
def convert(
    values: npt.ArrayLike, from_unit: str | Unit, to_unit: str | Unit, *, wavelength: float | None = None
) -> FloatArray: ...


def convert(
    values: Any, from_unit: str | Unit, to_unit: str | Unit, *, wavelength: float | None = None
) -> float | FloatArray:
    """Return values of one unit in another unit.

    Parameters
    ----------
    values:
        A number or an array in `from_unit`; NaN stays NaN.
    from_unit, to_unit:
        Anything that :func:`azimuthal.units.unit` takes.
    wavelength:
        In m; needed between two_theta and any other quantity, and ignored otherwise.

    Returns
    -------
    :
        A float for a number, else a new float64 array of the same shape.

    Raises
    ------
    UnsupportedOptionError
        The quantities are not both monotonic functions of the scattering angle.
    WavelengthMissingError
        The wavelength is needed and not given.
    ParameterError
        A value is out of the quantity's range, e.g. q above 4 pi / wavelength.

    Examples
    --------
    >>> convert(2.5, "q_A^-1", "q_nm^-1")
    25.0
    >>> round(convert(20.0, "2th_deg", "q_nm^-1", wavelength=1e-10), 6)
    21.821274
    """
    source, target = unit(from_unit), unit(to_unit)
    if wavelength is not None:
        wavelength = _checked_wavelength(wavelength)
    array = np.asarray(values)
    if array.dtype.kind not in "uif":
        raise DataTypeError(f"values: expected numbers, got dtype {array.dtype}.")
    array = array.astype(np.float64)
    if source != target:
        array = _converted(array, source, target, wavelength)
    return float(array) if array.ndim == 0 and not isinstance(values, np.ndarray) else array


def _converted(values: FloatArray, source: Unit, target: Unit, wavelength: float | None) -> FloatArray:
    if source.quantity == target.quantity:
        return _rescaled(values, source.scale, target.scale)
    for one in (source, target):
        _check_convertible(one, source, target)
    if source.positive and (values < 0).any():
        raise ParameterError(f"values: {source.name!r} is never below zero, got {_first(values, values < 0)}.")
    q = _to_q(values, source, wavelength)
    return target.from_canonical(_from_q(q, target.quantity, wavelength))


def _rescaled(values: FloatArray, old_scale: float, new_scale: float) -> FloatArray:
    """Return scaled values: 1 nm^-1 is 0.1 A^-1 to the last digit, as ratios above 1 are exact."""
    if new_scale >= old_scale:
        return values * (new_scale / old_scale)
    return values / (old_scale / new_scale)


def _check_convertible(one: Unit, source: Unit, target: Unit) -> None:
    if one.quantity == CORE_QUANTITIES["two_theta"] or _function_of_q(one.quantity) is not None:
        return
    problem = f"to_unit: {source.name!r} cannot be converted to {target.name!r}: "
    if one.quantity == CORE_QUANTITIES["r"]:
        raise UnsupportedOptionError(
            problem + "a distance from the beam axis has one scattering angle only on an untilted detector. "
            "Integrate again in the unit that you need."
        )
    raise UnsupportedOptionError(
        problem + f"{one.quantity.name!r} is no function of the scattering angle alone. Integrate again in the unit "
        "that you need."
    )


def _function_of_q(quantity: Quantity) -> FunctionOfQ | None:
    function = CORE_QUANTITIES["q"].function if quantity.name == "qtot" else quantity.function
    return function if isinstance(function, FunctionOfQ) else None


def _to_q(values: FloatArray, source: Unit, wavelength: float | None) -> FloatArray:
    """Return q in 1/m."""
    canonical = source.to_canonical(values)
    function = _function_of_q(source.quantity)
    if function is not None:
        return function.to_q(canonical)
    excess = canonical > math.pi * (1.0 + _ROUNDING)
    if excess.any():
        raise ParameterError(f"values: {source.name!r} is at most 180 degrees, got {_first(values, excess)}.")
    return 4.0 * math.pi / _checked_wavelength(wavelength) * np.sin(0.5 * np.minimum(canonical, math.pi))


def _from_q(q: FloatArray, quantity: Quantity, wavelength: float | None) -> FloatArray:
    """Return SI values of a quantity from q in 1/m."""
    function = _function_of_q(quantity)
    if function is not None:
        return function.from_q(q)
    sine = q * (_checked_wavelength(wavelength) / (4.0 * math.pi))
    excess = sine > 1.0 + _ROUNDING
    if excess.any():
        raise ParameterError(
            f"values: q = {_first(q, excess) * 1e-9:g} nm^-1 is beyond backscattering, 4 pi / wavelength = "
            f"{4e-9 * math.pi / _checked_wavelength(wavelength):g} nm^-1. Check the wavelength (in m)."
        )
    return 2.0 * np.arcsin(np.minimum(sine, 1.0))


def _checked_wavelength(wavelength: float | None) -> float:
    if wavelength is None:
        raise WavelengthMissingError(
            "wavelength: a conversion between the scattering angle and q or d needs it. Pass wavelength=... in m."
        )
    value = positive_number("wavelength", wavelength, unit="m")
    if value > _LONGEST_WAVELENGTH:
        raise ParameterError(f"wavelength: expected metres (1 angstrom is 1e-10), got {value}.")
    return value


def _first(values: FloatArray, where: npt.NDArray[np.bool_]) -> float:
    return float(values[where].flat[0])
