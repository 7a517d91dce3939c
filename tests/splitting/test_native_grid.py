# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Flat detectors in one pass of the core: against the NumPy schemes on the same coordinates, on all instruction sets."""

import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal import _core
from azimuthal.binning import UNRESTRICTED, BinGrid, Circle
from azimuthal.geometry import Pose
from azimuthal.geometry._native import Projection
from azimuthal.splitting import PixelShapes, build_matrix, scheme
from azimuthal.splitting._native import GridPixels

SCHEMES = ("none", "bbox", "pseudo", "full")
QUANTITIES = ("r", "two_theta", "q", "d_star_squared", "d")
TURN = 2 * np.pi
WAVELENGTH = 1e-10
ROUNDING = 1e-12
PIXEL = 1e-3
#: More columns than a chunk of the kernels (128) and not a multiple of any vector.
SHAPE = (9, 141)

BEAMS = {
    "outside": (-3.3, -7.4),
    "below the rows": (-0.5, 70.2),
    "inside": (4.3, 70.6),
    "on a corner": (4, 70),
    "on a centre": (4.5, 70.5),
    "on an edge": (4, 70.5),
}
POSES = {
    "straight": (0.0, 0.0, 0.0),
    "tilted": (0.12, -0.2, 0.4),
    "sideways": (0.9, 0.3, -1.0),
    "behind": (0.2, 3.0, 0),
}


@pytest.fixture(autouse=True)
def best_instructions():
    yield
    _core.use_instructions(_core.instruction_sets()[0])


class Case(NamedTuple):
    """A detector seen in one quantity."""

    pixels: GridPixels
    shapes: PixelShapes
    circle: Circle
    u_floor: float


