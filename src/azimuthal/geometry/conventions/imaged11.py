# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The geometry of ImageD11: ``.par`` files.

Frame
    x along the beam, z up, y horizontal to complete the right-handed set (x, y, z): to the left when looking
    downstream, away from the centre of the storage ring.  Ours is (1, 2, 3) = (z, -y, x).

From a pixel to the laboratory
    ``s`` and ``f`` are the slow and the fast pixel index; an integer is the *centre* of a pixel, so that
    ImageD11's centre is half a pixel below one that counts from the corner (Fit2D).  With all lengths in one
    unit ::

        | a |   | o11  o12 |   | (s - z_center) z_size |
        |   | = |          | . |                       |
        | b |   | o21  o22 |   | (f - y_center) y_size |

        (x, y, z) = Rx(tilt_x) Ry(tilt_y) Rz(tilt_z) (0, b, a) + (distance, 0, 0)

    with right-handed rotations, angles in rad.  So ``distance`` is along the beam and the tilts are about the
    pixel that the beam hits.  ``2theta = atan2(hypot(y, z), x)``; ``eta = atan2(-y, z)`` is zero along our
    axis 1 and increases towards our axis 2: ``eta = pi/2 - chi``.

In our terms
    The change of axes turns ``Rx Ry Rz`` into our order, so the angles carry over one by one ::

        rot1 = -tilt_z        rot2 = tilt_y        rot3 = tilt_x

    and the distance and the centre follow from the direct beam (``D = dist / (cos rot1 cos rot2)``).  The
    orientation is the o-matrix: ``o11 = -1`` when the slow axis is mirrored, ``o22 = +1`` when the fast axis
    is.

    ===========  =====  =====
    orientation   o11    o22
    ===========  =====  =====
    1              -1     +1
    2              -1     -1
    3 (native)     +1     -1
    4              +1     +1
    ===========  =====  =====

    A mirrored axis counts from its far edge, so its length in pixels, the ``shape``, is needed.  An o-matrix
    with ``o12`` or ``o21`` transposes the image, which we cannot hold.  Nothing else is lost in either
    direction.

Units
    A ``.par`` file names none.  Lengths are in micrometres by custom (any common unit gives the same angles)
    and the wavelength is in angstrom, as the unit cell of the same file is.  (pyFAI's ``getImageD11`` writes
    nanometres unless told otherwise.)

A ``.par`` file also holds the unit cell and the sample axes (``omegasign``, ``wedge``, ``chi``): they do not
move the detector and are kept as text.  ``t_x``, ``t_y``, ``t_z`` displace the grain from the rotation axis;
when they are not zero that is reported.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, fields

from azimuthal._validate import finite_number, positive_number
from azimuthal.errors import ConversionError, ConversionLossWarning, FileFormatError, ParameterError
from azimuthal.geometry.beam import Beam
from azimuthal.geometry.conventions._direct_beam import (
    DirectBeam,
    direct_beam,
    mirror_of,
    pose_from_direct_beam,
)
from azimuthal.geometry.conventions._reading import Entry, refuse_unreadable, warn_unknown_keys
from azimuthal.geometry.frames import lab_from_detector_rotation
from azimuthal.geometry.pose import Pose
from azimuthal.orientation import checked_orientation, orientation_flips

__all__ = [
    "ImageD11Geometry",
    "format_imaged11",
    "imaged11_from_pose",
    "parse_imaged11",
    "pose_from_imaged11",
]

_LENGTHS = ("distance", "y_size", "z_size")
_ANGLES = ("tilt_x", "tilt_y", "tilt_z")
_GEOMETRY = (
    *("distance", "o11", "o12", "o21", "o22", "tilt_x", "tilt_y", "tilt_z"),
    *("wavelength", "y_center", "y_size", "z_center", "z_size"),
)
_REQUIRED = ("distance", "y_center", "y_size", "z_center", "z_size")
_SAMPLE_SHIFT = ("t_x", "t_y", "t_z")
_DISTORTION = ("spline", "splinefile", "dxfile", "dyfile", "spatial", "e2dxfile", "e2dyfile")
_OTHER = (
    *(f"cell_{name}" for name in ("_a", "_b", "_c", "alpha", "beta", "gamma", "sg", "lattice_[P,A,B,C,I,F,R]")),
    *("chi", "wedge", "omegasign", "fit_tolerance", "min_bin_prob", "no_bins", "weight_hist_intensities"),
)


