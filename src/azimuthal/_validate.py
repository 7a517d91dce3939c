# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Checks of shape, type, finiteness, order and names: the only place that words their messages."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnknownNameError
from azimuthal.typing import AnyArray, BoolArray, FloatArray

Name = TypeVar("Name", bound=str)


def unknown_name(kind: str, name: object, known: Iterable[str], *, hint: str = "") -> UnknownNameError:
    """Return (not raise) the error for an unknown name, with the nearest known names."""
    candidates = sorted(known)
    folded = {candidate.casefold(): candidate for candidate in candidates}
    close = difflib.get_close_matches(str(name).casefold(), list(folded), n=3, cutoff=0.55)
    if close:
        suggestion = "did you mean " + " or ".join(repr(folded[match]) for match in close) + "?"
    elif len(candidates) <= 12:
        suggestion = "known: " + ", ".join(repr(candidate) for candidate in candidates) + "."
    else:
        suggestion = f"{len(candidates)} names are known."
    return UnknownNameError(f"{kind}: {name!r} is not known; {suggestion}{' ' + hint if hint else ''}")


def one_of(parameter: str, value: object, allowed: Sequence[Name]) -> Name:
    """Return `value` when it is one of `allowed`; raise with the nearest names otherwise."""
    for name in allowed:
        if value == name:
            return name
    raise unknown_name(parameter, value, allowed)


def finite_number(parameter: str, value: Any, *, unit: str = "") -> float:
    """Return `value` as a finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DataTypeError(f"{parameter}: expected a number{_in(unit)}, got {value!r}.") from None
    if not math.isfinite(number):
        raise ParameterError(f"{parameter}: expected a finite number{_in(unit)}, got {number}.")
    return number


def positive_number(parameter: str, value: Any, *, unit: str = "") -> float:
    """Return `value` as a finite float greater than zero."""
    number = finite_number(parameter, value, unit=unit)
    if number <= 0:
        raise ParameterError(f"{parameter}: expected a number greater than 0{_in(unit)}, got {number}.")
    return number


def positive_integer(parameter: str, value: Any) -> int:
    """Return `value` as an integer of at least one; booleans and fractions are refused."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise DataTypeError(f"{parameter}: expected an integer of at least 1, got {value!r}.")
    if value < 1:
        raise ParameterError(f"{parameter}: expected an integer of at least 1, got {value}.")
    return int(value)


def number_pair(parameter: str, value: Any, *, unit: str = "") -> tuple[float, float]:
    """Return two finite numbers."""
    try:
        first, second = value
    except (TypeError, ValueError):
        raise DataTypeError(f"{parameter}: expected two numbers{_in(unit)}, got {value!r}.") from None
    return (
        finite_number(f"{parameter}[0]", first, unit=unit),
        finite_number(f"{parameter}[1]", second, unit=unit),
    )


def interval(parameter: str, value: Any, *, unit: str = "") -> tuple[float, float]:
    """Return ``(low, high)`` with ``low < high``, both finite."""
    low, high = number_pair(parameter, value, unit=unit)
    if low >= high:
        raise ParameterError(
            f"{parameter}: expected low < high{_in(unit)}, got ({low}, {high}), which is empty. Swap or widen it."
        )
    return low, high


def increasing_edges(parameter: str, value: Any) -> FloatArray:
    """Return bin edges as a read-only float64 array: one dimension, at least two, finite, strictly increasing."""
    edges = np.array(value, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2:
        raise ShapeError(f"{parameter}: expected a 1-D array of at least two bin edges, got shape {edges.shape}.")
    if not np.isfinite(edges).all():
        raise ParameterError(f"{parameter}: bin edges must be finite; {np.sum(~np.isfinite(edges))} are not.")
    if not (np.diff(edges) > 0).all():
        first = int(np.flatnonzero(np.diff(edges) <= 0)[0])
        raise ParameterError(
            f"{parameter}: bin edges must increase strictly; edge {first + 1} ({edges[first + 1]}) is not above "
            f"edge {first} ({edges[first]}). Sort them and remove doubles."
        )
    edges.flags.writeable = False
    return edges


def boolean_mask(parameter: str, value: Any, shape: tuple[int, ...]) -> BoolArray:
    """Return a mask as a boolean array of `shape`; True means excluded.

    Integer masks are accepted when they hold only 0 and 1, as mask files do; nothing is inverted or cropped.
    """
    _check_unmasked(parameter, value)
    mask: AnyArray = np.asarray(value)
    if mask.shape != shape:
        raise ShapeError(
            f"{parameter}: expected shape {shape} to match the frame, got {mask.shape}. Crop or pad it explicitly."
        )
    if mask.dtype == np.bool_:
        return mask
    if mask.dtype.kind in "ui" and not ((mask != 0) & (mask != 1)).any():
        return mask.astype(np.bool_)
    raise DataTypeError(
        f"{parameter}: expected a boolean array (True = excluded) or integers 0 and 1, got dtype {mask.dtype}"
        f"{'' if mask.size == 0 else f' with values from {mask.min()} to {mask.max()}'}. Write e.g. mask != 0."
    )


def image_array(parameter: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return a per-pixel array as float64 of `shape`."""
    _check_unmasked(parameter, value)
    array: AnyArray = np.asarray(value)
    if array.dtype.kind not in "uifb":
        raise DataTypeError(f"{parameter}: expected a numeric array, got dtype {array.dtype}.")
    if array.shape != shape:
        raise ShapeError(f"{parameter}: expected shape {shape} to match the frame, got {array.shape}.")
    return array.astype(np.float64, copy=False)


def _check_unmasked(parameter: str, value: Any) -> None:
    if isinstance(value, np.ma.MaskedArray):
        raise DataTypeError(
            f"{parameter}: a masked array would lose its mask. Pass {parameter}.data, and combine its mask with mask=."
        )


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""
