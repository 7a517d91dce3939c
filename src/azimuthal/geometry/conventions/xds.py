# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""XDS geometry: ``XDS.INP`` and ``XPARM.XDS``.

XDS describes a flat detector by vectors in a right-handed laboratory frame (x, y, z) with its origin at the
crystal. With ``X`` and ``Y`` the unit vectors DIRECTION_OF_DETECTOR_X-AXIS and -Y-AXIS along increasing fast
and slow pixel number, ``Z = X x Y``, and ``F`` the DETECTOR_DISTANCE, pixel (ix, iy) stands at ::

    p = (ix - ORGX) QX X + (iy - ORGY) QY Y + F Z           (mm)

so that (ORGX, ORGY) is the foot of the normal: our point of normal incidence, not the beam centre.  ``F`` is
negative when ``Z`` points towards the crystal, which happens for an image that is mirrored against XDS's
usual x right, y down. Pixels are numbered from 1, with whole numbers at pixel *centres*: the outer edge of
the first pixel is at 0.5 (XDS: "from 1 to NX"; the same offset of half a pixel is used by dxtbx), hence ::

    position from the outer edge of the image = (ORGX - 0.5) QX

XDS leaves the choice of its laboratory frame to the user.  We take the frame of its documentation and of its
templates: y points *down*, z along the beam, hence x to the right of an observer who looks along the beam ::

    t1 = -y          t2 = x          t3 = z

When INCIDENT_BEAM_DIRECTION is not along z (it is refined), the smallest rotation that brings it there is
applied first; only its direction counts.

Limits
    One flat segment.  Pixel-position corrections (X-GEO_CORR, Y-GEO_CORR), sensor parallax and the rotation
    of the crystal are no part of a pose.

Kabsch 2010, Acta Cryst. D66, 125, doi:10.1107/S0907444909047337; html_doc/coordinate_systems.html of XDS.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np

from azimuthal._validate import finite_number, positive_integer, positive_number
from azimuthal.errors import ConversionError, ConversionLossWarning, FileFormatError, ParameterError
from azimuthal.geometry.conventions._reading import Entry, refuse_unreadable, required
from azimuthal.geometry.conventions.panel import Panel, panel_from_pose, pose_from_panel
from azimuthal.geometry.pose import Pose
from azimuthal.typing import FloatArray

__all__ = ["XdsGeometry", "format_xds", "parse_xds", "pose_from_xds", "xds_from_pose"]

Vector = tuple[float, float, float]

_WHAT = "an XDS geometry"
_KEYWORD = re.compile(r"(?<!\S)([A-Z][A-Z0-9_'()/.\-]*)\s*=")
_GEOMETRY = (
    *("ORGX", "ORGY", "DETECTOR_DISTANCE", "DIRECTION_OF_DETECTOR_X-AXIS", "DIRECTION_OF_DETECTOR_Y-AXIS"),
    *("INCIDENT_BEAM_DIRECTION", "QX", "QY", "NX", "NY"),
)
_SEGMENTS = ("SEGMENT", "SEGMENT_DISTANCE", "DIRECTION_OF_SEGMENT_X-AXIS")
_LOST = {
    "X-GEO_CORR": "the table of pixel-position corrections along x",
    "Y-GEO_CORR": "the table of pixel-position corrections along y",
}
_USED = frozenset((*_GEOMETRY, *_LOST, "X-RAY_WAVELENGTH", "DETECTOR", "SENSOR_THICKNESS"))
_LAB_FROM_XDS = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_XPARM_LINES = 11


