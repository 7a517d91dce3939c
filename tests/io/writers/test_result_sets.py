# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sets of results in files: every result of every frame comes back."""

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, ParameterError, UnsupportedOptionError
from azimuthal.io import append_results
from azimuthal.pipelines.description import describe
from azimuthal.results import ResultSet

SHAPE = (21, 23)


@pytest.fixture(scope="module")
def plans():
    ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE), 0.1, 0.01, 0.012, wavelength=1e-10)
    sectors = ai.plan_sectors(12, [(0, 90), (170, 190), (45, 60)], error_model="poisson")
    return az.PlanSet({"sectors": sectors, "cake": ai.plan2d(6, 8)})


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(4).poisson(9, (5, *SHAPE)).astype(np.uint16)


def test_sets_of_many_frames_come_back_from_hdf5(plans, frames, tmp_path):
    az.save(plans.map(frames, normalization_factors=np.arange(1, 6)), tmp_path / "run.h5")
    file = az.load_result(tmp_path / "run.h5")
    assert (len(file), file.kind) == (5, "set")
    for found, made in zip(file, plans.map(frames, normalization_factors=np.arange(1, 6)), strict=True):
        assert found.names == made.names
        for one, two in zip(found, made, strict=True):
            assert type(one) is type(two)
            assert one.sums == two.sums
            assert one.normalization_factor == two.normalization_factor
            assert dict(one.provenance) == dict(two.provenance)
            assert dict(one.metadata) == dict(two.metadata)
    assert file[-1]["cake"].radial_axis == made["cake"].radial_axis
    assert file[3]["sectors: 170 to 190"].provenance["sector"] == [170, 190]


@pytest.fixture
def one(plans, frames, tmp_path):
    """One frame of a set in a file."""
    az.save(plans(frames[0]), tmp_path / "one.h5")
    return tmp_path / "one.h5"


def test_every_result_is_a_subentry_laid_out_like_an_entry_of_single_results(plans, frames, one, tmp_path):
    az.save(plans(frames[0])["cake"], tmp_path / "cake.h5")
    with h5py.File(one) as file, h5py.File(tmp_path / "cake.h5") as cake:
        entry = file["entry"]
        assert (list(file), entry.attrs["NX_class"]) == (["entry"], "NXentry")
        assert "definition" not in entry  # by this GSAS-II knows that there are subentries
        names = [f"result_{number}" for number in (1, 2, 3, 4)]
        assert [name for name in entry if entry[name].attrs.get("NX_class") == "NXsubentry"] == names
        assert [entry[name].attrs["result_name"] for name in names] == list(plans.names)
        assert [entry[name]["title"].asstr()[()] for name in names] == list(plans.names)
        assert entry["instrument/monochromator/wavelength"][()] == pytest.approx(1.0)
        assert entry["result_4/definition"].asstr()[()] == "NXazint2d"
        assert entry["result_1/data/I"].shape == (1, 12)
        single, sub = [], []
        cake["entry"].visit(single.append)
        entry["result_4"].visit(sub.append)
        assert sorted(single) == sorted(sub)


def test_every_subentry_passes_nxcheck(one):
    validate = pytest.importorskip("nexusformat.nexus.validate")
    for number, definition in enumerate(["NXazint1d"] * 3 + ["NXazint2d"], start=1):
        assert validate.validate_application(str(one), f"/entry/result_{number}", definition) == (0, 0)


def test_default_leads_to_the_first_result(one, plans, frames):
    first = plans(frames[0])[0]
    with h5py.File(one) as file:
        place = file
        while "default" in place.attrs:
            place = place[place.attrs["default"]]
        assert place.name == "/entry/result_1/data"
        nxdata = pytest.importorskip("silx.io.nxdata")
        plot = nxdata.get_default(file)
        assert plot.is_valid
        np.testing.assert_array_equal(plot.signal[0], first.intensity)
        assert [nxdata.get_default(file[f"entry/result_{number}"]).is_valid for number in (2, 3, 4)] == [True] * 3
    nexus = pytest.importorskip("nexusformat.nexus")
    with nexus.nxopen(str(one)) as root:
        np.testing.assert_array_equal(root.plottable_data.nxsignal.nxvalue[0], first.intensity)


