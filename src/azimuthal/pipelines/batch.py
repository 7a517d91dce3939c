# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many images to patterns: one plan, every frame through it, results to files as they come.

``integrate_batch(settings)`` is what ``azimuthal integrate`` runs.  It works in two steps:

1. `prepare_batch` does everything that can go wrong for reasons other than a single frame: it looks at all files,
   reads the geometry, masks and darks, compiles the plan, and works out and checks every output name.  Nothing is
   written.
2. `Batch.run` streams the frames.  A frame that cannot be read or integrated is recorded with its name and the
   reason, and the others go on.  An output that cannot be written ends the run.

Files appear under their names complete or not at all, also when the run is interrupted.  Memory is that of a few
frames, whatever the length of the run.  Numbers are those of ``plan(frame)``, bit for bit.

Events (:mod:`azimuthal.pipelines.events`) are handed to a function as they happen.  When that function raises, the run
ends there, cleanly.
"""

from __future__ import annotations

import heapq
import itertools
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from azimuthal._validate import positive_number, unknown_name
from azimuthal._version import __version__
from azimuthal.detectors import Detector
from azimuthal.engines import thread_count
from azimuthal.errors import (
    AzimuthalError,
    FileMissingError,
    GeometryFileWarning,
    OutputError,
    OutputExistsError,
    ParameterError,
    UnsupportedOptionError,
    WavelengthMissingError,
)
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.poni import describe_history, parse_poni
from azimuthal.instrument import Instrument
from azimuthal.integrate import PixelArrays, Plan, PlanSet, PlanSpec, compile
from azimuthal.integrate.grazing import grazing_spec
from azimuthal.integrate.plan_set import checked_sectors
from azimuthal.integrate.sectors import plan_of_sectors
from azimuthal.io.frames import open_frames
from azimuthal.io.geometry_files import load_instrument, parse_instrument, read_poni
from azimuthal.io.writers import save
from azimuthal.masks import combine
from azimuthal.pipelines.events import (
    FrameDone,
    FrameFailed,
    FramesKept,
    OutputsDone,
    Prepared,
    Report,
    Surveying,
    ignore,
)
from azimuthal.pipelines.file_facts import file_facts
from azimuthal.pipelines.frame_darks import map_with_darks
from azimuthal.pipelines.frame_inputs import POISSON, FrameMonitors, frame_monitors, is_inside_images, n_darks
from azimuthal.pipelines.inputs import (
    FrameFailure,
    Survey,
    SurveyFrames,
    frame_fields,
    pixel_mask_of,
    plain_path,
    reason_of,
    survey_files,
    with_shape,
)
from azimuthal.pipelines.outputs import Outputs, check_outputs, made_folders, plan_outputs
from azimuthal.pipelines.parts import FrameKey, Parts, frame_key
from azimuthal.pipelines.pixel_files import read_image, read_masks
from azimuthal.pipelines.recipe import recipe_document
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.results.plot import check_picture, save_picture
from azimuthal.typing import BoolArray
from azimuthal.uncertainty import checked_normalization_variance

Result: TypeAlias = Profile | Cake | ResultSet

#: Stands in for the instrument while the choices of the user are checked, before any file is looked at.
_IMAGES = ("dark", "flat", "dark_variance", "flat_variance")
_PER_FRAME = ("monitor", "monitor_variance")
_SOME_INSTRUMENT = Instrument(Detector(pixel1=1e-4, pixel2=1e-4, shape=(1, 1)), Pose(1.0))
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

    outputs: tuple[Path, ...]
    n_frames: int
    n_files: int
    failures: tuple[FrameFailure, ...]
    seconds: float
    picture: Path | None = None

    @property
    def frames_per_second(self) -> float:
        """Frames per second of the whole run; 0 when nothing was done."""
        return self.n_frames / self.seconds if self.seconds > 0 else 0.0


def integrate_batch(settings: BatchSettings, report: Report | None = None) -> BatchSummary:
    """Integrate many images.

    Parameters
    ----------
    settings:
        What to do.
    report:
        Called with every event.

    Returns
    -------
    :
        What was done; ``failures`` names the frames that could not be integrated.

    Raises
    ------
    AzimuthalError
        Something is wrong that does not concern single frames: a file does not exist, the geometry, a name or a
        range cannot be used, an output exists or cannot be written.
    """
    return prepare_batch(settings, report).run(report)


def prepare_batch(settings: BatchSettings, report: Report | None = None) -> Batch:
    """Check everything and compile the plan; nothing is written.

    Raises
    ------
    AzimuthalError
        As for `integrate_batch`.
    """
    tell = report or ignore
    _check_choices(settings)
    survey = survey_files(settings.images, looked_at=lambda done, total: tell(Surveying(done, total)))
    instrument = load_geometry(settings, survey)
    survey = with_shape(survey, instrument.detector.shape)
    output = settings.output or default_output(survey)
    cake = settings.npt_azim is not None
    outputs = plan_outputs(output, frame_fields(survey), survey.n_frames, cake=cake, sets=bool(settings.sectors))
    pictures = [] if settings.picture is None else [Path(settings.picture)]
    check_outputs(outputs, force=settings.force, inputs=_inputs(settings, survey), extra=pictures)
    monitors = frame_monitors(settings, survey)
    spec = plan_spec(settings, instrument)
    darks = _darks(settings, survey, spec)
    arrays = _pixel_arrays(settings, survey, spec, dark_per_frame=darks is not None)
    if settings.sectors:
        sectors = _plan_of_sectors(settings, spec, arrays)
        batch = Batch(settings, survey, outputs, sectors.plans[0], sectors, monitors, darks)
    else:
        plan = compile(spec, arrays, threads=settings.threads)
        batch = Batch(settings, survey, outputs, plan, None, monitors, darks)
    tell(Prepared(batch))
    return batch


def _check_choices(settings: BatchSettings) -> None:
    """Raise for everything that is plainly wrong, before thousands of files are looked at."""
    positive_number("normalization_factor", settings.normalization_factor)
    spec = plan_spec(settings, _SOME_INSTRUMENT)
    if spec.error_model == "variance":
        raise ParameterError(
            "error_model: 'variance' needs an array with every frame, which plan(frame, variance=...) takes in Python. "
            "Pass poisson, azimuthal or hybrid."
        )
    _check_monitor(settings, spec)
    if settings.picture is not None:
        check_picture(settings.picture)
    if settings.sectors:
        _check_sectors(settings)
    for path in _other_inputs(settings):
        if not plain_path(path).exists():
            raise FileMissingError(f"{path}: this file does not exist (working folder: {Path.cwd()}).")


def _check_monitor(settings: BatchSettings, spec: PlanSpec) -> None:
    if settings.monitor_variance is not None and settings.monitor is None:
        raise ParameterError("monitor_variance: is the variance of the monitor, which is not given. Pass --monitor.")
    if spec.error_model is not None:
        checked_normalization_variance(settings.normalization_variance)
        return
    for name in ("normalization_variance", "monitor_variance"):
        if getattr(settings, name):
            raise ParameterError(f"{name}: error_model=None would ignore it. Pass --error-model.")


def _check_sectors(settings: BatchSettings) -> None:
    for name, value in (
        ("npt_azim", settings.npt_azim),
        ("picture", settings.picture),
        ("grazing", settings.grazing),
        ("azimuth_range", settings.choices.get("azimuth_range")),
    ):
        if value is not None:
            raise ParameterError(f"{name}: cannot be combined with sectors. Leave one of them out, or run twice.")
    checked_sectors(settings.sectors, 360.0, "°")


def _plan_of_sectors(settings: BatchSettings, spec: PlanSpec, arrays: PixelArrays) -> PlanSet:
    def cake(npt_rad: Any, npt_azim: Any, unit: Any, options: Any) -> Plan:
        del npt_rad, unit, options  # of the description already
        return compile(spec.replace(kind="cake", npt_azim=npt_azim), arrays, threads=settings.threads)

    return plan_of_sectors(cake, settings.npt, settings.sectors, settings.unit, None, {"reject": spec.reject})


def load_geometry(settings: BatchSettings, survey: Survey) -> Instrument:
    """Return the instrument of the settings; its detector has the shape of the images."""
    first = survey.files[0]
    try:
        if settings.poni is None:
            instrument = load_instrument(settings.geometry, detector=settings.detector, shape=first.shape)
        else:
            instrument = parse_instrument(
                settings.poni, source=settings.geometry, detector=settings.detector, shape=first.shape
            )
    except ParameterError as error:
        rows, columns = first.shape
        raise type(error)(f"{error} ({first.path} holds frames of {rows} x {columns} pixels.)") from error
    if settings.orientation is None:
        return instrument
    return instrument.replace(detector=instrument.detector.with_orientation(settings.orientation))


def orientation_notes(settings: BatchSettings) -> tuple[str, ...]:
    """Return what should be said of a PONI file that records no orientation: programs disagree about such files."""
    inline = settings.poni
    if settings.orientation is not None or (inline is None and Path(settings.geometry).suffix.lower() != ".poni"):
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeometryFileWarning)  # given when the geometry was loaded
        record = read_poni(settings.geometry) if inline is None else parse_poni(inline, source=settings.geometry)
    return describe_history(record) if record.orientation is None else ()


def plan_spec(settings: BatchSettings, instrument: Instrument) -> PlanSpec:
    """Return the description of the integration."""
    cake = settings.npt_azim is not None
    known = [item.name for item in fields(PlanSpec)]
    for name in settings.choices:
        if name not in known:
            raise unknown_name("choices", name, known)
    if settings.grazing is not None:
        return grazing_spec(
            instrument,
            (settings.npt, settings.npt_azim) if settings.npt_azim is not None else settings.npt,
            {"unit_ip": settings.unit, **settings.grazing, **settings.choices},
        )
    return PlanSpec(
        instrument,
        "cake" if cake else "radial",
        settings.npt,
        settings.npt_azim if settings.npt_azim is not None else 1,
        settings.unit,  # type: ignore[arg-type]  # PlanSpec takes names of units
        "chi_deg",  # type: ignore[arg-type]
        **settings.choices,
    )


def default_output(survey: Survey) -> str:
    """Return the name of the output when none is given: in the working folder, after the first image."""
    return f"{survey.files[0].name}_azimuthal.h5"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A batch that is ready to run.

    Parameters
    ----------
    settings:
        What was asked for.
    survey:
        The frames that there are, and the files that cannot be read.
    outputs:
        Where results will go.
    plan:
        The compiled integration; of sectors, the first one.
    sectors:
        All plans of sectors, or None without any.
    monitors:
        What every frame is divided by.
    darks:
        File with a dark for each frame, or None; the plan has the first of them.
    """

    settings: BatchSettings
    survey: Survey
    outputs: Outputs
    plan: Plan
    sectors: PlanSet | None
    monitors: FrameMonitors
    darks: str | None = None

    @property
    def n_frames(self) -> int:
        """Number of frames to integrate."""
        return self.survey.n_frames

    @property
    def bins(self) -> str:
        """The bins in words, e.g. ``1000 bins`` or ``500 x 360 bins``."""
        grid = self.plan.axes.grid
        if self.sectors is not None:
            return f"{len(self.sectors)} sectors of {grid.n_u} bins"
        return f"{grid.n_u} x {grid.n_c} bins" if self.plan.spec.kind == "cake" else f"{grid.n_u} bins"

    @property
    def masked_share(self) -> float:
        """Share of the pixels that never count: gaps, masks, and where a correction has no value; 0 to 1."""
        report = self.plan.report
        return (report["gaps"] + report["mask"] + report["corrections"]) / report["total"]

    def unused_mask_pixels(self) -> int:
        """Return how many pixels the pixel mask of the image files would exclude besides those that are."""
        if self.settings.file_mask or not any(file.has_pixel_mask for file in self.survey.files):
            return 0
        shape = self.plan.shape
        excluded = combine(self.plan.spec.instrument.detector.gap_mask(), self.plan.arrays.mask, shape=shape)
        return int(np.count_nonzero(combine(_file_mask(self.survey), shape=shape) & ~excluded))

    @property
    def threads(self) -> int:
        """Number of threads that integrate."""
        return thread_count(self.settings.threads)

    def run(self, report: Report | None = None) -> BatchSummary:
        """Integrate and write; see `integrate_batch`."""
        return _Run(self, report or ignore).finish()


