# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Ridges: powder rings found on an image alone, without geometry or calibrant.

Noise
    The variance of a pixel is measured on the image as a straight line over its mean (`_pixel_noise`).

Candidates
    The image is binned 1, 2, 4, ... times; ridges of every width then look alike on one of these levels.  On each level
    the second derivative of a Gaussian (sigma 1.2 pixels) across, smoothed by a Gaussian (4 pixels) along, is taken in
    12 directions.  A pixel is a candidate where the highest response is a maximum across its direction and exceeds
    its noise.  Masked pixels are filled from coarser levels first, so that they make no edges.

Points
    Candidates are thinned out evenly along the ridge, and a profile is fitted to the pixels of a box that is laid along
    it, with ``t`` along and ``u`` across:

    .. math::

        I(u, t) = h \exp\Bigl(-\frac{(u - c - s t - \kappa t^2 / 2)^2}{2 w^2}\Bigr) + b_0 + b_1 u + b_2 t

    ``c`` gives the position, ``s`` the normal, ``kappa`` the curvature.  The box ends at the valleys between a ridge
    and its neighbours.  Errors come from the covariance, times the reduced chi-square where it exceeds 1; where
    the ridge is uneven (grains), also from how much stretches of 3 pixels along it disagree.  Masked pixels do not
    enter at all.  A point needs usable pixels in the middle, on both sides and at both ends; it must be described
    better by a peak than by a step (beam stops, module edges); it must not hold saturated pixels.

Arcs
    Points are linked where chord and normals belong to one circle (`_ridge_arcs`).  Arcs of few or faint points are
    left out.

Positions are array indices, the centre of the first pixel at (0, 0), as in :mod:`azimuthal.calibration.control_points`.

Limits: a ridge narrower than a pixel, or wider than 40 pixels, is not found; nor is one whose curvature
exceeds about 1/10 per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from azimuthal._validate import positive_integer, positive_number
from azimuthal.calibration._native import Candidates, PixelNoise, RidgeFilter, ridge_candidates, ridge_fits
from azimuthal.calibration._pixel_noise import measured_noise
from azimuthal.calibration._profiles import FWHM
from azimuthal.calibration._ridge_arcs import linked_arcs, near_pairs
from azimuthal.errors import DataTypeError, ShapeError
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["RidgeSettings", "Ridges", "find_ridges"]

_HALF_LENGTH, _HALF_WIDTH = 7.0, 12.0  # of the box, pixels of the level
_LONG = 16.0  # for faint ridges
_CURVATURE = 0.05  # 1 / pixels of the level
_WIDEST, _NARROWEST = 3.3, 1.0  # sigma on a level; narrower ones belong to the level before
_LEAST_LEVEL = 48  # pixels of the shorter side
_SPACING = 4.0  # along a ridge, pixels of the level, at least
_LONGEST_SPACING = 60.0
_ACROSS = 3.0
_REACH = 30.0  # of links, at least
_LONGEST_REACH = 60.0
_BOXES = 1.5  # length of an arc, at least
_STEP_BETTER = 8.0
_FEWEST_GRAINS, _SHORT = 4.0, 0.62
_SPOT_SIGNIFICANCE = 8.0
_ANY_NORMAL = np.pi / np.sqrt(12)  # standard deviation of a direction that is not known, rad
_LEAST_SATURATION, _SHARED = 255.0, 5
_UNEVEN = 0.3  # squared contrast along a ridge: a few grains
_DEAD, _BUSY = 16, 40.0  # pixels; photons in a block, about
_OVER_SCATTER = 1.7  # of grains


@dataclass(frozen=True, slots=True)
class RidgeSettings:
    """How ridges are found; see the module docstring.

    Parameters
    ----------
    max_points:
        About how many points are fitted on one level.
    levels:
        How many times the image is binned by two, the image itself included; rings may be about ``5 * 2**levels / 4``
        pixels wide (FWHM).
    significance:
        Height over its error that a point needs.
    candidate:
        Response over its noise that a candidate needs.
    saturation:
        Raw value from which a pixel counts as saturated; None: found where many pixels share the highest value.
    min_arc:
        Fewest points of an arc.
    """

    max_points: int = 10_000
    levels: int = 5
    significance: float = 5.0
    candidate: float = 4.0
    saturation: float | None = None
    min_arc: int = 3

    def __post_init__(self) -> None:
        for name in ("max_points", "levels", "min_arc"):
            positive_integer(name, getattr(self, name))
        for name in ("significance", "candidate"):
            positive_number(name, getattr(self, name))
        if self.saturation is not None:
            positive_number("saturation", self.saturation)


