# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The catalogue of detectors: data files read at first use, and detectors by name.

A catalogue entry is data (``data/*.toml``, described by ``data/schema.json``).  Each file holds one maker's
detectors: ``maker``, ``source`` and ``since`` for all of them, ``[families.<name>]`` with fields that several
share, and a ``[[detector]]`` for each.  Third parties add entries by the entry-point group
``azimuthal.detectors``: an entry point is the path of a TOML file of the same form, or a callable that
returns such a path or its parsed content.  A built-in name cannot be replaced.

Names are compared without regard to case, spaces, underscores and hyphens.

Some cameras combine pixels before the image is written, and their makers give a pixel size for each such mode
that is not exactly a multiple of the smallest.  Those modes are *readouts* of the entry, chosen by an
explicit option (`binning`, `shape` or `pixel_size`), never from the shape of an image.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import math
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from azimuthal._validate import positive_number, unknown_name
from azimuthal.detectors._modules import ModuleGrid, gap_rule_from_dict
from azimuthal.detectors._pixels import Layout, checked_shape, layout_builder, layout_from_dict
from azimuthal.detectors._spec import Detector, InvalidValues, Sensor
from azimuthal.detectors.distortion import Spline, SplineGrid, load_spline
from azimuthal.errors import DataTypeError, ParameterError, UnsupportedOptionError

ENTRY_POINT_GROUP = "azimuthal.detectors"
PIXEL_TOLERANCE = 1e-9  # relative: sizes that differ by less are the same number written differently

_OPTIONS = ("orientation", "sensor", "binning", "shape", "pixel_size", "radius", "spline")


@dataclass(frozen=True, slots=True)
class Readout:
    """One way to read a camera: pixels combined on the camera (0: not told), image shape, pixel size."""

    binning: int
    shape: tuple[int, int]
    pixel: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """One detector of the catalogue: its merged table, and what is worked out from it once."""

    name: str
    aliases: tuple[str, ...]
    table: Mapping[str, Any]
    readouts: tuple[Readout, ...]

    @property
    def default(self) -> Readout | None:
        """The readout that the name alone means; None for the generic detector, which has no size."""
        if "shape" not in self.table:
            return None
        slow, fast = self.table["pixel"]
        return Readout(0, checked_shape("shape", self.table["shape"]), (slow, fast))


def detector(name: str, **options: Any) -> Detector:
    """Return a detector of the catalogue.

    Parameters
    ----------
    name:
        Name or alias, e.g. ``"Eiger2_4M"``; case, spaces, underscores and hyphens do not matter.
    orientation:
        Index mirror 1-4, by default that of the entry (3, native).
    sensor:
        A :class:`Sensor`, or a material of which the detector is sold with one thickness.  By default the
        only sensor that the detector is sold with, and None when there are several or none is known.
    binning:
        Blocks of pixels that the camera combined, e.g. ``(2, 2)``, for cameras whose maker gives pixel sizes
        for it. To combine pixels of any detector, use :meth:`Detector.with_binning`.
    shape, pixel_size:
        Choose among the readouts of the entry; `pixel_size` is one number or (slow, fast), m.  A pixel size
        that several readouts share means the largest image.  The generic ``"Detector"`` needs both (or a
        `spline`).
    radius:
        Radius of a cylindrical detector, m.
    spline:
        Fit2D spline file or a :class:`~azimuthal.detectors.distortion.Spline`, for detectors that are
        described by one; it brings its own shape and pixel size.

    Returns
    -------
    :
        A frozen description.

    Raises
    ------
    UnknownNameError
        The name or an option is not known.
    ParameterError
        The readout asked for does not exist.
    UnsupportedOptionError
        The option does not apply to this detector.

    Examples
    --------
    >>> detector("eiger2 4m").shape
    (2162, 2068)
    >>> detector("RayonixMx225", binning=(4, 4)).pixel1
    0.000146484
    """
    for option in options:
        if option not in _OPTIONS:
            raise unknown_name("detector(), option", option, _OPTIONS)
    entry = find_entry(name)
    given = {option: value for option, value in options.items() if value is not None}
    layout, readout = _layout(entry, given)
    built = _assemble(entry, layout, readout)
    if "orientation" in given:
        built = built.with_orientation(given["orientation"])
    return built.with_sensor(given["sensor"]) if "sensor" in given else built


def detector_names() -> tuple[str, ...]:
    """Return the names of all detectors of the catalogue, sorted; with those of installed third parties."""
    entries = {entry.name for entry in (*built_in_entries().values(), *third_party_entries().values())}
    return tuple(sorted(entries, key=str.casefold))


def folded(name: str) -> str:
    """Return a name without case, spaces, underscores and hyphens."""
    return name.casefold().translate({ord(character): None for character in " _-"})


def find_entry(name: str) -> Entry:
    """Return the catalogue entry of a name or alias."""
    if not isinstance(name, str):
        raise DataTypeError(f"detector: expected the name of a detector, got {name!r}.")
    key = folded(name)
    entry = built_in_entries().get(key) or third_party_entries().get(key)
    if entry is None:
        known = {n for e in (*built_in_entries().values(), *third_party_entries().values()) for n in _names(e)}
        hint = (
            ""
            if not os.fspath(name).endswith((".h5", ".hdf5", ".nxs", ".nx"))
            else ("A detector file is read by azimuthal.io.detector_files.load_detector().")
        )
        raise unknown_name("detector", name, known, hint=hint)
    return entry


@lru_cache(maxsize=1)
def built_in_entries() -> Mapping[str, Entry]:
    """Return the entries of the package's own data files by folded name; read once, immutable."""
    folder = importlib.resources.files("azimuthal.detectors") / "data"
    catalogue: dict[str, Entry] = {}
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".toml"):
            _add(catalogue, entries_of(tomllib.loads(file.read_text(encoding="utf-8")), file.name), file.name)
    return MappingProxyType(catalogue)


@lru_cache(maxsize=1)
def third_party_entries() -> Mapping[str, Entry]:
    """Return the entries that installed distributions add, by folded name; asked once, immutable."""
    catalogue: dict[str, Entry] = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        origin = f"entry point {point.name!r} ({point.value})"
        content = point.load()
        content = content() if callable(content) else content
        if isinstance(content, (str, os.PathLike)):
            content = tomllib.loads(Path(content).read_text(encoding="utf-8"))
        if not isinstance(content, Mapping):
            raise DataTypeError(f"{origin}: expected the path or the content of a TOML file, got {type(content)}.")
        _add(catalogue, entries_of(content, origin), origin, reserved=built_in_entries())
    return MappingProxyType(catalogue)


def entries_of(content: Mapping[str, Any], origin: str) -> Iterable[Entry]:
    """Return the entries of one parsed data file; `origin` is for messages."""
    shared = {field: content[field] for field in ("maker", "source", "since") if field in content}
    families = content.get("families", {})
    for table in content.get("detector", ()):
        family = table.get("family")
        if family is not None and family not in families:
            raise unknown_name(f"{origin}, {table.get('name')}, family", family, families)
        merged = {**shared, **families.get(family, {}), **table}
        if "name" not in merged:
            raise ParameterError(f"{origin}: a detector has no name.")
        yield Entry(
            name=merged["name"],
            aliases=tuple(merged.get("aliases", ())),
            table=MappingProxyType(merged),
            readouts=tuple(_readouts(merged)),
        )


def _readouts(table: Mapping[str, Any]) -> Iterable[Readout]:
    for readout in table.get("readouts", ()):
        yield Readout(0, (readout["shape"][0], readout["shape"][1]), (readout["pixel"][0], readout["pixel"][1]))
    for factor, pixel in table.get("binned_pixels", ()):
        slow, fast = table["unbinned_shape"]
        yield Readout(factor, (slow // factor, fast // factor), (pixel, pixel))


def _names(entry: Entry) -> tuple[str, ...]:
    return entry.name, *entry.aliases


def _add(
    catalogue: dict[str, Entry],
    entries: Iterable[Entry],
    origin: str,
    reserved: Mapping[str, Entry] | None = None,
) -> None:
    for entry in entries:
        for key in dict.fromkeys(folded(name) for name in _names(entry)):
            holder = (reserved or {}).get(key) or catalogue.get(key)
            if holder is not None:
                raise ParameterError(f"{origin}: the name {key!r} of {entry.name} belongs to {holder.name} already.")
            catalogue[key] = entry


# ---- from an entry to a Detector ---------------------------------------------------------------------------


def _layout(entry: Entry, given: Mapping[str, Any]) -> tuple[Layout, Readout]:
    """Return the layout that the options choose, with the shape and the pixel size of the image."""
    if "spline" in given:
        return _spline_layout(entry, given)
    readout = _choose_readout(entry, given)
    table = dict(entry.table.get("layout", {"builder": "regular"}))
    if "radius" in given:
        if table["builder"] != "cylindrical":
            raise UnsupportedOptionError(f"radius: {entry.name} is not a cylindrical detector.")
        table["radius"] = given["radius"]
    fields = layout_builder(table["builder"]).__dataclass_fields__  # type: ignore[attr-defined]
    sizes = {"shape": readout.shape, "pixel1": readout.pixel[0], "pixel2": readout.pixel[1]}
    table.update({name: value for name, value in sizes.items() if name in fields})
    return layout_from_dict(table), readout


def _spline_layout(entry: Entry, given: Mapping[str, Any]) -> tuple[Layout, Readout]:
    if not entry.table.get("accepts_spline", False):
        raise UnsupportedOptionError(
            f"spline: {entry.name} is not described by a distortion file. For a detector of your own, use "
            'detector("Detector", spline=...).'
        )
    given_spline = given["spline"]
    spline = given_spline if isinstance(given_spline, Spline) else load_spline(given_spline)
    asked = _asked_pixel(given.get("pixel_size"))
    if asked is not None and not _same_pixel(asked, (spline.pixel1, spline.pixel2)):
        raise ParameterError(f"pixel_size: the spline is for {spline.pixel1} x {spline.pixel2} m, got {asked}.")
    if "shape" in given and checked_shape("shape", given["shape"]) != spline.shape:
        raise ParameterError(f"shape: the spline is for an image of {spline.shape}, got {given['shape']}.")
    return SplineGrid(spline), Readout(0, spline.shape, (spline.pixel1, spline.pixel2))


def _choose_readout(entry: Entry, given: Mapping[str, Any]) -> Readout:
    pixel = _asked_pixel(given.get("pixel_size"))
    shape = checked_shape("shape", given["shape"]) if "shape" in given else None
    binning = checked_shape("binning", given["binning"]) if "binning" in given else None
    default = entry.default
    if default is None:
        if pixel is None or shape is None or binning is not None:
            raise ParameterError(f"{entry.name}: a generic detector needs shape=(rows, columns) and pixel_size (m).")
        return Readout(0, shape, pixel)
    if pixel is None and shape is None and binning is None:
        return default
    choices = entry.readouts or (default,)
    fitting = [
        choice
        for choice in choices
        if (binning is None or (choice.binning, choice.binning) == binning)
        and (shape is None or choice.shape == shape)
        and (pixel is None or _same_pixel(choice.pixel, pixel))
    ]
    if not fitting:
        raise _no_readout(entry, choices, given)
    return max(fitting, key=lambda choice: choice.shape[0] * choice.shape[1])


def _no_readout(entry: Entry, choices: Iterable[Readout], given: Mapping[str, Any]) -> ParameterError:
    asked = ", ".join(f"{key}={given[key]!r}" for key in ("binning", "shape", "pixel_size") if key in given)
    known = "; ".join(
        f"{f'binning ({c.binning}, {c.binning}), ' if c.binning else ''}shape {c.shape}, pixels {c.pixel} m"
        for c in choices
    )
    fix = " To combine pixels, use .with_binning(); to cut, .with_region()."
    return ParameterError(f"{entry.name} has no readout with {asked}. Known: {known}.{fix}")


def _assemble(entry: Entry, layout: Layout, readout: Readout) -> Detector:
    table = entry.table
    sensors = tuple(Sensor(**record) for record in table.get("sensors", ()))
    modules = table.get("modules")
    return Detector(
        name=entry.name,
        shape=readout.shape,
        pixel1=readout.pixel[0],
        pixel2=readout.pixel[1],
        orientation=table.get("orientation", 3),
        sensor=sensors[0] if len(sensors) == 1 else None,
        invalid=InvalidValues(**table.get("invalid", {})),
        layout=layout,
        modules=None if modules is None else ModuleGrid.from_dict(modules),
        gaps=tuple(gap_rule_from_dict(record) for record in table.get("gaps", ())),
        sensors=sensors,
        aliases=entry.aliases,
        maker=table.get("maker"),
        source=None if entry.default is None else table.get("source"),  # the user's own numbers
    )


def _asked_pixel(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    slow, fast = value if isinstance(value, (tuple, list)) else (value, value)
    return positive_number("pixel_size", slow, unit="m"), positive_number("pixel_size", fast, unit="m")


def _same_pixel(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(math.isclose(a, b, rel_tol=PIXEL_TOLERANCE) for a, b in zip(one, other, strict=True))
