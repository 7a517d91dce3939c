# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Spatial distortion of area detectors: Fit2D ``.spline`` files and the layout made of them.

A tapered fibre optic or an image intensifier images a regular grid of points into a curved one.  Fit2D
(Hammersley et al. 1994, doi:10.1016/0168-9002(94)90720-X) describes it by two bicubic spline surfaces, the
displacements of a point in pixels along x (fast axis) and y (slow axis)::

    x' = x + dx(x, y),    y' = y + dy(x, y),    dx(x, y) = sum_ab c_ab B_a(x) B_b(y)

with cubic B-splines B on given knots (de Boor 1978, "A Practical Guide to Splines").  The true position of
the corner (i, j) of a pixel is ``d1 = pixel1 * (i + dy(j, i))``, ``d2 = pixel2 * (j + dx(j, i))``:
neighbouring pixels share their corners, and pixels are quadrilaterals of unequal size.

The file is text: a title, then blocks with a heading each.  Numbers stand in Fortran columns of 14
characters, five per line, without a separating space when negative: the valid region (x and y of two corners,
pixels), grid spacing and pixel sizes (micrometres), and for each surface the numbers of knots along x and y,
the knots, and ``(n_x - 4) * (n_y - 4)`` coefficients, y fastest.

Evaluation uses the product form ``B_x C B_y^T``: two thin matrices of basis functions, so that a block of
rows costs only its own pixels.  It needs NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from azimuthal._validate import positive_number
from azimuthal.detectors._pixels import Block, Layout, checked_shape
from azimuthal.errors import FileFormatError, FileMissingError, ParameterError, ShapeError
from azimuthal.typing import FloatArray, PathLike

_DEGREE = 3
_COLUMN = 14  # characters per number in a spline file
_TITLE = "SPATIAL DISTORTION SPLINE INTERPOLATION COEFFICIENTS"


