# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What writers say in words."""

import numpy as np
import pytest

from azimuthal._version import __version__
from azimuthal.io.writers import _facts


def test_version_is_that_of_the_integration():
    assert _facts.program_version({"version": "0.0.1"}) == "0.0.1"
    assert _facts.program_version({}) == __version__


@pytest.mark.parametrize(
    "provenance",
    [
        {"corrections": {"solid_angle": "absolute"}, "recipe": {"solid_angle": None}},
        {"recipe": {"solid_angle": "absolute"}},
    ],
)
def test_correction_is_looked_up_where_it_was_recorded(provenance):
    assert _facts.correction(provenance, "solid_angle") == "absolute"


def test_correction_without_a_record_raises():
    with pytest.raises(KeyError):
        _facts.correction({"corrections": {}}, "solid_angle")


@pytest.mark.parametrize(("metadata", "expected"), [({"index": np.int64(7)}, 7), ({}, 3), ({"index": "x"}, 3)])
def test_frame_number_is_the_index_or_the_position(metadata, expected):
    assert _facts.frame_number(metadata, 3) == expected


def test_label_is_one_line():
    assert _facts.label_of({"label": " a\nb\t"}) == "a b"
    assert _facts.label_of({"name": "run"}) == "run"
    assert _facts.label_of({}) == ""
