# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The geometry of Fit2D: the direct beam and one tilt.

Fit2D (Hammersley et al. 1996, doi:10.1080/08957959608201408) describes a detector by the distance ``D`` from
the sample along the beam, the pixel (``x0``, ``y0``) that the beam hits, the angle ``tilt`` between the beam
and the detector normal, and ``phi``, the *rotation angle of the tilt plane*, anticlockwise from the x axis of
the image. ``x`` is the fast and ``y`` the slow image axis; coordinates count from the outer corner of the
first pixel, so that the first pixel has its centre at 0.5.

What the program computes
    With ``x, y`` measured from the beam on the detector, in m, its powder integration turns the coordinates
    into the tilt plane and projects them ::

        u =  x cos(phi) + y sin(phi)
        v = -x sin(phi) + y cos(phi)
        tan(2theta) = sqrt(u^2 cos(tilt)^2 + v^2) / (D + u sin(tilt))

    A pixel on the side of ``+phi`` is further downstream.  The azimuth is ``atan2(y, x)`` *in the detector
    plane*: the program says that it does not take the tilt into account.

The rotation that this means
    A pixel is at ``(u cos(tilt), v, D + u sin(tilt))`` in axes that are turned by ``phi`` about the beam: the
    detector is rotated by ``tilt`` about the in-plane axis through the beam that is perpendicular to the
    direction ``phi``, and by nothing else.  With the unit vector of the beam in the detector frame ::

        b = (sin(tilt) sin(phi), sin(tilt) cos(phi), cos(tilt))          axes (1, 2, 3) = (y, x, depth)

    this is the smallest rotation that brings ``b`` onto axis 3 ::

                 | 1 - b1^2/(1+b3)    -b1 b2/(1+b3)      -b1 |
        R_min  = | -b1 b2/(1+b3)      1 - b2^2/(1+b3)    -b2 |
                 | b1                 b2                  b3 |

    and, written as ``R3 R2 R1`` of :mod:`azimuthal.geometry.frames` ::

        rot1 = atan2(-b2, b3)    rot2 = asin(b1)    rot3 = atan2(-b1 b2, 1 + b3 - b1^2)

    ``rot3`` is not zero unless the tilt is about a detector axis: two successive rotations about axes 1 and 2
    have a part about the beam, ``rot1 rot2 / 2`` for small angles, which a single tilt has not.  (pyFAI's
    conversion from Fit2D has the same ``rot3``; its conversion to Fit2D drops ``rot3`` without saying so.)

    The lab azimuth of this rotation differs from Fit2D's detector-plane azimuth by at most ``tilt^2 / 4``
    (0.35 degrees at a tilt of 9 degrees) and by nothing on average over a ring.

What is lost
    From a pose, ``D``, ``x0``, ``y0``, ``tilt`` and ``phi`` follow from ``dist``, ``poni1``, ``poni2`` and
    ``b``; ``R`` and ``R_min`` differ by a rotation ``delta`` about the beam, a constant offset of ``chi``, for
    which Fit2D's powder integration has no place (also when the tilt is zero and ``phi`` means nothing).
    2theta is exact.  :func:`fit2d_from_pose` warns and names the offset when ``delta`` is above
    :data:`CHI_TOLERANCE` ::

        R = R3(delta) R_min        chi(pose) = chi(Fit2D record) - delta

Orientation
    Fit2D knows the image, not the detector: its axes are those of the image as it is displayed.  For an
    orientation other than 3 (or an image that Fit2D flips when it loads it, as TIFF and MAR345) pass
    ``orientation`` and ``shape``; 2theta is then right and the azimuth of Fit2D is the mirrored one.

Text
    The listing read and written by :func:`parse_fit2d` and :func:`format_fit2d` is ours (Fit2D shows a form):
    one ``key = value`` per line, ``#`` begins a comment, keys are the field names of :class:`Fit2dGeometry`;
    a listing without the two tilt keys has no tilt.  pyFAI's names (``directDist``, ``centerX``,
    ``tiltPlanRotation`` ...) and ``beam centre = x, y`` are understood as well; case, blanks, ``_`` and ``-``
    in a key do not matter, and a value may be followed by its unit.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, fields

