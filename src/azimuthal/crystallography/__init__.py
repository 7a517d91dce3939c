# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Cells, space groups, and calibrants: where powder rings are.

- :mod:`~azimuthal.crystallography.cell`: unit cells, metric, spacings
- :mod:`~azimuthal.crystallography.space_groups`: symmetry and the reflections it extinguishes
- :mod:`~azimuthal.crystallography.reflections`: all reflections down to a spacing
- :mod:`~azimuthal.crystallography.calibrants`: rings of one or several substances
- :mod:`~azimuthal.crystallography.catalogue`: the calibrants that come with the package
- :mod:`~azimuthal.crystallography.d_files`, :mod:`~azimuthal.crystallography.cif`: own calibrants
"""

from azimuthal.crystallography.calibrants import Calibrant
from azimuthal.crystallography.catalogue import calibrant, calibrant_aliases, calibrant_names
from azimuthal.crystallography.cell import Cell
from azimuthal.crystallography.phases import Certificate, Crystal, Phase, Ring
from azimuthal.crystallography.reflections import Reflections, reflections
from azimuthal.crystallography.space_groups import SpaceGroup, space_group, space_group_names

__all__ = [
    "Calibrant",
    "Cell",
    "Certificate",
    "Crystal",
    "Phase",
    "Reflections",
    "Ring",
    "SpaceGroup",
    "calibrant",
    "calibrant_aliases",
    "calibrant_names",
    "reflections",
    "space_group",
    "space_group_names",
]
