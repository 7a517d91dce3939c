# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks in words: a list of steps, kept as TOML or JSON, that makes the same mask for an instrument every time.

::

    format = "azimuthal mask"
    version = 1
    shape = [1679, 1475]  # optional: refuse any other detector

    [[step]]
    kind = "rectangle"  # rows 10 to 19, columns 5 to 8
    rows = [10, 20]
    columns = [5, 9]

    [[step]]
    kind = "arc"  # an ice ring, one side of it
    unit = "2th_deg"
    radial = [3.0, 3.2]
    azimuth = [-30.0, 30.0]

    [[step]]
    kind = "gaps"

Steps are applied in order to a mask that starts empty.  A step selects pixels; ``action = "exclude"`` (the default)
masks them, ``"include"`` takes them out of the mask again.  ``outside = true`` selects all other pixels instead.

=============  ======================================================================================
kind           selects
=============  ======================================================================================
``rectangle``  ``rows = [first, stop]`` and ``columns = [first, stop]``: whole pixels, without ``stop``
``pixels``     ``pixels = [[row, column], ...]``
``circle``     ``center = [slow, fast]``, ``radius``; a ring of pixels with ``inner``, which needs no geometry
``polygon``    ``points = [[slow, fast], ...]``, at least three; crossing outlines by the even-odd rule
``ring``       ``radial = [low, high]`` in ``unit`` (any radial unit)
``arc``        a ring between the azimuths ``azimuth = [from, to]``, in degrees, growing from ``from``
``threshold``  pixels of the image ``below`` and ``above`` these values, and NaN
``gaps``       what the detector says about its gaps
``file``       a mask file: ``path``, and ``bits`` of a pixel mask
=============  ======================================================================================

Positions are in pixels from the outer edge of image pixel (0, 0), in the order (slow, fast); a pixel belongs to a shape
when its centre does.  Intervals of units include both ends; units are those of the pixel's surface, without parallax.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from azimuthal._validate import boolean_mask, finite_number, image_array, interval, number_pair, one_of, positive_number
from azimuthal.errors import DataTypeError, FileFormatError, ParameterError, ShapeError
from azimuthal.geometry.coordinates import lab_positions
from azimuthal.instrument import Instrument
from azimuthal.masks.bits import PIXEL_MASK_BITS
from azimuthal.typing import AnyArray, BoolArray, FloatArray
from azimuthal.units import unit as unit_of

FORMAT = "azimuthal mask"
VERSION = 1
_ROWS = 256
_COMMON = ("kind", "action", "outside", "note")


