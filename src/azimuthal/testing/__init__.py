# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""For tests, ours and others': shared data, example results, synthetic images.  Never imported at run time."""
