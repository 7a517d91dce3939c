# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where the motors stood for every image: from a table, or from what the images say themselves.

Table
    Text with a line of names and one line per image or scan point; separated by commas, semicolons, tabs or blanks
    (whatever the line of names has first, in this order).  A ``#`` before the first name is skipped, unless it is the
    whole name.  A column called image, file, filename, name or label says which line belongs to which image: its path,
    name, name without ending, or, where it is a whole number, the number that the name of the image ends with.
    Another column can be named.  Without one, the table has as many lines as there are images, in their order.

Images
    ``motors``, ``counters`` and ``monitors`` of :meth:`~azimuthal.io.frames.FrameSource.frame_facts` (HDF5), then the
    header of the frame (EDF): an entry of that name, or one of the pairs ``motor_mne``/``motor_pos`` and
    ``counter_mne``/``counter_pos``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from azimuthal._validate import finite_number, unknown_name
from azimuthal.errors import DataTypeError, FileFormatError, FileMissingError, ParameterError
from azimuthal.io.frames import FrameSource
from azimuthal.typing import PathLike

__all__ = ["positions_from_frames", "positions_from_table"]

_IMAGE_COLUMNS = ("image", "file", "filename", "name", "label")
_PAIRS = (("motor_mne", "motor_pos"), ("counter_mne", "counter_pos"))


def positions_from_table(
    path: PathLike, columns: Mapping[str, str], labels: Sequence[str], *, image_column: str | None = None
) -> list[dict[str, float]]:
    """Return the motor positions of images from a table.

    Parameters
    ----------
    path:
        The table; see the module docstring.
    columns:
        Motor -> name of its column.
    labels:
        Names of the images, in the order of the result.
    image_column:
        The column that says which line belongs to which image.

    Raises
    ------
    FileMissingError, FileFormatError
        The table does not exist or cannot be read.
    UnknownNameError
        A column is not there.
    ParameterError
        An image has no line, or two; or there is no column of images and the number of lines is not that of the
        images.
    """
    path = Path(path)
    names, rows = _table(path)
    for name in (*columns.values(), *(() if image_column is None else (image_column,))):
        if name not in names:
            raise unknown_name(f"{path}, column", name, names)
    if image_column is None:
        image_column = next((name for name in names if name.casefold() in _IMAGE_COLUMNS), None)
    if image_column is not None:
        keys = [row[names.index(image_column)] for row in rows]
        chosen = [_line_of(label, keys, path, image_column) for label in labels]
    elif len(rows) == len(labels):
        chosen = list(range(len(rows)))
    else:
        raise ParameterError(
            f"{path}: {len(rows)} lines for {len(labels)} images, and no column called {', '.join(_IMAGE_COLUMNS)}. "
            "Say which column tells the image (image_column=..., --image-column)."
        )
    where = {motor: names.index(column) for motor, column in columns.items()}
    return [
        {motor: _number(path, rows[line][column], line, names[column]) for motor, column in where.items()}
        for line in chosen
    ]


def positions_from_frames(source: FrameSource, columns: Mapping[str, str]) -> list[dict[str, float]]:
    """Return the motor positions that the images themselves tell.

    Raises
    ------
    ParameterError
        An image does not tell one; the message says what it does tell.
    """
    return [{motor: _told(source, index, name) for motor, name in columns.items()} for index in range(len(source))]


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: expected a table in text: {error}.") from None
    if len(lines) < 2:
        raise FileFormatError(f"{path}: expected a line of names and at least one of numbers, got {len(lines)} lines.")
    delimiter = next((mark for mark in ",;\t" if mark in lines[0]), None)
    if delimiter is None:
        table = [line.split() for line in lines]
    else:
        table = [
            [cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        ]
    names = table[0]
    if names[0] == "#" and len(names) == len(table[1]) + 1:
        names = names[1:]
    elif names[0].startswith("#") and names[0] != "#":
        names[0] = names[0][1:].strip()
    for number, row in enumerate(table[1:], start=2):
        if len(row) != len(names):
            raise FileFormatError(
                f"{path}, line {number}: expected {len(names)} columns as in the first, got {len(row)}."
            )
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise FileFormatError(f"{path}: the column {sorted(doubled)[0]!r} is there twice.")
    return names, table[1:]


def _line_of(label: str, keys: Sequence[str], path: Path, column: str) -> int:
    """Return the line of an image."""
    found = [line for line, key in enumerate(keys) if label in (key, Path(key).name, Path(key).stem)]
    if not found:
        digits = re.search(r"(\d+)$", label)
        found = [line for line, key in enumerate(keys) if digits and key.isdecimal() and int(key) == int(digits[1])]
    if len(found) != 1:
        raise ParameterError(
            f"{path}: expected one line for the image {label} in the column {column!r}, got {len(found)}."
        )
    return found[0]


def _number(path: Path, text: str, line: int, column: str) -> float:
    try:
        return finite_number(column, text)
    except (DataTypeError, ParameterError):
        raise FileFormatError(f"{path}, line {line + 2}, {column}: expected a number, got {text!r}.") from None


def _told(source: FrameSource, index: int, name: str) -> float:
    facts = source.frame_facts(index)
    known: dict[str, Any] = {}
    for kind in ("monitors", "counters", "motors"):
        known |= facts.get(kind, {})
    if name not in known:
        header = source.frame_metadata(index).get("header", {})
        if isinstance(header, Mapping):
            for names, values in _PAIRS:
                known |= dict(
                    zip(str(header.get(names, "")).split(), str(header.get(values, "")).split(), strict=False)
                )
            known |= {key: value for key, value in header.items() if key == name}
    if name not in known:
        told = ", ".join(sorted(known)[:20]) or "no motor"
        raise ParameterError(
            f"{source.label(index)}: does not tell the motor {name!r}; it tells {told}. Give a table of positions, or "
            "the name that the motor has there (--motor MOTOR=NAME)."
        )
    return finite_number(f"{source.label(index)}, {name}", known[name])
