# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What documents of calibrations and recipes are, in words: goniometers, control points, calibrants, recipes, reports.

The content decides about ``.json``, ``.toml`` and ``.html``, the name about ``.npt``, ``.D`` and ``.cif``.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from azimuthal.crystallography import calibrant
from azimuthal.errors import FileFormatError
from azimuthal.io.calibration_files import load_calibration_report
from azimuthal.io.control_point_files import load_control_points
from azimuthal.io.goniometer_files import load_goniometer, read_goniometer_facts
from azimuthal.pipelines.calibration_recipe import CALIBRATION_KEY, calibration_settings
from azimuthal.pipelines.recipe import VERSION_KEY, read_recipe

__all__ = ["DocumentDescription", "described_document"]

_GONIOMETER = "Goniometer calibration"
_IMAGES_SHOWN = 3
_PYFAI_APPLICATIONS = ("pyfai-integrate", "worker")


class DocumentDescription(NamedTuple):
    """Title, facts as pairs of name and text, and notes."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def described_document(path: str) -> DocumentDescription | None:
    """Return what a document is; None: none of these.

    Raises
    ------
    AzimuthalError
        It is one of these and cannot be used; the message says why.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".npt":
        return _control_points(path)
    if suffix == ".html":
        return _report(path)
    if suffix in (".d", ".cif"):
        return _calibrant(path)
    document = _document(Path(path), suffix)
    if document is None:
        return None
    if str(document.get("content", "")).startswith(_GONIOMETER):
        return _goniometer(path)
    if CALIBRATION_KEY in document:
        return _calibration_recipe(document, path)
    if VERSION_KEY in document:
        return _recipe(path)
    if document.get("application") in _PYFAI_APPLICATIONS:
        facts = ((name, str(document[name])) for name in ("application", "version") if name in document)
        remedy = "'azimuthal convert recipe' makes a recipe of it"
        return DocumentDescription("configuration of an integration (pyFAI)", tuple(facts), (remedy,))
    return None


def _document(path: Path, suffix: str) -> dict[str, Any] | None:
    """Return what a JSON or TOML file holds; None where it is neither."""
    read: dict[str, Callable[[str], Any]] = {".json": json.loads, ".toml": tomllib.loads}
    if suffix not in read:
        return None
    try:
        document = read[suffix](path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _goniometer(path: str) -> DocumentDescription:
    lines = (line.partition(":") for line in load_goniometer(path).describe().splitlines())
    facts = [(name, words.strip()) for name, _, words in lines]
    for name, value in read_goniometer_facts(path).items():
        facts.append((str(name), ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return DocumentDescription("goniometer (JSON of pyFAI)", tuple(facts), ("'azimuthal goniometer show' asks it",))


def _control_points(path: str) -> DocumentDescription:
    found = load_control_points(path)
    points = found.points
    rings = f"{len(points)} on {points.rings.size} rings"
    if len(points):
        rings += f" ({points.rings.min()} to {points.rings.max()})"
    known = int(np.isfinite(points.uncertainty).sum())
    facts = [("points", rings), ("uncertainties", f"of {known} points" if known else "none")]
    facts += [("calibrant", found.calibrant)] if found.calibrant else []
    facts += [("wavelength", f"{1e10 * found.wavelength:.6g} Å")] if found.wavelength else []
    return DocumentDescription("control points of a calibration (pyFAI)", tuple(facts))


def _calibrant(path: str) -> DocumentDescription:
    found = calibrant(path)
    spacings = 1e10 * found.d_spacings()
    facts = (("name", found.name), ("rings", f"{spacings.size}, d from {spacings[0]:.5g} to {spacings[-1]:.5g} Å"))
    return DocumentDescription("calibrant", facts, ("'azimuthal calibrants' lists its rings",))


def _report(path: str) -> DocumentDescription | None:
    try:
        data = load_calibration_report(path)
    except FileFormatError:  # any other page
        return None
    instrument = data["instrument"]
    facts = [("verdict", "; ".join((data["verdict"], *data["reasons"])))]
    facts += _given((("image", data["image"]), ("calibrant", data["calibrant"]), ("detector", instrument["detector"])))
    facts += [
        (one["name"], f"{one['value']:.9g}{'' if one['fixed'] else _error_words(one['error'])} {one['unit']}")
        for one in data["parameters"]
    ]
    return DocumentDescription("report of a calibration", (*facts, ("made by", data["made_by"])))


def _error_words(error: float | None) -> str:
    return " (not known)" if error is None else f" ± {error:.2g}"


def _calibration_recipe(document: dict[str, Any], path: str) -> DocumentDescription:
    settings = calibration_settings(document, folder=Path(path).parent, source=path)
    known = settings.wavelength
    words = " to ".join(f"{1e10 * one:.6g}" for one in (known if isinstance(known, tuple) else (known,)) if one)
    facts = _given((
        ("image", settings.image),
        ("started from", settings.geometry or f"scratch ({settings.detector})"),
        ("calibrant", settings.calibrant),
        ("wavelength", words and f"{words} Å"),
        ("not refined", ", ".join(settings.fix)),
        ("writes", ", ".join(settings.outputs.values())),
        ("found", settings.found and str(settings.found["verdict"])),
    ))  # fmt: skip
    return DocumentDescription("recipe of a calibration", tuple(facts), (f"'azimuthal run {Path(path).name}' runs it",))


def _recipe(path: str) -> DocumentDescription:
    settings = read_recipe(path)
    images = [str(one) for one in settings.images]
    more = f" and {len(images) - _IMAGES_SHOWN} more" if len(images) > _IMAGES_SHOWN else ""
    bins = f"{settings.npt} of {settings.unit}"
    facts = _given((
        ("images", ", ".join(images[:_IMAGES_SHOWN]) + more),
        ("geometry", settings.geometry),
        ("bins", bins if settings.npt_azim is None else f"{bins} x {settings.npt_azim} azimuthal"),
        ("writes", settings.output),
    ))  # fmt: skip
    return DocumentDescription(
        "recipe of an integration", tuple(facts), (f"'azimuthal run {Path(path).name}' runs it",)
    )


def _given(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return the pairs that have a value, as texts."""
    return [(name, str(value)) for name, value in pairs if value]
