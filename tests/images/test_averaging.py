# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Averages of frames against NumPy pixel by pixel, their variance against simulations."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import (
    DataTypeError,
    FileFormatError,
    OutputExistsError,
    ParameterError,
    ShapeError,
    UnknownNameError,
)
from azimuthal.images.averaging import AVERAGE_METHODS, ONE_PASS

SHAPE = (13, 17)
N = 25


def frames_with_holes():
    generator = np.random.default_rng(1)
    frames = generator.poisson(200, (N, *SHAPE)).astype(np.uint32)
    frames[generator.random(frames.shape) < 0.05] = np.iinfo(np.uint32).max
    frames[:, 2, 3] = np.iinfo(np.uint32).max
    frames[1:, 4, 5] = np.iinfo(np.uint32).max
    return frames


def brute_force(values, method):
    """One pixel."""
    if method == "clipped_mean":
        while True:
            kept = values[np.abs(values - values.mean()) <= 3 * values.std(ddof=1)] if values.size > 3 else values
            if kept.size == values.size or kept.size < 3:
                return values.mean(), values.size
            values = kept
    if method == "trimmed_mean":
        low, high = np.quantile(values, [0.1, 0.9])
        kept = values[(values >= low - 1e-9) & (values <= high + 1e-9)]
        return kept.mean(), kept.size
    function = {
        "mean": np.mean, "sum": np.sum, "min": np.min, "max": np.max, "median": np.median,
        "std": lambda v: np.std(v, ddof=1) if v.size > 1 else np.nan, "quantile": lambda v: np.quantile(v, 0.3),
    }[method]  # fmt: skip
    return function(values), values.size


@pytest.mark.parametrize("method", AVERAGE_METHODS)
@pytest.mark.parametrize("with_dark", [False, True])
def test_average_is_that_of_the_valid_values_of_every_pixel(method, with_dark):
    frames = frames_with_holes()
    dark = np.random.default_rng(2).uniform(1, 5, SHAPE) if with_dark else None
    options = {"quantile": 0.3} if method == "quantile" else {}
    found = az.average(frames, method, dark=dark, **options)
    assert found.n_frames == N
    for index in np.ndindex(SHAPE):
        raw = frames[(slice(None), *index)]
        values = raw[raw != np.iinfo(np.uint32).max] - (0.0 if dark is None else dark[index])
        if values.size == 0:
            assert np.isnan(found.image[index])
            assert found.count[index] == 0
            continue
        expected, count = brute_force(values.astype(float), method)
        np.testing.assert_allclose(found.image[index], expected, rtol=1e-12)
        assert found.count[index] == count
    np.testing.assert_array_equal(found.mask, found.count == 0)
    assert np.isnan(found.variance[2, 3])


@pytest.mark.parametrize("method", sorted(set(AVERAGE_METHODS) - set(ONE_PASS)))
def test_blocks_of_rows_give_the_same_bits_as_one(method):
    frames = frames_with_holes()
    options = {"quantile": 0.3} if method == "quantile" else {}
    whole = az.average(frames, method, **options)
    calls = []
    parts = az.average(
        frames, method, memory=N * SHAPE[1] * 8 * 3 * 2 + 1, progress=lambda *args: calls.append(args), **options
    )
    np.testing.assert_array_equal(whole.image, parts.image)
    np.testing.assert_array_equal(whole.variance, parts.variance)
    assert calls[-1] == (7 * N, 7 * N)  # 13 rows, two at a time
    with pytest.raises(ParameterError, match="one row of all 25 frames"):
        az.average(frames, method, memory=1000, **options)


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [("mean", 0.05), ("sum", 0.05), ("std", 0.06), ("median", 0.15), ("trimmed_mean", 0.08), ("clipped_mean", 0.08)],
)
def test_variance_is_the_scatter_of_the_image(method, tolerance):
    frames = np.random.default_rng(3).normal(50, 7, (60, 60, 80))
    found = az.average(frames, method)
    assert found.variance.mean() / found.image.var() == pytest.approx(1, abs=tolerance + 3 * np.sqrt(2 / 4800))


def test_mean_with_monitors_is_the_ratio_of_sums_with_its_variance():
    generator = np.random.default_rng(4)
    monitors = generator.uniform(0.2, 3.0, 40)
    frames = generator.poisson(100 * monitors[:, None, None], (40, 50, 60)).astype(np.uint16)
    found = az.average(frames, normalization_factors=monitors)
    np.testing.assert_allclose(found.image, frames.sum(axis=0) / monitors.sum(), rtol=1e-12)
    assert found.variance.mean() / found.image.var() == pytest.approx(1, abs=0.1)
    # Weighted by exposure it is less noisy than the mean of normalised frames.
    assert found.image.var() < (frames / monitors[:, None, None]).mean(axis=0).var()


