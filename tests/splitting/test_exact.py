# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Exact splitting: against analytic areas of circles in squares and against many points per pixel."""

import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.geometry.lattice import lattice_points, quadrilateral_areas
from azimuthal.splitting.exact import MOST_DIVISIONS, TOLERANCE

#: A weight lies between two edges, and each may be off by the tolerance.
BOUND = 2 * TOLERANCE
#: Where the lattice is as fine as it gets: within about a pixel of the beam.
NEAR_BEAM = 3e-4
ROUNDING = 1e-12
PIXEL = 1e-3


def below_circle(x0, x1, y0, y1, r):
    """Area of the part of a rectangle of the first quadrant inside a circle about the origin."""

    def primitive(x):
        return 0.5 * (x * math.sqrt(max(r * r - x * x, 0.0)) + r * r * math.asin(min(1.0, x / r)))

    full_until = min(max(math.sqrt(max(r * r - y1 * y1, 0.0)), x0), x1)
    empty_from = min(max(math.sqrt(max(r * r - y0 * y0, 0.0)), full_until), x1)
    arc = primitive(empty_from) - primitive(full_until) - y0 * (empty_from - full_until)
    return (full_until - x0) * (y1 - y0) + arc


def inside_circle(x0, x1, y0, y1, r):
    """The same for a rectangle anywhere: by quadrants."""
    if r <= 0:
        return 0.0
    total = 0.0
    for a, b in ((max(x0, 0.0), max(x1, 0.0)), (max(-x1, 0.0), max(-x0, 0.0))):
        for c, d in ((max(y0, 0.0), max(y1, 0.0)), (max(-y1, 0.0), max(-y0, 0.0))):
            if b > a and d > c:
                total += below_circle(a, b, c, d, r)
    return total


def dense(plan):
    matrix = plan.matrix
    weights = np.zeros((matrix.n_pixels, matrix.n_bins))
    weights[matrix.entry_pixels(), matrix.indices] = matrix.entry_weights()
    return weights


def straight(shape=(17, 19), beam=(8.3, 9.4), dist=0.1):
    detector = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=shape)
    return az.Integrator(detector, dist, PIXEL * beam[0], PIXEL * beam[1], wavelength=1e-10)


def points_of(ai, n):
    """Bin coordinates of n x n points in each pixel: radial position q in 1/m and chi in rad."""
    s = (np.arange(n) + 0.5) / n
    s, t = (values.ravel() for values in np.meshgrid(s, s, indexing="ij"))
    corners = ai.detector.corners().reshape(-1, 4, 3)
    factors = np.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t])
    y, x, z = np.moveaxis(ai.pose.lab_from_detector(np.einsum("kn,pkx->pnx", factors, corners)), -1, 0)
    two_theta = np.arctan2(np.hypot(x, y), z)
    return 4 * np.pi / ai.wavelength * np.sin(two_theta / 2), np.arctan2(y, x)


def shares_of_points(ai, grid, n, *, azimuth):
    u, c = points_of(ai, n)
    u_bin = np.searchsorted(grid.u_edges, u, side="right") - 1
    inside = (u_bin >= 0) & (u_bin < grid.n_u)
    flat = u_bin
    if azimuth:
        turned = c + 2 * np.pi * np.ceil((grid.c_edges[0] - c) / (2 * np.pi))
        c_bin = np.searchsorted(grid.c_edges, turned, side="right") - 1
        inside &= (c_bin >= 0) & (c_bin < grid.n_c)
        flat = c_bin * grid.n_u + u_bin
    pixel = np.broadcast_to(np.arange(len(u))[:, None], u.shape)
    weights = np.zeros((len(u), grid.n_bins))
    np.add.at(weights, (pixel[inside], flat[inside]), 1 / n**2)
    return weights


