# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rules of the static mask."""

import json

import numpy as np
import pytest

from azimuthal.detectors import Chips, GivenMask, InscribedCircle, ModuleGrid
from azimuthal.detectors._modules import gap_rule_from_dict
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError


def test_module_grid_masks_gaps_and_joints():
    grid = ModuleGrid(count=(2, 3), size=(3, 4), gap=(1, 2), joints1=((0, 1),), joints2=((1, 2),))
    assert grid.shape == (7, 16)
    np.testing.assert_array_equal(np.flatnonzero(grid.masked(0)), [0, 3, 4])
    np.testing.assert_array_equal(np.flatnonzero(grid.masked(1)), [1, 2, 4, 5, 7, 8, 10, 11, 13, 14])
    mask = grid.mask((7, 16))
    np.testing.assert_array_equal(mask, grid.masked(0)[:, None] | grid.masked(1))


def test_module_grid_of_another_shape_than_the_detector_is_refused():
    with pytest.raises(ShapeError, match=r"\(7, 16\)"):
        ModuleGrid(count=(2, 3), size=(3, 4), gap=(1, 2)).mask((7, 15))


@pytest.mark.parametrize(
    "change", [{"gap": (-1, 0)}, {"joints1": ((2, 2),)}, {"joints2": ((-1, 1),)}, {"count": (0, 1)}, {"gap": (1,)}]
)
def test_module_grid_that_is_not_valid_cannot_exist(change):
    with pytest.raises(ParameterError):
        ModuleGrid(**({"count": (2, 3), "size": (3, 4)} | change))


def test_inscribed_circle_keeps_pixels_whose_centre_is_inside():
    n = 101
    mask = InscribedCircle().mask((n, n))
    row, column = np.indices((n, n)) - (n - 1) / 2
    np.testing.assert_array_equal(mask, np.hypot(row, column) > n / 2)
    assert not mask[0, n // 2]
    assert InscribedCircle().mask((4, 8)).sum() == 4 * 8 - 12


def test_chips_mask_all_but_their_rectangles():
    mask = Chips(((0, 0, 2, 2), (3, 2, 2, 3))).mask((5, 5))
    assert (~mask).sum() == 10
    assert not mask[3:, 2:].any()


@pytest.mark.parametrize("rectangles", [((4, 0, 2, 2),), ((0, 4, 2, 2),)])
def test_chip_outside_the_detector_is_refused(rectangles):
    with pytest.raises(ParameterError, match="not inside"):
        Chips(rectangles).mask((5, 5))


@pytest.mark.parametrize("rectangles", [((-1, 0, 2, 2),), ((0, 0, 0, 2),)])
def test_chip_that_is_no_rectangle_cannot_exist(rectangles):
    with pytest.raises(ParameterError, match="not a rectangle"):
        Chips(rectangles)


def test_given_mask_is_boolean_copied_and_read_only():
    source = np.array([[0, 1], [0, 0]], np.int8)
    rule = GivenMask(source)
    source[:] = 1
    assert rule.mask((2, 2)).sum() == 1
    assert rule == GivenMask(np.array([[False, True], [False, False]]))
    with pytest.raises(DataTypeError):
        GivenMask(np.array([[0, 2], [0, 0]]))
    with pytest.raises(ShapeError):
        GivenMask(np.zeros(4))
    with pytest.raises(ShapeError):
        rule.mask((2, 3))


@pytest.mark.parametrize(
    "rule", [Chips(((0, 0, 2, 2),)), InscribedCircle(), GivenMask(np.eye(5, dtype=bool))], ids=lambda rule: rule.rule
)
def test_rule_survives_json(rule):
    again = gap_rule_from_dict(json.loads(json.dumps(rule.to_dict())))
    assert again == rule
    assert hash(again) == hash(rule)


def test_unknown_rule_or_parameter_is_named():
    with pytest.raises(UnknownNameError, match="inscribed_circle"):
        gap_rule_from_dict({"rule": "inscribed_circel"})
    with pytest.raises(UnknownNameError, match="radius"):
        gap_rule_from_dict({"rule": "inscribed_circle", "radius": 3})