@dataclass(frozen=True, slots=True, eq=False)
class Ridges:
    """Points on ridges; arrays of one length, read-only.

    Parameters
    ----------
    slow, fast:
        Position in pixels, float64; the first pixel's centre is (0, 0).
    normal:
        (n, 2): unit vector across the ring in (slow, fast) pixels; its sign means nothing.
    normal_error:
        rad.
    uncertainty:
        Standard deviation across the ring, pixels.
    height:
        Above the background, in units of the image.
    significance:
        Height over its error.
    fwhm:
        Full width at half maximum, pixels.
    arc:
        int64: points of one connected piece of a ring share a number; -1: none.
    """

    slow: FloatArray
    fast: FloatArray
    normal: FloatArray
    normal_error: FloatArray
    uncertainty: FloatArray
    height: FloatArray
    significance: FloatArray
    fwhm: FloatArray
    arc: IntArray

    def __post_init__(self) -> None:
        n = np.size(self.slow)
        for field in fields(self):
            array = np.array(getattr(self, field.name), dtype=np.int64 if field.name == "arc" else np.float64)
            shape = (n, 2) if field.name == "normal" else (n,)
            if array.shape != shape:
                raise ShapeError(f"{field.name}: expected shape {shape} to match `slow`, got {array.shape}.")
            array.flags.writeable = False
            object.__setattr__(self, field.name, array)

    def __len__(self) -> int:
        """Return the number of points."""
        return int(self.slow.size)

    def __repr__(self) -> str:
        """Return how many points on how many arcs."""
        return f"Ridges({len(self)} points on {self.n_arcs} arcs)"

    @property
    def n_arcs(self) -> int:
        """Number of arcs."""
        return int(np.unique(self.arc[self.arc >= 0]).size)

    @classmethod
    def empty(cls) -> Ridges:
        """Return no points."""
        none = np.empty(0)
        return cls(none, none, np.empty((0, 2)), none, none, none, none, none, np.empty(0, np.int64))

    def select(self, which: AnyArray) -> Ridges:
        """Return the points that a boolean or an index array selects."""
        return Ridges(*(getattr(self, field.name)[which] for field in fields(self)))


class _Level(NamedTuple):
    """The image binned: mean of the usable pixels (filled where there are none), and where most of them are."""

    image: AnyArray
    usable: BoolArray
    noise: PixelNoise
    binning: int


class _Points(NamedTuple):
    """Fitted points, in pixels of the image.

    `reach`: how far the next one along the ridge may be; `box`: length of what was fitted.
    """

    place: FloatArray
    normal: FloatArray
    normal_error: FloatArray
    uncertainty: FloatArray
    height: FloatArray
    significance: FloatArray
    width: FloatArray
    reach: FloatArray
    box: FloatArray

    def select(self, which: AnyArray) -> _Points:
        return _Points(*(array[which] for array in self))

    @classmethod
    def joined(cls, parts: list[_Points]) -> _Points:
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def find_ridges(image: Any, usable: Any = None, *, settings: RidgeSettings | None = None, threads: int = 1) -> Ridges:
    """Return points on the ridges of an image.

    Parameters
    ----------
    image:
        2-D, numbers; raw values.  NaN and infinity are not usable.
    usable:
        bool, shape of the image: False for masked pixels, gaps and invalid values
        (:func:`azimuthal.calibration.ring_points.usable_pixels`); None: all.
    settings:
        How they are found.
    threads:
        Of the compiled core; the result does not depend on it.

    Returns
    -------
    :
        Points, those of one arc together; possibly none.

    Raises
    ------
    ShapeError, DataTypeError
        The image is not 2-D or holds no numbers, or `usable` does not fit it.
    """
    settings = settings or RidgeSettings()
    frame, ok = _checked(image, usable)
    n_threads = positive_integer("threads", threads)
    if min(frame.shape) < _LEAST_LEVEL // 2 or not ok.any():
        return Ridges.empty()
    noise = measured_noise(frame, ok)
    if noise is None:
        return Ridges.empty()
    _leave_out_dead_regions(frame, ok)
    _leave_out_saturated(frame, ok, settings.saturation)
    _leave_out_hot_pixels(frame, ok, noise)
    if not ok.any():
        return Ridges.empty()
    levels = _pyramid(frame, ok, noise, settings.levels)
    found: list[_Points] = []
    single: list[_Points] = []
    for level in levels:
        points, spots = _points(level, settings, n_threads, found)
        found.append(points)
        single.append(spots)
    return _result(_Points.joined(found), _brightest(_Points.joined(single)), settings)


