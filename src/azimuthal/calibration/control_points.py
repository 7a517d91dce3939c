# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Control points: places on the image that lie on a known ring.

Positions are array indices: the centre of pixel ``image[i, j]`` is at ``(i, j)``, as in :mod:`azimuthal.images.peaks`
and in the `.npt` files of pyFAI.  ``ring`` counts the d-spacings of the calibrant from the largest one, from 0.
``uncertainty`` is the standard deviation across the ring in pixels, NaN when it is not known; ``intensity`` the height
of the ring above its background, NaN when it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

import azimuthal._upward as upward
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray, PathLike

__all__ = ["ControlPoints"]


@dataclass(frozen=True, slots=True, eq=False)
class ControlPoints:
    """Points on rings; frozen, arrays read-only, all of one length.

    Parameters
    ----------
    slow, fast:
        Position in pixels, float64; the first pixel's centre is (0, 0).
    ring:
        Number of the ring, int64, from 0.
    uncertainty:
        Standard deviation across the ring, pixels; None or NaN: not known.
    intensity:
        Height above the background; None or NaN: not known.

    Raises
    ------
    ShapeError
        The arrays differ in length or are not 1-D.
    ParameterError
        A position is not finite, a ring negative, an uncertainty not positive.
    """

    slow: FloatArray
    fast: FloatArray
    ring: IntArray
    uncertainty: FloatArray = None  # type: ignore[assignment]  # __post_init__ puts NaN
    intensity: FloatArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        n = np.size(self.slow)
        for field in fields(self):
            given = getattr(self, field.name)
            array = np.full(n, np.nan) if given is None else _array(field.name, given)
            if array.shape != (n,):
                raise ShapeError(f"{field.name}: expected shape ({n},) as `slow`, got {array.shape}.")
            array.flags.writeable = False
            object.__setattr__(self, field.name, array)
        if not (np.isfinite(self.slow).all() and np.isfinite(self.fast).all()):
            raise ParameterError("slow, fast: expected finite positions in pixels, got NaN or infinity.")
        if n and self.ring.min() < 0:
            raise ParameterError(f"ring: expected numbers from 0, got {self.ring.min()}.")
        if (self.uncertainty <= 0).any():
            raise ParameterError("uncertainty: expected pixels greater than 0, or NaN where it is not known.")

    def __len__(self) -> int:
        """Return the number of points."""
        return int(self.slow.size)

    def __eq__(self, other: object) -> bool:
        """Whether all arrays are equal (NaN equals NaN)."""
        if not isinstance(other, ControlPoints):
            return NotImplemented
        return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(self._arrays(), other._arrays(), strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return how many points on how many rings."""
        return f"ControlPoints({len(self)} points on {self.rings.size} rings)"

    @property
    def rings(self) -> IntArray:
        """The rings that have points, increasing."""
        found: IntArray = np.unique(self.ring)
        return found

    @classmethod
    def empty(cls) -> ControlPoints:
        """Return no points."""
        return cls(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64))

    def append(self, other: ControlPoints) -> ControlPoints:
        """Return these points and those of `other` behind them."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return ControlPoints(*(np.concatenate(pair) for pair in pairs))

    def select(self, which: AnyArray) -> ControlPoints:
        """Return the points that a boolean or an index array selects."""
        return ControlPoints(*(array[which] for array in self._arrays()))

    def without(self, *, rings: int | tuple[int, ...] = (), points: Any = ()) -> ControlPoints:
        """Return the points without some rings, or without some points (their indices)."""
        kept: BoolArray = ~np.isin(self.ring, np.atleast_1d(np.asarray(rings, dtype=np.int64)))
        kept[np.asarray(points, dtype=np.int64)] = False
        return self.select(kept)

    def on_ring(self, ring: int) -> ControlPoints:
        """Return the points of one ring."""
        return self.select(self.ring == ring)

    def save(self, path: PathLike, calibrant: Any, wavelength: float, *, force: bool = False) -> None:
        """Write a `.npt` file of pyFAI: :func:`azimuthal.io.save_control_points`."""
        upward.find("save_control_points")(self, path, calibrant, wavelength, force=force)

    def _arrays(self) -> Iterator[AnyArray]:
        return (getattr(self, field.name) for field in fields(self))


def _array(name: str, given: Any) -> AnyArray:
    """Return a copy as float64, or int64 for the ring."""
    array = np.asarray(given)
    if array.dtype.kind not in "uif" or (name == "ring" and array.size and array.dtype.kind == "f"):
        raise DataTypeError(f"{name}: expected {'integers' if name == 'ring' else 'numbers'}, got {array.dtype}.")
    return np.array(array, dtype=np.int64 if name == "ring" else np.float64)
