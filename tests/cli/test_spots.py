# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal peakfinder`` and ``azimuthal sparsify``: every frame is searched, and failures are named."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.images.peaks import COLUMNS

SHAPE = (48, 60)


@pytest.fixture
def frames():
    """Ten frames with four spots each."""
    rng = np.random.default_rng(3)
    found = rng.poisson(10, (10, *SHAPE)).astype(np.uint32)
    for frame in found:
        for row, column in ((10, 12), (20, 40), (35, 25), (40, 50)):
            frame[row : row + 2, column : column + 2] += 80
    return found


def test_peakfinder_finds_the_peaks_of_the_library(run, stack, poni, frames):
    outcome = run("peakfinder", stack, "-p", poni, "-n", 30, "--cutoff-pick", 6, "--polarization", 0.9)
    assert outcome.code == 0
    peaks = az.load_peaks("stack_peaks.cxi")
    expected = az.load(poni).peak_finder(30, cutoff_pick=6, polarization_factor=0.9).map(frames)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(peaks, name), getattr(expected, name))
    assert outcome.out == f"stack_peaks.cxi: {len(expected)} peaks in 10 frames\n"
    assert len(expected) == 40
    assert "frames/s" in outcome.err
    assert peaks.provenance["inputs"]["images"] == ["stack.h5"]
    assert peaks.provenance["failed_frames"] == []


def test_sparsify_writes_the_frames_of_the_library(run, stack, poni, frames):
    outcome = run("sparsify", stack, "-p", poni, "-n", 30, "--cutoff-pick", 3, "-o", "s.h5")
    assert outcome.code == 0
    finder = az.load(poni).peak_finder(30, cutoff_pick=3.0)
    for sparse, frame in zip(az.load_sparse("s.h5"), frames, strict=True):
        np.testing.assert_array_equal(sparse.densify(1), finder.sparsify(frame).densify(1))


def test_masks_dark_and_patch_options_reach_the_search(run, stack, poni, frames):
    mask = np.zeros(SHAPE, np.uint8)
    mask[18:24] = 1
    np.save("mask.npy", mask)
    np.save("dark.npy", np.full(SHAPE, 2.0))
    arguments = ("--mask", "mask.npy", "--dark", "dark.npy", "--patch-size", 3, "--connected", 4, "--incomplete")
    outcome = run("peakfinder", stack, "-p", poni, "-n", 30, *arguments, "-o", "p.nxs", "-q")
    assert (outcome.code, outcome.out) == (0, "")
    expected = az.load(poni).peak_finder(
        30, mask=mask, dark=np.full(SHAPE, 2.0), patch_size=3, connected=4, incomplete="keep"
    )
    peaks = az.load_peaks("p.nxs")
    np.testing.assert_array_equal(peaks.slow, expected.map(frames).slow)
    assert len(peaks) == 30


@pytest.mark.parametrize("command", ["peakfinder", "sparsify"])
def test_frame_that_cannot_be_read_is_named_and_the_others_are_written(run, images, poni, command):
    os.truncate("image_1.npy", 3000)
    outcome = run(command, images, "-p", poni, "-n", 30, "-o", "out.cxi", *(("--format", "cxi") * (command[0] == "p")))
    assert outcome.code == 1
    assert "image_1.npy" in outcome.err
    if command == "peakfinder":
        peaks = az.load_peaks("out.cxi")
        assert peaks.n_frames == 2 or peaks.provenance["failed_frames"] == [1]
    else:
        assert len(az.load_sparse("out.cxi")) == 2


def test_nothing_is_written_when_no_frame_can_be_searched(run, folder, poni):
    Path("bad.npy").write_bytes(b"\x93NUMPY nonsense")
    outcome = run("peakfinder", "bad.npy", "-p", poni)
    assert outcome.code == 2
    assert sorted(path.name for path in folder.iterdir()) == ["bad.npy", "geometry.poni"]


def test_dry_run_writes_nothing(run, stack, poni, folder):
    outcome = run("sparsify", stack, "-p", poni, "--dry-run")
    assert (outcome.code, outcome.out) == (0, "would write stack_sparse.h5: 10 frames\n")
    assert not Path("stack_sparse.h5").exists()


def test_existing_output_and_bad_choices_are_errors(run, stack, poni):
    Path("p.cxi").write_text("mine")
    for arguments, words in (
        (("-o", "p.cxi"), "exists already"),
        (("-o", "p.h5"), "format"),
        (("-o", "q.cxi", "--patch-size", 4), "odd number"),
        (("-o", "q.cxi", "--spread", "x"), "spread"),
        (("-o", "q.cxi", "--unit", "q_nm"), "q_nm"),
        (("-o", "stack.h5", "--format", "cxi"), "is an input"),
        (("-o", "none/q.cxi"), "does not exist"),
    ):
        outcome = run("peakfinder", stack, "-p", poni, *arguments)
        assert outcome.code == 2
        assert words in outcome.err
    assert Path("p.cxi").read_text() == "mine"
    assert run("peakfinder", stack, "-p", poni, "-o", "p.cxi", "--force", "-q").code == 0
    with h5py.File("p.cxi") as file:
        assert "entry_1/result_1" in file
