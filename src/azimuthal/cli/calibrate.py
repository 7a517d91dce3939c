# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal calibrate``: the geometry from an image of a calibrant, from nothing."""

from __future__ import annotations

import sys
from typing import Any

from azimuthal.cli._calibration import calibration_options, run_and_tell, told_range, told_settings, told_wavelength
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
@calibration_options
def calibrate_command(**options: Any) -> int:
    """Find the geometry from the rings of a calibrant in IMAGE, without a first guess, and say how well it is known.

    IMAGE is a file with one frame, or file.h5::/path/of/dataset.
    """
    own = ("detector", "orientation", "distance", "tolerance", "centre", "picked")
    settings = told_settings(options, wavelength=_wavelength(options), **{name: options[name] for name in own})
    return run_and_tell(settings, force=options["force"], recipe=options["write_recipe"], tell=_tell)


def _wavelength(options: dict[str, Any]) -> float | tuple[float, float]:
    """Return the wavelength in m, or the range to look for it in."""
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
