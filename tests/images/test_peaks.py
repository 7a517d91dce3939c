# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Peaks: found where they were planted, with honest uncertainties, and not more of them in noise than chance makes."""

import pickle

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import AzimuthalError, DataTypeError, ParameterError, ShapeError, UnknownNameError
from azimuthal.images.peaks import COLUMNS, PeakSettings

from .conftest import SHAPE


def assert_same_peaks(one, two, **tolerance):
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), err_msg=name, **tolerance)
    assert (one.n_frames, one.n_incomplete, one.shape) == (two.n_frames, two.n_incomplete, two.shape)


def matched(peaks, planted, within=1.5):
    """Return for every planted spot the peak that is nearest to it, -1 when none is near."""
    distance = np.hypot(planted.slow[:, np.newaxis] - peaks.slow, planted.fast[:, np.newaxis] - peaks.fast)
    nearest = distance.argmin(axis=1)
    return np.where(distance[np.arange(planted.slow.size), nearest] < within, nearest, -1)


# ---- definition --------------------------------------------------------------------------------------------

CHOICES = {
    "defaults": {},
    "low cutoff, keep": {"cutoff_pick": 3.0, "connected": 1, "patch_size": 3, "incomplete": "keep"},
    "poisson": {"spread": "poisson", "cutoff_clip": 4, "cutoff_pick": 4, "noise": 0.0},
    "large patch": {"patch_size": 9, "connected": 4, "cutoff_pick": 3.5},
    "sector": {"azimuth_range": (100, 200), "radial_range": (2, 9), "incomplete": "keep"},
}


@pytest.mark.parametrize("name", CHOICES)
def test_peaks_of_compiled_core_are_those_of_numpy(ai, plant, name):
    rng = np.random.default_rng(0)
    arrays = {"flat": rng.uniform(0.8, 1.2, SHAPE), "dark": rng.uniform(0, 4, SHAPE), "mask": rng.random(SHAPE) < 0.01}
    image = plant(1).image
    image[50:53, 60:64] = 2**32 - 1
    options = {"polarization_factor": 0.9, **arrays, **CHOICES[name]}
    native, reference = (ai.peak_finder(70, engine=engine, **options) for engine in ("native", "reference"))
    found = native(image)
    assert len(found) > 20
    assert_same_peaks(found, reference(image), rtol=1e-9, atol=1e-11)
    raw = native.rings.checked_frame(image)
    background = native.background(raw)
    for one, two in zip(native.picked(raw, background), reference.picked(raw, background), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "uint64", "float32", "float64"])
def test_peaks_of_every_type_are_those_of_numpy(ai, plant, dtype):
    image = np.minimum(plant(2, background=9).image, 125).astype(dtype)
    if image.dtype.kind == "f":
        image[30, 40], image[31, 44], image[90, 91] = np.nan, -np.inf, np.inf
    elif image.dtype.kind == "i":
        image[30, 40] = -1
    options = {"cutoff_pick": 4, "incomplete": "keep", "dummy": 3}
    native, reference = (ai.peak_finder(70, engine=engine, **options) for engine in ("native", "reference"))
    assert_same_peaks(native(image), reference(image), rtol=1e-9, atol=1e-11)
    raw = native.rings.checked_frame(image)
    picked = [finder.picked(raw, native.background(raw)) for finder in (native, reference)]
    np.testing.assert_array_equal(picked[0][1], picked[1][1])
    np.testing.assert_array_equal(picked[0][0], picked[1][0])


def test_peaks_do_not_depend_on_the_number_of_threads(ai, plant):
    image = plant(3).image
    one, *others = (ai.peak_finder(70, threads=threads)(image) for threads in (1, 2, 7))
    for other in others:
        assert_same_peaks(one, other, rtol=0)


def test_image_is_not_modified_and_may_be_of_any_order(ai, plant):
    image = plant(4).image
    before = image.copy()
    finder = ai.peak_finder(70)
    expected = finder(image)
    assert_same_peaks(finder(np.asfortranarray(image)), expected, rtol=0)
    assert_same_peaks(finder(image.astype(">u4")), expected, rtol=0)
    np.testing.assert_array_equal(image, before)


def test_plateau_is_one_peak(ai):
    image = np.zeros(SHAPE, np.uint16)
    image[100:102, 120:122] = 50
    peaks = ai.find_peaks(image, 60, solid_angle=None)
    assert len(peaks) == 1
    assert (peaks.slow[0], peaks.fast[0]) == (100.5, 120.5)
    assert peaks.n_pixels[0] == 4


