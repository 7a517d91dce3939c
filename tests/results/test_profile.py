# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Profile: validation, unpacking, units, merging, notebook view."""

import dataclasses
import pickle
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import azimuthal
from azimuthal.errors import (
    DataTypeError,
    ParameterError,
    ShapeError,
    UnknownNameError,
    UnsupportedOptionError,
    WavelengthMissingError,
)
from azimuthal.results import Profile, Sums
from azimuthal.units import Axis, convert


def test_profile_unpacks_to_radial_intensity_sigma(make_profile):
    profile = make_profile()
    q, intensity, sigma = profile
    np.testing.assert_array_equal(q, profile.axis.centers)
    np.testing.assert_array_equal(intensity, profile.intensity)
    np.testing.assert_array_equal(sigma, profile.sem)


def test_profile_without_error_model_unpacks_to_none(make_profile):
    _, _, sigma = make_profile(error_model=None)
    assert sigma is None
    assert make_profile(error_model=None).sum_variance is None


def test_profile_hands_out_its_sums(make_profile):
    profile = make_profile()
    assert profile.sum_signal is profile.sums.signal
    assert profile.sum_variance is profile.sums.variance
    assert profile.sum_normalization is profile.sums.normalization
    assert profile.sum_normalization2 is profile.sums.normalization2
    assert profile.count is profile.sums.count
    assert profile.edges is profile.axis.edges
    assert profile.unit.name == "q_nm^-1"


def test_profile_is_frozen(make_profile):
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_profile().average = "sum"


def test_profile_keeps_its_own_metadata(make_profile):
    metadata = {"label": "a"}
    profile = make_profile(metadata=metadata)
    metadata["label"] = "b"
    assert profile.metadata["label"] == "a"


def test_profile_with_other_number_of_bins_raises(make_profile):
    with pytest.raises(ShapeError, match="expected 12 bins to match the sums, got 3"):
        Profile(Axis("q_nm^-1", [0, 1, 2, 3]), make_profile().sums, error_model="poisson")


def test_profile_of_two_dimensions_raises(make_cake):
    with pytest.raises(ShapeError, match=r"\(n_bins,\)"):
        Profile(Axis("q_nm^-1", range(6)), make_cake().sums, error_model="poisson")


@pytest.mark.parametrize(("error_model", "with_variance"), [(None, True), ("poisson", False)])
def test_profile_with_contradicting_error_model_raises(make_profile, error_model, with_variance):
    sums = make_profile(error_model="poisson" if with_variance else None).sums
    with pytest.raises(ParameterError, match="error_model"):
        Profile(make_profile().axis, sums, error_model=error_model)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("average", "ratio_of_sum", UnknownNameError),
        ("error_model", "poison", UnknownNameError),
        ("wavelength", -1e-10, ParameterError),
        ("normalization_factor", 0.0, ParameterError),
        ("axis", [0, 1], DataTypeError),
        ("sums", [0, 1], DataTypeError),
    ],
)
def test_profile_with_bad_field_raises_naming_it(make_profile, name, value, error):
    with pytest.raises(error, match=name):
        dataclasses.replace(make_profile(), **{name: value})


def test_profile_survives_pickling(make_profile):
    profile = make_profile(metadata={"label": "a"}, provenance={"engine": "reference"})
    back = pickle.loads(pickle.dumps(profile))
    assert back.sums == profile.sums
    assert back.axis == profile.axis
    assert back.metadata == profile.metadata
    assert back.provenance == profile.provenance


@pytest.mark.parametrize("unit", ["q_A^-1", "2th_deg", "2th_rad", "d*2_A^-2"])
def test_to_increasing_unit_changes_the_edges_only(make_profile, unit):
    profile = make_profile()
    converted = profile.to(unit)
    assert converted.sums == profile.sums
    expected = convert(profile.edges, "q_nm^-1", unit, wavelength=1e-10)
    np.testing.assert_array_equal(converted.edges, expected)
    assert converted.unit.name == unit


