# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
import h5py
import numpy as np
import pytest

from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.io.frames import open_frames


def test_array_of_two_dimensions_is_one_frame(stack):
    with open_frames(stack[0]) as frames:
        assert (len(frames), frames.shape, frames.dtype) == (1, (20, 24), np.int32)
        assert frames.label(0) == "frame"
        np.testing.assert_array_equal(frames.read(0), stack[0])


def test_array_of_three_dimensions_is_a_stack(stack):
    with open_frames(stack) as frames:
        assert len(frames) == 5
        assert frames.label(3) == "frame_00003"
        for frame, expected in zip(frames, stack, strict=True):
            np.testing.assert_array_equal(frame, expected)


def test_array_of_four_dimensions_is_flattened_in_c_order(stack):
    scan = np.stack([stack, stack + 7])
    with open_frames(scan) as frames:
        assert len(frames) == 10
        np.testing.assert_array_equal(frames.read(6), scan[1, 1])


def test_array_frames_are_read_only_views(stack):
    frame = open_frames(stack).read(2)
    assert np.shares_memory(frame, stack)
    assert not frame.flags.writeable
    assert stack.flags.writeable


def test_array_of_foreign_byte_order_is_read_natively(stack):
    frames = open_frames(stack.astype(">i4"))
    assert frames.dtype.isnative
    assert frames.read(1).dtype.isnative
    np.testing.assert_array_equal(frames.read(1), stack[1])
    out = np.empty((20, 24), np.int32)
    np.testing.assert_array_equal(frames.read(1, out), stack[1])


def test_read_into_out_fills_and_returns_it(stack):
    frames = open_frames(stack)
    out = np.zeros((20, 24), np.int32)
    assert frames.read(4, out) is out
    np.testing.assert_array_equal(out, stack[4])
    strided = np.zeros((20, 48), np.int32)[:, ::2]
    frames.read(4, strided)
    np.testing.assert_array_equal(strided, stack[4])


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.zeros((20, 25), np.int32), ShapeError, r"out: expected shape \(20, 24\)"),
        (np.zeros((20, 24), np.int64), DataTypeError, "out: expected dtype int32"),
        ([[1]], DataTypeError, "out: expected a NumPy array"),
    ],
)
def test_read_into_unfit_out_is_refused(stack, out, error, message):
    with pytest.raises(error, match=message):
        open_frames(stack).read(0, out)


def test_read_into_read_only_out_is_refused(stack):
    out = np.zeros((20, 24), np.int32)
    out.flags.writeable = False
    with pytest.raises(DataTypeError, match="writable"):
        open_frames(stack).read(0, out)


@pytest.mark.parametrize("index", [-1, 5, 100])
def test_read_index_out_of_range_is_refused(stack, index):
    with pytest.raises(ParameterError, match=rf"index: expected 0 to 4 for 'frame', got {index}") as caught:
        open_frames(stack).read(index)
    assert isinstance(caught.value, IndexError)


def test_read_index_of_another_type_is_refused(stack):
    with pytest.raises(DataTypeError, match="index: expected an integer"):
        open_frames(stack).read(1.0)


def test_read_after_close_is_refused(stack):
    with open_frames(stack) as frames:
        pass
    assert frames.closed
    with pytest.raises(ParameterError, match="closed"):
        frames.read(0)


def test_sequence_of_arrays_is_a_source(stack):
    frames = open_frames(list(stack))
    assert len(frames) == 5
    np.testing.assert_array_equal(frames.read(2), stack[2])
    np.testing.assert_array_equal(frames.read(2, np.empty((20, 24), np.int32)), stack[2])


def test_sequence_with_another_shape_is_refused_by_number(stack):
    with pytest.raises(
        ShapeError, match=r"source\[1\]: expected shape \(20, 24\) as the first frame has, got \(19, 24\)"
    ):
        open_frames([stack[0], stack[1][1:]])
    with pytest.raises(DataTypeError, match=r"source\[1\]: expected dtype int32"):
        open_frames([stack[0], stack[1].astype(float)])


def test_generator_is_read_once_in_order(stack):
    with open_frames(frame for frame in stack) as frames:
        assert frames.n_frames is None
        assert (frames.shape, frames.dtype) == ((20, 24), np.int32)
        np.testing.assert_array_equal(frames.read(0), stack[0])
        with pytest.raises(ParameterError, match="the next frame is 1, got 3"):
            frames.read(3)
        np.testing.assert_array_equal(np.stack(list(frames)), stack[1:])
        with pytest.raises(IndexError, match="ended after 5 frames"):
            frames.read(5)
        with pytest.raises(TypeError, match="has no length"):
            len(frames)


def test_generator_with_another_shape_is_refused_when_it_comes(stack):
    frames = open_frames(iter([stack[0], stack[0].T]))
    frames.read(0)
    with pytest.raises(ShapeError, match=r"source\[1\]"):
        frames.read(1)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (np.zeros(4), ShapeError, "2-D, 3-D or higher"),
        (np.zeros((0, 4, 4)), ShapeError, "at least one frame"),
        (np.zeros((4, 4), complex), DataTypeError, "integer or floating-point"),
        (np.zeros((4, 4), "U3"), DataTypeError, "integer or floating-point"),
        ([], ParameterError, "empty"),
        (iter(()), ParameterError, "empty"),
        ([1, 2], DataTypeError, r"source\[0\]"),
        (5, DataTypeError, "expected a path"),
        ({"a": 1}, DataTypeError, "expected a path"),
        (["a.tif", np.zeros((4, 4))], DataTypeError, "paths or arrays, not both"),
    ],
)
def test_open_frames_unusable_source_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        open_frames(source)


def test_open_frames_dataset_with_array_is_refused(stack):
    with pytest.raises(ParameterError, match="only files have datasets"):
        open_frames(stack, dataset="/x")


def test_open_frames_open_source_is_returned(stack):
    frames = open_frames(stack)
    assert open_frames(frames) is frames


def test_open_frames_h5py_dataset_is_read_frame_by_frame(stack, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("x", data=stack)
        frames = open_frames(dataset)
        np.testing.assert_array_equal(frames.read(3), stack[3])
