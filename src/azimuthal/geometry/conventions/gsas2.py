# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""GSAS-II image controls (``.imctrl``): beam centre in mm, distance, tilt and the axis of the tilt.

GSAS-II measures in mm on the image, ``x`` along the fast axis and ``y`` along the slow axis from the outer
corner of the first pixel, ``y`` counted upwards, ``z`` along the beam.  An image point (x, y) stands at ::

    p = Rz(azmthOff) Ry(-det2theta) [ Rz(rotation) Rx(tilt) Rz(-rotation) (x - center_x, y - center_y, 0)
                                      + (0, 0, distance / cos(tilt)) ]

with right-handed rotations about the axes (x, y, z), and ::

    2theta = atan2(hypot(p_x, p_y), p_z)            azimuth = atan2(p_y, p_x)

So ``center`` is where the beam meets the detector (when ``det2theta`` is zero), ``distance`` is that of the
detector plane along its *normal*, the detector turns by ``tilt`` about a line in its plane at the angle
``rotation`` from x, and the foot of the normal is ::

    (poni2, poni1) = center + distance tan(tilt) (sin(rotation), -cos(rotation))

With x = t2, y = t1, z = t3 this is a native detector in the frame of :mod:`azimuthal.geometry.frames`, and
GSAS-II's azimuth is our chi; ``azmthOff`` is the part that ``rot3`` holds here.

Limits
    A pose is written with ``det2theta = 0``: the beam must meet the detector plane (2theta of its normal
    below 90 degrees).  The penetration correction ``DetDepth`` has no counterpart.  The file does not say how
    many pixels there are nor, usually, their size.  For ``det2theta = 0`` GSAS-II takes its azimuth in the
    detector plane, ``atan2(y - center_y, x - center_x) + azmthOff``, which differs from the azimuth around
    the beam by up to tilt^2 / 4 rad (0.007 degrees at 1.3 degrees of tilt); 2theta agrees to rounding.

Images
    GSAS-II has its own readers, and some of them (mar345 among others) turn the image upside down with
    respect to other programs.  The geometry belongs to the image as GSAS-II shows it, first row lowest; when
    the frame of another reader is mirrored, use ``orientation=2`` or ``data[::-1]``.

Toby & Von Dreele 2013, J. Appl. Cryst. 46, 544, doi:10.1107/S0021889813003531.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from azimuthal._validate import finite_number, positive_number
from azimuthal.errors import ConversionError, ConversionLossWarning, FileFormatError, ParameterError
from azimuthal.geometry.conventions._reading import Entry, refuse_unreadable, required, warn_unknown_keys
from azimuthal.geometry.conventions.panel import rotations_from_matrix
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray

__all__ = ["ImageControls", "format_imctrl", "imctrl_from_pose", "parse_imctrl", "pose_from_imctrl"]

