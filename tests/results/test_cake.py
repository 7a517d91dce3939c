# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cake: orientation [azimuthal, radial], units of both axes, merging."""

import base64
import io
import pickle
import re

import numpy as np
import pytest

from azimuthal.errors import ParameterError, ShapeError
from azimuthal.results import Cake, Sums
from azimuthal.units import Axis


def test_cake_unpacks_to_intensity_radial_azimuthal(make_cake):
    cake = make_cake(n_radial=7, n_azimuthal=5)
    intensity, radial, azimuthal = cake
    assert intensity.shape == (5, 7)
    np.testing.assert_array_equal(radial, cake.radial_axis.centers)
    np.testing.assert_array_equal(azimuthal, cake.azimuthal_axis.centers)
    assert cake.radial_unit.name == "q_nm^-1"
    assert cake.azimuthal_unit.name == "chi_deg"


def test_cake_arrays_are_azimuthal_radial(make_cake):
    cake = make_cake(n_radial=7, n_azimuthal=5)
    for name in ("intensity", "sigma", "std", "sem", "count", "sum_signal", "sum_variance"):
        assert getattr(cake, name).shape == (5, 7)


def test_cake_with_exchanged_axes_raises(make_cake):
    cake = make_cake(n_radial=7, n_azimuthal=5)
    with pytest.raises(ShapeError, match="azimuthal_axis: expected 5 bins"):
        Cake(cake.azimuthal_axis, cake.radial_axis, cake.sums, error_model="poisson")


def test_cake_of_one_dimension_raises(make_profile, make_cake):
    with pytest.raises(ShapeError, match="n_azimuthal, n_radial"):
        Cake(make_cake().radial_axis, make_cake().azimuthal_axis, make_profile().sums, error_model="poisson")


def test_to_radial_unit_turns_the_radial_direction_only(make_cake):
    cake = make_cake()
    converted = cake.to("d_nm")
    np.testing.assert_array_equal(converted.intensity, cake.intensity[:, ::-1])
    assert converted.azimuthal_axis == cake.azimuthal_axis
    assert converted.radial_unit.name == "d_nm"


def test_to_azimuthal_unit_changes_the_azimuthal_axis(make_cake):
    cake = make_cake()
    converted = cake.to("chi_rad")
    assert converted.sums == cake.sums
    assert converted.radial_axis == cake.radial_axis
    np.testing.assert_allclose(converted.azimuthal, np.radians(cake.azimuthal), rtol=1e-15)


def test_merged_cake_adds_sums(make_cake):
    one, two = make_cake(seed=1), make_cake(seed=2)
    assert one.merged(two).sums == one.sums + two.sums


def test_merge_of_other_azimuthal_bins_raises(make_cake):
    cake = make_cake()
    other = Cake(
        cake.radial_axis, Axis("chi_deg", np.linspace(0, 360, 6)), cake.sums, error_model="poisson", wavelength=1e-10
    )
    with pytest.raises(ParameterError, match="azimuthal_axis"):
        cake.merged(other)


def test_cake_survives_pickling(make_cake):
    back = pickle.loads(pickle.dumps(make_cake()))
    assert back.sums == make_cake().sums
    assert back.azimuthal_axis == make_cake().azimuthal_axis


def test_repr_names_both_axes(make_cake):
    text = repr(make_cake())
    assert "5 bins of chi_deg (-180 to 180) x 7 bins of q_nm^-1" in text


def test_html_view_is_an_image_with_the_azimuth_upwards():
    png = pytest.importorskip("PIL.Image")
    image = np.zeros((40, 30))
    image[0] = 100.0
    sums = Sums(image, None, *(np.ones_like(image),) * 3)
    cake = Cake(Axis("q_nm^-1", range(31)), Axis("chi_deg", np.linspace(-180, 180, 41)), sums)
    encoded = re.search(r"base64,([^\"]+)", cake._repr_html_()).group(1)
    pixels = np.asarray(png.open(io.BytesIO(base64.b64decode(encoded))))
    assert pixels.shape == (40, 30)
    assert (pixels[-1] > pixels[0]).all()


def test_html_view_of_a_large_or_empty_cake_is_small():
    image = np.full((720, 2000), np.nan)
    sums = Sums(image, None, *(np.ones_like(image),) * 3)
    cake = Cake(Axis("q_nm^-1", np.arange(2001)), Axis("chi_deg", np.linspace(-180, 180, 721)), sums)
    assert len(cake._repr_html_()) < 40_000
