# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Robust averages beside those of pyFAI 2026.9: the same values where both keep the same pixels, and where they do not.

The first and the last bin are left out: pyFAI's bins there are another matter (`test_pyfai_differences.py`).
"""

import numpy as np
import pytest

SHAPE = (101, 103)
GRID = (SHAPE, 1e-3, 1e-3)
STRAIGHT = (0.1, 0.0503, 0.0498, 0.0, 0.0, 0.0)
#: Data of pyFAI are float32.
SINGLE = 1e-5
SPLITS = {"no": "none", "bbox": "bbox", "full": "full"}
INNER = slice(1, -1)
N_BINS = 20


@pytest.fixture(scope="module")
def both(pair):
    return pair(GRID, STRAIGHT)


def smooth(rng):
    """Values without ties: a quantile is one pixel."""
    return rng.normal(500, 20, SHAPE).astype(np.float32)


def with_spots(level, factor, n=60):
    """Return counts with spots, and where these are; clean counts stay far below any threshold of 5 sigma."""
    frame = np.random.default_rng(3).poisson(level, SHAPE).astype(np.int32)
    spots = np.random.default_rng(4).choice(frame.size, n, replace=False)
    frame.flat[spots] *= factor
    return frame, spots


def medians(both, bins_of, frame, percentile, *, split="no", solid_angle=False, code="cython", mask=None):
    """Return their result and ours, on their bins."""
    theirs = both.theirs().medfilt1d_ng(
        frame, N_BINS, percentile=percentile, method=(split, "csr", code), unit="2th_deg",
        correctSolidAngle=solid_angle, error_model="poisson", mask=mask,
    )  # fmt: skip
    reject = "median"
    if percentile != 50:
        reject = {"method": "quantile", "quantiles": tuple(p / 100 for p in percentile)}
    ours = both.ours.integrate1d(
        frame, bins_of(theirs.radial), unit="2th_deg", split=SPLITS[split], solid_angle=solid_angle, reject=reject,
        error_model="poisson", mask=mask,
    )  # fmt: skip
    return theirs, ours


def clipped(both, bins_of, frame, error_model, *, split="no", solid_angle=False, code="cython", threshold=5.0):
    """Return their result and ours, on their bins."""
    theirs = both.theirs().sigma_clip_ng(
        frame, N_BINS, method=(split, "csr", code), unit="2th_deg", correctSolidAngle=solid_angle,
        error_model=error_model, thres=threshold, max_iter=10,
    )  # fmt: skip
    ours = both.ours.integrate1d(
        frame, bins_of(theirs.radial), unit="2th_deg", split=SPLITS[split], solid_angle=solid_angle,
        reject={"method": "sigma", "threshold": threshold}, error_model=error_model,
    )  # fmt: skip
    return theirs, ours


@pytest.mark.parametrize("code", ["cython", "python"])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("solid_angle", [False, True])
def test_medians_are_pyfais(both, bins_of, split, solid_angle, code):
    """By weight, with any splitting."""
    frame = smooth(np.random.default_rng(0))
    theirs, ours = medians(both, bins_of, frame, 50, split=split, solid_angle=solid_angle, code=code)
    np.testing.assert_allclose(theirs.intensity[INNER], ours.intensity[INNER], rtol=SINGLE)


@pytest.mark.parametrize("percentile", [(25, 75), (10, 90), (0, 50), (60, 100)])
def test_trimmed_means_are_pyfais_where_no_pixel_is_cut(both, bins_of, percentile):
    """Twenty pixels or a multiple in every bin: the quantiles fall between two of them."""
    frame = smooth(np.random.default_rng(1))
    edges = bins_of(medians(both, bins_of, frame, 50)[0].radial)
    matrix = both.ours.plan1d(edges, unit="2th_deg", split="none").matrix
    mask = np.zeros(SHAPE, np.int8)
    for number in range(N_BINS):
        pixels = matrix.entry_pixels()[matrix.indices == number]
        if 0 < number < N_BINS - 1:  # the outermost pixels make the range
            mask.flat[pixels[: pixels.size % 20]] = 1
    theirs, ours = medians(both, bins_of, frame, percentile, mask=mask)
    np.testing.assert_array_equal(theirs.count[INNER], ours.n_kept[INNER])
    np.testing.assert_allclose(theirs.intensity[INNER], ours.intensity[INNER], rtol=SINGLE)


@pytest.mark.parametrize("split", SPLITS)
def test_trimmed_means_count_pixels_that_a_quantile_cuts_with_their_part(both, bins_of, split):
    """pyFAI's compiled engine drops such pixels, its Python engine takes them whole: between the two, or near them."""
    frame = smooth(np.random.default_rng(2))
    without, ours = medians(both, bins_of, frame, (25, 75), split=split)
    whole, _ = medians(both, bins_of, frame, (25, 75), split=split, code="python")
    cut = np.abs(without.intensity - whole.intensity)[INNER]
    # The pixels at the two ends are 13 counts off the mean, of 80 and more that count.
    assert np.abs(without.intensity - ours.intensity)[INNER].max() < 2 * 27 / 80
    assert np.abs(whole.intensity - ours.intensity)[INNER].max() < 2 * 27 / 80
    if not cut.max() > 1e-5 * 500:
        pytest.skip("this pyFAI's engines agree about pixels that a quantile cuts")
    # All of the weight between the quantiles counts, whatever the pixels: half of it.
    np.testing.assert_allclose(ours.sum_normalization * 2, plain_norm(both, bins_of, without, split), rtol=1e-12)


