# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``az.calibrate``: an image of a calibrant, and no geometry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from azimuthal._validate import interval
from azimuthal.calibration import Calibration, ControlPoints, RingSettings, RingSource
from azimuthal.calibration.calibrating import calibrated
from azimuthal.calibration.hints import ROUGHLY, Hint
from azimuthal.crystallography import calibrant as find_calibrant
from azimuthal.detectors import Detector
from azimuthal.detectors import detector as find_detector
from azimuthal.errors import ParameterError, WavelengthMissingError
from azimuthal.geometry import Beam
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.io.geometry_files import load_instrument
from azimuthal.pipelines.recalibration import image_and_name
from azimuthal.pipelines.told_settings import files_read, name_of, told_settings
from azimuthal.typing import AnyArray, FloatArray, PathLike

__all__ = ["calibrate"]

_SETTINGS = ("search", "saturation", "max_rings", "max_sectors", "significance", "separation", "arc")


def calibrate(
    image: AnyArray | PathLike, *, detector: Detector | str, calibrant: RingSource | str,
    wavelength: float | tuple[float, float] | None = None, energy: float | tuple[float, float] | None = None,
    orientation: int | None = None, mask: Any = None, distance: float | None = None, tolerance: float = ROUGHLY,
    centre: tuple[float, float] | None = None, geometry: Instrument | Integrator | PathLike | None = None,
    points: ControlPoints | FloatArray | None = None, fix: Iterable[str] = ("rot3", "wavelength"),
    bounds: Mapping[str, tuple[float, float]] | None = None, settings: RingSettings | None = None, **options: Any,
) -> Calibration:  # fmt: skip
    """Return the geometry found on an image of a calibrant, from nothing, with its uncertainties and a verdict.

    Parameters
    ----------
    image:
        Raw values, shape of the detector; or a file with one frame.
    detector:
        Name in the catalogue, or a detector.
    calibrant:
        Name in the catalogue, file, or a :class:`azimuthal.crystallography.Calibrant`.
    wavelength, energy:
        m or keV, one of them; or a range (low, high) to look in: the wavelength is then refined with the rest.
    orientation:
        1 to 4, instead of the detector's.  A mirrored image has the same rings: nothing here can find it out.
    mask:
        True = excluded, in addition to gaps and invalid values.
    distance, tolerance:
        m, when it is known roughly, and the share by which it may be off.
    centre:
        Where the beam meets the detector, pixels (slow, fast) from the outer edge of the image, roughly.
    geometry:
        A rough one: an instrument, an integrator or a file.
    points:
        Picked points: with ring numbers, or places alone (n, 2).
    fix, bounds:
        Of :func:`azimuthal.calibration.refine`.
    settings:
        How rings are followed in the end; or single fields of it as options: `search`, `saturation`, ...
    **options:
        Those, and others of :func:`azimuthal.calibration.calibrating.calibrated`: `loss`, `outliers`, `accuracy`,
        `ridge_settings`, `threads`, `tell`.

    Returns
    -------
    :
        See :class:`azimuthal.calibration.Calibration`; ``.verdict`` says whether to trust it.  What was told roughly
        narrows the search and is verified: a result that disagrees is doubtful and says so.

    Raises
    ------
    ShapeError, DataTypeError, ParameterError, UnknownNameError, WavelengthMissingError
        Naming what cannot be used, and the fix.  A bad image is no error but a verdict.

    Examples
    --------
    >>> import azimuthal as az
    >>> found = az.calibrate(image, detector="Eiger2_4M", calibrant="CeO2", energy=40.0)  # doctest: +SKIP
    >>> found.verdict  # doctest: +SKIP
    'good'
    """
    frame, name = image_and_name(image)
    pixels = find_detector(detector) if isinstance(detector, str) else detector
    if orientation is not None:
        pixels = pixels.with_orientation(orientation)
    rings = find_calibrant(calibrant) if isinstance(calibrant, (str, Path)) else calibrant
    rough = _rough(geometry, frame.shape)
    chosen = {key: options.pop(key) for key in _SETTINGS if key in options}
    hint = None
    if any(one is not None for one in (distance, centre, rough, points)):
        hint = Hint(distance=distance, tolerance=tolerance, centre=centre, instrument=rough, points=points)
    settings, known = replace(settings or RingSettings(), **chosen), _wavelength(wavelength, energy)
    found = calibrated(
        frame, pixels, rings, wavelength=known, mask=mask, hint=hint, fix=fix, bounds=bounds, settings=settings,
        **options,
    )  # fmt: skip
    told = told_settings(
        f"scratch ({pixels.name})", settings, bounds=bounds, wavelength=known, hints=_hints(hint, geometry),
        **{name: value for name, value in options.items() if name in ("loss", "outliers", "accuracy")},
    )  # fmt: skip
    return replace(found, image=name, inputs=files_read(image=image, geometry=geometry), settings=told)


def _hints(hint: Hint | None, geometry: Any) -> dict[str, str | None]:
    """Return in words what was told roughly."""
    if hint is None:
        return {}
    return {
        "distance told": None if hint.distance is None else f"{hint.distance:g} m within {100 * hint.tolerance:g} %",
        "centre told": None if hint.centre is None else "{:g}, {:g} pixels".format(*hint.centre),
        "geometry told": name_of(geometry),
        "points told": None if hint.points is None else f"{len(hint.points)} points",
    }


def _wavelength(
    wavelength: float | tuple[float, float] | None, energy: float | tuple[float, float] | None
) -> float | tuple[float, float]:
    """Return the wavelength or its range, m."""
    if (wavelength is None) == (energy is None):
        if wavelength is not None:
            raise ParameterError("wavelength, energy: two views of one value; give one of them.")
        raise WavelengthMissingError(
            "wavelength: a calibration needs it. Give wavelength= in m or energy= in keV; where it is not known, a "
            "range such as energy=(20, 40)."
        )
    if isinstance(energy, (tuple, list)):
        low, high = interval("energy", energy, unit="keV")
        return tuple(float(Beam.from_energy(one).wavelength or 0) for one in (high, low))  # type: ignore[return-value]
    if energy is not None:
        return float(Beam.from_energy(energy).wavelength or 0)
    if isinstance(wavelength, (tuple, list)):
        low, high = interval("wavelength", wavelength, unit="m")
        return Beam(low).wavelength or 0, Beam(high).wavelength or 0
    return Beam(wavelength).wavelength or 0


def _rough(geometry: Any, shape: tuple[int, ...]) -> Instrument | None:
    if geometry is None or isinstance(geometry, Instrument):
        return geometry
    if isinstance(geometry, Integrator):
        return geometry.instrument
    return load_instrument(geometry, shape=shape if len(shape) == 2 else None)
