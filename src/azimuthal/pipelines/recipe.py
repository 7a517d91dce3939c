# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Recipes: one document that says everything about an integration, from the images to the outputs.

A recipe is TOML (``.toml``) or JSON (``.json``), made by hand, by ``azimuthal integrate --write-recipe``, or taken out
of an output.  It has a version and these sections; what is left out has the value that the command line takes when
its option is left out, and :func:`recipe_document` always writes those values out::

    azimuthal_recipe = 1
    [input]       images
    [geometry]    file or poni (the text of a PONI file), detector, orientation
    [mask]        files, file_mask, detector_gaps, invalid_values, dummy, delta_dummy
    [corrections] dark, flat, dark_variance, flat_variance, normalization_factor, normalization_variance, monitor,
                  monitor_variance, solid_angle, sensor_absorption, polarization_factor, polarization_offset,
                  transmission, dead_time, exposure_time, dead_time_model
    [bins]        unit, npt, npt_azim, radial_range, azimuth_range, sectors, split
    [grazing]     unit_oop, incident_angle, tilt_angle, sample_orientation, along
    [reduction]   average, error_model, covariance, engine, and the table [reduction.reject]
    [output]      file, picture

Keys have the meaning of the fields of :class:`~azimuthal.pipelines.BatchSettings` and
:class:`~azimuthal.integrate.PlanSpec`, and their units.  ``solid_angle`` and ``sensor_absorption`` may be ``"none"``.
Paths are relative to the folder of the recipe.  How many threads work, and whether files may be replaced, is not part
of a recipe: no number depends on it.

Nothing is guessed: a section, a key or a type that is not known is an error, and so is a version that is not.
Documents of earlier versions go through `MIGRATIONS`, one step per version.
"""

from __future__ import annotations

import json
import operator
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from azimuthal._pending_file import write_text
from azimuthal._validate import one_of
from azimuthal.errors import DataTypeError, FileFormatError, FileMissingError, ParameterError
from azimuthal.integrate import PlanSpec
from azimuthal.pipelines._key_lines import KeyLines, key_lines
from azimuthal.pipelines._toml import toml_text
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.pipelines.versioned_document import Migration, checked_keys, joined, migrated_document, placed
from azimuthal.rejection import rejection
from azimuthal.typing import PathLike

RECIPE_VERSION = 1
VERSION_KEY = "azimuthal_recipe"

#: Version -> what makes the document of the next version out of one of it.
MIGRATIONS: dict[int, Migration] = {}

_NONE = "none"


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a recipe: where it is, which setting it is, and of what kind."""

    section: str
    name: str
    field: str
    kind: str
    place: str = "settings"


def _choice(section: str, name: str, kind: str, field: str | None = None) -> _Key:
    return _Key(section, name, field or name, kind, "choices")


_KEYS = (
    _Key("input", "images", "images", "paths"),
    _Key("geometry", "file", "geometry", "path"),
    _Key("geometry", "poni", "poni", "text"),
    _Key("geometry", "detector", "detector", "text"),
    _Key("geometry", "orientation", "orientation", "integer"),
    _Key("mask", "files", "masks", "paths"),
    _Key("mask", "file_mask", "file_mask", "boolean"),
    _choice("mask", "detector_gaps", "boolean", "detector_mask"),
    _choice("mask", "invalid_values", "boolean"),
    _choice("mask", "dummy", "number"),
    _choice("mask", "delta_dummy", "number"),
    _Key("corrections", "dark", "dark", "path"),
    _Key("corrections", "flat", "flat", "path"),
    _Key("corrections", "dark_variance", "dark_variance", "path"),
    _Key("corrections", "flat_variance", "flat_variance", "path"),
    _Key("corrections", "normalization_factor", "normalization_factor", "number"),
    _Key("corrections", "normalization_variance", "normalization_variance", "number"),
    _Key("corrections", "monitor", "monitor", "path"),
    _Key("corrections", "monitor_variance", "monitor_variance", "path"),
    _choice("corrections", "solid_angle", "mode"),
    _choice("corrections", "sensor_absorption", "mode"),
    _choice("corrections", "polarization_factor", "number"),
    _choice("corrections", "polarization_offset", "number"),
    _choice("corrections", "transmission", "number"),
    _choice("corrections", "dead_time", "number"),
    _choice("corrections", "exposure_time", "number"),
    _choice("corrections", "dead_time_model", "text"),
    _Key("bins", "unit", "unit", "text"),
    _Key("bins", "npt", "npt", "integer"),
    _Key("bins", "npt_azim", "npt_azim", "integer"),
    _choice("bins", "radial_range", "numbers"),
    _choice("bins", "azimuth_range", "numbers"),
    _Key("bins", "sectors", "sectors", "pairs"),
    _choice("bins", "split", "text"),
    _Key("grazing", "unit_oop", "unit_oop", "text", "grazing"),
    _Key("grazing", "incident_angle", "incident_angle", "text", "grazing"),
    _Key("grazing", "tilt_angle", "tilt_angle", "text", "grazing"),
    _Key("grazing", "sample_orientation", "sample_orientation", "integer", "grazing"),
    _Key("grazing", "along", "along", "text", "grazing"),
    _choice("reduction", "average", "text"),
    _choice("reduction", "error_model", "text"),
    _choice("reduction", "covariance", "boolean"),
    _choice("reduction", "engine", "text"),
    _choice("reduction", "reject", "table"),
    _Key("output", "file", "output", "path"),
    _Key("output", "picture", "picture", "path"),
)
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "a text"),
    "path": ((str,), "a path"),
    "mode": ((str,), "a text"),
    "integer": ((int,), "an integer"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "numbers": ((list, tuple), "a list of two numbers"),
    "pairs": ((list, tuple), "a list of pairs of numbers"),
    "paths": ((list, tuple), "a list of paths"),
    "table": ((Mapping,), "a table"),
}
#: What makes a plain value of one that means it, such as a number of NumPy.
_PLAIN: dict[str, Callable[[Any], Any]] = {
    "text": str,
    "integer": operator.index,
    "number": lambda value: value if isinstance(value, int) else float(value),
    "boolean": bool,
}
_CHOICE_DEFAULTS = {item.name: item.default for item in fields(PlanSpec)}


