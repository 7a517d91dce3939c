# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal recalibrate``: a geometry refined on an image of a calibrant."""

from __future__ import annotations

from typing import Any

from azimuthal.cli._calibration import calibration_options, run_and_tell, told_settings, told_wavelength
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
@option("--search", type=float, default=12.0, show_default=True, metavar="PIXELS", help="How far rings may be off.")
@calibration_options
def recalibrate_command(**options: Any) -> int:
    """Refine a geometry on the rings of a calibrant in IMAGE, and say how well it is known.

    IMAGE is a file with one frame, or file.h5::/path/of/dataset.
    """
    wavelength = told_wavelength(options["wavelength"], options["energy"])
    settings = told_settings(options, geometry=options["poni"], wavelength=wavelength)
    return run_and_tell(settings, force=options["force"], recipe=options["write_recipe"])
