# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Average any number of frames in bounded memory; definitions in :mod:`azimuthal.images.averaging`.

Mean, sum, std, min and max go through the frames once and hold a few images.  Medians, quantiles, trimmed and clipped
means need all values of a pixel: the image is worked on in blocks of rows, as many as fit, and every block is one pass
over the frames, which must be readable again (files and arrays are, generators are not).
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from azimuthal._validate import boolean_mask, image_array, positive_integer
from azimuthal.detectors import Detector, InvalidValues
from azimuthal.detectors import detector as find_detector
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.images.averaging import ONE_PASS, AverageMethod, AverageSettings, FrameAverage, RunningSums
from azimuthal.images.averaging import block_statistics as statistics_of
from azimuthal.io.frames import FrameSource, open_frames
from azimuthal.masks import InvalidRanges, invalid_pixels, invalid_ranges
from azimuthal.typing import AnyArray, BoolArray, FloatArray

__all__ = ["average"]

_READ_AHEAD = 4
_MEMORY = 512 << 20
_COPIES = 3  # of a block, while it is sorted and clipped


def average(
    source: Any,
    method: AverageMethod = "mean",
    *,
    quantile: float | None = None,
    quantiles: tuple[float, float] | None = None,
    n_sigma: float | None = None,
    dark: Any = None,
    normalization_factors: Any = None,
    mask: Any = None,
    detector: Detector | str | None = None,
    invalid_values: bool = True,
    dummy: float | None = None,
    delta_dummy: float | None = None,
    memory: int = _MEMORY,
    progress: Callable[[int, int], None] | None = None,
) -> FrameAverage:
    """Return one image of many frames.

    Parameters
    ----------
    source:
        Anything that :func:`azimuthal.open_frames` takes.
    method:
        "mean", "sum", "std", "min", "max", "median", "quantile", "trimmed_mean" or "clipped_mean".
    quantile:
        For "quantile", in [0, 1].
    quantiles:
        For "trimmed_mean": (low, high); default (0.1, 0.9).
    n_sigma:
        For "clipped_mean"; default 3.
    dark:
        Image that is subtracted from every frame, or a :class:`FrameAverage`, whose variance is then added to that of
        the mean and of other averages (it is common to all frames); where it is not finite, pixels are masked.
    normalization_factors:
        One monitor value per frame, greater than 0; None for 1.
    mask:
        bool, shape of a frame, True = excluded.
    detector:
        Which values are invalid and where gaps are; None: largest value of unsigned types, NaN; no gaps.
    invalid_values:
        False to let invalid values take part.
    dummy, delta_dummy:
        Further invalid values: ``|raw - dummy| <= delta_dummy``.
    memory:
        Bytes that the values of a block of rows may take, for the methods of several passes.
    progress:
        Called with (frames read, frames to be read) over all passes; an exception that it raises ends the work.

    Returns
    -------
    :
        Image, count, variance.

    Raises
    ------
    ParameterError, ShapeError, DataTypeError, UnknownNameError
        An argument cannot be used; a stream is given for a method of several passes.
    FileFormatError, FileMissingError
        A frame is damaged or absent: nothing is left out silently.
    """
    settings = AverageSettings(method, quantile, quantiles, n_sigma)
    chosen = find_detector(detector) if isinstance(detector, str) else detector
    # What the caller has opened stays open.
    opened = contextlib.nullcontext(source) if isinstance(source, FrameSource) else open_frames(source)
    with opened as frames:
        ranges = invalid_ranges(
            InvalidValues() if chosen is None else chosen.invalid,
            frames.dtype,
            dummy=dummy,
            delta_dummy=delta_dummy,
            enabled=invalid_values,
        )
        work = _Work(frames, _monitors(normalization_factors, frames), *_static(frames, dark, mask, chosen), ranges)
        told = progress or (lambda _done, _total: None)
        if settings.method in ONE_PASS:
            image, count, variance, n_frames = _one_pass(work, settings, told)
        else:
            image, count, variance, n_frames = _by_blocks(work, settings, positive_integer("memory", memory), told)
        variance = _with_dark_variance(variance, count, work, settings, dark)
        facts = _facts(frames, work, dark, ranges)
    return FrameAverage(image, count, variance, settings, n_frames, facts)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """Frames and what is done to each of them before it counts."""

    frames: FrameSource
    monitors: FloatArray | None
    dark: FloatArray | None
    masked: BoolArray
    ranges: InvalidRanges

    def monitor(self, index: int) -> float:
        """Return the monitor of a frame."""
        if self.monitors is None:
            return 1.0
        if index >= self.monitors.size:
            raise ParameterError(f"normalization_factors: got {self.monitors.size} values, and there are more frames.")
        return float(self.monitors[index])

    def signal(self, raw: AnyArray, rows: slice) -> tuple[FloatArray, BoolArray]:
        """Return raw - dark and which pixels are invalid, of some rows of a frame."""
        part = raw[rows]
        invalid = self.masked[rows] | invalid_pixels(part, self.ranges)
        signal = part.astype(np.float64)
        if self.dark is not None:
            signal -= self.dark[rows]
        return signal, invalid


def _one_pass(
    work: _Work, settings: AverageSettings, told: Callable[[int, int], None]
) -> tuple[FloatArray, Any, FloatArray, int]:
    sums = RunningSums(settings.method, work.frames.shape)
    total = work.frames.n_frames or 0
    n_frames = 0
    for index, raw in _in_order(work.frames):
        signal, invalid = work.signal(raw, slice(None))
        sums.add(signal, work.monitor(index), invalid)
        n_frames = index + 1
        told(n_frames, max(total, n_frames))
    if work.monitors is not None and work.monitors.size != n_frames:
        raise ParameterError(
            f"normalization_factors: expected {n_frames} values, one per frame, got {work.monitors.size}."
        )
    return *sums.result(), n_frames


