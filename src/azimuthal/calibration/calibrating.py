# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""From an image to a calibration, without a geometry: ridges, candidates, refinement, verdict.

Every candidate of :func:`~azimuthal.calibration.first_geometry.first_geometries` that could be the one is recalibrated
on the image (:func:`~azimuthal.calibration.recalibration.recalibrated`), the most likely first.  It ends with a good
one, unless another candidate explains the ridges nearly as well: then that is tried too, and when both are good and
differ, the result is doubtful: two geometries explain the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from azimuthal.calibration._least_squares import Loss
from azimuthal.calibration.calibration import Calibration, Observed
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.first_geometry import Candidate, first_geometries
from azimuthal.calibration.recalibration import recalibrated
from azimuthal.calibration.refinement import DEFAULT_FIX, RingSource
from azimuthal.calibration.ridges import Ridges, RidgeSettings, find_ridges
from azimuthal.calibration.ring_points import RingPoints, RingSettings, usable_pixels
from azimuthal.calibration.verdict import Judgement
from azimuthal.detectors import Detector
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument

__all__ = ["calibrated"]

_TRIED = 4
_NEARLY = 6.0  # in the logarithm of how much better than chance
_RANKS = ("good", "doubtful", "failed")
_SAME = 0.5  # pixels

Step = Callable[[str], None]


def calibrated(
    image: Any, detector: Detector, calibrant: RingSource, *, wavelength: float, mask: Any = None,
    fix: Iterable[str] = DEFAULT_FIX, bounds: Mapping[str, tuple[float, float]] | None = None, loss: Loss = "soft_l1",
    outliers: float | None = 5.0, settings: RingSettings | None = None, ridge_settings: RidgeSettings | None = None,
    threads: int = 1, tell: Step | None = None,
) -> Calibration:  # fmt: skip
    """Return the geometry found on an image of a calibrant.

    Parameters
    ----------
    image:
        Raw values, shape of the detector.
    detector:
        What the pixels are; its orientation is believed.
    calibrant:
        d-spacings.
    wavelength:
        m.
    mask:
        True = excluded, in addition to gaps and invalid values.
    fix, bounds, loss, outliers:
        Of :func:`azimuthal.calibration.refine`.
    settings, ridge_settings:
        Of :func:`azimuthal.calibration.points_on_rings` and :func:`azimuthal.calibration.find_ridges`.
    threads:
        Of the compiled core.
    tell:
        Called with a sentence before every step.

    Returns
    -------
    :
        With a verdict; nothing is raised because an image is bad.
    """
    say = tell or (lambda text: None)
    nowhere, frame = Instrument(detector, Pose(1.0), Beam(wavelength)), np.asarray(image)
    usable = usable_pixels(frame, nowhere, mask)
    say("looking for ridges")
    ridges = find_ridges(frame, usable, settings=ridge_settings, threads=threads)
    say(f"{len(ridges)} points on ridges; looking for geometries that explain them")
    candidates = first_geometries(ridges, detector, calibrant, wavelength=wavelength)
    if not candidates:
        return replace(_nothing(nowhere, calibrant, ridges), observed=Observed(frame, usable, calibrant))
    tried: list[Calibration] = []
    for number, candidate in enumerate(candidates[:_TRIED]):
        if tried and not _worth(candidate, candidates[0], tried):
            break
        say(f"refining candidate {number + 1}: {candidate.why}")
        tried.append(
            recalibrated(
                frame, candidate.instrument, calibrant,
                mask=mask, fix=fix, bounds=bounds, loss=loss, outliers=outliers, settings=settings,
            )
        )  # fmt: skip
    best = min(tried, key=lambda found: _RANKS.index(found.verdict))
    return _unless_another(best, tried)


def _worth(candidate: Candidate, first: Candidate, tried: list[Calibration]) -> bool:
    """Whether a candidate should be tried after others."""
    if not any(found.judgement.settled for found in tried):
        return True
    return candidate.score > 0 and candidate.score > first.score - _NEARLY


def _unless_another(best: Calibration, tried: list[Calibration]) -> Calibration:
    """Return the best one, doubtful when another good one differs from it."""
    for other in tried:
        if other is best or best.verdict != "good" or other.verdict != "good":
            continue
        apart = _apart(best.instrument, other.instrument)
        if apart > _SAME:
            a, b = (one.instrument.pose.dist for one in (best, other))
            why = f"two geometries explain the rings: distances {1e3 * a:.5g} and {1e3 * b:.5g} mm; give a rough one"
            best = replace(best, judgement=Judgement("doubtful", (why, *best.reasons)))
    return best


def _apart(one: Instrument, other: Instrument) -> float:
    """Return how far two theta of two instruments is apart at most, pixels."""
    angles, pixel = [], 0.0
    n_slow, n_fast = one.detector.shape
    rows = np.unique(np.linspace(0, n_slow - 1, 16).astype(int)).tolist()
    columns = np.unique(np.linspace(0, n_fast - 1, 16).astype(int))
    for instrument in (one, other):
        parts = [instrument.detector.centers(slice(row, row + 1))[0, columns] for row in rows]
        t = instrument.pose.lab_from_detector(np.concatenate(parts))
        angles.append(np.arctan2(np.hypot(t[:, 0], t[:, 1]), t[:, 2]))
        pixel = float(np.sqrt(one.detector.pixel1 * one.detector.pixel2) / np.median(np.linalg.norm(t, axis=1)))
    return float(np.abs(angles[0] - angles[1]).max() / pixel)


def _nothing(nowhere: Instrument, calibrant: RingSource, ridges: Ridges) -> Calibration:
    """Return the calibration of an image on which there is nothing to go by."""
    if len(ridges) == 0:
        why = "no rings: nothing in the image looks like a piece of a ring"
    else:
        why = f"too little to go by: {len(ridges)} points on ridges, no geometry makes rings of them"
    points = RingPoints(ControlPoints.empty(), np.empty(0), (), ())
    return Calibration(None, points, nowhere, calibrant.name, None, Judgement("failed", (why,)), 0)
