# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``az.recalibrate``: a rough geometry, an image of a calibrant, and what the rings say about both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.calibration import Calibration, RingSettings, RingSource, recalibrated
from azimuthal.crystallography import calibrant as find_calibrant
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.io.frames import open_frames
from azimuthal.io.geometry_files import load_instrument
from azimuthal.pipelines.told_settings import files_read, name_of, told_settings
from azimuthal.typing import AnyArray, PathLike

__all__ = ["image_and_name", "recalibrate"]

_SETTINGS = ("search", "saturation", "max_rings", "max_sectors", "significance", "separation", "arc")


def recalibrate(
    image: AnyArray | PathLike, geometry: Instrument | Integrator | PathLike, calibrant: RingSource | str, *,
    fix: Iterable[str] = ("rot3", "wavelength"), mask: Any = None,
    bounds: Mapping[str, tuple[float, float]] | None = None, wavelength: float | None = None,
    settings: RingSettings | None = None, **options: Any,
) -> Calibration:  # fmt: skip
    """Return a geometry refined on an image of a calibrant, with its uncertainties and a verdict.

    Parameters
    ----------
    image:
        Raw values, shape of the detector; or a file with one frame.
    geometry:
        Rough geometry: an instrument, an integrator or a geometry file.  Rings should be within about 12 pixels of
        where it predicts them (30 are tried when that fails).
    calibrant:
        Name in the catalogue, file, or a :class:`azimuthal.crystallography.Calibrant`.
    fix:
        Parameters that are not refined, of dist, poni1, poni2, rot1, rot2, rot3, wavelength.  Rings never tell rot3;
        the wavelength is hard to tell from the distance.
    mask:
        True = excluded, in addition to gaps and invalid values.
    bounds:
        Parameter -> (low, high), m and rad.
    wavelength:
        m, instead of the geometry's.
    settings:
        How rings are followed; or single fields of it as options: `search`, `saturation`, `max_rings`, ...
    **options:
        Those, `loss` and `outliers` of :func:`azimuthal.calibration.refine`, and `accuracy`: what "good" promises, two
        theta within so many pixels everywhere on the detector (0.1).

    Returns
    -------
    :
        See :class:`azimuthal.calibration.Calibration`; ``.verdict`` says whether to trust it.

    Raises
    ------
    ShapeError, DataTypeError, ParameterError, UnknownNameError, WavelengthMissingError
        Naming what cannot be used, and the fix.  A bad image is no error but a verdict.

    Examples
    --------
    >>> import azimuthal as az
    >>> found = az.recalibrate(image, "start.poni", "CeO2")  # doctest: +SKIP
    >>> found.verdict  # doctest: +SKIP
    'good'
    """
    frame, name = image_and_name(image)
    instrument = _instrument(geometry, frame.shape)
    if wavelength is not None:
        instrument = instrument.replace(beam=type(instrument.beam)(wavelength))
    chosen = {key: options.pop(key) for key in _SETTINGS if key in options}
    settings = replace(settings or RingSettings(), **chosen)
    rings = find_calibrant(calibrant) if isinstance(calibrant, (str, Path)) else calibrant
    found = recalibrated(frame, instrument, rings, mask=mask, fix=fix, bounds=bounds, settings=settings, **options)
    told = told_settings(name_of(geometry) or "", settings, bounds=bounds, **options)
    return replace(found, image=name, inputs=files_read(image=image, geometry=geometry), settings=told)


def image_and_name(image: Any) -> tuple[AnyArray, str | None]:
    """Return the frame and the name of its file."""
    if not isinstance(image, (str, Path)):
        return np.asarray(image), None
    with open_frames(image) as frames:
        if len(frames) != 1:
            raise ParameterError(
                f"image {image}: expected one frame, got {len(frames)}. Average them first (az.average), or pass one."
            )
        return np.array(frames.read(0)), str(image)


def _instrument(geometry: Any, shape: tuple[int, ...]) -> Instrument:
    if isinstance(geometry, Instrument):
        return geometry
    if isinstance(geometry, Integrator):
        return geometry.instrument
    if isinstance(geometry, (str, Path)):
        return load_instrument(geometry, shape=shape if len(shape) == 2 else None)
    raise DataTypeError(f"geometry: expected an Instrument, an Integrator or a file, got {type(geometry).__name__}.")
