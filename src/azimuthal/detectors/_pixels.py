# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where the pixels are: the layouts that a detector description can name.

A layout is a frozen description that can place every native pixel in the detector frame (axes 1, 2, 3 = slow,
fast, depth; metres; see :mod:`azimuthal.geometry.frames`).  It knows nothing of orientation, regions or
binning: the :class:`~azimuthal.detectors.Detector` that holds it does.

==================  =======================================================================================
builder             native positions
==================  =======================================================================================
``regular``         pixel (i, j) spans ``pixel1 * (i, i + 1)`` x ``pixel2 * (j, j + 1)`` in the plane
``stepped``         slow x fast in the plane, but pixels beside an inner module border are wider, and modules
                    may stand apart: :class:`AxisSteps` gives the rule of each axis
``hexagonal``       regular hexagons of width ``pixel2`` with two corners along axis 1; rows are ``pixel1 =
                    pixel2 * sqrt(3) / 2`` apart and odd rows are shifted by half a pixel
``cylindrical``     pixels of equal arc length on a cylinder whose axis runs along axis 1: with ``t = arc /
                    radius``, ``d2 = radius sin t`` and ``d3 = radius (cos t - 1)``
``faceted``         equal flat modules in a row along axis 1, each turned by a constant angle about axis 2
                    towards +3, and a constant gap along the previous module
``spline``          a regular grid moved by a measured distortion: :mod:`azimuthal.detectors.distortion`
``corner_array``    every corner is given
``displaced``       another layout with modules shifted and turned: :mod:`azimuthal.detectors.displaced`
==================  =======================================================================================

Corners of a four-cornered native pixel (i, j) come in the order A (i, j), B (i+1, j), C (i+1, j+1), D (i, j+1).  The
six corners of a hexagon come in ring order too, but the other way round: the first is the one of smallest axis 1, the
next one lies towards larger axis 2.

The centre of a pixel is the mean of its corners, except on the cylinder, where it is the point of the
cylinder half way along the arc: there the mean of the corners would lie inside by ``pixel2**2 / (8 radius)``.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from azimuthal._validate import finite_number, one_of, positive_integer, positive_number, unknown_name
from azimuthal.errors import DataTypeError, FileFormatError, ParameterError, ShapeError
from azimuthal.typing import AnyArray, BoolArray, FloatArray


class Block(NamedTuple):
    """A rectangle of native pixels: rows `start1` to `stop1`, columns `start2` to `stop2`, stops excluded."""

    start1: int
    stop1: int
    start2: int
    stop2: int


class SeparableEdges(NamedTuple):
    """Edges of pixels whose positions factor into slow x fast in the plane; float64, m, lower < upper.

    ``lower1`` and ``upper1`` have length n_slow, ``lower2`` and ``upper2`` length n_fast.
    """

    lower1: FloatArray
    upper1: FloatArray
    lower2: FloatArray
    upper2: FloatArray


class Layout(ABC):
    """What every layout can do; positions are those of native pixels, in the detector frame, float64, m."""

    builder: ClassVar[str]
    shape: tuple[int, int]  # native rows and columns

    @property
    def n_corners(self) -> int:
        """Corners per pixel."""
        return 4

    @property
    def is_flat(self) -> bool:
        """Whether axis 3 is zero everywhere."""
        return True

    @abstractmethod
    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels; shape (n_rows, n_columns, n_corners, 3)."""

    def centers(self, block: Block) -> FloatArray:
        """Return the centres of a block of pixels; shape (n_rows, n_columns, 3)."""
        corners = self.corners(block)
        total = corners[:, :, 0].copy()
        for corner in range(1, self.n_corners):
            total += corners[:, :, corner]
        total /= self.n_corners
        return total

    def edges(self) -> SeparableEdges | None:
        """Return the edges along both axes, or None when positions do not factor into slow x fast."""
        return None

    def to_dict(self, *, inline_arrays: bool = True) -> dict[str, Any]:
        """Return the parameters as JSON-able values, with the builder's name.

        Arrays are stored whole, or with ``inline_arrays=False`` as type, shape and digest: enough to recognise them.
        """
        record: dict[str, Any] = {"builder": self.builder}
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            is_array = isinstance(value, np.ndarray)
            record[field.name] = array_digest(value) if is_array and not inline_arrays else _jsonable(value)
        return record


class PlanarGrid(Layout):
    """A layout in the plane that factors into slow x fast."""

    def edges(self) -> SeparableEdges:
        """Return the edges along both axes."""
        edges = SeparableEdges(*self.axis_edges(0), *self.axis_edges(1))
        for array in edges:
            array.flags.writeable = False
        return edges

    @abstractmethod
    def axis_edges(self, axis: int) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper edges of the pixels along one axis."""

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        return corners_from_edges(self.edges(), block)

    def centers(self, block: Block) -> FloatArray:
        """Return the centres of a block of pixels."""
        lower1, upper1, lower2, upper2 = self.edges()
        rows, columns = slice(block.start1, block.stop1), slice(block.start2, block.stop2)
        centers = np.zeros((block.stop1 - block.start1, block.stop2 - block.start2, 3))
        centers[..., 0] = (0.5 * (lower1[rows] + upper1[rows]))[:, np.newaxis]
        centers[..., 1] = 0.5 * (lower2[columns] + upper2[columns])
        return centers


