# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Orientation, regions, binning and what they do to positions and masks."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.detectors import (
    AxisSteps,
    CornerArray,
    Cylindrical,
    Detector,
    Faceted,
    GivenMask,
    Hexagonal,
    InvalidValues,
    ModuleGrid,
    RegularGrid,
    Sensor,
    SteppedGrid,
    detector,
)
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.orientation import orientation_flips

SHAPE = (12, 18)
RANDOM = np.random.default_rng(20260101)
LAYOUTS = {
    "regular": RegularGrid(SHAPE, 1e-4, 2e-4),
    "stepped": SteppedGrid(SHAPE, 1e-4, 2e-4, AxisSteps(4, 2.5, 3e-4), AxisSteps(6, 2.0)),
    "cylindrical": Cylindrical(SHAPE, 1e-4, 2e-4, 0.1),
    "faceted": Faceted(SHAPE, 1e-4, 2e-4, 3, 7.0, 1e-3),
    "corner_array": CornerArray(RANDOM.normal(size=(*SHAPE, 4, 3))),
    "hexagonal": Hexagonal(SHAPE, 6e-5 * np.sqrt(0.75), 6e-5),
}
MASK = RANDOM.random(SHAPE) < 0.1


def _detector(builder: str, orientation: int = 3) -> Detector:
    layout = LAYOUTS[builder]
    return Detector(
        shape=SHAPE, pixel1=1e-4, pixel2=2e-4, layout=layout, orientation=orientation, gaps=(GivenMask(MASK),)
    )


def _mirrored(array: np.ndarray, orientation: int) -> np.ndarray:
    slow, fast = orientation_flips(orientation)
    return array[:: -1 if slow else 1, :: -1 if fast else 1]


def test_detector_from_three_numbers_is_a_regular_grid() -> None:
    camera = Detector(pixel1=1e-4, pixel2=2e-4, shape=(10, 20))
    assert (camera.n_corners, camera.is_flat, camera.is_separable, camera.orientation) == (4, True, True, 3)
    edges = camera.separable_edges()
    assert edges is not None
    np.testing.assert_allclose(edges.upper1, np.arange(1, 11) * 1e-4)
    np.testing.assert_array_equal(edges.lower2[1:], edges.upper2[:-1])
    assert not camera.gap_mask().any()
    np.testing.assert_allclose(camera.centers()[3, 4], [3.5e-4, 9e-4, 0.0])
    # A (i, j), B (i+1, j), C (i+1, j+1), D (i, j+1)
    corner = camera.corners()[3, 4]
    np.testing.assert_allclose(corner[:, 0], [3e-4, 4e-4, 4e-4, 3e-4])
    np.testing.assert_allclose(corner[:, 1], [8e-4, 8e-4, 1e-3, 1e-3])


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@pytest.mark.parametrize("builder", LAYOUTS)
def test_orientation_is_an_index_mirror_of_everything(builder: str, orientation: int) -> None:
    native, image = _detector(builder), _detector(builder, orientation)
    np.testing.assert_array_equal(image.corners(), _mirrored(native.corners(), orientation))
    np.testing.assert_array_equal(image.centers(), _mirrored(native.centers(), orientation))
    np.testing.assert_array_equal(image.gap_mask(), _mirrored(MASK, orientation))


@pytest.mark.parametrize("orientation", [1, 3])
@pytest.mark.parametrize("builder", LAYOUTS)
def test_corners_of_a_row_slice_equal_slice_of_all_corners(builder: str, orientation: int) -> None:
    camera = _detector(builder, orientation)
    rows = slice(5, 9)
    np.testing.assert_array_equal(camera.corners(rows), camera.corners()[rows])
    np.testing.assert_array_equal(camera.centers(rows), camera.centers()[rows])


