# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The result of a calibration: the geometry, how well it is known, and whether to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import azimuthal._upward as upward
from azimuthal._pending_file import check_target
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.radial_uncertainty import pixel_uncertainty, radial_uncertainty
from azimuthal.calibration.refinement import Refinement, RingSource
from azimuthal.calibration.ring_points import RingPoints, usable_pixels
from azimuthal.calibration.verdict import Judgement, RingDeviation, Verdict, ring_deviations
from azimuthal.errors import ParameterError
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.typing import AnyArray, BoolArray, FloatArray, PathLike
from azimuthal.units import unit as find_unit

if TYPE_CHECKING:
    from azimuthal.calibration.report import Report
    from azimuthal.calibration.validation import Validation

__all__ = ["Calibration", "Observed"]


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What a calibration looked at; not copied.

    Attributes
    ----------
    image:
        Raw values, shape of the detector.
    usable:
        False where a pixel does not count: masked, in a gap, invalid.
    calibrant:
        The d-spacings.
    """

    image: AnyArray
    usable: BoolArray
    calibrant: RingSource


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A refined geometry with its evidence; frozen.

    Attributes
    ----------
    refinement:
        Parameters, covariance, residuals; None when there were too few points to refine.
    ring_points:
        Points of the last pass, and what became of the sectors.
    start:
        The instrument that it started from.
    calibrant, image:
        Names, as they are written to a PONI file.
    judgement:
        The verdict with its reasons.
    n_passes:
        How many times points were extracted.
    observed:
        Image, mask and calibrant, for :meth:`validation` and :meth:`report`; None: those have to be told.
    inputs:
        What is known of the files that were read: role ("image", "geometry", "mask", ...), path, size, digest.
    settings:
        What was asked for, as plain values, to be told in a report.
    """

    refinement: Refinement | None
    ring_points: RingPoints
    start: Instrument
    calibrant: str
    image: str | None
    judgement: Judgement
    n_passes: int
    observed: Observed | None = field(default=None, repr=False)
    inputs: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def verdict(self) -> Verdict:
        """Whether it is "good", "doubtful" or "failed"."""
        return self.judgement.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not good; empty when it is."""
        return self.judgement.reasons

    @property
    def instrument(self) -> Instrument:
        """The refined instrument.

        Raises
        ------
        ParameterError
            Nothing could be refined.
        """
        return self._refined.instrument

    @property
    def integrator(self) -> Integrator:
        """An integrator of the refined instrument."""
        return Integrator.from_instrument(self.instrument)

    @property
    def covariance(self) -> FloatArray:
        """Covariance of dist, poni1, poni2, rot1, rot2, rot3, wavelength; shape (7, 7), m and rad."""
        return self._refined.covariance

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of the seven parameters, m and rad; 0 where fixed."""
        return self._refined.standard_errors

    @property
    def control_points(self) -> ControlPoints:
        """All control points, outliers included."""
        return self.ring_points.points

    @property
    def residuals(self) -> FloatArray:
        """Found minus expected two theta of the control points, pixels."""
        return self._refined.residuals

    @property
    def ring_deviations(self) -> tuple[RingDeviation, ...]:
        """Mean residual of every ring, pixels."""
        return () if self.refinement is None else ring_deviations(self.refinement)

    @property
    def median_deviation(self) -> float:
        """Median over rings of the absolute mean residual, pixels; NaN without rings."""
        deviations = [abs(deviation.mean) for deviation in self.ring_deviations]
        return float(np.median(deviations)) if deviations else float("nan")

    def radial_uncertainty(self, unit: Any, values: Any) -> FloatArray:
        """Return the standard error of the radial axis at some values: :mod:`azimuthal.calibration.radial_uncertainty`.

        Parameters
        ----------
        unit:
            Radial unit, e.g. "q_nm^-1".
        values:
            In that unit, any shape.

        Returns
        -------
        :
            Same shape, same unit; NaN where the detector has no pixels.
        """
        return radial_uncertainty(self.instrument, self.covariance, find_unit(unit), values)

    @property
    def largest_error(self) -> float:
        """Largest standard error of two theta on the detector, pixels."""
        return pixel_uncertainty(self.instrument, self.covariance)

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Write a PONI file with calibrant, image and verdict recorded.

        Raises
        ------
        ParameterError
            The calibration failed: nothing is written that looks like a geometry.
        OutputExistsError
            The file exists and `force` is False.
        """
        if self.verdict == "failed":
            raise ParameterError(f"save: this calibration failed ({self.reasons[0]}); nothing was written.")
        upward.find("save_calibration")(self, path, force=force)

    def with_image(self, name: str) -> Calibration:
        """Return a copy with the name of the image."""
        return replace(self, image=name)

    def validation(self, image: Any = None, *, mask: Any = None, calibrant: RingSource | None = None) -> Validation:
        """Return what the calibration looks like, as arrays: :mod:`azimuthal.calibration.validation`.

        Parameters
        ----------
        image:
            Raw values, shape of the detector; None: the image of the calibration, with its mask.
        mask:
            True = excluded, in addition to gaps, invalid values and the mask that belongs to the image.
        calibrant:
            d-spacings; None: those of the calibration.

        Raises
        ------
        ParameterError
            The calibration holds no image (it was put together by hand), and none is passed.
        """
        from azimuthal.calibration.validation import validated

        return validated(self, self._looked_at(image, mask, calibrant))

    def report(self, image: Any = None, *, mask: Any = None, calibrant: RingSource | None = None) -> Report:
        """Return a report: HTML with pictures, and the numbers; parameters as of :meth:`validation`.

        Raises
        ------
        ParameterError
            As :meth:`validation`.
        MissingDependencyError
            matplotlib is not installed.
        """
        from azimuthal.calibration.report import Report
        from azimuthal.calibration.validation import validated

        seen = self._looked_at(image, mask, calibrant)
        return Report.of(replace(self, observed=seen), validated(self, seen), seen)

    def save_report(self, path: PathLike, image: Any = None, *, force: bool = False, **options: Any) -> None:
        """Write the report as one HTML file, whatever the verdict; parameters as of :meth:`report`.

        Raises
        ------
        OutputExistsError
            The file exists and `force` is False.
        """
        check_target(Path(path), force=force)
        upward.find("save_calibration_report")(self.report(image, **options), path, force=force)

    def _looked_at(self, image: Any, mask: Any, calibrant: RingSource | None) -> Observed:
        """Return what to look at: what was passed, or else what the calibration looked at."""
        seen = self.observed
        source = calibrant if calibrant is not None or seen is None else seen.calibrant
        if source is None or (image is None and seen is None):
            missing = "image" if image is None else "calibrant"
            raise ParameterError(f"{missing}: this calibration holds none. Pass {missing}=...")
        frame = seen.image if image is None and seen is not None else np.asarray(image)
        usable = usable_pixels(frame, self.start, mask)
        if image is None and seen is not None:
            usable &= seen.usable
        return Observed(frame, usable, source)

    def summary(self) -> str:
        """Return the calibration in words."""
        lines = [f"verdict: {self.verdict}"]
        lines += [f"  - {reason}" for reason in self.reasons]
        if self.refinement is not None:
            lines += _numbers(self, self.refinement)
        left_out = [f"{number} {reason}" for reason, number in self.ring_points.left_out.items() if number]
        if left_out:
            lines.append(f"sectors left out: {', '.join(left_out)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return one line."""
        return f"Calibration({self.calibrant}: {self.verdict}, {self.control_points!r})"

    @property
    def _refined(self) -> Refinement:
        if self.refinement is None:
            raise ParameterError(f"calibration: nothing could be refined: {'; '.join(self.reasons)}.")
        return self.refinement


