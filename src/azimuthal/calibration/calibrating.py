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
from azimuthal.calibration.curved_detectors import facing_geometries
from azimuthal.calibration.first_geometry import Candidate, preferred
from azimuthal.calibration.hints import Hint
from azimuthal.calibration.recalibration import recalibrated
from azimuthal.calibration.refinement import DEFAULT_FIX, Refinement, RingSource
from azimuthal.calibration.ridges import Ridges, RidgeSettings, find_ridges
from azimuthal.calibration.ring_points import RingPoints, RingSettings, usable_pixels
from azimuthal.calibration.spots import directed_spots
from azimuthal.calibration.verdict import ACCURACY, Judgement
from azimuthal.detectors import Detector
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument

__all__ = ["calibrated"]

_TRIED = 4
_NEARLY = 6.0  # in the logarithm of how much better than chance
_HOPELESS = 15.0
_WEAK = 12.0
_RANKS = ("good", "doubtful", "failed")
_SAME = 0.5  # pixels
_WAVELENGTH_KNOWN = 5e-4  # relative standard error

Step = Callable[[str], None]


def calibrated(
    image: Any, detector: Detector, calibrant: RingSource, *, wavelength: float | tuple[float, float],
    mask: Any = None, hint: Hint | None = None, distance: float | None = None, fix: Iterable[str] = DEFAULT_FIX,
    bounds: Mapping[str, tuple[float, float]] | None = None, loss: Loss = "soft_l1", outliers: float | None = 5.0,
    settings: RingSettings | None = None, ridge_settings: RidgeSettings | None = None, accuracy: float = ACCURACY,
    threads: int = 1, tell: Step | None = None,
) -> Calibration:  # fmt: skip
    """Return the geometry found on an image of a calibrant.

    Parameters
    ----------
    image:
        Raw values, shape of the detector.
    detector:
        What the pixels are; its orientation is believed: rings of a mirrored image look the same.
    calibrant:
        d-spacings.
    wavelength:
        m; or a range (low, high) to look for it in: it is then refined with the rest.
    mask:
        True = excluded, in addition to gaps and invalid values.
    hint:
        What is known roughly; what is found then has to agree with it, or is doubtful.
    distance:
        The same as ``Hint(distance=distance)``, m.
    fix, bounds, loss, outliers:
        Of :func:`azimuthal.calibration.refine`.
    settings, ridge_settings:
        Of :func:`azimuthal.calibration.points_on_rings` and :func:`azimuthal.calibration.find_ridges`.
    accuracy:
        Of :func:`azimuthal.calibration.recalibrated`.
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
    if hint is None and distance is not None:
        hint = Hint(distance=distance)
    first_wavelength = wavelength[0] if isinstance(wavelength, tuple) else wavelength
    nowhere, frame = Instrument(detector, Pose(1.0), Beam(first_wavelength)), np.asarray(image)
    fixed = (fix,) if isinstance(fix, str) else tuple(fix)
    if isinstance(wavelength, tuple):
        fixed = tuple(name for name in fixed if name != "wavelength")
    usable = usable_pixels(frame, nowhere, mask)
    say("looking for ridges")
    ridges = find_ridges(frame, usable, settings=ridge_settings, threads=threads)
    say(f"{len(ridges)} points on ridges; looking for geometries that explain them")
    candidates = facing_geometries(ridges, detector, calibrant, wavelength=wavelength, hint=hint)
    if not candidates or candidates[0].score < _WEAK:
        spots = directed_spots(ridges, frame, usable)
        candidates += facing_geometries(spots, detector, calibrant, wavelength=wavelength, hint=hint)
        if not isinstance(wavelength, tuple) and not any(candidate.score >= _WEAK for candidate in candidates):
            candidates += facing_geometries(ridges, detector, calibrant, wavelength=wavelength, hint=hint, wide=True)
        candidates = preferred(candidates, hint, calibrant)
    observed = Observed(frame, usable, calibrant)
    if not candidates:
        return _nothing(nowhere, ridges, observed)
    tried: list[Calibration] = []
    for number, candidate in enumerate(candidates[:_TRIED]):
        if tried and not _worth(candidate, candidates[0], tried):
            break
        say(f"refining candidate {number + 1}: {candidate.why}")
        tried.append(
            recalibrated(
                frame, candidate.instrument, calibrant, mask=mask, fix=fixed, bounds=bounds, loss=loss,
                outliers=outliers, settings=settings, accuracy=accuracy,
            )
        )  # fmt: skip
    best = min(tried, key=lambda found: _rank(found, hint, calibrant))
    return _doubted(best, tried, hint, observed)


def _worth(candidate: Candidate, first: Candidate, tried: list[Calibration]) -> bool:
    """Whether a candidate should be tried after others."""
    if not any(found.judgement.settled for found in tried):
        return candidate.score > first.score - _HOPELESS
    return candidate.score > 0 and candidate.score > first.score - _NEARLY


def _rank(found: Calibration, hint: Hint | None, calibrant: RingSource) -> tuple[bool, int, float, int]:
    """Return what decides between calibrations, the smallest is the best: hint, verdict, rings that are missing.

    Uncertain is as good as good until the rings have been asked: of two geometries at a distance of one to two, that
    one is right that explains why every other ring is not there.
    """
    rank, nothing = _RANKS.index(found.verdict), found.refinement is None
    against = nothing or (hint is not None and bool(hint.contradictions(found.instrument, calibrant)))
    return against, 0 if found.judgement.settled else rank, _missing(found), rank


def _missing(found: Calibration) -> float:
    """Return the share of rings up to the last one seen that are missing, to a tenth."""
    seen = found.ring_points.found
    expected = [ring for ring in found.ring_points.predicted if ring <= max(seen, default=-1)]
    return round(1 - len(seen) / max(len(expected), 1), 1)


def _doubted(best: Calibration, tried: list[Calibration], hint: Hint | None, observed: Observed) -> Calibration:
    """Return the best one with what speaks against it: another one that is as good, a hint, the wavelength."""
    if best.refinement is None or best.verdict == "failed":
        return best
    doubts = []
    for other in tried:
        agrees = hint is None or not hint.contradictions(other.start, observed.calibrant)
        if other is best or other.refinement is None or not other.judgement.settled or not agrees:
            continue
        if _apart(best.instrument, other.instrument) > _SAME:
            a, b = (one.instrument.pose.dist for one in (best, other))
            doubts.append(
                f"two geometries explain the rings: distances {1e3 * a:.5g} and {1e3 * b:.5g} mm; tell a rough one"
            )
    if hint is not None:
        doubts += [
            f"found is another geometry than was told: {text}"
            for text in hint.contradictions(best.instrument, observed.calibrant)
        ]
    if "wavelength" in best.refinement.free:
        doubts += _wavelength_doubts(best.refinement)
    if not doubts:
        return best
    return replace(best, judgement=Judgement("doubtful", (*doubts, *best.reasons)))


def _wavelength_doubts(refinement: Refinement) -> list[str]:
    """Return what to say of a wavelength that the distance goes with, as it does at small angles."""
    share = refinement.standard_errors["wavelength"] / refinement.values["wavelength"]
    if share < _WAVELENGTH_KNOWN:
        return []
    known = f"known to {100 * share:.2g} % each"
    return [f"wavelength and distance are hardly told apart by these rings: {known}; measure one of them"]


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


def _nothing(nowhere: Instrument, ridges: Ridges, observed: Observed) -> Calibration:
    """Return the calibration of an image on which there is nothing to go by."""
    if len(ridges) == 0:
        why = "no rings: nothing in the image looks like a piece of a ring"
    else:
        why = f"too little to go by: {len(ridges)} points on ridges, no geometry makes rings of them"
    points = RingPoints(ControlPoints.empty(), np.empty(0), (), ())
    judgement = Judgement("failed", (why,))
    return Calibration(None, points, nowhere, observed.calibrant.name, None, judgement, 0, observed=observed)
