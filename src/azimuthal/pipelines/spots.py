# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many images to a table of peaks, or to sparse frames: what ``azimuthal peakfinder`` and ``azimuthal sparsify`` run.

As in :mod:`azimuthal.pipelines.batch`, `prepare_spots` does everything that can go wrong for reasons other than a
single frame, and writes nothing; `SpotRun.run` streams the frames.  A frame that cannot be read or searched is
recorded with its name and the reason, and the others go on.  The output appears complete or not at all.

Frames keep their numbers: of a table of peaks, a frame that failed has no peaks, and its number is in
``provenance["failed_frames"]``; in a file of sparse frames it is absent, and ``frame`` holds the numbers of the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from azimuthal._pending_file import check_target
from azimuthal._version import __version__
from azimuthal.errors import AzimuthalError, OutputError, OutputExistsError, ParameterError
from azimuthal.images.peaks import PeakFinder, Peaks, peak_finder
from azimuthal.images.sparse_frames import sparse_frame, sparse_layout
from azimuthal.io.peak_files import format_of, save_peaks
from azimuthal.io.sparse_files import SparseWriter
from azimuthal.pipelines.batch import _pixel_arrays, load_geometry, plan_spec
from azimuthal.pipelines.events import FrameDone, FrameFailed, OutputsDone, Prepared, Report, Surveying, ignore
from azimuthal.pipelines.input_files import all_inputs, recorded_inputs
from azimuthal.pipelines.inputs import (
    FrameFailure,
    Survey,
    SurveyFrames,
    frame_fields,
    plain_path,
    survey_files,
    with_shape,
)
from azimuthal.pipelines.settings import BatchSettings

