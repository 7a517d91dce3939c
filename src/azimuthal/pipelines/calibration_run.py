# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A calibration from files to files: what ``azimuthal recalibrate`` and a recipe of a calibration run.

The geometry and the control points of a failed calibration are not written; its report is.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._pending_file import check_target
from azimuthal._version import __version__
from azimuthal.calibration import (
    Calibration,
    ControlPoints,
    DistortionRefinement,
    ModuleRefinement,
    Verdict,
    recalibrated_distortion,
    recalibrated_modules,
)
from azimuthal.calibration.report_data import array_digest
from azimuthal.crystallography import calibrant as find_calibrant
from azimuthal.detectors import Detector
from azimuthal.errors import ParameterError
from azimuthal.io.calibration_files import save_calibration
from azimuthal.io.control_point_files import load_control_points, save_control_points
from azimuthal.io.detector_files import load_detector
from azimuthal.io.frames import open_frames
from azimuthal.pipelines.calibration import calibrate
from azimuthal.pipelines.calibration_recipe import CalibrationSettings, calibrant_files
from azimuthal.pipelines.file_facts import file_facts
from azimuthal.pipelines.pixel_files import read_masks
from azimuthal.pipelines.recalibration import recalibrate

__all__ = ["CalibrationRun", "run_calibration"]

_MOST_NAMED = 5
_DIGESTED = ("geometry", "points")
_PIXELS = ("modules", "distortion")
_SAME_RING = 1e-3  # of d: certificates of one substance differ by less


@dataclass(frozen=True, slots=True, eq=False)
class PixelRun:
    """What became of the places of the pixels.

    Attributes
    ----------
    kind:
        "modules" or "distortion".
    refined:
        What was found.
    again:
        The calibration with that detector; None where it is not better, so that it is not used.
    """

    kind: str
    refined: ModuleRefinement | DistortionRefinement
    again: Calibration | None

    def told(self, path: str) -> str:
        """Return in words which detector the files show, and why."""
        if self.again is None:
            return f"nominal: {self.kind} {self.refined.verdict}, {'; '.join(self.refined.reasons) or 'no better'}"
        used = np.concatenate(self.refined.used)
        before, after = (
            float(np.median(np.abs(np.concatenate(one)[used])))
            for one in (self.refined.residuals_before, self.refined.residuals)
        )
        return f"refined: {self.kind} of {path}; median residual {before:.3f} -> {after:.3f} pixel"


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationRun:
    """A calibration that was carried out.

    Attributes
    ----------
    calibration:
        What was found with the detector as it is described.
    settings:
        Those of the run, with the record of what came out of it: a recipe of it is complete.
    written:
        Key of ``[output]`` -> file.
    pixels:
        What became of modules or distortion, where they were asked for and the calibration did not fail.
    differences:
        Where the numbers are not those of the record that the recipe held; empty when they are, bit for bit.
    compared:
        Whether there was a record.
    """

    calibration: Calibration
    settings: CalibrationSettings
    written: Mapping[str, Path]
    pixels: PixelRun | None
    differences: tuple[str, ...]
    compared: bool

    @property
    def final(self) -> Calibration:
        """The calibration that the files hold: with refined pixels where those are better."""
        return self.calibration if self.pixels is None else self.pixels.again or self.calibration

    @property
    def verdict(self) -> Verdict:
        """That of the calibration with the detector that is written; doubtful at best where no better one was found."""
        if self.pixels is None:
            return self.calibration.verdict
        return "doubtful" if self.pixels.again is None else self.pixels.again.verdict


