# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal recalibrate``: a geometry refined on an image of a calibrant."""

from __future__ import annotations

from typing import Any

from azimuthal.cli._parsing import argument, command, option

_EXAMPLES = """\b
Examples:
  azimuthal recalibrate CeO2.tif -p start.poni --calibrant CeO2 -o good.poni
  azimuthal recalibrate LaB6.h5 -p start.poni --calibrant LaB6 --fix rot1 --fix rot2 --fix rot3 --free wavelength
Exit code: 0 good, 3 doubtful (written all the same), 4 failed (nothing but the report is written)."""


@command(name="recalibrate", epilog=_EXAMPLES)
@argument("image", metavar="IMAGE")
@option("-p", "--poni", required=True, metavar="FILE", help="Rough geometry: PONI, or another format that is known.")
@option("--calibrant", required=True, metavar="NAME", help="'azimuthal calibrants' lists them; or a .D or .cif file.")
@option("-w", "--wavelength", type=float, metavar="A", help="Angstrom, instead of the geometry's.")
@option("-e", "--energy", type=float, metavar="keV", help="Instead of --wavelength.")
@option(
    "--fix", multiple=True, metavar="NAME",
    help="Do not refine it; may be repeated.  rot3 and wavelength are fixed anyway, unless --free.",
)  # fmt: skip
@option("--free", multiple=True, metavar="NAME", help="Refine it; may be repeated.")
@option("--mask", "masks", multiple=True, metavar="FILE", help="Image of 0 and 1, 1 = exclude; may be repeated.")
@option("--search", type=float, default=12.0, show_default=True, metavar="PIXELS", help="How far rings may be off.")
@option("--saturation", type=float, metavar="VALUE", help="Raw value from which a pixel counts as saturated.")
@option("--rings", type=int, metavar="N", help="Use at most so many rings, from the innermost.")
@option(
    "--accuracy", type=float, default=0.1, show_default=True, metavar="PIXELS",
    help="What 'good' promises: two theta is right to it, everywhere on the detector.",
)  # fmt: skip
@option("-o", "--output", metavar="FILE", help="PONI file to write.  Default: none, print only.")
@option("--points", metavar="FILE", help="Write the control points (.npt of pyFAI).")
@option("--report", metavar="FILE", help="Write a page with pictures and numbers (.html), whatever the verdict.")
@option(
    "--modules", metavar="FILE",
    help="Refine the modules of the detector too and write it (NeXus, .h5); the PONI file names it.",
)  # fmt: skip
@option("--distortion", metavar="FILE", help="The same with a smooth distortion, for detectors without modules.")
@option("--write-recipe", metavar="FILE", help="Write all of it down (.toml, .json): 'azimuthal run FILE' repeats it.")
@option("--force", is_flag=True, help="Replace files that exist.")
def recalibrate_command(**options: Any) -> int:
    """Refine a geometry on the rings of a calibrant in IMAGE, and say how well it is known.

    IMAGE is a file with one frame, or file.h5::/path/of/dataset.
    """
    from azimuthal.calibration import RingSettings
    from azimuthal.cli._calibration import run_and_tell, told_wavelength
    from azimuthal.pipelines.calibration_recipe import CalibrationSettings

    settings = CalibrationSettings(
        image=options["image"],
        geometry=options["poni"],
        calibrant=options["calibrant"],
        wavelength=told_wavelength(options["wavelength"], options["energy"]),
        masks=options["masks"],
        fix=_fixed(options["fix"], options["free"]),
        accuracy=options["accuracy"],
        rings=RingSettings(search=options["search"], saturation=options["saturation"], max_rings=options["rings"]),
        output=options["output"],
        points=options["points"],
        report=options["report"],
        modules=options["modules"],
        distortion=options["distortion"],
    )
    return run_and_tell(settings, force=options["force"], recipe=options["write_recipe"])


def _fixed(fix: tuple[str, ...], free: tuple[str, ...]) -> tuple[str, ...]:
    from azimuthal._validate import unknown_name
    from azimuthal.calibration import PARAMETERS
    from azimuthal.errors import ParameterError

    for name in (*fix, *free):
        if name not in PARAMETERS:
            raise unknown_name("parameter", name, PARAMETERS)
        if name in fix and name in free:
            raise ParameterError(f"--fix, --free: {name} is given to both; give it to one.")
    return tuple(name for name in PARAMETERS if name in (*fix, "rot3", "wavelength") and name not in free)
