# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Control points on rings that overlap: one shift for a few neighbours together.

Rings that are nearer to each other than two widths or so drag each other, and one of them alone has no place
(:mod:`azimuthal.calibration.ring_points` leaves them out).  Where they are *between each other* is known, though: from
the calibrant.  A group of neighbours, at most five, is fitted in every sector of azimuth with

.. math:: I(x) = b_0 + b_1 x + \sum_k h_k \exp\Bigl(-\frac{(x - x_k - \delta)^2}{2 w^2}\Bigr),\qquad h_k \ge 0

over two theta: x_k are the rings of the group and those next to it, as they are predicted; :math:`\delta` is the one
thing that is asked for, and w near the width that rings which are apart have.  The point is placed on the highest ring
of the group.  The noise is that of the bins about the fit.

Heights that overlapping rings share take part in the error of :math:`\delta`.  What is not in it: profiles that are no
Gaussians, where a group is lopsided.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from azimuthal.calibration._profiles import FWHM
from azimuthal.calibration.refinement import RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.calibration.ring_points import (
    RingPoints,
    RingSettings,
    RingSightings,
    circumference,
    pixel_angles,
    placed,
    row_blocks,
    seen_share,
)
from azimuthal.instrument import Instrument
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["points_on_crowded_rings"]

_MOST_RINGS, _MOST_TOGETHER = 5, 24
_LINKED = 2.2  # widths: rings that are nearer to each other are fitted together
_MARGIN = 1.4  # widths beyond the outermost rings
_REACH = 2.0  # widths: rings beyond the window that still matter
_BIN = 0.5  # pixels
_MOST_BINS = 160
_STEPS = 8
_WIDTH_KNOWN = 0.1  # of the width
_COVERED = 0.7
_FEWEST_PIXELS = 40
_SIGNIFICANT = 4.0  # errors of the height
_FLOOR = 0.02  # of the highest value: what counts as the least noise
_STIFF = 1e-6
_TINY = 1e-300
_LONGER = 1.5  # sectors than those of single rings


class _Group(NamedTuple):
    """Rings fitted together: first and last, those that matter beside them, ends of the window (rad)."""

    first: int
    last: int
    others: tuple[int, int]
    low: float
    high: float


class _Pixels(NamedTuple):
    """Usable pixels of a window."""

    slow: IntArray
    fast: IntArray
    angle: FloatArray
    azimuth: FloatArray
    pixel: FloatArray
    value: FloatArray

    def select(self, which: AnyArray | slice) -> _Pixels:
        return _Pixels(
            self.slow[which], self.fast[which], self.angle[which], self.azimuth[which], self.pixel[which],
            self.value[which],
        )  # fmt: skip


class _Profiles(NamedTuple):
    """Mean x and value, and number of pixels, of the bins of sectors; (n_sectors, n_bins)."""

    x: FloatArray
    y: FloatArray
    n: FloatArray


class _Fits(NamedTuple):
    """Shift, its error, width (rad), heights (n_sectors, n_rings) and whether it is to be believed."""

    shift: FloatArray
    error: FloatArray
    width: FloatArray
    height: FloatArray
    good: BoolArray


