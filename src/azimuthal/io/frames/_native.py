# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Frames from bitshuffle-LZ4 chunks without the filter plug-in: the compiled decoder, which trusts no byte.

Used for datasets whose chunks hold one frame each, as EIGER detectors write them.  Everything else goes through HDF5.
"""

from __future__ import annotations

import math

import numpy as np

from azimuthal import _core
from azimuthal.engines import thread_count
from azimuthal.errors import FileFormatError
from azimuthal.io.frames._chunk_check import BITSHUFFLE
from azimuthal.io.hdf5 import H5Object, filter_options
from azimuthal.typing import AnyArray

_LZ4_COMPRESSOR = 2  # value 4 of the options of the bitshuffle filter
_DAMAGE = {
    1: "its header contradicts the shape and type of the dataset",
    2: "it is shorter than its blocks",
    3: "a block is damaged",
}


def can_decode(dataset: H5Object) -> bool:
    """Return whether each chunk is one frame of plain bitshuffle-LZ4 in native byte order."""
    chunks, dtype = dataset.chunks, dataset.dtype
    if chunks is None or dtype.kind not in "uif" or dtype != dtype.newbyteorder("="):
        return False
    if chunks[-2:] != dataset.shape[-2:] or math.prod(chunks[:-2]) != 1:
        return False
    pipeline = filter_options(dataset)
    if len(pipeline) != 1 or pipeline[0][0] != BITSHUFFLE:
        return False
    options = pipeline[0][1]
    return len(options) >= 5 and options[2] == dtype.itemsize and options[4] == _LZ4_COMPRESSOR


def decode_frame(chunk: bytes, out: AnyArray, where: str) -> None:
    """Decode a chunk into a frame.

    Parameters
    ----------
    chunk:
        The stored chunk.
    out:
        C-contiguous, of the shape and type of the dataset.
    where:
        Names the chunk in the error.

    Raises
    ------
    FileFormatError
        The chunk is truncated or damaged; `out` then holds anything.
    """
    flat = out.reshape(-1).view(np.uint8)
    status = _core.bitshuffle_lz4_decode(chunk, out.dtype.itemsize, flat, thread_count())
    if status:
        raise FileFormatError(f"{where}: the compressed chunk of {len(chunk)} bytes is damaged: {_DAMAGE[status]}.")
