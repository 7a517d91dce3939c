# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The repeated lines of the orientation table equal their definition."""

import numpy as np
import pytest
from azimuthal.detectors._orientation import checked_orientation, image_from_native, mirrored
from azimuthal.errors import ParameterError
from azimuthal.geometry import frames


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_mirror_equals_the_definition_in_frames(orientation):
    assert mirrored(orientation) == frames.orientation_flips(orientation)


@pytest.mark.parametrize("value", [-1, 0, 1, 2, 3, 4, 5, 8, 9, True, "3", None, 3.0, np.int64(2)])
def test_check_equals_the_definition_in_frames(value):
    try:
        expected = frames.checked_orientation(value)
    except ParameterError:
        with pytest.raises(ParameterError, match="orientation"):
            checked_orientation(value)
    else:
        assert checked_orientation(value) == expected


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_mirror_is_its_own_inverse(orientation):
    array = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(image_from_native(image_from_native(array, orientation), orientation), array)
