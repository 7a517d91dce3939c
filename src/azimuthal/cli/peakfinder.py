# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal peakfinder``: images to a table of Bragg peaks."""

from __future__ import annotations

from typing import Any

from azimuthal.cli._parsing import command, option
from azimuthal.cli._spots import PATCH, run_spots, spot_options

_EXAMPLES = """\b
Examples:
  azimuthal peakfinder run_master.h5 -p geometry.poni -o peaks.cxi
  azimuthal peakfinder 'scan_*.cbf' -p geometry.poni -o peaks.nxs --cutoff-pick 4 --connected 3"""


@command(name="peakfinder", epilog=_EXAMPLES)
@spot_options(
    option("-o", "--output", metavar="NAME", help="One file for all frames.  Default: STEM_peaks.cxi in this folder."),
    *PATCH,
)
def peakfinder_command(**options: Any) -> int:
    """Find Bragg peaks in images.

    A peak stands out of the smooth background of its ring.  IMAGE is a file, a pattern in quotes, or
    file.h5::/path/of/dataset.
    """
    return run_spots(options, sparse=False)
