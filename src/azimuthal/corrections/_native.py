# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Solid angle and polarisation of a flat detector in one pass of the compiled core: the same bits as the slabs give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azimuthal import _core
from azimuthal.corrections._rays import grid_rays
from azimuthal.corrections.solid_angle import SolidAngleMode, nominal_scale
from azimuthal.typing import FloatArray

if TYPE_CHECKING:
    from azimuthal.instrument import Instrument


def grid_normalization(
    instrument: Instrument,
    *,
    solid_angle: SolidAngleMode | None,
    form: FloatArray | None,
    n_threads: int,
) -> FloatArray | None:
    """Return the product of solid angle and polarisation, or None: evaluate the slabs.

    Parameters
    ----------
    instrument:
        Its detector and pose are used.
    solid_angle:
        The mode, or None for none.
    form:
        Of the polarisation along the axes of the detector, or None for none.
    n_threads:
        For the compiled core.

    Returns
    -------
    :
        Shape of the detector; None when pixels are no grid, or when a value is not finite and positive: the slabs
        find out by which cause.
    """
    rays = grid_rays(instrument)
    if rays is None:
        return None
    p1, p2, p3 = rays.p1, rays.p2, instrument.pose.dist
    has_area = solid_angle is not None and solid_angle != "equal_area" and not rays.is_uniform
    mixed = along = across = None
    if form is not None:  # as slab_polarization writes it
        mixed = 2.0 * form[0, 1] * p1
        along = p1 * (form[0, 0] * p1 + 2.0 * form[0, 2] * p3) + form[2, 2] * p3 * p3
        across = p2 * (form[1, 1] * p2 + 2.0 * form[1, 2] * p3)
    product = np.empty(instrument.detector.shape)
    n_bad = _core.grid_normalization(
        p1 * p1 + p3 * p3,
        p2 * p2,
        solid_angle is not None,
        rays.width1 if has_area else None,
        rays.width2 if has_area else None,
        p3,
        1.0 if solid_angle is None else nominal_scale(instrument, solid_angle),
        None if form is None else p2,
        mixed,
        along,
        across,
        product,
        n_threads,
    )
    return None if n_bad else product