def test_median_with_monitors_is_that_of_normalised_frames():
    monitors = np.linspace(1, 2, N)
    frames = np.random.default_rng(5).poisson(100, (N, *SHAPE))
    found = az.average(frames, "median", normalization_factors=monitors)
    np.testing.assert_allclose(found.image, np.median(frames / monitors[:, None, None], axis=0), rtol=1e-12)


def test_large_offset_loses_no_digits_of_the_variance():
    frames = 1e9 + np.random.default_rng(6).normal(0, 1, (100, 30, 40))
    found = az.average(frames)
    np.testing.assert_allclose(found.variance, frames.var(axis=0, ddof=1) / 100, rtol=1e-6)


def test_variance_of_the_dark_is_added_once():
    generator = np.random.default_rng(7)
    dark = az.average(generator.normal(10, 3, (8, 40, 50)))
    frames = generator.normal(30, 1, (20, 40, 50))
    found = az.average(frames, dark=dark)
    np.testing.assert_allclose(found.variance, az.average(frames).variance + dark.variance, rtol=1e-12)
    assert found.variance.mean() / found.image.var() == pytest.approx(1, abs=0.15)


def test_hits_of_cosmic_rays_are_clipped():
    generator = np.random.default_rng(8)
    frames = generator.poisson(100, (50, 40, 40)).astype(np.uint32)
    hit = generator.random(frames.shape) < 0.01
    frames[hit] += 5000
    assert np.abs(az.average(frames, "clipped_mean").image - 100).max() < 8
    assert np.abs(az.average(frames, "median").image - 100).max() < 9
    assert az.average(frames).image.max() > 190
    np.testing.assert_array_equal(az.average(frames, "clipped_mean", n_sigma=6).count <= 50, True)


def test_mask_gaps_and_dummy_stay_without_a_value():
    frames = np.random.default_rng(9).poisson(50, (4, 195, 487)).astype(np.int32)
    frames[2, 10, 10] = -5
    mask = np.zeros((195, 487), bool)
    mask[:3] = True
    found = az.average(frames, mask=mask, detector="Pilatus100k", dummy=-5)
    assert np.isnan(found.image[:3]).all()
    assert found.count[10, 10] == 3
    assert found.metadata["masked_pixels"] == 3 * 487
    with pytest.raises(ShapeError, match="Pilatus1M"):
        az.average(frames, detector="Pilatus1M")


def test_invalid_values_can_be_kept():
    frames = np.full((2, 3, 4), 255, np.uint8)
    assert np.isnan(az.average(frames).image).all()
    assert (az.average(frames, invalid_values=False).image == 255).all()


def test_streams_go_through_one_pass_and_are_refused_by_several():
    frames = np.random.default_rng(10).poisson(50, (6, *SHAPE))
    found = az.average((frame for frame in frames), normalization_factors=np.ones(6))
    np.testing.assert_allclose(found.image, frames.mean(axis=0), rtol=1e-12)
    with pytest.raises(ParameterError, match="a stream can be read once"):
        az.average((frame for frame in frames), "median")
    with pytest.raises(ParameterError, match="expected 6 values"):
        az.average((frame for frame in frames), normalization_factors=np.ones(7))
    with pytest.raises(ParameterError, match="there are more frames"):
        az.average((frame for frame in frames), normalization_factors=np.ones(5))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "medain"}, UnknownNameError, "median"),
        ({"method": "quantile"}, ParameterError, "quantile"),
        ({"method": "quantile", "quantile": 1.2}, ParameterError, r"\[0, 1\]"),
        ({"method": "mean", "quantile": 0.5}, ParameterError, "method='quantile'"),
        ({"method": "trimmed_mean", "quantiles": (0.9, 0.1)}, ParameterError, "low < high"),
        ({"method": "clipped_mean", "n_sigma": 0}, ParameterError, "n_sigma"),
        ({"normalization_factors": [1.0, 0.0]}, ParameterError, "greater than 0"),
        ({"normalization_factors": [1.0]}, ParameterError, "expected 2 values"),
        ({"dark": np.zeros((3, 3))}, ShapeError, "dark"),
        ({"mask": np.zeros(SHAPE)}, DataTypeError, "mask"),
    ],
)
def test_bad_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message):
        az.average(np.ones((2, *SHAPE)), **options)


