# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Space groups: against gemmi, brute-force structure factors, and International Tables."""

import itertools

import numpy as np
import pytest

from azimuthal.crystallography import reflections, space_group, space_group_names
from azimuthal.crystallography._hall import operations_of_hall
from azimuthal.crystallography.cell import Cell
from azimuthal.errors import DataTypeError, ParameterError, UnknownNameError

HKL = np.array([hkl for hkl in itertools.product(range(-6, 7), repeat=3) if any(hkl)])
SAMPLE = np.concatenate([
    HKL[np.random.default_rng(7).permutation(len(HKL))[:200]],
    HKL[(HKL == 0).any(axis=1)][::3],
    [(h, 0, 0) for h in range(1, 13)], [(0, k, 0) for k in range(1, 13)], [(0, 0, m) for m in range(1, 13)],
    [(h, h, m) for h in range(1, 5) for m in range(-5, 6)], [(h, -h, m) for h in range(1, 5) for m in range(-5, 6)],
])  # fmt: skip


def structure_factors(operations, hkl, positions):
    """Return |F| of point atoms at general positions, each with its orbit, by brute force."""
    total = np.zeros(len(hkl), dtype=complex)
    for weight, position in enumerate(positions, start=1):
        for rotation, translation in operations:
            total += weight * np.exp(2j * np.pi * (hkl @ (rotation @ position + translation)))
    return np.abs(total)


@pytest.mark.parametrize("number", range(1, 231))
def test_absent_equals_structure_factors_of_general_positions(number):
    """A reflection is absent if and only if atoms at any general position cancel; operations from gemmi."""
    gemmi = pytest.importorskip("gemmi")
    reference = gemmi.get_spacegroup_reference_setting(number)
    operations = [(np.array(op.rot) / 24, np.array(op.tran) / 24) for op in reference.operations()]
    positions = np.random.default_rng(number).uniform(0, 1, (3, 3))
    factors = np.max([structure_factors(operations, SAMPLE, positions[i : i + 1]) for i in range(3)], axis=0)
    group = space_group(number)
    assert group.hall == reference.hall
    np.testing.assert_array_equal(group.absent(SAMPLE), factors < 1e-8 * len(operations))


def test_operations_all_settings_equal_gemmis():
    gemmi = pytest.importorskip("gemmi")
    table = list(gemmi.spacegroup_table())
    assert len(table) == len(space_group_names()) == 564
    for one in table:
        rotations, translations = operations_of_hall(one.hall)
        ours = {(*r.ravel().tolist(), *t.tolist()) for r, t in zip(rotations, translations, strict=True)}
        theirs = {
            (*(np.array(op.rot).ravel() // 24).tolist(), *(np.array(op.tran) % 24).tolist()) for op in one.operations()
        }
        assert ours == theirs, one.hall


def test_every_setting_is_found_by_its_symbol():
    gemmi = pytest.importorskip("gemmi")
    for one in gemmi.spacegroup_table():
        assert space_group(one.xhm()).hall == one.hall


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("Fm-3m", lambda h, k, m: (h + k) % 2 == 0 and (k + m) % 2 == 0),
        ("Im-3m", lambda h, k, m: (h + k + m) % 2 == 0),
        ("Pm-3m", lambda h, k, m: True),
        ("P21/c", lambda h, k, m: not (k == 0 and m % 2) and not (h == 0 and m == 0 and k % 2)),
        ("P212121", lambda h, k, m: sum((h != 0, k != 0, m != 0)) > 1 or (h + k + m) % 2 == 0),
        ("P63mc", lambda h, k, m: not (h == k and m % 2) and not (h == -2 * k and m % 2) and not (k == -2 * h and m % 2)),
        ("R-3c", lambda h, k, m: (-h + k + m) % 3 == 0 and not (h == -k and m % 2) and not (h == 0 and m % 2)
         and not (k == 0 and m % 2)),
        ("P41212", lambda h, k, m: not (h == 0 and k == 0 and m % 4) and not (m == 0 and k == 0 and h % 2)
         and not (m == 0 and h == 0 and k % 2)),
    ],
)  # fmt: skip
def test_absent_equals_conditions_of_international_tables(name, condition):
    expected = [not condition(*map(int, hkl)) for hkl in SAMPLE]
    np.testing.assert_array_equal(space_group(name).absent(SAMPLE), expected)


