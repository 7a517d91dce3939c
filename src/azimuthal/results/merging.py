# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The merger of any number of results, one after another, in the memory of two.

Sums of signal, variance, normalisation and count add up bin by bin, so that the merged mean is ::

    I = sum over results (S) / sum over results (N)

which weights every result by its normalisation: for counted photons that is the estimate of largest likelihood.
Addition of sums is associative and commutative to rounding; means are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from azimuthal.errors import DataTypeError, ParameterError
from azimuthal.results.cake import Cake
from azimuthal.results.profile import Profile

AnyResult = TypeVar("AnyResult", Profile, Cake)


def merge(results: Iterable[AnyResult]) -> AnyResult:
    """Return one result from the sums of all: the result of all frames together.

    Parameters
    ----------
    results:
        Profiles, or cakes, with the same bins, average, error model and wavelength; may be an iterator, of which two
        results at a time are in memory.

    Returns
    -------
    :
        As of :meth:`azimuthal.results.Profile.merged`.

    Raises
    ------
    ParameterError
        There is none, or two of them do not fit together; the message says which.
    DataTypeError
        Something else than a result, or profiles among cakes.
    """
    total: AnyResult | None = None
    for number, result in enumerate(results):
        if not isinstance(result, Profile | Cake):
            raise DataTypeError(f"merge: expected Profiles or Cakes, got {type(result).__name__} as number {number}.")
        try:
            total = result if total is None else total.merged(result)
        except (ParameterError, DataTypeError) as error:
            error.add_note(f"This is result number {number}, counted from 0.")
            raise
    if total is None:
        raise ParameterError("merge: expected at least one result, got none.")
    return total
