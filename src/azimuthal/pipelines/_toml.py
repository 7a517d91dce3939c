# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""TOML for recipes: ``tomllib`` of the standard library reads it, `toml_text` writes what recipes are made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from azimuthal.errors import ParameterError


def toml_text(document: Mapping[str, Any]) -> str:
    """Return a document as TOML: numbers round-trip exactly, tables of tables become sections.

    Parameters
    ----------
    document:
        Texts, numbers, booleans, lists of them, and tables with such values.

    Raises
    ------
    ParameterError
        A value has no place in TOML, such as None.
    """
    return "\n".join(_section((), document)).strip("\n") + "\n"


def _section(path: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    plain = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    lines = ["", f"[{'.'.join(map(_key, path))}]"] if path and (plain or not table) else []
    lines += [f"{_key(name)} = {_value('.'.join((*path, name)), value)}" for name, value in plain.items()]
    for name, value in table.items():
        if isinstance(value, Mapping):
            lines += _section((*path, name), value)
    return lines


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _quoted(name)


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(f'{name}[{number}]', one) for number, one in enumerate(value))}]"
    raise ParameterError(f"recipe: {name}: a text, a number, true, false or a list can be written, got {value!r}.")


def _text(value: str) -> str:
    """Return a basic string; one with lines as lines."""
    if "\n" not in value:
        return _quoted(value)
    return '"""\n' + "\n".join(_quoted(line)[1:-1] for line in value.split("\n")) + '"""'


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
