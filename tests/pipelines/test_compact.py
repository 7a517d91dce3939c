# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Tables of names: what a dictionary and a tuple would say, in a tenth of the memory."""

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from azimuthal.pipelines import _compact
from azimuthal.pipelines._compact import KeyTable, PathList

NAMES = ["a", "b/ü", "", "a" * 300, "\udcff", *(f"out/run_{number:05d}.xye" for number in range(200))]


def test_table_finds_what_was_added_and_nothing_else():
    table, known = KeyTable(), {}
    assert table.find("a") is None
    for number in np.random.default_rng(1).integers(len(NAMES), size=400).tolist():
        name = NAMES[number]
        known[name] = len(table)  # the last one counts
        table.add(name, len(table))
    assert {name: table.find(name) for name in NAMES} == {name: known.get(name) for name in NAMES}
    assert len(table) == 400
    assert NAMES[7] in table or NAMES[7] not in known


def test_table_tells_the_first_text_that_came_twice():
    table = KeyTable()
    for number, name in enumerate(["d", "a", "b", "c"]):
        table.add(name, number)
    assert table.repeated() is None
    for number, name in enumerate(["b", "a", "b"], start=4):
        table.add(name, number)
    assert table.repeated() == (1, 5)
    assert KeyTable().repeated() is None


def test_paths_are_those_of_a_tuple():
    paths = tuple(map(Path, NAMES[:2])) + tuple(map(Path, NAMES[4:]))
    found = PathList(iter(paths))
    assert tuple(found) == paths
    assert (len(found), found[-1], found[3], found[2:7], found[::-50]) == (
        len(paths), paths[-1], paths[3], paths[2:7], paths[::-50],
    )  # fmt: skip
    assert paths[4] in found
    with pytest.raises(IndexError):
        found[len(paths)]
    assert repr(PathList([Path("a"), Path("b")])) == "<PathList of 2: a, b>"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="tracemalloc")
def test_a_name_takes_less_than_100_bytes():
    number = 5_000
    tracemalloc.start()
    try:
        table = KeyTable()
        for index in range(number):
            table.add(f"out/a_rather_long_name_{index:06d}.xye", index)
        paths = PathList(Path(f"out/a_rather_long_name_{index:06d}.xye") for index in range(number))
        traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, _compact.__file__)])
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in traces.traces) / number < 100
    assert len(paths) == len(table) == number
