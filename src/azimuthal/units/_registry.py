# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Finding a unit by name, and a user's own units.

The built-in table is frozen.  The user's units live in one dictionary of this module, changed under a lock; a
unit that was handed out never changes.
"""

from __future__ import annotations

import dataclasses
import threading

import numpy as np

from azimuthal._validate import positive_number, unknown_name
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError
from azimuthal.units._quantity import PositionFunction, Quantity
from azimuthal.units._spelling import aliases, bare_quantities, folded
from azimuthal.units._table import BUILT_IN_UNITS, HELPER_UNITS, plot_label
from azimuthal.units._unit import Unit
from azimuthal.units.grazing import with_sample

_registered: dict[str, Unit] = {}
_lock = threading.Lock()


def unit(name: str | Unit, **parameters: float) -> Unit:
    """Return the unit that a name means.

    Parameters
    ----------
    name:
        A key such as ``"q_nm^-1"`` (:func:`unit_names` lists them), a natural spelling of one (``"q
        [1/nm]"``, ``"q_A-1"``, ``"tth_deg"``, ``"2θ (°)"``), the name of a registered unit, or a
        :class:`Unit`.
    **parameters:
        For units of grazing incidence: ``incident_angle`` and ``tilt_angle`` in rad, ``sample_orientation``
        1-8 (:mod:`azimuthal.units.grazing`).  For a :class:`Unit` they replace the ones it has.

    Raises
    ------
    UnknownNameError
        The name is not known, names a quantity without its unit, or a parameter is not known.
    DataTypeError
        `name` is neither text nor a :class:`Unit`.
    ParameterError
        A parameter is out of its range.

    Examples
    --------
    >>> unit("q [1/nm]").name
    'q_nm^-1'
    >>> unit("qip_nm^-1", incident_angle=0.0035).parameters["incident_angle"]
    0.0035
    """
    found = name if isinstance(name, Unit) else _find(name)
    if not parameters:
        return found
    return dataclasses.replace(found, quantity=with_sample(found.quantity, **parameters))


def _find(name: str) -> Unit:
    if not isinstance(name, str):
        raise DataTypeError(f"unit: expected a name such as 'q_nm^-1' or a Unit, got {name!r}.")
    spelling = folded(name)
    key = aliases().get(spelling)
    if key is not None:
        return BUILT_IN_UNITS[key] if key in BUILT_IN_UNITS else HELPER_UNITS[key]
    if spelling in _registered:
        return _registered[spelling]
    raise _unknown(name, spelling)


def _unknown(name: str, spelling: str) -> UnknownNameError:
    choices = bare_quantities().get(spelling)
    if choices is not None:
        return UnknownNameError(
            f"unit: {name!r} names a quantity without its unit; write {' or '.join(repr(key) for key in choices)}."
        )
    hint = "azimuthal.units.unit_names() lists all of them."
    return unknown_name("unit", name, unit_names(), hint=hint)


def unit_names() -> tuple[str, ...]:
    """Return the keys of all units of positions: the built-in ones in table order, then the user's."""
    return (*BUILT_IN_UNITS, *(registered.name for registered in tuple(_registered.values())))


def helper_unit_names() -> tuple[str, ...]:
    """Return the keys of the plain length and angle units, which only :func:`convert` takes."""
    return tuple(HELPER_UNITS)


def register_unit(
    name: str,
    function: PositionFunction,
    *,
    symbol: str,
    scale: float = 1.0,
    positive: bool = False,
    period: float | None = None,
    needs_wavelength: bool = False,
    label: str | None = None,
    replace: bool = False,
) -> Unit:
    """Register a unit of one's own and return it; from then on :func:`unit` knows its name.

    Parameters
    ----------
    name:
        The key; it must not be a spelling of a built-in unit.
    function:
        ``function(x, y, z, wavelength) -> values``: elementwise on float64 arrays of one shape, laboratory
        axes 2, 1, 3 in m (:mod:`azimuthal.geometry.frames`), wavelength in m or None; returns floats of the
        same shape.
    symbol:
        Symbol of the unit for files, e.g. ``"um"``; empty for plain numbers.
    scale:
        Factor from the values of `function` to values in the unit; greater than zero.
    positive:
        Whether no value is below zero.
    period:
        Circumference, in the unit, when the values lie on a circle (e.g. 360).
    needs_wavelength:
        Whether `function` needs the wavelength.
    label:
        Text for plots; by default the name and the symbol.
    replace:
        Whether a unit registered earlier under this name may be replaced.

    Raises
    ------
    ParameterError
        The name is taken, `scale` or `period` is not positive, or `function` is not elementwise or needs the
        wavelength without saying so.
    DataTypeError, ShapeError
        `function` does not return floats of the shape it was given.

    Notes
    -----
    Thread-safe.  The quantity's dimension is recorded as ``"number"``: own units convert to no other.  They
    are stored in files and pickles by name, so they must be registered in the process that reads them.
    """
    spelling = _free_spelling(name)
    scale = positive_number("scale", scale)
    canonical_period = None if period is None else positive_number("period", period) / scale
    _check_function(function, needs_wavelength=needs_wavelength)
    quantity = Quantity(
        name,
        name,
        function,
        "number",
        needs_wavelength=needs_wavelength,
        positive=positive,
        period=canonical_period,
    )
    made = Unit(name, quantity, scale, symbol, plot_label(name, symbol) if label is None else label)
    with _lock:
        if spelling in _registered and not replace:
            raise ParameterError(
                f"name: {name!r} is registered already, as {_registered[spelling].name!r}. "
                "Pass replace=True to replace it."
            )
        _registered[spelling] = made
    return made


def _free_spelling(name: object) -> str:
    """Return the folded name; refuse what is no name, or means a built-in unit already."""
    if not isinstance(name, str) or not folded(name):
        raise DataTypeError(f"name: expected a non-empty text, got {name!r}.")
    spelling = folded(name)
    taken = aliases().get(spelling) or bare_quantities().get(spelling)
    if taken:
        raise ParameterError(f"name: {name!r} is a spelling of the built-in {taken!r}. Choose another name.")
    return spelling


_PROBE_X, _PROBE_Y, _PROBE_Z = np.meshgrid([-0.2, 0.1], [-0.1, 0.05, 0.3], [0.4, 1.0], indexing="ij")
_PROBE_WAVELENGTH = 1e-10


def _check_function(function: PositionFunction, *, needs_wavelength: bool) -> None:
    """Call the function on a small array: shape kept, floats returned, each element on its own."""
    if not callable(function):
        raise DataTypeError(f"function: expected a function of (x, y, z, wavelength), got {function!r}.")
    wavelength = _PROBE_WAVELENGTH if needs_wavelength else None
    try:
        values = np.asarray(function(_PROBE_X.copy(), _PROBE_Y.copy(), _PROBE_Z.copy(), wavelength))
    except TypeError as error:
        raise ParameterError(
            f"function: the call function(x, y, z, {wavelength}) failed with: {error}. It must take four "
            "arguments; pass needs_wavelength=True if it uses the wavelength."
        ) from error
    if values.dtype.kind != "f":
        raise DataTypeError(f"function: expected floating-point values, got dtype {values.dtype}.")
    if values.shape != _PROBE_X.shape:
        raise ShapeError(f"function: expected values of the shape of x, {_PROBE_X.shape}, got {values.shape}.")
    part = np.asarray(function(_PROBE_X[:1].copy(), _PROBE_Y[:1].copy(), _PROBE_Z[:1].copy(), wavelength))
    if not np.allclose(part, values[:1], rtol=1e-12, atol=0.0, equal_nan=True):
        raise ParameterError(
            "function: the values of some elements change when others are left out. It must work element by "
            "element, because detectors are processed in pieces."
        )
