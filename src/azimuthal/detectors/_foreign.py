# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The detector words of the PONI file: ``Detector`` and ``Detector_config``, both ways.

====================  ====================================================================================
key                   meaning
====================  ====================================================================================
pixel1, pixel2        pixel size of the image, m
orientation           1-4; 0 or absent is 3
max_shape             shape of the image; null when never told.  Cameras that combine pixels: unbinned shape
splineFile            Fit2D spline file
sensor                ``{"material": ..., "thickness": m}``
radius                of a cylindrical detector, m
module_size           pixels of a module; must be that of the catalogue
filename              detector file of ``NexusDetector``
====================  ====================================================================================

A pixel size other than the catalogue's selects a readout of the camera with that size, or else an integer
binning of equal pixels that divides the image.  Everything else that contradicts the catalogue is refused: a
changed pixel size is a different detector, and the file should say ``Detector: Detector``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from azimuthal._validate import unknown_name
from azimuthal.detectors._pixels import Cylindrical, RegularGrid, checked_shape
from azimuthal.detectors._records import catalogue_parent
from azimuthal.detectors._registry import PIXEL_TOLERANCE, Entry, detector, find_entry, folded
from azimuthal.detectors._spec import Detector, Sensor
from azimuthal.detectors.distortion import SplineGrid
from azimuthal.errors import ConversionError, DataTypeError, ParameterError
from azimuthal.typing import PathLike

_KEYS = (
    "pixel1", "pixel2", "orientation", "max_shape", "splineFile", "sensor", "radius", "module_size",
    "filename",
)  # fmt: skip
_FILE_DETECTOR = "NexusDetector"


def detector_from_pyfai(
    name: str | None,
    config: Mapping[str, Any] | None = None,
    *,
    shape: tuple[int, int] | None = None,
    load_file: Callable[[PathLike], Detector] | None = None,
) -> Detector:
    """Return the detector that a PONI file describes.

    Parameters
    ----------
    name:
        ``Detector`` of the file; None (a file of version 1 without it) is the generic one.
    config:
        ``Detector_config``; of a version 1 file ``pixel1``, ``pixel2`` and ``splineFile``.
    shape:
        Shape of the image, for files that do not tell it (``max_shape`` null or absent) of a generic
        detector.  It must agree with the file's own when there is one.
    load_file:
        Function that reads a detector file; needed for ``NexusDetector``, which is a file name.

    Raises
    ------
    UnknownNameError
        A detector or a key that is not known.
    ParameterError
        The shape is missing, or a value contradicts the catalogue.
    ConversionError
        A detector file is named and `load_file` is not given.
    """
    settings = {key: value for key, value in _checked_config(config).items() if value is not None}
    orientation = settings.pop("orientation", None)
    sensor = _sensor(settings.pop("sensor", None))
    if name is not None and folded(name) == folded(_FILE_DETECTOR):
        built = _from_file(settings, load_file)
    else:
        entry = find_entry("Detector" if name is None else name)
        built = _generic(entry, settings, shape) if entry.default is None else _named(entry, settings, shape)
    if shape is not None and built.shape != tuple(shape):
        raise ParameterError(f"shape: the file describes {built.name} with {built.shape} pixels, got {shape}.")
    if orientation is not None:  # of a detector file, its own orientation stands
        built = built.with_orientation(orientation)
    return built if sensor is None else built.with_sensor(sensor)


def pyfai_config(described: Detector) -> tuple[str, dict[str, Any]]:
    """Return ``Detector`` and ``Detector_config`` of a detector; see :meth:`Detector.pyfai_config`."""
    tail: dict[str, Any] = {"orientation": described.orientation}
    if described.sensor is not None:
        tail["sensor"] = asdict(described.sensor)
    if described.file is not None and described.is_whole:
        return _FILE_DETECTOR, {"filename": described.file, **tail}
    layout, parent = described.layout, catalogue_parent(described)
    name = "Detector" if parent is None else parent.name
    pixels: dict[str, Any] = {"pixel1": described.pixel1, "pixel2": described.pixel2}
    if isinstance(layout, SplineGrid):
        if layout.spline.file and described.is_whole and not _masked(described):
            return name, {"splineFile": layout.spline.file, **tail}
    elif parent is None or name == "Detector":
        if isinstance(layout, RegularGrid) and described.origin == (0, 0) and not _masked(described):
            return "Detector", {**pixels, "max_shape": list(described.shape), **tail}
    elif described.gaps == parent.gaps and (described.is_whole or described == _binned(parent, described)):
        if isinstance(layout, Cylindrical):
            pixels["radius"] = layout.radius
        return name, {**pixels, **tail}
    raise ConversionError(
        f"detector: a PONI file cannot describe this {described.name}: its layout, mask or region is not that of the "
        "catalogue. Save it with azimuthal.io.detector_files.save_detector(), load it again, and use that."
    )


def _masked(described: Detector) -> bool:
    return bool(described.gaps) or described.modules is not None


def _binned(parent: Detector, like: Detector) -> Detector | None:
    if not isinstance(parent.layout, RegularGrid) or not _divides(parent.shape, like.binning):
        return None
    return parent.with_binning(*like.binning).replace(orientation=like.orientation, sensor=like.sensor)


def _checked_config(config: Mapping[str, Any] | None) -> dict[str, Any]:
    settings = dict(config or {})
    for key in settings:
        if key not in _KEYS:
            raise unknown_name("Detector_config, key", key, _KEYS)
    return settings


