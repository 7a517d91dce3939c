# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Powder rings: where a certified lattice puts them, and where a pattern has them.

Expected
    A cubic lattice with parameter ``a`` reflects at :math:`d = a / \sqrt{s}`, ``s = h^2 + k^2 + l^2``.  Primitive
    lattices (LaB6) have every ``s`` that is a sum of three squares, face-centred ones (CeO2) those with h, k, l all
    even or all odd.  The angle follows from Bragg's law, ``two_theta = 2 asin(wavelength / 2 d)``.

Found
    A Gaussian on a straight background, ``height exp(-(x - centre)^2 / 2 width^2) + b + m (x - centre)``, fitted to the
    pattern within a window around the expected angle by damped least squares (Levenberg 1944).  Rings whose windows
    overlap are left out, since each would drag the other.

Deviations are quoted in pixels too: the change of ``two_theta`` from one pixel to the next in the steepest direction,
median over the pixels that the ring crosses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from azimuthal.instrument import Instrument
from azimuthal.typing import FloatArray

__all__ = ["Ring", "RingReport", "cubic_d_spacings", "find_rings", "isolated", "pixel_two_theta", "two_theta_of"]

_LARGEST_INDEX = 16
_MIN_POINTS = 8
_PARAMETERS = 5
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring; angles in degrees of two theta."""

    expected: float
    found: float
    width: float
    height: float

    @property
    def deviation(self) -> float:
        """Found minus expected."""
        return self.found - self.expected

    @property
    def fwhm(self) -> float:
        """Full width at half maximum."""
        return self.width * math.sqrt(8 * math.log(2))


@dataclass(frozen=True, slots=True)
class RingReport:
    """Rings of one pattern, and how many degrees one pixel is at each of them."""

    rings: tuple[Ring, ...]
    pixel: FloatArray

    @property
    def deviations(self) -> FloatArray:
        """Found minus expected, degrees."""
        return np.array([ring.deviation for ring in self.rings])

    @property
    def largest(self) -> float:
        """Largest absolute deviation, degrees."""
        return float(np.abs(self.deviations).max())

    @property
    def median_pixels(self) -> float:
        """Median of the absolute deviations, pixels."""
        return float(np.median(np.abs(self.deviations) / self.pixel))

    @property
    def bias_pixels(self) -> float:
        """Median of the signed deviations, pixels."""
        return float(np.median(self.deviations / self.pixel))

    def __str__(self) -> str:
        where = ", ".join(f"{ring.expected:.2f}: {1e4 * ring.deviation:+.1f}" for ring in self.rings)
        return (
            f"{len(self.rings)} rings, largest deviation {self.largest:.5f} deg, "
            f"median {self.median_pixels:.3f} pixel, bias {self.bias_pixels:+.3f} pixel; "
            f"two theta: deviation in 1e-4 deg: {where}"
        )


def cubic_d_spacings(a: float, lattice: Literal["P", "F"] = "P", *, without: tuple[int, ...] = ()) -> FloatArray:
    """Return the d-spacings of a cubic lattice, decreasing, in the unit of `a`.

    Parameters
    ----------
    a:
        Lattice parameter.
    lattice:
        "P" primitive, "F" face-centred.
    without:
        Values of ``h^2 + k^2 + l^2`` to leave out (rings that something else overlaps).
    """
    sums = set()
    for h in range(1, _LARGEST_INDEX):
        for k in range(h + 1):
            for n in range(k + 1):
                if lattice == "P" or h % 2 == k % 2 == n % 2:
                    sums.add(h * h + k * k + n * n)
    kept = sorted(s for s in sums if s < _LARGEST_INDEX**2 and s not in without)
    return a / np.sqrt(np.array(kept, dtype=np.float64))


def two_theta_of(d: FloatArray, wavelength: float) -> FloatArray:
    """Return two theta in degrees of the d-spacings that the wavelength (same unit) reaches, increasing."""
    reached = d[d > 0.5 * wavelength]
    angles: FloatArray = np.sort(np.degrees(2 * np.arcsin(0.5 * wavelength / reached)))
    return angles


def isolated(two_theta: FloatArray, half_window: float) -> FloatArray:
    """Return the angles whose windows overlap with no other's."""
    gaps = np.diff(two_theta, prepend=-np.inf, append=np.inf)
    return two_theta[(gaps[:-1] > 2 * half_window) & (gaps[1:] > 2 * half_window)]