def run_calibration(
    settings: CalibrationSettings, *, force: bool = False, tell: Callable[[str], None] | None = None
) -> CalibrationRun:
    """Calibrate, write what is asked for, and compare with the record where there is one.

    Parameters
    ----------
    settings:
        Everything about it.
    force:
        Replace files that exist.
    tell:
        Called with a sentence before every step of a calibration from scratch.

    Raises
    ------
    ParameterError
        Files are not what they were when the record was made.
    OutputExistsError
        A file exists and `force` is False; nothing was done.
    AzimuthalError
        A file or a setting cannot be used.
    """
    if settings.modules is not None and settings.distortion is not None:
        raise ParameterError("modules, distortion: one detector file comes out; give one of them.")
    for path in settings.outputs.values():
        check_target(Path(path), force=force)
    inputs = tuple(_facts(settings))
    _refuse_changes(settings, inputs)
    found = _calibrated(settings, tell)
    found = dataclasses.replace(found, inputs=inputs)
    if settings.found is not None:
        _refuse_other_image(settings.found, found)
    kind = next((name for name in _PIXELS if getattr(settings, name) is not None), None)
    pixels = None if kind is None or found.verdict == "failed" else _pixels(settings, found, kind)
    if pixels is not None:
        told = {"pixels": pixels.told(str(getattr(settings, pixels.kind)))}
        shown = dataclasses.replace(pixels.again or found, inputs=inputs, image=found.image)
        shown = dataclasses.replace(shown, settings=dict(found.settings) | told)
        found, pixels = (shown, pixels) if pixels.again is None else (found, dataclasses.replace(pixels, again=shown))
    written = _written(settings, found, pixels, force=force)
    record = _record(found, pixels, inputs, written)
    differences = () if settings.found is None else tuple(_differences(settings.found, record))
    complete = dataclasses.replace(settings, found=record)
    return CalibrationRun(found, complete, written, pixels, differences, settings.found is not None)


def _calibrated(settings: CalibrationSettings, tell: Callable[[str], None] | None) -> Calibration:
    options: Any = {
        "calibrant": settings.calibrant, "fix": settings.fix, "mask": _mask(settings), "settings": settings.rings,
        "bounds": dict(settings.bounds) or None, "wavelength": settings.wavelength, "loss": settings.loss,
        "outliers": settings.outliers, "accuracy": settings.accuracy,
    }  # fmt: skip
    if settings.geometry is not None:
        return recalibrate(settings.image, settings.geometry, **options)
    if settings.detector is None or settings.wavelength is None:
        raise ParameterError("calibration: without a rough geometry it needs a detector and the wavelength.")
    return calibrate(
        settings.image, detector=settings.detector, orientation=settings.orientation, distance=settings.distance,
        tolerance=settings.tolerance, centre=settings.centre, points=_picked(settings), tell=tell, **options,
    )  # fmt: skip


def _picked(settings: CalibrationSettings) -> ControlPoints | None:
    """Return the picked points; their rings have to be those of the calibrant."""
    if settings.picked is None:
        return None
    held = load_control_points(settings.picked)
    expected = find_calibrant(settings.calibrant).d_spacings()
    listed = held.d_spacings[: expected.size]
    if held.points.ring.max(initial=0) >= expected.size or (
        listed.size and not np.allclose(listed, expected[: listed.size], rtol=_SAME_RING, atol=0)
    ):
        raise ParameterError(
            f"{settings.picked}: its rings ({held.calibrant or 'no calibrant named'}) are not those of "
            f"{settings.calibrant}; pick points with the calibrant of the image."
        )
    return held.points


def _mask(settings: CalibrationSettings) -> Any:
    if not settings.masks:
        return None
    with open_frames(settings.image) as frames:
        return read_masks(settings.masks, frames.shape)


def _facts(settings: CalibrationSettings) -> Iterable[dict[str, Any]]:
    """Yield what is known of the files that are read."""
    yield {"role": "image", **file_facts(settings.image, digest=False)}
    named = [("geometry", settings.geometry)] if settings.geometry else []
    named += [("picked", settings.picked)] if settings.picked else []
    named += [("mask", path) for path in settings.masks]
    named += [("calibrant", path) for path in calibrant_files(settings.calibrant)]
    for role, path in named:
        yield {"role": role, **file_facts(str(path), digest=True)}


