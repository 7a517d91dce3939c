# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From a rough geometry to a good one: extract points, refine, extract again, until nothing moves.

The first pass looks `search` pixels around every predicted ring and takes only rings that are twice as far from each
other, as far as there are three of them; each pass after it narrows the window to three widths of the rings (or four
times the spread of the residuals) and admits rings that are nearer to each other: four widths, or 2.5 and 1.8 where
there are fewer than five rings.  It ends when a pass moves the points by less than 0.02 pixel, or half of the largest
standard error of two theta; after ten passes at most.  Where two theta is too uncertain to be good then, rings that
are nearer to each other are asked as well, and after them those that overlap
(:mod:`azimuthal.calibration.crowded_rings`).

Where that is not good, and not only too uncertain, everything is tried once more with a first search 2.5 times as
wide, and the better of the two results is returned.

The opposite tilt is tried at the end (:mod:`azimuthal.calibration.opposite_tilt`), and kept where it is better.

A ring whose points spread over its window like noise is taken as not seen.  Rings beside a ring that the calibrant does
not have are left out at the end, where six others remain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from azimuthal._validate import positive_number
from azimuthal.calibration._least_squares import Loss
from azimuthal.calibration.calibration import Calibration, Observed
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.crowded_rings import points_on_crowded_rings
from azimuthal.calibration.opposite_tilt import opposite_refinement, possible_difference
from azimuthal.calibration.other_wavelength import preferred_wavelength
from azimuthal.calibration.point_fit import read_only
from azimuthal.calibration.positions import Cells, radians_per_pixel
from azimuthal.calibration.radial_uncertainty import pixel_uncertainty
from azimuthal.calibration.refinement import DEFAULT_FIX, Refinement, RingSource, refine
from azimuthal.calibration.residuals import PARAMETERS, ring_angles
from azimuthal.calibration.ring_points import Apart, RingPoints, RingSettings, points_on_rings, usable_pixels
from azimuthal.calibration.systematic_error import COMMON_SHARE, systematic_covariance
from azimuthal.calibration.unexplained_rings import foreign_rings, is_mixture, typical_pixel
from azimuthal.calibration.verdict import ACCURACY, ERROR_SHARE, Evidence, Judgement, judged
from azimuthal.instrument import Instrument
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = ["recalibrated"]

