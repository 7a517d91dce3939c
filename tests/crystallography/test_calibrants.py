# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Calibrants of one's own, several at once, and rings that overlap."""

import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError


def test_from_cell_equals_the_catalogue():
    own = az.Calibrant.from_cell(az.Cell.cubic(5.4311946e-10), "Fd-3m:1", sites=[(0, 0, 0)], d_min=0.5e-10)
    np.testing.assert_allclose(own.d_spacings(), az.calibrant("Si").d_spacings(0.5e-10), rtol=1e-14)
    without_sites = az.Calibrant.from_cell(az.Cell.cubic(5.4311946e-10), 227, d_min=1e-10)
    assert "222" in without_sites.labels
    assert "222" not in own.labels
    assert az.Calibrant.from_cell(az.Cell.cubic(4e-10), d_min=3e-10).labels == ("100/010/001",)


def test_from_d_spacings_keeps_the_numbers_in_decreasing_order():
    own = az.Calibrant.from_d_spacings([2e-10, 3e-10, 1.5e-10], name="mine", source="notebook 7")
    np.testing.assert_array_equal(own.d_spacings(), [3e-10, 2e-10, 1.5e-10])
    assert own.multiplicities.tolist() == [0, 0, 0]
    assert own.hkl == ((), (), ())
    assert np.isnan(own.intensities).all()
    assert own.source == "notebook 7"
    assert own.certificate == ""
    np.testing.assert_allclose(own.two_theta(1e-10), 2 * np.arcsin(1e-10 / (2 * own.d_spacings())), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: az.Calibrant.from_d_spacings([]), ShapeError, "at least one spacing"),
        (lambda: az.Calibrant.from_d_spacings([3.1]), ParameterError, r"d_spacings\[0\]: expected metres"),
        (lambda: az.Calibrant.from_d_spacings([1e-10, -1e-10]), ParameterError, r"d_spacings\[1\]: .*greater than 0"),
        (lambda: az.Calibrant.from_d_spacings([1e-10, math.nan]), ParameterError, "finite"),
        (lambda: az.Calibrant.from_cell((4, 4, 4)), DataTypeError, "expected a Cell"),
        (lambda: az.Calibrant.from_cell(az.Cell.cubic(4e-10), "Fmq3m"), UnknownNameError, "did you mean"),
        (lambda: az.calibrant("Si").two_theta(1.0), ParameterError, "wavelength: expected metres"),
        (lambda: az.calibrant("Si").two_theta(1e-10, max=30), ParameterError, "max: expected a two-theta in rad"),
        (lambda: az.calibrant("Si").with_resolution(2), ParameterError, "resolution"),
        (lambda: az.calibrant("Si").with_resolution(0.1, overlapping="mix"), UnknownNameError, "overlapping"),
        (lambda: az.Calibrant("none", ()), ParameterError, "at least one phase"),
        (lambda: az.calibrant("Si") + "CeO2", TypeError, "unsupported operand"),
    ],
)
def test_bad_values_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_joined_calibrants_are_the_union_with_labels():
    both = az.calibrant("CeO2") + az.calibrant("Si")
    expected = np.sort(np.concatenate([az.calibrant(name).d_spacings(5e-11) for name in ("CeO2", "Si")]))[::-1]
    np.testing.assert_array_equal(both.d_spacings(5e-11), expected)
    assert both.labels[:4] == ("Si 111", "CeO2 111", "CeO2 200", "Si 220")
    assert az.calibrant("CeO2+Si") == both
    assert both.certificate.startswith("NIST SRM 674b")
    assert "NIST SRM 640c" in both.certificate


def test_joined_lists_end_where_each_of_them_ends():
    both = az.calibrant("AgBh + LaB6")
    labels = {ring.label.split()[0] for ring in both.rings_at(1e-10)}
    assert labels == {"AgBh", "LaB6"}
    assert min(ring.d_spacing for ring in both.rings_at(1e-10)) < 0.51e-10
    assert sum(label.startswith("AgBh") for label in both.labels) == 49


def test_two_theta_does_not_depend_on_what_was_asked_before():
    one = az.calibrant("CeO2")
    for wavelength in (0.31e-10, 0.3101e-10, 0.3e-10):
        rings = [ring for ring in one.rings(wavelength / 2) if ring.d_spacing >= wavelength / 2]
        assert len(one.two_theta(wavelength)) == len(rings)


def test_resolution_merges_neighbours_at_their_weighted_mean():
    both = az.calibrant("CeO2 + Si", resolution=0.005, d_min=1.5e-10)
    assert both.labels[0] == "Si 111 + CeO2 111"
    first = both.rings()[0]
    spacings = [az.calibrant(name).d_spacings()[0] for name in ("CeO2", "Si")]
    assert first.d_spacing == pytest.approx(np.mean(spacings), rel=1e-14)  # multiplicities 8 and 8
    assert first.multiplicity == 16
    assert first.hkl == ((1, 1, 1), (1, 1, 1))
    d = both.d_spacings()
    assert ((d[:-1] - d[1:]) / d[:-1] > 0.005).all()


def test_resolution_drop_leaves_only_rings_that_stand_alone():
    plain = az.calibrant("alpha_Al2O3").d_spacings(0.9e-10)
    alone = az.calibrant("alpha_Al2O3", resolution=0.01, overlapping="drop").d_spacings(0.9e-10)
    gaps = (plain[:-1] - plain[1:]) / plain[:-1] > 0.01
    isolated = plain[np.concatenate([[True], gaps]) & np.concatenate([gaps, [True]])]
    np.testing.assert_array_equal(alone, isolated)


def test_resolution_none_keeps_all_and_equal_spacings_are_one_ring():
    lab6 = az.calibrant("LaB6")
    ring = lab6.rings(1.3e-10)[7]
    assert ring.hkl == ((3, 0, 0), (2, 2, 1))
    assert ring.multiplicity == 30
    assert lab6.with_resolution(0.1).with_resolution(None) == lab6
    assert len((lab6 + lab6).d_spacings(1e-10)) == len(lab6.d_spacings(1e-10))


def test_calibrants_are_values():
    assert az.calibrant("Si") == az.calibrant("silicon")
    assert hash(az.calibrant("Si")) == hash(az.calibrant("Si"))
    with pytest.raises(AttributeError):
        az.calibrant("Si").name = "other"
    assert az.calibrant(az.calibrant("Si")) is az.calibrant("Si")


def test_weighted_mean_of_given_intensities_uses_them(tmp_path):
    path = tmp_path / "two.D"
    path.write_text("2.00 # (1 0 0) 6 30\n1.99 # (0 1 0) 12 10\n")
    (ring,) = az.calibrant(path, resolution=0.01).rings()
    assert ring.d_spacing * 1e10 == pytest.approx((2.00 * 30 + 1.99 * 10) / 40, rel=1e-14)
    assert ring.intensity == 40
