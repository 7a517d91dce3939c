# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Stored chunks to pixels without HDF5's filters: the compiled decoders, which trust no byte.

`codec_of` says what a filter pipeline amounts to, `decode` is the one place that calls the compiled code.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from azimuthal import _core
from azimuthal.engines import CHUNK_CODECS
from azimuthal.errors import FileFormatError
from azimuthal.io.frames._chunk_check import BITSHUFFLE, LZ4
from azimuthal.typing import AnyArray

#: Value 4 of the options of the bitshuffle filter.
_BITSHUFFLE_CODECS = {2: "bitshuffle-lz4", 3: "bitshuffle-zstd"}
_DAMAGE = {
    1: "its header contradicts the shape and type of the dataset",
    2: "it is shorter than its blocks",
    3: "a block is damaged",
}

#: Codecs that `decode` knows, in the order of the core's numbers.
CODECS = CHUNK_CODECS


def codec_of(pipeline: tuple[tuple[int, tuple[int, ...]], ...], item_size: int) -> str | None:
    """Return the name of the codec that a filter pipeline is; None when it is another, or several.

    Parameters
    ----------
    pipeline:
        Number and options of every filter, as `azimuthal.io.hdf5.filter_options` gives them.
    item_size:
        Bytes of an element.
    """
    if not pipeline:
        return "none"
    number, options = pipeline[0]
    if len(pipeline) > 1:
        return None
    if number == LZ4:
        return "lz4"
    if number != BITSHUFFLE or len(options) < 5 or options[2] != item_size:
        return None
    return _BITSHUFFLE_CODECS.get(options[4])


def decode(codec: str, chunk: Any, out: AnyArray, where: str, n_threads: int) -> None:
    """Decode a chunk.

    Parameters
    ----------
    codec:
        One of `CODECS`.
    chunk:
        The stored bytes.
    out:
        C-contiguous, as many bytes as the chunk has decoded.
    where:
        Names the chunk in the error.
    n_threads:
        How many threads may work on it.

    Raises
    ------
    FileFormatError
        The chunk is truncated or damaged; `out` then holds anything.
    """
    flat = out.reshape(-1).view(np.uint8)
    if codec == "none":
        if len(chunk) != flat.size:
            raise FileFormatError(f"{where}: expected a stored chunk of {flat.size} bytes, got {len(chunk)}.")
        flat[:] = np.frombuffer(chunk, np.uint8)
        return
    status = _core.chunk_decode(CODECS.index(codec), chunk, out.dtype.itemsize, flat, n_threads)
    if status:
        raise FileFormatError(f"{where}: the compressed chunk of {len(chunk)} bytes is damaged: {_DAMAGE[status]}.")
