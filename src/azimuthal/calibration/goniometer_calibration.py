# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""From a rough goniometer and images at many positions to a good one, with a verdict.

As :func:`azimuthal.calibration.recalibrated`, over all images together: the points of every image are extracted with
the geometry that the goniometer predicts at its position, all are refined jointly, and extracted again in narrower
windows, until nothing moves; where that is not good, once more with a first search 2.5 times as wide.

What becomes of an image is told, never left to be guessed:

============  ======================================================================================
status        meaning
============  ======================================================================================
used          most of its points are in use
disagrees     it has points, and most of them are outliers: its motor position or its rings are wrong
not seen      rings should be there, and were not found, or their points are spread like noise
crowded       its rings are too near to each other
no rings      no ring of the calibrant falls on its usable pixels
too few       it has points, and all images together have too few to refine anything
============  ======================================================================================

The verdict
    ===========================================================================  ==========  ============
    finding                                                                      doubtful    failed
    ===========================================================================  ==========  ============
    points in use (fewer than; m: free parameters)                               m + 20      m + 5
    images in use (fewer than)                                                   3           1
    share of points in use (less than)                                           0.8         0.5
    images that disagree, share of those with points (more than)                 0.1         0.5
    images whose rings were not seen, share of those that should have some       0.25        0.75
    (image, ring) pairs seen, share of those expected (less than)                0.6         0.2
    median of the absolute residuals, pixels (more than)                         0.5         2
    the same over the width (FWHM) of the rings (more than)                      0.25        1
    rings off by more than 0.3 pixel and 4 standard errors, share (more than)    0.25        --
    images off by as much, share (more than)                                     0.25        --
    rings in the images that the calibrant does not have: 2 or more, and more
    than this share of those that it has                                         0.2         --
    error of two theta at one of the positions, of the accuracy (more than)      0.35        50
    another wavelength explains the rings better: difference (more than)         0.5 %, 6 standard errors
    a motor that turns the detector by another angle than it says, where it
    says one (in degrees or rad, to 10 %): difference (more than)                0.5 %       --
    a parameter at its bound, or a free one that the images cannot tell          any         --
    not converged                                                                --          any
    ===========================================================================  ==========  ============

    Good promises that two theta is within the accuracy that was asked for (0.1 pixel), everywhere on the detector, at
    the positions of the images.  The error is the standard error with what small shifts of whole rings would do
    (:mod:`azimuthal.calibration.systematic_error`).  A wrong wavelength is hidden by a free distance and a free scale
    of the arm together; that an arm turns by what it says is what tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

import azimuthal._upward as upward
from azimuthal._validate import positive_number
from azimuthal.calibration._least_squares import Loss
from azimuthal.calibration.goniometer import Goniometer
from azimuthal.calibration.goniometer_refinement import FramePoints, GoniometerRefinement, refine_goniometer
from azimuthal.calibration.positions import Cells
from azimuthal.calibration.refinement import Refinement, RingSource
from azimuthal.calibration.ring_points import RingPoints, RingSettings, points_on_rings, usable_pixels
from azimuthal.calibration.systematic_error import SHIFT, SHIFT_OF_WIDTH
from azimuthal.calibration.unexplained_rings import foreign_rings
from azimuthal.calibration.verdict import ACCURACY, ERROR_SHARE, FAILED_ERRORS, Judgement, RingDeviation, Verdict
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.geometry.frames import lab_from_detector_rotation
from azimuthal.instrument import Instrument
from azimuthal.typing import AnyArray, BoolArray, PathLike

__all__ = ["FrameReport", "GoniometerCalibration", "calibrated_goniometer"]

_MOST_PASSES = 10
_STILL = 0.02  # pixels
_STILL_ERRORS = 0.5  # of the largest standard error of two theta
_WIDENING = (1.0, 2.5)
_BETTER = 18.0  # half of the chi-square that six standard errors are worth
_RANKS = ("good", "doubtful", "failed")
_NOISE = 0.45  # of the half window: the spread of points all over it is 0.74
_FEWEST_POINTS = 3
_TURNING = 0.005
_ALIKE = 0.1
_TURN = 1e-4  # units of the motor, for a difference
_ERROR_POSITIONS = 5  # at which the uncertainty of two theta is looked at