@dataclass(frozen=True, slots=True)
class XdsGeometry:
    """The detector and the beam of an XDS file, in its units (mm, pixels numbered from 1, angstrom).

    Parameters
    ----------
    orgx, orgy:
        Foot of the normal in pixels along the fast and the slow axis; 1.0 is the centre of the first pixel.
    distance:
        Signed distance, mm; not zero.
    x_axis, y_axis:
        Directions of increasing fast and slow pixel number, XDS laboratory frame.
    qx, qy:
        Pixel size, mm.
    nx, ny:
        Number of pixels.
    wavelength:
        Angstrom, or None.
    beam_direction:
        Along the beam, of any length.
    detector:
        XDS's name of the detector type, or "".
    sensor_thickness:
        mm, or None.
    other:
        Keywords that are not geometry and their values as text, in the order of the file.
    """

    orgx: float
    orgy: float
    distance: float
    x_axis: Vector
    y_axis: Vector
    qx: float
    qy: float
    nx: int
    ny: int
    wavelength: float | None = None
    beam_direction: Vector = (0.0, 0.0, 1.0)
    detector: str = ""
    sensor_thickness: float | None = None
    other: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in ("orgx", "orgy", "distance"):
            finite_number(name, getattr(self, name))
        for name in ("qx", "qy"):
            positive_number(name, getattr(self, name), unit="mm")
        for name in ("nx", "ny"):
            positive_integer(name, getattr(self, name))
        if self.wavelength is not None:
            positive_number("wavelength", self.wavelength, unit="angstrom")
        if self.distance == 0:
            raise ParameterError("distance: expected a signed distance in mm other than 0, got 0.")
        if not np.linalg.norm(self.beam_direction) > 0:
            raise ParameterError(f"beam_direction: expected a vector longer than 0, got {self.beam_direction}.")


def parse_xds(text: str, *, source: str = "XDS text") -> XdsGeometry:
    """Read the geometry of ``XDS.INP`` or ``XPARM.XDS`` (recognised by its first word).

    Parameters
    ----------
    text:
        The whole file.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        Empty or binary text, a missing keyword, or a value that cannot be read.
    ConversionError
        The detector has several segments.

    Warns
    -----
    ConversionLossWarning
        Pixel-position corrections are left behind.
    """
    refuse_unreadable(text, source, _WHAT)
    if text.lstrip().startswith("XPARM.XDS"):
        return _parse_xparm(text, source)
    found = _entries(text, source)
    entries = {entry.key: entry for entry in found}
    for key in _SEGMENTS:
        if key in entries:
            raise ConversionError(
                f"{entries[key].place}: detectors of several segments are not held by a pose of one plane. "
                "Export the pixel positions as a NeXus detector instead."
            )
    for key, what in _LOST.items():
        if key in entries:
            message = f"{entries[key].place}: {what} ({entries[key].text}) is left behind."
            warnings.warn(message, ConversionLossWarning, stacklevel=2)
    other = tuple((entry.key, entry.text) for entry in found if entry.key not in _USED)
    return _from_entries(entries, source, other)


def format_xds(geometry: XdsGeometry) -> str:
    """Return the lines of ``XDS.INP`` for detector and beam; numbers are read back to the same float64."""
    lines = ["! detector and beam, written by azimuthal; laboratory y points down, z along the beam"]
    if geometry.detector:
        lines.append(f"DETECTOR= {geometry.detector}")
    if geometry.sensor_thickness is not None:
        lines.append(f"SENSOR_THICKNESS= {geometry.sensor_thickness!r}")
    lines.append(f"NX= {geometry.nx} NY= {geometry.ny} QX= {geometry.qx!r} QY= {geometry.qy!r}")
    lines.append(f"ORGX= {geometry.orgx!r} ORGY= {geometry.orgy!r}")
    lines.append(f"DETECTOR_DISTANCE= {geometry.distance!r}")
    lines.append(f"DIRECTION_OF_DETECTOR_X-AXIS= {_words(geometry.x_axis)}")
    lines.append(f"DIRECTION_OF_DETECTOR_Y-AXIS= {_words(geometry.y_axis)}")
    lines.append(f"INCIDENT_BEAM_DIRECTION= {_words(geometry.beam_direction)}")
    if geometry.wavelength is not None:
        lines.append(f"X-RAY_WAVELENGTH= {geometry.wavelength!r}")
    lines.extend(f"{key}= {value}" for key, value in geometry.other)
    return "\n".join(lines) + "\n"


