# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal calibrants``."""

import numpy as np

import azimuthal as az


def rings(outcome):
    """Return the rows of the table of rings."""
    return [line.split("  ") for line in outcome.out.partition("\n\n")[2].splitlines()[1:]]


def test_calibrants_lists_all_of_them(run):
    outcome = run("calibrants")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == list(az.calibrant_names())
    assert "NIST SRM 660c" in outcome.out


def test_calibrants_part_of_a_name_lists_those(run):
    names = [line.split()[0] for line in run("calibrants", "oxide").out.splitlines()[1:]]
    assert {"alpha_Al2O3", "CeO2", "ZnO"} <= set(names)
    assert "LaB6" not in names


def test_calibrants_one_name_gives_its_rings_at_an_energy(run):
    outcome = run("calibrants", "lab6 660c", "--energy", "20")
    assert outcome.code == 0
    assert "rings:        151" in outcome.out
    assert "certificate:  NIST SRM 660c at 22.5 °C" in outcome.out
    assert len(rings(outcome)) == 151
    first = outcome.out.partition("\n\n")[2].splitlines()[1].split()
    assert first[:3] == ["0", "100", "4.1568260"]
    two_theta = np.degrees(az.calibrant("LaB6").two_theta(12.398419843320026e-10 / 20)[0])
    assert abs(float(first[5]) - two_theta) < 1e-5
    assert abs(float(first[6]) - 2 * np.pi / 0.4156826) < 1e-5


def test_calibrants_limits_and_sums(run):
    assert len(rings(run("calibrants", "CeO2", "-w", "0.2", "--max-two-theta", "5"))) == len(
        az.calibrant("CeO2").two_theta(0.2e-10, max=np.radians(5))
    )
    outcome = run("calibrants", "CeO2 + Si", "--d-min", "2.5", "--resolution", "0.005")
    assert "Si 111 + CeO2 111" in outcome.out
    assert len(rings(outcome)) == 2
    assert "210" in run("calibrants", "quartz", "--weak").out


def test_calibrants_file_is_read(run, folder):
    (folder / "own.D").write_text("4.1\n2.0\n")
    assert "4.1000000" in run("calibrants", "own.D").out
    (folder / "bad.D").write_text("4.1\nx\n")
    outcome = run("calibrants", "bad.D")
    assert outcome.code == 2
    assert "bad.D, line 2" in outcome.err


def test_calibrants_bad_arguments_are_explained(run):
    outcome = run("calibrants", "CeO3")
    assert outcome.code == 2
    assert "did you mean 'CeO2'" in outcome.err
    assert "got both" in run("calibrants", "Si", "-w", "1", "-e", "10").err
    assert "expected angstrom" in run("calibrants", "Si", "-w", "1e-10").err
    assert run("calibrants", "Si", "-w", "1", "--max-two-theta", "200").code == 2