@dataclass(frozen=True, slots=True)
class FrameReport:
    """What became of one image: name, position, status (module docstring), points, rings, mean residual in pixels."""

    label: str
    position: Mapping[str, float]
    status: str
    n_points: int
    n_used: int
    rings: tuple[int, ...]
    deviation: float
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class GoniometerCalibration:
    """A refined goniometer with its evidence; frozen.

    Attributes
    ----------
    refinement:
        Parameters, covariance, residuals; None when there were too few points to refine.
    frames:
        What became of every image.
    start:
        The goniometer that it started from.
    calibrant:
        Its name.
    judgement:
        The verdict with its reasons.
    n_passes:
        How many times points were extracted.
    fwhm:
        Median full width of the rings, pixels.
    largest_error:
        Largest error of two theta at the positions of the images, pixels: standard error and assumed shifts of rings.
    """

    refinement: GoniometerRefinement | None
    frames: tuple[FrameReport, ...]
    start: Goniometer
    calibrant: str
    judgement: Judgement
    n_passes: int
    fwhm: float = float("nan")
    largest_error: float = float("nan")

    @property
    def verdict(self) -> Verdict:
        """Whether it is "good", "doubtful" or "failed"."""
        return self.judgement.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not good; empty when it is."""
        return self.judgement.reasons

    @property
    def goniometer(self) -> Goniometer:
        """The refined goniometer.

        Raises
        ------
        ParameterError
            Nothing could be refined.
        """
        if self.refinement is None:
            raise ParameterError(f"goniometer: nothing could be refined: {'; '.join(self.reasons)}.")
        return self.refinement.goniometer

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of the parameters; 0 where fixed."""
        return self.goniometer.standard_errors

    @property
    def ring_deviations(self) -> tuple[RingDeviation, ...]:
        """Mean residual of every ring over all images, pixels."""
        return () if self.refinement is None else _ring_deviations(self.refinement)

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Write the goniometer with verdict and calibrant.

        Raises
        ------
        ParameterError
            The calibration failed: nothing is written that looks like a goniometer.
        OutputExistsError
            The file exists and `force` is False.
        """
        if self.verdict == "failed":
            raise ParameterError(f"save: this calibration failed ({self.reasons[0]}); nothing was written.")
        facts = {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "calibrant": self.calibrant,
            "images": [one.label for one in self.frames if one.status == "used"],
        }
        upward.find("save_goniometer")(self.goniometer, path, facts=facts, force=force)

    def summary(self) -> str:
        """Return the calibration in words."""
        lines = [f"verdict: {self.verdict}", *(f"  - {reason}" for reason in self.reasons)]
        if self.refinement is not None:
            lines += _numbers(self, self.refinement)
        lines += _frame_lines(self.frames)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"GoniometerCalibration({self.calibrant}: {self.verdict}, {len(self.frames)} images)"


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same from pass to pass."""

    images: Any
    positions: Sequence[Mapping[str, float]]
    labels: Sequence[str]
    mask: Any
    calibrant: RingSource
    settings: RingSettings
    fix: tuple[str, ...]
    bounds: Mapping[str, tuple[float, float]] | None
    loss: Loss
    outliers: float | None
    accuracy: float

    def frame(self, index: int, instrument: Instrument) -> tuple[AnyArray, BoolArray]:
        """Return one image and its usable pixels."""
        image = np.asarray(self.images.read(index) if hasattr(self.images, "read") else self.images[index])
        try:
            return image, usable_pixels(image, instrument, self.mask)
        except ShapeError as error:
            raise ShapeError(f"{self.labels[index]}: {error}") from None

    def refined(self, points: Sequence[RingPoints], goniometer: Goniometer) -> GoniometerRefinement:
        frames = [
            FramePoints(label, position, one.points)
            for label, position, one in zip(self.labels, self.positions, points, strict=True)
        ]
        return refine_goniometer(
            frames, goniometer, self.calibrant,
            fix=self.fix, bounds=self.bounds, loss=self.loss, outliers=self.outliers,
        )  # fmt: skip