def recipe_document(settings: BatchSettings, *, folder: PathLike | None = None) -> dict[str, Any]:
    """Return the recipe of some settings: complete, with the values of everything that was left out.

    Parameters
    ----------
    settings:
        What to integrate and how.
    folder:
        Where the recipe will be: relative paths are made relative to it.  None: all paths become absolute.

    Raises
    ------
    ParameterError
        The settings hold something that a recipe has no place for.
    """
    known = {key.field for key in _KEYS if key.place == "choices"}
    for name in settings.choices:
        if name not in known:
            raise ParameterError(f"recipe: the choice {name!r} has no place in a recipe. Leave it out.")
    document: dict[str, Any] = {VERSION_KEY: RECIPE_VERSION}
    for key in _KEYS:
        value = _written(key, _held(settings, key), folder)
        if value is not None and not (key.name == "file" and key.section == "geometry" and settings.poni is not None):
            document.setdefault(key.section, {})[key.name] = value
    return document


def settings_of(
    document: Mapping[str, Any], *, folder: PathLike = ".", source: str = "recipe", lines: KeyLines | None = None
) -> BatchSettings:
    """Return the settings that a recipe describes.

    Parameters
    ----------
    document:
        The recipe, of any version.
    folder:
        What its relative paths are relative to.
    source:
        What messages call it.
    lines:
        Where its keys stand, for messages.

    Raises
    ------
    UnknownNameError
        A section or a key is not known.
    DataTypeError, ParameterError
        A value is of another type, something is missing, or the version is not known.
    """
    current = migrated(document, source)
    values: dict[str, Any] = {}
    choices: dict[str, Any] = {}
    grazing: dict[str, Any] = {}
    places = {"settings": values, "choices": choices, "grazing": grazing}
    for key, value, where in checked_keys(current, source, _KEYS, lines or {}, others=(VERSION_KEY,)):
        _check_type(key, value, where)
        places[key.place][key.field] = _read(key, value, Path(folder), source)
    _require(values, source)
    if "poni" in values:
        values["geometry"] = f"{source} [geometry] poni"
    values.setdefault("images", ())
    return BatchSettings(choices=choices, grazing=grazing or None, **values)


def migrated(document: Mapping[str, Any], source: str = "recipe") -> dict[str, Any]:
    """Return a document as one of the current version.

    Raises
    ------
    ParameterError
        It has no version, or one that is not known.
    """
    return migrated_document(
        document, source, key=VERSION_KEY, newest=RECIPE_VERSION, migrations=MIGRATIONS, kind="recipe"
    )


def read_recipe(path: PathLike) -> BatchSettings:
    """Return the settings that a recipe file (``.toml`` or ``.json``) describes.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, or is neither TOML nor JSON.
    AzimuthalError
        As for `settings_of`.
    """
    document, text = _read_text(Path(path))
    lines = key_lines(text, toml=Path(path).suffix.lower() == ".toml")
    return settings_of(document, folder=Path(path).parent, source=str(path), lines=lines)


