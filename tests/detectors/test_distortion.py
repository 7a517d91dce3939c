# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Fit2D spline files against SciPy and pyFAI."""

import json
import warnings

import numpy as np
import pytest

from azimuthal.detectors import Spline, SplineGrid, SplineSurface, detector, load_spline, parse_spline
from azimuthal.detectors._pixels import layout_from_dict
from azimuthal.detectors.distortion import bspline_basis
from azimuthal.errors import FileFormatError, FileMissingError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.testing.shared_data import shared_path

KNOTS = (0.0, 0, 0, 0, 2, 3, 3, 7, 10, 10, 10, 10)


@pytest.fixture(scope="module")
def text():
    return shared_path("data/formats/f4mnew.spline").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def spline(text):
    return parse_spline(text)


def test_basis_is_a_partition_of_unity_and_equals_scipy():
    interpolate = pytest.importorskip("scipy.interpolate")
    positions = np.linspace(0, 10, 101)
    basis = bspline_basis(np.array(KNOTS), positions)
    np.testing.assert_allclose(basis.sum(axis=1), 1.0, rtol=1e-14)
    assert (basis >= 0).all()
    for index in range(len(KNOTS) - 4):
        theirs = interpolate.BSpline(np.array(KNOTS), np.eye(len(KNOTS) - 4)[index], 3)(positions)
        np.testing.assert_allclose(basis[:, index], theirs, atol=1e-14)


def test_basis_does_not_extrapolate():
    with pytest.raises(ParameterError, match="reach out"):
        bspline_basis(np.array(KNOTS), np.array([10.1]))


def test_surface_reproduces_a_bicubic_polynomial():
    interpolate = pytest.importorskip("scipy.interpolate")
    fast, slow = np.linspace(0, 10, 30), np.linspace(0, 8, 25)

    def values(y, x):
        return 1 + 0.5 * x - 0.2 * x * y + 0.01 * x**3 - 0.02 * y**2 * x

    fitted = interpolate.RectBivariateSpline(fast, slow, values(slow[None, :], fast[:, None]), s=0)
    knots_fast, knots_slow = fitted.get_knots()
    surface = SplineSurface(knots_fast, knots_slow, fitted.get_coeffs())
    y, x = np.array([0.0, 3.3, 8.0]), np.array([0.0, 1.7, 9.9, 10.0])
    np.testing.assert_allclose(surface.evaluate(y, x), values(y[:, None], x), rtol=1e-10)


def test_spline_file_is_read(spline):
    assert spline.shape == (2048, 2048)
    assert (spline.pixel1, spline.pixel2) == pytest.approx((50e-6, 50e-6), rel=1e-12)
    assert (len(spline.fast.knots_fast), len(spline.fast.knots_slow)) == (17, 16)
    assert (len(spline.slow.knots_fast), len(spline.slow.knots_slow)) == (20, 22)
    assert spline.fast.coefficients[:2] == (-52.01186, -46.32922)


def test_surface_equals_scipy(spline):
    interpolate = pytest.importorskip("scipy.interpolate")
    positions = np.linspace(0, 2048, 77)
    for surface in (spline.fast, spline.slow):
        knots = surface.knots_fast, surface.knots_slow
        theirs = interpolate.bisplev(positions, positions, (*knots, np.array(surface.coefficients), 3, 3))
        np.testing.assert_allclose(surface.evaluate(positions, positions), theirs.T, atol=1e-11)


def test_positions_equal_pyfai(caplog):
    from pyFAI.detectors import Detector as TheirDetector

    path = shared_path("data/formats/f4mnew.spline")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        caplog.set_level("CRITICAL", logger="pyFAI")
        theirs = TheirDetector(splinefile=str(path))
        corners, centers = theirs.get_pixel_corners(), theirs.calc_cartesian_positions()
    ours = detector("Detector", spline=path)
    for rows in (slice(0, 40), slice(1000, 1040), slice(2008, 2048)):
        expected = corners[rows][..., [1, 2, 0]]
        tolerance = 1e-9 + 2 * np.finfo(np.float32).eps * np.abs(expected).max()
        np.testing.assert_allclose(ours.corners(rows), expected, rtol=0, atol=tolerance)
        for axis in (0, 1):
            np.testing.assert_allclose(ours.centers(rows)[..., axis], centers[axis][rows], rtol=0, atol=tolerance)


