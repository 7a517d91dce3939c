# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Commands started cold."""

import sys

import numpy as np
import pytest

from azimuthal.errors import OutputError
from azimuthal.pipelines.benchmark.contenders._process import run_cold


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_run_cold_returns_the_memory_of_the_process():
    ballast = np.ones(50_000_000)
    small, large = run_cold(["-c", "pass"]), run_cold(["-c", "x = b'1' * 200_000_000"])
    assert 120e6 < large - small < 400e6
    assert small < ballast.nbytes  # not the memory of this process


def test_run_cold_command_that_fails_is_an_error_with_its_last_words():
    with pytest.raises(OutputError, match=r"ended with 1: .*ValueError: no"):
        run_cold(["-c", "raise ValueError('no')"])
