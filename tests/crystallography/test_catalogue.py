# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The calibrants of the package: against the table of facts, and pyFAI's files with every difference listed."""

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az
from azimuthal.crystallography import calibrant_aliases
from azimuthal.errors import AzimuthalError, DataTypeError, FileMissingError, ParameterError, UnknownNameError
from azimuthal.testing.shared_data import shared_path

KEV = 12.398419843320026e-10

# What the table was made from has these decimals at most: 4, or 5 digits; else 8 digits.
COARSE = {"C60": 6e-5, "diamond": 6e-5, "graphite": 6e-5, "vanadinite": 6e-5, "PBBA": 6e-5}


def facts():
    with shared_path("facts/calibrants.csv").open() as file:
        return list(csv.DictReader(file))


def test_catalogue_has_every_name_of_the_facts():
    assert {row["name"] for row in facts()} <= set(az.calibrant_names())


@pytest.mark.parametrize("name", az.calibrant_names())
def test_d_spacings_agree_with_the_facts(name):
    rows = [row for row in facts() if row["name"] == name]
    if not rows:
        pytest.skip("not in the table")
    expected = np.array([float(rows[0][f"d{i}_A"]) for i in range(1, 6) if rows[0][f"d{i}_A"]])
    found = az.calibrant(name).d_spacings()[: len(expected)] * 1e10
    # rounded twice, to 8 decimals and to 8 digits
    rounding = 0.56 * 10 ** (np.floor(np.log10(expected)) - 7)
    assert (np.abs(found - expected) <= np.maximum(rounding, COARSE.get(name, 0))).all()


@pytest.mark.parametrize("name", az.calibrant_names())
def test_catalogue_entries_are_complete_and_ordered(name):
    one = az.calibrant(name)
    spacings = one.d_spacings(max(one.d_min, 0.5e-10))
    assert spacings.dtype == np.float64
    assert (np.diff(spacings) < 0).all()
    assert one.name == name
    assert one.source
    assert one.description
    assert len(one.d_spacings()) == len(one.multiplicities) == len(one.hkl) == len(one.labels) == len(one.intensities)
    assert ("SRM" in name) <= ("NIST SRM" in one.certificate)
    crystal = one.phases[0].crystal
    if crystal is not None:
        assert (one.multiplicities > 0).all()
        for ring in one.rings(max(one.d_min, 1e-10)):
            np.testing.assert_allclose(crystal.cell.d_spacing(ring.hkl), ring.d_spacing, rtol=1e-9)


def test_cells_fit_their_crystal_systems():
    for name in az.calibrant_names():
        crystal = az.calibrant(name).phases[0].crystal
        if crystal is not None:
            # the metric is unchanged by every rotation of the group
            for rotation in crystal.group.operations[0]:
                np.testing.assert_allclose(
                    rotation.T @ crystal.cell.metric @ rotation, crystal.cell.metric, rtol=1e-9, atol=1e-30
                )


@pytest.mark.parametrize(("wavelength", "count"), [(1.54e-10, 25), (1e-10, 59), (2e-10, 15), (KEV / 20, 151)])
def test_lab6_known_numbers_of_rings(wavelength, count):
    angles = az.calibrant("LaB6").two_theta(wavelength)
    assert len(angles) == count
    assert (np.diff(angles) > 0).all()
    assert angles[-1] <= math.pi


def test_two_theta_is_braggs_law_and_ends_at_max():
    one = az.calibrant("CeO2")
    angles = one.two_theta(0.4e-10, max=0.3)
    spacings = one.d_spacings()[: len(angles)]
    np.testing.assert_allclose(2 * spacings * np.sin(angles / 2), 0.4e-10, rtol=1e-14)
    assert angles[-1] <= 0.3 < 2 * math.asin(0.2e-10 / one.d_spacings()[len(angles)])


def test_d_min_given_reaches_beyond_the_list_of_crystals_only():
    assert len(az.calibrant("Al").d_spacings(0.15e-10)) > len(az.calibrant("Al").d_spacings())
    assert len(az.calibrant("AgBh").d_spacings(1e-11)) == 49
    assert az.calibrant("LaB6", d_min=1e-10).d_spacings()[-1] >= 1e-10
    assert len(az.calibrant("AgBh", d_min=1e-9).d_spacings()) == 5
    assert len(az.calibrant("AgBh", d_min=1e-12).d_spacings()) == 49


def test_weak_lists_what_symmetry_allows():
    assert "210" not in az.calibrant("quartz").labels
    assert any("210" in label for label in az.calibrant("quartz", weak=True).labels)
    assert az.calibrant("AgBh", weak=True) == az.calibrant("AgBh")


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("lab6", "LaB6"),
        ("LaB6 660a", "LaB6_SRM660a"),
        ("NIST SRM 660b", "LaB6_SRM660b"),
        ("si-640-d", "Si_SRM640d"),
        ("Silicon", "Si"),
        ("ceria", "CeO2"),
        ("Al2O3", "alpha_Al2O3"),
        ("cristobalite", "cristobaltite"),
        ("silver behenate", "AgBh"),
        ("Cu2O", "CuO"),
    ],
)
def test_calibrant_natural_spellings_are_understood(spelling, expected):
    assert az.calibrant(spelling).name == expected


def test_aliases_are_unique():
    every = [alias.casefold() for name in az.calibrant_names() for alias in (name, *calibrant_aliases(name))]
    assert len(every) == len(set(every))


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'CeO2'"):
        az.calibrant("CeO3")
    with pytest.raises(UnknownNameError, match="calibrant"):
        az.calibrant("CeO2 + nonsense")
    with pytest.raises(UnknownNameError, match="calibrant"):
        az.calibrant("")
    with pytest.raises(DataTypeError, match="name or a path, got 12"):
        az.calibrant(12)
    with pytest.raises(FileMissingError, match=r"own\.D does not exist"):
        az.calibrant("own.D")