def test_single_bright_pixel_is_a_peak_of_one_connected_only(ai):
    image = np.zeros(SHAPE, np.uint16)
    image[100, 120] = 50
    assert len(ai.find_peaks(image, 60)) == 0
    peaks = ai.find_peaks(image, 60, connected=1, solid_angle=None)
    assert (peaks.slow[0], peaks.fast[0], peaks.intensity[0]) == (100, 120, 50)
    assert peaks.slow_sigma[0] == pytest.approx(1 / np.sqrt(12))
    assert peaks.sigma[0] == pytest.approx(np.sqrt(50))


def test_peaks_at_gaps_and_edges_are_counted_or_kept(ai):
    image = np.zeros(SHAPE, np.uint16)
    image[0:2, 50] = image[100, 120:122] = image[200, 60:62] = 80
    mask = np.zeros(SHAPE, bool)
    mask[102, 120] = True
    dropped, kept = (ai.find_peaks(image, 60, mask=mask, incomplete=how) for how in ("drop", "keep"))
    assert (len(dropped), dropped.n_incomplete) == (1, 2)
    assert (len(kept), kept.n_incomplete) == (3, 0)
    assert dropped.slow[0] == 200


def test_value_of_a_masked_pixel_is_irrelevant(ai, plant):
    mask = np.zeros(SHAPE, bool)
    mask[60:64] = mask[150, 150] = True
    image = plant(5).image.astype(float)
    finder = ai.peak_finder(70, mask=mask)
    expected = finder(image)
    for value in (np.nan, np.inf, -1e9, 1e9):
        image[mask] = value
        assert_same_peaks(finder(image), expected, rtol=0)


# ---- statistics --------------------------------------------------------------------------------------------


def test_planted_spots_above_eight_sigma_are_found_and_nothing_else(ai, plant):
    """Recall and precision above 0.98 for spots whose highest pixel is expected 8 to 40 sigma above the background."""
    finder = ai.peak_finder(60, cutoff_pick=4.0)
    n_planted = n_found = n_peaks = 0
    for seed in range(10):
        planted = plant(seed, background=25.0, sigmas=(8, 40))
        peaks = finder(planted.image)
        near = matched(peaks, planted)
        n_planted += near.size
        n_found += np.count_nonzero(near >= 0)
        n_peaks += len(peaks)
    assert n_planted > 2500
    assert n_found / n_planted > 0.98
    assert n_found / n_peaks > 0.98


def test_spots_of_exactly_eight_sigma_are_found_with_a_low_cutoff(ai, plant):
    """Height of the Gaussian: the highest pixel sees 0.45 to 1 of it."""
    finder = ai.peak_finder(60, cutoff_pick=3.0, connected=2)
    n_planted = n_found = n_peaks = 0
    for seed in range(8):
        planted = plant(seed, background=25.0, height=8 * 5.0)
        peaks = finder(planted.image)
        near = matched(peaks, planted)
        n_planted += near.size
        n_found += np.count_nonzero(near >= 0)
        n_peaks += len(peaks)
    assert n_found / n_planted > 0.98
    assert n_found / n_peaks > 0.98


def test_positions_of_bright_spots_are_right_to_a_tenth_of_a_pixel(ai, plant):
    planted = plant(20, background=25.0, sigmas=(25, 80))
    peaks = ai.find_peaks(planted.image, 60)
    near = matched(peaks, planted)
    found = near >= 0
    for name in ("slow", "fast"):
        error = getattr(peaks, name)[near[found]] - getattr(planted, name)[found]
        assert np.sqrt(np.mean(error**2)) < 0.1
        assert abs(error.mean()) < 0.02


def test_uncertainties_of_intensity_and_position_cover_the_errors(ai, plant):
    """One spot, drawn again and again: the pulls have mean 0 and spread 1."""
    finder = ai.peak_finder(60, solid_angle=None)
    intensity, sigma, slow, slow_sigma = [], [], [], []
    for seed in range(12):
        planted = plant(300 + seed, background=25.0, height=400.0, width=0.7)
        peaks = finder(planted.image)
        near = matched(peaks, planted)
        found = near >= 0
        intensity.append(peaks.intensity[near[found]])
        sigma.append(peaks.sigma[near[found]])
        slow.append(peaks.slow[near[found]] - planted.slow[found])
        slow_sigma.append(peaks.slow_sigma[near[found]])
    expected = 400.0 * 2 * np.pi * 0.7**2
    # Part of a spot lies outside of its patch of 5 pixels: 0.1 %.
    pulls = (np.concatenate(intensity) - expected) / np.concatenate(sigma)
    assert 0.9 < pulls.std() < 1.15
    assert abs(pulls.mean()) < 0.3
    pulls = np.concatenate(slow) / np.concatenate(slow_sigma)
    assert 0.85 < pulls.std() < 1.3


