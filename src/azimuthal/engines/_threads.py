# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""How many threads: an argument, else the environment, else the cores this process may use."""

from __future__ import annotations

import os

from azimuthal._validate import positive_integer
from azimuthal.errors import ParameterError

ENVIRONMENT_VARIABLE = "AZIMUTHAL_THREADS"


def thread_count(requested: int | None = None) -> int:
    """Return the number of threads to use.

    Raises
    ------
    DataTypeError, ParameterError
        The argument or the environment variable AZIMUTHAL_THREADS is not an integer of at least one.
    """
    if requested is not None:
        return positive_integer("threads", requested)
    configured = os.environ.get(ENVIRONMENT_VARIABLE)
    if configured:
        if not configured.isdecimal() or int(configured) < 1:
            raise ParameterError(f"{ENVIRONMENT_VARIABLE}: expected an integer of at least 1, got {configured!r}.")
        return int(configured)
    if hasattr(os, "sched_getaffinity"):  # what a batch system granted, not what the machine has
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