def axis_edges(n, layout):
    """Edges of n pixels: side by side, mirrored, or with wide pixels and gaps."""
    edges = PIXEL * np.arange(n + 1.0)
    lower, upper = edges[:-1], edges[1:]
    if layout == "mirrored":
        return lower[::-1].copy(), upper[::-1].copy()
    if layout == "gaps":
        shift = PIXEL * 1.5 * (np.arange(n) // 5)
        return lower + shift, upper + shift + PIXEL * 0.5 * (np.arange(n) % 5 == 4)
    return lower.copy(), upper.copy()


def case(quantity="q", beam="inside", pose="straight", slow="side by side", fast="side by side", masked=0.0, seed=0):
    edges = (*axis_edges(SHAPE[0], slow), *axis_edges(SHAPE[1], fast))
    poni = [PIXEL * value for value in BEAMS[beam]]
    placed = Pose(0.05, *poni, *POSES[pose])
    number = QUANTITIES.index(quantity)
    factor = (1.0, 1.0, 4 * math.pi / WAVELENGTH, 2 / WAVELENGTH, 0.5 * WAVELENGTH)[number]
    to = Projection(placed.rotation, np.array([-poni[0], -poni[1], 0.05]), number, factor)
    excluded = np.random.default_rng(seed).random(SHAPE) < masked
    if masked:
        excluded[2] = True
        excluded[:, 5:136] |= excluded[0, 5]  # chunks without a pixel
    n_pixels = SHAPE[0] * SHAPE[1]
    corners, centers = np.empty((*SHAPE, 4, 2)), np.empty((*SHAPE, 2))
    _core.project_grid(
        *edges, 0, SHAPE[0], to.rotation, to.shift, to.number, to.factor, *to.entry_arguments, corners, centers, 1
    )  # fmt: skip
    poles = {
        "r": (0.0, 0.0, math.inf),
        "two_theta": (0.0, math.pi, 0.5 * math.pi),
        "q": (0.0, factor, factor * math.sqrt(0.5)),
        "d_star_squared": (0.0, factor**2, 0.5 * factor**2),
        "d": (math.inf, factor, factor * math.sqrt(2)),
    }[quantity]
    shapes = PixelShapes(corners.reshape(n_pixels, 4, 2), centers.reshape(n_pixels, 2), excluded.ravel())
    return Case(GridPixels(edges, to, excluded), shapes, Circle(TURN, *poles), 0.0)


def bins(found, name, u_range, azimuth):
    """Bins over the range of the case, or the inner part of it."""
    low, high = found.pixels.radial_range(name, found.circle, found.u_floor, n_threads=1)
    if not (np.isfinite([low, high]).all() and high > low):
        low, high = 0.0, 1.0
    edges = {
        "measured": np.linspace(low, high, 41),
        "inner": np.linspace(low + 0.2 * (high - low), low + 0.7 * (high - low), 31),
        "one": np.array([low, high]),
        "unrestricted": UNRESTRICTED,
        "growing": low + (high - low) * np.linspace(0, 1, 25) ** 2,
        "many": np.linspace(low, high, 2001),
        "few, uneven": low + (high - low) * np.array([0, 0.2, 0.21, 0.22, 1.0]),
    }[u_range]
    around = {
        "not split": UNRESTRICTED,
        "full": np.linspace(-np.pi, np.pi, 37),
        "turned": 1.1 + np.linspace(0, TURN, 8),
        "sector": np.linspace(2.8, 4.0, 9),
        "across": np.linspace(-0.3, 0.4, 3),
    }[azimuth]
    if azimuth == "turned":
        around[-1] = 1.1 + TURN
    return BinGrid(edges, around, found.circle, found.u_floor)


def difference(first, second):
    """Largest difference of two matrices, entry by entry."""
    flat = np.concatenate([m.entry_pixels() * m.n_bins + m.indices for m in (first, second)])
    weights = np.concatenate([first.entry_weights(), -second.entry_weights()])
    _, entry = np.unique(flat, return_inverse=True)
    return np.abs(np.bincount(entry, weights=weights, minlength=1)).max()


def check(found, name, u_range, azimuth):
    grid = bins(found, name, u_range, azimuth)
    packed, core_not_finite = found.pixels.packed(name, grid, n_threads=2)
    by_core = packed.as_matrix()
    by_numpy, n_not_finite = build_matrix([found.shapes], scheme(name, native=False), grid)
    assert core_not_finite == n_not_finite
    assert difference(by_core, by_numpy) < ROUNDING
    if by_core.weights is not None and by_core.n_entries:
        assert by_core.weights.min() > 0
    starts = by_core.indptr[:-1]
    rising = np.diff(by_core.indices) > 0
    rising[starts[(starts > 0) & (starts < by_core.n_entries)] - 1] = True  # from pixel to pixel they may fall
    assert rising.all()


@pytest.mark.filterwarnings("ignore:invalid value")
@given(
    name=st.sampled_from(SCHEMES),
    quantity=st.sampled_from(QUANTITIES),
    beam=st.sampled_from(list(BEAMS)),
    pose=st.sampled_from(list(POSES)),
    slow=st.sampled_from(["side by side", "mirrored", "gaps"]),
    fast=st.sampled_from(["side by side", "mirrored", "gaps"]),
    u_range=st.sampled_from(["measured", "inner", "one", "unrestricted", "growing", "many", "few, uneven"]),
    azimuth=st.sampled_from(["not split", "full", "turned", "sector", "across"]),
    masked=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=120, deadline=None)
def test_one_pass_equals_numpy(name, quantity, beam, pose, slow, fast, u_range, azimuth, masked):
    if u_range == "unrestricted" and azimuth == "not split":
        azimuth = "full"
    check(case(quantity, beam, pose, slow, fast, masked), name, u_range, azimuth)


@pytest.mark.parametrize("instructions", _core.instruction_sets())
@pytest.mark.parametrize("name", SCHEMES)
def test_one_pass_equals_numpy_on_every_instruction_set(instructions, name):
    _core.use_instructions(instructions)
    for azimuth, beam in itertools.product(("not split", "full"), ("inside", "outside")):
        check(case(beam=beam), name, "measured", azimuth)


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("name", SCHEMES)
def test_instruction_sets_and_threads_give_the_same_bits(name, quantity):
    results = []
    for instructions, n_threads in itertools.product(_core.instruction_sets(), (1, 3)):
        _core.use_instructions(instructions)
        found = case(quantity, beam="on a corner", masked=0.1)
        for u_range, azimuth in (("inner", "not split"), ("many", "full"), ("growing", "sector")):
            grid = bins(found, name, u_range, azimuth)
            matrix = found.pixels.packed(name, grid, n_threads=n_threads)[0].as_matrix()
            weights = matrix.entry_weights().tobytes()
            results.append(
                (u_range, grid.u_edges.tobytes(), matrix.indptr.tobytes(), matrix.indices.tobytes(), weights)
            )
    assert len(set(results)) == 3


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("name", SCHEMES)
def test_range_equals_that_of_all_pixels(name, quantity):
    for beam, pose, masked in itertools.product(BEAMS, POSES, (0.0, 0.3)):
        found = case(quantity, beam, pose, masked=masked)
        low, high = found.pixels.radial_range(name, found.circle, found.u_floor, n_threads=2)
        expected = scheme(name, native=False).extent(found.shapes, found.circle, found.u_floor)
        if name == "pseudo":  # a square root of a quotient of sums
            assert (low, high) == pytest.approx(expected[:2], rel=1e-14, abs=1e-300)
        else:
            assert (low, high) == expected[:2]


def test_range_of_no_pixel_is_reversed():
    found = case()
    pixels = GridPixels(found.pixels.edges, found.pixels.projection, np.ones(SHAPE, bool))
    assert pixels.radial_range("full", found.circle, 0.0, n_threads=2) == (math.inf, -math.inf)
    packed, n_not_finite = pixels.packed("full", bins(found, "full", "measured", "full"), n_threads=2)
    assert (packed.as_matrix().n_entries, n_not_finite) == (0, 0)


def angles():
    random = np.random.default_rng(5)
    scale = 10.0 ** random.uniform(-12, 12, (2, 20000))
    y, x = scale * random.choice([-1.0, 1.0], scale.shape)
    near = random.uniform(0, TURN, 200000)
    special = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -0.5, 0.5000001, 1e-300, 1e300])
    pairs = np.array(list(itertools.product(special, special))).T
    return np.concatenate([y, np.sin(near), pairs[0]]), np.concatenate([x, np.cos(near), pairs[1]])


@pytest.mark.parametrize("instructions", _core.instruction_sets())
def test_arc_tangents_are_right_to_two_last_places(instructions):
    _core.use_instructions(instructions)
    y, x = angles()
    found = np.empty_like(y)
    _core.arc_tangents(y, x, found)
    at_origin = (y == 0) & (x == 0)
    assert (found[at_origin] == 0).all()
    exact = np.arctan2(y.astype(np.longdouble), x.astype(np.longdouble))
    places = np.abs(found - exact) / np.spacing(np.maximum(np.abs(found), 1e-300))
    assert places[~at_origin].max() <= 2.1
    assert (np.signbit(found) == np.signbit(y)).all()


def test_unknown_instruction_sets_are_refused():
    assert _core.instruction_sets()[-1] == "baseline"
    with pytest.raises(ValueError, match="instruction_sets"):
        _core.use_instructions("mmx")
