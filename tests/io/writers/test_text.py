# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Text formats, read back by readers that know nothing of this package."""

import csv
import dataclasses
import warnings

import numpy as np
import pytest

from azimuthal.errors import ConversionLossWarning, ParameterError, UnsupportedOptionError, WavelengthMissingError
from azimuthal.io import save
from azimuthal.results import Sums
from azimuthal.testing.results import EMPTY_BIN, ZERO_BIN
from azimuthal.units import convert

loses_bins = pytest.mark.filterwarnings("ignore::azimuthal.errors.ConversionLossWarning")


def without_gaps(profile):
    """Return the profile with one pixel of ten counts in every bin, so that no format leaves out a row."""
    ones = np.ones(profile.axis.n_bins)
    return dataclasses.replace(profile, sums=Sums(10 * ones, 10 * ones, ones, ones, ones))


def comments(path):
    return [line for line in path.read_text().splitlines() if line.startswith("#")]


@loses_bins
@pytest.mark.parametrize("unit", ["q_nm^-1", "q_A^-1", "2th_deg", "2th_rad", "r_mm", "d_A", "chi_deg"])
@pytest.mark.parametrize("extension", [".xy", ".dat"])
def test_columns_read_back_exactly_and_the_header_states_the_unit(make_profile, tmp_path, unit, extension):
    profile = make_profile(unit, low=0.1, high=3.0)
    path = profile.save(tmp_path / f"a{extension}")
    kept = profile.count > 0
    expected = [profile.radial, profile.intensity, profile.sigma][: 3 if extension == ".dat" else 2]
    np.testing.assert_array_equal(np.loadtxt(path).T, [column[kept] for column in expected])
    header = comments(path)
    assert header[-1].split()[1:] == ["columns:", unit, "intensity", "sigma"][: 4 if extension == ".dat" else 3]
    assert any(line.startswith(f"# axis: {unit},") for line in header)
    assert "# wavelength: 1e-10 m" in header


@loses_bins
@pytest.mark.parametrize("extension", [".xy", ".dat", ".xye"])
def test_header_can_be_left_out(make_profile, tmp_path, extension):
    save(make_profile("2th_deg"), tmp_path / f"a{extension}", header=False)
    assert not comments(tmp_path / f"a{extension}")
    assert (tmp_path / f"a{extension}").read_text().split()[0].replace(".", "").isdigit()


def test_empty_bins_are_left_out_counted_and_warned_of(make_profile, tmp_path):
    with pytest.warns(ConversionLossWarning, match=r"a\.xy: left out 1 of 12 bins: 1 empty") as caught:
        make_profile().save(tmp_path / "a.xy")
    assert caught[0].filename == __file__
    assert "# left out 1 of 12 bins: 1 empty" in comments(tmp_path / "a.xy")
    assert len(np.loadtxt(tmp_path / "a.xy")) == 11


def test_empty_bins_can_be_nan(make_profile, tmp_path):
    save(make_profile(), tmp_path / "a.dat", empty_bins="nan")
    table = np.loadtxt(tmp_path / "a.dat")
    assert table.shape == (12, 3)
    assert np.isnan(table[EMPTY_BIN, 1:]).all()
    assert np.isfinite(table[:, 0]).all()


def test_warning_that_is_an_error_leaves_no_file(make_profile, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConversionLossWarning):
            make_profile().save(tmp_path / "a.xye")
    assert not list(tmp_path.iterdir())


def test_full_profile_gives_no_warning(make_profile, tmp_path):
    profile = without_gaps(make_profile("2th_deg"))
    for extension in (".xy", ".dat", ".xye", ".chi"):
        profile.save(tmp_path / f"a{extension}")


