# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every scheme against brute force, its conservation laws, and native against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.binning import UNRESTRICTED, BinGrid, Circle
from azimuthal.splitting import PixelShapes, build_matrix, scheme
from azimuthal.splitting.unroll import unrolled_one

SCHEMES = ("none", "bbox", "pseudo", "full")
TURN = 2 * np.pi
CIRCLE = Circle(TURN)  # both poles at r = 0

# Sums of a few weights of order one: rounding only.
ROUNDING = 1e-12


def polar(corners_xy):
    """Corners (n, C, 2) in the plane -> PixelShapes in (r, chi); NaN azimuth at the origin."""
    x, y = corners_xy[..., 0], corners_xy[..., 1]
    corners = np.stack([np.hypot(x, y), np.arctan2(y, x)], axis=-1)
    corners[(x == 0) & (y == 0), 1] = np.nan
    middle = corners_xy.mean(axis=1)
    centers = np.stack([np.hypot(*middle.T), np.arctan2(middle[:, 1], middle[:, 0])], axis=-1)
    return PixelShapes(np.ascontiguousarray(corners), centers, np.zeros(len(centers), bool))


def square_pixels(n, beam):
    """n x n pixels of size 1, beam at (x, y) in pixels from the outer corner."""
    j, i = np.meshgrid(np.arange(n), np.arange(n))
    offsets = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])
    return polar(np.stack([j, i], -1).reshape(-1, 1, 2) + offsets - np.asarray(beam, float))


def hexagonal_pixels(n, beam):
    j, i = np.meshgrid(np.arange(n), np.arange(n))
    middle = np.stack([j + 0.5 * (i % 2), i * np.sqrt(3) / 2], -1).reshape(-1, 1, 2)
    angles = np.pi / 6 + np.pi / 3 * np.arange(6)
    return polar(middle + np.stack([np.cos(angles), np.sin(angles)], -1) / np.sqrt(3) - np.asarray(beam, float))


def dense(matrix):
    flat = matrix.entry_pixels() * matrix.n_bins + matrix.indices
    summed = np.bincount(flat, weights=matrix.entry_weights(), minlength=matrix.n_pixels * matrix.n_bins)
    return summed.reshape(matrix.n_pixels, matrix.n_bins)


def weights(pixels, name, grid, *, native):
    matrix, n_not_finite = build_matrix([pixels], scheme(name, native=native, n_threads=2), grid)
    assert n_not_finite == 0
    return matrix


beams = st.one_of(
    st.tuples(st.floats(-3, 12), st.floats(-3, 12)),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),  # on a corner
    st.tuples(st.integers(0, 8).map(lambda i: i + 0.5), st.integers(0, 8).map(lambda i: i + 0.5)),  # on a centre
    st.tuples(st.integers(0, 9), st.floats(0, 9)),  # on an edge
)


@given(
    beam=beams,
    name=st.sampled_from(SCHEMES),
    n_u=st.integers(1, 40),
    n_c=st.integers(0, 50),
    start=st.floats(-np.pi, np.pi),
    pixels_of=st.sampled_from([square_pixels, hexagonal_pixels]),
)
@settings(max_examples=150, deadline=None)
def test_full_range_conserves_every_pixel_and_native_equals_numpy(beam, name, n_u, n_c, start, pixels_of):
    pixels = pixels_of(9, beam)
    reference = scheme(name, native=False)
    extent = reference.extent(pixels, CIRCLE, 0.0)
    assert np.allclose(scheme(name, n_threads=2).extent(pixels, CIRCLE, 0.0), extent, rtol=1e-13, atol=1e-13)
    azimuth = UNRESTRICTED if n_c == 0 else start + np.linspace(0, 1, n_c + 1) * TURN
    if n_c:
        azimuth[-1] = start + TURN
    grid = BinGrid(np.linspace(extent.u_min, extent.u_max, n_u + 1), azimuth, CIRCLE, 0.0)
    by_numpy = weights(pixels, name, grid, native=False)
    by_core = weights(pixels, name, grid, native=True)
    assert np.abs(by_numpy.pixel_sums() - 1).max() < ROUNDING
    assert np.abs(by_core.pixel_sums() - 1).max() < ROUNDING
    assert np.abs(dense(by_numpy) - dense(by_core)).max() < ROUNDING
    assert by_core.entry_weights().min() > 0


