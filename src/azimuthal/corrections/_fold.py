# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Fold the chosen corrections into the arrays that engines see; order and sign in the package docstring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from azimuthal._validate import boolean_mask, finite_number, one_of
from azimuthal.corrections._rays import RaySlab, ray_slabs, row_slabs
from azimuthal.corrections.absorption import (
    SensorAbsorptionMode,
    SensorEfficiency,
    checked_sensor_absorption,
    checked_transmission,
    sensor_efficiency,
    slab_absorption,
)
from azimuthal.corrections.flat_dark import checked_image, factor_faults, offset_faults
from azimuthal.corrections.polarization import checked_factor, detector_form, slab_polarization
from azimuthal.corrections.solid_angle import SOLID_ANGLE_MODES, SolidAngleMode, slab_solid_angle
from azimuthal.errors import ParameterError
from azimuthal.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    from azimuthal.instrument import Instrument

__all__ = ["CorrectionSettings", "FoldedCorrections", "fold"]

SlabFactor = Callable[[RaySlab], FloatArray]
_FACTORS_OF_CORE = {"solid angle", "polarization"}


@dataclass(frozen=True, slots=True)
class CorrectionSettings:
    """Which corrections are computed from the geometry; small and serialisable.

    Parameters
    ----------
    solid_angle:
        ``"relative"`` (also written True), ``"absolute"``, ``"equal_area"``, or False for none;
        see :mod:`azimuthal.corrections.solid_angle`.
    polarization_factor:
        In [-1, 1], 1 is horizontal; None for none; see :mod:`azimuthal.corrections.polarization`.
    polarization_offset:
        Of the axis of polarisation, rad.
    transmission:
        Of the sensor (a flat panel's scintillator) at normal incidence, ``0 <= t0 < 1``; None for none; see
        :mod:`azimuthal.corrections.absorption`.
    sensor_absorption:
        The same from material, thickness and energy: "relative" (also written True), "absolute", "auto" (relative
        where everything is known), or False for none.

    Raises
    ------
    DataTypeError, ParameterError, UnknownNameError
        A value is out of range or not known, or `transmission` and `sensor_absorption` are both asked for.
    """

    solid_angle: SolidAngleMode | Literal[False] = "relative"
    polarization_factor: float | None = None
    polarization_offset: float = 0.0
    transmission: float | None = None
    sensor_absorption: SensorAbsorptionMode | Literal[False] = False

    def __post_init__(self) -> None:
        mode: object = self.solid_angle
        if mode is True:
            object.__setattr__(self, "solid_angle", "relative")
        elif mode is not False:
            object.__setattr__(self, "solid_angle", one_of("solid_angle", mode, SOLID_ANGLE_MODES))
        if self.polarization_factor is not None:
            object.__setattr__(self, "polarization_factor", checked_factor(self.polarization_factor))
        offset = finite_number("polarization_offset", self.polarization_offset, unit="rad")
        object.__setattr__(self, "polarization_offset", offset)
        if self.transmission is not None:
            object.__setattr__(self, "transmission", checked_transmission(self.transmission))
        object.__setattr__(self, "sensor_absorption", checked_sensor_absorption(self.sensor_absorption))
        if self.transmission is not None and self.sensor_absorption in ("relative", "absolute"):
            raise ParameterError(
                "transmission, sensor_absorption: two views of one correction, which would be made twice. Give one of "
                "them."
            )


@dataclass(frozen=True, slots=True, eq=False)
class FoldedCorrections:
    """The arrays that engines see; all of the shape of the detector and read-only.

    Parameters
    ----------
    offset:
        What is subtracted from a raw frame, float64; None for nothing.
    normalization:
        What the signal is divided by, float64, greater than 0; None for 1 everywhere.
    excluded:
        True where a pixel cannot be corrected and must not take part; None for nowhere. There `offset` and
        `normalization` are 0.
    summary:
        JSON-able: what was applied, and how many pixels were excluded by which cause.
    """

    offset: FloatArray | None = None
    normalization: FloatArray | None = None
    excluded: BoolArray | None = None
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def n_excluded(self) -> int:
        """Number of pixels that the mask left and that cannot be corrected."""
        return sum(self.summary.get("excluded", {}).values())


