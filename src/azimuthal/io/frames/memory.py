# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames in memory, and arrays that are read piece by piece (HDF5 datasets, dask, zarr, memory maps)."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from azimuthal.errors import DataTypeError, FrameIndexError, ParameterError, ShapeError
from azimuthal.io.frames._protocol import FrameSource, checked_dtype
from azimuthal.typing import AnyArray

_NAME = "frame"


def is_array_like(source: object) -> bool:
    """Say whether `source` looks like an array: it has ``shape``, ``dtype`` and can be indexed."""
    return hasattr(source, "shape") and hasattr(source, "dtype") and hasattr(source, "__getitem__")


class ArrayFrames(FrameSource):
    """Frames of one array: 2-D is one frame, 3-D a stack, more leading axes are flattened in C order.

    Anything with ``shape``, ``dtype`` and indexing will do; it is indexed one frame at a time, by one thread at a time.
    Frames of a NumPy array are read-only views.

    Raises
    ------
    ShapeError
        Fewer than two dimensions, or an empty axis.
    DataTypeError
        The elements are not numbers, or have a mask, which would be lost.
    """

    def __init__(self, array: Any, *, name: str = _NAME, metadata: dict[str, Any] | None = None) -> None:
        _check_unmasked("source", array)
        shape = tuple(int(size) for size in array.shape)
        if len(shape) < 2:
            raise ShapeError(f"source: expected frames as a 2-D, 3-D or higher array, got shape {shape}.")
        if 0 in shape:
            raise ShapeError(f"source: expected at least one frame and one pixel, got shape {shape}.")
        self._array = array
        self._leading = shape[:-2]
        self._lock = threading.Lock()
        super().__init__(
            shape=(shape[-2], shape[-1]),
            dtype=checked_dtype("source", np.dtype(array.dtype)),
            n_frames=math.prod(self._leading),
            name=name,
            metadata={"format": "array", **(metadata or {})},
        )

    @property
    def is_in_memory(self) -> bool:
        """Whether the array is NumPy's."""
        return isinstance(self._array, np.ndarray)

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return one frame (`FrameSource.read`); without `out`, a read-only view where possible."""
        if out is not None:
            return super().read(index, out)
        index = self._checked_index(index)
        self._check_open()
        return _read_only(self._frame(index), self._dtype)

    def _frame(self, index: int) -> AnyArray:
        place = np.unravel_index(index, self._leading) if self._leading else ()
        if isinstance(self._array, np.ndarray):
            return np.asarray(self._array[place])
        with self._lock:  # what else has an index may not take several threads
            return np.asarray(self._array[place] if self._leading else self._array)

    def _fill(self, index: int, out: AnyArray) -> None:
        np.copyto(out, self._frame(index), casting="equiv")


class SequenceFrames(FrameSource):
    """Frames of a list or tuple of 2-D arrays of equal shape and type; frames are read-only views."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        if not arrays:
            raise ParameterError("source: expected at least one frame, got an empty list.")
        self._arrays = [_unmasked(f"source[{number}]", array) for number, array in enumerate(arrays)]
        first = self._arrays[0]
        for number, array in enumerate(self._arrays):
            _check_frame(number, array, first.shape, first.dtype)
        super().__init__(
            shape=(first.shape[0], first.shape[1]),
            dtype=checked_dtype("source[0]", first.dtype),
            n_frames=len(self._arrays),
            name=_NAME,
            metadata={"format": "array"},
        )

    @property
    def is_in_memory(self) -> bool:
        """True."""
        return True

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return one frame (`FrameSource.read`); without `out`, a read-only view."""
        if out is not None:
            return super().read(index, out)
        index = self._checked_index(index)
        self._check_open()
        return _read_only(self._arrays[index], self._dtype)

    def _fill(self, index: int, out: AnyArray) -> None:
        np.copyto(out, self._arrays[index], casting="equiv")


class StreamFrames(FrameSource):
    """Frames of an iterator or generator of 2-D arrays: read once, in order, by one thread; length unknown.

    The first frame is taken at once, because it gives the shape and type that all others must have.
    """

    def __init__(self, frames: Iterable[Any]) -> None:
        self._iterator: Iterator[Any] = iter(frames)
        missing = object()
        first = next(self._iterator, missing)
        if first is missing:
            raise ParameterError("source: expected at least one frame, got an iterable that is empty.")
        self._ahead: AnyArray | None = _unmasked("source[0]", first)
        _check_frame(0, self._ahead, self._ahead.shape, self._ahead.dtype)
        self._position = 0
        super().__init__(
            shape=(self._ahead.shape[0], self._ahead.shape[1]),
            dtype=checked_dtype("source[0]", self._ahead.dtype),
            n_frames=None,
            name=_NAME,
            metadata={"format": "stream"},
        )

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return the next frame; `index` must be the number of frames read so far."""
        index = self._checked_index(index)
        self._check_open()
        if out is not None:
            self._check_out(out)
        if index != self._position:
            raise FrameIndexError(
                f"index: a stream is read in order; the next frame is {self._position}, got {index}. Make a "
                "list of the frames to read them in any order."
            )
        frame = self._next()
        if frame is None:
            raise FrameIndexError(f"index: the stream ended after {self._position} frames, got {index}.")
        if out is None:
            return _read_only(frame, self._dtype)
        np.copyto(out, frame, casting="equiv")
        return out

    def __iter__(self) -> Iterator[AnyArray]:
        self._check_open()
        while (frame := self._next()) is not None:
            yield _read_only(frame, self._dtype)

    def _next(self) -> AnyArray | None:
        if self._ahead is not None:
            frame, self._ahead = self._ahead, None
        else:
            missing = object()
            item = next(self._iterator, missing)
            if item is missing:
                return None
            frame = _unmasked(f"source[{self._position}]", item)
            _check_frame(self._position, frame, self._shape, self._dtype)
        self._position += 1
        return frame

    def _fill(self, index: int, out: AnyArray) -> None:
        self.read(index, out)


def _unmasked(parameter: str, frame: Any) -> AnyArray:
    _check_unmasked(parameter, frame)
    array: AnyArray = np.asarray(frame)
    return array


def _check_unmasked(parameter: str, frame: Any) -> None:
    if isinstance(frame, np.ma.MaskedArray):
        raise DataTypeError(
            f"{parameter}: a masked array would lose its mask. Pass its data, and its mask as mask= of the plan; where "
            "every frame has its own, fill it with a value that marks invalid pixels (dummy=)."
        )


def _check_frame(number: int, frame: AnyArray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if frame.ndim != 2 or frame.size == 0:
        raise ShapeError(f"source[{number}]: expected a 2-D frame with at least one pixel, got shape {frame.shape}.")
    if frame.shape != shape:
        raise ShapeError(f"source[{number}]: expected shape {shape} as the first frame has, got {frame.shape}.")
    if frame.dtype.newbyteorder("=") != dtype.newbyteorder("="):
        raise DataTypeError(f"source[{number}]: expected dtype {dtype} as the first frame has, got {frame.dtype}.")


def _read_only(frame: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Return a read-only view in native byte order (a copy where bytes must be swapped)."""
    view: AnyArray = frame.astype(dtype, copy=False).view()
    view.flags.writeable = False
    return view