def points_on_crowded_rings(
    image: AnyArray, instrument: Instrument, calibrant: RingSource, *, usable: BoolArray, fwhm: float,
    settings: RingSettings,
) -> RingPoints:  # fmt: skip
    """Return control points of all rings, overlapping ones included.

    Parameters
    ----------
    image, usable:
        Raw values, and which of them count; shape of the detector.
    instrument:
        A geometry that is right to a fraction of the width of the rings.
    calibrant:
        d-spacings.
    fwhm:
        Full width of the rings, rad.
    settings:
        Of :func:`azimuthal.calibration.points_on_rings`.
    """
    angles = ring_angles(
        np.asarray(calibrant.d_spacings(), dtype=np.float64), instrument.beam.required_wavelength("rings")
    )[0]
    angles = angles[np.isfinite(angles)]
    pixels = _pixels(image, instrument, usable, angles, _MARGIN * fwhm)
    sightings, sectors = [RingSightings.none()], {}
    order = np.argsort(pixels.angle, kind="stable")
    pixels = pixels.select(order)
    for group in _groups(angles, fwhm):
        begin, end = np.searchsorted(pixels.angle, (group.low, group.high))
        if end - begin >= _FEWEST_PIXELS and group.others[1] - group.others[0] < _MOST_TOGETHER:
            found, seen = _one_group(pixels.select(slice(begin, end)), group, angles, fwhm, settings)
            sightings.append(found)
            for ring in np.unique(found.ring).tolist():
                sectors[ring] = seen
    tally = {"place": 0}
    joined = RingSightings(*(np.concatenate(part) for part in zip(*sightings, strict=True)))
    points, widths = placed(joined, instrument, tally)
    return RingPoints(points, widths, tuple(points.rings.tolist()), (), sectors, tally, overlapping=True)


def _pixels(image: AnyArray, instrument: Instrument, usable: BoolArray, angles: FloatArray, margin: float) -> _Pixels:
    middles = 0.5 * (angles[1:] + angles[:-1])
    pieces: list[list[Any]] = []
    for rows in row_blocks(instrument.detector.shape[0]):
        angle, azimuth, pixel = pixel_angles(instrument, rows)
        inside = usable[rows] & (np.abs(angle - angles[np.searchsorted(middles, angle)]) <= margin)
        i, j = np.nonzero(inside)
        value = image[rows][i, j].astype(np.float64)
        pieces.append([i + rows.start, j, angle[i, j], azimuth[i, j], pixel[i, j], value])
    return _Pixels(*(np.concatenate(arrays) for arrays in zip(*pieces, strict=True)))


def _groups(angles: FloatArray, fwhm: float) -> list[_Group]:
    """Return groups of neighbours whose windows do not overlap."""
    gaps = np.diff(angles)
    starts = [0]
    for ring, gap in enumerate(gaps.tolist(), 1):
        n = ring - starts[-1]
        if gap > _LINKED * fwhm or (n >= _MOST_RINGS and gap > 0.7 * fwhm) or n >= 2 * _MOST_RINGS:
            starts.append(ring)
    groups = []
    for first, after in zip(starts, [*starts[1:], angles.size], strict=True):
        last, margin = after - 1, _MARGIN * fwhm
        low = angles[first] - min(margin, 0.5 * gaps[first - 1] if first else margin)
        high = angles[last] + min(margin, 0.5 * gaps[last] if after < angles.size else margin)
        near = np.flatnonzero((angles > low - _REACH * fwhm) & (angles < high + _REACH * fwhm))
        groups.append(_Group(first, last, (int(near[0]), int(near[-1])), float(low), float(high)))
    return groups


def _one_group(
    pixels: _Pixels, group: _Group, angles: FloatArray, fwhm: float, settings: RingSettings
) -> tuple[RingSightings, int]:
    """Return where the highest ring of a group is, in every sector that shows it, and how many sectors there are."""
    around = circumference(pixels.angle, pixels.pixel)
    longer = _LONGER * settings.arc
    n_sectors = int(np.clip(around / longer, 12, settings.max_sectors / seen_share(pixels.azimuth)))
    sector = np.minimum(((pixels.azimuth + np.pi) * (n_sectors / (2 * np.pi))).astype(np.int64), n_sectors - 1)
    profiles, index, kept = _profiles(pixels, sector, group)
    if not len(profiles.x):
        return RingSightings.none(), 0
    pixels = pixels.select(kept)
    rings = angles[group.others[0] : group.others[1] + 1]
    middle = 0.5 * (group.low + group.high)
    own = slice(group.first - group.others[0], group.last - group.others[0] + 1)
    fits = _fitted(profiles, rings - middle, own, fwhm / FWHM)
    return _sighted(fits, pixels, index, group, angles, settings), len(profiles.x)


