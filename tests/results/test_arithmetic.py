# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import azimuthal as az
from azimuthal.errors import ConversionLossWarning, DataTypeError, ParameterError, ShapeError
from azimuthal.results import Profile, Sums, merge
from azimuthal.testing.results import EMPTY_BIN, example_cake, example_profile
from azimuthal.units import Axis

ROUNDING = 4e-15  # a dozen roundings of 2.2e-16


def fields_of(sums):
    return [getattr(sums, name) for name in ("signal", "variance", "normalization", "normalization2", "count")]


def close(one, two, rtol=1e-15):
    for a, b in zip(fields_of(one), fields_of(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=0)


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3))
def test_merging_is_commutative_and_associative(seeds):
    a, b, c = (example_profile(n_bins=9, seed=seed) for seed in seeds)
    close(a.merged(b).sums, b.merged(a).sums, rtol=0)
    close(a.merged(b).merged(c).sums, a.merged(b.merged(c)).sums)
    close(merge(iter([a, b, c])).sums, merge([c, a, b]).sums)
    total = merge([a, b, c])
    added = np.sqrt(sum(one.sum_variance for one in (a, b, c)))
    np.testing.assert_allclose(total.sigma * total.sum_normalization, np.where(total.count > 0, added, np.nan))


def test_merge_of_nothing_raises():
    with pytest.raises(ParameterError, match="at least one"):
        merge([])


def test_merge_of_something_else_says_which():
    with pytest.raises(DataTypeError, match="number 1"):
        merge([example_profile(), 3])


def test_merge_of_other_bins_says_which():
    with pytest.raises(ParameterError, match="axis") as caught:
        merge([example_profile(), example_profile(), example_profile(n_bins=13)])
    assert "number 2" in caught.value.__notes__[0]


@pytest.mark.parametrize("make", [example_profile, example_cake])
def test_operators_act_on_intensities_with_propagated_sigma(make):
    a, b = make(seed=1), make(seed=2)
    i, j, u, v = a.intensity, b.intensity, a.sigma, b.sigma
    with np.errstate(all="ignore"):
        expected = {
            "+": (a + b, i + j, np.hypot(u, v)),
            "-": (a - b, i - j, np.hypot(u, v)),
            "*": (a * b, i * j, np.hypot(j * u, i * v)),
            "/": (a / b, i / j, np.hypot(u / j, i * v / j**2)),
            "**": (a**2, i**2, 2 * i * u),
            "-number": (5 - a, 5 - i, u),
            "number/": (5 / a, 5 / i, 5 * u / i**2),
            "array": (np.full(i.shape, 3.0) * a, 3 * i, 3 * u),
            "neg": (-a, -i, u),
        }
    for name, (result, intensity, sigma) in expected.items():
        defined = np.isfinite(intensity) & np.isfinite(sigma)
        np.testing.assert_allclose(result.intensity[defined], intensity[defined], rtol=ROUNDING, err_msg=name)
        np.testing.assert_allclose(result.sigma[defined], sigma[defined], rtol=ROUNDING, err_msg=name)
        assert np.isnan(result.intensity[~defined]).all(), name
        assert type(result) is type(a)
        json.dumps(result.provenance)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.1, 10))
def test_addition_commutes_and_subtraction_undoes_it(one, two, factor):
    a, b = example_profile(seed=one), example_profile(seed=two).renormalized(factor)
    np.testing.assert_allclose((a + b).intensity, (b + a).intensity, rtol=ROUNDING)
    np.testing.assert_allclose((a + b).sigma, (b + a).sigma, rtol=ROUNDING)
    np.testing.assert_allclose((a + b - b).intensity, a.intensity, rtol=1e-13, atol=1e-12)


def test_addition_is_not_merging():
    a = example_profile(seed=1)
    np.testing.assert_allclose((a + a).intensity, 2 * a.intensity)
    np.testing.assert_allclose(a.merged(a).intensity, a.intensity)


