# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Rings over the image: on the ring everywhere, clipped to the detector, through gaps."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.positions import Cells, radians_per_pixel
from azimuthal.calibration.ring_lines import ring_lines


def instrument(detector=None, **pose):
    detector = detector or az.Detector(pixel1=1e-4, pixel2=1e-4, shape=(300, 400))
    values = {"dist": 0.2, "poni1": 0.015, "poni2": 0.02, **pose}
    return az.Instrument(detector, az.Pose(**values), az.Beam(1e-10))


def off(one, line, angles):
    found = Cells(one, line.slow, line.fast).angles(line.slow, line.fast)[0]
    return np.abs(found - angles[line.ring]) / radians_per_pixel(one, line.slow, line.fast)


def test_untilted_ring_is_one_closed_circle():
    one = instrument()
    angles = np.arctan([0.005 / 0.2, 0.012 / 0.2])
    lines = ring_lines(one, angles)
    assert [line.ring for line in lines] == [0, 1]
    for line, radius in zip(lines, (50.0, 120.0), strict=True):
        np.testing.assert_allclose(np.hypot(line.slow - 149.5, line.fast - 199.5), radius, atol=1e-3)
        assert (line.slow[0], line.fast[0]) == (line.slow[-1], line.fast[-1])
        length = np.hypot(np.diff(line.slow), np.diff(line.fast)).sum()
        assert length == pytest.approx(2 * np.pi * radius, rel=1e-3)


@pytest.mark.parametrize("detector", ["Pilatus300k", "Eiger500k", "Cirpad", "Xpad_flat"])
@pytest.mark.parametrize("tilt", [0.0, 0.5])
def test_lines_are_on_their_rings(detector, tilt):
    detector = az.detector(detector)
    one = instrument(detector, poni1=0.02, poni2=-0.01, rot1=tilt, rot2=-0.3 * tilt)
    slow, fast = (np.linspace(0, n - 1, 20) for n in detector.shape)
    grid = [axis.ravel() for axis in np.meshgrid(slow, fast)]
    seen = Cells(one, *grid).angles(*grid)[0]
    angles = np.linspace(np.nanmin(seen), np.nanmax(seen), 9)[1:-1]
    lines = ring_lines(one, angles)
    assert {line.ring for line in lines} == set(range(7))
    distances = np.concatenate([off(one, line, angles) for line in lines])
    assert np.median(distances) < 1e-3
    assert distances.max() < 2  # where a ring leaves a module
    for line in lines:
        assert line.slow.min() >= -0.5
        assert line.slow.max() <= detector.shape[0] - 0.5
        assert line.fast.min() >= -0.5
        assert line.fast.max() <= detector.shape[1] - 0.5


def test_ring_that_leaves_the_detector_is_cut_there():
    one = instrument()
    lines = ring_lines(one, np.arctan([0.017 / 0.2]))  # 170 pixels: over the upper and the lower edge
    assert len(lines) == 2
    for line in lines:
        for slow in (line.slow[0], line.slow[-1]):
            assert min(abs(slow + 0.5), abs(slow - 299.5)) < 2
        assert np.hypot(np.diff(line.slow), np.diff(line.fast)).max() < 6


def test_gap_between_modules_is_crossed():
    detector = az.detector("Pilatus300k")
    one = instrument(detector, poni1=0.05, poni2=0.04)
    lines = ring_lines(one, np.array([0.1]))
    gaps = detector.gap_mask()
    inside = gaps[np.round(lines[0].slow).astype(int).clip(0), np.round(lines[0].fast).astype(int).clip(0)]
    assert inside.any()


def test_rings_off_the_detector_have_no_line():
    assert ring_lines(instrument(), np.array([1.2, np.nan])) == ()
    assert ring_lines(instrument(), np.empty(0)) == ()
