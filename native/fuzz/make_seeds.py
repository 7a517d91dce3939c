# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Write small valid inputs for chunk_fuzz: what the filters of HDF5 make of a few kinds of data.

    python native/fuzz/make_seeds.py FOLDER
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

# Numbers of the decoders in chunk_fuzz.cpp.
ZSTD, LZ4, NONE, LZ4_CHUNK, BITSHUFFLE_LZ4_3, BITSHUFFLE_ZSTD_8 = 0, 1, 2, 9, 10, 11
BITSHUFFLE_LZ4 = {1: 3, 2: 4, 4: 5, 3: BITSHUFFLE_LZ4_3}
BITSHUFFLE_ZSTD = {1: 6, 2: 7, 4: 8, 8: BITSHUFFLE_ZSTD_8}


def stored(values, **filters):
    """Return the bytes of one chunk that holds all values."""
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("x", data=values, chunks=values.shape, **filters)
        return dataset.id.read_direct_chunk((0,))[1]


def kinds(n, dtype):
    """Yield arrays of few and many different values, with and without repeats."""
    rng = np.random.default_rng(n)
    largest = np.iinfo(dtype).max
    counts = rng.poisson(3, n).astype(dtype)
    yield counts
    yield np.zeros(n, dtype)
    yield np.where(np.arange(n) % 50 < 3, largest, counts).astype(dtype)
    yield rng.integers(0, largest, n, dtype)
    yield (np.arange(n) // 9).astype(dtype)
    yield rng.normal(60, 9, n).astype(dtype)
    yield np.concatenate([counts[: n // 2], counts[: n - n // 2]])


def inputs():
    """Yield the number of a decoder, how many bytes come out, and what goes in."""
    for dtype in ("u1", "u2", "u4", "u8"):
        item = np.dtype(dtype).itemsize
        for n in (16, 131, 700):
            for values in kinds(n, dtype):
                for nelems in (0, 64):
                    if item in BITSHUFFLE_LZ4:
                        chunk = stored(values, **hdf5plugin.Bitshuffle(nelems=nelems, cname="lz4"))
                        yield BITSHUFFLE_LZ4[item], values.nbytes, chunk
                    chunk = stored(values, **hdf5plugin.Bitshuffle(nelems=nelems, cname="zstd"))
                    yield BITSHUFFLE_ZSTD[item], values.nbytes, chunk
                if item == 2:
                    yield LZ4_CHUNK, values.nbytes, stored(values, **hdf5plugin.LZ4(nbytes=512))
    yield NONE, 20, bytes(range(20))
    # Only the plug-in's compressors are at hand: their chunks are a frame, and a header before one block.
    for n in (0, 5, 40, 300, 1500, 6000, 60000):
        for values in kinds(max(n, 1), "u1"):
            chunk = stored(values, **hdf5plugin.LZ4(nbytes=1 << 20))
            yield LZ4, values.nbytes, chunk[16:]
            for level in (1, 3, 9, 19):
                yield ZSTD, values.nbytes, stored(values, **hdf5plugin.Zstd(clevel=level))


def main():
    """Write the inputs."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for k, (decoder, n_out, data) in enumerate(inputs()):
        if len(data) <= 4096:
            (folder / f"seed-{k:04d}").write_bytes(struct.pack("<BH", decoder, n_out) + data)


if __name__ == "__main__":
    main()
