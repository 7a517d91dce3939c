# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Whether the points speak against the wavelength: the cost of the points as a function of it.

At small angles distance and wavelength scale together: a ring has a radius of :math:`D \tan 2\theta`, about
:math:`D \lambda / d`.  The cost is then a long, narrow and bent valley with minima in side valleys (other numbers of
rings, the opposite tilt), and one refinement with the wavelength free finds only what is downhill of its start.  So the
cost is a profile: for every wavelength tried the rest is refined, from a geometry whose distance goes with it (the
product of both and the place of the beam kept).

The wavelength is scanned from 0.7 to 1.4 of what was told, on some of the points; around the lowest, steps of 3, 1 and
0.3 % lead to the minimum by parabolas, the last one on all points.  Its standard error is the larger one of what the
curvature of the cost says and of the covariance of the refinement with the wavelength free (with scatter of rings).

Ring numbers may be wrong as well.  Where another wavelength puts a ring of points nearer to another ring of the
calibrant, the ring is taken for that one, as a whole and no two for the same one, and kept where the cost is lower.

Only evidence *against* the wavelength counts.  The cost that it is compared with is the lower one of the calibration
and of a refinement with the told wavelength from the geometry that the other one led to: another minimum of the tilt is
no evidence.  A difference of half of the chi-square of 18 (six standard errors) is asked for, of 8 (four) where
the wavelength is more than 5 % away; the verdict asks for as many standard errors of the wavelength beside.  Where
the valley is flat, as it is at small angles with the detector across the beam, nothing is said.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from azimuthal.calibration._least_squares import Loss
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.refinement import Refinement, RingSource, refine
from azimuthal.calibration.residuals import ring_angles
from azimuthal.geometry import Beam
from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray

__all__ = ["preferred_wavelength"]

_UPWARD, _DOWNWARD = (1.08, 1.17, 1.28, 1.4), (0.92, 0.84, 0.77, 0.7)
_FINER = (0.03, 0.01, 0.003)  # steps
_SCANNED = 250  # points, about
_BETTER, _FAR, _BETTER_FAR = 18.0, 0.05, 8.0  # half of the chi-square


def preferred_wavelength(refinement: Refinement, calibrant: RingSource, *, loss: Loss) -> tuple[float, float] | None:
    """Return the relative change of the wavelength that the points prefer, and its standard error.

    None where the wavelength was free, where points are too few, where the refinement ran away (it did not converge),
    and where the told one explains the points as well.
    """
    free, n = refinement.free, int(refinement.used.sum())
    if "wavelength" in free or n <= len(free) + 1 or not refinement.converged:
        return None
    points = refinement.control_points.select(refinement.used)
    search = _Search(refinement, calibrant, loss)
    best, curvature = search.lowest(points)
    change = best.factor - 1
    better = _BETTER_FAR if abs(change) > _FAR else _BETTER
    told = search.refined(points, refinement.instrument)
    if told.cost - best.refined.cost < better:
        return None
    again = search.refined(points, search.along(best.refined.instrument, 1 / best.factor))
    if again.cost - best.refined.cost < better:
        return None
    numbered = _renumbered(points, best.numbers)
    error = search.refined(numbered, best.refined.instrument, wavelength=True).standard_errors["wavelength"]
    error /= refinement.values["wavelength"]
    gain = told.cost - best.refined.cost
    error = max(error, best.factor * curvature**-0.5 if curvature > 0 else abs(change) / math.sqrt(2 * gain))
    return (change, error) if np.isfinite(error) else None


class _Step(NamedTuple):
    """One wavelength of the scan: its factor, the refinement, and the rings taken for others."""

    factor: float
    refined: Refinement
    numbers: dict[int, int]


