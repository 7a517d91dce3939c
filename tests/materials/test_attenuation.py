# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Attenuation coefficients against published numbers and against the source of the table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from azimuthal.errors import ParameterError, UnknownNameError
from azimuthal.materials import (
    Material,
    attenuation_coefficient,
    mass_attenuation,
    material,
    material_names,
    transmitted_fraction,
)
from azimuthal.materials.attenuation import _elements

# NIST XCOM (total attenuation with coherent scattering), cm^2/g.
XCOM = [
    ("Si", 10.0, 33.89), ("Si", 20.0, 4.464), ("Si", 30.0, 1.436), ("Si", 60.0, 0.3207),
    ("Ge", 20.0, 42.22), ("Al", 20.0, 3.441), ("Be", 10.0, 0.6466), ("water", 20.0, 0.8096), ("air", 20.0, 0.7779),
    ("CdTe", 60.0, 6.533), ("GaAs", 20.0, 42.2), ("CsI", 60.0, 7.921),
]  # fmt: skip


@pytest.mark.parametrize(("name", "energy", "expected"), XCOM)
def test_mass_attenuation_of_common_materials_agrees_with_xcom(name: str, energy: float, expected: float) -> None:
    assert 10.0 * mass_attenuation(name, energy) == pytest.approx(expected, rel=0.02)


def test_attenuation_coefficient_is_that_of_other_tools() -> None:
    assert attenuation_coefficient("Si", 20.0) / 100 == pytest.approx(10.396656, rel=3e-4)
    assert attenuation_coefficient("CdTe", 40.0) / 100 == pytest.approx(112.905, rel=3e-4)


def test_energy_between_points_of_nist_is_not_on_a_straight_line() -> None:
    # pyFAI draws a line from 20 to 30 keV: 1 mm of Si at 0.5 angstrom absorbs 0.5041 there, 0.431 in truth.
    energy = 12.398419843320026 / 0.5
    assert 1 - transmitted_fraction("Si", 1e-3, energy) == pytest.approx(0.4306, abs=1e-3)


def test_photoelectric_part_is_smaller_than_the_total() -> None:
    energies = np.geomspace(2.0, 300.0, 500)
    for element in _elements():
        absorbed = mass_attenuation(element, energies, process="photoelectric")
        assert (absorbed <= mass_attenuation(element, energies)).all()


@pytest.mark.parametrize("element", ["Si", "Ge", "Ga", "As", "Se", "Cd", "Te", "Gd", "I", "Cs", "Ba", "Br", "O", "N"])
def test_table_agrees_with_its_source(element: str) -> None:
    xraydb = pytest.importorskip("xraydb")
    energies = np.exp(np.random.default_rng(3).uniform(math.log(3.0), math.log(300.0), 2000))
    for process, kind in (("total", "total"), ("photoelectric", "photo")):
        source = 0.1 * xraydb.mu_elam(element, energies * 1e3, kind=kind)
        deviation = np.abs(mass_attenuation(element, energies, process=process) / source - 1)
        assert np.median(deviation) < 1e-4
        assert np.percentile(deviation, 99) < 3e-3
        assert deviation.max() < 0.03


@pytest.mark.parametrize(("element", "edge", "jump"), [("Cd", 26.71, 6.3), ("Te", 31.81, 5.9), ("Ge", 11.103, 7.9)])
def test_absorption_edge_is_a_jump_and_not_a_slope(element: str, edge: float, jump: float) -> None:
    below, above = mass_attenuation(element, np.array([edge - 0.01, edge + 0.01]), process="photoelectric")
    assert above / below == pytest.approx(jump, rel=0.1)
    # The value up to the edge continues the curve below it.
    further = mass_attenuation(element, edge - 0.3, process="photoelectric")
    assert below < further < 1.1 * below


def test_mixture_is_the_sum_of_its_elements_by_mass() -> None:
    cd, te = 112.414, 127.6
    parts = (cd * mass_attenuation("Cd", 50.0) + te * mass_attenuation("Te", 50.0)) / (cd + te)
    assert mass_attenuation("CdTe", 50.0) == pytest.approx(parts, rel=1e-12)


def test_every_material_of_the_table_is_known_by_name_and_has_a_density() -> None:
    for name in material_names():
        known = material(name)
        assert known.density is not None
        assert attenuation_coefficient(name, 20.0) > 0
        assert material(name.upper()) == known


def test_alias_and_case_of_letters_do_not_matter() -> None:
    assert material("cadmium telluride") == material("CdTe") == material("cdte")


def test_formula_needs_a_density() -> None:
    assert material("Cd0.8Zn0.2Te") == Material("Cd0.8Zn0.2Te", "Cd0.8Zn0.2Te")
    with pytest.raises(ParameterError, match="density"):
        attenuation_coefficient("Cd0.8Zn0.2Te", 20.0)
    assert attenuation_coefficient("Cd0.8Zn0.2Te", 20.0, density=5800.0) > 0


def test_unknown_material_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="CdTe"):
        material("CdTee")
    with pytest.raises(UnknownNameError):
        material("Si-1")


@pytest.mark.parametrize("energy", [1.0, 301.0, math.nan])
def test_energy_outside_of_the_table_is_refused(energy: float) -> None:
    with pytest.raises(ParameterError, match="energy"):
        mass_attenuation("Si", energy)


def test_ends_of_the_table_are_finite() -> None:
    values = mass_attenuation("Si", np.array([2.0, 300.0]))
    assert np.isfinite(values).all()
    assert values[0] > values[1]


def test_pyfai_draws_a_straight_line_between_the_points_of_nist() -> None:
    sensors = pytest.importorskip("pyFAI.detectors.sensors")
    theirs = sensors.Si_MATERIAL.mu(25.0, "cm")
    ours = attenuation_coefficient("Si", 25.0) / 100
    assert theirs == pytest.approx(0.5 * (4.464 + 1.436) * 2.329, rel=0.01)  # the line from 20 to 30 keV
    assert theirs / ours > 1.2
    assert sensors.Si_MATERIAL.mu(20.0, "cm") == pytest.approx(attenuation_coefficient("Si", 20.0) / 100, rel=1e-3)
