# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The records of a CrystFEL geometry; definitions in :mod:`azimuthal.geometry.conventions.crystfel`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from azimuthal._validate import positive_number
from azimuthal.errors import ParameterError
from azimuthal.geometry.beam import Beam
from azimuthal.typing import FloatArray

Triple: TypeAlias = tuple[float, float, float]
Range: TypeAlias = tuple[float, float]

OURS_FROM_CRYSTFEL = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
DEFAULT_DATA = "/data/data"
DEFAULT_DIMS = ("ss", "fs")


@dataclass(frozen=True, slots=True)
class CrystfelPanel:
    """One panel.

    Parameters
    ----------
    name:
        As in the file.
    min_fs, max_fs, min_ss, max_ss:
        Inclusive range of indices of the data array.
    corner_x, corner_y:
        Of the outer corner of the panel's first pixel, in pixels.
    fs, ss:
        Steps along the fast and the slow index, in pixels; CrystFEL axes (x, y, z).
    pixel_size:
        ``1/res``, m.
    z:
        ``clen + coffset``, m.
    data:
        Where the data are, as written.
    dims:
        What each dimension of the data is: ``"ss"``, ``"fs"``, ``"%"`` or a fixed index.
    no_index:
        The whole panel is bad.
    mask_edge_pixels:
        Width of the bad border.
    other:
        Further keys of the panel (masks, flags), as text.

    Raises
    ------
    ParameterError
        A range is empty or negative, or the vectors are not finite and of two directions.
    """

    name: str
    min_fs: int
    max_fs: int
    min_ss: int
    max_ss: int
    corner_x: float
    corner_y: float
    fs: Triple
    ss: Triple
    pixel_size: float
    z: float
    data: str = DEFAULT_DATA
    dims: tuple[str, ...] = DEFAULT_DIMS
    no_index: bool = False
    mask_edge_pixels: int = 0
    other: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not (0 <= self.min_fs <= self.max_fs and 0 <= self.min_ss <= self.max_ss):
            raise ParameterError(
                f"panel {self.name!r}: expected 0 <= min <= max, got fs {self.min_fs} to {self.max_fs} and "
                f"ss {self.min_ss} to {self.max_ss}."
            )
        positive_number(f"panel {self.name!r}: pixel_size", self.pixel_size, unit="m")
        numbers = (*self.fs, *self.ss, self.corner_x, self.corner_y, self.z)
        if not all(map(math.isfinite, numbers)) or not np.cross(self.fs, self.ss).any():
            raise ParameterError(
                f"panel {self.name!r}: expected finite numbers and two different directions, got "
                f"fs={self.fs}, ss={self.ss}, corner ({self.corner_x}, {self.corner_y}), z={self.z}."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(slow, fast) number of pixels."""
        return self.max_ss - self.min_ss + 1, self.max_fs - self.min_fs + 1

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where the panel is in the data array."""
        return slice(self.min_ss, self.max_ss + 1), slice(self.min_fs, self.max_fs + 1)

    @property
    def vectors(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Outer corner, slow step and fast step in our laboratory frame, m."""
        corner = np.array([self.corner_x * self.pixel_size, self.corner_y * self.pixel_size, self.z])
        slow, fast = (np.array(vector) * self.pixel_size for vector in (self.ss, self.fs))
        return OURS_FROM_CRYSTFEL @ corner, OURS_FROM_CRYSTFEL @ slow, OURS_FROM_CRYSTFEL @ fast


@dataclass(frozen=True, slots=True)
class CrystfelBadRegion:
    """A bad region: inclusive fs/ss ranges of the data array, or exclusive x/y ranges in pixels.

    Parameters
    ----------
    name:
        As in the file; begins with ``bad``.
    fs, ss:
        (lowest, highest) index, or None.
    x, y:
        (low, high) in pixels of each panel, or None.
    panel:
        The panel that fs/ss refers to; None for the whole data array.

    Raises
    ------
    ParameterError
        Neither fs and ss nor x and y are given, or parts of both.
    """

    name: str
    fs: Range | None = None
    ss: Range | None = None
    x: Range | None = None
    y: Range | None = None
    panel: str | None = None

    def __post_init__(self) -> None:
        given = tuple(getattr(self, axis) is not None for axis in ("fs", "ss", "x", "y"))
        if given not in ((True, True, False, False), (False, False, True, True)):
            raise ParameterError(f"{self.name}: expected min and max of fs and ss, or of x and y, and not both.")


@dataclass(frozen=True, slots=True)
class CrystfelGeometry:
    """A detector of one or more panels.

    Parameters
    ----------
    panels:
        In the order of the file.
    wavelength:
        m, or None.
    bad_regions:
        In the order of the file.
    other:
        Further top-level keys, as text.

    Raises
    ------
    ParameterError
        No panel, two panels of one name, or a wavelength that is not in m.
    """

    panels: tuple[CrystfelPanel, ...]
    wavelength: float | None = None
    bad_regions: tuple[CrystfelBadRegion, ...] = ()
    other: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [panel.name for panel in self.panels]
        if not names or len(set(names)) != len(names):
            raise ParameterError(f"panels: expected at least one panel and different names, got {names}.")
        object.__setattr__(self, "wavelength", Beam(self.wavelength).wavelength)

    @property
    def shape(self) -> tuple[int, int]:
        """(slow, fast) shape of the smallest data array that holds all panels."""
        slow = max(panel.max_ss for panel in self.panels) + 1
        return slow, max(panel.max_fs for panel in self.panels) + 1


def triple(vector: Sequence[float] | FloatArray) -> Triple:
    """Return three floats."""
    first, second, third = (float(value) for value in vector)
    return first, second, third
