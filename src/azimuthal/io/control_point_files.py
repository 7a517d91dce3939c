# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Control points on disk: the `.npt` text of pyFAI.

::

    calibrant: LaB6 Calibrant with 75 reflections at wavelength 8.856e-11
    wavelength: 8.856e-11
    dspacing:4.156826 2.939319 ...

    New group of points: 0
    2theta: 0.2134
    ring: 0
    point: x=1402.05 y=91.81

x is the fast and y the slow coordinate, pixels, the centre of the first pixel at (0, 0); wavelength in m, spacings in
angstrom, two theta in rad.  Lines that begin with ``#`` are comments.  The format has no place for uncertainties and
intensities: we keep them in a comment behind each point (``# sigma=0.05 height=120.0``), which other readers skip.
One group is written per ring.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from azimuthal._pending_file import write_text
from azimuthal._validate import positive_number
from azimuthal.calibration import ControlPoints, RingSource
from azimuthal.calibration.residuals import ring_angles
from azimuthal.errors import FileFormatError, FileMissingError
from azimuthal.typing import FloatArray, PathLike

__all__ = ["ControlPointFile", "load_control_points", "save_control_points"]

_ANGSTROM = 1e-10
_POINT = re.compile(r"x=(\S+)\s+y=(\S+)|y=(\S+)\s+x=(\S+)")
_NOTE = re.compile(r"#\s*sigma=(\S+)\s+height=(\S+)")


class ControlPointFile(NamedTuple):
    """What a file of control points holds.

    Attributes
    ----------
    points:
        The points; uncertainties and intensities NaN unless we wrote the file.
    calibrant:
        First word of the calibrant's line, or None.
    wavelength:
        m, or None.
    d_spacings:
        m, decreasing, as the file lists them; empty when it does not.
    """

    points: ControlPoints
    calibrant: str | None
    wavelength: float | None
    d_spacings: FloatArray


def save_control_points(
    points: ControlPoints, path: PathLike, calibrant: RingSource, wavelength: float, *, force: bool = False
) -> None:
    """Write control points as a `.npt` file.

    Parameters
    ----------
    points:
        To be written.
    path:
        The file.
    calibrant:
        Its name and spacings are written.
    wavelength:
        m.
    force:
        Replace an existing file.

    Raises
    ------
    OutputExistsError
        The file exists and `force` is False.
    """
    wavelength = positive_number("wavelength", wavelength, unit="m")
    spacings = np.asarray(calibrant.d_spacings(), dtype=np.float64)
    angles = ring_angles(spacings, wavelength)[0]
    name = re.sub(r"\s+", "_", calibrant.name)
    lines = [
        "# control points written by azimuthal: angles in rad, wavelength in m, positions in pixels",
        f"calibrant: {name} Calibrant with {spacings.size} reflections at wavelength {wavelength!r}",
        f"wavelength: {wavelength!r}",
        "dspacing:" + " ".join(repr(value) for value in (spacings / _ANGSTROM).tolist()),
    ]
    for number, ring in enumerate(points.rings.tolist()):
        lines += ["", f"New group of points: {number}", f"2theta: {float(angles[ring])!r}", f"ring: {ring}"]
        group = points.on_ring(ring)
        columns = (group.fast, group.slow, group.uncertainty, group.intensity)
        for x, y, sigma, height in zip(*(column.tolist() for column in columns), strict=True):
            lines.append(f"point: x={x!r} y={y!r}")
            if sigma == sigma or height == height:  # not NaN
                lines.append(f"# sigma={sigma!r} height={height!r}")
    write_text(path, ["\n".join(lines) + "\n"], force=force)


def load_control_points(path: PathLike) -> ControlPointFile:
    """Read a `.npt` file of control points.

    Raises
    ------
    FileMissingError
        The file does not exist.
    FileFormatError
        A line cannot be read, or a group of points names no ring; file and line are named.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: expected a text file of control points: {error}.") from None
    return _Reader(path).read(text)


class _Reader:
    """Reads line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ring: int | None = None
        self._rows: list[list[float]] = []
        self._calibrant: str | None = None
        self._wavelength: float | None = None
        self._spacings: list[float] = []

    def read(self, text: str) -> ControlPointFile:
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                self._line(line.strip())
            except ValueError as error:
                raise FileFormatError(f"{self._path}, line {number}: {error} (got {line.strip()[:80]!r}).") from None
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 5)
        slow, fast, ring, sigma, height = rows.T
        points = ControlPoints(slow, fast, ring.astype(np.int64), sigma, height)
        spacings = np.array(self._spacings, dtype=np.float64) * _ANGSTROM
        return ControlPointFile(points, self._calibrant, self._wavelength, spacings)

    def _line(self, line: str) -> None:
        note = _NOTE.fullmatch(line)
        if note and self._rows:
            self._rows[-1][3:] = float(note[1]), float(note[2])
        if line.startswith("#") or not line:
            return
        key, colon, value = (part.strip() for part in line.partition(":"))
        key = key.lower()
        if not colon:
            raise ValueError("expected 'key: value'")
        if key == "point":
            self._point(value)
        elif key.startswith("new"):
            self._ring = None
        elif key == "ring":
            self._ring = None if value.lower() == "none" else int(value)
        elif key == "calibrant":
            self._calibrant = value.split()[0] if value else None
        elif key == "wavelength":
            self._wavelength = None if value.lower() == "none" else float(value)
        elif key == "dspacing":
            self._spacings = [float(word) for word in value.split() if word.lower() != "none"]
        elif key != "2theta":
            raise ValueError(f"the key {key!r} is not known")

    def _point(self, value: str) -> None:
        match = _POINT.match(value)
        if match is None:
            raise ValueError("expected 'point: x=... y=...'")
        if self._ring is None:
            raise ValueError("this point's group names no ring; write 'ring: N' above it")
        x, y = (match[1], match[2]) if match[1] else (match[4], match[3])
        self._rows.append([float(y), float(x), self._ring, np.nan, np.nan])
