# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Control points: frozen, and edited by making new ones."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import DataTypeError, ParameterError, ShapeError


@pytest.fixture
def points():
    return az.ControlPoints([1.5, 2.5, 3.5], [4.0, 5.0, 6.0], [0, 0, 2], [0.1, 0.2, np.nan], [5, 6, 7])


def test_points_cannot_be_changed(points):
    with pytest.raises(ValueError, match="read-only"):
        points.slow[0] = 1
    with pytest.raises(AttributeError):
        points.slow = 1


def test_points_do_not_share_memory_with_what_they_were_made_of():
    slow = np.zeros(2)
    points = az.ControlPoints(slow, slow, np.zeros(2, int))
    slow[0] = 1
    assert points.slow[0] == 0
    assert np.isnan(points.uncertainty).all()


def test_append_select_and_without_give_new_points(points):
    both = points.append(points)
    assert len(both) == 6
    assert both.select(slice(0, 3)) == points
    assert points.without(rings=0).ring.tolist() == [2]
    assert points.without(points=[0, 2]).slow.tolist() == [2.5]
    assert points.on_ring(2).fast.tolist() == [6.0]
    assert points.rings.tolist() == [0, 2]
    assert points != both
    assert len(az.ControlPoints.empty().append(points)) == 3


@pytest.mark.parametrize(
    ("arrays", "error"),
    [
        (([1.0], [1.0, 2.0], [0]), ShapeError),
        (([np.nan], [1.0], [0]), ParameterError),
        (([1.0], [1.0], [-1]), ParameterError),
        (([1.0], [1.0], [0.5]), DataTypeError),
        (([1.0], [1.0], [0], [0.0]), ParameterError),
        ((["a"], [1.0], [0]), DataTypeError),
    ],
)
def test_points_that_make_no_sense_are_refused(arrays, error):
    with pytest.raises(error):
        az.ControlPoints(*arrays)