def _profiles(pixels: _Pixels, sector: IntArray, group: _Group) -> tuple[_Profiles, IntArray, BoolArray]:
    """Return the profiles of sectors with enough pixels, which sector each pixel is of, and which pixels are."""
    present, index = np.unique(sector, return_inverse=True)
    length = group.high - group.low
    n_bins = int(np.clip(length / (_BIN * float(np.median(pixels.pixel))), 10, _MOST_BINS))
    bins = np.minimum(((pixels.angle - group.low) * (n_bins / length)).astype(np.int64), n_bins - 1)
    cell, cells = index * n_bins + bins, present.size * n_bins
    n = np.bincount(cell, minlength=cells).reshape(-1, n_bins).astype(np.float64)
    covered = ((n > 0).mean(axis=1) >= _COVERED) & (n.sum(axis=1) >= _FEWEST_PIXELS)
    x = pixels.angle - 0.5 * (group.low + group.high)
    mean_x, mean_y = (
        np.bincount(cell, values, minlength=cells).reshape(-1, n_bins) / np.maximum(n, 1)
        for values in (x, pixels.value)
    )
    kept = covered[index]
    renumbered = (np.cumsum(covered) - 1)[index[kept]]
    return _Profiles(mean_x[covered], mean_y[covered], n[covered]), renumbered, kept


