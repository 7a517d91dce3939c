# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Yardsticks: reading the frame from memory and decoding LZ4, which nobody can pass, and reading through h5py.

Reading: a bitwise OR over the frame as 64-bit numbers, one frame per thread.

LZ4 alone: liblz4 decodes every block of a chunk into one buffer that stays in the cache; nothing is untransposed or
stored.  It is called through ctypes; the cost of those calls, measured with blocks of no length, is subtracted.  On one
core only, since such calls hold Python's lock.

h5py + hdf5plugin: the decoded frame in memory; its global lock lets one thread read at a time.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import struct
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders._protocol import Entry
from azimuthal.pipelines.benchmark.contenders.ours import SINGLE_FRAMES
from azimuthal.pipelines.benchmark.measurement import ContenderKind
from azimuthal.pipelines.benchmark.workbench import Workbench, relative_deviation
from azimuthal.typing import AnyArray

name = "yardstick"
kind: ContenderKind = "limit"
distribution: str | None = None
install = ""

MEMORY, LZ4, H5PY = "memory read", "LZ4 alone", "h5py + hdf5plugin"
_HEADER = struct.Struct(">QI")
_LENGTH = struct.Struct(">I")


def entries(case: Case, bench: Workbench) -> Iterator[Entry]:
    """Return the limits of a case."""
    if case.kind in ("dense", "cake"):
        yield _memory(bench.frames(case), bench.threads)
    elif case.kind == "chunk":
        decompress = _liblz4()
        if decompress is not None and bench.threads == 1:
            yield _lz4(bench.chunks(case), 8 * np.dtype(case.dtype).itemsize, decompress)
        yield _h5py(case, bench)


def _memory(frames: list[AnyArray], threads: int) -> Entry:
    words = [frame.reshape(-1)[: frame.size // 8 * 8].view(np.uint64) for frame in frames]
    pool = ThreadPoolExecutor(threads)
    read: Callable[[AnyArray], Any] = np.bitwise_or.reduce
    return Entry(label=MEMORY, work=lambda: list(pool.map(read, words)), n_frames=len(words))


def _h5py(case: Case, bench: Workbench) -> Entry:
    dataset, frames = bench.dataset(case), bench.frames(case)
    out = np.empty_like(frames[0])
    numbers = range(min(SINGLE_FRAMES, len(frames)))

    def read() -> AnyArray:
        for number in numbers:
            dataset.read_direct(out, source_sel=np.s_[number])
        return out

    return Entry(
        label=H5PY,
        work=read,
        n_frames=len(numbers),
        deviation=lambda last: relative_deviation(last, frames[numbers[-1]].astype(np.float64)),
        tolerance=0.0,
        note="one thread",
    )


def _lz4(chunks: list[bytes], group: int, decompress: Any) -> Entry:
    lists = [_blocks(chunk, group) for chunk in chunks[:SINGLE_FRAMES]]
    block = max(size for blocks in lists for _, _, size in blocks)
    buffer = ctypes.create_string_buffer(block)
    target = ctypes.addressof(buffer)
    calls = [tuple(zip(*((source, target, length, size) for source, length, size in b), strict=True)) for b in lists]
    empty = [(sources, targets, (0,) * len(sizes), sizes) for sources, targets, _, sizes in calls]

    def run(arguments: Any) -> None:
        for columns in arguments:
            deque(map(decompress, *columns), maxlen=0)

    def wrong(_: Any) -> float:
        decoded = [decompress(*one) for columns in calls for one in zip(*columns, strict=True)]
        return float(decoded != [size for blocks in lists for _, _, size in blocks])

    keep_alive = (chunks, buffer)
    return Entry(
        label=LZ4,
        work=lambda: run(calls),
        n_frames=len(lists),
        deviation=lambda result: wrong((result, keep_alive)),
        tolerance=0.0,
        overhead=lambda: run(empty),
        note="liblz4 into a cached buffer, cost of calls subtracted",
    )


def _blocks(chunk: bytes, group: int) -> list[tuple[int, int, int]]:
    """Return address, compressed and decoded bytes of every block of a bitshuffle-LZ4 chunk."""
    total, block = _HEADER.unpack_from(chunk)
    start = ctypes.cast(ctypes.c_char_p(chunk), ctypes.c_void_p).value or 0
    found, position = [], _HEADER.size
    compressed = total - total % group  # what is left of eight numbers is stored as it is
    for decoded in range(0, compressed, block):
        (length,) = _LENGTH.unpack_from(chunk, position)
        position += _LENGTH.size
        found.append((start + position, length, min(block, compressed - decoded)))
        position += length
    return found


def _liblz4() -> Any:
    """Return the decoder of the system's liblz4; None where there is none."""
    path = ctypes.util.find_library("lz4")
    if path is None:
        return None
    decompress = ctypes.PyDLL(path).LZ4_decompress_safe
    decompress.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
    decompress.restype = ctypes.c_int
    return decompress