def _numbers(calibration: Calibration, refinement: Refinement) -> list[str]:
    points, used = refinement.control_points, refinement.used
    seen, predicted = np.unique(points.ring[used]).size, len(calibration.ring_points.predicted)
    residuals = np.abs(refinement.residuals[used])
    counts = f"{seen} of {predicted} rings, {int(used.sum())} of {len(points)} points, {calibration.n_passes} passes"
    scatter = f"scatter beyond counting {refinement.scatter:.3f} pixel"
    rings = f"rings {calibration.median_deviation:.3f} pixel (median)"
    lines = [
        f"calibrant: {calibration.calibrant}, {counts}",
        f"residuals: median {np.median(residuals):.3f} pixel, {scatter}, {rings}",
        f"reduced chi-square: {refinement.reduced_chi_square:.2f}",
    ]
    for name, value in refinement.values.items():
        error = refinement.standard_errors[name]
        scale, unit = (1e3, "mm") if name in ("dist", "poni1", "poni2") else (1.0, "rad")
        scale, unit = (1e10, "Å") if name == "wavelength" else (scale, unit)
        known = "fixed" if error == 0 else "not known" if np.isinf(error) else f"± {scale * error:.2g}"
        lines.append(f"{name + ':':<12}{scale * value:.8g} {unit} ({known})")
    lines.append(f"two theta on the detector: known to {calibration.largest_error:.3f} pixel")
    lines += [f"hardly told apart: {pair}" for pair in refinement.correlated]
    lines += [f"not told: {text}" for text in refinement.degenerate]
    return lines
