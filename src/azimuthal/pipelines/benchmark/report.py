# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a benchmark found: tables of ratios, the contract, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from azimuthal.pipelines.benchmark.contenders import limits
from azimuthal.pipelines.benchmark.measurement import Measurement
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.pipelines.benchmark.targets import Results, Target, count_text, targets

FORMAT = 1
_LIMITS = (limits.MEMORY, limits.LZ4, limits.H5PY)
_NOTHING = "-"

Table: TypeAlias = tuple[tuple[str, ...], list[tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkReport:
    """Everything that was measured.

    Parameters
    ----------
    settings:
        What was asked for.
    machine:
        Processor, cores, system.
    packages:
        Version by distribution; None for those that are not installed.
    missing:
        Peers that are not installed, and the command that installs them.
    measurements:
        In the order in which they were made.
    """

    settings: BenchmarkSettings
    machine: dict[str, Any]
    packages: dict[str, str | None]
    missing: dict[str, str]
    measurements: tuple[Measurement, ...]

    @property
    def results(self) -> Results:
        """The measurements, to be asked for."""
        return Results(self.measurements)

    def targets(self) -> list[Target]:
        """Return the contract with what was measured."""
        counts = self.settings.counts
        low, high = count_text(counts[0]), count_text(counts[-1])
        return targets(self.results, low=None if low == high else low, high=high)

    def table(self) -> Table:
        """Return header and rows: our time for each case, and the others' as multiples of it."""
        columns = self._columns()
        header = ("case", "cores", "ours", "ms", "spread", *(name for name, _ in columns))
        return header, [self._row(mine, columns) for mine in self._of_kind("ours")]

    def details(self) -> Table:
        """Return header and rows: every measurement."""
        header = ("case", "cores", "who", "how", "ms", "spread", "turns", "result", "note")
        rows: list[tuple[str, ...]] = [
            (
                one.case, str(one.cores), one.contender, one.label, milliseconds(one.median), percent(one.spread),
                str(len(one.seconds)), one.verdict, one.note,
            )
            for one in self.measurements
        ]  # fmt: skip
        return header, rows

    def contract(self) -> Table:
        """Return header and rows: the speed contract, as far as it was measured."""
        header = ("item", "ratio", "cores", "goal", "measured", "")
        rows: list[tuple[str, ...]] = [
            (str(one.item), one.text, str(one.cores), f"{one.wanted} {one.goal:g}", times(one.value), one.verdict)
            for one in self.targets()
            if one.reached is not None
        ]
        return header, rows

    def problems(self) -> list[str]:
        """Return who disagrees or failed, in words."""
        return [
            f"{one.case} on {one.cores}: {one.contender} {one.label} {one.verdict}"
            for one in self.measurements
            if not one.agrees
        ]

    def to_json(self) -> str:
        """Return everything as JSON, raw times included; NaN becomes null."""
        record = {
            "format": FORMAT,
            "program": "azimuthal benchmark",
            "settings": self.settings.to_dict(),
            "machine": self.machine,
            "packages": self.packages,
            "missing": self.missing,
            "measurements": [
                one.to_dict() | {"median": _finite(one.median), "deviation": _finite(one.deviation)}
                for one in self.measurements
            ],
            "targets": [
                {
                    "item": one.item, "text": one.text, "cores": one.cores, "wanted": one.wanted, "goal": one.goal,
                    "value": _finite(one.value), "reached": one.reached,
                }
                for one in self.targets()
            ],
        }  # fmt: skip
        return json.dumps(record, indent=1, allow_nan=False) + "\n"

    def _of_kind(self, kind: str) -> Iterator[Measurement]:
        return (one for one in self.measurements if one.kind == kind)

    def _columns(self) -> list[tuple[str, Callable[[Measurement], Measurement | None]]]:
        """Return the columns beside ours: peers, then limits, each with what finds its fastest way."""
        peers = list(dict.fromkeys(one.contender for one in self._of_kind("peer")))
        found = [(name, self._finder(name, None)) for name in peers]
        return found + [
            (label, self._finder(limits.name, label))
            for label in _LIMITS
            if any(one.label == label for one in self._of_kind("limit"))
        ]

    def _finder(self, contender: str, label: str | None) -> Callable[[Measurement], Measurement | None]:
        return lambda mine: self.results.fastest(mine.case, mine.cores, contender, label)

    def _row(
        self, mine: Measurement, columns: Sequence[tuple[str, Callable[[Measurement], Measurement | None]]]
    ) -> tuple[str, ...]:
        others = [find(mine) for _, find in columns]
        ratios = [_NOTHING if other is None else times(other.median / mine.median) for other in others]
        return mine.case, str(mine.cores), mine.label, milliseconds(mine.median), percent(mine.spread), *ratios


def milliseconds(seconds: float) -> str:
    """Return a time with three digits."""
    return times(1e3 * seconds)


def times(ratio: float) -> str:
    """Return a number with three digits."""
    if math.isnan(ratio):
        return _NOTHING
    return f"{ratio:.0f}" if abs(ratio) >= 100 else f"{ratio:#.3g}"


def percent(share: float) -> str:
    """Return a spread such as ``±3%``."""
    return _NOTHING if math.isnan(share) else f"±{100 * share:.0f}%"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
