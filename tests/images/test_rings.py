# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The background of rings: the compiled core equals the definition, and the definition is unbiased."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError, UnsupportedOptionError
from azimuthal.images.rings import ClipSettings, RingModel, chauvenet

from .conftest import SHAPE

FIELDS = (
    "mean", "std", "signal", "variance", "normalization", "normalization2", "counts", "n_valid", "n_kept", "n_rounds",
)  # fmt: skip
DTYPES = ("uint8", "uint16", "uint32", "uint64", "int16", "int32", "int64", "float32", "float64")


def models(ai, npt=60, **options):
    return [RingModel.of(ai, npt, unit="r_mm", engine=engine, **options) for engine in ("native", "reference")]


def assert_same_background(one, two):
    for name in FIELDS:
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-11, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("spread", ["azimuthal", "poisson"])
@pytest.mark.parametrize("cutoff", [0.0, 4.5])
def test_clipping_of_compiled_core_is_that_of_numpy(ai, plant, spread, cutoff):
    rng = np.random.default_rng(0)
    arrays = {"flat": rng.uniform(0.8, 1.2, SHAPE), "dark": rng.uniform(0, 4, SHAPE), "mask": rng.random(SHAPE) < 0.05}
    image = plant(1).image
    image[50:53, 60:64] = 2**32 - 1
    native, reference = models(ai, polarization_factor=0.9, **arrays)
    settings = ClipSettings(cutoff, spread, noise=0.5)
    found = [model.clipped(model.checked_frame(image), settings) for model in (native, reference)]
    assert_same_background(*found)
    assert found[0].n_rounds.max() >= 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_clipping_takes_every_type_of_frame(ai, plant, dtype):
    image = np.minimum(plant(2, background=9).image, 120).astype(dtype)
    native, reference = models(ai)
    for frame in (image, image.astype(np.dtype(dtype).newbyteorder(">")), np.asfortranarray(image)):
        found = [model.clipped(model.checked_frame(frame), ClipSettings()) for model in (native, reference)]
        assert_same_background(*found)


def test_clipping_does_not_depend_on_the_number_of_threads(ai, plant):
    image = plant(3).image
    found = []
    for threads in (1, 2, 5):
        model = RingModel.of(ai, 60, unit="r_mm", threads=threads)
        found.append(model.clipped(model.checked_frame(image), ClipSettings()))
    for other in found[1:]:
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(found[0], name), getattr(other, name))


def test_no_clipping_gives_plain_sums_and_the_unbiased_standard_deviation(ai):
    image = np.random.default_rng(4).normal(50, 6, SHAPE)
    model = RingModel.of(ai, 30, unit="r_mm", solid_angle=None)
    found = model.clipped(model.checked_frame(image), ClipSettings(max_iter=0))
    plain = ai.integrate1d(image, 30, unit="r_mm", solid_angle=None, split="none")
    np.testing.assert_allclose(found.mean, plain.intensity, rtol=1e-12)
    np.testing.assert_array_equal(found.n_kept, plain.count)
    expected = [np.std(image.ravel()[model.bins == ring], ddof=1) for ring in range(30)]
    np.testing.assert_allclose(found.std, expected, rtol=1e-10)


def test_clipped_mean_and_spread_of_poisson_rings_under_spots_are_those_without(ai, plant):
    """Averaged over frames the bias is below 0.3 % of the mean and 2 % of the spread."""
    with_spots, smooth = [], []
    model = RingModel.of(ai, 25, unit="r_mm", solid_angle=None)
    for seed in range(12):
        image = plant(seed, background=30.0, sigmas=(20, 60)).image
        without = np.random.default_rng(100 + seed).poisson(30.0, SHAPE).astype(np.uint32)
        with_spots.append(model.clipped(model.checked_frame(image), ClipSettings()))
        smooth.append(model.clipped(model.checked_frame(without), ClipSettings()))
    weights = smooth[0].n_valid
    for found, mean_bias in ((smooth, 2e-3), (with_spots, 3e-2)):
        mean = np.average([np.average(one.mean, weights=weights) for one in found])
        std = np.average([np.average(one.std, weights=weights) for one in found])
        assert abs(mean / 30 - 1) < mean_bias
        assert abs(std / np.sqrt(30) - 1) < 0.1
    std = np.average([np.average(one.std, weights=weights) for one in smooth])
    assert abs(std / np.sqrt(30) - 1) < 5e-3


