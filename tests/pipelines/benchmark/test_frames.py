# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames and chunks as a detector writes them."""

import sys

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import MissingDependencyError
from azimuthal.pipelines.benchmark.frames import (
    DATASET,
    benchmark_instrument,
    mean_counts_image,
    powder_frames,
    read_chunks,
    write_chunked,
)


@pytest.mark.parametrize(("dtype", "counts"), [("uint16", 1.0), ("uint32", 40.0)])
def test_frames_have_the_mean_counts_and_gaps_at_the_highest_value(dtype, counts):
    instrument = benchmark_instrument("Pilatus300k")
    gaps = instrument.detector.gap_mask()
    first, second = powder_frames(instrument, counts, 2, dtype)
    assert first.dtype == dtype
    assert (first[gaps] == np.iinfo(dtype).max).all()
    assert gaps.any()
    assert first[~gaps].mean() == pytest.approx(counts, rel=0.02)
    assert not np.array_equal(first, second)


def test_mean_counts_image_has_rings():
    instrument = benchmark_instrument("Pilatus100k")
    profile = az.Integrator.from_instrument(instrument).integrate1d(mean_counts_image(instrument, 10.0), 300)
    assert np.nanmax(profile.intensity) > 2 * np.nanmedian(profile.intensity)


def test_file_is_bitshuffle_lz4_of_8_kb_blocks_one_frame_per_chunk(tmp_path):
    frames = [np.full((64, 130), number, np.uint32) for number in range(2)]
    write_chunked(tmp_path / "frames.h5", frames)
    with h5py.File(tmp_path / "frames.h5") as file:
        stack = file[DATASET]
        assert stack.chunks == (1, 64, 130)
        number, _, options, _ = stack.id.get_create_plist().get_filter(0)
        assert number == 32008
        assert options[4] == 2
    for chunk in read_chunks(tmp_path / "frames.h5"):
        assert int.from_bytes(chunk[:8], "big") == frames[0].nbytes
        assert int.from_bytes(chunk[8:12], "big") == 8192


def test_long_file_repeats_the_frames_in_order(settings, folder):
    chunks, long = read_chunks(folder.frames("uint32", 40.0)), read_chunks(folder.long_file)
    assert len(long) == settings.n_file_frames
    assert long == [chunks[number % settings.n_frames] for number in range(settings.n_file_frames)]
    with az.open_frames(folder.long_file) as frames, az.open_frames(folder.frames("uint32", 40.0)) as source:
        assert np.array_equal(frames.read(settings.n_frames), source.read(0))


def test_frames_without_hdf5plugin_name_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'azimuthal\[formats\]'"):
        write_chunked(tmp_path / "frames.h5", [np.zeros((4, 4), np.uint16)])
