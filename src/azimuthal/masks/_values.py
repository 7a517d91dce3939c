# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Masks and invalid values: which pixels never count, and which do not count in one frame.

Mask
    A boolean array of the shape of the frame; True means excluded. Masks are combined by "or". They are
    never inverted, cropped, padded or guessed from the number of masked pixels.

Invalid values
    A raw value that marks a pixel as not measured: what a detector writes into gaps, dead and saturated
    pixels. They are resolved once per dtype of the frames into inclusive ranges of values:

    ==================  ====================================================================================
    dtype of the frame  invalid
    ==================  ====================================================================================
    unsigned integer    the highest ``top_of_unsigned`` values (2: the highest and the one below)
    signed integer      the highest value, unless ``top_of_unsigned`` is 0; with ``negative`` all below 0 too
    float               NaN and infinities
    any                 the user's ``dummy``: all values with ``|raw - dummy| <= delta_dummy``
    ==================  ====================================================================================

    The test is made on the raw value, before any correction. Ranges of integers are Python integers, hence
    exact for 64-bit frames; those of floats are rounded inwards to the dtype of the frame, so that comparing
    in that dtype is exact too. A `dummy` is first rounded to the dtype of float frames, as the program that
    wrote the file did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from azimuthal._validate import boolean_mask, finite_number
from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.typing import AnyArray, BoolArray

__all__ = ["InvalidRanges", "combine", "describe", "invalid_pixels", "invalid_ranges"]

Bounds = tuple[int, int] | tuple[float, float]


