# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Geometry files of every format that we know, as one :class:`~azimuthal.instrument.Instrument`.

=============  =================================  ==========================================================
format         recognised by                      what it lacks
=============  =================================  ==========================================================
``poni``       ``.poni``, or its keys             versions 1 and 2 may lack the number of pixels
``gsas2``      ``.imctrl``                        number and size of pixels
``xds``        ``XDS.INP``, ``XPARM.XDS``, keys   names of detectors
``fit2d``      ``.fit2d``                         number of pixels; a turn about the beam
``imaged11``   ``.par``                           number of pixels
``spd``        ``.edf`` (header keys)             orientation
``crystfel``   ``.geom``                          names of detectors
``cxi``        ``.cxi``                           number of pixels, where there is no image
``nexus``      ``.nxs``, ``.h5``, ``.hdf5``       nothing
=============  =================================  ==========================================================

The extension decides; without a known one the content does.  What a file lacks is asked for, never guessed:
pass ``detector=`` (a name of the catalogue, or a :class:`~azimuthal.detectors.Detector`) or ``shape=``.

The formats other than PONI and NeXus know a grid of equal pixels.  Detectors whose modules are apart or whose
pixels are distorted keep the place of their first image pixel; that the rest is left behind is said by a
:class:`~azimuthal.errors.ConversionLossWarning`, and detectors that are not flat are refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal._validate import one_of, unknown_name
from azimuthal.detectors import CornerArray, Detector, GivenMask, detector_from_pyfai
from azimuthal.errors import (
    ConversionError,
    DataTypeError,
    FileFormatError,
    FileMissingError,
    GeometryFileWarning,
    ParameterError,
    UnknownNameError,
    UnsupportedOptionError,
)
from azimuthal.geometry import Beam
from azimuthal.geometry.conventions import crystfel, fit2d, gsas2, imaged11, poni, spd, xds
from azimuthal.geometry.parallax import ParallaxSettings
from azimuthal.instrument import Instrument
from azimuthal.io.detector_files import load_detector
from azimuthal.io.geometry_hdf5 import load_cxi, load_nexus, save_cxi, save_nexus
from azimuthal.io.hdf5 import HDF5_SIGNATURE
from azimuthal.io.named_errors import errors_naming
from azimuthal.io.pixel_grids import (
    Given,
    as_detector,
    as_grid,
    as_shape,
    beam_from_angstrom,
    grid_detector,
    mirrored_pose,
    on_detector,
    require_agreement,
    warn_lost_parallax,
)
from azimuthal.typing import PathLike

__all__ = ["geometry_formats", "load_instrument", "read_poni", "save_instrument"]

_SUFFIXES = {
    ".poni": "poni",
    ".imctrl": "gsas2",
    ".inp": "xds",
    ".xds": "xds",
    ".fit2d": "fit2d",
    ".par": "imaged11",
    ".edf": "spd",
    ".geom": "crystfel",
    ".cxi": "cxi",
    ".nxs": "nexus",
    ".h5": "nexus",
    ".hdf5": "nexus",
}
_CONTENT = (
    ("poni", re.compile(r"^\s*poni1\s*:", re.IGNORECASE | re.MULTILINE)),
    ("xds", re.compile(r"^\s*XPARM\.XDS|\bORGX\s*=")),
    ("gsas2", re.compile(r"^center\s*:", re.MULTILINE)),
    ("imaged11", re.compile(r"^y_center\s", re.MULTILINE)),
    ("crystfel", re.compile(r"^\S+/(min_fs|corner_x)\s*=", re.MULTILINE)),
)