@given(
    beam=beams,
    name=st.sampled_from(SCHEMES),
    cut=st.floats(0.1, 0.9),
    sector=st.floats(-4, 4),
    native=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_ranges_and_sectors_are_additive(beam, name, cut, sector, native):
    pixels = square_pixels(9, beam)
    extent = scheme(name, native=False).extent(pixels, CIRCLE, 0.0)
    middle = extent.u_min + cut * (extent.u_max - extent.u_min)

    def sums(u_low, u_high, start, stop):
        grid = BinGrid(np.array([u_low, u_high]), np.array([start, stop]), CIRCLE, 0.0)
        return weights(pixels, name, grid, native=native).pixel_sums()

    start = (sector + np.pi) % TURN - np.pi
    whole = sums(extent.u_min, extent.u_max, start, start + TURN)
    assert np.abs(whole - 1).max() < ROUNDING
    if name == "none":  # a centre on the common edge belongs to the upper part only, up to the closed last bin
        return
    radial = sums(extent.u_min, middle, start, start + TURN) + sums(middle, extent.u_max, start, start + TURN)
    assert np.abs(radial - whole).max() < ROUNDING
    sectors = sum(sums(extent.u_min, extent.u_max, start + TURN * k / 3, start + TURN * (k + 1) / 3) for k in range(3))
    assert np.abs(sectors - whole).max() < ROUNDING


def brute_force_polygon(corners, grid, n=400):
    """Fractions of a polygon's area in every bin by testing a fine grid of points; the polygon unrolled by hand."""
    polygon, _ = unrolled_one(corners, grid.circle)
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    u, c = (low[k] + (high[k] - low[k]) * (np.arange(n) + 0.5) / n for k in (0, 1))
    points_u, points_c = (array.ravel() for array in np.meshgrid(u, c))
    inside = np.zeros(points_u.size, bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):  # even-odd rule
        crosses = (a[1] > points_c) != (b[1] > points_c)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = a[0] + (points_c - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        inside ^= crosses & (points_u < at)
    azimuth = points_c[inside]
    start = grid.c_edges[0]
    azimuth = start + (azimuth - start) % TURN
    counts, _, _ = np.histogram2d(azimuth, points_u[inside], bins=[grid.c_edges, grid.u_edges])
    return counts.ravel() / inside.sum()


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("pixels_of", [square_pixels, hexagonal_pixels])
@pytest.mark.parametrize("beam", [(2.3, 2.4), (2.0, 2.0), (2.5, 2.5), (-1.0, 2.4), (2.0, 2.7)])
def test_full_polygons_equal_brute_force_areas(beam, pixels_of, native):
    pixels = pixels_of(5, beam)
    grid = BinGrid(np.linspace(0, 8, 14), np.linspace(-np.pi, np.pi, 24), CIRCLE, 0.0)
    found = dense(weights(pixels, "full", grid, native=native))
    for i in range(len(found)):
        if np.abs(found[i].sum() - 1) > 1e-9:
            continue
        assert np.abs(found[i] - brute_force_polygon(pixels.corners[i], grid)).max() < 0.01


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(("beam", "expected"), [((2.3, 2.4), 1), ((2.5, 2.5), 1), ((2.0, 2.0), 4)])
def test_full_pixels_around_the_beam_reach_all_azimuths(beam, expected, native):
    """pyFAI 2026.9 loses the pixel under the beam and makes NaN weights at a corner (inventory 9.1-8)."""
    pixels = square_pixels(5, beam)
    grid = BinGrid(np.array([0.0, 0.05, 10.0]), np.linspace(-np.pi, np.pi, 361), CIRCLE, 0.0)
    matrix = weights(pixels, "full", grid, native=native)
    innermost = dense(matrix).reshape(-1, 360, 2)[:, :, 0]
    assert np.count_nonzero(innermost.any(axis=1)) == expected
    assert (innermost.sum(axis=0) > 0).all()
    assert np.abs(matrix.pixel_sums() - 1).max() < ROUNDING


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("name", SCHEMES)
def test_pixels_below_the_range_stay_out_of_the_first_bin(name, native):
    """pyFAI 2026.9 adds a whole bin width below the range to the first bin (inventory 9.1-1)."""
    pixels = square_pixels(41, (20.5, 20.5))
    grid = BinGrid(np.linspace(10, 15, 6), UNRESTRICTED, CIRCLE, 0.0)
    first = dense(weights(pixels, name, grid, native=native))[:, 0].sum()
    area = np.pi * (11**2 - 10**2)
    assert first == pytest.approx(area, rel=0.12)
    if name == "none":
        r = pixels.centers[:, 0]
        assert first == np.count_nonzero((r >= 10) & (r < 11))


@pytest.mark.parametrize("name", ["bbox", "pseudo", "full"])
@pytest.mark.parametrize("native", [False, True])
def test_pixel_cut_by_the_range_keeps_only_the_part_inside(name, native):
    corners = np.array([[[1.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 1.0]]])
    pixels = PixelShapes(corners, np.array([[1.5, 0.5]]), np.zeros(1, bool))
    grid = BinGrid(np.array([1.25, 5.0]), np.array([0.5, 3.0]), CIRCLE, 0.0)
    assert dense(weights(pixels, name, grid, native=native))[0, 0] == pytest.approx(0.75 * 0.5, abs=1e-14)


@pytest.mark.parametrize("native", [False, True])
def test_crossing_edges_give_positive_weights_that_sum_to_one(native):
    bow_tie = np.array([[[1.0, 0.0], [2.0, 1.0], [2.0, 0.0], [1.0, 1.5]]])
    pixels = PixelShapes(bow_tie, bow_tie.mean(axis=1), np.zeros(1, bool))
    grid = BinGrid(np.linspace(0.5, 2.5, 30), np.linspace(-np.pi, np.pi, 30), CIRCLE, 0.0)
    matrix = weights(pixels, "full", grid, native=native)
    assert matrix.pixel_sums()[0] == pytest.approx(1, abs=ROUNDING)
    assert matrix.entry_weights().min() > 0


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("name", ["bbox", "full"])
def test_pixel_of_no_extent_counts_as_a_point(name, native):
    corners = np.full((1, 4, 2), (1.5, 0.3))
    pixels = PixelShapes(corners, np.array([[1.5, 0.3]]), np.zeros(1, bool))
    grid = BinGrid(np.array([1.0, 1.5, 2.0]), np.array([-1.0, 1.0]), CIRCLE, 0.0)
    assert dense(weights(pixels, name, grid, native=native))[0].tolist() == [0, 1]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("name", SCHEMES)
def test_non_finite_pixels_are_left_out_and_counted(name, native):
    pixels = square_pixels(5, (2.3, 2.4))
    pixels.corners[7, 2, 0] = np.inf
    pixels.centers[7, 0] = np.inf
    grid = BinGrid(np.linspace(0, 8, 14), np.linspace(-np.pi, np.pi, 24), CIRCLE, 0.0)
    matrix, n_not_finite = build_matrix([pixels], scheme(name, native=native), grid)
    assert n_not_finite == 1
    assert matrix.pixel_sums()[7] == 0


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("name", SCHEMES)
def test_excluded_pixels_have_no_weights_and_no_extent(name, native):
    pixels = square_pixels(9, (4.3, 4.4))
    excluded = np.hypot(*(np.indices((9, 9)) - 4)).ravel() > 3
    pixels = pixels._replace(excluded=excluded)
    chosen = scheme(name, native=native)
    extent = chosen.extent(pixels, CIRCLE, 0.0)
    assert extent.u_max < 5
    grid = BinGrid(np.linspace(0, 10, 11), UNRESTRICTED, CIRCLE, 0.0)
    sums = build_matrix([pixels], chosen, grid)[0].pixel_sums()
    assert np.abs(sums - ~excluded).max() < ROUNDING


def test_slabs_give_the_same_matrix_as_the_whole():
    pixels = square_pixels(9, (4.3, 4.4))
    parts = [PixelShapes(*(array[rows] for array in pixels[:3])) for rows in (slice(0, 30), slice(30, 81))]
    grid = BinGrid(np.linspace(0, 10, 11), np.linspace(-np.pi, np.pi, 7), CIRCLE, 0.0)
    whole = weights(pixels, "full", grid, native=True)
    joined, _ = build_matrix(parts, scheme("full"), grid)
    for name in ("indptr", "indices", "weights"):
        assert np.array_equal(getattr(whole, name), getattr(joined, name))


def test_small_pixels_far_from_the_origin_keep_their_digits():
    corners = np.array([[[5e10, 3.0], [5e10 + 10, 3.0], [5e10 + 10, 3.0 + 1e-6], [5e10, 3.0 + 1e-6]]])
    pixels = PixelShapes(corners, corners.mean(axis=1), np.zeros(1, bool))
    grid = BinGrid(np.array([0, 5e10 + 2.5, 6e10]), np.array([-np.pi, 3.0 + 0.5e-6, np.pi]), CIRCLE, 0.0)
    for native in (False, True):
        found = dense(weights(pixels, "full", grid, native=native))[0]
        assert found == pytest.approx([0.125, 0.375, 0.125, 0.375], abs=1e-9)
        assert found.sum() == pytest.approx(1, abs=1e-15)
