# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal run``: what a recipe says."""

from __future__ import annotations

import dataclasses
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
    """Integrate what RECIPE (.toml or .json) says: 'azimuthal integrate ... --write-recipe FILE' writes one.

    IMAGE... is used instead of the images that the recipe names.  Paths in a recipe are relative to its folder.
    """
    from azimuthal.pipelines.recipe import read_recipe

    settings = read_recipe(options["recipe_file"])
    changes: dict[str, Any] = {name: options[name] for name in ("force", "threads", "keep_every")}
    changes |= {name: options[name] for name in ("images", "output") if options[name]}
    return run_batch(dataclasses.replace(settings, **changes), options)