def load_instrument(
    path: PathLike,
    *,
    detector: Detector | str | None = None,
    shape: tuple[int, int] | None = None,
    format: str | None = None,
) -> Instrument:
    """Read detector, pose and beam from a geometry file.

    Parameters
    ----------
    path:
        The file; formats in the module docstring.
    detector:
        A detector, or its name in the catalogue, to be used instead of the one in the file; needed by formats
        that do not describe one.  Pixel size and shape must not contradict the file.
    shape:
        Number of pixels (slow, fast), for files that give the pixel size only.
    format:
        Name of the format, when the extension does not say it.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, is of no known format, or is malformed: file, line, key and value are named.
    ParameterError, ShapeError
        `detector` or `shape` contradict the file.
    ConversionError
        The file describes what an instrument cannot hold.

    Warns
    -----
    GeometryFileWarning, ConversionLossWarning
        Something in the file is not used, or has a meaning that needs a look; by name.

    Examples
    --------
    >>> load_instrument("geometry.poni").beam_center  # doctest: +SKIP
    BeamCenter(slow=487.2, fast=465.0)
    """
    path = Path(path)
    given = Given(as_detector(detector), as_shape(shape))
    name = _format_of(path) if format is None else one_of("format", format, tuple(_LOADERS))
    with errors_naming(path):
        return _LOADERS[name](path, given)


def parse_instrument(
    text: str, *, source: str, detector: Detector | str | None = None, shape: tuple[int, int] | None = None
) -> Instrument:
    """Return the instrument that the text of a PONI file describes; as `load_instrument`.

    Parameters
    ----------
    text:
        The whole text.
    source:
        What messages call it.
    detector, shape:
        As of `load_instrument`.
    """
    return _of_record(poni.parse_poni(text, source=source), Path(source), Given(as_detector(detector), as_shape(shape)))


def save_instrument(instrument: Instrument, path: PathLike, format: str | None = None, *, force: bool = False) -> None:
    """Write an instrument to a geometry file; the file appears complete or not at all.

    Parameters
    ----------
    instrument:
        To be written.
    path:
        The file; its extension gives the format.
    format:
        Name of the format, when the extension does not say it.
    force:
        Overwrite an existing file.  Nothing is ever appended.

    Raises
    ------
    OutputExistsError
        The file exists and `force` is False.
    ConversionError
        The format cannot hold this instrument.

    Warns
    -----
    ConversionLossWarning
        What the format has no place for is named.
    """
    path = Path(path)
    if not isinstance(instrument, Instrument):
        raise DataTypeError(f"instrument: expected an Instrument, got {type(instrument).__name__}.")
    name = _SUFFIXES.get(path.suffix.lower()) if format is None else one_of("format", format, tuple(_SAVERS))
    if name is None:
        raise unknown_name("extension", path.suffix, _SUFFIXES, hint="Or pass format=...")
    if name not in _SAVERS:
        raise UnsupportedOptionError(
            f"format: {name!r} is read only: its geometry lives in the header of an image. Use "
            "azimuthal.geometry.conventions.spd.format_spd for the header values."
        )
    _SAVERS[name](instrument, path, force)


def read_poni(path: PathLike) -> poni.PoniRecord:
    """Read a PONI file as it is written, with its comments, calibrant and image.

    Use :func:`azimuthal.geometry.conventions.poni.describe_history` to say what its orientation can mean.
    """
    return poni.parse_poni(_text(Path(path)), source=str(path))


# ---- reading -----------------------------------------------------------------------------------------------


def _load_poni(path: Path, given: Given) -> Instrument:
    return _of_record(read_poni(path), path, given)


def _of_record(record: poni.PoniRecord, path: Path, given: Given) -> Instrument:
    detector = _poni_detector(record, path, given)
    return Instrument(detector, record.pose, Beam(record.wavelength), ParallaxSettings() if record.parallax else None)


def _poni_detector(record: poni.PoniRecord, path: Path, given: Given) -> Detector:
    """Return the detector that the caller gave, or the one in the file."""
    config = dict(record.detector_config or {})
    for key, value in (("pixel1", record.pixel1), ("pixel2", record.pixel2), ("splineFile", record.spline)):
        if value is not None:
            config.setdefault(key, value)
    pixels = (config.get("pixel1"), config.get("pixel2"))
    if given.detector is None:
        return _described_detector(record.detector_name, config, path, given)
    require_agreement(path, given.detector, pixels, given.shape)
    if record.orientation not in (None, given.detector.orientation):
        warnings.warn(
            f"{path}: orientation {record.orientation} of the file is replaced by that of the detector that "
            f"was passed, {given.detector.orientation}.",
            GeometryFileWarning,
            stacklevel=4,
        )
    return given.detector


