# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sets of results in files: every result of every frame comes back."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, ParameterError, UnsupportedOptionError

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


def test_every_entry_of_a_set_is_a_file_of_single_results_by_itself(plans, frames, tmp_path):
    h5py = pytest.importorskip("h5py")
    az.save(plans(frames[0]), tmp_path / "one.h5")
    with h5py.File(tmp_path / "one.h5") as file:
        assert list(file) == ["entry", "entry_2", "entry_3", "entry_4"]
        assert [file[name].attrs["result_name"] for name in file] == list(plans.names)
        assert all(file[name].attrs["NX_class"] == "NXentry" for name in file)
        assert file["entry_4/definition"].asstr()[()] == "NXazint2d"
        assert file["entry/data/I"].shape == (1, 12)


def test_sets_are_refused_where_they_do_not_fit(plans, frames, tmp_path):
    with pytest.raises(UnsupportedOptionError, match="set of 4"):
        az.save(plans(frames[0]), tmp_path / "one.npz")
    with pytest.raises(UnsupportedOptionError, match="set of 4"):
        az.save(plans(frames[0]), tmp_path / "one.xy")
    with pytest.raises(ParameterError, match="set of sectors"):
        az.save([plans(frames[0]), plans(frames[0])["cake"]], tmp_path / "both.h5")
    assert not list(tmp_path.iterdir())


def test_damaged_file_of_sets_is_refused(plans, frames, tmp_path):
    h5py = pytest.importorskip("h5py")
    az.save(plans(frames[0]), tmp_path / "one.h5")
    with h5py.File(tmp_path / "one.h5", "a") as file:
        del file["entry_2/reduction"]
    with pytest.raises(FileFormatError, match="entry_2"):
        az.load_result(tmp_path / "one.h5")
