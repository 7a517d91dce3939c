# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""File names with fields: ``"out/{stem}_{frame:05d}.xye"``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from azimuthal._validate import unknown_name
from azimuthal.errors import ParameterError
from azimuthal.io.writers._facts import frame_number
from azimuthal.typing import PathLike


def is_template(path: PathLike) -> bool:
    """Say whether a path holds fields in braces; a brace that is meant is written twice."""
    return "{" in str(path) or "}" in str(path)


def expanded(template: str, metadata: Mapping[str, Any], position: int) -> Path:
    """Return the path for one result.

    Fields are ``frame`` (number of the frame in its source, else the position), ``number`` (position in the
    call), ``label``, ``stem`` (name of the source, else the label) and whatever text or number the metadata
    holds.
    """
    fields: dict[str, Any] = {name: value for name, value in metadata.items() if isinstance(value, str | int | float)}
    fields["number"] = position
    fields.setdefault("frame", frame_number(metadata, position))
    for wanted, other in (("stem", "name"), ("label", "name"), ("stem", "label")):
        if other in fields:
            fields.setdefault(wanted, fields[other])
    for name in field_names(template):
        _check_field(name, fields)
    try:
        return Path(template.format_map(fields))
    except (ValueError, TypeError) as error:
        raise ParameterError(f"path: {template!r} cannot be filled in: {error}.") from error


def _check_field(name: str, fields: Mapping[str, Any]) -> None:
    if name not in fields:
        hint = f"Fields of this result: {', '.join(fields)}. A brace that is meant is written twice."
        raise unknown_name("path: field", name, fields, hint=hint)
    if "/" in str(fields[name]) or "\\" in str(fields[name]):
        raise ParameterError(
            f"path: the field {name!r} is {fields[name]!r}, which cannot be part of a file name. Use "
            "{frame} or {number}."
        )


def field_names(template: str) -> list[str]:
    """Return the fields of a template."""
    try:
        return [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ParameterError(
            f"path: {template!r} is no template: {error}. A brace that is meant is written twice."
        ) from error
