# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Recipes of calibrations: one document that says everything about one, to be read, kept, corrected and run again.

TOML (``.toml``) or JSON (``.json``), made by hand or by ``azimuthal recalibrate --write-recipe``; ``azimuthal run``
runs it.  What is left out has its default, and is written out when a recipe is written::

    azimuthal_calibration = 1
    [input]       image, masks
    [start]       geometry (a rough one), or from scratch: detector, orientation, and what is known roughly: distance
                  (m), tolerance, centre (pixels), picked (a file of control points)
    [calibrant]   name (of the catalogue, a .D or .cif file, several joined by +), wavelength (m; from scratch a range
                  [low, high] to look in, too)
    [refinement]  fix, loss, outliers (a number or "none"), accuracy (pixels), and the table [refinement.bounds]
    [rings]       search, separation, arc, max_sectors, significance, saturation, max_rings
    [output]      geometry, points, report, and modules or distortion (a detector file: its pixels are refined too)
    [found]       what came out of it, and digests of what went in: version, verdict, image (of the values), and the
                  tables [found.parameters], [found.standard_errors], [found.inputs], [found.outputs]

Keys mean what they mean in :func:`azimuthal.recalibrate`, :class:`azimuthal.calibration.RingSettings` and
:func:`azimuthal.calibration.refine`.  Paths are relative to the folder of the recipe.

``[found]`` is a record.  When a recipe with it is run, files that changed since are an error, and the numbers are
compared bit for bit.  Remove it to calibrate with what is there now.

Nothing is guessed: a section, a key, a type or a version that is not known is an error.  Documents of earlier versions
go through `MIGRATIONS`, one step per version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azimuthal._validate import one_of, unknown_name
from azimuthal.calibration import PARAMETERS, RingSettings
from azimuthal.calibration._least_squares import LOSSES, Loss
from azimuthal.calibration.hints import ROUGHLY
from azimuthal.calibration.verdict import ACCURACY
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.pipelines.recipe import write_document
from azimuthal.pipelines.versioned_document import Migration, checked_keys, joined, migrated_document, placed
from azimuthal.typing import PathLike

__all__ = [
    "CALIBRATION_KEY",
    "CalibrationSettings",
    "calibration_document",
    "calibration_settings",
    "write_calibration_recipe",
]

CALIBRATION_KEY = "azimuthal_calibration"
CALIBRATION_VERSION = 1

#: Version -> what makes the document of the next version out of one of it.
MIGRATIONS: dict[int, Migration] = {}

