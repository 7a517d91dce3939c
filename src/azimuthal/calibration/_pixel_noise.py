# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Noise of pixels, measured on one image: its variance as a straight line over the mean.

In cells of 4 x 4 pixels the mixed second differences ``d = v[i, j] + v[i+1, j+1] - v[i, j+1] - v[i+1, j]`` vanish for
every slope, and ``mean(d^2) / 4`` is the variance of a pixel.  Structure only adds to it, and cells on a ring have a
higher mean than those beside it: of cells with about the same mean the lower part counts.  A straight line holds for
counted photons (0 + 1 m), for a gain, for an offset and for the noise of reading; it is fitted with relative weights,
and values far above it lose theirs.
"""

from __future__ import annotations

import numpy as np

from azimuthal.calibration._native import PixelNoise
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = ["measured_noise"]

_TILE = 4
_GROUPS, _TOGETHER = 40, 16
_LOWER_PART = 0.2
_FEWEST = 12  # second differences in a cell


def measured_noise(image: AnyArray, usable: BoolArray) -> PixelNoise | None:
    """Return the noise of an image (finite where usable); None where nothing varies."""
    mean, variance = _tiles(image, usable)
    if not mean.size or not (variance > 0).any():
        return None
    mean, variance = _lower_part(mean, variance)
    positive = variance > 0
    if not positive.any():
        return None
    mean, variance = mean[positive], variance[positive]
    line = _line(mean, variance)
    rounding = (1e-6 * np.abs(mean).max()) ** 2
    return PixelNoise(line[0], line[1], max(0.3 * float(variance.min()), rounding, 1e-30))


def _tiles(image: AnyArray, usable: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of the cells that have enough pixels."""
    rows, columns = (max(n - 1, 0) // _TILE for n in image.shape)
    if not rows or not columns:
        return np.empty(0), np.empty(0)
    step = 32  # rows of cells at once
    parts = [
        _some_tiles(image, usable, slice(row * _TILE, min(row + step, rows) * _TILE), columns)
        for row in range(0, rows, step)
    ]
    n, total, squares = (np.concatenate(part) for part in zip(*parts, strict=True))
    enough = n >= _FEWEST
    return total[enough] / n[enough], squares[enough] / (4 * n[enough])


def _some_tiles(image: AnyArray, usable: BoolArray, rows: slice, columns: int) -> tuple[FloatArray, ...]:
    """Return number of differences, sum of values and sum of squares of the cells of some rows."""
    width = columns * _TILE
    value, ok = image[rows.start : rows.stop + 1, : width + 1], usable[rows.start : rows.stop + 1, : width + 1]
    pair = ok[:-1] & ok[1:]
    whole = (pair[:, :-1] & pair[:, 1:]).astype(np.float32)
    down = value[1:] - value[:-1]
    d = (down[:, 1:] - down[:, :-1]) * whole
    level = value[:-1, :-1] * whole
    return _cell_sums(whole), _cell_sums(level), _cell_sums(d * d)


def _cell_sums(array: AnyArray) -> FloatArray:
    columns = array[:, ::_TILE] + array[:, 1::_TILE] + array[:, 2::_TILE] + array[:, 3::_TILE]
    cells = columns[::_TILE] + columns[1::_TILE] + columns[2::_TILE] + columns[3::_TILE]
    flat: FloatArray = cells.astype(np.float64).reshape(-1)
    return flat


def _lower_part(mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and low variance of groups of cells of about the same mean, which are in the order of the image."""
    order = np.argsort(mean, kind="stable")
    groups = np.array_split(order, max(1, min(_GROUPS, mean.size // (2 * _TOGETHER))))
    means, variances = np.empty(len(groups)), np.empty(len(groups))
    for k, group in enumerate(groups):
        # bands of rows: where a ring runs along the rows or columns its mixed differences vanish
        bands = np.array_split(np.sort(group), min(_TOGETHER, group.size))
        means[k], variances[k] = mean[group].mean(), np.quantile([variance[band].mean() for band in bands], _LOWER_PART)
    return means, variances


def _line(mean: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Return constant and slope (at least 0), fitted to relative deviations, those above the line with less weight."""
    predicted = variance.copy()
    constant, slope = float(variance.min()), 0.0
    for _ in range(20):
        weight = np.minimum(1.0, predicted / variance) ** 4 / predicted**2
        total = weight.sum()
        m, v = (weight @ mean) / total, (weight @ variance) / total
        spread = weight @ (mean - m) ** 2
        slope = max(0.0, float(weight @ ((mean - m) * (variance - v)) / spread)) if spread > 0 else 0.0
        constant = float(v - slope * m)
        predicted = np.maximum(constant + slope * mean, 0.1 * variance.min())
    return constant, slope
