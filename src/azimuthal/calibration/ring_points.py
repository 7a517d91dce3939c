# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Control points along predicted rings: sub-pixel positions of the ridges.

With an approximate geometry and the d-spacings of the calibrant, the pixels near every predicted ring are cut into
sectors of azimuth; each sector makes a short radial profile, and the ring's place in it is fitted.

Window
    ``x = (2theta - 2theta_k) / g``, in pixels (g: the change of two theta per pixel), from ``-w`` to ``w``; w is the
    smaller of `search` and 0.48 of the way to the next ring.  Rings with neighbours closer than `separation` pixels
    are left out, since each would drag the other.

Sector
    At least `arc` pixels long, at most `max_sectors` on the part of the circle that the image has, at least 12 on a
    full circle.  Where fewer than half of the sectors of a ring show it, sectors twice as long are tried, and so on:
    weak rings get fewer, better points.

Fit
    A Gaussian on a straight line (:mod:`azimuthal.calibration._profiles`) to the mean of the pixels in radial bins of
    half a pixel, each at the mean x of its pixels.  The noise is measured, not assumed: with the squares of the
    deviations of single pixels from a first fit, averaged beside the ring (:math:`v_0`) and on it,

    .. math:: v(x) = v_0 + v_1 \cdot (\mathrm{ring\ above\ background})

    so that photon counters (:math:`v_1 = 1`), integrating detectors, images minus a dark, and spotty rings all get
    the errors that they show.  A second fit is weighted with it.  Where the profile is not a Gaussian, the
    uncertainty grows with the square root of the reduced chi-square of its bins; where the ring scatters by more than
    four times what counting explains (grains), with the square root of 3 too, as spots are about 3 pixels large.

Place
    Solid angle and polarisation fall across the width of a ring and move its top by :math:`\sigma^2 \,
    d\ln(\Omega P) / d2\theta`, inwards on a plain detector and alike on all rings: that is taken back.
    :math:`\Omega` falls with the cube of the cosine of incidence (flat detectors); the polarisation is taken as none,
    which is right on average over a ring.

Left out
    ==========  ===================================================================================
    reason      the sector has
    ==========  ===================================================================================
    covered     less than 70 % of its bins with pixels, or none within 1.5 widths of the ring
    weak        a height of less than `significance` times its error, or none at all
    edge        its ring within a width of the end of the window
    width       a ring narrower than 0.25 pixel or wider than a third of the window
    spotty      a ring of fewer than 4 bright pixels: so many equal ones would scatter as much as they do
    saturated   a pixel at or above `saturation` on the ring
    place       no place on the image (between modules)
    ==========  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from azimuthal._validate import positive_number
from azimuthal.calibration._profiles import FWHM, Gaussians, fitted_gaussians, gaussian_excess, guessed_gaussians
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.positions import located
from azimuthal.calibration.refinement import RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.errors import ShapeError
from azimuthal.geometry.coordinates import pixel_normals
from azimuthal.geometry.parallax import entry_positions
from azimuthal.instrument import Instrument
from azimuthal.masks import combine, invalid_pixels, invalid_ranges
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray

__all__ = [
    "Apart",
    "RingPoints",
    "RingSettings",
    "circumference",
    "pixel_angles",
    "points_on_rings",
    "row_angles",
    "row_blocks",
    "seen_share",
    "usable_pixels",
]

_BIN = 0.5
_MOST_BINS = 64
_COVERED = 0.7
_SMALLEST_WIDTH = 0.2
_ROWS_PER_BLOCK = 128
_COARSER = 2
_SPOT = 3.0  # pixels in a spot of a spotty ring
_FEWEST_SPOTS = 4.0
_REASONS = ("covered", "weak", "edge", "width", "spotty", "saturated", "place")


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSettings:
    """How rings are followed; see the module docstring.

    Parameters
    ----------
    search:
        How far a ring may be from where it is predicted, pixels.
    separation:
        Rings with a neighbour closer than this are left out, pixels.
    arc:
        Shortest sector, pixels along the ring.
    max_sectors:
        Most sectors of a ring, on the part of it that the image has.
    significance:
        Height over its error below which a sector has no ring.
    saturation:
        Raw value from which a pixel counts as saturated; None: only what the detector declares invalid.
    max_rings:
        At most so many rings, from the innermost; None: all.
    """

    search: float = 12.0
    separation: float = 6.0
    arc: float = 10.0
    max_sectors: int = 360
    significance: float = 4.0
    saturation: float | None = None
    max_rings: int | None = None

    def __post_init__(self) -> None:
        for name in ("search", "separation", "arc", "max_sectors", "significance"):
            positive_number(name, getattr(self, name))


