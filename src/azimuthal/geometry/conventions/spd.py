# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The geometry of SPD and of the SAXS package: keys in the header of an EDF image.

SPD (Boesecke 2007, J. Appl. Cryst. 40, s423, doi:10.1107/S0021889807001100) keeps the geometry with the
image, in m and rad; 1 is the fast axis (columns) and 2 the slow axis (rows), the opposite of ours.

==========================  ================================================================================
key                         meaning ==========================
================================================================================ ``SampleDistance``
from the sample to the point of normal incidence ``Center_1``, ``Center_2``  point of normal incidence,
pixels; the first pixel covers 0 to 1, its centre is 0.5 ``Offset_1``, ``Offset_2``  pixels cut away before
the first one: ``Center`` counts from before the cut ``PSize_1``, ``PSize_2``    size of a pixel of this
image, after binning ``BSize_1``, ``BSize_2``    binning that was applied; ``PSize``, ``Center`` and
``Offset`` already include it ``DetectorRotation_1..3``   rotations of the detector; ``Rot_1..3`` is the name
that pyFAI uses ``WaveLength``              optional ==========================
================================================================================

Frame and rotations
    The laboratory axes are 1 to the right, 2 up, 3 *against* the beam, seen from the sample, with the image's
    first pixel at the lower left.  The rotations are counter-clockwise about axis 1, then 2, then 3 of that
    fixed frame; with ``x`` from the point of normal incidence, in m ::

        k = A (x_1, x_2, -SampleDistance)        A = ROT_3 ROT_2 ROT_1

    (the documentation of SPD's projection routines, which is also what they compute).  The axes are ours in
    the order (2, 1, -3), a change between two right-handed frames; with ``Q`` the right-handed rotation about
    one of our axes, ::

        R = Q_3(-DetectorRotation_3) Q_1(DetectorRotation_2) Q_2(DetectorRotation_1)

    One rotation alone is ``rot2 = -DetectorRotation_1``, ``rot1 = -DetectorRotation_2`` or ``rot3 =
    -DetectorRotation_3``.  With more than one the order differs (ours turns about axis 1 first), so the three
    angles are taken from the matrix; nothing is lost either way.  (pyFAI refuses rotations in this format.)

Numbers in a header may carry a unit after an underscore, ``500_mm`` or ``1.5_deg``; m, cm, mm, um, nm, rad
and deg are understood, and arithmetic expressions are not.

What we refuse by name, as it changes where the pixels are: ``ProjectionType`` other than Saxs,
``RasterOrientation`` other than 1, an ``AxisType`` other than Distance.  Header keys that have nothing to do
with the geometry are left alone; a key that looks like one of the above and is none is reported.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from azimuthal._validate import finite_number, positive_integer, positive_number, unknown_name
from azimuthal.errors import ConversionError, FileFormatError, GeometryFileWarning, ParameterError
from azimuthal.geometry.beam import Beam
from azimuthal.geometry.conventions.panel import rotations_from_matrix
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray

__all__ = ["SpdGeometry", "format_spd", "parse_spd", "pose_from_spd", "spd_from_pose"]

_OURS_FROM_SPD = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
_LENGTHS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9}
_ANGLES = {"rad": 1.0, "deg": math.pi / 180.0}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:_([A-Za-z]+))?")
_KEYS: dict[str, tuple[str, Mapping[str, float]]] = {
    "SampleDistance": ("sample_distance", _LENGTHS),
    "Center_1": ("center_1", {}),
    "Center_2": ("center_2", {}),
    "Offset_1": ("offset_1", {}),
    "Offset_2": ("offset_2", {}),
    "PSize_1": ("pixel_size_1", _LENGTHS),
    "PSize_2": ("pixel_size_2", _LENGTHS),
    "BSize_1": ("binning_1", {}),
    "BSize_2": ("binning_2", {}),
    "DetectorRotation_1": ("rotation_1", _ANGLES),
    "DetectorRotation_2": ("rotation_2", _ANGLES),
    "DetectorRotation_3": ("rotation_3", _ANGLES),
    "WaveLength": ("wavelength", _LENGTHS),
}
_ALIASES = {f"Rot_{axis}": f"DetectorRotation_{axis}" for axis in (1, 2, 3)}
_ONLY = {
    "ProjectionType": "saxs",
    "RasterOrientation": "1",
    "AxisType_1": "distance",
    "AxisType_2": "distance",
}
_REQUIRED = ("SampleDistance", "Center_1", "Center_2", "PSize_1", "PSize_2")
_SUSPICIOUS = re.compile(r"(center|offset|psize|bsize|detectorrotation|rot|axistype)_\w+|sampledist\w*|wavelen\w*")


