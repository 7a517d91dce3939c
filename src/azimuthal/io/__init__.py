# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Files in and out: frame sources, geometry files, writers of results.

Names are imported from their modules when they are first used: ``import azimuthal.io`` loads no file format.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azimuthal.io.writers import NxazintWriter, ResultFile, load_result, save

#: Public name -> module that holds it.
_LOCATIONS = {
    "NxazintWriter": "azimuthal.io.writers",
    "ResultFile": "azimuthal.io.writers",
    "load_result": "azimuthal.io.writers",
    "save": "azimuthal.io.writers",
}

__all__ = ["NxazintWriter", "ResultFile", "load_result", "save"]


def __getattr__(name: str) -> Any:
    if name not in _LOCATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_LOCATIONS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