class Apart(NamedTuple):
    """How far a ring has to be from its neighbours, in pixels or in rad.

    Where a detector is oblique, rings that the sample broadens are of one width in two theta, others in pixels.
    """

    pixels: float
    angle: float


@dataclass(frozen=True, slots=True, eq=False)
class RingPoints:
    """Control points, and what became of the rings and sectors.

    Attributes
    ----------
    points:
        The control points.
    fwhm:
        Full width of the ring at each point, pixels.
    predicted:
        Rings that cross usable pixels and are apart from their neighbours.
    crowded:
        Rings that cross usable pixels but were left out for their neighbours.
    sectors:
        Ring -> number of sectors with enough pixels.
    left_out:
        Reason -> number of sectors.
    overlapping:
        Rings that overlap were fitted together (:mod:`azimuthal.calibration.crowded_rings`).
    """

    points: ControlPoints
    fwhm: FloatArray
    predicted: tuple[int, ...]
    crowded: tuple[int, ...]
    sectors: dict[int, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    overlapping: bool = False

    @property
    def found(self) -> tuple[int, ...]:
        """Rings with points."""
        return tuple(self.points.rings.tolist())


class _Window(NamedTuple):
    """Usable pixels near rings, flat arrays: where, which ring, angle, azimuth, value, radians per pixel."""

    slow: IntArray
    fast: IntArray
    ring: IntArray
    angle: FloatArray
    azimuth: FloatArray
    value: FloatArray
    pixel: FloatArray
    part: IntArray


def usable_pixels(image: AnyArray, instrument: Instrument, mask: AnyArray | None) -> BoolArray:
    """Return which pixels count: not masked, not in a gap, no invalid value."""
    detector = instrument.detector
    if image.shape != detector.shape:
        raise ShapeError(f"image: expected shape {detector.shape} of {detector.name}, got {image.shape}.")
    excluded = combine(mask, detector.gap_mask(), shape=detector.shape, names=("mask", "gaps"))
    usable: BoolArray = ~(excluded | invalid_pixels(image, invalid_ranges(detector.invalid, image.dtype)))
    return usable


def points_on_rings(
    image: Any, instrument: Instrument, calibrant: RingSource, *, mask: Any = None,
    settings: RingSettings | None = None, usable: BoolArray | None = None, parts: IntArray | None = None,
    apart: Apart | None = None,
) -> RingPoints:  # fmt: skip
    """Return control points along the rings that the instrument predicts.

    Parameters
    ----------
    image:
        Shape of the detector; raw values.
    instrument:
        Approximate geometry, with a wavelength.
    calibrant:
        d-spacings in m, decreasing.
    mask:
        True = excluded, in addition to gaps and invalid values.
    settings:
        How rings are followed.
    usable:
        From :func:`usable_pixels`, when it is known already; `mask` is then not used.
    parts:
        Shape of the detector, integers: sectors end where it changes, so that no point mixes two modules.
    apart:
        Rings with a neighbour closer than this, by both of its measures, are left out too.

    Returns
    -------
    :
        Points with their uncertainties; possibly none.

    Raises
    ------
    ShapeError, DataTypeError
        Image or mask do not fit the detector.
    WavelengthMissingError
        The instrument has no wavelength.
    """
    settings = settings or RingSettings()
    wavelength = instrument.beam.required_wavelength("rings")
    frame = np.asarray(image)
    if usable is None:
        usable = usable_pixels(frame, instrument, mask)
    angles = ring_angles(np.asarray(calibrant.d_spacings(), dtype=np.float64), wavelength)[0]
    angles = angles[np.isfinite(angles)]  # the rings that the wavelength reaches come first
    if not angles.size or not usable.any():
        return RingPoints(ControlPoints.empty(), np.empty(0), (), ())
    window, crowded = _window(frame, instrument, usable, angles, settings, parts, apart)
    rings = np.unique(window.ring)
    if settings.max_rings is not None:
        rings = rings[: settings.max_rings]
    tally = dict.fromkeys(_REASONS, 0)
    ridges, sectors = [], {}
    for ring in rings.tolist():
        on_ring = window.ring == ring
        part = _Window(*(array[on_ring] for array in window))
        found, sectors[ring] = _one_ring(part, angles, ring, settings, tally)
        ridges.append(found)
    if not ridges:
        return RingPoints(ControlPoints.empty(), np.empty(0), (), crowded)
    points, fwhm = placed(
        RingSightings(*(np.concatenate(part) for part in zip(*ridges, strict=True))), instrument, tally
    )
    return RingPoints(points, fwhm, tuple(rings.tolist()), crowded, sectors, tally)


def _window(
    frame: AnyArray, instrument: Instrument, usable: BoolArray, angles: FloatArray, settings: RingSettings,
    parts: IntArray | None, apart: Apart | None,
) -> tuple[_Window, tuple[int, ...]]:  # fmt: skip
    """Return the usable pixels near rings, and the rings that are too near to each other."""
    order = np.diff(angles, prepend=-np.inf, append=np.inf)
    nearest = np.minimum(order[:-1], order[1:])  # rad to the nearest neighbour
    pieces: list[list[AnyArray]] = []
    crowded: set[int] = set()
    for rows in row_blocks(instrument.detector.shape[0]):
        t = _lab_positions(instrument, rows)
        everywhere = _two_theta(t)
        coarse = settings.search * _largest_pixel(t, instrument)
        number = _nearest_ring(everywhere, angles)
        i, j = np.nonzero(usable[rows] & (np.abs(everywhere - angles[number]) <= coarse))
        # the rest for what may be inside only
        t, angle, ring = t[i, j], everywhere[i, j], number[i, j]
        pixel = _change_per_pixel(t, instrument)
        inside = np.abs(angle - angles[ring]) <= np.minimum(settings.search * pixel, 0.48 * nearest[ring])
        least = 0.0 if apart is None else np.minimum(apart.pixels * pixel, apart.angle)
        near = inside & (nearest[ring] < np.maximum(settings.separation * pixel, least))
        crowded.update(np.unique(ring[near]).tolist())
        kept = np.flatnonzero(inside & ~near)
        i, j, t = i[kept], j[kept], t[kept]
        value = frame[rows][i, j].astype(np.float64)
        part = np.zeros(i.size, dtype=np.int64) if parts is None else parts[rows][i, j]
        azimuth = np.arctan2(t[:, 0], t[:, 1])
        pieces.append([i + rows.start, j, ring[kept], angle[kept], azimuth, value, pixel[kept], part])
    window = _Window(*(np.concatenate(arrays) for arrays in zip(*pieces, strict=True)))
    return window, tuple(sorted(crowded - set(np.unique(window.ring).tolist())))


def row_blocks(n_rows: int) -> Iterator[slice]:
    """Yield slices of rows that cover an image."""
    for start in range(0, n_rows, _ROWS_PER_BLOCK):
        yield slice(start, min(start + _ROWS_PER_BLOCK, n_rows))


def pixel_angles(instrument: Instrument, rows: slice) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return two theta, chi and (about) the change of two theta per pixel, of some rows."""
    t = _lab_positions(instrument, rows)
    return _two_theta(t), np.arctan2(t[..., 0], t[..., 1]), _change_per_pixel(t, instrument)


def row_angles(instrument: Instrument, rows: slice) -> FloatArray:
    """Return two theta of some rows."""
    return _two_theta(_lab_positions(instrument, rows))


def _two_theta(t: FloatArray) -> FloatArray:
    """Return two theta of laboratory positions."""
    return np.asarray(np.arctan2(np.sqrt(t[..., 0] ** 2 + t[..., 1] ** 2), t[..., 2]))


def _lab_positions(instrument: Instrument, rows: slice) -> FloatArray:
    """Return where the pixels of some rows are met."""
    detector, pose = instrument.detector, instrument.pose
    positions = detector.centers(rows)
    if instrument.parallax is not None:
        absorption = instrument.parallax.absorption(sensor=detector.sensor, energy=instrument.beam.energy)
        normals = None if detector.is_flat else pixel_normals(corners=detector.corners(rows))
        positions = entry_positions(detector_positions=positions, pose=pose, absorption=absorption, normals=normals)
    return pose.lab_from_detector(positions)


def _change_per_pixel(t: FloatArray, instrument: Instrument) -> FloatArray:
    """Return (about) the change of two theta per pixel at laboratory positions."""
    detector = instrument.detector
    t1, t2, t3 = t[..., 0], t[..., 1], t[..., 2]
    rho2 = t1**2 + t2**2
    squared = rho2 + t3**2
    if not detector.is_flat:
        return np.asarray(np.sqrt(detector.pixel1 * detector.pixel2 / squared))
    with np.errstate(divide="ignore", invalid="ignore"):
        # (t3 t1, t3 t2, -rho^2) / rho along both axes of the detector
        slopes = [
            ((t1 * axis[0] + t2 * axis[1]) * t3 - rho2 * axis[2]) * size
            for axis, size in zip(instrument.pose.rotation.T[:2], (detector.pixel1, detector.pixel2), strict=True)
        ]
        return np.asarray(np.sqrt((slopes[0] ** 2 + slopes[1] ** 2) / rho2) / squared)


def _largest_pixel(t: FloatArray, instrument: Instrument) -> float:
    """Return what the change of two theta per pixel does not exceed at laboratory positions, rad."""
    detector = instrument.detector
    nearest = float(np.min(t[..., 0] ** 2 + t[..., 1] ** 2 + t[..., 2] ** 2))
    largest = 1.0001 * max(detector.pixel1, detector.pixel2)  # rounding
    return float(largest / np.sqrt(nearest)) if nearest > 0 else np.inf


def _nearest_ring(angle: FloatArray, angles: FloatArray) -> IntArray:
    middles = 0.5 * (angles[1:] + angles[:-1])
    return np.asarray(np.searchsorted(middles, angle), dtype=np.int64)


class RingSightings(NamedTuple):
    """Where rings were found: ring, angle and azimuth, nearest pixel, error and width (rad), height."""

    ring: IntArray
    angle: FloatArray
    azimuth: FloatArray
    slow: FloatArray
    fast: FloatArray
    error: FloatArray
    width: FloatArray
    height: FloatArray

    @classmethod
    def none(cls) -> RingSightings:
        return cls(np.empty(0, dtype=np.int64), *(np.empty(0) for _ in range(7)))


def _one_ring(
    window: _Window, angles: FloatArray, ring: int, settings: RingSettings, tally: dict[str, int]
) -> tuple[RingSightings, int]:
    """Return where one ring was found, and how many sectors had enough pixels."""
    around = circumference(window.angle, window.pixel)
    n_sectors = int(np.clip(around / settings.arc, 12, settings.max_sectors / seen_share(window.azimuth)))
    while True:
        counted = dict.fromkeys(_REASONS, 0)
        found, seen = _sectors(window, float(angles[ring]), ring, n_sectors, settings, counted)
        if n_sectors <= 12 or found.ring.size >= 0.5 * seen or seen == 0:
            break
        n_sectors = max(n_sectors // _COARSER, 12)
    for reason, number in counted.items():
        tally[reason] += number
    return found, seen


def circumference(angle: FloatArray, pixel: FloatArray) -> float:
    """Return about how many pixels a full circle of the ring is long; two theta and its change per pixel, rad."""
    return float(2 * np.pi * np.median(np.sin(angle) / pixel))


def seen_share(azimuth: FloatArray) -> float:
    """Return the share of the full circle that there are pixels of, in steps of a degree; chi of these, rad."""
    return np.unique(np.floor(np.degrees(azimuth))).size / 361


def _sectors(
    window: _Window, angle: float, ring: int, n_sectors: int, settings: RingSettings, counted: dict[str, int]
) -> tuple[RingSightings, int]:
    """Return where one ring was found with so many sectors on the circle."""
    sector = np.minimum(((window.azimuth + np.pi) * (n_sectors / (2 * np.pi))).astype(np.int64), n_sectors - 1)
    first = int(window.part.min())
    sector = sector * (int(window.part.max()) - first + 1) + window.part - first
    present, index = np.unique(sector, return_inverse=True)
    scale = _means(window.pixel, index, present.size)
    x = (window.angle - angle) / scale[index]
    half = float(np.abs(x).max())
    n_bins = int(np.clip(np.ceil(2 * half / _BIN), 8, _MOST_BINS))
    width = 2 * half / n_bins
    bins = np.minimum(((x + half) / width).astype(np.int64), n_bins - 1)
    cell, cells = index * n_bins + bins, present.size * n_bins
    n = np.bincount(cell, minlength=cells).reshape(-1, n_bins).astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean_x, mean_y = (
            np.bincount(cell, values, minlength=cells).reshape(-1, n_bins) / n for values in (x, window.value)
        )
    centres = (np.arange(n_bins) + 0.5) * width - half
    mean_x, mean_y = np.where(n > 0, mean_x, centres), np.where(n > 0, mean_y, 0.0)
    covered = ((n > 0).mean(axis=1) >= _COVERED) & (n.sum(axis=1) >= 30)
    counted["covered"] += int((~covered).sum())
    if not covered.any():
        return RingSightings.none(), 0
    renumber = np.cumsum(covered) - 1
    keep = covered[index]
    pixels = _Pixels(x[keep], window.value[keep], renumber[index[keep]], window.azimuth[keep])
    profiles = _Profiles(mean_x[covered], mean_y[covered], n[covered])
    fit = _fit(profiles, pixels, half)
    good = _accepted(fit, profiles, half, width, settings, pixels, counted)
    slow, fast = window.slow[keep], window.fast[keep]
    return _ridges(fit, np.flatnonzero(good), pixels, (slow, fast), scale[covered], angle, ring), int(covered.sum())


class _Pixels(NamedTuple):
    """Pixels of the covered sectors of a ring; `sector` counts these."""

    x: FloatArray
    value: FloatArray
    sector: IntArray
    azimuth: FloatArray


class _Profiles(NamedTuple):
    """Radial profiles, one row per sector: mean x and value of the pixels of each bin, and their number."""

    x: FloatArray
    y: FloatArray
    n: FloatArray


class _Fit(NamedTuple):
    """What the fits found, one element per sector."""

    gaussians: Gaussians
    centre_error: FloatArray
    height_error: FloatArray
    noise: FloatArray  # v0
    excess_noise: FloatArray  # v1
    spots: FloatArray  # how many equal pixels would scatter like this; infinite where counting explains it


def _fit(profiles: _Profiles, pixels: _Pixels, half: float) -> _Fit:
    """Return the second fit, weighted with the noise that the pixels show about the first one."""
    x, y, n = profiles
    guess = guessed_gaussians(x, y, n, smallest=_SMALLEST_WIDTH)
    first, _, _ = fitted_gaussians(x, y, n, guess, smallest=_SMALLEST_WIDTH)
    noise, excess_noise, spots = _noise(first, pixels)
    variance = noise[:, None] + excess_noise[:, None] * np.maximum(gaussian_excess(x, first), 0.0)
    weights = n / variance
    second, centre_variance, squares = fitted_gaussians(x, y, weights, first, smallest=_SMALLEST_WIDTH)
    freedom = np.maximum((n > 0).sum(axis=1) - 5, 1)
    misfit = np.maximum(squares / freedom, 1.0)
    spotty = np.where(np.isfinite(spots), _SPOT, 1.0)
    on_peak = np.exp(-(((x - second.centre[:, None]) / second.width[:, None]) ** 2))
    height_error = 1 / np.sqrt(np.maximum(np.sum(weights * on_peak, axis=1), 1e-300))
    return _Fit(
        second, np.sqrt(centre_variance * misfit * spotty), height_error * np.sqrt(misfit), noise, excess_noise, spots
    )


def _noise(g: Gaussians, pixels: _Pixels) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the variance of a pixel beside the ring, how it grows with the height, and the number of spots."""
    k, count = pixels.sector, g.height.size
    excess = np.maximum(gaussian_excess(pixels.x, g, k), 0.0)
    squares = (pixels.value - (g.background[k] + g.slope[k] * pixels.x) - gaussian_excess(pixels.x, g, k)) ** 2
    peak = excess > 0.3 * np.maximum(g.height[k], 0)
    beside = excess < 0.03 * np.maximum(g.height[k], 1e-300)
    everything = np.bincount(k, squares, minlength=count) / np.maximum(np.bincount(k, minlength=count), 1)
    n_beside = np.bincount(k[beside], minlength=count)
    noise = np.bincount(k[beside], squares[beside], minlength=count) / np.maximum(n_beside, 1)
    noise = np.where(n_beside >= 10, noise, everything)
    noise = np.maximum(noise, 1e-6 * np.maximum(g.height, 0) ** 2 + 1e-300)
    n_peak = np.maximum(np.bincount(k[peak], minlength=count), 1)
    total = np.bincount(k[peak], squares[peak], minlength=count) / n_peak
    height = np.bincount(k[peak], excess[peak], minlength=count) / n_peak
    grows = np.divide(total - noise, height, out=np.zeros(count), where=height > 0)
    grows = np.maximum(grows, 0.0)
    counting = np.maximum(4.0, 4 * noise / np.maximum(np.abs(g.background), 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        spots = np.where(grows > counting, n_peak * np.maximum(g.height, 0) / grows, np.inf)
    return noise, grows, spots


def _accepted(
    fit: _Fit, profiles: _Profiles, half: float, width: float, settings: RingSettings, pixels: _Pixels,
    counted: dict[str, int],
) -> BoolArray:  # fmt: skip
    """Return which sectors have a ring worth a control point; counts the others by reason."""
    g = fit.gaussians
    good: BoolArray = np.ones(g.height.size, dtype=np.bool_)

    def refuse(reason: str, which: BoolArray) -> None:
        nonlocal good
        counted[reason] += int((good & which).sum())
        good = good & ~which

    refuse("weak", ~(g.height > settings.significance * fit.height_error) | ~np.isfinite(fit.centre_error))
    refuse("weak", fit.centre_error > 0.3 * g.width + 0.2)
    refuse("edge", np.abs(g.centre) > half - np.maximum(g.width, 1.0))
    refuse("width", (g.width < 0.25) | (g.width > 2 * half / 3))
    near = np.abs(profiles.x - g.centre[:, None]) <= np.maximum(1.5 * g.width, 1.5 * width)[:, None]
    refuse("covered", ((profiles.n == 0) & near).any(axis=1))
    refuse("spotty", fit.spots < _FEWEST_SPOTS)
    if settings.saturation is not None:
        on_ring = np.abs(pixels.x - g.centre[pixels.sector]) < 2.5 * g.width[pixels.sector]
        full = np.bincount(pixels.sector[on_ring & (pixels.value >= settings.saturation)], minlength=good.size)
        refuse("saturated", full > 0)
    return good


def _ridges(
    fit: _Fit, rows: IntArray, pixels: _Pixels, place: tuple[IntArray, IntArray], scale: FloatArray, angle: float,
    ring: int,
) -> RingSightings:  # fmt: skip
    """Return the ridges of some sectors, at the mean azimuth of the pixels on the ring."""
    g, count = fit.gaussians, fit.gaussians.height.size
    distance = np.abs(pixels.x - g.centre[pixels.sector])
    close = distance <= np.maximum(1.5 * g.width[pixels.sector], 1.0)
    azimuth = _means(pixels.azimuth[close], pixels.sector[close], count)
    # the pixel nearest to ring and middle
    miss = distance + np.abs(pixels.azimuth - azimuth[pixels.sector]) * np.sin(angle) / scale[pixels.sector]
    least = np.full(count, np.inf)
    np.minimum.at(least, pixels.sector, miss)
    nearest = np.flatnonzero(miss == least[pixels.sector])[::-1]
    first = np.empty(count, dtype=np.int64)
    first[pixels.sector[nearest]] = nearest  # of several the first in the image, which is written last
    slow, fast = (index[first].astype(np.float64) for index in place)
    arrays = (
        angle + g.centre * scale, azimuth, slow, fast, fit.centre_error * scale, np.abs(g.width) * scale, g.height,
    )  # fmt: skip
    return RingSightings(np.full(rows.size, ring, dtype=np.int64), *(array[rows] for array in arrays))


def placed(ridges: RingSightings, instrument: Instrument, tally: dict[str, int]) -> tuple[ControlPoints, FloatArray]:
    """Return the control points of ridges, and their full widths in pixels."""
    angle = ridges.angle - ridges.width**2 * _fall(instrument, ridges.angle, ridges.azimuth)
    slow, fast, pixel, ok = located(instrument, angle, ridges.azimuth, ridges.slow, ridges.fast)
    tally["place"] += int((~ok).sum())
    points = ControlPoints(slow[ok], fast[ok], ridges.ring[ok], (ridges.error / pixel)[ok], ridges.height[ok])
    return points, (FWHM * ridges.width / pixel)[ok]


def _fall(instrument: Instrument, angle: FloatArray, azimuth: FloatArray) -> FloatArray:
    """Return the logarithmic derivative of solid angle and polarisation along two theta (module docstring)."""
    sine, cosine = np.sin(angle), np.cos(angle)
    unpolarised = -2 * sine * cosine / (1 + cosine**2)
    if not instrument.detector.is_flat:
        return np.asarray(unpolarised)
    normal = instrument.pose.rotation[:, 2]
    across = normal[0] * np.sin(azimuth) + normal[1] * np.cos(azimuth)
    incidence = np.maximum(np.abs(across * sine + normal[2] * cosine), 0.05)
    return np.asarray(unpolarised + 3 * (across * cosine - normal[2] * sine) / incidence)


def _means(values: FloatArray, index: IntArray, n: int) -> FloatArray:
    return np.asarray(np.bincount(index, values, minlength=n) / np.maximum(np.bincount(index, minlength=n), 1))
