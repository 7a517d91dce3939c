# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import numpy as np
import pytest

from azimuthal.testing.rings import RingReport, cubic_d_spacings, find_rings, isolated, two_theta_of


def test_lattices_reflect_where_their_rules_say():
    squares = (1 / cubic_d_spacings(1.0, "F")[:7]) ** 2
    assert np.allclose(squares, [3, 4, 8, 11, 12, 16, 19])
    squares = (1 / cubic_d_spacings(1.0, "P")[:7]) ** 2
    assert np.allclose(squares, [1, 2, 3, 4, 5, 6, 8])
    assert np.allclose((1 / cubic_d_spacings(1.0, "F", without=(4,))[:2]) ** 2, [3, 8])


def test_two_theta_follows_bragg_and_stops_at_backscattering():
    angles = two_theta_of(np.array([1.0, 0.6, 0.4]), 1.0)
    assert np.allclose(np.sin(np.radians(angles) / 2), [0.5, 1 / 1.2])


def test_isolated_leaves_out_rings_whose_windows_overlap():
    assert isolated(np.array([1.0, 2.0, 2.1, 4.0]), 0.2).tolist() == [1.0, 4.0]


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_find_rings_recovers_gaussians_on_a_slope(noise):
    x = np.linspace(0, 10, 2001)
    y = 100 - 3 * x + noise * np.random.default_rng(0).normal(size=x.size)
    truth = np.array([2.013, 5.488, 7.771])
    for centre, height in zip(truth, (500, 80, 1000), strict=True):
        y += height * np.exp(-0.5 * ((x - centre) / 0.03) ** 2)
    y[400] = np.nan
    rings = find_rings(x, y, np.array([2.0, 5.5, 7.8, 9.9]), half_window=0.15)
    assert len(rings) == 3
    found = np.array([ring.found for ring in rings])
    assert np.abs(found - truth).max() < (2e-3 if noise else 1e-9)
    report = RingReport(rings, np.full(3, 0.01))
    assert report.largest == pytest.approx(0.029, abs=2e-3)
    assert report.median_pixels == pytest.approx(1.3, abs=0.2)
    assert "3 rings" in str(report)


def test_find_rings_takes_no_hole_and_no_window_beyond_the_pattern():
    x = np.linspace(0, 10, 1001)
    hole = 50 - 40 * np.exp(-0.5 * ((x - 5) / 0.05) ** 2)
    assert find_rings(x, hole, np.array([5.0, 9.9]), half_window=0.3) == ()
