# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The work that is timed.

A case is one task for all contenders.  Ours always sums signal, norm and count; `sigma` adds the Poisson variance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from azimuthal._validate import unknown_name
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings
from azimuthal.typing import Split

CaseKind: TypeAlias = Literal["compile", "dense", "cake", "chunk", "file"]


@dataclass(frozen=True, slots=True)
class Case:
    """One task.

    Parameters
    ----------
    kind:
        ``"compile"`` a plan; ``"dense"`` frames in memory; ``"cake"`` the same in two dimensions; ``"chunk"``
        bitshuffle-LZ4 chunks in memory; ``"file"`` an HDF5 file to a NXazint file by a command started cold.
    split:
        Pixel splitting.
    sigma:
        Whether Poisson uncertainties are asked for.
    dtype:
        Of the pixels.
    counts:
        Mean counts per pixel.
    """

    kind: CaseKind
    split: Split = "full"
    sigma: bool = True
    dtype: str = "uint32"
    counts: float = 40.0

    @property
    def name(self) -> str:
        """Such as ``chunk none u32 0.02 counts``."""
        words: list[str] = [self.kind, self.split]
        if self.kind != "compile":
            words += [*(["sigma"] if self.sigma else []), self.dtype.replace("uint", "u"), f"{self.counts:g} counts"]
        return " ".join(words)


def cases(settings: BenchmarkSettings) -> tuple[Case, ...]:
    """Return the tasks of a benchmark.

    Raises
    ------
    UnknownNameError
        No name contains `settings.only`.
    """
    every = _all_cases(settings)
    if settings.only is None:
        return every
    chosen = tuple(case for case in every if settings.only in case.name)
    if not chosen:
        raise unknown_name("only", settings.only, [case.name for case in every])
    return chosen


def _all_cases(settings: BenchmarkSettings) -> tuple[Case, ...]:
    low, high = settings.counts[0], settings.counts[-1]
    plain, full = Case("dense", "none", False, "uint32", high), Case("dense", "full", True, "uint32", high)
    if settings.quick:
        chunks = [replace(case, kind="chunk") for case in (plain, full)]
        return Case("compile"), plain, full, replace(full, kind="cake"), *chunks, replace(full, kind="file")
    splits: tuple[Split, ...] = ("none", "bbox", "full")
    found = [Case("compile", split) for split in splits]
    found += [Case("dense", split, sigma, "uint32", high) for split in splits for sigma in (False, True)]
    found += [replace(case, dtype="uint16") for case in (plain, full)]
    if low != high:
        found.append(replace(plain, counts=low))
    found.append(replace(full, kind="cake"))
    found += [
        replace(case, kind="chunk", dtype=dtype, counts=counts)
        for case in (plain, full)
        for dtype in ("uint32", "uint16")
        for counts in settings.counts
    ]
    return *found, replace(full, kind="file")
