# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where no pixel is: rules that give the static mask of a detector in its native index frame.

======================  ===================================================================================
rule                    pixels that are masked
======================  ===================================================================================
:class:`ModuleGrid`     the rows and columns between modules, and the joints inside every module (lines
                        between chips, border pixels that collect the charge of a gap)
``chips``               everything outside given rectangles
``inscribed_circle``    pixels whose centre is further from the centre of the image than half its smaller side
``given``               a mask that somebody made
======================  ===================================================================================

Masks are boolean, True = excluded, of the native shape.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np

from azimuthal._validate import boolean_mask, one_of, unknown_name
from azimuthal.detectors._pixels import checked_shape, decode_array, encode_array
from azimuthal.errors import ParameterError, ShapeError
from azimuthal.typing import BoolArray

Runs: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ModuleGrid:
    """A grid of equal modules, numbers in pixels, each pair (slow, fast).

    Parameters
    ----------
    count:
        Number of modules.
    size:
        Pixels of one module.
    gap:
        Pixels between modules.
    joints1, joints2:
        Masked rows and columns inside each module: pairs (first, number), counted from the module's first
        pixel.
    """

    count: tuple[int, int]
    size: tuple[int, int]
    gap: tuple[int, int] = (0, 0)
    joints1: Runs = ()
    joints2: Runs = ()

    def __post_init__(self) -> None:
        for name in ("count", "size"):
            object.__setattr__(self, name, checked_shape(name, getattr(self, name)))
        gap = tuple(int(value) for value in self.gap)
        if len(gap) != 2 or min(gap) < 0:
            raise ParameterError(f"gap: expected two numbers of pixels (slow, fast), at least 0, got {self.gap}.")
        object.__setattr__(self, "gap", gap)
        for axis, name in enumerate(("joints1", "joints2")):
            runs = tuple((int(first), int(number)) for first, number in getattr(self, name))
            for first, number in runs:
                if first < 0 or number < 1 or first + number > self.size[axis]:
                    raise ParameterError(
                        f"{name}: pixels {first} to {first + number - 1} are not inside a module of {self.size[axis]}."
                    )
            object.__setattr__(self, name, runs)

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels of the whole grid, gaps included."""
        slow, fast = (n * size + (n - 1) * gap for n, size, gap in zip(self.count, self.size, self.gap, strict=True))
        return slow, fast

    def masked(self, axis: int) -> BoolArray:
        """Return the masked rows (axis 0) or columns (axis 1)."""
        size, gap = self.size[axis], self.gap[axis]
        place = np.arange(self.shape[axis]) % (size + gap)
        masked = place >= size
        for first, number in (self.joints1, self.joints2)[axis]:
            masked |= (place >= first) & (place < first + number)
        return masked

    def mask(self, shape: tuple[int, int]) -> BoolArray:
        """Return the mask; `shape` must be that of the grid."""
        if shape != self.shape:
            raise ShapeError(f"modules: {self.count} modules make {self.shape} pixels, but the detector has {shape}.")
        return self.masked(0)[:, np.newaxis] | self.masked(1)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as JSON-able values."""
        record: dict[str, Any] = {name: list(getattr(self, name)) for name in ("count", "size", "gap")}
        for name in ("joints1", "joints2"):
            if getattr(self, name):
                record[name] = [list(run) for run in getattr(self, name)]
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ModuleGrid:
        """Return the grid that :meth:`to_dict` described."""
        _refuse_unknown("modules", record, ("count", "size", "gap", "joints1", "joints2"))
        return cls(**record)


@dataclass(frozen=True, slots=True)
class Chips:
    """Live rectangles, each (first row, first column, rows, columns) in pixels; all else is masked."""

    rule: ClassVar[str] = "chips"

    rectangles: tuple[tuple[int, int, int, int], ...]

    def __post_init__(self) -> None:
        rectangles = tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in self.rectangles)
        for slow, fast, n_slow, n_fast in rectangles:
            if min(slow, fast) < 0 or min(n_slow, n_fast) < 1:
                raise ParameterError(f"rectangles: {(slow, fast, n_slow, n_fast)} is not a rectangle of pixels.")
        object.__setattr__(self, "rectangles", rectangles)

    def mask(self, shape: tuple[int, int]) -> BoolArray:
        """Return the mask; raises when a rectangle is not inside `shape`."""
        mask = np.ones(shape, dtype=np.bool_)
        for slow, fast, n_slow, n_fast in self.rectangles:
            if slow + n_slow > shape[0] or fast + n_fast > shape[1]:
                raise ParameterError(f"rectangles: {(slow, fast, n_slow, n_fast)} is not inside {shape} pixels.")
            mask[slow : slow + n_slow, fast : fast + n_fast] = False
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as JSON-able values."""
        return {"rule": self.rule, "rectangles": [list(rectangle) for rectangle in self.rectangles]}


@dataclass(frozen=True, slots=True)
class InscribedCircle:
    """Only the circle inscribed in the image is live: round image plates and tapers."""

    rule: ClassVar[str] = "inscribed_circle"

    def mask(self, shape: tuple[int, int]) -> BoolArray:
        """Return the mask for an image of `shape`."""
        # Twice the distances are integers: no rounding can decide about a pixel on the rim.
        slow = 2 * np.arange(shape[0], dtype=np.int64) - (shape[0] - 1)
        fast = 2 * np.arange(shape[1], dtype=np.int64) - (shape[1] - 1)
        return slow[:, np.newaxis] ** 2 + fast**2 > min(shape) ** 2

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as JSON-able values."""
        return {"rule": self.rule}


@dataclass(frozen=True, slots=True, eq=False)
class GivenMask:
    """A mask that somebody made, True = excluded, in the native index frame."""

    rule: ClassVar[str] = "given"

    array: BoolArray = field(repr=False)

    def __post_init__(self) -> None:
        array = decode_array(self.array)
        if array.ndim != 2:
            raise ShapeError(f"mask: expected a 2-D array, got shape {array.shape}.")
        array = boolean_mask("mask", array, (array.shape[0], array.shape[1])).copy()
        array.flags.writeable = False
        object.__setattr__(self, "array", array)

    def mask(self, shape: tuple[int, int]) -> BoolArray:
        """Return the mask; `shape` must be its own."""
        return boolean_mask("mask", self.array, shape).copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as JSON-able values."""
        return {"rule": self.rule, "array": encode_array(self.array.astype(np.uint8))}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GivenMask) and np.array_equal(self.array, other.array)

    def __hash__(self) -> int:
        return hash((self.rule, self.array.shape, zlib.crc32(np.packbits(self.array).tobytes())))


GapRule: TypeAlias = Chips | InscribedCircle | GivenMask

_RULES: dict[str, tuple[type[GapRule], tuple[str, ...]]] = {
    Chips.rule: (Chips, ("rectangles",)),
    InscribedCircle.rule: (InscribedCircle, ()),
    GivenMask.rule: (GivenMask, ("array",)),
}


def gap_rule_from_dict(record: Mapping[str, Any]) -> GapRule:
    """Return the rule that its ``to_dict`` described."""
    parameters = dict(record)
    rule, known = _RULES[one_of("gap rule", parameters.pop("rule", None), tuple(_RULES))]
    _refuse_unknown("gap rule", parameters, known)
    return rule(**parameters)


def _refuse_unknown(kind: str, record: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in record:
        if name not in known:
            raise unknown_name(f"{kind}, parameter", name, known)
