# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The frozen description of a detector.

A :class:`Detector` describes the *image* that a file holds: its shape, where each of its pixels is, which of
them do not exist, which values are no data.  It is made of

* a *layout*, which places native pixels (:mod:`azimuthal.detectors._pixels`),
* a *window*: the image covers the native pixels from `origin` on, each image pixel being a block of `binning`
native
  ones,
* an *orientation*: the index mirror between image and native pixels, applied after the window
  (:mod:`azimuthal.geometry.frames`),
* rules for the static mask (:mod:`azimuthal.detectors._modules`).

Everything a detector answers is computed when asked for, row block by row block where the caller wishes;
nothing is cached in it, and a description of a catalogue detector stays small when pickled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from azimuthal._validate import boolean_mask, positive_integer, positive_number
from azimuthal.detectors._modules import GapRule, GivenMask, ModuleGrid
from azimuthal.detectors._pixels import (
    Block,
    Layout,
    RegularGrid,
    SeparableEdges,
    checked_shape,
    combine_corners,
    mask_any,
)
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.orientation import checked_orientation, image_from_native, orientation_flips
from azimuthal.typing import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Sensor:
    """The material that absorbs the photons and its thickness in m."""

    material: str
    thickness: float

    def __post_init__(self) -> None:
        material: Any = self.material
        if not isinstance(material, str) or not material:
            raise DataTypeError(f"material: expected a name such as 'Si' or 'CdTe', got {self.material!r}.")
        object.__setattr__(self, "thickness", positive_number("thickness", self.thickness, unit="m"))

    def __str__(self) -> str:
        return f"{self.material}, {self.thickness * 1e6:g} µm"


