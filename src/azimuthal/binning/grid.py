# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The bins as splitting sees them: plain edges of two coordinates in canonical units.

The first coordinate, ``u``, is the radial one; the second, ``c``, is the azimuthal one and may be an angle on a
circle.  A coordinate that is not restricted has the single bin ``[-inf, inf]``.  Bins are half-open; the last one
holds its upper edge.  Flat bin index: ``c_bin * n_u + u_bin``, so that sums reshape to ``[azimuthal, radial]``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from azimuthal.errors import ParameterError
from azimuthal.typing import FloatArray, IntArray

UNRESTRICTED = np.array([-np.inf, np.inf])
UNRESTRICTED.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Circle:
    """Periodicity of the second coordinate, and the values of the first one where the second is undefined.

    Parameters
    ----------
    period:
        One full turn, or None when the second coordinate is not an angle on a circle.
    forward_pole, backward_pole:
        Value of the first coordinate on the beam axis at 2theta = 0 and at 180 degrees; may be infinite.
    equator:
        Its value at 2theta = 90 degrees, which tells to which pole a pixel is nearer.
    """

    period: float | None
    forward_pole: float = 0.0
    backward_pole: float = 0.0
    equator: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class BinGrid:
    """Edges of both coordinates, strictly increasing, canonical units; see the module docstring.

    Parameters
    ----------
    u_edges, c_edges:
        float64, shapes (n_u + 1,) and (n_c + 1,).
    circle:
        Periodicity of the second coordinate.
    u_floor:
        Boxes around pixels do not reach below it: 0 for a positive quantity, -inf otherwise.
    """

    u_edges: FloatArray
    c_edges: FloatArray
    circle: Circle
    u_floor: float = -math.inf

    def __post_init__(self) -> None:
        for name in ("u_edges", "c_edges"):
            edges = getattr(self, name)
            if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
                raise ParameterError(f"{name}: expected strictly increasing bin edges, got {edges!r}.")
        if self.circle.period is not None and self.has_azimuth:
            span = self.c_edges[-1] - self.c_edges[0]
            if span > self.circle.period * (1 + 1e-12):
                raise ParameterError(f"c_edges: bins span {span}, more than the full turn of {self.circle.period}.")

    @property
    def n_u(self) -> int:
        """Number of radial bins."""
        return int(self.u_edges.size) - 1

    @property
    def n_c(self) -> int:
        """Number of azimuthal bins."""
        return int(self.c_edges.size) - 1

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return self.n_u * self.n_c

    @property
    def has_azimuth(self) -> bool:
        """Whether the second coordinate is restricted at all."""
        return bool(np.isfinite(self.c_edges[0]))


def bin_of(edges: FloatArray, values: FloatArray) -> IntArray:
    """Return the bin of each value: -1 below the range, ``n_bins`` above it; the last bin holds its upper edge.

    Parameters
    ----------
    edges:
        Strictly increasing, shape (n_bins + 1,).
    values:
        Any shape, no NaN.
    """
    found = np.searchsorted(edges, values, side="right") - 1
    return np.where(values == edges[-1], edges.size - 2, found)
