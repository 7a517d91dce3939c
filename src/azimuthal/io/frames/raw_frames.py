# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Headerless files: pixels one after the other, with shape, type and position given by the user."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal._validate import positive_integer
from azimuthal.errors import DataTypeError, FileFormatError, ParameterError, ShapeError
from azimuthal.io.frames._bytes import ByteFile, frame_name
from azimuthal.io.frames._protocol import FrameSource, checked_dtype, checked_frame_shape
from azimuthal.typing import AnyArray, PathLike


def open_raw(path: PathLike, shape: Sequence[int], dtype: Any, offset: int = 0) -> FrameSource:
    """Open a file of pixels without a header (``.gz`` and ``.bz2`` are unpacked).

    Parameters
    ----------
    path:
        The file.
    shape:
        ``(n_slow, n_fast)`` of one frame, or ``(n_frames, n_slow, n_fast)`` (more leading axes: a grid); the first
        number may be -1 for as many frames as the file holds.
    dtype:
        With the byte order of the file, e.g. ``"<u2"`` or ``">i4"``.
    offset:
        Bytes before the first frame.

    Raises
    ------
    FileMissingError, FileFormatError
        The file is absent; or it is shorter or longer than said: nothing is cut off silently.
    ParameterError, ShapeError, DataTypeError
        Shape, type or offset make no sense.
    """
    return RawFrames(path, shape, dtype, offset)


class RawFrames(FrameSource):
    """Frames in a headerless file; see `open_raw`."""

    def __init__(self, path: PathLike, shape: Sequence[int], dtype: Any, offset: int = 0) -> None:
        where = f"raw {path}"
        stored = _dtype(where, dtype)
        if type(offset) is not int or offset < 0:
            raise ParameterError(f"offset: expected a number of bytes of at least 0, got {offset!r}.")
        sizes = [int(size) for size in shape]
        if len(sizes) < 2:
            raise ShapeError(f"shape: expected (rows, columns) or (frames, rows, columns), got {tuple(sizes)}.")
        frame = checked_frame_shape(where, sizes[-2], sizes[-1], stored)
        self._frame_bytes = math.prod(frame) * stored.itemsize
        self._file = ByteFile(path)
        try:
            leading = self._leading(sizes[:-2], offset)
        except BaseException:
            self._file.close()
            raise
        self._offset = offset
        self._stored_dtype = stored
        facts: dict[str, Any] = {"path": str(Path(path)), "format": "raw", "offset": offset, "stored_dtype": stored.str}
        if len(leading) > 1:
            facts["grid_shape"] = leading
        super().__init__(shape=frame, dtype=stored, n_frames=math.prod(leading), name=frame_name(path), metadata=facts)

    def _leading(self, leading: list[int], offset: int) -> list[int]:
        content = len(self._file.read_up_to(0, 1 << 62)) if self._file.is_compressed else self._file.size or 0
        available = content - offset
        known = leading[1:] if leading[:1] == [-1] else leading
        count = math.prod(positive_integer("shape", size) for size in known)
        if leading[:1] == [-1]:
            repeated, rest = divmod(max(available, 0), count * self._frame_bytes)
            if rest or not repeated:
                raise self._misfit(available, f"a multiple of {count * self._frame_bytes}")
            return [repeated, *known]
        if available != count * self._frame_bytes:
            raise self._misfit(available, f"{count * self._frame_bytes}")
        return leading

    def _misfit(self, available: int, expected: str) -> FileFormatError:
        return FileFormatError(
            f"{self._file.path}: expected {expected} bytes of pixels after the offset, got {available}. Check shape, "
            "dtype and offset; a file with more frames: shape=-1,rows,columns."
        )

    def _fill(self, index: int, out: AnyArray) -> None:
        self._file.read_into(out.data.cast("B"), self._offset + index * self._frame_bytes, f"frame {index}")
        if not self._stored_dtype.isnative:
            out.byteswap(inplace=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def raw_from_layout(path: str, layout: tuple[tuple[str, str], ...]) -> FrameSource:
    """Open a file with the layout of a ``raw:`` url, whose values are text."""
    values = dict(layout)
    try:
        shape = [int(size) for size in values["shape"].split(",")]
        offset = int(values.get("offset", "0"))
    except ValueError:
        raise ParameterError(
            f"raw {path}: expected shape=frames,rows,columns and offset=bytes as whole numbers, got {values}."
        ) from None
    return open_raw(path, shape, values["dtype"], offset)


def _dtype(where: str, dtype: Any) -> np.dtype[Any]:
    try:
        return checked_dtype(where, np.dtype(dtype))
    except TypeError:
        raise DataTypeError(f"dtype: expected a type such as 'uint16' or '>i4', got {dtype!r}.") from None
