# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Who is timed: ourselves, other packages, and limits that nobody can pass.

A contender is one module (or object) with ``name``, ``kind``, ``distribution``, ``install`` and
``entries(case, bench)`` (:class:`Contender`).  Adding one is one module and one line in `_MODULES`, or an
entry point of the group ``azimuthal.contenders`` in another package.  Contenders are imported when a benchmark runs,
and import what they time when they are asked for entries.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import cast

from azimuthal.pipelines.benchmark.contenders._protocol import Contender, Entry

__all__ = ["ENTRY_POINT_GROUP", "Contender", "Entry", "contenders", "installed_version"]

ENTRY_POINT_GROUP = "azimuthal.contenders"
_MODULES = ("ours", "pyfai", "bslz4", "numpy_bincount", "scipy_csr", "limits")


def contenders(*, peers: bool = True) -> tuple[Contender, ...]:
    """Return all contenders, ours first; without peers: ours and the limits."""
    found = [cast("Contender", importlib.import_module(f"{__name__}.{name}")) for name in _MODULES]
    found += [cast("Contender", point.load()) for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)]
    return tuple(one for one in found if peers or one.kind != "peer")


def installed_version(contender: Contender) -> str | None:
    """Return the version of the package that a contender needs; None when it is not installed."""
    if contender.distribution is None:
        return ""
    try:
        return importlib.metadata.version(contender.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