def test_distorted_pixels_share_their_corners(spline):
    corners = detector("FReLoN", spline=spline).corners(slice(100, 120))
    np.testing.assert_array_equal(corners[1:, :, 0], corners[:-1, :, 1])
    np.testing.assert_array_equal(corners[:, 1:, 0], corners[:, :-1, 3])
    assert detector("FReLoN", spline=spline).separable_edges() is None


def test_layout_survives_json(spline):
    layout = SplineGrid(spline)
    assert layout_from_dict(json.loads(json.dumps(layout.to_dict()))) == layout


def test_spline_is_for_detectors_without_a_geometry_of_their_own(spline):
    with pytest.raises(UnsupportedOptionError, match="Pilatus1M"):
        detector("Pilatus1M", spline=spline)
    with pytest.raises(ParameterError, match="shape"):
        detector("FReLoN", spline=spline, shape=(1024, 1024))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileMissingError, match=r"none\.spline"):
        load_spline(tmp_path / "none.spline")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: text.replace("SPATIAL", "SPECIAL"), "first line"),
        (lambda text: text.replace("Y-DISTORTION", "Z-DISTORTION"), "'Y-DISTORTION' is missing"),
        (lambda text: text[:2000], "ends before|missing"),
        (lambda text: "\n".join(text.splitlines()[:-1]), "ends before"),
        (lambda text: text.replace("   17    16", "   17      "), "two numbers of knots"),
        (lambda text: text.replace("   17    16", "   17    15"), "numbers"),
        (lambda text: text.replace("0.4475310E+03", "0.44753x0E+03"), "columns of 14"),
        (lambda text: text.replace("0.4475310E+03", "0.1475310E+03"), "do not decrease"),
        (lambda text: text.replace(" 0.0000000E+00 0.0000000E+00 0.2048000E+04 0.2048000E+04", " 0.1000000E+01"), "4 numbers"),
        (lambda text: text.replace("0.2048000E+04 0.2048000E+04\n\n", "0.3000000E+04 0.3000000E+04\n\n"), "does not cover"),
        (lambda text: text.replace(" 0.0000000E+00 0.0000000E+00 0.2048", " 0.1000000E+01 0.0000000E+00 0.2048", 1), "does not start"),
        (lambda text: text.replace("0.5000000E+02 0.5000000E+02", "0.0000000E+00 0.5000000E+02"), "pixel2"),
    ],
)  # fmt: skip
def test_damaged_file_is_refused_with_the_place(text, change, match):
    changed = change(text)
    assert changed != text
    with pytest.raises(FileFormatError, match=match):
        parse_spline(changed, name="f4mnew.spline")


def test_surface_with_a_wrong_number_of_coefficients_cannot_exist():
    with pytest.raises(ShapeError, match="coefficients"):
        SplineSurface(KNOTS, KNOTS, (1.0,) * 63)
    with pytest.raises(ParameterError, match="8 knots"):
        SplineSurface((0.0, 1.0), KNOTS, ())
    with pytest.raises(ParameterError, match="finite"):
        SplineSurface(KNOTS, KNOTS, (float("nan"),) * 64)


def test_spline_that_does_not_cover_the_image_cannot_exist():
    surface = SplineSurface(KNOTS, KNOTS, (0.0,) * 64)
    assert Spline((10, 10), 1e-4, 1e-4, surface, surface).shape == (10, 10)
    with pytest.raises(ParameterError, match="does not cover"):
        Spline((11, 10), 1e-4, 1e-4, surface, surface)
