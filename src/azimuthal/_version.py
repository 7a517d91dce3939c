# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The version of the package; ``pyproject.toml`` reads it from here."""

__version__ = "0.1.0"
