# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Fewer bins from many, and profiles from cakes: sums of bins, never means of means.

Exact
    New bins that are unions of old ones take the sums of their members.  Signal, normalisation and count are those that
    an integration with the coarse bins would have given (to rounding), and so is the intensity.  This is the default;
    edges that cut an old bin are refused.

Variance
    It is the sum of the members' variances, as of independent bins.  A pixel that was split among two members with the
    weights c1 and c2 has ``c1² + c2²`` in it instead of ``(c1 + c2)²``, so that sigma is too small by what splitting
    correlates: nothing with ``split="none"``; with full splitting, for many old bins of 4, 1 and 1/2 pixels put
    together, sigma is 0.96, 0.83 and 0.67 of the right one (measured).  Integrating with the coarse bins gives the
    exact one, and so does a result with ``covariance=True``: its covariance is taken along, and the variance is that of
    sums of correlated bins.

Shared
    ``method="shared"`` cuts old bins: a part f of a bin (of its width) takes f of signal, normalisation and count, and
    f² of the variance, as if the content were spread evenly.  That is an interpolation: peaks become wider by up to an
    old bin, and neighbours are correlated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from azimuthal._validate import increasing_edges, interval, one_of, positive_integer
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.results._covariance import transformed
from azimuthal.results._history import fields, joined, kept_fields, mapped, movable_covariance, steps, with_covariance
from azimuthal.results._sums import Sums
from azimuthal.typing import FloatArray, IntArray
from azimuthal.units import Axis

if TYPE_CHECKING:
    from azimuthal.results.cake import Cake
    from azimuthal.results.profile import Profile

    AnyResult = TypeVar("AnyResult", Profile, Cake)

__all__ = ["REBIN_METHODS", "RebinMethod", "azimuthal_profile", "radial_profile", "rebinned_cake", "rebinned_profile"]

RebinMethod: TypeAlias = Literal["exact", "shared"]
REBIN_METHODS: tuple[RebinMethod, ...] = ("exact", "shared")

#: Part of a bin within which an edge is that of a bin.
_TOLERANCE = 1e-9
#: Sums that take a part f of a bin as f²; all others take f.
_SQUARED = frozenset({"variance", "normalization2", "cross", "static", "shared"})


def rebinned_profile(
    profile: Profile,
    edges: npt.ArrayLike | None = None,
    *,
    every: int | None = None,
    method: RebinMethod = "exact",
) -> Profile:
    """Return a profile with other bins.

    Parameters
    ----------
    profile:
        With n bins.
    edges:
        New edges in the unit of the axis; what lies outside of them is left out.
    every:
        Instead of edges: how many bins become one; must divide n.
    method:
        "exact" or "shared"; module docstring.

    Raises
    ------
    ParameterError
        Not exactly one of `edges` and `every`; an edge that cuts a bin, with "exact"; no bin inside the edges.
    """
    axis, sums = _rebinned(profile.sums, 0, profile.axis, "", edges, every, method)
    facts = kept_fields(profile, "rebin", method=method, n_bins=[profile.axis.n_bins, axis.n_bins])
    return type(profile)(axis=axis, sums=sums, **facts)


def rebinned_cake(
    cake: Cake,
    radial: npt.ArrayLike | None = None,
    azimuthal: npt.ArrayLike | None = None,
    *,
    radial_every: int | None = None,
    azimuthal_every: int | None = None,
    method: RebinMethod = "exact",
) -> Cake:
    """Return a cake with other bins along one axis or both; parameters as of :func:`rebinned_profile`."""
    sums, axes = cake.sums, {"radial": cake.radial_axis, "azimuthal": cake.azimuthal_axis}
    choices = (("azimuthal", 0, azimuthal, azimuthal_every), ("radial", 1, radial, radial_every))
    if all(edges is None and every is None for _, _, edges, every in choices):
        raise ParameterError("rebinned: expected edges or a number of bins to join, along one axis at least.")
    for name, dimension, edges, every in choices:
        if edges is None and every is None:
            continue
        if name == "azimuthal":
            _refuse_repeated(cake)
        axes[name], sums = _rebinned(sums, dimension, axes[name], f"{name}_", edges, every, method)
    shape = [list(cake.sums.shape), list(sums.shape)]
    facts = kept_fields(cake, "rebin", method=method, shape=shape)
    return type(cake)(axes["radial"], axes["azimuthal"], sums, **facts)


def radial_profile(
    cake: Cake, azimuth_range: Sequence[float] | None = None, *, method: RebinMethod = "exact"
) -> Profile:
    """Return the profile along the radial axis: the sums over an arc, or over all azimuths.

    Parameters
    ----------
    cake:
        Any.
    azimuth_range:
        (start, stop) in the unit of the azimuthal axis, any arc: (170, 190), (-10, 10), (350, 10).  None: everything.
    method:
        What becomes of bins that the arc cuts: "exact" raises, "shared" takes a part; module docstring.

    Raises
    ------
    ParameterError
        The arc leaves the cake, or cuts a bin.
    """
    _refuse_repeated(cake)
    parts = _parts(cake.azimuthal_axis, "azimuth_range", azimuth_range, method)
    facts = kept_fields(cake, "radial profile", azimuth_range=_listed(azimuth_range), method=method)
    from azimuthal.results.profile import Profile

    return Profile(axis=cake.radial_axis, sums=_over(cake.sums, 0, parts), **facts)


