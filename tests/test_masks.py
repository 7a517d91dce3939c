# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks and invalid values (M1-M3, and the invalid-value row of the numerical contract)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.detectors import InvalidValues
from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.masks import InvalidRanges, combine, describe, invalid_pixels, invalid_ranges

UNSIGNED = ("u1", "u2", "u4", "u8")
SIGNED = ("i1", "i2", "i4", "i8")
FLOATS = ("f4", "f8")
PLAIN = InvalidValues()
COUNTER = InvalidValues(top_of_unsigned=2, negative=True)
SHAPE = (2, 3)


def test_combine_is_the_union():
    first, second = np.zeros(SHAPE, bool), np.zeros(SHAPE, np.uint8)
    first[0, 0], second[1, 2] = True, 1
    union = combine(first, None, second, shape=SHAPE)
    assert np.argwhere(union).tolist() == [[0, 0], [1, 2]]
    assert union.dtype == np.bool_


def test_combine_nothing_excludes_nothing():
    assert not combine(shape=SHAPE).any()
    assert combine(None, shape=SHAPE).shape == SHAPE


def test_combine_single_mask_is_a_copy():
    mask = np.ones(SHAPE, bool)
    union = combine(mask, shape=SHAPE)
    union[:] = False
    assert mask.all()


def test_combine_mostly_masked_is_not_inverted():
    mask = np.ones(SHAPE, bool)
    mask[0, 0] = False
    np.testing.assert_array_equal(combine(mask, shape=SHAPE), mask)


def test_combine_wrong_shape_raises_with_the_name():
    with pytest.raises(ShapeError, match="beam stop"):
        combine(np.zeros(SHAPE, bool), np.zeros((3, 2), bool), shape=SHAPE, names=("mask", "beam stop"))


@pytest.mark.parametrize("mask", [np.full(SHAPE, 2), np.zeros(SHAPE), np.full(SHAPE, -1)])
def test_combine_other_encoding_raises(mask):
    with pytest.raises(DataTypeError, match="mask"):
        combine(mask, shape=SHAPE)


def test_describe_says_how_much():
    mask = np.zeros((10, 10), bool)
    mask[0, :3] = True
    assert describe(mask) == "3 of 100 pixels excluded (3 %)"


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_invalid_ranges_unsigned_is_the_top_of_the_dtype(dtype, count):
    top = int(np.iinfo(dtype).max)
    ranges = invalid_ranges(InvalidValues(top_of_unsigned=count), dtype)
    assert ranges.ranges == (((top - count + 1, top),) if count else ())
    assert not ranges.nonfinite


@pytest.mark.parametrize("dtype", SIGNED)
def test_invalid_ranges_signed_is_the_maximum_and_the_negatives_of_counters(dtype):
    info = np.iinfo(dtype)
    top = (int(info.max), int(info.max))
    assert invalid_ranges(PLAIN, dtype).ranges == (top,)
    assert invalid_ranges(COUNTER, dtype).ranges == ((int(info.min), -1), top)


def test_invalid_ranges_signed_without_a_top_has_none():
    assert invalid_ranges(InvalidValues(top_of_unsigned=0), "i4") == InvalidRanges()


@pytest.mark.parametrize("dtype", FLOATS)
def test_invalid_ranges_floats_are_the_non_finite(dtype):
    assert invalid_ranges(COUNTER, dtype) == InvalidRanges((), nonfinite=True)


@pytest.mark.parametrize("dtype", UNSIGNED + SIGNED + FLOATS)
def test_invalid_ranges_switched_off_is_empty(dtype):
    ranges = invalid_ranges(COUNTER, dtype, enabled=False)
    assert ranges == InvalidRanges()
    assert not ranges


@pytest.mark.parametrize("dtype", [">u4", "<u4", "u4"])
def test_invalid_ranges_do_not_depend_on_byte_order(dtype):
    assert invalid_ranges(PLAIN, dtype).ranges == ((4294967295, 4294967295),)


@pytest.mark.parametrize("dtype", ["f2", "c8", "bool", "U3", "O"])
def test_invalid_ranges_other_dtype_raises(dtype):
    with pytest.raises(DataTypeError, match="dtype"):
        invalid_ranges(PLAIN, dtype)


def test_invalid_ranges_dummy_joins_the_rule():
    assert invalid_ranges(PLAIN, "u1", dummy=0).ranges == ((0, 0), (255, 255))
    assert invalid_ranges(PLAIN, "u1", dummy=254).ranges == ((254, 255),)
    assert invalid_ranges(PLAIN, "u1", dummy=255).ranges == ((255, 255),)


def test_invalid_ranges_dummy_applies_when_the_rule_is_off():
    assert invalid_ranges(PLAIN, "u1", dummy=7, enabled=False).ranges == ((7, 7),)
    assert invalid_ranges(PLAIN, "f4", dummy=7, enabled=False) == InvalidRanges(((7.0, 7.0),))


def test_invalid_ranges_delta_is_inclusive_and_cut_at_the_dtype():
    assert invalid_ranges(PLAIN, "i4", dummy=-2, delta_dummy=1.5, enabled=False).ranges == ((-3, -1),)
    assert invalid_ranges(PLAIN, "i4", dummy=-2, delta_dummy=1, enabled=False).ranges == ((-3, -1),)
    assert invalid_ranges(PLAIN, "u1", dummy=1, delta_dummy=5, enabled=False).ranges == ((0, 6),)
    assert invalid_ranges(PLAIN, "i4", dummy=0.5, delta_dummy=0.5, enabled=False).ranges == ((0, 1),)