def pose_from_xds(geometry: XdsGeometry) -> tuple[Pose, int]:
    """Return the pose and the orientation (3 or 2) that put every pixel where XDS has it.

    Raises
    ------
    ConversionError
        The axes are not orthonormal to 1e-3, or the beam is directed opposite to z.
    """
    lab_from_xds = _LAB_FROM_XDS @ _aligning(np.array(geometry.beam_direction))
    fast, slow = (np.array(axis) for axis in (geometry.x_axis, geometry.y_axis))
    Panel(origin=(0.0, 0.0, 0.0), slow=geometry.y_axis, fast=geometry.x_axis)  # refuses skewed axes before use
    normal = np.cross(fast, slow)
    corner = (
        (0.5 - geometry.orgx) * geometry.qx * fast
        + (0.5 - geometry.orgy) * geometry.qy * slow
        + geometry.distance * normal / np.linalg.norm(normal)
    )
    origin, slow, fast = (lab_from_xds @ vector for vector in (corner * 1e-3, slow, fast))
    panel = Panel(origin=_triple(origin), slow=_triple(slow), fast=_triple(fast))
    return pose_from_panel(panel, extent=(geometry.ny * geometry.qy * 1e-3, geometry.nx * geometry.qx * 1e-3))


def xds_from_pose(
    pose: Pose,
    *,
    pixel1: float,
    pixel2: float,
    shape: tuple[int, int],
    orientation: int = 3,
    wavelength: float | None = None,
) -> XdsGeometry:
    """Return the XDS description of a flat detector with a regular grid of pixels.

    Parameters
    ----------
    pose:
        Of the detector.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m.
    shape:
        Number of pixels (slow, fast).
    orientation:
        1-4, of the image.
    wavelength:
        m, or None.
    """
    panel = panel_from_pose(pose, orientation=orientation, extent=(shape[0] * pixel1, shape[1] * pixel2))
    origin, slow, fast = (_LAB_FROM_XDS.T @ np.array(vector) for vector in (panel.origin, panel.slow, panel.fast))
    return XdsGeometry(
        orgx=float(0.5 - origin @ fast / pixel2),
        orgy=float(0.5 - origin @ slow / pixel1),
        distance=float(origin @ np.cross(fast, slow)) * 1e3,
        x_axis=_triple(fast),
        y_axis=_triple(slow),
        qx=pixel2 * 1e3,
        qy=pixel1 * 1e3,
        nx=shape[1],
        ny=shape[0],
        wavelength=None if wavelength is None else wavelength * 1e10,
    )


def _entries(text: str, source: str) -> list[Entry]:
    """Return every keyword with its value; several may share a line, ``!`` begins a comment."""
    entries: list[Entry] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("!")[0].rstrip()
        if not line:
            continue
        matches = list(_KEYWORD.finditer(line))
        if not matches:
            raise FileFormatError(f"{source}, line {number}: expected 'KEYWORD= value', got {line[:60]!r}.")
        ends = [match.start() for match in matches[1:]] + [len(line)]
        for match, end in zip(matches, ends, strict=True):
            entries.append(Entry(match[1], line[match.end() : end].strip(), number, source))
    return entries