def _checked(image: Any, usable: Any) -> tuple[AnyArray, BoolArray]:
    """Return the image as float32, zero where it is not usable, and what is."""
    given = np.asarray(image)
    if given.dtype.kind not in "uif":
        raise DataTypeError(f"image: expected numbers, got {given.dtype}.")
    if given.ndim != 2:
        raise ShapeError(f"image: expected 2 dimensions, got shape {given.shape}. Pass one frame.")
    ok: BoolArray = np.isfinite(given)
    if usable is not None:
        chosen = np.asarray(usable)
        if chosen.dtype != np.bool_:
            raise DataTypeError(f"usable: expected booleans (True = counts), got {chosen.dtype}. Write e.g. mask == 0.")
        if chosen.shape != given.shape:
            raise ShapeError(f"usable: expected shape {given.shape} of the image, got {chosen.shape}.")
        ok &= chosen
    frame = np.zeros(given.shape, dtype=np.float32)
    np.copyto(frame, given, where=ok, casting="unsafe")
    ok &= np.isfinite(frame)
    frame[~ok] = 0
    return frame, ok


def _leave_out_saturated(frame: AnyArray, ok: BoolArray, given: float | None) -> None:
    """Mark saturated pixels, and those beside them, as not usable: where many share the highest value, if not told."""
    limit = given
    if limit is None:
        limit = float(frame[ok].max())
        same = int(np.count_nonzero(ok & (frame >= limit)))
        below = int(np.count_nonzero(ok & (frame >= 0.98 * limit))) - same
        if limit < _LEAST_SATURATION or same < _SHARED or same <= below:
            return
    i, j = np.nonzero(ok & (frame >= limit))
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            rows, columns = (np.clip(x, 0, n - 1) for x, n in zip((i + di, j + dj), ok.shape, strict=True))
            ok[rows, columns] = False
    frame[~ok] = 0


def _leave_out_dead_regions(frame: AnyArray, ok: BoolArray) -> None:
    """Mark regions of one value as not usable: around a round detector, modules that are switched off.

    Blocks of 16 x 16 pixels count that hold one value, and the pixels of this value in the blocks beside them.  On
    images of few photons empty blocks are what is to be expected: there nothing is marked.
    """
    rows, columns = (n // _DEAD for n in frame.shape)
    if not rows or not columns:
        return
    blocks = frame[: rows * _DEAD, : columns * _DEAD].reshape(rows, _DEAD, columns, _DEAD)
    low, high = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    dead = low == high
    if not dead.any() or dead.all():
        return
    value = low[dead].min()
    if np.quantile((blocks.mean(axis=(1, 3)) - value)[~dead], 0.1) * _DEAD**2 < _BUSY:
        return
    padded = np.pad(dead, 1)
    near = sum(padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)) > 0
    near = np.repeat(np.repeat(near, _DEAD, axis=0), _DEAD, axis=1)
    near = np.pad(near, ((0, frame.shape[0] - near.shape[0]), (0, frame.shape[1] - near.shape[1])), mode="edge")
    ok &= ~(near & (frame == value))
    frame[~ok] = 0


