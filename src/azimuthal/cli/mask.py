# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal mask``: make, combine and write masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from azimuthal.cli._parsing import argument, command, option

_EXAMPLES = """\b
Examples:
  azimuthal mask beamstop.toml module.edf -g geometry.poni --gaps -o mask.npy
  azimuthal mask --image dark.tif --above 100 --hot 6 -o hot.edf
  azimuthal mask run_master.h5 --bits gap,dead -o mask.msk"""


@command(name="mask", epilog=_EXAMPLES)
@argument("files", nargs=-1, metavar="[MASK...]")
@option("-o", "--output", required=True, metavar="FILE", help=".npy .npz .edf .tif .msk .mask .h5")
@option("-g", "-p", "--geometry", metavar="FILE", help="For rings, arcs and gaps.")
@option("--detector", metavar="NAME", help="Where the geometry does not say it, or for --gaps alone.")
@option("--image", metavar="FILE", help="One image, for thresholds and hot pixels.")
@option("--below", type=float, metavar="VALUE", help="Exclude pixels of the image below this (and NaN).")
@option("--above", type=float, metavar="VALUE", help="Exclude pixels of the image above this (and NaN).")
@option("--gaps", is_flag=True, help="Exclude the gaps of the detector.")
@option("--hot", "n_sigma", type=float, metavar="N_SIGMA", help="Exclude pixels unlike their neighbours, e.g. 6.")
@option("--box", type=int, default=5, show_default=True, help="Neighbourhood of --hot, rows and columns.")
@option("--side", default="both", show_default=True, help="hot, dead or both.")
@option("--bits", metavar="BITS", help="Of pixel masks, numbers or names, e.g. gap,dead,4.  Default: any.")
@option("--combine", default="union", show_default=True, help="union (any excludes) or intersection (all exclude).")
@option("--invert", is_flag=True, help="Exchange excluded and used pixels, at the end.")
@option("--flip-rows", is_flag=True, help="Mask images are upside down (old Dioptas).")
@option("--force", is_flag=True, help="Replace a file that exists.")
def mask_command(files: tuple[str, ...], output: str, bits: str | None, force: bool, **options: Any) -> int:
    """Make one mask of masks, descriptions (.toml, .json), gaps, thresholds and outliers, and say how much it excludes.

    In the output 1 is excluded.
    """
    from azimuthal._pending_file import check_target
    from azimuthal.io.mask_files import save_mask
    from azimuthal.pipelines.masking import MaskSettings, make_mask

    check_target(Path(output), force=force)
    names = tuple(filter(None, (part.strip() for part in (bits or "").split(","))))
    made = make_mask(MaskSettings(files=files, bits=names, **options))
    save_mask(made.mask, output, force=force)
    print(f"{made.text}\nwritten: {output}")
    return 0
