# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One run of a batch: frames to results, results to files, and what is kept on the way."""

from __future__ import annotations

import bisect
import contextlib
import functools
import heapq
import itertools
import time
from array import array
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from azimuthal._version import __version__
from azimuthal.errors import (
    AzimuthalError,
    OutputError,
    OutputExistsError,
    UnsupportedOptionError,
    WavelengthMissingError,
)
from azimuthal.io.writers import save
from azimuthal.pipelines._compact import PathList
from azimuthal.pipelines.events import FrameDone, FrameFailed, FramesKept, OutputsDone, Report
from azimuthal.pipelines.file_facts import file_facts
from azimuthal.pipelines.frame_darks import map_with_darks
from azimuthal.pipelines.frame_inputs import POISSON
from azimuthal.pipelines.input_files import identified, input_facts, monitor_files, recorded_inputs
from azimuthal.pipelines.inputs import FrameFailure, SurveyFrames, frame_fields, reason_of
from azimuthal.pipelines.ledger import TOTAL, Ledger
from azimuthal.pipelines.outputs import made_folders
from azimuthal.pipelines.parts import FrameKey, Parts, frame_key
from azimuthal.pipelines.recipe import recipe_document
from azimuthal.pipelines.run_folder import run_id
from azimuthal.pipelines.running_total import RunningTotal
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.results.plot import save_picture

if TYPE_CHECKING:
    from azimuthal.pipelines.batch import Batch

Result: TypeAlias = Profile | Cake | ResultSet

