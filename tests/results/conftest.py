# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Small results with every kind of bin: full, empty, without a single count."""

import numpy as np
import pytest

from azimuthal.results import Cake, Profile, Sums
from azimuthal.units import Axis


def _sums(shape, seed, *, with_variance=True):
    generator = np.random.default_rng(seed)
    count = generator.uniform(1.0, 9.0, shape)
    count.flat[1] = 0.0
    signal = np.where(count > 0, generator.poisson(50, shape), 0).astype(float)
    signal.flat[2] = 0.0
    return Sums(signal, signal if with_variance else None, 1.1 * count, 1.21 * count, count)


@pytest.fixture
def make_profile():
    def make(unit="q_nm^-1", n_bins=12, *, seed=0, low=1.0, high=40.0, error_model="poisson", **fields):
        axis = Axis(unit, np.linspace(low, high, n_bins + 1))
        sums = _sums((n_bins,), seed, with_variance=error_model is not None)
        return Profile(axis, sums, error_model=error_model, **{"wavelength": 1e-10, **fields})

    return make


@pytest.fixture
def make_cake():
    def make(unit="q_nm^-1", n_radial=7, n_azimuthal=5, *, seed=0, error_model="poisson", **fields):
        radial = Axis(unit, np.linspace(1.0, 40.0, n_radial + 1))
        azimuthal = Axis("chi_deg", np.linspace(-180.0, 180.0, n_azimuthal + 1))
        sums = _sums((n_azimuthal, n_radial), seed, with_variance=error_model is not None)
        return Cake(radial, azimuthal, sums, error_model=error_model, **{"wavelength": 1e-10, **fields})

    return make