def _described_detector(name: str | None, config: dict[str, Any], path: Path, given: Given) -> Detector:
    """Return the detector that a PONI file describes; errors name the file."""
    if name is not None and Path(name).suffix.lower() in (".h5", ".hdf5", ".nxs"):
        name, config = "NexusDetector", {**config, "filename": name}
    pixels = (config.get("pixel1"), config.get("pixel2"))
    for key in ("filename", "splineFile"):
        if config.get(key):
            config[key] = _beside(path, config[key])
    try:
        if name == "NexusDetector":
            detector = _file_detector(config, given)
        else:
            detector = detector_from_pyfai(name, config, shape=given.shape)
    except (ParameterError, ConversionError, UnknownNameError, DataTypeError) as error:
        raise type(error)(f"{path}: {error}") from None
    require_agreement(path, detector, pixels, given.shape)
    return detector


def _file_detector(config: dict[str, Any], given: Given) -> Detector:
    """Return the detector of a detector file; pyFAI repeats beside the file's name what that file says."""
    if not config.get("filename"):
        raise ParameterError("Detector_config, filename: NexusDetector needs the name of its detector file.")
    detector = load_detector(config["filename"])
    kept = {"filename": config["filename"], "orientation": detector.orientation}
    kept.update({key: config[key] for key in ("orientation", "sensor") if key in config})
    return detector_from_pyfai("NexusDetector", kept, shape=given.shape, load_file=lambda _: detector)


def _beside(path: Path, name: str) -> str:
    """Return a file that another file names: beside the latter when it is there, else as named."""
    neighbour = path.parent / name
    return str(neighbour) if neighbour.exists() else name


def _load_gsas2(path: Path, given: Given) -> Instrument:
    controls = gsas2.parse_imctrl(_text(path), source=str(path))
    size = controls.pixel_size
    pixels = None if size is None else (size[1] * 1e-6, size[0] * 1e-6)
    detector = grid_detector(path, given, pixels, None if controls.size is None else controls.size[::-1])
    pose = on_detector(gsas2.pose_from_imctrl(controls), detector, orientation=3)
    return Instrument(detector, pose, beam_from_angstrom(controls.wavelength))


def _load_xds(path: Path, given: Given) -> Instrument:
    geometry = xds.parse_xds(_text(path), source=str(path))
    detector = grid_detector(path, given, (geometry.qy * 1e-3, geometry.qx * 1e-3), (geometry.ny, geometry.nx))
    pose, orientation = xds.pose_from_xds(geometry)
    detector = detector.with_orientation(orientation)
    return Instrument(detector, on_detector(pose, detector), beam_from_angstrom(geometry.wavelength))


def _load_fit2d(path: Path, given: Given) -> Instrument:
    record = fit2d.parse_fit2d(_text(path), source=str(path))
    detector = grid_detector(path, given, (record.pixel1, record.pixel2), None)
    pose, wavelength = fit2d.pose_from_fit2d(record, orientation=detector.orientation, shape=detector.shape)
    return Instrument(detector, on_detector(pose, detector), Beam(wavelength))


def _load_imaged11(path: Path, given: Given) -> Instrument:
    record = imaged11.parse_imaged11(_text(path), source=str(path))
    detector = grid_detector(path, given, (record.z_size * 1e-6, record.y_size * 1e-6), None)
    pose, wavelength, orientation = imaged11.pose_from_imaged11(record, shape=detector.shape)
    detector = detector.with_orientation(orientation)
    return Instrument(detector, on_detector(pose, detector), Beam(wavelength))


