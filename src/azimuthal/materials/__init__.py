# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Materials that photons cross, and how strongly they attenuate: :mod:`azimuthal.materials.attenuation`."""

from azimuthal.materials.attenuation import (
    ENERGY_RANGE_KEV,
    Material,
    attenuation_coefficient,
    mass_attenuation,
    material,
    material_names,
    transmitted_fraction,
)

__all__ = [
    "ENERGY_RANGE_KEV",
    "Material",
    "attenuation_coefficient",
    "mass_attenuation",
    "material",
    "material_names",
    "transmitted_fraction",
]
