# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal convert``: geometries, detectors, masks and recipes in other formats."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

from azimuthal.cli._parsing import argument, command, option
from azimuthal.errors import AzimuthalWarning, ParameterError

_EXAMPLES = """\b
Examples:
  azimuthal convert geometry calibration.poni experiment.geom
  azimuthal convert geometry XPARM.XDS a.poni --detector Eiger2_16M
  azimuthal convert detector Pilatus1M pilatus.h5 --flat flat.edf
  azimuthal convert detector distortion.spline frelon.h5
  azimuthal convert mask run_master.h5 mask.edf
  azimuthal convert recipe .azimint.json run.toml
  azimuthal convert recipe experiment.dio run.toml"""
_KINDS = ("geometry", "detector", "mask", "recipe")


@command(name="convert", epilog=_EXAMPLES)
@argument("kind", metavar="geometry|detector|mask|recipe")
@argument("source", metavar="SOURCE")
@argument("target", metavar="TARGET")
@option("--detector", metavar="NAME", help="geometry: which detector, where SOURCE does not say it.")
@option("--shape", type=int, nargs=2, metavar="ROWS COLUMNS", help="geometry: pixels, where SOURCE does not say it.")
@option("--from", "source_format", metavar="FORMAT", help="geometry: where the extension does not say it.")
@option("--to", "target_format", metavar="FORMAT", help="geometry: where the extension does not say it.")
@option("--orientation", type=int, help="detector: 1 to 4, how images are stored.")
@option("--binning", type=int, nargs=2, metavar="SLOW FAST", help="detector: combined pixels.")
@option("--mask", "masks", multiple=True, metavar="FILE", help="detector: static mask to be stored; may be repeated.")
@option("--flat", metavar="FILE", help="detector: flat image to be stored.")
@option("--dark", metavar="FILE", help="detector: dark image to be stored.")
@option("--bits", metavar="BITS", help="mask: of a pixel mask, e.g. gap,dead,4.  Default: any.")
@option("--flip-rows", is_flag=True, help="mask: SOURCE is upside down (old Dioptas).")
@option("--force", is_flag=True, help="Replace TARGET if it exists.")
def convert_command(kind: str, source: str, target: str, **options: Any) -> int:
    """Write SOURCE in the format of TARGET, which its extension says.

    A detector is a file or a name of the catalogue; a recipe is one of azimuthal (.toml, .json), a configuration of
    pyFAI (.json) or a project of Dioptas (.dio).  What a format has no place for is named.
    """
    from azimuthal._pending_file import check_target
    from azimuthal._validate import one_of

    one_of("kind", kind, _KINDS)
    _refuse_others(kind, options)
    check_target(Path(target), force=options["force"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AzimuthalWarning)
        convert = {"geometry": _geometry, "detector": _detector, "mask": _mask, "recipe": _recipe}[kind]
        words = convert(source, target, options)
    print(words)
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    return 0


_OPTIONS = {
    "geometry": ("detector", "shape", "source_format", "target_format"),
    "detector": ("orientation", "binning", "masks", "flat", "dark"),
    "mask": ("bits", "flip_rows"),
    "recipe": (),
}


def _refuse_others(kind: str, options: dict[str, Any]) -> None:
    for other, names in _OPTIONS.items():
        for name in names:
            if other != kind and options[name]:
                option_name = {"source_format": "from", "target_format": "to", "masks": "mask"}.get(name, name)
                raise ParameterError(
                    f"--{option_name.replace('_', '-')}: belongs to 'convert {other}', not to 'convert {kind}'."
                )


def _geometry(source: str, target: str, options: dict[str, Any]) -> str:
    from azimuthal.io.geometry_files import load_instrument, save_instrument

    instrument = load_instrument(
        source,
        detector=options["detector"],
        shape=tuple(options["shape"]) if options["shape"] else None,
        format=options["source_format"],
    )
    save_instrument(instrument, target, options["target_format"], force=options["force"])
    return f"{target}:\n{instrument.describe()}"


def _detector(source: str, target: str, options: dict[str, Any]) -> str:
    from azimuthal.detectors import detector
    from azimuthal.io.detector_files import load_detector, load_detector_images, save_detector
    from azimuthal.pipelines.description import detector_facts
    from azimuthal.pipelines.pixel_files import read_image, read_masks

    flat = dark = None
    if source.lower().endswith(".spline"):
        found = detector("Detector", spline=source)
    elif Path(source).is_file():
        found, images = load_detector(source), load_detector_images(source)
        flat, dark = images.flatfield, images.darkcurrent
    else:
        found = detector(source)
    if options["orientation"]:
        found = found.with_orientation(options["orientation"])
    mask = read_masks(options["masks"], found.shape)
    if mask is not None:
        found = found.with_mask(mask)
    if options["binning"]:
        if flat is not None or dark is not None:
            raise ParameterError(f"--binning: {source} holds a flat or a dark, which are not combined here.")
        found = found.with_binning(*options["binning"])
    flat = flat if options["flat"] is None else read_image("flat", options["flat"], found.shape)
    dark = dark if options["dark"] is None else read_image("dark", options["dark"], found.shape)
    save_detector(found, target, force=options["force"], flatfield=flat, darkcurrent=dark)
    return "\n".join((f"{target}:", *(f"  {name}: {words}" for name, words in detector_facts(found))))


def _mask(source: str, target: str, options: dict[str, Any]) -> str:
    from azimuthal.io.mask_files import load_mask, save_mask
    from azimuthal.masks import describe

    bits = [part.strip() for part in (options["bits"] or "").split(",") if part.strip()]
    mask = load_mask(source, bits=bits or None, flip_rows=options["flip_rows"])
    save_mask(mask, target, force=options["force"])
    return f"{target}: {describe(mask)}"


def _recipe(source: str, target: str, options: dict[str, Any]) -> str:
    from azimuthal.pipelines.recipe_import import convert_recipe

    found = convert_recipe(source, target, force=options["force"])
    lines = [f"{target}: recipe out of {found.kind}"]
    lines += [f"  with {path}" for path in found.written[1:]]
    lines += [f"  not in it: {one}" for one in found.lost]
    return "\n".join(lines)
