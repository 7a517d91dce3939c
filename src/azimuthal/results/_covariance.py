# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Covariance of bins, from sums over the pixels that they share.

Splitting lets a pixel p feed several bins with weights c.  Its fluctuation then goes into all of them, and the sums of
signal S of two bins have the covariance ::

    C_ab = cov(S_a, S_b) = sum_p c_ap c_bp v_p

in matrix form C = W diag(v) W^T.  Its diagonal is the sum of variance V.  With the normalisation N of the bins (which
has no fluctuation here) the intensities I = S / N have the covariance C_ab / (N_a N_b); for the average "sum" it is
C_ab itself.

Weights of a pixel that lies wholly inside the range add up to one, so all elements of C together are the variance of
all counts, split or not: sum_ab C_ab = sum_p v_p (sum_a c_ap)^2.  What the diagonal lacks is beside it.

A correlation does not depend on the scale of the intensities: rho_ab = C_ab / sqrt(C_aa C_bb).

Effective sample size
    n_eff = n^2 / sum_ab rho_ab, the number of independent points whose plain mean is as precise as that of the n
    correlated ones (Bayley and Hammersley, J. R. Stat. Soc. Suppl. 8, 184 (1946), doi:10.2307/2983560).  n without
    splitting; less with it.

Chi-square
    With residuals r = I - model of the bins that have pixels and a variance,
    ``chi2 = r^T C^-1 r`` follows the chi-square distribution of as many degrees of freedom as bins, less the fitted
    parameters, where the fluctuations are Gaussian and v is their variance.  The sum of (r / sigma)^2 has the same mean
    for a model without parameters, but a wider spread; and a fit that minimises it has the wrong number of degrees of
    freedom and too small errors of its parameters.  The inverse is never formed: Cholesky's factor L of C, found
    within the band (Golub and Van Loan, Matrix Computations, 4th ed., 4.3.5), gives chi2 = |L^-1 r|^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from azimuthal.errors import ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.sparse import BinPairs
from azimuthal.typing import BoolArray, FloatArray, IntArray

#: A dense matrix of more bins than this is refused: 3.2 GB.
MOST_DENSE_BINS = 20_000
#: More bins than this are not solved for without a narrow band: a minute of work.
_MOST_SOLVED_BINS = 6_000
#: A Cholesky pivot below this part of the variance means that a bin has no fluctuation of its own.
_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """The sums C_ab of the bins that share pixels, a < b; bins are numbered as in ``signal.ravel()``.

    Parameters
    ----------
    pairs:
        Which bins.
    values:
        float64, shape (pairs.n_pairs,); read-only.
    """

    pairs: BinPairs
    values: FloatArray

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.shape != (self.pairs.n_pairs,):
            raise ShapeError(f"covariance: expected {self.pairs.n_pairs} values, got shape {values.shape}.")
        if values is not self.values or values.flags.writeable:
            values = values.copy()
            values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PairSums):
            return NotImplemented
        return self.pairs.equals(other.pairs) and np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (self.pairs.indptr, self.pairs.partners, self.values)

    def __add__(self, other: PairSums) -> PairSums:
        if self.pairs.equals(other.pairs):
            return PairSums(self.pairs, self.values + other.values)
        first = np.concatenate([self.pairs.first, other.pairs.first])
        second = np.concatenate([self.pairs.partners, other.pairs.partners])
        pairs, place = BinPairs.from_bins(first, second, self.pairs.n_bins)
        values = np.bincount(place, weights=np.concatenate([self.values, other.values]), minlength=pairs.n_pairs)
        return PairSums(pairs, np.asarray(values, dtype=np.float64))

    def scaled(self, factor: float) -> PairSums:
        """Return the sums times a number."""
        return PairSums(self.pairs, self.values * factor)

    def weighted(self, factors: FloatArray) -> PairSums:
        """Return the sums as if the signal of every bin, in order, had been multiplied by a factor."""
        return PairSums(self.pairs, self.values * factors[self.pairs.first] * factors[self.pairs.partners])

    def without_gaps(self) -> PairSums:
        """Return the sums with 0 where a bin is empty (NaN)."""
        return PairSums(self.pairs, np.nan_to_num(self.values, nan=0.0, posinf=np.inf, neginf=-np.inf))

    def moved(self, old: IntArray) -> PairSums:
        """Return the sums with bins in another order.

        Parameters
        ----------
        old:
            For each bin of the new order, its number in the old one; bins that do not occur are left out.
        """
        new = np.full(self.pairs.n_bins, -1, np.int64)
        new[old] = np.arange(old.size)
        first, second = new[self.pairs.first], new[self.pairs.partners]
        kept = (first >= 0) & (second >= 0)
        pairs, place = BinPairs.from_bins(first[kept], second[kept], old.size)
        values = np.empty(pairs.n_pairs)
        values[place] = self.values[kept]
        return PairSums(pairs, values)