__all__ = ["SpotRun", "SpotSettings", "SpotSummary", "find_spots", "prepare_spots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotSettings:
    """What to search, how, and where to put it; plain values only.

    Parameters
    ----------
    batch:
        Images, geometry, rings (``npt`` and ``unit``), masks, corrections, output.
    peaks:
        Fields of :class:`azimuthal.images.peaks.PeakSettings`.
    sparse:
        Whether to write sparse frames instead of a table of peaks.
    format:
        Of the table: "cxi" or "nexus"; None: by the extension of the output.
    """

    batch: BatchSettings
    peaks: Mapping[str, Any] = field(default_factory=dict)
    sparse: bool = False
    format: str | None = None


@dataclass(frozen=True, slots=True)
class SpotSummary:
    """What a run did.

    Parameters
    ----------
    output:
        The file, or None when no frame could be searched.
    n_frames:
        Frames that were searched.
    n_found:
        Peaks, or pixels of sparse frames.
    failures:
        Frames and files that failed, with reasons.
    seconds:
        Time from the first frame to the file.
    """

    output: Path | None
    n_frames: int
    n_found: int
    failures: tuple[FrameFailure, ...]
    seconds: float

    @property
    def frames_per_second(self) -> float:
        """Frames per second of the whole run; 0 when nothing was done."""
        return self.n_frames / self.seconds if self.seconds > 0 else 0.0


def find_spots(settings: SpotSettings, report: Report | None = None) -> SpotSummary:
    """Search many images; parameters and errors as for :func:`azimuthal.pipelines.integrate_batch`."""
    return prepare_spots(settings, report).run(report)


def prepare_spots(settings: SpotSettings, report: Report | None = None) -> SpotRun:
    """Check everything and make the peak finder; nothing is written.

    Raises
    ------
    AzimuthalError
        Something is wrong that does not concern single frames.
    """
    tell = report or ignore
    batch = settings.batch
    survey = survey_files(batch.images, looked_at=lambda done, total: tell(Surveying(done, total)))
    instrument = load_geometry(batch, survey)
    survey = with_shape(survey, instrument.detector.shape)
    output = Path(batch.output or default_output(survey, settings))
    _check_output(settings, survey, output)
    spec = plan_spec(batch, instrument)
    arrays = _pixel_arrays(batch, survey, spec)
    finder = peak_finder(
        instrument, batch.npt, unit=batch.unit, threads=batch.threads, mask=arrays.mask, dark=arrays.dark,
        flat=arrays.flat, **batch.choices, **settings.peaks,
    )  # fmt: skip
    run = SpotRun(settings, survey, output, finder)
    tell(Prepared(run))
    return run


def default_output(survey: Survey, settings: SpotSettings) -> str:
    """Return the name of the output when none is given: in the working folder, after the first image."""
    ending = "sparse.h5" if settings.sparse else f"peaks.{'nxs' if settings.format == 'nexus' else 'cxi'}"
    return f"{survey.files[0].name}_{ending}"


@dataclass(frozen=True, slots=True, eq=False)
class SpotRun:
    """A search that is ready to run.

    Parameters
    ----------
    settings:
        What was asked for.
    survey:
        The frames that there are, and the files that cannot be read.
    output:
        The file to write.
    finder:
        What finds the peaks.
    """

    settings: SpotSettings
    survey: Survey
    output: Path
    finder: PeakFinder

    @property
    def n_frames(self) -> int:
        """Number of frames to search."""
        return self.survey.n_frames

    def run(self, report: Report | None = None) -> SpotSummary:
        """Search and write.

        Raises
        ------
        OutputError, OutputExistsError
            The output cannot be written.
        """
        return _Run(self, report or ignore).finish()


class _Run:
    """One run: what was done so far."""

    def __init__(self, run: SpotRun, tell: Report) -> None:
        self._run, self._tell = run, tell
        self._failures: list[FrameFailure] = []
        self._failed: list[int] = []
        self._n_frames = self._n_found = 0

    def finish(self) -> SpotSummary:
        begin = time.perf_counter()
        for failure in self._run.survey.failures:
            self._fail(failure)
        write = self._write_sparse if self._run.settings.sparse else self._write_peaks
        written = write() if self._run.survey.files else None
        if written is not None:
            self._tell(OutputsDone((written,)))
        seconds = time.perf_counter() - begin
        return SpotSummary(written, self._n_frames, self._n_found, tuple(self._failures), seconds)

    def _each(self, work: Callable[[int, Any], int]) -> None:
        """Call `work(number, frame)` for all frames; a frame whose work raises is a failure."""
        labels = [fields["label"] for fields in frame_fields(self._run.survey)]
        with closing(SurveyFrames(self._run.survey)) as frames:
            for index in range(len(frames)):
                try:
                    self._n_found += work(index, frames.read(index))
                except (OutputError, OutputExistsError):
                    raise
                except (AzimuthalError, OSError) as error:
                    self._failed.append(index)
                    if (failure := frames.failure(index, error)) is not None:
                        self._fail(failure)
                else:
                    self._n_frames += 1
                    self._tell(FrameDone(labels[index], None))

    def _write_peaks(self) -> Path | None:
        run, tables = self._run, list[Peaks]()

        def search(number: int, frame: Any) -> int:
            tables.append(run.finder(frame, frame=number, n_frames=run.n_frames))
            return len(tables[-1])

        self._each(search)
        if not tables:
            return None
        batch = run.settings.batch
        found = Peaks.united(tables)
        made = {**found.provenance, "inputs": self._recorded(), "failed_frames": self._failed}
        kind = format_of(run.output, run.settings.format)
        instrument = run.finder.rings.spec.instrument
        return save_peaks(
            replace(found, provenance=made), run.output, format=kind, instrument=instrument, force=batch.force
        )

    def _write_sparse(self) -> Path | None:
        run = self._run
        layout = replace(sparse_layout(run.finder), provenance={**run.finder.provenance(), "inputs": self._recorded()})
        with SparseWriter(run.output, force=run.settings.batch.force) as writer:

            def thin(number: int, frame: Any) -> int:
                sparse = sparse_frame(run.finder, frame, layout)
                writer.append(sparse, number)
                return int(sparse.index.size)

            self._each(thin)
        return run.output if self._n_frames else None

    def _recorded(self) -> dict[str, Any]:
        images = [file.path for file in self._run.survey.files]
        return {**recorded_inputs(self._run.settings.batch), "images": images, "version": __version__}

    def _fail(self, failure: FrameFailure) -> None:
        self._failures.append(failure)
        self._tell(FrameFailed(failure))


def _check_output(settings: SpotSettings, survey: Survey, output: Path) -> None:
    if not settings.sparse:
        format_of(output, settings.format)
    elif settings.format is not None:
        raise ParameterError("format: sparse frames have one format. Leave it out.")
    for path in all_inputs(settings.batch, survey):
        if plain_path(path).resolve() == output.resolve():
            raise ParameterError(f"output: {output} is an input of this run. Choose another name.")
    check_target(output, force=settings.batch.force)