def calibrated_goniometer(
    images: Any, positions: Iterable[Any], goniometer: Goniometer, calibrant: RingSource, *, mask: Any = None,
    fix: Iterable[str] = (), bounds: Mapping[str, tuple[float, float]] | None = None, loss: Loss = "soft_l1",
    outliers: float | None = 5.0, settings: RingSettings | None = None, labels: Sequence[str] | None = None,
    accuracy: float = ACCURACY,
) -> GoniometerCalibration:  # fmt: skip
    """Return the goniometer refined on images of a calibrant.

    Parameters
    ----------
    images:
        Raw values: a list of arrays, a stack, or an open source of frames; one is in memory at a time.
    positions:
        Of the motors, one per image: what :meth:`Goniometer.position` takes.
    goniometer:
        Rough: rings within `settings.search` pixels of where it predicts them; with a wavelength.
    calibrant:
        d-spacings.
    mask:
        True = excluded, in addition to gaps and invalid values; the same for all images.
    fix, bounds, loss, outliers:
        Of :func:`refine_goniometer`.
    settings:
        Of :func:`azimuthal.calibration.points_on_rings`.
    labels:
        Names of the images; None: their numbers.
    accuracy:
        What "good" promises of two theta, pixels.

    Returns
    -------
    :
        With a verdict; nothing is raised because images are bad.

    Raises
    ------
    ShapeError
        There are more or fewer positions than images, or an image is not of the detector's shape.
    ParameterError, UnknownNameError, WavelengthMissingError
        Something that was given cannot be used.
    """
    positive_number("accuracy", accuracy, unit="pixels")
    where = [goniometer.position(one) for one in positions]
    if len(where) != len(images):
        raise ShapeError(f"positions: expected one for each of the {len(images)} images, got {len(where)}.")
    if not where:
        raise ParameterError("images: expected at least one, got none.")
    goniometer.instrument(where[0]).beam.required_wavelength("a calibration")
    names = [str(number) for number in range(len(where))] if labels is None else list(labels)
    fixed = (fix,) if isinstance(fix, str) else tuple(dict.fromkeys(fix))
    settings, best = settings or RingSettings(), None
    for widening in _WIDENING:
        wider = replace(settings, search=settings.search * widening)
        found = _attempt(
            _Task(images, where, names, mask, calibrant, wider, fixed, bounds, loss, outliers, accuracy), goniometer
        )
        if best is None or _RANKS.index(found.verdict) < _RANKS.index(best.verdict):
            best = found
        if best.verdict == "good":
            break
    assert best is not None  # the loop ran
    return best


# ---- passes ------------------------------------------------------------------------------------------------


def _attempt(task: _Task, goniometer: Goniometer) -> GoniometerCalibration:
    """Return the calibration that passes with one first search lead to."""
    points, current = _points(task, goniometer, task.settings, first=True), goniometer
    expected = [one.predicted for one in points]
    search, refinement, n_passes = task.settings.search, None, 1
    while True:
        found = _seen(task, points, current, search)
        if found is None:
            refinement = None
            break
        moved = _moved(found[1], current)
        points, refinement = found
        current = refinement.goniometer
        narrower = _window(refinement, points, task.settings.search)
        still = max(_STILL, _STILL_ERRORS * _largest_error(task, refinement, _fwhm(points)))
        if n_passes >= _MOST_PASSES or (moved < still and narrower > 0.9 * search):
            break
        search = min(search, narrower)
        separation = max(task.settings.separation, 4 * _fwhm(points))
        points = _points(task, current, replace(task.settings, search=search, separation=separation))
        expected = [one.predicted for one in points]
        n_passes += 1
    if refinement is not None:
        refinement = replace(refinement, start=goniometer)
    reports = _reports(task, points, expected, refinement)
    largest = float("nan") if refinement is None else _largest_error(task, refinement, _fwhm(points))
    judgement = _judged(task, refinement, reports, expected, points, largest)
    return GoniometerCalibration(
        refinement, reports, goniometer, task.calibrant.name, judgement, n_passes, _fwhm(points), largest
    )