@pytest.mark.parametrize("beam", [(8.3, 9.4), (8.5, 9.5), (8.0, 9.0), (8.0, 9.4), (-3.2, 4.1), (-60.0, -200.0)])
@pytest.mark.parametrize("width", [0.31, 1.0, 2.7])
def test_exact_weights_in_radius_equal_areas_of_circles_in_squares(beam, width):
    ai = straight(beam=beam)
    farthest = math.hypot(max(abs(beam[0]), abs(17 - beam[0])), max(abs(beam[1]), abs(19 - beam[1])))
    nearest = math.hypot(min(0, beam[0]), min(0, beam[1]))
    edges = np.arange(max(0.0, nearest - 1), farthest + width, width)
    weights = dense(ai.plan1d(edges, unit="r_mm", split="exact"))
    for i in range(17):
        for j in range(19):
            box = (i - beam[0], i + 1 - beam[0], j - beam[1], j + 1 - beam[1])
            truth = np.diff([inside_circle(*box, r) for r in edges])
            near = math.hypot(i + 0.5 - beam[0], j + 0.5 - beam[1]) < 2
            assert np.abs(weights[i * 19 + j] - truth).max() < (NEAR_BEAM if near else BOUND)


@pytest.mark.parametrize("rotations", [(0.4, -0.2, 0.3), (1.2, 0.1, 0.0)])
@pytest.mark.parametrize("azimuth", [False, True], ids=["profile", "cake"])
def test_exact_weights_of_tilted_detectors_equal_those_of_many_points(rotations, azimuth):
    detector = az.Detector(pixel1=PIXEL, pixel2=PIXEL, shape=(9, 8))
    ai = az.Integrator(detector, 0.05, 4.3e-3, 5.1e-3, *rotations, wavelength=1e-10)
    plans = {
        split: ai.plan2d(9, 14, split=split) if azimuth else ai.plan1d(16, split=split) for split in ("exact", "full")
    }
    truth = shares_of_points(ai, plans["exact"].axes.grid, 128, azimuth=azimuth)
    error = np.abs(dense(plans["exact"]) - truth)
    assert error.max() < 1.2e-2  # of the points: they are on a grid, and an edge may run along a row of them
    assert math.sqrt((error**2).mean()) < 2e-4
    truth = shares_of_points(ai, plans["full"].axes.grid, 128, azimuth=azimuth)
    assert math.sqrt((error**2).mean()) < math.sqrt(((dense(plans["full"]) - truth) ** 2).mean())


@pytest.mark.parametrize("beam", [(8.3, 9.4), (8.5, 9.5), (8.0, 9.0), (8.5, 9.0), (0.0, 4.0), (-3.2, 4.1)])
@pytest.mark.parametrize(("unit", "engine"), [("q_nm^-1", "native"), ("2th_deg", "native"), ("r_mm", "reference")])
def test_exact_weights_of_every_pixel_sum_to_one(beam, unit, engine):
    ai = straight((9, 10), beam=(beam[0] - 4, beam[1] - 4.5))
    for plan in (
        ai.plan1d(40, unit=unit, split="exact", engine=engine),
        ai.plan2d(9, 7, unit=unit, split="exact", engine=engine),
        ai.plan2d(9, 7, unit=unit, split="exact", engine=engine, azimuth_range=(100, 460)),
    ):
        np.testing.assert_allclose(plan.matrix.pixel_sums(), 1, rtol=0, atol=ROUNDING)
        assert plan.report["used"] == plan.report["total"]


def test_exact_sectors_that_meet_add_up_to_the_circle():
    ai = straight((9, 10), beam=(3.3, 4.4))
    edges = np.linspace(0, 15, 31)
    parts = [
        dense(ai.plan1d(edges, unit="r_mm", split="exact", azimuth_range=arc))
        for arc in ((170, 190), (-170, 35.5), (35.5, 170))
    ]
    # The lattice of a pixel that no azimuth cuts may be coarser.
    np.testing.assert_allclose(sum(parts), dense(ai.plan1d(edges, unit="r_mm", split="exact")), rtol=0, atol=NEAR_BEAM)
    np.testing.assert_allclose(sum(parts).sum(axis=1), 1, rtol=0, atol=ROUNDING)


