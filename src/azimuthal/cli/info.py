# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal info``: what a file is, in words."""

from __future__ import annotations

import sys

from azimuthal.cli._parsing import argument, command, option
from azimuthal.errors import AzimuthalError


@command(name="info")
@argument("files", nargs=-1, required=True, metavar="FILE...")
@option("--detector", metavar="NAME", help="For geometry files that do not say which detector they are for.")
def info_command(files: tuple[str, ...], detector: str | None) -> int:
    """Say what each FILE is: image, stack, geometry, detector, goniometer, result, plan, recipe, control points.

    The beam centre of a geometry is given in pixels, and what its orientation can mean in words.  file.h5::/path names
    a dataset.
    """
    from azimuthal.pipelines.description import describe

    code = 0
    for file in files:
        try:
            print(describe(file, detector=detector).text)
        except AzimuthalError as error:
            print(f"error: {error}", file=sys.stderr)
            code = 2
    return code
