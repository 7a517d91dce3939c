# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Axes: edges, uniformity, conversion with the order of the bins."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azimuthal.errors import (
    ParameterError,
    ShapeError,
    UnknownNameError,
    UnsupportedOptionError,
    WavelengthMissingError,
)
from azimuthal.units import Axis, convert, unit

WAVELENGTH = 1e-10


def test_axis_derives_centres_widths_and_canonical_edges():
    axis = Axis("q_nm^-1", [0, 1, 3])
    assert axis.unit == unit("q_nm^-1")
    assert axis.quantity.name == "q"
    assert axis.n_bins == 2
    np.testing.assert_array_equal(axis.centers, [0.5, 2.0])
    np.testing.assert_array_equal(axis.widths, [1.0, 2.0])
    np.testing.assert_allclose(axis.canonical_edges, [0, 1e9, 3e9], rtol=1e-15)


def test_axis_is_frozen_and_keeps_its_own_edges():
    edges = np.array([0.0, 1.0, 2.0])
    axis = Axis(unit("chi_deg"), edges)
    edges[0] = -5
    assert axis.edges[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        axis.edges[0] = 1.0
    with pytest.raises(AttributeError):
        axis.unit = unit("q_nm^-1")


@pytest.mark.parametrize(
    ("edges", "error"),
    [
        ([0, 0, 1], ParameterError),
        ([1, 0], ParameterError),
        ([0, np.nan], ParameterError),
        ([0, np.inf], ParameterError),
        ([1.0], ShapeError),
        ([], ShapeError),
        ([[0, 1], [2, 3]], ShapeError),
    ],
)
def test_axis_with_bad_edges_raises(edges, error):
    with pytest.raises(error, match="edges"):
        Axis("q_nm^-1", edges)


def test_axis_with_an_unknown_unit_raises():
    with pytest.raises(UnknownNameError):
        Axis("q", [0, 1])


def test_axis_compares_hashes_and_pickles():
    axis = Axis(unit("qip_nm^-1", incident_angle=0.2), np.linspace(-3, 3, 7))
    same = pickle.loads(pickle.dumps(axis))
    assert same == axis
    assert hash(same) == hash(axis)
    assert not same.edges.flags.writeable
    assert axis != Axis("qip_nm^-1", axis.edges)
    assert axis != Axis(axis.unit, axis.edges[1:])
    assert axis != "qip_nm^-1"


@settings(deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.integers(1, 3000))
def test_equidistant_edges_are_uniform_however_they_were_made(start, width, n_bins):
    assert Axis("chi_deg", np.linspace(start, start + width * n_bins, n_bins + 1)).is_uniform
    assert Axis("chi_deg", start + width * np.arange(n_bins + 1)).is_uniform


def test_other_edges_are_not_uniform():
    assert not Axis("q_nm^-1", [0, 1, 2.000001]).is_uniform
    assert not Axis("q_nm^-1", np.geomspace(0.1, 10, 20)).is_uniform


def test_conversion_to_an_increasing_unit_keeps_the_order():
    axis = Axis("q_nm^-1", np.linspace(0, 100, 11))
    angles, order = axis.to("2th_deg", wavelength=WAVELENGTH)
    assert order == slice(None)
    np.testing.assert_array_equal(angles.edges, convert(axis.edges, "q_nm^-1", "2th_deg", wavelength=WAVELENGTH))
    back, _ = angles.to("q_nm^-1", WAVELENGTH)
    np.testing.assert_allclose(back.edges, axis.edges, rtol=1e-14)


def test_conversion_to_a_decreasing_unit_turns_the_bins_round():
    axis = Axis("q_nm^-1", [1.0, 2.0, 4.0])
    values = np.array([[10, 20], [30, 40]])
    spacings, order = axis.to("d_nm")
    np.testing.assert_allclose(spacings.edges, [np.pi / 2, np.pi, 2 * np.pi], rtol=1e-15)
    np.testing.assert_array_equal(values[..., order], [[20, 10], [40, 30]])
    back, again = spacings.to("q_nm^-1")
    np.testing.assert_allclose(back.edges, axis.edges, rtol=1e-15)
    np.testing.assert_array_equal(values[..., order][..., again], values)


@pytest.mark.parametrize(
    "name", ["2th_rad", "q_A^-1", "qtot_nm^-1", "d_A", "d*2_nm^-2", "log(1+q.nm)_None", "arcsinh(q.A)_None"]
)
def test_each_bin_keeps_its_content_under_conversion(name):
    """A bin's centre of q, converted, falls into the bin that holds its value."""
    axis = Axis("q_nm^-1", np.geomspace(0.5, 90, 30))
    values = np.arange(axis.n_bins)
    converted, order = axis.to(name, wavelength=WAVELENGTH)
    centers = convert(axis.centers, "q_nm^-1", name, wavelength=WAVELENGTH)
    found = np.searchsorted(converted.edges, centers) - 1
    np.testing.assert_array_equal(values[order][found], values)


def test_conversion_within_a_quantity_is_scaling():
    axis, order = Axis("chi_deg", [-180, 0, 180]).to("chi_rad")
    assert order == slice(None)
    np.testing.assert_allclose(axis.edges, [-np.pi, 0, np.pi], rtol=1e-15)
    sample = unit("qip_nm^-1", incident_angle=0.1)
    assert Axis(sample, [-1, 1]).to(unit("qip_A^-1", incident_angle=0.1)).axis.edges.tolist() == [-0.1, 0.1]


@pytest.mark.parametrize("name", ["d_A", "log10(q.m)_None", "log(q.nm)_None"])
def test_conversion_of_an_edge_at_zero_to_infinity_raises(name):
    with pytest.raises(ParameterError, match=r"the edge q_nm\^-1 = 0.0 is infinite"):
        Axis("q_nm^-1", [0, 1]).to(name)


def test_conversion_that_does_not_exist_raises():
    axis = Axis("q_nm^-1", [0, 1])
    with pytest.raises(WavelengthMissingError):
        axis.to("2th_deg")
    with pytest.raises(UnsupportedOptionError, match="untilted"):
        axis.to("r_mm", wavelength=WAVELENGTH)
    with pytest.raises(UnsupportedOptionError):
        axis.to("chi_deg")
    with pytest.raises(ParameterError, match="beyond backscattering"):
        Axis("q_nm^-1", [0, 200]).to("2th_deg", wavelength=WAVELENGTH)