def test_exact_flat_image_without_corrections_gives_a_flat_pattern_in_narrow_bins():
    ai = straight()
    profile = ai.integrate1d(np.full((17, 19), 7), 300, unit="r_mm", split="exact", solid_angle=False)
    np.testing.assert_allclose(profile.intensity[profile.count > 0], 7, rtol=1e-12)
    areas = [
        sum(inside_circle(i - 8.3, i - 7.3, j - 9.4, j - 8.4, r) for i in range(17) for j in range(19))
        for r in profile.edges
    ]
    assert np.abs(np.cumsum(profile.count) - areas[1:]).max() < 0.01


def test_exact_masked_pixels_and_range_edges_keep_only_what_is_inside():
    ai = straight()
    mask = np.zeros((17, 19), bool)
    mask[3:5] = True
    plan = ai.plan1d(10, unit="r_mm", split="exact", mask=mask, radial_range=(2.0, 5.0))
    inside = [
        0.0 if mask[i, j] else inside_circle(*box, 5.0) - inside_circle(*box, 2.0)
        for i in range(17)
        for j in range(19)
        for box in [(i - 8.3, i - 7.3, j - 9.4, j - 8.4)]
    ]
    np.testing.assert_allclose(plan.matrix.pixel_sums(), inside, rtol=0, atol=BOUND)
    assert plan.report["mask"] == mask.sum()


def test_exact_in_d_leaves_the_quadrilateral_on_the_beam_out():
    ai = straight()
    plan = ai.plan1d(np.geomspace(1e-3, 1e6, 50), unit="d_A", split="exact")
    sums = plan.matrix.pixel_sums()
    assert np.count_nonzero(np.abs(sums - 1) > ROUNDING) == 1
    assert sums.min() == pytest.approx(1 - 1 / MOST_DIVISIONS**2)


def test_exact_splits_hexagonal_pixels_with_sums_of_one():
    ai = az.Integrator("Pixirad1", dist=0.05, poni1=0.015, poni2=0.015, wavelength=1e-10)
    mask = np.ones(ai.detector.shape, bool)
    mask[200:210, 200:212] = False
    plan = ai.plan1d(50, split="exact", mask=mask)
    sums = plan.matrix.pixel_sums().reshape(mask.shape)
    np.testing.assert_allclose(sums[~mask], 1, rtol=0, atol=ROUNDING)
    assert sums[mask].max() == 0


def test_exact_and_full_agree_far_from_the_beam():
    ai = straight(beam=(-2000.0, -2500.0), dist=1.0)
    exact, full = (
        dense(ai.plan1d(20, unit="r_mm", split=split, radial_range=(3202, 3220))) for split in ("exact", "full")
    )
    assert np.abs(exact - full).max() < 1e-4


def test_exact_plans_are_saved_and_loaded_with_equal_results(tmp_path):
    ai = straight()
    frame = np.random.default_rng(3).poisson(20, (17, 19))
    plan = ai.plan1d(30, split="exact", error_model="poisson")
    plan.save(tmp_path / "plan.h5")
    assert az.load_plan(tmp_path / "plan.h5")(frame).sums == plan(frame).sums


def test_lattice_points_are_nested_and_areas_add_up():
    corners = np.random.default_rng(1).normal(size=(5, 4, 3))
    coarse, fine = (lattice_points(corners=corners, k=k) for k in (4, 16))
    assert np.array_equal(fine[:, ::4, ::4], coarse)
    assert np.array_equal(coarse[:, [0, 4, 4, 0], [0, 0, 4, 4]], corners)
    square = np.array([[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0.0]])
    np.testing.assert_allclose(quadrilateral_areas(points=lattice_points(corners=square, k=3)), 6 / 9)