def test_absent_diamond_sites_extinguish_222_and_442():
    diamond = space_group("Fd-3m:1")
    assert not diamond.absent([(2, 2, 2), (4, 4, 2)]).any()
    hkl = HKL[~diamond.absent(HKL)]
    expected = [(h % 2 == 0) and (h + k + m) % 4 != 0 for h, k, m in hkl]
    np.testing.assert_array_equal(diamond.absent(hkl, [(0, 0, 0)]), expected)
    second_origin = space_group("Fd-3m")
    np.testing.assert_array_equal(second_origin.absent(HKL, [(0.125, 0.125, 0.125)]), diamond.absent(HKL, [(0, 0, 0)]))


@pytest.mark.parametrize(
    "name", ["P-1", "P21/c", "Pnma", "I41/a", "P4/mmm", "R-3c", "P321", "P6/m", "P63/mmc", "Ia-3d"]
)
def test_reflections_multiplicities_equal_counting_all_indices(name):
    """Every index within the sphere belongs to one set, and sets have as many members as they say."""
    group = space_group(name)
    cell = {"triclinic": Cell.from_angstrom(5, 6, 7, 80, 95, 100), "monoclinic": Cell.from_angstrom(5, 6, 7, 90, 95, 90),
            "orthorhombic": Cell.from_angstrom(5, 6, 7), "tetragonal": Cell.from_angstrom(5, c=7),
            "trigonal": Cell.from_angstrom(5, c=9, gamma=120), "hexagonal": Cell.from_angstrom(5, c=7, gamma=120),
            "cubic": Cell.from_angstrom(6)}[group.system]  # fmt: skip
    d_min = 1.1e-10
    found = reflections(cell, group, d_min)
    every = np.array([hkl for hkl in itertools.product(range(-9, 10), repeat=3) if any(hkl)])
    every = every[(cell.d_spacing(every) >= d_min) & ~group.absent(every)]
    assert found.multiplicities.sum() == len(every)
    np.testing.assert_allclose(
        np.sort(np.repeat(found.d_spacings, found.multiplicities)), np.sort(cell.d_spacing(every)), rtol=1e-12
    )
    assert (np.diff(found.d_spacings) <= 1e-12 * found.d_spacings[0]).all()


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        (225, "F m -3 m"),
        ("225", "F m -3 m"),
        ("Fm3m", "F m -3 m"),
        ("p 21/c", "P 1 21/c 1"),
        ("P6_3mc", "P 63 m c"),
        ("P4_2/mnm", "P 42/m n m"),
        ("R-3c", "R -3 c:H"),
        ("R -3 c:R", "R -3 c:R"),
        ("Fd-3m", "F d -3 m:2"),
        ("P21/a", "P 1 21/a 1"),
        ("Ia3d", "I a -3 d"),
    ],
)
def test_space_group_natural_spellings_are_understood(spelling, expected):
    assert space_group(spelling).symbol == expected


def test_space_group_systems_have_the_right_sizes():
    systems = [space_group(number).system for number in range(1, 231)]
    counts = [systems.count(name) for name in dict.fromkeys(systems)]
    assert counts == [2, 13, 59, 68, 25, 27, 36]


def test_space_group_unknown_is_refused_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean"):
        space_group("Fmm3m")
    with pytest.raises(UnknownNameError, match=r"1 to 230, got 231"):
        space_group(231)
    with pytest.raises(DataTypeError, match=r"got 2\.5"):
        space_group(2.5)
    with pytest.raises(DataTypeError, match="fractions"):
        space_group(1).absent([0.5, 0, 0])


def test_hall_symbol_malformed_is_refused():
    for symbol, message in (("Q 2", "lattice letter"), ("P 5", "not a rotation"), ("", "lattice letter")):
        with pytest.raises(ParameterError, match=message):
            operations_of_hall(symbol)


def test_table_is_what_the_script_writes(tmp_path):
    pytest.importorskip("gemmi")
    import subprocess
    import sys
    from pathlib import Path

    root = Path(__file__).parents[2]
    made = tmp_path / "space_groups.txt"
    subprocess.run([sys.executable, root / "tools/make_space_group_table.py", "--output", made], check=True)

    def rows(path):
        return [line for line in path.read_text().splitlines() if not line.startswith("#")]

    stored = root / "src/azimuthal/crystallography/data/space_groups.txt"
    assert rows(made) == rows(stored)