def fold(
    instrument: Instrument,
    settings: CorrectionSettings | None = None,
    *,
    dark: Any = None,
    flat: Any = None,
    absorption: Any = None,
    mask: BoolArray | None = None,
    n_threads: int | None = None,
) -> FoldedCorrections:
    """Multiply the chosen corrections into one offset and one normalisation.

    Definition: ``offset = dark``, ``normalization = flat absorption solid_angle polarization
    absorbed_fraction``; see the table of :mod:`azimuthal.corrections`.

    Parameters
    ----------
    instrument:
        Detector and pose.
    settings:
        What is computed from them; None for the defaults (relative solid angle only).
    dark, flat, absorption:
        Measured arrays in the shape of the frame, or None.
    mask:
        True = excluded already: such pixels are not counted.
    n_threads:
        Of the compiled core, which evaluates solid angle and polarisation of flat detectors; None: NumPy.

    Returns
    -------
    :
        Arrays that share no memory with the inputs.

    Raises
    ------
    DataTypeError, ShapeError
        An array is not numeric or of another shape than the detector.
    ParameterError
        No pixel is left.

    Notes
    -----
    NumPy works in slabs of rows: the memory needed beyond the result is about 5 MB.  Solid angle and
    polarisation of an EIGER 4M take 0.03 to 0.1 s, with the core on two cores 0.005 s.
    """
    chosen = CorrectionSettings() if settings is None else settings
    shape = instrument.detector.shape
    checked_mask = None if mask is None else boolean_mask("mask", mask, shape)
    measured = {"flat": flat, "absorption": absorption}
    images = {name: checked_image(name, value, shape) for name, value in measured.items() if value is not None}
    efficiency = _efficiency(instrument, chosen)
    computed = _computed_factors(instrument, chosen, efficiency)
    faults = _Faults(shape, checked_mask)
    normalization = None
    if n_threads is not None and not images and (computed.keys() & _FACTORS_OF_CORE):
        normalization = _normalization_by_core(instrument, chosen, n_threads)
        if normalization is not None:
            computed = {name: factor for name, factor in computed.items() if name not in _FACTORS_OF_CORE}
    if computed or images:
        normalization = _normalization(instrument, computed, images, faults, normalization)
    offset = None if dark is None else _offset(checked_image("dark", dark, shape), faults)
    faults.refuse_all()
    excluded = faults.excluded if faults.excluded.any() else None
    for array in (offset, normalization):
        if array is not None and excluded is not None:
            array[excluded] = 0.0
    for result in (offset, normalization, excluded):
        if result is not None:
            result.flags.writeable = False
    summary = _summary(chosen, dark is not None, list(images), faults)
    summary |= {"sensor_absorption": _sensor_record(efficiency), "parallax": _parallax_record(instrument)}
    return FoldedCorrections(offset, normalization, excluded, summary)


class _Faults:
    """Collects the pixels that cannot be corrected; each is counted once, under its first cause."""

    def __init__(self, shape: tuple[int, int], mask: BoolArray | None) -> None:
        self.excluded: BoolArray = np.zeros(shape, dtype=np.bool_)
        self.counts: dict[str, int] = {}
        self._mask = mask

    def add(self, rows: slice, name: str, causes: dict[str, BoolArray]) -> None:
        """Exclude the pixels of some rows that have a fault and were not excluded before."""
        for cause, fault in causes.items():
            known = self.excluded[rows]
            new = fault & ~known
            if not new.any():
                continue
            counted = new if self._mask is None else new & ~self._mask[rows]
            key = f"{name} {cause}"
            self.counts[key] = self.counts.get(key, 0) + int(np.count_nonzero(counted))
            known |= new

    def refuse_all(self) -> None:
        """Raise when every pixel that the mask left is excluded."""
        left = ~self.excluded if self._mask is None else ~(self.excluded | self._mask)
        if left.any() or not any(self.counts.values()):
            return
        causes = ", ".join(f"{count} by '{cause}'" for cause, count in self.counts.items())
        raise ParameterError(
            f"corrections: no pixel is left to integrate; excluded: {causes}. Check flat, dark and "
            "absorption: a flat must be greater than 0 where pixels count."
        )


def _efficiency(instrument: Instrument, settings: CorrectionSettings) -> SensorEfficiency | str:
    """Return how the sensor absorbs, or why that is not corrected."""
    if settings.sensor_absorption is False:
        return "switched off"
    if settings.transmission is not None:
        return "transmission is given"
    return sensor_efficiency(instrument, settings.sensor_absorption)


