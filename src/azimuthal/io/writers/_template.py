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


def expanded(template: str, metadata: Mapping[str, Any], index: int) -> Path:
    """Return the path for one result.

    Fields are ``index`` (position in the call), ``frame`` (number of the frame in its source, else the
    position), ``label``, ``stem`` and whatever text or number the metadata holds.
    """
    fields = {name: value for name, value in metadata.items() if isinstance(value, str | int | float)}
    fields["number"] = position
    fields.setdefault("frame", frame_number(metadata, position))
    for name, other in (("stem", "name"), ("label", "name"), ("stem", "label")):
        if other in fields:
            fields.setdefault(name, fields[other])
    for _, name, _, _ in _parts(template):
        if name is None:
            continue
        if name not in fields:
            raise unknown_name(
                "path: field", name, fields, hint=f"Fields of this result: {', '.join(fields)}."
            )
        if isinstance(fields[name], str) and ("/" in fields[name] or "\\" in fields[name]):
            raise ParameterError(
                f"path: the field {name!r} is {fields[name]!r}, which cannot be part of a file name. Use "
                "{frame} or {number}."
            )
    try:
        return Path(template.format_map(fields))
    except (ValueError, TypeError) as error:
        raise ParameterError(f"path: {template!r} cannot be filled in: {error}.") from error


def _parts(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(template))
    except ValueError as error:
        raise ParameterError(
            f"path: {template!r} is no template: {error}. Write {{{{ for a brace."
        ) from error
