# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""LaB6 on a two-theta arm: all images refined together, and merged into one pattern."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.testing.real_images import goniometer_lab6, goniometer_lab6_files
from azimuthal.testing.rings import RingReport, cubic_d_spacings, find_rings, isolated, two_theta_of

SRM_660C = 4.156826e-10  # what both geometries were refined with


@pytest.fixture(scope="module")
def refined():
    model, positions, frames = goniometer_lab6_files()
    return az.calibrate_goniometer(frames, model, "LaB6", positions=positions, accuracy=0.5)  # few grains


def merged_rings(goniometer):
    """Return the rings of the merged pattern, with the errors in pixels."""
    monitors = [one.monitor for one in goniometer_lab6()]
    _, positions, frames = goniometer_lab6_files()
    both = az.MultiGeometry(goniometer.integrators(positions))
    edges = np.linspace(8.0, 42.0, 5001)
    found = both.integrate1d(frames, edges, unit="2th_deg", normalization_factors=monitors).merged
    wavelength = goniometer.instrument(positions[0]).wavelength
    expected = isolated(two_theta_of(cubic_d_spacings(SRM_660C), wavelength), 0.15)
    rings = find_rings(found.radial, found.intensity, expected[expected > 9.0], half_window=0.15)
    pixel = np.degrees(172e-6 / goniometer.instrument(positions[0]).pose.dist)
    return RingReport(rings, np.full(len(rings), pixel))


def test_arm_of_22_images_is_refined_jointly(refined):
    assert refined.verdict == "good", refined.summary()
    status = [one.status for one in refined.frames]
    assert status.count("used") == 20
    assert status.count("no rings") == 1  # at 31.5 degrees there is none
    assert len(refined.ring_deviations) == 9
    assert max(abs(one.mean) for one in refined.ring_deviations) < 0.1
    assert np.median([abs(one.mean) for one in refined.ring_deviations]) < 0.02
    assert refined.largest_error < 0.15  # pixels
    assert refined.goniometer.parameters["rot2_scale"] == pytest.approx(np.pi / 180, rel=1e-3)


def test_merged_rings_lie_at_least_as_well_as_with_the_published_geometry(refined):
    ours, published = merged_rings(refined.goniometer), merged_rings(goniometer_lab6_files()[0])
    assert len(ours.rings) == len(published.rings) == 9
    assert ours.rings[0].expected == pytest.approx(12.23, abs=0.01)
    assert ours.rings[-1].expected == pytest.approx(39.37, abs=0.01)
    assert ours.median_pixels < published.median_pixels, (str(ours), str(published))
    assert np.sqrt(np.mean(ours.deviations**2)) < np.sqrt(np.mean(published.deviations**2))
    assert np.mean([one.fwhm for one in ours.rings]) < 0.95 * np.mean([one.fwhm for one in published.rings])
    assert ours.largest < 0.0027  # a few bright grains: 0.0024 with either geometry