def test_subtraction_of_unequal_monitors_subtracts_intensities():
    """pyFAI subtracts the sums of signal and keeps the left normalisation: wrong unless both monitors are equal."""
    sample, background = example_profile(seed=1), example_profile(seed=2)
    longer = dataclasses.replace(
        background.renormalized(7.0),
        sums=Sums(*(f * c for f, c in zip(fields_of(background.sums), (7, 7, 7, 49, 1), strict=True))),
    )
    np.testing.assert_allclose((sample - longer).intensity, sample.intensity - background.intensity, rtol=1e-13)


def test_background_subtraction_has_the_uncertainty_of_all_three():
    sample, background = example_profile(seed=1), example_profile(seed=2)
    found = sample.subtracted(background, scale=0.3, scale_sigma=0.02)
    np.testing.assert_allclose(found.intensity, sample.intensity - 0.3 * background.intensity, rtol=1e-12)
    expected = np.sqrt(sample.sigma**2 + 0.09 * background.sigma**2 + (0.02 * background.intensity) ** 2)
    np.testing.assert_allclose(found.sigma, expected, rtol=1e-12)
    step = found.provenance["history"][-1]
    assert (step["step"], step["scale"]) == ("subtract", 0.3)
    assert len(step["operand"]["digest"]) == 32


def test_subtraction_of_simulated_counts_has_chi_square_of_one():
    rng = np.random.default_rng(3)
    axis = Axis("q_nm^-1", np.linspace(0, 1, 2001))

    def counted(rate, monitor):
        n = np.full(2000, 8.0 * monitor)
        s = rng.poisson(rate * n).astype(float)
        return Profile(
            axis, Sums(s, s, n, n**2 / 8, np.full(2000, 8.0)), error_model="poisson", normalization_factor=monitor
        )

    difference = counted(50.0, 1.0).subtracted(counted(30.0, 4.0), scale=0.5)
    chi2 = np.sum(((difference.intensity - 35.0) / difference.sigma) ** 2)
    assert abs(chi2 - 2000) < 4 * np.sqrt(4000)


def test_calculated_result_keeps_weights_and_counts_of_the_left():
    a, b = example_profile(seed=1), example_profile(seed=2)
    found = a - b
    np.testing.assert_array_equal(found.count, a.count)
    np.testing.assert_array_equal(found.sum_normalization, a.sum_normalization)
    assert np.isnan(found.std).all()
    assert found.error_model == "poisson"


def test_bins_that_one_operand_leaves_empty_are_empty():
    a, b = example_profile(seed=1), example_profile(seed=2).to("q_A^-1")
    b = dataclasses.replace(b, axis=a.axis, sums=b.sums.reordered(slice(None, None, -1)))
    found = a - b
    empty = np.isnan(a.intensity) | np.isnan(b.intensity)
    assert empty.sum() == 2
    np.testing.assert_array_equal(np.isnan(found.intensity), empty)
    assert (found.count[empty] == 0).all()
    assert (found.sum_signal[empty] == 0).all()
    assert found.provenance["history"][-1]["n_emptied"] == 1


def test_division_by_zero_leaves_an_empty_bin_and_counts_it():
    found = 1 / example_profile()
    assert np.isnan(found.intensity[2])
    assert found.provenance["history"][-1]["n_emptied"] == 1


def test_scaling_is_exact_and_merges_as_before():
    a, b = example_profile(seed=1), example_profile(seed=2)
    close(a.scaled(4.0).merged(b.scaled(4.0)).sums, a.merged(b).scaled(4.0).sums, rtol=0)
    np.testing.assert_allclose((2.0 * a).std, 2 * a.std)
    np.testing.assert_allclose(a.scaled(2.0, factor_sigma=0.1).sigma, np.hypot(2 * a.sigma, 0.1 * a.intensity))


