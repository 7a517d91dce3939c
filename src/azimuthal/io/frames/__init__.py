# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frame sources: detector images from arrays, files and series of files, behind one interface.

`open_frames` opens anything; a `FrameSource` has ``shape``, ``dtype``, a length, ``metadata``, labels, and
``read(index)``. `describe_file` says what a file is.  Readers and the packages that they need are imported
when a file asks for them.
"""

from __future__ import annotations

from azimuthal.errors import FrameIndexError
from azimuthal.io.frames._address import file_of
from azimuthal.io.frames._open import frame_paths, open_frames
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.frames._registry import Reader, register_reader
from azimuthal.io.frames._stored import StoredFrame, StoredFrames
from azimuthal.io.frames.describe import FileDescription, FileKind, describe_file
from azimuthal.io.frames.raw_frames import open_raw

__all__ = [
    "FileDescription",
    "FileKind",
    "FrameIndexError",
    "FrameSource",
    "Reader",
    "StoredFrame",
    "StoredFrames",
    "describe_file",
    "file_of",
    "frame_paths",
    "open_frames",
    "open_raw",
    "register_reader",
]
