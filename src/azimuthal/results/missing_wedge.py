# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which bins of a map no elastically scattered ray can reach: the missing wedge, bin by bin.

With ``a`` and ``kappa`` the components of the incident wave vector into the surface and along it
(:mod:`azimuthal.units.grazing`), turning the sample about its normal lets elastic scattering reach, for |qip|, the disc
of radius k about (kappa, a) without the disc of radius k about (-kappa, a): a crescent with its tips at the direct beam
and at the specular reflection.  In polar coordinates, with the angle ``c = |chigi|`` from the normal::

    2 k cos(c + c0) <= qtot <= 2 k cos(c - c0)        c0 = atan2(kappa, a)

A bin belongs to the wedge when it holds no point of the crescent.  Both tests are exact for whole bins:

* Rectangles in (|qip|, qoop).  The part of a rectangle in the first disc is convex, so its point farthest from the
  centre of the second disc is a corner, a point where a side meets the circle, or the point of the circle farthest from
  that centre.  The bin is reached when one of these is outside the second disc.
* Rectangles in (qtot, chigi).  Both limits are monotonic on either side of their extremes: two intervals of the angle
  meet the interval of the bin, or not.

A bin on the edge belongs to the map.  What is outside the wedge may still be empty: no pixel of the detector is there.

References: Baker et al. 2010, doi:10.1021/la904840q.
"""

from __future__ import annotations

import math

import numpy as np

from azimuthal.errors import UnsupportedOptionError, WavelengthMissingError
from azimuthal.typing import BoolArray, FloatArray
from azimuthal.units import Axis, Unit
from azimuthal.units.grazing import SampleFrame, beam_in_sample, sample_of

_IN_PLANE = ("qip", "qip_abs")
_OUT_OF_PLANE = ("qoop", "qygi")
_POLAR = ("chigi", "chigi_abs")
_ROUNDING = 1e-12


def has_wedge(unit_ip: Unit, unit_oop: Unit) -> bool:
    """Return whether a map in these units has a missing wedge that is known."""
    first, second = unit_ip.quantity, unit_oop.quantity
    pair = (first.name in _IN_PLANE and second.name in _OUT_OF_PLANE) or (
        first.name == "qtot" and second.name in _POLAR
    )
    return pair and sample_of(first) == sample_of(second)


def missing_wedge(axis_ip: Axis, axis_oop: Axis, wavelength: float | None) -> BoolArray:
    """Return which bins are in the missing wedge; shape (n_oop, n_ip), True = unreachable.

    Parameters
    ----------
    axis_ip, axis_oop:
        qip (or qip_abs) and qoop, or qtot and chigi (or chigi_abs); the sample is that of their units.
    wavelength:
        In m.

    Raises
    ------
    UnsupportedOptionError
        The axes are of other quantities.
    WavelengthMissingError
        The wavelength is not known.
    """
    if not has_wedge(axis_ip.unit, axis_oop.unit):
        raise UnsupportedOptionError(
            f"missing_wedge: expected a map of qip and qoop, or of qtot and chigi, of one sample; got "
            f"{axis_ip.unit.name!r} and {axis_oop.unit.name!r}."
        )
    if wavelength is None:
        raise WavelengthMissingError("missing_wedge: the wavelength is not known. Give the integrator one, in m.")
    sample = sample_of(axis_ip.quantity)
    assert sample is not None
    # Everything in units of the wave number: the Ewald sphere has radius one.
    scale = wavelength / (2.0 * math.pi)
    if axis_ip.quantity.name == "qtot":
        reached = _polar_bins(axis_ip.canonical_edges * scale, axis_oop.canonical_edges, sample)
    else:
        reached = _plane_bins(axis_ip.canonical_edges * scale, axis_oop.canonical_edges * scale, sample)
    return ~reached


def _folded(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the intervals of absolute values."""
    nearest = np.where((low <= 0.0) & (high >= 0.0), 0.0, np.minimum(np.abs(low), np.abs(high)))
    return nearest, np.maximum(np.abs(low), np.abs(high))


def _plane_bins(in_plane: FloatArray, out_of_plane: FloatArray, sample: SampleFrame) -> BoolArray:
    a, kappa = beam_in_sample(1.0, sample)
    x_low, x_high = (edge[None, :] for edge in _folded(in_plane[:-1], in_plane[1:]))
    y_low, y_high = out_of_plane[:-1, None] - a, out_of_plane[1:, None] - a
    reached = np.zeros((y_low.shape[0], x_low.shape[1]), bool)
    for x in (x_low, x_high):
        for y in (y_low, y_high):
            reached |= ((x - kappa) ** 2 + y**2 <= 1.0 + _ROUNDING) & _is_beyond(x, y, kappa)
        height = _other_side(x - kappa)
        for y in (height, -height):
            reached |= (y >= y_low) & (y <= y_high) & _is_beyond(x, y, kappa)
    for y in (y_low, y_high):
        half = _other_side(y)
        for x in (kappa - half, kappa + half):
            reached |= (x >= x_low) & (x <= x_high) & _is_beyond(x, y, kappa)
    reached |= (y_low <= 0.0) & (y_high >= 0.0) & (x_low <= kappa + 1.0) & (x_high >= kappa + 1.0)
    return reached


def _is_beyond(x: FloatArray, y: FloatArray, kappa: float) -> BoolArray:
    """Return whether points are outside the second disc; coordinates relative to its height."""
    return np.greater_equal((x + kappa) ** 2 + y**2, 1.0 - _ROUNDING)


def _other_side(leg: FloatArray) -> FloatArray:
    """Return the other leg of triangles with hypotenuse one; NaN where there is none."""
    square = 1.0 - leg * leg
    return np.sqrt(np.where(square >= 0.0, square, np.nan))


def _polar_bins(total: FloatArray, polar: FloatArray, sample: SampleFrame) -> BoolArray:
    a, kappa = beam_in_sample(1.0, sample)
    upright = math.atan2(kappa, a)
    below, above = _folded_arcs(polar[:-1], polar[1:])
    outer = np.arccos(np.minimum(1.0, 0.5 * np.maximum(total[:-1], 0.0)))[None, :]
    inner = np.arccos(np.clip(0.5 * total[1:], -1.0, 1.0))[None, :]
    low = np.maximum(np.maximum(below[:, None], upright - outer), inner - upright)
    high = np.minimum(np.minimum(above[:, None], upright + outer), 2.0 * math.pi - inner - upright)
    return (total[:-1] <= 2.0)[None, :] & (low <= high + _ROUNDING)


def _folded_arcs(start: FloatArray, stop: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return arcs of a circle as intervals of the absolute angle, within [0, pi]."""
    ends = np.abs(np.remainder(np.stack([start, stop]) + math.pi, 2.0 * math.pi) - math.pi)
    holds_zero = np.floor(stop / (2.0 * math.pi)) >= np.ceil(start / (2.0 * math.pi))
    holds_pi = np.floor((stop - math.pi) / (2.0 * math.pi)) >= np.ceil((start - math.pi) / (2.0 * math.pi))
    return np.where(holds_zero, 0.0, ends.min(axis=0)), np.where(holds_pi, math.pi, ends.max(axis=0))
