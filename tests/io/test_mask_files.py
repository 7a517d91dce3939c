# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import fabio
import h5py
import numpy as np
import pytest

from azimuthal.errors import (
    DataTypeError,
    FileFormatError,
    FileMissingError,
    OutputExistsError,
    ParameterError,
    ShapeError,
    UnknownNameError,
)
from azimuthal.io import load_mask, load_mask_description, save_mask, save_mask_description
from azimuthal.io.mask_files import MASK_SUFFIXES
from azimuthal.masks.description import MaskDescription, MaskStep
from azimuthal.testing.shared_data import shared_path


@pytest.fixture
def mask():
    return np.random.default_rng(4).random((37, 45)) < 0.2


@pytest.mark.parametrize("suffix", MASK_SUFFIXES)
def test_mask_of_every_format_is_read_back(tmp_path, mask, suffix):
    path = save_mask(mask, tmp_path / f"m{suffix}")
    np.testing.assert_array_equal(load_mask(path), mask)
    np.testing.assert_array_equal(load_mask(path, shape=(37, 45), flip_rows=True), mask[::-1])
    with pytest.raises(OutputExistsError):
        save_mask(mask, path)


@pytest.mark.parametrize("suffix", [".edf", ".tif", ".msk", ".mask", ".npy"])
def test_mask_is_what_fabio_reads(tmp_path, mask, suffix):
    path = save_mask(mask, tmp_path / f"m{suffix}")
    if suffix == ".mask":
        path = path.rename(tmp_path / "m.tif")
    with fabio.open(str(path)) as image:
        np.testing.assert_array_equal(image.data, mask)


def test_mask_of_fit2d_written_by_fabio_is_read(tmp_path, mask):
    fabio.fit2dmaskimage.Fit2dMaskImage(data=mask.astype(np.uint8)).write(str(tmp_path / "m.msk"))
    np.testing.assert_array_equal(load_mask(tmp_path / "m.msk"), mask)


@pytest.mark.parametrize("name", ["data/formats/test.mask", "data/formats/face.msk"])
def test_real_mask_files_are_read(name):
    path = shared_path(name)
    found = load_mask(path)
    assert 0 < found.mean() < 1


def write_pixel_mask(path, values, where="entry/instrument/detector/pixel_mask"):
    with h5py.File(path, "w") as file:
        file[where] = values
        file["entry/data/data"] = np.ones((3, *values.shape), np.uint16)
    return path


@pytest.mark.parametrize("inside", ["pixel_mask", "detectorSpecific/pixel_mask"])
def test_pixel_mask_of_a_master_is_read_by_bits(tmp_path, inside):
    values = np.array([[0, 1, 2], [16, 3, 1 << 31]], np.uint32)
    path = write_pixel_mask(tmp_path / "run_master.h5", values, f"entry/instrument/detector/{inside}")
    np.testing.assert_array_equal(load_mask(path), values != 0)
    np.testing.assert_array_equal(load_mask(path, bits=["dead", "noisy"]), [[False, False, True], [True, True, False]])
    np.testing.assert_array_equal(load_mask(f"{path}::/entry/instrument/detector/{inside}", bits=[31]), values > 99)
    with pytest.raises(UnknownNameError, match="did you mean 'dead'"):
        load_mask(path, bits=["ded"])
    with pytest.raises(ParameterError, match="bits 0 to 31"):
        load_mask(path, bits=[40])


def test_mask_of_other_values_is_not_guessed(tmp_path):
    np.save(tmp_path / "m.npy", np.array([[0, 255]], np.uint8))
    with pytest.raises(DataTypeError, match=r"values 0, 255.*not guessed"):
        load_mask(tmp_path / "m.npy")
    assert load_mask(tmp_path / "m.npy", bits=["gap"]).tolist() == [[False, True]]


def test_mask_of_another_shape_is_refused(tmp_path, mask):
    path = save_mask(mask, tmp_path / "m.npy")
    with pytest.raises(ShapeError, match="exchanged"):
        load_mask(path, shape=(45, 37))


def test_mask_of_several_frames_is_refused(tmp_path):
    np.save(tmp_path / "m.npy", np.zeros((2, 3, 4), np.uint8))
    with pytest.raises(ParameterError, match="2 frames"):
        load_mask(tmp_path / "m.npy")
    assert not load_mask(f"{tmp_path}/m.npy::[1]").any()


DESCRIPTION = MaskDescription(
    (
        MaskStep("rectangle", {"rows": [1, 3], "columns": [0, 5]}, note='the "beam\x7fstop" \U0001f600'),
        MaskStep("file", {"path": "other.npy"}),
        MaskStep("circle", {"center": [2.5, 2.5], "radius": 1.0}, action="include"),
        MaskStep("ring", {"unit": "2th_deg", "radial": [3, 4.5]}, outside=True),
    ),
    shape=(37, 45),
)


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_description_is_read_back(tmp_path, suffix):
    path = save_mask_description(DESCRIPTION, tmp_path / f"d{suffix}")
    assert load_mask_description(path) == DESCRIPTION


def test_description_names_files_beside_it(tmp_path, mask):
    save_mask(mask, tmp_path / "other.npy")
    description = MaskDescription((MaskStep("file", {"path": "other.npy"}),))
    path = save_mask_description(description, tmp_path / "d.toml")
    np.testing.assert_array_equal(load_mask(path, shape=mask.shape), mask)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", "cannot be read"),
        ("format = 'something'", "no description"),
        ("format = 'azimuthal mask'\nversion = 2", "version: 2 is not known"),
        ("format = 'azimuthal mask'\nversion = 1\nsteps = []", "did you mean 'step'"),
        ("format = 'azimuthal mask'\nversion = 1\nstep = 3", "list of tables"),
        ("format = 'azimuthal mask'\nversion = 1\nstep = [{kind = 'squircle'}]", "squircle"),
        ("format = 'azimuthal mask'\nversion = 1\nstep = [{kind = 'ring', radial = [2, 1]}]", "low < high"),
        ("format = 'azimuthal mask'\nversion = 1\nstep = [{kind = 'circle', radius = 1}]", "center is missing"),
    ],
)
def test_description_with_an_error_says_where(tmp_path, text, words):
    (tmp_path / "d.toml").write_text(text)
    with pytest.raises(FileFormatError, match=rf"d\.toml: .*{words}"):
        load_mask_description(tmp_path / "d.toml")


def test_absent_files_are_named(tmp_path):
    for name in ("d.toml", "m.npy", "m.npz", "m.h5"):
        with pytest.raises(FileMissingError, match=name):
            load_mask(tmp_path / name)
