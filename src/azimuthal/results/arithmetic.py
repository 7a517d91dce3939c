# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Calculating with results: what ``+ - * / **`` mean, and what happens to the uncertainty and to the sums.

Operators act on **intensities**, bin by bin, as on arrays.  To put measurements together use ``one.merged(two)`` or
:func:`azimuthal.merge`: the merger of two results is a mean, their sum is a sum.

Definitions
    With intensities a, b and their variances (squared sem) :math:`v_a, v_b` of independent results on the same bins:

    ===================  ==============  ==========================================
    operation            intensity       variance
    ===================  ==============  ==========================================
    ``a + b``            a + b           v_a + v_b
    ``a - b``            a - b           v_a + v_b
    ``a * b``            a b             b² v_a + a² v_b
    ``a / b``            a / b           v_a / b² + a² v_b / b⁴
    ``a ** x``           a^x             (x a^(x-1))² v_a
    ``a.subtracted(      a - k b         v_a + k² v_b + b² σ_k²
    b, scale=k,
    scale_sigma=σ_k)``
    ===================  ==============  ==========================================

    To first order in the uncertainties.  Results that share data (a frame and its own average) are not independent, and
    the variance is then another one.

Numbers and arrays are exact: they have no variance.  A result without an error model is not an exact array, but one
whose uncertainty nobody knows; together with one that has an error model it is refused.  Pass ``other.intensity`` to
take it as exact.

The sums of the outcome
    The normalisation N and the count are those of the *left* operand, which is what was measured; the signal and its
    variance are what a measurement with this normalisation would have had to see::

        S = I N,    V = sem² N²

    So S / N is the intensity and sqrt(V) / N its uncertainty, like those of a measurement: rebinning and merging
    weight the bins of the outcome as they would have weighted the left operand's, whatever monitor or exposure time
    the right one had.  Counts of pixels are never subtracted.  Where one of the operands is empty, or the
    outcome is not finite, all sums are 0: the bin is empty.  The history has the number of such bins.

    ``normalization2``, from which the spread of the pixels follows, has no meaning for what has a second measurement
    in it: it is NaN, and so is ``std``.  Scaling, and adding or multiplying exact numbers, keep it.

    For average "sum", signal and intensity are the same thing, and so are V and sem².

The error model of the outcome is that of the operands where both have the same one of counted photons, otherwise
"variance".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from azimuthal._validate import finite_number
from azimuthal.errors import DataTypeError, ParameterError, ShapeError, UnsupportedOptionError
from azimuthal.results._averages import covariance as covariance_of
from azimuthal.results._covariance import PairSums
from azimuthal.results._history import fields, kept_fields, summary, with_covariance
from azimuthal.results._sums import Sums
from azimuthal.typing import BoolArray, FloatArray
from azimuthal.units import Axis

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Arithmetic", "renormalized", "scaled", "subtracted"]


class _Operand(NamedTuple):
    """Values and their variance (None: exact), and what the history says of them."""

    values: FloatArray
    variance: FloatArray | None
    about: Any
    error_model: str | None


class _Outcome(NamedTuple):
    intensity: FloatArray
    variance: FloatArray | None
    covariance: PairSums | None = None  # of the intensities, beside the diagonal


class Arithmetic:
    """Operators of `Profile` and `Cake`; definitions in the module docstring."""

    __slots__ = ()
    __array_ufunc__ = None  # so that array * result asks the result

    def __add__(self, other: Any) -> Self:
        made: Self = _calculated(self, other, "add")
        return made

    def __radd__(self, other: Any) -> Self:
        made: Self = _calculated(self, other, "add")
        return made

    def __sub__(self, other: Any) -> Self:
        made: Self = _calculated(self, other, "subtract")
        return made

    def __rsub__(self, other: Any) -> Self:
        made: Self = _calculated(self, other, "subtract from")
        return made

    def __mul__(self, other: Any) -> Self:
        made: Self = scaled(self, other) if _is_number(other) else _calculated(self, other, "multiply")
        return made

    def __rmul__(self, other: Any) -> Self:
        made: Self = self.__mul__(other)
        return made

    def __truediv__(self, other: Any) -> Self:
        made: Self = _calculated(self, other, "divide")
        return made

    def __rtruediv__(self, other: Any) -> Self:
        made: Self = _calculated(self, other, "divide into")
        return made

    def __pow__(self, exponent: Any) -> Self:
        made: Self = _calculated(self, finite_number("exponent", exponent), "power")
        return made

    def __neg__(self) -> Self:
        made: Self = scaled(self, -1.0)
        return made

    def scaled(self, factor: float, *, factor_sigma: float = 0.0) -> Self:
        """Return the result times a number; see :func:`azimuthal.results.arithmetic.scaled`."""
        made: Self = scaled(self, factor, factor_sigma=factor_sigma)
        return made

    def subtracted(self, background: Self, *, scale: float = 1.0, scale_sigma: float = 0.0) -> Self:
        """Return the result minus `scale` times a background; see :func:`azimuthal.results.arithmetic.subtracted`."""
        made: Self = subtracted(self, background, scale=scale, scale_sigma=scale_sigma)
        return made

    def renormalized(self, factor: float) -> Self:
        """Return the result with its monitor multiplied; see :func:`azimuthal.results.arithmetic.renormalized`."""
        made: Self = renormalized(self, factor)
        return made