def azimuthal_profile(
    cake: Cake, radial_range: Sequence[float] | None = None, *, method: RebinMethod = "exact"
) -> Profile:
    """Return the profile along the azimuthal axis, over (low, high) of the radial one; see :func:`radial_profile`."""
    parts = _parts(cake.radial_axis, "radial_range", radial_range, method)
    facts = kept_fields(cake, "azimuthal profile", radial_range=_listed(radial_range), method=method)
    from azimuthal.results.profile import Profile

    return Profile(axis=cake.azimuthal_axis, sums=_over(cake.sums, 1, parts), **facts)


def _rebinned(
    sums: Sums,
    dimension: int,
    axis: Axis,
    prefix: str,
    edges: npt.ArrayLike | None,
    every: int | None,
    method: RebinMethod,
) -> tuple[Axis, Sums]:
    """Return the new axis, and the sums rebinned along one dimension."""
    one_of("method", method, REBIN_METHODS)
    if (edges is None) == (every is None):
        raise ParameterError(f"rebinned: expected exactly one of {prefix.rstrip('_') or 'edges'}= and {prefix}every=.")
    if every is not None:
        n = positive_integer(f"{prefix}every", every)
        if axis.n_bins % n:
            raise ParameterError(
                f"{prefix}every: {axis.n_bins} bins are not a multiple of {n}, and the last bin would be narrower. "
                "Pass edges instead."
            )
        positions: IntArray = np.arange(0, axis.n_bins + 1, n)
        return Axis(axis.unit, axis.edges[positions]), _grouped(sums, dimension, positions)
    wanted = increasing_edges(prefix.rstrip("_") or "edges", edges)
    if method == "exact":
        positions = _edge_positions(axis, wanted)
        return Axis(axis.unit, axis.edges[positions]), _grouped(sums, dimension, positions)
    if wanted[-1] <= axis.edges[0] or wanted[0] >= axis.edges[-1]:
        raise ParameterError(
            f"{prefix.rstrip('_') or 'edges'}: expected edges that meet the bins from {axis.edges[0]} to "
            f"{axis.edges[-1]} {axis.unit.name}, got {wanted[0]} to {wanted[-1]}."
        )
    return Axis(axis.unit, wanted), _shared(sums, dimension, axis.edges, wanted)


def _edge_positions(axis: Axis, wanted: FloatArray) -> IntArray:
    """Return which old edges the new ones are; raise for one that cuts a bin."""
    positions = (
        np.abs(axis.edges[:, None] - wanted[None, :]).argmin(axis=0) if wanted.size < 64 else _nearest(axis, wanted)
    )
    off = np.abs(axis.edges[positions] - wanted) > _TOLERANCE * axis.widths[np.minimum(positions, axis.n_bins - 1)]
    if off.any():
        first = int(np.flatnonzero(off)[0])
        near = float(axis.edges[positions[first]])
        raise ParameterError(
            f"edges: {float(wanted[first])} {axis.unit.name} is no edge of the bins (the nearest is {near!r}), so that "
            f"a bin would be cut; so do {int(off.sum())} of {wanted.size}. Use edges of the axis, integrate again, or "
            "say method='shared' to share the content of a bin by width."
        )
    return positions


def _nearest(axis: Axis, wanted: FloatArray) -> IntArray:
    right = np.clip(np.searchsorted(axis.edges, wanted), 1, axis.n_bins)
    closer_left = wanted - axis.edges[right - 1] < axis.edges[right] - wanted
    return np.asarray(np.where(closer_left, right - 1, right), dtype=np.int64)


def _grouped(sums: Sums, dimension: int, positions: IntArray) -> Sums:
    """Return the sums of groups of bins; group i holds the bins positions[i] to positions[i + 1] - 1."""
    sizes = np.diff(positions)
    shape = [1] * len(sums.shape)
    shape[dimension] = -1

    def members(number: int) -> Sums:
        there = number < sizes
        index = np.where(there, positions[:-1] + number, 0)
        return mapped(sums, lambda array: np.where(there.reshape(shape), np.take(array, index, axis=dimension), 0.0))

    made = joined([members(number) for number in range(int(sizes.max()))])
    source = np.arange(positions[0], positions[-1])
    return _with_covariance(
        sums, made, dimension, source, np.repeat(np.arange(sizes.size), sizes), np.ones(source.size)
    )