def _points(task: _Task, goniometer: Goniometer, settings: RingSettings, *, first: bool = False) -> list[RingPoints]:
    """Return the points of every image; first of rings far from each other, where there are such."""
    separations = [settings.separation]
    if first:
        separations = [max(s, settings.separation) for s in (2.1 * settings.search, settings.search)] + separations
    found = []
    for index, instrument in enumerate(goniometer.instruments(task.positions)):
        image, usable = task.frame(index, instrument)
        for separation in separations:
            one = points_on_rings(
                image, instrument, task.calibrant, settings=replace(settings, separation=separation), usable=usable
            )
            if len(one.points):
                break
        found.append(one)
    return found


def _seen(
    task: _Task, points: list[RingPoints], goniometer: Goniometer, search: float
) -> tuple[list[RingPoints], GoniometerRefinement] | None:
    """Return the refinement without the rings of images whose points are noise; None when too few are left."""
    for _ in range(5):
        total = sum(len(one.points) for one in points)
        if total <= len(goniometer.parameters):
            return None
        refinement = task.refined(points, goniometer)
        kept, removed = [], 0
        for number, one in enumerate(points):
            here = refinement.frame == number
            residuals = refinement.residuals[here]
            noise = [
                ring for ring in one.found if _is_noise(residuals[one.points.ring == ring], one.sectors[ring], search)
            ]
            removed += len(noise)
            keep = ~np.isin(one.points.ring, noise)
            kept.append(replace(one, points=one.points.select(keep), fwhm=one.fwhm[keep]) if noise else one)
        if not removed:
            return points, refinement
        points = kept
    return None


def _is_noise(residuals: Any, n_sectors: int, search: float) -> bool:
    """Whether points of a ring are too few, or spread like noise over the window."""
    if residuals.size < max(_FEWEST_POINTS, 0.1 * n_sectors):
        return True
    return float(np.median(np.abs(residuals - np.median(residuals)))) / 0.6745 > _NOISE * search


def _moved(refinement: GoniometerRefinement, before: Goniometer) -> float:
    """Return how far the prediction of two theta at the points moved, pixels."""
    changes = []
    for one in refinement.frames:
        if len(one.points):
            slow, fast = one.points.slow, one.points.fast
            old, new = (
                Cells(model.instrument(one.position), slow, fast).angles(slow, fast)[0]
                for model in (before, refinement.goniometer)
            )
            changes.append(new - old)
    return float(np.percentile(np.abs(np.concatenate(changes)) / refinement.pixel, 95))


def _window(refinement: GoniometerRefinement, points: Sequence[RingPoints], widest: float) -> float:
    """Return how far to look in the next pass, pixels."""
    spread = float(np.median(np.abs(refinement.residuals[refinement.used]))) / 0.6745
    return min(widest, max(3 * _fwhm(points), 4 * spread, 4.0))


def _fwhm(points: Sequence[RingPoints]) -> float:
    """Return the median full width of the rings, pixels; NaN without points."""
    widths = np.concatenate([one.fwhm for one in points])
    return float(np.median(widths)) if widths.size else float("nan")


def _largest_error(task: _Task, refinement: GoniometerRefinement, fwhm: float) -> float:
    """Return the largest error of two theta at some of the positions, pixels."""
    shift = SHIFT + SHIFT_OF_WIDTH * fwhm
    goniometer = refinement.goniometer.replace(
        covariance=refinement.covariance + shift**2 * refinement.shift_covariance
    )
    chosen = np.unique(np.linspace(0, len(task.positions) - 1, _ERROR_POSITIONS).astype(int)).tolist()
    order = np.lexsort([[one[name] for one in task.positions] for name in goniometer.motors] or [[0.0]])
    return max(goniometer.two_theta_error(task.positions[int(order[index])]) for index in chosen)


# ---- what is told ------------------------------------------------------------------------------------------


