# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Quantities, units and axes.

Three separate ideas: a *quantity* is a function of a position in the laboratory (q, two_theta, chi ...), a
*unit* adds a scale and the texts for files and plots, an *axis* adds the edges of bins.  Values inside the
package are SI.

The chapters are the module docstrings: ``_quantity`` (definitions), :mod:`azimuthal.units.grazing` (sample
frame), ``_conversion``, :mod:`azimuthal.units.axis`.
"""

from azimuthal.units._constants import HC_KEV_M
from azimuthal.units._conversion import convert
from azimuthal.units._quantity import Dimension, PositionFunction, Quantity
from azimuthal.units._registry import helper_unit_names, register_unit, unit, unit_names
from azimuthal.units._unit import Unit
from azimuthal.units.axis import Axis, ConvertedAxis

__all__ = [
    "HC_KEV_M",
    "Axis",
    "ConvertedAxis",
    "Dimension",
    "PositionFunction",
    "Quantity",
    "Unit",
    "convert",
    "helper_unit_names",
    "register_unit",
    "unit",
    "unit_names",
]