def scaled(result: Any, factor: Any, *, factor_sigma: float = 0.0) -> Any:
    """Return a result times a number: intensity and sigma are multiplied, weights and counts stay.

    Parameters
    ----------
    result:
        Profile or cake.
    factor:
        Finite.
    factor_sigma:
        Its uncertainty; adds (intensity factor_sigma)^2 to the variance of every bin.  This part is common to all bins.

    Raises
    ------
    DataTypeError, ParameterError
        Not a finite number; an uncertainty below zero, or one that nobody would see for want of an error model.
    """
    k = finite_number("factor", factor)
    spread = _checked_sigma("factor_sigma", factor_sigma, result)
    if spread:
        _refuse_common_error(result, "factor_sigma")
        outcome = _Outcome(k * result.intensity, _squared(k) * _variance(result) + (result.intensity * spread) ** 2)
        return _remade(result, outcome, {"step": "scale", "factor": k, "factor_sigma": spread}, "variance", exact=False)
    facts: dict[str, Any] = kept_fields(result, "scale", factor=k)
    powers = {"signal": 1, "cross": 1, "variance": 2, "static": 2, "shared": 2}
    return _like(result, _with_factors(result.sums, k, powers), facts)


def renormalized(result: Any, factor: Any) -> Any:
    """Return a result as if its monitor had been `factor` times larger: intensity and sigma are divided by it.

    Unlike :func:`scaled`, this changes the weight of the result in a merger.

    Parameters
    ----------
    result:
        Profile or cake.
    factor:
        Greater than 0.
    """
    k = finite_number("factor", factor)
    if k <= 0:
        raise ParameterError(f"factor: expected a number greater than 0, got {k}.")
    facts = kept_fields(result, "renormalize", factor=k)
    facts["normalization_factor"] = result.normalization_factor * k
    if facts.get("normalization_variance"):
        facts["normalization_variance"] *= k * k
    if result.average == "ratio_of_sums":
        return _like(
            result, _with_factors(result.sums, k, {"normalization": 1, "cross": 1, "normalization2": 2}), facts
        )
    powers = {"signal": 1, "cross": 1, "variance": 2, "static": 2, "shared": 2}
    return _like(result, _with_factors(result.sums, 1.0 / k, powers), facts)


def subtracted(result: Any, background: Any, *, scale: Any = 1.0, scale_sigma: float = 0.0) -> Any:
    """Return ``I - scale B``, with the uncertainty of all three.

    Parameters
    ----------
    result, background:
        Profiles or cakes on the same bins.  Monitors and exposure times may differ: intensities are normalised already.
    scale:
        E.g. the transmission of the sample, or its volume fraction.
    scale_sigma:
        Uncertainty of the scale; its part of the variance is common to all bins.

    Returns
    -------
    :
        On the normalisation of `result`: module docstring.

    Raises
    ------
    ParameterError
        Bins, average or (for an angle) wavelength differ, or only one of the two has an error model.
    """
    k = finite_number("scale", scale)
    spread = _checked_sigma("scale_sigma", scale_sigma, result)
    right = _operand(result, background)
    values = result.intensity - k * right.values
    variance: FloatArray | None = None
    if right.variance is not None:
        variance = _variance(result) + _squared(k) * right.variance + (right.values * spread) ** 2
    if spread:
        _refuse_common_error(result, "scale_sigma")
    covariance = _propagated(result, background, 1.0, -k)
    record = {"step": "subtract", "scale": k, "scale_sigma": spread, "operand": right.about}
    exact = right.variance is None
    return _remade(result, _Outcome(values, variance, covariance), record, right.error_model, exact=exact)


