# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The table of built-in units: adding a unit is adding one line.

A row holds the key, the quantity, the number of units in one SI unit (1/m for q, rad for angles ...) and the
symbol.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from azimuthal.errors import UnsupportedOptionError
from azimuthal.typing import FloatArray
from azimuthal.units._quantity import CORE_QUANTITIES, Quantity
from azimuthal.units._unit import Unit
from azimuthal.units.grazing import SAMPLE_QUANTITIES

_DEGREES = 180.0 / math.pi

_ROWS: tuple[tuple[str, str, float, str], ...] = (
    ("r_m", "r", 1.0, "m"),
    ("r_mm", "r", 1e3, "mm"),
    ("2th_rad", "two_theta", 1.0, "rad"),
    ("2th_deg", "two_theta", _DEGREES, "deg"),
    ("q_nm^-1", "q", 1e-9, "nm^-1"),
    ("q_A^-1", "q", 1e-10, "A^-1"),
    ("d_m", "d", 1.0, "m"),
    ("d_nm", "d", 1e9, "nm"),
    ("d_A", "d", 1e10, "A"),
    ("d*2_nm^-2", "d_star_squared", 1e-18, "nm^-2"),
    ("d*2_A^-2", "d_star_squared", 1e-20, "A^-2"),
    ("log10(q.m)_None", "log10(q.m)", 1.0, ""),
    ("log(q.nm)_None", "log(q.nm)", 1.0, ""),
    ("log(1+q.nm)_None", "log(1+q.nm)", 1.0, ""),
    ("log(1+q.A)_None", "log(1+q.A)", 1.0, ""),
    ("arcsinh(q.nm)_None", "arcsinh(q.nm)", 1.0, ""),
    ("arcsinh(q.A)_None", "arcsinh(q.A)", 1.0, ""),
    ("qx_nm^-1", "qx", 1e-9, "nm^-1"),
    ("qy_nm^-1", "qy", 1e-9, "nm^-1"),
    ("scattering_angle_vert_rad", "scattering_angle_vert", 1.0, "rad"),
    ("scattering_angle_horz_rad", "scattering_angle_horz", 1.0, "rad"),
    ("exit_angle_vert_rad", "exit_angle_vert", 1.0, "rad"),
    ("exit_angle_horz_rad", "exit_angle_horz", 1.0, "rad"),
    ("exit_angle_vert_deg", "exit_angle_vert", _DEGREES, "deg"),
    ("exit_angle_horz_deg", "exit_angle_horz", _DEGREES, "deg"),
    ("qxgi_nm^-1", "qxgi", 1e-9, "nm^-1"),
    ("qygi_nm^-1", "qygi", 1e-9, "nm^-1"),
    ("qzgi_nm^-1", "qzgi", 1e-9, "nm^-1"),
    ("qip_nm^-1", "qip", 1e-9, "nm^-1"),
    ("qoop_nm^-1", "qoop", 1e-9, "nm^-1"),
    ("qtot_nm^-1", "qtot", 1e-9, "nm^-1"),
    ("qxgi_A^-1", "qxgi", 1e-10, "A^-1"),
    ("qygi_A^-1", "qygi", 1e-10, "A^-1"),
    ("qzgi_A^-1", "qzgi", 1e-10, "A^-1"),
    ("qip_A^-1", "qip", 1e-10, "A^-1"),
    ("qoop_A^-1", "qoop", 1e-10, "A^-1"),
    ("qtot_A^-1", "qtot", 1e-10, "A^-1"),
    ("qip_abs_nm^-1", "qip_abs", 1e-9, "nm^-1"),
    ("qip_abs_A^-1", "qip_abs", 1e-10, "A^-1"),
    ("scattering_angle_vert_deg", "scattering_angle_vert", _DEGREES, "deg"),
    ("scattering_angle_horz_deg", "scattering_angle_horz", _DEGREES, "deg"),
    ("chi_rad", "chi", 1.0, "rad"),
    ("chi_deg", "chi", _DEGREES, "deg"),
    ("chigi_rad", "chigi", 1.0, "rad"),
    ("chigi_deg", "chigi", _DEGREES, "deg"),
    ("chigi_abs_rad", "chigi_abs", 1.0, "rad"),
    ("chigi_abs_deg", "chigi_abs", _DEGREES, "deg"),
)

#: Plain lengths and angles: good for :func:`azimuthal.units.convert`, not for an axis of positions.
_HELPER_ROWS: tuple[tuple[str, str, float, str], ...] = (
    ("m", "length", 1.0, "m"),
    ("cm", "length", 1e2, "cm"),
    ("mm", "length", 1e3, "mm"),
    ("micron", "length", 1e6, "um"),
    ("nm", "length", 1e9, "nm"),
    ("A", "length", 1e10, "A"),
    ("deg", "angle", _DEGREES, "deg"),
    ("rad", "angle", 1.0, "rad"),
)

_PRETTY = MappingProxyType(
    {"nm^-1": "nm⁻¹", "A^-1": "Å⁻¹", "nm^-2": "nm⁻²", "A^-2": "Å⁻²", "A": "Å", "um": "µm", "deg": "°"}
)


def _no_position(x: FloatArray, y: FloatArray, z: FloatArray, wavelength: float | None = None) -> FloatArray:
    raise UnsupportedOptionError(
        "unit: a plain length or angle is no function of a pixel's position. Name the quantity too, e.g. "
        "'r_mm', 'd_A', '2th_deg' or 'chi_deg'."
    )


#: Plain length and angle, which have no position.
HELPER_QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "length": Quantity("length", "length", _no_position, "length", long_name="length"),
        "angle": Quantity("angle", "angle", _no_position, "angle", period=2.0 * math.pi, long_name="angle"),
    }
)


def plot_label(quantity_symbol: str, symbol: str) -> str:
    """Return the Unicode text for a plot axis: quantity and unit, or the quantity alone for plain numbers."""
    return f"{quantity_symbol} ({_PRETTY.get(symbol, symbol)})" if symbol else quantity_symbol


def _build(rows: tuple[tuple[str, str, float, str], ...], quantities: Mapping[str, Quantity]) -> Mapping[str, Unit]:
    return MappingProxyType(
        {
            name: Unit(name, quantities[key], scale, symbol, plot_label(quantities[key].symbol, symbol))
            for name, key, scale, symbol in rows
        }
    )


#: Units of positions, by key.
BUILT_IN_UNITS: Mapping[str, Unit] = _build(_ROWS, {**CORE_QUANTITIES, **SAMPLE_QUANTITIES})

#: Units of plain lengths and angles, by key.
HELPER_UNITS: Mapping[str, Unit] = _build(_HELPER_ROWS, HELPER_QUANTITIES)
