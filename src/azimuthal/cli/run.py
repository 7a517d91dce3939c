# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal run``: what a recipe says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from azimuthal.cli._parsing import argument, command, option
from azimuthal.cli._running import run_batch


@command(name="run")
@argument("recipe_file", metavar="RECIPE")
@argument("images", nargs=-1, metavar="[IMAGE]...")
@option("-o", "--output", metavar="NAME", help="Instead of the output that the recipe names.")
@option("--force", is_flag=True, help="Replace files that exist.")
@option("--threads", type=int, help="Number of threads.  Default: all cores that may be used.")
@option(
    "--keep-every", type=float, default=5.0, show_default=True, metavar="SECONDS",
    help="How often results on the way into one file are put aside, safe from whatever happens.",
)  # fmt: skip
@option("--log", metavar="FILE", help="Append what happens to a file, one JSON record per line.")
@option("--dry-run", is_flag=True, help="Check everything, say what would be written, integrate nothing.")
@option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def run_command(**options: Any) -> int:
    """Do what RECIPE (.toml or .json) says: '--write-recipe FILE' of 'integrate' and 'recalibrate' writes one.

    IMAGE... is used instead of the images that the recipe names.  Paths in a recipe are relative to its folder.
    """
    from azimuthal.pipelines.calibration_recipe import CALIBRATION_KEY
    from azimuthal.pipelines.recipe import read_document, read_recipe

    document = read_document(options["recipe_file"])
    if CALIBRATION_KEY in document:
        return _calibrate(document, options)
    settings = read_recipe(options["recipe_file"])
    changes: dict[str, Any] = {name: options[name] for name in ("force", "threads", "keep_every")}
    changes |= {name: options[name] for name in ("images", "output") if options[name]}
    return run_batch(dataclasses.replace(settings, **changes), options)


def _calibrate(document: Mapping[str, Any], options: Mapping[str, Any]) -> int:
    """Run the recipe of a calibration; what was found with another image is not compared."""
    from pathlib import Path

    from azimuthal.cli._calibration import run_and_tell
    from azimuthal.errors import ParameterError, UnsupportedOptionError
    from azimuthal.pipelines.calibration_recipe import calibration_settings

    for name in ("threads", "log", "dry_run"):
        if options[name]:
            raise UnsupportedOptionError(
                f"--{name.replace('_', '-')}: has no meaning for the recipe of a calibration. Leave it out."
            )
    settings = calibration_settings(document, folder=Path(options["recipe_file"]).parent, source=options["recipe_file"])
    if len(options["images"]) > 1:
        raise ParameterError(f"IMAGE: a calibration has one image, got {len(options['images'])}.")
    if options["images"]:
        settings = dataclasses.replace(settings, image=options["images"][0], found=None)
    if options["output"]:
        settings = dataclasses.replace(settings, output=options["output"])
    return run_and_tell(settings, force=options["force"], quiet=options["quiet"])