import numpy as np

from azimuthal._validate import finite_number, positive_number, unknown_name
from azimuthal.errors import ConversionLossWarning, FileFormatError, ParameterError
from azimuthal.geometry.beam import Beam
from azimuthal.geometry.conventions._direct_beam import (
    DirectBeam,
    direct_beam,
    mirror_of,
    pose_from_direct_beam,
)
from azimuthal.geometry.conventions._reading import Entry, refuse_unreadable
from azimuthal.geometry.conventions.panel import rotations_from_matrix
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray

__all__ = ["Fit2dGeometry", "fit2d_from_pose", "format_fit2d", "parse_fit2d", "pose_from_fit2d"]

CHI_TOLERANCE = 1e-7
"""Rotation about the beam, rad, below which nothing is lost: 0.02 um at the edge of a 0.2 m detector."""

_UNITS = {
    "direct_distance": "mm",
    "center_x": "pixel",
    "center_y": "pixel",
    "tilt": "degree",
    "tilt_plane_rotation": "degree",
    "pixel_x": "um",
    "pixel_y": "um",
    "wavelength": "A",
}
_UNIT_SPELLINGS = {
    "mm": ("mm",),
    "pixel": ("pixel", "pixels", "px", "pix"),
    "degree": ("degree", "degrees", "deg", "°"),
    "um": ("um", "µm", "μm", "micron", "microns"),
    "A": ("A", "Å", "angstrom", "Angstrom"),
}
_ALIASES = {
    "directdist": "direct_distance",
    "directbeamdist": "direct_distance",
    "centrex": "center_x",
    "centrey": "center_y",
    "tiltplanrotation": "tilt_plane_rotation",
    "tiltrotation": "tilt_plane_rotation",
    **{name.replace("_", ""): name for name in _UNITS},
}
_PAIRS = ("beamcenter", "beamcentre", "center", "centre")
_ELSEWHERE = ("splinefile", "detector")
_REQUIRED = ("direct_distance", "center_x", "center_y", "pixel_x", "pixel_y")


@dataclass(frozen=True, slots=True)
class Fit2dGeometry:
    """The numbers of Fit2D's form, in its units.

    Parameters
    ----------
    direct_distance:
        From the sample to the detector along the beam, mm.
    center_x, center_y:
        Where the beam meets the detector plane, along the fast and the slow image axis; pixels from the outer
        corner of the first pixel.  It may be outside the image.
    tilt:
        Degrees, between -90 and 90 (exclusive).  A negative tilt is a positive one with `tilt_plane_rotation`
        + 180.
    tilt_plane_rotation:
        Degrees, from the fast towards the slow image axis.
    pixel_x, pixel_y:
        Pixel size along the fast and the slow image axis, micrometres.
    wavelength:
        Angstrom, or None.

    Raises
    ------
    DataTypeError, ParameterError
        A value is not a finite number or out of its range.
    """

    direct_distance: float
    center_x: float
    center_y: float
    tilt: float
    tilt_plane_rotation: float
    pixel_x: float
    pixel_y: float
    wavelength: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name == "wavelength":
                continue
            check = (
                positive_number
                if field.name in ("direct_distance", "pixel_x", "pixel_y", "wavelength")
                else finite_number
            )
            object.__setattr__(self, field.name, check(field.name, value, unit=_UNITS[field.name]))
        if not -90 < self.tilt < 90:
            raise ParameterError(
                f"tilt: expected an angle between -90 and 90 degrees, got {self.tilt}: beyond it the beam "
                "does not meet the detector."
            )

    @property
    def pixel1(self) -> float:
        """Pixel size along the slow image axis, m."""
        return self.pixel_y * 1e-6

    @property
    def pixel2(self) -> float:
        """Pixel size along the fast image axis, m."""
        return self.pixel_x * 1e-6