def _calculated(left: Any, other: Any, operation: str) -> Any:
    right = _operand(left, other)
    if right is NotImplemented:
        return NotImplemented
    a, b = left.intensity, right.values
    with np.errstate(all="ignore"):  # what is not finite becomes an empty bin, and is counted
        values, slope_a, slope_b = _OPERATIONS[operation](a, b)
        variance = None if left.error_model is None else slope_a**2 * _variance(left)
        if variance is not None and right.variance is not None:
            variance = variance + slope_b**2 * right.variance
        covariance = _propagated(left, other, slope_a, slope_b)
    exact = right.variance is None and operation in ("add", "subtract", "multiply", "divide")
    record = {"step": operation, "operand": right.about}
    return _remade(left, _Outcome(values, variance, covariance), record, right.error_model, exact=exact)


def _power(a: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray, Any]:
    slope = np.zeros_like(a) if not x.any() else x * a ** (x - 1)
    return a**x, slope, 0.0


#: Intensity, and its derivatives with respect to the left and the right operand.
_OPERATIONS: dict[str, Any] = {
    "add": lambda a, b: (a + b, 1.0, 1.0),
    "subtract": lambda a, b: (a - b, 1.0, -1.0),
    "subtract from": lambda a, b: (b - a, -1.0, 1.0),
    "multiply": lambda a, b: (a * b, b, a),
    "divide": lambda a, b: (a / b, 1.0 / b, -a / b**2),
    "divide into": lambda a, b: (b / a, -b / a**2, 1.0 / a),
    "power": _power,
}


def _operand(left: Any, other: Any) -> Any:
    """Return the right operand, or NotImplemented for something that is none."""
    if isinstance(other, Arithmetic):
        return _result_operand(left, other)
    if isinstance(other, bool | np.bool_ | str | bytes):
        return NotImplemented
    try:
        values = np.asarray(other)
    except ValueError:
        return NotImplemented
    if values.dtype.kind not in "uif":
        return NotImplemented
    if values.ndim == 0:
        number = finite_number("operand", other)
        return _Operand(np.asarray(number), None, number, left.error_model)
    if values.shape != left.sums.shape:
        raise ShapeError(f"operand: expected a number or an array of shape {left.sums.shape}, got {values.shape}.")
    return _Operand(values.astype(np.float64), None, f"array of shape {values.shape}", left.error_model)


def _result_operand(left: Any, right: Any) -> _Operand:
    if type(left) is not type(right):
        raise DataTypeError(f"operand: expected another {type(left).__name__}, got {type(right).__name__}.")
    for name in ("axis", "radial_axis", "azimuthal_axis"):
        _check_axis(name, getattr(left, name, None), getattr(right, name, None), left, right)
    if left.average != right.average:
        raise ParameterError(f"operand: expected average={left.average!r} as on the left, got {right.average!r}.")
    models = {left.error_model, right.error_model}
    if None in models and len(models) > 1:
        side = "right" if right.error_model is None else "left"
        raise ParameterError(
            f"operand: the {side} one has no error model, so that the uncertainty of the outcome is not known. "
            "Integrate both with an error model, or pass the other's .intensity to take it as exact."
        )
    variance = None if right.error_model is None else _variance(right)
    model = left.error_model if len(models) == 1 else "variance"
    return _Operand(right.intensity, variance, summary(right), model)


def _check_axis(name: str, one: Axis | None, two: Axis | None, left: Any, right: Any) -> None:
    if one is None or two is None:
        return
    if one != two:
        raise ParameterError(
            f"operand: expected the same {name}, got {_axis_text(one)} on the left and {_axis_text(two)} on the right. "
            "Integrate both with the same bin edges, or convert and rebin one of them."
        )
    if one.quantity.name == "two_theta" and left.wavelength != right.wavelength:
        raise ParameterError(
            f"operand: in {one.unit.name!r} results at wavelengths of {left.wavelength} and {right.wavelength} m do "
            "not have their features at the same place. Convert both to q, and rebin one of them."
        )


