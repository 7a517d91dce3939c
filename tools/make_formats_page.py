# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Write ``docs/reference/formats.md`` from the tables of the code: ``python tools/make_formats_page.py``.

Run it again when a reader or a writer is added or its rules change; a test says when it was forgotten.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from pathlib import Path

from azimuthal.io import geometry_files, image_files
from azimuthal.io.frames import _registry as readers
from azimuthal.io.writers import formats

TARGET = Path(__file__).parents[1] / "docs/reference/formats.md"

HEAD = """\
# File formats

<!-- Written by tools/make_formats_page.py from the tables of the code. Do not edit it by hand. -->

What a format cannot hold is said here, in its header and, where rows are left out, by a `ConversionLossWarning`. What a
format cannot express at all (unequal bins where it wants a constant step, an axis that it does not know) is an error,
never a silent conversion. `.h5` keeps everything: write it first, the others from it (`az.load_result`).
"""

WRITERS = """
## Results

Written by `azimuthal.save()`, `result.save()` and `azimuthal integrate -o`; the end of the name chooses the format, the
longest one counts: `a.cansas.h5` is NXcanSAS, `a.h5` is NXazint. `save(..., format=name)` takes the name of the first
column. Profiles are patterns, cakes are maps, sets are the several results of one frame; "several" means that one file
holds the results of many frames.
"""

READERS = """
## Images, read

The content decides where it can, the extension otherwise. Files compressed with gzip or bzip2 are read as they are.
"""

GEOMETRIES = """
## Geometries

Read by `azimuthal.load()` and `--poni`, written by `azimuthal.save_geometry()`. The content decides where the extension
does not.
"""

IMAGES = """
## Images, written

Single images and averages: `azimuthal.save_image()`, `azimuthal average`: {suffixes}.
"""

CALIBRATIONS = """
## Calibrations, recipes, detectors

`azimuthal info FILE` says which of these a file is. Their modules tell the keys.
"""

#: What it is, how it ends, the module that tells its rules, read by, written by.
DOCUMENTS = (
    ("goniometer (JSON of pyFAI, versions 1.1 and 2)", ".json", "azimuthal.io.goniometer_files",
     "az.load_goniometer, azimuthal goniometer", "az.save_goniometer, azimuthal goniometer refine -o"),
    ("control points (pyFAI)", ".npt", "azimuthal.io.control_point_files",
     "az.load_control_points", "az.save_control_points, azimuthal calibrate --points"),
    ("calibration: PONI with covariance and verdict", ".poni", "azimuthal.io.calibration_files",
     "az.load, azimuthal.io.load_covariance", "az.Calibration.save, azimuthal calibrate -o"),
    ("report of a calibration", ".html", "azimuthal.io.calibration_files",
     "azimuthal.io.load_calibration_report", "az.Calibration.save_report, azimuthal calibrate --report"),
    ("recipe of a calibration", ".toml .json", "azimuthal.pipelines.calibration_recipe",
     "azimuthal run", "azimuthal calibrate --write-recipe"),
    ("recipe of an integration", ".toml .json", "azimuthal.pipelines.recipe",
     "azimuthal run", "azimuthal integrate --write-recipe"),
    ("calibrant: one spacing a line", ".D", "azimuthal.crystallography.d_files",
     "az.calibrant, --calibrant", "az.Calibrant.to_d_file"),
    ("calibrant: a crystal structure (needs gemmi)", ".cif", "azimuthal.crystallography.cif",
     "az.calibrant, --calibrant", ""),
    ("detector (NeXus), with displaced modules or distortion", ".h5", "azimuthal.io.detector_files",
     "azimuthal.io.detector_files.load_detector",
     "azimuthal.io.detector_files.save_detector, azimuthal recalibrate --modules, --distortion"),
    ("distortion (Fit2D spline)", ".spline", "azimuthal.detectors.distortion", "azimuthal.detectors.load_spline", ""),
)  # fmt: skip

RULES = """
## The rules of each writer

The documentation of the modules in `azimuthal.io.writers`.
"""


def page() -> str:
    """Return the text of the page."""
    return "".join(
        [
            HEAD,
            WRITERS,
            _table(("name", "ends with", "what", "for", "holds", "axis", "options"), map(_writer_row, formats())),
            "\nWhat each has no place for:\n",
            _table(("name", "lacks"), ([_code(one.name), one.lacks or "nothing"] for one in formats())),
            READERS,
            _table(("name", "ends with", "what"), map(_reader_row, (*readers.BUILT_IN, readers.FABIO))),
            IMAGES.format(suffixes=_codes(image_files.IMAGE_SUFFIXES)),
            GEOMETRIES,
            _table(("name", "ends with", "read", "written"), _geometry_rows()),
            CALIBRATIONS,
            _table(("what", "ends with", "read by", "written by", "rules"), map(_document_row, DOCUMENTS)),
            RULES,
            *map(_rules, dict.fromkeys(one.location.partition(":")[0] for one in formats())),
        ]
    )


def _writer_row(one: object) -> list[str]:
    holds = [
        ("profile", one.holds_profiles),
        ("cake", one.holds_cakes),
        ("set", one.holds_sets),
        ("several", one.holds_many),
    ]
    return [
        _code(one.name),
        _codes(one.extensions),
        one.about,
        one.read_by,
        ", ".join(name for name, held in holds if held),
        one.axis,
        _codes(one.options),
    ]


def _reader_row(one: readers.Reader) -> list[str]:
    about = inspect.getdoc(importlib.import_module(one.location.partition(":")[0])).partition("\n")[0]
    return [_code(one.name), _codes(one.extensions) or "anything else", about.replace("``", "`")]


def _geometry_rows() -> Iterable[list[str]]:
    for name, (endings, is_written) in geometry_files.geometry_formats().items():
        yield [_code(name), _codes(endings), "yes", "yes" if is_written else "no"]


def _document_row(one: tuple[str, ...]) -> list[str]:
    what, endings, module, read, written = one
    importlib.import_module(module)  # it has to be there
    return [what, _codes(endings.split()), *(_codes(text.split(", ")) if text else "-" for text in (read, written)),
            _code(module)]  # fmt: skip


def _rules(module: str) -> str:
    text = inspect.getdoc(importlib.import_module(f"azimuthal.io.writers.{module}"))
    return f"\n### {module}\n\n```text\n{text}\n```\n"


def _table(names: Iterable[str], rows: Iterable[list[str]]) -> str:
    names = list(names)
    lines = [names, ["---"] * len(names), *rows]
    return "\n" + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[str]) -> str:
    return " ".join(map(_code, texts))


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
