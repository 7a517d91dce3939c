# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The incident beam: one stored value, seen as wavelength or as photon energy."""

from __future__ import annotations

from dataclasses import dataclass

from azimuthal._validate import positive_number
from azimuthal.errors import ParameterError, WavelengthMissingError
from azimuthal.units import HC_KEV_M


@dataclass(frozen=True, slots=True)
class Beam:
    """A monochromatic beam along laboratory axis 3.

    Parameters
    ----------
    wavelength:
        In m, or None when it is not known: angles and radii can still be computed, q and d cannot.

    Raises
    ------
    ParameterError
        Not positive and finite, or above 1e-6 m, which is an angstrom or nanometre value given as metres.
    """

    wavelength: float | None = None

    def __post_init__(self) -> None:
        if self.wavelength is None:
            return
        value = positive_number("wavelength", self.wavelength, unit="m")
        if value > 1e-6:
            raise ParameterError(
                f"wavelength: expected metres (1 angstrom is 1e-10), got {value}. Multiply angstrom by 1e-10."
            )
        object.__setattr__(self, "wavelength", value)

    @classmethod
    def from_energy(cls, energy_kev: float) -> Beam:
        """Construct from the photon energy in keV: ``wavelength = h c / energy``."""
        return cls(HC_KEV_M / positive_number("energy", energy_kev, unit="keV"))

    @property
    def energy(self) -> float | None:
        """Photon energy in keV, or None when the wavelength is not known."""
        return None if self.wavelength is None else HC_KEV_M / self.wavelength

    def required_wavelength(self, purpose: str) -> float:
        """Return the wavelength in m, or raise an error that says what needs it."""
        if self.wavelength is None:
            raise WavelengthMissingError(
                f"wavelength: {purpose} needs it and the geometry has none. Pass wavelength=... in m (or energy= in "
                "keV), or add 'Wavelength:' to the geometry file."
            )
        return self.wavelength