def _sensor(record: Any) -> Sensor | None:
    if record is None:
        return None
    if not isinstance(record, Mapping) or set(record) != {"material", "thickness"}:
        raise ParameterError(f"Detector_config, sensor: expected material and thickness, got {record!r}.")
    if record["material"] is None or record["thickness"] is None:
        raise ParameterError(f"Detector_config, sensor: material or thickness (m) is missing in {record!r}.")
    return Sensor(record["material"], record["thickness"])


def _from_file(settings: Mapping[str, Any], load_file: Callable[[PathLike], Detector] | None) -> Detector:
    for key in settings:
        if key not in ("filename", "pixel1", "pixel2"):
            raise ParameterError(f"Detector_config, {key}: {_FILE_DETECTOR} takes its geometry from its file.")
    if "filename" not in settings:
        raise ParameterError(f"Detector_config, filename: {_FILE_DETECTOR} needs the name of its detector file.")
    if load_file is None:
        raise ConversionError(
            f"Detector: {_FILE_DETECTOR} is the file {settings['filename']!r}; pass "
            "load_file=azimuthal.io.detector_files.load_detector."
        )
    built = load_file(settings["filename"])
    for key in ("pixel1", "pixel2"):
        if key in settings and not _close((settings[key],), (getattr(built, key),)):
            raise ParameterError(
                f"Detector_config, {key}: {settings[key]} m, but the detector file has {getattr(built, key)} m."
            )
    return built


def _generic(entry: Entry, settings: dict[str, Any], shape: tuple[int, int] | None) -> Detector:
    """Return a detector that only the file's numbers describe."""
    for key in ("radius", "module_size", "filename"):
        if key in settings:
            raise ParameterError(f"Detector_config, {key}: has no meaning for the generic detector.")
    if settings.get("splineFile"):
        return _splined(entry, settings)
    told = settings.get("max_shape", shape)
    if told is None:
        raise ParameterError(
            "shape: the file does not tell the shape of the image (max_shape is null or absent). Pass "
            "shape=(rows, columns)."
        )
    for key in ("pixel1", "pixel2"):
        if key not in settings:
            raise ParameterError(f"Detector_config, {key}: a generic detector needs its pixel size in m.")
    return Detector(pixel1=settings["pixel1"], pixel2=settings["pixel2"], shape=checked_shape("max_shape", told))


def _splined(entry: Entry, settings: Mapping[str, Any]) -> Detector:
    # a spline file brings its own pixel size; what stands beside it is checked by detector()
    pixels = (settings["pixel1"], settings["pixel2"]) if {"pixel1", "pixel2"} <= set(settings) else None
    return detector(entry.name, spline=settings["splineFile"], pixel_size=pixels, shape=settings.get("max_shape"))


def _named(entry: Entry, settings: dict[str, Any], shape: tuple[int, int] | None) -> Detector:
    """Return a catalogue detector with the options of the file; contradictions are refused."""
    if "filename" in settings:
        raise ParameterError(f"Detector_config, filename: {entry.name} is described by the catalogue, not by a file.")
    if settings.get("splineFile"):
        return _splined(entry, settings)
    whole = detector(entry.name, radius=settings.get("radius"))
    told = [settings.get("pixel1", whole.pixel1), settings.get("pixel2", whole.pixel2)]
    as_known = _close(told, (whole.pixel1, whole.pixel2))
    if entry.readouts and not (as_known and shape in (None, whole.shape)):
        any_pixel = not {"pixel1", "pixel2"} & set(settings)
        whole = detector(entry.name, pixel_size=None if any_pixel else tuple(told), shape=shape)
    elif not as_known:
        whole = _combined(whole, told)
    _check_sizes(entry, whole, settings)
    return whole


def _combined(whole: Detector, told: Sequence[float]) -> Detector:
    """Return `whole` with equal pixels combined so that they have the size the file tells."""
    factors = round(told[0] / whole.pixel1), round(told[1] / whole.pixel2)
    exact = min(factors) >= 1 and _close(told, (whole.pixel1 * factors[0], whole.pixel2 * factors[1]))
    if exact and isinstance(whole.layout, RegularGrid) and _divides(whole.shape, factors):
        return whole.with_binning(*factors)
    raise ParameterError(
        f"Detector_config, pixel1, pixel2: {whole.name} has pixels of {whole.pixel1} x {whole.pixel2} m, the "
        f"file says {told[0]} x {told[1]} m. A detector with other pixels is the generic one: "
        "'Detector: Detector'."
    )


def _divides(shape: tuple[int, int], factors: tuple[int, int]) -> bool:
    return not any(size % factor for size, factor in zip(shape, factors, strict=True))


def _check_sizes(entry: Entry, built: Detector, settings: Mapping[str, Any]) -> None:
    if "max_shape" in settings:
        told = checked_shape("max_shape", settings["max_shape"])
        unbinned = tuple(entry.table.get("unbinned_shape", built.layout.shape))
        if told not in (built.shape, unbinned):
            raise ParameterError(
                f"Detector_config, max_shape: {entry.name} has {built.shape} pixels, the file says {told}."
            )
    if "module_size" in settings:
        told = checked_shape("module_size", settings["module_size"])
        known = None if built.modules is None else built.modules.size
        if told != known:
            raise ParameterError(
                f"Detector_config, module_size: {entry.name} has modules of {known or 'no known size'}, the "
                f"file says {told}."
            )


def _close(one: Sequence[float], other: Sequence[float]) -> bool:
    try:
        return all(math.isclose(a, b, rel_tol=PIXEL_TOLERANCE) for a, b in zip(one, other, strict=True))
    except TypeError:
        raise DataTypeError(f"Detector_config, pixel1, pixel2: expected two numbers in m, got {one!r}.") from None
