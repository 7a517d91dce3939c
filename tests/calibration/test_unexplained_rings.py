# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Foreign rings: a mixture is no reason to doubt, the wrong calibrant is."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration.unexplained_rings import _cubic_sums
from azimuthal.pipelines.simulate import CEO2_CELL_EDGE

CEO2_SUMS = (3, 4, 8, 11, 12, 16, 19, 20, 24, 27, 32)
PRIMITIVE = tuple(s for s in range(1, 33) if s not in (7, 15, 23, 28, 31))


def image(instrument, rings, seed=0):
    """Return counts of (d, height) rings over a background."""
    t = instrument.pose.lab_from_detector(instrument.detector.centers())
    angle = np.arctan2(np.hypot(t[..., 0], t[..., 1]), t[..., 2])
    expected = np.full(angle.shape, 8.0)
    for d, height in rings:
        expected += height * np.exp(-0.5 * ((angle - 2 * np.arcsin(instrument.wavelength / (2 * d))) / 7e-4) ** 2)
    return np.random.default_rng(seed).poisson(expected)


@pytest.fixture(scope="module")
def instrument():
    detector = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=(400, 390))
    return az.Instrument(detector, az.Pose(0.18, 0.004, 0.003, 0.03, -0.05), az.Beam(2.3e-11))


def cubic(edge, sums, height=300.0):
    return [(edge / np.sqrt(s), height * s**-0.3) for s in sums]


CEO2 = az.Calibrant.from_d_spacings(CEO2_CELL_EDGE / np.sqrt(CEO2_SUMS), name="CeO2")


def off(instrument):
    pose = instrument.pose
    return instrument.replace(pose=pose.replace(dist=1.004 * pose.dist, poni1=pose.poni1 + 2e-4))


def test_mixture_with_a_substance_of_its_own_is_good(instrument):
    strange = [(d * 1e-10, 250.0) for d in (2.39, 2.07, 1.76, 1.47, 1.205)]
    found = az.recalibrate(image(instrument, cubic(CEO2_CELL_EDGE, CEO2_SUMS) + strange), off(instrument), CEO2)
    assert found.verdict == "good", found.summary()
    assert abs(found.instrument.pose.dist - 0.18) < 4 * found.standard_errors["dist"]


@pytest.mark.parametrize(
    ("multiple", "scale"), [(1, 1.004), *(pytest.param(k, 1.0, marks=pytest.mark.slow) for k in (2, 3))]
)
def test_lattice_that_has_all_rings_of_the_calibrant_and_more_is_not_good(instrument, multiple, scale):
    edge = CEO2_CELL_EDGE * np.sqrt(multiple) * scale
    rings = cubic(edge, [s for s in range(1, 33 * multiple) if not any(s == 4**a * (8 * b + 7) for a in range(3)
                                                                       for b in range(14))])  # fmt: skip
    found = az.recalibrate(image(instrument, rings), off(instrument), CEO2)
    assert found.verdict != "good", found.summary()


def test_fluorite_taken_for_diamond_of_nearly_the_same_cell_is_not_good(instrument):
    frame = image(instrument, cubic(CEO2_CELL_EDGE, CEO2_SUMS))
    found = az.recalibrate(frame, off(instrument), "Si")
    assert found.verdict != "good", found.summary()


def test_strange_rings_beside_a_few_of_the_calibrant_stay_a_doubt(instrument):
    strange = [(d * 1e-10, 250.0) for d in (2.39, 2.07, 1.76, 1.47, 1.205)]
    frame = image(instrument, cubic(CEO2_CELL_EDGE, CEO2_SUMS[:4]) + strange)
    assert az.recalibrate(frame, off(instrument), CEO2).verdict != "good"


def test_ring_dragged_by_a_line_beside_it_is_left_out(instrument):
    d = CEO2_CELL_EDGE / np.sqrt(11)
    frame = image(instrument, [*cubic(CEO2_CELL_EDGE, CEO2_SUMS), (d * 0.992, 3000.0)])
    found = az.recalibrate(frame, off(instrument), CEO2)
    points = found.control_points
    assert not (found.refinement.used & (points.ring == 3)).any()
    assert abs(found.instrument.pose.dist - 0.18) < 4 * found.standard_errors["dist"]


def test_cubic_lattices_are_known_by_their_spacings():
    np.testing.assert_array_equal(_cubic_sums(CEO2.d_spacings()), CEO2_SUMS)
    np.testing.assert_array_equal(_cubic_sums(az.calibrant("LaB6").d_spacings()[:8]), [1, 2, 3, 4, 5, 6, 8, 9])
    assert _cubic_sums(az.calibrant("alpha_Al2O3").d_spacings()) is None


def test_two_calibrants_are_recalibrated_together(instrument):
    """CeO2 and Si have cells 0.4 % apart: the rings that they nearly share are left out as crowded."""
    both = CEO2 + az.Calibrant.from_d_spacings(5.43102e-10 / np.sqrt((3, 8, 11, 16, 19, 24, 27, 32)), name="Si")
    silicon = cubic(5.43102e-10, (3, 8, 11, 16, 19, 24, 27, 32), 200.0)
    frame = image(instrument, cubic(CEO2_CELL_EDGE, CEO2_SUMS) + silicon)
    found = az.recalibrate(frame, off(instrument), both)
    assert found.ring_points.crowded
    assert abs(found.instrument.pose.dist - 0.18) < 4 * found.standard_errors["dist"], found.summary()
    assert not any("not of this calibrant" in reason for reason in found.reasons), found.summary()
    different = CEO2 + az.Calibrant.from_d_spacings(4.0e-10 / np.sqrt((1, 2, 3, 4, 5, 6, 8, 9, 10)), name="other")
    frame = image(instrument, cubic(CEO2_CELL_EDGE, CEO2_SUMS) + cubic(4.0e-10, (1, 2, 3, 4, 5, 6, 8, 9, 10), 200.0))
    found = az.recalibrate(frame, off(instrument), different)
    assert found.verdict == "good", found.summary()
    assert abs(found.instrument.pose.dist - 0.18) < 4 * found.standard_errors["dist"]
