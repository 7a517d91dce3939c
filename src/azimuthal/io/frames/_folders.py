# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The images of a folder, when it holds images of one format only."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from azimuthal.errors import AzimuthalError, FileFormatError
from azimuthal.io.frames._registry import FABIO, find_reader
from azimuthal.io.frames._series import natural_key

_DATA_FILE = re.compile(r"(?P<stem>.*)_data_\d+(?P<suffix>\.(?:h5|hdf5|nxs))$")


def files_of_folder(folder: str) -> list[str]:
    """Return the images of a folder in natural order.

    Hidden files, and files that no reader of azimuthal recognises (logs, geometries), are left out; so are the data
    files of an EIGER master that is there too, which shows their frames.

    Raises
    ------
    FileFormatError
        There is no image, or there are images of several formats.
    """
    names = sorted((path for path in Path(folder).iterdir() if _is_candidate(path)), key=lambda p: natural_key(p.name))
    kinds: dict[str, list[str]] = defaultdict(list)
    for path in names:
        kind = _kind(path)
        if kind is not None:
            kinds[kind].append(str(path))
    if not kinds:
        raise FileFormatError(
            f"{folder}: is a folder without images that azimuthal recognises. Name files of other formats by a "
            f"pattern, e.g. '{folder}/*.img'."
        )
    if len(kinds) > 1:
        counts = ", ".join(f"{len(files)} {kind}" for kind, files in kinds.items())
        raise FileFormatError(
            f"{folder}: is a folder with images of several formats ({counts}). Name the files by a pattern, e.g. "
            f"'{folder}/*{Path(next(iter(kinds.values()))[0]).suffix}'."
        )
    return _without_members(next(iter(kinds.values())))


def _is_candidate(path: Path) -> bool:
    return not path.name.startswith(".") and path.is_file() and path.stat().st_size > 0


def _kind(path: Path) -> str | None:
    try:
        reader = find_reader(path)
    except AzimuthalError:
        return None
    return None if reader is FABIO else reader.name


def _without_members(files: list[str]) -> list[str]:
    there = set(files)
    return [
        file
        for file in files
        if not ((match := _DATA_FILE.match(file)) and f"{match['stem']}_master{match['suffix']}" in there)
    ]
