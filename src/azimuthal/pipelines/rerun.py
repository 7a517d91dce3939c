# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Integrate again what a result file was made from, and compare: the same numbers, bit for bit, or a word about it.

Every result holds the recipe of its run and facts about the files that were read
(:mod:`azimuthal.pipelines.file_facts`).  `rerun` checks these files first.  What changed or vanished is an error that
lists all of it, unless changes are accepted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from azimuthal._version import __version__
from azimuthal.errors import FileFormatError, ParameterError
from azimuthal.io.writers import ResultFile, load_result
from azimuthal.pipelines.batch import Batch, prepare_batch
from azimuthal.pipelines.batch_run import BatchSummary
from azimuthal.pipelines.events import Report
from azimuthal.pipelines.file_facts import change_of
from azimuthal.pipelines.frame_inputs import needs_all_frames
from azimuthal.pipelines.recipe import settings_of
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.typing import PathLike

Result: TypeAlias = Profile | Cake | ResultSet

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the results of a second run compare with those of the first.

    Parameters
    ----------
    n_equal:
        Frames with the same numbers, bit for bit.
    differing:
        Labels of the frames with other numbers.
    missing:
        Labels of frames of the first run that the second does not have.
    """

    n_equal: int
    differing: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every frame of the first run came out the same."""
        return not self.differing and not self.missing


@dataclass(frozen=True, slots=True, eq=False)
class Rerun:
    """A second run that is ready.

    Parameters
    ----------
    path:
        The result of the first run.
    batch:
        The second run.
    changes:
        What happened to the inputs since, one sentence each.
    notes:
        What else should be known.
    """

    path: Path
    batch: Batch
    changes: tuple[str, ...]
    notes: tuple[str, ...]

    def run(self, report: Report | None = None) -> tuple[BatchSummary, Comparison]:
        """Integrate, write, and compare with the first run."""
        summary = self.batch.run(report)
        written = load_result(summary.outputs[0]) if summary.outputs else ()
        return summary, compare(load_result(self.path), written)


def prepare_rerun(
    path: PathLike,
    *,
    output: str | None = None,
    accept_changes: bool = False,
    force: bool = False,
    threads: int | None = None,
    report: Report | None = None,
) -> Rerun:
    """Check everything for a second run; nothing is written.

    Parameters
    ----------
    path:
        A result file, ``.h5`` or ``.npz``.
    output:
        Where the second results go, ``.h5`` or ``.npz``; None: the stem with ``_rerun.h5`` beside the file.
    accept_changes:
        Whether to go on although inputs changed.
    force, threads, report:
        As for a batch.

    Raises
    ------
    FileFormatError
        The file is no result, or holds no recipe.
    ParameterError
        Inputs changed or vanished; all are listed.
    """
    path = Path(path)
    results = load_result(path)
    settings = recorded_settings(results, path)
    images, changes = _inputs(results)
    if changes and not accept_changes:
        shown = "".join(f"\n  {change}" for change in changes[:_SHOWN])
        more = f"\n  and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        raise ParameterError(
            f"{path}: inputs are not what they were:{shown}{more}\nPass --accept-changes (accept_changes=True) to "
            "integrate what is there now."
        )
    if needs_all_frames(settings):
        images = ()
    name = output or str(path.with_name(f"{path.stem}_rerun.h5"))
    settings = dataclasses.replace(
        settings, images=images or settings.images, output=name, picture=None, force=force, threads=threads
    )
    version = _parts(results[0])[0].provenance.get("version", __version__)
    notes = () if version == __version__ else (f"made by azimuthal {version}, run again by {__version__}",)
    return Rerun(path, prepare_batch(settings, report), tuple(changes), notes)


def recorded_settings(results: ResultFile, path: Path) -> BatchSettings:
    """Return the settings that results were made with.

    Raises
    ------
    FileFormatError
        They hold no recipe.
    """
    document = _parts(results[0])[0].provenance.get("run")
    if not isinstance(document, Mapping):
        raise FileFormatError(
            f"{path}: holds no recipe: it was not made by 'azimuthal integrate' or 'azimuthal run', or by an earlier "
            "version. Integrate again with the command that made it."
        )
    return settings_of(document, source=f"{path} (recipe)")


def compare(first: ResultFile, second: Iterator[Result] | ResultFile | tuple[()]) -> Comparison:
    """Compare results frame by frame; frames are known by their file and their number in it."""
    others = iter(second)
    passed: dict[tuple[str, int], Result] = {}
    n_equal, differing, missing = 0, [], []
    for result in first:
        other = _found(_place(result), others, passed)
        if other is None:
            missing.append(_label(result))
        elif same_numbers(result, other):
            n_equal += 1
        else:
            differing.append(_label(result))
    return Comparison(n_equal, tuple(differing), tuple(missing))


def same_numbers(one: Result, two: Result) -> bool:
    """Say whether two results hold the same numbers, bit for bit, NaN being equal to NaN."""
    if isinstance(one, ResultSet) or isinstance(two, ResultSet):
        first, second = _parts(one), _parts(two)
        return len(first) == len(second) and all(map(same_numbers, first, second))
    arrays = [(getattr(one.sums, item), getattr(two.sums, item)) for item in _SUMS]
    arrays += [(one.intensity, two.intensity), (one.sigma, two.sigma)]
    return all(
        (a is None) == (b is None) and (a is None or np.array_equal(a, b, equal_nan=True)) for a, b in arrays
    ) and (one.normalization_factor == two.normalization_factor)


_SUMS = ("signal", "variance", "normalization", "normalization2", "count", "cross", "static", "shared")


def _inputs(results: ResultFile) -> tuple[tuple[str, ...], list[str]]:
    """Return the images that results come from, in order, and what happened to any file since."""
    images: dict[str, Mapping[str, Any]] = {}
    others: dict[str, Mapping[str, Any]] = {}
    for given in results:
        result = _parts(given)[0]
        image = result.provenance.get("image_file")
        if image is not None:
            images.setdefault(image["path"], image)
        for facts in result.provenance.get("input_files", ()):
            others.setdefault(facts["path"], facts)
    changes = [change for facts in (*others.values(), *images.values()) if (change := change_of(facts)) is not None]
    return tuple(images), changes


def _found(place: tuple[str, int], others: Iterator[Result], passed: dict[tuple[str, int], Result]) -> Result | None:
    """Return the result of a place; results that come before it are kept: frames that failed in the first run."""
    if place in passed:
        return passed.pop(place)
    for other in others:
        if _place(other) == place:
            return other
        passed[_place(other)] = other
    return None


def _parts(result: Result) -> tuple[Profile | Cake, ...]:
    return result.results if isinstance(result, ResultSet) else (result,)


def _place(result: Result) -> tuple[str, int]:
    one = _parts(result)[0]
    image = one.provenance.get("image_file", {})
    return str(image.get("path", one.metadata.get("file"))), int(one.metadata.get("frame", 0))


def _label(result: Result) -> str:
    return str(_parts(result)[0].metadata.get("label", ""))