@dataclass(frozen=True, slots=True)
class RegularGrid(PlanarGrid):
    """Equal rectangles side by side."""

    builder: ClassVar[str] = "regular"

    shape: tuple[int, int]
    pixel1: float
    pixel2: float

    def __post_init__(self) -> None:
        _check_grid(self)

    def axis_edges(self, axis: int) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper edges of the pixels along one axis."""
        edges = np.arange(self.shape[axis] + 1, dtype=np.float64)
        edges *= (self.pixel1, self.pixel2)[axis]
        return edges[:-1], edges[1:]


@dataclass(frozen=True, slots=True)
class AxisSteps:
    """How pixels follow each other along one axis of a ``stepped`` grid.

    Parameters
    ----------
    period:
        Pixels per module; 0 for an axis without modules.
    factor:
        The two pixels at each inner module border are this many pixel sizes wide.
    gap:
        Empty space between modules, m.
    """

    period: int = 0
    factor: float = 1.0
    gap: float = 0.0

    def __post_init__(self) -> None:
        if self.period:
            positive_integer("period", self.period)
        object.__setattr__(self, "factor", positive_number("factor", self.factor))
        object.__setattr__(self, "gap", finite_number("gap", self.gap, unit="m"))
        if self.gap < 0:
            raise ParameterError(f"gap: expected a gap of at least 0 m between modules, got {self.gap}.")

    def edges(self, n_pixels: int, pixel: float) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper edges of `n_pixels` pixels of size `pixel`, m."""
        index = np.arange(n_pixels)
        period = self.period or n_pixels
        place = index % period
        wide = ((place == 0) & (index > 0)) | ((place == period - 1) & (index < n_pixels - 1))
        extra = (self.factor - 1.0) * np.concatenate([[0], np.cumsum(wide)])
        shift = self.gap * (index // period)
        return pixel * (index + extra[:-1]) + shift, pixel * (index + 1 + extra[1:]) + shift


@dataclass(frozen=True, slots=True)
class SteppedGrid(PlanarGrid):
    """Slow x fast in the plane with wider pixels at module borders and gaps between modules."""

    builder: ClassVar[str] = "stepped"

    shape: tuple[int, int]
    pixel1: float
    pixel2: float
    slow: AxisSteps = AxisSteps()
    fast: AxisSteps = AxisSteps()

    def __post_init__(self) -> None:
        _check_grid(self)
        for name in ("slow", "fast"):
            steps = getattr(self, name)
            if isinstance(steps, Mapping):
                object.__setattr__(self, name, AxisSteps(**steps))

    def axis_edges(self, axis: int) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper edges of the pixels along one axis."""
        steps = (self.slow, self.fast)[axis]
        return steps.edges(self.shape[axis], (self.pixel1, self.pixel2)[axis])


@dataclass(frozen=True, slots=True)
class Hexagonal(Layout):
    """Hexagons: ``pixel2`` is their width and pitch along axis 2, ``pixel1`` the pitch of the rows."""

    builder: ClassVar[str] = "hexagonal"

    shape: tuple[int, int]
    pixel1: float
    pixel2: float

    def __post_init__(self) -> None:
        _check_grid(self)
        expected = self.pixel2 * math.sqrt(3.0) / 2.0
        if not math.isclose(self.pixel1, expected, rel_tol=1e-9):
            raise ParameterError(
                f"pixel1: rows of regular hexagons of width pixel2 = {self.pixel2} m are pixel2 * sqrt(3) / "
                "2 = "
                f"{expected} m apart, got {self.pixel1}."
            )

    @property
    def n_corners(self) -> int:
        """Corners per pixel."""
        return 6

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        rows, columns = np.arange(block.start1, block.stop1), np.arange(block.start2, block.stop2)
        first1, first2 = rows * self.pixel1, (columns + 0.5 * (rows % 2)[:, np.newaxis]) * self.pixel2
        half_side = self.pixel1 / 3.0
        corners = np.zeros((rows.size, columns.size, 6, 3))
        for corner, (step1, step2) in enumerate(((0, 0.5), (1, 1), (3, 1), (4, 0.5), (3, 0), (1, 0))):
            corners[..., corner, 0] = (first1 + step1 * half_side)[:, np.newaxis]
            corners[..., corner, 1] = first2 + step2 * self.pixel2
        return corners


@dataclass(frozen=True, slots=True)
class Cylindrical(Layout):
    """Pixels of equal arc on a cylinder around a parallel to axis 1, tangent to the plane at column 0."""

    builder: ClassVar[str] = "cylindrical"

    shape: tuple[int, int]
    pixel1: float
    pixel2: float
    radius: float

    def __post_init__(self) -> None:
        _check_grid(self)
        object.__setattr__(self, "radius", positive_number("radius", self.radius, unit="m"))
        if self.shape[1] * self.pixel2 > 2.0 * math.pi * self.radius:
            raise ParameterError(
                f"radius: {self.shape[1]} columns of {self.pixel2} m do not fit on the circumference of a "
                "cylinder "
                f"of radius {self.radius} m."
            )

    @property
    def is_flat(self) -> bool:
        """Whether axis 3 is zero everywhere: never."""
        return False

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        edge1 = np.arange(block.start1, block.stop1 + 1) * self.pixel1
        edge2, edge3 = self._arc(np.arange(block.start2, block.stop2 + 1))
        corners = np.empty((edge1.size - 1, edge2.size - 1, 4, 3))
        for corner, (step1, step2) in enumerate(_CORNER_STEPS):
            rows = slice(step1, edge1.size - 1 + step1)
            columns = slice(step2, edge2.size - 1 + step2)
            corners[..., corner, 0] = edge1[rows, np.newaxis]
            corners[..., corner, 1] = edge2[columns]
            corners[..., corner, 2] = edge3[columns]
        return corners

    def centers(self, block: Block) -> FloatArray:
        """Return the centres of a block of pixels: half way along each arc."""
        center2, center3 = self._arc(np.arange(block.start2, block.stop2) + 0.5)
        centers = np.empty((block.stop1 - block.start1, center2.size, 3))
        centers[..., 0] = ((np.arange(block.start1, block.stop1) + 0.5) * self.pixel1)[:, np.newaxis]
        centers[..., 1] = center2
        centers[..., 2] = center3
        return centers

    def _arc(self, columns: AnyArray) -> tuple[FloatArray, FloatArray]:
        angle = columns * (self.pixel2 / self.radius)
        # cos t - 1 = -2 sin^2(t/2) keeps all digits near t = 0
        return self.radius * np.sin(angle), -2.0 * self.radius * np.sin(0.5 * angle) ** 2


@dataclass(frozen=True, slots=True)
class Faceted(Layout):
    """A row of equal flat modules along axis 1, each turned by `angle_deg` against the one before.

    Parameters
    ----------
    shape:
        All modules stacked: (n_modules * rows of one module, columns).
    pixel1, pixel2:
        Pixel size, m.
    n_modules:
        Number of modules.
    angle_deg:
        Turn of each module about axis 2 against the one before, towards +3, degrees.
    gap:
        Distance from the last edge of a module to the first edge of the next one, along the former, m.
    slow, fast:
        Steps inside each module.
    """

    builder: ClassVar[str] = "faceted"

    shape: tuple[int, int]
    pixel1: float
    pixel2: float
    n_modules: int
    angle_deg: float
    gap: float = 0.0
    slow: AxisSteps = AxisSteps()
    fast: AxisSteps = AxisSteps()

    def __post_init__(self) -> None:
        _check_grid(self)
        positive_integer("n_modules", self.n_modules)
        finite_number("angle_deg", self.angle_deg, unit="degrees")
        if self.shape[0] % self.n_modules:
            raise ParameterError(f"n_modules: {self.shape[0]} rows do not divide into {self.n_modules} modules.")
        for name in ("slow", "fast"):
            steps = getattr(self, name)
            if isinstance(steps, Mapping):
                object.__setattr__(self, name, AxisSteps(**steps))

    @property
    def is_flat(self) -> bool:
        """Whether the modules are all in one plane."""
        return self.n_modules == 1 or self.angle_deg == 0.0

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        rows_per_module = self.shape[0] // self.n_modules
        lower, upper = self.slow.edges(rows_per_module, self.pixel1)
        module, place = np.divmod(np.arange(block.start1, block.stop1), rows_per_module)
        angle = np.radians(self.angle_deg) * np.arange(self.n_modules)
        cosine, sine = np.cos(angle), np.sin(angle)
        step = upper[-1] + self.gap
        first1 = np.concatenate([[0.0], np.cumsum(step * cosine)])[module]
        first3 = np.concatenate([[0.0], np.cumsum(step * sine)])[module]
        edges2 = self.fast.edges(self.shape[1], self.pixel2)
        corners = np.empty((module.size, block.stop2 - block.start2, 4, 3))
        for corner, (step1, step2) in enumerate(_CORNER_STEPS):
            along = (lower, upper)[step1][place]
            corners[..., corner, 0] = (first1 + along * cosine[module])[:, np.newaxis]
            corners[..., corner, 1] = edges2[step2][block.start2 : block.stop2]
            corners[..., corner, 2] = (first3 + along * sine[module])[:, np.newaxis]
        return corners


@dataclass(frozen=True, slots=True, eq=False)
class CornerArray(Layout):
    """Every corner given: shape (n_slow, n_fast, 4 or 6, 3), axes (slow, fast, depth), m; finite."""

    builder: ClassVar[str] = "corner_array"

    array: FloatArray

    def __post_init__(self) -> None:
        array = decode_array(self.array)
        if array.ndim != 4 or array.shape[2] not in (4, 6) or array.shape[3] != 3 or array.size == 0:
            raise ShapeError(f"corners: expected shape (n_slow, n_fast, 4 or 6 corners, 3), got {array.shape}.")
        array = np.array(array, dtype=np.float64)
        if not np.isfinite(array).all():
            raise ParameterError(
                f"corners: expected finite positions, {int(np.sum(~np.isfinite(array)))} values are not finite."
            )
        array.flags.writeable = False
        object.__setattr__(self, "array", array)

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """Number of native rows and columns."""
        return self.array.shape[0], self.array.shape[1]

    @property
    def n_corners(self) -> int:
        """Corners per pixel."""
        return int(self.array.shape[2])

    @property
    def is_flat(self) -> bool:
        """Whether axis 3 is zero everywhere."""
        return not self.array[..., 2].any()

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        return self.array[block.start1 : block.stop1, block.start2 : block.stop2].copy()

    def edges(self) -> SeparableEdges | None:
        """Return the edges along both axes when the array is exactly their product, else None."""
        if self.n_corners != 4 or not self.is_flat:
            return None
        first, last = self.array[:, 0], self.array[0]
        edges = SeparableEdges(*(a.copy() for a in (first[:, 0, 0], first[:, 1, 0], last[:, 0, 1], last[:, 3, 1])))
        if not ((edges.lower1 < edges.upper1).all() and (edges.lower2 < edges.upper2).all()):
            return None
        # Single pixels along the diagonal tell nearly every array that is no product, in no time.
        diagonal = (np.linspace(0, n - 1, _PROBES).astype(int).tolist() for n in self.shape)
        probes = [Block(i, i + 1, j, j + 1) for i, j in zip(*diagonal, strict=True)]
        whole = Block(0, self.shape[0], 0, self.shape[1])
        for block in (*probes, whole):
            part = self.array[block.start1 : block.stop1, block.start2 : block.stop2]
            if not np.array_equal(corners_from_edges(edges, block), part):
                return None
        return edges

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CornerArray):
            return NotImplemented
        return self.array is other.array or np.array_equal(self.array, other.array)

    def __hash__(self) -> int:
        # A sample is enough: equal arrays have equal samples, and a large array is not read again for every frame.
        step1, step2 = (max(1, n // _PROBES) for n in self.shape)
        return hash((self.builder, self.array.shape, zlib.crc32(self.array[::step1, ::step2].tobytes())))


_CORNER_STEPS = ((0, 0), (1, 0), (1, 1), (0, 1))
_PROBES = 16  # pixels along an axis that stand for all in quick tests
#: More is a damaged file or a mistake.
_LONGEST_SIDE = 1 << 20


def corners_from_edges(edges: SeparableEdges, block: Block) -> FloatArray:
    """Return the corners of a block of pixels of a separable plane grid; shape (n_rows, n_columns, 4, 3)."""
    edges1, edges2 = (edges.lower1, edges.upper1), (edges.lower2, edges.upper2)
    corners = np.zeros((block.stop1 - block.start1, block.stop2 - block.start2, 4, 3))
    for corner, (step1, step2) in enumerate(_CORNER_STEPS):
        corners[..., corner, 0] = edges1[step1][block.start1 : block.stop1, np.newaxis]
        corners[..., corner, 1] = edges2[step2][block.start2 : block.stop2]
    return corners


def combine_corners(corners: FloatArray, binning: tuple[int, int]) -> FloatArray:
    """Return the outer corners of every block of `binning` four-cornered pixels."""
    binning1, binning2 = binning
    combined = np.empty((corners.shape[0] // binning1, corners.shape[1] // binning2, 4, 3))
    for corner, (step1, step2) in enumerate(_CORNER_STEPS):
        rows = slice(step1 * (binning1 - 1), None, binning1)
        columns = slice(step2 * (binning2 - 1), None, binning2)
        combined[:, :, corner] = corners[rows, columns, corner]
    return combined


def layout_from_dict(record: Mapping[str, Any]) -> Layout:
    """Return the layout that :meth:`Layout.to_dict` described."""
    parameters = dict(record)
    name = parameters.pop("builder", "regular")
    builder = layout_builder(name)
    known = {field.name for field in dataclasses.fields(builder)}  # type: ignore[arg-type]
    for parameter in parameters:
        if parameter not in known:
            raise unknown_name(f"layout {name!r}, parameter", parameter, known)
    return builder(**parameters)


def layout_builder(name: str) -> type[Layout]:
    """Return the class of the layout called `name` in data files."""
    from azimuthal.detectors.displaced import DisplacedModules
    from azimuthal.detectors.distortion import SplineGrid

    builders: tuple[type[Layout], ...] = (
        RegularGrid,
        SteppedGrid,
        Hexagonal,
        Cylindrical,
        Faceted,
        SplineGrid,
        CornerArray,
        DisplacedModules,
    )
    by_name = {builder.builder: builder for builder in builders}
    return by_name[one_of("layout builder", name, tuple(by_name))]


def encode_array(array: AnyArray) -> dict[str, Any]:
    """Return an array as a JSON-able record: type, shape and compressed bytes."""
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    packed = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode("ascii")
    return {"dtype": little.dtype.str, "shape": list(array.shape), "zlib_base64": packed}


def array_digest(array: AnyArray) -> dict[str, Any]:
    """Return type, shape and BLAKE2b digest of an array."""
    digest = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).hexdigest()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "blake2b": digest}


def decode_array(value: Any) -> AnyArray:
    """Return an array from an array-like or from a record of :func:`encode_array`."""
    if isinstance(value, Mapping):
        if "zlib_base64" not in value:
            raise FileFormatError(
                f"array: the record holds only the digest {value.get('blake2b')!r} of an array, not its values. "
                "Load the detector from its own file."
            )
        try:
            raw = zlib.decompress(base64.b64decode(value["zlib_base64"]))
            return np.frombuffer(raw, dtype=np.dtype(value["dtype"])).reshape(value["shape"])
        except (ValueError, TypeError, KeyError, zlib.error) as error:
            raise FileFormatError(f"array: the record of an array is damaged: {error}.") from error
    return np.asarray(value)


def checked_shape(parameter: str, value: Any) -> tuple[int, int]:
    """Return ``(n_slow, n_fast)`` as two positive integers."""
    try:
        slow, fast = value
    except (TypeError, ValueError):
        raise DataTypeError(
            f"{parameter}: expected two integers (slow, fast), e.g. (1043, 981), got {value!r}."
        ) from None
    shape = positive_integer(f"{parameter}[0]", slow), positive_integer(f"{parameter}[1]", fast)
    if max(shape) > _LONGEST_SIDE:
        raise ShapeError(f"{parameter}: expected at most {_LONGEST_SIDE} pixels along a side, got {shape}.")
    return shape


def _check_grid(layout: Any) -> None:
    object.__setattr__(layout, "shape", checked_shape("shape", layout.shape))
    for name in ("pixel1", "pixel2"):
        object.__setattr__(layout, name, positive_number(name, getattr(layout, name), unit="m"))


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return encode_array(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return list(value) if isinstance(value, tuple) else value


def mask_any(mask: BoolArray, binning: tuple[int, int]) -> BoolArray:
    """Return True for each block of `binning` pixels of which any is True."""
    if binning == (1, 1):
        return mask
    rows, columns = mask.shape[0] // binning[0], mask.shape[1] // binning[1]
    blocks = mask.reshape(rows, binning[0], columns, binning[1])
    return np.asarray(blocks.any(axis=(1, 3)))