def _shared(sums: Sums, dimension: int, old: FloatArray, new: FloatArray) -> Sums:
    """Return sums shared by width."""
    cuts = np.unique(np.concatenate([old, new]))
    cuts = cuts[(cuts >= max(old[0], new[0])) & (cuts <= min(old[-1], new[-1]))]
    middle = 0.5 * (cuts[:-1] + cuts[1:])
    source, target = np.searchsorted(old, middle) - 1, np.searchsorted(new, middle) - 1
    part = np.diff(cuts) / np.diff(old)[source]
    made: dict[str, Any] = {}
    for name, array in fields(sums).items():
        if array is None:
            made[name] = None
            continue
        moved = np.moveaxis(array, dimension, 0)
        weight = (part**2 if name in _SQUARED else part).reshape((-1,) + (1,) * (moved.ndim - 1))
        total = np.zeros((new.size - 1, *moved.shape[1:]))
        np.add.at(total, target, weight * moved[source])
        made[name] = np.moveaxis(total, 0, dimension)
    return _with_covariance(sums, Sums(**made), dimension, source, target, part)


def _with_covariance(
    old: Sums, new: Sums, dimension: int, source: IntArray, target: IntArray, part: FloatArray
) -> Sums:
    """Return the new sums with the covariance of the old ones, where those have it.

    Bins `target` along a dimension have `part` of the bins `source`.
    """
    held = movable_covariance(old)
    if held is None or old.variance is None:
        return new
    shape = list(old.shape)
    numbers = np.moveaxis(np.arange(old.signal.size).reshape(shape), dimension, 0)
    shape[dimension] = new.signal.size * shape[dimension] // old.signal.size
    new_numbers = np.moveaxis(np.arange(new.signal.size).reshape(shape), dimension, 0)
    parts = np.broadcast_to(part.reshape((-1,) + (1,) * (numbers.ndim - 1)), numbers[source].shape)
    variance, covariance = transformed(
        old.variance.reshape(-1),
        held,
        numbers[source].reshape(-1),
        new_numbers[target].reshape(-1),
        parts.reshape(-1),
        new.signal.size,
    )
    return with_covariance(new, covariance, variance)


def _parts(axis: Axis, parameter: str, limits: Sequence[float] | None, method: RebinMethod) -> FloatArray:
    """Return which part of every bin of an axis lies in a range, an arc on axes that are circles."""
    one_of("method", method, REBIN_METHODS)
    if limits is None:
        return np.ones(axis.n_bins)
    unit = axis.unit
    pieces = [interval(parameter, limits, unit=unit.symbol)] if unit.period is None else _arc(axis, parameter, limits)
    parts = np.zeros(axis.n_bins)
    for low, high in pieces:
        tolerance = _TOLERANCE * float(axis.widths.max())
        if low < axis.edges[0] - tolerance or high > axis.edges[-1] + tolerance:
            raise ParameterError(
                f"{parameter}: expected a range inside of {axis.edges[0]} to {axis.edges[-1]} {unit.name}, got "
                f"{tuple(limits or ())}."
            )
        parts += np.clip((np.minimum(high, axis.edges[1:]) - np.maximum(low, axis.edges[:-1])) / axis.widths, 0.0, 1.0)
    parts[parts < _TOLERANCE] = 0.0
    parts[parts > 1.0 - _TOLERANCE] = 1.0
    cut = np.flatnonzero((parts > 0) & (parts < 1))
    if cut.size and method == "exact":
        low, high = axis.edges[cut[0]], axis.edges[cut[0] + 1]
        raise ParameterError(
            f"{parameter}: {tuple(limits)} cuts the bin from {low} to {high} {unit.name}. Use edges of the axis, or "
            "say method='shared' to take a part of it."
        )
    return parts


def _arc(axis: Axis, parameter: str, limits: Sequence[float]) -> list[tuple[float, float]]:
    """Return an arc as one or two intervals of the axis."""
    from azimuthal.binning import arc

    period = axis.unit.period
    assert period is not None
    start, stop = arc(parameter, limits, period, unit=axis.unit.symbol)
    begin, end = float(axis.edges[0]), float(axis.edges[-1])
    tolerance = _TOLERANCE * float(axis.widths.max())
    turns = np.floor((start - begin + tolerance) / period)
    start, stop = start - turns * period, stop - turns * period
    closes = abs(end - begin - period) <= tolerance
    if stop > end + tolerance and closes:
        return [(start, end), (begin, stop - period)]
    return [(start, stop)]


def _over(sums: Sums, dimension: int, parts: FloatArray) -> Sums:
    """Return the sums over one dimension, each bin with its part."""

    def piece(index: int) -> Sums:
        values: dict[str, Any] = {}
        for name, array in fields(sums).items():
            part = parts[index] ** 2 if name in _SQUARED else parts[index]
            values[name] = None if array is None else part * np.take(array, index, axis=dimension)
        return Sums(**values)

    used = np.flatnonzero(parts)
    made = joined([piece(int(index)) for index in used])
    return _with_covariance(sums, made, dimension, used, np.zeros(used.size, np.int64), parts[used])


def _refuse_repeated(cake: Cake) -> None:
    if "symmetrize, full circle" in steps(cake):
        raise UnsupportedOptionError(
            "rebinned: both halves of this cake hold the same data, which would count twice. Use the cake from before "
            "it was symmetrized, or symmetrized() without full_circle."
        )


def _listed(limits: Sequence[float] | None) -> list[float] | None:
    return None if limits is None else [float(value) for value in limits]