class _Run:
    """One run of a batch: what was done so far."""

    def __init__(self, batch: Batch, tell: Report) -> None:
        self._batch = batch
        self._tell = tell
        self._failures: list[FrameFailure] = []
        self._files: dict[str, None] = {}
        self._written: list[Path] = []
        self._n_frames = 0
        self._total: Any = None  # a profile or a cake; pictures of sets are refused
        self._inputs = _recorded_inputs(batch.settings)
        self._input_files = _input_facts(batch)
        self._recipe = recipe_document(batch.settings)
        self._image_facts: dict[str, dict[str, Any]] = {}

    def finish(self) -> BatchSummary:
        """Do everything, and say what was done."""
        begin = time.perf_counter()
        for failure in self._batch.survey.failures:
            self._fail(failure)
        outputs = self._batch.outputs
        with made_folders(outputs.folders):
            if outputs.one_each:
                with closing(self._results()) as results:
                    self._write_each(results)
            else:
                self._write_safely()
        self._tell(OutputsDone(tuple(self._written)))
        seconds = time.perf_counter() - begin
        picture = self._draw()
        written, failures = tuple(self._written), tuple(self._failures)
        return BatchSummary(written, self._n_frames, len(self._files), failures, seconds, picture)

    def _results(self, chosen: Sequence[int] | None = None) -> Generator[Result]:
        """Yield the results of all frames (of those chosen) that can be integrated."""
        batch = self._batch
        n_frames = batch.n_frames if chosen is None else len(chosen)
        if not n_frames:
            return
        frames = SurveyFrames(batch.survey, chosen)
        with closing(self._mapped(frames, slice(None) if chosen is None else list(chosen))) as outcomes:
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
            numbers = range(batch.n_frames)[chosen] if isinstance(chosen, slice) else chosen
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
        more = {"inputs": self._inputs, "run": recipe, "input_files": self._input_files, "image_file": image}
        for name, record in more.items():
            result.provenance[name] = record
        monitor = self._batch.monitors.value(int(result.metadata["index"]))
        if monitor is not None:
            result.metadata["monitor"] = monitor

    def _write_each(self, results: Iterator[Result]) -> None:
        paths = self._batch.outputs.paths
        for result in results:
            path = paths[int(result.metadata["index"])]
            try:
                save(result, path, force=self._batch.settings.force)
            except _FATAL:
                raise
            except AzimuthalError as error:
                self._fail(FrameFailure(str(result.metadata["label"]), reason_of(error)))
            else:
                self._written.append(path)
                self._count(result, path)

    def _write_safely(self) -> None:
        """Write into one file, and put results aside meanwhile; take those that an interrupted run put aside."""
        settings, target = self._batch.settings, self._batch.outputs.paths[0]
        with Parts(target, self._identity(), force=settings.force, every=settings.keep_every) as parts:
            if not len(parts):
                with closing(self._results()) as results:
                    self._write_together(self._kept(results, parts))
            else:
                self._tell(FramesKept(len(parts), parts.folder, resumed=True))
                self._resume(parts)
            parts.finish()

    def _resume(self, parts: Parts) -> None:
        kept: list[int] = []
        keys: list[FrameKey] = []
        missing: list[int] = []
        known = parts.keys
        for record in frame_fields(self._batch.survey):
            key = self._key(record)
            if key in known:
                kept.append(record["index"])
                keys.append(key)
            else:
                missing.append(record["index"])
        stored = self._restored(parts.results(keys), kept)
        with closing(self._results(missing)) as results:
            merged = heapq.merge(stored, self._kept(results, parts), key=_number_of)
            self._write_together(merged)

    def _key(self, record: Mapping[str, Any]) -> FrameKey:
        monitor = self._batch.monitors.value(record["index"])
        return frame_key(self._facts_of(record["file"]), record["frame"], monitor)

    def _kept(self, results: Iterator[Result], parts: Parts) -> Iterator[Result]:
        for result in results:
            if parts.keep(result):
                self._tell(FramesKept(len(parts), parts.folder))
            yield result

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
        monitors = {str(Path.cwd() / path) for path in _monitor_files(self._batch.settings)}  # known by their values
        files = {facts["path"]: _identified(facts) for facts in self._input_files if facts["path"] not in monitors}
        return {
            "program": __version__,
            "engine": plan.engine,
            "recipe": recipe,
            "files": files,
            "pixels": dict(plan.arrays.digests),
        }

    def _facts_of(self, path: str) -> dict[str, Any]:
        if path not in self._image_facts:
            self._image_facts[path] = file_facts(path, digest=False)
        return self._image_facts[path]

    def _write_together(self, results: Iterator[Result]) -> None:
        first = next(results, None)
        if first is None:
            return
        outputs = self._batch.outputs
        options: dict[str, Any] = {}
        if "n_frames" in outputs.format.options:
            options["n_frames"] = self._batch.n_frames
        if "failures" in outputs.format.options:
            options["failures"] = self._failures  # read when the file is finished
        force = self._batch.settings.force
        if outputs.format.holds_many:
            save(self._counted(itertools.chain((first,), results)), outputs.paths[0], force=force, **options)
        else:
            save(first, outputs.paths[0], force=force)
            self._count(first, outputs.paths[0])
        self._written.append(outputs.paths[0])

    def _counted(self, results: Iterator[Result]) -> Iterator[Result]:
        for result in results:
            yield result
            self._count(result, None)

    def _count(self, result: Result, path: Path | None) -> None:
        self._n_frames += 1
        self._files[str(result.metadata["file"])] = None
        if self._batch.settings.picture is not None:
            self._total = result if self._total is None else self._total.merged(result)
        self._tell(FrameDone(str(result.metadata["label"]), path))

    def _fail(self, failure: FrameFailure) -> None:
        self._failures.append(failure)
        self._tell(FrameFailed(failure))

    def _draw(self) -> Path | None:
        picture = self._batch.settings.picture
        if picture is None or self._total is None:
            return None
        if self._n_frames > 1:
            words = f"{self._batch.outputs.name}: mean of {self._n_frames} frames"
            self._total = replace(self._total, metadata={**self._total.metadata, "label": words})
        return save_picture(self._total, picture, force=self._batch.settings.force)


