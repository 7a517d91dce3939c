# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Shapes against brute force: every pixel centre on its own."""

import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.masks import combine
from azimuthal.masks.description import MaskDescription, MaskStep

SHAPE = (30, 40)


@pytest.fixture(scope="module")
def instrument():
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE)
    pose = az.Pose(dist=0.1, poni1=0.012, poni2=0.021, rot1=0.1, rot2=-0.2, rot3=0.3)
    return az.Instrument(detector, pose, az.Beam(1e-10))


def made(kind, instrument=None, **settings):
    image = settings.pop("image", None)
    return MaskDescription((MaskStep(kind, settings),)).mask(instrument, shape=SHAPE, image=image)


def is_inside(points, slow, fast):
    """Say whether the winding of a polygon around a point is odd, by angles."""
    total = 0.0
    for (s1, f1), (s2, f2) in zip(points, points[1:] + points[:1], strict=True):
        a, b = math.atan2(s1 - slow, f1 - fast), math.atan2(s2 - slow, f2 - fast)
        total += (b - a + math.pi) % (2 * math.pi) - math.pi
    return round(total / (2 * math.pi)) % 2 == 1


@pytest.mark.parametrize("seed", range(5))
def test_polygon_holds_the_centres_inside(seed):
    generator = np.random.default_rng(seed)
    points = (generator.random((6, 2)) * [40, 60] - [5, 10] + 1e-3).tolist()
    expected = [[is_inside(points, row + 0.5, column + 0.5) for column in range(40)] for row in range(30)]
    np.testing.assert_array_equal(made("polygon", points=points), expected)


def test_polygon_of_whole_pixels_is_the_rectangle():
    outline = [[3, 4], [3, 9], [11, 9], [11, 4]]
    np.testing.assert_array_equal(made("polygon", points=outline), made("rectangle", rows=[3, 11], columns=[4, 9]))
    assert made("rectangle", rows=[3, 11], columns=[4, 9]).sum() == 40


def test_two_polygons_that_share_an_edge_take_every_pixel_once():
    left = made("polygon", points=[[0, 0], [0, 20.5], [30, 3.5], [30, 0]])
    right = made("polygon", points=[[0, 20.5], [0, 40], [30, 40], [30, 3.5]])
    assert not (left & right).any()
    assert (left | right).all()


def test_circle_holds_the_centres_inside():
    selected = made("circle", center=[10, 20], radius=4)
    rows, columns = np.nonzero(selected)
    assert np.hypot(rows + 0.5 - 10, columns + 0.5 - 20).max() <= 4
    assert selected.sum() == pytest.approx(math.pi * 16, rel=0.1)


def test_pixels_are_those():
    assert np.argwhere(made("pixels", pixels=[[3, 5], [29, 39]])).tolist() == [[3, 5], [29, 39]]


def lab(instrument):
    centers = instrument.detector.centers()
    return np.moveaxis(instrument.pose.lab_from_detector(centers.reshape(-1, 3)).reshape(centers.shape), -1, 0)


def test_ring_and_arc_are_those_of_the_angles(instrument):
    x1, x2, x3 = lab(instrument)
    two_theta = np.degrees(np.arctan2(np.hypot(x1, x2), x3))
    chi = np.degrees(np.arctan2(x1, x2))
    ring = (two_theta >= 5) & (two_theta <= 12)
    assert 20 < ring.sum() < 1000
    np.testing.assert_array_equal(made("ring", instrument, radial=[5, 12]), ring)
    near = np.abs((chi - 180 + 180) % 360 - 180) <= 60
    for azimuth in ([120, 240], [120, -120], [-240, -120]):
        np.testing.assert_array_equal(made("arc", instrument, radial=[5, 12], azimuth=azimuth), ring & near)
    away = made("arc", instrument, radial=[5, 12], azimuth=[-120, 120])
    np.testing.assert_array_equal(away | (ring & near), ring)


