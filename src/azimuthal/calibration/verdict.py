# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The verdict on a calibration: good, doubtful (why) or failed (why).

===========================================================================  ==========  ============
finding                                                                      doubtful    failed
===========================================================================  ==========  ============
rings with points (fewer than)                                               3           1
points in use (fewer than; m: free parameters)                               m + 20      m + 5
share of points in use, the others being outliers (less than)                0.8         0.5
median of the absolute residuals, pixels (more than)                         0.5         2
the same over the width (FWHM) of the rings (more than)                      0.25        1
rings off by more than 0.3 pixel and 4 standard errors, share (more than)    0.25        --
residuals that depend on azimuth, amplitude in pixels (more than)            0.3         --
share of the rings up to the last one seen that have points (less than)      0.6         0.2
rings in the image that the calibrant does not have: 2 or more, and more
than this share of those that it has                                         0.2         --
error of two theta somewhere on the detector, of the accuracy (more than)    0.35        50
the opposite tilt explains the points as well (five standard errors): two
theta differs by more than, of the accuracy                                  0.35        --
another wavelength explains the rings better: difference (more than)         0.5 %, 6 standard errors;
                                                                             5 %, 4 standard errors
distance or wavelength changed by (more than)                                10 %        --
a parameter at its bound, or a free one that rings cannot tell               any         --
not converged                                                                --          any
===========================================================================  ==========  ============

A calibration is good only when nothing of this is found.  Reasons are sentences; those of a failure come first.

Good promises that two theta is within the accuracy that was asked for, 0.1 pixel, everywhere on the detector.  The
error of the table is one standard error, with what small shifts of whole rings would do
(:mod:`azimuthal.calibration.systematic_error`): the accuracy is 2.9 of it where it is largest among those called good,
and far more of it in most.  How often that holds is counted by ``benchmarks/calibration_campaign.py``.  Who needs less
asks for less (``accuracy=0.5``): half rings of few grains are known to 0.1 pixel at best.

What no verdict can tell: where all rings are at small angles, a wrong wavelength (or another cell with the same
sequence of rings) makes a wrong distance and no residual.  q is right even then, two theta and the distance are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from azimuthal.calibration.refinement import Refinement
from azimuthal.typing import FloatArray, IntArray

__all__ = ["Judgement", "RingDeviation", "Verdict", "judged", "ring_deviations"]

Verdict: TypeAlias = Literal["good", "doubtful", "failed"]

#: pixels of two theta, everywhere on the detector: what "good" promises
ACCURACY = 0.1

_AZIMUTHS = 16
_OTHER_WAVELENGTH = ((0.005, 6.0), (0.05, 4.0))  # difference, standard errors
_UNCERTAIN = "uncertain"
ERROR_SHARE, FAILED_ERRORS = 0.35, 50.0  # of the accuracy: largest error of two theta


