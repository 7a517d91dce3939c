# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every other image format, through fabio: mar345, GE, Bruker, Oxford, KCD, Fit2D masks, HiPiC ...

fabio (extra ``formats``) is imported when the first such file is opened.  It is meant for files that are what
they seem: damaged ones make it raise errors of many kinds, which become `FileFormatError` here.  A compressed
file is unpacked into a temporary file for as long as the source is open, because several of fabio's readers
need a real one.

Values are what fabio returns (vendor offsets, overflow tables and packing are applied by it).

Thread safety: one lock per source.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError, FileMissingError, MissingDependencyError
from azimuthal.io.frames._bytes import COMPRESSED_SUFFIXES, ByteFile, frame_name
from azimuthal.io.frames._protocol import FrameSource, checked_dtype, checked_frame_shape
from azimuthal.typing import AnyArray, PathLike


def open_source(path: PathLike) -> FrameSource:
    """Open a file with fabio as a frame source; see the module docstring."""
    return FabioFrames(path)


class FabioFrames(FrameSource):
    """The frames of a file that fabio reads.

    Raises
    ------
    FileMissingError
        The file is absent.
    FileFormatError
        fabio does not know the format, or cannot read the file.
    MissingDependencyError
        fabio is not installed.
    """

    def __init__(self, path: PathLike) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        with ExitStack() as stack, _translated(self._path):
            actual = _plain_file(self._path, stack)
            fabio = _import_fabio(self._path)
            self._image = stack.enter_context(fabio.open(str(actual)))
            first = np.asarray(self._image.data)
            if first.ndim != 2:
                raise FileFormatError(
                    f"{self._path}: fabio returns an array of shape {first.shape}, expected an image."
                )
            dtype = checked_dtype(str(self._path), first.dtype)
            shape = checked_frame_shape(str(self._path), first.shape[0], first.shape[1], dtype)
            n_frames = int(self._image.nframes)
            header = {str(key): str(value) for key, value in self._image.header.items()}
            self._format = type(self._image).__name__.removesuffix("Image").lower()
            if self._format == "kcd" and header.get("Number of readouts", "").strip() in ("", "0"):
                raise FileFormatError(f"{self._path}: its header counts no readouts, for which fabio returns zeros.")
            self._opened = stack.pop_all()
        super().__init__(
            shape=shape,
            dtype=dtype,
            n_frames=n_frames,
            name=frame_name(path),
            metadata={"path": str(self._path), "format": f"fabio:{self._format}", "header": header},
        )

    def _fill(self, index: int, out: AnyArray) -> None:
        with self._lock, _translated(self._path):
            frame = np.asarray(self._image.data if self._n_frames == 1 else self._image.get_frame(index).data)
        if frame.shape != self._shape or frame.dtype.newbyteorder("=") != self._dtype:
            raise FileFormatError(
                f"{self._path}: frame {index} is {frame.shape} {frame.dtype}, the first one {self._shape} "
                f"{self._dtype}; frames of one file must agree."
            )
        np.copyto(out, frame, casting="equiv")

    def close(self) -> None:
        """Close the file and remove the temporary copy of a compressed one."""
        self._opened.close()
        super().close()


def _import_fabio(path: Path) -> Any:
    try:
        import fabio
    except ImportError as error:
        raise MissingDependencyError(
            f"{path}: neither TIFF, EDF, CBF, HDF5 nor NumPy; other image formats need the package fabio. "
            "Run: pip install 'azimuthal[formats]'"
        ) from error
    return fabio


def _plain_file(path: Path, stack: ExitStack) -> Path:
    """Return `path`, or a temporary decompressed copy that lives as long as `stack`."""
    if not path.exists():
        raise FileMissingError(f"{path}: this file does not exist.")
    with ByteFile(path) as file:
        if not file.is_compressed:
            return path
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="azimuthal-"))
        name = path.with_suffix("").name if path.suffix.lower() in COMPRESSED_SUFFIXES else path.name
        copy = Path(folder) / name
        copy.write_bytes(file.read_up_to(0, 1 << 62))
    return copy


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileFormatError, FileMissingError, MissingDependencyError):
        raise
    except Exception as error:  # fabio raises all kinds, also plain Exception
        raise FileFormatError(
            f"{path}: fabio cannot read it ({type(error).__name__}: {error}). It is damaged or of an unknown format."
        ) from error
