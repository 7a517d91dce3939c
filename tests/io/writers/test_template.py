# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""File names with fields."""

from pathlib import Path

import pytest

from azimuthal.errors import ParameterError, UnknownNameError
from azimuthal.io.writers._template import expanded, is_template


def test_fields_come_from_metadata():
    metadata = {"label": "run_00007", "name": "run", "index": 7, "temperature": 300.5}
    path = expanded("out/{stem}_{frame:05d}_{temperature:.0f}_{number}_{label}.xye", metadata, 2)
    assert path == Path("out/run_00007_300_2_run_00007.xye")


def test_frame_without_index_is_the_position():
    assert expanded("{frame:03d}.xy", {}, 4) == Path("004.xy")


def test_stem_without_name_is_the_label():
    assert expanded("{stem}.xy", {"label": "a"}, 0) == Path("a.xy")


def test_doubled_braces_are_braces():
    assert is_template("{{a}}.xy")
    assert expanded("{{a}}.xy", {}, 0) == Path("{a}.xy")


def test_plain_path_is_no_template():
    assert not is_template("out/a.xy")
    assert not is_template(Path("out/a.xy"))


def test_unknown_field_raises_with_suggestion():
    with pytest.raises(UnknownNameError, match=r"did you mean 'frame'.*Fields of this result: number, frame"):
        expanded("{frames}.xy", {}, 0)


@pytest.mark.parametrize("template", ["{frame", "frame}", "{}.xy", "{label:05d}.xy", "{label.__class__}.xy"])
def test_malformed_template_raises(template):
    with pytest.raises((ParameterError, UnknownNameError), match="path"):
        expanded(template, {"label": "a"}, 0)


def test_field_with_a_path_separator_raises():
    with pytest.raises(ParameterError, match="cannot be part of a file name"):
        expanded("{label}.xy", {"label": "../secret"}, 0)
