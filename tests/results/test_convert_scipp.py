# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import builtins
import json

import numpy as np
import pytest

from azimuthal.errors import MissingDependencyError, ParameterError
from azimuthal.results.convert import from_xarray
from azimuthal.testing.results import example_cake, example_profile

sc = pytest.importorskip("scipp")


def test_profile_as_scipp_has_variances_edges_and_units():
    profile = example_profile(metadata={"label": "a"})
    array = profile.to_scipp()
    np.testing.assert_array_equal(array.values, profile.intensity)
    np.testing.assert_array_equal(array.variances, profile.sigma**2)
    assert array.coords.is_edges("radial")
    assert array.coords["radial"].unit == sc.Unit("1/nm")
    np.testing.assert_array_equal(array.coords["radial"].values, profile.edges)
    np.testing.assert_array_equal(array.coords["sum_signal"].values, profile.sum_signal)
    assert array.coords["wavelength"].value == 1e-10
    assert json.loads(array.coords["metadata"].value) == {"label": "a"}


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("q_A^-1", "1/angstrom"),
        ("d_A", "angstrom"),
        ("2th_deg", "deg"),
        ("r_mm", "mm"),
        ("d*2_A^-2", "1/angstrom**2"),
        ("log(q.nm)_None", "one"),
    ],
)
def test_units_are_those_of_scipp_and_angstrom_is_no_ampere(unit, expected):
    assert example_profile(unit).to_scipp().coords["radial"].unit == sc.Unit(expected)


def test_scipp_arithmetic_works_on_results_with_different_sums():
    a, b = example_profile(seed=1), example_profile(seed=2)
    difference = a.to_scipp() - b.to_scipp()
    np.testing.assert_allclose(difference.values, (a - b).intensity, rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(difference.variances), (a - b).sigma, rtol=1e-12)


def test_cake_as_scipp_has_both_axes():
    cake = example_cake()
    array = cake.to_scipp()
    assert array.dims == ("azimuthal", "radial")
    assert array.coords["azimuthal"].unit == sc.Unit("deg")
    assert array.coords.is_edges("azimuthal")


def test_no_error_model_means_no_variances():
    array = example_profile(error_model=None).to_scipp()
    assert array.variances is None
    assert "std" not in array.coords


def test_missing_scipp_names_the_command(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "scipp":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install 'azimuthal\[data\]'"):
        example_profile().to_scipp()


@pytest.mark.parametrize("make", [example_profile, example_cake])
@pytest.mark.parametrize("error_model", ["poisson", None])
def test_xarray_round_trip_is_exact(make, error_model):
    pytest.importorskip("xarray")
    result = make(error_model=error_model, metadata={"label": "b"}, provenance={"engine": "native"})
    again = from_xarray(result.to_xarray())
    assert type(again) is type(result)
    assert again.sums == result.sums
    for name in ("average", "error_model", "wavelength", "normalization_factor", "provenance", "metadata"):
        assert getattr(again, name) == getattr(result, name)
    for name in ("axis", "radial_axis", "azimuthal_axis"):
        assert getattr(again, name, None) == getattr(result, name, None)


def test_foreign_dataset_is_refused_by_what_it_lacks():
    pytest.importorskip("xarray")
    dataset = example_profile().to_xarray()
    with pytest.raises(ParameterError, match="sum_signal"):
        from_xarray(dataset.drop_vars("sum_signal"))
    with pytest.raises(ParameterError, match="radial_edges"):
        from_xarray(dataset.drop_vars("radial_edges"))