class _InvalidRule(Protocol):
    """What is read of a detector's rule (``detectors.InvalidValues``)."""

    @property
    def top_of_unsigned(self) -> int: ...
    @property
    def negative(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class InvalidRanges:
    """Raw values that do not count, for frames of one dtype.

    Parameters
    ----------
    ranges:
        Inclusive ``(low, high)``, sorted and disjoint: Python integers for integer frames, floats for float
        frames.
    nonfinite:
        Whether NaN and infinities do not count either; meaningful for float frames only.
    """

    ranges: tuple[Bounds, ...] = ()
    nonfinite: bool = False

    def __post_init__(self) -> None:
        last: float = -math.inf
        for low, high in self.ranges:
            if not (last < low <= high):
                raise ParameterError(
                    f"ranges: expected sorted, disjoint (low, high) with low <= high, got {self.ranges}."
                )
            last = high

    def __bool__(self) -> bool:
        """Whether any value is invalid."""
        return bool(self.ranges) or self.nonfinite

    def describe(self) -> str:
        """Return the rule in words, e.g. ``"4294967294 to 4294967295"``."""
        words = [f"{low}" if low == high else f"{low} to {high}" for low, high in self.ranges]
        words += ["NaN and infinities"] if self.nonfinite else []
        return ", ".join(words) if words else "none"


def combine(*masks: AnyArray | None, shape: tuple[int, int], names: Sequence[str] | None = None) -> BoolArray:
    """Return the union of masks: True where any of them is.

    Parameters
    ----------
    masks:
        Boolean arrays (or integers 0 and 1) of `shape`, True = excluded; None is skipped.
    shape:
        Of the frame, (slow, fast).
    names:
        What messages call the masks, one for each; ``"mask"`` when not given.

    Returns
    -------
    :
        Of `shape`, boolean; new memory.

    Raises
    ------
    ShapeError
        A mask is of another shape.
    DataTypeError
        A mask is neither boolean nor of integers 0 and 1.
    """
    called = ("mask",) * len(masks) if names is None else names
    union: BoolArray = np.zeros(shape, dtype=np.bool_)
    for name, mask in zip(called, masks, strict=True):
        if mask is not None:
            union |= boolean_mask(name, mask, shape)
    return union


def describe(mask: BoolArray) -> str:
    """Return how much a mask excludes, in words: ``"1234 of 100000 pixels excluded (1.23 %)"``."""
    n_excluded = int(np.count_nonzero(mask))
    share = 100.0 * n_excluded / mask.size if mask.size else 0.0
    return f"{n_excluded} of {mask.size} pixels excluded ({share:.3g} %)"


def invalid_ranges(
    rule: _InvalidRule,
    dtype: npt.DTypeLike,
    *,
    dummy: float | None = None,
    delta_dummy: float | None = None,
    enabled: bool = True,
) -> InvalidRanges:
    """Return which raw values do not count in frames of `dtype`; table in the module docstring.

    Parameters
    ----------
    rule:
        The detector's: ``top_of_unsigned`` and ``negative``.
    dtype:
        Of the frames: u8 to u64, i8 to i64, f32 or f64, of any byte order.
    dummy:
        A further value that does not count; None for none.
    delta_dummy:
        Half width around `dummy`; None or 0 for equality.
    enabled:
        Whether `rule` and the non-finite floats apply. `dummy` applies in any case.

    Returns
    -------
    :
        The ranges; empty when nothing is invalid.

    Raises
    ------
    DataTypeError
        `dtype` is none of those above, or `dummy` is not a number.
    ParameterError
        `dummy` cannot occur in `dtype`, `delta_dummy` is negative, or is given without `dummy`.
    """
    kind = _frame_dtype(dtype)
    if dummy is None and delta_dummy is not None:
        raise ParameterError(f"delta_dummy: {delta_dummy} was given without dummy. Pass dummy=... as well.")
    delta = 0.0 if delta_dummy is None else finite_number("delta_dummy", delta_dummy)
    if delta < 0:
        raise ParameterError(f"delta_dummy: expected a width of at least 0, got {delta_dummy}.")
    if kind.kind == "f":
        own = () if dummy is None else _float_dummy(dummy, delta, kind, enabled)
        return InvalidRanges(own, nonfinite=enabled)
    integers = [] if dummy is None else [_integer_dummy(dummy, delta, kind)]
    if enabled:
        integers += _integer_rule(rule, kind)
    return InvalidRanges(_merged(integers))


def invalid_pixels(frame: AnyArray, ranges: InvalidRanges) -> BoolArray:
    """Return where the raw values of a frame do not count: the definition that engines follow.

    Parameters
    ----------
    frame:
        Raw values, any shape; of the dtype for which `ranges` was resolved.
    ranges:
        From :func:`invalid_ranges`.

    Returns
    -------
    :
        Same shape, boolean; new memory.
    """
    invalid: BoolArray = np.zeros(frame.shape, dtype=np.bool_)
    if ranges.nonfinite and frame.dtype.kind == "f":
        invalid |= ~np.isfinite(frame)
    for low, high in ranges.ranges:
        invalid |= (frame >= low) & (frame <= high)
    return invalid


def _frame_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype of frames in native byte order; anything but plain integers and f32/f64 is refused."""
    kind = np.dtype(dtype).newbyteorder("=")
    if kind.kind not in "uif" or (kind.kind == "f" and kind.itemsize not in (4, 8)):
        raise DataTypeError(
            f"dtype: expected frames of 8- to 64-bit integers, float32 or float64, got {np.dtype(dtype)}."
        )
    return kind


def _integer_rule(rule: _InvalidRule, dtype: np.dtype[Any]) -> list[tuple[int, int]]:
    """Return the ranges of a detector's rule for an integer dtype."""
    info = np.iinfo(dtype)
    low, high = int(info.min), int(info.max)
    count = min(rule.top_of_unsigned, high if dtype.kind == "u" else 1)
    top = [(high - count + 1, high)] if count > 0 else []
    return [(low, -1), *top] if dtype.kind == "i" and rule.negative else top


def _integer_dummy(dummy: float, delta: float, dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the integers within `delta` of `dummy`, cut at the ends of `dtype`; exact for 64 bits."""
    centre = int(dummy) if isinstance(dummy, (int, np.integer)) else finite_number("dummy", dummy)
    info = np.iinfo(dtype)
    low, high = int(info.min), int(info.max)
    if not low <= centre <= high:
        raise ParameterError(
            f"dummy: {dummy} cannot occur in {dtype} frames ({low} to {high}).{_wrapped_hint(centre, dtype)}"
        )
    first, last = _integers_between(centre, delta)
    if first > last:
        raise ParameterError(
            f"dummy: no integer lies within {delta} of {dummy}, so that no value of a {dtype} frame would "
            "match. Pass an integer, or a wider delta_dummy."
        )
    return max(first, low), min(last, high)


def _integers_between(centre: float, delta: float) -> tuple[int, int]:
    """Return the first and the last integer within `delta` of `centre`."""
    if isinstance(centre, int):
        return centre - math.floor(delta), centre + math.floor(delta)
    return math.ceil(centre - delta), math.floor(centre + delta)


def _wrapped_hint(centre: float, dtype: np.dtype[Any]) -> str:
    """Return what to write when an integer stands for the value of `dtype` with the same bits."""
    info = np.iinfo(dtype)
    span = int(info.max) - int(info.min) + 1
    if centre != int(centre) or abs(centre) >= span:
        return " Leave it out, or pass a value that can."
    wrapped = (int(centre) - int(info.min)) % span + int(info.min)
    return f" {int(centre)} stored as {dtype} becomes {wrapped}: pass dummy={wrapped} if that is meant."


def _float_dummy(dummy: Any, delta: float, dtype: np.dtype[Any], enabled: bool) -> tuple[Bounds, ...]:
    """Return the range within `delta` of `dummy`, rounded inwards to `dtype`."""
    if isinstance(dummy, (float, np.floating)) and np.isnan(dummy):
        if enabled:
            return ()
        raise ParameterError("dummy: NaN is excluded by invalid_values=True, which is off. Switch it on.")
    with np.errstate(over="ignore"):
        centre = float(dtype.type(finite_number("dummy", dummy)))
    if math.isinf(centre):
        raise ParameterError(f"dummy: {dummy} cannot occur in {dtype} frames (at most {np.finfo(dtype).max}).")
    return ((_rounded(centre - delta, dtype, up=True), _rounded(centre + delta, dtype, up=False)),)


def _rounded(value: float, dtype: np.dtype[Any], *, up: bool) -> float:
    """Return the nearest value of `dtype` that is not below (`up`) or not above `value`; never infinite."""
    largest = float(np.finfo(dtype).max)
    cut = min(max(value, -largest), largest)
    near = dtype.type(cut)
    if (float(near) < cut) if up else (float(near) > cut):
        near = np.nextafter(near, dtype.type(math.inf if up else -math.inf))
    return float(near)


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return sorted ranges of integers with overlapping and adjacent ones joined."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)
