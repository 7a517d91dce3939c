# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What is timed."""

import pytest

from azimuthal.errors import UnknownNameError
from azimuthal.pipelines.benchmark.cases import Case, cases
from azimuthal.pipelines.benchmark.settings import BenchmarkSettings


def test_cases_have_names_of_their_own_and_every_kind():
    every = cases(BenchmarkSettings())
    assert len({case.name for case in every}) == len(every)
    assert {case.kind for case in every} == {"compile", "dense", "cake", "chunk", "file"}
    chunks = {(case.split, case.sigma, case.dtype, case.counts) for case in every if case.kind == "chunk"}
    assert len(chunks) == 12  # two tasks, two types, three mean counts


def test_case_name_says_what_is_done():
    assert Case("chunk", "full", True, "uint32", 0.02).name == "chunk full sigma u32 0.02 counts"
    assert Case("compile", "none").name == "compile none"


def test_only_keeps_cases_whose_name_contains_it():
    assert {case.kind for case in cases(BenchmarkSettings(only="chunk none"))} == {"chunk"}


def test_only_that_matches_nothing_is_an_error():
    with pytest.raises(UnknownNameError, match="only"):
        cases(BenchmarkSettings(only="chunks"))
