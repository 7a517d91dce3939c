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
@option("-o", "--output", metavar="FILE", help="PONI file to write.  Default: none, print only.")
@option("--points", metavar="FILE", help="Write the control points (.npt of pyFAI).")
@option("--report", metavar="FILE", help="Write a page with pictures and numbers (.html), whatever the verdict.")
@option(
    "--modules", metavar="FILE",
    help="Refine the modules of the detector too and write it (NeXus, .h5); the PONI file names it.",
)  # fmt: skip
<<<<<<< HEAD
@option("--write-recipe", metavar="FILE", help="Write all of it down (.toml, .json): 'azimuthal run FILE' repeats it.")
=======
@option("--distortion", metavar="FILE", help="The same with a smooth distortion, for detectors without modules.")
>>>>>>> 0321cb25702cbb08ab01d0d9d2d740c1d10702ea
@option("--force", is_flag=True, help="Replace files that exist.")
def recalibrate_command(**options: Any) -> int:
    """Refine a geometry on the rings of a calibrant in IMAGE, and say how well it is known.

    IMAGE is a file with one frame, or file.h5::/path/of/dataset.
    """
    from azimuthal.calibration import RingSettings
    from azimuthal.cli._calibration import run_and_tell
    from azimuthal.pipelines.calibration_recipe import CalibrationSettings

<<<<<<< HEAD
    settings = CalibrationSettings(
        image=options["image"],
        geometry=options["poni"],
        calibrant=options["calibrant"],
=======
    from azimuthal._pending_file import check_target
    from azimuthal.crystallography import calibrant as find_calibrant
    from azimuthal.io.control_point_files import save_control_points
    from azimuthal.pipelines.recalibration import recalibrate

    for name in ("output", "points", "modules", "distortion"):
        if options[name] is not None:
            check_target(Path(options[name]), force=options["force"])
    rings = find_calibrant(options["calibrant"])
    found = recalibrate(
        options["image"],
        options["poni"],
        rings,
        fix=_fixed(options["fix"], options["free"]),
        mask=_mask(options),
>>>>>>> 0321cb25702cbb08ab01d0d9d2d740c1d10702ea
        wavelength=_wavelength(options["wavelength"], options["energy"]),
        masks=options["masks"],
        fix=_fixed(options["fix"], options["free"]),
        rings=RingSettings(search=options["search"], saturation=options["saturation"], max_rings=options["rings"]),
        output=options["output"],
        points=options["points"],
        report=options["report"],
        modules=options["modules"],
    )
<<<<<<< HEAD
    return run_and_tell(settings, force=options["force"], recipe=options["write_recipe"])
=======
    print(found.summary())
    if found.verdict == "failed":
        print("error: the calibration failed; nothing was written", file=sys.stderr)
        return _CODES["failed"]
    asked = [name for name in ("modules", "distortion") if options[name] is not None]
    better = _pixels(found, rings, options, asked) if asked else None
    if options["output"] is not None and better is None:
        found.save(options["output"], force=options["force"])
        print(f"{options['output']}: written ({found.verdict})")
    if options["points"] is not None:
        wavelength = found.instrument.beam.required_wavelength("control points")
        save_control_points(found.control_points, options["points"], rings, wavelength, force=options["force"])
        print(f"{options['points']}: {len(found.control_points)} control points")
    if asked:
        return _CODES["doubtful" if better is None else better.verdict]
    return _CODES[found.verdict]


def _pixels(found: Any, rings: Any, options: dict[str, Any], asked: list[str]) -> Any:
    """Refine where the pixels are; write detector and geometry where that is better.

    Returns the calibration with that detector, or None.
    """
    from azimuthal.calibration import recalibrated_distortion, recalibrated_modules
    from azimuthal.errors import ParameterError
    from azimuthal.pipelines.module_recalibration import save_module_refinement
    from azimuthal.pipelines.recalibration import image_and_name, recalibrate

    if len(asked) > 1:
        raise ParameterError("--modules, --distortion: one detector file comes out; give one of them.")
    refine: Any = {"modules": recalibrated_modules, "distortion": recalibrated_distortion}[asked[0]]
    frame, _ = image_and_name(options["image"])
    refined = refine([frame], [found.instrument], [rings], mask=_mask(options))
    print(f"{asked[0]}:\n{refined.summary()}")
    if refined.verdict != "good":
        print(f"{asked[0]}: not written; the geometry is that of the nominal detector")
        return None
    save_module_refinement(
        refined, options[asked[0]], options["output"],
        calibrant=found.calibrant, image=found.image, force=options["force"],
    )  # fmt: skip
    written = [options[asked[0]], *([options["output"]] if options["output"] is not None else [])]
    again = recalibrate(frame, refined.instruments[0], rings, mask=_mask(options))
    print(f"with that detector:\n{again.summary()}")
    print(f"{', '.join(written)}: written ({again.verdict})")
    return again
>>>>>>> 0321cb25702cbb08ab01d0d9d2d740c1d10702ea


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


def _wavelength(angstrom: float | None, energy: float | None) -> float | None:
    from azimuthal.errors import ParameterError
    from azimuthal.geometry import Beam

    if angstrom is not None and energy is not None:
        raise ParameterError("--wavelength, --energy: two views of one value; give one of them.")
    if energy is not None:
        return Beam.from_energy(energy).wavelength
    return None if angstrom is None else angstrom * 1e-10
