# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Who takes part."""

import sys

import pytest

from azimuthal.pipelines.benchmark.contenders import contenders, installed_version

OPTIONAL = ("pyFAI", "bslz4_to_sparse", "scipy")


def test_contenders_start_with_ours_and_have_what_they_need():
    every = contenders()
    assert every[0].kind == "ours"
    assert {one.kind for one in every} == {"ours", "peer", "limit"}
    assert all(one.install for one in every if one.kind == "peer")


def test_contenders_without_peers_are_ours_and_the_limits():
    assert {one.kind for one in contenders(peers=False)} == {"ours", "limit"}


def test_contender_that_is_not_installed_has_no_version():
    class Absent:
        distribution = "azimuthal-absent"

    assert installed_version(Absent()) is None
    assert installed_version(contenders()[0]) == ""


def test_contenders_come_from_entry_points(monkeypatch):
    class Point:
        def load(self):
            return "somebody"

    found = []
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: found.append(group) or [Point()])
    with pytest.raises(AttributeError):  # a text is no contender
        contenders(peers=False)
    assert found == ["azimuthal.contenders"]


def test_contenders_import_what_they_time_only_when_used():
    import subprocess

    code = (
        "import sys; from azimuthal.pipelines.benchmark.contenders import contenders; contenders();"
        f"print([name for name in {OPTIONAL} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