#: Files whose facts are not looked up again for the next frame.
_FILES_REMEMBERED = 64
#: Trouble with the output itself: the next frame would meet it too.
_FATAL = (OutputError, OutputExistsError, UnsupportedOptionError, WavelengthMissingError)


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What a batch did.

    Parameters
    ----------
    outputs:
        Files that were written, in order; empty when no frame could be integrated.
    n_frames, n_files:
        Frames that were integrated, and image files that they came from.
    failures:
        Frames and files that were not, with reasons.
    seconds:
        Time from the first frame to the last file.
    picture:
        The picture that was written.
    """

    outputs: Sequence[Path]
    n_frames: int
    n_files: int
    failures: tuple[FrameFailure, ...]
    seconds: float
    picture: Path | None = None

    @property
    def frames_per_second(self) -> float:
        """Frames per second of the whole run; 0 when nothing was done."""
        return self.n_frames / self.seconds if self.seconds > 0 else 0.0


class Run:
    """One run of a batch: what was done so far."""

    def __init__(self, batch: Batch, tell: Report) -> None:
        self._batch = batch
        self._tell = tell
        self._failures: list[FrameFailure] = []
        self._ends = array("q", itertools.accumulate(file.n_frames for file in batch.survey.files))
        self._has_results = bytearray(len(self._ends))  # of files
        self._written: Sequence[Path] = ()
        self._has_files = bytearray(batch.n_frames)  # of single frames
        self._n_frames = 0
        self._total = RunningTotal()
        self._inputs = recorded_inputs(batch.settings)
        self._input_files = input_facts(batch.settings, batch.survey, batch.darks)
        self._recipe = recipe_document(batch.settings)
        self._facts_of = functools.lru_cache(maxsize=_FILES_REMEMBERED)(functools.partial(file_facts, digest=False))
        self._run_id = run_id(self._identity())

    def preview(self) -> int:
        """Return how many frames an interrupted run has finished, which a run would not do again; nothing is changed.

        Raises
        ------
        OutputExistsError
            What is there belongs to a run that differs.
        """
        outputs, settings = self._batch.outputs, self._batch.settings
        records = frame_fields(self._batch.survey)
        if not outputs.one_each:
            parts = Parts(outputs.paths[0], self._identity(), force=settings.force, every=settings.keep_every)
            parts.look()
            return sum(parts.place_of(self._key(record)) is not None for record in records)
        ledger = Ledger(outputs, self._identity(), force=settings.force)
        ledger.look()
        return sum(self._finished(ledger))

    def finish(self) -> BatchSummary:
        """Do everything, and say what was done."""
        begin = time.perf_counter()
        for failure in self._batch.survey.failures:
            self._fail(failure)
        outputs = self._batch.outputs
        with made_folders(outputs.folders):
            self._write_each() if outputs.one_each else self._write_safely()
        self._tell(OutputsDone(self._written))
        seconds = time.perf_counter() - begin
        picture = self._draw()
        failures = tuple(self._failures)
        return BatchSummary(self._written, self._n_frames, sum(self._has_results), failures, seconds, picture)

    def _results(self, chosen: Sequence[int] | None = None) -> Generator[Result]:
        """Yield the results of all frames (of those chosen) that can be integrated."""
        batch = self._batch
        n_frames = batch.n_frames if chosen is None else len(chosen)
        if not n_frames:
            return
        frames = SurveyFrames(batch.survey, chosen)
        with closing(self._mapped(frames, slice(None) if chosen is None else np.asarray(chosen))) as outcomes:
            for index, outcome in enumerate(outcomes):
                if not isinstance(outcome, Exception):
                    self._describe(outcome)
                    yield outcome
                elif (failure := frames.failure(index, outcome)) is not None:
                    self._fail(failure)

    def _mapped(self, frames: SurveyFrames, chosen: Any) -> Generator[Any]:
        """Return the results of some frames, errors in the place of those that there are none of."""
        batch = self._batch
        plan = batch.sectors or batch.plan
        factors, variances = batch.monitors.factors[chosen], batch.monitors.variances[chosen]
        if batch.darks is not None:
            numbers = range(batch.n_frames) if isinstance(chosen, slice) else chosen.tolist()
            counted = batch.settings.dark_variance == POISSON
            return map_with_darks(plan, frames, batch.darks, numbers, factors, variances, counted=counted)
        return plan.map(frames, normalization_factors=factors, normalization_variances=variances, on_error="yield")

    def _describe(self, result: Result) -> None:
        """Write into a result what it takes to make it again."""
        for one in _parts_of(result):
            self._describe_one(one)

    def _describe_one(self, result: Any) -> None:
        image = self._facts_of(str(result.metadata["file"]))
        recipe = self._recipe
        if self._batch.outputs.one_each:
            recipe = recipe | {"input": {"images": [image["path"]]}}
        more = {
            "inputs": self._inputs,
            "run": recipe,
            "run_id": self._run_id,
            "input_files": self._input_files,
            "image_file": image,
        }
        for name, record in more.items():
            result.provenance[name] = record
        monitor = self._batch.monitors.value(int(result.metadata["index"]))
        if monitor is not None:
            result.metadata["monitor"] = monitor

    def _write_each(self) -> None:
        """Write every frame into files of its own; those that an interrupted run has finished stay as they are."""
        outputs, settings = self._batch.outputs, self._batch.settings
        with Ledger(outputs, self._identity(), force=settings.force) as ledger:
            missing = self._missing(ledger)
            ledger.start()
            try:
                with closing(self._results(missing)) as results:
                    for result in results:
                        self._save_frame(result, ledger)
            finally:
                with contextlib.suppress(AzimuthalError):  # another error is the one to be told; frames are done again
                    self._total.keep()
            self._written = self._files_of_frames()
            ledger.finish(self._failures)

    def _missing(self, ledger: Ledger) -> Sequence[int]:
        """Return the frames that have to be integrated, and count the others."""
        self._has_files = self._finished(ledger)
        if n_done := sum(self._has_files):
            self._tell(FramesKept(n_done, ledger.folder, resumed=True))
            self._count_stored(self._has_files)
        return array("q", (number for number, is_done in enumerate(self._has_files) if not is_done))

    def _finished(self, ledger: Ledger) -> bytearray:
        """Return of each frame whether its files are finished, and its result is in the total where there is one."""
        settings, outputs = self._batch.settings, self._batch.outputs
        if settings.picture is not None:
            self._total = RunningTotal(ledger.folder / TOTAL, settings.keep_every)
            self._total.look()
        limit = None if settings.picture is None else self._total.place
        found = bytearray(self._batch.n_frames)
        for record in frame_fields(self._batch.survey):
            place = ledger.place_of(self._key(record), outputs.of_frame(record["index"]))
            found[record["index"]] = place is not None and (limit is None or place < limit)
        if limit is not None and sum(found) != self._total.n_frames:  # it holds frames that are not wanted any more
            self._total.forget()
            return bytearray(self._batch.n_frames)
        return found

    def _files_of_frames(self) -> Sequence[Path]:
        """Return the files of all frames that have some."""
        paths, n_each = self._batch.outputs.paths, self._batch.outputs.n_each
        if all(self._has_files) or not any(self._has_files):
            return paths if self._n_frames else ()
        return PathList(path for number, path in enumerate(paths) if self._has_files[number // n_each])

    def _save_frame(self, result: Result, ledger: Ledger) -> None:
        index = int(result.metadata["index"])
        paths = self._batch.outputs.of_frame(index)
        ones = _parts_of(result) if len(paths) > 1 or self._batch.outputs.n_each > 1 else (result,)
        files: list[Path] = []
        try:
            for one, path in zip(ones, paths, strict=True):
                files += save(one, path, force=ledger.may_replace(path))
        except _FATAL:
            raise
        except AzimuthalError as error:
            self._fail(FrameFailure(str(result.metadata["label"]), reason_of(error)))
            return
        end = ledger.note(self._key(result.metadata), files)
        self._has_files[index] = 1
        self._count(result, paths[0], end)

    def _write_safely(self) -> None:
        """Write into one file, and put results aside meanwhile; take those that an interrupted run put aside."""
        settings, target = self._batch.settings, self._batch.outputs.paths[0]
        with Parts(target, self._identity(), force=settings.force, every=settings.keep_every) as parts:
            if not len(parts):
                with closing(self._results()) as results:
                    self._write_together(self._kept(results, parts))
            else:
                place = parts.target if parts.replaces_output else parts.folder
                self._tell(FramesKept(len(parts), place, resumed=True))
                self._resume(parts)
            is_told = self._batch.outputs.records_failures or not self._written
            parts.finish(() if is_told else self._failures)

    def _resume(self, parts: Parts) -> None:
        kept, places, missing = array("q"), array("q"), array("q")
        is_stored = bytearray(self._batch.n_frames)
        for record in frame_fields(self._batch.survey):
            place = parts.place_of(self._key(record))
            if place is None:
                missing.append(record["index"])
            else:
                kept.append(record["index"])
                places.append(place)
                is_stored[record["index"]] = 1
        stored = self._restored(parts.results(places), kept)
        with closing(self._results(missing)) as results:
            first = next(results, None)
            if first is None and parts.replaces_output and self._batch.settings.picture is None:
                self._count_stored(is_stored)  # as it was
                self._written = tuple(self._batch.outputs.paths)
                return
            fresh = itertools.chain(() if first is None else (first,), results)
            merged = heapq.merge(stored, self._kept(fresh, parts), key=_number_of)
            self._write_together(merged, replaces=parts.replaces_output)

    def _count_stored(self, is_stored: bytearray) -> None:
        for record in frame_fields(self._batch.survey):
            if is_stored[record["index"]]:
                own = self._batch.outputs
                self._count_frame(record, own.of_frame(record["index"])[0] if own.one_each else None)

    def _key(self, record: Mapping[str, Any]) -> FrameKey:
        monitor = self._batch.monitors.value(record["index"])
        return frame_key(self._facts_of(record["file"]), record["frame"], monitor)

    def _kept(self, results: Iterator[Result], parts: Parts) -> Iterator[Result]:
        for result in results:
            if parts.keep(result):
                self._tell(FramesKept(len(parts), parts.folder))
            yield result
        if self._failures and not self._batch.outputs.records_failures:
            parts.flush()  # before the output has its name: they will be needed

    def _restored(self, results: Iterator[Any], numbers: Sequence[int]) -> Iterator[Result]:
        """Yield stored results with the numbers that their frames have in this run."""
        for result, number in zip(results, numbers, strict=True):
            for one in _parts_of(result):
                one.metadata["index"] = number
            self._describe(result)
            yield result

    def _identity(self) -> dict[str, Any]:
        """Return what has to be the same for the results of two runs to go into one file."""
        plan = self._batch.plan
        recipe = {name: part for name, part in self._recipe.items() if name not in ("input", "output")}
        monitors = {str(Path.cwd() / path) for path in monitor_files(self._batch.settings)}  # known by their values
        files = {facts["path"]: identified(facts) for facts in self._input_files if facts["path"] not in monitors}
        return {
            "program": __version__,
            "engine": plan.engine,
            "recipe": recipe,
            "files": files,
            "pixels": dict(plan.arrays.digests),
        }

    def _write_together(self, results: Iterator[Result], *, replaces: bool = False) -> None:
        first = next(results, None)
        if first is None:
            return
        outputs = self._batch.outputs
        options: dict[str, Any] = {}
        if "n_frames" in outputs.format.options:
            options["n_frames"] = self._batch.n_frames
        if outputs.records_failures:
            options["failures"] = self._failures  # read when the file is finished
        force = self._batch.settings.force or replaces
        if outputs.format.holds_many:
            save(self._counted(itertools.chain((first,), results)), outputs.paths[0], force=force, **options)
        else:
            save(first, outputs.paths[0], force=force)
            self._count(first, outputs.paths[0])
        self._written = (outputs.paths[0],)

    def _counted(self, results: Iterator[Result]) -> Iterator[Result]:
        for result in results:
            yield result
            self._count(result, None)

    def _count(self, result: Result, path: Path | None, place: int = 0) -> None:
        if self._batch.settings.picture is not None:
            self._total.add(result, place)  # type: ignore[arg-type]  # pictures of sets are refused
        self._count_frame(result.metadata, path)

    def _count_frame(self, record: Mapping[str, Any], path: Path | None) -> None:
        self._n_frames += 1
        self._has_results[bisect.bisect_right(self._ends, int(record["index"]))] = 1
        self._tell(FrameDone(str(record["label"]), path))

    def _fail(self, failure: FrameFailure) -> None:
        self._failures.append(failure)
        self._tell(FrameFailed(failure))

    def _draw(self) -> Path | None:
        picture = self._batch.settings.picture
        total = self._total.result
        if picture is None or total is None:
            return None
        if self._n_frames > 1:
            words = f"{self._batch.outputs.name}: mean of {self._n_frames} frames"
            total = replace(total, metadata={**total.metadata, "label": words})
        return save_picture(total, picture, force=self._batch.settings.force)


def _parts_of(result: Result) -> tuple[Any, ...]:
    return result.results if isinstance(result, ResultSet) else (result,)


def _number_of(result: Result) -> int:
    return int(result.metadata["index"])