def _reports(
    task: _Task, points: Sequence[RingPoints], expected: Sequence[tuple[int, ...]],
    refinement: GoniometerRefinement | None,
) -> tuple[FrameReport, ...]:  # fmt: skip
    found = []
    for number, (label, position, one) in enumerate(zip(task.labels, task.positions, points, strict=True)):
        here = np.zeros(0, dtype=np.bool_) if refinement is None else refinement.frame == number
        n_points, n_used, deviation, error = len(one.points), 0, float("nan"), float("nan")
        rings: tuple[int, ...] = one.found
        if refinement is not None and n_points:
            used = here & refinement.used
            n_used, rings = int(used.sum()), tuple(np.unique(refinement.ring[used]).tolist())
            deviation, error = _mean(refinement, used if 2 * n_used >= n_points else here)
        status = _status(n_points, n_used, expected[number], one.crowded, refined=refinement is not None)
        found.append(FrameReport(label, position, status, n_points, n_used, rings, deviation, error))
    return tuple(found)


def _status(n_points: int, n_used: int, expected: Sequence[int], crowded: Sequence[int], *, refined: bool) -> str:
    if n_points:
        return "used" if 2 * n_used >= n_points and refined else "disagrees" if refined else "too few"
    return "not seen" if expected else "crowded" if crowded else "no rings"


def _mean(refinement: GoniometerRefinement, which: BoolArray) -> tuple[float, float]:
    """Return the weighted mean residual of some points and its standard error, pixels."""
    weights = refinement.spread[which] ** -2.0
    return float(np.sum(weights * refinement.residuals[which]) / weights.sum()), float(weights.sum() ** -0.5)


def _ring_deviations(refinement: GoniometerRefinement) -> tuple[RingDeviation, ...]:
    found = []
    for ring in np.unique(refinement.ring[refinement.used]).tolist():
        here = refinement.used & (refinement.ring == ring)
        mean, error = _mean(refinement, here)
        found.append(RingDeviation(ring, mean, error, float(np.std(refinement.residuals[here])), int(here.sum())))
    return tuple(found)


def _numbers(calibration: GoniometerCalibration, refinement: GoniometerRefinement) -> list[str]:
    used, rings = refinement.used, calibration.ring_deviations
    n_images = sum(one.status == "used" for one in calibration.frames)
    counts = f"{n_images} of {len(calibration.frames)} images, {len(rings)} rings"
    points = f"{int(used.sum())} of {used.size} points, {calibration.n_passes} passes"
    residuals = np.abs(refinement.residuals[used])
    off = float(np.median([abs(one.mean) for one in rings])) if rings else float("nan")
    beyond = f"scatter beyond counting {refinement.scatter:.3f} pixel"
    lines = [
        f"calibrant: {calibration.calibrant}, {counts}, {points}",
        f"residuals: median {np.median(residuals):.3f} pixel, {beyond}, rings {off:.3f} pixel (median)",
        f"reduced chi-square: {refinement.reduced_chi_square:.2f}",
    ]
    lines += [
        f"positions of {name}: scatter by {size:.2g} beyond what the points explain"
        for name, size in refinement.motor_scatter.items()
        if size > 0
    ]
    lines.append(refinement.goniometer.describe())
    lines.append(f"two theta at the positions of the images: known to {calibration.largest_error:.3f} pixel")
    lines += [f"hardly told apart: {pair}" for pair in refinement.correlated]
    return [*lines, *(f"not told: {text}" for text in refinement.degenerate)]


def _frame_lines(frames: Sequence[FrameReport]) -> list[str]:
    """Return one line per image."""
    width = max(len(one.label) for one in frames)
    lines = []
    for one in frames:
        where = " ".join(f"{name}={value:g}" for name, value in one.position.items())
        text = f"image {one.label:<{width}}  {where}  {one.status}"
        if one.n_points:
            rings = ",".join(str(ring) for ring in one.rings)
            text += f": {one.n_used} of {one.n_points} points, ring {rings or 'none'}"
        if np.isfinite(one.deviation):
            text += f", off by {one.deviation:+.3f} ± {one.error:.3f} pixel"
        lines.append(text)
    return lines


# ---- the verdict -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Findings:
    doubts: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def judge(self, text: str, value: float, doubtful: float | None, failed: float | None = None) -> None:
        """Note `text` when a value exceeds a limit."""
        if failed is not None and value > failed:
            self.failures.append(text)
        elif doubtful is not None and value > doubtful:
            self.doubts.append(text)

    @property
    def judgement(self) -> Judgement:
        if self.failures:
            return Judgement("failed", (*self.failures, *self.doubts))
        return Judgement("doubtful", tuple(self.doubts)) if self.doubts else Judgement("good")