def _axis_text(axis: Axis) -> str:
    return f"{axis.n_bins} bins of {axis.unit.name} from {float(axis.edges[0])!r} to {float(axis.edges[-1])!r}"


def _remade(left: Any, outcome: _Outcome, record: dict[str, Any], error_model: str | None, *, exact: bool) -> Any:
    """Return a result with these values on the normalisation of the left operand."""
    sums, intensity, variance = left.sums, outcome.intensity, outcome.variance
    finite: BoolArray = np.isfinite(intensity) if variance is None else np.isfinite(intensity) & np.isfinite(variance)
    was_defined = np.isfinite(left.intensity)
    lost = int(np.count_nonzero(was_defined & ~finite))
    keeps_spread = exact and error_model in (None, "poisson") and not getattr(left, "normalization_variance", 0.0)
    facts = kept_fields(left, record["step"], **{k: v for k, v in record.items() if k != "step"}, n_emptied=lost)
    facts["error_model"] = "variance" if error_model not in (None, "poisson", "variance") else error_model
    if "normalization_variance" in facts:
        facts["normalization_variance"] = 0.0  # it is in the variance of every bin
    weight = np.ones_like(intensity) if left.average == "sum" else sums.normalization

    def where_finite(values: FloatArray) -> FloatArray:
        return values if left.average == "sum" else np.where(finite, values, 0.0)

    with np.errstate(all="ignore"):
        made = Sums(
            signal=where_finite(intensity * weight),
            variance=None if variance is None else where_finite(variance * weight**2),
            normalization=where_finite(sums.normalization),
            normalization2=where_finite(sums.normalization2 if keeps_spread else np.full_like(intensity, math.nan)),
            count=where_finite(sums.count),
        )
    if outcome.covariance is not None:
        held = outcome.covariance
        if left.average != "sum":
            held = held.weighted(np.where(finite, weight, 0.0).reshape(-1)).without_gaps()
        made = with_covariance(made, held)
    return _like(left, made, facts)


def _propagated(left: Any, right: Any, slope_left: Any, slope_right: Any) -> PairSums | None:
    """Return the covariance of the outcome, to first order, of operands that are independent; None without any."""
    operands = [(left, slope_left)]
    if isinstance(right, Arithmetic) and getattr(right, "error_model", None) is not None:
        operands.append((right, slope_right))
    held = [operand.sums.covariance is not None for operand, _ in operands]
    if not any(held):
        return None
    if not all(held):
        raise ParameterError(
            "operand: one of the two has a covariance of its bins and the other has none, so that of the outcome is "
            "not known. Integrate both with the same covariance=."
        )
    parts = []
    for operand, slope in operands:
        _, pairs = covariance_of(operand.sums, operand.average, operand.relative_normalization_variance)
        parts.append(pairs.weighted(np.broadcast_to(slope, operand.sums.shape).reshape(-1)))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _refuse_common_error(result: Any, parameter: str) -> None:
    if result.sums.covariance is not None:
        raise UnsupportedOptionError(
            f"{parameter}: its error is common to all bins, which the covariance of bins that share pixels has no "
            f"place for. Leave {parameter} out and add it to your own matrix, or integrate without covariance."
        )


def _like(result: Any, sums: Sums, facts: dict[str, Any]) -> Any:
    """Return a result on the same axes."""
    axes = {name: getattr(result, name) for name in ("axis", "radial_axis", "azimuthal_axis") if hasattr(result, name)}
    return type(result)(**axes, sums=sums, **facts)


def _with_factors(sums: Sums, factor: float, powers: dict[str, int]) -> Sums:
    """Return sums with `factor` to a power multiplied into some fields."""
    values = fields(sums)
    for name, power in powers.items():
        if values.get(name) is not None:
            values[name] = values[name] * factor**power
    held = sums.covariance
    return with_covariance(Sums(**values), held and held.scaled(factor ** powers.get("variance", 0)))


def _variance(result: Any) -> FloatArray:
    squared: FloatArray = np.square(result.sem)
    return squared


def _squared(value: float) -> float:
    return value * value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _checked_sigma(parameter: str, value: Any, result: Any) -> float:
    spread = finite_number(parameter, value)
    if spread < 0:
        raise ParameterError(f"{parameter}: expected a number of at least 0, got {spread}.")
    if spread and result.error_model is None:
        raise ParameterError(
            f"{parameter}: the result has no error model and would ignore it. Integrate with an error model."
        )
    return spread
