# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Many frames through one plan: what ``plan.map(source)`` does.

A frame takes the shortest way that its source and the engine have in common:

===========  =====================================================================  ============================
way          from the source                                                        engine
===========  =====================================================================  ============================
fused        the stored bytes of a whole frame in a codec and type the engine reads  ``reducer.reduce_chunks``
dense        a decoded frame                                                         ``reducer.reduce_stack``
one by one   a decoded frame                                                         ``plan(frame)``
===========  =====================================================================  ============================

Fused and dense frames go in batches of up to 16 through as many worker threads as the plan has, each batch on one
thread, while other threads read ahead (`azimuthal.integrate._relay`).  Batches become smaller towards the end, so that
the workers finish together.  The result of a frame does not depend on its batch.  ``provenance["decoder"]`` of a result
says which way it took.

A plan whose errors are the spread of the pixels goes through every frame twice: stored bytes are then decoded first, by
the worker of the batch.

Streams whose length is not known are read in the thread of the caller, one frame at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np

from azimuthal._validate import one_of
from azimuthal.engines import BinSums, RobustSums, VarianceModel
from azimuthal.errors import AzimuthalError, ShapeError
from azimuthal.integrate._relay import Relay
from azimuthal.integrate.second_pass import SecondPass
from azimuthal.masks import InvalidRanges
from azimuthal.typing import AnyArray, FloatArray

OnError: TypeAlias = Literal["raise", "yield"]

_LARGEST_BATCH = 16
#: Of what was read: bytes of one batch at most, unless a single frame is larger.
_BATCH_BYTES = 256 << 20
#: Of all batches under way: at most this, or this for each worker, whichever is more.
_BYTES_UNDER_WAY = 768 << 20
_BYTES_PER_WORKER = 96 << 20
#: Frames whose memory is claimed at once.
_SLAB = 8


class StoredFrame(Protocol):
    """What has to be known of the stored bytes of a frame."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    @property
    def codec(self) -> str:
        """How they are compressed."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, with its byte order."""

    @property
    def can_decode(self) -> bool:
        """Whether `decode` knows the codec."""

    def decode(self, chunk: Any, out: AnyArray | None = None) -> AnyArray:
        """Return the decoded frame."""

    def damage(self, chunk: Any) -> Exception:
        """Return the error for bytes that cannot be decoded."""


class StoredFrames(Protocol):
    """The stored bytes of frames: `azimuthal.io.frames.FrameSource.stored_frames`."""

    def locate(self, index: int) -> StoredFrame | None:
        """Return what is known of a frame; None when it is not stored as one chunk."""

    def read(self, index: int, out: memoryview | None = None) -> Any:
        """Return the stored bytes, in `out` where it has their size."""


class Source(Protocol):
    """Frames: `azimuthal.io.frames.FrameSource`."""

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of every frame."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the frames."""

    @property
    def n_frames(self) -> int | None:
        """How many; None for a stream."""

    @property
    def is_in_memory(self) -> bool:
        """Whether `read` hands out views of arrays that exist already."""

    def __iter__(self) -> Iterator[AnyArray]: ...

    def read(self, index: int, out: AnyArray | None = None) -> AnyArray:
        """Return a decoded frame, in `out` where that fits."""

    def result_metadata(self, index: int) -> dict[str, Any]:
        """Return what the result of a frame says about it."""

    def decoder_of(self, index: int) -> str:
        """Return what decodes a frame in `read`."""

    def stored_frames(self) -> StoredFrames | None:
        """Return access to the stored bytes."""


class Monitor(NamedTuple):
    """What a frame is divided by, and the variance of that."""

    value: float
    variance: float


@dataclass(frozen=True, slots=True, eq=False)
class Monitors:
    """Monitor values of the frames and their variances; None: 1 and 0."""

    values: FloatArray | None = None
    variances: FloatArray | None = None

    @classmethod
    def of(cls, values: Any, variances: Any) -> Monitors:
        """Return them as arrays."""
        return cls(*(None if given is None else np.asarray(given, np.float64) for given in (values, variances)))

    def check(self, n_frames: int | None) -> None:
        """Raise unless there is one for every frame."""
        for name, given in (("normalization_factors", self.values), ("normalization_variances", self.variances)):
            if given is not None and given.shape != (n_frames,):
                raise ShapeError(
                    f"{name}: expected one value for each of the {n_frames} frames, got shape {given.shape}."
                )

    def __getitem__(self, index: int) -> tuple[float, float]:
        return (
            1.0 if self.values is None else float(self.values[index]),
            0.0 if self.variances is None else float(self.variances[index]),
        )