_MOST_PASSES = 10
_STILL = 0.02  # pixels
_STILL_ERRORS = 0.5  # of the largest standard error of two theta
_FEWEST_RINGS = 3
_APART, _ENOUGH_RINGS = (4.0, 2.5, 1.8), 5  # widths between neighbours
_MUCH_BETTER = 0.85  # of the error
_WRONG = 0.5  # pixels of scatter: another geometry, not a matter of more rings
_OVERLAPPING_PASSES = 3
_MOST_MISFIT = 3.0  # chi-square of overlapping rings
_MORE_SHIFT = 2.0  # of rings that overlap
_WIDENING = (1.0, 2.5)
_RANKS = ("good", "doubtful", "failed")
_FEWEST_LEFT = 6  # rings, when those beside foreign ones are left out
_NOISE = 0.45  # of the half window: the spread of points all over it is 0.74


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same from pass to pass."""

    image: AnyArray
    usable: BoolArray
    calibrant: RingSource
    settings: RingSettings
    fix: tuple[str, ...]
    bounds: Mapping[str, tuple[float, float]] | None
    loss: Loss
    outliers: float | None
    accuracy: float

    @property
    def n_free(self) -> int:
        return len(PARAMETERS) - len(self.fix)

    def points(self, instrument: Instrument, settings: RingSettings, apart: Apart | None = None) -> RingPoints:
        return points_on_rings(
            self.image, instrument, self.calibrant, settings=settings, usable=self.usable, apart=apart
        )  # fmt: skip

    def points_apart(
        self, instrument: Instrument, search: float, width: tuple[float, float], widths: float
    ) -> RingPoints:
        """Return the points of rings that are several widths (pixels, rad) from each other."""
        apart = Apart(*(widths * one for one in width))
        return self.points(instrument, replace(self.settings, search=search), apart)

    def refined(self, points: ControlPoints, instrument: Instrument) -> Refinement:
        return refine(
            points, instrument, self.calibrant,
            fix=self.fix, bounds=self.bounds, loss=self.loss, outliers=self.outliers,
        )  # fmt: skip


def recalibrated(
    image: Any, instrument: Instrument, calibrant: RingSource, *, mask: Any = None, fix: Iterable[str] = DEFAULT_FIX,
    bounds: Mapping[str, tuple[float, float]] | None = None, loss: Loss = "soft_l1", outliers: float | None = 5.0,
    settings: RingSettings | None = None, accuracy: float = ACCURACY,
) -> Calibration:  # fmt: skip
    """Return the geometry refined on an image of a calibrant.

    Parameters
    ----------
    image:
        Raw values, shape of the detector.
    instrument:
        Rough geometry: rings within `settings.search` pixels of where it predicts them; with a wavelength.
    calibrant:
        d-spacings.
    mask:
        True = excluded, in addition to gaps and invalid values.
    fix, bounds, loss, outliers:
        Of :func:`azimuthal.calibration.refine`.
    settings:
        Of :func:`azimuthal.calibration.points_on_rings`.
    accuracy:
        What "good" promises: two theta within so many pixels everywhere on the detector.

    Returns
    -------
    :
        With a verdict; nothing is raised because an image is bad.
    """
    instrument.beam.required_wavelength("a calibration")
    positive_number("accuracy", accuracy, unit="pixels")
    settings, frame = settings or RingSettings(), np.asarray(image)
    fixed = (fix,) if isinstance(fix, str) else tuple(dict.fromkeys(fix))
    usable = usable_pixels(frame, instrument, mask)
    best: Calibration | None = None
    for widening in _WIDENING:
        wider = replace(settings, search=settings.search * widening)
        found = _attempt(_Task(frame, usable, calibrant, wider, fixed, bounds, loss, outliers, accuracy), instrument)
        if best is None or _RANKS.index(found.verdict) < _RANKS.index(best.verdict):
            best = found
        if best.judgement.settled:
            break
    assert best is not None  # the loop ran
    return replace(best, observed=Observed(frame, usable, calibrant))


def _attempt(task: _Task, instrument: Instrument) -> Calibration:
    """Return the calibration that passes with one first search lead to."""
    ring_points, current = _first_points(task, instrument), instrument
    search, refinement, n_passes = task.settings.search, None, 1
    while True:
        found = _seen(task, ring_points, current, search)
        if found is None:
            refinement = None
            break
        moved = _moved(found, current)
        ring_points, refinement = found
        current = refinement.instrument
        narrower = _window(refinement, ring_points, task.settings.search)
        still = max(_STILL, _STILL_ERRORS * pixel_uncertainty(current, refinement.covariance))
        if n_passes >= _MOST_PASSES or (moved < still and narrower > 0.9 * search):
            break
        search = min(search, narrower)
        ring_points = _points_apart(task, current, search, _width(ring_points, current))
        n_passes += 1
    foreign = np.empty(0)
    if refinement is not None:
        ring_points, refinement = _with_nearer_rings(task, ring_points, refinement, search)
        foreign = foreign_rings(task.image, refinement, task.calibrant, task.usable, ring_points)
        ring_points, refinement = _without_neighbours(task, ring_points, refinement, foreign, search)
        other = _opposite(task, refinement)
        if other is not None and other.cost < refinement.cost:
            refinement = task.refined(ring_points.points, other.instrument)
        refinement = replace(refinement, start=instrument)
    shifts = np.empty(0) if refinement is None else _shifts(ring_points, refinement)
    judgement = _judgement(task, ring_points, refinement, foreign, shifts)
    if refinement is not None:  # the part of the shifts that simulations show in most images
        refinement = replace(refinement, covariance=read_only(refinement.covariance + COMMON_SHARE**2 * shifts))
    return Calibration(refinement, ring_points, instrument, task.calibrant.name, None, judgement, n_passes)


def _with_nearer_rings(
    task: _Task, ring_points: RingPoints, refinement: Refinement, search: float
) -> tuple[RingPoints, Refinement]:
    """Return points and refinement with rings that are nearer to each other, where two theta is known much better then.

    Asked only where it is too uncertain to be good without them: neighbours move each other a little.
    """
    error, instrument = _error(ring_points, refinement), refinement.instrument
    if error <= ERROR_SHARE * task.accuracy or not ring_points.crowded or refinement.scatter > _WRONG:
        return ring_points, refinement
    best, least = (ring_points, refinement), _MUCH_BETTER * error
    width = _width(ring_points, instrument)
    for widths in _APART[1:]:
        found = _seen(task, task.points_apart(instrument, search, width, widths), instrument, search)
        more = found is not None and len(found[0].found) > len(best[0].found)
        if found is not None and more and _error(*found) < least:
            best, least = found, _error(*found)
    return _with_overlapping_rings(task, best, width[1], _error(*best))


def _with_overlapping_rings(
    task: _Task, best: tuple[RingPoints, Refinement], fwhm: float, error: float
) -> tuple[RingPoints, Refinement]:
    """Return points and refinement with rings that overlap, where two theta is known much better with them."""
    settings = task.settings
    if error <= ERROR_SHARE * task.accuracy or settings.max_rings is not None or settings.saturation is not None:
        return best
    instrument, found = best[1].instrument, None
    for _ in range(_OVERLAPPING_PASSES):
        points = points_on_crowded_rings(
            task.image, instrument, task.calibrant, usable=task.usable, fwhm=fwhm, settings=task.settings
        )  # fmt: skip
        if len(points.points) <= task.n_free:
            return best
        found = points, task.refined(points.points, instrument)
        instrument, fwhm = found[1].instrument, _width(points, instrument)[1]
    assert found is not None  # the loop ran
    if found[1].reduced_chi_square < _MOST_MISFIT and _error(*found) < _MUCH_BETTER * error:
        return found
    return best


def _error(ring_points: RingPoints, refinement: Refinement) -> float:
    """Return the largest error of two theta on the detector, pixels: standard error and assumed shifts of rings."""
    return pixel_uncertainty(refinement.instrument, refinement.covariance + _shifts(ring_points, refinement))


def _shifts(ring_points: RingPoints, refinement: Refinement) -> FloatArray:
    """Return the covariance for assumed shifts of rings; more where they overlap."""
    shifts = systematic_covariance(refinement, float(np.median(ring_points.fwhm)))
    return shifts * _MORE_SHIFT**2 if ring_points.overlapping else shifts


def _opposite(task: _Task, refinement: Refinement) -> Refinement | None:
    """Return the refinement with the opposite tilt; None where that is not free or bounded."""
    return None if task.bounds else opposite_refinement(refinement, task.calibrant, task.loss)


def _width(ring_points: RingPoints, instrument: Instrument) -> tuple[float, float]:
    """Return the typical full width of the rings in pixels and in rad."""
    points = ring_points.points
    pixel = radians_per_pixel(instrument, points.slow, points.fast)
    return float(np.median(ring_points.fwhm)), float(np.median(ring_points.fwhm * pixel))


def _points_apart(task: _Task, instrument: Instrument, search: float, width: tuple[float, float]) -> RingPoints:
    """Return the points of rings that are several widths apart: the fewer rings, the nearer to each other."""
    found = RingPoints(ControlPoints.empty(), np.empty(0), (), ())
    for widths in _APART:
        found = task.points_apart(instrument, search, width, widths)
        if len(found.found) >= _ENOUGH_RINGS or not found.crowded:
            break
    return found


def _first_points(task: _Task, instrument: Instrument) -> RingPoints:
    """Return the points of the first pass: of rings far from each other where there are enough of them."""
    settings = task.settings
    found = RingPoints(ControlPoints.empty(), np.empty(0), (), ())
    for separation in (2.1 * settings.search, settings.search, settings.separation):
        found = task.points(instrument, replace(settings, separation=max(separation, settings.separation)))
        if len(found.found) >= _FEWEST_RINGS:
            break
    return found


def _seen(
    task: _Task, ring_points: RingPoints, instrument: Instrument, search: float
) -> tuple[RingPoints, Refinement] | None:
    """Return the refinement without the rings whose points are noise; None when too few are left."""
    for _ in range(5):
        points = ring_points.points
        if len(points) <= task.n_free:
            return None
        refinement = task.refined(points, instrument)
        noise = [
            ring
            for ring in ring_points.found
            if _is_noise(refinement.residuals[points.ring == ring], ring_points.sectors[ring], search)
        ]
        if not noise:
            return ring_points, refinement
        kept = ~np.isin(points.ring, noise)
        ring_points = replace(ring_points, points=points.select(kept), fwhm=ring_points.fwhm[kept])
    return None


def _is_noise(residuals: Any, n_sectors: int, search: float) -> bool:
    """Whether points are too few, or spread like noise over the window."""
    if residuals.size < max(3, 0.1 * n_sectors):
        return True
    spread = float(np.median(np.abs(residuals - np.median(residuals)))) / 0.6745
    return spread > _NOISE * search


def _moved(found: tuple[RingPoints, Refinement], before: Instrument) -> float:
    """Return how far the prediction of two theta at the points moved, pixels."""
    points, after = found[0].points, found[1].instrument
    old, _ = Cells(before, points.slow, points.fast).angles(points.slow, points.fast)
    slopes = Cells(after, points.slow, points.fast).slopes(points.slow, points.fast)
    pixel = np.hypot(slopes.angle1, slopes.angle2)
    return float(np.percentile(np.abs(slopes.angle - old) / pixel, 95))


def _window(refinement: Refinement, ring_points: RingPoints, widest: float) -> float:
    """Return how far to look in the next pass, pixels."""
    spread = float(np.median(np.abs(refinement.residuals[refinement.used]))) / 0.6745
    return min(widest, max(3 * float(np.median(ring_points.fwhm)), 4 * spread, 4.0))


def _without_neighbours(
    task: _Task, ring_points: RingPoints, refinement: Refinement, foreign: FloatArray, search: float
) -> tuple[RingPoints, Refinement]:
    """Return points and refinement without the rings that have a foreign ring in their window."""
    points = ring_points.points
    if not foreign.size:
        return ring_points, refinement
    expected = ring_angles(task.calibrant.d_spacings(), refinement.instrument.beam.required_wavelength("rings"))[0]
    pixel = typical_pixel(refinement)
    reach = (search + float(np.median(ring_points.fwhm))) * pixel
    near = [ring for ring in ring_points.found if np.abs(foreign - expected[ring]).min() < reach]
    kept = ~np.isin(points.ring, near)
    if not near or np.unique(points.ring[kept]).size < _FEWEST_LEFT:
        return ring_points, refinement
    ring_points = replace(ring_points, points=points.select(kept), fwhm=ring_points.fwhm[kept])
    return ring_points, task.refined(ring_points.points, refinement.instrument)


def _judgement(
    task: _Task, ring_points: RingPoints, refinement: Refinement | None, foreign: FloatArray, shifts: FloatArray
) -> Judgement:
    if refinement is None:
        if not ring_points.predicted and not ring_points.crowded:
            return Judgement("failed", ("no ring of the calibrant falls on usable pixels",))
        n = len(ring_points.points)
        return Judgement("failed", (f"no rings found where they should be: {n} points, too few to refine",))
    points = refinement.control_points
    _, azimuth = Cells(refinement.instrument, points.slow, points.fast).angles(points.slow, points.fast)
    mixture = foreign.size > 0 and is_mixture(foreign, refinement, task.calibrant, ring_points)
    evidence = Evidence(
        predicted=ring_points.predicted,
        fwhm=float(np.median(ring_points.fwhm)),
        azimuth=azimuth,
        largest_error=pixel_uncertainty(refinement.instrument, refinement.covariance + shifts),
        unexplained=0 if mixture else foreign.size,
        other_wavelength=preferred_wavelength(refinement, task.calibrant, loss=task.loss),
        accuracy=task.accuracy,
        other_tilt=possible_difference(refinement, _opposite(task, refinement)),
    )
    return judged(refinement, evidence)