@dataclass(frozen=True, slots=True)
class ImageD11Geometry:
    """The detector part of a ``.par`` file.

    Parameters
    ----------
    distance:
        Along the beam, micrometres.
    y_center, z_center:
        Where the beam meets the detector plane along the fast and the slow image axis; pixel index, an
        integer is the centre of a pixel.
    y_size, z_size:
        Pixel size along the fast and the slow image axis, micrometres.
    tilt_x, tilt_y, tilt_z:
        rad.
    o11, o12, o21, o22:
        Signed permutation: -1, 0 or 1 each.
    wavelength:
        Angstrom, or None.
    other:
        The remaining parameters of the file, as text; written back unchanged.

    Raises
    ------
    DataTypeError, ParameterError
        A value is not a finite number or out of its range, or the o-matrix is not a signed permutation.
    """

    distance: float
    y_center: float
    z_center: float
    y_size: float
    z_size: float
    tilt_x: float = 0.0
    tilt_y: float = 0.0
    tilt_z: float = 0.0
    o11: int = 1
    o12: int = 0
    o21: int = 0
    o22: int = -1
    wavelength: float | None = None
    other: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if name == "other" or value is None:
                continue
            positive = name in _LENGTHS or name == "wavelength"
            number = (positive_number if positive else finite_number)(name, value, unit=_unit(name))
            object.__setattr__(self, name, _sign(name, number) if name.startswith("o") else number)
        if abs(self.o11 * self.o22 - self.o12 * self.o21) != 1 or abs(self.o11) + abs(self.o12) != 1:
            raise ParameterError(
                f"o11, o12, o21, o22: expected one entry of -1 or 1 in each row and column, got {self.o11}, "
                f"{self.o12}, {self.o21}, {self.o22}."
            )

    @property
    def pixel1(self) -> float:
        """Pixel size along the slow image axis, m."""
        return self.z_size * 1e-6

    @property
    def pixel2(self) -> float:
        """Pixel size along the fast image axis, m."""
        return self.y_size * 1e-6


def imaged11_from_pose(
    pose: Pose,
    pixel1: float,
    pixel2: float,
    wavelength: float | None = None,
    *,
    orientation: int = 3,
    shape: tuple[int, int] | None = None,
) -> ImageD11Geometry:
    """Return the ImageD11 record of a pose; nothing is lost.

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

    Raises
    ------
    ConversionError
        The direct beam does not meet the detector plane, or `shape` is needed.
    """
    pixel1, pixel2 = positive_number("pixel1", pixel1, unit="m"), positive_number("pixel2", pixel2, unit="m")
    mirror = mirror_of(orientation, shape, "ImageD11")
    beam = direct_beam(pose, "ImageD11")
    center1, center2 = mirror.coordinates(beam.position1 / pixel1, beam.position2 / pixel2)
    return ImageD11Geometry(
        distance=beam.distance * 1e6,
        y_center=center2 - 0.5,
        z_center=center1 - 0.5,
        y_size=pixel2 * 1e6,
        z_size=pixel1 * 1e6,
        tilt_x=pose.rot3,
        tilt_y=pose.rot2,
        tilt_z=-pose.rot1,
        o11=-1 if mirror.slow else 1,
        o22=1 if mirror.fast else -1,
        wavelength=None if wavelength is None else wavelength * 1e10,
    )


def pose_from_imaged11(
    record: ImageD11Geometry, *, shape: tuple[int, int] | None = None
) -> tuple[Pose, float | None, int]:
    """Return the pose, the wavelength in m (or None) and the orientation of an ImageD11 record.

    Parameters
    ----------
    record:
        Of ImageD11.
    shape:
        (rows, columns) of the image; needed when the o-matrix mirrors an axis.

    Raises
    ------
    ConversionError
        The o-matrix transposes the image, `shape` is needed, or the beam does not meet the detector plane.
    ParameterError
        The wavelength is not that of X-rays in angstrom.
    """
    orientation = _orientation(record)
    mirror = mirror_of(orientation, shape, "ImageD11")
    rotations = (-record.tilt_z, record.tilt_y, record.tilt_x)
    direction = lab_from_detector_rotation(*rotations)[2]
    if direction[2] <= 1e-9:
        raise ConversionError(
            f"ImageD11: tilt_y={record.tilt_y} and tilt_z={record.tilt_z} rad turn the detector parallel to "
            "the beam or beyond."
        )
    center1, center2 = mirror.coordinates(record.z_center + 0.5, record.y_center + 0.5)
    beam = DirectBeam(record.distance * 1e-6, center1 * record.pixel1, center2 * record.pixel2)
    wavelength = None if record.wavelength is None else record.wavelength * 1e-10
    return pose_from_direct_beam(beam, direction, rotations), Beam(wavelength).wavelength, orientation