def _load_spd(path: Path, given: Given) -> Instrument:
    header = _edf_header(path)
    record = spd.parse_spd(header, source=str(path))
    sizes = {key.lower(): value for key, value in header.items() if key.lower() in ("dim_1", "dim_2")}
    written = None if len(sizes) < 2 else [_count(path, key, sizes[key]) for key in ("dim_2", "dim_1")]
    detector = grid_detector(path, given, (record.pixel1, record.pixel2), written)
    pose, wavelength = spd.pose_from_spd(record)
    return Instrument(detector, on_detector(pose, detector, orientation=3), Beam(wavelength))


def _load_crystfel(path: Path, given: Given) -> Instrument:
    record = crystfel.parse_crystfel(_text(path), source=str(path))
    if len(record.panels) == 1 and not (record.panels[0].min_fs or record.panels[0].min_ss):
        panel = record.panels[0]
        pixels = tuple(float(np.linalg.norm(vector)) for vector in panel.vectors[1:])
        detector = grid_detector(path, given, (pixels[0], pixels[1]), panel.shape)
        pose, wavelength, orientation = crystfel.pose_from_crystfel(record)
        detector = detector.with_orientation(orientation)
        return Instrument(detector, on_detector(pose, detector), Beam(wavelength))
    found = crystfel.pixels_from_crystfel(record)
    if given.detector is not None:
        raise ParameterError(
            f"detector: {path} holds {len(record.panels)} panels with a place for every pixel, which would "
            "be replaced by the detector that was passed. Leave detector out."
        )
    size = record.panels[0].pixel_size
    detector = Detector(
        pixel1=size,
        pixel2=size,
        shape=record.shape,
        name=path.stem,
        layout=CornerArray(np.nan_to_num(found.corners)),
        gaps=(GivenMask(found.mask),),
    )
    return Instrument(detector, found.pose, Beam(found.wavelength))


# ---- writing -----------------------------------------------------------------------------------------------


def save_poni(
    instrument: Instrument, path: PathLike, *, comments: tuple[str, ...] = (), calibrant: str | None = None,
    image: str | None = None, force: bool = False,
) -> None:  # fmt: skip
    """Write a PONI file with comments, and with what the geometry was refined with; else as :func:`save_instrument`."""
    name, config = instrument.detector.pyfai_config()
    record = poni.PoniRecord(
        pose=instrument.pose,
        version=3.0 if instrument.parallax else 2.1,
        wavelength=instrument.wavelength,
        detector_name=name,
        detector_config={"orientation": instrument.detector.orientation, **config},
        parallax=instrument.parallax is not None,
        comments=comments,
        calibrant=calibrant,
        image=image,
    )
    write_text(path, [poni.format_poni(record)], force=force)


def _save_poni(instrument: Instrument, path: Path, force: bool) -> None:
    save_poni(instrument, path, force=force)


def _save_gsas2(instrument: Instrument, path: Path, force: bool) -> None:
    grid = as_grid(instrument, "GSAS-II")
    controls = gsas2.imctrl_from_pose(
        mirrored_pose(grid, "GSAS-II"),
        wavelength=instrument.wavelength,
        pixel1=grid.pixel1,
        pixel2=grid.pixel2,
        shape=grid.shape,
    )
    write_text(path, [gsas2.format_imctrl(controls)], force=force)


def _save_xds(instrument: Instrument, path: Path, force: bool) -> None:
    geometry = xds.xds_from_pose(**as_grid(instrument, "XDS")._asdict(), wavelength=instrument.wavelength)
    sensor = instrument.detector.sensor
    if sensor is not None:
        geometry = replace(geometry, sensor_thickness=sensor.thickness * 1e3)
    write_text(path, [xds.format_xds(geometry)], force=force)


def _save_fit2d(instrument: Instrument, path: Path, force: bool) -> None:
    record = fit2d.fit2d_from_pose(**as_grid(instrument, "Fit2D")._asdict(), wavelength=instrument.wavelength)
    write_text(path, [fit2d.format_fit2d(record)], force=force)