_WHAT = "GSAS-II image controls"
_GEOMETRY = (
    *("wavelength", "distance", "center", "tilt", "rotation", "azmthOff", "det2theta", "DetDepth"),
    *("pixelSize", "size", "calibrant", "type"),
)
_OTHER = (
    *(
        "color",
        "Oblique",
        "fullIntegrate",
        "LRazimuth",
        "setdist",
        "IOtth",
        "outChannels",
        "outAzimuths",
        "invert_x",
    ),
    *("invert_y", "calibskip", "pixLimit", "cutoff", "calibdmin", "chisq", "Flat Bkg", "varyList", "binType"),
    *(
        "SampleShape",
        "PolaVal",
        "SampleAbs",
        "dark image",
        "background image",
        "Gain map",
        "twoth",
        "GonioAngles",
    ),
    *(
        "samplechangerpos",
        "edgemin",
        "range",
        "showLines",
        "setRings",
        "setDefault",
        "centerAzm",
        "formatName",
    ),
    *("linescan", "orientation", "pixelSizeRef"),
)
_SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_NUMPY_WRAPPER = re.compile(r"np\.float\d+\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class ImageControls:
    """The geometry in a GSAS-II ``.imctrl`` file, in its own units.

    Parameters
    ----------
    distance:
        Of the detector plane along its normal, mm.
    center:
        Where the beam meets the detector, (x, y) = (fast, slow), mm.
    tilt, rotation:
        Angle of the tilt and direction of its axis, degrees.
    wavelength:
        Angstrom, or None.
    azimuth_offset:
        ``azmthOff``, degrees.
    det2theta:
        Angle of the detector arm, degrees; positive moves the detector towards -x.
    penetration:
        ``DetDepth``; its unit depends on the version of GSAS-II.
    pixel_size:
        (x, y), micrometre, when the file has it.
    size:
        Number of pixels (x, y), when the file has it.
    calibrant, image_type:
        As in the file.
    other:
        Values that are not geometry, as text.
    """

    distance: float
    center: tuple[float, float]
    tilt: float = 0.0
    rotation: float = 0.0
    wavelength: float | None = None
    azimuth_offset: float = 0.0
    det2theta: float = 0.0
    penetration: float = 0.0
    pixel_size: tuple[float, float] | None = None
    size: tuple[int, int] | None = None
    calibrant: str = ""
    image_type: str = "PWDR"
    other: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        positive_number("distance", self.distance, unit="mm")
        for name in ("tilt", "rotation", "azimuth_offset", "det2theta"):
            finite_number(name, getattr(self, name), unit="degrees")
        for value in self.center:
            finite_number("center", value, unit="mm")
        if not abs(self.tilt) < 90.0:
            raise ParameterError(f"tilt: expected an angle between -90 and 90 degrees, got {self.tilt}.")
        if self.wavelength is not None:
            positive_number("wavelength", self.wavelength, unit="angstrom")


def parse_imctrl(text: str, *, source: str = "imctrl text") -> ImageControls:
    """Read GSAS-II image controls.

    Parameters
    ----------
    text:
        The whole file.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        Empty or binary text, a missing key (distance, center, tilt, rotation), or a value that cannot be
        read.

    Warns
    -----
    GeometryFileWarning
        Unknown keys, by name and line.
    """
    refuse_unreadable(text, source, _WHAT)
    entries = _entries(text, source)
    warn_unknown_keys(entries.values(), (*_GEOMETRY, *_OTHER), stacklevel=3)
    needed = {name: required(entries, name, source, _WHAT) for name in ("distance", "center", "tilt", "rotation")}
    tilt = needed["tilt"].number("degrees")
    if not abs(tilt) < 90.0:
        raise needed["tilt"].malformed("an angle between -90 and 90 degrees")
    center = needed["center"].numbers(2, "mm")
    pixel_size = entries["pixelSize"].numbers(2, "micrometre") if "pixelSize" in entries else None
    texts = {key: entries[key].text for key in ("calibrant", "type") if key in entries}
    return ImageControls(
        distance=needed["distance"].positive("mm"),
        center=(center[0], center[1]),
        tilt=tilt,
        rotation=needed["rotation"].number("degrees"),
        wavelength=entries["wavelength"].positive("angstrom") if "wavelength" in entries else None,
        azimuth_offset=_number_or_zero(entries, "azmthOff"),
        det2theta=_number_or_zero(entries, "det2theta"),
        penetration=_number_or_zero(entries, "DetDepth"),
        pixel_size=None if pixel_size is None else (pixel_size[0], pixel_size[1]),
        size=_size(entries.get("size")),
        calibrant=texts.get("calibrant", ""),
        image_type=texts.get("type", "PWDR"),
        other={key: entry.text for key, entry in entries.items() if key not in _GEOMETRY},
    )


def format_imctrl(controls: ImageControls) -> str:
    """Return the text of an ``.imctrl`` file; numbers are read back to the same float64."""
    values: dict[str, object] = {
        "type": controls.image_type,
        "calibrant": controls.calibrant,
        "distance": controls.distance,
        "center": list(controls.center),
        "tilt": controls.tilt,
        "rotation": controls.rotation,
        "azmthOff": controls.azimuth_offset,
        "det2theta": controls.det2theta,
        "DetDepth": controls.penetration,
    }
    optional = {"wavelength": controls.wavelength, "pixelSize": controls.pixel_size, "size": controls.size}
    for key, value in optional.items():
        if value is not None:
            values[key] = list(value) if isinstance(value, tuple) else value
    values.update(controls.other)
    return "".join(f"{key}:{value}\n" for key, value in values.items())


def pose_from_imctrl(controls: ImageControls) -> Pose:
    """Return the pose of a native detector; the equations are in the module docstring.

    Raises
    ------
    ConversionError
        The detector arm turns the plane into the sample.

    Warns
    -----
    ConversionLossWarning
        ``DetDepth`` is not zero.
    """
    if controls.penetration != 0.0:
        warnings.warn(
            f"DetDepth: the penetration correction of GSAS-II ({controls.penetration}) is left behind; a "
            "pose has no place for it. 2theta differs from GSAS-II's at high angles.",
            ConversionLossWarning,
            stacklevel=2,
        )
    tilt, rotation, offset, arm = (
        math.radians(angle) for angle in (controls.tilt, controls.rotation, controls.azimuth_offset, controls.det2theta)
    )
    turn = _about_z(offset) @ _about_y(-arm)
    rot1, rot2, rot3 = rotations_from_matrix(_SWAP @ turn @ _tilted(tilt, rotation) @ _SWAP)
    foot = controls.distance * math.tan(tilt)
    return Pose(
        dist=controls.distance * 1e-3,
        poni1=(controls.center[1] - foot * math.cos(rotation)) * 1e-3,
        poni2=(controls.center[0] + foot * math.sin(rotation)) * 1e-3,
        rot1=rot1,
        rot2=rot2,
        rot3=rot3,
    )


def imctrl_from_pose(
    pose: Pose,
    *,
    wavelength: float | None = None,
    pixel1: float | None = None,
    pixel2: float | None = None,
    shape: tuple[int, int] | None = None,
) -> ImageControls:
    """Return image controls of a native detector; the inverse of :func:`pose_from_imctrl`.

    Parameters
    ----------
    pose:
        Of the detector.
    wavelength:
        m, or None.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m.
    shape:
        Number of pixels (slow, fast).

    Raises
    ------
    ConversionError
        The direct beam does not meet the detector plane.
    """
    matrix = _SWAP @ pose.rotation @ _SWAP
    if matrix[2, 2] < 1e-9:
        raise ConversionError(
            "GSAS-II: image controls are written with det2theta = 0 and need the beam to meet the detector "
            f"plane; the normal of this detector is {math.degrees(math.acos(matrix[2, 2])):.4g} degrees "
            "from the beam."
        )
    tilt = math.atan2(math.hypot(matrix[2, 0], matrix[2, 1]), matrix[2, 2])
    rotation = math.atan2(-matrix[2, 0], matrix[2, 1]) if tilt > 0 else 0.0
    turn = matrix @ _tilted(tilt, rotation).T
    foot = pose.dist * math.tan(tilt)
    center = (pose.poni2 - foot * math.sin(rotation), pose.poni1 + foot * math.cos(rotation))
    pixels = None if pixel1 is None or pixel2 is None else (pixel2 * 1e6, pixel1 * 1e6)
    return ImageControls(
        distance=pose.dist * 1e3,
        center=(center[0] * 1e3, center[1] * 1e3),
        tilt=math.degrees(tilt),
        rotation=math.degrees(rotation),
        azimuth_offset=math.degrees(math.atan2(turn[1, 0], turn[0, 0])),
        wavelength=None if wavelength is None else wavelength * 1e10,
        pixel_size=pixels,
        size=None if shape is None else (shape[1], shape[0]),
    )


def _entries(text: str, source: str) -> dict[str, Entry]:
    """Return the values by key; brackets and NumPy's own spelling of numbers are removed."""
    entries: dict[str, Entry] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon:
            raise FileFormatError(f"{source}, line {number}: expected 'key:value', got {line[:60]!r}.")
        if key in ("center", "pixelSize", "size"):
            value = _NUMPY_WRAPPER.sub(r"\1", value).strip().strip("[]()")
        elif key in _GEOMETRY:
            value = _NUMPY_WRAPPER.sub(r"\1", value)
        entries[key.strip()] = Entry(key.strip(), value.strip(), number, source)
    return entries


def _number_or_zero(entries: Mapping[str, Entry], key: str) -> float:
    """Return a number that GSAS-II takes as zero when it is absent."""
    return entries[key].number() if key in entries else 0.0


def _size(entry: Entry | None) -> tuple[int, int] | None:
    """Return the number of pixels (x, y), or None."""
    if entry is None:
        return None
    words = entry.text.replace(",", " ").split()
    if len(words) != 2:
        raise entry.malformed("two integers (x, y)")
    columns, rows = (entry._replace(text=word).integer() for word in words)
    return columns, rows


def _about_y(angle: float) -> FloatArray:
    """Return the right-handed rotation about GSAS-II's y axis."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def _about_z(angle: float) -> FloatArray:
    """Return the right-handed rotation about GSAS-II's z axis."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _tilted(tilt: float, rotation: float) -> FloatArray:
    """Return the rotation by `tilt` about the line at `rotation` in the (x, y) plane."""
    cosine, sine = math.cos(tilt), math.sin(tilt)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    turn = _about_z(rotation)
    tilted: FloatArray = turn @ about_x @ turn.T
    return tilted
