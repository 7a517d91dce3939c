# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Sparse frames in files: they come back exactly, and fabio reads them as images."""

import h5py
import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import FileFormatError, OutputExistsError, ParameterError
from azimuthal.io import SparseWriter

SHAPE = (120, 100)


@pytest.fixture(scope="module")
def ai():
    camera = az.Detector(pixel1=1e-4, pixel2=1e-4, shape=SHAPE)
    return az.Integrator(camera, dist=0.1, poni1=-0.005, poni2=-0.004, rot1=0.1, wavelength=1e-10)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    found = rng.poisson(30, (3, *SHAPE)).astype(np.uint16)
    for number in range(3):
        for place in rng.integers(5, 90, (8, 2)):
            found[number, place[0] : place[0] + 2, place[1] : place[1] + 2] += 200
    return found


def same_frames(one, two):
    for a, b in zip(one, two, strict=True):
        for name in ("index", "intensity", "background_avg", "background_std"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert (a.dtype, b.background_avg.dtype) == (b.dtype, np.float64)
        assert a.layout.is_same(b.layout)
        for seed in (None, 3):
            np.testing.assert_array_equal(a.densify(seed), b.densify(seed))


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "int32", "float32", "float64"])
def test_sparse_frames_saved_and_loaded_are_the_same(tmp_path, ai, images, dtype):
    rng = np.random.default_rng(1)
    arrays = {"flat": rng.uniform(0.8, 1.2, SHAPE), "dark": rng.uniform(0, 4, SHAPE), "mask": rng.random(SHAPE) < 0.05}
    finder = ai.peak_finder(40, cutoff_pick=4, polarization_factor=0.9, **arrays)
    frames = [finder.sparsify(image.astype(dtype)) for image in images]
    assert az.save_sparse(frames, tmp_path / "s.h5") == tmp_path / "s.h5"
    back = az.load_sparse(tmp_path / "s.h5")
    same_frames(frames, back)
    assert back[0].layout.provenance["peaks"]["cutoff_pick"] == 4


def test_rings_without_background_survive_the_file(tmp_path, ai, images):
    mask = np.zeros(SHAPE, bool)
    mask[:, 40:60] = True
    finder = ai.peak_finder(300, unit="r_mm", mask=mask)
    frames = [finder.sparsify(image) for image in images]
    assert np.isnan(frames[0].background_avg).any()
    az.save_sparse(frames, tmp_path / "s.h5")
    same_frames(frames, az.load_sparse(tmp_path / "s.h5"))


def test_fabio_reads_the_frames_as_images(tmp_path, ai, images):
    """All but the pixels inside of the centre of the first ring, which fabio calls masked."""
    fabio = pytest.importorskip("fabio")
    finder = ai.peak_finder(40, polarization_factor=0.9)
    frames = [finder.sparsify(image) for image in images]
    az.save_sparse(frames, tmp_path / "s.h5")
    with fabio.open(str(tmp_path / "s.h5")) as read:
        assert type(read).__name__ == "SparseImage"
        assert read.nframes == 3
        for number, frame in enumerate(frames):
            theirs, ours = read.getframe(number).data, frame.densify()
            assert theirs.dtype == ours.dtype
            inside = frame.layout.radius >= frame.layout.axis.centers[0]
            difference = np.abs(theirs.astype(float) - ours)[inside]
            assert difference.max() <= 1
            assert np.mean(difference > 0) < 0.01  # single precision at the edge of rounding
            kept = frame.index
            np.testing.assert_array_equal(theirs.reshape(-1)[kept], images[number].reshape(-1)[kept])


def test_writer_keeps_the_numbers_of_the_frames(tmp_path, ai, images):
    finder = ai.peak_finder(40)
    with SparseWriter(tmp_path / "s.h5") as writer:
        for number in (4, 7):
            writer.append(finder.sparsify(images[0]), number)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["entry/sparse_frames/frame"][()].tolist() == [4, 7]
        assert (
            np.diff(file["entry/sparse_frames/frame_ptr"][()]).tolist() == [finder.sparsify(images[0]).index.size] * 2
        )


def add_both(writer, one, two):
    writer.append(one)
    writer.append(two)


def test_writer_leaves_nothing_behind_when_it_fails_or_has_nothing(tmp_path, ai, images):
    sparse = ai.sparsify(images[0], 40)
    with pytest.raises(ParameterError, match="layout"), SparseWriter(tmp_path / "s.h5") as writer:
        add_both(writer, sparse, ai.sparsify(images[0], 41))
    with SparseWriter(tmp_path / "s.h5"):
        pass
    with pytest.raises(ParameterError, match="at least one sparse frame"):
        az.save_sparse([], tmp_path / "s.h5")
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_layout_or_type_raise(tmp_path, ai, images):
    one = ai.sparsify(images[0], 40)
    with pytest.raises(ParameterError, match="layout differs"):
        az.save_sparse([one, ai.sparsify(images[1], 41)], tmp_path / "s.h5")
    with pytest.raises(ParameterError, match="expected uint16"):
        az.save_sparse([one, ai.sparsify(images[1].astype(np.uint32), 40)], tmp_path / "s.h5")
    assert list(tmp_path.iterdir()) == []
    az.save_sparse(one, tmp_path / "s.h5")
    with pytest.raises(OutputExistsError):
        az.save_sparse(one, tmp_path / "s.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(FileFormatError, match="expected sparse frames"):
        az.load_sparse(tmp_path / "other.h5")