def test_corners_of_a_row_slice_build_no_full_frame() -> None:
    import tracemalloc

    camera = detector("RayonixMx425hs")
    tracemalloc.start()
    camera.corners(slice(0, 8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 8 * camera.shape[1] * 96


@given(
    builder=st.sampled_from(["regular", "stepped", "cylindrical", "faceted", "corner_array"]),
    orientation=st.sampled_from([1, 2, 3, 4]),
    data=st.data(),
)
def test_regions_and_binnings_compose_like_operations_on_arrays(
    builder: str, orientation: int, data: st.DataObject
) -> None:
    camera = _detector(builder, orientation)
    corners, mask = camera.corners(), camera.gap_mask()
    flips = orientation_flips(orientation)
    for _ in range(3):
        n_slow, n_fast = camera.shape
        if data.draw(st.booleans()):
            starts = [data.draw(st.integers(0, n - 1)) for n in (n_slow, n_fast)]
            stops = [data.draw(st.integers(a + 1, n)) for a, n in zip(starts, (n_slow, n_fast), strict=True)]
            slow, fast = (slice(a, b) for a, b in zip(starts, stops, strict=True))
            camera, corners, mask = camera.with_region(slow, fast), corners[slow, fast], mask[slow, fast]
        else:
            factors = [data.draw(st.sampled_from([f for f in (1, 2, 3) if n % f == 0])) for n in (n_slow, n_fast)]
            camera = camera.with_binning(*factors)
            corners, mask = _binned(corners, mask, factors, flips)
    assert camera.shape == mask.shape
    np.testing.assert_array_equal(camera.corners(), corners)
    np.testing.assert_array_equal(camera.gap_mask(), mask)
    assert Detector.from_dict(camera.to_dict()) == camera
    edges = camera.separable_edges()
    if edges is not None:
        assert (edges.lower1 < edges.upper1).all()
        assert (edges.lower2 < edges.upper2).all()
        np.testing.assert_array_equal(corners[:, :, 0, 0], np.broadcast_to(edges.lower1[:, None], camera.shape))
        np.testing.assert_array_equal(corners[:, :, 2, 1], np.broadcast_to(edges.upper2, camera.shape))


def _binned(
    corners: np.ndarray, mask: np.ndarray, factors: list[int], flips: tuple[bool, bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Combine pixels one by one: the slow way, as the definition says."""
    shape = mask.shape[0] // factors[0], mask.shape[1] // factors[1]
    out, masked = np.empty((*shape, 4, 3)), np.empty(shape, bool)
    for i, j in np.ndindex(shape):
        block = (slice(i * factors[0], (i + 1) * factors[0]), slice(j * factors[1], (j + 1) * factors[1]))
        masked[i, j] = mask[block].any()
        for corner, steps in enumerate([(0, 0), (1, 0), (1, 1), (0, 1)]):
            place = [-1 if step != flip else 0 for step, flip in zip(steps, flips, strict=True)]
            out[i, j, corner] = corners[block][place[0], place[1], corner]
    return out, masked


def test_binning_that_leaves_a_remainder_is_refused_with_the_region_to_use() -> None:
    with pytest.raises(ShapeError, match=r"1 rows and 0 columns remain.*slice\(0, 1042\)"):
        detector("Pilatus1M").with_region(slice(None), slice(0, 980)).with_binning(2, 2)


def test_binning_of_hexagons_is_refused() -> None:
    with pytest.raises(UnsupportedOptionError, match="6 corners"):
        detector("Pixirad1").with_binning(2, 2)


def test_region_of_hexagons_keeps_the_shift_of_odd_rows() -> None:
    whole = detector("Pixirad1")
    part = whole.with_region(slice(3, 9), slice(5, 8))
    np.testing.assert_array_equal(part.corners(), whole.corners()[3:9, 5:8])


@pytest.mark.parametrize("part", [slice(5, 5), slice(0, 2000), slice(0, 10, 2), slice(-2000, None)])
def test_region_that_is_empty_or_outside_is_refused(part: slice) -> None:
    with pytest.raises(ParameterError, match="slow"):
        detector("Pilatus1M").with_region(part, slice(None))


def test_region_counts_negative_indices_from_the_end() -> None:
    assert detector("Pilatus1M").with_region(slice(-10, None), slice(0, -1)).shape == (10, 980)


def test_nominal_pixel_grows_with_binning() -> None:
    binned = Detector(pixel1=1e-4, pixel2=2e-4, shape=(12, 12)).with_binning(3, 2)
    assert (binned.pixel1, binned.pixel2, binned.shape) == (3 * 1e-4, 4e-4, (4, 6))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"pixel1": 0.0}, ParameterError),
        ({"pixel2": float("nan")}, ParameterError),
        ({"pixel1": "wide"}, DataTypeError),
        ({"shape": (10,)}, DataTypeError),
        ({"shape": (10, 0)}, ParameterError),
        ({"shape": (10.0, 10)}, DataTypeError),
        ({"orientation": 5}, ParameterError),
        ({"sensor": "Si"}, DataTypeError),
        ({"layout": LAYOUTS["regular"]}, ShapeError),
        ({"modules": ModuleGrid((2, 2), (3, 3))}, ShapeError),
        ({"origin": (1, 0)}, ShapeError),
    ],
)
def test_detector_that_is_not_valid_cannot_exist(change: dict, error: type[Exception]) -> None:
    valid = {"pixel1": 1e-4, "pixel2": 1e-4, "shape": (100, 100)}
    with pytest.raises(error):
        Detector(**(valid | change))


def test_orientation_zero_is_native() -> None:
    assert Detector(pixel1=1e-4, pixel2=1e-4, shape=(3, 3), orientation=0).orientation == 3


def test_sensor_is_never_guessed_among_several() -> None:
    assert detector("Pilatus1M").sensor is None
    assert detector("Eiger2_4M").sensor == Sensor("Si", 450e-6)
    assert detector("Pilatus1M").with_sensor("Si", 1e-3).sensor == Sensor("Si", 1e-3)
    assert detector("Lambda2M", sensor="cdte").sensor == Sensor("CdTe", 1e-3)
    with pytest.raises(ParameterError, match="fits 3 of the sensors"):
        detector("Pilatus1M").with_sensor("Si")
    with pytest.raises(ParameterError, match="thickness"):
        detector("Pilatus1M").with_sensor(Sensor("Si", 1e-3), 1e-3)


def test_with_mask_follows_orientation_and_region() -> None:
    camera = detector("Pilatus100k", orientation=2).with_region(slice(10, 60), slice(20, 90))
    mask = RANDOM.random(camera.shape) < 0.2
    masked = camera.with_mask(mask)
    np.testing.assert_array_equal(masked.gap_mask(), mask)
    assert Detector.from_dict(masked.to_dict()) == masked
    with pytest.raises(ShapeError, match="mask"):
        camera.with_mask(mask[1:])


@pytest.mark.parametrize("invalid", [{"top_of_unsigned": -1}, {"top_of_unsigned": 1.5}])
def test_invalid_values_of_a_wrong_number_are_refused(invalid: dict) -> None:
    with pytest.raises(ParameterError, match="top_of_unsigned"):
        InvalidValues(**invalid)


def test_catalogue_detector_pickles_small_and_equal() -> None:
    changed = detector("Eiger2_16M", orientation=2).with_region(slice(0, 4000), slice(0, 4000)).with_binning(2, 2)
    raw = pickle.dumps(changed)
    assert len(raw) < 2000
    assert pickle.loads(raw) == changed
    assert hash(pickle.loads(raw)) == hash(changed)


def test_equality_compares_arrays() -> None:
    one = _detector("corner_array")
    other = one.replace(layout=CornerArray(LAYOUTS["corner_array"].array.copy()))
    assert one == other
    moved = LAYOUTS["corner_array"].array + 1e-9
    assert one != one.replace(layout=CornerArray(moved))
