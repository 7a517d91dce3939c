# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The same schemes, compiled: equal to their NumPy definitions (tested), in parallel and with the GIL released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from azimuthal import _core
from azimuthal.binning import BinGrid, Circle
from azimuthal.sparse._native import PackedMatrix
from azimuthal.splitting._protocol import Extent, PixelBins, PixelShapes
from azimuthal.typing import AnyArray, BoolArray, FloatArray

_NUMBERS = {"none": 0, "bbox": 1, "pseudo": 2, "full": 3}


@dataclass(frozen=True, slots=True)
class NativeScheme:
    """A scheme of the compiled core."""

    name: str
    n_threads: int

    @property
    def needs_corners(self) -> bool:
        """Whether corners must be given."""
        return self.name != "none"

    @property
    def needs_centers(self) -> bool:
        """Whether centres must be given."""
        return self.name != "full"

    def split(self, pixels: PixelShapes, grid: BinGrid) -> PixelBins:
        """Return the weights of every pixel."""
        counts, indices, weights, n_not_finite = _core.split(
            *_arrays(pixels),
            _NUMBERS[self.name],
            grid.u_edges,
            grid.c_edges,
            *_circle(grid.circle),
            grid.u_floor,
            self.n_threads,
        )
        return PixelBins(counts, indices, None if self.name == "none" else weights, n_not_finite)

    def extent(self, pixels: PixelShapes, circle: Circle, u_floor: float) -> Extent:
        """Return the box around all pixels that are not excluded and finite."""
        return Extent(*_core.extent(*_arrays(pixels), _NUMBERS[self.name], *_circle(circle), u_floor, self.n_threads))


class Projection(Protocol):
    """From detector positions to a radial quantity: azimuthal.geometry._native.Projection."""

    @property
    def rotation(self) -> FloatArray: ...
    @property
    def shift(self) -> FloatArray: ...
    @property
    def number(self) -> int: ...
    @property
    def factor(self) -> float: ...
    @property
    def entry_arguments(self) -> tuple[FloatArray | None, float]: ...


@dataclass(frozen=True, slots=True, eq=False)
class GridPixels:
    """The pixels of a flat detector with edges in rows and columns, before they are projected.

    Parameters
    ----------
    edges:
        ``lower1, upper1, lower2, upper2`` in m.
    projection:
        To the first coordinate; the second one is the azimuth.
    excluded:
        bool, one per pixel, C-contiguous.
    """

    edges: tuple[FloatArray, FloatArray, FloatArray, FloatArray]
    projection: Projection
    excluded: BoolArray

    def packed(self, split: str, grid: BinGrid, *, n_threads: int) -> tuple[PackedMatrix, int]:
        """Return the weights of all pixels, and how many were not finite and left out."""
        packed, n_not_finite = _core.pack_grid(
            *self._arguments(split), grid.u_edges, grid.c_edges, *_circle(grid.circle), grid.u_floor, n_threads
        )
        return PackedMatrix(packed, n_threads), n_not_finite

    def radial_range(self, split: str, circle: Circle, u_floor: float, *, n_threads: int) -> tuple[float, float]:
        """Return the range of the first coordinate over all pixels, as the scheme sees them."""
        return _core.grid_extent(*self._arguments(split), *_circle(circle), u_floor, n_threads)

    def _arguments(
        self, split: str
    ) -> tuple[
        FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, int, float, FloatArray | None, float,
        AnyArray, int,
    ]:  # fmt: skip
        lower1, upper1, lower2, upper2 = self.edges
        to = self.projection
        excluded = np.ascontiguousarray(self.excluded).reshape(-1).view(np.uint8)
        return (
            lower1, upper1, lower2, upper2, to.rotation, to.shift, to.number, to.factor, *to.entry_arguments, excluded,
            _NUMBERS[split],
        )  # fmt: skip


def is_available(name: str) -> bool:
    """Return whether the scheme is compiled."""
    return name in _NUMBERS


def _arrays(pixels: PixelShapes) -> tuple[AnyArray | None, AnyArray | None, AnyArray]:
    return pixels.corners, pixels.centers, np.ascontiguousarray(pixels.excluded).view(np.uint8)


def _circle(circle: Circle) -> tuple[float, float, float, float]:
    return circle.period or 0.0, circle.forward_pole, circle.backward_pole, circle.equator
