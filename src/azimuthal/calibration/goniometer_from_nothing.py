# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A goniometer from images alone: one image from nothing, then every way in which an arm may swing from there.

A single image of a calibrant is calibrated without a geometry (:func:`azimuthal.calibration.calibrating.calibrated`);
of some images spread over the scan the first good one, or else the one that knows two theta best.  From its geometry
an arm is tried about both axes across the beam and in both directions (:meth:`Goniometer.arm`), turning by what its
motor says, in degrees; each is refined on all images, and the best result is returned, with its verdict.

Other models than one arm, and images of which none has rings enough to be calibrated alone, need a rough goniometer.
rot3 at the position of that one image is taken as 0 at first: a detector that is rolled by more than some degrees is
not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from azimuthal.calibration.calibrating import calibrated
from azimuthal.calibration.calibration import Calibration
from azimuthal.calibration.goniometer import Goniometer
from azimuthal.calibration.goniometer_calibration import FrameReport, GoniometerCalibration, calibrated_goniometer
from azimuthal.calibration.refinement import RingSource
from azimuthal.calibration.verdict import Judgement
from azimuthal.detectors import Detector
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument

__all__ = ["goniometer_from_nothing"]

_TRIED = 6  # images
_RANKS = ("good", "doubtful", "failed")
_WAYS: tuple[tuple[Literal[1, 2], Literal[1, -1]], ...] = ((1, 1), (1, -1), (2, 1), (2, -1))


def goniometer_from_nothing(
    images: Any, positions: Iterable[Any], detector: Detector, calibrant: RingSource, *, wavelength: float,
    motor: str = "tth", mask: Any = None, labels: Sequence[str] | None = None, **options: Any,
) -> GoniometerCalibration:  # fmt: skip
    """Return the goniometer of a detector on an arm, from images of a calibrant at several of its positions.

    Parameters
    ----------
    images, positions, calibrant, mask, labels:
        Of :func:`~azimuthal.calibration.goniometer_calibration.calibrated_goniometer`; the positions are degrees.
    detector:
        What the pixels are.
    wavelength:
        m.
    motor:
        Its name.
    **options:
        Of `calibrated_goniometer`.

    Returns
    -------
    :
        With a verdict; it failed where no image could be calibrated alone, and says so.

    Raises
    ------
    ParameterError
        Fewer than two different positions: nothing tells how the arm swings.
    """
    nowhere = Goniometer.arm(Instrument(detector, Pose(1.0), Beam(wavelength)), motor)
    where = [nowhere.position(one) for one in positions]
    if len(where) != len(images):
        raise ShapeError(f"positions: expected one for each of the {len(images)} images, got {len(where)}.")
    if len({one[motor] for one in where}) < 2:
        raise ParameterError(f"positions: expected at least two positions of {motor}, to see how it swings; got one.")
    names = [str(number) for number in range(len(where))] if labels is None else list(labels)
    accuracy = {name: options[name] for name in ("accuracy",) if name in options}
    single, place = None, where[0]
    for number in np.unique(np.linspace(0, len(where) - 1, _TRIED).astype(int)).tolist():
        image = np.asarray(images.read(number) if hasattr(images, "read") else images[number])
        found = calibrated(image, detector, calibrant, wavelength=wavelength, mask=mask, **accuracy)
        if found.verdict != "failed" and (single is None or found.largest_error < single.largest_error):
            single, place = found, where[number]
        if found.verdict == "good":
            break
    if single is None:
        return _nothing(nowhere, names, where, calibrant)
    best: GoniometerCalibration | None = None
    for model in _arms(single, motor, place[motor]):
        one = calibrated_goniometer(images, where, model, calibrant, mask=mask, labels=names, **options)
        best = one if best is None or _order(one) < _order(best) else best
        if best.verdict == "good":
            break
    assert best is not None  # there are ways
    return best


def _arms(single: Calibration, motor: str, at: float) -> Iterator[Goniometer]:
    for axis, direction in _WAYS:
        yield Goniometer.arm(single.instrument, motor, axis=axis, at=at, direction=direction)


def _order(found: GoniometerCalibration) -> tuple[int, int]:
    """Return what decides between ways, the smallest is the best: the verdict, then points in use."""
    used = 0 if found.refinement is None else int(found.refinement.used.sum())
    return _RANKS.index(found.verdict), -used


def _nothing(
    nowhere: Goniometer, names: Sequence[str], where: Sequence[Mapping[str, float]], calibrant: RingSource
) -> GoniometerCalibration:
    why = (
        f"no geometry: none of {min(len(where), _TRIED)} images has rings enough to be calibrated alone; give a rough "
        "goniometer: Goniometer.arm(a geometry, motor, at=its position), or 'azimuthal goniometer arm'"
    )
    nan = float("nan")
    frames = tuple(
        FrameReport(name, place, "not seen", 0, 0, (), nan, nan) for name, place in zip(names, where, strict=True)
    )
    return GoniometerCalibration(None, frames, nowhere, calibrant.name, Judgement("failed", (why,)), 0)