def test_certified_edges_are_those_of_the_certificates():
    """NIST's certificates, as published."""
    certified = {
        "LaB6_SRM660a": 4.1569162, "LaB6_SRM660b": 4.15689, "LaB6_SRM660c": 4.156826,
        "Si_SRM640c": 5.4311946, "Si_SRM640d": 5.43123, "Si_SRM640e": 5.431179, "Si_SRM640f": 5.431144,
    }  # fmt: skip
    for name, edge in certified.items():
        phase = az.calibrant(name).phases[0]
        assert phase.crystal.cell.a == pytest.approx(edge * 1e-10, rel=1e-12)
        assert phase.certificate.temperature == 22.5
    assert az.calibrant("LaB6").phases[0].crystal == az.calibrant("LaB6_SRM660c").phases[0].crystal
    assert az.calibrant("Si").phases[0].crystal == az.calibrant("Si_SRM640c").phases[0].crystal


def test_catalogue_works_without_gemmi():
    code = (
        "import sys; sys.modules['gemmi'] = None\n"
        "import azimuthal as az\n"
        "print(sum(len(az.calibrant(name).d_spacings(1e-10)) for name in az.calibrant_names()))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(out) > 700


# pyFAI's files beside ours, down to their last line. Ours alone: allowed by symmetry, but not in the file.
# Theirs alone: extinguished by symmetry.
OURS_ALONE = {
    "Cr2O3": {"217", "131", "315", "137", "1 2 11", "321", "410", "235", "2 0 14", "2 1 13", "327"},
    "TiO2": {"221", "320"},
}
THEIRS_ALONE = {
    "Cr2O3": {0.93964441},  # (4 -4 -7): h 0 -h l with l odd
    "TiO2": {1.07065805, 1.06398577},  # (4 0 1), (3 0 2): h 0 l with h + l odd
    "ZnO": {1.04130600},  # (0 0 5): l odd
}


@pytest.mark.parametrize("name", [name for name in az.calibrant_names() if name not in ("LaB6_SRM660", "Si_SRM640f")])
def test_rings_compared_with_pyfai_differ_only_as_listed(name):
    pyfai = pytest.importorskip("pyFAI")
    path = Path(pyfai.__file__).parent / f"resources/calibration/{name}.D"
    if not path.exists():
        pytest.skip("this pyFAI has no such file")
    theirs = np.unique(az.Calibrant.from_d_file(path).d_spacings() * 1e10)[::-1]
    within = {"hydrocerussite": 2e-8}.get(name, COARSE.get(name, 3e-7))
    ours = az.calibrant(name).rings((theirs[-1] - within) * 1e-10)
    spacings = np.array([ring.d_spacing * 1e10 for ring in ours])
    far = np.abs(spacings[:, None] - theirs).min(axis=1) > within
    assert {ring.label for ring, alone in zip(ours, far, strict=True) if alone} == OURS_ALONE.get(name, set())
    alone = theirs[np.abs(theirs[:, None] - spacings).min(axis=1) > within]
    assert set(np.round(alone, 8)) == THEIRS_ALONE.get(name, set())


def test_number_of_lines_equals_that_of_complete_tables():
    """Where pyFAI's file is complete to its last line, there are as many of ours above that."""
    lines = {row["name"]: int(row["n_lines"]) for row in facts()}
    assert len(az.calibrant("LaB6").d_spacings()) == lines["LaB6"] == 1441
    assert len(az.calibrant("CeO2").d_spacings()) == lines["CeO2"] == 978
    assert len(az.calibrant("Si").d_spacings()) == lines["Si"] == 708
    assert len(az.calibrant("alpha_Al2O3").d_spacings(0.997e-10)) == lines["alpha_Al2O3"]
    for name in ("AgBh", "C14H30O", "PBBA", "cristobaltite", "quartz", "lysozyme", "graphite", "verneite", "mock"):
        assert len(az.calibrant(name).d_spacings()) == lines[name]


def test_odd_orders_along_a_screw_axis_are_absent_where_pyfai_lists_them():
    """(0 0 5) of ZnO (P63mc), (4 0 1) of rutile (P42/mnm) are no rings; (2 2 1) and (3 2 0) of rutile are."""
    assert "005" not in az.calibrant("ZnO").labels
    assert "401" not in az.calibrant("TiO2").labels
    assert {"221", "320"} <= set(az.calibrant("TiO2").labels)


def test_multiplicity_of_corundum_is_six_where_pyfai_says_twelve():
    """(1 0 -2) is not equivalent to (1 0 2) in a trigonal crystal, and R centring extinguishes one of them."""
    one = az.calibrant("alpha_Al2O3")
    assert one.multiplicities[0] == 6
    hkl = np.array([(h, k, m) for h in range(-2, 3) for k in range(-2, 3) for m in (-2, 2)])
    crystal = one.phases[0].crystal
    same = np.isclose(crystal.cell.d_spacing(hkl), one.d_spacings()[0], rtol=1e-9, atol=0)
    assert (same & ~crystal.group.absent(hkl)).sum() == 6


def test_d_min_absurdly_small_is_refused():
    with pytest.raises(ParameterError, match=r"d_min: .* would need"):
        az.calibrant("lysozyme", weak=True).d_spacings(1e-11)
    with pytest.raises(AzimuthalError, match="d_min: expected metres"):
        az.calibrant("Si").d_spacings(0.5)