def _save_imaged11(instrument: Instrument, path: Path, force: bool) -> None:
    grid = as_grid(instrument, "ImageD11")
    record = imaged11.imaged11_from_pose(**grid._asdict(), wavelength=instrument.wavelength)
    write_text(path, [imaged11.format_imaged11(record)], force=force)


def _save_crystfel(instrument: Instrument, path: Path, force: bool) -> None:
    edges = instrument.detector.separable_edges()
    if edges is None:
        raise ConversionError(
            f"CrystFEL: the pixels of {instrument.detector.name} are not rectangles in rows and columns. "
            "Save the instrument as NeXus (.nxs)."
        )
    warn_lost_parallax(instrument, "CrystFEL")
    gaps = instrument.detector.gap_mask()
    record = crystfel.crystfel_from_edges(
        instrument.pose, *edges, wavelength=instrument.wavelength, gap_mask=gaps if gaps.any() else None
    )
    write_text(path, [crystfel.format_crystfel(record)], force=force)


# ---- dispatch ----------------------------------------------------------------------------------------------


_LOADERS: dict[str, Callable[[Path, Given], Instrument]] = {
    "poni": _load_poni,
    "gsas2": _load_gsas2,
    "xds": _load_xds,
    "fit2d": _load_fit2d,
    "imaged11": _load_imaged11,
    "spd": _load_spd,
    "crystfel": _load_crystfel,
    "cxi": load_cxi,
    "nexus": load_nexus,
}
_SAVERS: dict[str, Callable[[Instrument, Path, bool], None]] = {
    "poni": _save_poni,
    "gsas2": _save_gsas2,
    "xds": _save_xds,
    "fit2d": _save_fit2d,
    "imaged11": _save_imaged11,
    "crystfel": _save_crystfel,
    "cxi": save_cxi,
    "nexus": save_nexus,
}


def geometry_formats() -> dict[str, tuple[tuple[str, ...], bool]]:
    """Return the extensions of each format by its name, and whether it can be written."""
    endings = {name: tuple(suffix for suffix, other in _SUFFIXES.items() if other == name) for name in _LOADERS}
    return {name: (suffixes, name in _SAVERS) for name, suffixes in endings.items()}


def _format_of(path: Path) -> str:
    """Return the name of the format from the extension, or from the content."""
    if path.suffix.lower() in _SUFFIXES:
        return _SUFFIXES[path.suffix.lower()]
    content = _bytes(path)
    if content.startswith(HDF5_SIGNATURE):
        return "nexus"
    text = content.decode("utf-8", errors="replace")
    for name, pattern in _CONTENT:
        if pattern.search(text):
            return name
    raise FileFormatError(
        f"{path}: expected a geometry file ({', '.join(_LOADERS)}), recognised neither by its extension nor "
        "by its content. Pass format=..."
    )


def _bytes(path: Path) -> bytes:
    """Return the content of a file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist.") from None
    except IsADirectoryError:
        raise FileFormatError(f"{path}: is a folder, expected a geometry file.") from None
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read: {error.strerror or error}.") from None


def _text(path: Path) -> str:
    """Return the content of a text file; UTF-8, or Latin-1 as old programs wrote."""
    content = _bytes(path)
    if b"\x00" in content:
        raise FileFormatError(f"{path}: expected a text file, got binary data ({len(content)} bytes).")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _count(path: Path, key: str, text: str) -> int:
    """Return a number of pixels from a header."""
    try:
        return int(text)
    except ValueError:
        raise FileFormatError(f"{path}: {key}: expected an integer, got {text!r}.") from None


def _edf_header(path: Path) -> dict[str, str]:
    """Return the keys and values of the first header of an EDF file."""
    content = _bytes(path)
    start, stop = content.find(b"{"), content.find(b"}")
    if start < 0 or stop < 0 or content[:start].strip():
        raise FileFormatError(f"{path}: expected an EDF header in braces, got {content[:20]!r}.")
    pairs = (item.partition("=") for item in content[start + 1 : stop].decode("latin-1").split(";"))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}