def _restored(indptr: IntArray, partners: object, values: FloatArray) -> PairSums:
    return PairSums(BinPairs(indptr, np.asarray(partners, dtype=np.int32)), values)


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """How far a result is from a model.

    Parameters
    ----------
    value:
        With the covariance of the bins.
    diagonal:
        As if the bins were independent: the sum of (residual / sigma)^2.
    n_bins:
        Bins that count: those with pixels, a variance above zero, and a finite model.
    n_parameters:
        Of the model, that were fitted to these data.
    """

    value: float
    diagonal: float
    n_bins: int
    n_parameters: int = 0

    @property
    def degrees_of_freedom(self) -> int:
        """Number of bins less the number of parameters."""
        return self.n_bins - self.n_parameters

    @property
    def reduced(self) -> float:
        """`value` per degree of freedom."""
        return self.value / self.degrees_of_freedom


def dense(diagonal: FloatArray, sums: PairSums) -> FloatArray:
    """Return the symmetric matrix of a diagonal, shape (n_bins,), and pairs; shape (n_bins, n_bins)."""
    if diagonal.size > MOST_DENSE_BINS:
        raise UnsupportedOptionError(
            f"covariance: a dense matrix of {diagonal.size} bins takes {diagonal.size**2 * 8 / 1e9:.3g} GB. Ask for "
            "banded=True where the bins lie along a line, or use covariance_pairs()."
        )
    matrix = np.diag(diagonal)
    first, second = sums.pairs.first, sums.pairs.partners
    matrix[first, second] = matrix[second, first] = sums.values
    return matrix


def banded(diagonal: FloatArray, sums: PairSums) -> FloatArray:
    """Return the lower form of a banded matrix: element (a + k, a) at [k, a]; shape (bandwidth + 1, n_bins)."""
    pairs = sums.pairs
    width = pairs.bandwidth
    if (width + 1) * diagonal.size > MOST_DENSE_BINS**2:
        raise UnsupportedOptionError(
            f"covariance: a band of {width + 1} by {diagonal.size} bins is too large. Use covariance_pairs()."
        )
    band = np.zeros((width + 1, diagonal.size))
    band[0] = diagonal
    first = pairs.first
    band[pairs.partners - first, first] = sums.values
    return band


def effective_sample_size(diagonal: FloatArray, sums: PairSums) -> float:
    """Return n^2 / sum of all correlations, of the n bins whose variance is above zero."""
    known = diagonal > 0
    n = int(np.count_nonzero(known))
    first, second = sums.pairs.first, sums.pairs.partners
    both = known[first] & known[second]
    rho = sums.values[both] / np.sqrt(diagonal[first[both]] * diagonal[second[both]])
    return 0.0 if n == 0 else n**2 / (n + 2.0 * float(rho.sum()))


