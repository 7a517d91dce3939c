# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal sparsify``: images to background curves and the pixels that stand out."""

from __future__ import annotations

from typing import Any

from azimuthal.cli._parsing import command, option
from azimuthal.cli._spots import run_spots, spot_options

_EXAMPLES = """\b
Examples:
  azimuthal sparsify run_master.h5 -p geometry.poni -o run_sparse.h5 --cutoff-pick 3
The images come back with fabio (densify_Bragg), or with azimuthal.load_sparse(...)[0].densify()."""


@command(name="sparsify", epilog=_EXAMPLES)
@spot_options(
    option("-o", "--output", metavar="NAME", help="One file for all frames.  Default: STEM_sparse.h5 in this folder."),
)
def sparsify_command(**options: Any) -> int:
    """Keep of images the background curves and the pixels that stand out.

    What is lost is the noise of the background.  IMAGE is a file, a pattern in quotes, or file.h5::/path/of/dataset.
    """
    return run_spots(options, sparse=True)
