# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``az.calibrate_goniometer``: a rough goniometer, images of a calibrant, and where the motors stood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from azimuthal._validate import unknown_name
from azimuthal.calibration import Goniometer, RingSettings, RingSource
from azimuthal.calibration.goniometer_calibration import GoniometerCalibration, calibrated_goniometer
from azimuthal.calibration.goniometer_from_nothing import goniometer_from_nothing
from azimuthal.crystallography import calibrant as find_calibrant
from azimuthal.detectors import Detector
from azimuthal.detectors import detector as find_detector
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.geometry import Beam, Pose
from azimuthal.instrument import Instrument
from azimuthal.io.frames import FrameSource, open_frames
from azimuthal.io.goniometer_files import load_goniometer
from azimuthal.io.motor_positions import positions_from_frames, positions_from_table
from azimuthal.typing import PathLike

__all__ = ["calibrate_goniometer", "motor_positions"]

_SETTINGS = ("search", "saturation", "max_rings", "max_sectors", "significance", "separation", "arc")


def calibrate_goniometer(
    images: Any, goniometer: Goniometer | PathLike | None, calibrant: RingSource | str, *, positions: Any = None,
    detector: Detector | str | None = None, motors: Mapping[str, str] | None = None, image_column: str | None = None,
    wavelength: float | None = None,
    fix: Iterable[str] = (), mask: Any = None, bounds: Mapping[str, tuple[float, float]] | None = None,
    settings: RingSettings | None = None, **options: Any,
) -> GoniometerCalibration:  # fmt: skip
    """Return a goniometer refined on many images of a calibrant, with its uncertainties and a verdict.

    Parameters
    ----------
    images:
        Anything that :func:`azimuthal.open_frames` takes: a pattern, a list of files, a stack, arrays.
    goniometer:
        Rough, or a file of one: rings should be within about 12 pixels of where it predicts them (30 are tried when
        that fails).  None: an arm is looked for from nothing, with `detector` and `wavelength`
        (:mod:`azimuthal.calibration.goniometer_from_nothing`).
    calibrant:
        Name in the catalogue, file, or a :class:`azimuthal.crystallography.Calibrant`.
    positions:
        Of the motors: one per image (a number where there is one motor, a mapping, or a sequence in the order of the
        motors); the name of a table (:mod:`azimuthal.io.motor_positions`); None: what the images tell themselves.
    detector:
        What the pixels are, where there is no rough goniometer; else the goniometer has one.
    motors:
        Motor -> its column in the table, or its name in the images, where that is another one.  Without a rough
        goniometer the motor's name is "tth", or the one that is given here.
    image_column:
        Column of the table that says which line belongs to which image.
    wavelength:
        m, instead of the goniometer's.
    fix, mask, bounds:
        Of :func:`azimuthal.calibration.calibrated_goniometer`.
    settings:
        How rings are followed; or single fields of it as options: `search`, `saturation`, `max_rings`, ...
    **options:
        Those, `loss` and `outliers`, and `accuracy`: what "good" promises of two theta, pixels.

    Returns
    -------
    :
        ``.verdict`` says whether to trust it, ``.goniometer.instrument(tth=12.5)`` is the geometry anywhere.

    Raises
    ------
    AzimuthalError
        Of its kind, naming what cannot be used, and the fix.  Bad images are no error but a verdict.

    Examples
    --------
    >>> import azimuthal as az
    >>> found = az.calibrate_goniometer("scan_*.cbf", "start.json", "LaB6", positions="positions.csv")  # doctest: +SKIP
    >>> found.goniometer.instrument(tth=12.5)  # doctest: +SKIP
    """
    model = _model(goniometer, detector, wavelength, motors)
    chosen = {key: options.pop(key) for key in _SETTINGS if key in options}
    settings = replace(settings or RingSettings(), **chosen)
    rings = find_calibrant(calibrant) if isinstance(calibrant, (str, Path)) else calibrant
    with nullcontext(images) if isinstance(images, FrameSource) else open_frames(images) as source:
        labels = [source.label(index) for index in range(len(source))]
        where = motor_positions(source, model, positions, motors=motors, image_column=image_column)
        if goniometer is None:
            return goniometer_from_nothing(
                source, where, model.detector, rings, wavelength=model.wavelength or 0.0, motor=model.motors[0],
                mask=mask, fix=fix, bounds=bounds, settings=settings, labels=labels, **options,
            )  # fmt: skip
        return calibrated_goniometer(
            source, where, model, rings,
            mask=mask, fix=fix, bounds=bounds, settings=settings, labels=labels, **options,
        )  # fmt: skip


def _model(
    goniometer: Any, detector: Detector | str | None, wavelength: float | None, motors: Mapping[str, str] | None
) -> Goniometer:
    """Return the rough goniometer; an arm at no place in particular where there is none."""
    if goniometer is None:
        if detector is None or wavelength is None:
            raise ParameterError(
                "goniometer: expected a rough one, or detector= and wavelength= to look for an arm from nothing. A "
                "rough one comes from the geometry of one image: az.Goniometer.arm(instrument, 'tth', at=0)."
            )
        if motors is not None and len(motors) != 1:
            raise ParameterError(f"motors: an arm from nothing has one motor, got {', '.join(motors) or 'none'}.")
        pixels = find_detector(detector) if isinstance(detector, str) else detector
        return Goniometer.arm(Instrument(pixels, Pose(1.0), Beam(wavelength)), next(iter(motors or {"tth": ""})))
    if detector is not None:
        raise ParameterError("detector: the goniometer has one already; leave it out.")
    if not isinstance(goniometer, (str, Path, Goniometer)):
        raise DataTypeError(f"goniometer: expected a Goniometer or a file, got {type(goniometer).__name__}.")
    model = goniometer if isinstance(goniometer, Goniometer) else load_goniometer(goniometer)
    return model if wavelength is None else model.replace(wavelength=wavelength)


def motor_positions(
    source: FrameSource, goniometer: Goniometer, positions: Any = None, *, motors: Mapping[str, str] | None = None,
    image_column: str | None = None,
) -> Sequence[Any]:  # fmt: skip
    """Return one position per frame, from wherever they are (:func:`calibrate_goniometer`)."""
    for name in motors or {}:
        if name not in goniometer.motors:
            raise unknown_name("motors", name, goniometer.motors)
    columns = {name: (motors or {}).get(name, name) for name in goniometer.motors}
    if positions is None:
        return positions_from_frames(source, columns)
    if isinstance(positions, (str, Path)):
        labels = [source.label(index) for index in range(len(source))]
        return positions_from_table(positions, columns, labels, image_column=image_column)
    return list(positions)
