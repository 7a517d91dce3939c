# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Facts from the text headers that area detectors write into CBF and TIFF files, in SI units.

DECTRIS cameras write one fact a line, ``# Key value unit`` (sometimes with a colon or an equals sign after
the key)::

    # Pixel_size 172e-6 m x 172e-6 m
    # Silicon sensor, thickness 0.000320 m
    # Exposure_time 0.9950000 s
    # Threshold_setting: 6000 eV
    # Wavelength 1.0332 A
    # Detector_distance 0.30000 m
    # Beam_xy (1230.10, 1310.50) pixels

``Beam_xy`` is (fast, slow); here it becomes ``beam_center`` in the order (slow, fast).  The camera writes
zero for what it was not told, so zeros are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"

_UNITS: dict[str, dict[str, float]] = {
    "length": {
        "m": 1.0,
        "meter": 1.0,
        "metre": 1.0,
        "cm": 1e-2,
        "mm": 1e-3,
        "millimeter": 1e-3,
        "millimetre": 1e-3,
        "um": 1e-6,
        "µm": 1e-6,
        "μm": 1e-6,
        "micron": 1e-6,
        "microns": 1e-6,
        "micrometer": 1e-6,
        "micrometre": 1e-6,
        "nm": 1e-9,
        "nanometer": 1e-9,
        "nanometre": 1e-9,
        "a": 1e-10,
        "å": 1e-10,
        "angstrom": 1e-10,
        "angstroms": 1e-10,
        "ångström": 1e-10,
        "pm": 1e-12,
        "fm": 1e-15,
    },
    "time": {
        "s": 1.0,
        "sec": 1.0,
        "second": 1.0,
        "seconds": 1.0,
        "ms": 1e-3,
        "millisecond": 1e-3,
        "milliseconds": 1e-3,
        "us": 1e-6,
        "µs": 1e-6,
        "microsecond": 1e-6,
        "ns": 1e-9,
        "nanosecond": 1e-9,
    },
    "energy": {"ev": 1.0, "kev": 1e3, "mev": 1e6},
    "pixels": {"pixel": 1.0, "pixels": 1.0, "px": 1.0},
}


def converted(value: float, unit: str, dimension: str) -> float | None:
    """Return `value` in m, s, eV or pixels; None when `unit` is not one of that dimension."""
    factor = _UNITS[dimension].get(unit.strip().lower())
    return None if factor is None else value * factor


def positive(value: float | None) -> float | None:
    """Return `value` when it is finite and above zero: headers hold 0 for what is not known."""
    return value if value is not None and math.isfinite(value) and value > 0 else None


_QUANTITIES = (
    # key in the header, key in the metadata, dimension
    ("exposure_time", "exposure_time", "time"),
    ("exposure_period", "frame_time", "time"),
    ("wavelength", "wavelength", "length"),
    ("detector_distance", "distance", "length"),
    ("threshold_setting", "threshold_energy", "energy"),
)


def dectris_facts(lines: Iterable[str]) -> dict[str, Any]:
    """Return the facts in the ``#`` lines of a DECTRIS text header (module docstring)."""
    facts: dict[str, Any] = {}
    for raw in lines:
        line = raw.strip().lstrip("#").strip()
        key, _, rest = line.partition(" ")
        rest = rest.lstrip(" :=")
        key = key.rstrip(":=").lower()
        for wanted, name, dimension in _QUANTITIES:
            if key == wanted:
                _store(facts, name, _quantity(rest, dimension))
        if key == "pixel_size":
            _store(facts, "pixel_size", _pixel_size(rest))
        elif key == "beam_xy":
            _store(facts, "beam_center", _beam_center(rest))
        elif key == "count_cutoff":
            _store(facts, "saturation_value", _leading_integer(rest))
        elif key == "detector":
            _store(facts, "detector", rest)
        elif "sensor" in line and "thickness" in line:
            _store(facts, "sensor_material", line.partition(" sensor")[0].strip())
            _store(facts, "sensor_thickness", _quantity(line.partition("thickness")[2].lstrip(" :="), "length"))
        elif _TIMESTAMP.match(line):
            _store(facts, "timestamp", line)
    return facts


_TIMESTAMP = re.compile(r"\d{4}[-/](\d\d|[A-Z][a-z]{2})[-/]\d\d[T ]\d\d:\d\d:\d\d")


def _store(facts: dict[str, Any], name: str, value: Any) -> None:
    """Keep the first statement of a fact."""
    if value is not None and value != "":
        facts.setdefault(name, value)


def _quantity(text: str, dimension: str) -> float | None:
    match = re.match(rf"({_NUMBER})\s*([A-Za-zµμÅå]+)", text)
    return positive(converted(float(match[1]), match[2], dimension)) if match else None


def _leading_integer(text: str) -> int | None:
    match = re.match(r"\d{1,18}", text)
    return int(match[0]) or None if match else None


def _pixel_size(text: str) -> list[float] | None:
    """Parse ``172e-6 m x 172e-6 m``, which is fast x slow."""
    fast, _, slow = text.partition(" x ")
    sizes = [_quantity(slow.strip(), "length"), _quantity(fast.strip(), "length")]
    return [size for size in sizes if size is not None] if None not in sizes else None


def _beam_center(text: str) -> list[float] | None:
    match = re.match(rf"\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)\s*pixels?", text)
    if match is None:
        return None
    fast, slow = float(match[1]), float(match[2])
    known = math.isfinite(fast) and math.isfinite(slow) and (fast, slow) != (0.0, 0.0)
    return [slow, fast] if known else None