@pytest.mark.parametrize("average", ["ratio_of_sums", "mean_of_ratios", "sum"])
def test_renormalizing_divides_and_keeps_the_factor(average):
    a = example_profile(average=average)
    found = a.renormalized(4.0)
    np.testing.assert_allclose(found.intensity, a.intensity / 4)
    np.testing.assert_allclose(found.sigma, a.sigma / 4)
    np.testing.assert_allclose(found.std, a.std / 4)
    assert found.normalization_factor == 4.0


def test_sums_add_and_subtract_too():
    a, b = example_profile(seed=1, average="sum"), example_profile(seed=2, average="sum")
    np.testing.assert_allclose((a - b).intensity, a.sum_signal - b.sum_signal)
    np.testing.assert_allclose((a - b).sigma, np.sqrt(a.sum_variance + b.sum_variance))
    assert (a - b).intensity[EMPTY_BIN] == 0


def test_results_without_error_model_have_none_after():
    a, b = example_profile(error_model=None), example_profile(seed=2, error_model=None)
    assert (a - b).sigma is None
    assert (a * 2 + 1).error_model is None


def test_one_error_model_alone_raises_and_an_exact_array_does_not():
    a, b = example_profile(), example_profile(seed=2, error_model=None)
    with pytest.raises(ParameterError, match="intensity to take it as exact"):
        _ = a - b
    np.testing.assert_allclose((a - b.intensity).sigma, a.sigma)


def test_different_error_models_make_a_plain_variance():
    a = example_profile()
    b = dataclasses.replace(example_profile(seed=2), error_model="variance")
    assert (a + b).error_model == "variance"


@pytest.mark.parametrize(
    ("other", "error", "match"),
    [
        (example_profile(n_bins=13), ParameterError, "same axis"),
        (example_profile("q_A^-1"), ParameterError, "same axis"),
        (example_cake(), DataTypeError, "another Profile"),
        (np.ones(5), ShapeError, "shape"),
        (float("nan"), ParameterError, "finite"),
        (example_profile(average="sum"), ParameterError, "average"),
    ],
)
def test_operands_that_do_not_fit_raise(other, error, match):
    with pytest.raises(error, match=match):
        _ = example_profile() - other


@pytest.mark.parametrize("other", ["1", None, True, object()])
def test_operands_that_are_no_numbers_are_refused(other):
    with pytest.raises(TypeError):
        _ = example_profile() + other


def test_angles_at_different_wavelengths_are_refused_and_q_is_not():
    a, b = example_profile("2th_deg"), example_profile("2th_deg", wavelength=2e-10)
    with pytest.raises(ParameterError, match="wavelengths"):
        _ = a - b
    assert (example_profile() - example_profile(seed=2, wavelength=2e-10)).intensity.size == 12


def test_bad_scale_raises():
    a = example_profile()
    with pytest.raises(ParameterError, match="scale_sigma"):
        a.subtracted(a, scale_sigma=-1)
    with pytest.raises(ParameterError, match="greater than 0"):
        a.renormalized(0)
    with pytest.raises(ParameterError, match="would ignore"):
        example_profile(error_model=None).scaled(2, factor_sigma=0.1)


def test_calculated_result_is_saved_and_read_again(tmp_path):
    found = example_profile(seed=1) - example_profile(seed=2)
    found.save(tmp_path / "difference.h5")
    again = az.load_result(tmp_path / "difference.h5")
    again = again if isinstance(again, Profile) else again[0]
    np.testing.assert_allclose(again.intensity, found.intensity, rtol=1e-15)
    np.testing.assert_allclose(again.sigma, found.sigma, rtol=1e-12)
    with pytest.warns(ConversionLossWarning, match="1 empty"):
        found.save(tmp_path / "difference.xye")


def test_conversion_of_units_is_in_the_history():
    assert example_profile().to("d_A").provenance["history"] == [{"step": "unit", "unit": ["q_nm^-1", "d_A"]}]
    assert example_cake().to("chi_rad").provenance["history"][-1]["unit"] == ["chi_deg", "chi_rad"]
