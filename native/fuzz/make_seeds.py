# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Write small valid inputs for chunk_fuzz into a folder: what the filters of HDF5 make of a few kinds of data."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np

# Numbers of the decoders in chunk_fuzz.cpp.
ZSTD, LZ4, NONE, LZ4_CHUNK, BITSHUFFLE_LZ4_3, BITSHUFFLE_ZSTD_8 = 0, 1, 2, 9, 10, 11
BITSHUFFLE_LZ4 = {1: 3, 2: 4, 4: 5, 3: BITSHUFFLE_LZ4_3}
BITSHUFFLE_ZSTD = {1: 6, 2: 7, 4: 8, 8: BITSHUFFLE_ZSTD_8}
#: Planes of a block by item size.
PLANES = {1: 19, 2: 20, 4: 21}
# The same chunks for the kernels that sum them.
SUMS = {3: 12, 4: 13, 5: 14, 6: 15, 7: 16, 8: 17, LZ4_CHUNK: 18}


def stored(values, **filters):
    """Return the bytes of one chunk that holds all values."""
    import h5py

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


def words_and_noise(rng, n):
    """Return bytes of few values in which words recur."""
    words = [rng.binomial(9, 0.4, k).astype("u1").tobytes() for k in range(3, 20)]
    pieces = b""
    while len(pieces) < n:
        word = words[min(int(rng.exponential(4)), len(words) - 1)]
        pieces += word + rng.binomial(9, 0.4, int(rng.exponential(5))).astype("u1").tobytes()
    return pieces[:n]


def frames_of_many_blocks(compressor):
    """Yield contents and a frame whose later blocks use the tables of earlier ones, then frames in a row."""
    rng = np.random.default_rng(0)
    for n in (200, 1500):
        pieces = [words_and_noise(rng, size) for size in (2 * n, n, n // 2, n)]
        for level in (1, 5, 9, 19):
            stream = compressor(level=level, write_checksum=level == 5).compressobj()
            parts = [stream.compress(piece) + stream.flush(1) for piece in pieces]  # 1: the end of a block
            yield b"".join(pieces), b"".join(parts) + stream.flush()
            one = compressor(level=level, write_content_size=level != 9).compress(pieces[2])
            yield pieces[2] * 2, one + struct.pack("<II", 0x184D2A50 + level % 16, 5) + b"skip!" + one


def of_blocks():
    """Yield chunks of blocks that end in long repeats, and begin with planes that are stored as they are."""
    import hdf5plugin

    for dtype in ("u1", "u2", "u4"):
        for n in (1024, 2048 + 24, 20_000):  # the last is summed in parts
            for values in kinds(n, dtype):
                if values.nbytes > 65535:
                    continue
                for cname, numbers in (("lz4", BITSHUFFLE_LZ4), ("zstd", BITSHUFFLE_ZSTD)):
                    chunk = stored(values, **hdf5plugin.Bitshuffle(nelems=512, cname=cname))
                    yield numbers[values.itemsize], values.nbytes, chunk
                    if cname == "lz4" and n >= 512:
                        (length,) = struct.unpack_from(">I", chunk, 12)
                        yield PLANES[values.itemsize], 512 * values.itemsize, chunk[16 : 16 + length]


def inputs():
    """Yield the number of a decoder, how many bytes come out, and what goes in."""
    import hdf5plugin
    import zstandard

    for content, frame in frames_of_many_blocks(zstandard.ZstdCompressor):
        yield ZSTD, len(content), frame
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
    yield from of_blocks()
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
            if decoder in SUMS:
                (folder / f"sums-{k:04d}").write_bytes(struct.pack("<BH", SUMS[decoder], n_out) + data)


if __name__ == "__main__":
    main()
