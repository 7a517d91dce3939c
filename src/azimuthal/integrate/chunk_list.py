# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Compressed frames in memory, as a detector's stream delivers them: what ``Plan.integrate_chunks`` is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError, UnsupportedOptionError
from azimuthal.typing import AnyArray


@dataclass(frozen=True, slots=True)
class HeldChunk:
    """What has to be known of one chunk."""

    index: int
    size: int
    codec: str
    dtype: np.dtype[Any]
    can_decode: bool = False

    def decode(self, chunk: Any, out: AnyArray | None = None) -> AnyArray:
        """Raise: chunks in memory are only integrated."""
        raise UnsupportedOptionError(f"chunk {self.index}: the engine cannot integrate {self.codec} chunks.")

    def damage(self, chunk: Any) -> FileFormatError:
        """Return the error for a chunk that cannot be decoded."""
        return FileFormatError(
            f"chunk {self.index}: its {len(chunk)} bytes are damaged, or are no {self.codec} chunk of one {self.dtype} "
            "frame."
        )


@dataclass(frozen=True, slots=True, eq=False)
class ChunkList:
    """A source of frames (`azimuthal.integrate.stream.Source`) made of chunks in memory.

    Parameters
    ----------
    chunks:
        Buffers of bytes, one frame each.
    codec, dtype, shape:
        Of all frames.
    """

    chunks: Sequence[memoryview]
    codec: str
    dtype: np.dtype[Any]
    shape: tuple[int, int]
    is_in_memory: bool = True

    @property
    def n_frames(self) -> int:
        """How many."""
        return len(self.chunks)

    def __iter__(self) -> Iterator[AnyArray]:
        raise UnsupportedOptionError("chunks: can only be integrated, not decoded.")

    def stored_frames(self) -> ChunkList:
        """Return this: the chunks are the stored bytes."""
        return self

    def locate(self, index: int) -> HeldChunk:
        """Return what is known of a chunk."""
        return HeldChunk(index, len(self.chunks[index]), self.codec, self.dtype)

    def read(self, index: int, out: Any = None) -> Any:
        """Return a chunk."""
        return self.chunks[index]

    def result_metadata(self, index: int) -> dict[str, Any]:
        """Return what the result says about its frame."""
        return {"index": index}

    def decoder_of(self, index: int) -> str:
        """Return what decodes a frame."""
        return f"azimuthal: {self.codec}, fused"