def _sensor_record(efficiency: SensorEfficiency | str) -> dict[str, Any]:
    if isinstance(efficiency, str):
        return {"applied": False, "reason": efficiency}
    return {"applied": True, **efficiency.record}


def _parallax_record(instrument: Instrument) -> dict[str, Any]:
    """Return how positions are corrected; JSON-able."""
    if instrument.parallax is None:
        return {"applied": False}
    used = instrument.parallax.absorption(sensor=instrument.detector.sensor, energy=instrument.beam.energy)
    thickness = used.thickness if used.thickness != float("inf") else "infinite"
    return {
        "applied": True,
        "attenuation_coefficient_per_m": used.attenuation_coefficient,
        "thickness_m": thickness,
    }


def _computed_factors(
    instrument: Instrument, settings: CorrectionSettings, efficiency: SensorEfficiency | str
) -> dict[str, SlabFactor]:
    """Return the factors that come from the geometry, by name, as functions of a slab of rays."""
    factors: dict[str, SlabFactor] = {}
    mode = settings.solid_angle
    if mode is not False:
        factors["solid angle"] = lambda slab: slab_solid_angle(slab, instrument, mode)
    if settings.polarization_factor is not None:
        form = detector_form(instrument, factor=settings.polarization_factor, offset=settings.polarization_offset)
        factors["polarization"] = lambda slab: slab_polarization(slab, form)
    transmission = settings.transmission
    if transmission is not None:
        factors["transmission"] = lambda slab: slab_absorption(slab, transmission)
    if isinstance(efficiency, SensorEfficiency):
        t0, scale = efficiency.transmission, efficiency.scale
        factors["sensor absorption"] = lambda slab: slab_absorption(slab, t0) * scale
    return factors


def _normalization_by_core(instrument: Instrument, settings: CorrectionSettings, n_threads: int) -> FloatArray | None:
    """Return solid angle times polarisation, or None where the core has no answer."""
    from azimuthal.corrections._native import grid_normalization

    form = None
    if settings.polarization_factor is not None:
        form = detector_form(instrument, factor=settings.polarization_factor, offset=settings.polarization_offset)
    mode = None if settings.solid_angle is False else settings.solid_angle
    return grid_normalization(instrument, solid_angle=mode, form=form, n_threads=n_threads)


def _normalization(
    instrument: Instrument,
    computed: dict[str, SlabFactor],
    images: dict[str, FloatArray],
    faults: _Faults,
    so_far: FloatArray | None,
) -> FloatArray:
    """Return the product of all factors; pixels where it is not finite and positive are added to `faults`.

    `so_far` is what other factors have made, or None; it is changed.
    """
    product = np.ones(instrument.detector.shape) if so_far is None else so_far
    slabs: Iterator[RaySlab | slice] = ray_slabs(instrument) if computed else row_slabs(instrument.detector.shape)
    for slab in slabs:
        rows = slab.rows if isinstance(slab, RaySlab) else slab
        block = product[rows]
        factors = {name: image[rows] for name, image in images.items()}
        if isinstance(slab, RaySlab):
            factors |= {name: function(slab) for name, function in computed.items()}
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for values in factors.values():
                block *= values
        if not ((block > 0) & (block < np.inf)).all():
            for name, values in factors.items():
                faults.add(rows, name, factor_faults(np.broadcast_to(values, block.shape)))
            faults.add(rows, "product of all factors", factor_faults(block))
    return product


def _offset(dark: FloatArray, faults: _Faults) -> FloatArray:
    """Return a copy of the dark; pixels where it is not finite are added to `faults`."""
    faults.add(slice(None), "dark", offset_faults(dark))
    return dark.copy()


def _summary(settings: CorrectionSettings, has_dark: bool, images: list[str], faults: _Faults) -> dict[str, Any]:
    """Return what was applied and what was excluded; JSON-able."""
    polarized = settings.polarization_factor is not None
    return {
        "dark": has_dark,
        "flat": "flat" in images,
        "absorption": "absorption" in images,
        "solid_angle": settings.solid_angle,
        "polarization_factor": settings.polarization_factor,
        "polarization_offset": settings.polarization_offset if polarized else None,
        "transmission": settings.transmission,
        "excluded": {cause: count for cause, count in faults.counts.items() if count},
    }