@dataclass(frozen=True, slots=True)
class Integration:
    """What a plan lends to a stream.

    Parameters
    ----------
    shape:
        Of the frames.
    reducer:
        Of the engine.
    model:
        Variance of a pixel.
    invalid_ranges:
        Invalid values for a type of frames.
    checked_frame:
        Raises for a frame that does not fit, and returns it C-contiguous in native byte order.
    monitor:
        Checks a monitor value and its variance.
    finished:
        Makes a result of sums, monitor, invalid values and metadata.
    one:
        The plan itself: one frame to one result.
    n_threads:
        How many may work.
    second_pass:
        Completes the sums of a frame, or None.
    """

    shape: tuple[int, int]
    reducer: Any
    model: VarianceModel
    invalid_ranges: Callable[[np.dtype[Any]], InvalidRanges]
    checked_frame: Callable[[Any], AnyArray]
    monitor: Callable[[float, float], Monitor]
    finished: Callable[[BinSums | RobustSums, Monitor, InvalidRanges, dict[str, Any]], Any]
    one: Callable[..., Any]
    n_threads: int
    second_pass: SecondPass | None = None


@dataclass(slots=True)
class _Item:
    """A frame on its way: what was read of it, then its sums or the reason why there are none."""

    index: int
    metadata: dict[str, Any]
    content: Any = None
    memory: Any = None  # lent for `content`
    stored: StoredFrame | None = None  # `content` are stored bytes
    is_fused: bool = False
    decoder: str = ""
    sums: BinSums | RobustSums | None = None
    invalid: InvalidRanges | None = None
    error: Exception | None = None


def integrate_frames(integration: Integration, source: Source, monitors: Monitors, on_error: OnError) -> Generator[Any]:
    """Yield one result per frame, in order; see :meth:`azimuthal.integrate.Plan.map`.

    Parameters
    ----------
    integration:
        Of the plan.
    source:
        Open; stays open.
    monitors:
        Of the frames.
    on_error:
        "raise", or "yield" errors of this package and of the system in the place of results.
    """
    one_of("on_error", on_error, ("raise", "yield"))
    monitors.check(source.n_frames)
    stream = _Stream(integration, source)
    for item in stream.items():
        outcome = stream.outcome(item, *monitors[item.index])
        if isinstance(outcome, Exception) and (
            on_error == "raise" or not isinstance(outcome, AzimuthalError | OSError)
        ):
            raise outcome
        yield outcome


