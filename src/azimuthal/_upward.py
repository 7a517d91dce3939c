# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Doors to the rooms above, opened by name.

Imports point down.  A few methods reach upward for the user's comfort: ``profile.save(path)``, ``plan.map(path)``,
``profile.plot()``.  They ask this register for a function by name; the facade (``azimuthal/__init__.py``) says where
each one lives, and nothing is imported before the first call.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

_LOCATIONS: dict[str, str] = {}


def register(name: str, location: str) -> None:
    """Say that the function `name` is found at `location`, written ``"package.module:function"``."""
    _LOCATIONS[name] = location


def find(name: str) -> Callable[..., Any]:
    """Import and return the function registered as `name`."""
    module, _, function = _LOCATIONS[name].partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
