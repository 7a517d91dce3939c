# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Ridges by the compiled core: candidates from second derivatives, and profiles fitted across them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from azimuthal import _core
from azimuthal.typing import AnyArray, FloatArray, IndexArray, IntArray

__all__ = ["RIDGE_FIT_VALUES", "Candidates", "PixelNoise", "RidgeFilter", "ridge_candidates", "ridge_fits"]

#: Columns of :func:`ridge_fits`.
RIDGE_FIT_VALUES = (
    "height", "centre", "slope", "width", "background", "curvature", "height_error", "centre_error", "slope_error",
    "curvature_error", "chi_square", "middle", "side", "end", "largest", "edge", "unevenness", "low", "high",
    "height_noise", "extent", "along",
)  # fmt: skip


class PixelNoise(NamedTuple):
    """Variance of a pixel of mean m: ``max(constant + slope m, least)``."""

    constant: float
    slope: float
    least: float

    def scaled(self, factor: float) -> PixelNoise:
        """Return the noise with its variance multiplied."""
        return PixelNoise(self.constant * factor, self.slope * factor, self.least * factor)

    def at(self, mean: FloatArray) -> FloatArray:
        """Return the variance at some means."""
        return np.asarray(np.maximum(self.constant + self.slope * mean, self.least))


class RidgeFilter(NamedTuple):
    """Second derivative of a Gaussian (`sigma`, pixels) across, a Gaussian (`length`, pixels) along."""

    sigma: float = 1.2
    length: float = 4.0
    n_directions: int = 12
    significance: float = 4.0
    steepness: float = 0.85

    @property
    def border(self) -> int:
        """Pixels that must surround an image."""
        border: int = _core.ridge_border(self.sigma, self.length, self.n_directions)
        return border


class Candidates(NamedTuple):
    """Pixels (flat index) where the response is highest across a direction (number of the normal)."""

    pixel: IntArray
    direction: IndexArray
    significance: AnyArray
    mean: AnyArray

    def select(self, which: AnyArray) -> Candidates:
        """Return some of them."""
        return Candidates(self.pixel[which], self.direction[which], self.significance[which], self.mean[which])


def ridge_candidates(
    image: AnyArray, usable: AnyArray, chosen: RidgeFilter, noise: PixelNoise, n_threads: int
) -> tuple[Candidates, float]:
    """Return candidates of a finite float32 image, and the spread of its response over the one that noise makes.

    `usable`, of the same shape, says which pixels may be one.
    """
    padded = np.pad(image, chosen.border, mode="edge")
    pixel, direction, significance, mean, excess = _core.ridge_candidates(
        padded, usable.view(np.uint8), *chosen, *noise, n_threads
    )
    return Candidates(pixel, direction, significance, mean), excess


def ridge_fits(
    image: AnyArray, usable: AnyArray, starts: FloatArray, *, half_length: float, half_width: float,
    curvature_error: float, noise: PixelNoise, n_threads: int,
) -> dict[str, FloatArray]:  # fmt: skip
    """Return the fits that begin at `starts`: slow, fast, angle of the normal from slow to fast, curvature."""
    found = np.empty((starts.shape[0], len(RIDGE_FIT_VALUES)))
    _core.ridge_fits(
        image, usable.view(np.uint8), np.ascontiguousarray(starts), float(half_length), float(half_width),
        float(curvature_error), *noise, found, n_threads,
    )  # fmt: skip
    return dict(zip(RIDGE_FIT_VALUES, found.T, strict=True))
