# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The covariance of bins that are made of parts of other bins.

With new sums ``S' = W S``, W holding the part of every old bin in every new one, the covariance of the sums is
``C' = W C W^T``.  Its diagonal, the variance, then has what pixels contribute to two bins that have become one: twice
their covariance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from azimuthal.results._covariance import PairSums
from azimuthal.results._history import fields
from azimuthal.results._sums import Sums
from azimuthal.sparse import BinPairs
from azimuthal.typing import FloatArray, IntArray


class Parts(NamedTuple):
    """The matrix W: old bin `source` gives its `part` to the new bin `target`; bins numbered as in ``ravel()``."""

    target: IntArray
    source: IntArray
    part: FloatArray


def with_covariance(made: Sums, old: Sums, parts: Parts) -> Sums:
    """Return sums that were made as if bins were independent, with what the covariance of the old bins adds.

    Parameters
    ----------
    made:
        New sums, without covariance.
    old:
        The sums they were made of; without a covariance nothing is added.
    parts:
        Which old bins went where.
    """
    if old.covariance is None or old.variance is None or made.variance is None:
        return made
    target, source, value = _through(old.covariance, old.variance.reshape(-1), parts)
    same = target == source
    extra = np.bincount(target[same], weights=2.0 * value[same], minlength=made.signal.size)
    first, second = np.minimum(target, source)[~same], np.maximum(target, source)[~same]
    pairs, place = BinPairs.from_bins(first, second, made.signal.size)
    values = np.bincount(place, weights=value[~same], minlength=pairs.n_pairs).astype(np.float64)
    arrays: dict[str, Any] = fields(made) | {"variance": made.variance + extra.reshape(made.shape)}
    return Sums(**arrays, covariance=PairSums(pairs, values))


def without_covariance(sums: Sums) -> Sums:
    """Return the sums alone."""
    return Sums(**fields(sums))


def along(parts: Parts, shape: tuple[int, ...], dimension: int, n_new: int) -> Parts:
    """Return parts along one dimension of an array as those of all its bins.

    Parameters
    ----------
    parts:
        Numbered along the dimension.
    shape:
        Of the old sums.
    dimension, n_new:
        Which dimension, and how many bins it has afterwards.
    """
    if len(shape) == 1:
        return parts
    other = np.arange(shape[1 - dimension])
    if dimension == 0:
        target = parts.target[:, None] * shape[1] + other
        source = parts.source[:, None] * shape[1] + other
    else:
        target = other * n_new + parts.target[:, None]
        source = other * shape[1] + parts.source[:, None]
    part = np.broadcast_to(parts.part[:, None], target.shape)
    return Parts(target.reshape(-1), source.reshape(-1), part.reshape(-1))


def _through(pairs: PairSums, variance: FloatArray, parts: Parts) -> tuple[IntArray, IntArray, FloatArray]:
    """Return (new bin, new bin, covariance) of every product of parts of different bins, or of one bin in two."""
    order = np.argsort(parts.source, kind="stable")
    target, part = parts.target[order], parts.part[order]
    counts = np.bincount(parts.source, minlength=variance.size)
    starts = np.cumsum(counts) - counts
    bins = np.flatnonzero(counts > 1)
    first = np.concatenate([pairs.pairs.first, bins])
    second = np.concatenate([pairs.pairs.partners, bins])
    value = np.concatenate([pairs.values, variance[bins]])
    is_own = np.concatenate([np.zeros(pairs.values.size, bool), np.ones(bins.size, bool)])
    repeats = counts[first] * counts[second]
    row = np.repeat(np.arange(first.size), repeats)
    within = np.arange(row.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    one, two = np.divmod(within, np.maximum(counts[second][row], 1))
    kept = ~is_own[row] | (one < two)
    row, one, two = row[kept], one[kept], two[kept]
    one, two = starts[first[row]] + one, starts[second[row]] + two
    return target[one], target[two], value[row] * part[one] * part[two]
