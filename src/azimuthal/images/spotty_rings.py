# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Spottiness: how much the intensity varies along a ring, beyond what counting makes.

Of the pixels of a ring, whole pixels and none left out, with ``s``, ``n``, ``m`` and ``std`` as in
:mod:`azimuthal.images.rings`:

.. math::

    V_b &= \mathrm{std}^2                               \quad\text{(what is found)} \\
    P_b &= \sum \max(\mathrm{raw}, 0) / \sum n^2         \quad\text{(what counting makes)} \\
    D_b &= V_b / P_b                                    \quad\text{dispersion} \\
    S_b &= \sqrt{\max(V_b - P_b, 0)} / m                \quad\text{spottiness}

Dispersion
    Fisher's index of dispersion (R. A. Fisher, Statistical Methods for Research Workers, 1925): 1 for a smooth ring of
    counted photons, above 1 for a spotty one, below 1 where values are no counts (or were summed with a gain below 1).
    For a smooth ring of N pixels its standard deviation is ``sqrt(2 / (N - 1))`` about 1, whatever the intensity
    (`dispersion_sigma`), which says whether a ring is spotty at all.

Spottiness
    The relative standard deviation of the intensity itself: 0 for a smooth ring, whatever its intensity, 0.1 when
    grains make the intensity vary by 10 % from pixel to pixel.  The familiar ``sqrt(var / signal^2)`` without
    taking the counting away depends on the exposure: 1 / sqrt(counts) for a smooth ring.

One number, the root of the mean over all rings, weighted by their pixels and by the square of their intensity, which
keeps rings without intensity from deciding:

.. math:: S = \sqrt{\max(\sum N_b (V_b - P_b), 0) / \sum N_b m_b^2}

Limits: the slope of the profile inside of a bin counts as spottiness; make bins narrower than half a ring.  Detectors
that spread a photon over pixels make the dispersion smaller than 1.  Grains larger than a pixel make the same value as
small ones of the same contrast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from azimuthal.images.rings import ClipSettings, RingModel
from azimuthal.instrument import Instrument
from azimuthal.integrate import Integrator
from azimuthal.typing import FloatArray
from azimuthal.units import Axis

__all__ = ["Spottiness", "spottiness"]


@dataclass(frozen=True, slots=True, eq=False)
class Spottiness:
    """How spotty every ring is; arrays of shape (n_bins,), NaN for fewer than two pixels or no intensity.

    Parameters
    ----------
    axis:
        The rings.
    per_bin:
        Spottiness: 0 for a smooth ring.
    dispersion, dispersion_sigma:
        Index of dispersion: 1 for a smooth ring, and how much it may differ from 1.
    count:
        Pixels of the ring.
    total:
        One number for the image, 0 for smooth rings; NaN without intensity.
    provenance:
        How it was made; ready for JSON.
    """

    axis: Axis
    per_bin: FloatArray
    dispersion: FloatArray
    dispersion_sigma: FloatArray
    count: FloatArray
    total: float
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Spottiness: {self.total:.4g} over {self.axis.n_bins} bins of {self.axis.unit.name}>"


def spottiness(
    image: Any, instrument: Instrument | Integrator, npt: Any, *, unit: Any = "q_nm^-1", **options: Any
) -> Spottiness:
    """Return how spotty the rings of an image are.

    Parameters
    ----------
    image:
        Raw frame of counts; shape of the detector.
    instrument:
        An integrator, or an instrument.
    npt, unit, **options:
        As for :meth:`Integrator.integrate1d`, without splitting.

    Raises
    ------
    AzimuthalError
        Something cannot be used; nothing is guessed.
    """
    rings = RingModel.of(instrument, npt, unit=unit, **options)
    found = rings.clipped(rings.checked_frame(image), ClipSettings(max_iter=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = found.std**2
        counting = found.counts / found.normalization2
        mean = found.mean
        dispersion = np.where(counting > 0, variance / counting, np.nan)
        relative = np.where(mean > 0, np.sqrt(np.maximum(variance - counting, 0.0)) / mean, np.nan)
        sigma = np.sqrt(2.0 / (found.n_valid - 1.0))
        known = ~np.isnan(variance)
        weight = found.n_valid[known]
        squares = float((weight * mean[known] ** 2).sum())
        excess = float((weight * (variance - counting)[known]).sum())
    return Spottiness(
        rings.axis,
        relative,
        dispersion,
        np.where(np.isnan(dispersion), np.nan, sigma),
        found.n_valid,
        float(np.sqrt(max(excess, 0.0) / squares)) if squares > 0 else float("nan"),
        {"recipe": rings.spec.to_dict(inline_arrays=False), "arrays": dict(rings.arrays.digests)},
    )