@dataclass(frozen=True, slots=True)
class SpdGeometry:
    """The geometry keys of an EDF header, in m and rad; 1 is the fast and 2 the slow axis.

    Parameters
    ----------
    sample_distance:
        To the point of normal incidence, m.
    center_1, center_2:
        Point of normal incidence, pixels from the outer corner of the first pixel (of the image before it was
        cut).
    pixel_size_1, pixel_size_2:
        Of the image as it is, after binning; m.
    rotation_1, rotation_2, rotation_3:
        rad, about the fixed axes of the module docstring, in this order.
    wavelength:
        m, or None.
    offset_1, offset_2:
        Pixels cut away before the first one.
    binning_1, binning_2:
        Already included in everything else; information only.

    Raises
    ------
    DataTypeError, ParameterError
        A value is not a finite number or out of its range.
    """

    sample_distance: float
    center_1: float
    center_2: float
    pixel_size_1: float
    pixel_size_2: float
    rotation_1: float = 0.0
    rotation_2: float = 0.0
    rotation_3: float = 0.0
    wavelength: float | None = None
    offset_1: float = 0.0
    offset_2: float = 0.0
    binning_1: int = 1
    binning_2: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if name.startswith("binning"):
                checked: Any = positive_integer(name, value)
            elif name == "wavelength":
                checked = Beam(value).wavelength
            elif name.startswith(("sample", "pixel")):
                checked = positive_number(name, value, unit="m")
            else:
                checked = finite_number(name, value, unit="rad" if name.startswith("rot") else "pixels")
            object.__setattr__(self, name, checked)

    @property
    def pixel1(self) -> float:
        """Pixel size along the slow axis, m."""
        return self.pixel_size_2

    @property
    def pixel2(self) -> float:
        """Pixel size along the fast axis, m."""
        return self.pixel_size_1


def spd_from_pose(
    pose: Pose,
    pixel1: float,
    pixel2: float,
    wavelength: float | None = None,
    *,
    binning: tuple[int, int] = (1, 1),
) -> SpdGeometry:
    """Return the SPD record of a pose; nothing is lost.

    Parameters
    ----------
    pose:
        Of a detector in native orientation (3): SPD's raster orientation 1.
    pixel1, pixel2:
        Size of the pixels of the image, after binning, along the slow and the fast axis, m.
    wavelength:
        m, or None.
    binning:
        (slow, fast) factors that were applied.

    Returns
    -------
    :
        With ``rotation_2`` in [-pi/2, pi/2].

    Raises
    ------
    DataTypeError, ParameterError
        A pixel size is not positive, or the binning is not a positive integer.
    """
    pixel1, pixel2 = positive_number("pixel1", pixel1, unit="m"), positive_number("pixel2", pixel2, unit="m")
    rotation_1, rotation_2, rotation_3 = _spd_rotations(_OURS_FROM_SPD.T @ pose.rotation @ _OURS_FROM_SPD)
    return SpdGeometry(
        sample_distance=pose.dist,
        center_1=pose.poni2 / pixel2,
        center_2=pose.poni1 / pixel1,
        pixel_size_1=pixel2,
        pixel_size_2=pixel1,
        rotation_1=rotation_1,
        rotation_2=rotation_2,
        rotation_3=rotation_3,
        wavelength=wavelength,
        binning_1=binning[1],
        binning_2=binning[0],
    )


def pose_from_spd(record: SpdGeometry) -> tuple[Pose, float | None]:
    """Return the pose (native orientation, 3) and the wavelength in m, or None."""
    angles = (record.rotation_1, record.rotation_2, record.rotation_3)
    rotation = _OURS_FROM_SPD @ _spd_rotation(*angles) @ _OURS_FROM_SPD.T
    rot1, rot2, rot3 = rotations_from_matrix(rotation) if any(angles) else (0.0, 0.0, 0.0)
    pose = Pose(
        dist=record.sample_distance,
        poni1=(record.center_2 - record.offset_2) * record.pixel1,
        poni2=(record.center_1 - record.offset_1) * record.pixel2,
        rot1=rot1,
        rot2=rot2,
        rot3=rot3,
    )
    return pose, record.wavelength


