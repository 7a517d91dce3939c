# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Small results for the tests of this room."""

import dataclasses

import numpy as np
import pytest

from azimuthal.results import Sums
from azimuthal.testing.results import example_cake, example_profile

#: Package that a format needs beside those of the core.
NEEDS = {".parquet": "pyarrow", ".nc": "h5netcdf", ".zarr.zip": "zarr"}
OF_CAKES = (".edf", ".tif", ".tiff")
OF_TWO_THETA = (".fxye", ".gsa", ".gda", ".xrdml", ".esg", ".monopd.h5")


@pytest.fixture
def make_profile():
    return example_profile


@pytest.fixture
def make_cake():
    return example_cake


@pytest.fixture
def without_gaps():
    """Return a function that puts ten counts of one pixel into every bin, so that no format leaves out a row."""

    def fill(result):
        ones = np.ones(result.sums.shape)
        return dataclasses.replace(result, sums=Sums(10 * ones, 10 * ones, ones, ones, ones))

    return fill


@pytest.fixture
def make_suitable(without_gaps):
    """Return a function that makes a result which a format can hold; the test is skipped without its package."""

    def make(extension, **fields):
        if extension in NEEDS:
            pytest.importorskip(NEEDS[extension])
        if extension in OF_CAKES:
            return example_cake(**fields)
        result = example_profile("2th_deg" if extension in OF_TWO_THETA else "q_nm^-1", **fields)
        return without_gaps(result) if extension == ".xrdml" else result

    return make