def _parts_of(result: Result) -> tuple[Any, ...]:
    return result.results if isinstance(result, ResultSet) else (result,)


def _number_of(result: Result) -> int:
    return int(result.metadata["index"])


def _identified(facts: Mapping[str, Any]) -> Any:
    """Return what a file is known by: its digest, or size and time where it is too large for that."""
    return facts.get("blake2b") or [facts.get("size"), facts.get("mtime_ns")]


def _input_facts(batch: Batch) -> list[dict[str, Any]]:
    """Return facts of all files but the images; what may be as large as these has no digest."""
    images = {file.file.resolve() for file in batch.survey.files}
    large = {*_monitor_files(batch.settings), batch.darks}
    return [
        file_facts(path, digest=path not in large and plain_path(path).resolve() not in images)
        for path in _other_inputs(batch.settings)
    ]


def _darks(settings: BatchSettings, survey: Survey, spec: PlanSpec) -> str | None:
    """Return the file of darks where there is one for each frame."""
    if settings.dark is None:
        return None
    return settings.dark if n_darks(settings.dark, spec.instrument.detector.shape, survey.n_frames) > 1 else None


def _pixel_arrays(
    settings: BatchSettings, survey: Survey, spec: PlanSpec, *, dark_per_frame: bool = False
) -> PixelArrays:
    shape = spec.instrument.detector.shape
    mask = read_masks(settings.masks, shape, spec.instrument)
    if settings.file_mask:
        mask = combine(mask, _file_mask(survey), shape=shape)
    images: dict[str, Any] = {
        name: path if _is_word(name, path) else read_image(name, path, shape)
        for name in _IMAGES
        if (path := getattr(settings, name)) is not None and not (name == "dark" and dark_per_frame)
    }
    if dark_per_frame:
        with open_frames(settings.dark) as darks:
            images["dark"] = np.array(darks.read(0))
    return PixelArrays(mask=mask, **images)


