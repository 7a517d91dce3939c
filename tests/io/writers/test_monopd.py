# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""NXmonopd, read back by h5py and nexusformat."""

import contextlib
import io
import json

import h5py
import numpy as np
import pytest

from azimuthal.errors import ConversionLossWarning, ParameterError, UnsupportedOptionError, WavelengthMissingError
from azimuthal.io import save
from azimuthal.testing.results import EMPTY_BIN

KEPT = np.delete(np.arange(12), [EMPTY_BIN])
loses_bins = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")


@loses_bins
@pytest.mark.parametrize("unit", ["2th_deg", "q_nm^-1"])
def test_pattern_and_facts_read_back(make_profile, tmp_path, unit):
    profile = make_profile(unit, metadata={"label": "LaB6"}, normalization_factor=3.5)
    save(profile, tmp_path / "a.monopd.h5", instrument="P02.1", source="PETRA III")
    with h5py.File(tmp_path / "a.monopd.h5") as file:
        data = file["entry/data"]
        np.testing.assert_allclose(data["polar_angle"], profile.to("2th_deg").radial[KEPT], rtol=1e-14)
        assert data["polar_angle"].attrs["units"] == "degrees"
        np.testing.assert_array_equal(data["data"], profile.intensity[KEPT])
        np.testing.assert_array_equal(data["data_errors"], profile.sigma[KEPT])
        assert file["entry/instrument/crystal/wavelength"][0] == 1.0
        assert file["entry/title"].asstr()[()] == "LaB6"
        assert file["entry/monitor/integral"][()] == 3.5
        assert file["entry/instrument/source/name"].asstr()[()] == "PETRA III"
        assert ("converted from" in file["entry/reduction/note"].asstr()[()]) == (unit != "2th_deg")
        assert json.loads(file["entry/reduction/input/metadata"].asstr()[()]) == {"label": "LaB6"}


COMPLETE = {"sample": "LaB6 660c", "start_time": "2026-11-21T12:00:00+01:00", "rotation_angle": 12.5}
MEASURED = {"label": "a_00001", "measurement": {"exposure_time": 0.25}}


def check(path):
    validate = pytest.importorskip("nexusformat.nexus.validate")
    with contextlib.redirect_stdout(io.StringIO()):
        return validate.validate_application(str(path), application="NXmonopd")


@loses_bins
def test_nxcheck_of_a_complete_file_finds_only_that_means_are_no_integers(make_profile, tmp_path):
    path = tmp_path / "a.monopd.h5"
    save(make_profile("2th_deg", metadata=MEASURED, normalization_factor=7.0), path, **COMPLETE)
    assert check(path) == (1, 0)
    with h5py.File(path) as file:
        entry = file["entry"]
        assert entry["sample/name"].asstr()[()] == "LaB6 660c"
        assert entry["sample/rotation_angle"][()] == 12.5
        assert entry["start_time"].asstr()[()] == COMPLETE["start_time"]
        assert (entry["monitor/mode"].asstr()[()], entry["monitor/preset"][()]) == ("timer", 0.25)
        assert entry["monitor/integral"][()] == 7.0
        assert "note" not in entry["reduction"]


@loses_bins
def test_what_is_not_known_is_left_out_and_named(make_profile, tmp_path):
    """No time, angle or monitor is made up; the checker misses each."""
    path = make_profile("2th_deg").save(tmp_path / "a.monopd.h5")
    with h5py.File(path) as file:
        note = file["entry/reduction/note"].asstr()[()]
        names = note.removeprefix("not known, and therefore left out: ").split(", ")
        assert names == ["start_time", "sample/rotation_angle", "monitor/mode", "monitor/preset", "monitor/integral"]
        assert not [name for name in names if name in file["entry"]]
        assert file["entry/sample/name"].asstr()[()] == "not recorded"
    assert check(path) == (1, len(names))


def test_time_that_is_none_raises(make_profile, tmp_path):
    with pytest.raises(ParameterError, match="start_time"):
        save(make_profile("2th_deg"), tmp_path / "a.monopd.h5", start_time="yesterday")
    assert not list(tmp_path.iterdir())


@loses_bins
def test_nexusformat_finds_the_plot(make_profile, tmp_path):
    nexus = pytest.importorskip("nexusformat.nexus")
    profile = make_profile("2th_deg")
    data = nexus.nxload(str(profile.save(tmp_path / "a.monopd.h5"))).plottable_data
    np.testing.assert_array_equal(data.nxsignal.nxvalue, profile.intensity[KEPT])
    np.testing.assert_array_equal(data.nxaxes[0].nxvalue, profile.radial[KEPT])


def test_empty_bins_are_counted_and_the_wavelength_is_needed(make_profile, tmp_path):
    with pytest.warns(ConversionLossWarning, match="left out 1 of 12"):
        make_profile("2th_deg").save(tmp_path / "a.monopd.h5")
    with pytest.raises(WavelengthMissingError, match="NXmonopd"):
        make_profile("2th_deg", wavelength=None).save(tmp_path / "b.monopd.h5")
    with pytest.raises(UnsupportedOptionError, match="2theta"):
        make_profile("r_mm").save(tmp_path / "b.monopd.h5")
    assert not (tmp_path / "b.monopd.h5").exists()