def _judged(
    task: _Task, refinement: GoniometerRefinement | None, reports: Sequence[FrameReport],
    expected: Sequence[tuple[int, ...]], points: Sequence[RingPoints], largest_error: float,
) -> Judgement:  # fmt: skip
    if refinement is None:
        if not any(expected):
            return Judgement("failed", ("no ring of the calibrant falls on usable pixels of any image",))
        n = sum(len(one.points) for one in points)
        return Judgement("failed", (f"no rings found where they should be: {n} points, too few to refine",))
    findings = _Findings()
    _judge_numbers(refinement, reports, expected, findings)
    _judge_residuals(refinement, reports, _fwhm(points), findings)
    _judge_foreign(task, refinement, points, findings)
    _judge_parameters(task, refinement, largest_error, findings)
    return findings.judgement


def _judge_numbers(
    refinement: GoniometerRefinement, reports: Sequence[FrameReport], expected: Sequence[tuple[int, ...]],
    findings: _Findings,
) -> None:  # fmt: skip
    n, total, m = int(refinement.used.sum()), refinement.used.size, len(refinement.free)
    findings.judge(f"few points: {n} in use for {m} free parameters", m - n, -20, -5)
    findings.judge(f"outliers: {total - n} of {total} points do not agree with the others", 1 - n / total, 0.2, 0.5)
    count = {status: sum(one.status == status for one in reports) for status in ("used", "disagrees", "not seen")}
    findings.judge(f"few images: {count['used']} in use", -count["used"], -3, -1)
    with_points = count["used"] + count["disagrees"]
    text = f"images that disagree with the others: {_labels(reports, 'disagrees')}; is the motor position right?"
    findings.judge(text, count["disagrees"] / max(with_points, 1), 0.1, 0.5)
    text = f"images whose rings were not seen: {_labels(reports, 'not seen')}"
    findings.judge(text, count["not seen"] / max(with_points + count["not seen"], 1), 0.25, 0.75)
    pairs, seen = sum(len(rings) for rings in expected), sum(len(one.rings) for one in reports)
    text = f"rings not found: {seen} of {pairs} that should be in the images; is it this calibrant?"
    findings.judge(text, 1 - seen / max(pairs, 1), 0.4, 0.8)
    if not refinement.converged:
        findings.failures.append("the refinement did not converge")


def _judge_foreign(
    task: _Task, refinement: GoniometerRefinement, points: Sequence[RingPoints], findings: _Findings
) -> None:
    """Doubt where the images have rings that the calibrant does not have."""
    foreign = 0
    seen = sum(np.unique(one.points.ring).size for one in points)
    for number, one in enumerate(refinement.frames):
        here = refinement.frame == number
        if refinement.used[here].any():
            instrument = refinement.goniometer.instrument(one.position)
            image, usable = task.frame(number, instrument)
            view = SimpleNamespace(  # what is asked of the refinement of one image
                instrument=instrument, control_points=one.points, used=refinement.used[here],
                residuals=refinement.residuals[here], residuals_rad=refinement.residuals_rad[here],
            )  # fmt: skip
            foreign += foreign_rings(image, cast("Refinement", view), task.calibrant, usable, points[number]).size
    if foreign >= 2 and foreign > 0.2 * seen:
        findings.doubts.append(
            f"{foreign} rings in the images are not of this calibrant, {seen} are: is it this calibrant, this "
            "wavelength? (Of a mixture, join the calibrants.)"
        )