def parse_imaged11(text: str, *, source: str = "ImageD11 parameters") -> ImageD11Geometry:
    """Read a ``.par`` file: ``name value`` lines, ``#`` begins a comment.

    Parameters
    ----------
    text:
        The whole file.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        A line without a value, a name twice, a missing name, or a value that cannot be read or is out of
        range.

    Warns
    -----
    GeometryFileWarning
        A name that is not known to ImageD11; it is kept with the other parameters.
    ConversionLossWarning
        A displaced grain or a distortion file, which the geometry does not include.
    """
    refuse_unreadable(text, source, "ImageD11 parameters")
    entries = _entries(text, source)
    missing = [name for name in _REQUIRED if name not in entries]
    if missing:
        raise FileFormatError(f"{source}: missing {', '.join(missing)}; found {', '.join(entries)}.")
    other = [entry for name, entry in entries.items() if name not in _GEOMETRY]
    warn_unknown_keys(other, (*_GEOMETRY, *_OTHER, *_SAMPLE_SHIFT, *_DISTORTION), stacklevel=3)
    _warn_left_out(other)
    values = {name: entries[name].number(_unit(name)) for name in _GEOMETRY if name in entries}
    kept = tuple((entry.key, entry.text) for entry in other)
    try:
        return ImageD11Geometry(**values, other=kept)  # type: ignore[arg-type]
    except ParameterError as error:
        raise FileFormatError(f"{source}: {error}") from None


def format_imaged11(record: ImageD11Geometry) -> str:
    """Return the text of a ``.par`` file in alphabetical order; numbers are read back to the same float64."""
    lines = [(name, repr(value)) for name in _GEOMETRY if (value := getattr(record, name)) is not None]
    return "".join(f"{name} {text}\n" for name, text in sorted([*lines, *record.other]))


def _unit(name: str) -> str:
    if name in _LENGTHS:
        return "um"
    if name in _ANGLES:
        return "rad"
    return {"wavelength": "angstrom", "y_center": "pixels", "z_center": "pixels"}.get(name, "")


def _sign(name: str, number: float) -> int:
    if number not in (-1.0, 0.0, 1.0):
        raise ParameterError(f"{name}: expected -1, 0 or 1, got {number}.")
    return int(number)


def _orientation(record: ImageD11Geometry) -> int:
    """Return the orientation of an o-matrix without transposition."""
    if record.o12 or record.o21:
        raise ConversionError(
            f"ImageD11: the o-matrix ({record.o11}, {record.o12}, {record.o21}, {record.o22}) transposes the "
            "image, which a detector description cannot hold. Transpose the image and exchange the rows of "
            "the o-matrix."
        )
    flips = (record.o11 == -1, record.o22 == 1)
    return next(checked_orientation(number) for number in (1, 2, 3, 4) if orientation_flips(number) == flips)


def _entries(text: str, source: str) -> dict[str, Entry]:
    """Return the ``name value`` lines by name."""
    entries: dict[str, Entry] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        words = raw.partition("#")[0].split(maxsplit=1)
        if not words:
            continue
        if len(words) != 2:
            raise FileFormatError(f"{source}, line {number}: expected 'name value', got {raw.strip()[:60]!r}.")
        if words[0] in entries:
            raise FileFormatError(f"{source}, line {number}: {words[0]} is given twice. Remove the wrong one.")
        entries[words[0]] = Entry(words[0], words[1].strip(), number, source)
    return entries


def _warn_left_out(other: list[Entry]) -> None:
    """Warn of parameters that do move pixels or rays and are not in a pose."""
    for entry in other:
        displaced = entry.key in _SAMPLE_SHIFT and not math.isclose(entry.number("um"), 0.0)
        distorted = entry.key in _DISTORTION and entry.text.casefold() != "none"
        if displaced or distorted:
            why = (
                "displaces the grain from the rotation axis"
                if displaced
                else "is a distortion; choose a detector that has it"
            )
            warnings.warn(
                f"{entry.place} = {entry.text} {why}: not part of the geometry read.",
                ConversionLossWarning,
                stacklevel=3,
            )
