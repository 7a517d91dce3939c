# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Grazing incidence beside pyFAI 2026.9: the same maps without splitting where it is right, and its defects.

pyFAI splits nothing in its fibre calls by default; its bins are taken over.  Compared are means of a smooth image.
"""

import math

import numpy as np
import pytest

TOY = ((121, 203), 1e-3, 6e-4)
CENTRE = (0.1, 0.0213, 0.0498, 0.1, -0.05, 0.02)
PYTHON = ("no", "histogram", "python")
#: pyFAI keeps signal and normalisation in float32.
RELATIVE = 1e-5


@pytest.fixture
def fiber(pair):
    """Return a function that makes (pair, pyFAI's fibre integrator)."""

    def make(*, orientation=3):
        both = pair(TOY, CENTRE, orientation=orientation)
        integrator = both.theirs().promote("pyFAI.integrator.fiber.FiberIntegrator")
        return both, integrator

    return make


def theirs_2d(integrator, frame, **options):
    return integrator.integrate2d_grazing_incidence(frame, npt_ip=60, npt_oop=50, method=PYTHON, **options)


def compared(ours, theirs, *, n_moved):
    """Assert equal means where both have the same pixels: rounding puts a few on the other side of an edge."""
    count = np.asarray(theirs.count)
    same = (ours.count == count) & (count > 0)
    assert ((ours.count != count).sum()) <= n_moved
    assert same.sum() > 0.9 * (count > 0).sum()
    np.testing.assert_allclose(ours.intensity[same], np.asarray(theirs.intensity)[same], rtol=RELATIVE)
    assert np.isnan(ours.intensity[ours.count == 0]).all()


def distances(both, height):
    """Return how far every pixel centre is from the ray (0, height, 1), in rad."""
    y, x, z = np.moveaxis(both.lab(), -1, 0)
    return np.hypot(y / z - height, x / z)


@pytest.mark.parametrize("sample_orientation", range(1, 9))
@pytest.mark.parametrize("angles", [(0.0, 0.0), (0.003, 0.0), (0.02, 0.1)])
def test_map_of_qip_and_qoop_agrees(fiber, bins_of, angles, sample_orientation):
    both, integrator = fiber()
    frame = both.frame()
    sample = {"incident_angle": angles[0], "tilt_angle": angles[1], "sample_orientation": sample_orientation}
    theirs = theirs_2d(integrator, frame, unit_ip="qip_nm^-1", unit_oop="qoop_nm^-1", **sample)
    ours = both.ours.integrate2d_grazing(
        frame, bins_of(theirs.inplane), bins_of(theirs.outofplane), split="none", angle_unit="rad", **sample
    )
    compared(ours, theirs, n_moved=30)


def test_polar_map_agrees(fiber, bins_of):
    """Their in-plane axis is qtot and their out-of-plane one chigi, as ours."""
    both, integrator = fiber()
    frame = both.frame()
    theirs = integrator.integrate2d_polar(
        data=frame, npt_ip=60, npt_oop=50, incident_angle=0.003, sample_orientation=1, method=PYTHON
    )
    ours = both.ours.integrate2d_grazing(
        frame, bins_of(theirs.inplane), bins_of(theirs.outofplane), unit_ip="qtot_nm^-1", unit_oop="chigi_deg",
        split="none", incident_angle=0.003, angle_unit="rad",
    )  # fmt: skip
    compared(ours, theirs, n_moved=30)


def test_exit_angles_without_incidence_and_tilt_agree(fiber, bins_of):
    both, integrator = fiber()
    frame = both.frame()
    theirs = integrator.integrate2d_exitangles(data=frame, npt_ip=60, npt_oop=50, method=PYTHON)
    ours = both.ours.integrate2d_grazing(
        frame, bins_of(theirs.inplane), bins_of(theirs.outofplane), split="none",
        unit_ip="exit_angle_horz_deg", unit_oop="exit_angle_vert_deg",
    )  # fmt: skip
    compared(ours, theirs, n_moved=30)


def test_exit_angles_turn_the_same_way_as_the_scattering_vector(fiber, bins_of):
    """9.1-10: pyFAI's exit angles are those of the sample turned and tilted the other way."""
    both, integrator = fiber()
    frame = both.frame()
    theirs = integrator.integrate2d_exitangles(
        data=frame, npt_ip=60, npt_oop=50, method=PYTHON, incident_angle=0.05, tilt_angle=0.1
    )
    bins = bins_of(theirs.inplane), bins_of(theirs.outofplane)
    units = {"unit_ip": "exit_angle_horz_deg", "unit_oop": "exit_angle_vert_deg", "angle_unit": "rad"}
    opposite = both.ours.integrate2d_grazing(frame, *bins, split="none", incident_angle=-0.05, tilt_angle=-0.1, **units)
    compared(opposite, theirs, n_moved=30)
    right = both.ours.integrate2d_grazing(frame, *bins, split="none", incident_angle=0.05, tilt_angle=0.1, **units)
    assert (right.count != np.asarray(theirs.count)).sum() > 300
    # The specular beam, which has no in-plane component and 2theta = 2 eta, leaves at eta; the direct beam at -eta.
    eta, tilt, y = 0.05, 0.0, np.tan(0.1)
    ours = both.ours.integrate2d_grazing
    for height, exit_angle in ((0.0, -eta), (y, eta)):
        image = np.zeros(both.shape, np.float32)
        image[np.unravel_index(np.argmin(distances(both, height)), both.shape)] = 1
        cake = ours(image, 60, 200, split="none", incident_angle=eta, tilt_angle=tilt, solid_angle=False, **units)
        row = np.flatnonzero(cake.sum_signal.sum(axis=1))[0]
        width = cake.azimuthal[1] - cake.azimuthal[0]
        assert np.radians(cake.azimuthal[row]) == pytest.approx(exit_angle, abs=np.radians(width) + 0.006)


@pytest.mark.parametrize("vertical", [True, False])
def test_cut_agrees_in_radians(fiber, bins_of, vertical):
    both, integrator = fiber()
    frame = both.frame()
    ranges = {"ip_range": (-4.0, 6.0), "oop_range": (1.0, 12.0)}
    theirs = integrator.integrate1d_grazing_incidence(
        frame, npt_ip=40, npt_oop=40, vertical_integration=vertical, incident_angle=0.01, method=PYTHON,
        sample_orientation=1, **ranges,
    )  # fmt: skip
    along, across = ("oop", "ip") if vertical else ("ip", "oop")
    edges = bins_of(theirs.integrated)
    ours = both.ours.integrate1d_grazing(
        frame, edges, along=along, split="none", incident_angle=0.01, angle_unit="rad",
        **{f"{across}_range": ranges[f"{across}_range"]},
    )  # fmt: skip
    count = np.asarray(theirs.count)
    same = (ours.count == count) & (count > 0)
    assert same.sum() > 20
    np.testing.assert_allclose(ours.intensity[same], np.asarray(theirs.intensity)[same], rtol=RELATIVE)


def test_incident_angle_of_a_cut_in_degrees_is_in_degrees(fiber):
    """9.1-5: pyFAI's one-dimensional cuts take degrees for radians."""
    both, integrator = fiber()
    frame = both.frame()
    options = {"npt_ip": 40, "npt_oop": 40, "method": PYTHON, "sample_orientation": 1}
    degrees = integrator.integrate1d_grazing_incidence(frame, incident_angle=0.2, angle_unit="deg", **options)
    ours = {
        unit: both.ours.integrate1d_grazing(frame, 40, along="oop", incident_angle=0.2, angle_unit=unit, split="none")
        for unit in ("deg", "rad")
    }
    middle = float(np.mean(degrees.integrated))
    assert middle == pytest.approx(ours["rad"].radial.mean(), rel=1e-3)
    assert abs(middle - ours["deg"].radial.mean()) > 1.0
    assert ours["deg"].unit.parameters["incident_angle"] == math.radians(0.2)


def test_maps_of_grazing_incidence_have_uncertainties(fiber):
    """9.1-9: pyFAI's fibre integration ignores the error model."""
    both, integrator = fiber()
    frame = both.frame()
    theirs = theirs_2d(integrator, frame, unit_ip="qip_nm^-1", unit_oop="qoop_nm^-1", incident_angle=0.0)
    assert theirs.sigma is None
    assert both.ours.integrate2d_grazing(frame, 60, 50, error_model="poisson").sigma is not None
