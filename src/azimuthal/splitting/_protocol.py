# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a splitting scheme takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from azimuthal.binning import BinGrid, Circle
from azimuthal.typing import BoolArray, FloatArray, IndexArray, IntArray

#: (pixels, k) -> points (n, n_quads, k + 1, k + 1, 2) in bin coordinates of a k x k lattice laid on each pixel, and the
#: part of the pixel's area in each quadrilateral, (n, n_quads, k, k).  A pixel of six corners is two such lattices.
Lattice: TypeAlias = Callable[[IntArray, int], tuple[FloatArray, FloatArray]]


class PixelShapes(NamedTuple):
    """Pixels in bin coordinates (u, c), canonical units.

    `corners`: (n, n_corners, 2) in ring order, or None for schemes that need centres only; `c` is NaN where it is
    undefined (a corner exactly on the beam).  `centers`: (n, 2), or None for schemes that need corners only.
    `excluded`: (n,), True = leave out.
    `pieces`: pixels that a discontinuity of the coordinates cuts in pieces; they are excluded here.
    `lattice`: finer points of some of the pixels, for a scheme that looks closer; None for pieces.
    """

    corners: FloatArray | None
    centers: FloatArray | None
    excluded: BoolArray
    pieces: Pieces | None = None
    lattice: Lattice | None = None


class Pieces(NamedTuple):
    """Parts of pixels, each split like a pixel of its own.

    `shapes`: the parts; `owner`: (n,) the pixel of each, increasing; `share`: (n,) its part of the pixel, in (0, 1].
    """

    shapes: PixelShapes
    owner: IntArray
    share: FloatArray


class PixelBins(NamedTuple):
    """Weights of n pixels.

    `counts`: (n,) int32, entries of each pixel; `indices`: their flat bins; `weights`: None when all are one.
    """

    counts: IndexArray
    indices: IndexArray
    weights: FloatArray | None
    n_not_finite: int


class Extent(NamedTuple):
    """The smallest box that holds all pixels as a scheme sees them; infinite and reversed when there is none."""

    u_min: float
    u_max: float
    c_min: float
    c_max: float

    def joined(self, other: Extent) -> Extent:
        """Return the box around both."""
        return Extent(
            min(self.u_min, other.u_min),
            max(self.u_max, other.u_max),
            min(self.c_min, other.c_min),
            max(self.c_max, other.c_max),
        )

    @classmethod
    def around(cls, u: FloatArray, c: FloatArray) -> Extent:
        """Return the box around points; of nothing, a box that joins to nothing."""
        if u.size == 0:
            return cls(np.inf, -np.inf, np.inf, -np.inf)
        return cls(float(u.min()), float(u.max()), float(c.min()), float(c.max()))


class Scheme(Protocol):
    """A way to share a pixel among bins.  A scheme knows nothing of frames, units or geometry."""

    name: str
    needs_corners: bool
    needs_centers: bool

    def split(self, pixels: PixelShapes, grid: BinGrid) -> PixelBins:
        """Return the weights of every pixel; those of a pixel wholly inside the grid sum to one."""

    def extent(self, pixels: PixelShapes, circle: Circle, u_floor: float) -> Extent:
        """Return the box around all pixels that are not excluded and finite."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Weights as triplets, in any order; the form in which NumPy schemes make them."""

    pixel: IntArray
    index: IntArray
    weight: FloatArray

    @classmethod
    def joined(cls, parts: list[Entries]) -> Entries:
        """Return all triplets of several parts."""
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("pixel", "index", "weight")))

    def to_pixel_bins(self, n_pixels: int, n_not_finite: int) -> PixelBins:
        """Sort by pixel and bin, add up doubles."""
        # Mostly in order already, which a stable sort of one key makes use of.
        order = np.argsort(self.pixel * (self.index.max(initial=0) + 1) + self.index, kind="stable")
        pixel, index, weight = self.pixel[order], self.index[order], self.weight[order]
        first = np.ones(pixel.size, bool)
        first[1:] = (pixel[1:] != pixel[:-1]) | (index[1:] != index[:-1])
        starts = np.flatnonzero(first)
        summed = np.add.reduceat(weight, starts) if starts.size else weight
        counts = np.bincount(pixel[starts], minlength=n_pixels)
        return PixelBins(counts.astype(np.int32), index[starts].astype(np.int32), summed, n_not_finite)
