# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Separation of an image into Bragg spots and what is smooth along the rings.

The smooth part, called amorphous here whatever makes it, is the robust mean of every ring projected back to the pixels:
clipped as :mod:`azimuthal.images.rings` does it, or the median or the mean between two quantiles of
:mod:`azimuthal.rejection`; the rest is Bragg::

    amorphous = m n + dark
    bragg     = image - amorphous          at every pixel that counts

Their sum is the image to the rounding of float64; at pixels that do not count (gaps, mask, invalid values, out of the
range) both are NaN.  The Bragg part is not cut at zero: half of the pixels of a smooth image are below their mean, and
leaving them out would make intensity of noise.

With ``error_model="poisson"``, ``amorphous_sigma = n sem(m)``, interpolated as the mean is, and
``bragg_sigma = sqrt(max(raw, 0) + amorphous_sigma^2)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal._validate import number_pair, one_of
from azimuthal._version import __version__
from azimuthal.errors import ParameterError, UnsupportedOptionError
from azimuthal.images._pixels import prepared
from azimuthal.images.rings import ClipSettings, RingBackground, RingModel, Spread
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator, PixelArrays, Plan, compile
from azimuthal.rejection import Rejection
from azimuthal.results import Profile, Sums
from azimuthal.typing import AnyArray, FloatArray

__all__ = ["Separation", "separate"]

RobustMean: TypeAlias = Literal["sigma", "median", "quantile"]
METHODS: tuple[RobustMean, ...] = ("sigma", "median", "quantile")


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """The two parts of an image; see the module docstring.

    Parameters
    ----------
    bragg, amorphous:
        float64, shape of the frame, raw units; NaN where a pixel does not count.
    profile:
        The robust mean of every ring.
    bragg_sigma, amorphous_sigma:
        Uncertainties, or None without an error model.
    provenance:
        How it was made; ready for JSON.
    """

    bragg: FloatArray
    amorphous: FloatArray
    profile: Profile
    bragg_sigma: FloatArray | None = None
    amorphous_sigma: FloatArray | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Separation of {self.bragg.shape[0]} x {self.bragg.shape[1]} pixels: {self.profile!r}>"


def separate(
    image: Any,
    instrument: Instrument | Integrator,
    npt: Any,
    *,
    unit: Any = "q_nm^-1",
    method: RobustMean = "sigma",
    quantile: tuple[float, float] | None = None,
    cutoff_clip: float = 0.0,
    spread: Spread = "azimuthal",
    max_iter: int = 10,
    noise: float | None = None,
    threads: int | None = None,
    **options: Any,
) -> Separation:
    """Return an image as Bragg spots and a smooth part.

    Parameters
    ----------
    image:
        Raw frame; shape of the detector; never modified.
    instrument:
        An integrator, or an instrument.
    npt, unit:
        Rings: number or edges, and their unit.
    method:
        "sigma": mean after sigma clipping; "median"; "quantile": mean of what lies between two quantiles.
    quantile:
        (low, high), for the method "quantile".
    cutoff_clip, spread, max_iter:
        For the method "sigma": :class:`azimuthal.images.rings.ClipSettings`.
    noise:
        Of a raw value, for the method "sigma"; None: 1 for integer frames, the step between their values, and 0 for
        floats.
    threads:
        Number of threads; None for all that this process may use.
    **options:
        Of :meth:`Integrator.integrate1d`: ``mask``, ``dark``, ``flat``, ``error_model="poisson"`` ...

    Raises
    ------
    AzimuthalError
        Something cannot be used; the message names it.
    """
    trimming = _trimming(one_of("method", method, METHODS), quantile)
    if options.get("error_model") not in (None, "poisson"):
        raise UnsupportedOptionError(f"error_model: expected None or 'poisson', got {options['error_model']!r}.")
    for name in ("dark_variance", "flat_variance"):
        if options.get(name) is not None:
            raise UnsupportedOptionError(f"{name}: is not part of the uncertainties of a separation. Leave it out.")
    rings = RingModel.of(instrument, npt, unit=unit, threads=threads, with_errors=True, **options)
    raw = rings.checked_frame(image)
    step = (1.0 if raw.dtype.kind in "iu" else 0.0) if noise is None else noise
    settings = ClipSettings(cutoff_clip, spread, max_iter, step)
    recipe = {
        "program": "azimuthal",
        "version": __version__,
        "recipe": rings.spec.to_dict(inline_arrays=False),
        "arrays": dict(rings.arrays.digests),
        "separation": {
            "method": method,
            "quantile": quantile,
            "cutoff_clip": cutoff_clip,
            "spread": spread,
            "noise": step,
        },
    }
    if trimming is None:
        profile = _profile(rings, rings.clipped(raw, settings), recipe)
    else:
        profile = _trimmed(instrument, rings, raw, trimming, recipe)
    return _parts(rings, raw, profile, recipe)


def _trimming(method: RobustMean, quantile: tuple[float, float] | None) -> Rejection | None:
    if (method == "quantile") != (quantile is not None):
        raise ParameterError(
            f"quantile: goes together with method='quantile'; got quantile={quantile} and method={method!r}."
        )
    if quantile is not None:
        return Rejection("quantile", quantiles=number_pair("quantile", quantile))
    return Rejection("median") if method == "median" else None


def _trimmed(
    instrument: Instrument | Integrator, rings: RingModel, raw: AnyArray, trimming: Rejection, recipe: dict[str, Any]
) -> Profile:
    """Return the means of rings that the engine makes with a rejection."""
    spec = replace(rings.spec, reject=trimming)

    def compiled(arrays: PixelArrays) -> Plan:
        return compile(spec, arrays, threads=rings.threads)

    plan = prepared(instrument, f"trimmed rings {rings.threads}", spec, rings.arrays, compiled)
    profile = plan(raw.reshape(rings.shape))
    assert isinstance(profile, Profile)  # of kind "radial"
    return replace(profile, provenance=recipe)


def _profile(rings: RingModel, background: RingBackground, recipe: dict[str, Any]) -> Profile:
    model = rings.spec.error_model
    sums = Sums(
        background.signal,
        None if model is None else background.counts,
        background.normalization,
        background.normalization2,
        background.n_kept,
    )
    wavelength = rings.spec.instrument.wavelength
    return Profile(rings.axis, sums, error_model=model, wavelength=wavelength, provenance=recipe)


def _parts(rings: RingModel, raw: AnyArray, profile: Profile, recipe: dict[str, Any]) -> Separation:
    excluded = ~rings.valid_pixels(raw).reshape(rings.shape)
    amorphous = rings.field.raw(rings.positions.at_pixels(profile.intensity), 1.0)
    amorphous[excluded] = np.nan
    bragg = raw.reshape(rings.shape) - amorphous
    if profile.sem is None:
        return Separation(bragg, amorphous, profile, provenance=recipe)
    sigma = rings.positions.at_pixels(profile.sem)
    if rings.field.normalization is not None:
        sigma *= rings.field.normalization
    sigma = sigma.reshape(rings.shape)
    sigma[excluded] = np.nan
    with np.errstate(invalid="ignore"):
        bragg_sigma = np.sqrt(np.maximum(raw.reshape(rings.shape), 0) + sigma**2)
    return Separation(bragg, amorphous, profile, bragg_sigma, sigma, recipe)
