# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What recipes of every kind have in common: versions, sections with keys that are known, and paths.

A document is a table of sections; its version stands under a key of its own.  Nothing is guessed: a version, a section
or a key that is not known is an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from azimuthal._validate import unknown_name
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.pipelines._key_lines import KeyLines
from azimuthal.typing import PathLike

__all__ = ["Migration", "checked_keys", "joined", "migrated_document", "placed"]

Migration = Callable[[dict[str, Any]], dict[str, Any]]

_URL = re.compile(r"[a-z]{2,}:", re.IGNORECASE)


class _Named(Protocol):
    @property
    def section(self) -> str: ...
    @property
    def name(self) -> str: ...


Key = TypeVar("Key", bound=_Named)


def migrated_document(
    document: Mapping[str, Any], source: str, *, key: str, newest: int, migrations: Mapping[int, Migration], kind: str
) -> dict[str, Any]:
    """Return a document as one of the newest version.

    Parameters
    ----------
    document, source:
        The document, and what messages call it.
    key, newest:
        Where its version stands, and the newest one.
    migrations:
        Version -> what makes the document of the next version out of one of it.
    kind:
        What such documents are called, e.g. "recipe".

    Raises
    ------
    ParameterError
        It has no version, or one that is not known.
    """
    version = document.get(key)
    if isinstance(version, bool) or not isinstance(version, int):
        raise ParameterError(f"{source}: is no {kind}: expected '{key} = {newest}' in its first line, got {version!r}.")
    if version > newest:
        raise ParameterError(
            f"{source}: is a {kind} of version {version}, this azimuthal knows versions up to {newest}. Use a newer "
            "azimuthal."
        )
    current = dict(document)
    while version < newest:
        if version not in migrations:
            raise ParameterError(f"{source}: there has never been a version {version} of a {kind}.")
        current = migrations[version](current)
        version += 1
        current[key] = version
    return current


def checked_keys(
    document: Mapping[str, Any], source: str, keys: tuple[Key, ...], lines: KeyLines, *, others: tuple[str, ...]
) -> Iterator[tuple[Key, Any, str]]:
    """Yield the keys of a document with their values, and where each stands in words.

    Parameters
    ----------
    document, source:
        The document, and what messages call it.
    keys:
        All that may be in it.
    lines:
        Where its keys stand, for messages; may be empty.
    others:
        The key of the version, and sections that are none of this.

    Raises
    ------
    UnknownNameError, DataTypeError
        A section or a key is not known, or a section is no table.
    """

    def at(section: str, name: str | None = None) -> str:
        line = lines.get((section, name))
        return source if line is None else f"{source}, line {line}"

    sections = tuple(dict.fromkeys(key.section for key in keys))
    for section, table in document.items():
        if section in others[:1]:
            continue
        if section not in (*sections, *others[1:]):
            raise unknown_name(f"{at(section)}: section", section, (*sections, *others[1:]))
        if not isinstance(table, Mapping):
            raise DataTypeError(f"{at(section)}: [{section}]: expected a table, got {table!r}.")
        if section in others:
            continue
        known = {key.name: key for key in keys if key.section == section}
        for name, value in table.items():
            if name not in known:
                raise unknown_name(f"{at(section, name)}: key of [{section}]", name, known)
            yield known[name], value, f"{at(section, name)}: [{section}] {name}"


def placed(text: str, folder: PathLike | None) -> str:
    """Return a path as a recipe in `folder` has it; absolute ones stay as they are.  None: absolute."""
    if _is_elsewhere(text):
        return text
    if folder is None:
        return str(Path.cwd() / text)
    return text if Path(folder).resolve() == Path.cwd().resolve() else os.path.relpath(text, folder)


def joined(folder: Path, text: str) -> str:
    """Return a path of a recipe in `folder`."""
    return text if _is_elsewhere(text) or folder == Path() else str(folder / text)


def _is_elsewhere(text: str) -> bool:
    """Say whether a path means the same from every folder: absolute ones, urls, datasets inside the images."""
    return Path(text).is_absolute() or text.startswith("::") or _URL.match(text) is not None
