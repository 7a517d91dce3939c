# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a benchmark does: plain values, so that they travel to other processes and into the report."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from azimuthal._validate import positive_integer

DEFAULT_DETECTOR = "Eiger2_4M"
QUICK_DETECTOR = "Eiger2_1M"  # the smallest with gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkSettings:
    """What to time, and how often.

    Parameters
    ----------
    detector:
        Name in the catalogue.
    npt, npt_azim:
        Radial bins; azimuthal bins of cakes.
    repeats:
        How often each contender works; fewer where it is slow (`budget`).
    budget:
        Seconds after which a contender is not asked again, once it has worked three times.
    n_frames:
        How many different frames a batch has.
    n_file_frames:
        How many frames the file has.
    counts:
        Mean counts per pixel of the frames.
    only:
        Text that the names of the cases must contain; None for all.
    peers:
        Whether other packages take part.
    quick:
        Whether this is a short look instead of a measurement.
    """

    detector: str = DEFAULT_DETECTOR
    npt: int = 1000
    npt_azim: int = 360
    repeats: int = 9
    budget: float = 1.0
    n_frames: int = 16
    n_file_frames: int = 200
    counts: tuple[float, ...] = (0.02, 1.0, 40.0)
    only: str | None = None
    peers: bool = True
    quick: bool = False

    def __post_init__(self) -> None:
        for name in ("npt", "npt_azim", "repeats", "n_frames", "n_file_frames"):
            positive_integer(name, getattr(self, name))

    @classmethod
    def short(cls, **changes: Any) -> BenchmarkSettings:
        """Return settings of which the run takes seconds; its numbers are of little worth."""
        small: dict[str, Any] = {
            "detector": QUICK_DETECTOR, "repeats": 2, "budget": 0.5, "n_frames": 4, "n_file_frames": 8,
            "counts": (40.0,), "quick": True,
        }  # fmt: skip
        return cls(**(small | changes))

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BenchmarkSettings:
        """Return the settings that `to_dict` made, also after a way through JSON."""
        return cls(**(values | {"counts": tuple(values["counts"])}))


def core_sets() -> tuple[tuple[int, ...], ...]:
    """Return the sets of cores to run on: one core, and all that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        granted = tuple(sorted(os.sched_getaffinity(0)))
    else:
        granted = tuple(range(os.cpu_count() or 1))
    return (granted[:1],) if len(granted) == 1 else (granted[:1], granted)