def fit2d_from_pose(
    pose: Pose,
    pixel1: float,
    pixel2: float,
    wavelength: float | None = None,
    *,
    orientation: int = 3,
    shape: tuple[int, int] | None = None,
) -> Fit2dGeometry:
    """Return the Fit2D record of a pose.

    Definition: module docstring.

    Parameters
    ----------
    pose:
        Of the detector.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m.
    wavelength:
        m, or None.
    orientation:
        1-4, of the image.
    shape:
        (rows, columns) of the image; needed for an orientation other than 3.

    Returns
    -------
    :
        With a tilt in [0, 90) degrees and a tilt plane rotation in (-180, 180]; both zero without a tilt.

    Raises
    ------
    ConversionError
        The direct beam does not meet the detector plane, or `shape` is needed.

    Warns
    -----
    ConversionLossWarning
        The pose has a rotation about the beam that Fit2D cannot hold; 2theta is exact, chi is off by the
        value named.
    """
    pixel1, pixel2 = positive_number("pixel1", pixel1, unit="m"), positive_number("pixel2", pixel2, unit="m")
    mirror = mirror_of(orientation, shape, "Fit2D")
    beam = direct_beam(pose, "Fit2D")
    direction = pose.rotation[2]
    along1, along2 = mirror.directions(float(direction[0]), float(direction[1]))
    center1, center2 = mirror.coordinates(beam.position1 / pixel1, beam.position2 / pixel2)
    _warn_chi_offset(pose, direction)
    tilt = math.atan2(math.hypot(along1, along2), float(direction[2]))
    return Fit2dGeometry(
        direct_distance=beam.distance * 1e3,
        center_x=center2,
        center_y=center1,
        tilt=math.degrees(tilt),
        tilt_plane_rotation=math.degrees(math.atan2(along1, along2)) if tilt else 0.0,
        pixel_x=pixel2 * 1e6,
        pixel_y=pixel1 * 1e6,
        wavelength=None if wavelength is None else wavelength * 1e10,
    )


def pose_from_fit2d(
    record: Fit2dGeometry,
    *,
    orientation: int = 3,
    shape: tuple[int, int] | None = None,
) -> tuple[Pose, float | None]:
    """Return the pose and the wavelength in m of a Fit2D record.

    Definition: module docstring; ``rot3`` is the one of a single tilt, zero when the tilt is about a detector
    axis.

    Parameters
    ----------
    record:
        Of Fit2D.
    orientation:
        1-4: how the image that Fit2D shows is mirrored against the native detector.
    shape:
        (rows, columns) of the image; needed for an orientation other than 3.

    Returns
    -------
    :
        The pose, and the wavelength in m or None.

    Raises
    ------
    ConversionError
        `shape` is needed and not given.
    ParameterError
        The wavelength is not that of X-rays in angstrom.
    """
    mirror = mirror_of(orientation, shape, "Fit2D")
    tilt, plane = math.radians(record.tilt), math.radians(record.tilt_plane_rotation)
    along1, along2 = mirror.directions(math.sin(tilt) * math.sin(plane), math.sin(tilt) * math.cos(plane))
    direction = np.array([along1, along2, math.cos(tilt)])
    center1, center2 = mirror.coordinates(record.center_y, record.center_x)
    beam = DirectBeam(record.direct_distance * 1e-3, center1 * record.pixel1, center2 * record.pixel2)
    pose = pose_from_direct_beam(beam, direction, rotations_from_matrix(_smallest_rotation(direction)))
    wavelength = None if record.wavelength is None else record.wavelength * 1e-10
    return pose, Beam(wavelength).wavelength


