# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Corrected images: the corrections of an integration, pixel by pixel.

Definition
    With the offset (dark) and the normalisation n (flat, absorption image, solid angle, polarisation, absorption in the
    sensor) of :mod:`azimuthal.corrections`, the dead time and the monitor M ::

        image      I = (N - offset) / (n M)         N: raw counts, corrected for dead time where that is asked for
        variance   (v + vd) / (n M)^2 + I^2 vf / flat^2

    with v: max(raw, 0), or as given, stretched by the dead time; vd, vf: variances of the dark and the flat, where they
    are given. Where a plan takes the mean of the bin for the last term, a single pixel has its own value only.

    A pixel that is masked, invalid or cannot be corrected is NaN.

Agreement with integration
    The arrays are made by the same functions, so that the ratio of sums of a bin is ::

        sum(c n M I) / sum(c n M)                   c: weights of the plan

    of the corrected image. The plain mean of the corrected image over a bin is ``average="mean_of_ratios"``.

Limits
    A corrected image must not be integrated with corrections once more: pass ``solid_angle=False`` and
    ``sensor_absorption=False``, and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal import masks
from azimuthal._validate import positive_number
from azimuthal.corrections import FoldedCorrections, fold
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.integrate import Integrator, PixelArrays, PlanSpec
from azimuthal.integrate.spec import check_variances
from azimuthal.typing import BoolArray, FloatArray
from azimuthal.uncertainty import checked_variance, poisson_variance
from azimuthal.units import unit as find_unit

__all__ = ["CorrectedImage", "ImageCorrection", "image_correction"]

_ARRAYS = ("mask", "dark", "flat", "absorption", "dark_variance", "flat_variance")
_REFUSED = ("split", "average", "radial_range", "azimuth_range", "engine")


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedImage:
    """A corrected image.

    Parameters
    ----------
    image:
        float64, shape of the detector; NaN where a pixel has no value.
    variance:
        float64, or None without an error model.
    mask:
        True where the image is NaN.
    corrections:
        JSON-able: what was done.
    """

    image: FloatArray
    variance: FloatArray | None
    mask: BoolArray
    corrections: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class ImageCorrection:
    """Corrects frames; immutable, and safe to call from any number of threads.

    Made by :func:`image_correction`.

    Attributes
    ----------
    spec:
        The choices, as those of a plan.
    arrays:
        Mask, dark, flat and absorption.
    folded:
        Offset and normalisation.
    mask:
        True where a pixel never has a value.
    """

    spec: PlanSpec
    arrays: PixelArrays
    folded: FoldedCorrections
    mask: BoolArray

    @property
    def normalization(self) -> FloatArray:
        """What corrected counts are divided by, float64, shape of the detector; NaN where masked."""
        values = np.ones(self.mask.shape) if self.folded.normalization is None else self.folded.normalization
        return np.where(self.mask, np.nan, values)

    @property
    def corrections(self) -> dict[str, Any]:
        """JSON-able: what is done; as in ``provenance["corrections"]`` of a profile."""
        dead_time = self.spec.pixel_dead_time()
        told = (
            None
            if dead_time is None
            else {"tau": dead_time.tau, "exposure": dead_time.exposure, "model": dead_time.model}
        )
        return dict(self.folded.summary) | {"dead_time": told}

    def __call__(self, frame: Any, *, normalization_factor: float = 1.0, variance: Any = None) -> CorrectedImage:
        """Correct one frame.

        Parameters
        ----------
        frame:
            Raw values, shape of the detector; never modified.
        normalization_factor:
            Monitor.
        variance:
            Of every raw value, for the error model "variance".

        Returns
        -------
        :
            The image and its variance.

        Raises
        ------
        ShapeError, DataTypeError, ParameterError
            The frame, the variance or the monitor cannot be used.
        """
        raw = self.spec.checked_frame(frame)
        invalid = self.mask | masks.invalid_pixels(raw, self.spec.invalid_ranges(raw.dtype))
        counts, spread = self._counts(raw, invalid, variance)
        scale = self.normalization * positive_number("normalization_factor", normalization_factor)
        with np.errstate(invalid="ignore", over="ignore"):
            image = (counts if self.folded.offset is None else counts - self.folded.offset) / scale
            spread = None if spread is None else self._spread(spread, image, scale)
        empty = invalid | ~np.isfinite(image)
        image[empty] = np.nan
        if spread is not None:
            spread[empty] = np.nan
        return CorrectedImage(image, spread, empty, self.corrections)

    def _spread(self, counts: FloatArray, image: FloatArray, scale: FloatArray) -> FloatArray:
        """Return the variance of the image: of counts, dark and flat."""
        arrays = self.arrays
        dark = 0.0 if arrays.dark_variance is None else np.asarray(arrays.dark_variance)
        total: FloatArray = (counts + dark) / scale**2
        if arrays.flat_variance is not None and arrays.flat is not None:
            flat = np.where(self.mask, 1.0, arrays.flat)
            total = total + image**2 * np.asarray(arrays.flat_variance) / flat**2
        return total

    def _counts(self, raw: Any, invalid: BoolArray, variance: Any) -> tuple[FloatArray, FloatArray | None]:
        """Return linear counts and their variance, NaN where invalid."""
        model, dead_time = self.spec.error_model, self.spec.pixel_dead_time()
        if (variance is not None) != (model == "variance"):
            raise ParameterError(
                f"variance: error_model={model!r} and {'a' if variance is not None else 'no'} variance contradict each "
                "other. Pass error_model='variance' and variance=..., or neither."
            )
        usable = np.where(invalid, 0, raw)
        spread: FloatArray | None = None
        if model == "variance":
            spread = np.array(checked_variance(variance, shape=raw.shape, excluded=invalid))
        elif model == "poisson":
            spread = poisson_variance(usable)
        if dead_time is None:
            counts = usable.astype(np.float64)
        else:
            counts, slope = dead_time.corrected_with_slope(usable)
            if spread is not None:
                spread = dead_time.variance(usable, slope) if model == "poisson" else spread * slope**2
        counts[invalid] = np.nan
        return counts, spread


