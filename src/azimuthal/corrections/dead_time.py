# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Dead time: photons that a counting pixel misses while it is busy with the one before.

Definition
    ``n`` photons per second arrive at random, ``m`` are counted per second, ``tau`` is the dead time. ::

        non-paralyzable   m = n / (1 + n tau)      every counted photon closes the pixel for tau
        paralyzable       m = n exp(-n tau)        every photon, counted or not, closes it for tau more

    A frame of ``M`` counts in the exposure ``T`` has ``m = M / T``; with ``y = m tau`` and ``x = n tau`` the inverse
    is ::

        non-paralyzable   x = y / (1 - y)          for 0 <= y < 1
        paralyzable       x exp(-x) = y            for 0 <= y <= 1/e, the solution with x <= 1

    and the corrected number of photons ``N = x T / tau``. The inverse is exact, not a series. A paralyzable pixel
    counts the same at two rates; the lower one (x <= 1) is taken: which it was cannot be told from the counts.

Limit
    Counts at or above ``T / tau`` (non-paralyzable) or above ``T / (e tau)`` (paralyzable) have no solution. Such a
    pixel is marked invalid (NaN) and counted among the invalid pixels of the frame; it is never clipped or wrapped
    round. At y = 1/e itself the slope of the inverse is infinite: the last percent before the limit carries little
    information, as the variance says.

Variance
    Counts with dead time scatter *less* than Poisson's law (long exposures, ``T >> tau``)::

        var(M) = M (1 - y)^2        non-paralyzable
        var(M) = M (1 - 2 y)        paralyzable

    and the correction stretches them by its slope dN/dM, so that ::

        var(N) = M / (1 - y)^2                                     non-paralyzable
        var(N) = M (1 - 2 y) exp(2 x) / (1 - x)^2                  paralyzable

    which is larger than N. A variance that is given is taken as that of the raw counts and multiplied by the slope
    squared. References: Yu and Fessler (2000), Phys. Med. Biol. 45, 2043-2056, doi:10.1088/0031-9155/45/7/324; Knoll,
    Radiation Detection and Measurement, section on dead time models.

Order
    First of all corrections, on raw counts: dark, flat and everything else act on the corrected ones.