_NONE = "none"
_FILE_SUFFIXES = (".d", ".cif")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSettings:
    """Everything about a calibration.

    Parameters
    ----------
    image:
        File with one frame.
    calibrant:
        Name, file, or several joined by ``+``.
    geometry:
        Rough geometry; None: from scratch, with `detector`.
    detector, orientation:
        Name in the catalogue and 1-4 (None: the detector's own), when there is no rough geometry.
    distance, tolerance, centre, picked:
        Rough distance, m, and the share by which it may be off; where the beam meets the detector, pixels (slow, fast)
        from the outer edge of the image; a file of picked control points; when there is no rough geometry.  None: not
        known.
    wavelength:
        m; None: the geometry's; without a geometry a range (low, high) to look in, too.
    masks:
        Files of masks.
    fix:
        Parameters that are not refined.
    bounds:
        Parameter -> (low, high), m and rad.
    loss, outliers:
        Of :func:`azimuthal.calibration.refine`.
    accuracy:
        What "good" promises of two theta everywhere on the detector, pixels.
    rings:
        How rings are followed.
    output, points, report, modules, distortion:
        Files to write: PONI, control points, report, and the detector with refined modules or distortion (one of them).
    found:
        Record of an earlier run; None without one.
    """

    image: str
    calibrant: str
    geometry: str | None = None
    detector: str | None = None
    orientation: int | None = None
    distance: float | None = None
    tolerance: float = ROUGHLY
    centre: tuple[float, float] | None = None
    picked: str | None = None
    wavelength: float | tuple[float, float] | None = None
    masks: tuple[str, ...] = ()
    fix: tuple[str, ...] = ("rot3", "wavelength")
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    loss: Loss = "soft_l1"
    outliers: float | None = 5.0
    accuracy: float = ACCURACY
    rings: RingSettings = field(default_factory=RingSettings)
    output: str | None = None
    points: str | None = None
    report: str | None = None
    modules: str | None = None
    distortion: str | None = None
    found: Mapping[str, Any] | None = None

    @property
    def outputs(self) -> dict[str, str]:
        """Key of ``[output]`` -> file, of those that are asked for."""
        names = ("points", "report", "modules", "distortion")
        pairs = {"geometry": self.output, **{name: getattr(self, name) for name in names}}
        return {name: path for name, path in pairs.items() if path is not None}


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a recipe: where it is, which setting it is, and of what kind."""

    section: str
    name: str
    kind: str
    field: str = ""
    place: str = "settings"

    @property
    def setting(self) -> str:
        return self.field or self.name


_KEYS = (
    _Key("input", "image", "path"),
    _Key("input", "masks", "paths"),
    _Key("start", "geometry", "path"),
    _Key("start", "detector", "text"),
    _Key("start", "orientation", "integer"),
    _Key("start", "distance", "number"),
    _Key("start", "tolerance", "number"),
    _Key("start", "centre", "pair"),
    _Key("start", "picked", "path"),
    _Key("calibrant", "name", "calibrant", "calibrant"),
    _Key("calibrant", "wavelength", "number or pair"),
    _Key("refinement", "fix", "texts"),
    _Key("refinement", "loss", "text"),
    _Key("refinement", "outliers", "number or none"),
    _Key("refinement", "accuracy", "number"),
    _Key("refinement", "bounds", "bounds"),
    _Key("rings", "search", "number", place="rings"),
    _Key("rings", "separation", "number", place="rings"),
    _Key("rings", "arc", "number", place="rings"),
    _Key("rings", "max_sectors", "integer", place="rings"),
    _Key("rings", "significance", "number", place="rings"),
    _Key("rings", "saturation", "number", place="rings"),
    _Key("rings", "max_rings", "integer", place="rings"),
    _Key("output", "geometry", "path", "output"),
    _Key("output", "points", "path"),
    _Key("output", "report", "path"),
    _Key("output", "modules", "path"),
    _Key("output", "distortion", "path"),
)
_FOUND = {
    "version": "text",
    "verdict": "text",
    "image": "text",
    "parameters": "table",
    "standard_errors": "table",
    "inputs": "table",
    "outputs": "table",
    "pixels": "text",
}
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "path": (lambda value: isinstance(value, str) and value != "", "a path"),
    "calibrant": (lambda value: isinstance(value, str) and value != "", "a name or a path"),
    "text": (lambda value: isinstance(value, str), "a text"),
    "paths": (lambda value: _is_list(value, str), "a list of paths"),
    "texts": (lambda value: _is_list(value, str), "a list of names"),
    "integer": (lambda value: isinstance(value, int) and not isinstance(value, bool), "an integer"),
    "number": (lambda value: _is_number(value), "a number"),
    "number or pair": (lambda value: _is_number(value) or _is_pair(value), "a number, or two of them"),
    "pair": (lambda value: _is_pair(value), "two numbers"),
    "number or none": (lambda value: value == _NONE or _is_number(value), 'a number or "none"'),
    "table": (lambda value: isinstance(value, Mapping), "a table"),
    "bounds": (lambda value: isinstance(value, Mapping) and all(map(_is_pair, value.values())), "pairs of numbers"),
}


def calibration_document(settings: CalibrationSettings, *, folder: PathLike | None = None) -> dict[str, Any]:
    """Return the recipe of some settings: complete, with the values of everything that was left out.

    Parameters
    ----------
    settings:
        What to calibrate and how.
    folder:
        Where the recipe will be: relative paths are made relative to it.  None: all paths become absolute.
    """
    document: dict[str, Any] = {CALIBRATION_KEY: CALIBRATION_VERSION}
    for key in _KEYS:
        value = _written(key, _held(settings, key), folder)
        if value is not None:
            document.setdefault(key.section, {})[key.name] = value
    if settings.found is not None:
        document["found"] = dict(settings.found)
    return document


def calibration_settings(
    document: Mapping[str, Any], *, folder: PathLike = ".", source: str = "recipe"
) -> CalibrationSettings:
    """Return the settings that a recipe describes.

    Parameters
    ----------
    document:
        The recipe, of any version.
    folder:
        What its relative paths are relative to.
    source:
        What messages call it.

    Raises
    ------
    UnknownNameError
        A section or a key is not known.
    DataTypeError, ParameterError
        A value is of another type, something is missing or contradicts something else, or the version is not known.
    """
    current = migrated_document(
        document, source, key=CALIBRATION_KEY, newest=CALIBRATION_VERSION, migrations=MIGRATIONS,
        kind="recipe of a calibration",
    )  # fmt: skip
    places: dict[str, dict[str, Any]] = {"settings": {}, "rings": {}}
    for key, value, where in checked_keys(current, source, _KEYS, {}, others=(CALIBRATION_KEY, "found")):
        _check_kind(key.kind, value, where)
        places[key.place][key.setting] = _read(key, value, Path(folder))
    values = places["settings"]
    _require(values, source)
    if "found" in current:
        values["found"] = _checked_found(current["found"], source)
    return CalibrationSettings(**values, rings=RingSettings(**places["rings"]))


def write_calibration_recipe(settings: CalibrationSettings, path: PathLike, *, force: bool = False) -> Path:
    """Write the recipe of some settings as TOML or JSON, by the extension.

    Raises
    ------
    UnknownNameError
        The extension is another one.
    OutputExistsError, OutputError
        The file exists and `force` is False, or it cannot be written.
    """
    path = Path(path)
    return write_document(calibration_document(settings, folder=path.parent), path, force=force)


def calibrant_files(name: str) -> tuple[str, ...]:
    """Return the files among the calibrants that are joined by ``+``."""
    return tuple(part for part in map(str.strip, name.split("+")) if Path(part).suffix.lower() in _FILE_SUFFIXES)


def _checked_found(table: Mapping[str, Any], source: str) -> dict[str, Any]:
    for name, value in table.items():
        if name not in _FOUND:
            raise unknown_name(f"{source}: key of [found]", name, _FOUND)
        _check_kind(_FOUND[name], value, f"{source}: [found] {name}")
    for name in ("verdict", "image", "parameters", "inputs"):
        if name not in table:
            raise ParameterError(f"{source}: [found] {name}: is missing. Remove the table to calibrate anew.")
    return dict(table)


def _check_kind(kind: str, value: Any, where: str) -> None:
    right, words = _KINDS[kind]
    if not right(value):
        raise DataTypeError(f"{where}: expected {words}, got {value!r}.")


def _require(values: Mapping[str, Any], source: str) -> None:
    for section, name in (("input", "image"), ("calibrant", "calibrant")):
        if name not in values:
            shown = "name" if name == "calibrant" else name
            raise ParameterError(f"{source}: [{section}] {shown}: is missing, and is never guessed.")
    if ("geometry" in values) == ("detector" in values):
        raise ParameterError(f"{source}: [start]: expected either geometry or detector.")
    if "geometry" in values and "orientation" in values:
        raise ParameterError(f"{source}: [start] orientation: has no meaning beside a geometry, which has its own.")
    if "detector" in values and "wavelength" not in values:
        raise ParameterError(f"{source}: [calibrant] wavelength: is missing, and is never guessed.")
    if "geometry" in values and isinstance(values.get("wavelength"), tuple):
        raise ParameterError(
            f"{source}: [calibrant] wavelength: a range to look in has no meaning beside a geometry; give a value and "
            "leave wavelength out of [refinement] fix."
        )
    if "loss" in values:
        one_of(f"{source}: [refinement] loss", values["loss"], LOSSES)
    for name in (*values.get("fix", ()), *values.get("bounds", {})):
        if name not in PARAMETERS:
            raise unknown_name(f"{source}: [refinement] parameter", name, PARAMETERS)


def _held(settings: CalibrationSettings, key: _Key) -> Any:
    if key.place == "rings":
        return getattr(settings.rings, key.name)
    return getattr(settings, key.setting)


def _written(key: _Key, value: Any, folder: PathLike | None) -> Any:
    """Return a value as the document has it; None: it is left out."""
    if key.kind == "number or none":
        return _NONE if value is None else float(value)
    if value is None:
        return None
    if key.kind == "path":
        return placed(str(value), folder)
    if key.kind == "paths":
        return [placed(str(one), folder) for one in value]
    if key.kind == "calibrant":
        return _each_file(value, lambda path: placed(path, folder))
    if key.kind == "number or pair":
        return [float(one) for one in value] if isinstance(value, tuple) else float(value)
    if key.kind == "bounds":
        return {name: [float(one) for one in pair] for name, pair in value.items()} or None
    if key.kind == "pair":
        return [float(one) for one in value]
    return float(value) if key.kind == "number" else list(value) if key.kind == "texts" else value


def _read(key: _Key, value: Any, folder: Path) -> Any:
    """Return a value as the settings have it."""
    if key.kind == "number or none":
        return None if value == _NONE else value
    if key.kind == "path":
        return joined(folder, value)
    if key.kind == "paths":
        return tuple(joined(folder, one) for one in value)
    if key.kind == "calibrant":
        return _each_file(value, lambda path: joined(folder, path))
    if key.kind == "number or pair":
        return tuple(value) if isinstance(value, (list, tuple)) else value
    if key.kind == "bounds":
        return {name: tuple(pair) for name, pair in value.items()}
    return tuple(value) if key.kind in ("texts", "pair") else value


def _each_file(name: str, changed: Callable[[str], str]) -> str:
    """Return names joined by ``+`` with the files among them changed."""
    files = calibrant_files(name)
    parts = map(str.strip, name.split("+"))
    return " + ".join(changed(part) if part in files else part for part in parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, kind) for one in value)
