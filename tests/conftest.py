# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where shared data are, and property tests: no deadline (shared cores), and the same examples in every run unless
HYPOTHESIS_PROFILE=explore."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

os.environ.setdefault("AZIMUTHAL_SHARED", str(Path(__file__).parents[2] / "shared"))

settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.register_profile("explore", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