@dataclass(frozen=True, slots=True)
class MaskStep:
    """One step of a description.

    Parameters
    ----------
    kind:
        One of `KINDS`.
    settings:
        As in the table of the module docstring.
    action:
        "exclude" or "include".
    outside:
        Whether the pixels that are not selected are meant.
    note:
        Why; for people.

    Raises
    ------
    UnknownNameError, ParameterError, DataTypeError
        A name is not known, a setting is missing or makes no sense.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    action: str = "exclude"
    outside: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        one_of("kind", self.kind, tuple(KINDS))
        one_of(f"{self.kind}: action", self.action, ("exclude", "include"))
        if [type(value) for value in (self.outside, self.note)] != [bool, str]:
            raise DataTypeError(f"{self.kind}: expected outside = true or false and note = text.")
        check, required, optional = KINDS[self.kind][:3]
        for name in self.settings:
            one_of(f"{self.kind}: setting", name, (*required, *optional, *_COMMON[1:]))
        for name in required:
            if name not in self.settings:
                raise ParameterError(f"{self.kind}: {name} is missing.")
        object.__setattr__(self, "settings", check(dict(self.settings)))

    def to_dict(self) -> dict[str, Any]:
        """Return the step as it stands in a file."""
        record: dict[str, Any] = {"kind": self.kind, **self.settings}
        record |= {"action": self.action} if self.action != "exclude" else {}
        record |= {"outside": True} if self.outside else {}
        return record | ({"note": self.note} if self.note else {})

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> MaskStep:
        """Return a step from what `to_dict` gives."""
        if not _is_table(record) or not isinstance(record.get("kind"), str):
            raise FileFormatError(f"step: expected a table with a kind, got {record!r}.")
        settings = {key: value for key, value in record.items() if key not in _COMMON}
        return cls(
            record["kind"],
            settings,
            record.get("action", "exclude"),
            record.get("outside", False),
            record.get("note", ""),
        )


@dataclass(frozen=True, slots=True)
class MaskedShare:
    """How much one step changed.

    Parameters
    ----------
    step:
        What it does, in words.
    n_selected:
        Pixels that it selects.
    n_changed:
        Pixels that were not masked (or, to include, masked) before.
    n_pixels:
        Of the detector.
    """

    step: str
    n_selected: int
    n_changed: int
    n_pixels: int

    def __str__(self) -> str:
        share = 100.0 * self.n_selected / self.n_pixels
        return f"{self.step}: {self.n_selected} pixels ({share:.3g} %), {self.n_changed} of them new"


@dataclass(frozen=True, slots=True)
class MaskDescription:
    """Steps that make a mask; see the module docstring.

    Parameters
    ----------
    steps:
        In order.
    shape:
        Of the only detector that it is for; None: any.
    """

    steps: tuple[MaskStep, ...] = ()
    shape: tuple[int, int] | None = None

    def mask(
        self,
        instrument: Instrument | None = None,
        *,
        shape: tuple[int, int] | None = None,
        image: AnyArray | None = None,
        read_file: Callable[[str, Sequence[str | int] | None], AnyArray] | None = None,
    ) -> BoolArray:
        """Return the mask, True = excluded.

        Parameters
        ----------
        instrument:
            Needed by rings, arcs and gaps.
        shape:
            Of the image, when there is no instrument.
        image:
            Needed by thresholds.
        read_file:
            Needed by files: called with path and bits, returns a boolean mask.

        Raises
        ------
        ParameterError
            A step needs something that was not given.
        ShapeError
            The description is for another detector; image, mask file and instrument disagree.
        """
        return self.explained(instrument, shape=shape, image=image, read_file=read_file)[0]

    def explained(
        self,
        instrument: Instrument | None = None,
        *,
        shape: tuple[int, int] | None = None,
        image: AnyArray | None = None,
        read_file: Callable[[str, Sequence[str | int] | None], AnyArray] | None = None,
    ) -> tuple[BoolArray, tuple[MaskedShare, ...]]:
        """Return the mask as `mask` does, and how much each step did."""
        context = _Context(self._shape(instrument, shape, image), instrument, image, read_file)
        mask: BoolArray = np.zeros(context.shape, np.bool_)
        shares = []
        for step in self.steps:
            selected = KINDS[step.kind][3](step.settings, context)
            if step.outside:
                selected = ~selected
            excludes = step.action == "exclude"
            changed = selected & (~mask if excludes else mask)
            shares.append(
                MaskedShare(_words(step), int(selected.sum()), int(changed.sum()), context.shape[0] * context.shape[1])
            )
            mask = mask | selected if excludes else mask & ~selected
        return mask, tuple(shares)

    def to_dict(self) -> dict[str, Any]:
        """Return the description as it stands in a file; JSON-able."""
        head: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        head |= {} if self.shape is None else {"shape": list(self.shape)}
        return head | {"step": [step.to_dict() for step in self.steps]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> MaskDescription:
        """Return a description from what `to_dict` gives.

        Raises
        ------
        FileFormatError
            It is of another format or a later version, or malformed.
        """
        if not _is_table(record) or record.get("format") != FORMAT:
            raise FileFormatError(f"format: expected {FORMAT!r}; this is no description of a mask.")
        version = record.get("version")
        if version != VERSION:
            raise FileFormatError(f"version: {version!r} is not known, only {VERSION}. Update azimuthal.")
        for key in record:
            one_of("mask description: key", key, ("format", "version", "shape", "step"))
        steps = record.get("step", [])
        if not isinstance(steps, list):
            raise FileFormatError(f"step: expected a list of tables, got {type(steps).__name__}.")
        shape = record.get("shape")
        return cls(
            tuple(MaskStep.from_dict(step) for step in steps), None if shape is None else _whole_pair("shape", shape, 1)
        )

    def _shape(
        self, instrument: Instrument | None, shape: tuple[int, int] | None, image: AnyArray | None
    ) -> tuple[int, int]:
        known = {
            "the instrument": None if instrument is None else instrument.detector.shape,
            "shape": None if shape is None else (int(shape[0]), int(shape[1])),
            "the image": None if image is None else np.shape(image),
            "the description": self.shape,
        }
        given = {name: value for name, value in known.items() if value is not None}
        if not given:
            raise ParameterError("mask: its shape is not known. Pass an instrument, shape=(rows, columns) or an image.")
        first = next(iter(given))
        for name, value in given.items():
            if tuple(value) != tuple(given[first]):
                raise ShapeError(f"mask: {first} has {given[first]} pixels (slow, fast), {name} {tuple(value)}.")
        n_slow, n_fast = given[first]
        return n_slow, n_fast


@dataclass(frozen=True, slots=True, eq=False)
class _Context:
    """What steps can ask for."""

    shape: tuple[int, int]
    instrument: Instrument | None
    image: AnyArray | None
    read_file: Callable[[str, Sequence[str | int] | None], AnyArray] | None

    def need_instrument(self, kind: str) -> Instrument:
        if self.instrument is None:
            raise ParameterError(f"{kind}: needs a geometry. Pass the instrument (command line: --geometry).")
        return self.instrument

    def centers(self) -> tuple[FloatArray, FloatArray]:
        slow, fast = (np.arange(size, dtype=np.float64) + 0.5 for size in self.shape)
        return slow[:, np.newaxis], fast[np.newaxis, :]


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _words(step: MaskStep) -> str:
    settings = ", ".join(f"{name} {_shortened(value)}" for name, value in step.settings.items())
    verb = "include " if step.action == "include" else ""
    return f"{verb}{step.kind}{' outside' if step.outside else ''}" + (f" ({settings})" if settings else "")


def _shortened(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."


# ---- settings ----------------------------------------------------------------------------------------------


def _whole_pair(name: str, value: Any, least: int = 0) -> tuple[int, int]:
    pair = list(value) if isinstance(value, list | tuple) else []
    if len(pair) != 2 or any(isinstance(n, bool) or not isinstance(n, int) or n < least for n in pair):
        raise ParameterError(f"{name}: expected two whole numbers of at least {least}, got {value!r}.")
    return pair[0], pair[1]


def _rectangle(settings: dict[str, Any]) -> dict[str, Any]:
    for name in ("rows", "columns"):
        first, stop = _whole_pair(f"rectangle: {name}", settings[name])
        if stop <= first:
            raise ParameterError(f"rectangle: {name} expected [first, stop] with first < stop, got {settings[name]}.")
        settings[name] = [first, stop]
    return settings


def _pixels(settings: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(settings["pixels"], list | tuple):
        raise ParameterError(f"pixels: expected a list of [row, column], got {settings['pixels']!r}.")
    return {"pixels": [list(_whole_pair("pixels", pair)) for pair in settings["pixels"]]}


def _circle(settings: dict[str, Any]) -> dict[str, Any]:
    center = number_pair("circle: center", settings["center"], unit="pixels")
    radius = positive_number("circle: radius", settings["radius"], unit="pixels")
    if "inner" not in settings:
        return {"center": list(center), "radius": radius}
    inner = positive_number("circle: inner", settings["inner"], unit="pixels")
    if inner >= radius:
        raise ParameterError(f"circle: inner expected less than the radius of {radius:g} pixels, got {inner:g}.")
    return {"center": list(center), "radius": radius, "inner": inner}


def _polygon(settings: dict[str, Any]) -> dict[str, Any]:
    points = settings["points"]
    if not isinstance(points, list | tuple) or len(points) < 3:
        raise ParameterError(f"polygon: points expected at least three of [slow, fast], got {points!r}.")
    return {"points": [list(number_pair("polygon: points", point, unit="pixels")) for point in points]}


def _ring(settings: dict[str, Any]) -> dict[str, Any]:
    name = settings.get("unit", "2th_deg")
    if not isinstance(name, str):
        raise DataTypeError(f"ring: unit expected a name, got {name!r}.")
    return {"unit": unit_of(name).name, "radial": list(interval("ring: radial", settings["radial"]))}


def _arc(settings: dict[str, Any]) -> dict[str, Any]:
    start, stop = number_pair("arc: azimuth", settings["azimuth"], unit="degrees")
    if start == stop or abs(stop - start) > 360.0:
        raise ParameterError(
            f"arc: azimuth expected two different angles at most 360 degrees apart, got {start}, {stop}."
        )
    return _ring(settings) | {"azimuth": [start, stop]}


def _threshold(settings: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: finite_number(f"threshold: {name}", settings[name]) for name in ("below", "above") if name in settings
    }
    if not found:
        raise ParameterError("threshold: expected below, above or both.")
    return found


def _file(settings: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(settings["path"], str) or not settings["path"]:
        raise ParameterError(f"file: path expected text, got {settings['path']!r}.")
    for bit in settings.get("bits", []):
        if isinstance(bit, str):
            one_of("file: bits", bit, tuple(PIXEL_MASK_BITS))
    return settings


def _nothing(settings: dict[str, Any]) -> dict[str, Any]:
    return settings


# ---- pixels ------------------------------------------------------------------------------------------------


def _in_rectangle(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    selected = np.zeros(context.shape, np.bool_)
    for name, size in zip(("rows", "columns"), context.shape, strict=True):
        if settings[name][1] > size:
            raise ParameterError(f"rectangle: {name} {settings[name]} reach beyond the {size} of the detector.")
    selected[slice(*settings["rows"]), slice(*settings["columns"])] = True
    return selected


def _at_pixels(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    selected = np.zeros(context.shape, np.bool_)
    for row, column in settings["pixels"]:
        if row >= context.shape[0] or column >= context.shape[1]:
            raise ParameterError(f"pixels: [{row}, {column}] is beyond the {context.shape} of the detector.")
        selected[row, column] = True
    return selected


def _in_circle(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    slow, fast = context.centers()
    center = settings["center"]
    with np.errstate(over="ignore"):  # a circle around everything, or out of sight
        squared = np.asarray((slow - center[0]) ** 2 + (fast - center[1]) ** 2)
        selected: BoolArray = squared <= np.square(np.float64(settings["radius"]))
        if "inner" in settings:
            selected &= squared > np.square(np.float64(settings["inner"]))
    return selected


def _in_polygon(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    """Count, along every row of pixel centres, how many edges of the outline lie at smaller columns."""
    n_slow, n_fast = context.shape
    crossings = np.zeros((n_slow, n_fast + 1), np.int64)
    points = np.asarray(settings["points"], np.float64)
    for (slow1, fast1), (slow2, fast2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        low, high = min(slow1, slow2), max(slow1, slow2)
        rows = np.arange(max(0, math.ceil(low - 0.5)), min(n_slow, math.ceil(high - 0.5)))  # low <= centre < high
        if rows.size:
            fast = fast1 + (rows + 0.5 - slow1) * ((fast2 - fast1) / (slow2 - slow1))
            columns = np.clip(np.ceil(fast - 0.5), 0, n_fast).astype(np.int64)
            np.add.at(crossings, (rows, columns), 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :n_fast] % 2 == 1)


def _in_ring(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    low, high = settings["radial"]
    radial = _positions(context, "ring", settings["unit"])
    return np.asarray((radial >= low) & (radial <= high))


def _in_arc(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    start, stop = settings["azimuth"]
    width = (stop - start) % 360.0 or 360.0
    chi = _positions(context, "arc", "chi_deg")
    return np.asarray(_in_ring(settings, context) & (np.mod(chi - start, 360.0) <= width))


def _positions(context: _Context, kind: str, name: str) -> FloatArray:
    """Return a unit at the centres of all pixels."""
    instrument = context.need_instrument(kind)
    found = np.empty(context.shape)
    unit = unit_of(name)
    if unit.needs_wavelength and instrument.wavelength is None:
        raise ParameterError(f"{kind}: {name} needs a wavelength, and the geometry has none.")
    for start in range(0, context.shape[0], _ROWS):
        rows = slice(start, min(start + _ROWS, context.shape[0]))
        place = lab_positions(detector_positions=instrument.detector.centers(rows), pose=instrument.pose)
        wavelength = instrument.wavelength if unit.needs_wavelength else None
        found[rows] = unit.values(place[..., 1], place[..., 0], place[..., 2], wavelength)
    return found


def _beyond(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    if context.image is None:
        raise ParameterError("threshold: needs an image. Pass image=... (command line: --image).")
    values = image_array("image", context.image, context.shape)
    selected = np.isnan(values)
    if "below" in settings:
        selected |= values < settings["below"]
    if "above" in settings:
        selected |= values > settings["above"]
    return np.asarray(selected)


def _in_gaps(_settings: Mapping[str, Any], context: _Context) -> BoolArray:
    gaps: BoolArray = context.need_instrument("gaps").detector.gap_mask()
    return gaps


def _in_file(settings: Mapping[str, Any], context: _Context) -> BoolArray:
    if context.read_file is None:
        raise ParameterError(f"file: {settings['path']} is not read here. Use azimuthal.io.load_mask.")
    return boolean_mask(
        f"mask {settings['path']}", context.read_file(settings["path"], settings.get("bits")), context.shape
    )


_Check = Callable[[dict[str, Any]], dict[str, Any]]
_Select = Callable[[Mapping[str, Any], _Context], BoolArray]

#: Kind -> (check of its settings, settings that it needs, settings that it takes, pixels that it selects)
KINDS: dict[str, tuple[_Check, tuple[str, ...], tuple[str, ...], _Select]] = {
    "rectangle": (_rectangle, ("rows", "columns"), (), _in_rectangle),
    "pixels": (_pixels, ("pixels",), (), _at_pixels),
    "circle": (_circle, ("center", "radius"), ("inner",), _in_circle),
    "polygon": (_polygon, ("points",), (), _in_polygon),
    "ring": (_ring, ("radial",), ("unit",), _in_ring),
    "arc": (_arc, ("radial", "azimuth"), ("unit",), _in_arc),
    "threshold": (_threshold, (), ("below", "above"), _beyond),
    "gaps": (_nothing, (), (), _in_gaps),
    "file": (_file, ("path",), ("bits",), _in_file),
}
