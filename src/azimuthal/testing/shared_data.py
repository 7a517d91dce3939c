# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Real images and tables that live beside the project, not in it."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "AZIMUTHAL_SHARED"


def shared_path(relative: str) -> Path:
    """Return the path of a shared file, or skip the running test and say what is absent.

    The folder that holds ``data/`` and ``facts/`` is the value of the environment variable AZIMUTHAL_SHARED; the
    project's own tests set it to ``../shared`` beside the checkout when it is not set.
    """
    folder = os.environ.get(ENVIRONMENT_VARIABLE)
    path = None if folder is None else Path(folder) / relative
    if path is None or not path.exists():
        import pytest

        pytest.skip(
            f"shared data absent: {path or relative} (set {ENVIRONMENT_VARIABLE} to the folder that holds data/)"
        )
    return path
