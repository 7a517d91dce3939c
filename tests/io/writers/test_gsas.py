# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""GSAS records, read back by a reader that knows only the rules of GSAS-II."""

import dataclasses
import warnings

import numpy as np
import pytest

from azimuthal.errors import ConversionLossWarning, ParameterError, UnsupportedOptionError, WavelengthMissingError
from azimuthal.io import save
from azimuthal.io.writers.gsas import in_eight_columns
from azimuthal.results import Profile, Sums
from azimuthal.testing.results import EMPTY_BIN, ZERO_BIN
from azimuthal.units import Axis

loses_bins = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")


def read_gsas(path):
    """Return 2theta in degrees, intensity, esd and the words of the BANK line."""
    lines = path.read_text(encoding="latin-1").split("\n")
    assert len(lines[0]) <= 80
    at = next(number for number, line in enumerate(lines) if line.startswith("BANK"))
    assert all(line.startswith("#") for line in lines[1:at])
    bank = lines[at].split()
    records = [line for line in lines[at + 1 :] if line]
    assert {len(line) for line in [lines[at], *records]} == {80}
    assert bank[0:2] == ["BANK", "1"]
    assert bank[4] == "CONS"
    assert int(bank[3]) == len(records)
    if bank[9] == "FXYE":
        table = np.array([[float(word) for word in record.split()] for record in records])
        two_theta, intensity, esd = table.T
        two_theta = two_theta / 100
    else:
        fields = [record[at : at + 8] for record in records for at in range(0, 80, 8)]
        values = [float(field) for field in fields if field.strip()]
        intensity, esd = np.array(values[::2]), np.array(values[1::2])
        two_theta = (float(bank[5]) + float(bank[6]) * np.arange(intensity.size)) / 100
    assert int(bank[2]) == intensity.size
    return two_theta, intensity, esd, bank


@loses_bins
@pytest.mark.parametrize("unit", ["2th_deg", "2th_rad"])
def test_fxye_reads_back_exactly_with_zeros_where_there_is_no_esd(make_profile, tmp_path, unit):
    profile = make_profile(unit, low=0.1, high=2.0)
    two_theta, intensity, esd, bank = read_gsas(profile.save(tmp_path / "a.fxye"))
    degrees = profile.to("2th_deg")
    np.testing.assert_allclose(two_theta, degrees.radial, rtol=1e-11)
    np.testing.assert_allclose(
        float(bank[5]) + float(bank[6]) * np.arange(12), 100 * degrees.radial, rtol=1e-10, atol=0
    )
    weighted = np.delete(np.arange(12), [EMPTY_BIN, ZERO_BIN])
    np.testing.assert_array_equal(intensity[weighted], profile.intensity[weighted])
    np.testing.assert_array_equal(esd[weighted], profile.sigma[weighted])
    assert (intensity[[EMPTY_BIN, ZERO_BIN]] == 0).all()
    assert (esd[[EMPTY_BIN, ZERO_BIN]] == 0).all()


@loses_bins
def test_esd_reads_back_to_eight_columns(make_profile, tmp_path):
    profile = make_profile("2th_deg")
    two_theta, intensity, esd, _ = read_gsas(profile.save(tmp_path / "a.gsa"))
    np.testing.assert_allclose(two_theta, profile.radial, rtol=1e-11)
    weighted = np.delete(np.arange(12), [EMPTY_BIN, ZERO_BIN])
    np.testing.assert_allclose(intensity[weighted], profile.intensity[weighted], rtol=1e-5)
    np.testing.assert_allclose(esd[weighted], profile.sigma[weighted], rtol=1e-5)


def test_loss_is_warned_of_and_stands_in_a_comment(make_profile, tmp_path):
    with pytest.warns(ConversionLossWarning, match="2 bins without an esd above zero are written as 0 0") as caught:
        path = make_profile("2th_deg").save(tmp_path / "a.fxye")
    assert caught[0].filename == __file__
    assert "# 2 bins without an esd above zero are written as 0 0" in path.read_text().split("\n")


def test_bins_at_the_ends_without_esd_are_left_out(tmp_path):
    count = np.array([0.0, 0, 1, 1, 0, 1, 0])
    profile = Profile(Axis("2th_deg", np.linspace(10, 17, 8)), Sums(9 * count, 9 * count, count, count, count),
                      error_model="poisson")  # fmt: skip
    with pytest.warns(ConversionLossWarning, match="left out 3 of 7 bins"):
        path = profile.save(tmp_path / "a.fxye")
    two_theta, intensity, _, bank = read_gsas(path)
    np.testing.assert_array_equal(two_theta, [12.5, 13.5, 14.5, 15.5])
    np.testing.assert_array_equal(intensity, [9, 9, 0, 9])
    assert bank[5:7] == ["1250", "100"]


def test_full_profile_gives_no_warning(make_profile, without_gaps, tmp_path):
    for extension in (".fxye", ".gsa", ".gda"):
        without_gaps(make_profile("2th_deg")).save(tmp_path / f"a{extension}")


@pytest.mark.parametrize("extension", [".fxye", ".gsa"])
def test_bins_of_unequal_width_raise(make_profile, tmp_path, extension):
    with pytest.raises(UnsupportedOptionError, match=r"constant step.*unit='2th_deg'"):
        make_profile("q_nm^-1").save(tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


def test_unit_that_is_no_angle_raises(make_profile, tmp_path):
    with pytest.raises(UnsupportedOptionError, match="2theta"):
        make_profile("r_mm").save(tmp_path / "a.fxye")
    with pytest.raises(WavelengthMissingError, match="wavelength"):
        make_profile("q_nm^-1", wavelength=None).save(tmp_path / "a.fxye")
    with pytest.raises(UnsupportedOptionError, match="uncertainties"):
        make_profile("2th_deg", error_model=None).save(tmp_path / "a.gsa")


def test_empty_profile_raises(make_profile, tmp_path):
    zeros = np.zeros(12)
    empty = dataclasses.replace(make_profile("2th_deg"), sums=Sums(zeros, zeros, zeros, zeros, zeros))
    with pytest.raises(ParameterError, match="no bin"):
        empty.save(tmp_path / "a.fxye")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (1 / 3, "0.333333"), (-1 / 3, "-0.33333"), (123456789.0, "1.2346e8"), (1.25e-12, "1.25e-12"),
     (12345678.0, "12345678")],
)  # fmt: skip
def test_in_eight_columns_is_the_nearest_text(value, expected):
    assert in_eight_columns(value) == expected.rjust(8)


def test_rounding_that_matters_raises(tmp_path):
    ones = np.ones(4)
    sums = Sums(123456789.0 * ones, ones, ones, ones, ones)
    profile = Profile(Axis("2th_deg", np.linspace(1, 5, 5)), sums, error_model="variance")
    with pytest.raises(UnsupportedOptionError, match=r"eight columns.*\.fxye"):
        profile.save(tmp_path / "a.gsa")
    profile.save(tmp_path / "a.fxye")


def test_header_can_be_left_out_and_a_long_label_fits(make_profile, without_gaps, tmp_path):
    profile = without_gaps(make_profile("2th_deg", metadata={"label": "x" * 200}))
    save(profile, tmp_path / "a.fxye", header=False)
    lines = (tmp_path / "a.fxye").read_text().split("\n")
    assert len(lines[0]) == 80
    assert "wavelength 1 A" in lines[0]
    assert lines[1].startswith("BANK")


def test_warning_that_is_an_error_leaves_no_file(make_profile, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConversionLossWarning):
            make_profile("2th_deg").save(tmp_path / "a.fxye")
    assert not list(tmp_path.iterdir())
