# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A disk that is full in the middle of a file: a clear error, and nothing is left."""

import dataclasses
import signal

import numpy as np
import pytest

from azimuthal.errors import OutputError
from azimuthal.io import save
from azimuthal.io.writers import formats
from azimuthal.results import Sums

resource = pytest.importorskip("resource")

# HDF5 itself complains about objects that it cannot close: NXazint, which is written as the frames come, is left out.
EXTENSIONS = [one.extensions[0] for one in formats() if one.name != "nxazint"]


@pytest.fixture
def limit_of_files():
    """Return a function that makes files end after some bytes; undone after the test."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_full_disk_raises_and_leaves_nothing(make_suitable, tmp_path, limit_of_files, extension):
    result = make_suitable(extension)
    values = np.random.default_rng(0).uniform(1, 2, result.sums.shape)
    result = dataclasses.replace(result, sums=Sums(values, values, values, values, values))
    (first, *_) = save(result, tmp_path / f"whole{extension}")
    before = set(tmp_path.iterdir())
    limit_of_files(first.stat().st_size // 2)
    with pytest.raises(OutputError, match="cannot be written"):
        save(result, tmp_path / f"a{extension}")
    assert set(tmp_path.iterdir()) == before
