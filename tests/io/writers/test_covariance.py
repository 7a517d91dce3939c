# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The covariance of bins in files: read back as it was, and out of the way of other readers."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ConversionLossWarning, FileFormatError, ParameterError
from azimuthal.io import load_result, save
from azimuthal.results.convert import from_xarray

h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def results():
    detector = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(41, 43))
    ai = az.Integrator(detector, 0.1, 0.0203, 0.0198, wavelength=1e-10)
    frames = np.random.default_rng(0).poisson(20, (3, 41, 43)).astype(np.uint16)
    options = {"error_model": "poisson", "covariance": True}
    return {
        "profiles": ai.plan1d(30, radial_range=(0, 15), **options).integrate_stack(frames),
        "unsplit": ai.plan1d(30, radial_range=(0, 15), split="none", **options).integrate_stack(frames),
        "cakes": ai.plan2d(12, 9, **options).integrate_stack(frames),
        "plain": ai.plan1d(30, radial_range=(0, 15), error_model="poisson").integrate_stack(frames),
    }


@pytest.mark.parametrize("extension", [".h5", ".npz"])
@pytest.mark.parametrize("kind", ["profiles", "unsplit", "cakes"])
def test_covariance_is_read_back(results, kind, extension, tmp_path):
    path = tmp_path / f"run{extension}"
    save(results[kind], path)
    back = list(load_result(path))
    assert [result.sums for result in back] == [result.sums for result in results[kind]]
    assert all(result.has_covariance for result in back)
    assert back[0].sums.covariance.pairs is back[1].sums.covariance.pairs
    save(results[kind][0], tmp_path / f"one{extension}")
    assert load_result(tmp_path / f"one{extension}")[0].sums == results[kind][0].sums


def test_nexus_file_holds_the_covariance_of_the_intensities_beside_their_errors(results, tmp_path):
    save(results["profiles"], tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        data = file["entry/data"]
        first, second = data["covariance_first"][()], data["covariance_second"][()]
        for k, profile in enumerate(results["profiles"]):
            assert np.array_equal(data["I_covariance"][k], profile.covariance()[first, second])
        assert data["I_covariance"].attrs["bins"] == "covariance_first covariance_second"
        assert data.attrs["signal"] == "I"
        assert data["I_covariance"].dims[1][0].name == "/entry/data/covariance_pair"


@pytest.mark.parametrize(("kind", "definition"), [("profiles", "NXazint1d"), ("cakes", "NXazint2d")])
def test_nexus_file_with_covariance_conforms_and_opens_elsewhere(results, kind, definition, tmp_path):
    path = tmp_path / "run.h5"
    save(results[kind], path)
    validate = pytest.importorskip("nexusformat.nexus.validate")
    assert validate.validate_application(str(path), application=definition) == (0, 0)
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    with xarray.open_dataset(path, group="entry/data", engine="h5netcdf") as dataset:
        assert dataset["I_covariance"].dims == ("frame", "covariance_pair")
        assert dataset["I"].shape == (3, *results[kind][0].intensity.shape)


def test_file_without_covariance_has_no_trace_of_it(results, tmp_path):
    save(results["plain"], tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        assert not [name for name in file["entry/data"] if "covariance" in name]
    assert not load_result(tmp_path / "run.h5")[0].has_covariance


@pytest.mark.parametrize("extension", [".h5", ".npz"])
def test_results_with_and_without_covariance_do_not_go_into_one_file(results, extension, tmp_path):
    for mixed in (["profiles", "plain"], ["plain", "profiles"], ["profiles", "unsplit"]):
        with pytest.raises(ParameterError, match="share pixels"):
            save([results[kind][0] for kind in mixed], tmp_path / f"run{extension}")


@pytest.mark.parametrize(
    ("name", "value"), [("covariance_first", -1), ("covariance_second", 30), ("covariance_first", 8)]
)
def test_damaged_pairs_are_refused(results, name, value, tmp_path):
    save(results["profiles"], tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "a") as file:
        file["entry/data"][name][3] = value
    with pytest.raises(FileFormatError, match="covariance_first"):
        load_result(tmp_path / "run.h5")


@pytest.mark.parametrize(
    "extension", [".xye", ".dat", ".csv", ".esg", ".sasview.txt", ".pdfgetx.xy", ".cansas.h5", ".monopd.h5", ".parquet"]
)
@pytest.mark.filterwarnings("ignore:.*left out [0-9]:azimuthal.errors.ConversionLossWarning")
def test_format_that_has_no_place_for_the_covariance_says_so(results, extension, tmp_path):
    if extension == ".parquet":
        pytest.importorskip("pyarrow")
    with pytest.warns(ConversionLossWarning, match=r"left out the covariance of the bins; \.h5 and \.npz hold it"):
        save(results["profiles"][0], tmp_path / f"one{extension}")


@pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")
def test_netcdf_holds_the_covariance(results, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    path = results["profiles"][0].save(tmp_path / "one.nc")
    back = from_xarray(xarray.load_dataset(path, engine="h5netcdf"))
    assert back.sums == results["profiles"][0].sums
    assert back.has_covariance
