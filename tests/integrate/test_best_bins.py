# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A proposal for the number of bins: its numbers against counting, its reasons in words."""

import math

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import ParameterError, UnknownNameError


def straight(shape=(100, 100), poni=(0.0, 0.0), dist=1.0):
    return az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=shape), dist, *poni, wavelength=1e-10)


def counts_of(ai, n, **options):
    return ai.integrate1d(np.ones(ai.detector.shape), n, split="none", **options).count


@pytest.mark.parametrize("poni", [(0.0, 0.0), (0.05, 0.05), (-0.3, 0.02)])
def test_pixel_width_in_radius_is_the_side_of_a_square_pixel_in_any_direction(poni):
    proposal = straight(poni=poni).best_bins(unit="r_mm")
    assert proposal.pixel_width == pytest.approx(1.0, rel=2e-3)
    assert proposal.npt == proposal.by_pixel_width == pytest.approx(np.diff(proposal.radial_range)[0], abs=1)


def test_pixel_width_follows_the_unit():
    proposal = straight(dist=2.0).best_bins(unit="2th_deg")
    assert proposal.pixel_width == pytest.approx(math.degrees(1e-3 / 2.0), rel=1e-2)


@pytest.mark.parametrize("least", [1, 5, 30])
def test_population_is_the_last_number_before_a_bin_lacks_pixels(least):
    ai = straight(poni=(0.031, 0.042))
    found = ai.best_bins(unit="r_mm", min_pixels=least).by_population
    for n in range(1, found + 1):
        assert counts_of(ai, n, unit="r_mm").min() >= least
    assert counts_of(ai, found + 1, unit="r_mm").min() < least


def test_proposal_without_splitting_leaves_no_bin_empty():
    ai = straight(poni=(0.031, 0.042))
    proposal = ai.best_bins(unit="r_mm", split="none", min_pixels=20)
    assert proposal.npt == proposal.by_population < proposal.by_pixel_width
    assert counts_of(ai, proposal.npt, unit="r_mm").min() >= 20


@pytest.mark.filterwarnings("ignore")
def test_numbers_are_those_of_pyfai_where_the_definitions_meet():
    """Pixels from the beam to the farthest corner; bins before one is empty without splitting."""
    pytest.importorskip("pyFAI")
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    peer = AzimuthalIntegrator(dist=1.0, poni1=0, poni2=0, detector=Detector(1e-3, 1e-3, max_shape=(100, 100)))
    ours = straight().best_bins(unit="2th_deg")
    assert ours.by_pixel_width == pytest.approx(peer.guess_npt_rad(), abs=3)
    # Not its guess_max_bins: that integrates memory never written to, and its answer changes from call to call.
    ones, method = np.ones((100, 100)), ("no", "histogram", "cython")
    theirs = (
        next(n for n in range(2, 400) if peer.integrate1d(ones, n, unit="2th_deg", method=method).count.min() < 1) - 1
    )
    assert ours.by_population == pytest.approx(theirs, abs=2)


def test_aliasing_is_large_for_bins_as_narrow_as_pixels_and_small_for_wide_ones():
    ai = straight(poni=(0.05, 0.05))
    fine = ai.best_bins(unit="r_mm", radial_range=(5, 49))
    wide = ai.best_bins(unit="r_mm", radial_range=(5, 49), split="none", min_pixels=200)
    assert wide.npt < fine.npt / 2
    assert fine.aliasing > 2 * wide.aliasing


def test_ranges_and_masks_count():
    ai = straight(poni=(0.05, 0.05))
    proposal = ai.best_bins(unit="r_mm", radial_range=(10, 30), azimuth_range=(-10, 10))
    assert proposal.radial_range == (10, 30)
    assert proposal.npt == 20
    mask = np.zeros((100, 100), bool)
    mask[:, 20:80] = True
    assert ai.best_bins(unit="r_mm", mask=mask).radial_range[0] > 29
    assert ai.best_bins(unit="r_mm", radial_range=(10, 30)).by_population > proposal.by_population


def test_reasons_say_what_the_number_comes_from():
    proposal = straight().best_bins(unit="q_nm^-1", min_pixels=3)
    words = str(proposal)
    for number in (proposal.npt, proposal.by_pixel_width, proposal.by_population):
        assert str(number) in words
    assert len(proposal.reasons) == 4


def test_hexagonal_pixels_have_the_width_of_their_area():
    ai = az.Integrator("Pixirad1", dist=0.3, poni1=0.1, poni2=0.1, wavelength=1e-10)
    side = 60e-3 / math.sqrt(3)
    assert ai.best_bins(unit="r_mm").pixel_width == pytest.approx(math.sqrt(12 * 5 / 24) * side, rel=5e-3)


def test_best_bins_refuses_what_cannot_be():
    ai = straight()
    with pytest.raises(ParameterError, match="no pixel is left"):
        ai.best_bins(mask=np.ones((100, 100), bool))
    with pytest.raises(UnknownNameError, match="split"):
        ai.best_bins(split="ful")
    with pytest.raises(ParameterError, match="min_pixels"):
        ai.best_bins(min_pixels=0)