def _digests(inputs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return role -> digest; several files of one role are numbered."""
    found: dict[str, str] = {}
    for facts in inputs:
        if "blake2b" in facts:
            same = sum(name.split("_")[0] == facts["role"] for name in found)
            found[f"{facts['role']}_{same + 1}" if same else str(facts["role"])] = facts["blake2b"]
    return found


def _refuse_changes(settings: CalibrationSettings, inputs: tuple[Mapping[str, Any], ...]) -> None:
    if settings.found is None:
        return
    before, now = settings.found["inputs"], _digests(inputs)
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        more = " ..." if len(changed) > _MOST_NAMED else ""
        raise ParameterError(
            f"recipe: files are not what they were: {', '.join(changed[:_MOST_NAMED])}{more}. Remove the table [found] "
            "from the recipe to calibrate with what is there now."
        )


def _refuse_other_image(record: Mapping[str, Any], found: Calibration) -> None:
    assert found.observed is not None  # what calibrates keeps what it looked at
    if array_digest(found.observed.image) != record["image"]:
        raise ParameterError(
            f"image {found.image}: has other values than when the recipe was written. Remove the table [found] from "
            "the recipe to calibrate with what is there now."
        )


def _pixels(settings: CalibrationSettings, found: Calibration, kind: str) -> PixelRun:
    """Refine where the pixels are, and calibrate again with that detector where it is better."""
    seen = found.observed
    assert seen is not None  # what calibrates keeps what it looked at
    refine: Any = {"modules": recalibrated_modules, "distortion": recalibrated_distortion}[kind]
    mask = ~seen.usable
    refined = refine([seen.image], [found.instrument], [seen.calibrant], mask=mask)
    if refined.verdict != "good":
        return PixelRun(kind, refined, None)
    again = recalibrate(
        seen.image, refined.instruments[0], seen.calibrant, fix=settings.fix, mask=mask, settings=settings.rings,
        loss=settings.loss, outliers=settings.outliers, accuracy=settings.accuracy,
    )  # fmt: skip
    return PixelRun(kind, refined, None if again.verdict == "failed" else again)


def _written(
    settings: CalibrationSettings, found: Calibration, pixels: PixelRun | None, *, force: bool
) -> dict[str, Path]:
    """Write what is asked for: of the calibration with refined pixels where those are better, all of it."""
    written: dict[str, Path] = {}
    comments: tuple[str, ...] = ()
    if pixels is not None and pixels.again is not None:
        detector = getattr(settings, pixels.kind)
        pixels.refined.save(detector, force=force)
        written[pixels.kind] = Path(detector)
        found = _with_detector(pixels.again, load_detector(detector))
        comments = (f"{pixels.kind.capitalize()}: {pixels.refined.verdict}",)
    if settings.output is not None and found.verdict != "failed":
        save_calibration(found, settings.output, comments=comments, force=force)
        written["geometry"] = Path(settings.output)
    if settings.points is not None and found.verdict != "failed":
        wavelength = found.instrument.beam.required_wavelength("control points")
        rings = find_calibrant(settings.calibrant)
        save_control_points(found.control_points, settings.points, rings, wavelength, force=force)
        written["points"] = Path(settings.points)
    if settings.report is not None:
        found.save_report(settings.report, force=force)
        written["report"] = Path(settings.report)
    return written


def _with_detector(found: Calibration, detector: Detector) -> Calibration:
    """Return a calibration with the same detector as it is in its file: the geometry names it."""
    assert found.refinement is not None  # it did not fail
    instrument = found.instrument.replace(detector=detector)
    return dataclasses.replace(found, refinement=dataclasses.replace(found.refinement, instrument=instrument))


def _record(
    found: Calibration, pixels: PixelRun | None, inputs: Iterable[Mapping[str, Any]],
    written: Mapping[str, Path],
) -> dict[str, Any]:  # fmt: skip
    """Return the table ``[found]``.  Reports and HDF5 files hold their date: they have no digest here."""
    assert found.observed is not None  # what calibrates keeps what it looked at
    digests = {name: file_facts(str(path), digest=True) for name, path in written.items() if name in _DIGESTED}
    record: dict[str, Any] = {
        "version": __version__,
        "verdict": found.verdict,
        "image": array_digest(found.observed.image),
        "parameters": {} if found.refinement is None else found.refinement.values,
        "standard_errors": {} if found.refinement is None else _finite(found.standard_errors),
        "inputs": _digests(inputs),
    }
    if pixels is not None:
        residuals = np.concatenate(pixels.refined.residuals)
        record["pixels"] = f"{pixels.kind} {pixels.refined.verdict} {array_digest(residuals)}"
    return record | {"outputs": {name: facts["blake2b"] for name, facts in digests.items()}}


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values that are known: JSON has no infinity."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
    if before["verdict"] != now["verdict"]:
        yield f"the verdict was {before['verdict']} and is {now['verdict']}"
    if before.get("pixels") != now.get("pixels"):
        yield f"pixels: were {before.get('pixels')} and are {now.get('pixels')}"
    for table in ("parameters", "standard_errors"):
        old, new = before.get(table, {}), now[table]
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield f"{table}, {name}: was {old.get(name)!r} and is {new.get(name)!r}"