def test_to_decreasing_unit_turns_the_bins_round(make_profile):
    profile = make_profile()
    converted = profile.to("d_A")
    assert (np.diff(converted.edges) > 0).all()
    np.testing.assert_array_equal(converted.intensity, profile.intensity[::-1])
    np.testing.assert_array_equal(converted.count, profile.count[::-1])
    back = converted.to("q_nm^-1")
    assert back.sums == profile.sums
    np.testing.assert_allclose(back.edges, profile.edges, rtol=1e-14)


def test_to_without_wavelength_raises(make_profile):
    with pytest.raises(WavelengthMissingError):
        make_profile(wavelength=None).to("2th_deg")


def test_to_unrelated_unit_raises(make_profile):
    with pytest.raises(UnsupportedOptionError):
        make_profile("chi_deg").to("q_nm^-1")


def test_merged_profile_is_the_profile_of_all_pixels(make_profile):
    first, second = make_profile(seed=1), make_profile(seed=2, normalization_factor=3.0)
    merged = first.merged(second)
    assert merged.sums == first.sums + second.sums
    with np.errstate(invalid="ignore"):
        expected = (first.sum_signal + second.sum_signal) / (first.sum_normalization + second.sum_normalization)
    np.testing.assert_array_equal(merged.intensity, expected)
    assert merged.normalization_factor == 4.0


def test_merged_profiles_keep_what_they_agree_on(make_profile):
    about = {"recipe": {"npt": 12}, "engine": "native"}
    parts = [
        make_profile(provenance={**about, "n_invalid": n}, metadata={"sample": "CeO2", "index": n}) for n in (1, 2, 4)
    ]
    merged = parts[0].merged(parts[1]).merged(parts[2])
    assert merged.provenance == {**about, "n_invalid": 7, "n_merged": 3}
    assert merged.metadata == {"sample": "CeO2"}


@pytest.mark.parametrize("average", ["mean_of_ratios", "sum"])
def test_merged_factor_of_ratios_is_the_common_one(make_profile, average):
    one, two = (make_profile(average=average, normalization_factor=factor) for factor in (2.0, 3.0))
    assert one.merged(one).normalization_factor == 2.0
    assert one.merged(two).normalization_factor == 1.0


@pytest.mark.parametrize(
    "change", [{"high": 41.0}, {"unit": "q_A^-1"}, {"average": "sum"}, {"wavelength": 2e-10}, {"error_model": None}]
)
def test_merge_of_incompatible_profiles_raises(make_profile, change):
    with pytest.raises(ParameterError, match="merge: expected the same"):
        make_profile().merged(make_profile(**change))


def test_merge_with_a_cake_raises(make_profile, make_cake):
    with pytest.raises(DataTypeError, match="expected another Profile"):
        make_profile().merged(make_cake())


def test_repr_names_bins_and_unit(make_profile):
    assert repr(make_profile()) == (
        "Profile(12 bins of q_nm^-1 (1 to 40), average='ratio_of_sums', error_model='poisson')"
    )


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_html_view_is_small_and_well_formed(value):
    array = np.full(2000, value)
    sums = Sums(array, None, *(np.ones(2000),) * 3)
    page = Profile(Axis("q_nm^-1", np.linspace(0, 1, 2001)), sums)._repr_html_()
    assert ET.fromstring(page).find(".//{http://www.w3.org/2000/svg}svg") is not None
    assert len(page) < 40_000


def test_html_view_leaves_gaps_at_empty_bins(make_profile):
    assert make_profile()._repr_html_().count("<polyline") == 2


def test_save_goes_through_the_door_upward(make_profile, tmp_path):
    assert azimuthal.__version__
    path = make_profile().save(tmp_path / "a.npz")
    assert path == tmp_path / "a.npz"
    assert path.exists()
