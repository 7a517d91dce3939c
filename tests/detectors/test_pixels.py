# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pixel positions: analytic cases, and every detector against pyFAI."""

import warnings

import numpy as np
import pytest
from pyFAI.detectors import detector_factory

from azimuthal.detectors import (
    AxisSteps,
    CornerArray,
    Cylindrical,
    Detector,
    Faceted,
    Hexagonal,
    RegularGrid,
    SteppedGrid,
    detector,
    detector_names,
)
from azimuthal.errors import ParameterError, ShapeError

NAMES = [name for name in detector_names() if name != "Detector"]

#: pyFAI keeps positions in float32: half a unit in the last place each for index, pixel size and product.
FLOAT32 = float(np.finfo(np.float32).eps)
FULL_COMPARISON_PIXELS = 600_000
ROWS = 24

#: pyFAI inherits for the assembled image of Jungfrau8M the wide pixels of a single module: a named test shows it.
DIFFERENT_CORNERS = {"Jungfrau8M"}
#: pyFAI puts the centres of hexagons a quarter of a pixel beside their middle: a named test shows it.
DIFFERENT_CENTERS = {"Jungfrau8M", "Pixirad1", "Pixirad2", "Pixirad4", "Pixirad8"}


@pytest.fixture(autouse=True)
def _quiet_pyfai(caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        caplog.set_level("CRITICAL", logger="pyFAI")
        yield


def _tolerance(positions):
    return 1e-9 + 2 * FLOAT32 * np.abs(positions).max()


def _assert_close(ours, theirs, scale=None):
    tolerance = _tolerance(ours if scale is None else scale)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def _slabs(n_rows):
    starts = sorted({0, max(0, (n_rows - ROWS) // 2), max(0, n_rows - ROWS)})
    return [slice(start, min(start + ROWS, n_rows)) for start in starts]


def _is_compared_whole(ours):
    return ours.shape[0] * ours.shape[1] <= FULL_COMPARISON_PIXELS or ours.name == "Cirpad"


def _theirs_at(pyfai_detector, rows, n_fast, center):
    """Positions (slow, fast, depth) of pixel centres or grid points of some rows, without the whole frame."""
    extra = 0 if center else 1
    slow = np.arange(rows.start, rows.stop + extra, dtype=float)[:, np.newaxis] + np.zeros(n_fast + extra)
    fast = np.zeros((slow.shape[0], 1)) + np.arange(n_fast + extra, dtype=float)
    parts = pyfai_detector.calc_cartesian_positions(slow + 0.5 * center, fast + 0.5 * center, center=False)
    return np.stack([np.zeros_like(slow) if part is None else np.asarray(part) for part in parts], axis=-1)


@pytest.mark.parametrize("name", NAMES)
def test_mask_of_every_detector_equals_pyfai(name):
    theirs, ours = detector_factory(name).mask, detector(name).gap_mask()
    assert ours.dtype == np.bool_
    if theirs is None:
        assert not ours.any()
    else:
        np.testing.assert_array_equal(ours, theirs != 0)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DIFFERENT_CORNERS])
def test_corners_of_every_detector_equal_pyfai(name):
    ours, theirs = detector(name), detector_factory(name)
    assert ours.shape == tuple(theirs.shape)
    assert (ours.pixel1, ours.pixel2) == (theirs.pixel1, theirs.pixel2)
    if _is_compared_whole(ours):
        _assert_close(ours.corners(), theirs.get_pixel_corners()[..., [1, 2, 0]])
    elif ours.is_separable and not theirs.uniform_pixel:
        _compare_edges(ours, theirs)
    elif ours.n_corners == 6:
        expected = theirs.get_pixel_corners()
        for rows in _slabs(ours.shape[0]):
            _assert_close(ours.corners(rows), expected[rows][..., [1, 2, 0]])
    else:
        for rows in _slabs(ours.shape[0]):
            grid = _theirs_at(theirs, rows, ours.shape[1], center=False)
            expected = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=2)
            _assert_close(ours.corners(rows), expected)


def _compare_edges(ours, theirs):
    edges = ours.separable_edges()
    for axis, theirs_along in enumerate(theirs.calc_pixels_edges()):
        _assert_close(np.append(edges[2 * axis], edges[2 * axis + 1][-1]), theirs_along)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DIFFERENT_CENTERS])
