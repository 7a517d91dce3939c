# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""netCDF and Zarr, read back by xarray."""

import json

import numpy as np
import pytest

from azimuthal.io import save
from azimuthal.results.convert import from_xarray

xarray = pytest.importorskip("xarray")
EXTENSIONS = [".nc", ".zarr.zip"]


def opened(path):
    if path.suffix == ".nc":
        return xarray.load_dataset(path, engine="h5netcdf")
    storage = pytest.importorskip("zarr").storage
    with storage.ZipStore(path, mode="r") as store:
        return xarray.open_zarr(store, consolidated=False).load()


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("kind", ["profile", "cake"])
@pytest.mark.parametrize("error_model", ["poisson", None])
def test_one_result_reads_back_to_the_bit(
    make_suitable, make_profile, make_cake, tmp_path, extension, kind, error_model
):
    make_suitable(extension)
    make = make_profile if kind == "profile" else make_cake
    result = make(error_model=error_model, metadata={"label": "a"}, provenance={"b": [1, 2]})
    back = from_xarray(opened(result.save(tmp_path / f"a{extension}")))
    assert back.sums == result.sums
    assert (back.wavelength, back.average, back.error_model) == (1e-10, "ratio_of_sums", error_model)
    assert (back.metadata, back.provenance) == (result.metadata, result.provenance)
    np.testing.assert_array_equal(back.radial, result.radial)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_several_results_have_the_dimension_frame(make_suitable, make_profile, tmp_path, extension):
    make_suitable(extension)
    factors = (2.0, 3.0)
    profiles = [
        make_profile(seed=at, normalization_factor=factors[at], metadata={"label": f"f{at}", "index": 10 + at})
        for at in (0, 1)
    ]
    save(profiles, tmp_path / f"a{extension}")
    dataset = opened(tmp_path / f"a{extension}")
    assert dataset["intensity"].dims == ("frame", "radial")
    np.testing.assert_array_equal(dataset["frame"], [10, 11])
    np.testing.assert_array_equal(dataset["label"], ["f0", "f1"])
    np.testing.assert_array_equal(dataset["normalization_factor"], factors)
    np.testing.assert_array_equal(dataset["radial_edges"], profiles[0].edges)
    assert dataset["radial"].attrs["unit"] == "q_nm^-1"
    for at, profile in enumerate(profiles):
        np.testing.assert_array_equal(dataset["intensity"][at], profile.intensity)
        np.testing.assert_array_equal(dataset["sum_variance"][at], profile.sum_variance)
        assert json.loads(str(dataset["metadata"].values[at])) == profile.metadata