def image_correction(integrator: Integrator, *, error_model: str | None = "poisson", **options: Any) -> ImageCorrection:
    """Return what corrects the frames of an instrument.

    Parameters
    ----------
    integrator:
        The instrument.
    error_model:
        "poisson", "variance" or None.
    **options:
        Those of :meth:`azimuthal.Integrator.integrate1d` that act on pixels: mask, detector_mask, dark, flat,
        absorption, dark_variance, flat_variance, solid_angle, polarization_factor, polarization_offset, transmission,
        sensor_absorption, dead_time, exposure_time, dead_time_model, dummy, delta_dummy, invalid_values; with the same
        defaults.

    Returns
    -------
    :
        Call it with a frame.

    Raises
    ------
    UnsupportedOptionError
        An error model that needs bins.
    ParameterError, ShapeError, DataTypeError
        A choice or an array cannot be used.
    """
    if error_model not in (None, "poisson", "variance"):
        raise UnsupportedOptionError(
            f"error_model: {error_model!r} needs the other pixels of a bin; a single pixel has None, 'poisson' or "
            "'variance'."
        )
    for name in _REFUSED:
        if name in options:
            raise ParameterError(f"{name}: says how to integrate; an image is corrected pixel by pixel. Leave it out.")
    arrays = PixelArrays(**{name: options.pop(name, None) for name in _ARRAYS})
    choices: dict[str, Any] = {"error_model": error_model, **options}
    try:
        spec = PlanSpec(
            integrator.instrument, "radial", 1, 1, find_unit("r_mm"), find_unit("chi_deg"), **choices
        )  # r needs no wavelength
    except TypeError:
        from azimuthal._validate import unknown_name

        known = [name for name in PlanSpec.__dataclass_fields__ if name not in _REFUSED]
        unknown = next(name for name in options if name not in known)
        raise unknown_name("parameter", unknown, (*known, *_ARRAYS)) from None
    return _compiled(spec, arrays)


def _compiled(spec: PlanSpec, arrays: PixelArrays) -> ImageCorrection:
    detector = spec.instrument.detector
    checked = arrays.checked(detector.shape)
    check_variances(spec.error_model, checked)
    masked = detector.gap_mask() if spec.detector_mask else np.zeros(detector.shape, bool)
    if checked.mask is not None:
        masked = masked | checked.mask
    folded = fold(
        spec.instrument,
        spec.correction_settings(),
        dark=checked.dark,
        flat=checked.flat,
        absorption=checked.absorption,
        mask=masked,
        n_threads=1,
    )
    if folded.excluded is not None:
        masked = masked | folded.excluded
    return ImageCorrection(spec, checked, folded, masked)