class _State(NamedTuple):
    """Parameters of the fits: background and heights (n_sectors, 2 + n_rings), shift and width (n_sectors,)."""

    linear: FloatArray
    shift: FloatArray
    width: FloatArray

    def shapes(self, x: FloatArray, rings: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how many widths bins are from rings, and the profiles there, (n_sectors, n_bins, n_rings)."""
        z = (x[:, :, None] - rings - self.shift[:, None, None]) / self.width[:, None, None]
        return z, np.exp(-0.5 * z**2)

    def model(self, x: FloatArray, span: float, shape: FloatArray) -> FloatArray:
        """Return the values of the bins."""
        line = self.linear[:, :1] + self.linear[:, 1:2] * x / span
        return np.asarray(line + np.einsum("sbk,sk->sb", shape, self.linear[:, 2:]))


def _fitted(profiles: _Profiles, rings: FloatArray, own: slice, sigma: float) -> _Fits:
    """Return the fits of sectors, all at once, by damped Gauss-Newton steps; rings and x in rad from the middle."""
    x, y, n = profiles
    count, k = len(x), len(rings)
    level = np.maximum(y.max(axis=1, keepdims=True), _TINY)
    y, span = y / level, float(np.abs(x).max()) + _TINY
    state = _State(np.zeros((count, 2 + k)), np.zeros(count), np.full(count, sigma))
    weights = n / np.maximum(np.average(y, axis=1, weights=np.maximum(n, 1e-9))[:, None], 1e-9)
    freedom = np.maximum((n > 0).sum(axis=1) - 4 - k, 2)
    for step in range(_STEPS):
        z, shape = state.shapes(x, rings)
        model = state.model(x, span, shape)
        weights = n / np.maximum(model, _FLOOR) if step else weights
        misfit = np.sum(weights * (y - model) ** 2, axis=1) / freedom
        each = np.maximum(state.linear[:, None, 2:], 0.0) * shape * z * (sigma / state.width)[:, None, None]
        line = np.stack((np.ones_like(x), x / span), axis=2)
        bent = np.stack((np.sum(each, axis=2), np.sum(each * z, axis=2)), axis=2)  # per sigma of shift and width
        columns = np.concatenate((line, shape, bent), axis=2)
        free = np.ones((count, 4 + k), dtype=np.bool_)
        free[:, 2 + k :] = step > 1
        solution, inverse = _solved(columns, weights, y - model, free, state, sigma, misfit)
        state = _stepped(state, solution, sigma)
    misfit = np.sum(weights * (y - state.model(x, span, state.shapes(x, rings)[1])) ** 2, axis=1) / freedom
    misfit = np.maximum(misfit, np.median(misfit))
    errors = np.sqrt(np.maximum(np.einsum("skk->sk", inverse), 0.0) * misfit[:, None])
    height, height_error = state.linear[:, 2:][:, own], errors[:, 2 : 2 + k][:, own]
    row, top = np.arange(count), np.argmax(height, axis=1)
    error, relative = errors[:, 2 + k] * sigma, state.width / sigma
    good = (height[row, top] > _SIGNIFICANT * height_error[row, top]) & (error < 0.3 * sigma)
    good &= (np.abs(state.shift) < 1.9 * sigma) & (relative > 0.65) & (relative < 1.55)
    return _Fits(state.shift, error, state.width, height * level, good)


def _stepped(state: _State, step: FloatArray, sigma: float) -> _State:
    """Return the parameters after a step that is not too long."""
    shift = np.clip(state.shift + np.clip(step[:, -2], -0.5, 0.5) * sigma, -2 * sigma, 2 * sigma)
    width = np.clip(state.width + np.clip(step[:, -1], -0.2, 0.2) * sigma, 0.6 * sigma, 1.6 * sigma)
    return _State(state.linear + step[:, :-2], shift, width)


def _solved(
    columns: FloatArray, weights: FloatArray, left: FloatArray, free: BoolArray, state: _State, sigma: float,
    misfit: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return steps of all parameters and the inverse of the curvature: heights stay positive, the width nearly."""
    linear, strength = state.linear, misfit / _WIDTH_KNOWN**2
    for last in (False, False, True):
        some = columns * free[:, None, :]
        weighted = some * weights[:, :, None]
        curvature = np.swapaxes(some, 1, 2) @ weighted
        right = np.einsum("sbp,sb->sp", weighted, left)
        curvature[:, -1, -1] += strength
        right[:, -1] -= strength * (state.width / sigma - 1)
        scale = np.sum(weights, axis=1)[:, None]
        np.einsum("spp->sp", curvature)[:] += (_STIFF + ~free) * scale
        inverse = np.linalg.inv(curvature)
        step = np.einsum("spq,sq->sp", inverse, right)
        below = (linear + step[:, :-2] < 0) & free[:, :-2]
        below[:, :2] = False
        if last or not below.any():
            step[:, :-2] = np.where(free[:, :-2], step[:, :-2], -linear)
            break
        free[:, :-2] &= ~below
    return np.asarray(step), np.asarray(inverse)


def _sighted(
    fits: _Fits, pixels: _Pixels, index: IntArray, group: _Group, angles: FloatArray, settings: RingSettings
) -> RingSightings:
    """Return the highest ring of each sector, at the mean azimuth of the pixels on it."""
    top = np.argmax(fits.height, axis=1)
    ring = group.first + top
    angle = angles[ring] + fits.shift
    distance = np.abs(pixels.angle - angle[index])
    near = distance <= np.maximum(1.5 * fits.width[index], pixels.pixel)
    n = np.maximum(np.bincount(index[near], minlength=top.size), 1)
    azimuth = np.bincount(index[near], pixels.azimuth[near], minlength=top.size) / n
    miss = distance + np.abs(pixels.azimuth - azimuth[index]) * np.sin(pixels.angle)
    order = np.lexsort((miss, index))
    first = order[np.searchsorted(index[order], np.arange(top.size))]
    slow, fast = (array[first].astype(np.float64) for array in (pixels.slow, pixels.fast))
    height = fits.height[np.arange(top.size), top]
    good = fits.good
    return RingSightings(
        ring[good], angle[good], azimuth[good], slow[good], fast[good], fits.error[good], fits.width[good], height[good]
    )
