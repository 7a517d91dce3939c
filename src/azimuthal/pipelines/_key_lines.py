# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""On which line a key of a TOML or JSON document stands, for messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

#: (section, key) -> line, counted from 1; the section itself has the key None.
KeyLines: TypeAlias = dict[tuple[str, str | None], int]

_HEADER = re.compile(r"\s*\[\s*\"?([\w-]+)\"?\s*(?:\.\s*\"?([\w-]+)\"?\s*)?\]")
_ASSIGNED = re.compile(r"\s*\"?([\w-]+)\"?\s*(?:\.\s*\"?([\w-]+)\"?\s*)?=")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}:,\n]')


def key_lines(text: str, *, toml: bool) -> KeyLines:
    """Return the first line of every section and key; of damaged documents, of those that are found."""
    found: KeyLines = {}
    for section, key, line in _toml(text) if toml else _json(text):
        found.setdefault((section, None), line)
        found.setdefault((section, key), line)
    return found


def _toml(text: str) -> Iterator[tuple[str, str | None, int]]:
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = header[1]
            yield section, header[2], number
        elif assigned := _ASSIGNED.match(line):
            yield (section, assigned[1], number) if section else (assigned[1], assigned[2], number)


def _json(text: str) -> Iterator[tuple[str, str | None, int]]:
    depth, number, section, last = 0, 1, "", ""
    for token in _TOKEN.findall(text):
        if token == "\n":
            number += 1
        elif token in "{}":
            depth += 1 if token == "{" else -1
        elif token == ":" and depth in (1, 2):
            section = last if depth == 1 else section
            yield section, None if depth == 1 else last, number
        elif token.startswith('"'):
            last = token[1:-1]
