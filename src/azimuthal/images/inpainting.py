# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Inpainting: pixels without data filled from what the same ring has to the left and to the right.

1. The valid pixels are integrated to a cake, each in the bin of its centre, with all corrections.
2. An empty bin of the cake gets a value interpolated linearly along the azimuth between the nearest bins with data on
   either side, at the same radius.  Around a full circle the search goes on beyond the seam.
3. The cake is projected back to the pixels to fill: bilinear, times normalisation, plus dark.

A radius at which no pixel has data stays empty, and so do the pixels there: they are reported as `unfilled`, and hold
NaN.  Nothing is taken from another radius but for the interpolation between neighbouring bins.

With a seed the filled pixels get the noise of counting: a draw from the Poisson distribution of the expected raw value.
Without, they hold the expected value, which is smoother than its surroundings.

What is filled is made up from the rest.  It suits pictures and programs that cannot cope with gaps; it adds no
information, and pixels filled this way should not be integrated with error models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from azimuthal._validate import boolean_mask
from azimuthal._version import __version__
from azimuthal.errors import UnsupportedOptionError
from azimuthal.images._pixels import (
    AxisPositions,
    PixelField,
    axis_positions,
    bilinear,
    check_linear,
    checked_seed,
    instrument_of,
)
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator, PixelArrays, Plan
from azimuthal.masks import invalid_pixels
from azimuthal.results import Cake
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = ["Inpainting", "inpaint"]


@dataclass(frozen=True, slots=True, eq=False)
class Inpainting:
    """An image with its gaps filled.

    Parameters
    ----------
    image:
        float64, shape of the frame: raw values; NaN where nothing could be filled in.
    filled:
        bool: pixels whose values were made up.
    unfilled:
        bool: pixels that have no value.
    provenance:
        How it was made; ready for JSON.
    """

    image: FloatArray
    filled: BoolArray
    unfilled: BoolArray
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        n_filled, n_unfilled = int(self.filled.sum()), int(self.unfilled.sum())
        return f"<Inpainting: {n_filled} of {self.image.size} pixels filled, {n_unfilled} could not be>"


def inpaint(
    image: Any,
    instrument: Instrument | Integrator,
    *,
    mask: Any = None,
    npt_rad: Any = 1000,
    npt_azim: Any = 360,
    unit: Any = "r_mm",
    seed: int | None = None,
    **options: Any,
) -> Inpainting:
    """Return an image with masked pixels, gaps and invalid values filled in.

    Parameters
    ----------
    image:
        Raw frame; shape of the detector; never modified.
    instrument:
        An integrator, or an instrument.
    mask:
        bool, True: fill this pixel; in addition to the gaps of the detector and to invalid values.
    npt_rad, npt_azim, unit:
        Bins of the cake: a bin should be about as large as a pixel along the radius.
    seed:
        None: expected values.  An integer: Poisson noise, the same for the same seed.
    **options:
        Of :meth:`Integrator.integrate2d`: ``dark``, ``flat``, ``polarization_factor``, ``radial_range`` ...

    Raises
    ------
    UnsupportedOptionError
        Splitting is asked for: neighbours along the azimuth would be mixed; or errors, which are not returned.
    AzimuthalError
        Something cannot be used; the message names it.
    """
    if options.setdefault("split", "none") != "none":
        raise UnsupportedOptionError("split: pixels are not split for inpainting. Leave it out, or pass split='none'.")
    if options.get("average", "ratio_of_sums") != "ratio_of_sums":
        raise UnsupportedOptionError(f"average: expected 'ratio_of_sums', got {options['average']!r}. Leave it out.")
    for name in ("error_model", "covariance", "reject", "dark_variance", "flat_variance"):
        if options.get(name) is not None and options[name] is not False:
            raise UnsupportedOptionError(f"{name}: has no meaning here: filled pixels have no errors. Leave it out.")
    if seed is not None:
        checked_seed(seed)
    integrator = (
        instrument if isinstance(instrument, Integrator) else Integrator.from_instrument(instrument_of(instrument))
    )
    plan = integrator.plan2d(npt_rad, npt_azim, unit=unit, mask=mask, **options)
    check_linear(plan.spec)
    cake = plan(image)
    to_fill = _without_data(plan, np.asarray(image))
    return _filled(np.asarray(image), to_fill, _expected(integrator, plan, cake), seed, cake.provenance)


def filled_along_azimuth(values: FloatArray, *, is_circle: bool) -> FloatArray:
    """Return ``values[azimuthal, radial]`` with NaN filled by linear interpolation along the first axis.

    Parameters
    ----------
    values:
        The cake; NaN: no data.
    is_circle:
        Whether the last row is the neighbour of the first.  If not, nothing is filled outside of the rows with data.

    Returns
    -------
    :
        Same shape; a column without any data stays NaN.
    """
    n_rows = values.shape[0]
    filled = values.copy()
    rows = np.arange(n_rows)
    for column in np.flatnonzero(np.isnan(values).any(axis=0)):
        known = np.flatnonzero(~np.isnan(values[:, column]))
        if known.size == 0:
            continue
        period = {"period": n_rows} if is_circle else {"left": np.nan, "right": np.nan}
        filled[:, column] = np.interp(rows, known, values[known, column], **period)
    return filled


def _without_data(plan: Plan, image: AnyArray) -> BoolArray:
    """Return the pixels that the user, the detector or their own value calls empty."""
    spec = plan.spec
    empty: BoolArray = invalid_pixels(image, spec.invalid_ranges(image.dtype))
    if spec.detector_mask:
        empty |= spec.instrument.detector.gap_mask()
    if plan.arrays.mask is not None:
        empty |= boolean_mask("mask", plan.arrays.mask, plan.shape)
    return empty


def _expected(integrator: Integrator, plan: Plan, cake: Cake) -> FloatArray:
    """Return the raw value that the neighbours along the azimuth make every pixel expect; NaN where there are none."""

    def make(arrays: PixelArrays) -> tuple[PixelField, AxisPositions, AxisPositions]:
        field = PixelField.of(plan.spec, arrays)
        radial = axis_positions(cake.radial_axis, field.radial, threads=field.threads)
        return field, radial, axis_positions(cake.azimuthal_axis, field.azimuthal, threads=field.threads)

    field, radial, azimuthal = integrator.prepared("inpainting", plan.spec, plan.arrays, make)
    values = filled_along_azimuth(cake.intensity, is_circle=azimuthal.is_circle)
    expected = field.raw(bilinear(values, radial, azimuthal), 1.0)
    if field.normalization is not None:  # 0 where a correction has no value
        expected[(field.normalization == 0).reshape(field.shape)] = np.nan
    return expected


def _filled(
    image: AnyArray, to_fill: BoolArray, expected: FloatArray, seed: int | None, recipe: Mapping[str, Any]
) -> Inpainting:
    result = image.astype(np.float64)
    values = expected[to_fill]
    if seed is not None:
        known = ~np.isnan(values)
        values[known] = np.random.default_rng(seed).poisson(np.maximum(values[known], 0.0))
    result[to_fill] = values
    unfilled = np.isnan(result)
    filled = to_fill & ~unfilled
    return Inpainting(result, filled, unfilled, {"version": __version__, "recipe": recipe["recipe"], "seed": seed})
