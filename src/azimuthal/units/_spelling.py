# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Spellings of units: how people write a quantity, how they write a symbol, and how both are put together.

A name is folded first: case, accents, superscripts, brackets, ``^``, spaces and underscores do not matter.  A
folded name is then looked up, never guessed: it is a spelling of a quantity, a separator and a spelling of a
symbol, all of them in the tables below.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from azimuthal.units._table import BUILT_IN_UNITS, HELPER_UNITS
from azimuthal.units._unit import Unit

#: Quantity -> further ways to write it (its name and its symbol are added).
_QUANTITIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "r": ("radius",),
        "two_theta": ("2th", "tth", "ttheta", "2theta", "2 theta", "twotheta", "two th"),
        "q": ("|q|",),
        "d": ("d spacing", "dspacing", "d-spacing"),
        "d_star_squared": ("d*2", "dstar2", "dstar squared", "1/d2"),
        "chi": ("azimuth",),
        "chigi": ("chi gi", "χ gi"),
        "qx": ("q x",),
        "qy": ("q y",),
        "qxgi": ("q xgi", "qx gi"),
        "qygi": ("q ygi", "qy gi"),
        "qzgi": ("q zgi", "qz gi"),
        "qip": ("q ip",),
        "qip_abs": ("abs qip",),
        "chigi_abs": ("abs chigi",),
        "qoop": ("q oop",),
        "qtot": ("q tot",),
        "scattering_angle_vert": ("scattering angle vertical",),
        "scattering_angle_horz": ("scattering angle horizontal",),
        "exit_angle_vert": ("exit angle vertical",),
        "exit_angle_horz": ("exit angle horizontal",),
        "log10(q.m)": ("log10(q m)",),
        "log(q.nm)": ("log(q nm)", "ln(q nm)"),
        "log(1+q.nm)": ("log1p(q.nm)",),
        "log(1+q.A)": ("log1p(q.A)",),
        "arcsinh(q.nm)": ("asinh(q.nm)",),
        "arcsinh(q.A)": ("asinh(q.A)",),
    }
)

_SYMBOLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "m": ("m", "metre", "meter"),
        "cm": ("cm", "centimetre", "centimeter"),
        "mm": ("mm", "millimetre", "millimeter"),
        "um": ("um", "µm", "micron", "micrometre", "micrometer"),
        "nm": ("nm", "nanometre", "nanometer"),
        "A": ("A", "ang", "angstrom", "AA"),
        "deg": ("deg", "degree", "degrees"),
        "rad": ("rad", "radian", "radians"),
        "": ("", "none"),
    }
)

_INVERSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "^-1": ("{}-1", "1/{}", "inv {}", "inv{}", "inverse {}", "per {}", "{} inv"),
        "^-2": ("{}-2", "1/{}2", "inv {}2", "inverse {}2", "per {}2"),
    }
)

_TRANSLATED = str.maketrans(
    {
        **dict.fromkeys("−–‐‑", "-"),
        **dict.fromkeys("°º", "deg"),
        **dict.fromkeys("·⋅", "."),
        **dict.fromkeys("^{}$\\"),
        **dict.fromkeys("_()[],", " "),
    }
)


def folded(name: str) -> str:
    """Return the form that spellings share: ``"q [Å⁻¹]"`` and ``"Q_A^-1"`` both give ``"q_a-1"``."""
    text = unicodedata.normalize("NFKD", name.replace("º", "°")).translate(_TRANSLATED).replace("**", "")
    plain = "".join(character for character in text if not unicodedata.combining(character)).casefold()
    words = re.sub(r"\s*/\s*", "/", plain).replace(" -", "-")
    return "_".join(words.split())


def _symbol_spellings(symbol: str) -> Iterator[str]:
    for suffix, patterns in _INVERSES.items():
        if symbol.endswith(suffix):
            for base in _SYMBOLS[symbol.removesuffix(suffix)]:
                yield from (pattern.format(base) for pattern in patterns)
            return
    yield from _SYMBOLS[symbol]


def _quantity_spellings(unit: Unit) -> tuple[str, ...]:
    quantity = unit.quantity
    return (quantity.name, quantity.symbol, *_QUANTITIES[quantity.name])


def _spellings(unit: Unit) -> Iterator[str]:
    yield unit.name
    for quantity in _quantity_spellings(unit):
        for symbol in _symbol_spellings(unit.symbol):
            yield f"{quantity} {symbol}"
            if symbol and "/" not in symbol:
                yield f"{quantity}/{symbol}"


@functools.cache
def aliases() -> Mapping[str, str]:
    """Return every folded spelling of a built-in unit with the key that it means."""
    table = {folded(spelling): unit.name for unit in BUILT_IN_UNITS.values() for spelling in _spellings(unit)}
    for helper in HELPER_UNITS.values():
        table.update((folded(spelling), helper.name) for spelling in _symbol_spellings(helper.symbol))
    return MappingProxyType(table)


@functools.cache
def bare_quantities() -> Mapping[str, tuple[str, ...]]:
    """Return every folded spelling of a quantity that needs a symbol, with the keys that it could mean."""
    table: dict[str, tuple[str, ...]] = {}
    for unit in BUILT_IN_UNITS.values():
        for spelling in {folded(text) for text in _quantity_spellings(unit)} - aliases().keys():
            table[spelling] = (*table.get(spelling, ()), unit.name)
    return MappingProxyType(table)
