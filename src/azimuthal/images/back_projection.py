# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Profiles and cakes projected back to images: the inverse of an integration.

With the intensity ``I`` of a result, and ``n``, ``d`` and ``M`` the normalisation and the dark of a pixel and the
monitor of the frame, a pixel would have read ::

    raw = I(pixel) n M + d

``I(pixel)`` is found in one of two ways:

"linear"
    The value at the centre of the pixel, interpolated linearly between the centres of the bins (bilinearly for a cake);
    ends and empty bins as :mod:`azimuthal.images._pixels` says.  Of a smooth curve ``I(x)`` in bins of width ``w`` the
    error of a round trip (image, then integration) is at most about ``I'' (w^2 + p^2) / 8``, ``p`` being the width of a
    pixel along ``x``.
"weights"
    The mean of the bins that the pixel feeds, weighted by how much it gives to each: the transposed weights of the
    splitting.  Steps at the edges of bins stay visible for pixels smaller than a bin.

For all averages ``I`` is the quotient of the sums of signal and normalisation.

Which corrections
    By default those of the recipe that the result carries; dark, flat and absorption are not stored in a result, only
    their digests, so that they have to be passed again and are compared.  With ``corrections={...}`` they are those of
    a call of ``integrate1d`` with these keywords instead, and nothing is compared.

Pixels outside of the range of the result, in its empty bins, in gaps of the detector and in the `mask` hold `fill`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal._validate import one_of, positive_number
from azimuthal.binning import arc
from azimuthal.errors import AzimuthalError, DataTypeError, ParameterError
from azimuthal.images._pixels import (
    AxisPositions,
    PixelField,
    axis_positions,
    bilinear,
    check_linear,
    instrument_of,
    on_arc,
    prepared,
)
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator, PixelArrays, PlanSpec, compile
from azimuthal.integrate.integrator import described
from azimuthal.results import Cake, Profile
from azimuthal.typing import AnyArray, FloatArray
from azimuthal.units import Axis

__all__ = ["image_from_cake", "image_from_profile"]

Method: TypeAlias = Literal["linear", "weights"]
METHODS: tuple[Method, ...] = ("linear", "weights")
_ARRAYS = ("dark", "flat", "absorption")


def image_from_profile(
    profile: Profile,
    instrument: Instrument | Integrator | None = None,
    *,
    corrections: Mapping[str, Any] | None = None,
    mask: Any = None,
    dark: Any = None,
    flat: Any = None,
    absorption: Any = None,
    normalization_factor: float | None = None,
    method: Method = "linear",
    fill: float = np.nan,
) -> FloatArray:
    """Return the image that a profile, radial or azimuthal, stands for.

    Parameters
    ----------
    profile:
        The profile.
    instrument:
        Detector, pose and beam; None: those of the recipe that the profile carries.
    corrections:
        None: the recipe that the profile carries.  Else keywords of :meth:`Integrator.integrate1d`, such as
        ``{"polarization_factor": 0.99}``; ``{}`` for the defaults of that call.
    mask:
        bool, shape of the detector, True: `fill`.
    dark, flat, absorption:
        The arrays that the profile was made with.
    normalization_factor:
        Monitor of the frame to make; None: that of the profile.
    method:
        "linear" or "weights"; see the module docstring.
    fill:
        Value of pixels without intensity.

    Returns
    -------
    :
        Shape of the detector, float64; new memory.

    Raises
    ------
    ParameterError
        The profile carries no recipe, an array of the recipe is missing or is another one, or several frames with
        monitors of their own were merged into the profile.
    DataTypeError, ShapeError, UnknownNameError
        An argument cannot be used.
    """
    if not isinstance(profile, Profile):
        raise DataTypeError(f"profile: expected a Profile, got {type(profile).__name__}.")
    arrays = {"mask": mask, "dark": dark, "flat": flat, "absorption": absorption}
    spec, checked = _description(profile, instrument, corrections, arrays)
    spec = _on_axes(spec, profile.axis)
    factor = _factor(profile, normalization_factor)
    values = _mean_of(profile)
    if one_of("method", method, METHODS) == "weights":
        return _finished(PixelField.of(spec, checked), _by_weights(spec, checked, values), factor, fill)
    is_azimuthal = profile.unit.period is not None

    def make(arrays: PixelArrays) -> tuple[PixelField, AxisPositions]:
        field = PixelField.of(spec, arrays)
        values = field.azimuthal if is_azimuthal else field.radial
        return field, axis_positions(profile.axis, values, threads=field.threads)

    field, positions = prepared(instrument or spec.instrument, "profile", spec, checked, make)
    intensity = positions.at_pixels(values)
    if (outside := _outside(spec, field, is_azimuthal)) is not None:
        intensity[outside] = np.nan
    return _finished(field, intensity, factor, fill)


