# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What an engine hands over: sums per bin, before any division.

With the weight ``c`` of a pixel in a bin, its signal ``s``, variance ``var`` and normalisation ``n``:

===================  ==========================  =======================================
field                average "ratio_of_sums"     "mean_of_ratios" and "sum"
===================  ==========================  =======================================
``signal``           sum of c s                  sum of c s / n
``variance``         sum of c² var               sum of c² var / n²
``normalization``    sum of c n                  sum of c
``normalization2``   sum of c² n²                sum of c²
``count``            sum of c                    sum of c
===================  ==========================  =======================================

An empty bin holds zero in all of them.  Where it was asked for, ``covariance`` holds the sums of c_a c_b var of the
bins a and b that share pixels (:mod:`azimuthal.results._covariance`).  Sums of several frames add up; means do not.

Three more are None unless an error model needs them (:mod:`azimuthal.uncertainty`):

``cross``
    Sum of c² n (s - m n) about the mean m of the bin, of the model "azimuthal", whose variance is made of the residuals
    c² (s - m n)².  With it the spread of several frames together follows exactly from theirs.
``static``
    The part of `variance` that comes from a noisy dark and flat.
``shared``
    The variance that this part amounts to when frames share that dark and that flat: the squared sum of its roots.
    Equal to `static` for one frame.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.results._covariance import PairSums
from azimuthal.typing import AnyArray, FloatArray
from azimuthal.uncertainty import merged_spread

