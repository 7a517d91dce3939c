# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal detectors``: the catalogue, or one detector of it."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from azimuthal.cli._parsing import argument, command
from azimuthal.cli._table import table_text

if TYPE_CHECKING:
    from azimuthal.detectors import Detector

_HEADER = ("name", "maker", "pixels (slow x fast)", "pixel size (µm)", "sensors")


@command(name="detectors")
@argument("pattern", required=False)
def detectors_command(pattern: str | None) -> int:
    """List the detectors that are known, or describe one.

    PATTERN is a name, a part of one, or a pattern such as 'pilatus*2m'; case, spaces, underscores and hyphens do not
    matter.
    """
    from azimuthal._validate import unknown_name
    from azimuthal.detectors import detector, detector_names

    known = [detector(name) for name in detector_names() if name != "Detector"]
    if pattern is None:
        print(table_text(_HEADER, [_row(one) for one in known]))
        return 0
    named = [one for one in known if _folded(pattern) in map(_folded, (one.name, *one.aliases))]
    found = named or [one for one in known if _matches(one, pattern)]
    if not found:
        raise unknown_name("detector", pattern, [name for one in known for name in (one.name, *one.aliases)])
    if len(found) == 1:
        print(_detail(found[0]))
    else:
        print(table_text(_HEADER, [_row(one) for one in found]))
    return 0


def _row(one: Detector) -> tuple[str, ...]:
    sensors = "; ".join(str(sensor) for sensor in one.sensors) or "-"
    size = f"{one.pixel1 * 1e6:.4g} x {one.pixel2 * 1e6:.4g}"
    return one.name, one.maker or "-", f"{one.shape[0]} x {one.shape[1]}", size, sensors


def _detail(one: Detector) -> str:
    from azimuthal.pipelines.description import detector_facts

    facts = list(detector_facts(one))
    width = max(len(name) for name, _ in facts) + 2
    return "\n".join(f"{name + ':':<{width}}{text}" for name, text in facts)


def _matches(one: Detector, pattern: str) -> bool:
    wanted = _folded(pattern)
    names = [_folded(name) for name in (one.name, *one.aliases)]
    if any(character in pattern for character in "*?["):
        return any(fnmatch.fnmatchcase(name, wanted) for name in names)
    return any(wanted in name for name in (*names, _folded(one.maker or "")))


def _folded(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in " _-")
