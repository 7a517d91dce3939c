# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``python -m azimuthal``: the command line."""

import sys

from azimuthal.cli import main

if __name__ == "__main__":
    sys.exit(main())