def test_centers_of_every_detector_equal_pyfai(name):
    ours, theirs = detector(name), detector_factory(name)
    if _is_compared_whole(ours):
        _compare_centers(ours, theirs)
    elif theirs.uniform_pixel:
        for rows in _slabs(ours.shape[0]):
            _assert_close(ours.centers(rows), _theirs_at(theirs, rows, ours.shape[1], center=True))
    else:  # Jungfrau_16M_cor: pyFAI would need its whole corner array; its edges are compared above
        edges, centers = ours.separable_edges(), ours.centers(slice(250, 270))
        np.testing.assert_allclose(centers[..., 0].T[0], ((edges.lower1 + edges.upper1) / 2)[250:270], rtol=1e-14)


def _compare_centers(ours, theirs):
    centers, parts = ours.centers(), theirs.calc_cartesian_positions()
    for axis in range(3):
        _assert_close(centers[..., axis], 0.0 if parts[axis] is None else parts[axis], scale=centers)


@pytest.mark.parametrize("name", ["Pilatus100k", "Xpad_flat", "ImXPadS70", "Maxipix2x2", "Mythen"])
@pytest.mark.parametrize("orientation", [1, 2, 4])
def test_centers_of_flat_detectors_at_every_orientation_equal_pyfai(name, orientation):
    _compare_centers(detector(name, orientation=orientation), detector_factory(name, {"orientation": orientation}))


@pytest.mark.parametrize("name", ["Pilatus100k", "ImXPadS70", "Mythen"])
@pytest.mark.parametrize("orientation", [1, 2, 4])
def test_corners_of_plain_grids_at_every_orientation_are_those_of_pyfai_in_another_order(name, orientation):
    theirs = detector_factory(name, {"orientation": orientation}).get_pixel_corners()[..., [1, 2, 0]]
    order = {1: [2, 3, 0, 1], 2: [1, 0, 3, 2], 4: [3, 2, 1, 0]}[orientation]
    _assert_close(detector(name, orientation=orientation).corners(), theirs[:, :, order])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("orientation", [1, 2, 4])
def test_orientation_mirrors_the_native_rows_of_every_detector(name, orientation):
    native, image = detector(name), detector(name, orientation=orientation)
    rows = slice(0, min(8, native.shape[0]))
    n_slow = native.shape[0]
    same = slice(n_slow - rows.stop, n_slow) if orientation in (1, 2) else rows
    expected = native.corners(same)[:: -1 if orientation in (1, 2) else 1, :: -1 if orientation in (1, 4) else 1]
    np.testing.assert_array_equal(image.corners(rows), expected)


