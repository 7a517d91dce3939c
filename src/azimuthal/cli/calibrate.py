# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal calibrate``: the geometry from an image of a calibrant, from nothing."""

from __future__ import annotations

import sys
from typing import Any

from azimuthal.cli._parsing import argument, command, option

_EXAMPLES = """\b
Examples:
  azimuthal calibrate CeO2.tif --detector Pilatus2M --calibrant CeO2 --energy 61.3 -o CeO2.poni
  azimuthal calibrate LaB6.h5 --detector Eiger2_4M --calibrant LaB6 --wavelength 0.5904 --distance 0.4 --report r.html
  azimuthal calibrate Si.tif --detector Perkin --calibrant Si --energy-range 60 100 -o Si.poni
Exit code: 0 good, 3 doubtful (written all the same), 4 failed (nothing but the report is written).
A mirrored image has the same rings: no calibration finds that out.  --orientation says how the image is stored."""


@command(name="calibrate", epilog=_EXAMPLES)
@argument("image", metavar="IMAGE")
@option("--detector", required=True, metavar="NAME", help="'azimuthal detectors' lists them.")
@option("--calibrant", required=True, metavar="NAME", help="'azimuthal calibrants' lists them; or a .D or .cif file.")
@option("-w", "--wavelength", type=float, metavar="A", help="Angstrom.")
@option("-e", "--energy", type=float, metavar="keV", help="Instead of --wavelength.")
@option(
    "--wavelength-range", type=float, nargs=2, metavar="LOW HIGH",
    help="Angstrom: where to look for it, when it is not known; it is refined with the rest.",
)  # fmt: skip
@option("--energy-range", type=float, nargs=2, metavar="LOW HIGH", help="keV: the same.")
@option("--distance", type=float, metavar="m", help="Roughly; not needed.")
@option(
    "--tolerance", type=float, default=0.3, show_default=True, metavar="SHARE", help="By which --distance may be off."
)
@option(
    "--centre", type=float, nargs=2, metavar="SLOW FAST",
    help="Pixels from the outer edge of the image: roughly where the beam meets the detector, on it or beside it.",
)  # fmt: skip
@option("--picked", metavar="FILE", help="Picked points (.npt): rings that are told, not looked for.")
@option("--orientation", type=int, metavar="1-4", help="How the image is stored, instead of the detector's default.")
@option(
    "--fix", multiple=True, metavar="NAME",
    help="Do not refine it; may be repeated.  rot3 and wavelength are fixed anyway, unless --free.",
)  # fmt: skip
@option("--free", multiple=True, metavar="NAME", help="Refine it; may be repeated.")
@option("--mask", "masks", multiple=True, metavar="FILE", help="Image of 0 and 1, 1 = exclude; may be repeated.")
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
def calibrate_command(**options: Any) -> int:
    """Find the geometry from the rings of a calibrant in IMAGE, without a first guess, and say how well it is known.

    IMAGE is a file with one frame, or file.h5::/path/of/dataset.
    """
    from azimuthal.calibration import RingSettings
    from azimuthal.cli._calibration import run_and_tell
    from azimuthal.cli.recalibrate import _fixed
    from azimuthal.pipelines.calibration_recipe import CalibrationSettings

    settings = CalibrationSettings(
        image=options["image"],
        detector=options["detector"],
        orientation=options["orientation"],
        calibrant=options["calibrant"],
        wavelength=_wavelength(options),
        distance=options["distance"],
        tolerance=options["tolerance"],
        centre=options["centre"],
        picked=options["picked"],
        masks=options["masks"],
        fix=_fixed(options["fix"], options["free"]),
        accuracy=options["accuracy"],
        rings=RingSettings(saturation=options["saturation"], max_rings=options["rings"]),
        output=options["output"],
        points=options["points"],
        report=options["report"],
        modules=options["modules"],
        distortion=options["distortion"],
    )
    return run_and_tell(settings, force=options["force"], recipe=options["write_recipe"], tell=_tell)


def _wavelength(options: dict[str, Any]) -> float | tuple[float, float]:
    """Return the wavelength in m, or the range to look for it in."""
    from azimuthal.cli._calibration import told_range, told_wavelength
    from azimuthal.errors import ParameterError, WavelengthMissingError

    known = told_wavelength(options["wavelength"], options["energy"])
    between = told_range(options["wavelength_range"], options["energy_range"])
    if known is not None and between is not None:
        raise ParameterError("--wavelength-range, --energy-range: the wavelength is told already; give one of both.")
    if between is not None and "wavelength" in options["fix"]:
        raise ParameterError("--fix wavelength: a wavelength that is looked for in a range is refined; give its value.")
    if known is None and between is None:
        raise WavelengthMissingError(
            "--wavelength, --energy: a calibration needs one of them; where it is not known, --energy-range LOW HIGH."
        )
    return known if between is None else between  # type: ignore[return-value]  # one of them is told


def _tell(text: str) -> None:
    """Say what is done, on stderr; stop where a signal asked for it."""
    from azimuthal.cli._signals import raise_requested

    raise_requested()
    print(text, file=sys.stderr, flush=True)