def plain_norm(both, bins_of, theirs, split):
    return both.ours.integrate1d(
        np.ones(SHAPE), bins_of(theirs.radial), unit="2th_deg", split=SPLITS[split], solid_angle=False
    ).sum_normalization


def test_error_of_medians_and_trimmed_means_is_that_of_repeated_frames(both, bins_of):
    """pyFAI gives the error of the mean of the pixels it kept: for a median, that of a single pixel."""
    rng = np.random.default_rng(5)
    for percentile, ratio in ((50, np.pi / 2), ((25, 75), 1.195)):
        edges = bins_of(medians(both, bins_of, smooth(rng), 50)[0].radial)
        reject = "median" if percentile == 50 else {"method": "quantile", "quantiles": (0.25, 0.75)}
        plan = both.ours.plan1d(
            edges, unit="2th_deg", split="none", solid_angle=False, reject=reject, error_model="poisson"
        )
        plain = plan.replace(reject=None)
        frame = rng.poisson(500, SHAPE)
        ours, theirs = plan(frame), medians(both, bins_of, frame, percentile)[0]
        np.testing.assert_allclose(ours.sigma**2 / plain(frame).sigma ** 2, ratio, rtol=1e-3)
        spread = np.std([plan(rng.poisson(500, SHAPE)).intensity for _ in range(60)], axis=0)
        assert np.mean((spread / ours.sigma)[INNER] ** 2) == pytest.approx(1, abs=0.2)
        if not np.mean((spread / theirs.sigma)[INNER] ** 2) < 0.8:
            pytest.skip("this pyFAI has another error of quantiles")


@pytest.mark.parametrize("code", ["cython", "python"])
@pytest.mark.parametrize("split", ["no", "full"])
@pytest.mark.parametrize("error_model", ["poisson", "azimuthal"])
@pytest.mark.parametrize("solid_angle", [False, True])
def test_clipped_means_are_pyfais_where_the_same_pixels_are_kept(both, bins_of, split, error_model, solid_angle, code):
    """Spots of 600 among 20 counts: far outside for both definitions, everything else far inside."""
    frame, spots = with_spots(20, 30)
    theirs, ours = clipped(both, bins_of, frame, error_model, split=split, solid_angle=solid_angle, code=code)
    np.testing.assert_array_equal(np.flatnonzero(ours.rejected), np.sort(spots))
    np.testing.assert_allclose(theirs.count[INNER], ours.count[INNER], rtol=SINGLE)
    np.testing.assert_allclose(theirs.intensity[INNER], ours.intensity[INNER], rtol=SINGLE)
    if error_model == "poisson":
        np.testing.assert_allclose(theirs.sigma[INNER], ours.sigma[INNER], rtol=SINGLE)


def test_azimuthal_sigma_of_what_is_kept_is_pyfais_with_the_small_sample_factor(both, bins_of):
    frame, _ = with_spots(20, 30)
    theirs, ours = clipped(both, bins_of, frame, "azimuthal")
    n = ours.n_kept[INNER]
    np.testing.assert_allclose(theirs.sigma[INNER] * np.sqrt(n / (n - 1)), ours.sigma[INNER], rtol=SINGLE)


def test_strong_spots_do_not_empty_bins(both, bins_of):
    """pyFAI starts from the mean: with Poisson errors, one strong spot makes every other pixel an outlier."""
    frame, spots = with_spots(1000, 30)
    theirs, ours = clipped(both, bins_of, frame, "poisson")
    np.testing.assert_array_equal(np.flatnonzero(ours.rejected), np.sort(spots))
    np.testing.assert_allclose(ours.intensity, 1000, rtol=0.02)
    if not (theirs.count[INNER] == 0).any():
        pytest.skip("this pyFAI no longer rejects whole bins")


def test_clipping_few_photons_keeps_their_mean(both, bins_of):
    """pyFAI cuts the upper tail of 0.05 counts at 5 sigma about the mean: every pixel of two photons."""
    frame = np.random.default_rng(6).poisson(0.05, SHAPE).astype(np.int32)
    theirs, ours = clipped(both, bins_of, frame, "azimuthal")
    assert ours.sum_signal.sum() == frame.sum()
    if not np.sum(theirs.sum_signal) < 0.97 * frame.sum():
        pytest.skip("this pyFAI no longer cuts the tail of few counts")


def test_threshold_below_chauvenets_bound_is_raised_by_both(both, bins_of):
    """A threshold of one sigma keeps what the outermost of N good pixels reaches, in both programs."""
    frame = np.random.default_rng(7).normal(500, 20, SHAPE).astype(np.float32)
    theirs, ours = clipped(both, bins_of, frame, "azimuthal", threshold=1.0)
    n = (ours.n_kept + ours.n_rejected)[INNER]
    assert theirs.count[INNER].sum() > 0.99 * n.sum()  # within one sigma: 68 %
    assert ours.n_kept[INNER].sum() > 0.99 * n.sum()
    same = np.isclose(theirs.count[INNER], ours.n_kept[INNER])
    assert same.any()
    np.testing.assert_allclose(theirs.intensity[INNER][same], ours.intensity[INNER][same], rtol=SINGLE)
