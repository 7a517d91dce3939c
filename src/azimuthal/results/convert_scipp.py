# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Results as scipp arrays: intensity with variance, unit of the axes, and bin edges as coordinates.

The array is the intensity; its variance is the squared sigma.  Coordinates are named after the dimensions, ``radial``
and ``azimuthal``, and hold the bin *edges*.  The sums, the count and the facts about the result travel as coordinates
that scipp does not compare in arithmetic ("unaligned").

The intensity has no unit, because detectors count in units of their own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal.errors import MissingDependencyError
from azimuthal.results.convert import dimension, plain
from azimuthal.units import Axis, Unit

if TYPE_CHECKING:
    import scipp

    from azimuthal.results.cake import Cake
    from azimuthal.results.profile import Profile

_SUMS = ("count", "sum_signal", "sum_variance", "sum_normalization", "sum_normalization2", "std")
_OF_SOME_MODELS = ("sum_cross", "sum_static_variance", "sum_shared_variance")
_FACTS = ("average", "error_model", "wavelength", "normalization_factor", "normalization_variance")


def profile_to_scipp(profile: Profile) -> scipp.DataArray:
    """Return a one-dimensional ``scipp.DataArray``; module docstring."""
    return _data_array(profile, {dimension(profile.axis): profile.axis})


def cake_to_scipp(cake: Cake) -> scipp.DataArray:
    """Return a ``scipp.DataArray`` with the dimensions ``(azimuthal, radial)``."""
    return _data_array(cake, {"azimuthal": cake.azimuthal_axis, "radial": cake.radial_axis})


def _data_array(result: Profile | Cake, axes: dict[str, Axis]) -> scipp.DataArray:
    sc = _scipp()
    dims = list(axes)
    variances = None if result.sigma is None else np.square(result.sigma)
    data = sc.array(dims=dims, values=result.intensity, variances=variances, unit="one")
    edges = {name: sc.array(dims=[name], values=axis.edges, unit=_unit(sc, axis.unit)) for name, axis in axes.items()}
    array: scipp.DataArray = sc.DataArray(data, coords=edges)
    others: dict[str, Any] = {
        name: sc.array(dims=dims, values=values, unit="one")
        for name in (*_SUMS, *_OF_SOME_MODELS)
        if (values := getattr(result, name)) is not None
    }
    for name in _FACTS:
        if (value := getattr(result, name)) is not None:
            others[name] = sc.scalar(value, unit="m") if name == "wavelength" else sc.scalar(value)
    for name in ("provenance", "metadata"):
        others[name] = sc.scalar(json.dumps(dict(getattr(result, name)), default=plain))
    for name, value in others.items():
        array.coords[name] = value
        array.coords.set_aligned(name, False)
    return array


def _unit(sc: Any, unit: Unit) -> Any:
    """Return scipp's unit; None, which is no unit at all, for a symbol of a user's that it does not know."""
    symbol = "angstrom" + unit.symbol[1:] if unit.symbol == "A" or unit.symbol.startswith("A^") else unit.symbol
    try:
        return sc.Unit(symbol or "one")
    except sc.UnitError:
        return None


def _scipp() -> Any:
    try:
        import scipp
    except ImportError as error:
        raise MissingDependencyError(
            "to_scipp() needs the package scipp, which is not installed. Run: pip install 'azimuthal[data]'"
        ) from error
    return scipp
