# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where shared data are, and property tests: no deadline (shared cores), and the same examples in every run unless
HYPOTHESIS_PROFILE=explore.  Linear algebra has one thread in the workers (-n) and in commands that tests start: threads
of the BLAS that wait for each other's turn took eight times as long for products of 50 x 500 numbers."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

for library in ("OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # read when NumPy is imported: in this process it is already
os.environ.setdefault("AZIMUTHAL_SHARED", str(Path(__file__).parents[2] / "shared"))

settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.register_profile("explore", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