def test_ring_in_q_agrees_with_the_angle(instrument):
    q = 4e-9 * math.pi / 1e-10 * np.sin(np.radians([2.5, 6.0]))
    np.testing.assert_array_equal(
        made("ring", instrument, unit="q_nm^-1", radial=q.tolist()), made("ring", instrument, radial=[5, 12])
    )


def test_threshold_excludes_beyond_and_nan():
    image = np.arange(1200.0).reshape(SHAPE)
    image[0, 5] = np.nan
    selected = made("threshold", image=image, below=3, above=1190)
    assert np.flatnonzero(selected).tolist() == [0, 1, 2, 5, *range(1191, 1200)]


def test_gaps_are_those_of_the_detector():
    detector = az.detector("Pilatus1M")
    instrument = az.Instrument(detector, az.Pose(0.2))
    mask = MaskDescription((MaskStep("gaps"),)).mask(instrument)
    np.testing.assert_array_equal(mask, detector.gap_mask())


def test_steps_are_applied_in_order_and_counted():
    steps = (
        MaskStep("rectangle", {"rows": [0, 10], "columns": [0, 40]}),
        MaskStep("rectangle", {"rows": [5, 6], "columns": [0, 40]}, action="include"),
        MaskStep("rectangle", {"rows": [5, 12], "columns": [0, 1]}),
        MaskStep("rectangle", {"rows": [0, 29], "columns": [0, 40]}, outside=True),
    )
    mask, shares = MaskDescription(steps).explained(shape=SHAPE)
    expected = np.zeros(SHAPE, bool)
    expected[:10], expected[5], expected[5:12, 0], expected[29] = True, False, True, True
    np.testing.assert_array_equal(mask, expected)
    assert [(share.n_selected, share.n_changed) for share in shares] == [(400, 400), (40, 40), (7, 3), (40, 40)]
    assert "include rectangle" in str(shares[1])
    assert "33.3 %" in str(shares[0])


def test_file_step_goes_through_the_reader():
    other = np.eye(30, 40, dtype=bool)
    description = MaskDescription((MaskStep("file", {"path": "m.h5", "bits": ["gap", 3]}),))
    asked = []
    mask = description.mask(shape=SHAPE, read_file=lambda path, bits: asked.append((path, bits)) or other)
    np.testing.assert_array_equal(mask, combine(other, shape=SHAPE))
    assert asked == [("m.h5", ["gap", 3])]


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("ring", {"radial": [1, 2]}, "needs a geometry"),
        ("gaps", {}, "needs a geometry"),
        ("threshold", {"below": 1}, "needs an image"),
        ("file", {"path": "a.npy"}, "not read here"),
        ("rectangle", {"rows": [0, 31], "columns": [0, 1]}, "beyond"),
        ("pixels", {"pixels": [[0, 40]]}, "beyond"),
    ],
)
def test_step_without_what_it_needs_is_refused(kind, settings, words):
    with pytest.raises(ParameterError, match=words):
        made(kind, **settings)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("rectangle", {"rows": [3, 3], "columns": [0, 1]}),
        ("rectangle", {"rows": [0.5, 3], "columns": [0, 1]}),
        ("rectangle", {"rows": [-1, 3], "columns": [0, 1]}),
        ("polygon", {"points": [[0, 0], [1, 1]]}),
        ("circle", {"center": [0, 0], "radius": 0}),
        ("arc", {"radial": [1, 2], "azimuth": [5, 5]}),
        ("arc", {"radial": [1, 2], "azimuth": [0, 400]}),
        ("threshold", {}),
        ("pixels", {"pixels": 3}),
        ("file", {"path": ""}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind, settings):
    with pytest.raises(ParameterError):
        MaskStep(kind, settings)


def test_another_detector_is_refused(instrument):
    description = MaskDescription((MaskStep("gaps"),), shape=(30, 41))
    with pytest.raises(ShapeError, match=r"\(30, 41\)"):
        description.mask(instrument)
    with pytest.raises(ParameterError, match="shape is not known"):
        MaskDescription().mask()
