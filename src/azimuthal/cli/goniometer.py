# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal goniometer``: refine the model of a moving detector, or ask it where the detector is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from azimuthal.cli._parsing import argument, command, option, subcommands

if TYPE_CHECKING:
    from azimuthal.calibration import Goniometer
    from azimuthal.calibration.goniometer_calibration import GoniometerCalibration

_CODES = {"good": 0, "doubtful": 3, "failed": 4}

_REFINE_EXAMPLES = """\b
Examples:
  azimuthal goniometer refine scan_*.cbf --model start.json --positions positions.csv --calibrant LaB6 -o good.json
  azimuthal goniometer refine scan.h5 --model start.json --motor tth=twotheta --calibrant LaB6 --fix scale
  azimuthal goniometer refine s_*.cbf --detector Pilatus300k --energy 14 --positions p.csv --calibrant LaB6
Exit code: 0 good, 3 doubtful (written all the same), 4 failed (nothing written)."""
_ARM_EXAMPLES = """\b
Examples:
  azimuthal goniometer arm at_zero.poni -o start.json
  azimuthal goniometer arm at_10.poni --motor delta --at 10 --axis 2 --direction -1 -o start.json"""
_SHOW_EXAMPLES = """\b
Examples:
  azimuthal goniometer show good.json
  azimuthal goniometer show good.json --at 12.5 -o at_12.5.poni
  azimuthal goniometer show two_axes.json --at delta=10 --at gamma=4"""


@subcommands(name="goniometer")
def goniometer_command() -> None:
    """Calibrate a detector that motors move, and ask where it is."""


@command(name="refine", epilog=_REFINE_EXAMPLES)
@argument("images", metavar="IMAGES...", nargs=-1, required=True)
@option("--model", metavar="FILE", help="Rough goniometer: JSON, as pyFAI and azimuthal write it.")
@option("--detector", metavar="NAME", help="Instead of --model: look for an arm from nothing; with the wavelength.")
@option("--calibrant", required=True, metavar="NAME", help="'azimuthal calibrants' lists them; or a .D or .cif file.")
@option("--positions", metavar="FILE", help="Table of motor positions.  Default: what the images tell themselves.")
@option("--motor", "motors", multiple=True, metavar="MOTOR=NAME", help="Name of a motor in the table or the images.")
@option("--image-column", metavar="NAME", help="Column of the table that tells the image: its name or its number.")
@option("-w", "--wavelength", type=float, metavar="A", help="Angstrom, instead of the model's.")
@option("-e", "--energy", type=float, metavar="keV", help="Instead of --wavelength.")
@option("--fix", multiple=True, metavar="NAME", help="Parameter that is not refined; may be repeated.")
@option("--mask", "masks", multiple=True, metavar="FILE", help="Image of 0 and 1, 1 = exclude; may be repeated.")
@option("--search", type=float, default=12.0, show_default=True, metavar="PIXELS", help="How far rings may be off.")
@option("--saturation", type=float, metavar="VALUE", help="Raw value from which a pixel counts as saturated.")
@option("--rings", type=int, metavar="N", help="Use at most so many rings of an image, from the innermost.")
@option(
    "--accuracy", type=float, default=0.1, show_default=True, metavar="PIXELS", help="Of two theta: what good means."
)
@option("-o", "--output", metavar="FILE", help="Goniometer file to write.  Default: none, print only.")
@option("--points", metavar="FOLDER", help="Write the control points of every image there (.npt of pyFAI).")
@option("--force", is_flag=True, help="Replace files that exist.")
def refine_command(**options: Any) -> int:
    """Refine a goniometer on many images of a calibrant, and say how well it is known.

    IMAGES are files of frames of one detector at many positions of its motors.  Without --model some images are
    calibrated alone, and an arm is tried in every direction.
    """
    from pathlib import Path

    from azimuthal._pending_file import check_target
    from azimuthal.cli._calibration import told_wavelength
    from azimuthal.errors import ParameterError
    from azimuthal.pipelines.goniometer import calibrate_goniometer

    if (options["model"] is None) == (options["detector"] is None):
        raise ParameterError(
            "--model, --detector: give one of them: a rough goniometer ('azimuthal goniometer arm' makes it of a "
            "geometry), or the detector, to look for an arm from nothing."
        )
    if options["output"] is not None:
        check_target(Path(options["output"]), force=options["force"])
    found = calibrate_goniometer(
        list(options["images"]) if len(options["images"]) > 1 else options["images"][0],
        options["model"],
        options["calibrant"],
        detector=options["detector"],
        positions=options["positions"],
        motors=_pairs("--motor", options["motors"]),
        image_column=options["image_column"],
        wavelength=told_wavelength(options["wavelength"], options["energy"]),
        fix=options["fix"],
        mask=_mask(options),
        search=options["search"],
        saturation=options["saturation"],
        max_rings=options["rings"],
        accuracy=options["accuracy"],
    )
    print(found.summary())
    if found.verdict == "failed":
        print("error: the calibration failed; nothing was written", file=sys.stderr)
        return _CODES["failed"]
    if options["output"] is not None:
        found.save(options["output"], force=options["force"])
        print(f"{options['output']}: written ({found.verdict})")
    if options["points"] is not None:
        _save_points(found, options)
    return _CODES[found.verdict]


