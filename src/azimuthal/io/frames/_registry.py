# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which reader opens a file: one module per format, imported when a file needs it, most specific first.

The content decides where it can: a file that starts like a TIFF is read as TIFF whatever it is called.  A
file whose content no reader recognises is given to the reader of its extension (which says what is wrong with
it), and otherwise to fabio.  ``register_reader`` adds formats of other packages; they are asked before the
built-in ones.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from azimuthal.errors import ParameterError
from azimuthal.io.frames._bytes import ByteFile, plain_suffix
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.hdf5 import HDF5_SIGNATURE
from azimuthal.typing import PathLike

_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Reader:
    """How a format is recognised, and where its reader is.

    Parameters
    ----------
    name:
        Name of the format.
    location:
        ``"package.module:function"``; the function takes the path (and `dataset` when `has_datasets`) and
        returns an open `FrameSource`.
    extensions:
        In lower case with the dot.
    recognises:
        Says whether the first 4096 bytes (after decompression) are of this format.
    has_datasets:
        Whether a file can hold several stacks, told apart by a path inside it.
    """

    name: str
    location: str
    extensions: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    has_datasets: bool = False

    def open(self, path: PathLike, dataset: str | None) -> FrameSource:
        """Open `path` with this reader."""
        module, _, function = self.location.partition(":")
        opener = getattr(importlib.import_module(module), function)
        if self.has_datasets:
            source: FrameSource = opener(path, dataset)
            return source
        if dataset is not None:
            raise ParameterError(
                f"dataset: only HDF5 files hold datasets; {path} is read as {self.name}, got "
                f"dataset={dataset!r}. Leave it out."
            )
        plain_source: FrameSource = opener(path)
        return plain_source


def _is_tiff(head: bytes) -> bool:
    return head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def _is_edf(head: bytes) -> bool:
    """EDF and the SMV family both start with a brace; only EDF names its ``Dim_1`` or ``EDF_`` keys."""
    words = head.lstrip(b"\r\n\t ")
    folded = words.lower()
    return words[:1] == b"{" and b"header_bytes" not in folded and any(key in folded for key in _EDF_KEYS)


_EDF_KEYS = (b"edf_", b"dim_1", b"headerid", b"byteorder")


def _is_cbf(head: bytes) -> bool:
    return head.startswith(b"###CBF")


def _is_hdf5(head: bytes) -> bool:
    return any(head[start : start + 8] == HDF5_SIGNATURE for start in (0, 512, 1024, 2048))


def _is_numpy(head: bytes) -> bool:
    return head.startswith(b"\x93NUMPY")


def _is_anything(_head: bytes) -> bool:
    return True


_FRAMES = "azimuthal.io.frames"
BUILT_IN: tuple[Reader, ...] = (
    Reader("cbf", f"{_FRAMES}.cbf:open_source", (".cbf",), _is_cbf),
    Reader(
        "hdf5",
        f"{_FRAMES}.hdf5_frames:open_source",
        (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".nexus", ".cxi"),
        _is_hdf5,
        True,
    ),
    Reader("edf", f"{_FRAMES}.edf:open_source", (".edf",), _is_edf),
    Reader("tiff", f"{_FRAMES}.tiff:open_source", (".tif", ".tiff", ".mccd", ".btf"), _is_tiff),
    Reader("numpy", f"{_FRAMES}.numpy_frames:open_source", (".npy",), _is_numpy),
)
FABIO = Reader("fabio", f"{_FRAMES}.fabio_frames:open_source", (), _is_anything)

_added: list[Reader] = []


def register_reader(reader: Reader) -> None:
    """Add a reader, or replace the one of its name; added ones are asked before the built-in ones."""
    _added[:] = [reader, *(other for other in _added if other.name != reader.name)]


def find_reader(path: PathLike) -> Reader:
    """Return the reader for an existing file: by content, then by extension, then fabio.

    Raises
    ------
    FileMissingError, FileFormatError
        The file is absent; it is a folder, empty, or cannot be read.
    """
    with ByteFile(path) as file:
        head = file.read_up_to(0, _HEAD)
    readers = (*_added, *BUILT_IN)
    for reader in readers:
        if reader.recognises(head):
            return reader
    suffix = plain_suffix(Path(path))
    for reader in readers:
        if suffix in reader.extensions:
            return reader
    return FABIO