def test_damaged_frame_stops_the_work(tmp_path):
    paths = []
    for number in range(30):
        paths.append(tmp_path / f"f_{number}.npy")
        np.save(paths[-1], np.ones(SHAPE))
    with az.open_frames(paths) as frames:
        paths[3].write_bytes(paths[3].read_bytes()[:200])
        with pytest.raises(FileFormatError, match="f_3"):
            az.average(frames, "median")


def test_progress_that_raises_ends_the_work():
    def stop(done, total):
        assert total == N
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        az.average(frames_with_holes(), progress=stop)


@pytest.mark.parametrize("suffix", [".tif", ".edf", ".npy"])
def test_image_count_and_variance_are_read_back(tmp_path, suffix):
    found = az.average(frames_with_holes())
    found.save(tmp_path / f"a{suffix}")
    tolerance = 0 if suffix == ".npy" else 1e-7
    for name in ("image", "variance", "count"):
        file = tmp_path / ("a" if name == "image" else f"a_{name}")
        with az.open_frames(file.with_suffix(suffix)) as frames:
            assert len(frames) == 1
            np.testing.assert_allclose(frames.read(0), getattr(found, name), rtol=tolerance)
    with pytest.raises(OutputExistsError):
        found.save(tmp_path / f"a{suffix}")
    found.save(tmp_path / f"a{suffix}", force=True)


def test_hdf5_opens_as_one_frame_with_its_errors(tmp_path):
    h5py = pytest.importorskip("h5py")
    found = az.average(frames_with_holes(), "median")
    found.save(tmp_path / "a.h5")
    with az.open_frames(tmp_path / "a.h5") as frames:
        np.testing.assert_array_equal(frames.read(0), found.image)
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["entry/data/errors"][()] ** 2, np.sqrt(found.variance) ** 2)
        assert '"median"' in file["entry/notes/data"][()].decode()
    found.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        np.testing.assert_array_equal(file["count"], found.count)
    with pytest.raises(ParameterError, match="ends with one of"):
        found.save(tmp_path / "a.cbf")


def test_tiff_and_edf_are_read_by_other_programs(tmp_path):
    image = np.random.default_rng(11).normal(size=(7, 9)).astype(np.float32)
    counts = np.arange(63, dtype=np.uint16).reshape(7, 9)
    for name, array in (("float", image), ("counts", counts), ("mask", counts > 30)):
        for suffix in (".tif", ".edf"):
            az.save_image(tmp_path / f"{name}{suffix}", array)
    tifffile, fabio = pytest.importorskip("tifffile"), pytest.importorskip("fabio")
    for name, array in (("float", image), ("counts", counts), ("mask", counts > 30)):
        np.testing.assert_array_equal(tifffile.imread(tmp_path / f"{name}.tif"), array)
        with fabio.open(tmp_path / f"{name}.edf") as file:
            np.testing.assert_array_equal(file.data, array)


def test_hot_dead_and_noisy_pixels_are_proposed():
    generator = np.random.default_rng(12)
    frames = generator.normal(20, 2, (30, 100, 100))
    frames[:, 5, 6] += 100
    frames[:, 7, 8] = 0
    frames[:, 9, 10] = 20 + generator.normal(0, 60, 30)
    frames[:, 11, 12] = np.nan
    unusual = az.average(frames).unusual_pixels()
    for cause, index in (
        ("high", (5, 6)),
        ("low", (7, 8)),
        ("silent", (7, 8)),
        ("noisy", (9, 10)),
        ("never valid", (11, 12)),
    ):
        assert unusual.causes[cause][index], cause
    assert unusual.mask.sum() <= 6
    assert "silent: 1" in unusual.describe()


def test_flat_of_a_source_at_the_sample_holds_the_response_of_the_pixels_alone():
    generator = np.random.default_rng(13)
    ai = az.Integrator(az.Detector(pixel1=1e-3, pixel2=1e-3, shape=(60, 70)), 0.05, 0.03, 0.035)
    response = generator.normal(1, 0.05, (60, 70))
    normalization = az.images.image_correction(ai).normalization
    frames = generator.poisson(2000 * response * normalization, (50, 60, 70))
    flat = az.average(frames).as_flat(normalization)
    assert np.nanmedian(flat.image) == pytest.approx(1)
    pull = (flat.image / response * np.median(response) - 1) / np.sqrt(flat.variance)
    assert pull.std() == pytest.approx(1, abs=0.1)
    with pytest.raises(ParameterError, match="median"):
        az.average(np.zeros((2, 3, 4))).as_flat()