def image_from_cake(
    cake: Cake,
    instrument: Instrument | Integrator | None = None,
    *,
    corrections: Mapping[str, Any] | None = None,
    mask: Any = None,
    dark: Any = None,
    flat: Any = None,
    absorption: Any = None,
    normalization_factor: float | None = None,
    method: Method = "linear",
    fill: float = np.nan,
) -> FloatArray:
    """Return the image that a cake stands for; parameters and errors are those of :func:`image_from_profile`."""
    if not isinstance(cake, Cake):
        raise DataTypeError(f"cake: expected a Cake, got {type(cake).__name__}.")
    arrays = {"mask": mask, "dark": dark, "flat": flat, "absorption": absorption}
    spec, checked = _description(cake, instrument, corrections, arrays)
    spec = _on_axes(spec, cake.radial_axis, cake.azimuthal_axis)
    factor = _factor(cake, normalization_factor)
    values = _mean_of(cake)
    if one_of("method", method, METHODS) == "weights":
        by_weights = _by_weights(spec, checked, values.reshape(-1))
        return _finished(PixelField.of(spec, checked), by_weights, factor, fill)

    def make(arrays: PixelArrays) -> tuple[PixelField, AxisPositions, AxisPositions]:
        field = PixelField.of(spec, arrays)
        radial = axis_positions(cake.radial_axis, field.radial, threads=field.threads)
        return field, radial, axis_positions(cake.azimuthal_axis, field.azimuthal, threads=field.threads)

    field, radial, azimuthal = prepared(instrument or spec.instrument, "cake", spec, checked, make)
    return _finished(field, bilinear(values, radial, azimuthal), factor, fill)


def _description(
    result: Profile | Cake,
    instrument: Instrument | Integrator | None,
    corrections: Mapping[str, Any] | None,
    arrays: dict[str, Any],
) -> tuple[PlanSpec, PixelArrays]:
    """Return what the image is to be corrected by."""
    if corrections is not None:
        if instrument is None:
            raise ParameterError("instrument: needed together with corrections=. Pass the integrator.")
        for name in corrections:
            if name in (*arrays, "unit", "npt"):
                raise ParameterError(f"corrections: {name!r} does not belong here. Pass it as an argument of its own.")
        unit: Any = "q_nm^-1"  # _on_axes puts the units of the result in its place
        if isinstance(result, Profile) and result.unit.period is None:
            unit = result.unit
        spec, given = described(
            instrument_of(instrument), "cake", {**corrections, **arrays}, npt_rad=1, npt_azim=1, unit=unit
        )
        return spec, given.checked(spec.instrument.detector.shape)
    recipe = result.provenance.get("recipe")
    if not isinstance(recipe, Mapping):
        raise ParameterError(
            f"corrections: the {type(result).__name__.lower()} carries no recipe that says how it was corrected. Pass "
            "corrections={...} with the keywords of integrate1d ({} for its defaults), and the instrument."
        )
    spec = _spec_of(recipe, None if instrument is None else instrument_of(instrument))
    given = PixelArrays(**arrays).checked(spec.instrument.detector.shape)
    _check_digests(given, result.provenance.get("arrays", {}))
    return spec, given


def _spec_of(recipe: Mapping[str, Any], instrument: Instrument | None) -> PlanSpec:
    if instrument is not None:  # the recipe of a detector that is not of the catalogue does not hold its corners
        return PlanSpec.from_dict({**recipe, "instrument": instrument.to_dict()})
    try:
        return PlanSpec.from_dict(dict(recipe))
    except AzimuthalError as error:
        raise ParameterError(f"instrument: the recipe cannot say it ({error}) Pass the integrator.") from error


