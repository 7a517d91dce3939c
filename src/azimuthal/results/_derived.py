# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a profile and a cake have in common: sums, and what is derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from azimuthal import _upward
from azimuthal._validate import one_of, positive_number
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.results import _averages, _covariance
from azimuthal.results._covariance import ChiSquare, PairSums
from azimuthal.results._rejected import Rejected
from azimuthal.results._sums import Sums
from azimuthal.typing import AVERAGES, ERROR_MODELS, Average, BoolArray, ErrorModel, FloatArray, IndexArray
from azimuthal.uncertainty import checked_normalization_variance
from azimuthal.units import Axis

if TYPE_CHECKING:
    from pathlib import Path

    from azimuthal.results.cake import Cake
    from azimuthal.results.profile import Profile

    AnyResult = TypeVar("AnyResult", Profile, Cake)


class Derived:
    """Properties that need nothing but sums and the way of averaging; mixed into `Profile` and `Cake`."""

    __slots__ = ()

    sums: Sums
    average: Average
    error_model: ErrorModel | None
    wavelength: float | None
    normalization_factor: float
    provenance: Mapping[str, Any]
    metadata: Mapping[str, Any]
    normalization_variance: float
    outliers: Rejected | None

    @property
    def rejected(self) -> BoolArray | None:
        """Pixels that sigma clipping rejected from any bin: bool, shape of the frame; None for others and mergers."""
        return None if self.outliers is None else self.outliers.mask

    @property
    def iterations(self) -> IndexArray | None:
        """Rounds of sigma clipping per bin; None without it and for mergers."""
        return None if self.outliers is None else self.outliers.iterations

    @property
    def n_rejected(self) -> IndexArray | None:
        """Number of pixels per bin that do not count as outliers or beyond the quantiles; None without `reject`."""
        return None if self.outliers is None else self.outliers.n_rejected

    @property
    def n_kept(self) -> IndexArray | None:
        """Number of pixels per bin that count; None without `reject`."""
        return None if self.outliers is None else self.outliers.n_kept

    @property
    def intensity(self) -> FloatArray:
        """Corrected intensity per bin as `average` defines it; NaN in empty bins (0 for "sum")."""
        return _averages.intensity(self.sums, self.average)

    @property
    def sem(self) -> FloatArray | None:
        """Standard error of the intensity (standard error of the mean); None without an error model."""
        return _averages.sem(self.sums, self.average, self.relative_normalization_variance)

    @property
    def relative_normalization_variance(self) -> float:
        """Variance of the monitor over its square: common to all bins, so that no sum of bins averages it out."""
        return self.normalization_variance / self.normalization_factor**2

    @property
    def sigma(self) -> FloatArray | None:
        """Uncertainty of the intensity: the same as `sem`."""
        return self.sem

    @property
    def std(self) -> FloatArray | None:
        """Spread of the pixels inside each bin; None without an error model."""
        return _averages.std(self.sums)

    @property
    def count(self) -> FloatArray:
        """Pixels per bin, fractional when pixels are split; read-only."""
        return self.sums.count

    @property
    def sum_signal(self) -> FloatArray:
        """Weighted sum of the signal; read-only."""
        return self.sums.signal

    @property
    def sum_variance(self) -> FloatArray | None:
        """Sum of the variance with squared weights, read-only; None without an error model."""
        return self.sums.variance

    @property
    def sum_normalization(self) -> FloatArray:
        """Weighted sum of the normalisation, `normalization_factor` included; read-only."""
        return self.sums.normalization

    @property
    def sum_normalization2(self) -> FloatArray:
        """Sum of the squared normalisation with squared weights; read-only."""
        return self.sums.normalization2

    @property
    def sum_cross(self) -> FloatArray | None:
        """Sum of the residuals times the normalisation with squared weights, of the azimuthal model; read-only."""
        return self.sums.cross

    @property
    def sum_static_variance(self) -> FloatArray | None:
        """Part of `sum_variance` that comes from a noisy dark and flat, read-only; None where these are exact."""
        return self.sums.static

    @property
    def sum_shared_variance(self) -> FloatArray | None:
        """Variance that this part amounts to, because frames share dark and flat; read-only."""
        return self.sums.shared

    @property
    def has_covariance(self) -> bool:
        """Whether the covariance of the bins was summed (``covariance=True``)."""
        return self.sums.covariance is not None

    def covariance(self, *, banded: bool = False) -> FloatArray:
        """Return the covariance of the intensities; its diagonal is ``sigma**2``.

        Parameters
        ----------
        banded:
            The lower form of a banded matrix, element (a + k, a) at [k, a], as :func:`scipy.linalg.solveh_banded` and
            :func:`scipy.linalg.cholesky_banded` take it with ``lower=True``.

        Returns
        -------
        :
            Shape (n_bins, n_bins), or (bandwidth + 1, n_bins); units of the intensity squared.  Bins are in the order
            of ``intensity.ravel()``.  NaN in the row and column of an empty bin (0 for the average "sum").  The band
            of a full circle, whose last bin touches the first, is as wide as the matrix.

        Raises
        ------
        UnsupportedOptionError
            It was not summed, is too large, or the monitor is uncertain: an error that all bins have in common.
        """
        return _covariance_of(self, banded=banded)

    def correlation(self, *, banded: bool = False) -> FloatArray:
        """Return the correlation of the intensities; parameters and forms of :meth:`covariance`.

        NaN in the rows and columns of bins whose variance is zero or not known.
        """
        diagonal, sums = _averages.covariance(self.sums, self.average, self.relative_normalization_variance)
        scale = np.sqrt(np.where(diagonal > 0, diagonal, np.nan))
        first, second = sums.pairs.first, sums.pairs.partners
        rho = _covariance.PairSums(sums.pairs, sums.values / (scale[first] * scale[second]))
        return _with_gaps(scale / scale, rho, banded=banded)

    def covariance_pairs(self) -> tuple[IndexArray, IndexArray, FloatArray]:
        """Return the covariance beside the diagonal as bins a, bins b > a and their covariance: for sparse matrices.

        Bins are in the order of ``intensity.ravel()``; all other pairs are zero.
        """
        _, sums = _averages.covariance(self.sums, self.average, self.relative_normalization_variance)
        return sums.pairs.first, sums.pairs.partners, sums.values

    @property
    def effective_sample_size(self) -> float:
        """Number of independent points worth the correlated ones, n^2 / sum of all correlations.

        That is the number of bins with a variance where no pixel is shared (Bayley and Hammersley 1946,
        doi:10.2307/2983560).
        """
        return _covariance.effective_sample_size(
            *_averages.covariance(self.sums, self.average, self.relative_normalization_variance)
        )

    def chi_square(self, model: npt.ArrayLike, *, n_parameters: int = 0) -> ChiSquare:
        """Return how far the intensities are from a model, with their covariance and without.

        Parameters
        ----------
        model:
            Intensity of every bin: a number, or the shape of the intensity.  Bins where it is NaN do not count, nor do
            those without pixels or without a variance.
        n_parameters:
            Of the model, that were fitted to these data.

        Raises
        ------
        ParameterError, ShapeError
            The covariance of the bins is singular; the model has another shape; no bin is left.
        UnsupportedOptionError
            The covariance was not summed, or there are too many bins.
        """
        diagonal, sums = _averages.covariance(self.sums, self.average, self.relative_normalization_variance)
        values = np.asarray(model, dtype=np.float64)
        if values.shape not in ((), self.sums.shape):
            raise ShapeError(f"model: expected a number or shape {self.sums.shape}, got shape {values.shape}.")
        residuals = (self.intensity - values).reshape(-1)
        counts = np.isfinite(residuals) & (diagonal > 0)
        number = int(np.count_nonzero(counts))
        if number <= n_parameters:
            raise ParameterError(f"chi_square: {number} bins are left for {n_parameters} parameters.")
        return _covariance.chi_square(residuals, diagonal, sums, counts, n_parameters)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the result and return the path; the format is the extension: :func:`azimuthal.io.save`."""
        written: tuple[Path, ...] = _upward.find("save")(self, path, **options)
        return written[0]

    def _check_common(self) -> None:
        """Validate and normalise the fields that every result has; for use in ``__post_init__``."""
        if not isinstance(self.sums, Sums):
            raise DataTypeError(f"sums: expected a Sums record, got {type(self.sums).__name__}.")
        one_of("average", self.average, AVERAGES)
        if self.error_model is not None:
            one_of("error_model", self.error_model, ERROR_MODELS)
        if (self.error_model is None) != (self.sums.variance is None):
            have = "without" if self.sums.variance is None else "with"
            raise ParameterError(
                f"error_model: {self.error_model!r} contradicts sums {have} variance; they go together."
            )
        if self.wavelength is not None:
            _set(self, "wavelength", positive_number("wavelength", self.wavelength, unit="m"))
        _set(self, "normalization_factor", positive_number("normalization_factor", self.normalization_factor))
        if self.outliers is not None and self.outliers.n_kept.shape != self.sums.shape:
            raise ShapeError(f"outliers: expected shape {self.sums.shape}, got {self.outliers.n_kept.shape}.")
        variance = checked_normalization_variance(self.normalization_variance)
        _set(self, "normalization_variance", variance)
        if variance > 0 and self.error_model is None:
            raise ParameterError("normalization_variance: error_model=None would ignore it. Leave it out.")
        _set(self, "provenance", dict(self.provenance))
        _set(self, "metadata", dict(self.metadata))


def _covariance_of(result: Derived, *, banded: bool) -> FloatArray:
    diagonal, sums = _averages.covariance(result.sums, result.average, result.relative_normalization_variance)
    return _with_gaps(diagonal, sums, banded=banded)


def _with_gaps(diagonal: FloatArray, sums: PairSums, *, banded: bool) -> FloatArray:
    """Return a matrix whose rows and columns are NaN where the diagonal is."""
    unknown = np.isnan(diagonal)
    if not banded:
        matrix = _covariance.dense(diagonal, sums)
        matrix[unknown], matrix[:, unknown] = np.nan, np.nan
        return matrix
    band = _covariance.banded(diagonal, sums)
    band[:, unknown] = np.nan
    for k in range(1, band.shape[0]):
        band[k, : diagonal.size - k][unknown[k:]] = np.nan
        band[k, diagonal.size - k :] = 0.0
    return band


def _set(record: object, name: str, value: object) -> None:
    object.__setattr__(record, name, value)


def check_axis(parameter: str, axis: object, n_bins: int) -> None:
    """Raise unless `axis` is an axis of that many bins."""
    if not isinstance(axis, Axis):
        raise DataTypeError(f"{parameter}: expected an Axis, got {type(axis).__name__}.")
    if axis.n_bins != n_bins:
        raise ShapeError(f"{parameter}: expected {n_bins} bins to match the sums, got {axis.n_bins}.")


def check_mergeable(one: AnyResult, two: AnyResult, axes: tuple[str, ...]) -> None:
    """Raise unless two results have the same axes, average, error model and wavelength."""
    if type(one) is not type(two):
        raise DataTypeError(f"merge: expected another {type(one).__name__}, got {type(two).__name__}.")
    for name in axes:
        if getattr(one, name) != getattr(two, name):
            raise ParameterError(
                f"merge: expected the same {name}, got {_axis_text(getattr(one, name))} and "
                f"{_axis_text(getattr(two, name))}. Integrate both with the same bin edges."
            )
    for name in ("average", "error_model", "wavelength"):
        if getattr(one, name) != getattr(two, name):
            raise ParameterError(f"merge: expected the same {name}, got {getattr(one, name)} and {getattr(two, name)}.")
    if (one.outliers is None) != (two.outliers is None) or _rejection_of(one) != _rejection_of(two):
        raise ParameterError(
            f"merge: expected the same rejection of outliers, got {_rejection_of(one)} and {_rejection_of(two)}. "
            "Integrate both with the same reject=."
        )
    if one.average != "ratio_of_sums" and max(one.normalization_variance, two.normalization_variance) > 0:
        raise ParameterError(
            f"merge: with average={one.average!r} the uncertain monitors of several frames do not make one number. "
            "Integrate with average='ratio_of_sums'."
        )
    if one.normalization_variance > 0 < two.normalization_variance and _instrument_of(one) != _instrument_of(two):
        raise UnsupportedOptionError(
            "merge: monitors of different geometries have other shares in every bin, and their variances make no "
            "number that is common to all. Leave normalization_variance out, and add theirs to the errors."
        )


def _instrument_of(result: Derived) -> Any:
    recipe = result.provenance.get("recipe")
    return recipe.get("instrument") if isinstance(recipe, Mapping) else None


def _rejection_of(result: Derived) -> Any:
    recipe = result.provenance.get("recipe")
    return recipe.get("reject") if isinstance(recipe, Mapping) else None


def _axis_text(axis: Axis) -> str:
    return f"{axis.n_bins} bins of {axis.unit.name} from {float(axis.edges[0])!r} to {float(axis.edges[-1])!r}"


def merged_fields(results: list[AnyResult]) -> dict[str, Any]:
    """Return the constructor fields of the merger that are not axes.

    Sums add up, and so do the normalisation factors that are part of them and their variances.  Of provenance and
    metadata, entries on which all agree are kept; ``provenance["n_merged"]`` counts the results and
    ``provenance["n_invalid"]`` adds up.
    """
    first = results[0]
    provenance = _agreed([result.provenance for result in results])
    provenance["n_merged"] = sum(int(result.provenance.get("n_merged", 1)) for result in results)
    invalid = [result.provenance.get("n_invalid") for result in results]
    if all(isinstance(number, int | np.integer) for number in invalid):
        provenance["n_invalid"] = sum(int(number) for number in invalid if number is not None)
    return {
        "sums": _merged_sums(results, provenance),
        "average": first.average,
        "error_model": first.error_model,
        "wavelength": first.wavelength,
        "normalization_factor": _merged_factor(results),
        "provenance": provenance,
        "metadata": _agreed([result.metadata for result in results]),
        "normalization_variance": sum(result.normalization_variance for result in results),
        "outliers": _merged_outliers([result.outliers for result in results]),
    }


def _merged_outliers(records: list[Rejected | None]) -> Rejected | None:
    known = [record for record in records if record is not None]
    return known[0].merged(*known[1:]) if known else None


def _merged_sums(results: list[AnyResult], provenance: dict[str, Any]) -> Sums:
    """Return the sums of all results, with the noise of dark and flat as shared by those that have the same ones.

    `provenance` of the merger says what it shares then; results that share some of it cannot be merged with it.
    """
    groups: dict[tuple[str, ...], list[Sums]] = {}
    for result in results:
        label = () if result.sums.static is None else tuple(result.provenance.get("noisy_arrays", ("?",)))
        groups.setdefault(label, []).append(result.sums)
    if len(groups) == 1 and "?" not in next(iter(groups)):
        return results[0].sums.merge(*(result.sums for result in results[1:]))
    names = [name for label in groups for name in label]
    if "?" in names or len(set(names)) < len(names):
        raise ParameterError(
            "merge: it is not known which of the results share a noisy dark or flat, or they share one and not the "
            "other. Merge all results with the same dark and flat first, in one call, and others with those."
        )
    provenance["noisy_arrays"] = ["?"]
    first, *rest = (sums[0].merge(*sums[1:]) for sums in groups.values())
    return first.merge_independent(*rest)


def _merged_factor(results: list[AnyResult]) -> float:
    """Return the factor that belongs to the merged sums.

    For "ratio_of_sums" the factors are in the sums of normalisation and add up.  Otherwise every frame's
    signals have been divided by its own: the common factor, or 1 when they differ.
    """
    factors = [result.normalization_factor for result in results]
    if results[0].average == "ratio_of_sums":
        return sum(factors)
    return factors[0] if len(set(factors)) == 1 else 1.0


def _agreed(records: list[Mapping[str, Any]]) -> dict[str, Any]:
    first, *rest = records
    return {key: value for key, value in first.items() if all(key in other and other[key] == value for other in rest)}


def range_text(axis: Axis) -> str:
    """Return e.g. ``1000 bins of q_nm^-1 (0.1 to 35.2)``."""
    return f"{axis.n_bins} bins of {axis.unit.name} ({axis.edges[0]:.6g} to {axis.edges[-1]:.6g})"
