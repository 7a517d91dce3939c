# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Images of calibrants as a detector would see them, with the truth beside them.

The expectation of a pixel is

.. math:: E = \Omega P \bigl(b(2\theta) + \sum_k h_k m_k(\chi)\, f_k(2\theta - 2\theta_k)\bigr)

averaged over the pixel, and its value is drawn from Poisson's law.

Rings
    :math:`2\theta_k = 2 \arcsin(\lambda / 2 d_k)`.  The profile f has height 1 and is a Gaussian, or a sum of a
    Gaussian and a Lorentzian of the same width; its full width at half maximum is
    :math:`\sqrt{w^2 + (2 \epsilon \tan\theta)^2}`: a physical width of the beam and the sample, and strain.
Heights
    "multiplicity": :math:`h_k \propto m_k \exp(-B / 2 d_k^2) / (\sin\theta \sin 2\theta)`, or "random": between 1/20
    and 1 by chance.  The highest ring on the detector has `counts`.
Grains
    With a finite number of grains per ring, every ring is the sum of as many spots at random azimuths, a few pixels
    long, of exponentially distributed brightness.  Rings that overlap have the same spots.
Pixels
    The mean over a pixel is that of four points (Gauss-Legendre in both directions) on the tangent plane of two theta:
    good for rings wider than 0.8 pixel, and for radii of more than 5 pixels to 0.01 pixel.  :math:`\Omega` is the solid
    angle relative to normal incidence, P the polarisation.
Faults
    Gaps, a mask (beam stop with its arm, a rectangle, single pixels), and hot and dead pixels that no mask tells.

All of it follows from a seed.  4 megapixels take about a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from azimuthal._validate import finite_number, one_of, positive_number
from azimuthal.calibration.residuals import ring_angles, two_theta_and_jacobian
from azimuthal.calibration.ring_points import pixel_angles
from azimuthal.crystallography import Calibrant
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.instrument import Instrument
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray

__all__ = [
    "CalibrantImage",
    "CalibrantLook",
    "RingTruth",
    "calibrant_image",
    "largest_difference",
    "ring_truths",
    "smallest_covariance",
]

_ROWS = 128
_GAUSS = 0.5 / np.sqrt(3.0)
_FINE = 100.0  # steps of the table per pixel, or width
_LONGEST_TABLE = 4_000_000
_REACH = {False: 4.0, True: 60.0}  # widths that a profile is followed: Gaussian, with a Lorentzian
_LOWEST, _LEAST_RANDOM = 1e-4, 0.05
_SAMPLED = 200  # rows and columns that stand for the detector


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrantLook:
    """What a simulated image looks like.

    Parameters
    ----------
    fwhm:
        Full width of the rings at half maximum, rad.
    counts:
        Expected counts of the highest ring, in a pixel at normal incidence.
    strain:
        Width of the rings in d-spacing, relative.
    lorentz:
        Share of the Lorentzian in the profile, 0 to 1.
    heights:
        "multiplicity" or "random".
    debye_waller:
        B, m^2.
    background:
        Counts per pixel at the smallest angle of the image.
    background_end:
        Share of it that is left at the largest angle; it falls exponentially.
    slope:
        Relative change of the background from the first row to the last one: what is not round about the beam.
    grains:
        Mean number of grains in a full ring; None: infinitely many.
    spot:
        Length of the spot of a grain (standard deviation), pixels.
    lit:
        (from, extent) in chi, rad: the part of the rings that exists; None: all.
    polarization_factor:
        Of the beam.
    masked:
        Share of the pixels that a mask excludes at random.
    beam_stop:
        Radius of a masked disc about the beam with an arm to the edge, pixels; 0: none.
    rectangle:
        Whether a rectangle (a fifth of the image in both directions) is masked.
    hot, dead:
        Shares of pixels that are too high, or zero, and not masked.
    gain:
        Image units per photon; other than 1, the image is float32.
    """

    fwhm: float
    counts: float = 1000.0
    strain: float = 0.0
    lorentz: float = 0.0
    heights: Literal["multiplicity", "random"] = "multiplicity"
    debye_waller: float = 1e-20
    background: float = 10.0
    background_end: float = 0.3
    slope: float = 0.0
    grains: float | None = None
    spot: float = 1.5
    lit: tuple[float, float] | None = None
    polarization_factor: float = 0.99
    masked: float = 0.0
    beam_stop: float = 0.0
    rectangle: bool = False
    hot: float = 0.0
    dead: float = 0.0
    gain: float = 1.0

    def __post_init__(self) -> None:
        for name in ("fwhm", "counts", "background_end", "spot", "gain"):
            positive_number(name, getattr(self, name))
        for name in ("strain", "lorentz", "debye_waller", "background", "masked", "beam_stop", "hot", "dead"):
            if finite_number(name, getattr(self, name)) < 0:
                raise ParameterError(f"{name}: expected a number of at least 0, got {getattr(self, name)}.")
        one_of("heights", self.heights, ("multiplicity", "random"))


