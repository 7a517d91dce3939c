# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Values read from the text of foreign files; complaints name the file, the line, the key and the value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import NamedTuple

from azimuthal._validate import unknown_name
from azimuthal.errors import FileFormatError, GeometryFileWarning


class Entry(NamedTuple):
    """The text of one value and where it was found."""

    key: str
    text: str
    line: int
    source: str

    @property
    def place(self) -> str:
        """File, line and key, as error messages begin."""
        return f"{self.source}, line {self.line}: {self.key}"

    def malformed(self, expected: str) -> FileFormatError:
        """Return (not raise) the error for a value that cannot be read."""
        return FileFormatError(f"{self.place}: expected {expected}, got {self.text!r}.")

    def number(self, unit: str = "") -> float:
        """Return the value as a finite number."""
        expected = f"a finite number{f' in {unit}' if unit else ''}"
        try:
            value = float(self.text)
        except ValueError:
            raise self.malformed(expected) from None
        if not math.isfinite(value):
            raise self.malformed(expected)
        return value

    def positive(self, unit: str = "") -> float:
        """Return the value as a finite number greater than zero."""
        value = self.number(unit)
        if value <= 0:
            raise self.malformed(f"a number greater than 0{f' {unit}' if unit else ''}")
        return value

    def numbers(self, count: int, unit: str = "") -> tuple[float, ...]:
        """Return exactly `count` finite numbers, separated by blanks or commas."""
        words = self.text.replace(",", " ").split()
        if len(words) != count:
            raise self.malformed(f"{count} numbers{f' in {unit}' if unit else ''}")
        return tuple(self._replace(text=word).number(unit) for word in words)

    def integer(self) -> int:
        """Return the value as an integer of at least one."""
        try:
            value = int(self.text)
        except ValueError:
            raise self.malformed("an integer") from None
        if value < 1:
            raise self.malformed("an integer of at least 1")
        return value


def refuse_unreadable(text: str, source: str, what: str) -> None:
    """Raise for text that is empty or binary."""
    if "\x00" in text:
        raise FileFormatError(f"{source}: expected {what} (text), got binary data.")
    if not text.strip():
        raise FileFormatError(f"{source}: expected {what}, got an empty file.")


def required(entries: dict[str, Entry], key: str, source: str, what: str) -> Entry:
    """Return an entry, or raise that the key is missing."""
    try:
        return entries[key]
    except KeyError:
        present = ", ".join(sorted(entries)) or "nothing"
        raise FileFormatError(f"{source}: the key {key!r} of {what} is missing; found {present}.") from None


def warn_unknown_keys(entries: Iterable[Entry], known: Iterable[str], *, stacklevel: int) -> None:
    """Warn, by name and line, of each entry whose key is not known; `stacklevel` counts from here."""
    names = tuple(known)
    for entry in entries:
        if entry.key not in names:
            problem = unknown_name("key", entry.key, names)
            message = f"{entry.source}, line {entry.line}: {problem} Its value {entry.text!r} is not used."
            warnings.warn(message, GeometryFileWarning, stacklevel=stacklevel)
