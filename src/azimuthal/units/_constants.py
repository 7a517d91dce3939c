# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Physical constants (exact in the SI of 2019)."""

from __future__ import annotations

PLANCK_J_S = 6.62607015e-34
SPEED_OF_LIGHT_M_S = 299792458.0
ELEMENTARY_CHARGE_C = 1.602176634e-19

#: Photon energy times wavelength, keV m: 12.398419843320026 keV Angstrom.
HC_KEV_M = PLANCK_J_S * SPEED_OF_LIGHT_M_S / ELEMENTARY_CHARGE_C * 1e-3