def _from_entries(entries: dict[str, Entry], source: str, other: tuple[tuple[str, str], ...] = ()) -> XdsGeometry:
    """Return the geometry from the values by keyword."""
    found = {key: required(entries, key, source, _WHAT) for key in _GEOMETRY}
    distance = found["DETECTOR_DISTANCE"].number("mm")
    if distance == 0:
        raise found["DETECTOR_DISTANCE"].malformed("a signed distance in mm other than 0")
    beam = _vector(found["INCIDENT_BEAM_DIRECTION"])
    if not any(beam):
        raise found["INCIDENT_BEAM_DIRECTION"].malformed("a vector longer than 0")
    thickness = entries.get("SENSOR_THICKNESS")
    wavelength = entries.get("X-RAY_WAVELENGTH")
    return XdsGeometry(
        orgx=found["ORGX"].number("pixels"),
        orgy=found["ORGY"].number("pixels"),
        distance=distance,
        x_axis=_vector(found["DIRECTION_OF_DETECTOR_X-AXIS"]),
        y_axis=_vector(found["DIRECTION_OF_DETECTOR_Y-AXIS"]),
        qx=found["QX"].positive("mm"),
        qy=found["QY"].positive("mm"),
        nx=found["NX"].integer(),
        ny=found["NY"].integer(),
        wavelength=None if wavelength is None else wavelength.positive("angstrom"),
        beam_direction=beam,
        detector=entries["DETECTOR"].text if "DETECTOR" in entries else "",
        sensor_thickness=None if thickness is None else thickness.number("mm"),
        other=other,
    )


def _parse_xparm(text: str, source: str) -> XdsGeometry:
    """Read ``XPARM.XDS``: a file of fixed lines."""
    rows = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(rows) < _XPARM_LINES:
        raise FileFormatError(f"{source}: expected at least {_XPARM_LINES} lines of XPARM.XDS, got {len(rows)}.")

    def entry(row: int, key: str, column: int, count: int = 1) -> Entry:
        number, words = rows[row]
        if len(words) < column + count:
            raise FileFormatError(f"{source}, line {number}: {key}: expected {column + count} values, got {words}.")
        return Entry(key, " ".join(words[column : column + count]), number, source)

    _refuse_segments([words for _, words in rows[_XPARM_LINES:]], source)
    entries = {
        "X-RAY_WAVELENGTH": entry(2, "X-RAY_WAVELENGTH", 0),
        "INCIDENT_BEAM_DIRECTION": entry(2, "INCIDENT_BEAM_DIRECTION", 1, 3),
        **{key: entry(7, key, column) for column, key in enumerate(("NX", "NY", "QX", "QY"), start=1)},
        **{key: entry(8, key, column) for column, key in enumerate(("ORGX", "ORGY", "DETECTOR_DISTANCE"))},
        "DIRECTION_OF_DETECTOR_X-AXIS": entry(9, "DIRECTION_OF_DETECTOR_X-AXIS", 0, 3),
        "DIRECTION_OF_DETECTOR_Y-AXIS": entry(10, "DIRECTION_OF_DETECTOR_Y-AXIS", 0, 3),
    }
    return _from_entries(entries, source)


def _refuse_segments(lines: list[list[str]], source: str) -> None:
    """Refuse segments of XPARM.XDS that are moved against the detector (after its normal: two lines each)."""
    identity = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    for words in lines[2::2]:
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise FileFormatError(f"{source}: expected numbers for a segment, got {words}.") from None
        if len(values) != len(identity) or not np.allclose(values, identity, rtol=0.0, atol=1e-6):
            raise ConversionError(
                f"{source}: detectors of several displaced segments are not held by a pose of one plane. "
                "Export the pixel positions as a NeXus detector instead."
            )


def _vector(entry: Entry) -> Vector:
    first, second, third = entry.numbers(3)
    return first, second, third


def _words(vector: Vector) -> str:
    return " ".join(repr(value) for value in vector)


def _triple(vector: FloatArray) -> Vector:
    first, second, third = (float(value) for value in vector)
    return first, second, third


def _aligning(direction: FloatArray) -> FloatArray:
    """Return the smallest rotation that takes `direction` to z."""
    unit = direction / np.linalg.norm(direction)
    if unit[2] < -1.0 + 1e-6:
        raise ConversionError(
            f"INCIDENT_BEAM_DIRECTION: {tuple(direction)} is opposite to z, and which way is up is then "
            "undetermined. Describe the geometry in a laboratory frame with z along the beam."
        )
    axis = np.cross(unit, (0.0, 0.0, 1.0))
    skew = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    aligning: FloatArray = np.eye(3) + skew + skew @ skew / (1.0 + unit[2])
    return aligning
