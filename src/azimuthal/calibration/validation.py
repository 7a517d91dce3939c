# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""What a calibration looks like, as arrays: for pictures, for programs, and for a second opinion.

====================  ==================================================================================================
`residual_map`        residuals of the control points in cells of the image: a module out of place, a distortion
`rose`                residuals by azimuth, per ring and over all: a wrong centre is one period, a wrong tilt two
`ring_deviations`     mean residual of each ring: a wrong distance or wavelength grows with the ring
`cake`, `ridges`      the integrated image, in which every ring is straight, and how straight
`ring_lines`          the predicted rings over the image
`pattern`, `rings`    the integrated pattern, and where it should have maxima
====================  ==================================================================================================

A residual is found minus expected two theta, in pixels.  Means are weighted with
:math:`1 / (\sigma_i^2 + \tau^2)`, the weights of the refinement (:mod:`azimuthal.calibration.refinement`), and their
standard errors are those of these weights: points of one ring that are off together are not told apart by them.
Outliers are left out of means, and counted.

Nothing here decides anything: the verdict is made before, and elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from azimuthal.calibration.calibration import Calibration, Observed
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.positions import Cells, radians_per_pixel
from azimuthal.calibration.refinement import UNKNOWN_UNCERTAINTY, RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.calibration.ring_lines import RingLine, ring_lines
from azimuthal.calibration.ring_ridges import RingRidge, ring_ridges
from azimuthal.calibration.verdict import RingDeviation
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.results import Cake, Profile
from azimuthal.typing import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["ResidualMap", "RingPlace", "RingState", "Rose", "Validation", "validated"]

RingState: TypeAlias = Literal["used", "not seen", "crowded", "not looked for"]

_CELLS = 24  # along the longer side of the image
_SECTORS = 24
_FEWEST_ROWS, _MOST_ROWS = 36, 180  # of a cake, over the azimuths that the detector sees
_ROWS_PER_POINT = 1.0
_EMPTY_ARC = 20.0  # degrees without pixels that are left out of the cake
_MOST_COLUMNS = 10_000
_COLUMN = 0.4  # pixels
_COARSER = 4  # the number of columns is a multiple of it, for rebinning
_SAMPLES = 60  # of rows and of columns
_USUAL_FWHM = 4.0  # pixels, where there are no points to tell


@dataclass(frozen=True, slots=True, eq=False)
class ResidualMap:
    """Residuals in cells of the image.

    Attributes
    ----------
    slow_edges, fast_edges:
        Of the cells, pixels; the first pixel's centre is at 0.
    mean, error:
        Mean residual and its standard error, pixels, shape (n_slow, n_fast); NaN where there is no point.
    n_points, n_outliers:
        Points in use and left out, same shape.
    """

    slow_edges: FloatArray
    fast_edges: FloatArray
    mean: FloatArray
    error: FloatArray
    n_points: IntArray
    n_outliers: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Rose:
    """Residuals by azimuth.

    Attributes
    ----------
    edges:
        Of the sectors, chi in degrees: from -180 to 180, or over the arc that the detector sees.
    mean, error:
        Over all rings, pixels, shape (n_sectors,); NaN where there is no point.
    n_points:
        Same shape.
    rings:
        Numbers of the rings with points in use.
    ring_mean, ring_error:
        Of each ring, shape (n_rings, n_sectors).
    """

    edges: FloatArray
    mean: FloatArray
    error: FloatArray
    n_points: IntArray
    rings: tuple[int, ...]
    ring_mean: FloatArray
    ring_error: FloatArray