@dataclass(frozen=True, slots=True)
class RingTruth:
    """One ring of the image.

    Parameters
    ----------
    ring:
        Its number in the calibrant.
    two_theta, fwhm:
        rad.
    height:
        Expected counts above the background, at normal incidence.
    arc:
        Pixels along it that are usable.
    significance:
        Height of the ring over its error, were its pixels added up all along it.
    """

    ring: int
    two_theta: float
    fwhm: float
    height: float
    arc: float
    significance: float


@dataclass(frozen=True, slots=True, eq=False)
class CalibrantImage:
    """An image with the truth.

    Attributes
    ----------
    image:
        Raw values; uint32, or float32 where the gain is not 1.  Gaps hold the highest value, or NaN.
    mask:
        What a user would know to be bad: True = excluded.
    expected:
        Counts that were expected, float32.
    instrument, calibrant, look, seed:
        What it was made from.
    rings:
        The rings on the detector.
    information:
        What these counts tell of dist, poni1, poni2, rot1, rot2 and the wavelength (Fisher's matrix), shape (6, 6), m
        and rad: see :func:`smallest_covariance`.
    """

    image: AnyArray
    mask: BoolArray
    expected: AnyArray
    instrument: Instrument
    calibrant: Calibrant
    look: CalibrantLook
    seed: int
    rings: tuple[RingTruth, ...]
    information: FloatArray

    @property
    def bound(self) -> FloatArray:
        """Smallest covariance of dist, poni1, poni2, rot1 and rot2."""
        return smallest_covariance(self.information[:5, :5])


def calibrant_image(instrument: Instrument, calibrant: Calibrant, look: CalibrantLook, *, seed: int) -> CalibrantImage:
    """Return a simulated image.

    Parameters
    ----------
    instrument:
        Any detector, pose and wavelength; without parallax.
    calibrant:
        Its rings.
    look:
        What it looks like.
    seed:
        Of the random numbers.

    Raises
    ------
    WavelengthMissingError
        The instrument has no wavelength.
    UnsupportedOptionError
        The instrument has a parallax.
    ParameterError
        No ring falls on the detector.
    """
    if instrument.parallax is not None:
        raise UnsupportedOptionError(
            "instrument: simulated images have no parallax. Use instrument.replace(parallax=None)."
        )
    streams = np.random.SeedSequence(seed).spawn(4)
    pattern = _pattern(instrument, calibrant, look, np.random.default_rng(streams[0]))
    mask = _mask(instrument, look, np.random.default_rng(streams[1]))
    expected = np.empty(instrument.detector.shape, dtype=np.float32)
    blocks = list(_blocks(instrument))
    for rows, pixels in zip(blocks, (_pixels(instrument, rows) for rows in blocks), strict=True):
        expected[rows] = pattern.mean(pixels, look, rows, instrument.detector.shape[0])
    counts = _counted(expected, streams[2].spawn(len(blocks)), blocks)
    _break_pixels(counts, look, np.random.default_rng(streams[3]))
    image = _as_read(counts, instrument, look)
    usable = ~(mask | instrument.detector.gap_mask())
    rings, information = _truths(instrument, pattern, look, usable, expected)
    return CalibrantImage(image, mask, expected, instrument, calibrant, look, seed, rings, information)


