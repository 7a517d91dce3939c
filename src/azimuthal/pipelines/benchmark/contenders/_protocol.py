# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a contender is: somebody who can do some of the cases, in one or several ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.measurement import ContenderKind
from azimuthal.pipelines.benchmark.workbench import Workbench


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One way of doing a case, ready to be timed.

    Parameters
    ----------
    label:
        Names the way.
    work:
        Does it; everything that is needed once was done before.
    n_frames:
        How many frames one call does: times are divided by it.
    deviation:
        Largest relative deviation of what `work` returned; None where there is nothing to compare.
    tolerance:
        What is allowed.
    warm_up:
        Whether a first call, not timed, comes before.
    most_turns:
        How often it is timed at most; None for as often as the others.
    overhead:
        Work that `work` contains and that does not count; its median time is subtracted.
    peak_bytes:
        Largest memory, from what `work` returned.
    note:
        What else should be known.
    """

    label: str
    work: Callable[[], Any]
    n_frames: int = 1
    deviation: Callable[[Any], float] | None = None
    tolerance: float | None = None
    warm_up: bool = True
    most_turns: int | None = None
    overhead: Callable[[], Any] | None = None
    peak_bytes: Callable[[Any], int | None] | None = None
    note: str = ""


class Contender(Protocol):
    """A module (or object) that makes entries; what it times is imported inside its functions."""

    name: str
    kind: ContenderKind
    distribution: str | None
    install: str

    def entries(self, case: Case, bench: Workbench) -> Iterable[Entry]:
        """Return the ways of doing a case; none when it cannot.

        Raises
        ------
        ImportError
            What it needs is not installed.
        """
