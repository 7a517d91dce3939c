# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Choosing an engine: by name, or "auto", which is the first of a documented order that can run here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from azimuthal._validate import unknown_name
from azimuthal.engines._protocol import Engine
from azimuthal.errors import EngineUnavailableError, ParameterError

#: Name -> module that is an :class:`Engine`, in the order in which "auto" prefers them.
_MODULES: dict[str, str] = {
    "native": "azimuthal.engines.native",
    "reference": "azimuthal.engines.reference",
}


def register_engine(name: str, module: str) -> None:
    """Add an engine by the name of its module; it is imported when it is first asked for, never by "auto"."""
    if name in _MODULES or name == "auto":
        raise ParameterError(f"register_engine: {name!r} is taken; choose another name.")
    _MODULES[name] = module


def engine_names() -> tuple[str, ...]:
    """Return the names of all registered engines, whether or not they can run here."""
    return tuple(_MODULES)


def engine(name: str = "auto", *, importer: Callable[[str], object] = importlib.import_module) -> Engine:
    """Return an engine.

    Raises
    ------
    UnknownNameError
        No engine of this name is registered.
    EngineUnavailableError
        It is registered but cannot run here; the message says why, and what can.
    """
    if name != "auto" and name not in _MODULES:
        raise unknown_name("engine", name, ("auto", *_MODULES))
    reasons = []
    for candidate in ("native", "reference") if name == "auto" else (name,):
        try:
            return cast("Engine", importer(_MODULES[candidate]))
        except ImportError as error:
            reasons.append(f"{candidate!r} cannot run here ({error})")
    others = ", ".join(repr(other) for other in _MODULES if other != name)
    raise EngineUnavailableError(f"engine: {'; '.join(reasons)}. Other engines: {others}.")
