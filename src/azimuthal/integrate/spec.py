# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The description of an integration: small, frozen, and made of plain values, so that it goes into every output.

Per-pixel arrays are not part of it; they travel beside it as :class:`PixelArrays`, and the description of a finished
plan holds their digests.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal._validate import boolean_mask, image_array, number_pair, one_of, positive_integer, unknown_name
from azimuthal.binning import is_edges
from azimuthal.corrections import (
    SOLID_ANGLE_MODES,
    CorrectionSettings,
    DeadTime,
    DeadTimeModel,
    SensorAbsorptionMode,
    SolidAngleMode,
    checked_sensor_absorption,
)
from azimuthal.engines import check_frame_dtype, engine_names
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.instrument import Instrument
from azimuthal.masks import InvalidRanges, invalid_ranges
from azimuthal.rejection import Rejection, rejection
from azimuthal.typing import AVERAGES, SPLITS, AnyArray, Average, ErrorModel, Split
from azimuthal.uncertainty import checked_error_model, poisson_variance
from azimuthal.units import Unit
from azimuthal.units import unit as find_unit

Kind: TypeAlias = Literal["radial", "azimuthal", "cake"]
Bins: TypeAlias = int | tuple[float, ...]

SPEC_VERSION = 1
_ARRAYS = ("mask", "dark", "flat", "absorption", "dark_variance", "flat_variance")


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """What to integrate and how; every choice that changes a number.

    Parameters
    ----------
    instrument:
        Detector, pose and beam.
    kind:
        "radial": I(radial); "azimuthal": I(chi); "cake": I(chi, radial).
    npt_rad, npt_azim:
        Number of bins or explicit edges in the unit of the axis; 1 along the direction that is summed over.
    unit, azimuth_unit:
        Units of the two axes.
    radial_range:
        (low, high) in `unit`, or None: everything that the scheme sees.
    azimuth_range:
        (start, stop) in `azimuth_unit`, an arc, or None: the full circle.
    split, average, error_model:
        Names of DESIGN.md section 3; an error model "variance" asks for the variance of every frame
        (:mod:`azimuthal.uncertainty`).
    solid_angle:
        "relative" (to a pixel at the point of normal incidence), "absolute" (sr), "equal_area" or None:
        :mod:`azimuthal.corrections.solid_angle`.
    polarization_factor, polarization_offset:
        Factor in [-1, 1] or None; azimuth of the polarisation plane in rad.
    transmission:
        Of the sensor at normal incidence, or None: :mod:`azimuthal.corrections.absorption`.
    detector_mask:
        Leave out the gaps of the detector.
    invalid_values:
        Leave out values that mark invalid pixels (dtype maximum, NaN, ...).
    dummy, delta_dummy:
        Further invalid values: ``|raw - dummy| <= delta_dummy``.
    engine:
        "auto" or the name of an engine.
    reject:
        How outliers are kept out: a :class:`~azimuthal.rejection.Rejection`, its name or its record; None: not at all.
    covariance:
        Sum the covariance of bins that share pixels too; needs an error model.
    sensor_absorption:
        "auto": absorption in the sensor at an angle is corrected where material, thickness and energy are known;
        "relative", "absolute", or False for none: :mod:`azimuthal.corrections.absorption`.
    dead_time, exposure_time, dead_time_model:
        Of the pixels and of a frame in s, and "paralyzable" or "nonparalyzable"; all three or none:
        :mod:`azimuthal.corrections.dead_time`.
    """

    instrument: Instrument
    kind: Kind
    npt_rad: Bins
    npt_azim: Bins
    unit: Unit
    azimuth_unit: Unit
    radial_range: tuple[float, float] | None = None
    azimuth_range: tuple[float, float] | None = None
    split: Split = "full"
    average: Average = "ratio_of_sums"
    error_model: ErrorModel | None = None
    solid_angle: SolidAngleMode | None = "relative"
    polarization_factor: float | None = None
    polarization_offset: float = 0.0
    transmission: float | None = None
    detector_mask: bool = True
    invalid_values: bool = True
    dummy: float | None = None
    delta_dummy: float | None = None
    engine: str = "auto"
    reject: Rejection | None = None
    covariance: bool = False
    sensor_absorption: SensorAbsorptionMode | Literal[False] = "auto"
    dead_time: float | None = None
    exposure_time: float | None = None
    dead_time_model: DeadTimeModel | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "unit", find_unit(self.unit))
        put(self, "azimuth_unit", find_unit(self.azimuth_unit))
        put(self, "npt_rad", _bins("npt" if self.kind == "radial" else "npt_rad", self.npt_rad))
        put(self, "npt_azim", _bins("npt" if self.kind == "azimuthal" else "npt_azim", self.npt_azim))
        for name in ("radial_range", "azimuth_range"):
            if getattr(self, name) is not None:
                put(self, name, number_pair(name, getattr(self, name)))
        one_of("split", self.split, SPLITS)
        one_of("average", self.average, AVERAGES)
        put(
            self,
            "error_model",
            checked_error_model(self.error_model, has_variance=self.error_model == "variance"),
        )
        put(self, "reject", rejection(self.reject))
        put(self, "solid_angle", _solid_angle(self.solid_angle))
        put(self, "sensor_absorption", checked_sensor_absorption(self.sensor_absorption))
        self.correction_settings()  # validates the values, so that a description that exists can be compiled
        self.pixel_dead_time()
        self._check_dummy()
        one_of("engine", self.engine, ("auto", *engine_names()))
        self._check_ranges()
        self._check_covariance()

    def _check_covariance(self) -> None:
        if not isinstance(self.covariance, bool):
            raise DataTypeError(f"covariance: expected True or False, got {self.covariance!r}.")
        if self.reject is not None and self.dead_time is not None:
            raise UnsupportedOptionError(
                "reject: compares raw values, and dead_time corrects them afterwards. Leave one of the two out."
            )
        if self.covariance and self.reject is not None:
            raise UnsupportedOptionError(
                f"covariance: is not known of bins that each keep other pixels (reject={self.reject.method!r}). Leave "
                "one of the two out."
            )
        if self.covariance and self.error_model is None:
            raise ParameterError(
                "covariance: is that of the errors, and there is no error model. Pass error_model='poisson' or "
                "variance=... as well."
            )

    def _check_dummy(self) -> None:
        if self.delta_dummy is not None and self.dummy is None:
            raise ParameterError("delta_dummy: has no meaning without dummy. Pass dummy=... as well.")

    def _check_ranges(self) -> None:
        for name, bins in (("radial_range", self.npt_rad), ("azimuth_range", self.npt_azim)):
            if isinstance(bins, tuple) and getattr(self, name) is not None:
                raise ParameterError(f"{name}: the bin edges already say the range. Leave one of them out.")
        of_sample = bool(self.azimuth_unit.parameters)  # grazing incidence: any quantity may be the second one
        if self.kind == "azimuthal" and self.azimuth_unit.quantity.period is None and not of_sample:
            raise UnsupportedOptionError(
                f"unit: {self.azimuth_unit.name!r} is not an angle on a circle; an azimuthal profile needs chi_deg or "
                "chi_rad. The radial unit is radial_unit=; for a radial profile use integrate1d()."
            )
        if self.unit.quantity.period is not None:
            raise UnsupportedOptionError(
                f"unit: {self.unit.name!r} is an angle on a circle and cannot be a radial axis. For I(chi) use "
                "integrate_radial()."
            )

    def correction_settings(self) -> CorrectionSettings:
        """Return the choices that :func:`azimuthal.corrections.fold` takes."""
        return CorrectionSettings(
            solid_angle=self.solid_angle or False,
            polarization_factor=self.polarization_factor,
            polarization_offset=self.polarization_offset,
            transmission=self.transmission,
            sensor_absorption=self.sensor_absorption,
        )

    def pixel_dead_time(self) -> DeadTime | None:
        """Return how pixels lose counts, or None."""
        given = {name: getattr(self, name) for name in ("dead_time", "exposure_time", "dead_time_model")}
        missing = [name for name, value in given.items() if value is None]
        if len(missing) == len(given):
            return None
        if missing or self.dead_time is None or self.exposure_time is None or self.dead_time_model is None:
            raise ParameterError(
                "dead_time: the correction needs dead_time (s), exposure_time (s) and dead_time_model ('paralyzable' "
                f"or 'nonparalyzable'); missing: {', '.join(missing)}."
            )
        return DeadTime(self.dead_time, self.exposure_time, self.dead_time_model)

    def checked_frame(self, frame: Any, name: str = "frame") -> AnyArray:
        """Return a raw frame C-contiguous in native byte order; raise where it is none of this detector.

        Raises
        ------
        ShapeError, DataTypeError
            Another shape, a type that is no frame's, or a masked array; `name` is what messages call it.
        """
        if isinstance(frame, np.ma.MaskedArray):
            raise DataTypeError(
                f"{name}: a masked array would lose its mask. Pass {name}.data, and {name}.mask as mask=."
            )
        array: AnyArray = np.asarray(frame)
        detector = self.instrument.detector
        if array.shape != detector.shape:
            raise ShapeError(
                f"{name}: expected shape {detector.shape} (detector {detector.name}), got {array.shape}. "
                "Binned or cropped images need detector.with_binning() or with_region()"
                f"{'; a stack needs plan.map().' if array.ndim > 2 else '.'}"
            )
        check_frame_dtype(array.dtype)
        return np.require(array, array.dtype.newbyteorder("="), ["C_CONTIGUOUS", "ALIGNED"])

    def invalid_ranges(self, dtype: np.dtype[Any]) -> InvalidRanges:
        """Return which raw values do not count in frames of a type."""
        return invalid_ranges(
            self.instrument.detector.invalid,
            dtype,
            dummy=self.dummy,
            delta_dummy=self.delta_dummy,
            enabled=self.invalid_values,
        )

    def replace(self, **changes: Any) -> PlanSpec:
        """Return a copy with some choices changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self, *, inline_arrays: bool = True) -> dict[str, Any]:
        """Return a JSON-able description that :meth:`from_dict` reads.

        With ``inline_arrays=False`` the corners of a detector that is not of the catalogue are given by their digest.
        """
        record: dict[str, Any] = {"version": SPEC_VERSION}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Instrument):
                value = value.to_dict(inline_arrays=inline_arrays)
            elif isinstance(value, Unit | Rejection):
                value = value.to_dict()
            elif isinstance(value, tuple):
                value = list(value)
            record[item.name] = value
        return record

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> PlanSpec:
        """Return the description of a record made by :meth:`to_dict`.

        Raises
        ------
        ParameterError
            The record is of another version.
        UnknownNameError
            It holds a key that is not known.
        """
        values = dict(record)
        if (version := values.pop("version", None)) != SPEC_VERSION:
            raise ParameterError(f"plan: expected description version {SPEC_VERSION}, got {version!r}.")
        known = [item.name for item in fields(cls)]
        for key in values:
            if key not in known:
                raise unknown_name("plan", key, known)
        values["instrument"] = Instrument.from_dict(values["instrument"])
        for name in ("unit", "azimuth_unit"):
            values[name] = Unit.from_dict(values[name])
        for name in ("npt_rad", "npt_azim", "radial_range", "azimuth_range"):
            if isinstance(values.get(name), list):
                values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True, eq=False)
class PixelArrays:
    """The per-pixel inputs of a plan; shape of the frame, or None.

    Parameters
    ----------
    mask:
        bool, True = excluded; combined with the gaps of the detector.
    dark:
        Subtracted from the raw values.
    flat, absorption:
        Multiply the normalisation.
    dark_variance:
        Variance of the dark, or "poisson": the dark is a counted image (:mod:`azimuthal.uncertainty`).
    flat_variance:
        Variance of the flat field.
    """

    mask: AnyArray | None = None
    dark: AnyArray | None = None
    flat: AnyArray | None = None
    absorption: AnyArray | None = None
    dark_variance: AnyArray | Literal["poisson"] | None = None
    flat_variance: AnyArray | None = None
    digests: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digests", {})

    def checked(self, shape: tuple[int, int]) -> PixelArrays:
        """Return read-only copies of the right shape and type, with digests.

        Raises
        ------
        ShapeError, DataTypeError
            Naming the array.
        """
        if self._is_checked(shape):
            return self
        given = self.resolved()
        copies: dict[str, AnyArray] = {}
        for name in _ARRAYS:
            value = getattr(given, name)
            if value is not None:
                check = boolean_mask if name == "mask" else image_array
                copies[name] = np.array(check(name, value, shape), order="C")
                copies[name].flags.writeable = False
        arrays = PixelArrays(**copies)
        for name, copy in copies.items():
            arrays.digests[name] = hashlib.blake2b(copy.data, digest_size=16).hexdigest()
        return arrays

    def resolved(self) -> PixelArrays:
        """Return the same with an array in the place of dark_variance="poisson".

        Raises
        ------
        ParameterError, UnknownNameError
            A variance without what it is the variance of, or a word that is not known.
        """
        for name, of in (("dark_variance", "dark"), ("flat_variance", "flat")):
            if getattr(self, name) is not None and getattr(self, of) is None:
                raise ParameterError(f"{name}: is the variance of the {of}, which is not given. Pass {of}=... as well.")
        if not isinstance(self.dark_variance, str):
            return self
        one_of("dark_variance", self.dark_variance, ("poisson",))
        return dataclasses.replace(self, dark_variance=poisson_variance(np.asarray(self.dark)))

    def _is_checked(self, shape: tuple[int, int]) -> bool:
        """Return whether :meth:`checked` made this for the same shape: thousands of plans may share it."""
        held = {name: array for name in _ARRAYS if (array := getattr(self, name)) is not None}
        return held.keys() == self.digests.keys() and all(np.shape(array) == shape for array in held.values())

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return sum(array.nbytes for name in _ARRAYS if (array := getattr(self, name)) is not None)

    def equals(self, other: PixelArrays) -> bool:
        """Return whether both hold the same values."""
        one, two = self.resolved(), other.resolved()
        for name in _ARRAYS:
            mine, theirs = getattr(one, name), getattr(two, name)
            if mine is theirs:
                continue
            if mine is None or theirs is None or not np.array_equal(mine, theirs):
                return False
        return True


def check_variances(error_model: ErrorModel | None, arrays: PixelArrays) -> None:
    """Raise when the variance of a dark or a flat would be ignored, or counted twice.

    Raises
    ------
    ParameterError
        There is no error model, or the spread of the pixels holds their noise already.
    """
    for name in ("dark_variance", "flat_variance"):
        if getattr(arrays, name) is None:
            continue
        if error_model is None:
            raise ParameterError(
                f"{name}: error_model=None would ignore it. Pass error_model='poisson', or leave it out."
            )
        if error_model == "azimuthal":
            raise ParameterError(
                f"{name}: error_model='azimuthal' would count it twice, because the spread of the pixels holds their "
                "noise already. Leave it out, or pass error_model='poisson'."
            )


def _bins(parameter: str, value: Any) -> Bins:
    if is_edges(value):
        return tuple(float(edge) for edge in np.asarray(value, dtype=np.float64).ravel())
    return positive_integer(parameter, value)


def _solid_angle(value: Any) -> SolidAngleMode | None:
    if value is True:
        return "relative"
    if value is False or value is None:
        return None
    return one_of("solid_angle", value, SOLID_ANGLE_MODES)