@dataclass(frozen=True, slots=True)
class RingPlace:
    """A ring that crosses the image: number, d-spacing (m), two theta (rad), what became of it, and its name.

    `state` is "used", "not seen" (looked for, without points in use), "crowded" (too near to its neighbours), or "not
    looked for" (off the usable pixels, or beyond the number of rings that was asked for).
    """

    ring: int
    d_spacing: float
    two_theta: float
    state: RingState
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What a calibration looks like; see the module docstring.

    Attributes
    ----------
    instrument:
        The refined geometry; that of the start when nothing could be refined; of no meaning when there was no start
        either (`is_placed` is False), and with it cake and pattern.
    residual_map, rose:
        Residuals of the control points over the image and by azimuth; without points when nothing could be refined.
    ring_deviations:
        Mean residual of each ring.
    cake:
        Over 2th_rad and chi_rad; columns of about 0.4 pixel, a multiple of four of them: pictures are better of
        ``cake.rebinned(radial_every=4)``.
    ridges:
        Where each ring is in the rows of the cake.
    pattern:
        Over 2th_rad.
    rings:
        The rings that cross the image, by increasing two theta.
    ring_lines:
        Their lines over the image.
    """

    instrument: Instrument
    residual_map: ResidualMap
    rose: Rose
    ring_deviations: tuple[RingDeviation, ...]
    cake: Cake
    ridges: tuple[RingRidge, ...]
    pattern: Profile
    rings: tuple[RingPlace, ...]
    ring_lines: tuple[RingLine, ...]

    @property
    def is_placed(self) -> bool:
        """Whether there is a geometry to look at: not when nothing was found from scratch."""
        return bool(self.rings)

    @property
    def waviness(self) -> float:
        """Median over rings of how far they are from straight in the cake, pixels; NaN without rings."""
        found = [ridge.waviness for ridge in self.ridges if np.isfinite(ridge.waviness)]
        return float(np.median(found)) if found else float("nan")


def validated(calibration: Calibration, seen: Observed) -> Validation:
    """Return what a calibration, of any verdict, looks like on an image."""
    frame, usable = seen.image, seen.usable
    instrument = calibration.start if calibration.refinement is None else calibration.instrument
    spacings = np.asarray(seen.calibrant.d_spacings(), dtype=np.float64)
    angles = ring_angles(spacings, instrument.beam.required_wavelength("rings"))[0]
    lines = ring_lines(instrument, angles) if _is_placed(calibration) else ()
    used = _used(calibration)
    arc, columns = _extent(instrument)
    cake = _cake(frame, instrument, usable, arc, columns, calibration.control_points.select(used))
    fwhm = calibration.ring_points.fwhm
    width = float(np.median(fwhm)) if fwhm.size else _USUAL_FWHM
    weights, residuals = _weights(calibration), _residuals(calibration)
    return Validation(
        instrument,
        _residual_map(calibration, residuals, weights, used),
        _rose(calibration, instrument, arc, residuals, weights, used),
        calibration.ring_deviations,
        cake,
        ring_ridges(cake, instrument, angles, lines, width),
        cake.radial_profile(),
        _places(calibration, seen.calibrant, angles, lines, used),
        lines,
    )


def _is_placed(calibration: Calibration) -> bool:
    """Whether rings were predicted anywhere; a search that found nothing starts nowhere."""
    points = calibration.ring_points
    return calibration.refinement is not None or bool(points.predicted or points.crowded)


def _used(calibration: Calibration) -> BoolArray:
    refinement = calibration.refinement
    return np.zeros(len(calibration.control_points), dtype=np.bool_) if refinement is None else refinement.used


def _residuals(calibration: Calibration) -> FloatArray:
    refinement = calibration.refinement
    return np.full(len(calibration.control_points), np.nan) if refinement is None else refinement.residuals


def _weights(calibration: Calibration) -> FloatArray:
    sigma = calibration.control_points.uncertainty
    scatter = 0.0 if calibration.refinement is None else calibration.refinement.scatter
    return np.asarray(1 / (np.where(np.isfinite(sigma), sigma, UNKNOWN_UNCERTAINTY) ** 2 + scatter**2))


def _cake(
    frame: AnyArray, instrument: Instrument, usable: BoolArray, arc: tuple[float, float] | None, columns: int,
    points: ControlPoints,
) -> Cake:  # fmt: skip
    """Return the cake, without splitting: bins do not share pixels.

    About as many rows as there are points on a ring: weak rings need long arcs to be seen.
    """
    per_ring = np.median(np.unique(points.ring, return_counts=True)[1]) if len(points) else _FEWEST_ROWS
    rows = int(np.clip(_ROWS_PER_POINT * per_ring, _FEWEST_ROWS, _MOST_ROWS))
    integrator = Integrator.from_instrument(instrument)
    return integrator.integrate2d(
        frame, columns, rows, unit=("2th_rad", "chi_rad"), azimuth_range=arc, mask=~usable, split="none",
        detector_mask=False,
    )  # fmt: skip


def _extent(instrument: Instrument) -> tuple[tuple[float, float] | None, int]:
    """Return the azimuths that a detector sees, and how many columns of about 0.4 pixel its two theta needs."""
    n_slow, n_fast = instrument.detector.shape
    grid = np.meshgrid(np.linspace(0, n_slow - 1, _SAMPLES), np.linspace(0, n_fast - 1, _SAMPLES))
    slow, fast = (axis.ravel() for axis in grid)
    angle, azimuth = Cells(instrument, slow, fast).angles(slow, fast)
    pixel = float(np.nanmedian(radians_per_pixel(instrument, slow, fast)))
    columns = np.clip(np.ptp(angle[np.isfinite(angle)]) / (_COLUMN * pixel), 50, _MOST_COLUMNS)
    return _arc(azimuth), _COARSER * int(columns // _COARSER)


def _arc(azimuth: FloatArray) -> tuple[float, float] | None:
    """Return the azimuths that a detector sees, rad; None: (nearly) all."""
    found = np.sort(azimuth[np.isfinite(azimuth)])
    gaps = np.diff(found, append=found[0] + 2 * np.pi)
    widest = int(np.argmax(gaps))
    if gaps[widest] < np.radians(_EMPTY_ARC):
        return None
    margin = 0.02 * (2 * np.pi - float(gaps[widest]))
    start = float(found[(widest + 1) % found.size]) - margin
    stop = start + 2 * np.pi - float(gaps[widest]) + 2 * margin
    return (start, stop) if stop - start < 2 * np.pi - 1e-9 else None


def _residual_map(calibration: Calibration, residuals: FloatArray, weights: FloatArray, used: BoolArray) -> ResidualMap:
    points, shape = calibration.control_points, calibration.start.detector.shape
    size = max(shape) / _CELLS
    counts = [max(int(np.ceil(n / size)), 1) for n in shape]
    edges = [np.linspace(-0.5, n - 0.5, count + 1) for n, count in zip(shape, counts, strict=True)]
    cells = [
        np.clip(np.searchsorted(edge, place, side="right") - 1, 0, count - 1)
        for edge, place, count in zip(edges, (points.slow, points.fast), counts, strict=True)
    ]
    index = cells[0] * counts[1] + cells[1]
    n_cells = counts[0] * counts[1]
    mean, error, n = _means(index[used], residuals[used], weights[used], n_cells)
    outliers = np.bincount(index[~used & np.isfinite(residuals)], minlength=n_cells)
    grid = (counts[0], counts[1])
    return ResidualMap(
        edges[0], edges[1], mean.reshape(grid), error.reshape(grid), n.reshape(grid), outliers.reshape(grid)
    )


def _rose(
    calibration: Calibration, instrument: Instrument, arc: tuple[float, float] | None, residuals: FloatArray,
    weights: FloatArray, used: BoolArray,
) -> Rose:  # fmt: skip
    points = calibration.control_points.select(used)
    azimuth = Cells(instrument, points.slow, points.fast).angles(points.slow, points.fast)[1]
    start, stop = arc or (-np.pi, np.pi)
    inside = (azimuth - start) % (2 * np.pi) / (stop - start)
    sector: IntArray = np.clip((inside * _SECTORS).astype(np.int64), 0, _SECTORS - 1)
    mean, error, n = _means(sector, residuals[used], weights[used], _SECTORS)
    rings, row = np.unique(points.ring, return_inverse=True)
    n_cells = rings.size * _SECTORS
    ring_mean, ring_error, _ = _means(row * _SECTORS + sector, residuals[used], weights[used], n_cells)
    shape = (rings.size, _SECTORS)
    edges = np.degrees(np.linspace(start, stop, _SECTORS + 1))
    return Rose(edges, mean, error, n, tuple(rings.tolist()), ring_mean.reshape(shape), ring_error.reshape(shape))


def _means(index: IntArray, values: FloatArray, weights: FloatArray, n: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return weighted means, their standard errors and counts; NaN where there is nothing."""
    total = np.bincount(index, weights, minlength=n)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(index, weights * values, minlength=n) / total
        error = np.where(total > 0, total, np.nan) ** -0.5
    return mean, error, np.bincount(index, minlength=n)


def _places(
    calibration: Calibration, calibrant: RingSource, angles: FloatArray, lines: tuple[RingLine, ...], used: BoolArray
) -> tuple[RingPlace, ...]:
    spacings = np.asarray(calibrant.d_spacings(), dtype=np.float64)
    labels = tuple(getattr(calibrant, "labels", ()))  # what has no names need not give any
    seen = set(calibration.control_points.ring[used].tolist())
    looked_for, crowded = set(calibration.ring_points.predicted), set(calibration.ring_points.crowded)

    def place(ring: int) -> RingPlace:
        state: RingState = "crowded" if ring in crowded else "not looked for"
        state = "used" if ring in seen else "not seen" if ring in looked_for else state
        label = str(labels[ring]) if len(labels) == spacings.size else ""
        return RingPlace(ring, float(spacings[ring]), float(angles[ring]), state, label)

    return tuple(place(ring) for ring in sorted({line.ring for line in lines} | seen))