def _judge_residuals(
    refinement: GoniometerRefinement, reports: Sequence[FrameReport], fwhm: float, findings: _Findings
) -> None:
    median = float(np.median(np.abs(refinement.residuals[refinement.used])))
    text = f"residuals too large: median {median:.2f} pixel on rings {fwhm:.1f} pixels wide"
    findings.judge(text, max(median / 2, median / fwhm), None, 1)
    if not findings.failures or findings.failures[-1] != text:
        findings.judge(text, max(median / 0.5, median / (0.25 * fwhm)), 1)
    rings = _ring_deviations(refinement)
    off = [one for one in rings if abs(one.mean) > 0.3 and abs(one.mean) > 4 * one.error]
    which = ", ".join(f"{one.ring} by {one.mean:+.2f}" for one in off[:5])
    text = f"rings that do not follow: {len(off)} of {len(rings)} (ring {which} pixel)"
    findings.judge(text, len(off) / max(len(rings), 1), 0.25)
    images = [one for one in reports if one.status == "used"]
    away = [one for one in images if abs(one.deviation) > 0.3 and abs(one.deviation) > 4 * one.error]
    which = ", ".join(f"{one.label} by {one.deviation:+.2f}" for one in away[:5])
    text = f"images that do not follow: {len(away)} of {len(images)} ({which} pixel)"
    findings.judge(text, len(away) / max(len(images), 1), 0.25)


def _judge_parameters(task: _Task, refinement: GoniometerRefinement, largest_error: float, findings: _Findings) -> None:
    text = (
        f"uncertain: two theta is known to {largest_error:.2g} pixel only at one of the positions (standard error; "
        f"{task.accuracy:g} pixel everywhere asks for {ERROR_SHARE * task.accuracy:.2g})"
    )
    findings.judge(text, largest_error, ERROR_SHARE * task.accuracy, FAILED_ERRORS * task.accuracy)
    for name, excess in _turning_excess(refinement).items():
        if abs(excess) > _TURNING:
            findings.doubts.append(
                f"{name} turns the detector by {100 * excess:+.2f} % of what it says: wrong calibrant or wavelength?"
            )
    findings.doubts.extend(f"{name} ended at its bound" for name in refinement.at_bound)
    held = "it was held"
    findings.doubts.extend(text for text in refinement.degenerate if not text.endswith(held))
    other = _other_wavelength(task, refinement)
    if other is not None and abs(other[0]) > 0.005 and abs(other[0]) > 6 * other[1]:
        findings.doubts.append(
            f"a wavelength (or cell) different by {100 * other[0]:+.2f} % explains the rings better: "
            "wrong calibrant or wavelength?"
        )


def _turning_excess(refinement: GoniometerRefinement) -> dict[str, float]:
    """Return by which share motors that say an angle turn the detector by more than it (median over the images)."""
    goniometer = refinement.goniometer
    found = goniometer.evaluated([one.position for one in refinement.frames])
    excess = {}
    for k, name in enumerate(goniometer.motors):
        rates = []
        for values, slopes in zip(found.values[:, 3:6], found.by_motor[:, 3:6, k], strict=True):
            ends = [lab_from_detector_rotation(*(values + sign * _TURN * slopes)) for sign in (-1, 1)]
            rates.append(float(np.linalg.norm(ends[1] - ends[0])) / (2 * _TURN * np.sqrt(2)))
        for angle in (np.pi / 180, 1.0):
            share = float(np.median(rates)) / angle - 1
            if abs(share) < _ALIKE:
                excess[name] = share
    return excess


def _other_wavelength(task: _Task, refinement: GoniometerRefinement) -> tuple[float, float] | None:
    """Return the relative change of the wavelength that the points prefer, and its standard error."""
    before = refinement.goniometer
    if before.wavelength is None:
        return None
    name = (
        "wavelength" if "wavelength" not in (*before.parameters, *before.motors, *before.constants) else "wavelength_"
    )
    frames = [
        replace(one, points=one.points.select(refinement.used[refinement.frame == number]))
        for number, one in enumerate(refinement.frames)
    ]
    free = refine_goniometer(
        frames, before.with_free_wavelength(name), task.calibrant,
        fix=task.fix, loss=task.loss, outliers=None, scatter=refinement.scatter,
    )  # fmt: skip
    error = free.standard_errors[name]
    if not np.isfinite(error) or refinement.cost - free.cost < _BETTER:
        return None
    return free.values[name] / before.wavelength - 1, error / before.wavelength


def _labels(reports: Sequence[FrameReport], status: str) -> str:
    names = [one.label for one in reports if one.status == status]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