@dataclass(frozen=True, slots=True)
class RingDeviation:
    """How far one ring is from where it should be, pixels: mean, its standard error, scatter; number of points."""

    ring: int
    mean: float
    error: float
    scatter: float
    n_points: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and its reasons."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether another start would not do better: it is good, or doubtful only because too little is known."""
        return self.verdict == "good" or (
            self.verdict == "doubtful" and all(reason.startswith(_UNCERTAIN) for reason in self.reasons)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known beside the refinement.

    Attributes
    ----------
    predicted:
        Rings that cross usable pixels.
    fwhm:
        Median full width of the rings, pixels.
    azimuth:
        chi of the control points, rad.
    largest_error:
        Largest error of two theta on the detector, pixels: standard error and assumed shifts of rings.
    unexplained:
        Rings in the image that the calibrant does not have.
    other_wavelength:
        Relative change of wavelength that the rings prefer, and its standard error; None when it was free.
    accuracy:
        What good promises of two theta, pixels.
    other_tilt:
        By how much two theta differs with the opposite tilt, pixels, where that explains the points as well.
    """

    predicted: tuple[int, ...]
    fwhm: float
    azimuth: FloatArray
    largest_error: float
    unexplained: int
    other_wavelength: tuple[float, float] | None
    accuracy: float = ACCURACY
    other_tilt: float = 0.0


def ring_deviations(refinement: Refinement) -> tuple[RingDeviation, ...]:
    """Return the weighted mean residual of every ring that has points in use."""
    points, used = refinement.control_points, refinement.used
    found = []
    for ring in np.unique(points.ring[used]).tolist():
        here = used & (points.ring == ring)
        sigma = np.where(np.isfinite(points.uncertainty[here]), points.uncertainty[here], 0.1)
        weights = 1 / (sigma**2 + refinement.scatter**2)
        residuals = refinement.residuals[here]
        mean = float(np.sum(weights * residuals) / weights.sum())
        found.append(RingDeviation(ring, mean, float(weights.sum() ** -0.5), float(np.std(residuals)), int(here.sum())))
    return tuple(found)


def judged(refinement: Refinement, evidence: Evidence) -> Judgement:
    """Return the verdict of the table above."""
    doubts: list[str] = []
    failures: list[str] = []
    _judge_numbers(refinement, doubts, failures)
    if int(refinement.used.sum()) > len(refinement.free):
        _judge_residuals(refinement, evidence, doubts, failures)
        _judge_rings(refinement, evidence, doubts, failures)
        _judge_parameters(refinement, evidence, doubts, failures)
    if failures:
        return Judgement("failed", (*failures, *doubts))
    return Judgement("doubtful" if doubts else "good", tuple(doubts))


def _judge_numbers(refinement: Refinement, doubts: list[str], failures: list[str]) -> None:
    n, total, m = int(refinement.used.sum()), len(refinement.control_points), len(refinement.free)
    n_rings = np.unique(refinement.control_points.ring[refinement.used]).size
    text = f"few points: {n} on {n_rings} rings for {m} free parameters"
    if n < m + 5 or n_rings < 1:
        failures.append(text)
    elif n < m + 20:
        doubts.append(text)
    if 0 < n_rings < 3:
        doubts.append(f"few rings: points on {n_rings} only")
    share = n / max(total, 1)
    text = f"outliers: {total - n} of {total} points do not agree with the others"
    if total and share < 0.5:
        failures.append(text)
    elif total and share < 0.8:
        doubts.append(text)
    if not refinement.converged:
        failures.append("the refinement did not converge")


def _judge_residuals(refinement: Refinement, evidence: Evidence, doubts: list[str], failures: list[str]) -> None:
    median = float(np.median(np.abs(refinement.residuals[refinement.used])))
    text = f"residuals too large: median {median:.2f} pixel on rings {evidence.fwhm:.1f} pixels wide"
    if median > 2 or median > evidence.fwhm:
        failures.append(text)
    elif median > 0.5 or median > 0.25 * evidence.fwhm:
        doubts.append(text)
    deviations = ring_deviations(refinement)
    off = [d for d in deviations if abs(d.mean) > 0.3 and abs(d.mean) > 4 * d.error]
    if len(off) > 0.25 * len(deviations):
        rings = ", ".join(f"{d.ring} by {d.mean:+.2f}" for d in off[:5])
        doubts.append(f"rings that do not follow: {len(off)} of {len(deviations)} (ring {rings} pixel)")
    amplitude = _azimuthal_amplitude(refinement, evidence.azimuth)
    if amplitude > 0.3:
        doubts.append(
            f"residuals depend on azimuth ({amplitude:.2f} pixel): a fixed parameter is wrong, or the detector distorts"
        )


def _azimuthal_amplitude(refinement: Refinement, azimuth: FloatArray) -> float:
    """Return the root mean square of the means of residuals in sectors, less what their errors explain, pixels."""
    used = refinement.used
    index: IntArray = ((azimuth[used] + np.pi) / (2 * np.pi) * _AZIMUTHS).astype(np.int64) % _AZIMUTHS
    sigma = refinement.control_points.uncertainty[used]
    weights = 1 / (np.where(np.isfinite(sigma), sigma, 0.1) ** 2 + refinement.scatter**2)
    total = np.bincount(index, weights, minlength=_AZIMUTHS)
    n = np.bincount(index, minlength=_AZIMUTHS)
    enough = n >= 5
    if not enough.any():
        return 0.0
    means = np.bincount(index, weights * refinement.residuals[used], minlength=_AZIMUTHS)[enough] / total[enough]
    return float(np.sqrt(max(float(np.mean(means**2 - 1 / total[enough])), 0.0)))


def _judge_rings(refinement: Refinement, evidence: Evidence, doubts: list[str], failures: list[str]) -> None:
    seen = np.unique(refinement.control_points.ring[refinement.used])
    expected = [ring for ring in evidence.predicted if ring <= seen.max()] if seen.size else []
    share = seen.size / max(len(expected), 1)
    text = f"rings not found: {seen.size} of {len(expected)} up to the last one seen; is it this calibrant?"
    if share < 0.2:
        failures.append(text)
    elif share < 0.6:
        doubts.append(text)
    if evidence.unexplained >= 2 and evidence.unexplained > 0.2 * seen.size:
        doubts.append(
            f"{evidence.unexplained} rings in the image are not of this calibrant, {seen.size} are: "
            "is it this calibrant, this wavelength? (Of a mixture, join the calibrants.)"
        )
    if evidence.other_wavelength is not None:
        change, error = evidence.other_wavelength
        if any(abs(change) > least and abs(change) > errors * error for least, errors in _OTHER_WAVELENGTH):
            doubts.append(
                f"a wavelength (or cell) different by {100 * change:+.2f} % explains the rings better: "
                "wrong calibrant or wavelength?"
            )


def _judge_parameters(refinement: Refinement, evidence: Evidence, doubts: list[str], failures: list[str]) -> None:
    text = f"{_UNCERTAIN}: two theta is known to {evidence.largest_error:.2g} pixel only, somewhere on the detector"
    limit = ERROR_SHARE * evidence.accuracy
    if not evidence.largest_error <= FAILED_ERRORS * evidence.accuracy:
        failures.append(text)
    elif not evidence.largest_error <= limit:
        doubts.append(f"{text} (standard error; {evidence.accuracy:g} pixel everywhere asks for {limit:.2g})")
    if evidence.other_tilt > limit:
        doubts.append(
            f"{_UNCERTAIN}: the opposite tilt explains the rings as well, with two theta different by "
            f"{evidence.other_tilt:.2g} pixel somewhere on the detector"
        )
    old, new = refinement.start, refinement.instrument
    pairs = [("dist", old.pose.dist, new.pose.dist), ("wavelength", old.wavelength, new.wavelength)]
    for name, before, after in pairs:
        if before and after and abs(after / before - 1) > 0.1:
            doubts.append(f"{name} changed by {100 * (after / before - 1):+.1f} %: too far for a recalibration")
    doubts.extend(f"{name} ended at its bound" for name in refinement.at_bound)
    doubts.extend(text for text in refinement.degenerate if not text.startswith("rot3"))
