# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Small results with every kind of bin: full, empty, and with pixels but not a single count."""

from __future__ import annotations

from typing import Any

import numpy as np

from azimuthal.results import Cake, Profile, Sums
from azimuthal.typing import ErrorModel
from azimuthal.units import Axis

#: Flat positions of the bin without pixels, and of the bin without counts.
EMPTY_BIN, ZERO_BIN = 1, 2


def example_sums(shape: tuple[int, ...], *, seed: int = 0, with_variance: bool = True) -> Sums:
    """Return Poisson counts in fractional pixels; bin 1 is empty and bin 2 has no counts."""
    generator = np.random.default_rng(seed)
    count = generator.uniform(1.0, 9.0, shape)
    count.flat[EMPTY_BIN] = 0.0
    signal = np.where(count > 0, generator.poisson(50, shape), 0).astype(np.float64)
    signal.flat[ZERO_BIN] = 0.0
    return Sums(signal, signal if with_variance else None, 1.1 * count, 1.21 * count, count)


def example_profile(
    unit: str = "q_nm^-1",
    n_bins: int = 12,
    *,
    seed: int = 0,
    low: float = 1.0,
    high: float = 40.0,
    error_model: ErrorModel | None = "poisson",
    **fields: Any,
) -> Profile:
    """Return a profile at 1 angstrom; `fields` go to :class:`azimuthal.results.Profile`."""
    axis = Axis(unit, np.linspace(low, high, n_bins + 1))
    sums = example_sums((n_bins,), seed=seed, with_variance=error_model is not None)
    return Profile(axis, sums, error_model=error_model, **{"wavelength": 1e-10, **fields})


def example_cake(
    unit: str = "q_nm^-1",
    n_radial: int = 7,
    n_azimuthal: int = 5,
    *,
    seed: int = 0,
    error_model: ErrorModel | None = "poisson",
    **fields: Any,
) -> Cake:
    """Return a cake at 1 angstrom, full circle; `fields` go to :class:`azimuthal.results.Cake`."""
    radial = Axis(unit, np.linspace(1.0, 40.0, n_radial + 1))
    azimuthal = Axis("chi_deg", np.linspace(-180.0, 180.0, n_azimuthal + 1))
    sums = example_sums((n_azimuthal, n_radial), seed=seed, with_variance=error_model is not None)
    return Cake(radial, azimuthal, sums, error_model=error_model, **{"wavelength": 1e-10, **fields})