def ring_truths(
    instrument: Instrument, calibrant: Calibrant, look: CalibrantLook, *, seed: int
) -> tuple[tuple[RingTruth, ...], FloatArray]:
    """Return rings and information of :func:`calibrant_image`, as if there were no grains, quickly.

    Raises
    ------
    ParameterError
        No ring falls on the detector.
    """
    streams = np.random.SeedSequence(seed).spawn(4)
    pattern = _pattern(instrument, calibrant, look, np.random.default_rng(streams[0]))
    mask = _mask(instrument, look, np.random.default_rng(streams[1]))
    return _truths(instrument, pattern, look, ~(mask | instrument.detector.gap_mask()), None)


def largest_difference(truth: Instrument, found: Instrument) -> float:
    """Return the largest difference of two theta over all pixels, in pixels: how far a ring is displaced."""
    largest = 0.0
    for rows in _blocks(truth):
        right, _, pixel = pixel_angles(truth, rows)
        angle, _, _ = pixel_angles(found, rows)
        largest = max(largest, float(np.nanmax(np.abs(angle - right) / pixel)))
    return largest


# ---- where the pixels are ------------------------------------------------------------------------------------


class _Pixels(NamedTuple):
    """Angles of some pixels, their changes per pixel, chi, and solid angle times polarisation without its factor."""

    angle: AnyArray
    slope1: AnyArray
    slope2: AnyArray
    t1: AnyArray
    t2: AnyArray
    squared: AnyArray
    cosine: AnyArray  # of incidence


def _blocks(instrument: Instrument) -> Iterator[slice]:
    n = instrument.detector.shape[0]
    return (slice(start, min(start + _ROWS, n)) for start in range(0, n, _ROWS))


def _pixels(instrument: Instrument, rows: slice, columns: slice | IntArray = slice(None)) -> _Pixels:
    """Return the pixels of some rows."""
    detector, pose = instrument.detector, instrument.pose
    edges = detector.separable_edges()
    rotation = pose.rotation
    if edges is None or not detector.is_flat:
        return _pixels_anywhere(instrument, rows, columns)
    d1, size1 = 0.5 * (edges.lower1 + edges.upper1)[rows], (edges.upper1 - edges.lower1)[rows]
    d2, size2 = 0.5 * (edges.lower2 + edges.upper2)[columns], (edges.upper2 - edges.lower2)[columns]
    along1 = np.outer(d1 - pose.poni1, rotation[:, 0]) + pose.dist * rotation[:, 2]
    along2 = np.outer(d2 - pose.poni2, rotation[:, 1])
    t1, t2, t3 = (along1[:, k, None].astype(np.float32) + along2[None, :, k].astype(np.float32) for k in range(3))
    rho2 = t1 * t1 + t2 * t2
    rho = np.sqrt(np.maximum(rho2, np.float32(1e-16)))
    squared = rho2 + t3 * t3
    along = t3 / rho
    slopes = [
        (along * (t1 * np.float32(rotation[0, k]) + t2 * np.float32(rotation[1, k])) - rho * np.float32(rotation[2, k]))
        / squared * size.astype(np.float32)
        for k, size in ((0, size1[:, None]), (1, size2[None, :]))
    ]  # fmt: skip
    cosine = np.float32(pose.dist) / np.sqrt(squared)
    return _Pixels(np.arctan2(rho, t3), slopes[0], slopes[1], t1, t2, squared, cosine)


