# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""NXcanSAS, read back by h5py, checked by nexusformat, loaded by SasView."""

import json

import h5py
import numpy as np
import pytest

from azimuthal.errors import ConversionLossWarning, UnknownNameError, UnsupportedOptionError
from azimuthal.io import save
from azimuthal.testing.results import EMPTY_BIN

KEPT = np.delete(np.arange(12), [EMPTY_BIN])
loses_bins = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")


@loses_bins
@pytest.mark.parametrize(("unit", "word"), [("q_A^-1", "1/angstrom"), ("q_nm^-1", "1/nm")])
def test_values_units_and_facts_read_back(make_profile, tmp_path, unit, word):
    profile = make_profile(unit, low=0.01, high=0.9, metadata={"label": "water", "index": 7}, provenance={"a": 1})
    save(profile, tmp_path / "a.cansas.h5", intensity_unit="1/cm")
    with h5py.File(tmp_path / "a.cansas.h5") as file:
        entry = file[file.attrs["default"]]
        data = entry[entry.attrs["default"]]
        assert (entry.attrs["canSAS_class"], data.attrs["canSAS_class"]) == ("SASentry", "SASdata")
        np.testing.assert_array_equal(data["Q"], profile.radial[KEPT])
        np.testing.assert_array_equal(data[data.attrs["signal"]], profile.intensity[KEPT])
        np.testing.assert_array_equal(data[data["I"].attrs["uncertainties"]], profile.sigma[KEPT])
        assert [data[name].attrs["units"] for name in ("Q", "I", "Idev")] == [word, "1/cm", "1/cm"]
        assert (entry["title"].asstr()[()], entry["run"].asstr()[()]) == ("water", "7")
        assert entry["sasinstrument/sassource/incident_wavelength"][()] == 1.0
        note = entry["sasprocess/sasprocessnote"]
        assert json.loads(note["provenance"].asstr()[()]) == {"a": 1}
        assert json.loads(note["metadata"].asstr()[()])["index"] == 7


def test_empty_bins_are_counted(make_profile, tmp_path):
    with pytest.warns(ConversionLossWarning, match="left out 1 bins"):
        make_profile("q_A^-1").save(tmp_path / "a.cansas.h5")


@loses_bins
@pytest.mark.parametrize("fields", [{}, {"error_model": None}, {"wavelength": None}, {"metadata": {"label": "x"}}])
def test_nxcheck_finds_nothing(make_profile, tmp_path, fields):
    validate = pytest.importorskip("nexusformat.nexus.validate")
    save([make_profile("q_A^-1", seed=seed, **fields) for seed in (1, 2)], tmp_path / "a.cansas.h5")
    assert validate.validate_application(str(tmp_path / "a.cansas.h5"), application="NXcanSAS") == (0, 0)


@loses_bins
def test_sasview_loads_every_entry(make_profile, tmp_path):
    loader = pytest.importorskip("sasdata.dataloader.loader")
    profiles = [make_profile("q_A^-1", seed=seed, low=0.01, high=0.9) for seed in (1, 2)]
    save(profiles, tmp_path / "a.cansas.h5")
    loaded = loader.Loader().load(str(tmp_path / "a.cansas.h5"))
    assert len(loaded) == 2
    for data, profile in zip(loaded, profiles, strict=True):
        np.testing.assert_array_equal(data.x, profile.radial[KEPT])
        np.testing.assert_array_equal(data.y, profile.intensity[KEPT])
        np.testing.assert_array_equal(data.dy, profile.sigma[KEPT])
        assert data.source.wavelength == 1.0


def test_other_units_raise_and_leave_nothing(make_profile, tmp_path):
    with pytest.raises(UnsupportedOptionError, match="q_A"):
        make_profile("2th_deg").save(tmp_path / "a.cansas.h5")
    with pytest.raises(UnknownNameError, match="intensity_unit"):
        save(make_profile(), tmp_path / "a.cansas.h5", intensity_unit="barn")
    assert not list(tmp_path.iterdir())