@pytest.mark.parametrize(
    ("dtype", "dummy", "meant"),
    [("u4", -2, 4294967294), ("u2", -1, 65535), ("u4", -2.0, 4294967294), ("i4", 4294967295, -1)],
)
def test_invalid_ranges_dummy_outside_the_dtype_raises_and_names_the_stored_value(dtype, dummy, meant):
    with pytest.raises(ParameterError, match=f"pass dummy={meant} if"):
        invalid_ranges(PLAIN, dtype, dummy=dummy)


def test_invalid_ranges_dummy_far_outside_the_dtype_raises():
    with pytest.raises(ParameterError, match="cannot occur"):
        invalid_ranges(PLAIN, "u1", dummy=-10000)
    with pytest.raises(ParameterError, match="cannot occur"):
        invalid_ranges(PLAIN, "f4", dummy=1e300)


def test_invalid_ranges_dummy_between_integers_raises():
    with pytest.raises(ParameterError, match="no integer"):
        invalid_ranges(PLAIN, "i4", dummy=1.5)


@pytest.mark.parametrize("delta", [-1, np.nan, np.inf])
def test_invalid_ranges_bad_delta_raises(delta):
    with pytest.raises(ParameterError, match="delta_dummy"):
        invalid_ranges(PLAIN, "i4", dummy=1, delta_dummy=delta)


def test_invalid_ranges_delta_without_dummy_raises():
    with pytest.raises(ParameterError, match="without dummy"):
        invalid_ranges(PLAIN, "i4", delta_dummy=1)


@pytest.mark.parametrize("dtype", ["i4", "f4"])
def test_invalid_ranges_dummy_text_raises(dtype):
    with pytest.raises(DataTypeError, match="dummy"):
        invalid_ranges(PLAIN, dtype, dummy="none")


def test_invalid_ranges_nan_dummy_is_the_rule_of_floats():
    assert invalid_ranges(PLAIN, "f4", dummy=np.nan) == InvalidRanges((), nonfinite=True)
    with pytest.raises(ParameterError, match="invalid_values=True"):
        invalid_ranges(PLAIN, "f4", dummy=np.nan, enabled=False)
    with pytest.raises(ParameterError, match="dummy"):
        invalid_ranges(PLAIN, "i4", dummy=np.nan)


def test_invalid_pixels_float32_matches_the_dummy_as_it_was_stored():
    frame = np.array([-1.1, -1.2, 0.0], np.float32)
    ranges = invalid_ranges(PLAIN, "f4", dummy=-1.1)
    assert invalid_pixels(frame, ranges).tolist() == [True, False, False]


@given(st.floats(-1e6, 1e6, width=32), st.floats(0, 10), st.lists(st.floats(width=32), max_size=8))
def test_invalid_pixels_float32_range_is_exact(dummy, delta, values):
    """Rounding the bounds inwards makes the comparison in float32 equal the one in float64."""
    near = [dummy - delta, dummy + delta]
    frame = np.array([*values, *near, *np.nextafter(np.float32(near), np.float32(np.inf))], np.float32)
    got = invalid_pixels(frame, invalid_ranges(PLAIN, "f4", dummy=dummy, delta_dummy=delta, enabled=False))
    wide = frame.astype(np.float64)
    expected = (wide >= dummy - delta) & (wide <= dummy + delta)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["u8", "i8"])
def test_invalid_pixels_64_bit_integers_are_exact(dtype):
    """2^53 is where floats stop telling neighbours apart."""
    top = int(np.iinfo(dtype).max)
    frame = np.array([top, top - 1, 2**53, 2**53 + 1], dtype)
    assert invalid_pixels(frame, invalid_ranges(PLAIN, dtype)).tolist() == [True, False, False, False]
    ranges = invalid_ranges(PLAIN, dtype, dummy=2**53 + 1, enabled=False)
    assert invalid_pixels(frame, ranges).tolist() == [False, False, False, True]


@pytest.mark.parametrize("dtype", [*UNSIGNED, *SIGNED, ">u4", ">i2"])
def test_invalid_pixels_counter_rule_any_integer_dtype(dtype):
    info = np.iinfo(np.dtype(dtype).newbyteorder("="))
    frame = np.array([0, 1, int(info.max) - 2, int(info.max) - 1, int(info.max), int(info.min)], dtype)
    expected = [False, False, False, info.min == 0, True, info.min < 0]
    assert invalid_pixels(frame, invalid_ranges(COUNTER, dtype)).tolist() == expected


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
def test_invalid_pixels_floats_are_the_non_finite(dtype):
    frame = np.array([[0, -5, np.nan], [np.inf, -np.inf, 1e30]], dtype)
    expected = [[False, False, True], [True, True, False]]
    assert invalid_pixels(frame, invalid_ranges(PLAIN, dtype)).tolist() == expected


def test_invalid_pixels_frame_is_not_modified():
    frame = np.array([255, 0], np.uint8)
    frame.flags.writeable = False
    invalid_pixels(frame, invalid_ranges(PLAIN, "u1"))


@pytest.mark.parametrize("ranges", [((2, 1),), ((5, 6), (1, 2)), ((1, 5), (5, 6)), ((np.nan, 1.0),)])
def test_ranges_unsorted_or_overlapping_raise(ranges):
    with pytest.raises(ParameterError, match="ranges"):
        InvalidRanges(ranges)


def test_ranges_describe_in_words():
    assert InvalidRanges().describe() == "none"
    assert invalid_ranges(COUNTER, "u4").describe() == "4294967294 to 4294967295"
    assert invalid_ranges(PLAIN, "f4", dummy=-1).describe() == "-1.0, NaN and infinities"
