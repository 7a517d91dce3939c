# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Recipes out of whatever describes an integration: a recipe, a configuration of pyFAI, a project of Dioptas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from azimuthal.errors import FileMissingError
from azimuthal.pipelines.dioptas_project import convert_dioptas, is_dioptas_project
from azimuthal.pipelines.pyfai_config import convert_pyfai
from azimuthal.pipelines.recipe import VERSION_KEY, read_recipe, write_recipe
from azimuthal.typing import PathLike


@dataclass(frozen=True, slots=True)
class ImportedRecipe:
    """What became of a description of an integration.

    Parameters
    ----------
    kind:
        What it was, in words.
    written:
        The recipe, and files that belong to it.
    lost:
        One sentence for each thing that the recipe has no place for.
    """

    kind: str
    written: tuple[Path, ...]
    lost: tuple[str, ...]


def convert_recipe(path: PathLike, target: PathLike, *, force: bool = False) -> ImportedRecipe:
    """Write a recipe of any version, a configuration of pyFAI or a project of Dioptas as a recipe of this version.

    Parameters
    ----------
    path:
        ``.toml`` or ``.json`` of azimuthal, ``.json`` of pyFAI, ``.dio`` of Dioptas; the contents decide.
    target:
        ``.toml`` or ``.json``.
    force:
        Whether files that exist may be replaced.

    Raises
    ------
    AzimuthalError
        As for `read_recipe`, `convert_pyfai` and `convert_dioptas`.
    """
    path, target = Path(path), Path(target)
    if not path.is_file():
        raise FileMissingError(f"{path}: this file does not exist (working folder: {Path.cwd()}).")
    if is_dioptas_project(path):
        lost = convert_dioptas(path, target, force=force)
        mask = target.with_name(f"{target.stem}_mask.npy")
        used = mask.name in target.read_text(encoding="utf-8")
        return ImportedRecipe("a project of Dioptas", (target, mask) if used else (target,), tuple(lost))
    if path.suffix.lower() == ".toml" or _is_recipe(path):
        return ImportedRecipe("a recipe", (write_recipe(read_recipe(path), target, force=force),), ())
    lost = convert_pyfai(path, target, force=force)
    return ImportedRecipe("a configuration of pyFAI", (target,), tuple(lost))


def _is_recipe(path: Path) -> bool:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and VERSION_KEY in document
