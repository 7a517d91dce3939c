# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Robust averages: which pixels of a bin count, when some of them hold something else than the pattern.

Single-crystal spots, zingers (hits of cosmic rays), hot and dead pixels are not part of the average that is wanted.
Three ways to keep them out are chosen with ``reject=``, by name or as a :class:`Rejection`.

A pixel ``p`` with raw value ``k``, signal ``s = (k - offset) gain`` and normalisation ``n`` that has the weight ``c``
in a bin is one *entry* of this bin: its value is ``x = s / n``, its weight in the mean ``a = c n``.

Sigma clipping (``"sigma"``)
    Each entry is compared with all *other* kept entries of its bin: their mean ``m``, their effective number ``E =
    (sum a)^2 / sum a^2`` and their variance. With ``mu = m n / gain + offset``, the raw value that they predict, and
    ``V``, its variance, the entry is rejected where ``z > t``:

    ============================  ==================================================================================
    test                          z^2
    ============================  ==================================================================================
    normal                        ``(k - mu)^2 / (V (1 + 1/E))``
    counts                        ``2 / phi (k ln(k / mu0) + E mu ln(mu / mu0))``, ``mu0 = (k + E mu) / (1 + E)``
    ============================  ==================================================================================

    The second is the likelihood ratio of two Poisson samples, one of a single pixel and one of ``E``; for large ``E``
    it is the deviance residual [1]_. Counts are skew, and a symmetric band of 5 sigma about 0.1 counts would cut off
    two photons in one pixel, which is a tenth of the signal. Which test, and which variance, follows from the error
    model:

    =====================  ==========================================  ===========================================
    error model            test                                        V or phi
    =====================  ==========================================  ===========================================
    None, "azimuthal",     normal; counts for ``k > mu`` where no      ``V``: the spread of the others about their
    "hybrid"               kept raw value of the bin is negative       mean; ``phi = V / mu``
    "variance"             the same                                    ``V``: mean variance of the others
    "poisson"              counts                                      ``phi = 1``
    =====================  ==========================================  ===========================================

    Where ``mu`` is smaller than the quantum ``q`` of the frame (1 for integers; for floats the smallest positive raw
    value), values of 0 and of ``q`` and more have at least the variance ``mu (q - mu)``, which is the lower bound of
    ``V``. Differences of less than 1e-10 of the mean are rounding and are never rejected.

    The threshold ``t`` is the number of sigmas asked for, but at least Chauvenet's bound ``sqrt(2 ln(N / sqrt(2
    pi)))`` for the ``N`` kept entries of the bin: the best of N good values may be that far out. A spread that is
    known from few values only is uncertain itself: for it, ``t`` is replaced by the number of sigmas of Student's
    distribution with ``E - 1`` degrees of freedom that is as improbable (Wallace's approximation [2]_).

    Means and spreads are useless as long as strong outliers are in them. The first comparison is therefore with the
    median of the bin and 1.4826 times the median absolute deviation (which is the standard deviation of normal values
    and withstands up to half of the values being outliers [3]_), of at most 127 entries spread evenly over the bin.
    Each following round compares every entry, rejected ones too, with what the last round kept, until nothing changes
    or ``max_iter`` rounds are done. Bins of less than three valid entries, and entries with no more than one other
    (two for a spread), are kept.

Trimmed mean (``"quantile"``)
    The entries in the order of their values; abscissa is the cumulative weight ``a``, from 0 to 1. What lies between
    the two quantiles is averaged; entries at the ends count with the part that lies inside, equal values sharing the
    cut evenly. The variance is that of the winsorised values ``w`` (values outside are moved to the ends) [4]_ ::

        sem^2 = E / (E - 1) sum(a^2 (w - mean(w))^2) / (sum(a) (high - low))^2

    for the error model "azimuthal". For "poisson", "hybrid" and "variance" it is the variance of the mean of all
    entries times the ratio of both for normal values: 1.03 between 0.05 and 0.95, 1.2 between 0.25 and 0.75.

Median (``"median"``)
    The quantiles 0.5 and 0.5: the value at half of the weight, or the mean of two where it lies between them.
    "quantile" with two equal quantiles means the same for others than 0.5. The sums that are kept stand for the whole
    bin, so that medians of frames are merged with the weight of all pixels. The variance is, for "azimuthal", a
    quarter of the distance between the quantiles ``p - 2 d`` and ``p + 2 d``, ``d = sqrt(p (1 - p) / E)`` [5]_; NaN
    where they leave 0 to 1 (E < 4). Otherwise it is that of the mean times ``p (1 - p) / pdf(z_p)^2``, which is pi /
    2 for the median of normal values. The median of counts below about 30 goes in steps, and is not the mean of a
    skew distribution: it suits large numbers.

Noise of dark and flat (:mod:`azimuthal.uncertainty`) enters the variance of what is kept; for quantiles it takes part
in "the variance of the mean of all entries". Sigma clipping allows it with "hybrid" only: the spread holds it, and the
other models would compare a pixel with less noise than it has.

A pixel is *rejected* in a frame when sigma clipping rejected it from any of the bins that it feeds.

References
----------
.. [1] Pierce & Schafer, J. Am. Stat. Assoc. 81, 977 (1986), doi:10.1080/01621459.1986.10478361.
.. [2] Wallace, Ann. Math. Stat. 30, 1121 (1959), doi:10.1214/aoms/1177706100.
.. [3] Rousseeuw & Croux, J. Am. Stat. Assoc. 88, 1273 (1993), doi:10.1080/01621459.1993.10476408.
.. [4] Tukey & McLaughlin, Sankhya A 25, 331 (1963); Huber & Ronchetti, Robust Statistics, section 3.3.
.. [5] Woodruff, J. Am. Stat. Assoc. 47, 635 (1952), doi:10.1080/01621459.1952.10483443.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

from azimuthal._validate import finite_number, number_pair, one_of, positive_integer, positive_number, unknown_name
from azimuthal.errors import DataTypeError, ParameterError

__all__ = ["METHODS", "Rejection", "RejectionMethod", "normal_variance_ratio", "rejection"]

RejectionMethod: TypeAlias = Literal["sigma", "median", "quantile"]
METHODS: tuple[RejectionMethod, ...] = ("sigma", "median", "quantile")

DEFAULT_THRESHOLD = 5.0
DEFAULT_MAX_ITER = 20
DEFAULT_QUANTILES = (0.25, 0.75)


@dataclass(frozen=True, slots=True)
class Rejection:
    """How outliers are kept out of the averages; definitions in the module docstring.

    Parameters
    ----------
    method:
        "sigma", "median" or "quantile".
    threshold:
        Number of standard deviations, for "sigma"; None: 5.
    max_iter:
        Largest number of rounds, for "sigma"; None: 20.
    quantiles:
        (low, high) within 0 and 1, for "quantile"; None: (0.25, 0.75).

    Raises
    ------
    UnknownNameError
        The method is not known.
    ParameterError, DataTypeError
        A number is out of range, or has no meaning for the method.
    """

    method: RejectionMethod = "sigma"
    threshold: float | None = None
    max_iter: int | None = None
    quantiles: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        method = one_of("reject", self.method, METHODS)
        has_meaning = {"sigma": ("threshold", "max_iter"), "median": (), "quantile": ("quantiles",)}[method]
        for name in ("threshold", "max_iter", "quantiles"):
            if getattr(self, name) is not None and name not in has_meaning:
                raise ParameterError(f"{name}: has no meaning for reject={method!r}. Leave it out.")
        put = object.__setattr__
        if method == "sigma":
            threshold = DEFAULT_THRESHOLD if self.threshold is None else self.threshold
            put(self, "threshold", positive_number("threshold", threshold))
            put(
                self,
                "max_iter",
                positive_integer("max_iter", DEFAULT_MAX_ITER if self.max_iter is None else self.max_iter),
            )
        else:
            given = DEFAULT_QUANTILES if self.quantiles is None else self.quantiles
            given = (0.5, 0.5) if method == "median" else given
            put(self, "quantiles", _checked_quantiles(given))

    @property
    def is_quantile(self) -> bool:
        """Whether the average is a single quantile: a value rather than a mean."""
        return self.quantiles is not None and self.quantiles[0] == self.quantiles[1]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able record that :func:`rejection` reads: the method and what has a meaning for it."""
        record: dict[str, Any] = {"method": self.method}
        for name in ("threshold", "max_iter"):
            if getattr(self, name) is not None:
                record[name] = getattr(self, name)
        if self.method == "quantile" and self.quantiles is not None:
            record["quantiles"] = list(self.quantiles)
        return record


def rejection(value: Any) -> Rejection | None:
    """Return the choice that a user's value means.

    Parameters
    ----------
    value:
        None, a name, a :class:`Rejection`, or a mapping of its fields.

    Raises
    ------
    UnknownNameError, ParameterError, DataTypeError
        It means none.
    """
    if value is None or isinstance(value, Rejection):
        return value
    if isinstance(value, str):
        return Rejection(one_of("reject", value, METHODS))
    if not isinstance(value, Mapping):
        raise DataTypeError(
            "reject: expected None, 'sigma', 'median', 'quantile', a Rejection or a mapping of its fields, got "
            f"{type(value).__name__}."
        )
    known = [item.name for item in dataclasses.fields(Rejection)]
    for name in value:
        if name not in known:
            raise unknown_name("reject", str(name), known)
    if "method" not in value:
        raise ParameterError("reject: a mapping needs the key 'method', e.g. {'method': 'sigma', 'threshold': 4}.")
    return Rejection(**value)


def normal_variance_ratio(quantiles: tuple[float, float]) -> float:
    """Return the variance of a trimmed mean of normal values, as a multiple of that of their mean.

    Parameters
    ----------
    quantiles:
        (low, high); both within (0, 1) where they are equal.

    Returns
    -------
    :
        1 for (0, 1); pi / 2 for (0.5, 0.5).
    """
    normal = NormalDist()
    low, high = quantiles
    if low == high:
        return low * (1 - low) / normal.pdf(normal.inv_cdf(low)) ** 2
    mean, mean_square = 0.0, high - low
    if low > 0:
        z = normal.inv_cdf(low)
        mean += low * z + normal.pdf(z)
        mean_square += low * z * z + z * normal.pdf(z)
    if high < 1:
        z = normal.inv_cdf(high)
        mean += (1 - high) * z - normal.pdf(z)
        mean_square += (1 - high) * z * z - z * normal.pdf(z)
    return (mean_square - mean * mean) / (high - low) ** 2


def _checked_quantiles(value: Any) -> tuple[float, float]:
    low, high = (finite_number("quantiles", number) for number in number_pair("quantiles", value))
    if not 0 <= low <= high <= 1:
        raise ParameterError(f"quantiles: expected 0 <= low <= high <= 1, got ({low}, {high}).")
    if low == high and not 0 < low < 1:
        raise ParameterError(f"quantiles: a single quantile must lie between 0 and 1, got {low}. Pass a range.")
    return low, high