def transformed(
    diagonal: FloatArray, sums: PairSums, source: IntArray, target: IntArray, part: FloatArray, n_new: int
) -> tuple[FloatArray, PairSums]:
    """Return M C M^T: the covariance of bins that are made of parts of others.

    Parameters
    ----------
    diagonal, sums:
        C.
    source, target, part:
        Elements of M: the new bin `target` has `part` of the old bin `source`; each shape (n_elements,).
    n_new:
        Number of new bins.

    Returns
    -------
    :
        The diagonal, shape (n_new,), and the pairs.
    """
    first, second = sums.pairs.first.astype(np.int64), sums.pairs.partners.astype(np.int64)
    own = np.arange(diagonal.size)
    order = np.argsort(source, kind="stable")
    source, target, part = source[order], target[order], part[order]
    begin = np.searchsorted(source, np.arange(diagonal.size + 1))

    def spread(bins: IntArray) -> tuple[IntArray, IntArray]:
        """Return, for the elements of M that these bins have, the number of the bin in the list and the element."""
        counts = begin[bins + 1] - begin[bins]
        item = np.repeat(np.arange(bins.size), counts)
        element = np.arange(item.size) - np.repeat(np.cumsum(counts) - counts, counts) + begin[bins][item]
        return item, element

    i, j = np.concatenate([own, first, second]), np.concatenate([own, second, first])
    values = np.concatenate([diagonal, sums.values, sums.values])
    item, left = spread(i)
    again, right = spread(j[item])
    values, left = values[item][again] * part[left][again] * part[right], left[again]
    a, b = target[left], target[right]
    same, above = a == b, a < b
    pairs, place = BinPairs.from_bins(a[above], b[above], n_new)
    made = np.bincount(place, weights=values[above], minlength=pairs.n_pairs)
    new_diagonal = np.bincount(a[same], weights=values[same], minlength=n_new)
    return np.asarray(new_diagonal, np.float64), PairSums(pairs, np.asarray(made, dtype=np.float64))


def chi_square(
    residuals: FloatArray, diagonal: FloatArray, sums: PairSums, counts: BoolArray, n_parameters: int
) -> ChiSquare:
    """Return chi-square of residuals, shape (n_bins,), whose covariance is given, over the bins where `counts`.

    Raises
    ------
    ParameterError
        The matrix is singular.
    UnsupportedOptionError
        There are too many bins without a narrow band.
    """
    kept = np.flatnonzero(counts)
    r, variance = residuals[kept], diagonal[kept]
    of_kept = sums.moved(kept)
    width = of_kept.pairs.bandwidth
    if 8 * width < kept.size:
        whitened = _solved_in_band(banded(variance, of_kept), r, kept)
    elif kept.size <= _MOST_SOLVED_BINS:
        whitened = _solved(dense(variance, of_kept), r, kept)
    else:
        raise UnsupportedOptionError(
            f"chi_square: {kept.size} bins that share pixels in no narrow band are too many. Compare fewer bins, or "
            "solve with covariance_pairs() and a sparse solver."
        )
    diagonal_value = float((r**2 / variance).sum())
    return ChiSquare(float(whitened @ whitened), diagonal_value, kept.size, n_parameters)


def _solved_in_band(band: FloatArray, r: FloatArray, bins: IntArray) -> FloatArray:
    """Return L^-1 r of a banded matrix in lower form."""
    width, n = band.shape[0] - 1, band.shape[1]
    variance = band[0].copy()
    r = r.copy()
    for a in range(n):
        _check_pivot(band[0, a], variance[a], bins[a])
        root = np.sqrt(band[0, a])
        r[a] /= root
        reach = min(width, n - 1 - a)
        if reach:
            column = band[1 : reach + 1, a] / root
            r[a + 1 : a + reach + 1] -= column * r[a]
            for k in range(reach):
                band[: reach - k, a + 1 + k] -= column[k] * column[k:]
    return r


def _solved(matrix: FloatArray, r: FloatArray, bins: IntArray) -> FloatArray:
    """Return L^-1 r of a dense matrix."""
    scale = np.sqrt(np.diag(matrix))
    try:
        factor = np.linalg.cholesky(matrix / scale[:, np.newaxis] / scale)
    except np.linalg.LinAlgError as error:
        raise _singular(None) from error
    for a, pivot in enumerate(np.diag(factor)):
        _check_pivot(pivot**2, 1.0, bins[a])
    return np.asarray(np.linalg.solve(factor, r / scale), dtype=np.float64)


def _check_pivot(pivot: float, variance: float, number: int) -> None:
    if not pivot > _SINGULAR * variance:
        raise _singular(int(number))


def _singular(number: int | None) -> ParameterError:
    where = "" if number is None else f" (bin {number})"
    return ParameterError(
        f"chi_square: the covariance is singular{where}: all counts of a bin are in pixels that it shares, in the same "
        "proportion, with others. Merge frames, take wider bins, or give the variance of the model (variance=)."
    )