class _Search:
    """Refinements of the points of a calibration with other wavelengths."""

    def __init__(self, refinement: Refinement, calibrant: RingSource, loss: Loss) -> None:
        self.refinement, self.calibrant, self.loss = refinement, calibrant, loss
        self.fix = tuple(name for name in refinement.values if name not in refinement.free)
        self._known: list[tuple[FloatArray, Cells]] = []

    def cells(self, points: ControlPoints) -> Cells:
        """Return the pixels of points; points with other ring numbers are in the same ones."""
        for slow, cells in self._known:
            if np.array_equal(slow, points.slow):
                return cells
        self._known.append((points.slow, Cells(self.refinement.instrument, points.slow, points.fast)))
        return self._known[-1][1]

    def refined(self, points: ControlPoints, start: Instrument, *, wavelength: bool = False) -> Refinement:
        fix = tuple(name for name in self.fix if not (wavelength and name == "wavelength"))
        return refine(
            points, start, self.calibrant, fix=fix, loss=self.loss, outliers=None, scatter=self.refinement.scatter,
            cells=self.cells(points),
        )  # fmt: skip

    def lowest(self, points: ControlPoints) -> tuple[_Step, float]:
        """Return the wavelength of the lowest cost, and the curvature of the cost in its logarithm."""
        few = points.select(np.arange(len(points)) % max(len(points) // _SCANNED, 1) == 0)
        few = few if len(few) > len(self.refinement.free) + 1 else points
        here = _Step(1.0, self.refined(few, self.refinement.instrument), {})
        steps = [*self._one_way(few, here, _DOWNWARD)[::-1], here, *self._one_way(few, here, _UPWARD)]
        k = int(np.argmin([step.refined.cost for step in steps]))
        best, curvature = steps[k], 0.0
        if 0 < k < len(steps) - 1:
            best, curvature = self._vertex(few, *steps[k - 1 : k + 2])
        for width in _FINER:
            best, curvature = self._around(few, best, width)
        width = min(max(2 * curvature**-0.5, 1e-5), _FINER[0]) if curvature > 0 else _FINER[0]
        every = self._tried(points, best, best.factor)
        return (best, 0.0) if every is None else self._around(points, every, width)

    def _around(self, points: ControlPoints, middle: _Step, width: float) -> tuple[_Step, float]:
        """Return the lowest of a parabola over three wavelengths, and its curvature."""
        left, right = (self._tried(points, middle, middle.factor * math.exp(sign * width)) for sign in (-1, 1))
        return (middle, 0.0) if left is None or right is None else self._vertex(points, left, middle, right)

    def _vertex(self, points: ControlPoints, left: _Step, middle: _Step, right: _Step) -> tuple[_Step, float]:
        """Return the lowest of the parabola through three steps, or of these, and its curvature (0: no minimum)."""
        three = (left, middle, right)
        a, b, _ = np.polyfit(
            [math.log(step.factor / middle.factor) for step in three],
            [step.refined.cost - middle.refined.cost for step in three], 2,
        ).tolist()  # fmt: skip
        lowest = min(three, key=lambda step: step.refined.cost)
        if a <= 0:
            return lowest, 0.0
        reach = math.log(right.factor / left.factor)
        found = self._tried(points, middle, middle.factor * math.exp(float(np.clip(-b / (2 * a), -reach, reach))))
        return (lowest if found is None or found.refined.cost > lowest.refined.cost else found), 2 * a

    def _one_way(self, points: ControlPoints, here: _Step, factors: tuple[float, ...]) -> list[_Step]:
        """Return the refinements with one factor after the other, as far as the rings are there."""
        steps = [here]
        for factor in factors:
            step = self._tried(points, steps[-1], factor)
            if step is None:
                break
            steps.append(step)
        return steps[1:]

    def _tried(self, points: ControlPoints, before: _Step, factor: float) -> _Step | None:
        """Return the refinement with a factor, rings taken for others where that is better; None: not all are there."""
        start = self.along(before.refined.instrument, factor / before.factor)
        points = _renumbered(points, before.numbers)
        if not _reached(points, start, self.calibrant):
            return None
        found = self.refined(points, start)
        numbers = self._nearest_rings(found)
        if any(old != new for old, new in numbers.items()):
            other = self.refined(_renumbered(points, numbers), found.instrument)
            if other.cost < found.cost:
                taken = {old: numbers.get(new, new) for old, new in before.numbers.items()}
                return _Step(factor, other, numbers | taken)
        return _Step(factor, found, before.numbers)

    def _nearest_rings(self, found: Refinement) -> dict[int, int]:
        """Return which ring of the calibrant every ring of points is nearest to; the same ones where two share one."""
        points = found.control_points
        seen, _ = self.cells(points).under(found.instrument).angles(points.slow, points.fast)
        angles = _angles(self.calibrant, found.instrument)
        angles = np.where(np.isfinite(angles), angles, np.inf)
        rings = np.unique(points.ring).tolist()
        nearest = {ring: int(np.argmin(np.abs(angles - np.median(seen[points.ring == ring])))) for ring in rings}
        return nearest if len(set(nearest.values())) == len(rings) else {ring: ring for ring in rings}

    def along(self, instrument: Instrument, factor: float) -> Instrument:
        """Return the instrument with another wavelength and the distance that goes with it, the beam in its place."""
        pose, free = instrument.pose, self.refinement.free
        longer = pose.dist * (1 / factor - 1)
        moved = {
            "dist": pose.dist + longer,
            "poni1": pose.poni1 - longer * math.tan(pose.rot2) / math.cos(pose.rot1),
            "poni2": pose.poni2 + longer * math.tan(pose.rot1),
        }
        beam = Beam(instrument.beam.required_wavelength("rings") * factor)
        return instrument.replace(pose=pose.replace(**{k: v for k, v in moved.items() if k in free}), beam=beam)


def _angles(calibrant: RingSource, instrument: Instrument) -> FloatArray:
    """Return two theta of the rings, NaN where the wavelength does not reach."""
    spacings = np.asarray(calibrant.d_spacings(), dtype=np.float64)
    return ring_angles(spacings, instrument.beam.required_wavelength("rings"))[0]


def _reached(points: ControlPoints, instrument: Instrument, calibrant: RingSource) -> bool:
    """Whether all rings of the points are there with this wavelength."""
    return bool(np.isfinite(_angles(calibrant, instrument)[points.ring]).all())


def _renumbered(points: ControlPoints, numbers: dict[int, int]) -> ControlPoints:
    """Return the points with the rings taken for others."""
    return replace(points, ring=np.array([numbers.get(ring, ring) for ring in points.ring.tolist()], dtype=np.int64))
