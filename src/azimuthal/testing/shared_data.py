# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Real images and tables that live beside the project, not in it."""

from __future__ import annotations

import os
from pathlib import Path

_REPOSITORY_ROOT = Path(__file__).parents[3]


def shared_path(relative: str) -> Path:
    """Return the path of a shared file, or skip the running test and say what is absent.

    The folder is ``../shared`` beside the checkout, or the value of the environment variable AZIMUTHAL_SHARED.
    """
    folder = Path(os.environ.get("AZIMUTHAL_SHARED", _REPOSITORY_ROOT.parent / "shared"))
    path = folder / relative
    if not path.exists():
        import pytest

        pytest.skip(f"shared data absent: {path} (set AZIMUTHAL_SHARED to the folder that holds data/ and facts/)")
    return path
