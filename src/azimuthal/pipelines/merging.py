# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Results in files to one result: runs added up by their sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azimuthal.errors import ParameterError
from azimuthal.io import load_result, save
from azimuthal.results import Cake, Profile, merge


@dataclass(frozen=True, slots=True)
class Merger:
    """What was merged and written."""

    result: Profile | Cake
    n_results: int
    outputs: tuple[Path, ...]


def merge_files(paths: Sequence[str], output: str, *, force: bool = False) -> Merger:
    """Merge all results of all files and write the merger.

    Parameters
    ----------
    paths:
        Files that :func:`azimuthal.load_result` reads; each may hold many results; two at a time are in
        memory.
    output:
        Where to; the format is the extension.
    force:
        Whether an existing file may be replaced.

    Raises
    ------
    ParameterError
        A file is given twice, which would count it twice; results that do not fit together, with the file's name.
    """
    seen: dict[Path, str] = {}
    for path in paths:
        if (real := Path(path).resolve()) in seen:
            raise ParameterError(
                f"merge: {path} is the same file as {seen[real]}, and would count twice. Leave one out."
            )
        seen[real] = path
    n_results = 0
    current = ""

    def results() -> Iterator[Any]:
        nonlocal n_results, current
        for path in paths:
            current = path
            for result in load_result(path):
                n_results += 1
                yield result

    try:
        total = merge(results())
    except ParameterError as error:
        error.add_note(f"It is in {current}.")
        raise
    return Merger(total, n_results, tuple(save(total, output, force=force)))
