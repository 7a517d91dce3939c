# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The compiled coordinates of grazing incidence against the formulas of the units."""

import math

import numpy as np
import pytest

from azimuthal.detectors import detector
from azimuthal.geometry import Pose
from azimuthal.geometry._native import meets_cut, project_sample_rows, sample_projection
from azimuthal.geometry.coordinates import lab_positions
from azimuthal.units import unit
from azimuthal.units.grazing import cut, sample_of

WAVELENGTH = 0.7e-10
NAMES = (
    "qxgi_nm^-1", "qygi_nm^-1", "qzgi_nm^-1", "qip_nm^-1", "qoop_nm^-1", "qip_abs_nm^-1", "qtot_nm^-1", "chigi_rad",
    "chigi_abs_rad", "exit_angle_horz_rad", "exit_angle_vert_rad", "scattering_angle_horz_rad",
    "scattering_angle_vert_rad",
)  # fmt: skip
POSES = {
    "forward": Pose(0.1, 0.0151, 0.0302, 0.1, -0.05, 0.3),
    "backward": Pose(0.1, 0.0151, 0.0302, math.pi - 0.2, 0.1, 0.3),
}


@pytest.mark.parametrize("orientation", [1, 4, 6])
@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("name", NAMES)
def test_core_gives_the_values_of_the_unit(name, pose, orientation):
    sample = {"incident_angle": 0.1, "tilt_angle": -0.2, "sample_orientation": orientation}
    radial, azimuthal = (unit(key, **sample).quantity for key in (name, "qzgi_nm^-1"))
    found = detector("Pilatus100k")
    to = sample_projection(POSES[pose], radial, azimuthal, WAVELENGTH)
    rows = slice(20, 60)
    y, x, z = np.moveaxis(lab_positions(detector_positions=found.corners(rows), pose=POSES[pose]), -1, 0)
    cy, cx, cz = np.moveaxis(lab_positions(detector_positions=found.centers(rows), pose=POSES[pose]), -1, 0)
    for edges in (found.separable_edges(), None):
        corners, centers, on_cut = project_sample_rows(found, edges, to, rows, corners=True, centers=True, n_threads=2)
        for values, place in ((corners, (x, y, z)), (centers, (cx, cy, cz))):
            for number, quantity in enumerate((radial, azimuthal)):
                expected = quantity.values(*place, WAVELENGTH).reshape(values.shape[:-1])
                tolerance = 1e-13 * np.abs(expected).max()
                np.testing.assert_allclose(values[..., number], expected, rtol=1e-12, atol=tolerance)
        line = cut(radial, azimuthal)
        met = np.zeros(on_cut.shape, bool) if line is None else meets_cut(line(x, y, z)).reshape(-1)
        np.testing.assert_array_equal(on_cut, met)


def test_units_of_two_samples_are_left_to_numpy():
    one, two = unit("qip_nm^-1", incident_angle=0.1).quantity, unit("qoop_nm^-1").quantity
    assert sample_of(one) != sample_of(two)
    assert sample_projection(POSES["forward"], one, two, WAVELENGTH) is None
    assert sample_projection(POSES["forward"], unit("q_nm^-1").quantity, two, WAVELENGTH) is None
