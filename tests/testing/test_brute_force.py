# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import numpy as np
import pytest

from azimuthal.testing.brute_force import clipped, grid_centers, grid_corners, laboratory, polygon_area, polygon_shares


def test_unrotated_detector_stands_before_the_beam():
    slow, fast = grid_centers((2, 3), (1e-3, 2e-3))
    lab = laboratory(slow, fast, (0.1, 0.0005, 0.001, 0, 0, 0))
    assert np.allclose(lab[0, 0], [0, 0, 0.1])
    assert np.allclose(lab[1, 2], [1e-3, 4e-3, 0.1])


def test_rotation_about_the_beam_turns_axis_one_towards_axis_two():
    lab = laboratory(np.array([1.0]), np.array([0.0]), (1.0, 0, 0, 0, 0, 0.1))
    assert np.allclose(lab, [[np.cos(0.1), np.sin(0.1), 1.0]])


def test_corners_go_around_the_centre():
    slow, fast = grid_corners((4, 5), (1e-3, 2e-3))
    middle = grid_centers((4, 5), (1e-3, 2e-3))
    assert np.allclose(slow.mean(axis=2), middle[0])
    assert np.allclose(fast.mean(axis=2), middle[1])
    pixel = list(zip(slow[2, 3], fast[2, 3], strict=True))
    assert abs(polygon_area(pixel)) == pytest.approx(2e-6)


def test_clipped_square_is_the_overlap():
    square = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]
    assert abs(polygon_area(clipped(square, (1, 1), (5, 5)))) == pytest.approx(1)
    assert polygon_area(clipped(square, (3, 3), (5, 5))) == 0


def test_shares_of_a_triangle_add_up():
    triangle = [(0.0, 0.0), (4.0, 0.0), (0.0, 4.0)]
    shares = polygon_shares(triangle, np.array([0.0, 2.0, 4.0]), np.array([0.0, 2.0, 4.0]))
    assert np.allclose(shares, [[0.5, 0.25], [0.25, 0]])
    assert np.allclose(polygon_shares(triangle, np.array([0.0, 2.0, 4.0])), [[0.75, 0.25]])


def test_shares_of_a_polygon_that_is_not_convex_add_up():
    arrow = [(0.0, 0.0), (4.0, 2.0), (0.0, 4.0), (1.0, 2.0)]
    shares = polygon_shares(arrow, np.linspace(0, 4, 9), np.linspace(0, 4, 9))
    assert shares.sum() == pytest.approx(1)
    assert np.allclose(shares, shares[::-1])