def _pixels_anywhere(instrument: Instrument, rows: slice, columns: slice | IntArray) -> _Pixels:
    """Return the pixels of some rows of a detector of any shape, from corners."""
    detector, pose = instrument.detector, instrument.pose
    if isinstance(columns, np.ndarray) or rows.step not in (None, 1):
        lines = [detector.corners(slice(i, i + 1))[:, columns] for i in range(*rows.indices(detector.shape[0]))]
        corners = np.concatenate(lines)
    else:
        corners = detector.corners(rows)[:, columns]
    if detector.n_corners == 4:
        a, b, c, d = (corners[..., k, :] for k in range(4))
        step1, step2 = 0.5 * (b + c - a - d), 0.5 * (c + d - a - b)
    else:
        step1, step2 = np.zeros_like(corners[..., 0, :]), np.zeros_like(corners[..., 0, :])
        step1[..., 0], step2[..., 1] = detector.pixel1, detector.pixel2
    t = pose.lab_from_detector(corners.mean(axis=-2))
    rho = np.maximum(np.hypot(t[..., 0], t[..., 1]), 1e-12)
    squared = rho**2 + t[..., 2] ** 2
    gradient = np.stack((t[..., 2] * t[..., 0] / rho, t[..., 2] * t[..., 1] / rho, -rho), axis=-1) / squared[..., None]
    turned = gradient @ pose.rotation
    normal = np.cross(step1, step2)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    cosine = np.abs(np.sum(normal @ pose.rotation.T * t, axis=-1)) / np.sqrt(squared)
    return _Pixels(
        np.arctan2(rho, t[..., 2]), np.sum(turned * step1, axis=-1), np.sum(turned * step2, axis=-1), t[..., 0],
        t[..., 1], squared, cosine,
    )  # fmt: skip