def test_false_peaks_of_pure_noise_come_at_the_rate_of_the_threshold(ai):
    """N p pixels are picked, p from Poisson statistics; as many peaks with connected=1."""
    from scipy.stats import poisson

    mean, cutoff = 20.0, 4.0
    finder = ai.peak_finder(40, cutoff_pick=cutoff, connected=1, noise=1.0, incomplete="keep", solid_angle=None)
    rng = np.random.default_rng(8)
    n_frames, n_picked, n_peaks = 40, 0, 0
    for _ in range(n_frames):
        image = rng.poisson(mean, SHAPE).astype(np.uint16)
        raw = finder.rings.checked_frame(image)
        n_picked += finder.picked(raw, finder.background(raw))[0].size
        n_peaks += len(finder(image))
    p = poisson.sf(np.ceil(mean + cutoff * np.sqrt(mean + 1.0)) - 1, mean)
    expected = n_frames * image.size * p
    assert expected > 200
    # The threshold of each ring scatters about this one, which lies between two integers.
    assert 0.7 * expected < n_picked < 1.6 * expected
    assert 0.97 * n_picked < n_peaks <= n_picked


def test_defaults_find_next_to_nothing_in_pure_noise(ai):
    finder = ai.peak_finder(60)
    rng = np.random.default_rng(9)
    tables = [finder(rng.poisson(mean, SHAPE).astype(np.uint16)) for mean in (0.01, 0.3, 3.0, 30.0, 300.0) * 4]
    assert sum(len(table) for table in tables) <= 1


# ---- tables ------------------------------------------------------------------------------------------------


def test_map_numbers_frames_and_of_frame_takes_one_out(ai, plant):
    images = [plant(seed).image for seed in range(3)]
    images.insert(1, np.zeros(SHAPE, np.uint32))
    finder = ai.peak_finder(60)
    peaks = finder.map(images)
    assert peaks.n_frames == 4
    np.testing.assert_array_equal(peaks.counts(), [len(finder(image)) for image in images])
    for number, image in enumerate(images):
        one, alone = peaks.of_frame(number), finder(image)
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(one, name), getattr(alone, name))
    assert peaks.counts()[1] == 0


def test_table_is_read_only_picklable_and_goes_to_pandas(ai, plant):
    peaks = ai.find_peaks(plant(1).image, 60)
    with pytest.raises(ValueError, match="read-only"):
        peaks.slow[0] = 1
    assert_same_peaks(pickle.loads(pickle.dumps(peaks)), peaks, rtol=0)
    frame = peaks.to_pandas()
    assert list(frame.columns) == list(COLUMNS)
    np.testing.assert_array_equal(frame["snr"], peaks.snr)
    assert repr(peaks).startswith(f"<Peaks: {len(peaks)} in 1 frames")


def test_provenance_says_how_peaks_were_found(ai, plant):
    mask = np.zeros(SHAPE, bool)
    peaks = ai.find_peaks(plant(1).image, 60, cutoff_pick=6, polarization_factor=0.9, mask=mask)
    assert peaks.provenance["peaks"]["cutoff_pick"] == 6
    assert peaks.provenance["recipe"]["polarization_factor"] == 0.9
    assert list(peaks.provenance["arrays"]) == ["mask"]


def test_bad_input_raises(ai, plant):
    image = plant(1).image
    for choices, error, words in (
        ({"cutoff_pick": 0}, ParameterError, "cutoff_pick"),
        ({"noise": -1}, ParameterError, "noise"),
        ({"patch_size": 4}, ParameterError, "odd number"),
        ({"patch_size": 1}, ParameterError, "at least 3"),
        ({"patch_size": 5.0}, DataTypeError, "patch_size"),
        ({"connected": 26}, ParameterError, "connected"),
        ({"connected": 0}, ParameterError, "connected"),
        ({"incomplete": "maybe"}, UnknownNameError, "incomplete"),
        ({"spread": "hybrid"}, UnknownNameError, "spread"),
        ({"cutoff": 3}, UnknownNameError, "cutoff"),
        ({"unit": "q_nm"}, UnknownNameError, "q_nm"),
    ):
        with pytest.raises(error, match=words):
            ai.find_peaks(image, 60, **choices)
    with pytest.raises(ShapeError, match="image"):
        ai.find_peaks(image[1:], 60)
    with pytest.raises(DataTypeError, match="instrument"):
        az.find_peaks(image, "a.poni")
    with pytest.raises(ParameterError, match="at least one table"):
        az.Peaks.joined([])
    with pytest.raises(AzimuthalError, match="columns of one length"):
        az.Peaks([0], [1.0, 2], *[[1.0]] * 8, shape=(3, 3))
    with pytest.raises(AzimuthalError, match="frame: expected numbers"):
        az.Peaks([3], *[[1.0]] * 9, shape=(3, 3))
    assert PeakSettings().to_dict()["patch_size"] == 5
