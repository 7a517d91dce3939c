# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Small results for the tests of this room."""

import pytest

from azimuthal.testing.results import example_cake, example_profile


@pytest.fixture
def make_profile():
    return example_profile


@pytest.fixture
def make_cake():
    return example_cake
