# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal units``."""

from azimuthal.units import unit_names


def test_units_lists_all_of_them(run):
    outcome = run("units")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == list(unit_names())


def test_units_pattern_looks_at_names_and_quantities(run):
    names = [line.split()[0] for line in run("units", "2th").out.splitlines()[1:]]
    assert names == ["2th_rad", "2th_deg"]
    assert "q_nm^-1" in run("units", "scattering vector").out


def test_units_natural_spelling_finds_its_unit(run):
    assert run("units", "q [1/nm]").out.splitlines()[1].startswith("q_nm^-1")


def test_units_unknown_name_suggests_the_nearest(run):
    outcome = run("units", "q_nmm^-1")
    assert outcome.code == 2
    assert "did you mean 'q_nm^-1'" in outcome.err