def _by_blocks(
    work: _Work, settings: AverageSettings, memory: int, told: Callable[[int, int], None]
) -> tuple[FloatArray, Any, FloatArray, int]:
    frames = work.frames
    n_frames = frames.n_frames
    if n_frames is None:
        raise ParameterError(
            f"method: {settings.method!r} reads frames several times, and a stream can be read once. Pass files, an "
            "array or a list, or method='mean'."
        )
    (n_slow, n_fast), n_rows = frames.shape, 0
    n_rows = min(n_slow, memory // (n_frames * n_fast * 8 * _COPIES))
    if n_rows < 1:
        needed = n_frames * n_fast * 8 * _COPIES
        raise ParameterError(f"memory: one row of all {n_frames} frames takes {needed} bytes, got {memory}.")
    n_passes = math.ceil(n_slow / n_rows)
    image, variance = np.empty(frames.shape), np.empty(frames.shape)
    count = np.empty(frames.shape, np.int64)
    for number in range(n_passes):
        rows = slice(number * n_rows, min(n_slow, (number + 1) * n_rows))
        shape = (rows.stop - rows.start, n_fast)
        values = np.empty((shape[0] * n_fast, n_frames))
        for index, raw in _in_order(frames):
            signal, invalid = work.signal(raw, rows)
            signal /= work.monitor(index)
            signal[invalid] = np.nan
            values[:, index] = signal.reshape(-1)
            told(number * n_frames + index + 1, n_passes * n_frames)
        found = statistics_of(values, settings)
        for target, part in zip((image, count, variance), found, strict=True):
            target[rows] = part.reshape(shape)
    return image, count, variance, n_frames


def _in_order(frames: FrameSource) -> Iterator[tuple[int, AnyArray]]:
    """Yield (index, frame), read ahead by a few threads where the source can."""
    if frames.n_frames is None or frames.is_in_memory:
        yield from enumerate(frames)
        return
    waiting: deque[Future[AnyArray]] = deque()
    with ThreadPoolExecutor(_READ_AHEAD) as pool:
        try:
            for index in range(min(_READ_AHEAD, frames.n_frames)):
                waiting.append(pool.submit(frames.read, index))
            for index in range(frames.n_frames):
                raw = waiting.popleft().result()
                if index + _READ_AHEAD < frames.n_frames:
                    waiting.append(pool.submit(frames.read, index + _READ_AHEAD))
                yield index, raw
        finally:
            for future in waiting:
                future.cancel()


def _static(
    frames: FrameSource, dark: Any, mask: Any, detector: Detector | None
) -> tuple[FloatArray | None, BoolArray]:
    """Return the dark and what is masked in every frame."""
    masked = np.zeros(frames.shape, dtype=np.bool_)
    if detector is not None:
        if detector.shape != frames.shape:
            raise ShapeError(f"detector: {detector.name} has shape {detector.shape}, the frames {frames.shape}.")
        masked |= detector.gap_mask()
    if mask is not None:
        masked |= boolean_mask("mask", mask, frames.shape)
    if dark is None:
        return None, masked
    subtracted = image_array("dark", dark.image if isinstance(dark, FrameAverage) else dark, frames.shape)
    return np.where(np.isfinite(subtracted), subtracted, 0.0), masked | ~np.isfinite(subtracted)


def _monitors(values: Any, frames: FrameSource) -> FloatArray | None:
    if values is None:
        return None
    monitors = np.asarray(values, dtype=np.float64).reshape(-1)
    if frames.n_frames is not None and monitors.size != frames.n_frames:
        raise ParameterError(
            f"normalization_factors: expected {frames.n_frames} values, one per frame, got {monitors.size}."
        )
    if not ((monitors > 0) & (monitors < np.inf)).all():
        bad = int(np.flatnonzero(~((monitors > 0) & (monitors < np.inf)))[0])
        raise ParameterError(
            f"normalization_factors: expected values greater than 0, got {monitors[bad]} for frame {bad}."
        )
    return monitors


def _with_dark_variance(
    variance: FloatArray, count: Any, work: _Work, settings: AverageSettings, dark: Any
) -> FloatArray:
    """Add the variance of the dark, which is common to all frames; without it that of the dark is taken as 0."""
    if not isinstance(dark, FrameAverage) or settings.method in ("std", "min", "max"):
        return variance
    known = np.where(np.isfinite(dark.variance), dark.variance, np.nan)
    inverse = np.ones(1) if work.monitors is None else 1.0 / work.monitors
    if settings.method == "mean":
        share = 1.0 if work.monitors is None else float(1.0 / work.monitors.mean()) ** 2
    else:
        share = float(inverse.mean()) ** 2
    common: FloatArray = known * share * (count**2 if settings.method == "sum" else 1.0)
    return variance + common


def _facts(frames: FrameSource, work: _Work, dark: Any, ranges: InvalidRanges) -> dict[str, Any]:
    return {
        "source": frames.metadata.get("path", frames.name),
        "dtype": str(frames.dtype),
        "dark": None if dark is None else (dark.metadata if isinstance(dark, FrameAverage) else "array"),
        "monitors": None if work.monitors is None else [float(work.monitors.min()), float(work.monitors.max())],
        "invalid_values": ranges.describe(),
        "masked_pixels": int(np.count_nonzero(work.masked)),
    }