@pytest.mark.parametrize("counts", [0.001, 0.02, 0.3, 1.0, 3.0, 1000.0])
def test_clipped_mean_of_poisson_counts_is_right_at_any_intensity(ai, counts):
    """Without the noise of a count every photon of a weak image would be an outlier."""
    rng = np.random.default_rng(11)
    model = RingModel.of(ai, 10, unit="r_mm", solid_angle=None)
    images = [rng.poisson(counts, SHAPE).astype(np.uint16) for _ in range(5)]
    found = [model.clipped(model.checked_frame(image), ClipSettings(noise=1.0)) for image in images]
    mean = np.average([np.average(one.mean, weights=one.n_valid) for one in found])
    assert mean == pytest.approx(np.mean(images), rel=0.01)
    bare = model.clipped(model.checked_frame(images[1]), ClipSettings())
    if counts < 0.05:
        assert np.average(bare.mean, weights=bare.n_valid) < 0.1 * counts


def test_rings_without_pixels_or_with_one_have_no_background(ai):
    mask = np.ones(SHAPE, bool)
    mask[10, 10] = False
    mask[200:205, 200:220] = False
    for model in models(ai, mask=mask, solid_angle=None):
        found = model.clipped(model.checked_frame(np.full(SHAPE, 3.0)), ClipSettings())
        one = np.flatnonzero(found.n_valid == 1)
        none = found.n_valid == 0
        assert one.size
        assert none.any()
        assert np.isnan(found.mean[none]).all()
        assert np.isnan(found.std[none | (found.n_valid == 1)]).all()
        np.testing.assert_allclose(found.std[found.n_valid > 1], 0.0)


def test_chauvenet_bound_leaves_less_than_one_value_beyond():
    from scipy.stats import norm

    assert chauvenet(8) == np.inf
    for n in (9, 10, 100, 5000):
        assert n * 2 * norm.sf(chauvenet(n)) < 1


def test_bad_choices_raise(ai):
    with pytest.raises(ParameterError, match="cutoff_clip"):
        ClipSettings(-1)
    with pytest.raises(UnknownNameError, match="azimuthal"):
        ClipSettings(spread="azimutal")
    for value, error in ((-1, ParameterError), (2.5, DataTypeError), (True, DataTypeError)):
        with pytest.raises(error, match="max_iter"):
            ClipSettings(max_iter=value)
    with pytest.raises(UnsupportedOptionError, match="split"):
        RingModel.of(ai, 10, unit="r_mm", split="full")
    with pytest.raises(UnsupportedOptionError, match="average"):
        RingModel.of(ai, 10, unit="r_mm", average="sum")
    model = RingModel.of(ai, 10, unit="r_mm")
    with pytest.raises(ShapeError, match="image: expected shape"):
        model.checked_frame(np.ones((3, 3)))
    with pytest.raises(DataTypeError, match="masked array"):
        model.checked_frame(np.ma.ones(SHAPE))
    with pytest.raises(DataTypeError, match="complex"):
        model.checked_frame(np.ones(SHAPE, complex))


@pytest.mark.parametrize("call", ["find_peaks", "sparsify", "spottiness", "separate"])
@pytest.mark.parametrize(
    "options",
    [{"reject": "median"}, {"covariance": True, "error_model": "poisson"}, {"flat_variance": np.ones((2, 2))}],
)
def test_option_of_profiles_that_rings_would_ignore_is_refused(call, options):
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(24, 26))
    ai = az.Integrator(camera, dist=0.1, poni1=0.012, poni2=0.013)
    with pytest.raises(UnsupportedOptionError, match="Leave it out"):
        getattr(ai, call)(np.ones((24, 26)), 10, unit="r_mm", **options)


@pytest.mark.parametrize("call", ["find_peaks", "sparsify", "spottiness"])
def test_error_model_that_peaks_would_ignore_is_refused(call):
    camera = az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(24, 26))
    ai = az.Integrator(camera, dist=0.1, poni1=0.012, poni2=0.013)
    with pytest.raises(UnsupportedOptionError, match="error_model: the noise of a ring"):
        getattr(ai, call)(np.ones((24, 26)), 10, unit="r_mm", error_model="poisson")
