# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What an engine hands over: five sums per bin, before any division.

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
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from azimuthal.errors import DataTypeError, ParameterError, ShapeError
from azimuthal.results._covariance import PairSums
from azimuthal.typing import AnyArray, FloatArray

_FIELDS = ("signal", "variance", "normalization", "normalization2", "count")


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

    def __init__(
        self,
        signal: npt.ArrayLike,
        variance: npt.ArrayLike | None,
        normalization: npt.ArrayLike,
        normalization2: npt.ArrayLike,
        count: npt.ArrayLike,
        covariance: PairSums | None = None,
    ) -> None:
        values = (signal, variance, normalization, normalization2, count)
        for name, value in zip(_FIELDS, values, strict=True):
            missing = name == "variance" and value is None
            array = None if missing else _read_only(name, value)
            object.__setattr__(self, name, array)
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
        """Return the sums of this and all others together: elementwise addition.

        Raises
        ------
        ShapeError
            The shapes differ.
        ParameterError
            Some have a variance and some have none: the total variance would be too small.
        """
        return reduce(_added, others, self)

    def __add__(self, other: object) -> Sums:
        if not isinstance(other, Sums):
            return NotImplemented
        return _added(self, other)

    def reordered(self, *order: slice) -> Sums:
        """Return the sums with each dimension taken through a slice, e.g. turned round."""
        variance = None if self.variance is None else self.variance[order]
        return Sums(
            self.signal[order],
            variance,
            self.normalization[order],
            self.normalization2[order],
            self.count[order],
            self._moved(order),
        )

    def _moved(self, order: tuple[slice, ...]) -> PairSums | None:
        """Return the covariance with the bins in another order; itself where nothing moves."""
        if self.covariance is None or all(one == slice(None) for one in order):
            return self.covariance
        return self.covariance.moved(np.arange(self.signal.size).reshape(self.shape)[order].reshape(-1))

    def _fields(self) -> tuple[FloatArray | None, ...]:
        return self.signal, self.variance, self.normalization, self.normalization2, self.count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sums):
            return NotImplemented
        pairs = zip(self._fields(), other._fields(), strict=True)
        return self.covariance == other.covariance and all(_equal(one, two) for one, two in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Sums, (*self._fields(), self.covariance)

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


def _added(one: Sums, two: Sums) -> Sums:
    if one.shape != two.shape:
        raise ShapeError(f"sums: expected shape {one.shape} to merge, got {two.shape}.")
    variance: FloatArray | None = None
    if one.variance is not None and two.variance is not None:
        variance = one.variance + two.variance
    elif one.variance is not None or two.variance is not None:
        raise ParameterError(
            "sums: some have a variance and some have none, so the variance of the total is not known. "
            "Integrate all of them with the same error_model."
        )
    return Sums(
        one.signal + two.signal,
        variance,
        one.normalization + two.normalization,
        one.normalization2 + two.normalization2,
        one.count + two.count,
        _added_covariance(one.covariance, two.covariance),
    )


def _added_covariance(one: PairSums | None, two: PairSums | None) -> PairSums | None:
    if one is not None and two is not None:
        return one + two
    if one is not two:
        raise ParameterError(
            "sums: some have a covariance of their bins and some have none, so that of the total is not known. "
            "Integrate all of them with the same covariance=."
        )
    return None
