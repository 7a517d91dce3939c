# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Wavelength and energy are two views of one value (U4)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.errors import DataTypeError, ParameterError, WavelengthMissingError
from azimuthal.geometry import Beam


def test_beam_one_angstrom_has_the_codata_energy():
    assert Beam(1e-10).energy == pytest.approx(12.398419843320026, rel=1e-15)


@given(st.floats(0.1, 500.0))
def test_beam_from_energy_round_trip(energy):
    assert Beam.from_energy(energy).energy == pytest.approx(energy, rel=1e-15)


def test_beam_without_wavelength_has_no_energy_and_names_who_asks():
    beam = Beam()
    assert beam.energy is None
    with pytest.raises(WavelengthMissingError, match="unit q_nm"):
        beam.required_wavelength("unit q_nm^-1")


def test_beam_required_wavelength_known_is_returned():
    assert Beam(2e-10).required_wavelength("anything") == 2e-10


@pytest.mark.parametrize("value", [0, -1e-10, math.nan, math.inf])
def test_beam_wavelength_not_positive_and_finite_raises(value):
    with pytest.raises(ParameterError, match="wavelength"):
        Beam(value)


@pytest.mark.parametrize("value", [1.0, 0.1])
def test_beam_wavelength_in_angstrom_or_nanometre_raises_with_the_fix(value):
    with pytest.raises(ParameterError, match="1e-10"):
        Beam(value)


def test_beam_text_raises():
    with pytest.raises(DataTypeError, match="wavelength"):
        Beam("1 A")


def test_beam_energy_not_positive_raises():
    with pytest.raises(ParameterError, match="energy"):
        Beam.from_energy(0)