def read_document(path: PathLike) -> dict[str, Any]:
    """Return what a TOML or JSON file holds, by the extension; raises as `read_recipe` does."""
    return _read_text(Path(path))[0]


def _read_text(path: Path) -> tuple[dict[str, Any], str]:
    """Return the document of a file, and its text."""
    suffix = one_of("recipe: extension", path.suffix.lower(), (".toml", ".json"))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist (working folder: {Path.cwd()}).") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: cannot be read as a recipe: {error}.") from error
    try:
        document = tomllib.loads(text) if suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: is no {suffix[1:].upper()}: {error}.") from error
    if not isinstance(document, dict):
        raise FileFormatError(f"{path}: expected a recipe, got {type(document).__name__}.")
    return document, text


def write_recipe(settings: BatchSettings, path: PathLike, *, force: bool = False) -> Path:
    """Write the recipe of some settings as TOML or JSON, by the extension.

    Raises
    ------
    UnknownNameError
        The extension is another one.
    OutputExistsError, OutputError
        The file exists and `force` is False, or it cannot be written.
    """
    path = Path(path)
    return write_document(recipe_document(settings, folder=path.parent), path, force=force)


def write_document(document: Mapping[str, Any], path: PathLike, *, force: bool = False) -> Path:
    """Write a recipe document as TOML or JSON, by the extension; as `write_recipe`."""
    path = Path(path)
    suffix = one_of("recipe: extension", path.suffix.lower(), (".toml", ".json"))
    text = toml_text(document) if suffix == ".toml" else json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return write_text(path, (text,), force=force)


def _held(settings: BatchSettings, key: _Key) -> Any:
    """Return the value that some settings have for a key, the default where it was left out."""
    if key.place == "choices":
        return settings.choices.get(key.field, _CHOICE_DEFAULTS[key.field])
    if key.place == "grazing":
        return (settings.grazing or {}).get(key.field)
    return getattr(settings, key.field)


def _written(key: _Key, value: Any, folder: PathLike | None) -> Any:
    """Return a value as the document has it; None: it is left out."""
    if key.kind == "mode":
        return _NONE if value is None or value is False else "relative" if value is True else value
    if value is None:
        return None
    if key.kind == "path":
        return value if _is_word(key, value) else placed(str(value), folder)
    if key.kind == "paths":
        return [placed(str(one), folder) for one in value]
    if key.kind == "table":
        chosen = rejection(value)
        return None if chosen is None else chosen.to_dict()
    if key.kind == "pairs":
        return [[float(one) for one in pair] for pair in value] or None
    if key.kind == "numbers":
        return [float(one) for one in value]
    return _PLAIN.get(key.kind, lambda given: given)(value)


def _read(key: _Key, value: Any, folder: Path, source: str) -> Any:
    """Return a value as the settings have it."""
    if key.kind == "mode":
        absent = False if key.field == "sensor_absorption" else None
        return absent if value == _NONE else value
    if key.kind == "path":
        return value if _is_word(key, value) else joined(folder, value)
    if key.kind == "paths":
        return tuple(joined(folder, one) for one in value)
    if key.kind == "pairs":
        return tuple(tuple(pair) for pair in value)
    if key.kind == "numbers":
        if len(value) != 2:
            raise ParameterError(f"{source}: [{key.section}] {key.name}: expected two numbers, got {value!r}.")
        return tuple(value)
    return dict(value) if key.kind == "table" else value


def _check_type(key: _Key, value: Any, where: str) -> None:
    types, words = _TYPES[key.kind]
    right = isinstance(value, types) and (key.kind == "boolean" or not isinstance(value, bool))
    if right and key.kind == "paths":
        right = all(isinstance(one, str) for one in value)
    if right and key.kind == "numbers":
        right = all(map(_is_number, value))
    if right and key.kind == "pairs":
        right = all(isinstance(one, list | tuple) and len(one) == 2 and all(map(_is_number, one)) for one in value)
    if not right:
        raise DataTypeError(f"{where}: expected {words}, got {value!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require(values: Mapping[str, Any], source: str) -> None:
    if ("geometry" in values) == ("poni" in values):
        raise ParameterError(f"{source}: [geometry]: expected either file or poni.")
    for name in ("unit", "npt"):
        if name not in values:
            raise ParameterError(f"{source}: [bins] {name}: is missing, and is never guessed.")


def _is_word(key: _Key, value: str) -> bool:
    return key.field in ("dark_variance", "monitor_variance") and value == "poisson"
