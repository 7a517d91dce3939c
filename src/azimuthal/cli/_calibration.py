# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""One calibration with its options and messages: what ``calibrate``, ``recalibrate`` and ``run`` share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from azimuthal.cli._parsing import option

if TYPE_CHECKING:
    from collections.abc import Callable

    from azimuthal.pipelines.calibration_recipe import CalibrationSettings
    from azimuthal.pipelines.calibration_run import CalibrationRun, PixelRun

CODES = {"good": 0, "doubtful": 3, "failed": 4}
_DIFFERENT = 1
_SHOWN = 5
_OPTIONS = (
    option(
        "--fix",
        multiple=True,
        metavar="NAME",
        help="Do not refine it; may be repeated.  rot3 and wavelength are fixed anyway, unless --free.",
    ),
    option("--free", multiple=True, metavar="NAME", help="Refine it; may be repeated."),
    option("--mask", "masks", multiple=True, metavar="FILE", help="Image of 0 and 1, 1 = exclude; may be repeated."),
    option("--saturation", type=float, metavar="VALUE", help="Raw value from which a pixel counts as saturated."),
    option("--rings", type=int, metavar="N", help="Use at most so many rings, from the innermost."),
    option(
        "--accuracy",
        type=float,
        default=0.1,
        show_default=True,
        metavar="PIXELS",
        help="What 'good' promises: two theta is right to it, everywhere on the detector.",
    ),
    option("-o", "--output", metavar="FILE", help="PONI file to write.  Default: none, print only."),
    option("--points", metavar="FILE", help="Write the control points (.npt of pyFAI)."),
    option("--report", metavar="FILE", help="Write a page with pictures and numbers (.html), whatever the verdict."),
    option(
        "--modules",
        metavar="FILE",
        help="Refine the modules of the detector too and write it (NeXus, .h5); the PONI file names it.",
    ),
    option("--distortion", metavar="FILE", help="The same with a smooth distortion, for detectors without modules."),
    option(
        "--write-recipe", metavar="FILE", help="Write all of it down (.toml, .json): 'azimuthal run FILE' repeats it."
    ),
    option("--force", is_flag=True, help="Replace files that exist."),
)


def calibration_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that both commands of calibrations have, after its own."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def told_settings(options: dict[str, Any], **own: Any) -> CalibrationSettings:
    """Return the settings of the shared options, and those that only one of the commands has."""
    from azimuthal.calibration import RingSettings
    from azimuthal.pipelines.calibration_recipe import CalibrationSettings

    search = {"search": options["search"]} if "search" in options else {}
    shared = ("image", "calibrant", "masks", "accuracy", "output", "points", "report", "modules", "distortion")
    return CalibrationSettings(
        **{name: options[name] for name in shared}, **own, fix=_fixed(options["fix"], options["free"]),
        rings=RingSettings(saturation=options["saturation"], max_rings=options["rings"], **search),
    )  # fmt: skip


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


def told_wavelength(angstrom: float | None, energy: float | None) -> float | None:
    """Return the wavelength in m of --wavelength or --energy; None: neither is given."""
    from azimuthal.errors import ParameterError
    from azimuthal.geometry import Beam

    if angstrom is not None and energy is not None:
        raise ParameterError("--wavelength, --energy: two views of one value; give one of them.")
    if energy is not None:
        return Beam.from_energy(energy).wavelength
    return None if angstrom is None else angstrom * 1e-10


def told_range(angstrom: tuple[float, float] | None, energy: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the range of wavelengths in m of --wavelength-range or --energy-range; None: neither is given."""
    from azimuthal._validate import interval
    from azimuthal.errors import ParameterError
    from azimuthal.geometry import Beam

    if angstrom is not None and energy is not None:
        raise ParameterError("--wavelength-range, --energy-range: two views of one range; give one of them.")
    if energy is not None:
        low, high = interval("--energy-range", energy, unit="keV")
        return Beam.from_energy(high).wavelength or 0.0, Beam.from_energy(low).wavelength or 0.0
    if angstrom is None:
        return None
    low, high = interval("--wavelength-range", angstrom, unit="angstrom")
    return Beam(low * 1e-10).wavelength or 0.0, Beam(high * 1e-10).wavelength or 0.0


def run_and_tell(
    settings: CalibrationSettings, *, force: bool, recipe: str | None = None, quiet: bool = False,
    tell: Callable[[str], None] | None = None,
) -> int:  # fmt: skip
    """Calibrate, write, print; return the exit code.

    Parameters
    ----------
    settings:
        What to do.
    force:
        Replace files that exist.
    recipe:
        Name of a recipe to be written with what was found; not when the calibration failed.
    quiet:
        Print the verdict and errors only.
    tell:
        Called with a sentence before every step of a calibration from scratch.
    """
    from pathlib import Path

    from azimuthal._pending_file import check_target
    from azimuthal.pipelines.calibration_recipe import write_calibration_recipe
    from azimuthal.pipelines.calibration_run import run_calibration

    if recipe is not None:
        check_target(Path(recipe), force=force)
    done = run_calibration(settings, force=force, tell=tell)
    found = done.calibration
    print(f"verdict: {found.verdict}" if quiet else found.summary())
    if done.pixels is not None:
        _tell_pixels(done.pixels, quiet=quiet)
    for name, path in done.written.items():
        print(f"{path}: {_described(name, done)}")
    if found.verdict == "failed":
        wrote = "nothing but the report was written" if "report" in done.written else "nothing was written"
        print(f"error: the calibration failed; {wrote}", file=sys.stderr)
    elif recipe is not None:
        print(f"{write_calibration_recipe(done.settings, recipe, force=force)}: recipe")
    return _compared(done) or CODES[done.verdict]


def _tell_pixels(pixels: PixelRun, *, quiet: bool) -> None:
    kind = pixels.kind
    print(f"{kind}: {pixels.refined.verdict}" if quiet else f"{kind}:\n{pixels.refined.summary()}")
    if pixels.again is None:
        print(f"{kind}: not written; geometry, points and report are those of the nominal detector")
    else:
        again = pixels.again
        print(f"with that detector: {again.verdict}" if quiet else f"with that detector:\n{again.summary()}")


def _described(name: str, done: CalibrationRun) -> str:
    if name == "geometry":
        return f"written ({done.verdict})"
    return f"{len(done.final.control_points)} control points" if name == "points" else name


def _compared(done: CalibrationRun) -> int:
    """Say whether the numbers are those of the record; return 1 when they are not."""
    if not done.compared:
        return 0
    if not done.differences:
        print("the numbers are those of the recipe, bit for bit")
        return 0
    more = f", and {len(done.differences) - _SHOWN} more" if len(done.differences) > _SHOWN else ""
    print(f"error: other numbers than in the recipe: {'; '.join(done.differences[:_SHOWN])}{more}", file=sys.stderr)
    return _DIFFERENT