def _file_mask(survey: Survey) -> BoolArray | None:
    for file in survey.files:
        if file.has_pixel_mask:
            return pixel_mask_of(file.path)
    raise ParameterError(
        "file_mask: none of the image files holds a pixel mask of the detector. Leave --file-mask out, or give a mask "
        "with --mask."
    )


def _inputs(settings: BatchSettings, survey: Survey) -> list[str]:
    """Return every file that is read."""
    images = [file.path for file in survey.files] + [failure.name for failure in survey.failures]
    return images + _other_inputs(settings)


def _other_inputs(settings: BatchSettings) -> list[str]:
    """Return every file that is read besides the images."""
    given = {name: getattr(settings, name) for name in _IMAGES}
    images = [path for name, path in given.items() if path is not None and not _is_word(name, path)]
    geometry = [settings.geometry] if settings.poni is None else []
    return [*geometry, *settings.masks, *images, *_monitor_files(settings)]


def _monitor_files(settings: BatchSettings) -> list[str]:
    given = [path for name in _PER_FRAME if (path := getattr(settings, name)) is not None]
    return [path for path in given if path != POISSON and not is_inside_images(path)]


def _is_word(name: str, path: str) -> bool:
    """Return whether what is given for an image is not a file: the dark is a counted image."""
    return name == "dark_variance" and path == "poisson"


def _recorded_inputs(settings: BatchSettings) -> dict[str, Any]:
    """Return what the results say about the files that they were made from, besides their own images."""
    record: dict[str, Any] = {"geometry": str(plain_path(settings.geometry).resolve())}
    if settings.masks:
        record["masks"] = list(settings.masks)
    for name in (*_IMAGES, *_PER_FRAME):
        if getattr(settings, name) is not None:
            record[name] = getattr(settings, name)
    return record