def parse_fit2d(text: str, *, source: str = "Fit2D listing") -> Fit2dGeometry:
    """Read a listing of ``key = value`` lines (module docstring).

    Parameters
    ----------
    text:
        The whole listing.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        A line without ``=``, a key twice, a missing key, or a value that cannot be read or is out of range.
    UnknownNameError
        A key that is not known.

    Warns
    -----
    ConversionLossWarning
        A spline file or a detector is named: neither is part of this geometry.
    """
    refuse_unreadable(text, source, "a Fit2D geometry")
    values = {"tilt": 0.0, "tilt_plane_rotation": 0.0}
    found: set[str] = set()
    for entry in _entries(text, source):
        for name, part in _named(entry):
            if name in found:
                raise FileFormatError(f"{entry.place}: the key is given twice. Remove the one that does not apply.")
            found.add(name)
            values[name] = _without_unit(part, _UNITS[name]).number(_UNITS[name])
    missing = [name for name in _REQUIRED if name not in values]
    if missing:
        raise FileFormatError(f"{source}: missing {', '.join(missing)}; found {', '.join(sorted(found)) or 'nothing'}.")
    try:
        return Fit2dGeometry(**values)
    except ParameterError as error:
        raise FileFormatError(f"{source}: {error}") from None


def format_fit2d(record: Fit2dGeometry) -> str:
    """Return the listing of a record; numbers are read back to the same float64."""
    lines = ["# Fit2D geometry of azimuthal; pixels count from the outer corner of the first pixel"]
    for name, unit in _UNITS.items():
        value = getattr(record, name)
        if value is not None:
            lines.append(f"{name} = {value!r} {unit}")
    return "\n".join(lines) + "\n"


def _smallest_rotation(direction: FloatArray) -> FloatArray:
    """Return the smallest rotation that brings the unit vector `direction` onto axis 3."""
    first, second, third = direction
    scale = 1.0 / (1.0 + third)
    return np.array(
        [
            [1.0 - scale * first * first, -scale * first * second, -first],
            [-scale * first * second, 1.0 - scale * second * second, -second],
            [first, second, third],
        ]
    )


def _warn_chi_offset(pose: Pose, direction: FloatArray) -> None:
    """Warn of the rotation about the beam between the pose and the smallest rotation with the same tilt."""
    difference = pose.rotation @ _smallest_rotation(direction).T
    turn = math.atan2(difference[1, 0], difference[0, 0])
    if abs(turn) > CHI_TOLERANCE:
        warnings.warn(
            f"Fit2D: the geometry is turned by {math.degrees(turn):.6g} degrees about the beam (as by rot3) against "
            "one with the same single tilt, and Fit2D has no place for that. 2theta is exact; chi of this geometry is "
            f"chi of the Fit2D record {-math.degrees(turn):+.6g} degrees.",
            ConversionLossWarning,
            stacklevel=3,
        )


def _entries(text: str, source: str) -> list[Entry]:
    """Return the ``key = value`` lines; comments and empty lines are left out."""
    entries = []
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        key, separator, value = line.partition("=")
        if not separator:
            raise FileFormatError(f"{source}, line {number}: expected 'key = value', got {line[:60]!r}.")
        entries.append(Entry(key.strip(), value.strip(), number, source))
    return entries


def _named(entry: Entry) -> list[tuple[str, Entry]]:
    """Return the field or fields that a line sets."""
    folded = entry.key.casefold().translate({ord(character): None for character in " _-"})
    if folded in _PAIRS:
        pair = entry.text.replace(",", " ").split()
        if len(pair) != 2:
            raise entry.malformed("two numbers, x and y, in pixels")
        return [("center_x", entry._replace(text=pair[0])), ("center_y", entry._replace(text=pair[1]))]
    if folded in _ELSEWHERE:
        if entry.text.casefold() not in ("", "none"):
            warnings.warn(
                f"{entry.place} = {entry.text!r} is not part of this geometry: choose the detector, with its "
                "distortion, separately.",
                ConversionLossWarning,
                stacklevel=3,
            )
        return []
    if folded not in _ALIASES:
        raise unknown_name(f"{entry.source}, line {entry.line}: key", entry.key, _UNITS)
    if folded == "wavelength" and entry.text.casefold() == "none":
        return []
    return [(_ALIASES[folded], entry)]


def _without_unit(entry: Entry, unit: str) -> Entry:
    """Return the entry without the unit that may follow the number; another unit is refused."""
    number, _, suffix = entry.text.partition(" ")
    if suffix.strip() and suffix.strip() not in _UNIT_SPELLINGS[unit]:
        raise entry.malformed(f"a number in {unit}")
    return entry._replace(text=number)