def test_file_without_a_single_row_raises(make_profile, tmp_path):
    zeros = np.zeros(12)
    empty = dataclasses.replace(make_profile("2th_deg"), sums=Sums(zeros, zeros, zeros, zeros, zeros))
    for extension in (".xy", ".dat", ".xye", ".chi"):
        with pytest.raises(ParameterError, match="no bin is left to write"):
            empty.save(tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


def test_xye_keeps_no_row_without_esd(make_profile, tmp_path):
    profile = make_profile("2th_deg")
    with pytest.warns(ConversionLossWarning, match="1 empty, 1 without an esd above zero"):
        path = profile.save(tmp_path / "a.xye")
    table = np.loadtxt(path)
    kept = np.delete(np.arange(12), [EMPTY_BIN, ZERO_BIN])
    np.testing.assert_array_equal(table, np.transpose([profile.radial, profile.intensity, profile.sigma])[kept])
    assert (table[:, 2] > 0).all()
    assert any("1 without an esd above zero" in line for line in comments(path))


@loses_bins
@pytest.mark.parametrize(("unit", "low", "high"), [("q_nm^-1", 1, 40), ("q_A^-1", 0.1, 4), ("2th_rad", 0.1, 1)])
def test_xye_is_in_degrees_whatever_the_unit(make_profile, tmp_path, unit, low, high):
    profile = make_profile(unit, low=low, high=high)
    path = profile.save(tmp_path / "a.xye")
    kept = np.delete(np.arange(12), [EMPTY_BIN, ZERO_BIN])
    edges = convert(profile.edges, unit, "2th_deg", wavelength=1e-10)
    centers = 0.5 * (edges[1:] + edges[:-1])
    np.testing.assert_allclose(np.loadtxt(path)[:, 0], centers[kept], rtol=1e-15)
    assert any("converted from" in line for line in comments(path))


@loses_bins
def test_xye_from_a_decreasing_unit_is_in_increasing_order(make_profile, tmp_path):
    profile = make_profile("d_A", low=2.0, high=30.0)
    table = np.loadtxt(profile.save(tmp_path / "a.xye"))
    assert (np.diff(table[:, 0]) > 0).all()
    kept = np.delete(np.arange(12), [EMPTY_BIN, ZERO_BIN])[::-1]
    np.testing.assert_array_equal(table[:, 1:], np.transpose([profile.intensity, profile.sigma])[kept])


@loses_bins
def test_xye_header_never_holds_the_letter_that_misleads_gsas(make_profile, tmp_path):
    profile = make_profile("q_nm^-1", metadata={"label": "sequence_q_3"})
    path = profile.save(tmp_path / "a.xye")
    assert not any("q" in line for line in comments(path))
    assert "# label: seQuence_Q_3" in comments(path)


def test_xye_without_wavelength_raises(make_profile, tmp_path):
    with pytest.raises(WavelengthMissingError, match="unit='2th_deg'"):
        make_profile(wavelength=None).save(tmp_path / "a.xye")


@pytest.mark.parametrize("unit", ["chi_deg", "r_mm"])
def test_xye_of_what_is_no_scattering_angle_raises(make_profile, tmp_path, unit):
    with pytest.raises(UnsupportedOptionError, match="unit='2th_deg'"):
        make_profile(unit).save(tmp_path / "a.xye")


@pytest.mark.parametrize("extension", [".xye", ".dat"])
def test_missing_sigma_raises_and_says_how_to_get_it(make_profile, tmp_path, extension):
    with pytest.raises(UnsupportedOptionError, match="error_model='poisson'"):
        make_profile("2th_deg", error_model=None).save(tmp_path / f"a{extension}")
    assert not list(tmp_path.iterdir())


@loses_bins
@pytest.mark.parametrize(
    ("unit", "label"),
    [
        ("2th_deg", "2-Theta Angle (Degrees)"),
        ("q_nm^-1", "Q (Inverse Nanometres)"),
        ("q_A^-1", "Q (Inverse Angstroms)"),
        ("d_A", "lattice spacing (A)"),
        ("chi_deg", "Azimuthal Angle (Degrees)"),
    ],
)
def test_chi_has_exactly_four_header_lines(make_profile, tmp_path, unit, label):
    profile = make_profile(unit, metadata={"label": "one\ntwo"})
    path = profile.save(tmp_path / "a.chi")
    lines = path.read_text().splitlines()
    assert lines[0] == "one two, wavelength 1e-10 m"
    assert lines[1].endswith(label.partition(" ")[2])
    assert lines[2] == "Intensity"
    assert lines[3] == "          11"
    assert len(lines) == 4 + 11
    kept = profile.count > 0
    table = np.loadtxt(path, skiprows=4)
    np.testing.assert_array_equal(table.T, [profile.radial[kept], profile.intensity[kept]])


@loses_bins
def test_chi_title_does_not_look_like_a_scale_of_q(make_profile, tmp_path):
    path = make_profile("2th_deg", metadata={"label": "seq 3, Q 4"}).save(tmp_path / "a.chi")
    assert all("q " not in line.lower() for line in path.read_text().splitlines()[:4])


def same(got, expected):
    """Compare what pandas has read: its parser may be off in the last place."""
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_csv_has_every_column_and_bin(make_profile, tmp_path):
    pandas = pytest.importorskip("pandas")
    profile = make_profile()
    table = pandas.read_csv(profile.save(tmp_path / "a.csv"))
    assert list(table.columns[:3]) == ["q_nm^-1", "q_nm^-1_lower", "q_nm^-1_upper"]
    same(table["q_nm^-1"], profile.radial)
    same(table["q_nm^-1_lower"], profile.edges[:-1])
    same(table["q_nm^-1_upper"], profile.edges[1:])
    for name in table.columns[3:]:
        same(table[name], getattr(profile, name))
    assert set(table.columns[3:]) >= {"intensity", "sigma", "std", "count", "sum_signal", "sum_normalization2"}


def test_csv_empty_bin_has_empty_cells(make_profile, tmp_path):
    with make_profile().save(tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[EMPTY_BIN]["intensity"] == rows[EMPTY_BIN]["sigma"] == ""
    assert rows[EMPTY_BIN]["count"] == "0.0"


def test_csv_of_many_is_stacked_by_frame(make_profile, tmp_path):
    pandas = pytest.importorskip("pandas")
    labels = ["a", 'b,"quoted"', "c"]
    profiles = [
        make_profile(seed=seed, metadata={"label": label, "index": 10 + seed}) for seed, label in enumerate(labels)
    ]
    save(iter(profiles), tmp_path / "a.csv")
    table = pandas.read_csv(tmp_path / "a.csv")
    assert table["frame"].tolist() == [10] * 12 + [11] * 12 + [12] * 12
    for label, profile in zip(labels, profiles, strict=True):
        mine = table[table["label"] == label]
        same(mine["intensity"], profile.intensity)


def test_csv_of_a_cake_is_long_with_azimuth_slow(make_cake, tmp_path):
    pandas = pytest.importorskip("pandas")
    cake = make_cake()
    table = pandas.read_csv(cake.save(tmp_path / "a.csv"))
    same(table["intensity"].to_numpy().reshape(5, 7), cake.intensity)
    same(table["q_nm^-1"].to_numpy().reshape(5, 7)[0], cake.radial)
    same(table["chi_deg_lower"].to_numpy().reshape(5, 7)[:, 0], cake.azimuthal_axis.edges[:-1])


def test_csv_without_error_model_has_no_sigma(make_profile, tmp_path):
    text = make_profile(error_model=None).save(tmp_path / "a.csv").read_text()
    assert "sigma" not in text
    assert "sum_variance" not in text
