# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Polarisation of the incident beam.

Definition
    With the degree of linear polarisation ``f = (I2 - I1) / (I2 + I1)`` along laboratory axes 2 (horizontal)
    and 1 ::

        P = 1/2 (1 + cos^2(2theta) - f cos(2 (chi + offset)) (1 - cos^2(2theta)))

    ``f = 1`` is fully horizontal (synchrotrons: 0.95 to 0.99), ``f = -1`` fully vertical, ``f = 0``
    unpolarised or circular. `offset` turns the axis of polarisation: it is the angle in rad from that axis
    to axis 2, positive as chi. Reference: Kahn et al. (1982), J. Appl. Cryst. 15, 330,
    doi:10.1107/S0021889882012060.

Evaluation
    No angle is computed. ``cos(2theta) = t3 / |t|``, ``sin(2theta) cos(chi) = t2 / |t|`` and
    ``sin(2theta) sin(chi) = t1 / |t|``, so that the radius cancels and P is a quadratic form of the ray ::

        P = t . N t / t . t

                  | 1 + f c    f s       0 |
        N = 1/2   | f s        1 - f c   0 |      c = cos(2 offset),  s = sin(2 offset)
                  | 0          0         2 |

    without 0/0 on the beam axis, where P is 1. With ``t = R p`` the same holds along the axes of the
    detector with ``R^T N R``; on a detector of rows and columns this leaves one product per pixel.

Range
    P is in [0, 1]. It is 0 only for ``|f| = 1`` at 2theta = 90 degrees along the axis of polarisation; a
    pixel centred there, to within rounding (P below 1e-15), is excluded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azimuthal._validate import finite_number
from azimuthal.corrections._rays import RaySlab, ray_slabs
from azimuthal.errors import ParameterError
from azimuthal.typing import FloatArray

if TYPE_CHECKING:
    from azimuthal.instrument import Instrument

__all__ = ["checked_factor", "polarization", "polarization_form"]

_NODE = 1e-15


def checked_factor(value: float) -> float:
    """Return a polarisation factor as a float in [-1, 1].

    Raises
    ------
    DataTypeError, ParameterError
        Not a number, or out of range.
    """
    factor = finite_number("polarization_factor", value)
    if not -1.0 <= factor <= 1.0:
        raise ParameterError(
            f"polarization_factor: expected a value from -1 (vertical) to 1 (horizontal), got {factor}. "
            "A percentage is divided by 100; None switches the correction off."
        )
    return factor


def polarization_form(*, factor: float, offset: float = 0.0) -> FloatArray:
    """Return the matrix ``N`` of the module docstring, in the laboratory frame.

    Parameters
    ----------
    factor:
        Degree of linear polarisation, in [-1, 1].
    offset:
        Of the axis of polarisation, rad.

    Returns
    -------
    :
        Shape (3, 3), symmetric: ``P = t . N t / t . t`` for a laboratory position t.
    """
    f = checked_factor(factor)
    angle = 2.0 * finite_number("polarization_offset", offset, unit="rad")
    c, s = f * math.cos(angle), f * math.sin(angle)
    return 0.5 * np.array([[1.0 + c, s, 0.0], [s, 1.0 - c, 0.0], [0.0, 0.0, 2.0]])


def polarization(instrument: Instrument, *, factor: float, offset: float = 0.0) -> FloatArray:
    """Return the polarisation factor of every pixel centre; definition in the module docstring.

    Parameters
    ----------
    instrument:
        Its detector and pose are used.
    factor:
        Degree of linear polarisation, in [-1, 1]; 1 is horizontal.
    offset:
        Of the axis of polarisation, rad.

    Returns
    -------
    :
        Shape of the detector, float64, in [0, 1].

    Raises
    ------
    DataTypeError, ParameterError
        `factor` is out of range or a value is not a finite number.

    Notes
    -----
    Evaluated in slabs of rows; 4 ns per pixel where edges factor into rows and columns, 0.2 us elsewhere.
    """
    form = detector_form(instrument, factor=factor, offset=offset)
    result = np.empty(instrument.detector.shape)
    for slab in ray_slabs(instrument):
        result[slab.rows] = slab_polarization(slab, form)
    return result


def detector_form(instrument: Instrument, *, factor: float, offset: float) -> FloatArray:
    """Return the matrix ``R^T N R``, which acts on rays along the axes of the detector."""
    rotation = instrument.pose.rotation
    form: FloatArray = rotation.T @ polarization_form(factor=factor, offset=offset) @ rotation
    return form


def slab_polarization(slab: RaySlab, form: FloatArray) -> FloatArray:
    """Return ``p . K p / p . p`` for the pixels of one slab, with `form` = K; broadcasts to its shape."""
    p1, p2, p3 = slab.p1, slab.p2, slab.p3
    along = p1 * (form[0, 0] * p1 + 2.0 * form[0, 2] * p3) + form[2, 2] * p3 * p3
    across = p2 * (form[1, 1] * p2 + 2.0 * form[1, 2] * p3)
    values = np.asarray((2.0 * form[0, 1] * p1 * p2 + along + across) / slab.squared_length)
    values[values < _NODE] = 0.0
    return values
