# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Axes: a unit and the edges of the bins along it.

Edges always increase.  A change to a unit that runs the other way (q to d) therefore turns the order of the
bins round, and :meth:`Axis.to` hands back, together with the new axis, the slice that puts arrays of bins in
the new order::

    axis, order = profile_axis.to("d_A")
    intensity = intensity[..., order]

``order`` is ``slice(None)`` where nothing turns, so the two lines are right for every unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from azimuthal._validate import increasing_edges
from azimuthal.errors import ParameterError
from azimuthal.typing import FloatArray
from azimuthal.units._conversion import convert
from azimuthal.units._quantity import Quantity
from azimuthal.units._registry import unit as find_unit
from azimuthal.units._unit import Unit

#: Part of a bin by which edges may leave the equidistant grid and still be called uniform.
_UNIFORM_TOLERANCE = 1e-9


class ConvertedAxis(NamedTuple):
    """An axis in another unit, and the slice that brings arrays of bins into its order."""

    axis: Axis
    order: slice


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Axis:
    """Bins along one direction: half-open, the last one closed.

    Parameters
    ----------
    unit:
        A :class:`Unit` or any name that :func:`azimuthal.units.unit` takes.
    edges:
        Bin edges in the unit, strictly increasing and finite, shape (n_bins + 1,); kept as a read-only
        float64 copy.

    Raises
    ------
    UnknownNameError
        The unit is not known.
    ShapeError, ParameterError
        The edges are not one-dimensional, fewer than two, not finite or not strictly increasing.

    Examples
    --------
    >>> Axis("q [1/nm]", [0.0, 1.0, 3.0]).centers.tolist()
    [0.5, 2.0]
    """

    unit: Unit
    edges: FloatArray

    def __init__(self, unit: str | Unit, edges: npt.ArrayLike) -> None:
        object.__setattr__(self, "unit", find_unit(unit))
        object.__setattr__(self, "edges", increasing_edges("edges", edges))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Axis):
            return NotImplemented
        return self.unit == other.unit and np.array_equal(self.edges, other.edges)

    def __hash__(self) -> int:
        return hash((self.unit, self.edges.tobytes()))

    def __reduce__(self) -> tuple[type[Axis], tuple[Unit, FloatArray]]:
        return Axis, (self.unit, self.edges)

    @property
    def quantity(self) -> Quantity:
        """What is measured along the axis."""
        return self.unit.quantity

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return self.edges.size - 1

    @property
    def centers(self) -> FloatArray:
        """Midpoints of the bins, in the unit; shape (n_bins,)."""
        return 0.5 * (self.edges[:-1] + self.edges[1:])

    @property
    def widths(self) -> FloatArray:
        """Widths of the bins, in the unit; shape (n_bins,)."""
        return np.diff(self.edges)

    @property
    def canonical_edges(self) -> FloatArray:
        """Edges in SI units (m, rad, 1/m, 1/m^2); shape (n_bins + 1,)."""
        return self.unit.to_canonical(self.edges)

    @property
    def is_uniform(self) -> bool:
        """Whether all bins have the same width, to a billionth of it or the rounding of the edges."""
        grid = np.linspace(self.edges[0], self.edges[-1], self.edges.size)
        width = (self.edges[-1] - self.edges[0]) / self.n_bins
        rounding = 4.0 * np.spacing(np.abs(self.edges).max())
        return bool((np.abs(self.edges - grid) <= max(_UNIFORM_TOLERANCE * width, rounding)).all())

    def to(self, unit: str | Unit, wavelength: float | None = None) -> ConvertedAxis:
        """Return the axis in another unit and the order of its bins: ``axis, order = axis.to("d_A")``.

        Parameters
        ----------
        unit:
            The new unit: of the same quantity, or both monotonic functions of the scattering angle
            (:func:`azimuthal.units.convert`).
        wavelength:
            In m; needed between the scattering angle and q or d.

        Returns
        -------
        :
            The new axis, edges increasing, and the slice that reorders arrays of bins (last axis) to match
            it: ``slice(None)``, or ``slice(None, None, -1)`` when the new unit decreases with the old one (d
            and q).

        Raises
        ------
        UnsupportedOptionError, WavelengthMissingError
            The conversion does not exist, or lacks the wavelength.
        ParameterError
            An edge is out of range or becomes infinite: q = 0 has neither a d nor a logarithm.
        """
        target = find_unit(unit)
        edges = convert(self.edges, self.unit, target, wavelength=wavelength)
        if not np.isfinite(edges).all():
            bad = float(self.edges[~np.isfinite(edges)][0])
            raise ParameterError(
                f"unit: the edge {self.unit.name} = {bad} is infinite in {target.name!r}. Leave out the bin "
                "at zero, e.g. with a radial_range that starts above it."
            )
        order = slice(None, None, -1) if edges[0] > edges[-1] else slice(None)
        return ConvertedAxis(Axis(target, edges[order]), order)