@dataclass(frozen=True, slots=True)
class InvalidValues:
    """Which values of an integer frame are not counts.

    Parameters
    ----------
    top_of_unsigned:
        How many of the highest values of an unsigned integer type mark invalid pixels: 1 is the maximum only
        (overflow, saturation, dead), 2 also the value below (gap), 0 none.  Of a signed type it is the
        maximum at most.
    negative:
        Whether negative values of a signed integer type mark invalid pixels.  True for photon counters, which
        cannot count below zero; False for integrating detectors, where a subtracted pedestal makes honest
        negative values.
    """

    top_of_unsigned: int = 1
    negative: bool = False

    def __post_init__(self) -> None:
        number: Any = self.top_of_unsigned
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 0:
            raise ParameterError(f"top_of_unsigned: expected an integer of at least 0, got {number!r}.")
        negative: Any = self.negative
        if not isinstance(negative, bool):
            raise DataTypeError(f"negative: expected True or False, got {self.negative!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector image: shape, pixel positions, mask, invalid values.

    A plain grid of equal pixels needs three numbers: ``Detector(pixel1=1e-4, pixel2=1e-4, shape=(1000,
    1000))``.  Known instruments come from :func:`azimuthal.detectors.detector` by name.

    Parameters
    ----------
    pixel1, pixel2:
        Nominal size of a pixel of the image along the slow and the fast axis, m, greater than 0.
    shape:
        Rows and columns of the image.
    name:
        Name in the catalogue, or any name for a detector of your own.
    orientation:
        Index mirror 1-4 (:mod:`azimuthal.geometry.frames`); 3 is native, 0 is taken as 3.
    sensor:
        Material and thickness, or None when not known.
    invalid:
        Values of integer frames that are not counts.
    layout:
        Positions of the native pixels; by default a regular grid of `shape` pixels of `pixel1` x `pixel2`.
    origin, binning:
        The image covers native pixels from `origin` on, in blocks of `binning`; see :meth:`with_region` and
        :meth:`with_binning`.
    modules, gaps:
        Rules of the static mask, in native pixels.
    sensors:
        Sensors that this detector is sold with.
    aliases, maker, source:
        Other names, maker, and where the numbers come from.
    file:
        Detector file that this description was read from.

    Raises
    ------
    DataTypeError, ParameterError, ShapeError
        A value is of the wrong type or out of range, or the parts do not fit together.

    Examples
    --------
    >>> camera = Detector(pixel1=1e-4, pixel2=1e-4, shape=(1000, 1200))
    >>> camera.with_binning(2, 2).shape
    (500, 600)
    """

    pixel1: float
    pixel2: float
    shape: tuple[int, int]
    name: str = "Detector"
    orientation: int = 3
    sensor: Sensor | None = None
    invalid: InvalidValues = InvalidValues()
    layout: Layout = None  # type: ignore[assignment]  # __post_init__ puts a regular grid
    origin: tuple[int, int] = (0, 0)
    binning: tuple[int, int] = (1, 1)
    modules: ModuleGrid | None = None
    gaps: tuple[GapRule, ...] = ()
    sensors: tuple[Sensor, ...] = field(default=(), repr=False)
    aliases: tuple[str, ...] = field(default=(), repr=False)
    maker: str | None = None
    source: str | None = field(default=None, repr=False)
    file: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "shape", checked_shape("shape", self.shape))
        for name in ("pixel1", "pixel2"):
            put(self, name, positive_number(name, getattr(self, name), unit="m"))
        put(self, "orientation", checked_orientation(self.orientation))
        put(self, "binning", checked_shape("binning", self.binning))
        put(self, "origin", tuple(int(index) for index in self.origin))
        for name in ("gaps", "sensors", "aliases"):
            put(self, name, tuple(getattr(self, name)))
        layout: Any = self.layout
        if layout is None:
            put(self, "layout", RegularGrid(self.shape, self.pixel1, self.pixel2))
        self._check_parts()

    def _check_parts(self) -> None:
        for name, kind in (("sensor", Sensor | None), ("invalid", InvalidValues), ("layout", Layout)):
            if not isinstance(getattr(self, name), kind):
                raise DataTypeError(f"{name}: expected {kind}, got {getattr(self, name)!r}.")
        for axis in (0, 1):
            stop = self.origin[axis] + self.shape[axis] * self.binning[axis]
            if self.origin[axis] < 0 or stop > self.layout.shape[axis]:
                raise ShapeError(
                    f"shape: an image of {self.shape} pixels of {self.binning} native ones from "
                    f"{self.origin} on is "
                    f"not inside the layout of {self.layout.shape} native pixels."
                )
        if self.binning != (1, 1) and self.layout.n_corners != 4:
            raise UnsupportedOptionError(
                f"binning: pixels with {self.layout.n_corners} corners cannot be combined into one polygon; "
                "got "
                f"{self.binning} for {self.name}. Integrate the unbinned image."
            )
        if self.modules is not None and self.modules.shape != self.layout.shape:
            raise ShapeError(
                f"modules: the module grid makes {self.modules.shape} pixels, the layout {self.layout.shape}."
            )

    # ---- what it is ----------------------------------------------------------------------------------------

    @property
    def n_corners(self) -> int:
        """Corners per pixel: 4, or 6 for hexagons."""
        return self.layout.n_corners

    @property
    def is_flat(self) -> bool:
        """Whether all pixels lie in the plane where axis 3 is zero."""
        return self.layout.is_flat

    @property
    def is_separable(self) -> bool:
        """Whether pixel positions factor into slow x fast in the plane."""
        return self.layout.edges() is not None

    @property
    def is_whole(self) -> bool:
        """Whether the image is the whole native frame, unbinned."""
        return self.binning == (1, 1) and self.shape == self.layout.shape

    # ---- where the pixels are ------------------------------------------------------------------------------

    def separable_edges(self) -> SeparableEdges | None:
        """Return the edges of the image's rows and columns, or None when positions do not factor.

        Returns
        -------
        :
            ``lower1, upper1`` (n_slow,) and ``lower2, upper2`` (n_fast,), float64, m, always lower < upper;
            the orientation is applied: with a mirrored axis they decrease with the index.
        """
        edges = self.layout.edges()
        if edges is None:
            return None
        image: list[FloatArray] = []
        for axis, (lower, upper) in enumerate(((edges.lower1, edges.upper1), (edges.lower2, edges.upper2))):
            first, step = self.origin[axis], self.binning[axis]
            stop = first + self.shape[axis] * step
            order = -1 if orientation_flips(self.orientation)[axis] else 1
            image += [
                lower[first:stop:step][::order].copy(),
                upper[first + step - 1 : stop : step][::order].copy(),
            ]
        return SeparableEdges(*image)

    def corners(self, rows: slice | None = None) -> FloatArray:
        """Return the corners of the image's pixels in the detector frame.

        Parameters
        ----------
        rows:
            Rows of the image, step 1; all by default.  Only what these rows need is computed.

        Returns
        -------
        :
            Shape (n_rows, n_fast, n_corners, 3), axes (slow, fast, depth), float64, m.  Corners come in the
            order of the native pixel whatever the orientation: A (i, j), B (i+1, j), C (i+1, j+1), D (i,
            j+1).

        Notes
        -----
        96 bytes per pixel (144 for hexagons): ask for row blocks.
        """
        corners = self.layout.corners(self._native_block(rows))
        if self.binning != (1, 1):
            corners = combine_corners(corners, self.binning)
        return image_from_native(corners, self.orientation)

    def centers(self, rows: slice | None = None) -> FloatArray:
        """Return the centres of the image's pixels in the detector frame; shape (n_rows, n_fast, 3), m.

        The centre is the mean of the corners; on a cylinder, unless pixels are combined, the middle of the
        arc.
        """
        if self.binning == (1, 1):
            return image_from_native(self.layout.centers(self._native_block(rows)), self.orientation)
        centers: FloatArray = self.corners(rows).mean(axis=2)
        return centers

    def gap_mask(self) -> BoolArray:
        """Return the static mask of the image, True where there is no pixel.

        A combined pixel is masked when any of its pixels is.
        """
        native = np.zeros(self.layout.shape, dtype=np.bool_)
        if self.modules is not None:
            native |= self.modules.mask(self.layout.shape)
        for rule in self.gaps:
            native |= rule.mask(self.layout.shape)
        stops = [first + n * step for first, n, step in zip(self.origin, self.shape, self.binning, strict=True)]
        native = native[self.origin[0] : stops[0], self.origin[1] : stops[1]]
        return image_from_native(mask_any(native, self.binning), self.orientation)

    def _native_block(self, rows: slice | None) -> Block:
        start, stop = _checked_slice("rows", slice(None) if rows is None else rows, self.shape[0])
        if orientation_flips(self.orientation)[0]:
            start, stop = self.shape[0] - stop, self.shape[0] - start
        return Block(
            self.origin[0] + start * self.binning[0],
            self.origin[0] + stop * self.binning[0],
            self.origin[1],
            self.origin[1] + self.shape[1] * self.binning[1],
        )

    # ---- another detector ----------------------------------------------------------------------------------

    def replace(self, **changes: Any) -> Detector:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def with_orientation(self, orientation: int) -> Detector:
        """Return the same pixels read out in another order."""
        return self.replace(orientation=orientation)

    def with_binning(self, binning1: int, binning2: int) -> Detector:
        """Return the detector whose pixels are blocks of `binning1` x `binning2` pixels of this one.

        The polygon of a combined pixel is spanned by the outer corners of its block; the nominal pixel size
        grows by the same factors, and the pixel is masked when any of its pixels is.

        Raises
        ------
        ShapeError
            The image does not divide; nothing is cropped: use :meth:`with_region` first.
        UnsupportedOptionError
            The pixels are hexagons.
        """
        factors = positive_integer("binning1", binning1), positive_integer("binning2", binning2)
        rest = self.shape[0] % factors[0], self.shape[1] % factors[1]
        if any(rest):
            raise ShapeError(
                f"binning: {self.shape} pixels do not divide into blocks of {factors}; {rest[0]} rows and "
                f"{rest[1]} "
                f"columns remain. Choose a region first, e.g. "
                f".with_region(slice(0, {self.shape[0] - rest[0]}), slice(0, {self.shape[1] - rest[1]}))."
            )
        return self.replace(
            shape=(self.shape[0] // factors[0], self.shape[1] // factors[1]),
            pixel1=self.pixel1 * factors[0],
            pixel2=self.pixel2 * factors[1],
            binning=(self.binning[0] * factors[0], self.binning[1] * factors[1]),
        )

    def with_region(self, slow: slice, fast: slice) -> Detector:
        """Return the detector of ``image[slow, fast]``; pixels stay where they are.

        Raises
        ------
        ParameterError
            A slice is empty, reaches out of the image or has a step other than 1.
        """
        origin, shape = [], []
        for axis, (name, part) in enumerate((("slow", slow), ("fast", fast))):
            start, stop = _checked_slice(name, part, self.shape[axis])
            shape.append(stop - start)
            if orientation_flips(self.orientation)[axis]:
                start = self.shape[axis] - stop
            origin.append(self.origin[axis] + start * self.binning[axis])
        return self.replace(origin=(origin[0], origin[1]), shape=(shape[0], shape[1]))

    def with_sensor(self, sensor: Sensor | str | None, thickness: float | None = None) -> Detector:
        """Return the detector with a sensor chosen: a `Sensor`, or a material and a thickness in m.

        A material alone is enough when the detector is sold with one thickness of it.
        """
        if isinstance(sensor, str):
            sensor = self._sensor_of(sensor) if thickness is None else Sensor(sensor, thickness)
        elif thickness is not None:
            raise ParameterError("thickness: give it with the name of a material, not with a Sensor.")
        return self.replace(sensor=sensor)

    def _sensor_of(self, material: str) -> Sensor:
        matching = [option for option in self.sensors if option.material.casefold() == material.casefold()]
        if len(matching) != 1:
            options = "; ".join(str(option) for option in self.sensors) or "none known"
            raise ParameterError(
                f"sensor: {material!r} alone fits {len(matching)} of the sensors of {self.name} ({options}). "
                "Give the thickness in m too."
            )
        return matching[0]

    def with_mask(self, mask: Any) -> Detector:
        """Return the detector with more pixels in its static mask.

        Parameters
        ----------
        mask:
            Shape of the image, True (or 1) = excluded.  The image must be unbinned.
        """
        checked = image_from_native(boolean_mask("mask", mask, self.shape), self.orientation)
        if self.binning != (1, 1):
            raise UnsupportedOptionError("mask: give the mask of the unbinned detector, then combine pixels.")
        native = np.zeros(self.layout.shape, dtype=np.bool_)
        stops = self.origin[0] + self.shape[0], self.origin[1] + self.shape[1]
        native[self.origin[0] : stops[0], self.origin[1] : stops[1]] = checked
        return self.replace(gaps=(*self.gaps, GivenMask(native)))

    # ---- records -------------------------------------------------------------------------------------------

    def to_dict(self, *, inline_arrays: bool = True) -> dict[str, Any]:
        """Return a JSON-able record: name and options of a catalogue detector, everything of another one.

        With ``inline_arrays=False`` explicit corners are given by their digest: such a record tells which detector it
        was, and :meth:`from_dict` refuses it.
        """
        from azimuthal.detectors._records import detector_to_dict

        return detector_to_dict(self, inline_arrays=inline_arrays)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Detector:
        """Return the detector that :meth:`to_dict` described."""
        from azimuthal.detectors._records import detector_from_dict

        return detector_from_dict(record)

    def pyfai_config(self) -> tuple[str, dict[str, Any]]:
        """Return ``Detector`` and ``Detector_config`` of a PONI file.

        Raises
        ------
        ConversionError
            The PONI file has no words for this detector; the message says what to save instead.
        """
        from azimuthal.detectors._foreign import pyfai_config

        return pyfai_config(self)


def _checked_slice(parameter: str, part: slice, length: int) -> tuple[int, int]:
    """Return start and stop of a slice of step 1 that is inside and not empty; nothing is clipped."""
    if not isinstance(part, slice):
        raise DataTypeError(f"{parameter}: expected a slice, e.g. slice(10, 20), got {part!r}.")
    if part.step not in (None, 1):
        raise ParameterError(f"{parameter}: expected a slice of step 1, got {part}. Combine pixels by with_binning().")
    start = 0 if part.start is None else int(part.start)
    stop = length if part.stop is None else int(part.stop)
    if not (-length <= start <= length and -length <= stop <= length):
        raise ParameterError(f"{parameter}: {part} reaches out of 0 to {length}.")
    start, stop = start + length * (start < 0), stop + length * (stop < 0)
    if start >= stop:
        raise ParameterError(f"{parameter}: {part} of {length} is empty.")
    return start, stop
