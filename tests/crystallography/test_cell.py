# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cells: spacings against vectors in space, in all seven systems."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import azimuthal as az
from azimuthal.errors import DataTypeError, ParameterError, ShapeError

CELLS = {
    "cubic": az.Cell.cubic(4.156826e-10),
    "tetragonal": az.Cell.tetragonal(4.593927e-10, 2.958875e-10),
    "orthorhombic": az.Cell.orthorhombic(4.7e-10, 10.2e-10, 5.98e-10),
    "hexagonal": az.Cell.hexagonal(4.759355e-10, 12.99231e-10),
    "trigonal": az.Cell.rhombohedral(5.13e-10, math.radians(55.28)),
    "monoclinic": az.Cell.monoclinic(29.59e-10, 6.15e-10, 3.98e-10, math.radians(95.5)),
    "triclinic": az.Cell.from_angstrom(8.14, 12.86, 7.17, 93.5, 116.1, 90.3),
}


def edges_in_space(cell):
    """Return the three edges as vectors: a along x, b in the plane of x and y."""
    cos_alpha, cos_beta, cos_gamma = (math.cos(angle) for angle in (cell.alpha, cell.beta, cell.gamma))
    sin_gamma = math.sin(cell.gamma)
    a = np.array([cell.a, 0, 0])
    b = cell.b * np.array([cos_gamma, sin_gamma, 0])
    x, y = cos_beta, (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    return a, b, cell.c * np.array([x, y, math.sqrt(1 - x**2 - y**2)])


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_d_spacing_equals_distance_of_planes_in_space(cell):
    a, b, c = edges_in_space(cell)
    volume = float(a @ np.cross(b, c))
    reciprocal = np.array([np.cross(b, c), np.cross(c, a), np.cross(a, b)]) / volume
    hkl = np.random.default_rng(1).integers(-9, 10, (200, 3))
    hkl = hkl[(hkl != 0).any(axis=1)]
    np.testing.assert_allclose(cell.d_spacing(hkl), 1 / np.linalg.norm(hkl @ reciprocal, axis=1), rtol=1e-12)
    assert cell.volume == pytest.approx(volume, rel=1e-12)
    np.testing.assert_allclose(cell.metric @ cell.reciprocal_metric, np.eye(3), atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(*[st.floats(1, 100)] * 3),
    st.tuples(*[st.floats(50, 125)] * 3),
    st.tuples(*[st.integers(-9, 9)] * 3).filter(any),
)
def test_d_spacing_any_cell_equals_textbook_formula(edges, angles, hkl):
    """The triclinic formula, written out with cosines."""
    alpha, beta, gamma = map(math.radians, angles)
    ca, cb, cg = math.cos(alpha), math.cos(beta), math.cos(gamma)
    if 1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg < 0.02 or sum(angles) > 350:
        return
    (a, b, c), (h, k, m) = edges, hkl
    numerator = (
        (h / a * math.sin(alpha)) ** 2 + (k / b * math.sin(beta)) ** 2 + (m / c * math.sin(gamma)) ** 2
        + 2 * h * k / (a * b) * (ca * cb - cg) + 2 * k * m / (b * c) * (cb * cg - ca) + 2 * h * m / (a * c) * (ca * cg - cb)
    )  # fmt: skip
    expected = math.sqrt((1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg) / numerator)
    assert az.Cell.from_angstrom(*edges, *angles).d_spacing(hkl) * 1e10 == pytest.approx(expected, rel=1e-9)


def test_volume_known_cells():
    assert az.Cell.from_angstrom(1, 2, 3, 90, 30, 90).volume * 1e30 == pytest.approx(3)
    assert az.Cell.from_angstrom(1, 2, 3).volume * 1e30 == pytest.approx(6)
    assert az.Cell.hexagonal(2.659e-10, 4.334e-10).volume * 1e30 == pytest.approx(26.537, abs=5e-4)


def test_lattice_known_numbers_of_lines_above_one_angstrom():
    cubic = az.Calibrant.from_cell(az.Cell.cubic(4.242e-10), d_min=1e-10)
    hexagonal = az.Calibrant.from_cell(az.Cell.hexagonal(2.659e-10, 4.334e-10), d_min=1e-10)
    assert len(cubic.d_spacings()) == 15
    assert len(hexagonal.d_spacings()) == 14


def test_right_angle_gives_exact_zero_in_the_metric():
    assert az.Cell.cubic(4e-10).metric[0, 1] == 0
    assert az.Cell.hexagonal(4e-10, 5e-10).metric[0, 1] == pytest.approx(-8e-20, rel=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4.15, 4.15, 4.15), "cell, a: expected metres.*1e-10"),
        ((0, 1e-10, 1e-10), "cell, a: .*greater than 0"),
        ((1e-10, 1e-10, float("nan")), "cell, c: .*finite"),
        ((1e-10, 1e-10, 1e-10, 90), "cell, alpha: expected radians"),
        ((1e-10, 1e-10, 1e-10, 0.5, 0.5, 1.5), "enclose no volume"),
    ],
)
def test_cell_impossible_values_are_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        az.Cell(*arguments)


def test_cell_no_number_or_wrong_shape_is_refused():
    with pytest.raises(DataTypeError, match="cell, a"):
        az.Cell("four", 1e-10, 1e-10)
    with pytest.raises(ShapeError, match="hkl"):
        az.Cell.cubic(4e-10).d_spacing([1, 0])
