# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
r"""Modules that are not quite where they should be: the layout that a refinement of modules ends in.

Each module is a rectangle of native pixels that moves as a rigid body about its centre c, the mean of its four
outermost corners in the layout underneath:

.. math:: p' = c + R_3(\varphi)\, R_2(t_2)\, R_1(t_1)\, (p - c) + (s_1, s_2, s_3)

with the right-handed rotations

.. math:: R_1 = \begin{pmatrix}1&0&0\\0&\cos&-\sin\\0&\sin&\cos\end{pmatrix}, \quad
          R_2 = \begin{pmatrix}\cos&0&\sin\\0&1&0\\-\sin&0&\cos\end{pmatrix}, \quad
          R_3 = \begin{pmatrix}\cos&-\sin&0\\\sin&\cos&0\\0&0&1\end{pmatrix}

about the axes of the detector frame: :math:`\varphi` turns axis 1 towards axis 2.  Pixels of no module stay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from azimuthal._validate import finite_number
from azimuthal.detectors._pixels import Block, Layout, layout_from_dict
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.typing import FloatArray

__all__ = ["DISPLACEMENTS", "DisplacedModules", "ModuleDisplacement", "rotation_matrix"]

#: Names of the displacements of a module: m, m, rad, m, rad, rad.
DISPLACEMENTS = ("shift1", "shift2", "rotation", "shift3", "tilt1", "tilt2")


@dataclass(frozen=True, slots=True)
class ModuleDisplacement:
    """One module: a rectangle of native pixels and how it is displaced.

    Parameters
    ----------
    rectangle:
        First row, first column, rows, columns.
    shift1, shift2, shift3:
        Along the axes of the detector frame, m.
    rotation, tilt1, tilt2:
        About axis 3, axis 1 and axis 2, rad.
    """

    rectangle: tuple[int, int, int, int]
    shift1: float = 0.0
    shift2: float = 0.0
    rotation: float = 0.0
    shift3: float = 0.0
    tilt1: float = 0.0
    tilt2: float = 0.0

    def __post_init__(self) -> None:
        rectangle = tuple(int(number) for number in self.rectangle)
        if len(rectangle) != 4 or min(rectangle) < 0 or min(rectangle[2:]) < 1:
            raise ParameterError(f"rectangle: expected first row, first column, rows, columns, got {self.rectangle}.")
        object.__setattr__(self, "rectangle", rectangle)
        for name in DISPLACEMENTS:
            object.__setattr__(self, name, finite_number(name, getattr(self, name)))

    @property
    def values(self) -> tuple[float, ...]:
        """The displacements in the order of :data:`DISPLACEMENTS`."""
        return tuple(getattr(self, name) for name in DISPLACEMENTS)


@dataclass(frozen=True, slots=True)
class DisplacedModules(Layout):
    """A layout whose modules are displaced; the module docstring says how.

    Parameters
    ----------
    base:
        Where the pixels would be.
    modules:
        Rectangles that do not overlap.
    """

    builder: ClassVar[str] = "displaced"

    base: Layout
    modules: tuple[ModuleDisplacement, ...]

    def __post_init__(self) -> None:
        if isinstance(self.base, Mapping):
            object.__setattr__(self, "base", layout_from_dict(self.base))
        modules = tuple(_module(one) for one in self.modules)
        object.__setattr__(self, "modules", modules)
        taken = np.zeros(self.base.shape, dtype=np.bool_)
        for module in modules:
            row, column, rows, columns = module.rectangle
            if row + rows > self.base.shape[0] or column + columns > self.base.shape[1]:
                raise ShapeError(f"modules: {module.rectangle} is not inside {self.base.shape} pixels.")
            part = taken[row : row + rows, column : column + columns]
            if part.any():
                raise ParameterError(f"modules: {module.rectangle} overlaps another module.")
            part[:] = True

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """Number of native rows and columns."""
        return self.base.shape

    @property
    def n_corners(self) -> int:
        """Corners per pixel."""
        return self.base.n_corners

    @property
    def is_flat(self) -> bool:
        """Whether all modules stay in the plane."""
        return self.base.is_flat and not any(m.shift3 or m.tilt1 or m.tilt2 for m in self.modules)

    def corners(self, block: Block) -> FloatArray:
        """Return the corners of a block of pixels."""
        corners = self.base.corners(block)
        for module in self.modules:
            row, column, rows, columns = module.rectangle
            rows_here = slice(max(row, block.start1) - block.start1, min(row + rows, block.stop1) - block.start1)
            columns_here = slice(
                max(column, block.start2) - block.start2, min(column + columns, block.stop2) - block.start2
            )
            if rows_here.start < rows_here.stop and columns_here.start < columns_here.stop and any(module.values):
                corners[rows_here, columns_here] = self._moved(module, corners[rows_here, columns_here])
        return corners

    def centre(self, module: ModuleDisplacement) -> FloatArray:
        """Return the point that a module turns about, shape (3,), m."""
        row, column, rows, columns = module.rectangle
        last1, last2 = row + rows - 1, column + columns - 1
        found = [
            self.base.corners(Block(i, i + 1, j, j + 1))[0, 0]
            for i, j in ((row, column), (row, last2), (last1, column), (last1, last2))
        ]
        middle = np.mean([one.mean(axis=0) for one in found], axis=0)
        spread = np.stack([one[np.argmax(np.sum((one - middle) ** 2, axis=1))] for one in found])
        return np.asarray(spread.mean(axis=0))

    def to_dict(self, *, inline_arrays: bool = True) -> dict[str, Any]:
        """Return the parameters as JSON-able values."""
        modules = [{**asdict(module), "rectangle": list(module.rectangle)} for module in self.modules]
        return {"builder": self.builder, "base": self.base.to_dict(inline_arrays=inline_arrays), "modules": modules}

    def _moved(self, module: ModuleDisplacement, corners: FloatArray) -> FloatArray:
        centre, shift = self.centre(module), np.array([module.shift1, module.shift2, module.shift3])
        if not (module.rotation or module.tilt1 or module.tilt2):
            return np.asarray(corners + shift)
        turned = rotation_matrix(module.rotation, module.tilt1, module.tilt2)
        moved: FloatArray = (corners - centre) @ turned.T + (centre + shift)
        if self.base.is_flat and not (module.tilt1 or module.tilt2):
            moved[..., 2] = module.shift3  # exactly: the detector stays flat
        return moved


def rotation_matrix(rotation: float, tilt1: float, tilt2: float) -> FloatArray:
    """Return ``R3(rotation) R2(tilt2) R1(tilt1)`` of the module docstring."""
    (c1, c2, c3), (s1, s2, s3) = (tuple(f(angle) for angle in (tilt1, tilt2, rotation)) for f in (math.cos, math.sin))
    r1 = np.array([[1, 0, 0], [0, c1, -s1], [0, s1, c1]])
    r2 = np.array([[c2, 0, s2], [0, 1, 0], [-s2, 0, c2]])
    r3 = np.array([[c3, -s3, 0], [s3, c3, 0], [0, 0, 1]])
    return np.asarray(r3 @ r2 @ r1)


def _module(given: Any) -> ModuleDisplacement:
    if isinstance(given, ModuleDisplacement):
        return given
    known = {field.name for field in fields(ModuleDisplacement)}
    if not isinstance(given, Mapping) or not set(given) <= known:
        raise ParameterError(f"modules: expected displacements of modules ({', '.join(sorted(known))}), got {given!r}.")
    return ModuleDisplacement(**{**given, "rectangle": tuple(given["rectangle"])})