@pytest.mark.parametrize("name", NAMES)
def test_pixels_of_every_detector_have_positive_area_and_contain_their_centre(name):
    camera = detector(name)
    corners = camera.corners(slice(0, min(40, camera.shape[0])))
    centers = camera.centers(slice(0, min(40, camera.shape[0])))
    diagonal = corners[:, :, camera.n_corners // 2] - corners[:, :, 0]
    nominal = np.hypot(camera.pixel1, camera.pixel2)
    crossed = np.linalg.norm(np.cross(diagonal, corners[:, :, 1] - corners[:, :, -1]), axis=-1)
    assert crossed.min() > 0.3 * camera.pixel1 * camera.pixel2
    assert (np.linalg.norm(corners - centers[:, :, np.newaxis], axis=-1) < 2 * nominal).all()


# ---- where pyFAI 2026.9 is not followed, and why ---------------------------------------------------------------------


def test_jungfrau8m_is_a_regular_raster_where_pyfai_widens_pixels_inside_chips():
    """The image is assembled: its raster is 75 µm everywhere.

    pyFAI gives double width to rows and columns 255, 256, 511, 512, ... counted from the image's corner, a rule for a
    single module.  Most of these lie inside live chips, and positions at the far end are off by 24 pixels.
    """
    ours, theirs = detector("Jungfrau8M"), detector_factory("Jungfrau8M")
    widths = np.diff(theirs.calc_pixels_edges()[1])
    wide = np.flatnonzero(widths > 1.5 * 75e-6)
    assert theirs.uniform_pixel  # pyFAI's own word on this detector
    live = ~ours.gap_mask()[:, wide].all(axis=0)
    assert live.sum() > 15
    assert abs(theirs.calc_pixels_edges()[1][-1] - 3212 * 75e-6) > 1.5e-3
    edges = ours.separable_edges()
    np.testing.assert_allclose(edges.upper2 - edges.lower2, 75e-6, rtol=1e-9)


def test_pixirad_centre_is_the_middle_of_the_hexagon_where_pyfai_is_a_quarter_pixel_off():
    parts = detector_factory("Pixirad1").calc_cartesian_positions()
    corners = detector_factory("Pixirad1").get_pixel_corners()[..., [1, 2, 0]].astype(float)
    shift = np.asarray(parts[1]) - corners.mean(axis=2)[..., 1]
    np.testing.assert_allclose(shift, 15e-6, atol=1e-8)
    np.testing.assert_allclose(detector("Pixirad1").centers(), corners.mean(axis=2), atol=1e-8)


def test_pyfai_corners_of_uneven_pixels_do_not_follow_the_orientation_and_its_centres_do():
    native = detector_factory("Xpad_flat").get_pixel_corners()
    mirrored = detector_factory("Xpad_flat", {"orientation": 2})
    np.testing.assert_array_equal(mirrored.get_pixel_corners(), native)
    ours = detector("Xpad_flat", orientation=2)
    _assert_close(ours.centers()[..., 0], mirrored.calc_cartesian_positions()[0])
    _assert_close(ours.corners().mean(axis=2), ours.centers())


def test_pyfai_centres_of_jungfrau_depend_on_what_was_asked_before():
    """That is why other orientations of uneven pixels are compared with the mirror of native pixels only."""
    fresh = detector_factory("Jungfrau", {"orientation": 2}).calc_cartesian_positions()[0]
    used = detector_factory("Jungfrau", {"orientation": 2})
    used.get_pixel_corners()
    _assert_close(used.calc_cartesian_positions()[0], np.asarray(fresh)[::-1])


def test_mask_follows_the_orientation_where_that_of_pyfai_does_not():
    native = detector_factory("Jungfrau8M").mask != 0
    np.testing.assert_array_equal(detector_factory("Jungfrau8M", {"orientation": 2}).mask != 0, native)
    np.testing.assert_array_equal(detector("Jungfrau8M", orientation=2).gap_mask(), native[::-1])


# ---- layouts on their own --------------------------------------------------------------------------------------------


def test_stepped_grid_widens_inner_borders_and_leaves_gaps():
    lower, upper = AxisSteps(period=3, factor=2.0, gap=0.5).edges(9, 1.0)
    np.testing.assert_allclose(upper - lower, [1, 1, 2, 2, 1, 2, 2, 1, 1])
    np.testing.assert_allclose(lower[1:] - upper[:-1], [0, 0, 0.5, 0, 0, 0.5, 0, 0])


def test_hexagons_tile_the_plane():
    pitch = 6e-5
    layout = Hexagonal((4, 4), pitch * np.sqrt(0.75), pitch)
    corners = Detector(shape=(4, 4), pixel1=pitch, pixel2=pitch, layout=layout).corners()
    sides = np.linalg.norm(np.roll(corners, -1, axis=2) - corners, axis=-1)
    np.testing.assert_allclose(sides, pitch / np.sqrt(3))
    # right neighbour shares the two right corners; the pixel above to the right shares two as well
    np.testing.assert_allclose(corners[0, 0, [1, 2]], corners[0, 1, [5, 4]], atol=1e-15)
    np.testing.assert_allclose(corners[0, 0, [2, 3]], corners[1, 0, [0, 5]], atol=1e-15)


def test_hexagons_with_another_row_pitch_are_refused():
    with pytest.raises(ParameterError, match="sqrt"):
        Hexagonal((4, 4), 6e-5, 6e-5)


def test_cylinder_keeps_arc_length_and_radius():
    layout = Cylindrical((3, 1000), 1e-4, 1e-4, 0.05)
    camera = Detector(shape=(3, 1000), pixel1=1e-4, pixel2=1e-4, layout=layout)
    for positions in (camera.corners().reshape(-1, 3), camera.centers().reshape(-1, 3)):
        np.testing.assert_allclose(np.hypot(positions[:, 1], positions[:, 2] + 0.05), 0.05, rtol=1e-14)
    angle = np.arctan2(camera.centers()[0, :, 1], camera.centers()[0, :, 2] + 0.05)
    np.testing.assert_allclose(np.diff(angle) * 0.05, 1e-4, rtol=1e-9)
    assert not camera.is_flat
    assert camera.separable_edges() is None


def test_cylinder_smaller_than_its_pixels_is_refused():
    with pytest.raises(ParameterError, match="circumference"):
        Cylindrical((3, 1000), 1e-4, 1e-3, 0.05)


def test_facets_are_flat_modules_at_a_constant_angle():
    layout = Faceted((30, 4), 1e-3, 1e-3, n_modules=3, angle_deg=10.0, gap=2e-3)
    corners = Detector(shape=(30, 4), pixel1=1e-3, pixel2=1e-3, layout=layout).corners()
    for module in range(3):
        first, last = corners[10 * module, 0, 0], corners[10 * module + 9, 0, 1]
        along = last - first
        np.testing.assert_allclose(np.linalg.norm(along), 1e-2)
        np.testing.assert_allclose(np.degrees(np.arctan2(along[2], along[0])), 10.0 * module, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(corners[10, 0, 0] - corners[9, 0, 1]), 2e-3)


def test_corner_array_that_is_a_grid_is_separable():
    plain = Detector(pixel1=1e-4, pixel2=2e-4, shape=(5, 6))
    given = plain.replace(layout=CornerArray(plain.corners()))
    assert given.is_separable
    np.testing.assert_array_equal(given.separable_edges().upper2, plain.separable_edges().upper2)
    bent = plain.corners()
    bent[2, 3, 1, 1] += 1e-9
    assert plain.replace(layout=CornerArray(bent)).separable_edges() is None


@pytest.mark.parametrize("shape", [(3, 4, 3), (3, 4, 5, 3), (3, 4, 4, 2)])
def test_corner_array_of_another_shape_is_refused(shape):
    with pytest.raises(ShapeError, match="corners"):
        CornerArray(np.zeros(shape))


def test_corner_array_with_nan_is_refused():
    corners = np.zeros((3, 4, 4, 3))
    corners[1, 1, 1, 1] = np.nan
    with pytest.raises(ParameterError, match="1 values are not finite"):
        CornerArray(corners)


def test_corner_array_is_copied_and_read_only():
    corners = np.zeros((3, 4, 4, 3))
    layout = CornerArray(corners)
    corners += 1.0
    assert not layout.array.any()
    with pytest.raises(ValueError, match="read-only"):
        layout.array[0] = 1.0


@pytest.mark.parametrize(
    "layout",
    [
        RegularGrid((3, 4), 1e-4, 2e-4),
        SteppedGrid((4, 4), 1e-4, 2e-4, AxisSteps(2, 2.0), AxisSteps()),
        Hexagonal((3, 4), 6e-5 * np.sqrt(0.75), 6e-5),
        Cylindrical((3, 4), 1e-4, 2e-4, 0.3),
        Faceted((4, 4), 1e-4, 2e-4, 2, 3.0),
        CornerArray(np.arange(3 * 4 * 4 * 3.0).reshape(3, 4, 4, 3)),
    ],
    ids=lambda layout: layout.builder,
)
def test_layout_survives_json(layout):
    import json

    from azimuthal.detectors._pixels import layout_from_dict

    assert layout_from_dict(json.loads(json.dumps(layout.to_dict()))) == layout
