# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sums: validation, read-only storage, merging (rules R1, R3)."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.results import Sums

FIELDS = ("signal", "variance", "normalization", "normalization2", "count")
#: Rounding of a sum of three numbers: a few units in the last place of the largest partial sum.
ROUNDING = 4 * np.finfo(float).eps

whole = arrays(np.float64, (5, 4), elements=st.integers(-(2**40), 2**40).map(float))
real = arrays(np.float64, (5, 4), elements=st.floats(0, 1e12))


def sums(*, variance=True, n=4, value=1.0):
    array = np.full(n, value)
    return Sums(array, array if variance else None, array, array, array)


def test_sums_fields_are_read_only_float64():
    made = Sums([1, 2], np.array([1, 2], np.uint32), np.array([1, 2], ">f4"), [True, False], [1, 2])
    for name in FIELDS:
        field = getattr(made, name)
        assert field.dtype == np.float64
        assert not field.flags.writeable
    np.testing.assert_array_equal(made.normalization, [1.0, 2.0])


def test_sums_of_writable_arrays_are_copies():
    array = np.ones(3)
    made = Sums(array, None, array, array, array)
    array[:] = 7
    np.testing.assert_array_equal(made.signal, 1.0)


def test_sums_of_read_only_arrays_share_memory():
    array = np.ones(3)
    array.flags.writeable = False
    assert Sums(array, None, array, array, array).normalization is array


def test_sums_with_one_other_shape_raises_naming_the_field():
    with pytest.raises(ShapeError, match=r"normalization2: expected shape \(3,\)"):
        Sums(np.ones(3), None, np.ones(3), np.ones(4), np.ones(3))


@pytest.mark.parametrize("shape", [(), (2, 2, 2)])
def test_sums_of_other_dimensions_raises(shape):
    with pytest.raises(ShapeError, match="one or two dimensions"):
        Sums(np.ones(shape), None, np.ones(shape), np.ones(shape), np.ones(shape))


@pytest.mark.parametrize("bad", [None, ["a", "b"], [1j, 2j]])
def test_sums_of_what_is_no_number_raises(bad):
    with pytest.raises(DataTypeError, match="count"):
        Sums([1, 2], None, [1, 2], [1, 2], bad)


@given(st.tuples(whole, whole, whole))
def test_merge_of_whole_numbers_is_associative_and_commutative_exactly(three):
    a, b, c = (Sums(*part) for part in three)
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a.merge(b, c) == a + b + c


@given(st.tuples(real, real, real))
def test_merge_of_real_numbers_is_associative_up_to_rounding(three):
    a, b, c = (Sums(*part) for part in three)
    left, right = (a + b) + c, a + (b + c)
    for name in FIELDS:
        largest = max(1.0, np.abs(getattr(left, name)).max())
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=ROUNDING, atol=ROUNDING * largest)


def test_merge_of_nothing_is_the_same():
    one = sums()
    assert one.merge() is one


def test_merge_with_variance_and_without_raises():
    with pytest.raises(ParameterError, match="error_model"):
        sums().merge(sums(variance=False))


def test_merge_of_other_shape_raises():
    with pytest.raises(ShapeError, match="merge"):
        sums(n=4) + sums(n=5)


def test_merge_with_something_else_raises():
    with pytest.raises(TypeError):
        sums() + 1


def test_sums_compare_by_value():
    assert sums() == sums()
    assert sums() != sums(value=2.0)
    assert sums() != sums(variance=False)
    assert sums(variance=False) == sums(variance=False)
    assert sums() != "sums"


def test_sums_survive_pickling_read_only():
    back = pickle.loads(pickle.dumps(sums()))
    assert back == sums()
    assert not back.signal.flags.writeable


def test_reordered_turns_each_dimension():
    array = np.arange(6.0).reshape(2, 3)
    made = Sums(array, array, array, array, array).reordered(slice(None), slice(None, None, -1))
    np.testing.assert_array_equal(made.variance, array[:, ::-1])


def test_repr_is_short():
    assert repr(sums()) == "Sums(shape=(4,), with variance, 4 pixels)"
