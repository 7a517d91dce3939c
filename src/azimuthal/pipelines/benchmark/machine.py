# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a benchmark ran on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from azimuthal._version import __version__
from azimuthal.pipelines.benchmark.contenders import contenders, installed_version

_BESIDE = ("numpy", "h5py", "hdf5plugin")
_SETS = ("avx2", "avx512f", "avx512vbmi", "gfni", "asimd", "sve")


def machine_facts() -> dict[str, Any]:
    """Return processor, its instruction sets and which of them our engine uses, cores, system and Python."""
    model, flags = _processor()
    return {
        "processor": model,
        "instruction_sets": [name for name in _SETS if name in flags],
        "instructions": _instructions(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load": _load(),
    }


def package_versions() -> dict[str, str | None]:
    """Return the version of every package that takes part; None for those that are not installed."""
    found: dict[str, str | None] = {"azimuthal": __version__}
    for contender in contenders():
        if contender.distribution is not None:
            found[contender.distribution] = installed_version(contender)
    for name in _BESIDE:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def missing_peers() -> dict[str, str]:
    """Return name -> command that installs it, of the peers that are not installed."""
    return {one.name: one.install for one in contenders() if one.kind == "peer" and installed_version(one) is None}


def _processor() -> tuple[str, frozenset[str]]:
    """Return the model of the processor and the instruction sets that Linux lists."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), frozenset()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    flags = facts.get("flags", facts.get("Features", ""))
    return facts.get("model name", platform.machine()), frozenset(flags.split())


def _instructions() -> str | None:
    """Return the instruction set that our engine runs on; None where it is not compiled."""
    try:
        from azimuthal.engines import native
    except ImportError:
        return None
    return os.environ.get(native.INSTRUCTIONS_VARIABLE) or native.instruction_sets()[0]


def _load() -> float | None:
    """Return how many processes wanted a core in the last minute; None where nobody counts."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