def _sampled(instrument: Instrument) -> tuple[slice, IntArray, float]:
    """Return rows and columns that stand for the detector, and for how many pixels each stands."""
    n1, n2 = instrument.detector.shape
    step1, step2 = max(n1 // _SAMPLED, 1), max(n2 // _SAMPLED, 1)
    columns: IntArray = np.arange(step2 // 2, n2, step2)
    return slice(step1 // 2, n1, step1), columns, float(step1 * step2)


def _outline(instrument: Instrument) -> _Pixels:
    """Return pixels all over the detector, its edges included."""
    n1, n2 = instrument.detector.shape
    columns = np.unique(np.linspace(0, n2 - 1, min(n2, 64)).astype(np.int64))
    rows = np.unique(np.linspace(0, n1 - 1, min(n1, 64)).astype(np.int64))
    parts = [_pixels(instrument, slice(i, i + 1), columns) for i in rows.tolist()]
    return _Pixels(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


# ---- the pattern ---------------------------------------------------------------------------------------------


class _Pattern:
    """Rings and background as tables over two theta."""

    def __init__(
        self, start: float, step: float, rings: FloatArray, background: FloatArray, facts: list[RingTruth],
        grains: _Grains | None,
    ) -> None:  # fmt: skip
        self.start, self.step, self.rings, self.background = start, step, rings, background
        self.slope = np.gradient(rings.astype(np.float64), step).astype(np.float32)
        self.facts, self.grains = facts, grains

    def index(self, angle: FloatArray) -> IntArray:
        """Return the places in the tables."""
        found: IntArray = ((angle - np.float32(self.start)) * np.float32(1 / self.step) + np.float32(0.5)).astype(
            np.int32
        )
        return np.clip(found, 0, self.rings.size - 1, out=found)

    def mean(self, pixels: _Pixels, look: CalibrantLook, rows: slice, n_rows: int) -> FloatArray:
        """Return the expectation of some pixels."""
        total = np.zeros(pixels.angle.shape, dtype=np.float32)
        plus, minus = (np.float32(_GAUSS) * (pixels.slope1 + sign * pixels.slope2) for sign in (1, -1))
        for offset in (plus, -plus, minus, -minus):
            total += self.rings[self.index(pixels.angle + offset)]
        total *= np.float32(0.25)
        if self.grains is not None:
            total *= self.grains.at(pixels.angle, np.arctan2(pixels.t1, pixels.t2))
        total *= _lit(pixels, look)
        share = (np.arange(*rows.indices(n_rows)) / max(n_rows - 1, 1) - 0.5) * look.slope
        total += self.background[self.index(pixels.angle)] * np.maximum(1 + share, 0.0).astype(np.float32)[:, None]
        f = np.float32(look.polarization_factor)
        seen = 1 - (np.float32(0.5) * ((1 + f) * pixels.t2**2 + (1 - f) * pixels.t1**2)) / pixels.squared
        return np.asarray(total * seen * pixels.cosine**3)


def _lit(pixels: _Pixels, look: CalibrantLook) -> BoolArray:
    """Return where rings exist."""
    if look.lit is None:
        return np.ones(pixels.angle.shape, dtype=np.bool_)
    chi = np.arctan2(pixels.t1, pixels.t2)
    return np.asarray(np.mod(chi - np.float32(look.lit[0]), np.float32(2 * np.pi)) < look.lit[1])


def _pattern(instrument: Instrument, calibrant: Calibrant, look: CalibrantLook, rng: np.random.Generator) -> _Pattern:
    """Return the pattern on the angles that the detector covers."""
    wavelength = instrument.beam.required_wavelength("an image of a calibrant")
    outline = _outline(instrument)
    pixel = np.hypot(outline.slope1, outline.slope2)
    margin = 4 * float(pixel.max()) + 0.02 * float(np.ptp(outline.angle))
    low, high = max(float(outline.angle.min()) - margin, 0.0), min(float(outline.angle.max()) + margin, np.pi)
    center = instrument.beam_center
    if center is not None and all(-2 < x < n + 2 for x, n in zip(center, instrument.detector.shape, strict=True)):
        low = 0.0
    step = max(min(float(np.percentile(pixel, 5)), look.fwhm) / _FINE, (high - low) / _LONGEST_TABLE)
    x = np.arange(low, high + step, step)
    background = look.background * look.background_end ** ((x - low) / (high - low))
    angle, number, heights = _ring_heights(calibrant, wavelength, look, (low, high), rng)
    fwhm = np.hypot(look.fwhm, 2 * look.strain * np.tan(angle / 2))
    table = _table(x, angle, fwhm, heights, look.lorentz)
    inside = (x > outline.angle.min()) & (x < outline.angle.max()) if low > 0 else x < outline.angle.max()
    scale = look.counts / max(float(table[inside].max(initial=0.0)), 1e-300)
    if not np.any(table[inside] > 0):
        raise ParameterError(f"calibrant: no ring of {calibrant.name} falls on the detector.")
    facts = [
        RingTruth(int(k), float(a), float(w), float(h * scale), 0.0, 0.0)
        for k, a, w, h in zip(number, angle, fwhm, heights, strict=True)
    ]
    radius = np.median(1 / pixel)  # pixels per rad, about
    grains = None if look.grains is None else _Grains(angle, fwhm, look, float(radius), rng)
    return _Pattern(low, step, (table * scale).astype(np.float32), background.astype(np.float32), facts, grains)


def _ring_heights(
    calibrant: Calibrant, wavelength: float, look: CalibrantLook, limits: tuple[float, float], rng: np.random.Generator
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Return two theta, number and relative height of the rings within limits."""
    rings = calibrant.rings()
    d = np.array([ring.d_spacing for ring in rings])
    angle = ring_angles(d, wavelength)[0]
    number = np.flatnonzero(np.isfinite(angle) & (angle > limits[0]) & (angle < min(limits[1], np.pi - 0.01)))
    if not number.size:
        raise ParameterError(f"calibrant: no ring of {calibrant.name} falls on the detector.")
    random = 10 ** rng.uniform(np.log10(_LEAST_RANDOM), 0, len(rings))[number]
    d, angle = d[number], angle[number]
    if look.heights == "random":
        return angle, number, random
    many = np.array([max(rings[k].multiplicity, 1) for k in number.tolist()])
    heights = many * np.exp(-look.debye_waller / (2 * d**2)) / (np.sin(angle / 2) * np.maximum(np.sin(angle), 0.05))
    heights *= np.exp(rng.normal(0, 0.5, len(rings))[number])  # of the structure
    return angle, number, np.asarray(heights / heights.max())


def _table(x: FloatArray, angle: FloatArray, fwhm: FloatArray, heights: FloatArray, lorentz: float) -> FloatArray:
    """Return the sum of all profiles at x."""
    total = np.zeros_like(x)
    reach = _REACH[lorentz > 0]
    for centre, width, height in zip(angle, fwhm, heights, strict=True):
        if height < _LOWEST * heights.max():
            continue
        first, last = np.searchsorted(x, (centre - reach * width, centre + reach * width))
        u = (x[first:last] - centre) / width
        total[first:last] += height * (1 - lorentz) * np.exp(-4 * np.log(2) * u * u)
        if lorentz > 0:
            total[first:last] += height * lorentz / (1 + 4 * u * u)
    return total


class _Grains:
    """Brightness of rings along their azimuth: sums of spots, 1 on average."""

    def __init__(
        self, angle: FloatArray, fwhm: FloatArray, look: CalibrantLook, radius: float, rng: np.random.Generator
    ) -> None:
        apart = np.flatnonzero(np.diff(angle) > 3 * np.maximum(fwhm[1:], fwhm[:-1])) + 1
        groups = np.split(np.arange(angle.size), apart)
        self.middles = np.array([0.5 * (angle[g[0] - 1] + angle[g[0]]) for g in groups[1:]], dtype=np.float32)
        tables = [_spots(float(angle[g[0]]), look, radius, rng) for g in groups]
        self.sizes = np.array([table.size for table in tables])
        self.starts = np.concatenate(([0], np.cumsum(self.sizes)[:-1]))
        self.values = np.concatenate(tables).astype(np.float32)

    def at(self, angle: AnyArray, chi: AnyArray) -> AnyArray:
        """Return the brightness at some places."""
        group = np.searchsorted(self.middles, angle)
        place = ((chi + np.float32(np.pi)) / np.float32(2 * np.pi) * self.sizes[group]).astype(np.int64)
        found: AnyArray = self.values[self.starts[group] + np.minimum(place, self.sizes[group] - 1)]
        return found


def _spots(angle: float, look: CalibrantLook, radius: float, rng: np.random.Generator) -> FloatArray:
    """Return the brightness of one ring in equal steps of azimuth."""
    assert look.grains is not None  # the caller asked
    long = look.spot / max(radius * np.sin(angle), 1.0)  # rad
    n = int(np.clip(2 * np.pi / long * 3, 64, 200_000))
    number = int(rng.poisson(look.grains))
    place = rng.uniform(0, 2 * np.pi, number)
    rows = np.bincount((place / (2 * np.pi) * n).astype(np.int64) % n, rng.exponential(1.0, number), minlength=n)
    frequency = np.fft.rfftfreq(n, d=2 * np.pi / n) * 2 * np.pi
    smooth = np.fft.irfft(np.fft.rfft(rows) * np.exp(-0.5 * (frequency * long) ** 2), n)
    return np.asarray(np.maximum(smooth, 0.0) * n / look.grains)


# ---- counts and faults ---------------------------------------------------------------------------------------


def _counted(expected: AnyArray, streams: list[np.random.SeedSequence], blocks: list[slice]) -> AnyArray:
    counts = np.empty(expected.shape, dtype=np.uint32)
    for rows, stream in zip(blocks, streams, strict=True):
        counts[rows] = np.random.Generator(np.random.SFC64(stream)).poisson(expected[rows])
    return counts


def _break_pixels(counts: AnyArray, look: CalibrantLook, rng: np.random.Generator) -> None:
    """Make some pixels hot and some dead."""
    flat, size = counts.reshape(-1), counts.size
    hot = rng.integers(0, size, round(look.hot * size))
    flat[hot] += (look.counts * 10 ** rng.uniform(0, 2, hot.size) + 1000).astype(np.uint32)
    flat[rng.integers(0, size, round(look.dead * size))] = 0


def _as_read(counts: AnyArray, instrument: Instrument, look: CalibrantLook) -> AnyArray:
    """Return what the file would hold."""
    gaps = instrument.detector.gap_mask()
    if look.gain != 1:
        image = counts.astype(np.float32) * np.float32(look.gain)
        image[gaps] = np.nan
        return image
    counts[gaps] = np.iinfo(counts.dtype).max
    return counts


def _mask(instrument: Instrument, look: CalibrantLook, rng: np.random.Generator) -> BoolArray:
    """Return the mask that a user would have."""
    shape = instrument.detector.shape
    mask = np.zeros(shape, dtype=np.bool_)
    flat = mask.reshape(-1)
    flat[rng.integers(0, flat.size, round(look.masked * flat.size))] = True
    if look.rectangle:
        n1, n2 = shape[0] // 5, shape[1] // 5
        i, j = int(rng.integers(0, shape[0] - n1 + 1)), int(rng.integers(0, shape[1] - n2 + 1))
        mask[i : i + n1, j : j + n2] = True
    center = instrument.beam_center
    if look.beam_stop > 0 and center is not None:
        down, across = np.arange(shape[0])[:, None] + 0.5 - center.slow, np.arange(shape[1])[None] + 0.5 - center.fast
        mask |= np.hypot(down, across) < look.beam_stop
        mask |= (down > 0) & (np.abs(across) < 0.3 * look.beam_stop)
    return mask


# ---- the truth -----------------------------------------------------------------------------------------------


def _truths(
    instrument: Instrument, pattern: _Pattern, look: CalibrantLook, usable: BoolArray, expected: AnyArray | None
) -> tuple[tuple[RingTruth, ...], FloatArray]:
    """Return what a sample of the pixels says about the rings, and the information."""
    rows, columns, stands = _sampled(instrument)
    pixels = _pixels(instrument, rows, columns)
    here = (usable[rows][:, columns] & _lit(pixels, look)).ravel()
    angle, pixel = (a.ravel()[here] for a in (pixels.angle, np.hypot(pixels.slope1, pixels.slope2)))
    index = pattern.index(angle)
    if expected is not None:
        mean = np.maximum(expected[rows][:, columns].ravel()[here], 1e-6)
        seen = mean / np.maximum(pattern.rings[index] + pattern.background[index], 1e-12)
    else:
        seen = (pixels.cosine**3).ravel()[here]
        mean = np.maximum(seen * (pattern.rings[index] + pattern.background[index]), 1e-6)
    rings = tuple(_fact(fact, pattern, angle, pixel, seen, stands) for fact in pattern.facts)
    positions = _sample_positions(instrument, rows, columns)[here]
    _, jacobian = two_theta_and_jacobian(positions, instrument.pose)
    weight = stands * (pattern.slope[index] * seen) ** 2 / mean
    moved = -2 * np.tan(angle / 2) / instrument.beam.required_wavelength("an image of a calibrant")
    jacobian = np.column_stack((jacobian[:, :5], moved))
    return tuple(ring for ring in rings if ring.arc > 0), np.asarray((jacobian * weight[:, None]).T @ jacobian)


def _sample_positions(instrument: Instrument, rows: slice, columns: IntArray) -> FloatArray:
    lines = [
        instrument.detector.centers(slice(i, i + 1))[0, columns]
        for i in range(*rows.indices(instrument.detector.shape[0]))
    ]
    return np.concatenate(lines)


def _fact(
    fact: RingTruth, pattern: _Pattern, angle: FloatArray, pixel: FloatArray, seen: FloatArray, stands: float
) -> RingTruth:
    """Return a ring with the length of its arc and its significance."""
    half = 2.0 if stands > 1 else 0.5  # pixels to each side that are counted
    near = np.abs(angle - fact.two_theta) < half * pixel
    if not near.any():
        return fact
    arc = stands * float(near.sum()) / (2 * half)
    below = float(pattern.background[pattern.index(np.array([fact.two_theta], dtype=np.float32))[0]])
    bright, wide = float(seen[near].mean()), fact.fwhm / float(pixel[near].mean())
    height = fact.height * bright
    significance = height * np.sqrt(arc * max(wide, 1.0)) / np.sqrt(max(height + 2 * below * bright, 1e-12))
    return RingTruth(fact.ring, fact.two_theta, fact.fwhm, fact.height, arc, float(significance))


def smallest_covariance(information: FloatArray) -> FloatArray:
    """Return the inverse of an information, which no unbiased estimate beats (Cramér-Rao); infinite without one."""
    scale = np.sqrt(np.diag(information))
    if not (scale > 0).all():
        return np.full(information.shape, np.inf)
    scaled = information / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled).min() < 1e-13:
        return np.full(information.shape, np.inf)
    return np.asarray(np.linalg.inv(scaled) / np.outer(scale, scale))
