# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The result of a calibration: the geometry, how well it is known, and whether to trust it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import azimuthal._upward as upward
from azimuthal.calibration.control_points import ControlPoints
from azimuthal.calibration.radial_uncertainty import pixel_uncertainty, radial_uncertainty
from azimuthal.calibration.refinement import Refinement
from azimuthal.calibration.ring_points import RingPoints
from azimuthal.calibration.verdict import Judgement, RingDeviation, Verdict, ring_deviations
from azimuthal.errors import ParameterError
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.typing import FloatArray, PathLike
from azimuthal.units import unit as find_unit

__all__ = ["Calibration"]


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
    """

    refinement: Refinement | None
    ring_points: RingPoints
    start: Instrument
    calibrant: str
    image: str | None
    judgement: Judgement
    n_passes: int

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
