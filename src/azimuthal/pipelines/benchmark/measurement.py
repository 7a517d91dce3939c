# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What was measured."""

from __future__ import annotations

import dataclasses
import math
import statistics
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

ContenderKind: TypeAlias = Literal["ours", "peer", "limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One contender at one case on some number of cores.

    Parameters
    ----------
    case, case_kind:
        Name of the case, and its kind.
    cores:
        On how many cores.
    contender, label, kind:
        Who, by which of its ways; ours, a peer, or a limit that nobody can pass.
    seconds:
        Wall times per frame (per plan, per file), s.
    deviation, tolerance:
        Largest relative deviation from the expected sums, and what is allowed; None where there is nothing to compare.
    peak_bytes:
        Largest memory of its process.
    failure:
        Why it could not work; None when it did.
    note:
        What else should be known.
    """

    case: str
    case_kind: str
    cores: int
    contender: str
    label: str
    kind: ContenderKind
    seconds: tuple[float, ...] = ()
    deviation: float | None = None
    tolerance: float | None = None
    peak_bytes: int | None = None
    failure: str | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Median time, s; NaN when there is none."""
        return statistics.median(self.seconds) if self.seconds else math.nan

    @property
    def spread(self) -> float:
        """Half of the distance between the quartiles, relative to the median."""
        if len(self.seconds) < 2:
            return math.nan
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return 0.5 * (high - low) / self.median

    @property
    def agrees(self) -> bool:
        """Whether its result is right, as far as there is something to compare."""
        if self.failure is not None:
            return False
        return self.deviation is None or self.tolerance is None or self.deviation <= self.tolerance

    @property
    def verdict(self) -> str:
        """In words."""
        if self.failure is not None:
            return f"failed: {self.failure}"
        if self.deviation is None:
            return "" if self.kind == "limit" else "not compared"
        return f"{'agrees' if self.agrees else 'DISAGREES'} ({self.deviation:.1e})"

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Measurement:
        """Return what `to_dict` was made from."""
        return cls(**(values | {"seconds": tuple(values["seconds"])}))
