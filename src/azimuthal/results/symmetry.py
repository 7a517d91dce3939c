# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cakes with the symmetry of scattering: I(q) = I(-q).

Friedel's law makes small-angle patterns equal at azimuths half a turn apart (away from the beam, the sphere of
reflection bends away from it, and the law holds for the pattern only approximately).  Two bins half a turn apart are
then two measurements of one number: their sums add up, as those of any two measurements, and a bin that a gap of the
detector leaves empty takes what the other one saw.

``symmetrized()`` returns half a circle, with all sums preserved.  ``symmetrized(full_circle=True)`` writes every bin of
the half circle twice, for pictures and for programs that expect a full one.  Each of the two then holds half of the
signal, normalisation and count, so that totals are preserved, and a quarter of the variance, so that sigma is right;
as the two halves are the same data, they must not be added up again, and radial profiles of such a cake are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.results._covariance import transformed
from azimuthal.results._history import fields, joined, kept_fields, mapped, movable_covariance, with_covariance
from azimuthal.results._sums import Sums
from azimuthal.units import Axis

if TYPE_CHECKING:
    from azimuthal.results.cake import Cake

__all__ = ["symmetrized"]

_TOLERANCE = 1e-9
_QUARTERED = frozenset({"variance", "normalization2", "cross", "static", "shared"})


def symmetrized(cake: Cake, *, full_circle: bool = False) -> Cake:
    """Return a cake of which bins half a turn apart have been put together.

    Parameters
    ----------
    cake:
        Over a full circle of azimuths, with edges that half a turn maps onto each other.
    full_circle:
        Whether the outcome is repeated in the other half; module docstring.

    Raises
    ------
    UnsupportedOptionError
        The azimuthal axis is not a circle.
    ParameterError
        It is not closed, has an odd number of bins, or edges that do not fit.
    """
    axis = cake.azimuthal_axis
    half = _half_of(axis)
    together = joined([mapped(cake.sums, lambda array: array[:half]), mapped(cake.sums, lambda array: array[half:])])
    if full_circle:
        twice = _with_covariance(cake.sums, _repeated(together), half)
        facts = kept_fields(cake, "symmetrize, full circle")
        return type(cake)(cake.radial_axis, axis, twice, **facts)
    together = _with_covariance(cake.sums, together, half)
    facts = kept_fields(cake, "symmetrize")
    return type(cake)(cake.radial_axis, Axis(axis.unit, axis.edges[: half + 1]), together, **facts)


def _with_covariance(old: Sums, new: Sums, half: int) -> Sums:
    """Return the new sums, of half a circle or twice that half, with the covariance of the old ones."""
    held = movable_covariance(old)
    if held is None or old.variance is None:
        return new
    n = old.signal.size
    source = np.arange(n)
    target = source % (n // 2)
    part = np.ones(n)
    if new.shape[0] != half:
        source, target, part = np.tile(source, 2), np.concatenate([target, target + n // 2]), np.full(2 * n, 0.5)
    variance, covariance = transformed(old.variance.reshape(-1), held, source, target, part, new.signal.size)
    return with_covariance(new, covariance, variance)


def _half_of(axis: Axis) -> int:
    """Return the number of bins in half a turn."""
    period = axis.unit.period
    if period is None:
        raise UnsupportedOptionError(
            f"symmetrized: {axis.unit.name!r} is not an angle on a circle, so that there is no half turn."
        )
    tolerance = _TOLERANCE * float(axis.widths.max())
    if abs(axis.edges[-1] - axis.edges[0] - period) > tolerance:
        raise ParameterError(
            f"symmetrized: expected a full circle, got azimuths from {axis.edges[0]} to {axis.edges[-1]} "
            f"{axis.unit.name}. Integrate without azimuth_range."
        )
    half, odd = divmod(axis.n_bins, 2)
    if odd or np.abs(axis.edges[half:] - axis.edges[: half + 1] - 0.5 * period).max() > tolerance:
        raise ParameterError(
            f"symmetrized: expected an even number of bins that half a turn maps onto each other, got {axis.n_bins} "
            "bins that it does not. Use e.g. npt_azim=360."
        )
    return half


def _repeated(sums: Sums) -> Sums:
    values: dict[str, Any] = {}
    for name, array in fields(sums).items():
        part = 0.25 if name in _QUARTERED else 0.5
        values[name] = None if array is None else np.concatenate([part * array, part * array])
    return Sums(**values)
