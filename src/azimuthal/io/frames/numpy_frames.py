# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames in a NumPy ``.npy`` file, mapped into memory."""

from __future__ import annotations

import tokenize
from pathlib import Path

import numpy as np

from azimuthal.errors import DataTypeError, FileFormatError, FileMissingError, ShapeError
from azimuthal.io.frames._bytes import frame_name
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.frames.memory import ArrayFrames
from azimuthal.typing import PathLike


def open_source(path: PathLike) -> FrameSource:
    """Open a ``.npy`` file as a frame source: 2-D one frame, 3-D a stack, more dimensions flattened.

    Raises
    ------
    FileMissingError
        The file is absent.
    FileFormatError
        It is truncated or malformed, holds Python objects, or no image.
    """
    where = Path(path)
    try:
        array = np.load(where, mmap_mode="r", allow_pickle=False)
        return ArrayFrames(array, name=frame_name(where), metadata={"path": str(where), "format": "npy"})
    except FileNotFoundError:
        raise FileMissingError(f"{where}: this file does not exist.") from None
    except (ShapeError, DataTypeError) as error:
        raise FileFormatError(f"{where}: {error}") from None
    except (
        OSError,
        ValueError,
        TypeError,
        EOFError,
        OverflowError,
        SyntaxError,
        tokenize.TokenError,
    ) as error:
        raise FileFormatError(f"{where}: cannot be read as a .npy file: {error}.") from error
