# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Proposals: the polarisation factor of simulated rings within its uncertainty, detectors by shape."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError
from azimuthal.images import estimate_polarization, image_correction, propose_detectors

SHAPE = (120, 130)
AI = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=SHAPE), 0.06, 0.055, 0.06, 0.1, 0.05, wavelength=1e-10)


def powder(factor, counts, *, seed=1, offset=0.0, ai=AI):
    """Return the expected counts of a smooth pattern seen with a polarised beam."""
    worker = image_correction(ai, polarization_factor=factor, polarization_offset=offset)
    centers = ai.pose.lab_from_detector(ai.detector.centers())
    angle = np.arctan2(np.hypot(centers[..., 0], centers[..., 1]), centers[..., 2])
    return counts * (1 + 0.5 * np.cos(3 * angle)) * worker.normalization


@pytest.mark.parametrize("factor", [0.99, 0.9, 0.0, -0.5])
def test_factor_of_a_simulated_beam_is_found_within_its_uncertainty(factor):
    generator = np.random.default_rng(2)
    expected = powder(factor, 400)
    pulls = []
    for _ in range(12):
        found = estimate_polarization(AI, generator.poisson(expected))
        pulls.append((found.factor - factor) / found.uncertainty)
        assert found.uncertainty < 0.02
        assert found.reduced_chi_square == pytest.approx(1, abs=0.15)
    assert abs(np.mean(pulls)) < 1.5
    assert 0.4 < np.std(pulls, ddof=1) < 1.7


def test_other_corrections_and_holes_do_not_disturb():
    generator = np.random.default_rng(3)
    ai = az.Integrator(AI.detector.with_sensor("Si", 4.5e-4), 0.06, 0.055, 0.06, 0.1, 0.05, energy=17.0)
    flat = generator.uniform(0.7, 1.3, SHAPE)
    dark = generator.uniform(5, 30, SHAPE)
    raw = generator.poisson(powder(0.95, 500, ai=ai) * flat + dark).astype(np.uint32)
    raw[generator.random(SHAPE) < 0.1] = np.iinfo(np.uint32).max
    mask = np.zeros(SHAPE, bool)
    mask[:, 60:66] = True
    found = estimate_polarization(ai, raw, flat=flat, dark=dark, mask=mask)
    assert found.factor == pytest.approx(0.95, abs=5 * found.uncertainty)
    assert found.uncertainty < 0.02


def test_offset_of_the_plane_is_taken_into_account():
    raw = np.random.default_rng(4).poisson(powder(0.9, 400, offset=0.4))
    found = estimate_polarization(AI, raw, polarization_offset=0.4)
    assert found.factor == pytest.approx(0.9, abs=5 * found.uncertainty)


def test_texture_shows_in_chi_square_and_widens_the_uncertainty():
    centers = AI.pose.lab_from_detector(AI.detector.centers())
    azimuth = np.arctan2(centers[..., 0], centers[..., 1])
    generator = np.random.default_rng(5)
    smooth = estimate_polarization(AI, generator.poisson(powder(0.9, 400)))
    textured = estimate_polarization(AI, generator.poisson(powder(0.9, 400) * (1 + 0.3 * np.cos(6 * azimuth))))
    assert textured.reduced_chi_square > 5
    assert textured.uncertainty > 2 * smooth.uncertainty


def test_small_angles_are_uncertain():
    far = az.Integrator(AI.detector, 5.0, 0.055, 0.06, wavelength=1e-10)
    found = estimate_polarization(far, np.random.default_rng(6).poisson(100, SHAPE))
    assert found.uncertainty > 3


def test_estimate_refuses_what_it_chooses_itself_and_images_without_counts():
    with pytest.raises(ParameterError, match="polarization_factor"):
        estimate_polarization(AI, np.ones(SHAPE), polarization_factor=0.9)
    with pytest.raises(ParameterError, match="no ring"):
        estimate_polarization(AI, np.zeros(SHAPE))


def test_shape_of_a_detector_is_proposed_first():
    found = propose_detectors((2167, 2070))
    assert found[0].name == "Eiger4M"
    assert found[0].reason == "the whole image"
    assert found[0].detector == az.detector("Eiger4M")


def test_combined_pixels_are_proposed_with_a_detector_of_that_shape():
    found = [one for one in propose_detectors((512, 512)) if one.binning != (1, 1)]
    assert found
    for one in found:
        assert one.detector is not None
        assert one.detector.shape == (512, 512)
        assert f"{one.binning[0]} x {one.binning[1]}" in one.reason


def test_region_of_modules_has_its_places_and_no_detector():
    whole = az.detector("Pilatus6M")
    shape = (195 * 2 + 17, 487)
    found = {one.name: one for one in propose_detectors(shape)}["Pilatus6M"]
    assert found.detector is None
    assert len(found.regions) == 11 * 5
    for i, j in found.regions[:8]:
        part = whole.with_region(slice(i, i + shape[0]), slice(j, j + shape[1]))
        assert part.gap_mask().sum() == 17 * 487


def test_pixel_size_narrows_the_proposals():
    every = propose_detectors((1024, 1024))
    some = propose_detectors((1024, 1024), pixel_size=120e-6)
    assert 0 < len(some) < len(every)
    for one in some:
        assert one.detector.pixel1 == pytest.approx(120e-6, rel=0.01)


def test_exchanged_rows_and_columns_are_named():
    found = propose_detectors((487, 195))
    assert any(one.name == "Pilatus100k" and "transpose" in one.reason for one in found)


def test_nothing_that_fits_is_an_empty_list():
    assert propose_detectors((17, 4001)) == ()