Limits of validity
    A continuous source (a synchrotron's bunches are not, once tau approaches their distance), a rate that does not
    change during the exposure, pixels that do not share photons. Sums of several readouts (frames summed inside a
    detector) count as one long exposure. tau and T are taken as exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from azimuthal._validate import one_of, positive_number
from azimuthal.errors import ParameterError
from azimuthal.typing import AnyArray, FloatArray

__all__ = ["DEAD_TIME_MODELS", "DeadTime", "DeadTimeModel"]

DeadTimeModel: TypeAlias = Literal["paralyzable", "nonparalyzable"]
DEAD_TIME_MODELS: tuple[DeadTimeModel, ...] = ("paralyzable", "nonparalyzable")

_MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class DeadTime:
    """How a pixel loses counts.

    Parameters
    ----------
    tau:
        Dead time, s, greater than 0.
    exposure:
        Time in which the counts of a frame were collected, s, greater than `tau`.
    model:
        "paralyzable" or "nonparalyzable".

    Raises
    ------
    DataTypeError, ParameterError, UnknownNameError
        Naming the value.

    Examples
    --------
    >>> pixel = DeadTime(2e-7, 1.0, "nonparalyzable")
    >>> float(pixel.corrected(np.array([1e6]))[0])
    1250000.0
    """

    tau: float
    exposure: float
    model: DeadTimeModel

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau", positive_number("dead_time", self.tau, unit="s"))
        object.__setattr__(self, "exposure", positive_number("exposure_time", self.exposure, unit="s"))
        object.__setattr__(self, "model", one_of("dead_time_model", self.model, DEAD_TIME_MODELS))
        if self.tau >= self.exposure:
            raise ParameterError(
                f"dead_time: expected less than the exposure of {self.exposure:g} s, got {self.tau:g} s. Both are in s."
            )

    @property
    def most_counts(self) -> float:
        """Counts of a frame below which (non-paralyzable) or up to which (paralyzable) there is a solution."""
        most = self.exposure / self.tau
        return most if self.model == "nonparalyzable" else most / math.e

    def observed(self, photons: Any) -> FloatArray:
        """Return the mean number of counts when so many photons arrive in the exposure: the forward model.

        Parameters
        ----------
        photons:
            At least 0, any shape.

        Returns
        -------
        :
            Same shape, float64.
        """
        arriving = np.asarray(photons, dtype=np.float64)
        x = arriving * (self.tau / self.exposure)
        return np.asarray(arriving / (1.0 + x) if self.model == "nonparalyzable" else arriving * np.exp(-x))

    def corrected(self, counts: AnyArray) -> FloatArray:
        """Return the number of photons that arrived; see the module docstring.

        Parameters
        ----------
        counts:
            Raw counts of a frame, any shape and real dtype.

        Returns
        -------
        :
            Same shape, float64, new memory; NaN beyond the limit, for negative counts and NaN.
        """
        return self.corrected_with_slope(counts)[0]

    def corrected_with_slope(self, counts: AnyArray) -> tuple[FloatArray, FloatArray]:
        """Return the number of photons, and its derivative with respect to the counts; NaN as :meth:`corrected`."""
        raw = np.asarray(counts)
        if raw.dtype.kind in "iu" and raw.size > 1:
            # Many pixels share few numbers of counts; the first number beyond the limit stands for all beyond it.
            top = int(min(int(raw.max()), math.floor(self.most_counts) + 1))
            if 0 <= top < raw.size:
                photons, slope = self._solved(np.arange(top + 1, dtype=np.float64))
                index = np.minimum(raw, top)
                good = raw >= 0
                index = np.where(good, index, 0).astype(np.intp)
                return np.where(good, photons[index], np.nan), np.where(good, slope[index], np.nan)
        return self._solved(raw.astype(np.float64))

    def _solved(self, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
        y = counts * (self.tau / self.exposure)
        x, slope = _opened(y) if self.model == "nonparalyzable" else _unextended(y)
        return x * (self.exposure / self.tau), slope

    def variance(self, counts: AnyArray, slope: FloatArray | None = None) -> FloatArray:
        """Return the variance of the corrected number of photons, given the counts alone.

        Parameters
        ----------
        counts:
            Raw counts of a frame.
        slope:
            Of :meth:`corrected_with_slope`, when it is at hand.

        Returns
        -------
        :
            Same shape, float64; NaN where the correction is NaN, infinite at the limit of the paralyzable model.
        """
        raw = np.asarray(counts, dtype=np.float64)
        y = raw * (self.tau / self.exposure)
        factor = self.corrected_with_slope(raw)[1] if slope is None else slope
        scatter = (1.0 - y) ** 2 if self.model == "nonparalyzable" else 1.0 - 2.0 * y
        return np.asarray(raw * scatter * factor**2)


def _opened(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x and dx/dy of ``y = x / (1 + x)``."""
    rest = np.where((y >= 0.0) & (y < 1.0), 1.0 - y, np.nan)
    return y / rest, 1.0 / (rest * rest)


def _unextended(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x <= 1 and dx/dy of ``y = x exp(-x)``.

    Newton's method on ``ln x - x = ln y`` for x from a start below the root: concave, so that it converges from below.
    """
    largest = math.exp(-1.0)
    valid = (y >= 0.0) & (y <= largest)
    inside = np.where(valid, y, 0.0)
    # Near the branch point x = 1 - p + p^2/3 - ... with p^2 = 2 (1 - e y) (Corless et al. 1996, W of Lambert).
    p = np.sqrt(np.maximum(2.0 * (1.0 - math.e * inside), 0.0))
    x = np.where(p < 0.5, 1.0 - p + p * p / 3.0 - 11.0 / 72.0 * p**3, inside * (1.0 + inside))
    for _ in range(_MOST_STEPS):
        # Halley's step for f = x exp(-x) - y, in a form without cancellation of exponentials.
        residual = x - inside * np.exp(x)
        slope = 1.0 - x
        step = np.divide(residual, slope + 0.5 * residual * (2.0 - x) / np.where(slope == 0, 1.0, slope),
                         out=np.zeros_like(x), where=slope > 1e-7)  # fmt: skip
        x = np.clip(x - step, 0.0, 1.0)
        if not (np.abs(step) > 4e-15 * x).any():
            break
    x = np.where(valid, x, np.nan)
    with np.errstate(divide="ignore"):
        return x, np.exp(x) / (1.0 - x)