@dataclass(frozen=True, slots=True)
class SplineSurface:
    """One displacement in pixels as a bicubic tensor product of B-splines.

    Parameters
    ----------
    knots_fast, knots_slow:
        Knots along x and y, not decreasing, the first and last four equal.
    coefficients:
        ``(len(knots_fast) - 4) * (len(knots_slow) - 4)`` numbers, slow index fastest, pixels.
    """

    knots_fast: tuple[float, ...]
    knots_slow: tuple[float, ...]
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("knots_fast", "knots_slow", "coefficients"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.ndim != 1 or not np.isfinite(values).all():
                raise ParameterError(f"{name}: expected a row of finite numbers.")
            object.__setattr__(self, name, tuple(values.tolist()))
        for name in ("knots_fast", "knots_slow"):
            knots = np.array(getattr(self, name))
            if knots.size < 2 * (_DEGREE + 1) or (np.diff(knots) < 0).any() or knots[0] == knots[-1]:
                raise ParameterError(f"{name}: expected at least 8 knots that do not decrease, got {knots}.")
        if len(self.coefficients) != self._n_coefficients[0] * self._n_coefficients[1]:
            raise ShapeError(
                f"coefficients: {len(self.knots_fast)} x {len(self.knots_slow)} knots need "
                f"{self._n_coefficients[0]} x {self._n_coefficients[1]} coefficients, got "
                f"{len(self.coefficients)}."
            )

    @property
    def _n_coefficients(self) -> tuple[int, int]:
        return len(self.knots_fast) - _DEGREE - 1, len(self.knots_slow) - _DEGREE - 1

    def evaluate(self, slow: FloatArray, fast: FloatArray) -> FloatArray:
        """Return the displacement at all pairs of `slow` and `fast`; shape (n_slow, n_fast), pixels."""
        table = np.array(self.coefficients).reshape(self._n_coefficients)
        basis_slow = bspline_basis(np.array(self.knots_slow), slow)
        basis_fast = bspline_basis(np.array(self.knots_fast), fast)
        displacement: FloatArray = basis_slow @ table.T @ basis_fast.T
        return displacement


@dataclass(frozen=True, slots=True)
class Spline:
    """A distortion: the pixel grid it is for and its two surfaces.

    Parameters
    ----------
    shape:
        Rows and columns of the image.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis, m.
    slow, fast:
        Displacements along the slow (y) and the fast (x) axis, pixels.
    file:
        File that it was read from; not compared.
    """

    shape: tuple[int, int]
    pixel1: float
    pixel2: float
    slow: SplineSurface
    fast: SplineSurface
    file: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", checked_shape("shape", self.shape))
        for name in ("pixel1", "pixel2"):
            object.__setattr__(self, name, positive_number(name, getattr(self, name), unit="m"))
        for name in ("slow", "fast"):
            surface = getattr(self, name)
            if isinstance(surface, Mapping):
                surface = SplineSurface(**surface)
                object.__setattr__(self, name, surface)
            for axis, knots in enumerate((surface.knots_slow, surface.knots_fast)):
                if knots[0] > 0.0 or knots[-1] < self.shape[axis]:
                    raise ParameterError(
                        f"{name}: the knots span {knots[0]} to {knots[-1]} pixels, which does not cover the "
                        "image of "
                        f"{self.shape[axis]} pixels; outside them the distortion is not known."
                    )


@dataclass(frozen=True, slots=True)
class SplineGrid(Layout):
    """A regular grid moved by a distortion; neighbours share their corners."""

    builder: ClassVar[str] = "spline"

    spline: Spline

    def __post_init__(self) -> None:
        if isinstance(self.spline, Mapping):
            object.__setattr__(self, "spline", Spline(**self.spline))

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """Number of native rows and columns."""
        return self.spline.shape

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        slow = np.arange(block.start1, block.stop1 + 1, dtype=np.float64)
        fast = np.arange(block.start2, block.stop2 + 1, dtype=np.float64)
        position1 = self.spline.pixel1 * (slow[:, np.newaxis] + self.spline.slow.evaluate(slow, fast))
        position2 = self.spline.pixel2 * (fast + self.spline.fast.evaluate(slow, fast))
        corners = np.zeros((slow.size - 1, fast.size - 1, 4, 3))
        for corner, (step1, step2) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
            here = slice(step1, slow.size - 1 + step1), slice(step2, fast.size - 1 + step2)
            corners[..., corner, 0] = position1[here]
            corners[..., corner, 1] = position2[here]
        return corners

    def to_dict(self, *, inline_arrays: bool = True) -> dict[str, Any]:
        """Return the parameters as JSON-able values."""
        record = asdict(self.spline)
        for surface in ("slow", "fast"):
            record[surface] = {name: list(values) for name, values in record[surface].items()}
        return {"builder": self.builder, "spline": {**record, "shape": list(self.spline.shape)}}


def bspline_basis(knots: FloatArray, positions: FloatArray) -> FloatArray:
    """Return the values of all cubic B-splines on `knots` at `positions`; shape (n_positions, n_knots - 4).

    The recursion of Cox and de Boor, for all positions at once.  The last knot belongs to the last interval.

    Raises
    ------
    ParameterError
        A position is outside the knots; nothing is extrapolated.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if positions.size and (positions.min() < knots[0] or positions.max() > knots[-1]):
        raise ParameterError(
            f"positions: {positions.min()} to {positions.max()} reach out of the knots, {knots[0]} to {knots[-1]}."
        )
    last = np.flatnonzero(np.diff(knots) > 0)[-1]
    interval = np.minimum(np.searchsorted(knots, positions, side="right") - 1, last)
    basis = np.zeros((positions.size, knots.size - 1))
    basis[np.arange(positions.size), interval] = 1.0
    for degree in range(1, _DEGREE + 1):
        n_basis = knots.size - 1 - degree
        left, right = knots[:n_basis], knots[degree + 1 : degree + 1 + n_basis]
        rise, fall = knots[degree : degree + n_basis] - left, right - knots[1 : 1 + n_basis]
        # an interval of no width carries no basis function: its weight is zero, whatever it is divided by
        up = np.where(rise > 0, (positions[:, np.newaxis] - left) / np.where(rise > 0, rise, 1.0), 0.0)
        down = np.where(fall > 0, (right - positions[:, np.newaxis]) / np.where(fall > 0, fall, 1.0), 0.0)
        basis = up * basis[:, :n_basis] + down * basis[:, 1 : n_basis + 1]
    return basis


def load_spline(path: PathLike) -> Spline:
    """Return the distortion in a Fit2D spline file.

    Raises
    ------
    FileMissingError
        There is no such file.
    FileFormatError
        It is not a complete spline file; the message says which block is at fault.
    """
    file = Path(path)
    if not file.is_file():
        raise FileMissingError(f"spline: no file {str(file)!r}.")
    spline = parse_spline(file.read_text(encoding="latin-1"), name=str(file))
    return replace(spline, file=str(file))


def parse_spline(text: str, *, name: str = "spline") -> Spline:
    """Return the distortion written in the text of a Fit2D spline file; `name` is for messages."""
    blocks = _blocks(text, name)
    region = _numbers(blocks, "VALID REGION", 4, name)
    if region[0] != 0.0 or region[1] != 0.0 or any(value % 1 or not 1 <= value < 1e6 for value in region[2:]):
        raise FileFormatError(f"{name}: the valid region {region} does not start at 0, 0 or is not of whole pixels.")
    _, pixel_x, pixel_y = _numbers(blocks, "GRID SPACING, X-PIXEL SIZE, Y-PIXEL SIZE", 3, name)
    try:
        return Spline(
            shape=(int(region[3]), int(region[2])),
            pixel1=pixel_y * 1e-6,
            pixel2=pixel_x * 1e-6,
            slow=_surface(blocks, "Y-DISTORTION", name),
            fast=_surface(blocks, "X-DISTORTION", name),
        )
    except (ParameterError, ShapeError) as error:
        raise FileFormatError(f"{name}: {error}") from error


def _blocks(text: str, name: str) -> dict[str, list[str]]:
    lines = text.splitlines()
    if not lines or lines[0].strip().upper() != _TITLE:
        raise FileFormatError(f"{name}: not a Fit2D spline file; its first line must be {_TITLE!r}.")
    blocks: dict[str, list[str]] = {}
    heading = ""
    for line in lines[1:]:
        stripped = line.strip()
        if stripped[:1].isalpha():
            heading = stripped.upper()
            blocks[heading] = []
        elif stripped and heading:
            blocks[heading].append(line.rstrip())
    return blocks


def _surface(blocks: Mapping[str, list[str]], heading: str, name: str) -> SplineSurface:
    lines = _block(blocks, heading, name)
    try:
        n_fast, n_slow = (int(word) for word in lines[0].split())
    except (IndexError, ValueError):
        raise FileFormatError(f"{name}: block {heading!r} must begin with two numbers of knots.") from None
    n_coefficients = (n_fast - _DEGREE - 1) * (n_slow - _DEGREE - 1)
    values: list[float] = []
    line_of = iter(lines[1:])
    parts: list[tuple[float, ...]] = []
    for number in (n_fast, n_slow, n_coefficients):  # each list begins on a new line
        values = []
        while len(values) < number:
            line = next(line_of, None)
            if line is None:
                raise FileFormatError(
                    f"{name}: block {heading!r} ends before its {number} numbers are complete ({len(values)} read)."
                )
            values += _columns(line, name)
        if len(values) != number:
            raise FileFormatError(f"{name}: block {heading!r} has {len(values)} numbers where {number} belong.")
        parts.append(tuple(values))
    return SplineSurface(*parts)


def _numbers(blocks: Mapping[str, list[str]], heading: str, count: int, name: str) -> list[float]:
    values = [value for line in _block(blocks, heading, name) for value in _columns(line, name)]
    if len(values) != count:
        raise FileFormatError(f"{name}: block {heading!r} must hold {count} numbers, got {len(values)}.")
    return values


def _block(blocks: Mapping[str, list[str]], heading: str, name: str) -> list[str]:
    if heading not in blocks:
        raise FileFormatError(f"{name}: the block {heading!r} is missing.")
    return blocks[heading]


def _columns(line: str, name: str) -> list[float]:
    try:
        return [float(line[start : start + _COLUMN]) for start in range(0, len(line), _COLUMN)]
    except ValueError:
        raise FileFormatError(f"{name}: expected numbers in columns of {_COLUMN} characters, got {line!r}.") from None
