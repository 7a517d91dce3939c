# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Measured arrays: what is accepted and which pixels cannot be used."""

import numpy as np
import pytest

from azimuthal.corrections.flat_dark import checked_image, factor_faults, offset_faults
from azimuthal.errors import DataTypeError, ShapeError

SHAPE = (2, 3)


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i4", "f4", ">f8"])
def test_checked_image_any_number_becomes_float64(dtype):
    image = checked_image("flat", np.ones(SHAPE, dtype), SHAPE)
    assert image.dtype == np.float64
    np.testing.assert_array_equal(image, 1.0)


def test_checked_image_booleans_raise_and_point_to_mask():
    with pytest.raises(DataTypeError, match="mask="):
        checked_image("flat", np.ones(SHAPE, bool), SHAPE)


def test_checked_image_other_shape_raises_with_the_name():
    with pytest.raises(ShapeError, match="dark"):
        checked_image("dark", np.ones((3, 2)), SHAPE)


def test_checked_image_text_raises():
    with pytest.raises(DataTypeError, match="flat"):
        checked_image("flat", np.full(SHAPE, "1"), SHAPE)


def test_offset_faults_are_values_that_are_not_finite():
    faults = offset_faults(np.array([-1.0, 0.0, np.nan, np.inf]))
    assert {cause: where.tolist() for cause, where in faults.items()} == {"not finite": [False, False, True, True]}


def test_factor_faults_have_one_cause_each():
    faults = factor_faults(np.array([-1.0, 0.0, 1.0, np.nan, -np.inf]))
    assert {cause: where.tolist() for cause, where in faults.items()} == {
        "not finite": [False, False, False, True, True],
        "not positive": [True, True, False, False, False],
    }