_FIELDS = ("signal", "variance", "normalization", "normalization2", "count", "cross", "static", "shared")
_OPTIONAL = ("variance", "cross", "static", "shared")


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Sums:
    """The sums of every bin; definitions in the module docstring.

    Parameters
    ----------
    signal, normalization, normalization2, count:
        Arrays of one shape, ``(n_bins,)`` or ``(n_azimuthal, n_radial)``.
    variance:
        Same shape, or None when no error model was asked for.
    covariance:
        Of the bins that share pixels, or None when it was not asked for.
    cross, static, shared:
        Same shape, or None; `shared` is `static` where it is not given.

    Raises
    ------
    ShapeError
        The shapes differ, or are neither one- nor two-dimensional.
    DataTypeError
        An array does not hold real numbers.

    Notes
    -----
    Fields are read-only float64 arrays.  A float64 array that is read-only already is kept as it is, so that
    an engine can hand over what it made (and share what no frame changes) without a copy; every other array
    is copied.
    """

    signal: FloatArray
    variance: FloatArray | None
    normalization: FloatArray
    normalization2: FloatArray
    count: FloatArray
    covariance: PairSums | None
    cross: FloatArray | None
    static: FloatArray | None
    shared: FloatArray | None

    def __init__(
        self,
        signal: npt.ArrayLike,
        variance: npt.ArrayLike | None,
        normalization: npt.ArrayLike,
        normalization2: npt.ArrayLike,
        count: npt.ArrayLike,
        covariance: PairSums | None = None,
        cross: npt.ArrayLike | None = None,
        static: npt.ArrayLike | None = None,
        shared: npt.ArrayLike | None = None,
    ) -> None:
        values = (signal, variance, normalization, normalization2, count, cross, static, shared)
        for name, value in zip(_FIELDS, values, strict=True):
            missing = name in _OPTIONAL and value is None
            array = None if missing else _read_only(name, value)
            object.__setattr__(self, name, array)
        if self.shared is None:
            object.__setattr__(self, "shared", self.static)
        if self.variance is None and not (self.cross is None and self.static is None):
            raise ParameterError("sums: cross and static belong to a variance, which is missing.")
        if self.signal.ndim not in (1, 2):
            raise ShapeError(f"signal: expected one or two dimensions, got shape {self.signal.shape}.")
        for name in _FIELDS[1:]:
            array = getattr(self, name)
            if array is not None and array.shape != self.signal.shape:
                raise ShapeError(f"{name}: expected shape {self.signal.shape} to match signal, got {array.shape}.")
        object.__setattr__(self, "covariance", covariance)
        self._check_covariance()

    def _check_covariance(self) -> None:
        if self.covariance is None:
            return
        if self.variance is None:
            raise ParameterError("covariance: needs a variance, which is its diagonal.")
        if self.covariance.pairs.n_bins != self.signal.size:
            raise ShapeError(f"covariance: expected {self.signal.size} bins, got {self.covariance.pairs.n_bins}.")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every field."""
        return self.signal.shape

    def merge(self, *others: Sums) -> Sums:
        """Return the sums of this and all others together: elementwise addition, and the spread about the common mean.

        All are taken to share their dark and their flat.

        Raises
        ------
        ShapeError
            The shapes differ.
        ParameterError
            Some have a variance and some have none, or some that of the azimuthal model and some another.
        UnsupportedOptionError
            They have a covariance of bins that does not follow from those of the frames.
        """
        return _added([self, *others]) if others else self

    def merge_independent(self, *others: Sums) -> Sums:
        """Return the same as :meth:`merge` for sums that share neither dark nor flat."""
        merged = self.merge(*others)
        arrays: dict[str, Any] = {name: getattr(merged, name) for name in _FIELDS}
        arrays["shared"] = _total([one.shared for one in (self, *others)])
        return Sums(**arrays, covariance=merged.covariance)

    def __add__(self, other: object) -> Sums:
        if not isinstance(other, Sums):
            return NotImplemented
        return _added([self, other])

    def reordered(self, *order: slice) -> Sums:
        """Return the sums with each dimension taken through a slice, e.g. turned round."""
        moved: dict[str, Any] = {
            name: None if array is None else array[order] for name, array in self._arrays().items()
        }
        return Sums(**moved, covariance=self._moved(order))

    def _moved(self, order: tuple[slice, ...]) -> PairSums | None:
        """Return the covariance with the bins in another order; itself where nothing moves."""
        if self.covariance is None or all(one == slice(None) for one in order):
            return self.covariance
        return self.covariance.moved(np.arange(self.signal.size).reshape(self.shape)[order].reshape(-1))

    def _arrays(self) -> dict[str, FloatArray | None]:
        return {name: getattr(self, name) for name in _FIELDS}

    def _fields(self) -> tuple[FloatArray, FloatArray | None, FloatArray, FloatArray, FloatArray]:
        return self.signal, self.variance, self.normalization, self.normalization2, self.count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sums):
            return NotImplemented
        pairs = zip(self._arrays().values(), other._arrays().values(), strict=True)
        return self.covariance == other.covariance and all(_equal(one, two) for one, two in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Sums, (*self._fields(), self.covariance, self.cross, self.static, self.shared)

    def __repr__(self) -> str:
        variance = "no variance" if self.variance is None else "with variance"
        return f"Sums(shape={self.shape}, {variance}, {self.count.sum():.6g} pixels)"


def _read_only(name: str, value: npt.ArrayLike | None) -> FloatArray:
    array: AnyArray = np.asarray(value)
    if array.dtype.kind not in "uifb":
        raise DataTypeError(f"{name}: expected an array of real numbers, got dtype {array.dtype}.")
    if array.dtype == np.float64 and array.dtype.isnative and not array.flags.writeable:
        return array
    copy = np.array(array, dtype=np.float64, order="C")
    copy.flags.writeable = False
    return copy


def _equal(one: FloatArray | None, two: FloatArray | None) -> bool:
    if one is None or two is None:
        return one is two
    return np.array_equal(one, two, equal_nan=True)


def _added(all_sums: list[Sums]) -> Sums:
    first = all_sums[0]
    for other in all_sums[1:]:
        if other.shape != first.shape:
            raise ShapeError(f"sums: expected shape {first.shape} to merge, got {other.shape}.")
        _check_alike(first, other)
    if first.variance is None:
        variance, cross = None, None
    elif first.cross is not None:
        variance, cross = merged_spread(all_sums)  # type: ignore[arg-type]  # _check_alike: all have both
    else:
        variance, cross = _total([sums.variance for sums in all_sums]), None
    return Sums(
        reduce(np.add, [sums.signal for sums in all_sums]),
        variance,
        reduce(np.add, [sums.normalization for sums in all_sums]),
        reduce(np.add, [sums.normalization2 for sums in all_sums]),
        reduce(np.add, [sums.count for sums in all_sums]),
        _added_covariance(all_sums),
        cross,
        _total([sums.static for sums in all_sums]),
        _total([sums.shared for sums in all_sums], of_roots=True),
    )


def _check_alike(one: Sums, two: Sums) -> None:
    if (one.variance is None) != (two.variance is None):
        raise ParameterError(
            "sums: some have a variance and some have none, so the variance of the total is not known. "
            "Integrate all of them with the same error_model."
        )
    if (one.cross is None) != (two.cross is None):
        raise ParameterError(
            "sums: some have the variance of the azimuthal model, with what the spread about a common mean needs, and "
            "some do not. Integrate all of them with the same error_model."
        )


def _total(arrays: list[FloatArray | None], *, of_roots: bool = False) -> FloatArray | None:
    """Return the sum of the arrays (or the square of the sum of their roots), None counting as 0; None when all are."""
    held = [array for array in arrays if array is not None]
    if not held:
        return None
    if not of_roots or len(held) == 1:
        return reduce(np.add, held)
    return np.asarray(reduce(np.add, [np.sqrt(array) for array in held]) ** 2)


def _added_covariance(all_sums: list[Sums]) -> PairSums | None:
    held = [sums.covariance for sums in all_sums if sums.covariance is not None]
    if not held:
        return None
    if any(sums.cross is not None or sums.static is not None for sums in all_sums):
        raise UnsupportedOptionError(
            "sums: the covariance of a spread about a common mean, or of a dark or flat whose noise frames share, "
            "does not follow from those of the frames. Integrate with covariance=False to merge."
        )
    if len(held) < len(all_sums):
        raise ParameterError(
            "sums: some have a covariance of their bins and some have none, so that of the total is not known. "
            "Integrate all of them with the same covariance=."
        )
    return reduce(operator.add, held)