def _check_digests(given: PixelArrays, recorded: Mapping[str, str]) -> None:
    for name in _ARRAYS:
        mine, theirs = given.digests.get(name), recorded.get(name)
        if mine == theirs:
            continue
        if mine is None:
            raise ParameterError(
                f"{name}: the result was made with one, and it is not stored in the result. Pass {name}=..., or "
                "corrections={...} to choose other corrections."
            )
        was = "without one" if theirs is None else "with another one"
        raise ParameterError(
            f"{name}: the result was made {was}. Pass the same array, or corrections={{...}} to choose other "
            "corrections."
        )


def _on_axes(spec: PlanSpec, *axes: Axis) -> PlanSpec:
    """Return the description with the bins of these axes."""
    check_linear(spec)
    kinds = {False: "radial", True: "azimuthal"}
    # Errors are of no concern to an image.
    changes: dict[str, Any] = {
        "error_model": None,
        "covariance": False,
        "kind": "cake" if len(axes) == 2 else kinds[axes[0].unit.period is not None],
    }
    for axis in axes:
        is_second = axis is axes[-1] and (len(axes) == 2 or axis.unit.period is not None)
        names = ("npt_azim", "azimuth_unit", "azimuth_range") if is_second else ("npt_rad", "unit", "radial_range")
        changes |= dict(zip(names, (tuple(axis.edges), axis.unit, None), strict=True))
    if changes["kind"] == "radial" and not isinstance(spec.npt_azim, tuple):
        changes["npt_azim"] = 1
    if changes["kind"] == "azimuthal" and not isinstance(spec.npt_rad, tuple):
        changes["npt_rad"] = 1
    return spec.replace(**changes)


def _factor(result: Profile | Cake, given: float | None) -> float:
    if given is not None:
        return positive_number("normalization_factor", given)
    if (n_merged := result.provenance.get("n_merged", 1)) != 1:
        raise ParameterError(
            f"normalization_factor: {n_merged} frames were merged, and which monitor the image is to have is not "
            "known. Pass normalization_factor=..."
        )
    return result.normalization_factor


def _mean_of(result: Profile | Cake) -> FloatArray:
    signal, normalization = result.sums.signal, result.sums.normalization
    mean = np.full(signal.shape, np.nan)
    np.divide(signal, normalization, out=mean, where=normalization != 0)
    return mean


def _by_weights(spec: PlanSpec, arrays: PixelArrays, values: FloatArray) -> FloatArray:
    matrix = compile(spec, arrays).matrix
    found = values[matrix.indices]
    holds = ~np.isnan(found)
    pixel, weight = matrix.entry_pixels()[holds], matrix.entry_weights()[holds]
    total = np.bincount(pixel, weights=weight * found[holds], minlength=matrix.n_pixels)
    weights = np.bincount(pixel, weights=weight, minlength=matrix.n_pixels)
    mean = np.full(total.size, np.nan)
    np.divide(total, weights, out=mean, where=weights > 0)
    return mean


def _outside(spec: PlanSpec, field: PixelField, is_azimuthal: bool) -> AnyArray | None:
    """Return which pixels lie outside the range of the direction that was summed over; None: none does."""
    unit = spec.unit if is_azimuthal else spec.azimuth_unit
    limits = spec.radial_range if is_azimuthal else spec.azimuth_range
    bins = spec.npt_rad if is_azimuthal else spec.npt_azim
    if isinstance(bins, tuple):
        limits = (bins[0], bins[-1])
    values = field.radial if is_azimuthal else field.azimuthal
    if limits is None:
        return None
    if unit.period is not None:
        limits = arc("azimuth_range", limits, unit.period)
        values = on_arc(values, unit, limits[0])
    return ~((values >= limits[0]) & (values <= limits[1]))


def _finished(field: PixelField, intensity: FloatArray, factor: float, fill: Any) -> FloatArray:
    if isinstance(fill, (str, bytes)) or not np.isscalar(fill):
        raise DataTypeError(f"fill: expected a number or NaN, got {fill!r}.")
    image = field.raw(intensity, factor)
    image[(field.excluded | np.isnan(intensity)).reshape(field.shape)] = fill
    return image