def find_rings(x: FloatArray, y: FloatArray, expected: FloatArray, *, half_window: float) -> tuple[Ring, ...]:
    """Return the rings that a pattern has near the expected angles.

    Parameters
    ----------
    x, y:
        Bin centres, degrees, and intensity; NaN where there is none.
    expected:
        Angles to look at, degrees.
    half_window:
        Half width of the window of the fit, degrees.

    Returns
    -------
    :
        Rings whose whole window the pattern covers, and whose fit converged to a maximum well inside it.
    """
    usable = np.isfinite(y)
    x, y = x[usable], y[usable]
    rings = []
    for angle in expected:
        inside = np.abs(x - angle) <= half_window
        covered = x.size and x[0] < angle - half_window and x[-1] > angle + half_window
        if not covered or np.count_nonzero(inside) < _MIN_POINTS:
            continue
        height, centre, width, *_ = _fitted_gaussian(x[inside], y[inside], half_window)
        plausible = 0 < height < 2 * np.ptp(y[inside]) and abs(width) < 0.5 * half_window
        if plausible and abs(centre - angle) < 0.75 * half_window:
            rings.append(Ring(float(angle), float(centre), float(abs(width)), float(height)))
    return tuple(rings)


def pixel_two_theta(instrument: Instrument, two_theta: FloatArray, *, tolerance: float = 0.2) -> FloatArray:
    """Return the size of a pixel at the given angles: degrees of two theta in the steepest direction.

    Parameters
    ----------
    instrument:
        Detector and pose.
    two_theta:
        Degrees.
    tolerance:
        Pixels within so many degrees of an angle are taken.
    """
    positions = instrument.pose.lab_from_detector(instrument.detector.centers())
    angle = np.degrees(np.arctan2(np.hypot(positions[..., 0], positions[..., 1]), positions[..., 2]))
    steepness = np.hypot(*np.gradient(angle))
    return np.array([np.median(steepness[np.abs(angle - value) < tolerance]) for value in two_theta])


def _fitted_gaussian(x: FloatArray, y: FloatArray, half_window: float) -> FloatArray:
    """Return (height, centre, width, background, slope) by damped least squares."""
    top = int(np.argmax(y))
    p = np.array([np.ptp(y), x[top], half_window / 6, float(y.min()), 0.0])
    damping, residual = 1e-3, y - _gaussian(x, p)
    for _ in range(_ROUNDS):
        jacobian = _gaussian_jacobian(x, p)
        normal = jacobian.T @ jacobian
        damped = normal + damping * np.diag(np.diag(normal) + 1e-12 * np.trace(normal))
        step = np.linalg.solve(damped, jacobian.T @ residual)
        trial = p + step
        trial_residual = y - _gaussian(x, trial)
        if trial_residual @ trial_residual <= residual @ residual:
            p, residual, damping = trial, trial_residual, damping / 5
            if abs(step[1]) < 1e-9 * half_window and damping < 1e-6:
                break
        else:
            damping *= 5
    return p


def _gaussian(x: FloatArray, p: FloatArray) -> FloatArray:
    values: FloatArray = p[0] * np.exp(-0.5 * ((x - p[1]) / p[2]) ** 2) + p[3] + p[4] * (x - p[1])
    return values


def _gaussian_jacobian(x: FloatArray, p: FloatArray) -> FloatArray:
    u = (x - p[1]) / p[2]
    bell = np.exp(-0.5 * u * u)
    jacobian = np.empty((x.size, _PARAMETERS))
    jacobian[:, 0] = bell
    jacobian[:, 1] = p[0] * bell * u / p[2] - p[4]
    jacobian[:, 2] = p[0] * bell * u * u / p[2]
    jacobian[:, 3] = 1.0
    jacobian[:, 4] = x - p[1]
    return jacobian