@command(name="arm", epilog=_ARM_EXAMPLES)
@argument("geometry", metavar="GEOMETRY")
@option("--motor", default="tth", show_default=True, metavar="NAME", help="Of the arm; in degrees.")
@option("--at", type=float, default=0.0, show_default=True, metavar="VALUE", help="Where it stood for GEOMETRY.")
@option("--axis", type=int, default=1, show_default=True, metavar="1-3", help="1 upright, 2 horizontal, 3 the beam.")
@option(
    "--direction", type=int, default=1, show_default=True, metavar="1|-1", help="-1: rot1 (rot2) decreases with it."
)
@option("-o", "--output", required=True, metavar="FILE", help="Goniometer file to write.")
@option("--force", is_flag=True, help="Replace a file that exists.")
def arm_command(geometry: str, output: str, force: bool, **options: Any) -> int:
    """Write the model of a detector on an arm, from its GEOMETRY (PONI, ...) at one position: a start for 'refine'."""
    from azimuthal.calibration import Goniometer
    from azimuthal.io.geometry_files import load_instrument

    found = Goniometer.arm(load_instrument(geometry), **options)
    found.save(output, force=force)
    print(found.describe())
    print(f"{output}: written")
    return 0


@command(name="show", epilog=_SHOW_EXAMPLES)
@argument("model", metavar="FILE")
@option(
    "--at",
    "where",
    multiple=True,
    metavar="VALUE",
    help="Position: MOTOR=VALUE, repeated; or a value of the only motor.",
)
@option("-o", "--output", metavar="FILE", help="Write the geometry of that position: PONI, or another format.")
@option("--force", is_flag=True, help="Replace a file that exists.")
def show_command(model: str, where: tuple[str, ...], output: str | None, force: bool) -> int:
    """Describe a goniometer, or the geometry that it has at a position of its motors."""
    from azimuthal.errors import ParameterError
    from azimuthal.io.geometry_files import save_instrument
    from azimuthal.io.goniometer_files import load_goniometer, read_goniometer_facts

    found = load_goniometer(model)
    if not where:
        if output is not None:
            raise ParameterError("--output: a geometry belongs to a position; give --at.")
        print(found.describe())
        print("\n".join(f"{name}: {_words(value)}" for name, value in read_goniometer_facts(model).items()))
        return 0
    position = _position(found, where)
    instrument = found.instrument(position)
    print(instrument.describe())
    if found.covariance is not None:
        print(f"two theta:     known to {found.two_theta_error(position):.3f} pixel")
        if not found.is_covered(position):
            print("position:      beyond those that it was refined on")
    if output is not None:
        save_instrument(instrument, output, force=force)
        print(f"{output}: written")
    return 0


goniometer_command.add_command(refine_command)
goniometer_command.add_command(arm_command)
goniometer_command.add_command(show_command)


def _position(goniometer: Goniometer, where: tuple[str, ...]) -> Any:
    from azimuthal.errors import ParameterError

    if len(where) == 1 and "=" not in where[0]:
        return goniometer.position([_number("--at", where[0])])
    pairs = _pairs("--at", where)
    if len(pairs) != len(where):
        raise ParameterError("--at: a motor is given twice.")
    return goniometer.position({name: _number(f"--at {name}", value) for name, value in pairs.items()})


def _pairs(name: str, given: tuple[str, ...]) -> dict[str, str]:
    from azimuthal.errors import ParameterError

    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise ParameterError(f"{name}: expected MOTOR=..., got {text!r}.")
        found[key.strip()] = value.strip()
    return found


def _number(name: str, text: str) -> float:
    from azimuthal._validate import finite_number

    return finite_number(name, text)


def _words(value: Any) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _mask(options: dict[str, Any]) -> Any:
    from azimuthal.io.frames import open_frames
    from azimuthal.pipelines.pixel_files import read_masks

    if not options["masks"]:
        return None
    with open_frames(list(options["images"])) as frames:
        return read_masks(options["masks"], frames.shape)


def _save_points(found: GoniometerCalibration, options: dict[str, Any]) -> None:
    """Write one file of control points per image that has some."""
    from pathlib import Path

    from azimuthal.crystallography import calibrant as find_calibrant
    from azimuthal.io.control_point_files import save_control_points

    folder, rings = Path(options["points"]), find_calibrant(options["calibrant"])
    folder.mkdir(exist_ok=True)
    assert found.refinement is not None  # failed otherwise
    with_points = [one for one in found.refinement.frames if len(one.points)]
    for one in with_points:
        wavelength = found.goniometer.instrument(one.position).beam.required_wavelength("control points")
        save_control_points(one.points, folder / f"{one.label}.npt", rings, wavelength, force=options["force"])
    print(f"{folder}: control points of {len(with_points)} images")
