# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Views for xarray and pandas (rule R5): every number and unit arrives."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from azimuthal.errors import MissingDependencyError
from azimuthal.results.convert import VARIABLES, plain


def test_xarray_of_a_profile_holds_everything(make_profile):
    pytest.importorskip("xarray")
    profile = make_profile(provenance={"engine": "native"}, normalization_factor=2.0)
    dataset = profile.to_xarray()
    for name in VARIABLES:
        np.testing.assert_array_equal(dataset[name].values, getattr(profile, name))
        assert dataset[name].dims == ("radial",)
    np.testing.assert_array_equal(dataset["radial"].values, profile.radial)
    np.testing.assert_array_equal(dataset["radial_edges"].values, profile.edges)
    assert dataset["radial"].attrs["units"] == "nm^-1"
    assert dataset["radial"].attrs["unit"] == "q_nm^-1"
    assert dataset.attrs["error_model"] == "poisson"
    assert dataset.attrs["wavelength_m"] == 1e-10
    assert json.loads(dataset.attrs["provenance"]) == {"engine": "native"}


def test_xarray_of_a_cake_has_azimuthal_radial_dimensions(make_cake):
    pytest.importorskip("xarray")
    dataset = make_cake().to_xarray()
    assert dataset["intensity"].dims == ("azimuthal", "radial")
    assert dataset["azimuthal"].attrs["units"] == "deg"
    assert dataset.sizes["radial_edges"] == 8


def test_xarray_of_a_profile_over_chi_is_azimuthal(make_profile):
    pytest.importorskip("xarray")
    assert make_profile("chi_deg", low=-180, high=180).to_xarray()["intensity"].dims == ("azimuthal",)


def test_xarray_without_error_model_has_no_sigma(make_profile):
    pytest.importorskip("xarray")
    dataset = make_profile(error_model=None, wavelength=None).to_xarray()
    assert "sigma" not in dataset
    assert "error_model" not in dataset.attrs


def test_pandas_of_a_profile_has_a_row_per_bin(make_profile):
    pytest.importorskip("pandas")
    profile = make_profile()
    frame = profile.to_pandas()
    assert frame.index.name == "q_nm^-1"
    assert list(frame.columns) == list(VARIABLES)
    np.testing.assert_array_equal(frame["sigma"].to_numpy(), profile.sigma)


def test_pandas_of_a_cake_has_azimuth_slow(make_cake):
    pytest.importorskip("pandas")
    cake = make_cake()
    frame = cake.to_pandas()
    assert frame.index.names == ["chi_deg", "q_nm^-1"]
    np.testing.assert_array_equal(frame["intensity"].unstack().to_numpy(), cake.intensity)


@pytest.mark.parametrize(("method", "package"), [("to_xarray", "xarray"), ("to_pandas", "pandas")])
def test_missing_package_names_the_command(make_profile, monkeypatch, method, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'azimuthal\[data\]'"):
        getattr(make_profile(), method)()


def test_plain_makes_json_of_numpy_and_paths():
    record = {"a": np.float32(1.5), "b": np.arange(2), "c": Path("x") / "y", "d": np.bool_(True)}
    assert json.loads(json.dumps(record, default=plain)) == {"a": 1.5, "b": [0, 1], "c": "x/y", "d": True}
    with pytest.raises(TypeError, match="object"):
        json.dumps({"a": object()}, default=plain)
