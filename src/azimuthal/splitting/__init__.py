# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pixel splitting: (pixel shapes, bin edges) -> weights.

A scheme shares a pixel among the bins that it covers.  Weights of a pixel that lies wholly inside the range sum to
one; a pixel cut by the edge of the range keeps only the part inside.  The plane in which pixels are polygons is that
of the two bin coordinates: the radial unit of the axis and the azimuth.

========  ==============================================================================================
name      a pixel is
========  ==============================================================================================
none      a point: the whole pixel goes to the bin of its centre
bbox      the box around its corners, in the plane of the bin coordinates
pseudo    that box, shrunk to the area of the polygon
full      the polygon of its corners (four or six), joined by straight lines
exact     its area on the detector, cut by the curved edges of the bins
========  ==============================================================================================

Each scheme is one module with the functions of :class:`~azimuthal.splitting._protocol.Scheme`; NumPy defines it, the
compiled core repeats it ("exact" cuts pixels into quadrilaterals, which "full" shares).
"""

from __future__ import annotations

from types import ModuleType
from typing import cast

from azimuthal._validate import one_of
from azimuthal.splitting import bounding_box, exact, full, none, pseudo
from azimuthal.splitting._protocol import Extent, Lattice, Pieces, PixelBins, PixelShapes, Scheme
from azimuthal.splitting.build import build_matrix, extent_of

__all__ = [
    "Extent",
    "Lattice",
    "Pieces",
    "PixelBins",
    "PixelShapes",
    "Scheme",
    "build_matrix",
    "extent_of",
    "scheme",
]

_SCHEMES: dict[str, ModuleType] = {module.name: module for module in (none, bounding_box, pseudo, full)}


def scheme(name: str, *, native: bool = True, n_threads: int = 1) -> Scheme:
    """Return a splitting scheme by name, compiled or as NumPy defines it.

    Raises
    ------
    UnknownNameError
        No such scheme.
    """
    name = one_of("split", name, (*_SCHEMES, exact.name))
    if name == exact.name:
        return cast("Scheme", exact.Exact(scheme(full.name, native=native, n_threads=n_threads)))
    if native:
        from azimuthal.splitting import _native

        if _native.is_available(name):
            return cast("Scheme", _native.NativeScheme(name, n_threads))
    return cast("Scheme", _SCHEMES[name])
