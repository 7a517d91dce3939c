# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks, darks and flats from files; every format is tried in tests/cli/test_integrate.py."""

import numpy as np
import pytest

from azimuthal.errors import DataTypeError, FileMissingError, ParameterError, ShapeError
from azimuthal.pipelines.pixel_files import read_image, read_masks
from azimuthal.testing.shared_data import shared_path


def save(folder, name, values):
    np.save(folder / name, values)
    return str(folder / name)


def test_read_masks_of_nothing_is_none():
    assert read_masks((), (2, 3)) is None


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.uint64])
def test_read_masks_zeros_and_ones_of_any_integer_type(tmp_path, dtype):
    mask = np.array([[0, 1, 0], [1, 0, 0]], dtype)
    np.testing.assert_array_equal(read_masks([save(tmp_path, "m.npy", mask)], (2, 3)), mask == 1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[0, 255]], np.uint8), "uint8 values 0, 255"),
        (np.array([[0.0, 1.0]]), "float64 values 0, 1"),
        (np.array([[-1, 0]], np.int16), "int16 values -1, 0"),
        (np.arange(6).reshape(1, 6), "int64 values 0, 1, 2, 3 ..."),
    ],
)
def test_read_masks_other_encoding_raises_and_is_never_guessed(tmp_path, values, words):
    with pytest.raises(DataTypeError) as caught:
        read_masks([save(tmp_path, "m.npy", values)], values.shape)
    assert words in str(caught.value)
    assert "python -c" in str(caught.value)
    assert "--mask m_mask.npy" in str(caught.value)


def test_read_masks_wrong_shape_names_the_file(tmp_path):
    with pytest.raises(ShapeError, match=r"mask .*m\.npy: expected shape \(4, 5\) to match the frame, got \(4, 6\)"):
        read_masks([save(tmp_path, "m.npy", np.zeros((4, 6), bool))], (4, 5))


def test_read_masks_of_a_stack_raises(tmp_path):
    with pytest.raises(ParameterError, match="expected one image, got 3 frames"):
        read_masks([save(tmp_path, "m.npy", np.zeros((3, 4, 5), bool))], (4, 5))


def test_read_masks_missing_file_raises(tmp_path):
    with pytest.raises(FileMissingError, match="nothing"):
        read_masks([str(tmp_path / "nothing.edf")], (4, 5))


@pytest.mark.parametrize(
    ("name", "shape", "n_excluded"),
    [
        ("data/formats/test.mask", (2048, 2048), None),
        ("data/swaxs_golden/RT_WAXS_mask.edf", (195, 487), None),
        ("data/formats/face.msk", (456, 123), None),
    ],
)
def test_read_masks_real_files_of_other_programs(name, shape, n_excluded):
    mask = read_masks([str(shared_path(name))], shape)
    assert mask.dtype == bool
    assert 0 < mask.mean() < 1


def test_read_image_is_float64_of_the_right_shape(tmp_path):
    path = save(tmp_path, "d.npy", np.arange(6, dtype=np.uint16).reshape(2, 3))
    image = read_image("dark", path, (2, 3))
    assert image.dtype == np.float64
    np.testing.assert_array_equal(image, [[0, 1, 2], [3, 4, 5]])
    with pytest.raises(ShapeError, match=r"dark .*d\.npy: expected shape \(3, 2\)"):
        read_image("dark", path, (3, 2))
