# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Making bin edges: a number of bins over a range, logarithmic bins, and arcs on a circle.

An arc is what its two ends say, walked in the positive direction: (170, 190) is 20 degrees wide around 180, (-10, 10)
is 20 degrees around 0, (0, 360) is the full circle, (350, 10) is the same 20 degrees as (-10, 10).  Where the
coordinate itself is cut (at +-180 degrees) does not matter.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from azimuthal._validate import increasing_edges, interval, number_pair, positive_integer, positive_number
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.typing import FloatArray

_FULL_TURN_TOLERANCE = 1e-12  # relative: a full circle given in rounded radians is still one


def log_bins(low: float, high: float, *, n: int | None = None, per_decade: float | None = None) -> FloatArray:
    """Return edges of bins of equal width in the logarithm, to be passed as ``npt``.

    Parameters
    ----------
    low, high:
        Range in the unit of the axis; ``0 < low < high``.
    n, per_decade:
        Number of bins, or (about) bins per factor of ten: exactly one of the two.  With `per_decade` the number is
        rounded up, so that bins are never wider than asked for.

    Returns
    -------
    :
        float64 edges, shape (n + 1,); the first and last are exactly `low` and `high`.

    Raises
    ------
    ParameterError
        The range is empty or not positive, or not exactly one of `n` and `per_decade` is given.

    Examples
    --------
    >>> log_bins(0.01, 10.0, n=3).round(3).tolist()
    [0.01, 0.1, 1.0, 10.0]
    """
    positive_number("low", low)
    low, high = interval("low, high", (low, high))
    if (n is None) == (per_decade is None):
        raise ParameterError("log_bins: expected exactly one of n= and per_decade=.")
    if per_decade is not None:
        decades = math.log10(high / low)
        n = max(1, math.ceil(decades * positive_number("per_decade", per_decade) - 1e-9))
    edges = np.geomspace(low, high, positive_integer("n", n) + 1)
    edges[0], edges[-1] = low, high
    return increasing_edges("log_bins", edges)


def is_edges(npt: Any) -> bool:
    """Return whether `npt` gives explicit edges rather than a number of bins."""
    return not isinstance(npt, (int, np.integer, str)) and np.ndim(npt) > 0


def bin_edges(parameter: str, npt: Any, low: float, high: float) -> FloatArray:
    """Return `npt` equal bins over [low, high]; read-only float64, shape (npt + 1,)."""
    if not isinstance(npt, (int, np.integer)):
        raise DataTypeError(
            f"{parameter}: expected a number of bins, an array of bin edges or log_bins(...), got {npt!r}."
        )
    return increasing_edges(parameter, np.linspace(low, high, positive_integer(parameter, npt) + 1))


def arc(parameter: str, value: Any, period: float, *, unit: str = "") -> tuple[float, float]:
    """Return the arc ``(start, stop)`` with ``start < stop <= start + period``.

    Raises
    ------
    DataTypeError, ParameterError
        Not two finite numbers, an empty arc, or more than a full turn.
    """
    start, stop = number_pair(parameter, value, unit=unit)
    if start == stop:
        raise ParameterError(f"{parameter}: the arc ({start}, {stop}) is empty; a full turn is (0, {period:g}).")
    if stop < start:
        stop += period * math.ceil((start - stop) / period)
    if stop - start > period * (1 + _FULL_TURN_TOLERANCE):
        raise ParameterError(
            f"{parameter}: the arc ({start}, {stop}) is longer than a full turn of {period:g}; bins would count "
            "pixels twice."
        )
    return start, stop


def placed_on_circle(edges: FloatArray, period: float) -> FloatArray:
    """Return the same arc moved by whole turns so that it starts in [-period/2, period/2)."""
    turns = math.floor(edges[0] / period + 0.5)
    return edges - turns * period if turns else edges
