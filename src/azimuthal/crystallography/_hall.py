# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Symmetry operations from a Hall symbol.

A Hall symbol is a list of generators: ``-F 4vw 2vw 3`` (diamond) says inversion at the origin, F centring, a fourfold
axis with the translation v + w, a twofold and a threefold axis. Grammar and axes: S. R. Hall, Acta Cryst. A37, 517-525
(1981), doi:10.1107/S0567739481001228, and International Tables B (2006), appendix A1.4.2.

An operation is ``x' = R x + t / 24`` with integers throughout, so that products are exact.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import numpy as np

from azimuthal.errors import ParameterError
from azimuthal.typing import IntArray

__all__ = ["TRANSLATION_STEPS", "operations_of_hall"]

#: Translations are counted in this part of an edge.
TRANSLATION_STEPS = 24

Operation: TypeAlias = tuple[int, ...]  # nine of R, row by row, and three of t

_CENTRING: dict[str, tuple[tuple[int, int, int], ...]] = {
    "P": (),
    "A": ((0, 12, 12),),
    "B": ((12, 0, 12),),
    "C": ((12, 12, 0),),
    "I": ((12, 12, 12),),
    "R": ((16, 8, 8), (8, 16, 16)),
    "F": ((0, 12, 12), (12, 0, 12), (12, 12, 0)),
}
# Along z; those along x and y follow by permutation of the axes.
_ALONG_Z = {
    1: ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    2: ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    3: ((0, -1, 0), (1, -1, 0), (0, 0, 1)),
    4: ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    6: ((1, -1, 0), (1, 0, 0), (0, 0, 1)),
}
_DIAGONAL = {"'": ((0, -1, 0), (-1, 0, 0), (0, 0, -1)), '"': ((0, 1, 0), (1, 0, 0), (0, 0, -1))}
_BODY_DIAGONAL = ((0, 0, 1), (1, 0, 0), (0, 1, 0))
_SHIFTS = {
    "a": (12, 0, 0), "b": (0, 12, 0), "c": (0, 0, 12), "n": (12, 12, 12),
    "u": (6, 0, 0), "v": (0, 6, 0), "w": (0, 0, 6), "d": (6, 6, 6),
}  # fmt: skip
_ROTATION = re.compile(r"(-?)([12346])([12345]?)([xyz'\"*]?)([1-5]?)([abcnuvwd]*)$")
_ORIGIN = re.compile(r"\((-?\d+) (-?\d+) (-?\d+)\)$")


def operations_of_hall(symbol: str) -> tuple[IntArray, IntArray]:
    """Return all symmetry operations of a Hall symbol, centring included.

    Parameters
    ----------
    symbol:
        Such as ``"-P 2ybc"``; the change of basis may be a shift of the origin, ``(0 0 -1)``.

    Returns
    -------
    :
        Rotations, int64, shape (n, 3, 3), and translations in 1/24 of an edge, int64, shape (n, 3), 0 to 23.

    Raises
    ------
    ParameterError
        The symbol cannot be read, or generates more than 192 operations.
    """
    found = _closure(_generators(symbol), symbol)
    table = np.array(found, dtype=np.int64)
    return table[:, :9].reshape(-1, 3, 3), table[:, 9:]


def _generators(symbol: str) -> list[Operation]:
    origin = _ORIGIN.search(symbol)
    words = (symbol[: origin.start()] if origin else symbol).split()
    lattice = words[0].lstrip("-") if words else ""
    if lattice not in _CENTRING:
        raise ParameterError(f"Hall symbol: expected a lattice letter of {''.join(_CENTRING)} first, got {symbol!r}.")
    identity = _flat(np.eye(3, dtype=np.int64))
    generators = [(*identity, *shift) for shift in _CENTRING[lattice]]
    if words[0].startswith("-"):
        generators.append((*(-part for part in identity), 0, 0, 0))
    generators += _rotations(words[1:], symbol)
    if origin is None:
        return generators
    return [_moved(one, [2 * int(part) for part in origin.groups()]) for one in generators]


def _rotations(words: list[str], symbol: str) -> list[Operation]:
    operations = []
    order, axis = 0, "z"
    for place, word in enumerate(words):
        match = _ROTATION.match(word)
        if match is None:
            raise ParameterError(f"Hall symbol: {word!r} of {symbol!r} is not a rotation such as 4, -3, 2x or 41.")
        sign, digit, screw, given, late_screw, shifts = match.groups()
        previous, order = order, int(digit)
        kind = given or _default_axis(order, place, previous)
        matrix = np.array(_matrix(order, kind, axis)) * (-1 if sign else 1)
        axis = kind if kind in "xyz" else axis
        translation = np.sum([_SHIFTS[letter] for letter in shifts], axis=0, initial=0) * np.ones(3, dtype=np.int64)
        turns = screw or late_screw
        if turns:
            translation["xyz".index(axis)] += int(turns) * TRANSLATION_STEPS // order
        operations.append((*_flat(matrix), *(int(part) % TRANSLATION_STEPS for part in translation)))
    return operations


def _default_axis(order: int, place: int, previous: int) -> str:
    """Return the axis that is meant where none is written."""
    if place == 1 and order == 2:
        return "x" if previous in (2, 4) else "'"
    return "*" if place == 2 and order == 3 else "z"


def _matrix(order: int, kind: str, axis: str) -> tuple[tuple[int, ...], ...]:
    if kind == "*":
        return _BODY_DIAGONAL
    if kind in _DIAGONAL:
        return _permuted(_DIAGONAL[kind], axis)
    return _permuted(_ALONG_Z[order], kind)


def _permuted(matrix: tuple[tuple[int, ...], ...], axis: str) -> tuple[tuple[int, ...], ...]:
    """Return an operation along z as one along `axis`: x, y, z become y, z, x or z, x, y."""
    shift = {"z": 0, "x": 1, "y": 2}[axis]
    return tuple(tuple(matrix[(row - shift) % 3][(column - shift) % 3] for column in range(3)) for row in range(3))


def _moved(operation: Operation, shift: list[int]) -> Operation:
    """Return the operation with coordinates ``x + shift``: ``t' = t + shift - R shift``."""
    rotation = np.array(operation[:9]).reshape(3, 3)
    translation = (np.array(operation[9:]) + shift - rotation @ shift) % TRANSLATION_STEPS
    return (*operation[:9], *(int(part) for part in translation))


def _closure(generators: list[Operation], symbol: str) -> list[Operation]:
    identity = (*_flat(np.eye(3, dtype=np.int64)), 0, 0, 0)
    known = {identity}
    fresh = [identity]
    while fresh:
        products = [_product(one, other) for one in generators for other in fresh]
        fresh = [one for one in dict.fromkeys(products) if one not in known]
        known.update(fresh)
        if len(known) > 192:
            raise ParameterError(f"Hall symbol: {symbol!r} generates more than 192 operations; it is no space group.")
    return sorted(known, key=lambda one: (one != identity, one))


def _product(one: Operation, other: Operation) -> Operation:
    a, b, c, d, e, f, g, h, i, x, y, z = one
    rows = ((a, b, c, x), (d, e, f, y), (g, h, i, z))
    columns = (other[0:9:3], other[1:9:3], other[2:9:3])
    rotation = tuple(p * u + q * v + r * w for p, q, r, _ in rows for u, v, w in columns)
    u, v, w = other[9:]
    return (*rotation, *((p * u + q * v + r * w + s) % TRANSLATION_STEPS for p, q, r, s in rows))


def _flat(matrix: IntArray) -> tuple[int, ...]:
    return tuple(int(part) for part in matrix.ravel())
