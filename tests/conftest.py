# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where shared data are, and property tests: no deadline (shared cores), and the same examples in every run unless
HYPOTHESIS_PROFILE=explore.  One BLAS thread per worker: matrices are small, and threads of several processes wait for
each other (a test of modules takes 25 s instead of 5); with ``-n 0`` set OPENBLAS_NUM_THREADS yourself.
"""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # what pytest-xdist starts inherits it
os.environ.setdefault("AZIMUTHAL_SHARED", str(Path(__file__).parents[2] / "shared"))

settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.register_profile("explore", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