class _Stream:
    """The frames of one source through one plan."""

    def __init__(self, integration: Integration, source: Source) -> None:
        self._plan = integration
        self._source = source
        reducer = integration.reducer
        in_batches = integration.model != "variance"
        self._reduce_stack = getattr(reducer, "reduce_stack", None) if in_batches else None
        self._reduce_chunks = getattr(reducer, "reduce_chunks", None) if in_batches else None
        self._codecs = frozenset(getattr(reducer, "chunk_codecs", ()) if self._reduce_chunks else ())
        self._dtypes = frozenset(getattr(reducer, "chunk_dtypes", ()) if self._reduce_chunks else ())
        self._stored = (
            source.stored_frames() if source.n_frames is not None and source.shape == integration.shape else None
        )
        self._needs_frames = integration.second_pass is not None and integration.second_pass.is_spread
        self._ranges: dict[np.dtype[Any], InvalidRanges] = {}
        self._memory = _Memory()

    def items(self) -> Generator[_Item]:
        """Yield all frames in order, read, and reduced where that is done in batches."""
        if self._source.n_frames is None:
            for index, frame in enumerate(self._source):
                yield _Item(index, self._source.result_metadata(index), frame, decoder=self._source.decoder_of(index))
            return
        n_workers = 0 if self._reduce_stack is None else self._plan.n_threads
        n_readers = 1 if n_workers == 0 else max(2, n_workers // 2)
        n_ahead = n_workers + 2
        self._batch_bytes = min(_BATCH_BYTES, max(_BYTES_UNDER_WAY, n_workers * _BYTES_PER_WORKER) // n_ahead)
        relay = Relay(
            self._source.n_frames,
            self._read,
            self._reduced if n_workers else _unchanged,
            batch_size=self._batch_size if n_workers else _one,
            n_readers=n_readers,
            n_workers=n_workers,
            n_ahead=n_ahead,
        )
        yield from relay.outcomes()

    def outcome(self, item: _Item, factor: float, variance: float) -> Any:
        """Return the result of a frame, or the error that it ended in."""
        try:
            if item.error is not None:
                return item.error
            if item.sums is None or item.invalid is None:
                result = self._plan.one(
                    item.content,
                    normalization_factor=factor,
                    normalization_variance=variance,
                    metadata=item.metadata,
                )
            else:
                monitor = self._plan.monitor(factor, variance)
                result = self._plan.finished(item.sums, monitor, item.invalid, item.metadata)
        except (AzimuthalError, OSError) as error:
            return error
        for one in getattr(result, "results", (result,)):  # a set of plans gives several
            one.provenance["decoder"] = item.decoder
        return result

    def _batch_size(self, index: int) -> int:
        """Return how many frames from this one on go together."""
        n_frames = self._source.n_frames or 0
        share = -(-(n_frames - index) // self._plan.n_threads)
        return max(1, min(_LARGEST_BATCH, share, self._batch_bytes // max(1, self._bytes_of(index))))

    def _bytes_of(self, index: int) -> int:
        """Return how much memory a frame needs until it is reduced."""
        try:
            stored = None if self._stored is None else self._stored.locate(index)
        except (AzimuthalError, OSError):  # will be met again when the frame is read
            stored = None
        if stored is not None and self._is_fused(stored):
            return stored.size
        return self._source.dtype.itemsize * self._source.shape[0] * self._source.shape[1]

    def _is_fused(self, stored: StoredFrame) -> bool:
        return stored.codec in self._codecs and stored.dtype.isnative and stored.dtype.name in self._dtypes

    def _read(self, index: int) -> _Item:
        """Read a frame; every exception is kept for its place in the order."""
        item = _Item(index, {"index": index})
        try:
            self._fetch(item)
            item.metadata = self._source.result_metadata(index)
        except Exception as error:  # raised again where the frame is due
            item.error = error
        return item

    def _fetch(self, item: _Item) -> None:
        if self._stored is not None and self._reduce_stack is not None:
            stored = self._stored.locate(item.index)
            if stored is not None and (self._is_fused(stored) or stored.can_decode):
                if self._source.is_in_memory:
                    item.content = self._stored.read(item.index)
                else:
                    item.memory = self._memory.of_bytes(stored.size)
                    item.content = self._stored.read(item.index, item.memory[: stored.size])
                item.stored = stored
                item.is_fused = self._is_fused(stored)
                is_dense = self._needs_frames or not item.is_fused
                item.decoder = f"azimuthal: {stored.codec}, {'dense' if is_dense else 'fused'}"
                return
        if self._reduce_stack is not None and not self._source.is_in_memory:
            item.memory = self._memory.of_frame(self._source.shape, self._source.dtype)
        item.content = self._source.read(item.index, item.memory)
        item.decoder = self._source.decoder_of(item.index)

    def _reduced(self, items: Sequence[_Item]) -> Sequence[_Item]:
        """Reduce a batch; what was read is let go."""
        for item in items:
            if item.error is None and (not item.is_fused or self._needs_frames):
                self._make_dense(item)
        good = (item for item in items if item.error is None)
        for _, group in groupby(good, _kind):
            together = list(group)
            try:
                self._reduce(together)
            except Exception as error:  # raised again where the first of them is due
                for item in together:
                    item.error = error
        for item in items:
            item.content = None
            self._memory.take_back(item.memory)
            item.memory = None
        return items

    def _make_dense(self, item: _Item) -> None:
        try:
            if item.stored is not None:
                frame = self._memory.of_frame(self._source.shape, item.stored.dtype.newbyteorder("="))
                item.content = self._decoded(item, item.stored, frame)
                self._memory.take_back(item.memory)
                item.memory, item.is_fused = frame, False
            item.content = self._plan.checked_frame(item.content)
        except Exception as error:  # raised again where the frame is due
            item.error = error

    def _reduce(self, items: list[_Item]) -> None:
        """Reduce frames of one kind."""
        first = items[0]
        contents = [item.content for item in items]
        if first.is_fused and first.stored is not None and self._reduce_chunks is not None:
            invalid = self._invalid(first.stored.dtype)
            sums = self._reduce_chunks(contents, first.stored.codec, first.stored.dtype, self._plan.model, invalid)
        else:
            invalid = self._invalid(first.content.dtype)
            flat = [content.reshape(-1) for content in contents]
            sums = self._reduce_stack(flat, self._plan.model, invalid)  # type: ignore[misc]  # batches need it
        for item, of_item in zip(items, sums, strict=True):
            if of_item is not None:
                item.sums = _frozen(self._completed(item, of_item, invalid))
                item.invalid = invalid
            elif item.stored is not None:
                item.error = item.stored.damage(item.content)

    def _completed(self, item: _Item, sums: BinSums, invalid: InvalidRanges) -> BinSums:
        if self._plan.second_pass is None:
            return sums
        return self._plan.second_pass(sums, lambda: self._dense(item).reshape(-1), invalid, n_threads=1)

    def _dense(self, item: _Item) -> AnyArray:
        """Return the frame, decoded where it is not yet."""
        if item.is_fused and item.stored is not None:
            return self._decoded(item, item.stored, np.empty(self._source.shape, item.stored.dtype))
        frame: AnyArray = item.content
        return frame

    def _decoded(self, item: _Item, stored: StoredFrame, frame: AnyArray) -> AnyArray:
        """Return `frame`, filled with the pixels of the stored bytes; by the engine where it knows them."""
        if not item.is_fused:
            return stored.decode(item.content, frame)
        if not self._plan.reducer.decode_chunk(item.content, stored.codec, frame):
            raise stored.damage(item.content)
        return frame

    def _invalid(self, dtype: np.dtype[Any]) -> InvalidRanges:
        found = self._ranges.get(dtype)
        if found is None:
            found = self._ranges[dtype] = self._plan.invalid_ranges(dtype)
        return found


class _Memory:
    """Memory for what is read, used again and again: fresh pages would cost more than reading into them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._each = 0
        self._bytes: list[memoryview] = []
        self._frames: list[AnyArray] = []

    def of_bytes(self, size: int) -> memoryview:
        """Return `size` bytes or more."""
        with self._lock:
            if size > self._each:  # a little larger, for frames differ; smaller pieces are let go
                self._each = size + size // 8 + 64
                self._bytes.clear()
            if not self._bytes:  # several at once, because large pieces get large pages
                slab = np.empty(_SLAB * self._each, np.uint8).data
                self._bytes += [slab[start : start + self._each] for start in range(0, len(slab), self._each)]
            return self._bytes.pop()

    def of_frame(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> AnyArray:
        """Return an array."""
        with self._lock:
            memory = self._frames.pop() if self._frames else None
        fits = memory is not None and memory.shape == shape and memory.dtype == dtype
        return memory if memory is not None and fits else np.empty(shape, dtype)

    def take_back(self, memory: Any) -> None:
        """Keep what one of the others returned; None is nothing."""
        with self._lock:
            if isinstance(memory, memoryview):
                if len(memory) == self._each:
                    self._bytes.append(memory)
            elif memory is not None:
                self._frames.append(memory)


def _kind(item: _Item) -> tuple[Any, ...]:
    """Return what frames must share to be reduced together."""
    if item.is_fused and item.stored is not None:
        return item.stored.codec, item.stored.dtype
    return None, item.content.dtype


def _frozen(sums: Any) -> Any:
    """Make the arrays read-only, so that results keep them without a copy; a set of plans has a tuple of sums."""
    if isinstance(sums, tuple):
        return tuple(_frozen(one) for one in sums)
    if isinstance(sums, RobustSums):
        _frozen(sums.sums)
        return sums
    arrays = (sums.signal, sums.variance, sums.normalization, sums.normalization2, sums.count, sums.cross, sums.static)
    for array in arrays:
        if array is not None:
            array.flags.writeable = False
    return sums


def _unchanged(items: Sequence[_Item]) -> Sequence[_Item]:
    return items


def _one(_index: int) -> int:
    return 1
