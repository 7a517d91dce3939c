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

import math
import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from azimuthal._validate import positive_number, unknown_name
from azimuthal.detectors import Detector
from azimuthal.engines import thread_count
from azimuthal.errors import (
    FileMissingError,
    GeometryFileWarning,
    ParameterError,
)
from azimuthal.geometry import Pose
from azimuthal.geometry.conventions.poni import describe_history, parse_poni
from azimuthal.instrument import Instrument
from azimuthal.integrate import PixelArrays, Plan, PlanSet, PlanSpec, compile
from azimuthal.integrate.grazing import grazing_spec
from azimuthal.integrate.plan_set import checked_sectors, part_names
from azimuthal.integrate.sectors import plan_of_sectors
from azimuthal.io.frames import open_frames
from azimuthal.io.geometry_files import load_instrument, parse_instrument, read_poni
from azimuthal.masks import combine
from azimuthal.pipelines.batch_run import BatchSummary, Run
from azimuthal.pipelines.events import Prepared, Report, Surveying, ignore
from azimuthal.pipelines.frame_inputs import FrameMonitors, frame_monitors, n_darks
from azimuthal.pipelines.input_files import IMAGES, all_inputs, is_word, monitor_files, other_inputs
from azimuthal.pipelines.inputs import (
    Survey,
    frame_fields,
    pixel_mask_of,
    plain_path,
    survey_files,
    with_shape,
)
from azimuthal.pipelines.ledger import of_unfinished_run
from azimuthal.pipelines.outputs import Outputs, check_outputs, plan_outputs
from azimuthal.pipelines.pixel_files import read_image, read_masks
from azimuthal.pipelines.settings import BatchSettings
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.results.plot import check_picture
from azimuthal.typing import BoolArray
from azimuthal.uncertainty import checked_normalization_variance

Result: TypeAlias = Profile | Cake | ResultSet

#: Stands in for the instrument while the choices of the user are checked, before any file is looked at.
_SOME_INSTRUMENT = Instrument(Detector(pixel1=1e-4, pixel2=1e-4, shape=(1, 1)), Pose(1.0))


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
    reductions = part_names(None, settings.sectors)
    outputs = plan_outputs(output, frame_fields(survey), survey.n_frames, cake=cake, reductions=reductions)
    pictures = [] if settings.picture is None else [Path(settings.picture)]
    check_outputs(
        outputs,
        force=settings.force,
        inputs=all_inputs(settings, survey),
        extra=pictures,
        known=of_unfinished_run(outputs),
    )
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
    if not 0 <= settings.keep_every < math.inf:
        raise ParameterError(f"keep_every: expected seconds, 0 or more, got {settings.keep_every}.")
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
    for path in other_inputs(settings):
        if not plain_path(path).exists():
            inside = path.startswith("/") and path in monitor_files(settings)
            hint = f" For a dataset inside every image file write ::{path}." if inside else ""
            raise FileMissingError(f"{path}: this file does not exist (working folder: {Path.cwd()}).{hint}")


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

    def n_finished(self) -> int:
        """Return how many frames an interrupted run has finished: they are not integrated again."""
        return Run(self, ignore).preview()

    def run(self, report: Report | None = None) -> BatchSummary:
        """Integrate and write; see `integrate_batch`."""
        return Run(self, report or ignore).finish()


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
        name: path if is_word(name, path) else read_image(name, path, shape)
        for name in IMAGES
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
