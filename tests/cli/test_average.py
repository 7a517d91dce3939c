# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal average``: numbers are those of the library, files are complete or absent."""

from pathlib import Path

import numpy as np
import pytest

import azimuthal as az


def test_average_of_a_stack_is_that_of_the_library(run, stack, frames):
    outcome = run("average", stack, "-o", "mean.npy")
    assert outcome.code == 0
    assert outcome.out == ("mean.npy, mean_variance.npy, mean_count.npy: mean of 40 frames, 0 pixels without a value\n")
    np.testing.assert_array_equal(np.load("mean.npy"), az.average(frames).image)
    assert "40" in outcome.err


@pytest.mark.parametrize(
    ("options", "keywords"),
    [
        (["--method", "median"], {"method": "median"}),
        (["--method", "quantile", "--quantile", "0.2"], {"method": "quantile", "quantile": 0.2}),
        (
            ["--method", "trimmed_mean", "--quantiles", "0.2", "0.7"],
            {"method": "trimmed_mean", "quantiles": (0.2, 0.7)},
        ),
        (["--method", "clipped_mean", "--n-sigma", "2.5"], {"method": "clipped_mean", "n_sigma": 2.5}),
        (["--dummy", "17"], {"dummy": 17}),
    ],
)
def test_average_option_gives_the_numbers_of_the_library(run, stack, frames, options, keywords):
    assert run("average", stack, *options, "-o", "a.npy").code == 0
    np.testing.assert_array_equal(np.load("a.npy"), az.average(frames, **keywords).image)


def test_average_dark_and_mask_apply(run, stack, frames):
    np.save("dark.npy", np.full(frames.shape[1:], 3.0))
    mask = np.zeros(frames.shape[1:], bool)
    mask[4] = True
    np.save("mask.npy", mask)
    assert run("average", stack, "--dark", "dark.npy", "--mask", "mask.npy", "-o", "a.h5").code == 0
    with az.open_frames("a.h5") as found:
        np.testing.assert_array_equal(found.read(0), az.average(frames, dark=np.full(mask.shape, 3.0), mask=mask).image)


def test_average_flat_and_unusual_pixels_are_written(run, stack):
    outcome = run("average", stack, "--as-flat", "--unusual", "mask.npy", "-o", "flat.tif")
    assert outcome.code == 0
    assert "unusual:" in outcome.err
    with az.open_frames("flat.tif") as found:
        assert np.nanmedian(found.read(0)) == pytest.approx(1, rel=1e-6)
    assert np.load("mask.npy").dtype == np.uint8


def test_average_does_not_replace_files_unasked(run, stack):
    Path("a.npy").write_text("mine")
    outcome = run("average", stack, "-o", "a.npy")
    assert outcome.code == 2
    assert "exists already" in outcome.err
    assert Path("a.npy").read_text() == "mine"
    assert run("average", stack, "-o", "a.npy", "--force").code == 0


def test_average_of_nothing_is_an_error(run, folder):
    outcome = run("average", "nothing_*.tif", "-o", "a.npy")
    assert outcome.code == 2
    assert "nothing_*.tif" in outcome.err
    assert not list(Path().iterdir())


def test_average_divides_by_monitors_and_masks_rings(run, stack, frames, poni):
    monitors = np.linspace(1.0, 4.9, len(frames))
    np.savetxt("i0.txt", monitors)
    Path("ring.toml").write_text(
        'format = "azimuthal mask"\nversion = 1\n[[step]]\nkind = "circle"\ncenter = [24.0, 30.0]\nradius = 12.0\n'
        'inner = 9.0\n[[step]]\nkind = "ring"\nunit = "2th_deg"\nradial = [3.0, 4.0]\n'
    )
    outcome = run("average", stack, "--monitor", "i0.txt", "--mask", "ring.toml", "-p", poni, "-o", "a.npy")
    assert outcome.code == 0
    rows, columns = np.indices((48, 60)) + 0.5
    distance = np.hypot(rows - 24.0, columns - 30.0)
    mask = (distance <= 12.0) & (distance > 9.0)
    found = np.load("a.npy")
    assert np.isnan(found[mask]).all()
    assert np.isnan(found).sum() > mask.sum()  # the ring of the geometry
    expected = az.average(frames, normalization_factors=monitors, mask=np.isnan(found)).image
    np.testing.assert_array_equal(found, expected)
    outcome = run("average", stack, "--mask", "ring.toml", "-o", "b.npy")
    assert outcome.code == 2
    assert "geometry" in outcome.err
    np.savetxt("short.txt", monitors[:-1])
    outcome = run("average", stack, "--monitor", "short.txt", "-o", "b.npy")
    assert outcome.code == 2
    assert "one value for each of the 40 frames, got 39" in outcome.err