def _leave_out_hot_pixels(frame: AnyArray, ok: BoolArray, noise: PixelNoise) -> None:
    """Mark pixels far above all eight neighbours as not usable."""
    for begin in range(0, frame.shape[0], 128):
        rows = slice(max(begin - 1, 0), begin + 129)
        padded = np.pad(frame[rows], 1, mode="edge")
        above = rows.start < begin
        padded = padded[1:] if above else padded
        n = min(128, frame.shape[0] - begin)
        highest = np.full((n, frame.shape[1]), -np.inf, dtype=np.float32)
        for i in range(3):
            for j in range(3):
                if (i, j) != (1, 1):
                    np.maximum(highest, padded[i : i + n, j : j + frame.shape[1]], out=highest)
        own = frame[begin : begin + n]
        limit = 3 * np.maximum(highest, 0) + 8 * np.sqrt(noise.at(highest)).astype(np.float32)
        ok[begin : begin + n] &= own <= np.maximum(limit, 5.0 * np.sqrt(noise.least))
    frame[~ok] = 0


def _pyramid(frame: AnyArray, ok: BoolArray, noise: PixelNoise, n_levels: int) -> list[_Level]:
    """Return the levels, finest first, with what masks leave open filled from coarser ones."""
    images: list[AnyArray] = [frame]
    weights: list[AnyArray] = [ok.astype(np.float32)]
    while min(images[-1].shape) >= 2 * _LEAST_LEVEL or len(images) < 2:
        if len(images) > n_levels:
            break
        image, weight = (_binned(array) for array in (images[-1] * weights[-1], weights[-1]))
        images.append(np.divide(image, weight, out=np.zeros_like(image), where=weight > 0))
        weights.append(weight / 4)
    for k in range(len(images) - 1, -1, -1):
        missing = weights[k] == 0
        if k + 1 < len(images):
            i, j = np.nonzero(missing)
            i1, j1 = (np.minimum(x // 2, n - 1) for x, n in zip((i, j), images[k + 1].shape, strict=True))
            images[k][i, j] = images[k + 1][i1, j1]
        else:
            images[k][missing] = images[k][~missing].mean() if not missing.all() else 0
    usable = [weight >= 0.5 for weight in weights]
    kept = range(min(n_levels, len(images)))
    return [_Level(images[k], usable[k], noise.scaled(0.25**k), 2**k) for k in kept]


def _binned(image: AnyArray) -> AnyArray:
    rows, columns = (n // 2 * 2 for n in image.shape)
    whole = image[:rows, :columns]
    sums: AnyArray = whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]
    return sums


def _points(level: _Level, settings: RidgeSettings, n_threads: int, finer: list[_Points]) -> tuple[_Points, _Points]:
    """Return the points of one level, and single spots; those on ridges of finer levels are left out."""
    chosen = RidgeFilter(significance=settings.candidate)
    taken = _painted(finer, level)
    candidates, excess = ridge_candidates(level.image, level.usable & ~taken, chosen, level.noise, n_threads)
    excess = max(excess, 1.0)
    level = level._replace(noise=level.noise.scaled(excess**2))
    candidates = candidates.select(candidates.significance > settings.candidate * excess)
    candidates, spacing = _thinned(candidates, level.image.shape[1], chosen.n_directions, settings.max_points)
    i, j = np.divmod(candidates.pixel, level.image.shape[1])
    angle = candidates.direction * (np.pi / chosen.n_directions)
    starts = np.column_stack([i, j, angle, np.zeros(angle.size)]).astype(np.float64)
    fits = _fitted(level, starts, _HALF_LENGTH, n_threads)
    fits["box"] = np.full(angle.size, 2 * _HALF_LENGTH)
    good, spots = _judged(fits, settings, _HALF_LENGTH)
    faint = (
        ~good & (fits["height"] > 2 * fits["height_noise"]) & (candidates.significance > settings.candidate * excess)
    )
    if faint.any():
        again = _fitted(level, starts[faint], _LONG, n_threads)
        again["box"] = np.full(int(faint.sum()), 2 * _LONG)
        better = _judged(again, settings, _LONG)[0]
        rows = np.flatnonzero(faint)[better]
        for name, values in fits.items():
            values[rows] = again[name][better]
        good[rows], spots[rows] = True, False
    points = _placed(starts[good], {name: values[good] for name, values in fits.items()}, level, spacing)
    points = points.select(~_around_finer(points, taken, level))
    alone = _placed(starts[spots], {name: values[spots] for name, values in fits.items()}, level, spacing, spots=True)
    return points, alone.select(~_around_finer(alone, taken, level))


def _fitted(level: _Level, starts: FloatArray, half_length: float, n_threads: int) -> dict[str, FloatArray]:
    return ridge_fits(
        level.image, level.usable, starts, half_length=half_length, half_width=_HALF_WIDTH,
        curvature_error=_CURVATURE, noise=level.noise, n_threads=n_threads,
    )  # fmt: skip


def _judged(fits: dict[str, FloatArray], settings: RidgeSettings, half_length: float) -> tuple[BoolArray, BoolArray]:
    """Return which fits are points on a ridge, and which are single spots."""
    good: BoolArray = fits["height"] > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        good &= fits["height"] > settings.significance * fits["height_noise"]
        patches = 2 * half_length / 3
        spot = (fits["unevenness"] > patches / _FEWEST_GRAINS) | (fits["extent"] < _SHORT)
        uneven = fits["unevenness"] > _UNEVEN
        good &= np.abs(fits["centre"]) < 2.5
        good &= np.abs(fits["slope"]) < 0.5
        good &= fits["width"] < _WIDEST
        good &= fits["width"] > 0.3
        good &= (fits["middle"] > 0.8) & (fits["side"] > 0.5) & (fits["end"] > 0.3)
        good &= fits["edge"] < _STEP_BETTER
        ridge = fits["height"] > np.where(uneven, 1.0, _OVER_SCATTER) * fits["height_error"]
        ridge &= fits["centre_error"] < np.where(uneven, 0.8, 0.25) * fits["width"] + 0.15
        single = good & spot & (np.abs(fits["along"]) < _ACROSS)
    return good & ridge & ~spot, single & (fits["height"] > _SPOT_SIGNIFICANCE * fits["height_noise"])


def _thinned(candidates: Candidates, n_fast: int, n_directions: int, most: int) -> tuple[Candidates, float]:
    """Return the most significant candidate of each stretch of a ridge, and how long the stretches are."""
    i, j = np.divmod(candidates.pixel, n_fast)
    angle = candidates.direction * (np.pi / n_directions)
    across, along = np.cos(angle) * i + np.sin(angle) * j, np.cos(angle) * j - np.sin(angle) * i
    order = np.argsort(-candidates.significance, kind="stable")
    spacing = _SPACING
    while True:
        key = candidates.direction + n_directions * (
            np.floor(across / _ACROSS).astype(np.int64) * 1_000_003 + np.floor(along / spacing).astype(np.int64)
        )
        first = np.unique(key[order], return_index=True)[1]
        if first.size <= most or spacing > _LONGEST_SPACING:
            strongest = np.sort(first)[:most]  # of `order`, which goes by significance
            return candidates.select(np.sort(order[strongest])), spacing
        spacing *= 1.3


def _placed(
    starts: FloatArray, fits: dict[str, FloatArray], level: _Level, spacing: float, *, spots: bool = False
) -> _Points:
    """Return positions, normals and widths in pixels of the image; of spots, the middle and no known normal."""
    slope, angle = fits["slope"], starts[:, 2]
    tilt = np.sqrt(1 + slope**2)
    turned = angle - np.arctan(slope)
    place = starts[:, :2] + fits["centre"][:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    if spots:
        place += fits["along"][:, None] * np.column_stack([-np.sin(angle), np.cos(angle)])
        fits["centre_error"] = np.hypot(fits["centre_error"], fits["width"])  # a grain is anywhere within the profile
        fits["slope_error"] = np.full(slope.size, _ANY_NORMAL)
    k = level.binning
    width = np.sqrt(np.maximum((fits["width"] / tilt) ** 2 - (1 - k**-2) / 12, 0.01)) * k
    return _Points(
        (place + 0.5) * k - 0.5,
        np.column_stack([np.cos(turned), np.sin(turned)]),
        fits["slope_error"] / (1.0 if spots else tilt**2),
        fits["centre_error"] / tilt * k,
        fits["height"],
        fits["height"] / fits["height_noise"],
        width,
        np.full(slope.size, min(max(3 * spacing, _REACH), _LONGEST_REACH) * k),
        fits["box"] * k,
    )


def _painted(finer: list[_Points], level: _Level) -> BoolArray:
    """Return which pixels of a level lie on ridges of finer levels."""
    taken = np.zeros(level.image.shape, dtype=np.bool_)
    k = level.binning
    for points in finer:
        along = np.column_stack([-points.normal[:, 1], points.normal[:, 0]])
        reach = min(float(points.reach.max(initial=0.0)) / 2 / k, 12.0)
        for t in np.arange(-np.ceil(reach), np.ceil(reach) + 1):
            for u in (-1.0, 0.0, 1.0):
                place = (points.place + 0.5) / k - 0.5 + t * along + u * points.normal
                i, j, _ = _pixels_of(place, taken.shape)
                taken[i, j] = True
    return taken


def _around_finer(points: _Points, taken: BoolArray, level: _Level) -> BoolArray:
    """Return which points are wide ridges made of, or lying about, finer ones."""
    found = np.zeros(points.height.size, dtype=np.bool_)
    place = (points.place + 0.5) / level.binning - 0.5
    for u in np.arange(-4.0, 4.5, 1.0):
        i, j, inside = _pixels_of(place + u * points.normal, taken.shape)
        near = np.abs(u) <= 1.3 * points.width / level.binning + 0.5
        found[inside] |= taken[i, j] & near[inside]
    return found


def _pixels_of(place: FloatArray, shape: tuple[int, ...]) -> tuple[IntArray, IntArray, BoolArray]:
    """Return the pixels that hold places, of those inside of an image, and which are inside."""
    pixel = np.rint(place).astype(np.int64)
    inside = np.asarray(((pixel >= 0) & (pixel < np.array(shape))).all(axis=1))
    return pixel[inside, 0], pixel[inside, 1], inside


def _long_enough(points: _Points, label: IntArray, fewest: int) -> BoolArray:
    """Return which points belong to arcs of enough points whose boxes do not all overlap: chance makes short ones."""
    n = int(label.max(initial=-1)) + 1
    low, high = np.full((n, 2), np.inf), np.full((n, 2), -np.inf)
    np.minimum.at(low, label, points.place)
    np.maximum.at(high, label, points.place)
    box = np.zeros(n)
    np.maximum.at(box, label, points.box)
    return np.asarray(((np.hypot(*(high - low).T) >= _BOXES * box) & (np.bincount(label) >= fewest))[label])


def _brightest(spots: _Points) -> _Points:
    """Return one point for each spot: the most significant within its width."""
    order = np.argsort(-spots.significance, kind="stable")
    spots = spots.select(order)
    size = max(4.0, float(np.median(2 * spots.width))) if len(order) else 4.0
    i, j = near_pairs(spots.place, 2 * size)
    close = np.hypot(*(spots.place[i] - spots.place[j]).T) < np.maximum(2 * np.maximum(spots.width[i], 1.0), 3.0)
    outshone = np.zeros(len(order), dtype=np.bool_)
    outshone[np.maximum(i, j)[close]] = True
    return spots.select(~outshone)


def _result(points: _Points, spots: _Points, settings: RidgeSettings) -> Ridges:
    """Return the points that are linked, sorted by arc, the longest first, and the spots that lie beside them."""
    label = linked_arcs(
        points.place, points.normal, points.normal_error, points.uncertainty, points.width, points.reach
    )
    kept = _long_enough(points, label, settings.min_arc)
    points, label = points.select(kept), label[kept]
    size = np.bincount(label)
    order = np.lexsort((label, -size[label]))
    points, label = points.select(order), label[order]
    number = np.zeros(label.size, dtype=np.int64)
    number[1:] = np.cumsum(np.diff(label) != 0)
    number = np.concatenate([number, np.full(spots.height.size, -1)])
    p = _Points.joined([points, spots])
    return Ridges(
        p.place[:, 0], p.place[:, 1], p.normal, p.normal_error, p.uncertainty, p.height, p.significance,
        FWHM * p.width, number,
    )  # fmt: skip
