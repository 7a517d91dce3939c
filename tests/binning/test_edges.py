# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azimuthal.binning import arc, bin_edges, bin_of, log_bins, placed_on_circle
from azimuthal.errors import DataTypeError, ParameterError


@pytest.mark.parametrize(
    ("given_arc", "expected"),
    [
        ((170, 190), (170, 190)),
        ((-10, 10), (-10, 10)),
        ((0, 360), (0, 360)),
        ((90, 270), (90, 270)),
        ((350, 10), (350, 370)),
        ((170, -170), (170, 190)),
        ((-180, 180), (-180, 180)),
    ],
)
def test_arc_any_start_and_stop_walks_in_the_positive_direction(given_arc, expected):
    assert arc("azimuth_range", given_arc, 360.0) == expected


@pytest.mark.parametrize("wrong", [(10, 10), (0, 361), (-200, 200)])
def test_arc_empty_or_longer_than_a_turn_is_refused(wrong):
    with pytest.raises(ParameterError, match="azimuth_range"):
        arc("azimuth_range", wrong, 360.0)


def test_arc_not_two_numbers_is_refused():
    with pytest.raises(DataTypeError, match="azimuth_range"):
        arc("azimuth_range", 90, 360.0)


@given(st.floats(-2000, 2000), st.floats(0.1, 360))
def test_placed_on_circle_moves_by_whole_turns(start, width):
    placed = placed_on_circle(np.array([start, start + width]), 360.0)
    turns = (start - placed[0]) / 360
    assert -180 - 1e-9 <= placed[0] < 180 + 1e-9
    assert turns == pytest.approx(round(turns), abs=1e-9)
    assert np.diff(placed)[0] == pytest.approx(width, abs=1e-9)


def test_log_bins_have_equal_ratios_and_exact_ends():
    edges = log_bins(0.01, 3.0, n=50)
    assert edges[0] == 0.01
    assert edges[-1] == 3.0
    assert np.ptp(np.diff(np.log(edges))) < 1e-12


def test_log_bins_per_decade_is_never_wider_than_asked():
    edges = log_bins(0.01, 3.0, per_decade=20)
    assert np.diff(np.log10(edges)).max() <= 1 / 20 + 1e-12


@pytest.mark.parametrize("kwargs", [{}, {"n": 3, "per_decade": 2}, {"n": 0}])
def test_log_bins_wrong_number_is_refused(kwargs):
    with pytest.raises(ParameterError):
        log_bins(1.0, 2.0, **kwargs)


def test_log_bins_from_zero_is_refused():
    with pytest.raises(ParameterError, match="low"):
        log_bins(0.0, 2.0, n=3)


@pytest.mark.parametrize("npt", [True, 2.5, "10"])
def test_bin_edges_not_an_integer_is_refused(npt):
    with pytest.raises(DataTypeError, match="npt"):
        bin_edges("npt", npt, 0.0, 1.0)


def test_bin_of_is_half_open_and_the_last_bin_is_closed():
    edges = np.array([0.0, 1.0, 2.0, 4.0])
    values = np.array([-1e-300, 0.0, 0.999, 1.0, 2.0, 4.0, np.nextafter(4.0, 5.0)])
    assert bin_of(edges, values).tolist() == [-1, 0, 0, 1, 2, 2, 3]
