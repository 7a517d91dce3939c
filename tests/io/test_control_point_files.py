# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""`.npt` files: ours come back exactly, pyFAI reads them as we do, and we read pyFAI's."""

import logging

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, FileMissingError, OutputExistsError
from azimuthal.testing.shared_data import shared_path


@pytest.fixture
def points():
    rng = np.random.default_rng(2)
    return az.ControlPoints(
        rng.uniform(0, 500, 20), rng.uniform(0, 400, 20), np.repeat([0, 1, 3, 7], 5),
        rng.uniform(0.01, 1, 20), rng.uniform(1, 1e5, 20),
    )  # fmt: skip


def test_points_come_back_exactly(points, tmp_path):
    points.save(tmp_path / "a.npt", az.calibrant("LaB6"), 1e-10)
    found = az.load_control_points(tmp_path / "a.npt")
    assert found.points == points
    assert (found.calibrant, found.wavelength) == ("LaB6", 1e-10)
    np.testing.assert_allclose(found.d_spacings, az.calibrant("LaB6").d_spacings(), rtol=1e-15)
    with pytest.raises(OutputExistsError):
        points.save(tmp_path / "a.npt", az.calibrant("LaB6"), 1e-10)


def test_pyfai_reads_our_file_as_we_do(points, tmp_path):
    logging.disable(logging.CRITICAL)
    pyfai = pytest.importorskip("pyFAI.control_points")
    points.save(tmp_path / "a.npt", az.calibrant("LaB6"), 1e-10)
    theirs = pyfai.ControlPoints(str(tmp_path / "a.npt"))
    logging.disable(logging.NOTSET)
    rows = np.array(theirs.getListRing())
    np.testing.assert_array_equal(rows[:, 0], points.slow)
    np.testing.assert_array_equal(rows[:, 1], points.fast)
    np.testing.assert_array_equal(rows[:, 2], points.ring)
    assert theirs.calibrant.wavelength == 1e-10


def test_file_of_pyfai_is_read_as_pyfai_reads_it():
    path = shared_path("data/goniometer_lab6/b_toney_Lab6_thtth_rightside_scan2_0009.npt")
    found = az.load_control_points(path)
    logging.disable(logging.CRITICAL)
    pyfai = pytest.importorskip("pyFAI.control_points")
    rows = np.array(pyfai.ControlPoints(str(path)).getListRing())
    logging.disable(logging.NOTSET)
    np.testing.assert_array_equal(np.column_stack((found.points.slow, found.points.fast, found.points.ring)), rows)
    assert found.calibrant == "LaB6"
    assert found.d_spacings.size == 75


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("New group of points: 0\npoint: x=1 y=2\n", "line 2: this point's group names no ring"),
        ("ring: 0\npoint: x=1\n", "line 2: expected 'point"),
        ("ring: zero\n", "line 1"),
        ("surprise: 3\n", "'surprise' is not known"),
        ("rubbish\n", "expected 'key: value'"),
    ],
)
def test_damaged_file_is_refused_with_its_line(text, message, tmp_path):
    (tmp_path / "a.npt").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        az.load_control_points(tmp_path / "a.npt")


def test_missing_file_is_said(tmp_path):
    with pytest.raises(FileMissingError):
        az.load_control_points(tmp_path / "a.npt")