def test_xarray_opens_each_result(one, plans, frames):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    with xarray.open_dataset(one, group="entry/result_3/data", engine="h5netcdf") as dataset:
        np.testing.assert_array_equal(dataset["I"][0], plans(frames[0])[2].intensity)


def test_set_of_one_is_laid_out_like_single_results(make_profile, tmp_path):
    """So the definitions ask for; it is still a set when it is read."""
    made = ResultSet(("whole",), (make_profile(),))
    az.save([made, made], tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["entry/definition"].asstr()[()] == "NXazint1d"
        assert file["entry/data/I"].shape == (2, 12)
    (found, _) = az.load_result(tmp_path / "a.h5")
    assert found.names == ("whole",)


def test_wavelengths_that_differ_have_no_instrument_in_common(make_profile, tmp_path):
    az.save(ResultSet(("a", "b"), (make_profile(), make_profile(wavelength=2e-10))), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert "instrument" not in file["entry"]
        assert file["entry/result_2/instrument/monochromator/wavelength"][()] == pytest.approx(2.0)


@pytest.fixture
def old_file(tmp_path):
    """Two frames of three results in an entry each, as they were written until 2026-11-21 (commit 430b58a)."""
    packed = Path(__file__).with_name("stored") / "sets_as_entries.h5.gz"
    (tmp_path / "old.h5").write_bytes(gzip.decompress(packed.read_bytes()))
    return tmp_path / "old.h5"


def test_files_with_an_entry_for_each_result_are_read_and_continued(old_file, tmp_path):
    ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(9, 11)), 0.1, 0.004, 0.005, wavelength=1e-10)
    sectors = ai.plan_sectors(5, [(0, 90), (170, 190)], error_model="poisson")
    plans = az.PlanSet({"sectors": sectors, "cake": ai.plan2d(3, 4)})
    frames = (np.arange(2 * 9 * 11) % 17).reshape(2, 9, 11).astype(np.uint16)
    made = list(plans.map(frames, normalization_factors=[1, 2]))
    assert append_results(old_file, made[1]) == 3
    for found, expected in zip(az.load_result(old_file), (*made, made[1]), strict=True):
        assert found.names == expected.names
        for one, two in zip(found, expected, strict=True):
            np.testing.assert_allclose(one.sum_signal, two.sum_signal, rtol=1e-12)
            assert one.normalization_factor == two.normalization_factor
            assert one.metadata == two.metadata
    with h5py.File(old_file) as file:
        assert list(file) == ["entry"]
        assert file["entry/title"].asstr()[()] == "Si"
        assert file["entry/instrument/name"].asstr()[()] == "ID99"


def test_old_files_are_described(old_file, one):
    for path, n_results in ((old_file, 3), (one, 4)):
        found = describe(path)
        assert found.title == "sets of results of azimuthal"
        assert len(dict(found.facts)["set of"].split(", ")) == n_results


def test_sets_are_refused_where_they_do_not_fit(plans, frames, tmp_path):
    with pytest.raises(UnsupportedOptionError, match="set of 4"):
        az.save(plans(frames[0]), tmp_path / "one.npz")
    with pytest.raises(UnsupportedOptionError, match="set of 4"):
        az.save(plans(frames[0]), tmp_path / "one.xy")
    with pytest.raises(ParameterError, match="set of sectors"):
        az.save([plans(frames[0]), plans(frames[0])["cake"]], tmp_path / "both.h5")
    assert not list(tmp_path.iterdir())


def test_damaged_file_of_sets_is_refused(one):
    with h5py.File(one, "a") as file:
        del file["entry/result_2/reduction"]
    with pytest.raises(FileFormatError, match="result_2"):
        az.load_result(one)