def parse_spd(header: Mapping[str, Any], *, source: str = "EDF header") -> SpdGeometry:
    """Read the geometry keys of an EDF header.

    Parameters
    ----------
    header:
        Keys (case does not matter) and values, text or numbers.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        A missing key, or a value that cannot be read or is out of range.
    ConversionError
        A projection, raster orientation or axis type that we do not hold, or two names of one rotation that
        contradict each other.

    Warns
    -----
    GeometryFileWarning
        A key that looks like a geometry key and is not known.
    """
    canonical = {name.casefold(): name for name in (*_KEYS, *_ALIASES, *_ONLY)}
    found: dict[str, Any] = {}
    for key, value in header.items():
        name = canonical.get(str(key).casefold())
        if name is None:
            _warn_suspicious(str(key), value, source)
        elif str(value).strip().casefold() not in ("", "none"):
            _store(found, name, value, source)
    missing = [key for key in _REQUIRED if key not in found]
    if missing:
        raise FileFormatError(f"{source}: missing {', '.join(missing)}; found {', '.join(found) or 'no geometry key'}.")
    values = {_KEYS[key][0]: value for key, value in found.items()}
    for name in ("binning_1", "binning_2"):
        if name in values:
            values[name] = _whole(name, values[name], source)
    try:
        return SpdGeometry(**values)
    except ParameterError as error:
        raise FileFormatError(f"{source}: {error}") from None


def format_spd(record: SpdGeometry) -> dict[str, str]:
    """Return the header keys of a record as text; numbers are read back to the same float64."""
    header = {key: repr(getattr(record, name)) for key, (name, _) in _KEYS.items() if name != "wavelength"}
    if record.wavelength is not None:
        header["WaveLength"] = repr(record.wavelength)
    header["ProjectionType"] = "Saxs"
    header["RasterOrientation"] = "1"
    return header


def _spd_rotation(angle1: float, angle2: float, angle3: float) -> FloatArray:
    """Return ``ROT_3 ROT_2 ROT_1``."""
    c1, c2, c3 = (math.cos(angle) for angle in (angle1, angle2, angle3))
    s1, s2, s3 = (math.sin(angle) for angle in (angle1, angle2, angle3))
    first = np.array([[1.0, 0.0, 0.0], [0.0, c1, -s1], [0.0, s1, c1]])
    second = np.array([[c2, 0.0, s2], [0.0, 1.0, 0.0], [-s2, 0.0, c2]])
    third = np.array([[c3, -s3, 0.0], [s3, c3, 0.0], [0.0, 0.0, 1.0]])
    rotation: FloatArray = third @ second @ first
    return rotation


def _spd_rotations(rotation: FloatArray) -> tuple[float, float, float]:
    """Return the angles of ``ROT_3 ROT_2 ROT_1``: our own order, with the signs of the first two reversed."""
    rot1, rot2, rot3 = rotations_from_matrix(rotation)
    return -rot1, -rot2, rot3


def _store(found: dict[str, Any], name: str, value: Any, source: str) -> None:
    """Check one header value and keep it under its canonical key."""
    if name in _ONLY:
        if str(value).strip().casefold() != _ONLY[name]:
            raise ConversionError(
                f"{source}: {name} is {value!r}; only {_ONLY[name].capitalize()!r} can be held. Convert the "
                "image with the program that wrote it."
            )
        return
    key = _ALIASES.get(name, name)
    number = _number(name, value, _KEYS[key][1], source)
    if key in found and found[key] != number:
        raise ConversionError(
            f"{source}: {name} is {number} and {key} is {found[key]} rad under its other name. Remove the wrong one."
        )
    found[key] = number


def _number(name: str, value: Any, units: Mapping[str, float], source: str) -> float:
    """Return a header value in SI units."""
    text = str(value).strip()
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise FileFormatError(f"{source}: {name}: expected a number, got {text!r}.")
    unit = match.group(2)
    if unit is not None and unit not in units:
        allowed = ", ".join(f"_{known}" for known in units) or "none"
        raise FileFormatError(f"{source}: {name}: unit _{unit} of {text!r} is not understood here; known: {allowed}.")
    return float(match.group(1)) * (1.0 if unit is None else units[unit])


def _whole(name: str, value: float, source: str) -> int:
    if value != int(value):
        raise FileFormatError(f"{source}: {name}: expected an integer, got {value}.")
    return int(value)


def _warn_suspicious(key: str, value: Any, source: str) -> None:
    """Warn of a key that reads like one of ours; an EDF header is full of others."""
    if _SUSPICIOUS.fullmatch(key.casefold()):
        problem = unknown_name("key", key, (*_KEYS, *_ALIASES, *_ONLY))
        warnings.warn(f"{source}: {problem} Its value {value!r} is not used.", GeometryFileWarning, stacklevel=3)
